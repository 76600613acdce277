//! Shelly's devices, translated into Home Assistant's form. They say what they are when they are asked, and so they are asked
//! as they come online.
//!
//! Topics and fields are those of Shelly's own documentation: "Gen1 Device API" and "Gen2+ Device API", both on MQTT.

mod gen1;
mod gen2;

use serde_json::{Map, Value};

use super::{Announcement, Entity, Key};
use crate::core::home::Message;

/// Whether messages on this topic say what a device is.
pub(super) fn announces(topic: &str) -> bool {
    gen1::id_of(topic, "/announce").is_some() || gen2::prefix_of(topic, gen2::CONFIG).is_some()
}

/// Reads what a device says that it is.
///
/// # Errors
/// What is wrong with it, in one sentence.
pub(super) fn read(topic: &str, message: &Map<String, Value>) -> Result<Vec<Announcement>, String> {
    let made = match gen2::prefix_of(topic, gen2::CONFIG) {
        Some(prefix) => gen2::read(prefix, message)?,
        None => gen1::read(message)?,
    };
    let announcement = |Made { part, component, config }: Made| {
        let key = Key { topic: topic.to_owned(), part: Some(part) };
        let Value::Object(config) = config else { return None };
        Some(Announcement::Is(key, Entity { component: component.to_owned(), config }))
    };
    Ok(made.into_iter().filter_map(announcement).collect())
}

/// What makes every device of the first generation say what it is.
#[must_use]
pub fn call() -> Message {
    question("shellies/command", "announce")
}

/// Whoever says on this topic whether it is online: the topic's beginning.
pub(in crate::core::home) fn who(topic: &str) -> Option<&str> {
    topic.strip_suffix("/online").filter(|who| !who.is_empty())
}

/// What makes a device that is online say what it is, and how it stands.
pub(in crate::core::home) fn questions(who: &str) -> Vec<Message> {
    match who.strip_prefix("shellies/") {
        Some(_) => vec![question(&format!("{who}/command"), "announce")],
        None => gen2::questions(who),
    }
}

/// States of several components that come in one message: the topics that they are told on, and what they say.
pub(in crate::core::home) fn parts(topic: &str, payload: &[u8]) -> Vec<(String, Map<String, Value>)> {
    gen2::parts(topic, payload)
}

/// Not asked for an answer by the broker, which may not let us ask at all.
fn question(topic: &str, payload: &str) -> Message {
    Message { topic: topic.to_owned(), payload: payload.to_owned(), qos: 0, retain: false }
}

/// One thing that a device is.
struct Made {
    /// Which of the device's things it is.
    part: String,
    component: &'static str,
    config: Value,
}

impl Made {
    fn new(component: &'static str, part: impl Into<String>, own: Value, shared: &Value) -> Self {
        let mut config = own;
        if let (Some(config), Some(shared)) = (config.as_object_mut(), shared.as_object()) {
            config.extend(shared.clone());
        }
        Self { part: part.into(), component, config }
    }
}

/// A template that is a number of percent of a brightness of 255.
const PERCENT: &str = "{{ [(brightness / 2.55) | round | int, 1] | max }}";
/// The brightness of 255 that a report of this field in percent means.
fn of_255(field: &str) -> String {
    format!("{{{{ (value_json.{field} * 2.55) | round | int }}}}")
}

#[cfg(test)]
mod tests;
