//! The command line: what it prints, and its exit codes.

use std::fs;
use std::net::TcpListener;
use std::process::Output;

use serde_json::{Value, json};

use crate::home::{Home, Plan, with_mosquitto};

fn home() -> Home {
    let mut plan = Plan::at(([127, 0, 0, 1], 0).into());
    plan.broker = None;
    Home::prepare(&plan)
}

fn run(home: &Home, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = home.hearthd().args(arguments).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn check_passes_on_what_is_shipped() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_hearthd"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg("check")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn check_names_every_problem_with_its_place() {
    let home = home();
    fs::write(home.folder.path().join("config.yaml"), "mqtt:\n  brokr: embedded\nmodels:\n  slots: many\n").unwrap();
    let (code, out, _) = run(&home, &["check"]);
    assert_eq!((code, out.lines().count()), (1, 2), "{out}");
    assert!(out.contains("config.yaml:2:3: ") && out.contains("broker"), "{out}");
    assert!(out.contains("config.yaml:4:10: "), "{out}");
    let (code, _, err) = run(&home, &["run"]);
    assert!(code == 3 && err.contains("config.yaml:2:3: "), "{code} {err}");
}

#[test]
fn broken_rules_are_all_listed_and_keep_it_from_starting() {
    let home = home();
    let rules = "language: en\nintents:\n  A:\n    data:\n      - regex: \"(\"\n  B:\n    daata: []\n";
    fs::write(home.folder.path().join("intents/en/broken.yaml"), rules).unwrap();
    for (command, expected) in [("check", 1), ("run", 3)] {
        let (code, out, err) = run(&home, &[command]);
        let text = out + &err;
        assert_eq!(code, expected, "{command}: {text}");
        assert!(text.contains("broken.yaml:5:") && text.contains("broken.yaml:7:"), "{command}: {text}");
        assert!(text.contains("data"), "{text}");
    }
}

#[test]
fn missing_files_are_said_in_one_line() {
    let home = home();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_hearthd"))
        .args(["--config", "/nowhere/hearthd.yaml", "run"])
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(3), 1), "{error}");
    assert!(error.contains("/nowhere/hearthd.yaml"), "{error}");
    fs::write(home.folder.path().join("config.yaml"), "intents:\n  path: nowhere\n").unwrap();
    let (code, _, err) = run(&home, &["run"]);
    assert!(code == 3 && err.contains("nowhere"), "{code} {err}");
}

#[test]
fn an_empty_config_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.yaml"), "").unwrap();
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_hearthd")).current_dir(folder.path()).arg("check").output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_port_in_use_is_said_with_the_remedy() {
    let home = home();
    let taken = TcpListener::bind(home.mqtt).unwrap();
    let (code, _, err) = run(&home, &["run"]);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("in use") && err.contains("mqtt.listen"), "{err}");
    drop(taken);
    let _taken = TcpListener::bind(home.http).unwrap();
    let (code, _, err) = run(&home, &["run"]);
    assert!(code == 3 && err.contains("http.listen"), "{code} {err}");
}

#[test]
fn the_tests_beside_the_rules_run() {
    let home = home();
    let (code, out, _) = run(&home, &["test"]);
    assert_eq!(code, 0, "{out}");
    let summary = out.lines().last().unwrap();
    assert!(summary.ends_with(" passed, 0 failed") && !summary.starts_with("0 "), "{out}");
    let wrong = "language: en\ntests:\n  - say: turn on the kitchen light\n    intent: HassTurnOff\n";
    fs::write(home.folder.path().join("intents/en/wrong.yaml"), wrong).unwrap();
    let (code, out, _) = run(&home, &["test"]);
    assert!(code == 1 && out.contains("wrong.yaml:3") && out.contains("1 failed"), "{code} {out}");
}

#[test]
fn match_says_which_tier_and_why() {
    let home = home();
    let matched = |text: &str| -> Value {
        let (code, out, err) = run(&home, &["match", "--json", text]);
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).unwrap()
    };
    let hit = matched("turn on the kitchen light");
    assert_eq!((&hit["tier"], &hit["intent"]["name"]), (&json!("intent"), &json!("HassTurnOn")), "{hit}");
    assert_eq!(hit["intent"]["actions"][0]["topic"], "zigbee2mqtt/kitchen_light/set");
    assert_eq!(matched("turn on the flux capacitor")["tier"], "not_understood");
    assert_eq!(matched("hello, how are you?")["tier"], "chat");
    assert_eq!(matched("explain quantum physics in simple terms")["tier"], "explain");
    let (_, out, _) = run(&home, &["match", "turn on the kitchen light"]);
    assert!(out.contains("zigbee2mqtt/kitchen_light/set") && out.contains("lights.yaml:"), "{out}");
    for (text, asks) in [("unlock the front door", true), ("lock the front door", false)] {
        assert_eq!(matched(text)["intent"]["needs_yes"], asks, "{text}");
        let (_, out, _) = run(&home, &["match", text]);
        assert_eq!(out.contains("asks:     for a yes first"), asks, "{out}");
    }
}

#[test]
fn schemas_are_json() {
    let home = home();
    for which in ["intents", "config"] {
        let (code, out, _) = run(&home, &["schema", which]);
        let schema: Value = serde_json::from_str(&out).unwrap();
        assert!(code == 0 && schema["$schema"].is_string() && schema["properties"].is_object(), "{which}");
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    let home = home();
    for arguments in [
        &["frobnicate"][..],
        &["match"],
        &["ask"],
        &["schema", "nothing"],
        &["match", ""],
        &["ask", "--timeout", "5", "hello"],
    ] {
        assert_eq!(run(&home, arguments).0, 2, "{arguments:?}");
    }
    let (code, out, _) = run(&home, &["--help"]);
    assert!(code == 0 && out.contains("Examples:"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ask_prints_the_reply_and_where_the_time_went() {
    let (_broker, home) = with_mosquitto().await;
    let asked = |arguments: Vec<&'static str>| {
        let mut command = home.hearthd();
        tokio::task::spawn_blocking(move || command.arg("ask").args(arguments).output().unwrap())
    };
    let output = asked(vec!["turn on the kitchen light"]).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("zigbee2mqtt/kitchen_light/set") && text.contains("tier intent") && !text.contains('\u{1b}'),
        "{text}"
    );
    let output = asked(vec!["--tier", "chat", "ECHO word by word"]).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("word by word\n") && text.contains("tier chat"), "{text}");
    let output = asked(vec!["turn on the flux capacitor"]).await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let output = asked(vec!["--json", "--tier", "chat", "ECHO hello"]).await.unwrap();
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.last().unwrap()["done"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn ask_says_when_nobody_is_there() {
    let broker = crate::mosquitto::Mosquitto::start().await;
    let mut home = Home::prepare(&Plan::at(broker.address));
    let ask = |home: &Home| {
        let mut command = home.hearthd();
        tokio::task::spawn_blocking(move || command.args(["ask", "hello"]).output().unwrap())
    };
    let output = ask(&home).await.unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && error.contains("no hearthd is connected"), "{error}");
    drop(broker);
    let output = ask(&home).await.unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && error.contains("no connection to the broker"), "{error}");
    home.mqtt = ([127, 0, 0, 1], 0).into();
}
