//! Lamps that a bridge reaches together.

use serde_json::{Value, json};

use super::{granted, now, sent};
use crate::core::home::wish::Outcome;
use crate::core::home::{House, Reserved, described};

/// Lamps of a `Zigbee2MQTT`, all of them in one group.
fn zigbee(lamps: &[&str]) -> House {
    let mut house = House::new(Reserved::default());
    let state = json!({"name": "state", "property": "state", "access": 7, "value_on": "ON", "value_off": "OFF"});
    let level = json!({"name": "brightness", "property": "brightness", "access": 7, "value_max": 254});
    let lamp = |name: &&str| {
        let exposes = json!([{"type": "light", "features": [state, level]}]);
        json!({"ieee_address": format!("0x{name}"), "friendly_name": name, "definition": {"exposes": exposes}})
    };
    let devices: Vec<Value> = lamps.iter().map(lamp).collect();
    let members: Vec<Value> = lamps.iter().map(|name| json!({"ieee_address": format!("0x{name}")})).collect();
    let groups = json!([{"id": 1, "friendly_name": "Kitchen lights", "members": members}]);
    house.announce("z/bridge/groups", groups.to_string().as_bytes());
    house.announce("z/bridge/devices", json!(devices).to_string().as_bytes());
    house.settle(&[], "en");
    house
}

#[test]
fn one_message_to_a_group_stands_for_those_to_its_members() {
    let mut house = zigbee(&["Kitchen table", "Kitchen counter"]);
    let off = |house: &House| granted(house, "HassTurnOff", &json!({"area": "kitchen", "domain": "light"}), None);
    let message = |topic: &str| vec![(topic.to_owned(), r#"{"state":"OFF"}"#.to_owned())];
    let words = |device: described::Device| described::Described {
        devices: [("Kitchen counter".to_owned(), device)].into(),
        ..described::Described::default()
    };
    let granted = off(&house);
    assert_eq!(sent(&granted), message("z/Kitchen lights/set"));
    assert_eq!(granted.steps.len(), 2, "each device is watched");
    assert!(granted.steps.iter().all(|step| step.through.as_deref() == Some("kitchen lights")));
    house.hear("z/Kitchen table", br#"{"state": "OFF"}"#);
    let mut granted = granted;
    for step in &mut granted.steps {
        step.outcome = house.progress(step, true, &now());
    }
    assert_eq!(*granted.outcome_of(&granted.steps[1]), Outcome::Sent, "the other has not answered");
    // What is in the group and was not meant is left alone.
    house.describe(words(described::Device { hidden: true, ..described::Device::default() }));
    house.settle(&[], "en");
    assert_eq!(sent(&off(&house)), message("z/Kitchen table/set"));
    // A group is as guarded as its members.
    house.describe(words(described::Device { guarded: Some(true), ..described::Device::default() }));
    house.settle(&[], "en");
    let group = house.devices(&[], &now()).into_iter().find(|device| device.name == "Kitchen lights").unwrap();
    assert!(group.guarded, "{group:?}");
}
