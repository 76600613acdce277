//! An answer as the one who asked saw it come, whoever gave it.

use std::time::Duration;

use serde_json::Value;

use crate::Failure;
use crate::figures::milliseconds;

/// A piece of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    /// Since it was asked.
    pub(crate) after: Duration,
    pub(crate) bytes: usize,
}

/// One answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) text: String,
    /// From the question to the end.
    pub(crate) total: Duration,
    pub(crate) prompt_tokens: f64,
    /// Those of them that were computed before.
    pub(crate) cached_tokens: f64,
    /// The answer's.
    pub(crate) tokens: f64,
}

impl Heard {
    pub(crate) fn push(&mut self, after: Duration, text: &str) {
        self.pieces.push(Piece { after, bytes: text.len() });
        self.text.push_str(text);
    }

    /// Takes the numbers of a `usage` object.
    pub(crate) fn count(&mut self, usage: &Value, cached: &Value) {
        let number = |value: &Value| value.as_f64().unwrap_or(0.0);
        self.prompt_tokens = number(&usage["prompt_tokens"]);
        self.tokens = number(&usage["completion_tokens"]);
        self.cached_tokens = number(cached);
    }

    /// Milliseconds to the first piece.
    pub(crate) fn first(&self) -> Result<f64, Failure> {
        let piece = self.pieces.first().ok_or("an answer had no text")?;
        Ok(milliseconds(piece.after))
    }

    /// Milliseconds to the end.
    pub(crate) fn total(&self) -> f64 {
        milliseconds(self.total)
    }

    /// Tokens a second after the first, as they came; for answers whose pieces are not joined.
    pub(crate) fn rate(&self) -> Result<f64, Failure> {
        let (Some(first), Some(last)) = (self.pieces.first(), self.pieces.last()) else {
            return Err("an answer had no text".into());
        };
        Ok((self.tokens - 1.0) / last.after.saturating_sub(first.after).as_secs_f64())
    }
}
