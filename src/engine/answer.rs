//! Tiers 2 and 3: one answer of a model, from its place in the queue to its final object.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::sleep_until;

use crate::core::dialogue::{Turn, refers_to_now_or_here};
use crate::core::reply::{Chunker, Code, Final, Finish, Status, Usage};
use crate::core::utterance::Utterance;
use crate::inference::protocol::{ModelTier, Prompt};
use crate::inference::supervisor::models::{Answer, AnswerEvent};

use super::responder::Responder;
use super::state::{Shared, Stop};
use super::{lock, milliseconds};

/// An answer that the worker has been asked for, with its place among the admitted.
pub(super) struct Started {
    answer: Answer,
    permit: OwnedSemaphorePermit,
    /// The text as the model read it, for the next turn's prompt to begin with the same tokens.
    said: String,
}

/// What an answering task is given.
pub(super) struct Job {
    pub(super) tier: ModelTier,
    pub(super) utterance: Utterance,
    pub(super) expires: Option<Instant>,
    pub(super) responder: Responder,
    pub(super) started: Started,
}

/// Asks the worker for an answer, or says at once why there will be none.
pub(super) fn begin(shared: &Shared, tier: ModelTier, utterance: &Utterance) -> Result<Started, (Code, String)> {
    let settings = shared.settings();
    let tier_settings = settings.tier(tier);
    if let Some(missing) = &tier_settings.missing {
        return Err((Code::ModelUnavailable, missing.clone()));
    }
    let permit = shared
        .admission(tier)
        .try_acquire_owned()
        .map_err(|_| (Code::Busy, "too many answers are running and waiting; ask again in a moment".to_owned()))?;
    let prompt = Prompt {
        tier,
        turns: lock(&shared.conversations).turns(&utterance.user_id, Instant::now()),
        text: utterance.text.clone(),
        context: context(utterance),
        max_tokens: tier_settings.max_tokens,
        sampling: tier_settings.sampling.clone(),
    };
    let said = prompt.said();
    let answer = shared.models.generate(prompt).map_err(|error| (error.code, error.message))?;
    Ok(Started { answer, permit, said })
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
    Model { finish: Finish, usage: Usage, decode_ms: f64 },
    Failed(Code, String),
    Stopped(Stop),
    DeadlinePassed,
    NobodyReads,
    Expired,
}

/// Passes a model's pieces on as chunks until it ends, is stopped, or its deadline passes.
pub(super) async fn run(shared: Arc<Shared>, job: Job, stop: watch::Receiver<Option<Stop>>) {
    let Job { tier, utterance, expires, mut responder, started: Started { answer, permit, said } } = job;
    let settings = shared.settings();
    let deadline = responder.arrived() + settings.tier(tier).deadline;
    let mut stream = Stream {
        answer,
        stop,
        deadline,
        expires,
        chunker: Chunker::new(settings.join),
        dropped_turns: 0,
        responder: &mut responder,
    };
    let mut end = stream.relay().await;
    // What waited to be joined belongs to the text, however the answer ended.
    let rest = stream.chunker.take();
    let dropped_turns = stream.dropped_turns;
    // Dropped here, the worker stops making what nobody will read.
    drop(stream);
    drop(permit);
    if rest.is_some_and(|rest| responder.chunk(rest).is_err()) {
        end = End::NobodyReads;
    }
    let last = conclude(end, &mut responder);
    lock(&shared.running).remove(responder.id());
    if last.status == Status::Ok && responder.has_text() {
        let turn = Turn { user: said, assistant: responder.text().to_owned() };
        lock(&shared.conversations).add(&utterance.user_id, turn, dropped_turns, Instant::now());
    }
    let last = Final { model: Some(settings.tier(tier).model.clone()), ..last };
    shared.finish(&utterance, responder, last);
}

struct Stream<'a> {
    answer: Answer,
    stop: watch::Receiver<Option<Stop>>,
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
                    AnswerEvent::Finished { finish, usage, decode_ms } => {
                        return End::Model { finish, usage, decode_ms };
                    }
                    AnswerEvent::Failed { code, message } => return End::Failed(code, message),
                },
                () = joined => self.chunker.take(),
            };
            if chunk.is_some_and(|chunk| self.responder.chunk(chunk).is_err()) {
                return End::NobodyReads;
            }
        }
    }
}

fn conclude(end: End, responder: &mut Responder) -> Final {
    match end {
        End::Model { finish, usage, decode_ms } => {
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
