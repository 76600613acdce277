//! The models of a plan: which files to read, each once, and which tiers are made of them.
//!
//! Files are read on a thread of their own, one after the other and chat's first, so that chat answers while the large
//! model is still being read. Contexts are made on the computing thread, which alone uses them.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Instant;

#[cfg(feature = "llama")]
use llama_cpp_2::{llama_backend::LlamaBackend, model::LlamaModel};

use super::fake::{self, FakeTier};
#[cfg(feature = "llama")]
use super::gpu::Room;
#[cfg(feature = "llama")]
use super::llama::{self, LlamaTier};
use super::model::Model;
use super::schedule::Scheduler;
#[cfg(feature = "llama")]
use super::{gguf, sums};
use crate::core::gpu_layers::GpuLayers;
#[cfg(feature = "llama")]
use crate::inference::protocol::ModelTier;
use crate::inference::protocol::{FromWorker, LoadPlan, LoadedTier, TierPlan};

/// Everything that a plan names, read or not.
pub(super) struct Library {
    files: Vec<ModelFile>,
    #[cfg(feature = "llama")]
    backend: OnceLock<Option<LlamaBackend>>,
}

/// One file, and the tiers made of it.
struct ModelFile {
    path: PathBuf,
    gpu_layers: GpuLayers,
    tiers: Vec<TierPlan>,
    begun: Instant,
    content: OnceLock<Result<Content, String>>,
}

#[cfg(feature = "llama")]
impl ModelFile {
    /// Whether llama.cpp may see it, which trusts what it reads.
    fn check(&self) -> Result<(), String> {
        gguf::check(&self.path).map_err(|error| error.to_string())?;
        let known = self.tiers.iter().find_map(|plan| Some((plan.sha256.as_deref()?, plan.state_dir.as_deref())));
        known.map_or(Ok(()), |(sum, state_dir)| sums::check(&self.path, sum, state_dir))
    }
}

enum Content {
    Fake,
    #[cfg(feature = "llama")]
    /// With its layers on the GPU.
    Gguf(LlamaModel, u32),
}

/// Says that a file was read, well or not.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileRead(usize);

impl Library {
    /// Sorts a plan's tiers by their files.
    pub(super) fn new(plan: &LoadPlan) -> Self {
        let mut tiers: Vec<&TierPlan> = plan.tiers.iter().collect();
        tiers.sort_by_key(|plan| plan.tier);
        let mut files: Vec<ModelFile> = Vec::new();
        for plan in tiers {
            // The same file by another name is still the same file.
            let path = plan.file.canonicalize().unwrap_or_else(|_| plan.file.clone());
            match files.iter_mut().find(|file| file.path == path && file.gpu_layers == plan.gpu_layers) {
                Some(file) => file.tiers.push(plan.clone()),
                None => files.push(ModelFile {
                    path,
                    gpu_layers: plan.gpu_layers,
                    tiers: vec![plan.clone()],
                    begun: Instant::now(),
                    content: OnceLock::new(),
                }),
            }
        }
        Self {
            files,
            #[cfg(feature = "llama")]
            backend: OnceLock::new(),
        }
    }

    /// How many files there are to read.
    pub(super) fn files(&self) -> usize {
        self.files.len()
    }

    /// Reads all files in turn and says so after each; stops where nobody listens any more.
    pub(super) fn read_files(&self, say: impl Fn(FileRead) -> bool) {
        #[cfg(feature = "llama")]
        let mut room = None;
        for (number, file) in self.files.iter().enumerate() {
            #[cfg(feature = "llama")]
            let content = self.read(file, &mut room);
            #[cfg(not(feature = "llama"))]
            let content = Self::read(file);
            // Nobody else sets it.
            drop(file.content.set(content));
            if !say(FileRead(number)) {
                return;
            }
        }
    }

    #[cfg(not(feature = "llama"))]
    fn read(file: &ModelFile) -> Result<Content, String> {
        if fake::is_fake(&file.path) {
            return fake::read(&file.path).map(|()| Content::Fake);
        }
        Err("this hearthd was built without llama.cpp; build it with the feature `llama`".to_owned())
    }

    #[cfg(feature = "llama")]
    fn read(&self, file: &ModelFile, room: &mut Option<Room>) -> Result<Content, String> {
        if fake::is_fake(&file.path) {
            return fake::read(&file.path).map(|()| Content::Fake);
        }
        file.check().map_err(|error| format!("{} {error}", file.path.display()))?;
        let backend = self.backend()?;
        let layers = match file.gpu_layers {
            GpuLayers::Count(count) => count,
            GpuLayers::Auto => room.get_or_insert_with(Room::look).take(&file.path, &file.tiers),
        };
        match llama::read(backend, &file.path, layers) {
            Err(message) if layers > 0 && file.gpu_layers == GpuLayers::Auto => {
                log::warn!("{message}; it is read again without the GPU");
                llama::read(backend, &file.path, 0).map(|model| Content::Gguf(model, 0))
            }
            read => read.map(|model| Content::Gguf(model, layers)),
        }
    }

    #[cfg(feature = "llama")]
    fn backend(&self) -> Result<&LlamaBackend, String> {
        let backend = self.backend.get_or_init(|| {
            #[cfg(feature = "dynamic-backends")]
            llama_cpp_2::llama_backend::load_backends();
            LlamaBackend::init().ok()
        });
        backend.as_ref().ok_or_else(|| "llama.cpp cannot be initialised".to_owned())
    }

    /// Makes the tiers of a file that was read, and says how each went.
    pub(super) fn open<'library>(
        &'library self,
        FileRead(number): FileRead,
        scheduler: &mut Scheduler<'library>,
        out: &mut Vec<FromWorker>,
    ) {
        let Some(file) = self.files.get(number) else { return };
        for plan in &file.tiers {
            let opened = match file.content.get() {
                Some(Ok(content)) => self.tier(content, plan),
                Some(Err(message)) => Err(message.clone()),
                None => Err("its file was not read".to_owned()),
            };
            out.push(match opened {
                Ok(model) => {
                    let loaded = LoadedTier {
                        tier: plan.tier,
                        name: plan.name.clone(),
                        prefix_tokens: u32::try_from(model.prefix_tokens()).unwrap_or(u32::MAX),
                        load_ms: u64::try_from(file.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
                    };
                    scheduler.add(plan.tier, model);
                    FromWorker::Loaded(loaded)
                }
                Err(message) => FromWorker::LoadFailed { tier: plan.tier, message },
            });
        }
    }

    /// The conversations of explain's for which chat's model may have to draft.
    #[cfg(feature = "llama")]
    fn drafts_for(&self, tier: ModelTier) -> Option<u32> {
        let mut others = self.files.iter().flat_map(|file| &file.tiers);
        let explain = others.find(|plan| plan.tier == ModelTier::Explain && plan.speculation);
        explain.filter(|_| tier == ModelTier::Chat).map(|plan| plan.ctx_size)
    }

    fn tier<'library>(
        &'library self,
        content: &'library Content,
        plan: &TierPlan,
    ) -> Result<Box<dyn Model + 'library>, String> {
        match content {
            Content::Fake => Ok(Box::new(FakeTier::new(plan)?)),
            #[cfg(feature = "llama")]
            Content::Gguf(model, gpu_layers) => {
                let drafts_for = self.drafts_for(plan.tier);
                Ok(Box::new(LlamaTier::new(self.backend()?, model, plan, *gpu_layers, drafts_for)?))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Library;
    use crate::core::gpu_layers::GpuLayers;
    use crate::inference::protocol::{LoadPlan, ModelTier, TierPlan};

    fn plan(tier: ModelTier, file: &Path) -> TierPlan {
        TierPlan {
            tier,
            name: "m".to_owned(),
            file: file.to_owned(),
            sha256: None,
            chat_template: None,
            ctx_size: 256,
            n_batch: 64,
            n_ubatch: 64,
            threads: None,
            gpu_layers: GpuLayers::Auto,
            slots: 1,
            system_prompt: String::new(),
            state_dir: None,
            speculation: false,
        }
    }

    #[test]
    fn a_file_named_twice_is_read_once_whatever_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.gguf"), folder.path().join("b.gguf"));
        std::fs::write(&file, "x").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let both = LoadPlan { tiers: vec![plan(ModelTier::Explain, &link), plan(ModelTier::Chat, &file)] };
        assert_eq!(Library::new(&both).files(), 1);
        let gone = folder.path().join("c.gguf");
        let two = LoadPlan { tiers: vec![plan(ModelTier::Explain, &gone), plan(ModelTier::Chat, &file)] };
        assert_eq!(Library::new(&two).files(), 2);
    }
}
