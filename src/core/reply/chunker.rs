//! Joins a model's pieces into chunks: one at once, then what comes within a short time in one more.
//!
//! A listener feels the first word; after it, forty chunks a second cost more than they give. A model slower than that is
//! heard word by word, and no word waits. The chunker reads no clock: its caller passes the time and wakes it at
//! [`Chunker::due`].

use std::time::{Duration, Instant};

/// Collects pieces of text and says when they are to be sent.
#[derive(Debug)]
pub struct Chunker {
    join: Duration,
    waiting: String,
    /// When the chunk before was sent.
    sent: Option<Instant>,
}

impl Chunker {
    /// A chunker that joins what comes within `join` after the chunk before; zero sends every piece by itself.
    #[must_use]
    pub fn new(join: Duration) -> Self {
        Self { join, waiting: String::new(), sent: None }
    }

    /// Takes a piece and returns the chunk that is to be sent now, if one is.
    pub fn push(&mut self, piece: &str, now: Instant) -> Option<String> {
        self.waiting.push_str(piece);
        if self.sent.is_none_or(|sent| now >= sent + self.join) { self.take(now) } else { None }
    }

    /// When what waits is to be sent, `None` while nothing waits.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.sent.filter(|_| !self.waiting.is_empty()).map(|sent| sent + self.join)
    }

    /// Takes everything that waits: at [`Self::due`], and at the end of the answer.
    pub fn take(&mut self, now: Instant) -> Option<String> {
        if self.waiting.is_empty() {
            return None;
        }
        self.sent = Some(now);
        Some(std::mem::take(&mut self.waiting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_piece_goes_at_once_and_those_soon_after_wait() {
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut chunker = Chunker::new(Duration::from_millis(40));
        assert_eq!(chunker.push("", start), None);
        assert_eq!(chunker.push("Quantum", start), Some("Quantum".to_owned()));
        assert_eq!(chunker.due(), None);
        assert_eq!(chunker.push(" physics", after(5)), None);
        assert_eq!(chunker.due(), Some(after(40)));
        assert_eq!(chunker.push(" is", after(30)), None);
        assert_eq!(chunker.push(" odd", after(46)), Some(" physics is odd".to_owned()));
        assert_eq!((chunker.due(), chunker.take(after(47))), (None, None));
    }

    #[test]
    fn a_slow_models_pieces_do_not_wait() {
        let start = Instant::now();
        let mut chunker = Chunker::new(Duration::from_millis(40));
        for number in 0..5 {
            let now = start + Duration::from_millis(50 * number);
            assert_eq!(chunker.push("word ", now), Some("word ".to_owned()));
        }
    }

    proptest! {
        #[test]
        fn chunks_join_to_the_text(pieces in prop::collection::vec(("\\PC{0,8}", 0u64..80), 0..60), join in 0u64..60) {
            let mut now = Instant::now();
            let mut chunker = Chunker::new(Duration::from_millis(join));
            let mut joined = String::new();
            for (piece, wait) in &pieces {
                now += Duration::from_millis(*wait);
                let chunk = chunker.push(piece, now);
                prop_assert!(chunk.as_deref() != Some(""));
                joined.extend(chunk);
            }
            joined.extend(chunker.take(now));
            prop_assert_eq!(joined, pieces.iter().map(|(piece, _)| piece.as_str()).collect::<String>());
        }
    }
}
