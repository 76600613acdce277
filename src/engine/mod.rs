//! One request's life: admission, the choice of a tier, deadlines, cancellation, effects in order.
//!
//! Transports hand in a [`Request`] with a [`ReplySink`] to answer on; device commands leave by the [`Bus`]. Tier 1 is
//! carried out inside [`Engine::submit`], on the caller's own task, since a voice user feels every hop; a model's answer
//! gets a task of its own. Whatever happens, the sink is sent exactly one final object.

mod admission;
mod answer;
mod cache;
mod consent;
mod deeds;
mod followups;
mod home;
pub(crate) mod intent;
mod per_person;
mod responder;
mod seen;
mod state;
mod timers;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::core::home::Message;
use crate::core::intents::{Rules, Said, Understood};
use crate::core::reply::{Code, Final, Reply};
use crate::core::routing::{self, Asked, Route};
use crate::core::sampling::Sampling;
use crate::core::utterance::{Tier, Utterance};
use crate::inference::protocol::ModelTier;
use crate::inference::supervisor::models::Models;

use answer::Begun;
use responder::Responder;
use seen::Known;
use state::{Running, Shared};

pub use cache::CacheSettings;
pub use home::HomeSettings;
pub use state::{Health, TierHealth};

/// An utterance on its way in.
#[derive(Debug)]
pub struct Request {
    /// Names the reply: the utterance's own id, or a [`fresh_id`] where its sender gave none.
    pub id: String,
    /// What was said.
    pub utterance: Utterance,
    /// When it arrived.
    pub arrived: Instant,
    /// When it is too late to carry it out.
    pub expires: Option<Instant>,
}

/// A new id: a ULID, so that ids sort by time.
#[must_use]
pub fn fresh_id() -> String {
    ulid::Ulid::generate().to_string()
}

/// Nobody reads the replies any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody reads the replies any more")]
pub struct SinkGone;

/// Where one utterance's replies go. Never waits: a reader that is too slow loses its answer, nobody else's.
pub trait ReplySink: Send + 'static {
    /// Hands over one object, in order.
    ///
    /// # Errors
    /// [`SinkGone`] where it can take no more; the answer is stopped then.
    fn send(&mut self, reply: &Reply) -> Result<(), SinkGone>;

    /// Whether nobody but this request's sender sees what is sent here, so that an id that is being answered elsewhere
    /// must be answered here too.
    fn is_private(&self) -> bool {
        false
    }

    /// Hands over an object that must not stand among those of the id's own reply, which is still running.
    ///
    /// # Errors
    /// As [`Self::send`].
    fn send_aside(&mut self, reply: &Reply) -> Result<(), SinkGone> {
        self.send(reply)
    }

    /// Whether the reader is known to be gone, before anything was sent to find out.
    fn is_gone(&self) -> bool {
        false
    }
}

/// A device command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Where.
    pub topic: String,
    /// What.
    pub payload: String,
    /// 0, 1 or 2.
    pub qos: u8,
    /// Whether the broker keeps it.
    pub retain: bool,
}

impl From<Message> for Command {
    fn from(Message { topic, payload, qos, retain }: Message) -> Self {
        Self { topic, payload, qos, retain }
    }
}

/// A device command could not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// No broker is connected: a command must not be carried out minutes later.
    #[error("the MQTT broker is not connected, so nothing was switched; try again when it is back")]
    Away,
    /// The broker takes nothing more for now.
    #[error(
        "the MQTT broker takes commands more slowly than they come, so nothing was switched; try again in a moment"
    )]
    Full,
}

impl BusError {
    fn code(self) -> Code {
        match self {
            Self::Away => Code::BrokerUnavailable,
            Self::Full => Code::Busy,
        }
    }
}

/// The way to the devices. Never waits.
pub trait Bus: Send + Sync + 'static {
    /// Sends a device command.
    ///
    /// # Errors
    /// [`BusError`] where it will not reach the broker now.
    fn command(&self, command: Command) -> Result<(), BusError>;

    /// Whether a broker is connected.
    fn is_connected(&self) -> bool;
}

/// The way to those who hear what nobody asked for just now. Never waits.
pub trait Herald: Send + Sync + 'static {
    /// Publishes on a topic of the daemon's own, named without its first part.
    ///
    /// # Errors
    /// [`BusError`] where there is no room for it.
    fn tell(&self, topic: &str, payload: String) -> Result<(), BusError>;

    /// Says how an utterance ended, an object of JSON, to whom it may concern.
    fn ended(&self, utterance: &str);
}

/// How one model tier answers.
#[derive(Clone, Debug, PartialEq)]
pub struct TierSettings {
    /// The model's name as people know it.
    pub model: String,
    /// The longest answer, in tokens.
    pub max_tokens: u32,
    /// The longest time from acceptance to the final object.
    pub deadline: Duration,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Whether a server elsewhere answers; the other tier does while it is away.
    pub is_remote: bool,
    /// Why the tier has no model, in one sentence, where it has none.
    pub missing: Option<String>,
}

/// What of the config the engine goes by; replaced by a reload.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The language matched where an utterance names none.
    pub language: String,
    /// Who answers what no rule knows.
    pub routing: routing::Settings,
    /// How long chunks after the first are joined.
    pub join: Duration,
    /// Answers that are given again to the same question.
    pub cache: CacheSettings,
    /// Answers running at once per model.
    pub slots: u32,
    /// Whether what was said may stand in the log.
    pub log_utterances: bool,
    /// The devices.
    pub home: HomeSettings,
    /// Tier 2.
    pub chat: TierSettings,
    /// Tier 3.
    pub explain: TierSettings,
}

impl Settings {
    pub(super) fn tier(&self, tier: ModelTier) -> &TierSettings {
        match tier {
            ModelTier::Chat => &self.chat,
            ModelTier::Explain => &self.explain,
        }
    }
}

/// Takes utterances and sees that each is answered once.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

impl Engine {
    /// An engine over these rules and models, with its memory of ids in `state_dir`.
    #[must_use]
    pub fn new(settings: Settings, rules: Rules, models: Models, bus: Arc<dyn Bus>, state_dir: Option<&Path>) -> Self {
        Self { shared: Arc::new(Shared::new(settings, rules, models, bus, state_dir)) }
    }

    /// Takes an utterance: when this returns it is refused, carried out, or being answered by a model.
    pub fn submit(&self, request: Request, sink: Box<dyn ReplySink>) {
        let shared = &self.shared;
        let Request { id, utterance, arrived, expires } = request;
        let settings = shared.settings();
        let mut responder = Responder::new(id.clone(), utterance.stream, arrived, sink);
        let too_late = expires.is_some_and(|expires| Instant::now() >= expires);
        let refused = match (shared.is_draining(), too_late) {
            (true, _) => Some((Code::ShuttingDown, "hearthd is stopping; say it again when it is back")),
            (false, true) => Some((Code::Expired, "this came too late to be carried out; say it again")),
            (false, false) => None,
        };
        // Nobody else can have taken an id made here. One that is known is answered with what is known of it, even now.
        if utterance.id.is_some() && !self.take_id(&id, &utterance.text, refused.is_none(), &mut responder) {
            return;
        }
        if let Some((code, message)) = refused {
            return responder.refuse(code, message);
        }
        let wants_rules = utterance.tier.is_none_or(|tier| tier == Tier::Intent);
        let answered =
            if wants_rules { intent::answer(shared, utterance, responder) } else { Some((utterance, responder)) };
        let Some((utterance, mut responder)) = answered else { return };
        let routing_began = Instant::now();
        responder.timing.queue_ms = milliseconds(routing_began - arrived);
        let rules = shared.rules();
        let site =
            utterance.site_id.as_ref().map(|site| lock(&shared.home.house).area_of_site(site.as_str()).to_owned());
        let lang = utterance.lang.as_deref().unwrap_or(&settings.language);
        let now = intent::now();
        let said = Said { text: &utterance.text, lang, site: site.as_deref(), now: Some(&now), ..Said::default() };
        let (understood, in_full) = if wants_rules {
            intent::understand(shared, &rules, &utterance, &said)
        } else {
            (Understood::Nothing, None)
        };
        let is_ours = understood != Understood::Nothing;
        let asked = Asked { text: &utterance.text, lang, tier: utterance.tier, hit: is_ours };
        let decision = routing::route(&asked, &settings.routing);
        match decision.scores {
            Some(scores) => log::debug!("{id}: {} ({scores})", decision.tier),
            None => log::debug!("{id}: {}", decision.tier),
        }
        responder.timing.route_ms = milliseconds(routing_began.elapsed());
        let last = match (decision.tier, understood) {
            (Route::Intent, Understood::Hits(hits)) => {
                let utterance = Utterance { text: in_full.unwrap_or(utterance.text), ..utterance };
                return intent::act(shared, hits, utterance, responder, false);
            }
            (Route::Intent, Understood::Unclear(unclear)) => {
                followups::asked_back(shared, &utterance, &unclear);
                intent::ask_back(unclear)
            }
            (Route::Chat, _) => return self.ask(ModelTier::Chat, &utterance, expires, responder),
            (Route::Explain, _) => return self.ask(ModelTier::Explain, &utterance, expires, responder),
            (Route::Intent | Route::NotUnderstood, _) => intent::not_understood(rules.missed(&said)),
        };
        shared.finish(&utterance, responder, last);
    }

    /// Takes the id for this text where it is new and `taking`; otherwise answers what is known of it and returns `false`.
    fn take_id(&self, id: &str, text: &str, taking: bool, responder: &mut Responder) -> bool {
        let known = lock(&self.shared.seen).take(id, text, taking, Instant::now());
        match known {
            Known::New => return true,
            // Its final object comes on this very topic: a second one would end it early.
            Known::Running if !responder.is_private() => log::debug!("{id} is being answered already"),
            Known::Running => responder.refuse(Code::Duplicate, "this id is being answered already; use a new one"),
            Known::Answered(mut last) => {
                last.duplicate = true;
                responder.send_again(*last);
            }
            Known::Forgotten => {
                let message = "this id was taken before and is not carried out again; use a new one";
                responder.refuse(Code::Duplicate, message);
            }
            Known::Conflict { running } => {
                let message = "this id was taken for another text; use a new one for each utterance";
                responder.refuse_beside(running, Code::BadRequest, message);
            }
        }
        false
    }

    /// Hands an utterance to a model, on a task of its own.
    fn ask(&self, tier: ModelTier, utterance: &Utterance, expires: Option<Instant>, mut responder: Responder) {
        let shared = &self.shared;
        responder.tier = Some(tier.into());
        let started = match answer::begin(shared, tier, utterance) {
            Ok(Begun::Known(known)) => {
                let last = answer::repeat(shared, known, utterance, &mut responder);
                return shared.finish(utterance, responder, last);
            }
            Ok(Begun::Started(started)) => started,
            Err((code, message)) => {
                let mut last = Final::refusal(None, code, message);
                last.tier = Some(tier.into());
                return shared.finish(utterance, responder, last);
            }
        };
        let (running, stop) = Running::new();
        let mut tasks = lock(&shared.tasks);
        // Asked again under the lock: what is spawned after the drain took the tasks, nobody would wait for.
        if shared.is_draining() {
            drop(tasks);
            let last = Final::refusal(None, Code::ShuttingDown, "hearthd is stopping; say it again when it is back");
            return shared.finish(utterance, responder, last);
        }
        lock(&shared.running).insert(responder.id().to_owned(), running);
        let job = answer::Job { utterance: utterance.clone(), expires, responder, started };
        // What has ended is let go here, so that the set holds only what runs.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(answer::run(Arc::clone(shared), job, stop));
    }

    /// Tells from now on how each utterance ends.
    pub fn tell(&self, herald: Arc<dyn Herald>) {
        // A second one is not told: there is one daemon.
        let _ = self.shared.herald.set(herald);
    }

    /// Stops answering an id; one that is not being answered is left alone.
    pub fn cancel(&self, id: &str) {
        if let Some(running) = lock(&self.shared.running).get(id) {
            running.stop(state::Stop::Cancelled);
        }
    }

    /// Puts a new set of rules in the place of the old; a request that runs keeps the one it began with.
    pub fn replace_rules(&self, rules: Rules) {
        self.shared.home.replace_rules(rules, &self.shared.settings().language);
    }

    /// Puts new settings in the place of the old. What was answered under those is not said again.
    pub fn replace_settings(&self, settings: Settings) {
        let home = settings.home.clone();
        *self.shared.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
        self.describe_home(&home);
        lock(&self.shared.cache).clear();
    }

    /// How many intents are loaded.
    #[must_use]
    pub fn intents(&self) -> usize {
        self.shared.rules().intents()
    }

    /// What works and what does not.
    #[must_use]
    pub fn health(&self) -> Health {
        self.shared.health()
    }

    /// Counts of what was answered so far, by tier and status, in Prometheus' text format.
    #[must_use]
    pub fn metrics(&self) -> String {
        lock(&self.shared.counts).to_text(&self.health())
    }

    /// Refuses what comes from now on, lets running answers end until `enough` is done, and ends the rest with
    /// `shutting_down`.
    pub async fn drain(&self, enough: impl Future<Output = ()>) {
        self.shared.begin_draining();
        let mut tasks: JoinSet<()> = std::mem::take(&mut *lock(&self.shared.tasks));
        tokio::select! {
            () = all_ended(&mut tasks) => return,
            () = enough => {}
        }
        for running in lock(&self.shared.running).values() {
            running.stop(state::Stop::ShuttingDown);
        }
        // Each sends its final object as soon as it is told; a second is far more than that takes.
        if tokio::time::timeout(Duration::from_secs(1), all_ended(&mut tasks)).await.is_err() {
            log::warn!("{} answers did not end in time", tasks.len());
        }
    }
}

async fn all_ended(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// Locks a mutex; one whose holder panicked is still whole, as every change under it is a single step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn milliseconds(duration: Duration) -> f64 {
    // Microseconds are as fine as anybody reads it.
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
