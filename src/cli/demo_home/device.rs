//! One device of the simulated home: how it announces itself, and what it makes of a command.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// On and off alone.
    Lamp,
    /// With brightness, warmth and colours.
    ColourLamp,
    Plug,
    Fan,
    /// With its device class.
    Cover(&'static str),
    Valve,
    Lock,
    Climate,
    Scene,
    Button,
    Vacuum,
    /// With its device class and unit.
    Sensor(&'static str, &'static str),
    /// With its device class.
    Binary(&'static str),
    Person,
}

/// How a device behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// It does as it is told, after so many milliseconds.
    Obeys(u64),
    /// It takes commands and never says anything.
    Silent,
    /// It is not there.
    Offline,
}

/// A device.
#[derive(Clone, Debug)]
pub(super) struct Device {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    /// The room that it says it is in; empty for none.
    pub(super) area: &'static str,
    pub(super) kind: Kind,
    pub(super) manner: Manner,
    /// What it reports; one object on its topic.
    pub(super) state: Map<String, Value>,
}

/// States in the order in which they are reported, each after the one before by so long.
pub(super) type Course = Vec<(Duration, Map<String, Value>)>;

impl Device {
    /// The component of Home Assistant's discovery.
    pub(super) fn component(&self) -> &'static str {
        match self.kind {
            Kind::Lamp | Kind::ColourLamp => "light",
            Kind::Plug => "switch",
            Kind::Fan => "fan",
            Kind::Cover(_) => "cover",
            Kind::Valve => "valve",
            Kind::Lock => "lock",
            Kind::Climate => "climate",
            Kind::Scene => "scene",
            Kind::Button => "button",
            Kind::Vacuum => "vacuum",
            Kind::Sensor(..) => "sensor",
            Kind::Binary(_) => "binary_sensor",
            Kind::Person => "device_tracker",
        }
    }

    /// How it announces itself.
    pub(super) fn announcement(&self, prefix: &str) -> Value {
        let at = format!("{prefix}/{}", self.id);
        let field = |name: &str| format!("{{{{ value_json.{name} }}}}");
        let mut config = json!({
            "name": null,
            "unique_id": format!("demo_home_{}", self.id),
            "device": {"identifiers": [format!("demo_home_{}", self.id)], "name": self.name},
            "origin": {"name": "hearthd demo-home"},
            "availability": [{"topic": format!("{prefix}/status")}, {"topic": format!("{at}/status")}],
            "availability_mode": "all",
        });
        if !self.area.is_empty() {
            config["device"]["suggested_area"] = json!(self.area);
        }
        let more = match self.kind {
            Kind::Lamp => json!({"schema": "json", "supported_color_modes": ["onoff"]}),
            Kind::ColourLamp => json!({
                "schema": "json", "brightness": true, "supported_color_modes": ["rgb", "color_temp"],
                "color_temp_kelvin": true, "min_kelvin": 2_200, "max_kelvin": 6_500,
            }),
            Kind::Fan => json!({
                "percentage_command_topic": format!("{at}/speed/set"), "percentage_state_topic": at,
                "percentage_value_template": field("speed"), "state_value_template": field("state"),
            }),
            Kind::Cover(class) => json!({
                "device_class": class, "set_position_topic": format!("{at}/position/set"), "position_topic": at,
                "position_template": field("position"), "value_template": field("state"),
            }),
            Kind::Climate => json!({
                "modes": ["off", "heat", "auto"], "mode_command_topic": format!("{at}/mode/set"), "mode_state_topic": at,
                "mode_state_template": field("mode"), "temperature_command_topic": format!("{at}/temperature/set"),
                "temperature_state_topic": at, "temperature_state_template": field("wanted"),
                "current_temperature_topic": at, "current_temperature_template": field("measured"),
                "preset_modes": ["eco", "comfort", "boost"], "preset_mode_command_topic": format!("{at}/preset/set"),
                "preset_mode_state_topic": at, "preset_mode_value_template": field("preset"),
                "min_temp": 5, "max_temp": 30, "temp_step": 0.5, "temperature_unit": "C",
            }),
            Kind::Sensor(class, unit) => json!({
                "device_class": class, "unit_of_measurement": unit, "value_template": field("value"),
            }),
            Kind::Binary(class) => json!({"device_class": class, "value_template": field("value")}),
            Kind::Person => json!({"value_template": field("value")}),
            Kind::Vacuum => json!({"supported_features": ["start", "pause", "stop", "return_home"]}),
            Kind::Plug | Kind::Valve | Kind::Lock => json!({"value_template": field("state")}),
            Kind::Scene | Kind::Button => json!({}),
        };
        if let (Some(config), Value::Object(more)) = (config.as_object_mut(), more) {
            config.extend(more);
            if self.is_told() && self.kind != Kind::Climate {
                config.insert("command_topic".to_owned(), json!(format!("{at}/set")));
            }
            if !matches!(self.kind, Kind::Scene | Kind::Button | Kind::Climate) {
                config.insert("state_topic".to_owned(), json!(at));
            }
        }
        config
    }

    /// Whether it takes commands.
    fn is_told(&self) -> bool {
        !matches!(self.kind, Kind::Sensor(..) | Kind::Binary(_) | Kind::Person)
    }

    /// What comes of a command: what it reports, one after the other. `None` for what it does not understand.
    pub(super) fn obey(&self, part: &str, payload: &str) -> Option<Course> {
        let with = |changes: Value| {
            let mut state = self.state.clone();
            state.extend(changes.as_object().cloned().unwrap_or_default());
            state
        };
        let Manner::Obeys(after) = self.manner else { return Some(Vec::new()) };
        let after = Duration::from_millis(after);
        let at_once = |changes: Value| Some(vec![(after, with(changes))]);
        let number = |least: f64, most: f64| payload.trim().parse::<f64>().ok().filter(|n| (least..=most).contains(n));
        match (self.kind, part, payload) {
            (Kind::Lamp | Kind::ColourLamp, "", _) => at_once(self.lit(payload)?),
            (Kind::Plug | Kind::Fan, "", "ON" | "OFF") => at_once(json!({"state": payload})),
            (Kind::Fan, "speed", _) => at_once(json!({"state": "ON", "speed": number(1.0, 100.0)?})),
            (Kind::Cover(_), "", "OPEN") => Some(self.moved(100.0, after)),
            (Kind::Cover(_), "", "CLOSE") => Some(self.moved(0.0, after)),
            (Kind::Cover(_), "", "STOP") => at_once(json!({"state": "stopped"})),
            (Kind::Cover(_), "position", _) => Some(self.moved(number(0.0, 100.0)?, after)),
            (Kind::Valve, "", "OPEN") => at_once(json!({"state": "open"})),
            (Kind::Valve, "", "CLOSE") => at_once(json!({"state": "closed"})),
            (Kind::Lock, "", "LOCK") => {
                Some(vec![(after, with(json!({"state": "LOCKING"}))), (4 * after, with(json!({"state": "LOCKED"})))])
            }
            (Kind::Lock, "", "UNLOCK") => Some(vec![
                (after, with(json!({"state": "UNLOCKING"}))),
                (4 * after, with(json!({"state": "UNLOCKED"}))),
            ]),
            (Kind::Climate, "mode", "off" | "heat" | "auto") => at_once(json!({"mode": payload})),
            (Kind::Climate, "preset", "none" | "eco" | "comfort" | "boost") => at_once(json!({"preset": payload})),
            (Kind::Climate, "temperature", _) => at_once(json!({"wanted": number(5.0, 30.0)?})),
            (Kind::Vacuum, "", "start") => at_once(json!({"state": "cleaning"})),
            (Kind::Vacuum, "", "pause" | "stop") => at_once(json!({"state": "paused"})),
            (Kind::Vacuum, "", "return_to_base") => at_once(json!({"state": "returning"})),
            (Kind::Scene, "", "ON") | (Kind::Button, "", "PRESS") => Some(Vec::new()),
            _ => None,
        }
    }

    /// What a lamp becomes: on by anything but off and a brightness of 0.
    fn lit(&self, payload: &str) -> Option<Value> {
        let wanted: Value = serde_json::from_str(payload).ok()?;
        let wanted = wanted.as_object()?;
        let brightness = wanted.get("brightness").and_then(Value::as_f64);
        if brightness.is_some_and(|brightness| !(0.0..=255.0).contains(&brightness)) {
            return None;
        }
        let is_off = wanted.get("state").is_some_and(|state| state == "OFF") || brightness == Some(0.0);
        if is_off {
            return Some(json!({"state": "OFF"}));
        }
        let mut changes = json!({"state": "ON"});
        if self.kind == Kind::ColourLamp {
            for key in ["brightness", "color", "color_temp"] {
                if let Some(value) = wanted.get(key) {
                    changes[key] = value.clone();
                }
            }
        }
        Some(changes)
    }

    /// A cover takes a second for its way, and tells where it is.
    fn moved(&self, to: f64, after: Duration) -> Course {
        let from = self.state.get("position").and_then(Value::as_f64).unwrap_or(0.0);
        let going = if to > from { "opening" } else { "closing" };
        let stand = |position: f64, state: &str| {
            let mut next = self.state.clone();
            next.insert("position".to_owned(), json!(position.round()));
            next.insert("state".to_owned(), json!(state));
            next
        };
        let way = (1..4_u8).map(|part| stand(from + (to - from) * f64::from(part) / 4.0, going));
        let end = stand(to, if to > 0.0 { "open" } else { "closed" });
        let mut course: Course = way.map(|state| (Duration::from_millis(250), state)).collect();
        course.push((Duration::from_millis(250), end));
        course[0].0 = after;
        course
    }
}
