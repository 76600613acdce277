//! How a model's tokens are chosen: read by the config, carried by every prompt, obeyed by the worker.

use serde::{Deserialize, Serialize};

/// How tokens are chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 takes the likeliest token always.
    pub temperature: f32,
    /// The likeliest tokens considered; 0 for all.
    pub top_k: u32,
    /// The likeliest tokens that together reach this probability.
    pub top_p: f32,
    /// Tokens at least this likely, as a share of the likeliest.
    pub min_p: f32,
    /// Above 1: tokens already said become less likely.
    pub repeat_penalty: f32,
    /// For the same answer again; `None` for another each time.
    pub seed: Option<u32>,
}

impl Sampling {
    /// The likeliest token always: the same answer to the same prompt.
    #[must_use]
    pub const fn greedy() -> Self {
        Self { temperature: 0.0, top_k: 0, top_p: 1.0, min_p: 0.0, repeat_penalty: 1.0, seed: None }
    }
}
