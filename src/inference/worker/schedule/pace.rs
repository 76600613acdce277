//! How much of a prompt one step reads: whoever else waits for the processor waits for a whole step.
//!
//! Reading in larger pieces is a little faster, so it is done where nobody can be kept waiting by it.

use std::time::Duration;

/// Who waits for the end of a step that reads a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// Somebody who listens to an answer, which stops for as long.
    Listener,
    /// Nobody yet; somebody may ask or cancel at any time.
    Nobody,
}

impl Waits {
    /// What the step should take at most.
    fn longest(self) -> Duration {
        match self {
            Self::Listener => Duration::from_millis(150),
            Self::Nobody => Duration::from_millis(600),
        }
    }

    /// The smallest piece: a step takes as long as the weights take to come from memory, however few its tokens. A short
    /// question is read in one step where nobody waits.
    fn smallest(self) -> usize {
        match self {
            Self::Listener => 16,
            Self::Nobody => 48,
        }
    }
}

/// Tokens that a step reads at least for its time to be a measure.
const MEASURE: usize = 16;

/// How long a token of a prompt takes, learnt from the steps so far.
#[derive(Debug, Default)]
pub(super) struct Pace {
    token: Option<Duration>,
}

impl Pace {
    /// Learns from a step that read this many tokens of prompts.
    pub(super) fn note(&mut self, tokens: usize, took: Duration) {
        // A handful of tokens says more about the step than about them.
        let Some(tokens) = u32::try_from(tokens).ok().filter(|_| tokens >= MEASURE) else { return };
        let new = took / tokens;
        // Half of it is the last step's, so that a machine that got slow is noticed within a few.
        self.token = Some(self.token.map_or(new, |old| (old + new) / 2));
    }

    /// The most tokens of prompts for one step, of `most` that fit in it.
    pub(super) fn piece(&self, waits: Waits, most: usize) -> usize {
        let piece = match self.token {
            None => 0,
            Some(token) if token.is_zero() => most,
            Some(token) => usize::try_from(waits.longest().as_nanos() / token.as_nanos()).unwrap_or(most),
        };
        piece.max(waits.smallest()).min(most)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Pace, Waits};

    #[test]
    fn a_piece_takes_as_long_as_a_step_may() {
        let mut pace = Pace::default();
        assert_eq!((pace.piece(Waits::Nobody, 256), pace.piece(Waits::Nobody, 8)), (48, 8));
        pace.note(100, Waits::Nobody.longest());
        assert_eq!((pace.piece(Waits::Nobody, 256), pace.piece(Waits::Nobody, 64)), (100, 64));
        assert_eq!(pace.piece(Waits::Listener, 256), 25);
        pace.note(1, Waits::Nobody.longest());
        assert_eq!(pace.piece(Waits::Nobody, 256), 100, "one token is no measure");
    }

    #[test]
    fn a_machine_that_gets_slow_is_noticed_and_still_reads() {
        let mut pace = Pace::default();
        pace.note(100, Duration::ZERO);
        assert_eq!(pace.piece(Waits::Listener, 256), 256);
        for _ in 0..8 {
            pace.note(100, Duration::from_secs(20));
        }
        assert_eq!((pace.piece(Waits::Listener, 256), pace.piece(Waits::Nobody, 256)), (16, 48));
    }
}
