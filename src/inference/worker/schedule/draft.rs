//! Drafts of running answers: where they come from, and what is taken of them.
//!
//! A draft is only ever a guess at what the model says next, so that nothing here changes what is said. The conversation
//! itself is asked first; where nothing in it agrees, chat's model may draft for the one explanation that runs, as long as
//! chat has nothing to do.

use std::time::{Duration, Instant};

use super::worth::{Load, MOST, Source};
use super::{Answer, FromWorker, Scheduler, Tier};
use crate::inference::protocol::ModelTier;
use crate::inference::worker::model::{Drafted, Model, Sampled, Token};

/// A step of the large model with drafts takes so many times as long as one without at most: a question to chat waits for the
/// running step's end, and of a hundred that come at any time 95 are to wait no longer than a step without. On a graphics
/// card, and where many cores wait for memory, three tokens take hardly longer than one; on two cores they take 1.8 times as
/// long, so that there is no draft but for trying.
pub(super) const LONGEST_EXPLAIN_STEP: f64 = 1.05;
/// A draft may be longer than the earlier place agrees with the end, by so much.
const BEYOND_AGREEMENT: usize = 1;

/// What one answer's next step is to check.
#[derive(Debug, Default)]
pub(super) struct Draft {
    source: Source,
    /// The last token of the answer, which is not computed yet, and those drafted behind it; empty where there is no draft.
    tokens: Vec<Token>,
    /// How many tokens the other model is to draft.
    wanted: usize,
    /// Whether the other model has nothing to add.
    done: bool,
}

impl Draft {
    /// The tokens to compute, if any are drafted.
    pub(super) fn checked(&self) -> Option<&[Token]> {
        (self.tokens.len() > 1).then_some(&self.tokens)
    }

    fn drafted(&self) -> usize {
        self.tokens.len().saturating_sub(1)
    }
}

impl Answer {
    /// Tokens that may be drafted: one comes from the step in any case.
    fn room(&self) -> usize {
        let left = self.max_tokens.saturating_sub(self.said()).saturating_sub(1);
        usize::try_from(left).unwrap_or(usize::MAX).min(MOST)
    }
}

impl Tier<'_> {
    /// Drafts for every running answer that has none yet, from its own conversation. While a prompt is read all that fits in
    /// a step is its.
    pub(super) fn look_up_drafts(&mut self) {
        let reads = self.reading();
        let Some(worth) = self.worth.as_mut().filter(|_| !reads) else { return };
        let running = self.answers.iter().flatten().count();
        let makes = u32::try_from(running).map_or(0.0, f64::from);
        let mut load = Load { tokens: running, makes };
        let fit = self.model.step_tokens().min(self.model.checks_drafts()).saturating_sub(running);
        for slot in &self.order {
            let Some(answer) = self.answers.get_mut(*slot).and_then(Option::as_mut) else { continue };
            answer.lookup.learn(&answer.tokens);
            if answer.draft.drafted() > 0 {
                continue;
            }
            let (Some(found), Some(last)) = (answer.lookup.find(&answer.tokens), answer.tokens.last()) else {
                continue;
            };
            let source = Source::of(found.length);
            let left = fit.saturating_sub(load.tokens - running);
            let most = answer.room().min(found.length + BEYOND_AGREEMENT).min(left);
            let drafted = worth.draft(source, load, most, 0);
            if drafted > 0 {
                let mut tokens = vec![*last];
                found.follow(&answer.tokens, drafted, &mut tokens);
                answer.draft = Draft { source, tokens, ..Draft::default() };
                load = worth.with(load, source, drafted);
            }
        }
    }

    /// Takes the time of a step that read no prompt. Where so many answers go on that nothing is drafted beside them, the
    /// model may compute them together, which says nothing of drafts.
    pub(super) fn note_step(&mut self, computed: &[(usize, usize, bool, usize)], took: Duration) {
        if computed.len() >= self.model.checks_drafts() {
            return;
        }
        let tokens = computed.iter().map(|(_, tokens, ..)| tokens).sum();
        let drafted = computed.iter().map(|(.., drafted)| drafted).sum();
        if let Some(worth) = &mut self.worth {
            worth.note_step(tokens, drafted, took.as_secs_f64() * 1_000.0);
        }
    }

    /// Takes what a step gave a slot with a draft: one token after each that was right, each as if it had come alone.
    pub(super) fn take_drafted(
        &mut self,
        slot: usize,
        drafted: usize,
        sampled: &mut impl Iterator<Item = Sampled>,
        now: Instant,
        out: &mut Vec<FromWorker>,
    ) {
        let Some(answer) = self.answers.get_mut(slot).and_then(Option::as_mut) else { return };
        let draft = std::mem::take(&mut answer.draft);
        let mut accepted = 0;
        let mut given = Vec::with_capacity(drafted + 1);
        for next in sampled {
            given.push(next);
            // Nothing is sampled behind what is not as drafted, or behind the whole draft.
            if draft.tokens.get(given.len()).is_none_or(|token| next != Sampled::Token(*token)) {
                break;
            }
            accepted += 1;
        }
        answer.drafts.drafted += super::count(drafted);
        answer.drafts.accepted += super::count(accepted);
        if draft.source == Source::Model {
            answer.drafts.from_chat += super::count(accepted);
        }
        if let Some(worth) = &mut self.worth {
            worth.note_draft(draft.source, drafted, accepted);
        }
        log::trace!("slot {slot}: {accepted} of {drafted} drafted tokens by {:?}", draft.source);
        for next in given {
            // It may have ended with the one before; what follows then was never said.
            let Some(answer) = self.answers.get_mut(slot).and_then(Option::as_mut) else { break };
            answer.computed += 1;
            self.take(slot, next, now, out);
        }
    }

    /// Lets another model draft a token more for the only running answer; whether that took a step of it.
    fn draft_from(&mut self, other: &mut dyn Model) -> bool {
        let fit = self.model.checks_drafts().saturating_sub(1);
        let (Some(worth), [slot]) = (&mut self.worth, self.order.make_contiguous()) else { return false };
        let Some(answer) = self.answers.get_mut(*slot).and_then(Option::as_mut) else { return false };
        if answer.reading() || answer.draft.done {
            return false;
        }
        if answer.draft.tokens.is_empty() {
            answer.lookup.learn(&answer.tokens);
            let Some(last) = answer.tokens.last().copied() else { return false };
            let agrees = answer.lookup.find(&answer.tokens).map_or(0, |found| found.length);
            let unread = other.unread(&answer.tokens).saturating_sub(MOST);
            let load = Load { tokens: 1, makes: 1.0 };
            let wanted = match Source::of(agrees) {
                Source::Long => 0,
                _ => worth.draft(Source::Model, load, answer.room().min(fit), unread),
            };
            if wanted == 0 {
                // Not before the next token.
                answer.draft.done = true;
                return false;
            }
            answer.draft = Draft { source: Source::Model, tokens: vec![last], wanted, done: false };
        }
        let begun = Instant::now();
        let conversation = [&answer.tokens, &answer.draft.tokens[1..]].concat();
        let drafted = other.draft(&conversation);
        let took = begun.elapsed().as_secs_f64() * 1_000.0;
        match drafted {
            Ok(Drafted::Reading(read)) => worth.note_drafting(read, took),
            Ok(Drafted::Token(token, read)) => {
                worth.note_drafting(read, took);
                answer.draft.tokens.push(token);
                answer.draft.done = answer.draft.drafted() >= answer.draft.wanted;
            }
            Ok(Drafted::Nothing) => answer.draft.done = true,
            Err(refused) => {
                log::warn!("the chat model cannot draft: {}", refused.message);
                answer.draft.done = true;
            }
        }
        true
    }
}

impl Scheduler<'_> {
    /// Finds out, once both models are there, whether one can draft for the other.
    pub(super) fn compare_vocabularies(&mut self) {
        let [chat, explain] = &self.tiers[..] else { return };
        if let (Some(ours), Some(theirs)) = (chat.model.vocabulary(), explain.model.vocabulary()) {
            self.chat_drafts = ours == theirs;
            let same = if self.chat_drafts { "the same vocabulary" } else { "different vocabularies" };
            let drafts = if self.chat_drafts { "may draft" } else { "cannot draft" };
            log::info!("the chat and explain models have {same}: the one {drafts} for the other");
        }
    }

    /// Lets chat's model draft for an explanation that is next; whether that was this step. One token a step, so that a
    /// question to chat waits for that much only.
    pub(super) fn draft_with_chat(&mut self, next: usize) -> bool {
        let [chat, explain] = &mut self.tiers[..] else { return false };
        if !self.chat_drafts {
            return false;
        }
        if explain.order.is_empty() {
            chat.model.forget_draft();
        }
        explain.which == ModelTier::Explain && next == 1 && !chat.busy() && explain.draft_from(&mut *chat.model)
    }
}
