//! How many layers of each model the GPU takes, where the config leaves it open (`gpu_layers: auto`).
//!
//! Chat's model is served first, since its speed is felt most. Reckoned before anything is loaded, since what one model's
//! context takes is not known yet when the next is read; on the careful side, since too much ends in no model at all.

use std::path::Path;

use llama_cpp_2::gguf::GgufContext;
use llama_cpp_2::{LlamaBackendDevice, LlamaBackendDeviceType, list_llama_ggml_backend_devices};

use crate::inference::protocol::TierPlan;

/// Kept free for what each model's context computes in, which llama.cpp tells only when it is made.
const WORKSPACE: u64 = 512 << 20;
/// Keys and values are two bytes each.
const CELL_BYTES: u64 = 2;
/// The number of the type `u32` in a GGUF header.
const GGUF_U32: u32 = 4;

/// What a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    /// Its layers, the output counted as one more, as llama.cpp does.
    layers: u64,
    /// The whole file.
    weights: u64,
    /// Keys and values of all its contexts' cells.
    memory: u64,
}

impl Size {
    /// Of a file that the tiers' contexts share; `None` where it does not say.
    fn read(file: &Path, tiers: &[TierPlan]) -> Option<Self> {
        let weights = std::fs::metadata(file).ok()?.len();
        let header = GgufContext::from_file(file)?;
        let architecture = header.val_str(Some(header.find_key("general.architecture")).filter(|key| *key >= 0)?)?;
        let number = |name: &str| {
            let key = header.find_key(&format!("{architecture}.{name}"));
            (key >= 0 && header.kv_type(key) == GGUF_U32).then(|| u64::from(header.val_u32(key)))
        };
        let blocks = number("block_count")?;
        let heads = number("attention.head_count").filter(|heads| *heads > 0)?;
        let key_length = number("attention.key_length").or_else(|| Some(number("embedding_length")? / heads))?;
        let value_length = number("attention.value_length").unwrap_or(key_length);
        // An array where layers differ; as many as there are heads at most.
        let kv_heads = number("attention.head_count_kv").unwrap_or(heads);
        let cells: u64 = tiers.iter().map(|tier| u64::from(tier.ctx_size) * u64::from(tier.slots.max(1) + 1)).sum();
        // Saturating: a header may say anything.
        let cell = kv_heads.saturating_mul(key_length.saturating_add(value_length)).saturating_mul(CELL_BYTES);
        let memory = blocks.saturating_mul(cells).saturating_mul(cell);
        Some(Self { layers: blocks + 1, weights, memory })
    }

    /// The layers that fit, and what they take.
    fn fit(self, free: u64) -> (u64, u64) {
        let all = self.weights.saturating_add(self.memory);
        let left = free.saturating_sub(WORKSPACE);
        let layer = (all / self.layers).max(1);
        let fitting = if all <= left { self.layers } else { (left / layer).min(self.layers.saturating_sub(1)) };
        let taken = if fitting == self.layers { all } else { fitting * layer };
        (fitting, if fitting == 0 { 0 } else { taken + WORKSPACE })
    }
}

/// What is free on the GPUs.
pub(super) struct Room {
    free: u64,
    names: String,
}

impl Room {
    /// The GPUs that llama.cpp will use: its own cards, else what is built into the processor.
    pub(super) fn look() -> Self {
        let devices = list_llama_ggml_backend_devices();
        let of = |wanted: LlamaBackendDeviceType| {
            devices.iter().filter(move |device| device.device_type == wanted).collect::<Vec<_>>()
        };
        let cards = of(LlamaBackendDeviceType::Gpu);
        let used = if cards.is_empty() { of(LlamaBackendDeviceType::IntegratedGpu) } else { cards };
        let free = used.iter().map(|device| u64::try_from(device.memory_free).unwrap_or(0)).sum();
        let name = |device: &&LlamaBackendDevice| format!("{} ({})", device.name, device.description);
        Self { free, names: used.iter().map(name).collect::<Vec<_>>().join(", ") }
    }

    /// Takes room for a model, and says how many of its layers have it.
    pub(super) fn take(&mut self, file: &Path, tiers: &[TierPlan]) -> u32 {
        if self.names.is_empty() {
            return 0;
        }
        let name = tiers.first().map_or("a model", |tier| tier.name.as_str());
        let Some(size) = Size::read(file, tiers) else {
            log::warn!("{name} does not say how large its layers are, so none goes to the GPU; set gpu_layers");
            return 0;
        };
        let (layers, taken) = size.fit(self.free);
        log::info!(
            "gpu_layers: auto takes {layers} of {name}'s {} layers onto {}, where {} MiB are free of which they need {}",
            size.layers,
            self.names,
            self.free >> 20,
            taken >> 20
        );
        self.free = self.free.saturating_sub(taken);
        u32::try_from(layers).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::{Size, WORKSPACE};

    const GIB: u64 = 1 << 30;
    /// About the 3B model of the catalogue.
    const LARGE: Size = Size { layers: 29, weights: 2 * GIB, memory: GIB / 2 };

    #[test]
    fn a_model_that_fits_goes_whole() {
        assert_eq!(LARGE.fit(4 * GIB), (29, LARGE.weights + LARGE.memory + WORKSPACE));
        assert_eq!(LARGE.fit(LARGE.weights + LARGE.memory + WORKSPACE).0, 29);
    }

    #[test]
    fn of_one_that_does_not_as_many_layers_go_as_there_is_room_for() {
        let (layers, taken) = LARGE.fit(2 * GIB);
        assert!((15..20).contains(&layers) && taken <= 2 * GIB, "{layers} layers, {taken} bytes");
        // One byte short: never all of them, since the last is larger than the others.
        assert_eq!(LARGE.fit(LARGE.weights + LARGE.memory + WORKSPACE - 1).0, 28);
    }

    #[test]
    fn a_full_gpu_takes_none() {
        assert_eq!((LARGE.fit(WORKSPACE), LARGE.fit(0)), ((0, 0), (0, 0)));
    }
}
