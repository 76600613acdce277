//! Announcements of every other kind than Home Assistant's, each with one of its values replaced by something else: reading
//! them ends, and no command goes to a topic of ours.

use jiff::Zoned;
use jiff::civil::date;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::core::home::things::Deed;
use crate::core::home::{House, Reserved};

fn now() -> Zoned {
    date(2026, 11, 29).at(9, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap()
}

/// Topics with what is said there.
fn announcements() -> Vec<(&'static str, Value)> {
    let state = json!({"name": "state", "property": "state", "access": 7, "value_on": "ON", "value_off": "OFF"});
    let white =
        json!({"name": "color_temp", "property": "color_temp", "access": 7, "value_min": 150, "value_max": 500});
    let lamp = json!({"type": "light", "endpoint": "l1", "features": [state, white]});
    vec![
        (
            "z/bridge/devices",
            json!([{"ieee_address": "0x1", "friendly_name": "lamp", "definition": {"exposes": [lamp]}}]),
        ),
        ("z/bridge/groups", json!([{"id": 1, "friendly_name": "all", "members": [{"ieee_address": "0x1"}]}])),
        ("shellies/a/announce", json!({"id": "a", "model": "SHSW-25", "mode": "roller"})),
        ("shellies/b/announce", json!({"id": "b", "model": "SHRGBW2", "mode": "color"})),
        (
            "hearthd/shelly/c/config/rpc",
            json!({"src": "c", "result": {"switch:0": {"id": 0, "name": "x"}, "cover:0": {"pos_control": true},
                "sys": {"device": {"name": "y"}, "ui_data": {"consumption_types": ["light"]}}}}),
        ),
        ("hearthd/shelly/c/status/rpc", json!({"result": {"switch:0": {"output": true}}})),
        ("c/events/rpc", json!({"method": "NotifyStatus", "params": {"switch:0": {"output": false}}})),
        (
            "tasmota/discovery/D/config",
            json!({"mac": "D", "t": "d", "rl": [1, 2, 3, 3], "lt_st": 5, "fn": ["e", null]}),
        ),
    ]
}

/// Replaces the value that stands at this place when all are counted; how many there are.
fn replace(value: &mut Value, place: usize, with: &Value) -> usize {
    let mut count = 1;
    let items: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => Vec::new(),
    };
    for item in items {
        count += replace(item, place.wrapping_sub(count), with);
    }
    if place == 0 {
        *value = with.clone();
    }
    count
}

proptest! {
    #[test]
    fn whatever_is_replaced_is_read(
        which in 0..8_usize,
        place in 0..40_usize,
        with in prop_oneof![
            Just(json!(null)), Just(json!(1e300)), Just(json!(-1)), Just(json!([])), Just(json!({})), Just(json!("+/#")),
            Just(json!("hearthd/utterance")), Just(json!(["x", 3, null])), Just(json!("{{ x")), Just(json!(u64::MAX)),
            ".{0,12}".prop_map(|text| json!(text)),
        ],
    ) {
        let mut house = House::new(Reserved { prefixes: vec!["hearthd".to_owned()] });
        let mut all = announcements();
        replace(&mut all[which].1, place, &with);
        for (topic, message) in &all {
            house.announce(topic, message.to_string().as_bytes());
            house.hear(topic, message.to_string().as_bytes());
        }
        house.settle(&[], "en");
        for device in house.devices(&[], &now()) {
            let (topic, part) = device.source.split_once(" (").unwrap_or((&device.source, ""));
            for deed in [Deed::On, Deed::Off, Deed::Open, Deed::Position(0.5), Deed::Brightness(0.5), Deed::Kelvin(3e3)] {
                let part = part.strip_suffix(')');
                for message in house.messages(topic, part, &deed, &now()).unwrap_or_default() {
                    let is_ours = message.topic.starts_with("hearthd/");
                    prop_assert!(!is_ours && !message.topic.contains(['+', '#']), "{message:?}");
                }
            }
        }
    }
}
