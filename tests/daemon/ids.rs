//! An id is carried out once, whatever is sent again, and whatever dies in between.

use nix::sys::signal::Signal;
use rumqttc::v5::mqttbytes::v5::PublishProperties;
use serde_json::json;

use crate::client::Version;
use crate::home::{Home, Plan, ask, collect, fresh, nothing_more_on, reply, with_mosquitto, with_plan};
use crate::mosquitto::Mosquitto;

#[tokio::test]
async fn an_id_sent_again_is_answered_and_not_carried_out() {
    let (_broker, home) = with_mosquitto().await;
    let mut client = home.client(Version::V5).await;
    let utterance = json!({ "id": fresh("twice"), "text": "turn on the kitchen light" });
    let first = ask(&mut client, &utterance).await;
    assert_eq!((first.commands.len(), &first.last["duplicate"]), (1, &serde_json::Value::Null));
    let second = ask(&mut client, &utterance).await;
    assert!(second.commands.is_empty(), "{second:?}");
    assert_eq!((&second.last["duplicate"], &second.last["text"]), (&json!(true), &first.last["text"]));
    let other = ask(&mut client, &json!({ "id": utterance["id"], "text": "turn off the kitchen light" })).await;
    assert!(other.commands.is_empty() && other.code() == "bad_request", "{other:?}");
}

#[tokio::test]
async fn an_id_sent_again_while_it_is_answered_changes_nothing() {
    let (_broker, home) = with_plan(|plan| {
        plan.chat = "fake:words=20,delay=100ms".to_owned();
    })
    .await;
    let mut client = home.client(Version::V5).await;
    let id = fresh("running");
    let utterance = |text: &str| json!({ "id": id, "text": text, "tier": "chat" }).to_string();
    client.publish_many("hearthd/utterance", &[utterance("talk"), utterance("talk"), utterance("another text")]).await;
    // Another text under the id is refused beside the reply that still runs, not in the midst of it.
    let refused = collect(&mut client, |topic| topic == "hearthd/error").await;
    assert_eq!((refused.code(), refused.last["id"].as_str()), ("bad_request", Some(id.as_str())), "{}", refused.last);
    let topic = format!("hearthd/reply/{id}");
    let last = loop {
        let message = client.message().await;
        if message.topic == topic && message.text().contains("\"done\":true") {
            break serde_json::from_slice::<serde_json::Value>(&message.payload).unwrap();
        }
    };
    assert_eq!(last["status"], "ok", "{last}");
    nothing_more_on(&mut client, &topic).await;
}

#[tokio::test]
async fn ids_survive_a_daemon_that_was_killed() {
    let broker = Mosquitto::start().await;
    let mut home = Home::start(&Plan::at(broker.address)).await;
    let mut client = home.client(Version::V5).await;
    let utterance = json!({ "id": fresh("before"), "text": "turn on the kitchen light" });
    assert_eq!(ask(&mut client, &utterance).await.commands.len(), 1);
    home.signal(Signal::SIGKILL);
    home.ended().await;
    // The last will.
    while client.message().await.topic != "hearthd/status" {}
    home.launch();
    home.wait_online().await;
    let again = ask(&mut client, &utterance).await;
    assert!(again.commands.is_empty() && again.code() == "duplicate", "{again:?}");
}

#[tokio::test]
async fn what_was_said_while_the_daemon_was_away_for_a_moment_is_carried_out_once() {
    let broker = Mosquitto::start().await;
    let mut home = Home::start(&Plan::at(broker.address)).await;
    let mut client = home.client(Version::V5).await;
    home.signal(Signal::SIGKILL);
    home.ended().await;
    let id = fresh("meanwhile");
    client
        .publish("hearthd/utterance", json!({ "id": id, "text": "turn on the kitchen light" }).to_string(), 1, false)
        .await;
    home.launch();
    let reply = reply(&mut client, &id).await;
    assert_eq!((reply.code(), reply.commands.len()), ("ok", 1), "{reply:?}");
}

#[tokio::test]
async fn what_was_said_too_long_ago_is_never_carried_out() {
    let broker = Mosquitto::start().await;
    let mut plan = Plan::at(broker.address);
    plan.mqtt = "  max_offline: 1s\n".to_owned();
    let mut home = Home::start(&plan).await;
    let mut client = home.client(Version::V5).await;
    home.signal(Signal::SIGKILL);
    home.ended().await;
    let id = fresh("old");
    client
        .publish("hearthd/utterance", json!({ "id": id, "text": "turn on the kitchen light" }).to_string(), 1, false)
        .await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    home.launch();
    home.wait_online().await;
    nothing_more_on(&mut client, &format!("hearthd/reply/{id}")).await;
}

#[tokio::test]
async fn an_utterance_that_waits_past_its_expiry_is_refused() {
    let (_broker, home) = with_plan(|plan| {
        plan.models = "  slots: 1\n";
        plan.chat = "fake:words=30,delay=100ms".to_owned();
    })
    .await;
    let mut client = home.client(Version::V5).await;
    let first = fresh("first");
    client
        .publish("hearthd/utterance", json!({ "id": first, "text": "talk", "tier": "chat" }).to_string(), 1, false)
        .await;
    let properties = PublishProperties { message_expiry_interval: Some(1), ..PublishProperties::default() };
    client.publish_with("hearthd/utterance", r#"{"id":"late","text":"talk","tier":"chat"}"#, properties).await;
    let late = collect(&mut client, |topic| topic == "hearthd/reply/late").await;
    assert_eq!((&late.last["status"], late.code()), (&json!("expired"), "expired"), "{}", late.last);
    assert!(late.chunks.is_empty());
}

/// I8: more than one slot takes. A thousand at once: `floods.rs`.
#[tokio::test]
async fn what_is_too_much_is_refused_at_once() {
    let (_broker, home) = with_plan(|plan| {
        plan.models = "  slots: 1\n";
        plan.chat = "fake:words=10,delay=20ms".to_owned();
    })
    .await;
    let mut client = home.client(Version::V5).await;
    let ids: Vec<String> = (0..30).map(|_| fresh("flood")).collect();
    let utterances: Vec<String> =
        ids.iter().map(|id| json!({ "id": id, "text": "talk", "tier": "chat", "stream": false }).to_string()).collect();
    client.publish_many("hearthd/utterance", &utterances).await;
    let mut codes = Vec::new();
    while codes.len() < ids.len() {
        let last = collect(&mut client, |topic| topic.starts_with("hearthd/reply/flood")).await;
        codes.push(last.code().to_owned());
    }
    let busy = codes.iter().filter(|code| *code == "busy").count();
    assert!(codes.iter().all(|code| code == "busy" || code == "ok"), "{codes:?}");
    assert!((1..30).contains(&busy), "one runs and four wait at a time: {codes:?}");
    // A device command is not kept waiting by any of it.
    assert_eq!(
        ask(&mut client, &json!({ "id": fresh("now"), "text": "turn on the kitchen light" })).await.code(),
        "ok"
    );
}
