//! Readers that stop reading: each loses its own answer, nobody else's.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{LIMIT, Version};
use crate::home::{Home, fresh, say, with_plan};
use crate::web::{request, try_get};

const HEAD: &str = "POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json";

/// Waits until an answer ended since nobody read it.
async fn given_up(home: &Home) {
    let began = Instant::now();
    loop {
        let (_, metrics) = try_get(home.http, "/metrics").await.unwrap();
        if metrics.contains(r#"hearthd_utterances_total{tier="chat",outcome="too_slow"} 1"#) {
            return;
        }
        assert!(!metrics.contains(r#"{tier="chat",outcome="ok"}"#), "it was all taken: {metrics}");
        assert!(began.elapsed() < LIMIT, "{metrics}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A model's answer to somebody else, and a command.
async fn others_are_answered(home: &Home) {
    let body = json!({ "message": "ECHO others are answered", "tier": "chat", "stream": false }).to_string();
    let (status, last) = request(home.http, HEAD, &body).await.unwrap();
    assert_eq!(status, 200, "{last}");
    assert!(last.contains("others are answered"), "{last}");
}

fn objects(stream: &str) -> Vec<Value> {
    stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

/// What was sent of an answer of 2,000 tokens that was given up: its chunks joined are the final object's text.
fn ended_too_slow(objects: &[Value]) {
    let (last, chunks) = objects.split_last().unwrap();
    assert_eq!((&last["status"], &last["error"]["code"]), (&json!("error"), &json!("too_slow")), "{}", last["error"]);
    let said: String = chunks.iter().map(|object| object["chunk"].as_str().unwrap()).collect();
    assert!(
        last["text"] == said,
        "{} chunks are not the text of {}",
        chunks.len(),
        last["text"].as_str().unwrap().len()
    );
    assert!((200..2_000).contains(&chunks.len()), "{} chunks", chunks.len());
}

/// L6: somebody opens an event stream and does not read it. What the two ends of the connection hold is the kernel's
/// affair, a few megabytes here, which is why the words are long; behind it 256 objects wait, then the answer ends.
#[tokio::test]
async fn an_event_stream_that_nobody_reads_is_given_up() {
    let (_broker, home) = with_plan(|plan| {
        "fake:delay=1ms,width=6000".clone_into(&mut plan.chat);
        plan.chat_keys = "    ctx_size: 4096\n    max_tokens: 2000\n    deadline: 300s\n";
        "reply:\n  join: 0ms\n".clone_into(&mut plan.more);
    })
    .await;
    let mut socket = TcpStream::connect(home.http).await.unwrap();
    let body = json!({ "message": "LONG", "tier": "chat" }).to_string();
    let head = format!("{HEAD}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    socket.write_all((head + &body).as_bytes()).await.unwrap();
    given_up(&home).await;
    others_are_answered(&home).await;
    let mut stream = Vec::new();
    timeout(LIMIT, socket.read_to_end(&mut stream)).await.unwrap().unwrap();
    let stream = String::from_utf8(stream).unwrap();
    // The chunks of the transfer may cut a line; its sizes stand on lines of their own.
    ended_too_slow(&objects(&without_transfer_chunks(&stream)));
}

/// The body of a chunked answer.
fn without_transfer_chunks(answer: &str) -> String {
    let (_, mut rest) = answer.split_once("\r\n\r\n").unwrap();
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        body.push_str(&after[..size]);
        rest = after[size..].strip_prefix("\r\n").unwrap();
    }
    body
}

/// L6: a broker that takes nothing while an answer of 2,000 tokens is made: 256 of its objects wait, then it ends. The rest
/// of the daemon goes on, and once the broker does too, its reader gets what was said and why it ended.
#[tokio::test]
async fn an_answer_that_the_broker_does_not_take_is_given_up() {
    let (broker, home) = with_plan(|plan| {
        "fake:delay=1ms".clone_into(&mut plan.chat);
        plan.chat_keys = "    ctx_size: 4096\n    max_tokens: 2000\n    deadline: 300s\n";
        "reply:\n  join: 0ms\n".clone_into(&mut plan.more);
    })
    .await;
    let mut client = home.client(Version::V5).await;
    let id = fresh("paused");
    let topic = format!("hearthd/reply/{id}");
    let utterance = json!({ "id": id, "text": "LONG", "tier": "chat" });
    client.publish("hearthd/utterance", utterance.to_string(), 1, false).await;
    let mut objects = Vec::new();
    loop {
        let message = client.message().await;
        if message.topic == topic {
            objects.push(serde_json::from_slice(&message.payload).unwrap());
            if objects.len() == 1 {
                broker.signal(Signal::SIGSTOP);
                given_up(&home).await;
                others_are_answered(&home).await;
                broker.signal(Signal::SIGCONT);
            }
            if message.text().contains("\"done\":true") {
                break;
            }
        }
    }
    ended_too_slow(&objects);
    assert_eq!(say(&mut client, "turn on the kitchen light").await.code(), "ok");
    assert_eq!(home.log().matches("connected to the broker").count(), 1, "{}", home.log());
}
