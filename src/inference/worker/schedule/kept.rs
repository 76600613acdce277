//! What free slots still hold of the answers made in them, and which slot a prompt takes.
//!
//! Holds the tokens that are computed, not their state, which is the model's. A slot keeps no more than its last conversation,
//! and the model has room for one in every slot, so that nothing kept ever stands in the way of an answer.

use crate::inference::worker::model::Token;

/// A slot's tokens with their state computed, and when it was last used.
#[derive(Clone, Debug, Default)]
struct Memory {
    tokens: Vec<Token>,
    /// What is to be computed behind them while nobody waits.
    planned: Vec<Token>,
    used: u64,
}

/// The memories of a tier's slots.
#[derive(Debug)]
pub(super) struct Kept {
    memories: Vec<Memory>,
    /// Counts uses: the order of two is all that matters.
    uses: u64,
}

impl Kept {
    /// Slots that hold nothing.
    pub(super) fn new(slots: usize) -> Self {
        Self { memories: vec![Memory::default(); slots], uses: 0 }
    }

    /// The slot among `free` for a prompt, and how many of the prompt's first tokens it holds.
    ///
    /// A conversation goes on in its own slot: one whose memory is for its greater part the prompt's beginning, and of those
    /// the one that holds most of it. Any other prompt takes the slot that was used least recently, lest a few words in
    /// common with somebody's long conversation end that. `shared` tokens are every slot's and count for none; where
    /// `cuts` is false, a memory can only be gone on with whole.
    pub(super) fn choose(
        &self,
        free: impl Iterator<Item = usize> + Clone,
        prompt: &[Token],
        shared: usize,
        cuts: bool,
    ) -> Option<(usize, usize)> {
        // The last token is always computed, since what follows it is wanted.
        let most = prompt.len().saturating_sub(1);
        let common = |slot: usize| {
            let kept = self.tokens(slot);
            let common = kept.iter().zip(prompt).take(most).take_while(|(kept, prompt)| kept == prompt).count();
            if common > shared && (cuts || common == kept.len()) { common } else { 0 }
        };
        let goes_on = |slot: &usize| {
            let (common, kept) = (common(*slot), self.tokens(*slot).len());
            common > 0 && (common - shared) * 2 >= kept.saturating_sub(shared)
        };
        let own = free.clone().filter(goes_on).max_by_key(|slot| common(*slot));
        let slot = own.or_else(|| free.min_by_key(|slot| self.memories.get(*slot).map(|memory| memory.used)))?;
        Some((slot, common(slot)))
    }

    /// The tokens that a slot holds.
    pub(super) fn tokens(&self, slot: usize) -> &[Token] {
        self.memories.get(slot).map_or(&[], |memory| &memory.tokens)
    }

    /// Notes that a slot is taken: what it held is the answer's now.
    pub(super) fn take(&mut self, slot: usize) {
        self.put(slot, Vec::new());
    }

    /// Notes what a slot holds now that its answer has ended; nothing makes it the first to be taken.
    pub(super) fn put(&mut self, slot: usize, tokens: Vec<Token>) {
        self.uses += 1;
        if let Some(memory) = self.memories.get_mut(slot) {
            let used = if tokens.is_empty() { 0 } else { self.uses };
            *memory = Memory { tokens, planned: Vec::new(), used };
        }
    }

    /// Notes what is to be computed behind what a free slot holds.
    pub(super) fn plan(&mut self, slot: usize, tokens: Vec<Token>) {
        if let Some(memory) = self.memories.get_mut(slot) {
            memory.planned = tokens;
        }
    }

    pub(super) fn has_planned(&self) -> bool {
        self.memories.iter().any(|memory| !memory.planned.is_empty())
    }

    /// A slot with something planned, how many tokens it holds, and what is planned, which is forgotten here.
    pub(super) fn next_planned(&mut self) -> Option<(usize, usize, Vec<Token>)> {
        let slot = self.memories.iter().position(|memory| !memory.planned.is_empty())?;
        let memory = &mut self.memories[slot];
        Some((slot, memory.tokens.len(), std::mem::take(&mut memory.planned)))
    }

    /// Notes that a free slot holds these tokens behind the others now.
    pub(super) fn extend(&mut self, slot: usize, tokens: &[Token]) {
        if let Some(memory) = self.memories.get_mut(slot) {
            memory.tokens.extend_from_slice(tokens);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kept;
    use crate::inference::worker::model::Token;

    /// Two tokens are shared by all.
    fn kept(memories: &[&[Token]]) -> Kept {
        let mut kept = Kept::new(memories.len());
        for (slot, tokens) in memories.iter().enumerate() {
            kept.put(slot, [&[1, 2], *tokens].concat());
        }
        kept
    }

    fn choose(kept: &Kept, prompt: &[Token]) -> Option<(usize, usize)> {
        kept.choose(0..kept.memories.len(), &[&[1, 2], prompt].concat(), 2, true)
    }

    #[test]
    fn a_conversation_goes_on_where_most_of_it_is_kept() {
        let kept = kept(&[&[3, 4, 5, 6], &[3, 4, 5], &[7, 8]]);
        assert_eq!(choose(&kept, &[3, 4, 5, 6, 9]), Some((0, 6)));
        assert_eq!(choose(&kept, &[7, 8, 9]), Some((2, 4)));
        assert_eq!(choose(&kept, &[7, 8]), Some((2, 3)), "the last token is computed again");
        assert_eq!(
            kept.choose([1, 2].into_iter(), &[1, 2, 3, 4, 5, 6, 9], 2, true),
            Some((1, 5)),
            "slot 0 is not free"
        );
    }

    #[test]
    fn a_few_words_in_common_do_not_end_a_long_conversation() {
        let kept = kept(&[&[8], &[3, 4, 5, 6, 7]]);
        assert_eq!(choose(&kept, &[3, 4, 9]), Some((0, 0)), "least recently used");
        assert_eq!(choose(&kept, &[3, 4, 5, 9]), Some((1, 5)), "the greater part of it is of use");
    }

    #[test]
    fn others_take_the_slot_used_least_recently_and_an_empty_one_first() {
        let mut kept = kept(&[&[3], &[4], &[5]]);
        assert_eq!(choose(&kept, &[9, 9]), Some((0, 0)));
        kept.take(0);
        kept.put(0, vec![1, 2, 6]);
        assert_eq!(choose(&kept, &[9, 9]), Some((1, 0)));
        kept.put(2, Vec::new());
        assert_eq!(choose(&kept, &[9, 9]), Some((2, 0)));
        assert_eq!(kept.choose(std::iter::empty(), &[1, 2, 3], 2, true), None);
    }

    #[test]
    fn a_memory_that_cannot_be_cut_is_gone_on_with_whole_or_not_at_all() {
        let kept = kept(&[&[3, 4], &[3, 4, 5]]);
        let choose = |prompt: &[Token]| kept.choose(0..2, prompt, 2, false);
        assert_eq!(choose(&[1, 2, 3, 4, 5, 6]), Some((1, 5)));
        assert_eq!(choose(&[1, 2, 3, 4, 6]), Some((0, 4)));
        assert_eq!(choose(&[1, 2, 3, 6]), Some((0, 0)));
        assert_eq!(choose(&[1, 2, 3, 4, 5]), Some((0, 4)), "the last token's state cannot be taken back");
    }
}
