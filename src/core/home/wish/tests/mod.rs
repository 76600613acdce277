//! Wishes granted in a home, from what was said to what is sent and answered.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Zoned;
use jiff::civil::date;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::{Grant, Granted, INTENTS, Outcome, Said, Wish};
use crate::core::home::tests::data;
use crate::core::home::{House, Reserved};
use crate::core::intents::{self, Rules, Source};

mod groups;
mod players;
mod settings;

fn now() -> Zoned {
    date(2026, 11, 28).at(9, 5, 7, 0).to_zoned(TimeZone::UTC).unwrap()
}

fn announce(house: &mut House, component: &str, id: &str, config: &Value) {
    let topic = format!("homeassistant/{component}/{id}/config");
    house.announce(&topic, config.to_string().as_bytes());
}

/// Two lamps and a blind in the living room, a lamp and a thermometer in the kitchen, a lock, an oven's plug.
fn house() -> House {
    let mut house = House::new(Reserved { prefixes: vec!["hearthd".to_owned()] });
    let lamp = |name: &str, area: &str, id: &str| {
        json!({
            "name": null, "device": {"name": name, "identifiers": [id], "suggested_area": area}, "schema": "json",
            "brightness": true, "supported_color_modes": ["xy"], "command_topic": format!("{id}/set"), "state_topic": id,
            "availability_topic": format!("{id}/status"),
        })
    };
    announce(&mut house, "light", "l1", &lamp("Ceiling lamp", "Living room", "l1"));
    announce(&mut house, "light", "l2", &lamp("Reading lamp", "Living room", "l2"));
    announce(&mut house, "light", "l3", &lamp("Kitchen_lamp", "Kitchen", "l3"));
    let plain = |name: &str, id: &str| json!({"name": name, "command_topic": format!("{id}/set"), "state_topic": id});
    let mut blind = plain("Living room blinds", "b1");
    blind["set_position_topic"] = json!("b1/position");
    blind["position_topic"] = json!("b1/at");
    blind["device_class"] = json!("blind");
    announce(&mut house, "cover", "b1", &blind);
    announce(&mut house, "lock", "k1", &plain("Front door", "k1"));
    announce(&mut house, "switch", "o1", &plain("Kitchen oven", "o1"));
    announce(&mut house, "switch", "p1", &plain("Kitchen kettle", "p1"));
    let warm = json!({
        "name": "Kitchen temperature", "state_topic": "t1", "device_class": "temperature", "unit_of_measurement": "°C",
    });
    announce(&mut house, "sensor", "t1", &warm);
    let window = json!({"name": "Kitchen window", "state_topic": "w1", "device_class": "window"});
    announce(&mut house, "binary_sensor", "w1", &window);
    assert!(house.problems().is_empty(), "{:?}", house.problems());
    house.settle(&[], "en");
    house
}

/// A wish of these slots, for a thing of this announcement where one is named.
fn grant(house: &House, intent: &str, slots: &Value, id: Option<&str>) -> Result<Grant, String> {
    let slots: Map<String, Value> = serde_json::from_value(slots.clone()).unwrap();
    let known = id.map(|id| ("name".to_owned(), json!({"id": format!("homeassistant/{id}/config")})));
    let known: BTreeMap<String, Map<String, Value>> =
        known.into_iter().map(|(slot, known)| (slot, serde_json::from_value(known).unwrap())).collect();
    let wish = Wish { intent, slots: &slots, known: &known, area: None };
    house.grant(&wish, &now()).map_err(|refusal| refusal.to_string())
}

fn granted(house: &House, intent: &str, slots: &Value, id: Option<&str>) -> Granted {
    match grant(house, intent, slots, id) {
        Ok(Grant::Act(granted)) => granted,
        other => panic!("{intent} {slots}: {other:?}"),
    }
}

fn told(house: &House, intent: &str, slots: &Value, id: Option<&str>) -> String {
    match grant(house, intent, slots, id) {
        Ok(Grant::Told(text)) => text,
        other => panic!("{intent} {slots}: {other:?}"),
    }
}

fn sent(granted: &Granted) -> Vec<(String, String)> {
    let messages = granted.steps.iter().flat_map(|step| &step.messages);
    messages.map(|message| (message.topic.clone(), message.payload.clone())).collect()
}

/// What is said after these reports.
fn said_after(house: &mut House, granted: &mut Granted, reports: &[(&str, &str)]) -> String {
    for (topic, payload) in reports {
        house.hear(topic, payload.as_bytes());
    }
    for step in granted.steps.iter_mut().filter(|step| step.outcome == Outcome::Sent) {
        step.outcome = match house.progress(step, true, &now()) {
            Outcome::Sent => Outcome::Unanswered,
            outcome => outcome,
        };
    }
    match granted.say(None) {
        Said::Text(text) | Said::Offline(text) => text,
    }
}

#[test]
fn what_is_said_is_what_is_reported() {
    let mut house = house();
    let on = json!({"name": "Kitchen_lamp"});
    let mut lamp = granted(&house, "HassTurnOn", &on, Some("light/l3"));
    assert_eq!(sent(&lamp), [("l3/set".to_owned(), r#"{"state":"ON"}"#.to_owned())]);
    assert_eq!(said_after(&mut house, &mut lamp.clone(), &[]), "I sent it, but the kitchen lamp has not answered.");
    assert_eq!(said_after(&mut house, &mut lamp, &[("l3", r#"{"state":"ON"}"#)]), "Turned on the kitchen lamp.");
    let mut again = granted(&house, "HassTurnOn", &on, Some("light/l3"));
    assert_eq!(said_after(&mut house, &mut again, &[]), "The kitchen lamp is already on.");
    house.hear("l3/status", b"offline");
    let mut away = granted(&house, "HassTurnOn", &on, Some("light/l3"));
    assert!(sent(&away).is_empty());
    let text = said_after(&mut house, &mut away, &[]);
    assert!(text.starts_with("the kitchen lamp is offline"), "{text}");
}

#[test]
fn the_lights_of_a_room_are_told_together() {
    let mut house = house();
    let room = json!({"area": "living room", "domain": "light"});
    let mut lamps = granted(&house, "HassTurnOn", &room, None);
    assert_eq!(sent(&lamps).len(), 2);
    let reports = [("l1", r#"{"state":"ON"}"#)];
    let text = said_after(&mut house, &mut lamps, &reports);
    assert_eq!(text, "Turned on the ceiling lamp. The reading lamp has not answered.");
    let mut lamps = granted(&house, "HassTurnOff", &room, None);
    let reports = [("l1", r#"{"state":"OFF"}"#), ("l2", r#"{"state":"OFF"}"#)];
    assert_eq!(said_after(&mut house, &mut lamps, &reports), "Turned off 2 lights in the living room.");
    let mut lamps = granted(&house, "HassTurnOff", &room, None);
    assert_eq!(said_after(&mut house, &mut lamps, &[]), "The 2 lights in the living room are already off.");
    assert_eq!(granted(&house, "HassTurnOff", &json!({"domain": "light"}), None).steps.len(), 3);
    let error = grant(&house, "HassTurnOn", &json!({"area": "attic", "domain": "light"}), None).unwrap_err();
    assert_eq!(error, "there are no lights in the attic that are known");
}

#[test]
fn numbers_are_in_the_devices_own_ranges() {
    let mut house = house();
    let set = json!({"name": "x", "brightness": 40, "color": "red"});
    let mut slots: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    slots.insert("color".to_owned(), serde_json::from_value(json!({"hex": "#ff0000"})).unwrap());
    slots.insert("name".to_owned(), serde_json::from_value(json!({"id": "homeassistant/light/l1/config"})).unwrap());
    let map: Map<String, Value> = serde_json::from_value(set).unwrap();
    let wish = Wish { intent: "HassLightSet", slots: &map, known: &slots, area: None };
    let Ok(Grant::Act(both)) = house.grant(&wish, &now()) else { panic!() };
    assert_eq!(both.steps[0].messages.len(), 1, "one message for both");
    let payload: Value = serde_json::from_str(&both.steps[0].messages[0].payload).unwrap();
    assert_eq!(payload, json!({"state": "ON", "color": {"x": 0.701, "y": 0.299}, "brightness": 102}));
    house.hear("l1", br#"{"state":"ON","brightness":102}"#);
    let brighter = json!({"name": "x", "brightness_step": "up"});
    let payload = &sent(&granted(&house, "HearthdLightStep", &brighter, Some("light/l1")))[0].1;
    assert_eq!(serde_json::from_str::<Value>(payload).unwrap(), json!({"state": "ON", "brightness": 153}));
    let half = json!({"name": "x", "position": 50});
    let mut blind = granted(&house, "HassSetPosition", &half, Some("cover/b1"));
    assert_eq!(sent(&blind), [("b1/position".to_owned(), "50".to_owned())]);
    let text = said_after(&mut house, &mut blind, &[("b1", "opening")]);
    assert_eq!(text, "Moving the living room blinds to 50 %.");
    let error = grant(&house, "HassSetPosition", &json!({"name": "x", "position": 50}), Some("light/l1")).unwrap_err();
    assert_eq!(error, "the ceiling lamp cannot do that");
}

#[test]
fn what_guards_the_house_is_moved_by_its_name_alone() {
    let house = house();
    let plugs = granted(&house, "HassTurnOn", &json!({"area": "Kitchen", "domain": "switch"}), None);
    assert_eq!(sent(&plugs), [("p1/set".to_owned(), "ON".to_owned())], "not the oven");
    assert_eq!(granted(&house, "HassTurnOff", &json!({"area": "Kitchen", "domain": "switch"}), None).steps.len(), 2);
    assert!(granted(&house, "HassTurnOff", &json!({"name": "x"}), Some("lock/k1")).opens());
    assert!(!granted(&house, "HassTurnOn", &json!({"name": "x"}), Some("lock/k1")).opens());
    let everything = granted(&house, "HassTurnOff", &json!({"name": "all"}), None);
    assert!(sent(&everything).iter().all(|(topic, _)| !topic.starts_with("k1")), "{everything:?}");
}

#[test]
fn questions_are_answered_by_what_was_heard() {
    let mut house = house();
    let open = json!({"domain": "cover", "device_class": "window", "state": "open"});
    assert_eq!(told(&house, "HassGetState", &open, None), "I do not know: the kitchen window has not said.");
    for (topic, payload) in [("w1", "ON"), ("t1", "21.5"), ("k1", "UNLOCKED"), ("l1", r#"{"state":"ON"}"#)] {
        house.hear(topic, payload.as_bytes());
    }
    for topic in ["l2", "l3"] {
        house.hear(topic, br#"{"state":"OFF"}"#);
    }
    for (intent, slots, id, answer) in [
        ("HassGetState", open, None, "Yes, the kitchen window is open."),
        ("HassGetState", json!({"domain": "light", "state": "on"}), None, "1 of 3 lights is on: the ceiling lamp."),
        (
            "HassGetState",
            json!({"domain": "light", "area": "kitchen", "state": "on"}),
            None,
            "No, the one light in the kitchen is not on.",
        ),
        ("HassGetState", json!({"name": "x", "state": "locked"}), Some("lock/k1"), "No, the front door is unlocked."),
        (
            "HassGetState",
            json!({"name": "x", "state": "on"}),
            Some("binary_sensor/w1"),
            "Yes, the kitchen window is open.",
        ),
        ("HassGetState", json!({"name": "x"}), Some("sensor/t1"), "The kitchen temperature is 21.5 °C."),
        ("HassGetState", json!({"name": "x"}), Some("switch/p1"), "I do not know: the kitchen kettle has not said."),
        ("HassClimateGetTemperature", json!({"area": "kitchen"}), None, "It is 21.5 °C in the kitchen."),
    ] {
        assert_eq!(told(&house, intent, &slots, id), answer, "{slots}");
    }
    let error = grant(&house, "HassClimateGetTemperature", &json!({"area": "living room"}), None).unwrap_err();
    assert_eq!(error, "nothing that is known tells the temperature in the living room");
}

#[test]
fn shipped_sentences_reach_the_devices() {
    let mut house = house();
    let rules = shipped().for_home(&house.settle(&[], "en"));
    let sent_for = |text: &str, site: Option<&str>| {
        let hit = rules.find(text, "en", site).unwrap_or_else(|| panic!("{text} is not understood"));
        assert!(hit.is_for_home, "{text}: {hit:?}");
        let wish = Wish { intent: &hit.name, slots: &hit.slots, known: &hit.known, area: site };
        match house.grant(&wish, &now()).unwrap_or_else(|error| panic!("{text}: {error}")) {
            Grant::Act(granted) => sent(&granted).into_iter().map(|(topic, _)| topic).collect::<Vec<_>>().join(" "),
            Grant::Told(text) => text,
        }
    };
    for (text, site, topics) in [
        ("turn on the kitchen lamp", None, "l3/set"),
        ("turn off the reading lamp", None, "l2/set"),
        ("turn on the lights", Some("living_room"), "l1/set l2/set"),
        ("turn off all the lights", Some("kitchen"), "l1/set l2/set l3/set"),
        ("turn on the kitchen lights", None, "l3/set"),
        ("set the living room blinds to 30 percent", None, "b1/position"),
        ("close the living room blinds", None, "b1/set"),
        ("close the blinds", Some("living room"), "b1/set"),
        ("make the ceiling lamp red", None, "l1/set"),
        ("dim the kitchen lamp to 20%", None, "l3/set"),
        ("lock the front door", None, "k1/set"),
        ("turn on the kettle", Some("kitchen"), "p1/set"),
    ] {
        assert_eq!(sent_for(text, site), topics, "{text}");
    }
    let hit = rules.find("unlock the front door", "en", None).unwrap();
    assert!(hit.needs_yes, "{hit:?}");
    assert!(rules.find("turn on the tv", "en", None).is_none(), "the example's home counts no more");
}

/// Sentences with what is to be sent for each controllable device of a real `Zigbee2MQTT`, by its documentation.
const DOCUMENTED: [(&str, &str, &str); 18] = [
    ("turn on the kitchen ceiling", "Kitchen Ceiling/set", r#"{"state":"ON"}"#),
    ("set the kitchen ceiling to 50%", "Kitchen Ceiling/set", r#"{"brightness":127,"state":"ON"}"#),
    ("turn off the living room floor lamp", "living_room/floor_lamp/set", r#"{"state":"OFF"}"#),
    (
        "make the living room floor lamp blue",
        "living_room/floor_lamp/set",
        r#"{"color":{"x":0.136,"y":0.04},"state":"ON"}"#,
    ),
    ("turn on the coffee machine", "Coffee Machine/set", "ON"),
    ("switch off the desk plug", "Desk Plug/set", "OFF"),
    ("open the bedroom blind", "Bedroom Blind/set", "OPEN"),
    ("close the bedroom blind", "Bedroom Blind/set", "CLOSE"),
    ("stop the bedroom blind", "Bedroom Blind/set", "STOP"),
    ("set the bedroom blind to 30%", "Bedroom Blind/set", r#"{ "position": 30 }"#),
    ("set the bathroom radiator to 21 degrees", "Bathroom Radiator/set/occupied_heating_setpoint", "21"),
    ("set the bathroom radiator to heat", "Bathroom Radiator/set/system_mode", "heat"),
    ("lock the front lock", "Front Lock/set", "LOCK"),
    ("unlock the front lock", "Front Lock/set", "UNLOCK"),
    ("turn on hall switch l1", "Hall Switch/l1/set", "ON"),
    ("turn off hall switch l2", "Hall Switch/l2/set", "OFF"),
    ("turn on the office fan", "Office Fan/set/fan_state", "ON"),
    ("turn on the office fan light", "Office Fan/set", r#"{"state":"ON"}"#),
];

/// What a home of those messages of a real `Zigbee2MQTT` sends wrongly.
fn sent_wrongly(is_read: impl Fn(&str) -> bool, documented: &[(&str, &str, &str)]) -> Option<Vec<String>> {
    let folder = data::folder("a_real_zigbee2mqtt")?;
    let messages: Vec<Value> = serde_json::from_str(&data::read(&folder, "z2m_retained.json")).unwrap();
    let mut house = House::new(Reserved { prefixes: vec!["hearthd".to_owned()] });
    for message in messages.iter().filter(|message| is_read(message["topic"].as_str().unwrap())) {
        let payload = message["payload"].as_str().map_or_else(|| message["payload"].to_string(), str::to_owned);
        house.announce(message["topic"].as_str().unwrap(), payload.as_bytes());
    }
    let rules = shipped().for_home(&house.settle(&[], "en"));
    let mut wrong = Vec::new();
    for (text, topic, payload) in documented {
        let Some(hit) = rules.find(text, "en", None) else {
            wrong.push(format!("{text}: not understood"));
            continue;
        };
        let wish = Wish { intent: &hit.name, slots: &hit.slots, known: &hit.known, area: None };
        let made = match house.grant(&wish, &now()) {
            Ok(Grant::Act(granted)) => sent(&granted),
            other => {
                wrong.push(format!("{text}: {other:?}"));
                continue;
            }
        };
        // The order of an object's keys means nothing.
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|_| json!(text));
        let is_right =
            |(to, what): &(String, String)| *to == format!("zigbee2mqtt/{topic}") && read(what) == read(payload);
        if made.len() != 1 || !made.iter().all(is_right) {
            wrong.push(format!("{text}: {made:?}"));
        }
    }
    Some(wrong)
}

#[test]
fn a_real_zigbee2mqtt_is_spoken_to_as_it_documents() {
    for is_read in [|topic: &str| topic.starts_with("homeassistant/"), |_: &str| true] {
        let Some(wrong) = sent_wrongly(is_read, &DOCUMENTED) else { return };
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn a_zigbee2mqtt_that_tells_home_assistant_nothing_is_spoken_to_all_the_same() {
    // A property by its own topic, which it documents as well.
    let by_property = DOCUMENTED.map(|(text, topic, payload)| match (topic, payload) {
        (topic, r#"{ "position": 30 }"#) => (text, format!("{topic}/position"), "30"),
        (topic, payload) if topic.ends_with("/l1/set") => (text, "Hall Switch/set/state_l1".to_owned(), payload),
        (topic, payload) if topic.ends_with("/l2/set") => (text, "Hall Switch/set/state_l2".to_owned(), payload),
        (topic, payload) if topic.ends_with("/set") && !payload.starts_with('{') => {
            (text, format!("{topic}/state"), payload)
        }
        (topic, payload) => (text, topic.to_owned(), payload),
    });
    let by_property: Vec<_> =
        by_property.iter().map(|(text, topic, payload)| (*text, topic.as_str(), *payload)).collect();
    let Some(wrong) = sent_wrongly(|topic| topic.ends_with("/bridge/devices"), &by_property) else { return };
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn shipped() -> Rules {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("intents");
    let mut sources = Vec::new();
    for folder in [folder.clone(), folder.join("en")] {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                sources
                    .push(Source { path: path.display().to_string(), text: std::fs::read_to_string(&path).unwrap() });
            }
        }
    }
    let (rules, problems) = intents::load(&sources);
    assert!(problems.is_empty(), "{problems:?}");
    rules
}

#[test]
fn every_intent_of_the_home_is_met_with_an_answer_or_a_reason() {
    let house = house();
    for intent in INTENTS {
        for slots in
            [json!({}), json!({"name": "all"}), json!({"domain": "light"}), json!({"name": 5}), json!({"area": []})]
        {
            // Whatever it is, it is no panic.
            let _ = grant(&house, intent, &slots, None);
        }
    }
}

#[test]
fn what_is_silent_for_too_long_or_away_is_said_to_have_been_so() {
    let mut house = house();
    let warm = json!({
        "name": "Hall temperature", "state_topic": "t2", "device_class": "temperature", "unit_of_measurement": "°C",
        "expire_after": 600, "availability_topic": "t2/status",
    });
    announce(&mut house, "sensor", "t2", &warm);
    let window = json!({"name": "Hall window", "state_topic": "w2", "device_class": "window", "expire_after": "3600"});
    announce(&mut house, "binary_sensor", "w2", &window);
    house.settle(&[], "en");
    let ago = |minutes: u64| Instant::now().checked_sub(Duration::from_secs(minutes * 60)).unwrap();
    let (hall, windows) =
        (json!({"area": "hall"}), json!({"domain": "cover", "device_class": "window", "state": "open"}));
    house.hear_at("t2", b"19", ago(9));
    house.hear_at("w2", b"OFF", ago(59));
    assert_eq!(told(&house, "HassClimateGetTemperature", &hall, None), "It is 19 °C in the hall.");
    house.hear_at("t2", b"18", ago(11));
    house.hear_at("w2", b"OFF", ago(150));
    let answer = told(&house, "HassClimateGetTemperature", &hall, None);
    assert_eq!(answer, "It was 18 °C in the hall when it was last heard.");
    let named = |state: &str| json!({"name": "x", "state": state});
    let answer = told(&house, "HassGetState", &named("closed"), Some("binary_sensor/w2"));
    assert_eq!(answer, "The hall window has not been heard for 2 hours; then it was closed.");
    house.hear("w1", b"OFF");
    let answer = told(&house, "HassGetState", &windows, None);
    assert_eq!(answer, "No, the one window is not open. Of the hall window I do not know.");
    house.hear("t2", b"17");
    assert_eq!(told(&house, "HassClimateGetTemperature", &hall, None), "It is 17 °C in the hall.");
    house.hear("t2/status", b"offline");
    let answer = told(&house, "HassClimateGetTemperature", &hall, None);
    assert_eq!(answer, "It was 17 °C in the hall when it was last heard.");
}
