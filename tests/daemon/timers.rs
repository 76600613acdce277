//! Timers, alarms and commands for later: on both topics when they are due, through restarts and outages.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::client::{Client, LIMIT, Version};
use crate::home::{Home, Plan, Reply, ask, fresh, say, with_mosquitto};
use crate::mosquitto::Mosquitto;

async fn say_in(client: &mut Client, site: &str, text: &str) -> Reply {
    ask(client, &json!({ "id": fresh("say"), "text": text, "site_id": site, "user_id": "ann" })).await
}

/// The next event of this kind.
async fn event(client: &mut Client, wanted: &str) -> Value {
    loop {
        let message = client.message().await;
        if message.topic == "hearthd/event/timer" {
            assert!(!message.retain && message.qos == 1);
            let event: Value = serde_json::from_slice(&message.payload).unwrap();
            if event["event"] == wanted {
                return event;
            }
        }
    }
}

/// The next text that is said at a site.
async fn said_at(client: &mut Client, site: &str) -> String {
    loop {
        let message = client.message().await;
        if message.topic == format!("hearthd/say/{site}") {
            assert!(!message.retain && message.qos == 1);
            return message.text().to_owned();
        }
    }
}

fn file(home: &Home) -> PathBuf {
    home.folder.path().join("state/timers.json")
}

/// Waits until what is kept has this in it.
async fn until_kept(home: &Home, text: &str) {
    let began = Instant::now();
    while !fs::read_to_string(file(home)).is_ok_and(|kept| kept.contains(text)) {
        assert!(began.elapsed() < LIMIT, "{text} is not kept");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_timer_goes_off_on_both_topics() {
    let (_broker, home) = with_mosquitto().await;
    for version in [Version::V5, Version::V4] {
        let mut client = home.client(version).await;
        let reply = say_in(&mut client, "kitchen", "set a timer for one second for the eggs").await;
        assert_eq!(reply.text(), "Eggs timer set for 1 second.", "{}", reply.last);
        assert_eq!(reply.last["intent"]["name"], "HassStartTimer");
        let finished = event(&mut client, "finished").await;
        assert_eq!(
            [&finished["kind"], &finished["name"], &finished["site_id"], &finished["duration_s"], &finished["late_s"]],
            [&json!("timer"), &json!("eggs"), &json!("kitchen"), &json!(1), &json!(0)],
            "{finished}"
        );
        assert_eq!(said_at(&mut client, "kitchen").await, "The eggs timer is up.");
    }
    let mut client = home.client(Version::V5).await;
    assert_eq!(say(&mut client, "how long is left on my timer").await.text(), "No timers are running.");
    assert_eq!(say(&mut client, "start a 1 second timer").await.code(), "ok");
    assert_eq!(said_at(&mut client, "default").await, "The 1 second timer is up.", "nobody knows where");
}

#[tokio::test]
async fn several_commands_are_done_together_or_not_at_all() {
    let (_broker, home) = with_mosquitto().await;
    let mut client = home.client(Version::V5).await;
    let reply = say(&mut client, "turn on the kitchen light and set a timer for five minutes").await;
    assert!(reply.text().ends_with("Timer set for 5 minutes.") && reply.commands.len() == 1, "{}", reply.last);
    assert_eq!(reply.last["intents"][1]["name"], "HassStartTimer");
    let reply = say(&mut client, "turn off the kitchen light and cancel the noodle timer").await;
    assert_eq!((reply.code(), reply.commands.len()), ("not_understood", 0), "{}", reply.last);
    assert_eq!(reply.last["suggestions"], json!(["5 minute timer"]));
    let reply = say(&mut client, "set an alarm for 7:30 every weekday").await;
    assert_eq!(reply.text(), "Alarm set for 7:30 AM on weekdays.");
}

#[tokio::test]
async fn a_command_that_is_put_off_is_done_when_it_is_due() {
    let (_broker, home) = with_mosquitto().await;
    let mut client = home.client(Version::V5).await;
    let reply = say_in(&mut client, "kitchen", "turn off the light in one second").await;
    assert_eq!((reply.text(), reply.commands.len()), ("In 1 second: turn off the light.", 0), "{}", reply.last);
    loop {
        let message = client.message().await;
        if message.topic == "zigbee2mqtt/kitchen_light/set" {
            assert_eq!(message.text(), r#"{"state":"OFF"}"#);
            break;
        }
    }
    assert_eq!(said_at(&mut client, "kitchen").await, "Turned off the kitchen light.");
    for guarded in ["unlock the front door in one second", "lock the front door at nine tonight"] {
        let reply = say(&mut client, guarded).await;
        assert_eq!(reply.code(), "not_supported", "{guarded}: {}", reply.last);
        assert!(reply.last["error"]["message"].as_str().unwrap().contains("is never put off"), "{}", reply.last);
    }
    let reply = say(&mut client, "turn off the flux capacitor in one second").await;
    assert_eq!(reply.code(), "not_understood", "{}", reply.last);
    let reply = say(&mut client, "what timers are running").await;
    assert_eq!(reply.text(), "No timers are running.");
}

#[tokio::test]
async fn timers_survive_a_restart_and_what_was_missed_is_said() {
    let (_broker, mut home) = with_mosquitto().await;
    let mut client = home.client(Version::V5).await;
    say_in(&mut client, "kitchen", "set a timer for 2 seconds for the eggs").await;
    say_in(&mut client, "kitchen", "set a 20 second timer for the noodles").await;
    say_in(&mut client, "kitchen", "set a timer for 5 minutes for the bread").await;
    say_in(&mut client, "kitchen", "pause the bread timer").await;
    until_kept(&home, "paused").await;
    // Without a word: what was answered is on the disk already.
    home.signal(Signal::SIGKILL);
    home.ended().await;
    tokio::time::sleep(Duration::from_secs(8)).await;
    home.launch();
    let missed = said_at(&mut client, "kitchen").await;
    let is_late = missed.starts_with("The eggs timer ended ") && missed.ends_with(" seconds ago, while I was off.");
    assert!(is_late, "{missed}");
    home.wait_online().await;
    let reply = say(&mut client, "how long is left on the bread timer").await;
    assert!(reply.text().starts_with("The bread timer is paused with "), "{}", reply.last);
    // And once more, with notice.
    home.signal(Signal::SIGTERM);
    home.ended().await;
    home.launch();
    assert_eq!(said_at(&mut client, "kitchen").await, "The noodles timer is up.");
    until_kept(&home, "bread").await;
    assert!(!fs::read_to_string(file(&home)).unwrap().contains("eggs"));
}

#[tokio::test]
async fn a_file_that_is_broken_is_put_aside() {
    let broker = Mosquitto::start().await;
    let mut home = Home::prepare(&Plan::at(broker.address));
    fs::create_dir_all(home.folder.path().join("state")).unwrap();
    fs::write(file(&home), "{\"version\": 1, \"items\": [{]").unwrap();
    home.launch();
    home.wait_online().await;
    assert_eq!(home.log().matches("timers are lost").count(), 1, "{}", home.log());
    assert!(file(&home).with_extension("json.bad").exists());
    let mut client = home.client(Version::V5).await;
    say(&mut client, "set a timer for 10 minutes").await;
    until_kept(&home, "running").await;
}

#[tokio::test]
async fn what_is_due_while_the_broker_is_away_is_said_once_it_is_back() {
    let (mut broker, mut home) = with_mosquitto().await;
    let mut client = home.client(Version::V5).await;
    say_in(&mut client, "kitchen", "set a timer for 1 second for the eggs").await;
    broker.kill();
    drop(client);
    tokio::time::sleep(Duration::from_secs(7)).await;
    broker.launch().await;
    let mut client = home.client(Version::V5).await;
    let said = said_at(&mut client, "kitchen").await;
    assert!(said.starts_with("The eggs timer ended ") && said.ends_with(" seconds ago."), "{said}");
    home.wait_online().await;
}

#[tokio::test]
async fn what_was_set_last_is_taken_back_and_nothing_else() {
    let (_broker, home) = with_mosquitto().await;
    let mut client = home.client(Version::V5).await;
    say_in(&mut client, "kitchen", "set a timer for 20 minutes for the bread").await;
    for (said, answer) in [
        ("set a timer for 10 minutes", "Timer set for 10 minutes."),
        ("what time is it", ""),
        ("cancel that", "Cancelled the 10 minute timer."),
        ("cancel that", ""),
        ("turn off the kitchen light in an hour", ""),
        ("no, cancel that please", "Cancelled the command “turn off the kitchen light”."),
        ("wake me at 7 am", ""),
        ("undo that", "Cancelled the alarm for 7:00 AM."),
        ("remind me to swim in 2 hours", ""),
        ("undo that", "Cancelled the reminder to swim."),
        ("undo that", ""),
        ("set a timer for 3 minutes for the tea", "Tea timer set for 3 minutes."),
        // None of them sets anything.
        ("pause the bread timer", ""),
        ("cancel that", ""),
        ("turn on the kitchen light", ""),
        ("cancel that", ""),
    ] {
        let reply = say_in(&mut client, "kitchen", said).await;
        assert!(answer.is_empty() || reply.text() == answer, "{said}: {}", reply.last);
        if matches!(said, "cancel that" | "undo that") && answer.is_empty() {
            assert_eq!(reply.last["error"]["message"], "there is nothing to take back", "{}", reply.last);
        }
    }
    let left = say_in(&mut client, "kitchen", "how long is left on the timer").await;
    for name in ["bread", "tea"] {
        assert!(left.text().contains(name), "{}", left.last);
    }
}
