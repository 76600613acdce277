//! Rules that change while the daemon runs: by themselves when a file is saved, and by order.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::client::{Client, LIMIT, Version};
use crate::home::{Home, fresh, reply, say, with_mosquitto, with_plan};

fn rule(word: &str, answer: &str) -> String {
    format!(
        "language: en\nintents:\n  Mine:\n    data:\n      - regex: \"{word}\"\n        actions:\n          - publish: \
         {{topic: cave/door, payload: open}}\n        response: {answer}\n"
    )
}

const BROKEN: &str = "language: en\nintents:\n  Mine:\n    data:\n      - regex: \"(\"\n";

fn own_file(home: &Home) -> PathBuf {
    home.folder.path().join("intents/en/mine.yaml")
}

/// The info of the next reload.
async fn next_reload(client: &mut Client) -> Value {
    reload_that(client, |_| true).await
}

/// The info of the next reload that ended so.
async fn reload_that(client: &mut Client, is: impl Fn(&Value) -> bool) -> Value {
    loop {
        let message = client.message().await;
        if message.topic == "hearthd/info" {
            let info: Value = serde_json::from_slice(&message.payload).unwrap();
            if !message.retain && !info["last_reload"].is_null() && is(&info["last_reload"]) {
                return info;
            }
        }
    }
}

/// Says it until it is answered so, which nothing but a saved file may bring about.
async fn until_answered(client: &mut Client, text: &str, answer: &str) {
    let began = Instant::now();
    loop {
        let reply = say(client, text).await;
        if reply.text() == answer {
            return;
        }
        assert!(began.elapsed() < LIMIT, "{}", reply.last);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn broken_rules_change_nothing_and_good_ones_are_taken() {
    let (_broker, home) = with_plan(|plan| plan.more.push_str("intents:\n  watch: false\n")).await;
    let mut client = home.client(Version::V5).await;
    fs::write(own_file(&home), BROKEN).unwrap();
    client.publish("hearthd/admin/reload", "", 1, false).await;
    let info = next_reload(&mut client).await;
    assert_eq!(info["last_reload"]["ok"], false, "{info}");
    assert!(info["last_reload"]["message"].as_str().unwrap().contains("mine.yaml:5:"), "{info}");
    assert_eq!(say(&mut client, "turn on the kitchen light").await.code(), "ok");
    fs::write(own_file(&home), rule("open sesame", "Opened.")).unwrap();
    home.signal(Signal::SIGHUP);
    let info = next_reload(&mut client).await;
    assert_eq!(info["last_reload"]["ok"], true, "{info}");
    let reply = say(&mut client, "Open sesame!").await;
    assert_eq!(reply.commands, [("cave/door".to_owned(), "open".to_owned())], "{}", reply.last);
    assert_eq!(reply.text(), "Opened.");
}

#[tokio::test]
async fn a_saved_file_is_taken_by_itself_and_a_broken_one_is_not() {
    let (_broker, home) = with_mosquitto().await;
    let mut client = home.client(Version::V5).await;
    let file = own_file(&home);
    fs::write(&file, rule("open sesame", "Opened.")).unwrap();
    until_answered(&mut client, "open sesame", "Opened.").await;
    assert!(home.log().contains("intents changed: en/mine.yaml"), "{}", home.log());

    // As editors save: another file under the same name.
    let aside = home.folder.path().join("intents/en/mine.yaml.tmp");
    fs::write(&aside, BROKEN).unwrap();
    fs::rename(&aside, &file).unwrap();
    let info = reload_that(&mut client, |reload| reload["ok"] == false).await;
    let message = info["last_reload"]["message"].as_str().unwrap();
    assert!(message.contains("en/mine.yaml:5:"), "{message}");
    assert_eq!(say(&mut client, "open sesame").await.text(), "Opened.", "the old rules stay");

    fs::write(&file, rule("open sesame", "Mended.")).unwrap();
    until_answered(&mut client, "open sesame", "Mended.").await;
}

#[tokio::test]
async fn a_folder_that_is_gone_or_leads_in_circles_changes_nothing() {
    let (_broker, home) = with_mosquitto().await;
    let mut client = home.client(Version::V5).await;
    let (intents, away) = (home.folder.path().join("intents"), home.folder.path().join("away"));
    fs::rename(&intents, &away).unwrap();
    let info = reload_that(&mut client, |reload| reload["ok"] == false).await;
    assert!(info["last_reload"]["message"].as_str().unwrap().contains("intents is gone"), "{info}");
    home.signal(Signal::SIGHUP);
    assert_eq!(say(&mut client, "turn on the kitchen light").await.code(), "ok");
    fs::write(away.join("en/mine.yaml"), rule("open sesame", "Opened.")).unwrap();
    fs::rename(&away, &intents).unwrap();
    until_answered(&mut client, "open sesame", "Opened.").await;

    for name in ["a", "b", "c", "d"] {
        std::os::unix::fs::symlink("..", intents.join("en").join(name)).unwrap();
    }
    home.signal(Signal::SIGHUP);
    let is_circle = |reload: &Value| reload["message"].as_str().is_some_and(|why| why.contains("this link leads to"));
    reload_that(&mut client, is_circle).await;
    assert_eq!(say(&mut client, "open sesame").await.text(), "Opened.");
}

#[tokio::test]
async fn a_hundred_orders_at_once_cost_no_answer() {
    let (_broker, home) = with_mosquitto().await;
    let mut client = home.client(Version::V5).await;
    let ids: Vec<String> = (0..100).map(|n| fresh(&format!("storm{n}"))).collect();
    for (n, id) in ids.iter().enumerate() {
        home.signal(Signal::SIGHUP);
        fs::write(own_file(&home), if n % 2 == 0 { BROKEN.to_owned() } else { rule("open sesame", "Opened.") })
            .unwrap();
        let utterance = json!({ "id": id, "text": "turn on the kitchen light" });
        client.publish("hearthd/utterance", utterance.to_string(), 1, false).await;
    }
    // The answers come in the order of the questions, since none waits for a reload.
    for id in &ids {
        assert_eq!(reply(&mut client, id).await.code(), "ok");
    }
    // What was saved last is what counts in the end.
    fs::write(own_file(&home), rule("open sesame", "Opened at last.")).unwrap();
    home.signal(Signal::SIGHUP);
    until_answered(&mut client, "open sesame", "Opened at last.").await;
}
