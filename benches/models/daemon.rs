//! The real daemon behind a real Mosquitto, asked by an MQTT client that notes when each chunk comes.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::Failure;
use crate::client::{Client, Version};
use crate::files::tail;
use crate::heard::Heard;
use crate::home::{Home, Plan};
use crate::memory::Memory;
use crate::mosquitto::Mosquitto;
use crate::questions::SYSTEM;

/// How often somebody who waits for a message looks whether the daemon still runs.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Longer than any question takes.
const MOST_SILENCE: Duration = Duration::from_mins(5);

/// One tier's model and how it is run.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    /// A file, or a fake.
    pub(crate) file: String,
    pub(crate) system: &'static str,
    pub(crate) context: u32,
    pub(crate) batch: u32,
    pub(crate) ubatch: u32,
    pub(crate) max_tokens: u32,
}

impl Model {
    /// As the shipped config runs it.
    pub(crate) fn new(file: &Path, max_tokens: u32) -> Self {
        Self { file: file.display().to_string(), system: SYSTEM, context: 1024, batch: 256, ubatch: 128, max_tokens }
    }

    /// A model in name only, for a tier that is not measured.
    pub(crate) fn none() -> Self {
        Self { file: "fake:words=8".to_owned(), ..Self::new(&PathBuf::new(), 8) }
    }

    fn config(&self, threads: u32) -> String {
        format!(
            "{{model: {}, threads: {threads}, ctx_size: {}, n_batch: {}, n_ubatch: {}, max_tokens: {}, deadline: 10m, \
             temperature: 0, repeat_penalty: 1, system_prompt: {}}}",
            Value::from(self.file.as_str()),
            self.context,
            self.batch,
            self.ubatch,
            self.max_tokens,
            Value::from(self.system)
        )
    }
}

/// What a daemon is started with.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) chat: Model,
    pub(crate) explain: Model,
    pub(crate) threads: u32,
    /// Whether everything but the files, the threads and the log stays as it is shipped: prompts, lengths, sampling, drafts,
    /// the joining time and the kept answers, whatever is said of them here.
    pub(crate) is_shipped: bool,
    pub(crate) join: Duration,
    /// Answers that are kept for whoever asks the same.
    pub(crate) cached_answers: u32,
    pub(crate) log: &'static str,
}

impl Setup {
    pub(crate) fn new(chat: Model, explain: Model, threads: u32) -> Self {
        let join = Duration::from_millis(40);
        Self { chat, explain, threads, is_shipped: false, join, cached_answers: 0, log: "info" }
    }

    /// Without drafts where it is not as shipped, for the peer has none of either: the bench `drafts` measures those.
    fn config(&self, home: &Home) -> String {
        let Self { chat, explain, threads, is_shipped, join, cached_answers, log } = self;
        let model = |model: &Model| match is_shipped {
            true => format!("{{model: {}, threads: {threads}}}", Value::from(model.file.as_str())),
            false => model.config(*threads),
        };
        let config = format!(
            "mqtt:\n  broker: mqtt://{}\nhttp:\n  listen: {}\nlog:\n  level: {log}\nmodels:\n  chat: {}\n  explain: {}\n",
            home.mqtt,
            home.http,
            model(chat),
            model(explain)
        );
        if *is_shipped {
            return config;
        }
        let join = join.as_millis();
        format!("{config}  speculation: off\nreply:\n  join: {join}ms\n  cache: {{entries: {cached_answers}}}\n")
    }
}

/// A question to one tier.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) text: String,
    /// `chat`, `explain`; `None` lets hearthd choose.
    pub(crate) tier: Option<&'static str>,
    /// Whose conversation it goes on with.
    pub(crate) user: String,
}

impl Question {
    /// The first question of a new conversation.
    pub(crate) fn new(tier: &'static str, text: String) -> Self {
        Self { text, tier: Some(tier), user: crate::home::fresh("user") }
    }
}

/// An answer that is coming.
struct Coming {
    asked: Instant,
    heard: Heard,
    last: Option<Value>,
}

pub(crate) struct Daemon {
    home: Home,
    client: Client,
    coming: HashMap<String, Coming>,
    /// The newest message on a device's topic.
    command: Option<Instant>,
    _broker: Mosquitto,
}

impl Daemon {
    /// Starts broker and daemon, and waits until both models can answer.
    pub(crate) async fn start(setup: &Setup) -> Result<Self, Failure> {
        let broker = Mosquitto::start().await;
        let mut home = Home::prepare(&Plan::at(broker.address));
        fs::write(home.folder.path().join("config.yaml"), setup.config(&home))?;
        home.launch();
        home.wait_ready().await;
        let mut client = Client::new(home.mqtt, Version::V4, "bench").await;
        client.subscribe("hearthd/reply/#", 1).await;
        client.subscribe("zigbee2mqtt/#", 1).await;
        Ok(Self { home, client, coming: HashMap::new(), command: None, _broker: broker })
    }

    /// The memory of the process that holds the models.
    pub(crate) fn worker_memory(&self) -> Result<Memory, Failure> {
        Memory::of(self.home.worker().ok_or_else(|| self.failure("the model worker is gone"))?)
    }

    /// The memory of the daemon itself.
    pub(crate) fn memory(&self) -> Result<Memory, Failure> {
        Memory::of(self.home.pid())
    }

    pub(crate) fn log(&self) -> String {
        self.home.log()
    }

    fn failure(&self, what: &str) -> Failure {
        format!("hearthd: {what}\n--- the end of its log\n{}", tail(&self.home.log())).into()
    }

    fn runs(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.home.pid())).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
    }

    /// Asks; the answer is known by what is returned.
    pub(crate) async fn begin(&mut self, question: &Question) -> String {
        let id = crate::home::fresh("bench");
        let mut utterance = json!({ "id": id, "text": question.text, "user_id": question.user });
        if let Some(tier) = question.tier {
            utterance["tier"] = tier.into();
        }
        let coming = Coming { asked: Instant::now(), heard: Heard::default(), last: None };
        self.coming.insert(id.clone(), coming);
        self.client.publish("hearthd/utterance", utterance.to_string(), 1, false).await;
        id
    }

    /// Takes the next message.
    async fn receive(&mut self) -> Result<(), Failure> {
        let began = Instant::now();
        let message = loop {
            if let Ok(message) = timeout(LOOK_EVERY, self.client.message()).await {
                break message;
            }
            if !self.runs() {
                return Err(self.failure("it ended"));
            }
            if began.elapsed() > MOST_SILENCE {
                return Err(self.failure("it says nothing any more"));
            }
        };
        let now = Instant::now();
        let Some(id) = message.topic.strip_prefix("hearthd/reply/") else {
            self.command = Some(now);
            return Ok(());
        };
        let Some(coming) = self.coming.get_mut(id) else { return Ok(()) };
        let object: Value = serde_json::from_slice(&message.payload)?;
        let after = now - coming.asked;
        if let Some(chunk) = object["chunk"].as_str() {
            coming.heard.push(after, chunk);
        } else {
            coming.heard.total = after;
            coming.heard.count(&object["usage"], &object["usage"]["cached_tokens"]);
            coming.last = Some(object);
        }
        Ok(())
    }

    /// Waits for an answer's end.
    pub(crate) async fn end(&mut self, id: &str) -> Result<(Heard, Value), Failure> {
        loop {
            let last = self.coming.get_mut(id).and_then(|coming| coming.last.take());
            if let Some(last) = last {
                let heard = self.coming.remove(id).map(|coming| coming.heard).unwrap_or_default();
                return match last["status"].as_str() {
                    Some("ok" | "cancelled") => Ok((heard, last)),
                    _ => Err(self.failure(&format!("it answers {last}"))),
                };
            }
            self.receive().await?;
        }
    }

    /// Stops an answer and waits for its end.
    pub(crate) async fn cancel(&mut self, id: &str) -> Result<Heard, Failure> {
        self.client.publish(&format!("hearthd/cancel/{id}"), "", 1, false).await;
        Ok(self.end(id).await?.0)
    }

    /// Whether an answer has ended.
    pub(crate) fn is_over(&self, id: &str) -> bool {
        self.coming.get(id).is_none_or(|coming| coming.last.is_some())
    }

    /// Waits until so many of an answer's chunks have come, or its end.
    pub(crate) async fn chunks(&mut self, id: &str, chunks: usize) -> Result<(), Failure> {
        while self.coming.get(id).is_some_and(|coming| coming.heard.pieces.len() < chunks && coming.last.is_none()) {
            self.receive().await?;
        }
        Ok(())
    }

    /// One whole answer.
    pub(crate) async fn ask_for_end(&mut self, question: &Question) -> Result<(Heard, Value), Failure> {
        let id = self.begin(question).await;
        self.end(&id).await
    }

    /// As [`Self::ask_for_end`], without the final object.
    pub(crate) async fn ask(&mut self, question: &Question) -> Result<Heard, Failure> {
        Ok(self.ask_for_end(question).await?.0)
    }

    /// Many answers at once, and the time from the first question to the last end.
    pub(crate) async fn ask_all(&mut self, questions: &[Question]) -> Result<(Vec<Heard>, Duration), Failure> {
        let began = Instant::now();
        let mut ids = Vec::new();
        for question in questions {
            ids.push(self.begin(question).await);
        }
        let mut heard = Vec::new();
        for id in ids {
            heard.push(self.end(&id).await?.0);
        }
        Ok((heard, began.elapsed()))
    }

    /// A command to a device: milliseconds to the message on the device's topic, and to the end of the reply.
    pub(crate) async fn command(&mut self, text: &str) -> Result<(f64, f64), Failure> {
        self.command = None;
        let began = Instant::now();
        let heard = self.ask(&Question { text: text.to_owned(), tier: None, user: "bench".to_owned() }).await?;
        while self.command.is_none() {
            self.receive().await?;
        }
        let command = self.command.map_or(f64::NAN, |command| crate::figures::milliseconds(command - began));
        Ok((command, heard.total()))
    }
}
