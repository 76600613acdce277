//! Who computes next: chat before explanations, running answers before new prompts, nobody left waiting for ever.
//!
//! Takes frames, gives frames, and asks a [`Model`] for one step at a time; it reads no socket, so that tests drive it with
//! the fake. Within a tier every running answer gets one token a step, and prompts are read in pieces in what is left of it.
//! A slot keeps what it computed when its answer ends, so that the conversation's next turn computes only what is new. Where
//! it pays, answers go on by several tokens a step that were drafted beforehand.

mod ahead;
mod draft;
mod kept;
mod lookup;
mod pace;
mod queue;
mod worth;

use std::collections::VecDeque;
use std::time::Instant;

use self::draft::{Draft, LONGEST_EXPLAIN_STEP};
use self::kept::Kept;
use self::lookup::Lookup;
use self::pace::{Pace, Waits};
use self::queue::{Queue, Waiting};
use self::worth::Worth;
use super::model::{Model, Prepared, Refused, Sampled, Token, Work};
use super::text::AnswerText;
use crate::core::reply::{Finish, Usage};
use crate::inference::protocol::{Drafts, FromWorker, ModelTier, Prompt, ToWorker, WorkerCode};

/// Answers that may wait in one tier; the engine admits fewer.
const MOST_WAITING: usize = 256;
/// Chat steps after which an explanation gets one, if all that chat does is go on with what it says.
const CHAT_STEPS: u32 = 4;
/// The same while chat reads prompts, whose first word somebody waits for.
const CHAT_STEPS_READING: u32 = 32;

/// An answer in a slot.
struct Answer {
    request: u64,
    /// Who asked.
    user: String,
    /// The prompt's, then the answer's; the last one sampled is not computed yet.
    tokens: Vec<Token>,
    /// How many of `tokens` are the prompt's.
    prompt: usize,
    /// How many of `tokens` are computed.
    computed: usize,
    /// How many of `tokens` were computed when it began.
    cached: usize,
    max_tokens: u32,
    text: AnswerText,
    first_token: Option<Instant>,
    last_token: Option<Instant>,
    lookup: Lookup,
    draft: Draft,
    drafts: Drafts,
}

impl Answer {
    fn new(request: u64, user: String, prepared: Prepared, cached: usize, stops: &[String]) -> Self {
        let Prepared { tokens, max_tokens, .. } = prepared;
        // Something of every prompt is computed, since the token after its last is wanted.
        let cached = cached.min(tokens.len().saturating_sub(1));
        Self {
            request,
            user,
            prompt: tokens.len(),
            tokens,
            computed: cached,
            cached,
            max_tokens,
            text: AnswerText::new(stops),
            first_token: None,
            last_token: None,
            lookup: Lookup::default(),
            draft: Draft::default(),
            drafts: Drafts::default(),
        }
    }

    fn reading(&self) -> bool {
        self.computed < self.prompt
    }

    fn said(&self) -> u32 {
        count(self.tokens.len() - self.prompt)
    }

    fn finished(self, finish: Finish) -> (Option<FromWorker>, FromWorker) {
        let usage = Usage {
            prompt_tokens: count(self.prompt),
            cached_tokens: count(self.cached),
            completion_tokens: self.said(),
        };
        let decode_ms = match (self.first_token, self.last_token) {
            (Some(first), Some(last)) => last.duration_since(first).as_secs_f64() * 1_000.0,
            _ => 0.0,
        };
        let (request, drafts) = (self.request, self.drafts);
        if drafts.drafted > 0 {
            log::debug!("answer {request}: {} of {} drafted tokens were right", drafts.accepted, drafts.drafted);
        }
        let rest = self.text.finish().map(|text| FromWorker::Text { request, text });
        (rest, FromWorker::Finished { request, finish, usage, decode_ms, drafts })
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

struct Tier<'model> {
    which: ModelTier,
    model: Box<dyn Model + 'model>,
    answers: Vec<Option<Answer>>,
    kept: Kept,
    /// Slots in the order in which their prompts came.
    order: VecDeque<usize>,
    waiting: Queue,
    pace: Pace,
    /// What drafts are worth; `None` for a model that checks none.
    worth: Option<Worth>,
}

/// The tiers and their answers.
#[derive(Default)]
pub(super) struct Scheduler<'model> {
    tiers: Vec<Tier<'model>>,
    /// Chat steps since the last of an explanation.
    chat_steps: u32,
    /// Whether chat's model can draft for explain's.
    chat_drafts: bool,
}

impl<'model> Scheduler<'model> {
    /// Takes a loaded model into the schedule.
    pub(super) fn add(&mut self, tier: ModelTier, model: Box<dyn Model + 'model>) {
        let answers = (0..model.slots()).map(|_| None).collect();
        let kept = Kept::new(model.slots());
        let (order, waiting, pace) = (VecDeque::new(), Queue::default(), Pace::default());
        let longest = if tier == ModelTier::Explain { LONGEST_EXPLAIN_STEP } else { f64::INFINITY };
        let worth = (model.checks_drafts() > 1).then(|| Worth::new(longest));
        self.tiers.push(Tier { which: tier, model, answers, kept, order, waiting, pace, worth });
        // Chat stands before explain in the enum.
        self.tiers.sort_by_key(|tier| tier.which);
        self.compare_vocabularies();
    }

    /// Whether there is anything to compute.
    pub(super) fn busy(&self) -> bool {
        self.tiers.iter().any(Tier::busy)
    }

    /// Does something that can wait until nothing is asked; `false` where there is nothing left to do.
    pub(super) fn tidy(&mut self) -> bool {
        self.tiers.iter_mut().any(|tier| tier.model.tidy())
    }

    /// Takes one frame of the daemon's.
    pub(super) fn handle(&mut self, frame: ToWorker, out: &mut Vec<FromWorker>) {
        match frame {
            ToWorker::Ping { nonce } => out.push(FromWorker::Pong { nonce }),
            ToWorker::Cancel { request } => self.tiers.iter_mut().for_each(|tier| tier.cancel(request, out)),
            ToWorker::Load(_) => log::warn!("the models are loaded once only; a second request to load is ignored"),
            ToWorker::Generate { request, prompt } => {
                let refused = match self.tiers.iter_mut().find(|tier| tier.which == prompt.tier) {
                    None => Refused {
                        code: WorkerCode::ModelUnavailable,
                        message: "no model is loaded for this".to_owned(),
                    },
                    Some(tier) if tier.waiting.len() >= MOST_WAITING => {
                        Refused { code: WorkerCode::Busy, message: "too many questions are waiting".to_owned() }
                    }
                    Some(tier) => return tier.waiting.push(Waiting { request, prompt }),
                };
                out.push(failed(request, refused));
            }
        }
    }

    /// Computes one step of one tier.
    pub(super) fn step(&mut self, out: &mut Vec<FromWorker>) {
        for tier in &mut self.tiers {
            tier.fill_slots(out);
        }
        let Some(next) = self.next_tier() else { return };
        if self.draft_with_chat(next) {
            return;
        }
        if self.tiers[next].which == ModelTier::Chat {
            self.chat_steps = self.chat_steps.saturating_add(1);
        } else {
            self.chat_steps = 0;
        }
        let listeners = self.tiers.iter().map(Tier::listeners).sum();
        let waits = Waits::new(listeners, self.tiers[next].askers());
        self.tiers[next].step(waits, out);
    }

    /// Chat if it has anything to do, but for one step in a while.
    fn next_tier(&self) -> Option<usize> {
        let first = self.tiers.iter().position(Tier::busy)?;
        let later = self.tiers.iter().skip(first + 1).position(Tier::busy).map(|after| first + 1 + after);
        let patience = if self.tiers[first].reading() { CHAT_STEPS_READING } else { CHAT_STEPS };
        match later {
            Some(later) if self.chat_steps >= patience => Some(later),
            _ => Some(first),
        }
    }
}

fn failed(request: u64, refused: Refused) -> FromWorker {
    FromWorker::Failed { request, code: refused.code, message: refused.message }
}

impl Tier<'_> {
    fn busy(&self) -> bool {
        !self.order.is_empty() || !self.waiting.is_empty()
    }

    fn reading(&self) -> bool {
        self.askers() > 0
    }

    /// How many answers are being said.
    fn listeners(&self) -> usize {
        self.answers.iter().flatten().filter(|answer| !answer.reading()).count()
    }

    /// How many wait for their first word in a slot.
    fn askers(&self) -> usize {
        self.answers.iter().flatten().filter(|answer| answer.reading()).count()
    }

    fn cancel(&mut self, request: u64, out: &mut Vec<FromWorker>) {
        if self.waiting.cancel(request) {
            let (usage, decode_ms) = (Usage::default(), 0.0);
            let (finish, drafts) = (Finish::Cancelled, Drafts::default());
            out.push(FromWorker::Finished { request, finish, usage, decode_ms, drafts });
        }
        let running = |answer: &Option<Answer>| answer.as_ref().is_some_and(|answer| answer.request == request);
        if let Some(slot) = self.answers.iter().position(running) {
            self.finish(slot, Finish::Cancelled, out);
        }
    }

    fn fill_slots(&mut self, out: &mut Vec<FromWorker>) {
        loop {
            let running: Vec<&str> = self.answers.iter().flatten().map(|answer| answer.user.as_str()).collect();
            let free = self.answers.len() - running.len();
            let Some(Waiting { request, prompt }) = self.waiting.next(free, &running) else { return };
            if let Err(refused) = self.open(request, &prompt, out) {
                out.push(failed(request, refused));
            }
        }
    }

    /// Gives a prompt the slot that holds most of it.
    fn open(&mut self, request: u64, prompt: &Prompt, out: &mut Vec<FromWorker>) -> Result<(), Refused> {
        let prepared = self.model.prepare(prompt)?;
        let free = (0..self.answers.len()).filter(|slot| self.answers[*slot].is_none());
        let (shared, cuts) = (self.model.prefix_tokens(), self.model.cuts());
        let Some((slot, kept)) = self.kept.choose(free, &prepared.tokens, shared, cuts) else {
            return Err(Refused { code: WorkerCode::Internal, message: "there is no free slot".to_owned() });
        };
        self.kept.take(slot);
        let cached = self.model.open(slot, kept, &prepared, prompt)?;
        out.push(FromWorker::Started { request, dropped_turns: prepared.dropped_turns });
        self.begin(slot, Answer::new(request, prompt.user.clone(), prepared, cached, self.model.stops()), out);
        Ok(())
    }

    fn begin(&mut self, slot: usize, answer: Answer, out: &mut Vec<FromWorker>) {
        let says_nothing = answer.max_tokens == 0;
        self.order.push_back(slot);
        self.answers[slot] = Some(answer);
        if says_nothing {
            self.finish(slot, Finish::Length, out);
        }
    }

    fn step(&mut self, waits: Waits, out: &mut Vec<FromWorker>) {
        self.look_up_drafts();
        let piece = |most| self.pace.piece(waits, most);
        let works = works(&self.answers, &self.order, self.model.step_tokens(), piece);
        if works.is_empty() {
            return;
        }
        let computed: Vec<(usize, usize, bool, usize)> =
            works.iter().map(|work| (work.slot, work.tokens.len(), work.sample, work.drafted)).collect();
        let reads = self.reading();
        let prompts = works.iter().filter(|work| work.drafted == 0 && work.tokens.len() > 1);
        let read = prompts.map(|work| work.tokens.len()).sum();
        let begun = Instant::now();
        let sampled = match self.model.step(&works) {
            Ok(sampled) => sampled,
            Err(refused) => return self.fail(&refused, out),
        };
        let now = Instant::now();
        self.pace.note(read, now - begun);
        if !reads {
            self.note_step(&computed, now.duration_since(begun));
        }
        let mut sampled = sampled.into_iter();
        for (slot, tokens, sample, drafted) in computed {
            if drafted > 0 {
                self.take_drafted(slot, drafted, &mut sampled, now, out);
                continue;
            }
            let Some(answer) = self.answers.get_mut(slot).and_then(Option::as_mut) else { continue };
            answer.computed += tokens;
            answer.draft = Draft::default();
            if sample {
                self.take(slot, sampled.next().unwrap_or(Sampled::End), now, out);
            }
        }
    }

    /// Takes what a step gave a slot.
    fn take(&mut self, slot: usize, sampled: Sampled, now: Instant, out: &mut Vec<FromWorker>) {
        let Some(answer) = self.answers.get_mut(slot).and_then(Option::as_mut) else { return };
        let token = match sampled {
            Sampled::Nothing => return,
            Sampled::End => return self.finish(slot, Finish::Stop, out),
            Sampled::Token(token) => token,
        };
        answer.tokens.push(token);
        answer.first_token.get_or_insert(now);
        answer.last_token = Some(now);
        let mut bytes = Vec::new();
        self.model.piece(slot, token, &mut bytes);
        let request = answer.request;
        let text = answer.text.push(&bytes);
        let length = text.as_ref().map_or(0, String::len);
        log::trace!("answer {request}: token {} sampled at {now:?}, {length} bytes to say", answer.said());
        out.extend(text.map(|text| FromWorker::Text { request, text }));
        if answer.text.stopped() {
            self.finish(slot, Finish::Stop, out);
        } else if answer.said() >= answer.max_tokens {
            self.finish(slot, Finish::Length, out);
        }
    }

    /// Frees a slot, which keeps the state of as many tokens as `keep` says.
    fn release(&mut self, slot: usize, keep: impl FnOnce(&Answer) -> usize) -> Option<Answer> {
        let answer = self.answers.get_mut(slot).and_then(Option::take)?;
        self.order.retain(|taken| *taken != slot);
        let keep = keep(&answer);
        let worth_it = keep > self.model.prefix_tokens();
        let kept = self.model.close(slot, if worth_it { keep } else { 0 });
        self.kept.put(slot, answer.tokens.iter().take(kept).copied().collect());
        Some(answer)
    }

    fn finish(&mut self, slot: usize, finish: Finish, out: &mut Vec<FromWorker>) {
        // Nobody goes on from an answer that was given up: all that it wrote goes, what it found there may stay.
        let keep = |answer: &Answer| if finish == Finish::Cancelled { answer.cached } else { answer.computed };
        if let Some(answer) = self.release(slot, keep) {
            if finish != Finish::Cancelled {
                self.look_ahead(slot, &answer);
            }
            let (rest, end) = answer.finished(finish);
            out.extend(rest);
            out.push(end);
        }
    }

    /// Ends every running answer after a step that failed, and forgets what the others left: whose fault it was cannot be
    /// told.
    fn fail(&mut self, refused: &Refused, out: &mut Vec<FromWorker>) {
        log::error!("a step of the {:?} model failed: {}", self.which, refused.message);
        for slot in 0..self.answers.len() {
            if let Some(answer) = self.release(slot, |_| 0) {
                out.push(failed(answer.request, refused.clone()));
            } else {
                self.model.close(slot, 0);
                self.kept.take(slot);
            }
        }
    }
}

/// What a step computes: a token for every answer that goes on, then prompts in the order they came, as much as fits.
fn works<'a>(
    answers: &'a [Option<Answer>],
    order: &VecDeque<usize>,
    step_tokens: usize,
    piece: impl FnOnce(usize) -> usize,
) -> Vec<Work<'a>> {
    let in_order = || order.iter().filter_map(|slot| Some((*slot, answers.get(*slot)?.as_ref()?)));
    let mut works = Vec::new();
    let mut left = step_tokens;
    // One for each of them comes before drafts.
    let running = in_order().filter(|(_, answer)| !answer.reading()).count();
    let mut spare = step_tokens.saturating_sub(running);
    for (slot, answer) in in_order().filter(|(_, answer)| !answer.reading()) {
        let draft = answer.draft.checked().filter(|draft| draft.len() <= spare + 1);
        let drafted = draft.map_or(0, |draft| draft.len() - 1);
        let tokens = draft.unwrap_or(&answer.tokens[answer.computed..]);
        spare -= drafted;
        works.push(Work { slot, tokens, position: answer.computed, sample: true, drafted });
        left = left.saturating_sub(tokens.len());
    }
    left = piece(left);
    for (slot, answer) in in_order().filter(|(_, answer)| answer.reading()) {
        let rest = &answer.tokens[answer.computed..answer.prompt];
        let piece = &rest[..rest.len().min(left)];
        if piece.is_empty() {
            break;
        }
        works.push(Work {
            slot,
            tokens: piece,
            position: answer.computed,
            sample: piece.len() == rest.len(),
            drafted: 0,
        });
        left -= piece.len();
    }
    works
}

#[cfg(test)]
mod tests;
