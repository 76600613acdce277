//! How much of a prompt one step reads: whoever else waits for the processor waits for a whole step.
//!
//! Reading in larger pieces is faster (a model of 1B on two cores: 42 tokens a second in pieces of 16, 58 in pieces of 64), so
//! it is done where few are kept waiting by it.

use std::time::Duration;

/// Who waits for the end of a step that reads prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// People who listen to answers, which stop for as long; fewer wait for their first word.
    Listeners,
    /// People who wait for their first word, or nobody; somebody may ask or cancel at any time.
    Askers,
}

impl Waits {
    /// Who counts where so many listen and so many wait for their first word.
    pub(super) fn new(listeners: usize, askers: usize) -> Self {
        if listeners > askers { Self::Listeners } else { Self::Askers }
    }

    /// What the step should take at most.
    fn longest(self) -> Duration {
        match self {
            Self::Listeners => Duration::from_millis(150),
            Self::Askers => Duration::from_millis(600),
        }
    }

    /// The smallest piece: a step takes as long as the weights take to come from memory, however few its tokens. A short
    /// question is read in one step where nobody listens.
    fn smallest(self) -> usize {
        match self {
            Self::Listeners => 16,
            Self::Askers => 48,
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
        assert_eq!((pace.piece(Waits::Askers, 256), pace.piece(Waits::Askers, 8)), (48, 8));
        pace.note(100, Waits::Askers.longest());
        assert_eq!((pace.piece(Waits::Askers, 256), pace.piece(Waits::Askers, 64)), (100, 64));
        assert_eq!(pace.piece(Waits::Listeners, 256), 25);
        pace.note(1, Waits::Askers.longest());
        assert_eq!(pace.piece(Waits::Askers, 256), 100, "one token is no measure");
    }

    #[test]
    fn listeners_count_where_they_are_more_than_those_who_wait_for_a_first_word() {
        let who = [(0, 0), (0, 1), (1, 1), (2, 1)].map(|(listeners, askers)| Waits::new(listeners, askers));
        assert_eq!(who, [Waits::Askers, Waits::Askers, Waits::Askers, Waits::Listeners]);
    }

    #[test]
    fn a_machine_that_gets_slow_is_noticed_and_still_reads() {
        let mut pace = Pace::default();
        pace.note(100, Duration::ZERO);
        assert_eq!(pace.piece(Waits::Listeners, 256), 256);
        for _ in 0..8 {
            pace.note(100, Duration::from_secs(20));
        }
        assert_eq!((pace.piece(Waits::Listeners, 256), pace.piece(Waits::Askers, 256)), (16, 48));
    }
}
