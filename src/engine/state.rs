//! What the engine's requests share: rules, settings, the ids taken, the answers running, the conversations.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Instant;

use serde::Serialize;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::core::dialogue::Conversations;
use crate::core::intents::Rules;
use crate::core::reply::{Final, Status};
use crate::core::utterance::{Identifier, Tier, Utterance};
use crate::inference::protocol::{Drafts, ModelTier};
use crate::inference::supervisor::models::{Models, TierState};

use super::admission::Admission;
use super::cache::Cache;
use super::consent::Questions;
use super::followups::Memory;
use super::home::Home;
use super::responder::Responder;
use super::seen::Seen;
use super::timers::Keeper;
use super::{Bus, Herald, Settings, lock};

pub(super) struct Shared {
    pub(super) settings: RwLock<Arc<Settings>>,
    pub(super) home: Arc<Home>,
    pub(super) questions: Mutex<Questions>,
    /// Who is told how each utterance ended.
    pub(super) herald: OnceLock<Arc<dyn Herald>>,
    /// What each said last, for what leans on it.
    pub(super) followups: Mutex<Memory>,
    pub(super) models: Models,
    pub(super) bus: Arc<dyn Bus>,
    pub(super) seen: Mutex<Seen>,
    pub(super) timers: Keeper,
    pub(super) running: Mutex<HashMap<String, Running>>,
    pub(super) conversations: Mutex<Conversations>,
    pub(super) cache: Mutex<Cache>,
    pub(super) tasks: Mutex<JoinSet<()>>,
    pub(super) counts: Mutex<Counts>,
    chat_admission: Arc<Admission>,
    explain_admission: Arc<Admission>,
    draining: AtomicBool,
}

impl Shared {
    pub(super) fn new(
        settings: Settings,
        rules: Rules,
        models: Models,
        bus: Arc<dyn Bus>,
        state_dir: Option<&Path>,
    ) -> Self {
        let home = Arc::new(Home::new(&settings.home, &settings.language, rules));
        let admission = || Arc::new(Admission::new(settings.slots));
        Self {
            chat_admission: admission(),
            explain_admission: admission(),
            settings: RwLock::new(Arc::new(settings)),
            home,
            questions: Mutex::default(),
            herald: OnceLock::new(),
            followups: Mutex::default(),
            models,
            bus,
            seen: Mutex::new(Seen::open(state_dir, Instant::now())),
            timers: Keeper::open(state_dir),
            running: Mutex::default(),
            conversations: Mutex::default(),
            cache: Mutex::default(),
            tasks: Mutex::new(JoinSet::new()),
            counts: Mutex::default(),
            draining: AtomicBool::new(false),
        }
    }

    pub(super) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn rules(&self) -> Arc<Rules> {
        self.home.rules()
    }

    pub(super) fn admission(&self, tier: ModelTier) -> &Arc<Admission> {
        match tier {
            ModelTier::Chat => &self.chat_admission,
            ModelTier::Explain => &self.explain_admission,
        }
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(super) fn begin_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Sends the one final object of an utterance, remembers it under its id and counts it.
    pub(super) fn finish(&self, utterance: &Utterance, responder: Responder, last: Final) {
        let last = responder.finish(last);
        log_outcome(utterance, &last, self.settings().log_utterances);
        if utterance.id.is_some()
            && let Some(id) = &last.id
        {
            lock(&self.seen).answered(id, &last);
        }
        if let Some(herald) = self.herald.get() {
            herald.ended(&ended(utterance, &last));
        }
        lock(&self.counts).add(&last);
    }

    pub(super) fn health(&self) -> Health {
        let settings = self.settings();
        let states = self.models.states().borrow().clone();
        let tier = |tier: ModelTier| {
            let state = match (&settings.tier(tier).missing, states.tiers.get(&tier)) {
                (Some(missing), _) => format!("missing: {missing}"),
                (None, Some(TierState::Ready(_))) => "ready".to_owned(),
                (None, Some(TierState::Loading)) => "loading".to_owned(),
                (None, Some(TierState::Restarting)) => "restarting".to_owned(),
                (None, Some(TierState::Away(why))) => format!("away: {why}"),
                (None, Some(TierState::Failed(message))) => format!("failed: {message}"),
                (None, None) => "missing: no model is configured".to_owned(),
            };
            TierHealth { model: settings.tier(tier).model.clone(), state }
        };
        Health {
            broker: if self.bus.is_connected() { "connected" } else { "disconnected" },
            chat: tier(ModelTier::Chat),
            explain: tier(ModelTier::Explain),
        }
    }
}

/// In one word: the error's code, or how it ended without one.
fn outcome(last: &Final) -> &'static str {
    match (&last.error, last.status) {
        (Some(error), _) => error.code.as_str(),
        (None, Status::Cancelled) => "cancelled",
        (None, _) => "ok",
    }
}

/// How an utterance ended, for whoever watches them all: its answer, and none of its own words.
fn ended(utterance: &Utterance, last: &Final) -> String {
    let kind = match last.status {
        Status::Ok => "handled",
        Status::NotUnderstood => "not_understood",
        _ => "failed",
    };
    let text = last.error.as_ref().map_or(&last.text, |error| &error.message);
    let ended = json!({
        "event_type": kind,
        "tier": last.tier.map_or("none", Tier::as_str),
        "outcome": outcome(last),
        "intent": last.intent.as_ref().map(|intent| &intent.name),
        "text": text,
        "site_id": utterance.site_id.as_ref().map(Identifier::as_str),
        "first_chunk_ms": last.timing.as_ref().and_then(|timing| timing.first_chunk_ms),
        "total_ms": last.timing.as_ref().map(|timing| timing.total_ms),
    });
    ended.to_string()
}

/// The words of an utterance stand in the log only where the config says so.
fn log_outcome(utterance: &Utterance, last: &Final, with_words: bool) {
    let id = last.id.as_deref().unwrap_or("-");
    let tier = last.tier.map_or("-", Tier::as_str);
    let total = last.timing.map_or(0.0, |timing| timing.total_ms);
    let code = outcome(last);
    let said = if with_words {
        format!("{:?}", utterance.text)
    } else {
        format!("{} characters", utterance.text.chars().count())
    };
    log::info!("{id}: {said}, tier {tier}, {code}, {total} ms");
}

/// A tier's model and whether it can answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TierHealth {
    /// The model's name.
    pub model: String,
    /// `ready`, `loading`, `restarting`, `away: …` (a server), `failed: …` or `missing: …`.
    pub state: String,
}

/// What works and what does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// `connected` or `disconnected`.
    pub broker: &'static str,
    /// Tier 2.
    pub chat: TierHealth,
    /// Tier 3.
    pub explain: TierHealth,
}

impl Health {
    /// Whether every part can answer.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.broker == "connected" && self.chat.state == "ready" && self.explain.state == "ready"
    }
}

/// Why an answer is to end before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Its sender said so.
    Cancelled,
    /// The daemon is stopping.
    ShuttingDown,
}

/// The handle by which a running answer is stopped.
#[derive(Debug)]
pub(super) struct Running {
    stop: watch::Sender<Option<Stop>>,
}

impl Running {
    pub(super) fn new() -> (Self, watch::Receiver<Option<Stop>>) {
        let (stop, stopped) = watch::channel(None);
        (Self { stop }, stopped)
    }

    pub(super) fn stop(&self, reason: Stop) {
        self.stop.send_replace(Some(reason));
    }
}

/// How many utterances ended how.
#[derive(Debug, Default)]
pub(super) struct Counts {
    ended: BTreeMap<(&'static str, &'static str), u64>,
    completion_tokens: u64,
    cached: u64,
    fallbacks: u64,
    drafts: BTreeMap<ModelTier, DraftCounts>,
}

/// How many tokens were drafted, and how many of them were right.
#[derive(Debug, Default)]
struct DraftCounts {
    drafted: u64,
    from_conversation: u64,
    from_chat: u64,
}

impl Counts {
    fn add(&mut self, last: &Final) {
        let tier = last.tier.map_or("none", Tier::as_str);
        *self.ended.entry((tier, outcome(last))).or_default() += 1;
        self.cached += u64::from(last.cached);
        self.fallbacks += u64::from(last.fallback.is_some());
        self.completion_tokens += last.usage.map_or(0, |usage| u64::from(usage.completion_tokens));
    }

    pub(super) fn add_drafts(&mut self, tier: ModelTier, drafts: Drafts) {
        let counts = self.drafts.entry(tier).or_default();
        counts.drafted += u64::from(drafts.drafted);
        counts.from_conversation += u64::from(drafts.accepted.saturating_sub(drafts.from_chat));
        counts.from_chat += u64::from(drafts.from_chat);
    }

    fn write_drafts(&self, text: &mut String) {
        // Writing to a String cannot fail.
        text.push_str("# HELP hearthd_drafted_tokens_total Tokens that were drafted and checked.\n# TYPE hearthd_drafted_tokens_total counter\n");
        for (tier, counts) in &self.drafts {
            let tier = Tier::from(*tier).as_str();
            let _ = writeln!(text, "hearthd_drafted_tokens_total{{tier=\"{tier}\"}} {}", counts.drafted);
        }
        text.push_str("# HELP hearthd_accepted_draft_tokens_total Drafted tokens that were right, by where they came from.\n# TYPE hearthd_accepted_draft_tokens_total counter\n");
        for (tier, counts) in &self.drafts {
            let tier = Tier::from(*tier).as_str();
            for (source, count) in [("conversation", counts.from_conversation), ("chat", counts.from_chat)] {
                let _ = writeln!(
                    text,
                    "hearthd_accepted_draft_tokens_total{{tier=\"{tier}\",source=\"{source}\"}} {count}"
                );
            }
        }
    }

    pub(super) fn to_text(&self, health: &Health) -> String {
        let mut text = String::from(
            "# HELP hearthd_utterances_total Utterances that ended, by tier and outcome.\n# TYPE hearthd_utterances_total counter\n",
        );
        // Writing to a String cannot fail.
        for ((tier, outcome), count) in &self.ended {
            let _ = writeln!(text, "hearthd_utterances_total{{tier=\"{tier}\",outcome=\"{outcome}\"}} {count}");
        }
        let _ = write!(
            text,
            "# HELP hearthd_completion_tokens_total Tokens that the models made.\n# TYPE hearthd_completion_tokens_total counter\n\
             hearthd_completion_tokens_total {}\n\
             # HELP hearthd_cached_answers_total Questions answered as they were before, without a model.\n# TYPE hearthd_cached_answers_total counter\n\
             hearthd_cached_answers_total {}\n\
             # HELP hearthd_fallback_answers_total Questions that the other tier answered, its server being away.\n# TYPE hearthd_fallback_answers_total counter\n\
             hearthd_fallback_answers_total {}\n\
             # HELP hearthd_up Whether a part can answer.\n# TYPE hearthd_up gauge\n\
             hearthd_up{{part=\"broker\"}} {}\nhearthd_up{{part=\"chat\"}} {}\nhearthd_up{{part=\"explain\"}} {}\n",
            self.completion_tokens,
            self.cached,
            self.fallbacks,
            u8::from(health.broker == "connected"),
            u8::from(health.chat.state == "ready"),
            u8::from(health.explain.state == "ready"),
        );
        self.write_drafts(&mut text);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, Health, TierHealth};
    use crate::inference::protocol::{Drafts, ModelTier};

    #[test]
    fn drafts_are_counted_by_tier_and_source() {
        let mut counts = Counts::default();
        counts.add_drafts(ModelTier::Chat, Drafts { drafted: 5, accepted: 2, from_chat: 0 });
        counts.add_drafts(ModelTier::Explain, Drafts { drafted: 7, accepted: 4, from_chat: 3 });
        counts.add_drafts(ModelTier::Explain, Drafts { drafted: 2, accepted: 1, from_chat: 1 });
        let tier = || TierHealth { model: "m".to_owned(), state: "ready".to_owned() };
        let text = counts.to_text(&Health { broker: "connected", chat: tier(), explain: tier() });
        for line in [
            r#"hearthd_drafted_tokens_total{tier="chat"} 5"#,
            r#"hearthd_drafted_tokens_total{tier="explain"} 9"#,
            r#"hearthd_accepted_draft_tokens_total{tier="chat",source="conversation"} 2"#,
            r#"hearthd_accepted_draft_tokens_total{tier="explain",source="conversation"} 1"#,
            r#"hearthd_accepted_draft_tokens_total{tier="explain",source="chat"} 4"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing:\n{text}");
        }
    }
}
