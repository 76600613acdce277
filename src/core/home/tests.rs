//! A home read from messages as they come from brokers.

#[path = "../../../tests/support/data.rs"]
pub(in crate::core::home) mod data;

use jiff::Zoned;
use jiff::civil::date;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::colour::Rgb;
use super::templates::Templates;
use super::things::{Deed, Lack, Setting};
use super::{House, Message, Reserved, Seen};

fn now() -> Zoned {
    date(2026, 11, 28).at(9, 5, 7, 0).to_zoned(TimeZone::UTC).unwrap()
}

fn house() -> House {
    House::new(Reserved { prefixes: vec!["hearthd".to_owned()] })
}

fn announce(house: &mut House, topic: &str, message: &Value) -> Vec<String> {
    house.announce(topic, message.to_string().as_bytes())
}

fn only(house: &House) -> Seen {
    let devices = house.devices(&["Kitchen".to_owned(), "living room".to_owned()], &now());
    assert_eq!(devices.len(), 1, "{devices:?}");
    devices.into_iter().next().unwrap()
}

/// The messages that make an entity of these fields do something, as topic and payload.
fn sent(component: &str, config: &Value, deed: &Deed) -> Result<Vec<(String, String)>, Lack> {
    let mut house = house();
    let topic = format!("homeassistant/{component}/it/config");
    announce(&mut house, &topic, config);
    assert!(house.problems().is_empty(), "{:?}", house.problems());
    let messages = house.messages(&topic, None, deed, &now())?;
    Ok(messages.into_iter().map(|Message { topic, payload, .. }| (topic, payload)).collect())
}

fn one(component: &str, config: &Value, deed: &Deed) -> String {
    let messages = sent(component, config, deed).unwrap();
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.into_iter().next().unwrap().1
}

const LAMP: &str = "homeassistant/light/0x1/light/config";

fn lamp() -> Value {
    json!({
        "schema": "json", "name": null, "brightness": true, "brightness_scale": 254,
        "supported_color_modes": ["xy", "color_temp"], "min_mireds": 153, "max_mireds": 500,
        "command_topic": "zigbee2mqtt/Kitchen Ceiling/set", "state_topic": "zigbee2mqtt/Kitchen Ceiling",
        "availability": [
            {"topic": "zigbee2mqtt/bridge/state", "value_template": "{{ value_json.state }}"},
            {"topic": "zigbee2mqtt/Kitchen Ceiling/availability", "value_template": "{{ value_json.state }}"}
        ],
        "availability_mode": "all", "unique_id": "1", "device": {"identifiers": ["1"], "name": "Kitchen Ceiling"}
    })
}

#[test]
fn a_lamp_is_seen_with_its_state() {
    let mut house = house();
    let mut topics = announce(&mut house, LAMP, &lamp());
    topics.sort();
    assert_eq!(
        topics,
        ["zigbee2mqtt/Kitchen Ceiling", "zigbee2mqtt/Kitchen Ceiling/availability", "zigbee2mqtt/bridge/state"]
    );
    let seen = only(&house);
    assert_eq!((seen.name.as_str(), seen.area.as_deref()), ("Kitchen Ceiling", Some("Kitchen")));
    assert_eq!(seen.can, ["on/off", "brightness", "2000 to 6536 K", "colour"]);
    assert_eq!((seen.state, seen.online), (None, None));
    house.hear("zigbee2mqtt/Kitchen Ceiling", br#"{"state": "ON", "brightness": 127}"#);
    house.hear("zigbee2mqtt/bridge/state", br#"{"state": "online"}"#);
    assert_eq!((only(&house).state.as_deref(), only(&house).online), (Some("on, 50 %"), None));
    house.hear("zigbee2mqtt/Kitchen Ceiling/availability", br#"{"state": "online"}"#);
    assert_eq!(only(&house).online, Some(true));
    house.hear("zigbee2mqtt/bridge/state", br#"{"state": "offline"}"#);
    assert_eq!(only(&house).online, Some(false));
    assert!(announce(&mut house, LAMP, &lamp()).is_empty(), "what is listened to is not asked for again");
    house.announce(LAMP, b"");
    assert!(house.devices(&[], &now()).is_empty());
}

#[test]
fn lamps_take_their_commands_in_three_ways() {
    let object = |deed| serde_json::from_str::<Value>(&one("light", &lamp(), &deed)).unwrap();
    assert_eq!(object(Deed::On), json!({"state": "ON"}));
    assert_eq!(object(Deed::Brightness(0.5)), json!({"state": "ON", "brightness": 127}));
    assert_eq!(object(Deed::Brightness(0.0)), json!({"state": "OFF"}));
    assert_eq!(object(Deed::Brightness(0.001)), json!({"state": "ON", "brightness": 1}), "a little is not off");
    assert_eq!(object(Deed::Kelvin(2_700.0)), json!({"state": "ON", "color_temp": 370}));
    assert_eq!(object(Deed::Kelvin(1.0)), json!({"state": "ON", "color_temp": 500}), "the warmest it has");
    assert_eq!(object(Deed::Colour(Rgb(255, 0, 0))), json!({"state": "ON", "color": {"x": 0.701, "y": 0.299}}));
    let basic = json!({
        "command_topic": "l/set", "payload_on": "1", "payload_off": "0", "brightness_command_topic": "l/dim",
        "brightness_scale": 100, "rgb_command_topic": "l/rgb", "rgb_command_template": "{{ '#%02x%02x%02x' | format(red, green, blue) }}"
    });
    assert_eq!(one("light", &basic, &Deed::Off), "0");
    let dimmed = sent("light", &basic, &Deed::Brightness(0.3)).unwrap();
    assert_eq!(dimmed, [("l/dim", "30"), ("l/set", "1")].map(|(t, p)| (t.to_owned(), p.to_owned())));
    assert_eq!(sent("light", &basic, &Deed::Colour(Rgb(255, 128, 0))).unwrap()[0].1, "#ff8000");
    assert_eq!(sent("light", &basic, &Deed::Kelvin(3_000.0)), Err(Lack::Whites));
    let template = json!({
        "schema": "template", "command_topic": "t", "command_off_template": "off",
        "command_on_template": "on{% if brightness is defined %},{{ brightness }}{% endif %}", "brightness_template": "{{ value }}"
    });
    assert_eq!(one("light", &template, &Deed::On), "on");
    assert_eq!(one("light", &template, &Deed::Brightness(1.0)), "on,255");
}

#[test]
fn a_long_topic_is_not_cut() {
    let topic = "level/".repeat(100);
    let sent = sent("switch", &json!({"command_topic": topic}), &Deed::On).unwrap();
    assert_eq!(sent[0].0, topic);
}

#[test]
fn every_kind_does_what_it_can() {
    let cover = json!({
        "command_topic": "c", "set_position_topic": "p", "set_position_template": "{ \"position\": {{ position }} }",
        "position_topic": "s", "payload_stop": null
    });
    assert_eq!(one("cover", &cover, &Deed::Open), "OPEN");
    assert_eq!(one("cover", &cover, &Deed::Position(0.4)), "{ \"position\": 40 }");
    assert_eq!(sent("cover", &cover, &Deed::Stop), Err(Lack::Deed), "a payload of null is one it has not");
    let fan = json!({
        "command_topic": "f", "percentage_command_topic": "f/p", "speed_range_max": 3,
        "preset_mode_command_topic": "f/m", "preset_modes": ["auto", "smart_mode"]
    });
    assert_eq!(one("fan", &fan, &Deed::Speed(0.5)), "2");
    assert_eq!(one("fan", &fan, &Deed::Speed(0.0)), "OFF");
    assert_eq!(one("fan", &fan, &Deed::Choose(Setting::Preset, "Smart mode".to_owned())), "smart_mode");
    let wrong = sent("fan", &fan, &Deed::Choose(Setting::Preset, "storm".to_owned()));
    assert_eq!(wrong, Err(Lack::Unknown(vec!["auto".to_owned(), "smart_mode".to_owned()])));
    let climate = json!({
        "temperature_command_topic": "t", "min_temp": "5", "max_temp": "30",
        "mode_command_topic": "m", "modes": ["off", "heat"]
    });
    assert_eq!(one("climate", &climate, &Deed::Temperature(21.5)), "21.5");
    assert_eq!(sent("climate", &climate, &Deed::Temperature(31.0)), Err(Lack::Outside(5.0, 30.0)));
    assert_eq!(one("climate", &climate, &Deed::On), "heat");
    let lock = json!({"command_topic": "k", "payload_lock": "L"});
    assert_eq!((one("lock", &lock, &Deed::Lock), one("lock", &lock, &Deed::Unlock)), ("L".into(), "UNLOCK".into()));
    assert_eq!(one("siren", &json!({"command_topic": "s"}), &Deed::On), r#"{"state":"ON"}"#);
    assert_eq!(one("number", &json!({"command_topic": "n", "max": 10}), &Deed::Number(3.0)), "3");
    assert_eq!(
        one("select", &json!({"command_topic": "n", "options": ["a b"]}), &Deed::Choose(Setting::Select, "A_B".into())),
        "a b"
    );
    assert_eq!(one("button", &json!({"command_topic": "b"}), &Deed::Press), "PRESS");
    assert_eq!(one("vacuum", &json!({"command_topic": "v"}), &Deed::Dock), "return_to_base");
    assert_eq!(one("lawn_mower", &json!({"dock_command_topic": "d"}), &Deed::Dock), "dock");
    let valve = json!({"command_topic": "w", "reports_position": true, "state_topic": "s"});
    assert_eq!(one("valve", &valve, &Deed::Close), "0");
    let humid = json!({"command_topic": "h", "target_humidity_command_topic": "h/t", "min_humidity": 30});
    assert_eq!(sent("humidifier", &humid, &Deed::Humidity(20.0)), Err(Lack::Outside(30.0, 100.0)));
}

#[test]
fn garbage_costs_what_it_is_about_and_is_told() {
    for (component, config, what) in [
        ("switch", json!({"command_topic": "a/#"}), "wildcards"),
        ("switch", json!({"command_topic": "$SYS/x"}), "the broker's own"),
        ("switch", json!({"command_topic": "hearthd/utterance"}), "hearthd's own"),
        ("switch", json!({}), "lacks what a switch needs"),
        (
            "switch",
            json!({"command_topic": "a", "state_topic": "b", "value_template": "{{ nonsense("}),
            "value_template",
        ),
        (
            "light",
            json!({"command_topic": "a", "brightness_command_topic": "b", "brightness_scale": "wide"}),
            "no number",
        ),
    ] {
        let mut house = house();
        announce(&mut house, &format!("homeassistant/{component}/it/config"), &config);
        let told = house.problems().values().flatten().any(|problem| problem.contains(what));
        assert!(told, "{config}: {:?}", house.problems());
    }
    // A template costs one ability, not the device.
    let mut house = house();
    let topic = "homeassistant/switch/it/config";
    let broken = json!({"command_topic": "a", "state_topic": "b", "value_template": "{{ nonsense("});
    announce(&mut house, topic, &broken);
    assert_eq!(house.messages(topic, None, &Deed::On, &now()).unwrap()[0].payload, "ON");
    // Mended, nothing is wrong any more.
    announce(&mut house, topic, &json!({"command_topic": "a"}));
    assert!(house.problems().is_empty());
    house.announce(topic, b"not JSON");
    assert_eq!(house.problems().len(), 1);
    assert!(house.devices(&[], &now()).len() == 1, "what was known stays until it is taken back");
}

#[test]
fn names_and_rooms_come_from_what_devices_say() {
    let seen = |config: Value| {
        let mut house = house();
        announce(&mut house, "homeassistant/sensor/0x1/the_id/config", &config);
        only(&house)
    };
    let device = json!({"name": "Living Room Plug", "identifiers": "1"});
    for (config, name) in [
        (json!({"state_topic": "s", "device": device, "name": null}), "Living Room Plug"),
        (json!({"state_topic": "s", "device": device, "device_class": "power"}), "Living Room Plug power"),
        (json!({"state_topic": "s", "device": device, "name": "Power"}), "Living Room Plug Power"),
        (json!({"state_topic": "s", "name": "Power"}), "Power"),
        (json!({"state_topic": "s", "name": "red\u{1b}[31m"}), "red[31m"),
        (json!({"state_topic": "s"}), "the id"),
    ] {
        assert_eq!(seen(config.clone()).name, name, "{config}");
    }
    assert_eq!(seen(json!({"state_topic": "s", "device": device})).area.as_deref(), Some("living room"));
    let said = json!({"state_topic": "s", "device": {"name": "Kitchen plug", "suggested_area": "Attic"}});
    assert_eq!(seen(said).area.as_deref(), Some("Attic"));
    assert_eq!(seen(json!({"state_topic": "s", "name": "x"})).unclear.len(), 1);
    let mut house = house();
    for id in ["a", "b"] {
        announce(
            &mut house,
            &format!("homeassistant/sensor/{id}/config"),
            &json!({"state_topic": "s", "name": "Same"}),
        );
    }
    let twins = house.devices(&[], &now());
    assert!(twins.iter().all(|twin| twin.unclear.iter().any(|why| why.contains("same name"))), "{twins:?}");
}

#[test]
fn five_thousand_announcements_are_read() {
    let mut house = house();
    let began = std::time::Instant::now();
    for number in 0..5_000 {
        let mut message = lamp();
        message["command_topic"] = json!(format!("zigbee2mqtt/lamp {number}/set"));
        message["state_topic"] = json!(format!("zigbee2mqtt/lamp {number}"));
        message["device"]["name"] = json!(format!("Lamp {number}"));
        announce(&mut house, &format!("homeassistant/light/{number}/light/config"), &message);
    }
    assert_eq!(house.devices(&[], &now()).len(), 5_000);
    // The bar is two seconds; far more says that something grows with the square.
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn templates_of_a_real_zigbee2mqtt_render() {
    let Some(folder) = data::folder("templates_of_a_real_zigbee2mqtt_render") else { return };
    let read = |name| serde_json::from_str::<Vec<Value>>(&data::read(&folder, name)).unwrap();
    // Everything that its devices and its bridge report, as one object.
    let mut reported = serde_json::Map::new();
    for message in read("z2m_retained.json") {
        let payload = message["payload"].as_str().map_or_else(|| message["payload"].to_string(), str::to_owned);
        let is_state = !message["topic"].as_str().unwrap().starts_with("homeassistant/");
        if let (true, Ok(Value::Object(fields))) = (is_state, serde_json::from_str(&payload)) {
            reported.extend(fields);
        }
    }
    let payload = Value::Object(reported);
    let variables = [("value", json!(1)), ("position", json!(40)), ("value_json", payload)];
    let mut templates = Templates::default();
    let all = read("z2m_jinja_templates.json");
    let renders = |template: &Value| {
        let id = templates.read(template[1].as_str().unwrap()).ok()?;
        templates.payload_of(id, &variables, &now())
    };
    let rendered: Vec<Option<String>> = all.iter().map(renders).collect();
    let failed: Vec<&Value> = all.iter().zip(&rendered).filter(|(_, text)| text.is_none()).map(|(t, _)| t).collect();
    assert_eq!(all.len(), 68);
    assert!(failed.len() <= 2, "{failed:#?}");
}

#[test]
fn a_tasmota_plug_is_seen_and_switched() {
    let mut house = house();
    let topic = "tasmota/discovery/A1/config";
    let plug =
        json!({"mac": "A1", "dn": "Kitchen Kettle", "t": "kettle", "rl": [1, 0], "tp": ["cmnd", "stat", "tele"]});
    announce(&mut house, topic, &plug);
    house.hear("stat/kettle/POWER", b"ON");
    house.hear("tele/kettle/LWT", b"Online");
    let seen = only(&house);
    assert_eq!((seen.name.as_str(), seen.kind.as_str(), seen.online), ("Kitchen Kettle", "switch", Some(true)));
    assert_eq!((seen.area.as_deref(), seen.state.as_deref()), (Some("Kitchen"), Some("on")));
    let sent = house.messages(topic, Some("switch1"), &Deed::Off, &now()).unwrap();
    assert_eq!((sent[0].topic.as_str(), sent[0].payload.as_str()), ("cmnd/kettle/POWER", "OFF"));
}

proptest! {
    /// Whatever is announced and heard, reading it ends, and it names no topic of ours for a command.
    #[test]
    fn whatever_is_announced_is_read(
        component in prop::sample::select(vec!["light", "switch", "cover", "climate", "fan", "lock", "device", "vacuum"]),
        fields in prop::collection::btree_map(
            prop::sample::select(vec![
                "cmd_t", "stat_t", "val_tpl", "pos_t", "set_pos_t", "temp_cmd_t", "avty", "avty_t", "dev", "name", "schema",
                "bri_scl", "modes", "min_temp", "max_temp", "~", "cmps", "pl_on", "ops", "qos", "mode_cmd_t",
            ]),
            prop_oneof![
                Just(json!(null)), Just(json!(1e300)), Just(json!([{"t": "a/b"}, 7])), Just(json!("hearthd/utterance")),
                Just(json!({"name": 3, "x": {"p": "switch", "cmd_t": "~"}})), Just(json!("json")), Just(json!("{{ value[")),
                ".{0,12}".prop_map(|text| json!(text)), any::<i64>().prop_map(|number| json!(number)),
            ],
            0..10,
        ),
        payload in ".{0,40}",
    ) {
        let mut house = house();
        let topic = format!("homeassistant/{component}/it/config");
        for heard in announce(&mut house, &topic, &json!(fields)) {
            house.hear(&heard, payload.as_bytes());
        }
        prop_assert!(house.devices(&["Kitchen".to_owned()], &now()).len() < 10);
        for deed in [Deed::On, Deed::Off, Deed::Open, Deed::Position(0.5), Deed::Temperature(20.0), Deed::Brightness(0.5)] {
            for message in house.messages(&topic, None, &deed, &now()).unwrap_or_default() {
                prop_assert!(!message.topic.starts_with("hearthd/") && !message.topic.contains(['+', '#']), "{message:?}");
            }
        }
    }
}
