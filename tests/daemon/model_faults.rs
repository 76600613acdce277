//! Models that are broken, that crash, and that say what is no text, as somebody with a client of the broker sees it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{LIMIT, Version};
use crate::home::{Home, Plan, ask, fresh, real_model, say, with_plan};
use crate::mosquitto::Mosquitto;
use crate::web::{request, try_get};

fn write(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, content).unwrap();
    file
}

/// What no model file is: by name.
fn broken_files(folder: &Path) -> Vec<PathBuf> {
    let whole = std::fs::read(real_model()).unwrap();
    let mut files = vec![folder.join("missing.gguf"), write(folder, "empty.gguf", b"")];
    for percent in [1, 10, 50, 99] {
        files.push(write(folder, &format!("cut{percent}.gguf"), &whole[..whole.len() / 100 * percent]));
    }
    let mut random = vec![0; 50_000];
    fastrand::Rng::with_seed(1).fill(&mut random);
    files.push(write(folder, "random.gguf", &[b"GGUF\x03\0\0\0".as_slice(), &random].concat()));
    let mut other = whole.clone();
    let key = b"general.architecture";
    let at = other.windows(key.len()).position(|bytes| bytes == key).unwrap() + key.len();
    // After the key: the type of the value, its length, and its text.
    assert_eq!(&other[at + 12..at + 17], b"llama");
    other[at + 12..at + 17].copy_from_slice(b"lmama");
    files.push(write(folder, "other.gguf", &other));
    // How many tensors there are, and how many entries: more than fit in any memory.
    for (name, at) in [("tensors.gguf", 8), ("entries.gguf", 16)] {
        let mut counts = whole.clone();
        counts[at..at + 8].copy_from_slice(&(u64::MAX / 2).to_le_bytes());
        files.push(write(folder, name, &counts));
    }
    files
}

/// Waits until both models were tried.
async fn tried(home: &Home) -> Value {
    let began = Instant::now();
    loop {
        let (_, body) = try_get(home.http, "/healthz").await.unwrap();
        let health: Value = serde_json::from_str(&body).unwrap();
        let over = |tier: &str| {
            let state = health[tier]["state"].as_str().unwrap();
            assert_ne!(state, "ready", "{tier}: {health}");
            state.starts_with("failed: ") || state.starts_with("missing: ")
        };
        if over("chat") && over("explain") {
            return health;
        }
        assert!(began.elapsed() < LIMIT, "{health}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// L1: a model file that is missing, empty, cut off at 1, 10, 50 and 99 %, random, of an unknown architecture, or that
/// announces huge counts costs its own tier alone, and whoever asks it is told at once (the bar is 200 ms). A file that is
/// whole but another than the catalogue's is found by `models pull` alone: what somebody names by path is theirs.
#[tokio::test]
async fn a_broken_model_file_costs_its_own_tier_only() {
    let folder = tempfile::tempdir().unwrap();
    let files = broken_files(folder.path());
    assert_eq!(files.len() % 2, 0, "they are tried two by two");
    for pair in files.chunks(2) {
        let broker = Mosquitto::start().await;
        let mut plan = Plan::at(broker.address);
        [plan.chat, plan.explain] = [0, 1].map(|number| pair[number].display().to_string());
        let home = Home::start(&plan).await;
        let health = tried(&home).await;
        let mut client = home.client(Version::V5).await;
        for tier in ["chat", "explain"] {
            let reply = ask(&mut client, &json!({ "id": fresh("none"), "text": "talk", "tier": tier })).await;
            assert_eq!(reply.code(), "model_unavailable", "{tier}: {} {health}", reply.last);
            eprintln!("{}: {}", health[tier], reply.last["timing"]["total_ms"]);
        }
        assert_eq!(say(&mut client, "turn on the kitchen light").await.code(), "ok", "{health}");
        assert!(!home.log().contains("the model worker ended"), "no file takes the process with it: {}", home.log());
    }
}

/// L7: half characters, bytes of none, NUL, control characters and special tokens: a subscriber gets whole characters and
/// nothing else, in every form of reply.
#[tokio::test]
async fn what_is_no_text_never_reaches_a_reader() {
    let said = "Half a snow☃man 🦄, nul , escape [31m, delete , none , done";
    let (_broker, home) = with_plan(|plan| plan.more = "reply:\n  join: 0ms\n".to_owned()).await;
    for version in [Version::V4, Version::V5] {
        let mut client = home.client(version).await;
        let reply = ask(&mut client, &json!({ "id": fresh("bytes"), "text": "BYTES", "tier": "chat" })).await;
        assert_eq!((reply.text(), reply.chunks.concat().as_str()), (said, said));
        assert!(reply.chunks.len() > 20, "it came by the byte: {:?}", reply.chunks);
        let id = fresh("bytes");
        let utterance = json!({ "id": id, "text": "BYTES", "tier": "chat", "format": "text" });
        client.publish("hearthd/utterance", utterance.to_string(), 1, false).await;
        let mut bare = String::new();
        loop {
            let message = client.message().await;
            if message.topic == format!("hearthd/reply/{id}") {
                // Panics on what is no UTF-8.
                bare.push_str(message.text());
                if message.payload.is_empty() {
                    break;
                }
            }
        }
        assert_eq!(bare, said);
    }
    let head = format!("POST /api/chat HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json", home.http);
    let body = json!({ "message": "BYTES", "tier": "chat", "stream": false }).to_string();
    let (_, last) = request(home.http, &head, &body).await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&last).unwrap()["text"], said);
}

/// L7: an answer that says the same for ever ends long before its longest length, one that only goes on for ever at it.
#[tokio::test]
async fn an_endless_answer_ends() {
    let (_broker, home) = with_plan(|plan| {
        "fake:delay=1ms".clone_into(&mut plan.chat);
        plan.chat_keys = "    max_tokens: 900\n    deadline: 300s\n";
    })
    .await;
    let mut client = home.client(Version::V5).await;
    for text in ["AGAIN Rain falls on the roof and on the garden wall.", "AGAIN ha"] {
        let reply = ask(&mut client, &json!({ "id": fresh("again"), "text": text, "tier": "chat" })).await;
        assert_eq!((reply.code(), &reply.last["finish"]), ("ok", &json!("stop")), "{}", reply.last);
        assert!(reply.last["usage"]["completion_tokens"].as_u64().unwrap() < 300, "{}", reply.last);
        assert!(reply.text().matches("garden wall").count() <= 2, "{}", reply.last);
    }
    let reply = ask(&mut client, &json!({ "id": fresh("long"), "text": "LONG", "tier": "chat" })).await;
    let (finish, tokens) = (&reply.last["finish"], &reply.last["usage"]["completion_tokens"]);
    assert_eq!((finish, tokens), (&json!("length"), &json!(900)), "{}", reply.last);
}

/// L8: a model that aborts costs its own answer (the bar is 1 s), again and again; commands are carried out in between.
/// Fifty in a row, with waits that are shorter than the daemon's: `tests/inference/faults.rs`.
#[tokio::test]
async fn a_model_that_keeps_aborting_takes_nothing_with_it() {
    let (_broker, mut home) = with_plan(|_| {}).await;
    let mut client = home.client(Version::V5).await;
    let daemon = home.pid();
    for round in 0..3 {
        home.wait_ready().await;
        let reply = ask(&mut client, &json!({ "id": fresh("abort"), "text": "CRASH", "tier": "chat" })).await;
        assert_eq!((&reply.last["status"], reply.code()), (&json!("error"), "model_crashed"), "round {round}");
        assert_eq!(say(&mut client, "turn on the kitchen light").await.code(), "ok", "round {round}");
        // Refused at once, unless it is back already.
        let reply = ask(&mut client, &json!({ "id": fresh("next"), "text": "ECHO next", "tier": "chat" })).await;
        assert!(["ok", "model_unavailable"].contains(&reply.code()), "round {round}: {}", reply.last);
    }
    home.wait_ready().await;
    assert_eq!(home.pid(), daemon);
    let reply = ask(&mut client, &json!({ "id": fresh("last"), "text": "ECHO back", "tier": "chat" })).await;
    assert_eq!(reply.text(), "back");
}
