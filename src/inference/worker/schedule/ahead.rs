//! What will stand between an answer and whatever is said next, computed while nobody waits.
//!
//! A chat template's own words around a message are known before the message is, and of a short question in a conversation
//! that goes on they are a good part of what has to be read before the first word.

use super::{Answer, Scheduler, Tier};

impl Tier<'_> {
    /// Notes what can be read behind an answer that has just ended, if its slot kept all of it.
    pub(super) fn look_ahead(&mut self, slot: usize, answer: &Answer) {
        let held = self.kept.tokens(slot).len();
        // An answer that was cut off is not repeated as it was sampled, and a memory that cannot be cut must stay true.
        if held == 0 || held != answer.computed || answer.text.stopped() || !self.model.cuts() {
            return;
        }
        let rest = answer.tokens.get(held..).unwrap_or_default();
        let after = self.model.after_answer(held + rest.len());
        let ahead = [rest, after].concat();
        if !after.is_empty() && ahead.len() <= self.model.step_tokens() {
            self.kept.plan(slot, ahead);
        }
    }

    /// Reads on behind one answer, in a step of a few tokens.
    fn read_ahead(&mut self) {
        let Some((slot, held, tokens)) = self.kept.next_planned() else { return };
        match self.model.read_on(slot, held, &tokens) {
            Ok(()) => self.kept.extend(slot, &tokens),
            Err(refused) => {
                log::debug!("slot {slot} could not be read ahead: {}", refused.message);
                self.model.close(slot, 0);
                self.kept.take(slot);
            }
        }
    }
}

impl Scheduler<'_> {
    /// Whether there is something that can be read ahead.
    pub(in crate::inference::worker) fn can_read_ahead(&self) -> bool {
        self.tiers.iter().any(|tier| tier.kept.has_planned())
    }

    /// Reads ahead once: whoever asks meanwhile waits for a step of some tokens, so that it is for a time when nobody does.
    pub(in crate::inference::worker) fn read_ahead(&mut self) {
        if let Some(tier) = self.tiers.iter_mut().find(|tier| tier.kept.has_planned()) {
            tier.read_ahead();
        }
    }
}
