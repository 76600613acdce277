//! The first generation: one topic for each output.

use serde_json::{Map, Value, json};

use super::{Announcement, brightness_as, mired_of, of_255, online, white_as};

/// Models that switch something, by how many relays they have.
const RELAYS: [(&str, usize); 15] = [
    ("SHSW-1", 1),
    ("SHSW-PM", 1),
    ("SHSW-L", 1),
    ("SHSW-21", 2),
    ("SHSW-25", 2),
    ("SHSW-44", 4),
    ("SHPLG-1", 1),
    ("SHPLG-S", 1),
    ("SHPLG-U1", 1),
    ("SHPLG2-1", 1),
    ("SHSK-1", 1),
    ("SHSPOT", 1),
    ("SHUNI-1", 2),
    ("SHEM", 1),
    ("SHEM-3", 1),
];
/// Lamps of one white, and those of several, in kelvin.
const LAMPS: [(&str, Option<(u64, u64)>); 5] =
    [("SHDM-1", None), ("SHDM-2", None), ("SHVIN-1", None), ("SHBDUO-1", Some((2_700, 6_500))), ("SHDIMW-1", None)];
/// Lamps of all colours, by how many channels they are as whites.
const COLOURED: [(&str, usize); 3] = [("SHBLB-1", 1), ("SHCB-1", 1), ("SHRGBW2", 4)];
/// Models that measure: what, as topic, class and unit.
const SENSORS: [(&str, &[Sensor]); 4] = [
    ("SHHT-1", &[TEMPERATURE, ("humidity", "sensor", "humidity", "%", ""), BATTERY]),
    ("SHWT-1", &[("flood", "binary_sensor", "moisture", "", "true"), TEMPERATURE, BATTERY]),
    ("SHDW-", &[("state", "binary_sensor", "opening", "", "open"), BATTERY]),
    ("SHSM-01", &[("smoke", "binary_sensor", "smoke", "", "true"), TEMPERATURE, BATTERY]),
];
const TEMPERATURE: Sensor = ("temperature", "sensor", "temperature", "°C", "");
const BATTERY: Sensor = ("battery", "sensor", "battery", "%", "");
/// Models that have nothing to switch and nothing to ask about.
const SILENT: [&str; 3] = ["SHIX3", "SHBTN", "SHGS"];

/// A topic, a component, a class, a unit, and what is said where it is on.
type Sensor = (&'static str, &'static str, &'static str, &'static str, &'static str);

/// The device whose topic ends so.
pub(super) fn id_of<'t>(topic: &'t str, end: &str) -> Option<&'t str> {
    let id = topic.strip_prefix("shellies/")?.strip_suffix(end)?;
    (!id.is_empty() && !id.contains('/')).then_some(id)
}

/// Reads an announcement.
pub(super) fn read(topic: &str, message: &Map<String, Value>) -> Result<Vec<Announcement>, String> {
    let text = |key: &str| message.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let id = text("id").ok_or("the message has no `id`")?;
    let model = text("model").ok_or("the message has no `model`")?;
    let device = Device { topic, at: format!("shellies/{id}"), id, mode: text("mode").unwrap_or_default() };
    if let Some((_, sensors)) = SENSORS.iter().find(|(known, _)| model.starts_with(known)) {
        return Ok(sensors.iter().map(|sensor| device.sensor(sensor)).collect());
    }
    if let Some((_, relays)) = RELAYS.iter().find(|(known, _)| *known == model) {
        return Ok(match device.mode {
            "roller" => vec![device.roller()],
            _ => (0..*relays).map(|number| device.relay(number, *relays == 1)).collect(),
        });
    }
    if let Some((_, whites)) = LAMPS.iter().find(|(known, _)| *known == model) {
        return Ok(vec![device.lamp("light", 0, true, *whites)]);
    }
    if let Some((_, channels)) = COLOURED.iter().find(|(known, _)| *known == model) {
        return Ok(match device.mode {
            "white" => (0..*channels).map(|number| device.lamp("white", number, *channels == 1, None)).collect(),
            _ => vec![device.coloured()],
        });
    }
    if SILENT.iter().any(|known| model.starts_with(known)) {
        return Ok(Vec::new());
    }
    Err(format!(
        "Shelly's model {model} is not known here: write the device under `devices:` in the config, with `mqtt:`"
    ))
}

struct Device<'a> {
    /// The topic of the message.
    topic: &'a str,
    id: &'a str,
    /// What its topics begin with.
    at: String,
    /// What its outputs work as, of those models where there is a choice.
    mode: &'a str,
}

impl Device<'_> {
    /// One of its things; those that sleep on a battery say that they are away most of the time.
    fn part(&self, component: &str, part: String, own: Value, sleeps: bool) -> Announcement {
        let device = json!({"identifiers": [format!("shelly_{}", self.id)], "name": self.id});
        let mut shared = Map::from_iter([("device".to_owned(), device)]);
        if !sleeps {
            shared.extend(online(&self.at));
        }
        Announcement::of_part(self.topic, part, component, own, &shared)
    }

    fn name(number: usize, is_only: bool) -> Value {
        if is_only { Value::Null } else { json!((number + 1).to_string()) }
    }

    fn relay(&self, number: usize, is_only: bool) -> Announcement {
        let at = format!("{}/relay/{number}", self.at);
        let own = json!({
            "name": Self::name(number, is_only), "command_topic": format!("{at}/command"), "state_topic": at,
            "payload_on": "on", "payload_off": "off",
        });
        self.part("switch", format!("relay{number}"), own, false)
    }

    fn roller(&self) -> Announcement {
        let at = format!("{}/roller/0", self.at);
        let own = json!({
            "name": null, "command_topic": format!("{at}/command"), "payload_open": "open", "payload_close": "close",
            "payload_stop": "stop", "position_topic": format!("{at}/pos"), "set_position_topic": format!("{at}/command/pos"),
        });
        self.part("cover", "roller0".to_owned(), own, false)
    }

    fn lamp(&self, kind: &str, number: usize, is_only: bool, whites: Option<(u64, u64)>) -> Announcement {
        let at = format!("{}/{kind}/{number}", self.at);
        let white = if whites.is_some() { white_as("temp") } else { String::new() };
        let mut own = json!({
            "name": Self::name(number, is_only), "schema": "template", "command_topic": format!("{at}/set"),
            "command_on_template": format!(r#"{{"turn":"on"{}{white}}}"#, brightness_as("brightness")),
            "brightness_template": of_255("brightness"),
        });
        if let Some((least, most)) = whites {
            own["color_temp_template"] = json!(mired_of("temp"));
            (own["min_kelvin"], own["max_kelvin"]) = (json!(least), json!(most));
        }
        self.light(&at, format!("{kind}{number}"), own)
    }

    fn coloured(&self) -> Announcement {
        let at = format!("{}/color/0", self.at);
        let colour =
            r#"{% if red is defined %},"red":{{ red }},"green":{{ green }},"blue":{{ blue }},"white":0{% endif %}"#;
        let own = json!({
            "name": null, "schema": "template", "command_topic": format!("{at}/set"),
            "command_on_template": format!(r#"{{"turn":"on"{}{colour}}}"#, brightness_as("gain")),
            "brightness_template": of_255("gain"),
            "red_template": "{{ value_json.red }}", "green_template": "{{ value_json.green }}",
            "blue_template": "{{ value_json.blue }}",
        });
        self.light(&at, "color0".to_owned(), own)
    }

    /// What all lamps have alike.
    fn light(&self, at: &str, part: String, mut own: Value) -> Announcement {
        own["command_off_template"] = json!(r#"{"turn":"off"}"#);
        own["state_topic"] = json!(format!("{at}/status"));
        own["state_template"] = json!("{{ 'on' if value_json.ison else 'off' }}");
        self.part("light", part, own, false)
    }

    fn sensor(&self, (topic, component, class, unit, on): &Sensor) -> Announcement {
        let mut own = json!({"device_class": class, "state_topic": format!("{}/sensor/{topic}", self.at)});
        if !unit.is_empty() {
            own["unit_of_measurement"] = json!(unit);
        }
        if !on.is_empty() {
            own["payload_on"] = json!(on);
            own["payload_off"] = json!(if *on == "open" { "close" } else { "false" });
        }
        self.part(component, (*topic).to_owned(), own, true)
    }
}
