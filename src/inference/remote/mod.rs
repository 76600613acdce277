//! A tier that a server elsewhere answers: any that speaks the chat completions of `OpenAI` (llama-server, vLLM, Ollama).
//!
//! Stands behind the same handle as the worker: takes the same commands, sends the same events, keeps the tier's state. An
//! answer is a task with a connection of its own; where that is closed, the server stops. While nothing is asked, the
//! server is looked at now and then, and with growing pauses while it is away.

mod answer;
mod connection;
mod events;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hyper::{Method, StatusCode};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use self::answer::Outcome;
use self::connection::Away;
use crate::core::reply::{Finish, Usage};
use crate::core::secret::Secret;
use crate::core::server::ServerAddress;
use crate::inference::protocol::{Drafts, LoadedTier, ModelTier, Prompt};
use crate::inference::supervisor::models::{AnswerEvent, Command, Listener, ModelStates, TierState};

/// How often a server that answers is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// The first pause while it is away, doubled up to [`LOOK_EVERY`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// How long a look may take.
const LOOK_WITHIN: Duration = Duration::from_secs(5);

/// A tier and the server that answers it.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteTier {
    /// The tier.
    pub tier: ModelTier,
    /// The model's name, as the server knows it.
    pub name: String,
    /// Where the server is.
    pub server: ServerAddress,
    /// What `Authorization: Bearer` carries, where it asks for a key.
    pub api_key: Option<Secret>,
    /// Tokens of prompt and answer together, of one conversation.
    pub ctx_size: u32,
    /// Answers made at once; more wait here.
    pub slots: u32,
    /// What stands first in every prompt.
    pub system_prompt: String,
}

/// The daemon's side of one server.
#[derive(Debug)]
pub(super) struct Remote {
    tier: Arc<RemoteTier>,
    commands: mpsc::Receiver<Command>,
    states: watch::Sender<ModelStates>,
    slots: Arc<Semaphore>,
    /// The answers under way, and what stops each.
    running: HashMap<u64, oneshot::Sender<()>>,
    answers: JoinSet<(u64, Option<String>)>,
}

impl Remote {
    pub(super) fn new(tier: RemoteTier, commands: mpsc::Receiver<Command>, states: watch::Sender<ModelStates>) -> Self {
        let slots = Arc::new(Semaphore::new(usize::try_from(tier.slots.max(1)).unwrap_or(1)));
        Self { tier: Arc::new(tier), commands, states, slots, running: HashMap::new(), answers: JoinSet::new() }
    }

    /// Answers and looks after the server until nobody can ask any more. Dropping it ends its answers.
    pub(super) async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        let mut next_look = Instant::now();
        let mut looks = JoinSet::new();
        loop {
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(command) => self.take(command),
                    None => return,
                },
                Some(ended) = self.answers.join_next() => {
                    let Ok((request, away)) = ended else { continue };
                    self.running.remove(&request);
                    if let Some(why) = away {
                        self.set(Err(Look::Away(why)));
                        pause = FIRST_PAUSE;
                        next_look = Instant::now() + pause;
                    }
                }
                Some(looked) = looks.join_next() => {
                    let looked: Result<(), Look> = looked.unwrap_or_else(|_| Err(Look::Away("no look".to_owned())));
                    pause = if looked.is_ok() { FIRST_PAUSE } else { (pause * 2).min(LOOK_EVERY) };
                    next_look = Instant::now() + if looked.is_ok() { LOOK_EVERY } else { pause };
                    self.set(looked);
                }
                () = sleep_until(next_look), if looks.is_empty() => {
                    let tier = Arc::clone(&self.tier);
                    looks.spawn(async move { look(&tier).await });
                }
            }
        }
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Generate { request, prompt, listener } => {
                let (stop, stopped) = oneshot::channel();
                self.running.insert(request, stop);
                let answer = one(Arc::clone(&self.tier), Arc::clone(&self.slots), prompt, listener, stopped);
                self.answers.spawn(async move { (request, answer.await) });
            }
            Command::Cancel { request } => {
                if let Some(stop) = self.running.remove(&request) {
                    // An answer that has ended needs no stop.
                    let _ = stop.send(());
                }
            }
        }
    }

    /// Says on the state's watch how the server is, where that changed.
    fn set(&self, looked: Result<(), Look>) {
        let RemoteTier { tier, name, server, .. } = self.tier.as_ref();
        let state = match looked {
            Ok(()) => {
                let loaded = LoadedTier { tier: *tier, name: name.clone(), prefix_tokens: 0, load_ms: 0 };
                TierState::Ready(loaded)
            }
            Err(Look::Away(why)) => TierState::Away(why),
            Err(Look::Refused(why)) => TierState::Failed(why),
        };
        self.states.send_if_modified(|states| {
            if states.tiers.get(tier) == Some(&state) {
                return false;
            }
            match &state {
                TierState::Away(why) => log::warn!("{server}, which is to answer as {name}, is away: {why}"),
                TierState::Failed(why) => log::error!("{server} does not answer as {name}: {why}"),
                _ => log::info!("{server} answers as {name}"),
            }
            states.tiers.insert(*tier, state);
            true
        });
    }
}

/// One answer, from its wait for a slot to its last event; returns why the server counts as away, where it does.
async fn one(
    tier: Arc<RemoteTier>,
    slots: Arc<Semaphore>,
    prompt: Box<Prompt>,
    listener: Listener,
    stopped: oneshot::Receiver<()>,
) -> Option<String> {
    let made = async {
        // The semaphore is never closed.
        let _slot = slots.acquire().await;
        answer::make(&tier, &prompt, &listener).await
    };
    let cancelled = AnswerEvent::Finished {
        finish: Finish::Cancelled,
        usage: Usage::default(),
        decode_ms: 0.0,
        drafts: Drafts::default(),
    };
    let Outcome { last, away } = tokio::select! {
        made = made => made,
        // What is dropped here closes its connection.
        _ = stopped => Outcome { last: cancelled, away: None },
    };
    listener.end.send(last);
    away
}

/// Why a server does not answer.
#[derive(Debug)]
enum Look {
    /// It may come back by itself.
    Away(String),
    /// Somebody must do something.
    Refused(String),
}

/// Asks the server which models it has; any answer that is no fault shows that it is there.
async fn look(tier: &RemoteTier) -> Result<(), Look> {
    let sent = timeout(LOOK_WITHIN, connection::send(tier, Method::GET, "/models", Vec::new())).await;
    let reply = match sent {
        Ok(Ok(reply)) => reply,
        Ok(Err(Away(why))) => return Err(Look::Away(why)),
        Err(_) => return Err(Look::Away("it does not answer".to_owned())),
    };
    let status = reply.response.status();
    if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
        return Err(Look::Refused(status_text(status)));
    }
    if status.is_server_error() { Err(Look::Away(status_text(status))) } else { Ok(()) }
}

/// What a status means to whoever runs the server.
fn status_text(status: StatusCode) -> String {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "it refuses our key: set api_key_file to a file with the right one".to_owned()
        }
        StatusCode::NOT_FOUND => "it does not know this path or model: correct server and model".to_owned(),
        StatusCode::SERVICE_UNAVAILABLE => "it is not ready".to_owned(),
        status => format!("it answers {status}"),
    }
}
