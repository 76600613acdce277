//! What `Zigbee2MQTT` says of its devices and groups by itself, translated into Home Assistant's form: for where its
//! announcements to Home Assistant are off, as they are unless somebody turns them on.
//!
//! Fields are those of its documentation: "MQTT Topics and Messages", `bridge/devices`, and "Exposes".

mod groups;

use serde_json::{Map, Value, json};

use super::Announcement;

pub(in crate::core::home) use groups::{Group, Groups};

/// Bits of `access`: it is in the state, and it can be set.
const TOLD: u64 = 1;
const SET: u64 = 2;
/// Entities of one device.
const MOST_ENTITIES: usize = 64;

/// Readings that are worth a question: by property, the device class and, for what is on or off, whether that is on.
const READINGS: [(&str, &str); 12] = [
    ("temperature", "temperature"),
    ("local_temperature", "temperature"),
    ("humidity", "humidity"),
    ("pressure", "pressure"),
    ("illuminance", "illuminance"),
    ("battery", "battery"),
    ("power", "power"),
    ("energy", "energy"),
    ("voltage", "voltage"),
    ("co2", "carbon_dioxide"),
    ("pm25", "pm25"),
    ("soil_moisture", "moisture"),
];
const STATES: [(&str, &str); 10] = [
    ("contact", "door"),
    ("occupancy", "motion"),
    ("presence", "occupancy"),
    ("water_leak", "moisture"),
    ("smoke", "smoke"),
    ("gas", "gas"),
    ("carbon_monoxide", "carbon_monoxide"),
    ("vibration", "vibration"),
    ("tamper", "tamper"),
    ("battery_low", "battery"),
];

/// Where a bridge lists its devices.
const DEVICES: &str = "/bridge/devices";

/// Whether messages on this topic tell of devices or of groups.
pub(in crate::core::home) fn announces(topic: &str) -> bool {
    base_of(topic).is_some_and(|base| !base.is_empty())
}

/// What the topics of a list's bridge begin with.
fn base_of(topic: &str) -> Option<&str> {
    topic.strip_suffix(DEVICES).or_else(|| topic.strip_suffix(groups::GROUPS))
}

/// Reads the list of devices, or that of groups.
pub(super) fn read(topic: &str, list: &[Value]) -> Vec<Announcement> {
    if groups::is_groups(topic) {
        return groups::read(list);
    }
    let base = base_of(topic).unwrap_or(topic);
    let devices = list.iter().filter_map(|device| Device::read(base, device));
    devices.flat_map(|device| [device.entities(topic), vec![groups::member(&device)]].concat()).collect()
}

/// The id of a device or a group among programs.
fn unit_id(address: &str) -> String {
    format!("zigbee2mqtt_{address}")
}

/// What everything of a bridge says: where it is told whether the bridge and this one can be reached.
fn bridge(base: &str, name: &str) -> Map<String, Value> {
    let state = "{{ value_json.state }}";
    let said = [format!("{base}/bridge/state"), format!("{base}/{name}/availability")]
        .map(|topic| json!({"topic": topic, "value_template": state}));
    Map::from_iter([("availability".to_owned(), json!(said)), ("availability_mode".to_owned(), json!("all"))])
}

/// One device of the list.
struct Device<'a> {
    id: &'a str,
    /// Its topic.
    at: String,
    exposes: &'a [Value],
    /// What each of its entities says.
    shared: Map<String, Value>,
}

/// A thing that is made of a part of a device: its component and its config.
type Made = (&'static str, Value);

impl<'a> Device<'a> {
    /// `None` for what is no device of the home: the coordinator, what is disabled or not understood.
    fn read(base: &str, device: &'a Value) -> Option<Self> {
        let text = |key: &str| device.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let (id, name) = (text("ieee_address")?, text("friendly_name")?);
        if text("type") == Some("Coordinator") || device.get("disabled") == Some(&Value::Bool(true)) {
            return None;
        }
        let exposes = device.get("definition")?.get("exposes")?.as_array()?;
        let mut shared = bridge(base, name);
        shared.insert("device".to_owned(), json!({"identifiers": [unit_id(id)], "name": name}));
        Some(Self { id, at: format!("{base}/{name}"), exposes, shared })
    }

    fn entities(&self, topic: &str) -> Vec<Announcement> {
        let (mut found, mut has_main) = (Vec::new(), false);
        for (place, expose) in self.exposes.iter().enumerate().take(MOST_ENTITIES) {
            let Some((component, Value::Object(mut config))) = self.made(expose) else { continue };
            let endpoint = text(expose, "endpoint").map(|endpoint| format!("_{endpoint}")).unwrap_or_default();
            let part = format!("{}_{component}_{place}{endpoint}", self.id);
            // The lamp of a fan is called after both.
            if config.get("name") == Some(&Value::Null) && std::mem::replace(&mut has_main, true) {
                config.insert("name".to_owned(), json!(component));
            }
            config.insert("unique_id".to_owned(), json!(part));
            config.entry("state_topic").or_insert_with(|| json!(self.at));
            found.push(Announcement::of_part(topic, part, component, Value::Object(config), &self.shared));
        }
        found
    }

    fn made(&self, expose: &Value) -> Option<Made> {
        match text(expose, "type")? {
            "light" => self.light(expose),
            "switch" => self.switch(expose),
            "cover" => self.cover(expose),
            "lock" => self.lock(expose),
            "climate" => self.climate(expose),
            "fan" => self.fan(expose),
            "numeric" if told(expose) && expose.get("category").is_none() => reading(expose),
            "binary" if told(expose) && expose.get("category").is_none() => state(expose),
            _ => None,
        }
    }

    /// Where a property is set.
    fn set(&self, feature: &Value) -> Option<String> {
        access(feature, SET).then(|| format!("{}/set/{}", self.at, property(feature)))
    }

    fn light(&self, expose: &Value) -> Option<Made> {
        let on = feature(expose, "state")?;
        if property(on) != "state" {
            // One of several on a device, each with properties of its own.
            return self.switch(expose).map(|(_, config)| ("light", config));
        }
        let mut modes = Vec::new();
        let mut config = json!({"name": null, "schema": "json", "command_topic": format!("{}/set", self.at)});
        for (name, mode) in [("color_xy", "xy"), ("color_hs", "hs"), ("color_temp", "color_temp")] {
            // One way to say a colour is enough.
            if feature(expose, name).is_some() && !(mode == "hs" && modes.contains(&"xy")) {
                modes.push(mode);
            }
        }
        if let Some(level) = feature(expose, "brightness") {
            config["brightness"] = json!(true);
            config["brightness_scale"] = level.get("value_max").cloned().unwrap_or_else(|| json!(254));
        }
        if let Some(white) = feature(expose, "color_temp") {
            for (key, of) in [("min_mireds", "value_min"), ("max_mireds", "value_max")] {
                if let Some(value) = white.get(of) {
                    config[key] = value.clone();
                }
            }
        }
        if modes.is_empty() {
            modes.push(if feature(expose, "brightness").is_some() { "brightness" } else { "onoff" });
        }
        config["supported_color_modes"] = json!(modes);
        Some(("light", config))
    }

    fn switch(&self, expose: &Value) -> Option<Made> {
        let on = feature(expose, "state")?;
        let name = text(expose, "endpoint").map_or(Value::Null, Value::from);
        let config = json!({
            "name": name, "command_topic": self.set(on)?, "value_template": template(property(on)),
            "payload_on": on.get("value_on")?, "payload_off": on.get("value_off")?,
        });
        Some(("switch", config))
    }

    fn cover(&self, expose: &Value) -> Option<Made> {
        let mut config = json!({
            "name": null, "command_topic": self.set(feature(expose, "state")?)?,
            "value_template": template(property(feature(expose, "state")?)), "state_open": "OPEN", "state_closed": "CLOSE",
        });
        if let Some(position) = feature(expose, "position") {
            config["position_topic"] = json!(self.at);
            config["position_template"] = json!(template(property(position)));
            if let Some(topic) = self.set(position) {
                config["set_position_topic"] = json!(topic);
            }
        }
        Some(("cover", config))
    }

    fn lock(&self, expose: &Value) -> Option<Made> {
        let on = feature(expose, "state")?;
        let (locked, unlocked) = (on.get("value_on")?, on.get("value_off")?);
        let config = json!({
            "name": null, "command_topic": self.set(on)?, "value_template": template(property(on)),
            "payload_lock": locked, "payload_unlock": unlocked, "state_locked": locked, "state_unlocked": unlocked,
        });
        Some(("lock", config))
    }

    fn climate(&self, expose: &Value) -> Option<Made> {
        let wanted = ["occupied_heating_setpoint", "current_heating_setpoint", "occupied_cooling_setpoint"];
        let wanted = wanted.iter().find_map(|name| feature(expose, name))?;
        let mut config = json!({
            "name": null, "temperature_command_topic": self.set(wanted)?, "temperature_state_topic": self.at,
            "temperature_state_template": template(property(wanted)), "temperature_unit": "C",
        });
        for (key, of) in [("min_temp", "value_min"), ("max_temp", "value_max"), ("temp_step", "value_step")] {
            if let Some(value) = wanted.get(of) {
                config[key] = value.clone();
            }
        }
        if let Some(now) = feature(expose, "local_temperature") {
            config["current_temperature_topic"] = json!(self.at);
            config["current_temperature_template"] = json!(template(property(now)));
        }
        if let Some(mode) = feature(expose, "system_mode")
            && let (Some(topic), Some(modes)) = (self.set(mode), mode.get("values"))
        {
            config["mode_command_topic"] = json!(topic);
            config["mode_state_topic"] = json!(self.at);
            config["mode_state_template"] = json!(template(property(mode)));
            config["modes"] = modes.clone();
        }
        Some(("climate", config))
    }

    fn fan(&self, expose: &Value) -> Option<Made> {
        let (_, mut config) = self.switch(expose)?;
        config["state_value_template"] = config["value_template"].take();
        if let Some(speed) = feature(expose, "speed")
            && let Some(topic) = self.set(speed)
        {
            config["percentage_command_topic"] = json!(topic);
            config["percentage_state_topic"] = json!(self.at);
            config["percentage_value_template"] = json!(template(property(speed)));
            config["speed_range_min"] = json!(1);
            config["speed_range_max"] = speed.get("value_max").cloned().unwrap_or_else(|| json!(100));
        }
        Some(("fan", config))
    }
}

fn reading(expose: &Value) -> Option<Made> {
    let property = property(expose);
    let (_, class) = READINGS.iter().find(|(name, _)| *name == property)?;
    let mut config = json!({
        "name": text(expose, "label").unwrap_or(property), "device_class": class, "value_template": template(property),
    });
    if let Some(unit) = expose.get("unit") {
        config["unit_of_measurement"] = unit.clone();
    }
    Some(("sensor", config))
}

fn state(expose: &Value) -> Option<Made> {
    let property = property(expose);
    let (_, class) = STATES.iter().find(|(name, _)| *name == property)?;
    let config = json!({
        "name": text(expose, "label").unwrap_or(property), "device_class": class, "value_template": template(property),
        "payload_on": expose.get("value_on")?, "payload_off": expose.get("value_off")?,
    });
    Some(("binary_sensor", config))
}

fn text<'v>(of: &'v Value, key: &str) -> Option<&'v str> {
    of.get(key).and_then(Value::as_str)
}

fn access(feature: &Value, bit: u64) -> bool {
    feature.get("access").and_then(Value::as_u64).unwrap_or(0) & bit != 0
}

fn told(expose: &Value) -> bool {
    access(expose, TOLD)
}

fn property(feature: &Value) -> &str {
    text(feature, "property").or_else(|| text(feature, "name")).unwrap_or_default()
}

fn feature<'v>(expose: &'v Value, name: &str) -> Option<&'v Value> {
    expose.get("features")?.as_array()?.iter().find(|feature| text(feature, "name") == Some(name))
}

fn template(property: &str) -> String {
    format!("{{{{ value_json['{}'] }}}}", property.replace(['\'', '\\', '{', '}', '%'], ""))
}
