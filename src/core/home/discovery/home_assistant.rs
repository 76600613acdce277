//! Home Assistant's discovery messages: one entity a topic, or a whole device with its entities.
//!
//! What comes out is written out in full: no short keys, no `~`, a device's shared keys in each of its entities. Nothing is
//! known here of what an entity can do.

use serde_json::{Map, Value};

use super::{Announcement, Entity, Key, abbreviations};

/// Entities of one device message.
const MOST_ENTITIES: usize = 500;
/// What a device message says once for all its entities.
const SHARED: [&str; 14] = [
    "availability",
    "availability_mode",
    "availability_template",
    "availability_topic",
    "payload_available",
    "payload_not_available",
    "command_topic",
    "state_topic",
    "encoding",
    "message_expiry_interval",
    "qos",
    "device",
    "origin",
    "~",
];

/// Whether messages on this topic announce entities.
pub(super) fn announces(topic: &str) -> bool {
    component_of(topic).is_some()
}

/// The component that a discovery topic names.
fn component_of(topic: &str) -> Option<&str> {
    let rest = topic.strip_prefix("homeassistant/")?.strip_suffix("/config")?;
    let mut levels = rest.split('/');
    let component = levels.next().filter(|component| !component.is_empty())?;
    let ids: Vec<&str> = levels.collect();
    let is_id = |id: &&str| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    ((1..=2).contains(&ids.len()) && ids.iter().all(is_id)).then_some(component)
}

/// Reads a message.
///
/// # Errors
/// What is wrong with it, in one sentence.
pub(super) fn read(topic: &str, mut message: Map<String, Value>) -> Result<Vec<Announcement>, String> {
    let component = component_of(topic).ok_or("this is no topic of a discovery message")?;
    abbreviations::expand(&mut message);
    if message.get("migrate_discovery").is_some_and(|moves| *moves == Value::Bool(true)) {
        // The device's own message brings it back.
        return Ok(vec![Announcement::AllGone]);
    }
    if component == "device" {
        return device(topic, message);
    }
    let key = Key { topic: topic.to_owned(), part: None };
    Ok(vec![Announcement::Is(key, Entity { component: component.to_owned(), config: in_full(message) })])
}

/// Reads a device's message.
fn device(topic: &str, mut message: Map<String, Value>) -> Result<Vec<Announcement>, String> {
    let Some(Value::Object(components)) = message.remove("components") else {
        return Err("the device's message has no `components`".to_owned());
    };
    if !message.get("device").is_some_and(Value::is_object) {
        return Err("the device's message has no `device`".to_owned());
    }
    if components.len() > MOST_ENTITIES {
        return Err(format!("the device has more than {MOST_ENTITIES} entities"));
    }
    let mut announcements = Vec::with_capacity(components.len());
    for (part, component) in components {
        let key = Key { topic: topic.to_owned(), part: Some(part.clone()) };
        let Value::Object(mut config) = component else { return Err(format!("`components.{part}` is no object")) };
        abbreviations::expand(&mut config);
        let Some(Value::String(platform)) = config.remove("platform") else {
            return Err(format!("`components.{part}` does not say its `platform`"));
        };
        if config.is_empty() {
            announcements.push(Announcement::Gone(key));
            continue;
        }
        for shared in SHARED {
            if let Some(value) = message.get(shared).filter(|_| !config.contains_key(shared)) {
                config.insert(shared.to_owned(), value.clone());
            }
        }
        announcements.push(Announcement::Is(key, Entity { component: platform, config: in_full(config) }));
    }
    Ok(announcements)
}

/// Puts the base topic in place of `~`, which counts as the first or the last character of a topic alone.
fn in_full(mut config: Map<String, Value>) -> Map<String, Value> {
    let Some(Value::String(base)) = config.remove("~") else { return config };
    let replace = |key: &str, value: &mut Value| {
        let Value::String(topic) = value else { return };
        if !key.ends_with("topic") {
            return;
        }
        if let Some(rest) = topic.strip_prefix('~') {
            *topic = format!("{base}{rest}");
        } else if let Some(rest) = topic.strip_suffix('~') {
            *topic = format!("{rest}{base}");
        }
    };
    for (key, value) in &mut config {
        replace(key, value);
        if let ("availability", Value::Array(availabilities)) = (key.as_str(), value) {
            for (key, value) in availabilities.iter_mut().filter_map(Value::as_object_mut).flatten() {
                replace(key, value);
            }
        }
    }
    config
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::home::discovery;

    fn read_json(topic: &str, message: &Value) -> Result<Vec<Announcement>, String> {
        discovery::read(topic, message.to_string().as_bytes())
    }

    #[test]
    fn topics_of_both_forms_are_known() {
        for topic in ["homeassistant/light/lamp/config", "homeassistant/light/node-1/lamp/config"] {
            assert!(announces(topic), "{topic}");
        }
        for topic in [
            "homeassistant/status",
            "homeassistant/light/config",
            "homeassistant/light/a/b/c/config",
            "homeassistant//lamp/config",
            "homeassistant/light/la mp/config",
            "other/light/lamp/config",
        ] {
            assert!(!announces(topic), "{topic}");
        }
    }

    #[test]
    fn an_entity_is_written_out_in_full() {
        let topic = "homeassistant/light/lamp/config";
        let message = json!({
            "~": "home/lamp", "cmd_t": "~/set", "stat_t": "state/~", "name": "~ no topic", "uniq_id": "1",
            "avty": [{"t": "~/online"}], "dev": {"ids": "1", "sa": "Hall"}, "strange": [1]
        });
        let entity = Entity {
            component: "light".to_owned(),
            config: json!({
                "command_topic": "home/lamp/set", "state_topic": "state/home/lamp", "name": "~ no topic", "unique_id": "1",
                "availability": [{"topic": "home/lamp/online"}],
                "device": {"identifiers": "1", "suggested_area": "Hall"}, "strange": [1]
            })
            .as_object()
            .unwrap()
            .clone(),
        };
        let key = Key { topic: topic.to_owned(), part: None };
        assert_eq!(read_json(topic, &message), Ok(vec![Announcement::Is(key, entity)]));
    }

    #[test]
    fn a_device_brings_its_entities() {
        let topic = "homeassistant/device/hub/config";
        let message = json!({
            "dev": {"ids": ["hub"], "name": "Hub"}, "o": {"name": "maker"}, "avty_t": "hub/online", "~": "hub",
            "cmps": {
                "relay": {"p": "switch", "uniq_id": "r", "cmd_t": "~/relay"},
                "old": {"p": "sensor"}
            }
        });
        let announcements = read_json(topic, &message).unwrap();
        let [Announcement::Is(key, entity), Announcement::Gone(gone)] = announcements.as_slice() else {
            panic!("{announcements:?}")
        };
        assert_eq!((key.part.as_deref(), gone.part.as_deref()), (Some("relay"), Some("old")));
        assert_eq!(entity.component, "switch");
        assert_eq!(entity.config["command_topic"], "hub/relay");
        assert_eq!(entity.config["availability_topic"], "hub/online");
        assert_eq!(entity.config["device"]["name"], "Hub");
    }

    #[test]
    fn garbage_is_refused_with_what_is_wrong() {
        let topic = "homeassistant/device/hub/config";
        for (payload, what) in [
            ("{}", "components"),
            (r#"{"cmps": {}}"#, "`device`"),
            (r#"{"dev": {"ids": "a"}, "cmps": {"x": 1}}"#, "`components.x` is no object"),
            (r#"{"dev": {"ids": "a"}, "cmps": {"x": {"cmd_t": "a"}}}"#, "`platform`"),
        ] {
            let error = discovery::read(topic, payload.as_bytes()).unwrap_err();
            assert!(error.contains(what), "{payload}: {error}");
        }
    }
}
