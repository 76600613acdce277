//! Answers that are stopped before their end, and what that frees.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Client, LIMIT, Settings, Version};
use crate::home::{ask, fresh, reply, with_plan};

async fn begin(client: &mut Client, id: &str, text: &str) {
    let utterance = json!({ "id": id, "user_id": id, "text": text, "tier": "chat" });
    client.publish("hearthd/utterance", utterance.to_string(), 1, false).await;
}

/// The next object of a reply.
async fn next(client: &mut Client, id: &str) -> Value {
    let topic = format!("hearthd/reply/{id}");
    loop {
        let message = client.message().await;
        if message.topic == topic {
            return serde_json::from_slice(&message.payload).unwrap();
        }
    }
}

async fn answers(client: &mut Client) {
    let reply = ask(client, &json!({ "id": fresh("next"), "text": "ECHO my turn", "tier": "chat" })).await;
    assert_eq!((reply.code(), reply.text()), ("ok", "my turn"), "{}", reply.last);
}

/// L4: a word to cancel ends an answer whose prompt is still being read and one that is being spoken, and the only slot is
/// the next one's. By a client that closes its HTTP connection: `a_client_that_went_away_gives_its_place_back`. The bar
/// (300 ms with a model of 1B) is measured with real models, not here.
#[tokio::test]
async fn a_cancelled_answer_frees_its_slot_mid_prompt_and_mid_answer() {
    let (_broker, home) = with_plan(|plan| {
        plan.models = "  slots: 1\n";
        // A step reads 128 words at most, so that a prompt of 900 takes eight of these.
        "fake:words=10000,delay=300ms".clone_into(&mut plan.chat);
        plan.chat_keys = "    ctx_size: 2048\n    max_tokens: 900\n    deadline: 300s\n";
    })
    .await;
    let mut client = home.client(Version::V5).await;
    let id = fresh("reading");
    begin(&mut client, &id, &"a ".repeat(900)).await;
    // Long enough for it to be begun, and far from enough for it to be read.
    tokio::time::sleep(Duration::from_millis(500)).await;
    client.publish(&format!("hearthd/cancel/{id}"), "", 1, false).await;
    let last = reply(&mut client, &id).await.last;
    assert_eq!(
        (&last["status"], &last["finish"], &last["text"]),
        (&json!("cancelled"), &json!("cancelled"), &json!(""))
    );
    answers(&mut client).await;
    let id = fresh("speaking");
    begin(&mut client, &id, "talk").await;
    let chunk = next(&mut client, &id).await;
    client.publish(&format!("hearthd/cancel/{id}"), "", 1, false).await;
    let mut said = chunk["chunk"].as_str().unwrap().to_owned();
    let last = loop {
        let object = next(&mut client, &id).await;
        match object["chunk"].as_str() {
            Some(chunk) => said.push_str(chunk),
            None => break object,
        }
    };
    assert_eq!((&last["status"], &last["text"]), (&json!("cancelled"), &json!(said)), "{last}");
    answers(&mut client).await;
}

/// L4: an answer that reaches its deadline is stopped in the worker too, whether it spoke or not.
#[tokio::test]
async fn a_deadline_frees_the_slot() {
    let (_broker, home) = with_plan(|plan| {
        plan.models = "  slots: 1\n";
        "fake:delay=5ms".clone_into(&mut plan.chat);
        plan.chat_keys = "    ctx_size: 60000\n    max_tokens: 50000\n    deadline: 2s\n";
    })
    .await;
    let mut client = home.client(Version::V5).await;
    for (text, outcome) in [("SILENT", "timeout"), ("LONG", "ok")] {
        let reply = ask(&mut client, &json!({ "id": fresh("late"), "text": text, "tier": "chat" })).await;
        assert_eq!((reply.code(), &reply.last["finish"]), (outcome, &json!("timeout")), "{text}: {}", reply.last);
        answers(&mut client).await;
    }
}

/// L4: MQTT tells nobody that a reader went away, so its answer goes on to its end; a client that wants it stopped leaves
/// the word to cancel as its will, and the broker says it.
#[tokio::test]
async fn a_client_that_dies_stops_its_answer_by_its_will_alone() {
    let (_broker, home) = with_plan(|plan| {
        plan.models = "  slots: 2\n";
        "fake:words=40,delay=100ms".clone_into(&mut plan.chat);
        plan.chat_keys = "    max_tokens: 900\n    deadline: 300s\n";
    })
    .await;
    let mut witness = home.client(Version::V5).await;
    for (id, will) in [("left-a-will", Some(("hearthd/cancel/left-a-will", "gone"))), ("left-nothing", None)] {
        let settings = Settings { will, ..Settings::new(Version::V4, id) };
        let mut mortal = Client::connect(home.mqtt, &settings).await.unwrap();
        begin(&mut mortal, id, "talk").await;
        assert!(next(&mut witness, id).await["chunk"].is_string());
        // Closes its socket without a word.
        drop(mortal);
        let began = std::time::Instant::now();
        let last = loop {
            let object = next(&mut witness, id).await;
            if object["done"] == true {
                break object;
            }
            assert!(began.elapsed() < LIMIT);
        };
        let (status, finish) = if will.is_some() { ("cancelled", "cancelled") } else { ("ok", "stop") };
        assert_eq!((&last["status"], &last["finish"]), (&json!(status), &json!(finish)), "{id}: {last}");
    }
    answers(&mut witness).await;
}
