//! Shelly's devices, from what they say to what they are sent and report.

use jiff::Zoned;
use jiff::civil::date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::core::home::colour::Rgb;
use crate::core::home::things::Deed;
use crate::core::home::{House, Reserved, Seen};

fn now() -> Zoned {
    date(2026, 11, 29).at(9, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap()
}

fn house() -> House {
    House::new(Reserved { prefixes: vec!["hearthd".to_owned()] })
}

fn devices(house: &House) -> Vec<Seen> {
    house.devices(&[], &now())
}

fn device(house: &House, name: &str) -> Seen {
    devices(house).into_iter().find(|device| device.name == name).unwrap_or_else(|| panic!("no {name}"))
}

fn sent(house: &House, (topic, part): (&str, &str), deed: &Deed) -> (String, Value) {
    let messages = house.messages(topic, Some(part), deed, &now()).unwrap();
    let [message] = messages.as_slice() else { panic!("{messages:?}") };
    let payload = serde_json::from_str(&message.payload).unwrap_or_else(|_| json!(message.payload));
    (message.topic.clone(), payload)
}

fn announced(id: &str, model: &str, mode: Option<&str>) -> (House, String) {
    let mut house = house();
    let topic = format!("shellies/{id}/announce");
    let message = json!({"id": id, "model": model, "mac": "A1", "ip": "10.0.0.2", "new_fw": false, "mode": mode});
    house.announce(&topic, message.to_string().as_bytes());
    assert!(house.problems().is_empty(), "{:?}", house.problems());
    house.settle(&[], "en");
    (house, topic)
}

#[test]
fn relays_and_rollers_of_the_first_generation_are_switched_by_their_topics() {
    let (mut house, topic) = announced("shelly1-B9", "SHSW-1", None);
    assert_eq!(device(&house, "shelly1-B9").kind, "switch");
    let on = sent(&house, (&topic, "relay0"), &Deed::On);
    assert_eq!(on, ("shellies/shelly1-B9/relay/0/command".to_owned(), json!("on")));
    house.hear("shellies/shelly1-B9/relay/0", b"off");
    house.hear("shellies/shelly1-B9/online", b"false");
    let plug = device(&house, "shelly1-B9");
    assert_eq!((plug.state.as_deref(), plug.online), (Some("off"), Some(false)));
    let (two, _) = announced("shellyswitch25-1", "SHSW-25", Some("relay"));
    assert_eq!(devices(&two).len(), 2);
    let (roller, topic) = announced("shellyswitch25-2", "SHSW-25", Some("roller"));
    assert_eq!(
        sent(&roller, (&topic, "roller0"), &Deed::Position(0.4)),
        ("shellies/shellyswitch25-2/roller/0/command/pos".to_owned(), json!(40))
    );
    assert_eq!(sent(&roller, (&topic, "roller0"), &Deed::Open).1, json!("open"));
}

#[test]
fn lamps_of_the_first_generation_take_percent_kelvin_and_colours() {
    let (mut house, topic) = announced("ShellyBulbDuo-1", "SHBDUO-1", None);
    let lamp = (topic.as_str(), "light0");
    assert_eq!(
        sent(&house, lamp, &Deed::Brightness(0.5)),
        ("shellies/ShellyBulbDuo-1/light/0/set".to_owned(), json!({"turn": "on", "brightness": 50}))
    );
    assert_eq!(sent(&house, lamp, &Deed::Kelvin(2_700.0)).1, json!({"turn": "on", "temp": 2_703}));
    assert_eq!(sent(&house, lamp, &Deed::Off).1, json!({"turn": "off"}));
    house.hear("shellies/ShellyBulbDuo-1/light/0/status", br#"{"ison": true, "brightness": 40}"#);
    assert_eq!(device(&house, "ShellyBulbDuo-1").state.as_deref(), Some("on, 40 %"));
    let (strip, topic) = announced("shellyrgbw2-1", "SHRGBW2", Some("color"));
    let red = sent(&strip, (&topic, "color0"), &Deed::Colour(Rgb(255, 0, 0)));
    assert_eq!(red.1, json!({"turn": "on", "red": 255, "green": 0, "blue": 0, "white": 0}));
    let (white, _) = announced("shellyrgbw2-2", "SHRGBW2", Some("white"));
    assert_eq!(devices(&white).len(), 4);
}

#[test]
fn sensors_of_the_first_generation_are_read_though_they_sleep() {
    let (mut house, _) = announced("shellydw2-1", "SHDW-2", None);
    house.hear("shellies/shellydw2-1/online", b"false");
    house.hear("shellies/shellydw2-1/sensor/state", b"open");
    let door = device(&house, "shellydw2-1 opening");
    assert_eq!((door.state.as_deref(), door.online), (Some("on"), None));
}

/// A device of the second generation with two relays, a lamp, a blind and a thermometer.
fn answered() -> House {
    let mut house = house();
    house.hear("hall/online", b"true");
    assert_eq!(house.questions().len(), 2);
    let config = json!({
        "sys": {"device": {"name": "Hall", "mac": "A8"}, "ui_data": {"consumption_types": ["", "lights"]}},
        "mqtt": {"enable": true}, "switch:0": {"id": 0, "name": null}, "switch:1": {"id": 1, "name": "Hall lamp"},
        "light:0": {"id": 0, "name": "Spot"}, "cover:0": {"id": 0, "name": "Blind"}, "temperature:100": {"id": 100},
        "rgb:0": {"id": 0, "name": "Strip"},
    });
    let answer = json!({"id": 1, "src": "shellypro-A8", "dst": "hearthd/shelly/hall/config", "result": config});
    house.announce("hearthd/shelly/hall/config/rpc", answer.to_string().as_bytes());
    assert!(house.problems().is_empty(), "{:?}", house.problems());
    house.settle(&[], "en");
    house
}

#[test]
fn the_second_generation_is_asked_once_as_it_comes_online() {
    let mut house = house();
    house.hear("hall/online", b"true");
    let questions = house.questions();
    let asked: Vec<Value> = questions.iter().map(|asked| serde_json::from_str(&asked.payload).unwrap()).collect();
    assert!(questions.iter().all(|asked| asked.topic == "hall/rpc"));
    assert_eq!(asked[0], json!({"id": 1, "src": "hearthd/shelly/hall/config", "method": "Shelly.GetConfig"}));
    assert_eq!(asked[1]["method"], "Shelly.GetStatus");
    house.hear("hall/online", b"true");
    assert!(house.questions().is_empty(), "once");
    house.hear("hall/online", b"false");
    house.hear("hall/online", b"true");
    assert_eq!(house.questions().len(), 2, "again after it was away");
    house.ask_again();
    house.hear("hall/online", b"true");
    assert_eq!(house.questions().len(), 2, "and on another connection");
    for topic in ["hearthd/online", "$SYS/online", "/online", "online"] {
        house.hear(topic, b"true");
        assert!(house.questions().is_empty(), "{topic}");
    }
    for number in 0..2_000 {
        house.hear(&format!("flood{number}/online"), b"true");
    }
    assert!(house.questions().len() <= 1_000, "somebody floods us");
    house.hear("shellies/shelly1-B9/online", b"true");
    house.ask_again();
    house.hear("shellies/shelly1-B9/online", b"true");
    assert_eq!(house.questions()[0].topic, "shellies/shelly1-B9/command");
}

#[test]
fn the_second_generation_is_told_by_calls() {
    let house = answered();
    let topic = "hearthd/shelly/hall/config/rpc";
    let call = |part: &str, deed: &Deed| {
        let (to, payload) = sent(&house, (topic, part), deed);
        assert_eq!((to.as_str(), &payload["src"]), ("hall/rpc", &json!("hearthd")));
        (payload["method"].as_str().unwrap().to_owned(), payload["params"].clone())
    };
    assert_eq!(call("switch:0", &Deed::On), ("Switch.Set".into(), json!({"id": 0, "on": true})));
    assert_eq!(call("switch:1", &Deed::Off), ("Switch.Set".into(), json!({"id": 1, "on": false})));
    let half = json!({"id": 0, "on": true, "brightness": 50});
    assert_eq!(call("light:0", &Deed::Brightness(0.5)), ("Light.Set".into(), half));
    let blue = json!({"id": 0, "on": true, "rgb": [0, 0, 255]});
    assert_eq!(call("rgb:0", &Deed::Colour(Rgb(0, 0, 255))), ("RGB.Set".into(), blue));
    assert_eq!(call("cover:0", &Deed::Position(0.3)), ("Cover.GoToPosition".into(), json!({"id": 0, "pos": 30})));
    assert_eq!(call("cover:0", &Deed::Stop), ("Cover.Stop".into(), json!({"id": 0})));
    assert_eq!(device(&house, "Hall lamp").kind, "light", "it switches a lamp, as the app was told");
    assert_eq!(device(&house, "Hall 1").kind, "switch");
}

#[test]
fn states_of_the_second_generation_are_put_together_from_what_is_told() {
    let mut house = answered();
    let status =
        json!({"switch:0": {"id": 0, "output": true, "apower": 3.0}, "temperature:100": {"id": 100, "tC": 20.5}});
    let answer = json!({"id": 1, "src": "shellypro-A8", "result": status}).to_string();
    let told = house.hear("hearthd/shelly/hall/status/rpc", answer.as_bytes());
    assert!(told.contains(&"hall/status/switch:0".to_owned()), "{told:?}");
    assert_eq!(device(&house, "Hall 1").state.as_deref(), Some("on"));
    assert_eq!(device(&house, "Hall temperature").state.as_deref(), Some("20.5 °C"));
    let notify = |fields: Value| json!({"src": "shellypro-A8", "method": "NotifyStatus", "params": fields}).to_string();
    house.hear("hall/events/rpc", notify(json!({"ts": 1.0, "switch:0": {"id": 0, "apower": 0.0}})).as_bytes());
    assert_eq!(device(&house, "Hall 1").state.as_deref(), Some("on"), "nothing was said of it");
    house.hear("hall/events/rpc", notify(json!({"switch:0": {"id": 0, "output": false}})).as_bytes());
    assert_eq!(device(&house, "Hall 1").state.as_deref(), Some("off"));
    house.hear("hall/status/cover:0", br#"{"state": "closing", "current_pos": 60}"#);
    assert_eq!(device(&house, "Hall Blind").state.as_deref(), Some("closing, 60 %"));
    for garbage in ["", "[]", "{", "{\"params\": 3, \"method\": \"NotifyStatus\"}", "\u{0}"] {
        assert!(house.hear("hall/events/rpc", garbage.as_bytes()).is_empty(), "{garbage}");
    }
}

#[test]
fn what_is_no_announcement_is_refused_with_what_is_wrong() {
    let cases = [
        ("shellies/x/announce", json!({}), "`id`"),
        ("shellies/x/announce", json!({"id": "x"}), "`model`"),
        ("shellies/x/announce", json!({"id": "x", "model": "SHNEW-9"}), "SHNEW-9"),
        ("hearthd/shelly/x/config/rpc", json!({"id": 1}), "`result`"),
        ("hearthd/shelly/x/config/rpc", json!({"error": {"code": 401, "message": "auth"}}), "no password"),
    ];
    for (topic, message, what) in cases {
        let mut house = house();
        house.announce(topic, message.to_string().as_bytes());
        let problems = house.problems().get(topic).unwrap_or_else(|| panic!("{message}: no problem"));
        assert!(problems[0].contains(what), "{message}: {problems:?}");
    }
    // An id with a wildcard leads to a topic that cannot be published to.
    let mut house = house();
    house.announce("shellies/x/announce", br#"{"id": "+/#", "model": "SHSW-1"}"#);
    assert!(devices(&house).is_empty() && !house.problems().is_empty());
}
