//! A fourth token for steps of three, which the CPU's kernels compute one by one where they compute four together.
//!
//! Measured with `llama-bench -p 1,2,3,4` and a 1B model on two cores, a step of one to four tokens: 79, 96, 141 and 98 ms with
//! `Q4_K_M`, 71, 96, 129 and 86 ms with `Q4_0`. From five on there is nothing to gain.

use super::{LlamaTier, sequence_of};
use crate::inference::worker::model::{Refused, Work};

/// What the token takes of the context.
pub(super) const CELLS: u32 = 1;
/// Tokens of the steps that are padded.
const TOKENS: usize = 3;

/// The sequence of a token that nobody said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Padding {
    sequence: i32,
}

impl Padding {
    /// Behind the slots' sequences, and the one that is drafted in.
    pub(super) fn behind(slots: u32, drafts: bool) -> Self {
        let slots = usize::try_from(slots).unwrap_or(usize::MAX);
        Self { sequence: sequence_of(slots.saturating_add(usize::from(drafts))) }
    }
}

impl LlamaTier<'_> {
    /// Adds a token to the batch where three answers go on by one each; the sequence to forget once it is computed. Drafted
    /// tokens are computed as singly, so that what is said stays the same.
    pub(super) fn pad(&mut self, works: &[Work<'_>]) -> Result<Option<i32>, Refused> {
        let Some(Padding { sequence }) = self.padding.filter(|_| self.cuts && self.step_tokens > TOKENS) else {
            return Ok(None);
        };
        let goes_on = |work: &Work<'_>| work.sample && work.tokens.len() == 1;
        if works.len() != TOKENS || !works.iter().all(goes_on) {
            return Ok(None);
        }
        let Some(token) = works.iter().find_map(|work| work.tokens.first()) else { return Ok(None) };
        // Wanted like the others, lest the last layer compute three again.
        self.add(*token, 0, sequence, true)?;
        Ok(Some(sequence))
    }
}
