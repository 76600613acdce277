//! `models:` – the two tiers' models, with the defaults that differ between them.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::gpu_layers::GpuLayers;
use crate::core::sampling::Sampling;
use crate::core::server::ServerAddress;

use super::values::Span;

/// `models:`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModelsFile {
    /// Folder of GGUF files.
    pub path: PathBuf,
    /// Short chat.
    pub chat: TierFile,
    /// Explanations.
    pub explain: TierFile,
    /// Conversations answered at once per model.
    #[schemars(range(min = 1, max = 64))]
    pub slots: u32,
    /// Whether tokens are drafted and checked several at once.
    pub speculation: Speculation,
}

/// `models.speculation:`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Speculation {
    /// Where it pays, which is measured.
    #[default]
    Auto,
    /// Never.
    Off,
}

impl Default for ModelsFile {
    fn default() -> Self {
        Self {
            path: "models".into(),
            chat: TierFile::default(),
            explain: TierFile::default(),
            slots: 4,
            speculation: Speculation::Auto,
        }
    }
}

/// `models.chat:`, `models.explain:`. What is left out has the tier's default.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TierFile {
    /// A name of `hearthd models list`, a path, or `hf:owner/repo/file.gguf`; with `server`, the server's name for it.
    pub model: Option<String>,
    /// An OpenAI-compatible server that answers in the place of a model here: `http://host:port/v1`.
    pub server: Option<ServerAddress>,
    /// File that holds the server's key.
    pub api_key_file: Option<PathBuf>,
    /// How messages become a prompt: a name that llama.cpp has (`chatml`, `llama3`, `gemma`), or `plain`. Default: what the
    /// model's file says, plain where it says nothing.
    pub chat_template: Option<String>,
    /// Tokens of prompt and answer together. Default 1024.
    #[schemars(range(min = 128))]
    pub ctx_size: Option<u32>,
    /// Tokens handed to llama.cpp at once. Default 256.
    pub n_batch: Option<u32>,
    /// Tokens computed at once. Default 128.
    pub n_ubatch: Option<u32>,
    /// Threads. Default: one a core.
    pub threads: Option<u32>,
    /// Layers kept on the GPU. Default: auto, as many as fit beside the other tier's.
    pub gpu_layers: Option<GpuLayers>,
    /// The longest answer, in tokens. Default: chat 160, explain 512.
    pub max_tokens: Option<u32>,
    /// The longest time an answer may take. Default: chat 30s, explain 120s.
    pub deadline: Option<Span>,
    /// 0 takes the likeliest token always. Default 0.7.
    pub temperature: Option<f32>,
    /// The likeliest tokens considered; 0 for all. Default 40.
    pub top_k: Option<u32>,
    /// The likeliest tokens that together reach this probability. Default 0.95.
    pub top_p: Option<f32>,
    /// Tokens at least this likely, as a share of the likeliest. Default 0.05.
    pub min_p: Option<f32>,
    /// Above 1, tokens already said become less likely. Default 1.1.
    pub repeat_penalty: Option<f32>,
    /// The same answer again. Default: another each time.
    pub seed: Option<u32>,
    /// What stands first in every prompt of the tier.
    pub system_prompt: Option<String>,
}

/// A tier's model settings with every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSettings {
    /// As written: a catalogue name, a path or `hf:owner/repo/file.gguf`.
    pub model: String,
    /// The server that answers, where none of our own does.
    pub server: Option<ServerAddress>,
    /// How messages become a prompt, `None` for what the model's file says.
    pub chat_template: Option<String>,
    /// Tokens of prompt and answer together.
    pub ctx_size: u32,
    /// Tokens handed to llama.cpp at once.
    pub n_batch: u32,
    /// Tokens computed at once.
    pub n_ubatch: u32,
    /// Threads, `None` for one a core.
    pub threads: Option<u32>,
    /// Layers kept on the GPU.
    pub gpu_layers: GpuLayers,
    /// The longest answer, in tokens.
    pub max_tokens: u32,
    /// The longest time an answer may take.
    pub deadline: Duration,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// What stands first in every prompt.
    pub system_prompt: String,
}

impl ModelsFile {
    /// The chat tier's settings: the 1B model, short spoken answers.
    #[must_use]
    pub fn chat(&self) -> ModelSettings {
        self.chat.with_defaults(
            "llama-3.2-1b-instruct",
            160,
            Duration::from_secs(30),
            "You are the voice of a smart home. Answer in one or two short spoken sentences, in plain words, without \
             lists or markup. You cannot control devices; if asked to, say that you did not.",
        )
    }

    /// The explain tier's settings: the 3B model, fuller answers.
    #[must_use]
    pub fn explain(&self) -> ModelSettings {
        self.explain.with_defaults(
            "llama-3.2-3b-instruct",
            512,
            Duration::from_mins(2),
            "You are the voice of a smart home. Explain clearly and correctly in a few spoken paragraphs, in plain \
             words, without lists or markup. You cannot control devices; if asked to, say that you did not.",
        )
    }
}

impl TierFile {
    /// Keys that say how a model is run here, as far as they are set.
    pub(super) fn local_keys(&self) -> Vec<&'static str> {
        let keys = [
            ("chat_template", self.chat_template.is_some()),
            ("n_batch", self.n_batch.is_some()),
            ("n_ubatch", self.n_ubatch.is_some()),
            ("threads", self.threads.is_some()),
            ("gpu_layers", self.gpu_layers.is_some()),
        ];
        keys.into_iter().filter(|(_, is_set)| *is_set).map(|(key, _)| key).collect()
    }

    fn with_defaults(&self, model: &str, max_tokens: u32, deadline: Duration, system_prompt: &str) -> ModelSettings {
        ModelSettings {
            model: self.model.clone().unwrap_or_else(|| model.to_owned()),
            server: self.server.clone(),
            chat_template: self.chat_template.clone(),
            ctx_size: self.ctx_size.unwrap_or(1024),
            n_batch: self.n_batch.unwrap_or(256),
            n_ubatch: self.n_ubatch.unwrap_or(128),
            threads: self.threads,
            gpu_layers: self.gpu_layers.unwrap_or_default(),
            max_tokens: self.max_tokens.unwrap_or(max_tokens),
            deadline: self.deadline.map_or(deadline, |span| span.0),
            sampling: Sampling {
                temperature: self.temperature.unwrap_or(0.7),
                top_k: self.top_k.unwrap_or(40),
                top_p: self.top_p.unwrap_or(0.95),
                min_p: self.min_p.unwrap_or(0.05),
                repeat_penalty: self.repeat_penalty.unwrap_or(1.1),
                seed: self.seed,
            },
            system_prompt: self.system_prompt.clone().unwrap_or_else(|| system_prompt.to_owned()),
        }
    }
}
