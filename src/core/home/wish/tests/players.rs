//! Players, which somebody writes down.

use serde_json::{Value, json};

use super::{Grant, grant, granted, said_after, sent};
use crate::core::home::{House, Reserved, described};

/// Two players that are written down, one of which says how loud it is.
fn players() -> House {
    let mut house = House::new(Reserved::default());
    let player = |id: &str, more: &Value| {
        let mut mqtt = json!({
            "platform": "media_player", "command_topic": format!("{id}/set"), "state_topic": format!("{id}/state"),
            "payload_next": "skip",
        });
        mqtt.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        described::Device { mqtt: serde_json::from_value(mqtt).unwrap(), ..described::Device::default() }
    };
    let loud = json!({"volume_command_topic": "k/volume/set", "volume_state_topic": "k/volume", "volume_max": 60});
    let steps = json!({"payload_volume_up": "louder", "payload_off": "standby", "payload_mute": "hush"});
    let devices = [("Kitchen radio", player("k", &loud)), ("Bedroom speaker", player("b", &steps))];
    let devices = devices.map(|(name, device)| (name.to_owned(), device)).into();
    house.describe(described::Described { devices, ..described::Described::default() });
    assert!(house.problems().is_empty(), "{:?}", house.problems());
    house.settle(&[], "en");
    house
}

#[test]
fn players_do_what_is_wanted_of_what_plays() {
    let mut house = players();
    let messages = |house: &House, intent: &str, slots: &Value| -> Result<Vec<(String, String)>, String> {
        match grant(house, intent, slots, None)? {
            Grant::Act(granted) => Ok(sent(&granted)),
            told @ Grant::Told(_) => panic!("{told:?}"),
        }
    };
    let is = |topic: &str, payload: &str| Ok(vec![(topic.to_owned(), payload.to_owned())]);
    let nowhere = json!({});
    let refusal = messages(&house, "HassMediaPause", &nowhere).unwrap_err();
    assert_eq!(refusal, "none of the 2 players is known to be playing; say which one");
    house.hear("k/state", b"playing");
    house.hear("k/volume", b"30");
    house.hear("b/state", b"paused");
    assert_eq!(messages(&house, "HassMediaPause", &nowhere), is("k/set", "pause"));
    assert_eq!(messages(&house, "HassMediaNext", &nowhere), is("k/set", "skip"));
    assert_eq!(messages(&house, "HassMediaUnpause", &nowhere), is("b/set", "play"));
    let in_bedroom = |more: Value| {
        let mut slots = json!({"area": "bedroom"});
        slots.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        slots
    };
    assert_eq!(messages(&house, "HassMediaPause", &in_bedroom(json!({}))), is("b/set", "pause"));
    assert_eq!(messages(&house, "HassSetVolume", &json!({"volume_level": 80})), is("k/volume/set", "48"));
    assert_eq!(messages(&house, "HassSetVolumeRelative", &json!({"volume_step": "up"})), is("k/volume/set", "36"));
    assert_eq!(messages(&house, "HassSetVolumeRelative", &json!({"volume_step": -20})), is("k/volume/set", "18"));
    let up = in_bedroom(json!({"volume_step": "up"}));
    assert_eq!(messages(&house, "HassSetVolumeRelative", &up), is("b/set", "louder"), "it says no volume");
    assert!(messages(&house, "HassSetVolume", &in_bedroom(json!({"volume_level": 10}))).is_err());
    assert_eq!(messages(&house, "HassMediaPlayerMute", &in_bedroom(json!({}))), is("b/set", "hush"));
    assert_eq!(
        messages(&house, "HassMediaPlayerMute", &nowhere),
        is("k/volume/set", "0"),
        "silent, where it cannot be muted"
    );
    assert_eq!(
        messages(&house, "HassMediaPlayerUnmute", &in_bedroom(json!({}))),
        Err("the bedroom speaker cannot do that".to_owned())
    );
    let mut mute = granted(&house, "HassMediaPlayerMute", &in_bedroom(json!({})), None);
    let answer = "I sent it to the bedroom speaker, which does not say how loud it is.";
    assert_eq!(said_after(&mut house, &mut mute, &[]), answer);
    let everything = json!({"name": "all"});
    let off = vec![("b/set".to_owned(), "standby".to_owned()), ("k/set".to_owned(), "pause".to_owned())];
    assert_eq!(messages(&house, "HassTurnOff", &everything), Ok(off));
    // One that can be off is off only then; on is whatever else it says.
    let off = in_bedroom(json!({"domain": "media_player"}));
    let mut on = granted(&house, "HassTurnOn", &off, None);
    assert_eq!(said_after(&mut house, &mut on, &[("b/state", "idle")]), "The bedroom speaker is already on.");
    let mut off = granted(&house, "HassTurnOff", &off, None);
    assert_eq!(said_after(&mut house, &mut off, &[("b/state", "off")]), "Turned off the bedroom speaker.");
    let mut pause = granted(&house, "HassMediaPause", &nowhere, None);
    assert_eq!(said_after(&mut house, &mut pause, &[("k/state", "paused")]), "Paused the kitchen radio.");
}
