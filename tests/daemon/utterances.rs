//! Utterances through the broker: every form of payload, every way to be answered.

use rumqttc::v5::mqttbytes::v5::PublishProperties;
use serde_json::{Value, json};

use crate::client::Version;
use crate::home::{Home, Plan, ask, collect, fresh, nothing_more_on, reply, say, with_mosquitto, with_plan};
use crate::mosquitto::{Mosquitto, OldDoor};

const KITCHEN: (&str, &str) = ("zigbee2mqtt/kitchen_light/set", r#"{"state":"ON"}"#);

async fn command_and_answer(home: &Home, version: Version) {
    let mut client = home.client(version).await;
    let reply = say(&mut client, "turn on the kitchen light").await;
    assert_eq!(reply.commands, [(KITCHEN.0.to_owned(), KITCHEN.1.to_owned())]);
    assert_eq!((&reply.last["status"], &reply.last["tier"]), (&json!("ok"), &json!("intent")), "{}", reply.last);
    assert_eq!(reply.last["actions"], json!([{ "topic": KITCHEN.0, "payload": KITCHEN.1 }]));
    assert_eq!(reply.last["intent"]["name"], "HassTurnOn");
    let source = reply.last["intent"]["source"].as_str().unwrap();
    assert!(source.contains("lights.yaml:"), "{source}");
    assert_eq!(reply.chunks.concat(), reply.text());
    assert!(!reply.text().is_empty() && reply.last["timing"]["total_ms"].as_f64().unwrap() > 0.0);
    let reply = say(&mut client, "how was your day?").await;
    assert_eq!((&reply.last["status"], &reply.last["tier"]), (&json!("ok"), &json!("chat")), "{}", reply.last);
    assert!(reply.chunks.len() > 1 && reply.last["finish"] == "stop", "{}", reply.last);
}

#[tokio::test]
async fn mosquitto_serves_both_versions() {
    let (_broker, home) = with_mosquitto().await;
    command_and_answer(&home, Version::V5).await;
    command_and_answer(&home, Version::V4).await;
}

#[tokio::test]
async fn a_broker_that_refuses_version_5_is_spoken_to_in_3_1_1() {
    let broker = Mosquitto::start().await;
    let door = OldDoor::before(broker.address).await;
    let mut home = Home::start(&Plan::at(door.address)).await;
    home.wait_ready().await;
    assert!(home.log().contains("by MQTT 3.1.1"), "{}", home.log());
    command_and_answer(&home, Version::V4).await;
}

#[tokio::test]
async fn the_embedded_broker_serves_both_versions() {
    let mut plan = Plan::at(([127, 0, 0, 1], 0).into());
    plan.broker = None;
    let mut home = Home::start(&plan).await;
    home.wait_ready().await;
    command_and_answer(&home, Version::V5).await;
    command_and_answer(&home, Version::V4).await;
}

#[tokio::test]
async fn plain_text_is_an_utterance_and_the_topic_tells_the_room() {
    let (_broker, home) = with_mosquitto().await;
    let mut client = home.client(Version::V4).await;
    client.publish("hearthd/utterance", "turn on the kitchen light", 1, false).await;
    let reply = collect(&mut client, |topic| topic.starts_with("hearthd/reply/")).await;
    assert_eq!(reply.last["status"], "ok", "{}", reply.last);
    assert_eq!(reply.last["id"].as_str().unwrap().len(), 26, "a ULID");
    client.publish("hearthd/utterance/kitchen", "turn on the light", 1, false).await;
    let reply = collect(&mut client, |topic| topic.starts_with("hearthd/reply/")).await;
    assert_eq!(reply.commands, [(KITCHEN.0.to_owned(), KITCHEN.1.to_owned())], "{}", reply.last);
}

#[tokio::test]
async fn without_a_stream_only_the_final_object_comes() {
    let (_broker, home) = with_mosquitto().await;
    let mut client = home.client(Version::V5).await;
    let reply =
        ask(&mut client, &json!({ "id": fresh("one"), "text": "ECHO all at once", "tier": "chat", "stream": false }))
            .await;
    assert!(reply.chunks.is_empty() && reply.text() == "all at once", "{}", reply.last);
}

#[tokio::test]
async fn several_commands_in_one_breath_are_all_done_and_shown() {
    let (_broker, home) = with_mosquitto().await;
    let mut client = home.client(Version::V5).await;
    let reply = say(&mut client, "turn on the kitchen light and close the office blinds").await;
    let blinds = ("zigbee2mqtt/office_blinds/set".to_owned(), r#"{"state":"CLOSE"}"#.to_owned());
    assert_eq!(reply.commands, [(KITCHEN.0.to_owned(), KITCHEN.1.to_owned()), blinds], "{}", reply.last);
    let names: Vec<&str> =
        reply.last["intents"].as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!((names, &reply.last["intent"]["name"]), (vec!["HassTurnOn", "HassTurnOff"], &json!("HassTurnOn")));
    // All of them or none.
    let reply = say(&mut client, "turn on the kitchen light and paint the office blinds").await;
    assert_eq!((reply.code(), reply.commands.len()), ("not_understood", 0), "{}", reply.last);
    let message = reply.last["error"]["message"].as_str().unwrap();
    assert!(message.contains("not \u{201c}paint the office blinds\u{201d}"), "{message}");
}

#[tokio::test]
async fn small_clients_get_bare_text_and_an_empty_end() {
    let (_broker, home) = with_mosquitto().await;
    let mut client = home.client(Version::V4).await;
    for (text, stream, expected) in [
        ("ECHO bare words", true, "bare words"),
        ("ECHO bare words", false, "bare words"),
        ("turn on the flux capacitor", true, "nothing called \u{201c}flux capacitor\u{201d}"),
    ] {
        let id = fresh("bare");
        let tier = if text.starts_with("ECHO") { json!("chat") } else { Value::Null };
        let utterance = json!({ "id": id, "text": text, "tier": tier, "format": "text", "stream": stream });
        client.publish("hearthd/utterance", utterance.to_string(), 1, false).await;
        let mut said = String::new();
        loop {
            let message = client.message().await;
            if message.topic == format!("hearthd/reply/{id}") {
                if message.payload.is_empty() {
                    break;
                }
                said.push_str(message.text());
            }
        }
        assert!(said.starts_with(expected), "{said}");
    }
}

#[tokio::test]
async fn a_command_that_no_rule_knows_is_not_given_to_a_model() {
    let (_broker, home) = with_mosquitto().await;
    let mut client = home.client(Version::V5).await;
    // A slip of a known name is forgiven; an unknown one is not guessed.
    let reply = say(&mut client, "turn on the kitchen lihgt").await;
    assert_eq!(reply.commands, [(KITCHEN.0.to_owned(), KITCHEN.1.to_owned())], "{}", reply.last);
    let reply = say(&mut client, "turn on the flux capacitor").await;
    assert_eq!((&reply.last["status"], reply.code()), (&json!("not_understood"), "not_understood"), "{}", reply.last);
    assert!(!reply.last["suggestions"].as_array().unwrap().is_empty(), "{}", reply.last);
    assert!(reply.commands.is_empty() && reply.chunks.is_empty() && reply.last["model"].is_null(), "{reply:?}");
    let reply = ask(&mut client, &json!({ "id": fresh("no"), "text": "tell me a story", "tier": "intent" })).await;
    assert_eq!(reply.code(), "not_understood");
}

#[tokio::test]
async fn answers_go_to_an_allowed_response_topic_with_the_correlation_data() {
    let (_broker, home) = with_mosquitto().await;
    let mut client = home.client(Version::V5).await;
    let properties = |topic: &str| PublishProperties {
        response_topic: Some(topic.to_owned()),
        correlation_data: Some(vec![0, 255, 7].into()),
        ..PublishProperties::default()
    };
    client
        .publish_with(
            "hearthd/utterance",
            r#"{"id":"mine","text":"turn on the kitchen light"}"#,
            properties("hearthd/reply/panel/7"),
        )
        .await;
    let mut objects = 0;
    loop {
        let message = client.message().await;
        assert_ne!(message.topic, "hearthd/reply/mine");
        if message.topic == "hearthd/reply/panel/7" {
            objects += 1;
            assert_eq!(message.properties.correlation_data.as_deref(), Some([0, 255, 7].as_slice()));
            if message.text().contains("\"done\":true") {
                break;
            }
        }
    }
    assert_eq!(objects, 2);
    for topic in ["zigbee2mqtt/front_door/set", "hearthd/utterance", "hearthd/reply/", "elsewhere/x"] {
        client.publish_with("hearthd/utterance", r#"{"text":"turn on the kitchen light"}"#, properties(topic)).await;
        let refused = collect(&mut client, |topic| topic == "hearthd/error").await;
        assert_eq!(refused.code(), "reply_topic_not_allowed", "{topic}: {}", refused.last);
        assert!(refused.commands.is_empty(), "{topic}: {refused:?}");
    }
}

#[tokio::test]
async fn garbage_gets_an_error_and_the_connection_stays() {
    let (_broker, home) = with_mosquitto().await;
    let mut client = home.client(Version::V5).await;
    let long_text = format!(r#"{{"id":"a1","text":"{}"}}"#, "x".repeat(2_001));
    let long_id = format!(r#"{{"id":"{}","text":"hello"}}"#, "x".repeat(65));
    let deep = format!("{}{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    let million = "y".repeat(1024 * 1024);
    let cases: [(&[u8], &str, &str); 17] = [
        (b"\xff\xfe", "hearthd/error", "bad_request"),
        (b"", "hearthd/error", "bad_request"),
        (b"  \n ", "hearthd/error", "bad_request"),
        (b"\0\0\0", "hearthd/error", "bad_request"),
        (b"{", "hearthd/error", "bad_request"),
        (br#"{"text":"a","text":"b"}"#, "hearthd/error", "bad_request"),
        (br#"{"id":"a0"}"#, "hearthd/reply/a0", "bad_request"),
        (br#"{"id":"a2","text":5}"#, "hearthd/reply/a2", "bad_request"),
        (br#"{"id":"a3","text":"hello","tier":"huge"}"#, "hearthd/reply/a3", "bad_request"),
        (br#"{"id":"a4","text":"hello","stream":"yes"}"#, "hearthd/reply/a4", "bad_request"),
        (br#"{"id":"a5","text":"hello","user_id":"a/b"}"#, "hearthd/reply/a5", "bad_request"),
        (br#"{"id":"a/#","text":"hello"}"#, "hearthd/error", "bad_request"),
        (br#"{"id":7,"text":"hello"}"#, "hearthd/error", "bad_request"),
        (long_text.as_bytes(), "hearthd/reply/a1", "too_long"),
        (long_id.as_bytes(), "hearthd/error", "too_long"),
        (deep.as_bytes(), "hearthd/error", "too_long"),
        (million.as_bytes(), "hearthd/error", "too_long"),
    ];
    for (payload, topic, code) in cases {
        let shown = String::from_utf8_lossy(&payload[..payload.len().min(60)]).into_owned();
        client.publish("hearthd/utterance", payload, 1, false).await;
        let refused = collect(&mut client, |t| t == topic).await;
        assert_eq!(refused.code(), code, "{shown}: {}", refused.last);
        assert!(refused.chunks.is_empty() && !refused.last["error"]["message"].as_str().unwrap().is_empty());
    }
    assert_eq!(say(&mut client, "turn on the kitchen light").await.code(), "ok");
    assert_eq!(home.log().matches("connected to the broker").count(), 1, "{}", home.log());
}

#[tokio::test]
async fn a_huge_message_keeps_nobody_away_in_either_version() {
    let broker = Mosquitto::start().await;
    let door = OldDoor::before(broker.address).await;
    for address in [broker.address, door.address] {
        let mut home = Home::start(&Plan::at(address)).await;
        home.wait_ready().await;
        let huge = tempfile::NamedTempFile::new().unwrap();
        huge.as_file().set_len(9 * 1024 * 1024).unwrap();
        let output = std::process::Command::new("mosquitto_pub")
            .args(["-h", "127.0.0.1", "-p", &broker.address.port().to_string(), "-q", "1", "-t", "hearthd/utterance"])
            .arg("-f")
            .arg(huge.path())
            .output();
        assert!(output.unwrap().status.success());
        let mut client = home.client(Version::V4).await;
        assert_eq!(say(&mut client, "turn on the kitchen light").await.code(), "ok", "{}", home.log());
    }
}

#[tokio::test]
async fn what_the_broker_had_kept_is_not_carried_out() {
    let broker = Mosquitto::start().await;
    let mut early = crate::client::Client::new(broker.address, Version::V4, "early").await;
    early.publish("hearthd/utterance", r#"{"id":"kept","text":"turn on the kitchen light"}"#, 1, true).await;
    let home = Home::start(&Plan::at(broker.address)).await;
    let mut client = home.client(Version::V4).await;
    nothing_more_on(&mut client, "hearthd/reply/kept").await;
}

#[tokio::test]
async fn users_have_conversations_of_their_own() {
    let mut plan = Plan::at(([127, 0, 0, 1], 0).into());
    plan.broker = None;
    let mut home = Home::start(&plan).await;
    home.wait_ready().await;
    let mut client = home.client(Version::V5).await;
    let mut tokens = Vec::new();
    for user in ["ann", "ann", "bob"] {
        let utterance = json!({ "id": fresh("talk"), "text": "ECHO hello there", "tier": "chat", "user_id": user });
        tokens.push(ask(&mut client, &utterance).await.last["usage"]["prompt_tokens"].as_u64().unwrap());
    }
    assert!(tokens[1] > tokens[0], "the second turn remembers the first: {tokens:?}");
    assert_eq!(tokens[2], tokens[0], "another person's does not: {tokens:?}");
}

#[tokio::test]
async fn info_and_status_are_kept_for_whoever_asks() {
    let (_broker, home) = with_mosquitto().await;
    // The info topic is brought up to date twice a second.
    let info = loop {
        let mut client = home.client(Version::V4).await;
        let mut kept = std::collections::BTreeMap::new();
        while kept.len() < 2 {
            let message = client.message().await;
            assert!(message.retain, "{}", message.topic);
            kept.insert(message.topic.clone(), message.text().to_owned());
        }
        assert_eq!(kept["hearthd/status"], "online");
        let info: Value = serde_json::from_str(&kept["hearthd/info"]).unwrap();
        if info["tiers"]["chat"]["state"] == "ready" && info["tiers"]["explain"]["state"] == "ready" {
            break info;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    assert!(info["intents"].as_u64().unwrap() > 5 && info["devices"].is_u64(), "{info}");
    assert!(info["last_reload"].is_null(), "{info}");
}

/// L4: a word to cancel by MQTT. While the prompt is read: `cancelled.rs`.
#[tokio::test]
async fn a_running_answer_is_cancelled_by_topic() {
    let (_broker, home) = with_plan(|plan| {
        plan.explain = "fake:words=10000,delay=50ms".to_owned();
    })
    .await;
    let mut client = home.client(Version::V5).await;
    let id = fresh("long");
    client
        .publish(
            "hearthd/utterance",
            json!({ "id": id, "text": "LONG story", "tier": "explain" }).to_string(),
            1,
            false,
        )
        .await;
    while client.message().await.topic != format!("hearthd/reply/{id}") {}
    client.publish(&format!("hearthd/cancel/{id}"), "", 1, false).await;
    let topic = format!("hearthd/reply/{id}");
    let last = loop {
        let message = client.message().await;
        if message.topic == topic && message.text().contains("\"done\":true") {
            break serde_json::from_slice::<Value>(&message.payload).unwrap();
        }
    };
    assert_eq!((&last["status"], &last["finish"]), (&json!("cancelled"), &json!("cancelled")), "{last}");
    nothing_more_on(&mut client, &topic).await;
    client.publish("hearthd/cancel/nobody", "", 1, false).await;
    assert_eq!(reply_to(&mut client, "ECHO still here").await, "still here");
}

async fn reply_to(client: &mut crate::client::Client, text: &str) -> String {
    let id = fresh("echo");
    client.publish("hearthd/utterance", json!({ "id": id, "text": text, "tier": "chat" }).to_string(), 1, false).await;
    reply(client, &id).await.text().to_owned()
}
