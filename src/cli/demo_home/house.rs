//! The simulated home: which devices it has, and what each says to what it hears.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::transport::mqtt::play::{Line, Part};

use super::device::{Device, Kind, Manner};

use Kind::{Binary, Button, Climate, ColourLamp, Cover, Fan, Lamp, Lock, Person, Plug, Scene, Sensor, Vacuum, Valve};
use Manner::{Obeys, Offline, Silent};

/// Every device: id, name, room, kind, manner.
const DEVICES: [(&str, &str, &str, Kind, Manner); 31] = [
    ("ceiling_lamp", "Ceiling lamp", "Living room", ColourLamp, Obeys(40)),
    ("reading_lamp", "Reading lamp", "Living room", ColourLamp, Obeys(120)),
    ("kitchen_light", "Kitchen light", "Kitchen", ColourLamp, Obeys(30)),
    ("bedroom_light", "Bedroom light", "Bedroom", ColourLamp, Obeys(60)),
    ("bedroom_reading_lamp", "Reading lamp", "Bedroom", Lamp, Obeys(50)),
    // It says no room: its name does.
    ("hallway_light", "Hallway light", "", Lamp, Obeys(20)),
    ("bathroom_light", "Bathroom light", "Bathroom", Lamp, Obeys(35)),
    ("office_light", "Office light", "Office", ColourLamp, Obeys(80)),
    ("attic_light", "Attic light", "Attic", Lamp, Silent),
    ("garden_light", "Garden light", "Garden", Lamp, Offline),
    ("coffee_machine", "Coffee machine", "Kitchen", Plug, Obeys(90)),
    ("tv", "TV", "Living room", Plug, Obeys(70)),
    ("oven", "Oven", "Kitchen", Plug, Obeys(50)),
    ("ceiling_fan", "Ceiling fan", "Bedroom", Fan, Obeys(60)),
    ("living_room_blinds", "Living room blinds", "Living room", Cover("blind"), Obeys(100)),
    ("bedroom_curtains", "Bedroom curtains", "Bedroom", Cover("curtain"), Obeys(100)),
    ("garage_door", "Garage door", "Garage", Cover("garage"), Obeys(150)),
    ("water_valve", "Water valve", "Bathroom", Valve, Obeys(60)),
    ("front_door", "Front door", "Hallway", Lock, Obeys(100)),
    ("living_room_radiator", "Living room radiator", "Living room", Climate, Obeys(110)),
    ("bedroom_radiator", "Bedroom radiator", "Bedroom", Climate, Obeys(110)),
    ("movie_night", "Movie night", "", Scene, Obeys(0)),
    ("doorbell_chime", "Doorbell chime", "Hallway", Button, Obeys(0)),
    ("robby", "Robby", "", Vacuum, Obeys(130)),
    ("kitchen_temperature", "Kitchen temperature", "Kitchen", Sensor("temperature", "°C"), Obeys(0)),
    ("bathroom_humidity", "Bathroom humidity", "Bathroom", Sensor("humidity", "%"), Obeys(0)),
    ("coffee_machine_power", "Coffee machine power", "Kitchen", Sensor("power", "W"), Obeys(0)),
    ("bedroom_window", "Bedroom window", "Bedroom", Binary("window"), Obeys(0)),
    ("kitchen_window", "Kitchen window", "Kitchen", Binary("window"), Obeys(0)),
    ("hallway_motion", "Hallway motion", "Hallway", Binary("motion"), Obeys(0)),
    ("ann", "Ann", "", Person, Obeys(0)),
];

/// What a device reports first.
fn first(id: &str, kind: Kind) -> Map<String, Value> {
    let state = match (kind, id) {
        (Lamp | Plug, _) => json!({"state": "OFF"}),
        (ColourLamp, "office_light") => json!({"state": "ON", "brightness": 204}),
        (ColourLamp, _) => json!({"state": "OFF", "brightness": 128}),
        (Fan, _) => json!({"state": "OFF", "speed": 40}),
        (Cover("garage"), _) => json!({"state": "closed", "position": 0}),
        (Cover(_), _) => json!({"state": "open", "position": 100}),
        (Valve, _) => json!({"state": "open"}),
        (Lock, _) => json!({"state": "LOCKED"}),
        (Climate, _) => json!({"mode": "heat", "preset": "none", "wanted": 20, "measured": 19.5}),
        (Vacuum, _) => json!({"state": "docked"}),
        (Sensor("temperature", _), _) => json!({"value": 21.5}),
        (Sensor("power", _), _) => json!({"value": 2}),
        (Sensor(..), _) => json!({"value": 55}),
        (Binary(_), "bedroom_window") => json!({"value": "ON"}),
        (Binary(_), _) => json!({"value": "OFF"}),
        (Person, _) => json!({"value": "home"}),
        (Scene | Button, _) => json!({}),
    };
    state.as_object().cloned().unwrap_or_default()
}

/// The house.
#[derive(Debug)]
pub(super) struct House {
    prefix: String,
    pub(super) devices: Vec<Device>,
    /// Whether everything stays at the broker at the end.
    keeps: bool,
    /// What was done, for whoever watches.
    told: fn(&str),
}

impl House {
    pub(super) fn new(prefix: &str, keeps: bool, told: fn(&str)) -> Self {
        let devices = DEVICES.map(|(id, name, area, kind, manner)| Device {
            id,
            name,
            area,
            kind,
            manner,
            state: first(id, kind),
        });
        Self { prefix: prefix.to_owned(), devices: devices.to_vec(), keeps, told }
    }

    fn line(&self, topic: &str, payload: String) -> Line {
        Line { after: Duration::ZERO, topic: format!("{}/{topic}", self.prefix), payload }
    }

    fn announced(device: &Device, payload: String) -> Line {
        let topic = format!("homeassistant/{}/demo_home_{}/config", device.component(), device.id);
        Line { after: Duration::ZERO, topic, payload }
    }
}

impl Part for House {
    fn filters(&self) -> Vec<String> {
        vec![format!("{}/+/set", self.prefix), format!("{}/+/+/set", self.prefix)]
    }

    fn opening(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for device in &self.devices {
            lines.push(Self::announced(device, device.announcement(&self.prefix).to_string()));
            let there = if device.manner == Offline { "offline" } else { "online" };
            lines.push(self.line(&format!("{}/status", device.id), there.to_owned()));
            if device.manner != Silent && !device.state.is_empty() {
                lines.push(self.line(device.id, Value::Object(device.state.clone()).to_string()));
            }
        }
        lines.push(self.line("status", "online".to_owned()));
        lines
    }

    fn hear(&mut self, topic: &str, payload: &str) -> Vec<Line> {
        let rest = topic.strip_prefix(&self.prefix).and_then(|rest| rest.strip_prefix('/'));
        let Some(rest) = rest.and_then(|rest| rest.strip_suffix("/set")) else { return Vec::new() };
        let (id, part) = rest.split_once('/').unwrap_or((rest, ""));
        let Some(place) = self.devices.iter().position(|device| device.id == id) else { return Vec::new() };
        let device = &self.devices[place];
        let shown: String = payload.chars().filter(|c| !c.is_control()).take(80).collect();
        let Some(course) = device.obey(part, payload) else {
            (self.told)(&format!("{}: does not understand {shown}", device.name));
            return Vec::new();
        };
        let silently = if device.manner == Silent { " (and never says so)" } else { "" };
        (self.told)(&format!("{}: {shown}{silently}", device.name));
        let mut after = Duration::ZERO;
        let mut lines = Vec::new();
        for (pause, state) in &course {
            after += *pause;
            lines.push(Line { after, ..self.line(id, Value::Object(state.clone()).to_string()) });
        }
        if let Some((_, state)) = course.into_iter().next_back() {
            self.devices[place].state = state;
        }
        lines
    }

    fn closing(&self) -> Vec<Line> {
        if self.keeps {
            return vec![self.line("status", "offline".to_owned())];
        }
        let mut lines = Vec::new();
        for device in &self.devices {
            lines.push(Self::announced(device, String::new()));
            lines.push(self.line(&format!("{}/status", device.id), String::new()));
            lines.push(self.line(device.id, String::new()));
        }
        lines.push(self.line("status", String::new()));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::home::{self, Reserved};

    fn house() -> House {
        House::new("demo-home", false, |_| {})
    }

    #[test]
    fn what_it_announces_is_understood_to_the_last_device() {
        let mut known = home::House::new(Reserved::default());
        let opening = house().opening();
        for line in opening.iter().filter(|line| line.topic.starts_with("homeassistant/")) {
            known.announce(&line.topic, line.payload.as_bytes());
        }
        for line in &opening {
            known.hear(&line.topic, line.payload.as_bytes());
        }
        assert!(known.problems().is_empty(), "{:?}", known.problems());
        let devices = known.devices(&[], &jiff::Zoned::now());
        assert_eq!(devices.len(), DEVICES.len());
        let of = |name: &str| devices.iter().find(|device| device.name == name).unwrap();
        assert_eq!(of("Garden light").online, Some(false));
        assert_eq!(of("Office light").state.as_deref(), Some("on, 80 %"));
        assert_eq!(of("Hallway light").area.as_deref(), Some("Hallway"));
        assert_eq!(of("Attic light").state, None);
    }

    #[test]
    fn commands_are_obeyed_and_nonsense_is_not() {
        let mut house = house();
        let last = |lines: Vec<Line>| lines.into_iter().next_back().map(|line| line.payload).unwrap_or_default();
        let lit = last(house.hear("demo-home/reading_lamp/set", r#"{"state":"ON","brightness":20}"#));
        assert!(lit.contains(r#""brightness":20"#) && lit.contains(r#""state":"ON""#), "{lit}");
        assert!(last(house.hear("demo-home/reading_lamp/set", r#"{"brightness":0}"#)).contains("OFF"));
        let way = house.hear("demo-home/living_room_blinds/position/set", "40");
        assert!(way.len() == 4 && way[0].payload.contains("closing"), "{way:?}");
        assert!(last(house.hear("demo-home/front_door/set", "UNLOCK")).contains("UNLOCKED"));
        for (topic, payload) in [
            ("demo-home/front_door/set", "OPEN SESAME"),
            ("demo-home/living_room_blinds/position/set", "400"),
            ("demo-home/reading_lamp/set", "{"),
            ("demo-home/nobody/set", "ON"),
            ("demo-home/attic_light/set", r#"{"state":"ON"}"#),
            ("demo-home/kitchen_temperature/set", "ON"),
            ("elsewhere", "ON"),
        ] {
            assert!(house.hear(topic, payload).is_empty(), "{topic} {payload}");
        }
    }
}
