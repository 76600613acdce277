//! Tasmota's own discovery messages, translated into Home Assistant's form: relays, lights and shutters.
//!
//! Fields are named in Tasmota's source, `xdrv_12_discovery.ino`; what lights take, in its page of commands.

use serde_json::{Map, Value, json};

use super::Announcement;

/// Relays, lights and shutters of one device.
const MOST_OUTPUTS: usize = 32;
/// What `rl` says of an output.
const RELAY: u64 = 1;
const LIGHT: u64 = 2;
const SHUTTER: u64 = 3;

/// Whether messages on this topic announce a device.
pub(super) fn announces(topic: &str) -> bool {
    let mac = topic.strip_prefix("tasmota/discovery/").and_then(|rest| rest.strip_suffix("/config"));
    mac.is_some_and(|mac| !mac.is_empty() && !mac.contains('/'))
}

/// Reads a device's message.
pub(super) fn read(topic: &str, message: &Map<String, Value>) -> Result<Vec<Announcement>, String> {
    let device = Device::read(message)?;
    let outputs = message.get("rl").and_then(Value::as_array).ok_or("the message has no `rl`: the relays")?;
    let kinds: Vec<u64> = outputs.iter().take(MOST_OUTPUTS).map(|kind| kind.as_u64().unwrap_or(0)).collect();
    let switches = kinds.iter().filter(|kind| **kind == RELAY || **kind == LIGHT).count();
    let (mut found, mut shutters) = (Vec::new(), 0_usize);
    for (place, kind) in kinds.iter().enumerate() {
        let (component, config) = match *kind {
            // Devices with one relay call it POWER as well.
            RELAY | LIGHT => {
                let number = if switches == 1 { String::new() } else { (place + 1).to_string() };
                device.switch(*kind, place, &number)
            }
            // A shutter takes two relays, up and down.
            SHUTTER => {
                shutters += 1;
                if shutters % 2 == 0 {
                    continue;
                }
                device.shutter(place, shutters.div_ceil(2))
            }
            _ => continue,
        };
        let part = format!("{component}{}", place + 1);
        found.push(Announcement::of_part(topic, part, component, config, &device.shared));
    }
    Ok(found)
}

/// What a message says of its device as a whole.
struct Device<'a> {
    message: &'a Map<String, Value>,
    command: String,
    status: String,
    off: String,
    on: String,
    /// What each of its entities says.
    shared: Map<String, Value>,
}

impl<'a> Device<'a> {
    fn read(message: &'a Map<String, Value>) -> Result<Self, String> {
        let text = |key: &str| message.get(key).and_then(Value::as_str);
        let of = |key: &str, place: usize| message.get(key).and_then(|list| list.get(place)).and_then(Value::as_str);
        let topic = text("t").filter(|topic| !topic.is_empty()).ok_or("the message has no `t`: the device's topic")?;
        let full = text("ft").unwrap_or("%prefix%/%topic%/");
        let mac = text("mac").ok_or("the message has no `mac`")?;
        let place = |number: usize, usual: &str| {
            let prefix = of("tp", number).unwrap_or(usual);
            let place = full.replace("%prefix%", prefix).replace("%topic%", topic);
            let place = place.replace("%hostname%", text("hn").unwrap_or(topic)).replace("%id%", mac);
            format!("{}/", place.trim_end_matches('/'))
        };
        let name = text("dn").filter(|name| !name.is_empty()).unwrap_or(topic);
        let shared = json!({
            "availability_topic": format!("{}LWT", place(2, "tele")),
            "payload_available": text("onln").unwrap_or("Online"),
            "payload_not_available": text("ofln").unwrap_or("Offline"),
            "device": {"identifiers": [mac], "name": name},
        });
        let Value::Object(shared) = shared else { return Err("the message names no device".to_owned()) };
        Ok(Self {
            message,
            command: place(0, "cmnd"),
            status: place(1, "stat"),
            off: of("state", 0).unwrap_or("OFF").to_owned(),
            on: of("state", 1).unwrap_or("ON").to_owned(),
            shared,
        })
    }

    /// The name of an output, `null` where it is the device's own.
    fn name(&self, place: usize) -> Value {
        let name = self.message.get("fn").and_then(|names| names.get(place)).and_then(Value::as_str);
        let own = self.message.get("dn").and_then(Value::as_str);
        name.filter(|name| !name.is_empty() && Some(*name) != own).map_or(Value::Null, Value::from)
    }

    fn option(&self, number: &str) -> bool {
        self.message.get("so").and_then(|options| options.get(number)).and_then(Value::as_u64) == Some(1)
    }

    fn switch(&self, kind: u64, place: usize, number: &str) -> (&'static str, Value) {
        let Self { command, status, on, off, .. } = self;
        let mut config = json!({
            "name": self.name(place), "command_topic": format!("{command}POWER{number}"),
            "state_topic": format!("{status}POWER{number}"), "payload_on": on, "payload_off": off,
        });
        if kind == RELAY {
            // SetOption30: relays are lights.
            return (if self.option("30") { "light" } else { "switch" }, config);
        }
        // 0 none, 1 dimmer, 2 white of two warmths, 3 to 5 colours; 5 with both whites.
        let subtype = self.message.get("lt_st").and_then(Value::as_u64).unwrap_or(0);
        if subtype >= 1 {
            config["brightness_command_topic"] = json!(format!("{command}Dimmer"));
            config["brightness_scale"] = json!(100);
        }
        if matches!(subtype, 2 | 5) {
            config["color_temp_command_topic"] = json!(format!("{command}CT"));
            (config["min_mireds"], config["max_mireds"]) = (json!(153), json!(500));
        }
        if subtype >= 3 {
            config["rgb_command_topic"] = json!(format!("{command}Color2"));
        }
        ("light", config)
    }

    fn shutter(&self, place: usize, number: usize) -> (&'static str, Value) {
        let Self { command, status, .. } = self;
        let position = format!("{command}ShutterPosition{number}");
        let reported = format!("{{{{ value_json.Shutter{number}.Position }}}}");
        let config = json!({
            "name": self.name(place), "command_topic": position, "set_position_topic": position,
            "position_topic": format!("{status}RESULT"), "position_template": reported,
        });
        ("cover", config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(message: &Value) -> Vec<(String, Value)> {
        let announcements = read("tasmota/discovery/A1/config", message.as_object().unwrap()).unwrap();
        let entity = |announcement| match announcement {
            Announcement::Is(_, entity) => (entity.component, Value::Object(entity.config)),
            other => panic!("{other:?}"),
        };
        announcements.into_iter().map(entity).collect()
    }

    #[test]
    fn topics_of_devices_are_known() {
        assert!(announces("tasmota/discovery/00D0A1/config"));
        for topic in ["tasmota/discovery/00D0A1/sensors", "tasmota/discovery/config", "tasmota/discovery//config"] {
            assert!(!announces(topic), "{topic}");
        }
    }

    #[test]
    fn relays_lights_and_shutters_are_translated() {
        let plug = found(&json!({
            "dn": "Kettle", "fn": ["Kettle", null], "mac": "A1", "t": "kettle", "ft": "home/%topic%/%prefix%/",
            "tp": ["cmnd", "stat", "tele"], "state": ["off", "on", "toggle", "hold"], "onln": "Up", "rl": [1, 0, 0]
        }));
        let [(component, config)] = plug.as_slice() else { panic!("{plug:?}") };
        assert_eq!((component.as_str(), &config["name"]), ("switch", &Value::Null));
        assert_eq!(config["command_topic"], "home/kettle/cmnd/POWER");
        assert_eq!(config["state_topic"], "home/kettle/stat/POWER");
        assert_eq!(config["availability_topic"], "home/kettle/tele/LWT");
        assert_eq!((&config["payload_on"], &config["payload_available"]), (&json!("on"), &json!("Up")));
        let two = found(&json!({"mac": "A1", "t": "two", "fn": ["Left", "Right"], "rl": [1, 1], "so": {"30": 1}}));
        assert_eq!(two[1].0, "light");
        assert_eq!((&two[1].1["name"], &two[1].1["command_topic"]), (&json!("Right"), &json!("cmnd/two/POWER2")));
        let lamp = found(&json!({"mac": "A1", "t": "lamp", "rl": [2], "lt_st": 5}));
        assert_eq!(lamp[0].1["brightness_command_topic"], "cmnd/lamp/Dimmer");
        assert_eq!(lamp[0].1["rgb_command_topic"], "cmnd/lamp/Color2");
        assert_eq!(lamp[0].1["max_mireds"], 500);
        let blinds = found(&json!({"mac": "A1", "t": "b", "rl": [3, 3, 3, 3]}));
        assert_eq!(blinds.len(), 2);
        assert_eq!(blinds[1].1["set_position_topic"], "cmnd/b/ShutterPosition2");
    }

    #[test]
    fn garbage_is_refused_with_what_is_wrong() {
        for (message, what) in
            [(json!({}), "`t`"), (json!({"t": "a"}), "`mac`"), (json!({"t": "a", "mac": "b"}), "`rl`")]
        {
            let error = read("tasmota/discovery/A1/config", message.as_object().unwrap()).unwrap_err();
            assert!(error.contains(what), "{message}: {error}");
        }
        assert!(found(&json!({"t": "a", "mac": "b", "rl": ["x", {}, 9, -1]})).is_empty());
        assert_eq!(found(&json!({"t": "a", "mac": "b", "rl": vec![1; 500]})).len(), MOST_OUTPUTS);
    }
}
