//! A tier answered by a server elsewhere, and by the other tier while that is away.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Client, Version};
use crate::home::{Home, Plan, Reply, ask, fresh};
use crate::model_server::{Mode, ModelServer};
use crate::mosquitto::Mosquitto;
use crate::web::try_get;

async fn explain(client: &mut Client, text: &str) -> Reply {
    let id = fresh("remote");
    ask(client, &json!({ "id": id, "user_id": id, "text": text, "tier": "explain" })).await
}

async fn health(home: &Home) -> Value {
    let (_, body) = try_get(home.http, "/healthz").await.unwrap();
    serde_json::from_str(&body).unwrap()
}

/// A home whose explanations come from this server.
async fn home_with(server: &ModelServer) -> (Mosquitto, Home, Client) {
    let broker = Mosquitto::start().await;
    let mut plan = Plan::at(broker.address);
    "far-model".clone_into(&mut plan.explain);
    plan.more = format!("    server: {}\n    deadline: 2s\n", server.url());
    let mut home = Home::start(&plan).await;
    home.wait_ready().await;
    let client = home.client(Version::V5).await;
    (broker, home, client)
}

#[tokio::test]
async fn a_server_answers_and_the_other_tier_while_it_is_away() {
    let server = ModelServer::start(Mode::Pieces(vec!["From", " far", " away."])).await;
    let (_broker, mut home, mut client) = home_with(&server).await;
    let reply = explain(&mut client, "ECHO one").await;
    assert_eq!((reply.text(), &reply.last["model"]), ("From far away.", &json!("far-model")), "{}", reply.last);
    assert_eq!((&reply.last["tier"], &reply.last["usage"]["prompt_tokens"]), (&json!("explain"), &json!(12)));
    assert!(reply.last["fallback"].is_null());
    // It fails before its first word, while it is still believed to be there.
    server.set(Mode::Down(500));
    let reply = explain(&mut client, "ECHO two").await;
    assert_eq!((reply.text(), &reply.last["tier"]), ("two", &json!("chat")), "{}", reply.last);
    let fallback = reply.last["fallback"].as_str().unwrap();
    assert!(fallback.starts_with("explain: ") && fallback.contains("far-model"), "{fallback}");
    assert!(reply.last["model"].as_str().unwrap().starts_with("fake"), "{}", reply.last);
    let state = health(&home).await["explain"]["state"].as_str().unwrap().to_owned();
    assert!(state.starts_with("away: "), "{state}");
    // And gone, with nobody listening.
    drop(server);
    let reply = explain(&mut client, "ECHO three").await;
    assert_eq!((reply.text(), reply.last["fallback"].is_string()), ("three", true), "{}", reply.last);
    let (_, metrics) = try_get(home.http, "/metrics").await.unwrap();
    assert!(metrics.contains("hearthd_fallback_answers_total 2"), "{metrics}");
    let address = home.folder.path().join("config.yaml");
    let url = std::fs::read_to_string(address).unwrap().split_once("http://127.0.0.1:").unwrap().1.to_owned();
    let port: u16 = url.split('/').next().unwrap().parse().unwrap();
    let _server = ModelServer::at(([127, 0, 0, 1], port).into(), Mode::Pieces(vec!["Back."])).await;
    home.wait_ready().await;
    assert_eq!(explain(&mut client, "ECHO four").await.text(), "Back.");
}

#[tokio::test]
async fn a_server_that_breaks_off_or_never_answers_ends_as_told() {
    let server = ModelServer::start(Mode::Cut).await;
    let (_broker, _home, mut client) = home_with(&server).await;
    let reply = explain(&mut client, "ECHO one").await;
    assert_eq!((reply.text(), reply.code()), ("Half an", "model_crashed"), "what was said cannot be taken back");
    server.set(Mode::Never);
    let reply = explain(&mut client, "ECHO two").await;
    assert_eq!((reply.code(), &reply.last["finish"]), ("timeout", &json!("timeout")), "{}", reply.last);
    server.set(Mode::Slow(Duration::from_millis(50)));
    let reply = explain(&mut client, "ECHO three").await;
    assert_eq!((&reply.last["status"], &reply.last["finish"]), (&json!("ok"), &json!("timeout")), "{}", reply.last);
    let id = fresh("stop");
    client
        .publish("hearthd/utterance", json!({ "id": id, "text": "ECHO four", "tier": "explain" }).to_string(), 1, false)
        .await;
    while !client.message().await.text().contains("\"chunk\"") {}
    client.publish(&format!("hearthd/cancel/{id}"), "", 1, false).await;
    while !client.message().await.text().contains("\"cancelled\"") {}
    server.all_closed().await;
}
