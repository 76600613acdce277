//! Shelly's devices, translated into Home Assistant's form. They say what they are when they are asked, and so they are asked
//! as they come online.
//!
//! Topics and fields are those of Shelly's own documentation: "Gen1 Device API" and "Gen2+ Device API", both on MQTT.

mod gen1;
mod gen2;

use serde_json::{Map, Value};

use super::Announcement;
use crate::core::home::Message;

pub(in crate::core::home) use gen2::parts;

/// Whether messages on this topic say what a device is.
pub(super) fn announces(topic: &str) -> bool {
    gen1::id_of(topic, "/announce").is_some() || gen2::prefix_of(topic, gen2::CONFIG).is_some()
}

/// Reads what a device says that it is.
///
/// # Errors
/// What is wrong with it, in one sentence.
pub(super) fn read(topic: &str, message: &Map<String, Value>) -> Result<Vec<Announcement>, String> {
    match gen2::prefix_of(topic, gen2::CONFIG) {
        Some(prefix) => gen2::read(topic, prefix, message),
        None => gen1::read(topic, message),
    }
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

/// Not asked for an answer by the broker, which may not let us ask at all.
fn question(topic: &str, payload: &str) -> Message {
    Message { topic: topic.to_owned(), payload: payload.to_owned(), qos: 0, retain: false }
}

/// Where devices of every generation tell whether they can be reached.
fn online(at: &str) -> Map<String, Value> {
    let topic = format!("{at}/online");
    let said =
        [("availability_topic", topic.as_str()), ("payload_available", "true"), ("payload_not_available", "false")];
    said.map(|(key, value)| (key.to_owned(), Value::from(value))).into_iter().collect()
}

/// In a template: a brightness in percent under this key, where one is wanted; never 0, which would be off.
fn brightness_as(key: &str) -> String {
    let percent = "{{ [(brightness / 2.55) | round | int, 1] | max }}";
    format!(r#"{{% if brightness is defined %}},"{key}":{percent}{{% endif %}}"#)
}

/// In a template: a white in kelvin under this key, where one is wanted.
fn white_as(key: &str) -> String {
    let kelvin = "{{ (1000000 / color_temp) | round | int }}";
    format!(r#"{{% if color_temp is defined %}},"{key}":{kelvin}{{% endif %}}"#)
}

/// The white in mired that a report of this field in kelvin means.
fn mired_of(field: &str) -> String {
    format!("{{{{ (1000000 / value_json.{field}) | round | int }}}}")
}

/// The brightness of 255 that a report of this field in percent means.
fn of_255(field: &str) -> String {
    format!("{{{{ (value_json.{field} * 2.55) | round | int }}}}")
}

#[cfg(test)]
mod tests;
