//! The second generation and those after it: remote procedure calls over MQTT.
//!
//! A device answers `Shelly.GetConfig` with what it is and `Shelly.GetStatus` with how it stands, and tells of changes on
//! `events/rpc`, a few fields at a time. What it tells so is put together here as what it would say on `status/…`, which is
//! off unless somebody turns it on.

use serde_json::{Map, Value, json};

use super::{Announcement, brightness_as, mired_of, of_255, online, question, white_as};
use crate::core::home::Message;

/// Where answers go: between these stands the device's topic.
const ANSWERS: &str = "hearthd/shelly/";
pub(super) const CONFIG: &str = "/config/rpc";
const STATUS: &str = "/status/rpc";
const EVENTS: &str = "/events/rpc";
/// Who our commands are from; nobody listens to what is answered, since the state says it.
const SOURCE: &str = "hearthd";
/// Components of one device.
const MOST_COMPONENTS: usize = 64;

/// The device that answers on this topic.
pub(super) fn prefix_of<'t>(topic: &'t str, end: &str) -> Option<&'t str> {
    topic.strip_prefix(ANSWERS)?.strip_suffix(end).filter(|prefix| !prefix.is_empty())
}

/// What it is asked, in this order: states of what is not known yet would be lost.
pub(super) fn questions(prefix: &str) -> Vec<Message> {
    let ask = |(method, end): (&str, &str)| {
        let src = format!("{ANSWERS}{prefix}{}", end.trim_end_matches("/rpc"));
        question(&format!("{prefix}/rpc"), &json!({"id": 1, "src": src, "method": method}).to_string())
    };
    [("Shelly.GetConfig", CONFIG), ("Shelly.GetStatus", STATUS)].map(ask).into()
}

/// The states that a message tells, by the topics they are kept under.
pub(in crate::core::home) fn parts(topic: &str, payload: &[u8]) -> Vec<(String, Map<String, Value>)> {
    let answered = prefix_of(topic, STATUS);
    let Some(prefix) = answered.or_else(|| topic.strip_suffix(EVENTS)) else { return Vec::new() };
    let Ok(Value::Object(mut message)) = serde_json::from_slice(payload) else { return Vec::new() };
    let is_status =
        message.get("method").is_some_and(|method| method == "NotifyStatus" || method == "NotifyFullStatus");
    let states =
        if answered.is_some() { message.remove("result") } else { message.remove("params").filter(|_| is_status) };
    let Some(Value::Object(states)) = states else { return Vec::new() };
    let components = states.into_iter().filter_map(|(component, state)| match state {
        Value::Object(state) => Some((format!("{prefix}/status/{component}"), state)),
        _ => None,
    });
    components.take(MOST_COMPONENTS).collect()
}

/// Reads an answer to the question what a device is.
pub(super) fn read(topic: &str, prefix: &str, message: &Map<String, Value>) -> Result<Vec<Announcement>, String> {
    if let Some(error) = message.get("error") {
        let why = error.get("message").and_then(Value::as_str).unwrap_or("no reason is given");
        return Err(format!("the device does not say what it is: {why}; RPC over MQTT must need no password there"));
    }
    let config = message.get("result").and_then(Value::as_object).ok_or("the message has no `result`")?;
    let id = message.get("src").and_then(Value::as_str).unwrap_or(prefix);
    let about = config.get("sys").and_then(|sys| sys.get("device"));
    let name = about.and_then(|device| device.get("name")).and_then(Value::as_str).filter(|name| !name.is_empty());
    let device = json!({"identifiers": [format!("shelly_{id}")], "name": name.unwrap_or(id)});
    let mut shared = Map::from_iter([("device".to_owned(), device), ("qos".to_owned(), json!(1))]);
    shared.extend(online(prefix));
    let outputs = config.keys().filter(|key| is_output(kind_of(key))).count();
    let device = Device { prefix, config, shared, is_only: outputs == 1 };
    let part = |key: &String| {
        let (component, own) = device.made(key)?;
        Some(Announcement::of_part(topic, key.clone(), component, own, &device.shared))
    };
    Ok(config.keys().take(MOST_COMPONENTS).filter_map(part).collect())
}

fn kind_of(key: &str) -> &str {
    key.split(':').next().unwrap_or(key)
}

fn is_output(kind: &str) -> bool {
    matches!(kind, "switch" | "light" | "rgb" | "rgbw" | "cct" | "cover")
}

struct Device<'a> {
    /// What its topics begin with.
    prefix: &'a str,
    config: &'a Map<String, Value>,
    shared: Map<String, Value>,
    /// Whether it has one output, which is called as the device is.
    is_only: bool,
}

impl Device<'_> {
    /// What a component is, and what it says of itself.
    fn made(&self, key: &str) -> Option<(&'static str, Value)> {
        let (kind, id) = key.split_once(':')?;
        let id: u64 = id.parse().ok()?;
        let state = format!("{}/status/{key}", self.prefix);
        let field = |field: &str| format!("{{{{ value_json.{field} }}}}");
        let sensor = |class: &str, unit: &str, name: &str| {
            let mut own = json!({"state_topic": state, "device_class": class, "value_template": field(name)});
            if !unit.is_empty() {
                own["unit_of_measurement"] = json!(unit);
            }
            own
        };
        let alarm = |class: &str| {
            let mut own = sensor(class, "", "alarm");
            (own["payload_on"], own["payload_off"]) = (json!("True"), json!("False"));
            own
        };
        Some(match kind {
            "switch" if self.is_light(id) => ("light", self.light(key, id, "Switch")),
            "switch" => ("switch", self.switch(key, id)),
            "light" => ("light", self.light(key, id, "Light")),
            "cct" => ("light", self.light(key, id, "CCT")),
            "rgb" => ("light", self.light(key, id, "RGB")),
            "rgbw" => ("light", self.light(key, id, "RGBW")),
            "cover" => ("cover", self.cover(key, id)),
            "temperature" => ("sensor", sensor("temperature", "°C", "tC")),
            "humidity" => ("sensor", sensor("humidity", "%", "rh")),
            "devicepower" => ("sensor", sensor("battery", "%", "battery.percent")),
            "illuminance" => ("sensor", sensor("illuminance", "lx", "lux")),
            "smoke" => ("binary_sensor", alarm("smoke")),
            "flood" => ("binary_sensor", alarm("moisture")),
            _ => return None,
        })
    }

    /// Whether a switch switches a lamp, as the app was told.
    fn is_light(&self, id: u64) -> bool {
        let types = self.config.get("sys").and_then(|sys| sys.get("ui_data")?.get("consumption_types")?.as_array());
        let of = types.and_then(|types| types.get(usize::try_from(id).ok()?)?.as_str());
        of.is_some_and(|of| of.to_lowercase().starts_with("light"))
    }

    /// The name of an output, `null` where it is the device's own.
    fn name(&self, key: &str, id: u64) -> Value {
        let own = self.config.get(key).and_then(|config| config.get("name")).and_then(Value::as_str);
        match own.filter(|name| !name.is_empty()) {
            Some(name) => json!(name),
            None if self.is_only => Value::Null,
            None => json!((id + 1).to_string()),
        }
    }

    fn call(method: &str, params: &str) -> String {
        format!(r#"{{"id":1,"src":"{SOURCE}","method":"{method}","params":{{{params}}}}}"#)
    }

    /// What every output has alike.
    fn output(&self, key: &str, id: u64, own: Value) -> Value {
        let mut own = own;
        own["name"] = self.name(key, id);
        own["command_topic"] = json!(format!("{}/rpc", self.prefix));
        own["state_topic"] = json!(format!("{}/status/{key}", self.prefix));
        own
    }

    fn switch(&self, key: &str, id: u64) -> Value {
        let set = |on: bool| Self::call("Switch.Set", &format!(r#""id":{id},"on":{on}"#));
        let own = json!({
            "payload_on": set(true), "payload_off": set(false), "state_on": "True", "state_off": "False",
            "value_template": "{{ value_json.output }}",
        });
        self.output(key, id, own)
    }

    fn light(&self, key: &str, id: u64, component: &str) -> Value {
        let mut on = format!(r#""id":{id},"on":true"#);
        let mut own = json!({"schema": "template", "state_template": "{{ 'on' if value_json.output else 'off' }}"});
        let method = format!("{component}.Set");
        if component != "Switch" {
            on += &brightness_as("brightness");
            own["brightness_template"] = json!(of_255("brightness"));
        }
        if component.starts_with("RGB") {
            on += r#"{% if red is defined %},"rgb":[{{ red }},{{ green }},{{ blue }}]{% endif %}"#;
            for (place, colour) in ["red_template", "green_template", "blue_template"].iter().enumerate() {
                own[*colour] = json!(format!("{{{{ value_json.rgb[{place}] }}}}"));
            }
        }
        if component == "CCT" {
            on += &white_as("ct");
            own["color_temp_template"] = json!(mired_of("ct"));
            (own["min_kelvin"], own["max_kelvin"]) = (json!(2_700), json!(6_500));
        }
        own["command_on_template"] = json!(Self::call(&method, &on));
        own["command_off_template"] = json!(Self::call(&method, &format!(r#""id":{id},"on":false"#)));
        self.output(key, id, own)
    }

    fn cover(&self, key: &str, id: u64) -> Value {
        let call = |method: &str| Self::call(method, &format!(r#""id":{id}"#));
        let at = format!("{}/status/{key}", self.prefix);
        let mut own = json!({
            "payload_open": call("Cover.Open"), "payload_close": call("Cover.Close"), "payload_stop": call("Cover.Stop"),
            "value_template": "{{ value_json.state }}",
        });
        if self.config.get(key).and_then(|config| config.get("pos_control")) != Some(&Value::Bool(false)) {
            let position = Self::call("Cover.GoToPosition", &format!(r#""id":{id},"pos":{{{{ position }}}}"#));
            own["set_position_topic"] = json!(format!("{}/rpc", self.prefix));
            own["set_position_template"] = json!(position);
            own["position_topic"] = json!(at);
            own["position_template"] = json!("{{ value_json.current_pos }}");
        }
        self.output(key, id, own)
    }
}
