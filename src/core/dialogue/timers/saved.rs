//! What is kept through a restart, as JSON text. Who stores it is no matter here.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::core::utterance::Identifier;

use super::item::{Item, When};
use super::{MAX_ITEMS, MAX_SECONDS, Timers, span};

/// The form that is written and read.
const VERSION: u32 = 1;
/// Bytes of a name or a command; an utterance is no longer.
const MAX_TEXT: usize = 8_000;

/// What the clock on the wall and the one that runs since the machine started showed at one moment: their difference tells
/// later by how much the former was set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Which start of the machine it was.
    pub boot: Option<String>,
    /// Milliseconds since that.
    pub up_ms: i64,
    /// The clock on the wall.
    pub at: Timestamp,
}

impl Stamp {
    /// By how much the clock was set between an earlier stamp and this one; `None` where the machine was started in between.
    #[must_use]
    pub fn set_since(&self, earlier: &Self) -> Option<SignedDuration> {
        if self.boot.is_none() || self.boot != earlier.boot {
            return None;
        }
        let up = SignedDuration::from_millis(self.up_ms.saturating_sub(earlier.up_ms));
        self.at.duration_since(earlier.at).checked_sub(up)
    }
}

/// A text that is no such state.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or not of this form.
    #[error("{0}")]
    Form(#[from] serde_json::Error),
    /// Written by another version.
    #[error("version {0} is not known")]
    Version(u32),
    /// Of this form, and no sense in it.
    #[error("{0}")]
    Sense(&'static str),
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    next_id: u64,
    clock: Option<Stamp>,
    items: Vec<Item>,
}

impl Timers {
    /// Everything as text, with what the clocks show.
    #[must_use]
    pub fn to_json(&self, clock: Option<&Stamp>) -> String {
        let (next_id, items) = (self.next_id, self.items.clone());
        let saved = Saved { version: VERSION, next_id, clock: clock.cloned(), items };
        // Strings, numbers and times only, none of which can fail to be written.
        serde_json::to_string_pretty(&saved).unwrap_or_default()
    }

    /// Reads it back.
    ///
    /// # Errors
    /// [`ReadError`] where it is not what [`Self::to_json`] writes.
    pub fn from_json(text: &str) -> Result<(Self, Option<Stamp>), ReadError> {
        let Versioned { version } = serde_json::from_str(text)?;
        if version != VERSION {
            return Err(ReadError::Version(version));
        }
        let Saved { next_id, clock, items, .. } = serde_json::from_str(text)?;
        let ids: HashSet<u64> = items.iter().map(|item| item.id).collect();
        if items.len() > MAX_ITEMS || ids.len() < items.len() || ids.iter().any(|id| *id >= next_id) {
            return Err(ReadError::Sense("there are too many, or two of one number"));
        }
        if !items.iter().all(is_sound) {
            return Err(ReadError::Sense("one of them is none that can be set"));
        }
        Ok((Self { next_id, items, events: Vec::new() }, clock))
    }
}

fn is_sound(item: &Item) -> bool {
    let is_span = |left_ms: i64| (0..=span(2 * MAX_SECONDS).as_millis()).contains(&i128::from(left_ms));
    item.text.as_ref().is_none_or(|text| text.len() <= MAX_TEXT)
        && item.site.as_deref().is_none_or(|site| Identifier::parse(site).is_some())
        && Identifier::parse(&item.user).is_some()
        && item.lang.len() <= MAX_TEXT
        && item.seconds.is_none_or(|seconds| seconds <= MAX_SECONDS)
        && if let When::Paused { left_ms } = item.when { is_span(left_ms) } else { true }
}
