//! What the daemon and its model worker say to each other.
//!
//! A frame is a little-endian `u32` length and that many bytes of JSON, over a socket pair that the child gets as its
//! standard input.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::core::dialogue::Turn;
use crate::core::gpu_layers::GpuLayers;
use crate::core::reply::{Code, Finish, Usage};
use crate::core::sampling::Sampling;
use crate::core::utterance::Tier;

/// A tier that a model answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelTier {
    /// Short chat; comes first for the processor.
    Chat,
    /// Explanations.
    Explain,
}

impl From<ModelTier> for Tier {
    fn from(tier: ModelTier) -> Self {
        match tier {
            ModelTier::Chat => Self::Chat,
            ModelTier::Explain => Self::Explain,
        }
    }
}

/// What the worker is to load for one tier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TierPlan {
    /// The tier.
    pub tier: ModelTier,
    /// The model's name as people know it.
    pub name: String,
    /// The GGUF file; a name that starts with `fake:` is the fake model of the tests.
    pub file: PathBuf,
    /// The file's sha256 in lowercase hexadecimal, where it is known: another file is not loaded.
    pub sha256: Option<String>,
    /// How messages become a prompt: a name that llama.cpp has, or `plain`; `None` for what the file says.
    pub chat_template: Option<String>,
    /// Tokens of prompt and answer together, of one conversation.
    pub ctx_size: u32,
    /// Tokens handed to llama.cpp at once.
    pub n_batch: u32,
    /// Tokens computed at once.
    pub n_ubatch: u32,
    /// Threads, `None` for as many as the machine has cores.
    pub threads: Option<u32>,
    /// Layers kept on the GPU.
    pub gpu_layers: GpuLayers,
    /// Conversations answered at once.
    pub slots: u32,
    /// What stands first in every prompt; computed once.
    pub system_prompt: String,
    /// Where its state is kept from one start to the next; `None` for nowhere.
    pub state_dir: Option<PathBuf>,
    /// Whether tokens may be drafted and checked several at once.
    pub speculation: bool,
}

/// Both tiers, loaded side by side; a file that both name is loaded once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadPlan {
    /// The tiers that have a model.
    pub tiers: Vec<TierPlan>,
}

/// One answer to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    /// The tier that answers.
    pub tier: ModelTier,
    /// Who asks: users take turns.
    pub user: String,
    /// Earlier exchanges, oldest first; the worker leaves out the oldest where all of them do not fit.
    pub turns: Vec<Turn>,
    /// What was said now. User text: tokenised without control tokens.
    pub text: String,
    /// Time, date and room, appended to the text: what changes stands last, so that what stays keeps its KV state.
    pub context: String,
    /// The longest answer, in tokens.
    pub max_tokens: u32,
    /// How tokens are chosen.
    pub sampling: Sampling,
}

impl Prompt {
    /// The text with its context after it, as the model sees it. A [`Turn`] that keeps this as its `user` makes the next
    /// prompt begin with the same tokens.
    #[must_use]
    pub fn said(&self) -> String {
        if self.context.is_empty() { self.text.clone() } else { format!("{}\n\n({})", self.text, self.context) }
    }
}

/// What a loaded tier turned out to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadedTier {
    /// The tier.
    pub tier: ModelTier,
    /// The model's name.
    pub name: String,
    /// Tokens of the system prompt's state, reused by every answer.
    pub prefix_tokens: u32,
    /// Milliseconds that loading took.
    pub load_ms: u64,
}

/// From the daemon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToWorker {
    /// The first frame: load these.
    Load(LoadPlan),
    /// Make an answer under this number.
    Generate {
        /// Names the answer in every frame about it.
        request: u64,
        /// What to answer.
        prompt: Box<Prompt>,
    },
    /// Stop an answer; it ends with a [`FromWorker::Finished`] like any other.
    Cancel {
        /// The answer's number.
        request: u64,
    },
    /// Asks for a [`FromWorker::Pong`] from the thread that runs the models.
    Ping {
        /// Comes back in the pong.
        nonce: u64,
    },
}

/// Tokens of an answer that were drafted, and how many of them were right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drafts {
    /// Drafted and checked.
    pub drafted: u32,
    /// As the model would have said.
    pub accepted: u32,
    /// How many of those chat's model drafted; the others stood in the conversation.
    pub from_chat: u32,
}

/// From the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromWorker {
    /// A tier is ready.
    Loaded(LoadedTier),
    /// A tier's model could not be loaded; the other may still be.
    LoadFailed {
        /// The tier.
        tier: ModelTier,
        /// Why, in one sentence.
        message: String,
    },
    /// Every tier is loaded or has failed.
    Ready,
    /// A prompt got a slot.
    Started {
        /// The answer's number.
        request: u64,
        /// Earlier exchanges left out so that prompt and answer fit.
        dropped_turns: usize,
    },
    /// A piece of an answer: whole characters, no special token.
    Text {
        /// The answer's number.
        request: u64,
        /// The piece.
        text: String,
    },
    /// The end of an answer.
    Finished {
        /// The answer's number.
        request: u64,
        /// Why.
        finish: Finish,
        /// Its tokens.
        usage: Usage,
        /// Milliseconds from the first token to the last.
        decode_ms: f64,
        /// What was drafted for it.
        drafts: Drafts,
    },
    /// An answer that could not be made, or not to its end.
    Failed {
        /// The answer's number.
        request: u64,
        /// What kind of failure.
        code: WorkerCode,
        /// One sentence.
        message: String,
    },
    /// The answer to a ping.
    Pong {
        /// As in the ping.
        nonce: u64,
    },
}

/// The codes a worker can end an answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerCode {
    /// The prompt does not fit, even without earlier exchanges.
    TooLong,
    /// The tier has no model.
    ModelUnavailable,
    /// More answers wait than the worker keeps.
    Busy,
    /// llama.cpp returned an error.
    Internal,
}

impl From<WorkerCode> for Code {
    fn from(code: WorkerCode) -> Self {
        match code {
            WorkerCode::TooLong => Self::TooLong,
            WorkerCode::ModelUnavailable => Self::ModelUnavailable,
            WorkerCode::Busy => Self::Busy,
            WorkerCode::Internal => Self::Internal,
        }
    }
}
