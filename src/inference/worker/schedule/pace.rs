//! How much of a prompt one step reads: whoever else waits for the processor waits for a whole step.
//!
//! Reading in larger pieces is a little faster, so it is done where nobody can be kept waiting by it.

use std::time::Duration;

/// What a step that reads a prompt should take at most, where others wait for its end.
const LONGEST: Duration = Duration::from_millis(200);
/// Tokens read at once before it is known how long they take.
const UNKNOWN: usize = 32;
/// The smallest piece: below it a step takes as long as its weights take to come from memory, however few its tokens.
const SMALLEST: usize = 16;

/// How long a token of a prompt takes, learnt from the steps so far.
#[derive(Debug, Default)]
pub(super) struct Pace {
    token: Option<Duration>,
}

impl Pace {
    /// Learns from a step that read this many tokens of prompts.
    pub(super) fn note(&mut self, tokens: usize, took: Duration) {
        // A handful of tokens says more about the step than about them.
        let Some(tokens) = u32::try_from(tokens).ok().filter(|_| tokens >= SMALLEST) else { return };
        let new = took / tokens;
        // Half of it is the last step's, so that a machine that got slow is noticed within a few.
        self.token = Some(self.token.map_or(new, |old| (old + new) / 2));
    }

    /// The most tokens of prompts for one step, of `most` that fit in it.
    pub(super) fn piece(&self, most: usize) -> usize {
        let piece = match self.token {
            None => UNKNOWN,
            Some(token) if token.is_zero() => most,
            Some(token) => usize::try_from(LONGEST.as_nanos() / token.as_nanos()).unwrap_or(most).max(SMALLEST),
        };
        piece.min(most)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LONGEST, Pace, SMALLEST, UNKNOWN};

    #[test]
    fn a_piece_takes_as_long_as_a_step_may() {
        let mut pace = Pace::default();
        assert_eq!((pace.piece(256), pace.piece(8)), (UNKNOWN, 8));
        pace.note(100, LONGEST);
        assert_eq!((pace.piece(256), pace.piece(64)), (100, 64));
        pace.note(1, LONGEST);
        assert_eq!(pace.piece(256), 100, "one token is no measure");
    }

    #[test]
    fn a_machine_that_gets_slow_is_noticed_and_still_reads() {
        let mut pace = Pace::default();
        pace.note(100, Duration::ZERO);
        assert_eq!(pace.piece(256), 256);
        for _ in 0..8 {
            pace.note(100, LONGEST * 100);
        }
        assert_eq!(pace.piece(256), SMALLEST);
    }
}
