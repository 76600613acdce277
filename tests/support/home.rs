//! A home for a test: a folder, a broker, the real daemon beside it, and what goes over the broker.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, LIMIT, Message, Version};
use crate::mosquitto::Mosquitto;

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The small model, which `make model` fetches.
pub(crate) fn real_model() -> String {
    let path = std::env::var("HEARTHD_TEST_MODEL").map_or_else(
        |_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/SmolLM2-135M-Instruct.Q4_1.gguf"),
        PathBuf::from,
    );
    assert!(path.exists(), "{} is missing: run `make model`", path.display());
    path.display().to_string()
}

/// What a home is made of.
pub(crate) struct Plan {
    /// `None` for the embedded broker.
    pub(crate) broker: Option<SocketAddr>,
    pub(crate) chat: String,
    pub(crate) explain: String,
    /// More of `models:`, `models.chat:`.
    pub(crate) models: &'static str,
    pub(crate) chat_keys: &'static str,
    /// More sections of the config.
    pub(crate) more: String,
    /// More keys of `mqtt:`.
    pub(crate) mqtt: String,
}

impl Plan {
    /// Fake models behind the broker at this address.
    pub(crate) fn at(broker: SocketAddr) -> Self {
        let fake = || "fake:words=12,delay=5ms".to_owned();
        Self {
            broker: Some(broker),
            chat: fake(),
            explain: fake(),
            models: "",
            chat_keys: "",
            more: String::new(),
            mqtt: String::new(),
        }
    }
}

/// The daemon with its folder and ports.
pub(crate) struct Home {
    pub(crate) folder: TempDir,
    pub(crate) mqtt: SocketAddr,
    pub(crate) http: SocketAddr,
    daemon: Option<Child>,
}

impl Home {
    /// Starts the daemon and waits until its broker has it.
    pub(crate) async fn start(plan: &Plan) -> Self {
        let mut home = Self::prepare(plan);
        home.launch();
        home.wait_online().await;
        home
    }

    /// Writes the config and copies the shipped intents; starts nothing.
    pub(crate) fn prepare(plan: &Plan) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let (mqtt, broker) = match plan.broker {
            Some(address) => (address, format!("mqtt://{address}")),
            None => (local(free_port()), "embedded".to_owned()),
        };
        let http = local(free_port());
        let Plan { chat, explain, models, chat_keys, more, mqtt: mqtt_keys, .. } = plan;
        let broker = if mqtt_keys.contains("broker:") { String::new() } else { format!("  broker: {broker}\n") };
        let config = format!(
            "mqtt:\n{broker}  listen: {mqtt}\n{mqtt_keys}http:\n  listen: {http}\nmodels:\n{models}  chat:\n    \
             model: \"{chat}\"\n{chat_keys}  explain:\n    model: \"{explain}\"\n{more}"
        );
        fs::write(folder.path().join("config.yaml"), config).unwrap();
        copy(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("intents"), &folder.path().join("intents"));
        Self { folder, mqtt, http, daemon: None }
    }

    pub(crate) fn hearthd(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hearthd"));
        command.arg("--config").arg(self.folder.path().join("config.yaml")).stdin(Stdio::null());
        command
    }

    pub(crate) fn launch(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let daemon =
            self.hearthd().arg("run").env("RUST_BACKTRACE", "1").stdout(log.try_clone().unwrap()).stderr(log).spawn();
        self.daemon = Some(daemon.unwrap());
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits until `/healthz` says that the broker has us, whatever the models do.
    pub(crate) async fn wait_online(&mut self) {
        self.wait_health("the broker", |health| health["broker"] == "connected").await;
    }

    /// Waits until both tiers can answer.
    pub(crate) async fn wait_ready(&mut self) {
        self.wait_health("the models", |health| health["status"] == "ok").await;
    }

    async fn wait_health(&mut self, what: &str, good: impl Fn(&Value) -> bool) {
        let began = Instant::now();
        loop {
            if let Some(status) = self.daemon.as_mut().and_then(|daemon| daemon.try_wait().unwrap()) {
                panic!("the daemon ended with {status} while waiting for {what}:\n{}", self.log());
            }
            let answer = crate::web::try_get(self.http, "/healthz").await;
            if answer.is_some_and(|(_, body)| serde_json::from_str(&body).is_ok_and(|health: Value| good(&health))) {
                return;
            }
            assert!(began.elapsed() < LIMIT, "{what} did not come:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.daemon.as_ref().unwrap().id().try_into().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// The model worker's process id: the daemon's only child.
    pub(crate) fn worker(&self) -> Option<i32> {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.pid())).ok()?;
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid())).ok()?;
        let of_tasks = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
        of_tasks
            .chain([children])
            .flat_map(|pids| pids.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
            .next()?
            .parse()
            .ok()
    }

    /// Waits for the daemon to end by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.daemon.as_mut().unwrap().try_wait().unwrap() {
                self.daemon = None;
                return status;
            }
            assert!(began.elapsed() < LIMIT, "the daemon did not end:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A client that sees everything on the broker.
    pub(crate) async fn client(&self, version: Version) -> Client {
        let mut client = Client::new(self.mqtt, version, &format!("test-{}", fastrand::u32(..))).await;
        client.subscribe("#", 1).await;
        client
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            // The worker ends with it, by the end of its socket.
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- the daemon's log\n{}", self.log());
        }
    }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A reply as it came over the broker.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) chunks: Vec<String>,
    pub(crate) last: Value,
    /// What devices were sent before the final object.
    pub(crate) commands: Vec<(String, String)>,
}

impl Reply {
    pub(crate) fn text(&self) -> &str {
        self.last["text"].as_str().unwrap()
    }

    pub(crate) fn code(&self) -> &str {
        self.last["error"]["code"].as_str().unwrap_or("ok")
    }
}

/// Publishes an utterance object and collects its reply.
pub(crate) async fn ask(client: &mut Client, utterance: &Value) -> Reply {
    let id = utterance["id"].as_str().unwrap().to_owned();
    client.publish("hearthd/utterance", utterance.to_string(), 1, false).await;
    reply(client, &id).await
}

/// An utterance's text under a fresh id.
pub(crate) async fn say(client: &mut Client, text: &str) -> Reply {
    ask(client, &json!({ "id": fresh("say"), "text": text })).await
}

pub(crate) fn fresh(name: &str) -> String {
    format!("{name}-{:08x}", fastrand::u32(..))
}

/// Collects the reply of an id, and checks what every reply promises.
pub(crate) async fn reply(client: &mut Client, id: &str) -> Reply {
    collect(client, |topic| topic == format!("hearthd/reply/{id}")).await
}

/// Collects a reply from the topics that fit.
pub(crate) async fn collect(client: &mut Client, fits: impl Fn(&str) -> bool) -> Reply {
    let mut chunks: Vec<String> = Vec::new();
    let mut commands = Vec::new();
    loop {
        let message = client.message().await;
        // The call to Shelly's devices is no command.
        if !message.topic.starts_with("hearthd/") && message.topic != "shellies/command" {
            commands.push((message.topic.clone(), message.text().to_owned()));
        }
        if !fits(&message.topic) {
            continue;
        }
        let object: Value = serde_json::from_slice(&message.payload).unwrap();
        let seq = object["seq"].as_u64().unwrap();
        if object["done"] == true {
            if object["duplicate"] != true {
                assert_eq!(seq, u64::try_from(chunks.len()).unwrap(), "{object}");
            }
            if !chunks.is_empty() {
                assert_eq!(object["text"].as_str().unwrap(), chunks.concat(), "chunks join to the text");
            }
            return Reply { chunks, last: object, commands };
        }
        assert_eq!(seq, u64::try_from(chunks.len()).unwrap(), "{object}");
        chunks.push(object["chunk"].as_str().unwrap().to_owned());
    }
}

/// Sees to it that nothing more comes on a topic: asks something else and looks at what came before its answer.
pub(crate) async fn nothing_more_on(client: &mut Client, topic: &str) {
    let id = fresh("fence");
    client
        .publish("hearthd/utterance", json!({ "id": id, "text": "turn on the kitchen light" }).to_string(), 1, false)
        .await;
    let end = format!("hearthd/reply/{id}");
    loop {
        let message: Message = client.message().await;
        assert_ne!(message.topic, topic, "{}", message.text());
        if message.topic == end && message.text().contains("\"done\":true") {
            return;
        }
    }
}

/// Mosquitto with fake models behind it.
pub(crate) async fn with_mosquitto() -> (Mosquitto, Home) {
    with_plan(|_| {}).await
}

/// Mosquitto with what a test makes of the plan behind it, both tiers ready.
pub(crate) async fn with_plan(change: impl FnOnce(&mut Plan)) -> (Mosquitto, Home) {
    let broker = Mosquitto::start().await;
    let mut plan = Plan::at(broker.address);
    change(&mut plan);
    let mut home = Home::start(&plan).await;
    home.wait_ready().await;
    (broker, home)
}
