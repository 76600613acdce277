//! hearthd in a real Home Assistant: everything is its own but the web pages, and a component that prints what it sees.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::client::Version;
use crate::demo_home::House;
use crate::home::{Home, Plan, free_port};
use crate::mosquitto::Mosquitto;
use crate::program::{self, Program};

/// It reads several thousand files before it says a word.
const PATIENCE: Duration = Duration::from_mins(2);
/// What hearthd is there. Before 2025.10 the name of an entity made its id, whatever `default_entity_id` said.
const ENTITIES: [&str; 9] = [
    "text.hearthd_say_something",
    "sensor.hearthd_last_reply",
    "sensor.hearthd_last_tier",
    "sensor.hearthd_time_to_first_words",
    "event.hearthd_utterance",
    "binary_sensor.hearthd_broker",
    "binary_sensor.hearthd_models",
    "button.hearthd_reload",
    "notify.hearthd_say",
];

fn program() -> Option<PathBuf> {
    // Written last.
    let ready = program::fetched("Home Assistant", "target/home-assistant/ready", ".ci/home-assistant", "Python 3.13")?;
    Some(ready.with_file_name("bin/python3"))
}

struct HomeAssistant(Program);

impl HomeAssistant {
    fn start(program: &Path, broker: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ours = program::file("tests/home_assistant");
        let probe = folder.path().join("custom_components/hearthd_probe");
        fs::create_dir_all(&probe).unwrap();
        for file in ["__init__.py", "manifest.json"] {
            fs::copy(ours.join("hearthd_probe").join(file), probe.join(file)).unwrap();
        }
        let config = json!({
            "http": {"server_host": "127.0.0.1", "server_port": free_port()}, "logger": {"default": "warning"},
            "hearthd_probe": null,
        });
        // JSON is YAML.
        fs::write(folder.path().join("configuration.yaml"), config.to_string()).unwrap();
        fs::create_dir(folder.path().join(".storage")).unwrap();
        fs::write(folder.path().join(".storage/core.config_entries"), entry(broker).to_string()).unwrap();
        let mut command = Command::new(program);
        command.args(["-m", "homeassistant", "--config"]).arg(folder.path()).arg("--skip-pip").env("PYTHONPATH", ours);
        Self(Program::start(&mut command, folder))
    }

    /// What it knows of an entity now.
    fn entity(&self, id: &str) -> Option<Value> {
        let log = self.0.log();
        let states = log.lines().rev().filter_map(|line| line.strip_prefix("PROBE "));
        states.filter_map(|line| serde_json::from_str::<Value>(line).ok()).find(|line| line["entity"] == id)
    }

    /// Waits until an entity is as it should be.
    async fn wait(&self, id: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            match self.entity(id) {
                Some(entity) if fits(&entity) => return entity,
                entity => assert!(began.elapsed() < PATIENCE, "{id} is not {what}: {entity:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn wait_state(&self, id: &str, state: &str) -> Value {
        self.wait(id, state, |entity| entity["state"] == state).await
    }

    /// Calls a service, as a button in its web page or an automation does.
    fn call(&mut self, domain: &str, service: &str, data: &Value) {
        writeln!(self.0.stdin(), "{}", json!([domain, service, data])).unwrap();
    }

    fn type_in(&mut self, text: &str) {
        self.call("text", "set_value", &json!({"entity_id": ENTITIES[0], "value": text}));
    }
}

/// Its MQTT integration, as it is kept once somebody has added it by hand.
fn entry(broker: SocketAddr) -> Value {
    let then = "2026-01-01T00:00:00+00:00";
    let entry = json!({
        "entry_id": "01JHEARTHDHEARTHDHEARTHD00", "domain": "mqtt", "title": "MQTT", "version": 1, "minor_version": 2,
        "data": {"broker": broker.ip(), "port": broker.port()}, "options": {}, "source": "user", "unique_id": null,
        "disabled_by": null, "discovery_keys": {}, "pref_disable_new_entities": false, "pref_disable_polling": false,
        "created_at": then, "modified_at": then,
    });
    json!({"version": 1, "minor_version": 4, "key": "core.config_entries", "data": {"entries": [entry]}})
}

#[tokio::test]
async fn a_real_home_assistant_shows_hearthd_and_sees_what_it_does() {
    let Some(program) = program() else { return };
    let broker = Mosquitto::start().await;
    let mut home = Home::start(&Plan::at(broker.address)).await;
    let _house = House::start(&home);
    let mut assistant = HomeAssistant::start(&program, broker.address);
    for id in ENTITIES {
        assistant.wait(id, "available", |entity| entity["state"] != "unavailable").await;
    }
    assistant.wait_state("binary_sensor.hearthd_broker", "on").await;
    assistant.wait_state("binary_sensor.hearthd_models", "on").await;
    // Typed there, done here, seen there: both know the house by the same announcements.
    assistant.wait_state("light.kitchen_light", "off").await;
    assistant.type_in("turn on the kitchen light");
    let reply = assistant.wait_state("sensor.hearthd_last_reply", "Turned on the kitchen light.").await;
    assert_eq!((&reply["attributes"]["tier"], &reply["attributes"]["outcome"]), (&json!("intent"), &json!("ok")));
    assistant.wait_state("light.kitchen_light", "on").await;
    let event = assistant.entity("event.hearthd_utterance").unwrap();
    assert_eq!(
        (&event["attributes"]["event_type"], &event["attributes"]["intent"]),
        (&json!("handled"), &json!("HassTurnOn"))
    );
    // And the other way round.
    assistant.call("light", "turn_off", &json!({"entity_id": "light.kitchen_light"}));
    assistant.wait_state("light.kitchen_light", "off").await;
    assistant.type_in("is the kitchen light on");
    assistant.wait_state("sensor.hearthd_last_reply", "No, the kitchen light is off.").await;
    assistant.type_in("why is the sky blue");
    assistant.wait_state("sensor.hearthd_last_tier", "explain").await;
    let first =
        assistant.wait("sensor.hearthd_time_to_first_words", "a number", |entity| entity["state"] != "unknown").await;
    assert!(first["state"].as_str().unwrap().parse::<f64>().unwrap() > 0.0, "{first}");
    let mut client = home.client(Version::V5).await;
    assistant.call("notify", "send_message", &json!({"entity_id": "notify.hearthd_say", "message": "Dinner is ready"}));
    loop {
        let message = client.message().await;
        if message.topic == "hearthd/say/default" {
            assert_eq!(message.text(), "Dinner is ready");
            break;
        }
    }
    home.signal(Signal::SIGTERM);
    home.ended().await;
    assistant.wait_state("binary_sensor.hearthd_broker", "off").await;
    assistant.wait_state("text.hearthd_say_something", "unavailable").await;
    let log = assistant.0.log();
    // A machine that does much at once may make it wait for the broker.
    let is_complaint = |line: &&str| line.contains("components.mqtt") && !line.contains("ACK");
    let complaints: Vec<&str> = log.lines().filter(is_complaint).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}
