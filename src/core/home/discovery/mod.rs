//! The messages in which devices announce themselves, written out in one form: Home Assistant's entities.

mod abbreviations;
mod home_assistant;
pub(super) mod shelly;
mod tasmota;
pub(super) mod zigbee2mqtt;

use std::fmt;

use serde_json::{Map, Value};

pub use shelly::call;

/// Bytes of one message, and of one that lists the devices of a bridge: about 4 KiB each.
const MOST_BYTES: usize = 1 << 20;
const MOST_LIST_BYTES: usize = 4 << 20;
/// Where devices announce themselves, and where those that wait to be asked are to be met.
pub const FILTERS: [&str; 10] = [
    "homeassistant/+/+/config",
    "homeassistant/+/+/+/config",
    "tasmota/discovery/+/config",
    "+/bridge/devices",
    "+/bridge/groups",
    "shellies/+/announce",
    "shellies/+/online",
    "+/online",
    "+/events/rpc",
    "hearthd/shelly/+/+/rpc",
];

/// Names an entity as long as it is announced.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The topic of the message.
    pub topic: String,
    /// The entity's place in a device's message.
    pub part: Option<String>,
}

/// An entity as it announces itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    /// `light`, `switch`, …
    pub component: String,
    /// Everything else, with long keys.
    pub config: Map<String, Value>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq)]
pub enum Announcement {
    /// There is such an entity.
    Is(Key, Entity),
    /// There is no such entity any more.
    Gone(Key),
    /// Nothing of what the topic announced is there any more.
    AllGone,
    /// A bridge has such a group, which is made of its members.
    Group(zigbee2mqtt::Group),
    /// A bridge has a device of this address, which does these things in a group.
    Member(String, Vec<Value>),
}

impl Announcement {
    /// One of a device's entities: what it says itself, and what all of the device say.
    fn of_part(topic: &str, part: String, component: &str, own: Value, shared: &Map<String, Value>) -> Self {
        let mut config = if let Value::Object(own) = own { own } else { Map::new() };
        config.extend(shared.clone());
        let key = Key { topic: topic.to_owned(), part: Some(part) };
        Self::Is(key, Entity { component: component.to_owned(), config })
    }

    /// Whose it is, where that is one entity.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        match self {
            Self::Is(key, _) | Self::Gone(key) => Some(key),
            Self::AllGone | Self::Group(_) | Self::Member(..) => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.topic)?;
        self.part.as_ref().map_or(Ok(()), |part| write!(f, " ({part})"))
    }
}

/// Whether messages on this topic announce something.
#[must_use]
pub fn announces(topic: &str) -> bool {
    home_assistant::announces(topic)
        || tasmota::announces(topic)
        || zigbee2mqtt::announces(topic)
        || shelly::announces(topic)
}

/// What announces itself under this name is this program, which is no device of the home.
pub const OWN_ORIGIN: &str = "hearthd";

fn is_own(message: &Map<String, Value>) -> bool {
    let origin = message.get("o").or_else(|| message.get("origin"));
    origin.and_then(|origin| origin.get("name")).is_some_and(|name| name == OWN_ORIGIN)
}

/// Reads a message.
///
/// # Errors
/// What is wrong with it, in one sentence.
pub fn read(topic: &str, payload: &[u8]) -> Result<Vec<Announcement>, String> {
    if payload.trim_ascii().is_empty() {
        return Ok(vec![Announcement::AllGone]);
    }
    let most = if zigbee2mqtt::announces(topic) { MOST_LIST_BYTES } else { MOST_BYTES };
    if payload.len() > most {
        return Err(format!("the message has more than {most} bytes"));
    }
    let message: Value = serde_json::from_slice(payload).map_err(|error| format!("the message is no JSON: {error}"))?;
    if let (Value::Array(devices), true) = (&message, zigbee2mqtt::announces(topic)) {
        return Ok(zigbee2mqtt::read(topic, devices));
    }
    let Value::Object(message) = message else { return Err("the message is no JSON object".to_owned()) };
    if is_own(&message) {
        return Ok(vec![Announcement::AllGone]);
    }
    if tasmota::announces(topic) {
        tasmota::read(topic, &message)
    } else if shelly::announces(topic) {
        shelly::read(topic, &message)
    } else {
        home_assistant::read(topic, message)
    }
}

#[cfg(test)]
mod mutated;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_refused_for_every_kind() {
        for topic in ["homeassistant/light/lamp/config", "tasmota/discovery/A1/config"] {
            assert!(announces(topic));
            assert_eq!(read(topic, b" "), Ok(vec![Announcement::AllGone]));
            for (payload, what) in [("{", "no JSON"), ("[]", "no JSON object"), ("\u{0}", "no JSON")] {
                let error = read(topic, payload.as_bytes()).unwrap_err();
                assert!(error.contains(what), "{payload}: {error}");
            }
            assert!(read(topic, &vec![b'['; MOST_BYTES + 1]).is_err());
            assert!(read(topic, "[".repeat(100_000).as_bytes()).is_err());
        }
        assert!(!announces("homeassistant/status"));
        let long = format!("[{}]", " ".repeat(MOST_BYTES));
        assert_eq!(read("z/bridge/devices", long.as_bytes()), Ok(Vec::new()), "a large network's list is long");
        assert!(read("z/bridge/devices", &vec![b' '; MOST_LIST_BYTES + 1]).is_ok(), "nothing is said");
        assert!(read("z/bridge/devices", &vec![b'['; MOST_LIST_BYTES + 1]).is_err());
    }
}
