//! hearthd as a device of Home Assistant, by its MQTT discovery: one message for all of it, or one for each entity.
//!
//! A broker without Home Assistant is left alone: it is told at its own `online`, and anew where it was told before.
//!
//! The keys and what each platform takes are Home Assistant's: its MQTT integration's documentation, section "Discovery".

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::core::home::discovery::OWN_ORIGIN;

use super::HOME_ASSISTANT;
use super::link::Message;

/// How hearthd announces itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One message, which Home Assistant takes since 2024.11.
    Device,
    /// A message for each entity, for older ones.
    Single,
}

/// A topic and what is kept there.
pub(super) type Announcement = (String, String);

/// Characters of a state; Home Assistant takes no more.
const MOST_STATE: usize = 255;

/// What is told to Home Assistant.
#[derive(Debug)]
pub(super) struct Entities {
    announcements: Vec<Announcement>,
    /// Whether a Home Assistant was there.
    are_heard: AtomicBool,
    /// How the last utterance ended, which is told again to a Home Assistant that comes back.
    last: Mutex<Option<String>>,
}

impl Entities {
    pub(super) fn new(base: &str, form: Form) -> Self {
        Self { announcements: announcements(base, form), are_heard: AtomicBool::new(false), last: Mutex::default() }
    }

    /// Whether a message wants us to announce ourselves: Home Assistant says that it is there, or the broker still has what
    /// we said before, and that is no more so.
    pub(super) fn are_wanted_by(&self, message: &Message) -> bool {
        let Message { topic, payload, retain, .. } = message;
        if topic == HOME_ASSISTANT {
            let is_there = &payload[..] == b"online";
            self.are_heard.fetch_or(is_there, Ordering::Relaxed);
            return is_there;
        }
        // Only what is kept: what is said now may be said by ourselves.
        if !retain || !topic.starts_with("homeassistant/") {
            return false;
        }
        let Some((_, known)) = self.announcements.iter().find(|(ours, _)| ours == topic) else { return false };
        self.are_heard.store(true, Ordering::Relaxed);
        known.as_bytes() != &payload[..]
    }

    /// Whether anybody listens.
    pub(super) fn are_heard(&self) -> bool {
        self.are_heard.load(Ordering::Relaxed)
    }

    /// What is announced.
    pub(super) fn announcements(&self) -> &[Announcement] {
        &self.announcements
    }

    /// Remembers how an utterance ended.
    pub(super) fn keep(&self, last: &str) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last.to_owned());
    }

    /// How the last one ended.
    pub(super) fn last(&self) -> Option<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What is announced.
fn announcements(base: &str, form: Form) -> Vec<Announcement> {
    let id = node_id(base);
    let device = json!({
        "ids": [id], "name": "hearthd", "mf": "hearthd", "mdl": "Voice commands and answers",
        "sw": env!("CARGO_PKG_VERSION"),
    });
    let origin = json!({"name": OWN_ORIGIN, "sw": env!("CARGO_PKG_VERSION")});
    let entities = entities(base, &id);
    if form == Form::Device {
        let all: Map<String, Value> = entities.into_iter().map(|(part, entity)| (part.to_owned(), entity)).collect();
        let payload = json!({"dev": device, "o": origin, "cmps": all});
        return vec![(format!("homeassistant/device/{id}/config"), payload.to_string())];
    }
    let single = |(part, mut entity): (&str, Value)| {
        let platform = entity["p"].as_str().unwrap_or_default().to_owned();
        if let Some(entity) = entity.as_object_mut() {
            entity.remove("p");
            entity.insert("dev".to_owned(), device.clone());
            entity.insert("o".to_owned(), origin.clone());
        }
        (format!("homeassistant/{platform}/{id}/{part}/config"), entity.to_string())
    };
    entities.into_iter().map(single).collect()
}

/// A name that may stand in a topic of discovery.
fn node_id(base: &str) -> String {
    base.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' }).collect()
}

fn entities(base: &str, id: &str) -> Vec<(&'static str, Value)> {
    let last = format!("{base}/last");
    let all = [
        ("ask", "text", "Say something", json!({"cmd_t": format!("{base}/utterance"), "min": 1, "max": MOST_STATE})),
        (
            "reply",
            "sensor",
            "Last reply",
            json!({"stat_t": last, "val_tpl": format!("{{{{ value_json.text[:{MOST_STATE}] }}}}"), "json_attr_t": last}),
        ),
        (
            "tier",
            "sensor",
            "Last tier",
            json!({"stat_t": last, "val_tpl": "{{ value_json.tier }}", "dev_cla": "enum",
                "ops": ["intent", "chat", "explain", "none"]}),
        ),
        (
            "first_words",
            "sensor",
            "Time to first words",
            json!({"stat_t": last, "val_tpl": "{{ value_json.first_chunk_ms }}", "dev_cla": "duration",
                "unit_of_meas": "ms", "stat_cla": "measurement", "ent_cat": "diagnostic"}),
        ),
        (
            "utterance",
            "event",
            "Utterance",
            json!({"stat_t": format!("{base}/event/utterance"), "evt_typ": ["handled", "not_understood", "failed"]}),
        ),
        (
            "broker",
            "binary_sensor",
            "Broker",
            json!({"stat_t": format!("{base}/status"), "pl_on": "online", "pl_off": "offline",
                "dev_cla": "connectivity", "ent_cat": "diagnostic"}),
        ),
        (
            "models",
            "binary_sensor",
            "Models",
            json!({"stat_t": format!("{base}/info"), "dev_cla": "running", "ent_cat": "diagnostic",
                "val_tpl": "{{ 'ON' if value_json.tiers.chat.state == 'ready' and value_json.tiers.explain.state == 'ready' else 'OFF' }}"}),
        ),
        ("reload", "button", "Reload", json!({"cmd_t": format!("{base}/admin/reload"), "ent_cat": "config"})),
        ("say", "notify", "Say", json!({"cmd_t": format!("{base}/say/default")})),
    ];
    let whole = |(part, platform, name, more): (&'static str, &str, &str, Value)| {
        let mut entity = json!({
            "p": platform, "name": name, "uniq_id": format!("{id}_{part}"), "def_ent_id": format!("{platform}.{id}_{part}"),
        });
        if let (Some(entity), Value::Object(more)) = (entity.as_object_mut(), more) {
            entity.extend(more);
            // What tells whether we are there is there when we are not.
            if part != "broker" {
                entity.insert("avty_t".to_owned(), json!(format!("{base}/status")));
            }
        }
        (part, entity)
    };
    all.into_iter().map(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::home::{House, Reserved};

    #[test]
    fn one_message_has_all_and_several_have_one_each() {
        let device = announcements("hearthd", Form::Device);
        assert_eq!(device.len(), 1);
        let whole: Value = serde_json::from_str(&device[0].1).unwrap();
        let parts = whole["cmps"].as_object().unwrap();
        assert_eq!((device[0].0.as_str(), parts.len()), ("homeassistant/device/hearthd/config", 9));
        let single = announcements("home/voice", Form::Single);
        assert_eq!(single.len(), 9);
        assert_eq!(single[0].0, "homeassistant/text/home_voice/ask/config");
        for (topic, payload) in &single {
            let entity: Value = serde_json::from_str(payload).unwrap();
            let (domain, id) = (topic.split('/').nth(1).unwrap(), entity["def_ent_id"].as_str().unwrap());
            assert!(id.starts_with(&format!("{domain}.home_voice_")), "{id}");
            assert!(entity["dev"]["ids"].is_array() && entity.get("p").is_none(), "{payload}");
        }
    }

    #[test]
    fn we_are_no_device_of_our_own_home() {
        for form in [Form::Device, Form::Single] {
            let mut house = House::new(Reserved::default());
            for (topic, payload) in Entities::new("hearthd", form).announcements() {
                assert!(house.announce(topic, payload.as_bytes()).is_empty());
            }
            assert!(house.problems().is_empty(), "{:?}", house.problems());
            assert!(house.devices(&[], &jiff::Zoned::now()).is_empty());
        }
    }
}
