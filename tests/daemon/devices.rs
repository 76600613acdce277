//! `hearthd devices` on a real Mosquitto that keeps what devices announce.

use std::process::Output;

use serde_json::{Value, json};

use crate::client::{Client, Version};
use crate::data;
use crate::home::{Home, Plan};
use crate::mosquitto::Mosquitto;

/// A broker that keeps these messages, and a home at it whose daemon does not run.
async fn keeping(messages: impl IntoIterator<Item = (String, String)>) -> (Mosquitto, Home) {
    let broker = Mosquitto::start().await;
    let mut client = Client::new(broker.address, Version::V5, "devices").await;
    for (topic, payload) in messages {
        client.publish(&topic, payload, 1, true).await;
    }
    client.leave().await;
    let home = Home::prepare(&Plan::at(broker.address));
    (broker, home)
}

/// The command's exit code and what it prints.
async fn devices(home: &Home, arguments: &[&str]) -> (i32, String) {
    let mut command = home.hearthd();
    command.arg("devices").args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let Output { status, stdout, stderr } = output.await.unwrap();
    let text = String::from_utf8(stdout).unwrap();
    assert!(status.code().is_some_and(|code| code < 2), "{text}{}", String::from_utf8_lossy(&stderr));
    (status.code().unwrap(), text)
}

async fn listed(home: &Home) -> Vec<Value> {
    let (_, text) = devices(home, &["--json", "--all"]).await;
    serde_json::from_str::<Value>(&text).unwrap()["devices"].as_array().unwrap().clone()
}

#[tokio::test]
async fn devices_are_listed_with_their_states() {
    let plug = json!({
        "~": "plugs/kettle", "name": "Kettle", "cmd_t": "~/set", "stat_t": "~/state", "avty_t": "~/online", "uniq_id": "k",
        "dev": {"ids": "k", "sa": "Kitchen"}
    });
    let hub = json!({
        "dev": {"ids": "h", "name": "Bedroom Hub"}, "o": {"name": "maker"},
        "cmps": {
            "warmth": {"p": "sensor", "uniq_id": "w", "stat_t": "hub", "val_tpl": "{{ value_json.warmth | round(1) }}",
                       "dev_cla": "temperature", "unit_of_meas": "°C"},
            "signal": {"p": "sensor", "uniq_id": "s", "stat_t": "hub", "name": "Signal", "ent_cat": "diagnostic"}
        }
    });
    let (_broker, home) = keeping([
        ("homeassistant/switch/kettle/config".to_owned(), plug.to_string()),
        ("homeassistant/device/hub/config".to_owned(), hub.to_string()),
        ("homeassistant/light/broken/config".to_owned(), "{\"cmd_t\": 1".to_owned()),
        ("plugs/kettle/state".to_owned(), "ON".to_owned()),
        ("plugs/kettle/online".to_owned(), "online".to_owned()),
        ("hub".to_owned(), r#"{"warmth": 21.4666}"#.to_owned()),
    ])
    .await;
    let (code, text) = devices(&home, &[]).await;
    assert_eq!(code, 0);
    let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{text}"));
    for part in ["Kettle", "Kitchen", "switch", "on/off", " on ", "homeassistant/switch/kettle/config"] {
        assert!(line("Kettle").contains(part), "{part}: {text}");
    }
    assert!(line("Bedroom Hub temperature").contains("21.5 °C"), "{text}");
    assert!(line("Bedroom Hub temperature").contains(" bedroom "), "placed by its name: {text}");
    assert!(!text.contains("Signal") && text.contains("2 of 3 shown"), "{text}");
    assert!(text.contains("announcements with something wrong: 1;"), "{text}");
    assert_eq!(devices(&home, &["kettle"]).await.1.lines().filter(|line| line.contains("homeassistant/")).count(), 1);
    let (code, text) = devices(&home, &["--problems"]).await;
    assert_eq!((code, text.lines().count()), (1, 1), "{text}");
    assert!(text.starts_with("homeassistant/light/broken/config: the message is no JSON"), "{text}");
}

#[tokio::test]
async fn a_broker_that_knows_no_devices_is_told_so() {
    let (broker, home) = keeping([]).await;
    let (code, text) = devices(&home, &[]).await;
    assert_eq!(code, 0);
    assert!(text.contains("nothing announces itself"), "{text}");
    drop(broker);
    let mut command = home.hearthd();
    let output = tokio::task::spawn_blocking(move || command.arg("devices").output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no connection to the broker"), "{output:?}");
}

#[tokio::test]
async fn more_announcements_than_a_broker_queues_all_arrive() {
    let switch = |number: usize| {
        let config = json!({"name": format!("Plug {number}"), "cmd_t": format!("p/{number}/set"), "stat_t": format!("p/{number}")});
        (format!("homeassistant/switch/p{number}/config"), config.to_string())
    };
    let (_broker, home) = keeping((0..5_000).map(switch)).await;
    assert_eq!(listed(&home).await.len(), 5_000);
}

#[tokio::test]
async fn a_real_zigbee2mqtt_is_understood() {
    let Some(folder) = data::folder("a_real_zigbee2mqtt_is_understood") else { return };
    let messages: Vec<Value> = serde_json::from_str(&data::read(&folder, "z2m_retained.json")).unwrap();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let expected: usize = ["light", "switch", "cover", "lock", "fan", "climate", "sensor"]
        .map(|kind| {
            let topics = messages.iter().filter_map(|message| message["topic"].as_str());
            // One of them is of a hearthd, which is no device of its home.
            let others = topics.filter(|topic| !topic.contains("/hearthd/"));
            others.filter(|topic| topic.starts_with(&format!("homeassistant/{kind}/"))).count()
        })
        .iter()
        .sum();
    let (_broker, home) =
        keeping(messages.iter().map(|message| (text(&message["topic"]), text(&message["payload"])))).await;
    let devices = listed(&home).await;
    let of_kind = |kind: &str| devices.iter().filter(|device| device["kind"] == kind).count();
    let known: usize = ["light", "switch", "cover", "lock", "fan", "climate", "sensor"].map(of_kind).iter().sum();
    assert_eq!(known, expected);
    let device = |name: &str, kind: &str| {
        let found = devices.iter().find(|device| device["name"] == name && device["kind"] == kind);
        found.unwrap_or_else(|| panic!("{name} is missing"))
    };
    let can = |name, kind| device(name, kind)["can"].clone();
    assert_eq!(can("Kitchen Ceiling", "light"), json!(["on/off", "brightness", "2203 to 4000 K"]));
    assert_eq!(device("Kitchen Ceiling", "light")["state"], "on, 50 %");
    assert_eq!(device("Kitchen Ceiling", "light")["area"], "kitchen");
    assert_eq!(can("Coffee Machine", "switch"), json!(["on/off"]));
    assert_eq!(can("Bedroom Blind", "cover"), json!(["open/close", "stop", "position"]));
    assert_eq!(device("Bedroom Blind", "cover")["state"], "open, 40 %");
    assert_eq!(can("Front Lock", "lock"), json!(["lock/unlock"]));
    assert_eq!(can("Office Fan", "fan"), json!(["on/off", "speed", "preset smart"]));
    assert_eq!(can("Bathroom Radiator", "climate")[0], "5 to 30 °C");
    assert_eq!(can("Hall Switch L2", "switch"), json!(["on/off"]));
}
