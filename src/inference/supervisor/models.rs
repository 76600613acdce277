//! The handle that the engine asks for answers, and what it gets back.
//!
//! Asking never waits: there is an answer to listen to, or one sentence why there is none. Everything else is the
//! supervisor's, reached by one bounded channel; an answer keeps a place in it for the word that cancels it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::sync::watch;

use crate::core::reply::{Code, Finish, Usage};
use crate::inference::protocol::{Drafts, LoadedTier, ModelTier, Prompt};

/// Events that an answer's reader may be behind by before the answer is given up.
pub const EVENTS: usize = 256;

/// What a tier's model is doing.
#[derive(Clone, Debug, PartialEq)]
pub enum TierState {
    /// It is being loaded for the first time.
    Loading,
    /// It answers.
    Ready(LoadedTier),
    /// It could not be loaded; one sentence says why.
    Failed(String),
    /// Its process ended and is being started again.
    Restarting,
    /// A server elsewhere that does not answer now; a few words say why.
    Away(String),
}

/// What the models are doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelStates {
    /// The state of every tier that has a model configured.
    pub tiers: BTreeMap<ModelTier, TierState>,
    /// The worker's process id while it runs.
    pub worker: Option<u32>,
}

impl ModelStates {
    /// Whether every tier that has a model configured answers.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.tiers.values().all(|state| matches!(state, TierState::Ready(_)))
    }

    /// Whether no tier is about to change: each answers, or will not.
    #[must_use]
    pub fn settled(&self) -> bool {
        self.tiers
            .values()
            .all(|state| matches!(state, TierState::Ready(_) | TierState::Failed(_) | TierState::Away(_)))
    }
}

/// Why a question is not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unavailable {
    /// [`Code::ModelUnavailable`], [`Code::Busy`] or [`Code::ShuttingDown`].
    pub code: Code,
    /// One sentence a person can act on.
    pub message: String,
}

/// What an answer's reader gets, ended by exactly one `Finished` or `Failed`.
#[derive(Clone, Debug, PartialEq)]
pub enum AnswerEvent {
    /// The prompt got a slot.
    Started {
        /// Earlier exchanges left out so that prompt and answer fit.
        dropped_turns: usize,
    },
    /// A piece of the answer.
    Text(String),
    /// The end.
    Finished {
        /// Why.
        finish: Finish,
        /// Its tokens.
        usage: Usage,
        /// Milliseconds from the first token to the last.
        decode_ms: f64,
        /// What was drafted for it.
        drafts: Drafts,
    },
    /// The end of an answer that could not be made, or not to its end.
    Failed {
        /// For programs.
        code: Code,
        /// One sentence.
        message: String,
    },
}

impl AnswerEvent {
    fn ends(&self) -> bool {
        matches!(self, Self::Finished { .. } | Self::Failed { .. })
    }

    pub(in crate::inference) fn failed(code: Code, message: impl Into<String>) -> Self {
        Self::Failed { code, message: message.into() }
    }
}

/// Where an answer's events go; a place for its last one is kept free.
#[derive(Debug)]
pub(in crate::inference) struct Listener {
    pub events: mpsc::Sender<AnswerEvent>,
    pub end: OwnedPermit<AnswerEvent>,
}

/// What the supervisor is asked.
#[derive(Debug)]
pub(in crate::inference) enum Command {
    Generate { request: u64, prompt: Box<Prompt>, listener: Listener },
    Cancel { request: u64 },
}

/// The models as the engine sees them; cheap to clone.
#[derive(Clone, Debug)]
pub struct Models {
    /// The worker's.
    commands: mpsc::Sender<Command>,
    /// Those of the tiers that a server elsewhere answers.
    servers: Arc<BTreeMap<ModelTier, mpsc::Sender<Command>>>,
    states: watch::Receiver<ModelStates>,
    names: Arc<BTreeMap<ModelTier, String>>,
    next_request: Arc<AtomicU64>,
}

impl Models {
    pub(super) fn new(
        commands: mpsc::Sender<Command>,
        servers: BTreeMap<ModelTier, mpsc::Sender<Command>>,
        states: watch::Receiver<ModelStates>,
        names: BTreeMap<ModelTier, String>,
    ) -> Self {
        let next_request = Arc::new(AtomicU64::new(1));
        Self { commands, servers: Arc::new(servers), states, names: Arc::new(names), next_request }
    }

    /// What the models are doing, and word of every change.
    #[must_use]
    pub fn states(&self) -> watch::Receiver<ModelStates> {
        self.states.clone()
    }

    /// The name of a tier's model, loaded or not.
    #[must_use]
    pub fn name(&self, tier: ModelTier) -> Option<&str> {
        self.names.get(&tier).map(String::as_str)
    }

    /// Asks for an answer.
    ///
    /// # Errors
    /// [`Unavailable`] where the tier does not answer now.
    pub fn generate(&self, prompt: Prompt) -> Result<Answer, Unavailable> {
        self.check(prompt.tier)?;
        let commands = self.servers.get(&prompt.tier).unwrap_or(&self.commands);
        let cancel = commands.clone().try_reserve_owned().map_err(|error| unavailable(&error))?;
        let (events, received) = mpsc::channel(EVENTS + 1);
        // The channel is new and has room.
        let end = events.clone().try_reserve_owned().map_err(|error| unavailable(&error))?;
        let request = self.next_request.fetch_add(1, Ordering::Relaxed);
        let listener = Listener { events, end };
        let command = Command::Generate { request, prompt: Box::new(prompt), listener };
        commands.try_send(command).map_err(|error| unavailable(&error))?;
        Ok(Answer { request, events: received, cancel: Some(cancel), ended: false })
    }

    fn check(&self, tier: ModelTier) -> Result<(), Unavailable> {
        let name = self.name(tier).unwrap_or_default();
        let message = match self.states.borrow().tiers.get(&tier) {
            Some(TierState::Ready(_)) => return Ok(()),
            Some(TierState::Loading) => format!("the model {name} is still loading; ask again in a moment"),
            Some(TierState::Restarting) => {
                format!("the model {name} is being started again after a fault; ask again in a moment")
            }
            Some(TierState::Away(why)) => format!("the server of {name} does not answer: {why}"),
            Some(TierState::Failed(why)) if self.servers.contains_key(&tier) => {
                format!("the server of {name} does not answer: {why}")
            }
            Some(TierState::Failed(why)) => format!("the model {name} could not be loaded: {why}"),
            None => "no model is configured for this; name one in config.yaml".to_owned(),
        };
        Err(Unavailable { code: Code::ModelUnavailable, message })
    }
}

fn unavailable<T>(error: &TrySendError<T>) -> Unavailable {
    match error {
        TrySendError::Full(_) => Unavailable {
            code: Code::Busy,
            message: "too many questions are being answered; ask again later".to_owned(),
        },
        TrySendError::Closed(_) => {
            Unavailable { code: Code::ShuttingDown, message: "the daemon is stopping".to_owned() }
        }
    }
}

/// An answer that is being made; dropping it stops that.
#[derive(Debug)]
pub struct Answer {
    request: u64,
    events: mpsc::Receiver<AnswerEvent>,
    cancel: Option<OwnedPermit<Command>>,
    ended: bool,
}

impl Answer {
    /// The next event; after the last, the same failure over and over. Cancellation safe.
    pub async fn next(&mut self) -> AnswerEvent {
        if self.ended {
            return AnswerEvent::failed(Code::Internal, "the answer has ended");
        }
        // Without a last event the supervisor itself is gone.
        let gone = || AnswerEvent::failed(Code::ShuttingDown, "the daemon is stopping");
        let event = self.events.recv().await.unwrap_or_else(gone);
        self.ended = event.ends();
        event
    }

    /// Asks the model to stop; the answer ends with [`Finish::Cancelled`] unless it is at its end already.
    pub fn cancel(&mut self) {
        if let Some(permit) = self.cancel.take() {
            permit.send(Command::Cancel { request: self.request });
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.ended {
            self.cancel();
        }
    }
}
