//! Tiers 2 and 3: one answer of a model, from its place in the queue to its final object.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;
use tokio::time::sleep_until;

use crate::core::dialogue::{Turn, refers_to_now_or_here};
use crate::core::reply::{Chunker, Code, Final, Finish, Status, Usage};
use crate::core::utterance::{Tier, Utterance};
use crate::inference::protocol::{Drafts, ModelTier, Prompt};
use crate::inference::supervisor::models::{Answer, AnswerEvent};

use super::admission::{Full, Place};
use super::cache::{self, Ticket};
use super::responder::Responder;
use super::state::{Shared, Stop};
use super::{Settings, lock, milliseconds};

/// An answer that a model has been asked for, with its place among the admitted.
pub(super) struct Started {
    /// Who was asked.
    tier: ModelTier,
    answer: Answer,
    place: Place,
    /// The text as the model read it, for the next turn's prompt to begin with the same tokens.
    said: String,
    /// Where the answer is kept for the next who asks.
    ticket: Option<Ticket>,
    /// Why this tier answers and not the other, which was to.
    fallback: Option<String>,
}

/// An answer that was given before.
pub(super) struct Known {
    tier: ModelTier,
    text: String,
    said: String,
}

/// What there is to answer with.
pub(super) enum Begun {
    /// A model that has been asked.
    Started(Started),
    /// What it said the last time.
    Known(Known),
}

/// What an answering task is given.
pub(super) struct Job {
    pub(super) utterance: Utterance,
    pub(super) expires: Option<Instant>,
    pub(super) responder: Responder,
    pub(super) started: Started,
}

/// Looks for the answer, else asks a model for one, or says at once why there will be none.
pub(super) fn begin(shared: &Shared, tier: ModelTier, utterance: &Utterance) -> Result<Begun, (Code, String)> {
    let settings = shared.settings();
    let prompt = prompt(shared, &settings, tier, utterance);
    let lang = utterance.lang.as_deref().unwrap_or(&settings.language);
    let now = Instant::now();
    let mut cache = lock(&shared.cache);
    let ticket = cache.ticket(&prompt, lang, settings.cache);
    if let Some(text) = ticket.as_ref().and_then(|ticket| cache.get(ticket, settings.cache, now)) {
        return Ok(Begun::Known(Known { tier, text, said: prompt.said() }));
    }
    drop(cache);
    let refused = match ask(shared, &settings, prompt, ticket.clone()) {
        Ok(started) => return Ok(Begun::Started(started)),
        Err(refused) => refused,
    };
    let instead = stand_in(shared, &settings, (tier, &refused), utterance, ticket);
    instead.map(Begun::Started).ok_or(refused)
}

fn prompt(shared: &Shared, settings: &Settings, tier: ModelTier, utterance: &Utterance) -> Prompt {
    let tier_settings = settings.tier(tier);
    Prompt {
        tier,
        user: utterance.user_id.as_str().to_owned(),
        turns: lock(&shared.conversations).turns(&utterance.user_id, Instant::now()),
        text: utterance.text.clone(),
        context: context(utterance),
        max_tokens: tier_settings.max_tokens,
        sampling: tier_settings.sampling.clone(),
    }
}

/// Asks a model.
fn ask(
    shared: &Shared,
    settings: &Settings,
    prompt: Prompt,
    ticket: Option<Ticket>,
) -> Result<Started, (Code, String)> {
    let tier = prompt.tier;
    if let Some(missing) = &settings.tier(tier).missing {
        return Err((Code::ModelUnavailable, missing.clone()));
    }
    let place = shared.admission(tier).take(&prompt.user).map_err(|full| {
        let why = match full {
            Full::Everybody => "too many answers are running and waiting; ask again in a moment",
            Full::User => "too many of your questions are running and waiting; ask again when one is answered",
        };
        (Code::Busy, why.to_owned())
    })?;
    let said = prompt.said();
    let answer = shared.models.generate(prompt).map_err(|error| (error.code, error.message))?;
    Ok(Started { tier, answer, place, said, ticket, fallback: None })
}

/// Asks the other tier where one's server is away, and nothing else is wrong.
fn stand_in(
    shared: &Shared,
    settings: &Settings,
    (tier, (code, why)): (ModelTier, &(Code, String)),
    utterance: &Utterance,
    ticket: Option<Ticket>,
) -> Option<Started> {
    if *code != Code::ModelUnavailable || !settings.tier(tier).is_remote {
        return None;
    }
    let other = match tier {
        ModelTier::Chat => ModelTier::Explain,
        ModelTier::Explain => ModelTier::Chat,
    };
    let ticket = ticket.map(|ticket| ticket.for_tier(other));
    let mut started = ask(shared, settings, prompt(shared, settings, other, utterance), ticket).ok()?;
    started.fallback = Some(format!("{}: {why}", Tier::from(tier).as_str()));
    Some(started)
}

/// Says an answer again, as a stream that is there at once.
pub(super) fn repeat(shared: &Shared, known: Known, utterance: &Utterance, responder: &mut Responder) -> Final {
    let Known { tier, text, said } = known;
    let model = Some(shared.settings().tier(tier).model.clone());
    if cache::pieces(&text).into_iter().any(|piece| responder.chunk(piece).is_err()) {
        return Final { model, ..conclude(End::NobodyReads, responder) };
    }
    lock(&shared.conversations).add(&utterance.user_id, Turn { user: said, assistant: text }, 0, Instant::now());
    Final { model, finish: Some(Finish::Stop), cached: true, ..Final::new(None, Status::Ok) }
}

/// What changes from one utterance to the next; stands last in the prompt, so that what stays keeps its KV state.
fn context(utterance: &Utterance) -> String {
    if !refers_to_now_or_here(&utterance.text) {
        return String::new();
    }
    let now = jiff::Zoned::now().strftime("%A, %-d %B %Y, %H:%M");
    match &utterance.site_id {
        Some(site) => format!("Now: {now}. Room: {}.", site.as_str().replace(['_', '-'], " ")),
        None => format!("Now: {now}."),
    }
}

/// How an answer ended, before it is written down.
enum End {
    Model { finish: Finish, usage: Usage, decode_ms: f64, drafts: Drafts },
    Failed(Code, String),
    Stopped(Stop),
    DeadlinePassed,
    NobodyReads,
    Expired,
}

/// Passes a model's pieces on as chunks until it ends, is stopped, or its deadline passes.
pub(super) async fn run(shared: Arc<Shared>, job: Job, mut stop: watch::Receiver<Option<Stop>>) {
    let Job { utterance, expires, mut responder, mut started } = job;
    let settings = shared.settings();
    let (end, dropped_turns) = loop {
        let tier = started.tier;
        responder.tier = Some(tier.into());
        let mut stream = Stream {
            answer: &mut started.answer,
            stop: &mut stop,
            deadline: responder.arrived() + settings.tier(tier).deadline,
            expires,
            chunker: Chunker::new(settings.join),
            dropped_turns: 0,
            responder: &mut responder,
        };
        let mut end = stream.relay().await;
        // What waited to be joined belongs to the text, however the answer ended.
        let rest = stream.chunker.take(Instant::now());
        let dropped_turns = stream.dropped_turns;
        if rest.is_some_and(|rest| responder.chunk(rest).is_err()) {
            end = End::NobodyReads;
        }
        // Its server went away before it said anything; once is enough.
        if let End::Failed(code, why) = &end
            && started.fallback.is_none()
            && !responder.has_text()
            && let refused = (*code, why.clone())
            && let Some(other) = stand_in(&shared, &settings, (tier, &refused), &utterance, started.ticket.clone())
        {
            started = other;
            continue;
        }
        break (end, dropped_turns);
    };
    let Started { tier, answer, place, said, ticket, fallback } = started;
    // Dropped here, the model stops making what nobody will read.
    drop(answer);
    drop(place);
    if let End::Model { drafts, .. } = end {
        lock(&shared.counts).add_drafts(tier, drafts);
    }
    let last = conclude(end, &mut responder);
    lock(&shared.running).remove(responder.id());
    if last.status == Status::Ok && responder.has_text() {
        let now = Instant::now();
        if let Some(ticket) = ticket.filter(|_| last.finish == Some(Finish::Stop)) {
            lock(&shared.cache).put(ticket, responder.text(), settings.cache, now);
        }
        let turn = Turn { user: said, assistant: responder.text().to_owned() };
        lock(&shared.conversations).add(&utterance.user_id, turn, dropped_turns, now);
    }
    let last = Final { model: Some(settings.tier(tier).model.clone()), fallback, ..last };
    shared.finish(&utterance, responder, last);
}

struct Stream<'a> {
    answer: &'a mut Answer,
    stop: &'a mut watch::Receiver<Option<Stop>>,
    deadline: Instant,
    expires: Option<Instant>,
    chunker: Chunker,
    dropped_turns: usize,
    responder: &'a mut Responder,
}

impl Stream<'_> {
    async fn relay(&mut self) -> End {
        loop {
            let due = self.chunker.due();
            let joined = async {
                match due {
                    Some(due) => sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            let chunk = tokio::select! {
                biased;
                stopped = self.stop.wait_for(Option::is_some) => {
                    return End::Stopped(stopped.ok().and_then(|stop| *stop).unwrap_or(Stop::ShuttingDown));
                }
                () = sleep_until(self.deadline.into()) => return End::DeadlinePassed,
                event = self.answer.next() => match event {
                    AnswerEvent::Started { dropped_turns } => {
                        if self.expires.is_some_and(|expires| Instant::now() >= expires) {
                            return End::Expired;
                        }
                        self.dropped_turns = dropped_turns;
                        self.responder.timing.queue_ms = milliseconds(self.responder.arrived().elapsed());
                        None
                    }
                    AnswerEvent::Text(text) => self.chunker.push(&text, Instant::now()),
                    AnswerEvent::Finished { finish, usage, decode_ms, drafts } => {
                        return End::Model { finish, usage, decode_ms, drafts };
                    }
                    AnswerEvent::Failed { code, message } => return End::Failed(code, message),
                },
                () = joined => self.chunker.take(Instant::now()),
            };
            if chunk.is_some_and(|chunk| self.responder.chunk(chunk).is_err()) {
                return End::NobodyReads;
            }
        }
    }
}

fn conclude(end: End, responder: &mut Responder) -> Final {
    match end {
        End::Model { finish, usage, decode_ms, .. } => {
            let mut last = Final::new(None, if finish == Finish::Cancelled { Status::Cancelled } else { Status::Ok });
            // The first token came with the prompt's last step: the rate counts those after it.
            if usage.completion_tokens > 1 && decode_ms > 0.0 {
                let rate = f64::from(usage.completion_tokens - 1) * 1e3 / decode_ms;
                responder.timing.tokens_per_second = Some((rate * 10.0).round() / 10.0);
            }
            last.finish = Some(finish);
            last.usage = Some(usage);
            last
        }
        End::Failed(code, message) => Final::refusal(None, code, message),
        End::Stopped(Stop::Cancelled) => {
            let mut last = Final::new(None, Status::Cancelled);
            last.finish = Some(Finish::Cancelled);
            last
        }
        End::NobodyReads => {
            let mut last =
                Final::refusal(None, Code::TooSlow, "the replies were not read fast enough, so the answer was stopped");
            last.finish = Some(Finish::Cancelled);
            last
        }
        End::Stopped(Stop::ShuttingDown) => {
            Final::refusal(None, Code::ShuttingDown, "hearthd is stopping; ask again when it is back")
        }
        End::DeadlinePassed if responder.has_text() => {
            let mut last = Final::new(None, Status::Ok);
            last.finish = Some(Finish::Timeout);
            last
        }
        End::DeadlinePassed => {
            let mut last =
                Final::refusal(None, Code::Timeout, "the model did not answer before the tier's deadline; ask again");
            last.finish = Some(Finish::Timeout);
            last
        }
        End::Expired => Final::refusal(None, Code::Expired, "this waited too long to be answered; say it again"),
    }
}
