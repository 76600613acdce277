//! hearthd as a device of Home Assistant, on a real Mosquitto.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::client::{Client, Version};
use crate::home::{Home, Plan, say};
use crate::mosquitto::Mosquitto;

fn object(payload: &[u8]) -> Value {
    serde_json::from_slice(payload).unwrap()
}

/// The next message on a topic.
async fn next(client: &mut Client, topic: &str) -> Value {
    loop {
        let message = client.message().await;
        if message.topic == topic {
            return object(&message.payload);
        }
    }
}

#[tokio::test]
async fn home_assistant_is_told_what_there_is_and_how_each_utterance_ended() {
    let broker = Mosquitto::start().await;
    let home = Home::start(&Plan::at(broker.address)).await;
    let mut client = home.client(Version::V5).await;
    assert_eq!(say(&mut client, "what time is it").await.code(), "ok");
    client.publish("homeassistant/status", "online".to_owned(), 0, false).await;
    let config = next(&mut client, "homeassistant/device/hearthd/config").await;
    let text = &config["cmps"]["ask"];
    assert_eq!((&text["p"], &text["def_ent_id"]), (&json!("text"), &json!("text.hearthd_ask")));
    // What was answered before it was there.
    assert_eq!(next(&mut client, "hearthd/last").await["intent"], "HassGetCurrentTime");
    assert_eq!(say(&mut client, "turn on the kitchen light").await.code(), "ok");
    let event = next(&mut client, "hearthd/event/utterance").await;
    assert_eq!(event["event_type"], "handled");
    assert_eq!((&event["tier"], &event["intent"]), (&json!("intent"), &json!("HassTurnOn")));
    assert_eq!(next(&mut client, "hearthd/last").await, event);
    // What is typed there is an utterance.
    let topic = text["cmd_t"].as_str().unwrap();
    client.publish(topic, "turn on the frobnicator".to_owned(), 0, false).await;
    assert_eq!(next(&mut client, "hearthd/event/utterance").await["event_type"], "not_understood");
    let last = next(&mut client, "hearthd/last").await;
    // A Home Assistant that comes back is told again, without another event.
    client.publish("homeassistant/status", "online".to_owned(), 0, false).await;
    let again = next(&mut client, "homeassistant/device/hearthd/config").await;
    assert_eq!(again, config);
    let message = client.message().await;
    assert_eq!((message.topic.as_str(), object(&message.payload)), ("hearthd/last", last));
}

#[tokio::test]
async fn older_ones_are_told_entity_by_entity_and_nobody_need_be_told() {
    let broker = Mosquitto::start().await;
    for (announce, count) in [("never", 0), ("single", 9)] {
        let mut plan = Plan::at(broker.address);
        plan.more = format!("home:\n  announce: {announce}\n");
        let home = Home::start(&plan).await;
        let mut client = home.client(Version::V5).await;
        let mut kept = 0;
        client.publish("homeassistant/status", "online".to_owned(), 0, false).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        client.publish("mark", "seen".to_owned(), 1, false).await;
        loop {
            let message = client.message().await;
            kept += usize::from(message.topic.ends_with("/config"));
            if message.topic == "mark" {
                break;
            }
        }
        assert_eq!(kept, count, "{announce}");
    }
}

#[tokio::test]
async fn a_broker_without_home_assistant_is_left_alone_and_what_it_was_told_is_told_anew() {
    let broker = Mosquitto::start().await;
    let mut home = Home::start(&Plan::at(broker.address)).await;
    let mut client = home.client(Version::V5).await;
    let topic = "homeassistant/device/hearthd/config";
    assert_eq!(say(&mut client, "what time is it").await.code(), "ok");
    client.publish("mark", "seen".to_owned(), 1, false).await;
    loop {
        let message = client.message().await;
        let is_told = message.topic == topic || message.topic == "hearthd/last" || message.topic.contains("/event/");
        assert!(!is_told, "{}", message.topic);
        if message.topic == "mark" {
            break;
        }
    }
    // Of an earlier version, by a daemon that ran before.
    home.signal(Signal::SIGTERM);
    home.ended().await;
    client.publish(topic, json!({"o": {"name": "hearthd"}, "cmps": {}}).to_string(), 1, true).await;
    assert_eq!(next(&mut client, topic).await["cmps"], json!({}));
    home.launch();
    home.wait_online().await;
    assert_eq!(next(&mut client, topic).await["cmps"]["ask"]["p"], "text");
    say(&mut client, "what time is it").await;
    assert_eq!(next(&mut client, "hearthd/event/utterance").await["event_type"], "handled");
}
