//! What devices are called and which rooms they are in, as far as their announcements tell.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::discovery::Key;
use super::{Seen, Unit};

/// Characters of a name.
const MOST_CHARACTERS: usize = 200;

/// A text that says something.
pub(super) fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// What an entity is called: the device's name and its own, as Home Assistant shows it. An entity without a name of its own
/// is the device itself, or is called after its class.
pub(super) fn name(key: &Key, config: &Map<String, Value>) -> String {
    let device = text(config.get("device").and_then(|device| device.get("name")));
    let own = match config.get("name") {
        Some(Value::Null) => None,
        None => text(config.get("device_class")).map(|class| class.replace('_', " ")),
        own => text(own),
    };
    let name = match (device, own) {
        (Some(device), Some(own)) if own.starts_with(&device) => own,
        (Some(device), Some(own)) => format!("{device} {own}"),
        (Some(name), None) | (None, Some(name)) => name,
        (None, None) => {
            let id = key.part.as_deref().or_else(|| key.topic.split('/').nth_back(1)).unwrap_or_default();
            id.replace(['_', '-'], " ")
        }
    };
    // A name is spoken and shown: nothing in it moves the cursor.
    name.chars().filter(|c| !c.is_control()).take(MOST_CHARACTERS).collect()
}

/// The physical device that an entity says it is a part of.
pub(super) fn unit(config: &Map<String, Value>) -> Option<Unit> {
    let device = config.get("device")?;
    let id = identifiers(device).next().or_else(|| device.get("connections").map(Value::to_string))?;
    Some(Unit { id, name: text(device.get("name")) })
}

fn identifiers(device: &Value) -> impl Iterator<Item = String> + use<'_> {
    let ids = device.get("identifiers");
    let one = ids.and_then(Value::as_str).map(str::to_owned);
    one.into_iter()
        .chain(ids.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned))
}

/// Whether it is a button of a Zigbee bridge itself, such as the one that restarts it: nothing to reach by a slip.
pub(super) fn is_of_bridge(config: &Map<String, Value>) -> bool {
    config.get("device").is_some_and(|device| identifiers(device).any(|id| id.starts_with("zigbee2mqtt_bridge_")))
}

/// Whether it stands for several others: a group of `Zigbee2MQTT`.
pub(super) fn is_group(config: &Map<String, Value>) -> bool {
    let Some(device) = config.get("device") else { return false };
    device.get("model").and_then(Value::as_str) == Some("Group")
        && identifiers(device).any(|id| id.starts_with("zigbee2mqtt_"))
}

/// The rooms of a home.
#[derive(Debug)]
pub(super) struct Rooms {
    /// As they are written, by how they are compared; the longest first.
    by_words: Vec<(String, String)>,
}

impl Rooms {
    pub(super) fn new(names: impl Iterator<Item = String>) -> Self {
        let distinct: BTreeSet<String> = names.collect();
        let mut by_words: Vec<(String, String)> = distinct.into_iter().map(|name| (folded(&name), name)).collect();
        by_words.retain(|(words, _)| !words.trim().is_empty());
        by_words.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
        Self { by_words }
    }

    /// The room that a name speaks of, the longest where it speaks of several.
    pub(super) fn in_name(&self, name: &str) -> Option<String> {
        let name = folded(name);
        self.by_words.iter().find(|(words, _)| name.contains(words.as_str())).map(|(_, room)| room.clone())
    }
}

/// Words as they are compared, with a space on either side.
pub(super) fn folded(text: &str) -> String {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    format!(" {} ", words.join(" "))
}

/// Says of devices of one kind and one name in one room, or in none, that nothing tells them apart.
pub(super) fn mark_same_names(devices: &mut [Seen]) {
    let mut of_name: BTreeMap<(String, String, Option<String>), Vec<usize>> = BTreeMap::new();
    for (number, device) in devices.iter().enumerate() {
        of_name.entry((folded(&device.name), device.kind.clone(), device.area.clone())).or_default().push(number);
    }
    for same in of_name.into_values().filter(|same| same.len() > 1) {
        for number in same {
            if let Some(device) = devices.get_mut(number).filter(|device| !device.diagnostic) {
                device.unclear.push("another device has the same name: rename one of them".to_owned());
            }
        }
    }
}
