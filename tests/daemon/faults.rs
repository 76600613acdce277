//! What breaks around the daemon: its worker, its broker, its rules, itself.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::client::{Client, Version};
use crate::home::{Home, Plan, ask, fresh, reply, say, with_mosquitto, with_plan};
use crate::mosquitto::Mosquitto;

/// Each is another user's, so that none waits for a turn.
async fn begin(client: &mut Client, text: &str) -> String {
    let id = fresh("begin");
    let utterance = json!({ "id": id, "user_id": id, "text": text, "tier": "chat" });
    client.publish("hearthd/utterance", utterance.to_string(), 1, false).await;
    id
}

/// Waits for the first chunk and leaves the rest of the reply to be collected with it counted.
async fn rest_after_first_chunk(client: &mut Client, id: &str) -> (String, String) {
    let topic = format!("hearthd/reply/{id}");
    loop {
        let message = client.message().await;
        if message.topic == topic {
            let object: Value = serde_json::from_slice(&message.payload).unwrap();
            return (topic, object["chunk"].as_str().unwrap_or_else(|| panic!("{object}")).to_owned());
        }
    }
}

async fn last_of(client: &mut Client, topic: &str, mut said: String) -> Value {
    loop {
        let message = client.message().await;
        if message.topic == topic {
            let object: Value = serde_json::from_slice(&message.payload).unwrap();
            if object["done"] == true {
                assert_eq!(object["text"].as_str().unwrap(), said, "chunks join to the text");
                return object;
            }
            said.push_str(object["chunk"].as_str().unwrap());
        }
    }
}

/// L2: the worker is killed; commands are carried out all the while.
#[tokio::test]
async fn a_worker_killed_in_mid_answer_costs_that_answer_only() {
    let (_broker, mut home) = with_plan(|plan| {
        plan.chat = "fake:words=100,delay=50ms".to_owned();
    })
    .await;
    let mut client = home.client(Version::V5).await;
    let id = begin(&mut client, "talk").await;
    let (topic, first) = rest_after_first_chunk(&mut client, &id).await;
    kill(Pid::from_raw(home.worker().expect("a worker")), Signal::SIGKILL).unwrap();
    let last = last_of(&mut client, &topic, first).await;
    assert_eq!((&last["status"], &last["error"]["code"]), (&json!("error"), &json!("model_crashed")), "{last}");
    // Tier 1 does not care.
    assert_eq!(say(&mut client, "turn on the kitchen light").await.code(), "ok");
    home.wait_ready().await;
    assert_eq!(
        ask(&mut client, &json!({ "id": fresh("again"), "text": "ECHO back", "tier": "chat" })).await.text(),
        "back"
    );
}

/// L5: a decoder that hangs or says nothing ends at its deadline, and is replaced. Also L8, once.
#[tokio::test]
async fn a_model_that_aborts_or_hangs_is_replaced() {
    let (_broker, mut home) = with_plan(|plan| {
        plan.chat_keys = "    deadline: 2s\n";
    })
    .await;
    let mut client = home.client(Version::V5).await;
    for (text, code) in [("CRASH now", "model_crashed"), ("SILENT please", "timeout")] {
        let reply = ask(&mut client, &json!({ "id": fresh("bad"), "text": text, "tier": "chat" })).await;
        assert_eq!((reply.last["status"].as_str(), reply.code()), (Some("error"), code), "{text}: {}", reply.last);
        home.wait_ready().await;
    }
    // What a hanging model had said already counts; its process is replaced.
    let before = home.worker();
    let reply = ask(&mut client, &json!({ "id": fresh("hang"), "text": "HANG now", "tier": "chat" })).await;
    assert_eq!((&reply.last["status"], &reply.last["finish"]), (&json!("ok"), &json!("timeout")), "{}", reply.last);
    assert!(!reply.text().is_empty());
    assert_eq!(say(&mut client, "turn on the kitchen light").await.code(), "ok");
    let began = std::time::Instant::now();
    while home.worker() == before || home.worker().is_none() {
        assert!(began.elapsed() < crate::client::LIMIT, "the hung worker was not replaced: {}", home.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    home.wait_ready().await;
    assert_eq!(
        ask(&mut client, &json!({ "id": fresh("again"), "text": "ECHO back", "tier": "chat" })).await.text(),
        "back"
    );
}

#[tokio::test]
async fn a_broker_that_restarts_in_mid_answer_gets_the_rest() {
    let mut broker = Mosquitto::start().await;
    let mut plan = Plan::at(broker.address);
    plan.chat = "fake:words=60,delay=50ms".to_owned();
    let mut home = Home::start(&plan).await;
    home.wait_ready().await;
    let mut client = home.client(Version::V5).await;
    let id = begin(&mut client, "talk").await;
    let (topic, _) = rest_after_first_chunk(&mut client, &id).await;
    broker.kill();
    drop(client);
    broker.launch().await;
    // Subscribed before the daemon is back, or while it is: the final object must come in either case.
    let mut client = home.client(Version::V5).await;
    let last = loop {
        let message = client.message().await;
        if message.topic == topic && message.text().contains("\"done\":true") {
            break serde_json::from_slice::<Value>(&message.payload).unwrap();
        }
    };
    assert_eq!((&last["status"], &last["finish"]), (&json!("ok"), &json!("stop")), "{last}");
    home.wait_online().await;
    // It has subscribed again.
    assert_eq!(say(&mut client, "turn on the kitchen light").await.code(), "ok");
}

#[tokio::test]
async fn a_broker_that_comes_late_is_waited_for() {
    let mut broker = Mosquitto::start().await;
    broker.kill();
    let mut home = Home::prepare(&Plan::at(broker.address));
    home.launch();
    let began = std::time::Instant::now();
    while home.log().matches("no connection to the broker").count() < 4 {
        assert!(began.elapsed() < crate::client::LIMIT, "{}", home.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    broker.launch().await;
    home.wait_online().await;
    assert!(home.log().contains("by MQTT 5"), "{}", home.log());
    let mut client = home.client(Version::V4).await;
    assert_eq!(say(&mut client, "turn on the kitchen light").await.code(), "ok");
}

#[tokio::test]
async fn a_term_signal_lets_running_answers_end() {
    let (_broker, mut home) = with_plan(|plan| {
        plan.chat = "fake:words=30,delay=100ms".to_owned();
    })
    .await;
    let mut client = home.client(Version::V5).await;
    let id = begin(&mut client, "talk").await;
    let (topic, first) = rest_after_first_chunk(&mut client, &id).await;
    home.signal(Signal::SIGTERM);
    nothing_new_is_taken(&mut client).await;
    // The refusal's chunks of the answer went by while it was collected, so only the final object is looked at.
    drop(first);
    let last = final_of(&mut client, &topic).await;
    assert_eq!((&last["status"], &last["finish"]), (&json!("ok"), &json!("stop")), "{last}");
    let offline = loop {
        let message = client.message().await;
        if message.topic == "hearthd/status" {
            break message;
        }
    };
    assert_eq!(offline.text(), "offline");
    assert_eq!(home.ended().await.code(), Some(0), "{}", home.log());
}

/// Waits until the daemon refuses what is new: an utterance may overtake the signal, but not for long.
async fn nothing_new_is_taken(client: &mut Client) {
    let began = std::time::Instant::now();
    loop {
        let reply = say(client, "turn on the kitchen light").await;
        if reply.code() != "ok" {
            return assert_eq!(reply.code(), "shutting_down", "{}", reply.last);
        }
        assert!(began.elapsed() < crate::client::LIMIT, "it goes on as if nothing had been said");
    }
}

async fn final_of(client: &mut Client, topic: &str) -> Value {
    loop {
        let message = client.message().await;
        if message.topic == topic && message.text().contains("\"done\":true") {
            return serde_json::from_slice(&message.payload).unwrap();
        }
    }
}

/// An answer that takes minutes.
async fn with_endless_answer() -> (Mosquitto, Home, Client, String) {
    let (broker, home) = with_plan(|plan| {
        "fake:words=10000,delay=100ms".clone_into(&mut plan.chat);
        plan.chat_keys = "    max_tokens: 900\n    deadline: 300s\n";
    })
    .await;
    let mut client = home.client(Version::V5).await;
    let id = begin(&mut client, "talk").await;
    let (topic, _) = rest_after_first_chunk(&mut client, &id).await;
    (broker, home, client, topic)
}

#[tokio::test]
async fn an_answer_that_does_not_end_by_itself_is_ended() {
    let (_broker, mut home, mut client, topic) = with_endless_answer().await;
    home.signal(Signal::SIGTERM);
    let last = final_of(&mut client, &topic).await;
    assert_eq!(last["error"]["code"], "shutting_down", "{last}");
    assert!(!last["text"].as_str().unwrap().is_empty());
    assert_eq!(home.ended().await.code(), Some(0), "{}", home.log());
}

#[tokio::test]
async fn a_second_term_signal_does_not_wait_for_answers() {
    let (_broker, mut home, mut client, topic) = with_endless_answer().await;
    home.signal(Signal::SIGTERM);
    // Two signals at once are one.
    nothing_new_is_taken(&mut client).await;
    let began = std::time::Instant::now();
    home.signal(Signal::SIGTERM);
    let last = final_of(&mut client, &topic).await;
    assert_eq!(last["error"]["code"], "shutting_down", "{last}");
    assert_eq!(home.ended().await.code(), Some(0), "{}", home.log());
    assert!(began.elapsed() < Duration::from_secs(8), "it waited out the drain's ten seconds all the same");
}

/// L4: clients that close their HTTP connection.
#[tokio::test]
async fn a_client_that_went_away_gives_its_place_back() {
    let (_broker, home) = with_plan(|plan| {
        plan.models = "  slots: 1\n";
        plan.chat = "fake:words=10000,delay=20ms".to_owned();
        plan.chat_keys = "    max_tokens: 900\n    deadline: 300s\n";
    })
    .await;
    for stream in [true, false] {
        let body = json!({ "message": "talk", "tier": "chat", "stream": stream }).to_string();
        for _ in 0..5 {
            let mut socket = tokio::net::TcpStream::connect(home.http).await.unwrap();
            let head = format!(
                "POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            tokio::io::AsyncWriteExt::write_all(&mut socket, (head + &body).as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let mut client = home.client(Version::V5).await;
    let began = std::time::Instant::now();
    loop {
        let reply = ask(&mut client, &json!({ "id": fresh("next"), "text": "ECHO my turn", "tier": "chat" })).await;
        if reply.code() == "ok" {
            break assert_eq!(reply.text(), "my turn");
        }
        assert!(reply.code() == "busy" && began.elapsed() < crate::client::LIMIT, "{}", reply.last);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn more_replies_than_a_link_holds_are_sent_after_an_outage() {
    let mut broker = Mosquitto::start().await;
    let mut plan = Plan::at(broker.address);
    plan.models = "  slots: 8\n";
    plan.chat = "fake:words=200,delay=10ms".to_owned();
    plan.chat_keys = "    max_tokens: 400\n";
    plan.more = "reply:\n  join: 0ms\n".to_owned();
    let mut home = Home::start(&plan).await;
    home.wait_ready().await;
    let mut client = home.client(Version::V5).await;
    let mut topics = Vec::new();
    for _ in 0..8 {
        let id = begin(&mut client, "talk").await;
        topics.push(format!("hearthd/reply/{id}"));
    }
    // An acknowledged question is with the broker, not yet with the daemon: one that began to answer has it.
    let mut silent = topics.clone();
    while !silent.is_empty() {
        let message = client.message().await;
        silent.retain(|topic| *topic != message.topic);
    }
    drop(client);
    broker.kill();
    tokio::time::sleep(Duration::from_secs(4)).await;
    // Nobody listens before the client is back: what the daemon sent then, the broker would drop.
    home.signal(Signal::SIGSTOP);
    broker.launch().await;
    let mut client = home.client(Version::V5).await;
    home.signal(Signal::SIGCONT);
    while !topics.is_empty() {
        let message = client.message().await;
        if message.text().contains("\"done\":true") {
            topics.retain(|topic| *topic != message.topic);
        }
    }
    assert!(!home.log().contains("3.1.1"), "an outage is no reason to speak an older version: {}", home.log());
}

#[tokio::test]
async fn a_missing_model_is_said_with_the_command_that_fetches_it() {
    let broker = Mosquitto::start().await;
    let mut plan = Plan::at(broker.address);
    plan.explain = "llama-3.2-3b-instruct".to_owned();
    let home = Home::start(&plan).await;
    assert!(home.log().contains("hearthd models pull llama-3.2-3b-instruct"), "{}", home.log());
    let mut client = home.client(Version::V5).await;
    let reply = ask(&mut client, &json!({ "id": fresh("none"), "text": "explain rain", "tier": "explain" })).await;
    assert_eq!(reply.code(), "model_unavailable");
    assert!(reply.last["error"]["message"].as_str().unwrap().contains("models pull"), "{}", reply.last);
    assert_eq!(say(&mut client, "turn on the kitchen light").await.code(), "ok");
}

#[tokio::test]
async fn what_was_said_does_not_stand_in_the_log() {
    let (_broker, home) = with_mosquitto().await;
    let mut client = home.client(Version::V5).await;
    for text in ["ECHO canarybird", "turn on the canarybird light", "explain the canarybird"] {
        let id = fresh("quiet");
        client.publish("hearthd/utterance", json!({ "id": id, "text": text }).to_string(), 1, false).await;
        reply(&mut client, &id).await;
    }
    assert!(home.log().contains("tier"), "{}", home.log());
    assert!(!home.log().contains("canarybird"), "{}", home.log());
}
