//! HTTP by hand, so that the tests see the bytes as `curl -N` would: what comes when, and what a header does.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::LIMIT;
use crate::home::{Home, Plan, with_mosquitto, with_plan};
use crate::mosquitto::Mosquitto;
use crate::web::{request, try_get};

async fn post(home: &Home, headers: &str, body: &str) -> (u16, Value) {
    let head = format!("POST /api/chat HTTP/1.1\r\nHost: {}\r\n{headers}", home.http);
    let (status, body) = request(home.http, &head, body).await.unwrap();
    (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
}

const JSON: &str = "Content-Type: application/json";

#[tokio::test]
async fn the_final_object_alone_comes_as_json() {
    let (_broker, home) = with_mosquitto().await;
    let (status, last) =
        post(&home, JSON, &json!({ "message": "turn on the kitchen light", "stream": false }).to_string()).await;
    assert_eq!((status, &last["status"], &last["tier"]), (200, &json!("ok"), &json!("intent")), "{last}");
    assert_eq!(last["actions"][0]["topic"], "zigbee2mqtt/kitchen_light/set");
    let (status, last) =
        post(&home, JSON, &json!({ "message": "ECHO good day", "tier": "chat", "stream": false }).to_string()).await;
    assert_eq!((status, &last["text"]), (200, &json!("good day")), "{last}");
    let (status, last) =
        post(&home, JSON, &json!({ "message": "turn on the flux capacitor", "stream": false }).to_string()).await;
    assert_eq!((status, &last["status"]), (200, &json!("not_understood")), "{last}");
}

#[tokio::test]
async fn events_stream_as_they_are_made() {
    let (_broker, home) = with_plan(|plan| {
        plan.chat = "fake:words=40,delay=100ms".to_owned();
    })
    .await;
    let body = json!({ "message": "hello", "tier": "chat" }).to_string();
    let mut socket = TcpStream::connect(home.http).await.unwrap();
    let head =
        format!("POST /api/chat HTTP/1.1\r\nHost: localhost\r\n{JSON}\r\nContent-Length: {}\r\n\r\n", body.len());
    socket.write_all((head + &body).as_bytes()).await.unwrap();
    let mut seen = String::new();
    let mut reads_with_chunks = 0;
    let mut buffer = vec![0; 4096];
    while !seen.contains("\"done\":true") {
        let length = timeout(LIMIT, socket.read(&mut buffer)).await.unwrap().unwrap();
        assert_ne!(length, 0, "{seen}");
        let part = String::from_utf8_lossy(&buffer[..length]).into_owned();
        reads_with_chunks += usize::from(part.contains("\"chunk\""));
        seen.push_str(&part);
    }
    assert!(seen.to_lowercase().contains("content-type: text/event-stream"), "{seen}");
    assert!(reads_with_chunks > 5, "40 words at 100 ms came in {reads_with_chunks} pieces: {seen}");
    let chunks: String = events(&seen).filter_map(|event| Some(event["chunk"].as_str()?.to_owned())).collect();
    let last = events(&seen).last().unwrap();
    assert_eq!(last["text"].as_str().unwrap(), chunks);
}

fn events(body: &str) -> impl Iterator<Item = Value> + '_ {
    body.lines().filter_map(|line| line.strip_prefix("data: ")).map(|data| serde_json::from_str(data).unwrap())
}

#[tokio::test]
async fn bad_requests_get_the_error_object() {
    let (_broker, home) = with_mosquitto().await;
    let long = json!({ "message": "x".repeat(2_001) }).to_string();
    let huge = json!({ "message": "x".repeat(100_000) }).to_string();
    for (body, status, code) in [
        ("", 400, "bad_request"),
        ("hello", 400, "bad_request"),
        ("[]", 400, "bad_request"),
        ("{}", 400, "bad_request"),
        (r#"{"message": 5}"#, 400, "bad_request"),
        (r#"{"message": " "}"#, 400, "bad_request"),
        (r#"{"text": "hello"}"#, 400, "bad_request"),
        (r#"{"message": "hello", "tier": "huge"}"#, 400, "bad_request"),
        (long.as_str(), 413, "too_long"),
        (huge.as_str(), 413, "too_long"),
    ] {
        let (got, last) = post(&home, JSON, body).await;
        let shown: String = body.chars().take(60).collect();
        assert_eq!((got, last["error"]["code"].as_str()), (status, Some(code)), "{shown}: {last}");
        assert!(last["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{last}");
    }
}

#[tokio::test]
async fn half_requests_keep_nobody_out_for_long() {
    let (_broker, home) = with_mosquitto().await;
    let mut halves = Vec::new();
    for _ in 0..70 {
        let mut socket = TcpStream::connect(home.http).await.unwrap();
        socket.write_all(b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-").await.unwrap();
        halves.push(socket);
    }
    // They fill the places; each gives its own back when its head did not come in time.
    let (status, _) = try_get(home.http, "/healthz").await.unwrap();
    assert_eq!(status, 200);
    let (status, body) = try_get(home.http, "/nothing").await.unwrap();
    assert!(status == 404 && body.contains("bad_request"), "{status} {body}");
    drop(halves);
}

#[tokio::test]
async fn pages_of_other_origins_are_not_answered() {
    let (_broker, home) = with_mosquitto().await;
    let body = json!({ "message": "turn on the kitchen light", "stream": false }).to_string();
    for headers in [
        "Content-Type: text/plain",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Type: application/json\r\nOrigin: https://evil.example",
        "Content-Type: application/json\r\nOrigin: null",
    ] {
        let (status, last) = post(&home, headers, &body).await;
        assert_eq!((status, &last["error"]["code"]), (403, &json!("forbidden")), "{headers}: {last}");
    }
    let head = format!("POST /api/chat HTTP/1.1\r\nHost: evil.example\r\n{JSON}");
    let (status, _) = request(home.http, &head, &body).await.unwrap();
    assert_eq!(status, 403, "a rebound name");
}

#[tokio::test]
async fn health_names_the_part_that_does_not_work() {
    let (mut broker, mut home) = with_mosquitto().await;
    let (status, _) = try_get(home.http, "/healthz").await.unwrap();
    assert_eq!(status, 200);
    let (_, metrics) = try_get(home.http, "/metrics").await.unwrap();
    assert!(metrics.contains("hearthd_up{part=\"chat\"} 1"), "{metrics}");
    broker.kill();
    let began = std::time::Instant::now();
    loop {
        let (status, body) = try_get(home.http, "/healthz").await.unwrap();
        let health: Value = serde_json::from_str(&body).unwrap();
        if status == 503 {
            assert_eq!(health["broker"], "disconnected", "{health}");
            break;
        }
        assert!(began.elapsed() < LIMIT, "{health}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // A device command cannot be sent now, and says so; a model needs no broker.
    let (status, last) = post(&home, JSON, &json!({ "message": "turn on the kitchen light" }).to_string()).await;
    assert_eq!((status, &last["error"]["code"]), (503, &json!("broker_unavailable")), "{last}");
    let (status, last) =
        post(&home, JSON, &json!({ "message": "ECHO yes", "tier": "chat", "stream": false }).to_string()).await;
    assert_eq!((status, &last["text"]), (200, &json!("yes")), "{last}");
    broker.launch().await;
    home.wait_ready().await;
}

#[tokio::test]
async fn a_token_is_asked_for_where_one_is_configured() {
    let broker = Mosquitto::start().await;
    let plan = Plan::at(broker.address);
    let mut home = Home::prepare(&plan);
    let token = "0123456789abcdef0123456789abcdef";
    std::fs::write(home.folder.path().join("token"), token).unwrap();
    let config = std::fs::read_to_string(home.folder.path().join("config.yaml")).unwrap();
    let config = config.replace("http:\n", "http:\n  token_file: token\n");
    std::fs::write(home.folder.path().join("config.yaml"), config).unwrap();
    home.launch();
    home.wait_ready().await;
    let body = json!({ "message": "ECHO yes", "tier": "chat", "stream": false }).to_string();
    let (status, _) = post(&home, JSON, &body).await;
    assert_eq!(status, 403);
    let (status, _) = post(&home, &format!("{JSON}\r\nAuthorization: Bearer {token}x"), &body).await;
    assert_eq!(status, 403);
    let (status, last) = post(&home, &format!("{JSON}\r\nAuthorization: Bearer {token}"), &body).await;
    assert_eq!((status, &last["text"]), (200, &json!("yes")), "{last}");
}
