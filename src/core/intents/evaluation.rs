//! Labelled sentences and whether they were understood: what `hearthd eval` measures.
//!
//! One JSON object a line: `{"sentence", "intent", "slots"}`; `intent: null` must not match. Slots compare without case,
//! numbers by value, and an expected list means any of its values.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Hit, sentence::heard::fold};

/// A labelled sentence.
#[derive(Clone, Debug, Deserialize)]
pub struct Line {
    /// What is said.
    #[serde(alias = "text")]
    pub sentence: String,
    /// What it means; `None` where nothing may match.
    #[serde(default)]
    pub intent: Option<String>,
    /// All slots with their values.
    #[serde(default)]
    pub slots: Map<String, Value>,
    /// What is known of the moment, such as `{"area": "Kitchen"}`.
    #[serde(default)]
    pub context: Option<Map<String, Value>>,
    /// Whether the room is the speaker's and says nothing of the sentence.
    #[serde(default)]
    pub context_area_required: bool,
}

/// How well a sentence was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Intent and slots, or rightly nothing.
    Exact,
    /// The intent, with other slots.
    IntentOnly,
    /// Nothing, where something was meant.
    Missed,
    /// Another intent, or one where nothing was meant.
    Wrong,
}

impl Verdict {
    /// Whether the intent is right.
    #[must_use]
    pub fn is_right_intent(self) -> bool {
        matches!(self, Self::Exact | Self::IntentOnly)
    }
}

impl Line {
    /// Reads one line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| format!("this is no labelled sentence: {error}"))
    }

    /// Compares what came of the sentence with what was meant.
    #[must_use]
    pub fn judge(&self, hit: Option<&Hit>) -> Verdict {
        match (&self.intent, hit) {
            (None, None) => Verdict::Exact,
            (Some(_), None) => Verdict::Missed,
            (Some(intent), Some(hit)) if *intent == hit.name => {
                if self.has_slots(&hit.slots) {
                    Verdict::Exact
                } else {
                    Verdict::IntentOnly
                }
            }
            (_, Some(_)) => Verdict::Wrong,
        }
    }

    fn has_slots(&self, got: &Map<String, Value>) -> bool {
        let mut got: Vec<(&String, &Value)> = got.iter().collect();
        if self.context_area_required {
            got.retain(|(name, _)| *name != "area");
        }
        let expected = self.slots.iter().filter(|(name, _)| !(self.context_area_required && *name == "area"));
        let expected: Vec<(&String, &Value)> = expected.collect();
        expected.len() == got.len()
            && expected.iter().all(|(name, value)| got.iter().any(|(known, got)| known == name && is_meant(value, got)))
    }
}

/// Whether a slot's value is one that was meant.
fn is_meant(expected: &Value, got: &Value) -> bool {
    match expected {
        Value::Array(any) => any.iter().any(|one| is_meant(one, got)),
        _ => match (number(expected), number(got)) {
            (Some(expected), Some(got)) => (expected - got).abs() < 1e-6,
            _ => text(expected) == text(got),
        },
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => fold(text),
        other => other.to_string(),
    }
}
