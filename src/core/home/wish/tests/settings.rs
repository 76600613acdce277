//! What is set to one of several, or to a number: presets, modes, sources, options.

use serde_json::{Value, json};

use super::{Grant, Granted, Wish, announce, now, said_after, sent, shipped, told};
use crate::core::home::{House, Reserved, described};
use crate::core::intents::{Rules, Said, Understood};

/// A thermostat, a fan, a humidifier, selects, a number, and a television and a radio that are written down.
fn house() -> House {
    let mut house = House::new(Reserved::default());
    let there = |name: &str, more: &Value| {
        let mut config = json!({"name": name});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config
    };
    let climate = json!({
        "temperature_command_topic": "c/t/set", "preset_mode_command_topic": "c/preset/set",
        "preset_modes": ["eco", "BOOST"], "preset_mode_state_topic": "c",
        "preset_mode_value_template": "{{ value_json.preset }}", "mode_command_topic": "c/mode/set",
        "mode_state_topic": "c", "mode_state_template": "{{ value_json.mode }}",
    });
    announce(&mut house, "climate", "c", &there("Bedroom radiator", &climate));
    let fan = json!({
        "command_topic": "f/set", "state_topic": "f", "preset_mode_command_topic": "f/preset/set",
        "preset_modes": ["smart", "sleep_mode", "Party"],
    });
    let other =
        json!({"command_topic": "g/set", "preset_mode_command_topic": "g/preset/set", "preset_modes": ["party_mode"]});
    announce(&mut house, "fan", "g", &there("Attic fan", &other));
    announce(&mut house, "fan", "f", &there("Office fan", &fan));
    let humidifier = json!({
        "command_topic": "h/set", "target_humidity_command_topic": "h/target/set", "min_humidity": 30,
        "mode_command_topic": "h/mode/set", "modes": ["normal", "sleep", "tropics"], "mode_state_topic": "h/mode",
        "target_humidity_state_topic": "h/target", "state_topic": "h",
    });
    announce(&mut house, "humidifier", "h", &there("Nursery humidifier", &humidifier));
    let select = json!({"command_topic": "s/set", "state_topic": "s", "options": ["Cotton 60", "Delicate"]});
    announce(&mut house, "select", "s", &there("Wash programme", &select));
    let select = json!({"command_topic": "k/set", "state_topic": "k", "options": ["-2", "-1", "0", "1", "2"]});
    announce(&mut house, "select", "k", &there("Calibration", &select));
    let select = json!({"command_topic": "o/set", "options": ["Grill", "Pyrolysis"]});
    announce(&mut house, "select", "o", &there("Oven programme", &select));
    let number = json!({
        "command_topic": "n/set", "state_topic": "n", "min": 0, "max": 60, "unit_of_measurement": "s",
    });
    announce(&mut house, "number", "n", &there("Pump delay", &number));
    let television = json!({
        "platform": "media_player", "source_command_topic": "tv/source/set", "sources": ["HDMI 1", "Live TV", "BBC One"],
        "source_state_topic": "tv/source",
    });
    let mqtt = serde_json::from_value(television).unwrap();
    let television = described::Device { mqtt, ..described::Device::default() };
    let radio = json!({"platform": "media_player", "command_topic": "r/set", "state_topic": "r"});
    let radio = described::Device { mqtt: serde_json::from_value(radio).unwrap(), ..described::Device::default() };
    let devices = [("Living room television".to_owned(), television), ("Kitchen radio".to_owned(), radio)].into();
    house.describe(described::Described { devices, ..described::Described::default() });
    assert!(house.problems().is_empty(), "{:?}", house.problems());
    house
}

fn granted(house: &House, rules: &Rules, text: &str) -> Result<Granted, String> {
    let hit = rules.find(text, "en", None).unwrap_or_else(|| panic!("{text} is not understood"));
    let wish = Wish { intent: &hit.name, slots: &hit.slots, known: &hit.known, area: None };
    match house.grant(&wish, &now()).map_err(|error| error.to_string())? {
        Grant::Act(granted) => Ok(granted),
        told @ Grant::Told(_) => panic!("{told:?}"),
    }
}

#[test]
fn each_is_sent_in_the_devices_own_word() {
    let mut house = house();
    let rules = shipped().for_home(&house.settle(&[], "en"));
    for (text, topic, payload) in [
        ("set the bedroom radiator to eco", "c/preset/set", "eco"),
        ("put the bedroom radiator in boost mode", "c/preset/set", "BOOST"),
        ("turn off boost on the bedroom radiator", "c/preset/set", "none"),
        ("set the heating in the bedroom to eco mode", "c/preset/set", "eco"),
        ("set the bedroom radiator to cool", "c/mode/set", "cool"),
        ("set the office fan to smart mode", "f/preset/set", "smart"),
        ("set the office fan preset to sleep mode", "f/preset/set", "sleep_mode"),
        ("set the office fan to party", "f/preset/set", "Party"),
        ("set the attic fan to party", "g/preset/set", "party_mode"),
        ("put the attic fan in party mode", "g/preset/set", "party_mode"),
        ("put the nursery humidifier in sleep mode", "h/mode/set", "sleep"),
        ("set the nursery humidifier to tropics mode", "h/mode/set", "tropics"),
        ("set the nursery humidifier to 45 percent", "h/target/set", "45"),
        ("set the wash programme to cotton 60", "s/set", "Cotton 60"),
        ("set the pump delay to 12", "n/set", "12"),
        ("set the wash programme to cotton sixty please", "s/set", "Cotton 60"),
        ("set the wash programme to the delicate", "s/set", "Delicate"),
        ("set the calibration to 1", "k/set", "1"),
        ("set the calibration to -1", "k/set", "-1"),
        ("switch the living room television to hdmi 1", "tv/source/set", "HDMI 1"),
        ("switch the living room television to hdmi one now", "tv/source/set", "HDMI 1"),
        ("set the input of the living room television to hdmi1", "tv/source/set", "HDMI 1"),
        ("put the living room television on bbc 1", "tv/source/set", "BBC One"),
        ("change the source to live tv", "tv/source/set", "Live TV"),
    ] {
        let granted = granted(&house, &rules, text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(sent(&granted), [(topic.to_owned(), payload.to_owned())], "{text}");
    }
    for (text, refusal) in [
        ("set the bedroom radiator to comfort", "the bedroom radiator knows eco and BOOST"),
        ("switch the living room television to hdmi 7", "the living room television knows HDMI 1, Live TV and BBC One"),
        ("set the wash programme to wool", "the wash programme knows Cotton 60 and Delicate"),
        ("set the pump delay to 90", "the pump delay takes 0 to 60"),
        ("set the nursery humidifier to 10 percent", "the nursery humidifier takes 30 to 100"),
    ] {
        assert_eq!(granted(&house, &rules, text).unwrap_err(), refusal, "{text}");
    }
}

#[test]
fn what_is_chosen_is_what_is_reported() {
    let mut house = house();
    let rules = shipped().for_home(&house.settle(&[], "en"));
    house.hear("c", br#"{"preset": "none", "mode": "heat"}"#);
    let mut eco = granted(&house, &rules, "set the bedroom radiator to eco").unwrap();
    let unheard = said_after(&mut house, &mut eco.clone(), &[("c", r#"{"preset": "none", "mode": "heat"}"#)]);
    assert_eq!(unheard, "I sent it, but the bedroom radiator has not answered.");
    let heard = said_after(&mut house, &mut eco, &[("c", r#"{"preset": "eco", "mode": "heat"}"#)]);
    assert_eq!(heard, "Set the bedroom radiator to eco.");
    let mut again = granted(&house, &rules, "set the bedroom radiator to eco").unwrap();
    assert_eq!(said_after(&mut house, &mut again, &[]), "The bedroom radiator is already set to eco.");
    let undone = house.undo(&[eco], &now()).unwrap().unwrap();
    assert_eq!(sent(&undone), [("c/preset/set".to_owned(), "none".to_owned())]);
    house.hear("tv/source", b"Something else");
    let mut input = granted(&house, &rules, "switch the living room television to hdmi 1").unwrap();
    let heard = said_after(&mut house, &mut input, &[("tv/source", "HDMI 1")]);
    assert_eq!(heard, "Set the living room television to HDMI 1.");
    let refusal = house.undo(&[input], &now()).unwrap_err().to_string();
    assert!(refusal.contains("not known how"), "what it does not offer cannot be chosen again: {refusal}");
}

#[test]
fn a_thermostat_tells_what_it_knows() {
    let mut house = house();
    house.settle(&[], "en");
    let bare = json!({
        "name": "Attic heater", "temperature_command_topic": "a/set", "current_temperature_topic": "a",
        "temperature_state_topic": "a/wanted",
    });
    announce(&mut house, "climate", "a", &bare);
    house.settle(&[], "en");
    let of = |id: &str, house: &House| told(house, "HassGetState", &json!({"name": "it"}), Some(id));
    assert_eq!(of("climate/a", &house), "I do not know: the attic heater has not said.");
    house.hear("a", b"18.50");
    assert_eq!(of("climate/a", &house), "The attic heater is 18.5 °C.");
    house.hear("c", br#"{"preset": "eco", "mode": "fan_only"}"#);
    assert_eq!(of("climate/c", &house), "The bedroom radiator is in fan only mode, preset eco.");
    house.hear("c", br#"{"preset": "none", "mode": "off"}"#);
    assert_eq!(of("climate/c", &house), "The bedroom radiator is off.");
}

#[test]
fn what_is_set_can_be_taken_back_and_is_not_said_before_it_is_reported() {
    let mut house = house();
    let rules = shipped().for_home(&house.settle(&[], "en"));
    for (topic, payload) in [("n", "20"), ("h", "ON"), ("h/target", "40"), ("h/mode", "normal")] {
        house.hear(topic, payload.as_bytes());
    }
    let mut delay = granted(&house, &rules, "set the pump delay to 12").unwrap();
    assert_eq!(said_after(&mut house, &mut delay, &[("n", "12")]), "Set the pump delay to 12.");
    assert_eq!(told(&house, "HassGetState", &json!({"name": "it"}), Some("number/n")), "The pump delay is 12 s.");
    assert_eq!(sent(&house.undo(&[delay.clone()], &now()).unwrap().unwrap()), [("n/set".to_owned(), "20".to_owned())]);
    house.hear("s", b"Cotton 60");
    let mut wash = granted(&house, &rules, "set the wash programme to delicate").unwrap();
    assert_eq!(said_after(&mut house, &mut wash, &[("s", "Delicate")]), "Set the wash programme to Delicate.");
    let mut both = house.undo(&[delay, wash], &now()).unwrap().unwrap();
    assert_eq!(
        said_after(&mut house, &mut both, &[("n", "20"), ("s", "Cotton 60")]),
        "Set the pump delay to 20 and set the wash programme to Cotton 60."
    );
    let mut humid = granted(&house, &rules, "set the nursery humidifier to 50 percent").unwrap();
    let elsewhere = said_after(&mut house, &mut humid.clone(), &[("h/mode", "sleep")]);
    assert_eq!(elsewhere, "I sent it, but the nursery humidifier has not answered.");
    assert_eq!(said_after(&mut house, &mut humid, &[("h/target", "50")]), "Set the nursery humidifier to 50 %.");
    let state = told(&house, "HassGetState", &json!({"name": "it"}), Some("humidifier/h"));
    assert_eq!(state, "The nursery humidifier is on, set to 50 %, mode sleep.");
}

/// What the sentences mean, as intents; or what is said of them.
fn understood(rules: &Rules, text: &str) -> String {
    match rules.understand(&Said { text, lang: "en", ..Said::default() }) {
        Understood::Hits(hits) => hits.into_iter().map(|hit| hit.name).collect::<Vec<_>>().join(" "),
        Understood::Unclear(unclear) => unclear.message,
        Understood::Nothing => "nothing".to_owned(),
    }
}

#[test]
fn free_words_are_what_is_offered() {
    let mut house = house();
    let rules = shipped().for_home(&house.settle(&[], "en"));
    for (text, meant) in [
        ("switch the living room television to hdmi 1 in ten minutes", "HassStartTimer"),
        ("switch the living room television to live tv and turn off the office fan", "HearthdSelectSource HassTurnOff"),
        ("turn off the office fan and set the wash programme to delicate", "HassTurnOff HearthdSelectOption"),
        ("the television station is too loud", "nothing"),
        ("change the source to wikipedia", "nothing"),
        ("set input to zero", "nothing"),
        ("the kitchen radio station played my favourite song", "nothing"),
        ("set the bedroom radiator to 190", "nothing"),
    ] {
        assert_eq!(understood(&rules, text), meant, "{text}");
    }
}

#[test]
fn what_guards_the_house_is_set_after_a_yes() {
    let mut house = house();
    let rules = shipped().for_home(&house.settle(&[], "en"));
    let hit = rules.find("set the oven programme to pyrolysis", "en", None).unwrap();
    assert!(hit.needs_yes, "{hit:?}");
    for text in [
        "set the oven programm to pyrolysis",
        "turn on the office fan and set the oven programme to pyrolysis",
        "set the oven programme to pyrolysis and turn on the office fan",
    ] {
        let meant = understood(&rules, text);
        assert!(!meant.contains("HearthdSelectOption"), "{text}: {meant}");
    }
}
