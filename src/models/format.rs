//! Which weight formats suit a machine: llama.cpp reads prompts several times faster in those that it can rearrange for the
//! processor's instructions.
//!
//! As of llama.cpp's `ggml-cpu/repack.cpp`, which holds the list. On two cores with AVX-512 a 1B model read 215 tokens of a
//! prompt a second in `Q4_0`, 148 in `Q4_K_M` and 45 in `Q4_1`; the answer's own speed follows the file's size alone.

use std::fmt;

use serde::Serialize;

/// How well a format suits a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Suits {
    /// Prompts are read fastest.
    Best,
    /// Nearly so.
    Well,
    /// Prompts are read several times more slowly.
    Slow,
}

impl fmt::Display for Suits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Best => "best",
            Self::Well => "well",
            Self::Slow => "slow",
        })
    }
}

/// What a machine computes with, as far as formats differ by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// A GPU build: every format is fast.
    Gpu,
    /// x86-64 with AVX-512.
    Avx512,
    /// x86-64 with AVX2.
    Avx2,
    /// ARM with 8-bit matrix or dot products.
    Arm,
    /// Anything else.
    Plain,
}

impl Machine {
    /// This one.
    #[must_use]
    pub fn here() -> Self {
        if cfg!(any(feature = "cuda", feature = "vulkan", feature = "metal", feature = "rocm")) {
            return Self::Gpu;
        }
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx512f") {
            return Self::Avx512;
        } else if std::arch::is_x86_feature_detected!("avx2") {
            return Self::Avx2;
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("dotprod") {
            return Self::Arm;
        }
        Self::Plain
    }

    /// How well a format suits it; `None` where that is not known.
    #[must_use]
    pub fn suits(self, format: &str) -> Option<Suits> {
        let rearranged = match format {
            "Q4_0" | "IQ4_NL" => Suits::Best,
            _ if format.starts_with("Q4_K") => Suits::Well,
            "F32" | "BF16" | "F16" => return None,
            _ => Suits::Slow,
        };
        match self {
            Self::Gpu => Some(if format.starts_with("Q4") { Suits::Best } else { Suits::Well }),
            Self::Avx512 | Self::Avx2 | Self::Arm => Some(rearranged),
            Self::Plain => None,
        }
    }

    /// What to choose on it, in one sentence; a second one where this build does not use all that the machine has.
    #[must_use]
    pub fn advice(self) -> String {
        let name = match self {
            Self::Gpu => {
                return "This build uses the GPU, where every format is fast: Q4_K_M keeps most of the model for its size."
                    .to_owned();
            }
            Self::Plain => {
                return "On this processor formats differ by their size alone: Q4_K_M is a good one.".to_owned();
            }
            Self::Avx512 => "AVX-512",
            Self::Avx2 => "AVX2",
            Self::Arm => "dot products",
        };
        let choice = format!(
            "This processor ({name}) reads prompts fastest in Q4_0, nearly so in Q4_K_M, which keeps a little more of the \
             model, and several times more slowly in Q4_1, Q5 and Q8."
        );
        let uses_all = cfg!(any(target_feature = "avx512f", feature = "dynamic-backends"));
        if self == Self::Avx512 && !uses_all {
            return format!(
                "{choice} This build does not use AVX-512: one made here with `cargo build --release` reads prompts 1.6 to \
                 2.1 times as fast."
            );
        }
        choice
    }
}

/// The format that a GGUF file's name tells: `Q4_K_M` of `Llama-3.2-1B-Instruct-Q4_K_M.gguf`.
#[must_use]
pub fn of_file_name(name: &str) -> Option<String> {
    let stem = name.strip_suffix(".gguf").unwrap_or(name).to_ascii_uppercase();
    let last = stem.rsplit(['-', '.']).next()?;
    let digits = last.trim_start_matches("IQ").trim_start_matches('Q');
    let quantised = digits.len() < last.len() && digits.starts_with(|c: char| c.is_ascii_digit());
    (quantised || matches!(last, "F16" | "BF16" | "F32")).then(|| last.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Machine, Suits, of_file_name};

    #[test]
    fn a_files_name_tells_its_format() {
        let format = |name| of_file_name(name);
        assert_eq!(format("Llama-3.2-1B-Instruct-Q4_K_M.gguf").as_deref(), Some("Q4_K_M"));
        assert_eq!(format("SmolLM2-135M-Instruct.Q4_1.gguf").as_deref(), Some("Q4_1"));
        assert_eq!(format("gemma-3-270m-q4_k_m.gguf").as_deref(), Some("Q4_K_M"));
        assert_eq!(format("model-iq4_nl.gguf").as_deref(), Some("IQ4_NL"));
        assert_eq!(format("model.f16.gguf").as_deref(), Some("F16"));
        for none in ["qwen.gguf", "my-model.gguf", "Q.gguf", ""] {
            assert_eq!(format(none), None, "{none}");
        }
    }

    #[test]
    fn what_is_rearranged_suits_a_processor_and_a_gpu_takes_all() {
        assert_eq!(Machine::Avx2.suits("Q4_0"), Some(Suits::Best));
        assert_eq!(Machine::Avx512.suits("Q4_K_M"), Some(Suits::Well));
        assert_eq!(Machine::Arm.suits("Q4_1"), Some(Suits::Slow));
        assert_eq!(Machine::Gpu.suits("Q4_K_M"), Some(Suits::Best));
        assert_eq!(Machine::Plain.suits("Q4_0"), None);
        assert!(Machine::here().advice().contains("Q4_"));
    }
}
