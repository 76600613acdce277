//! Joins a model's pieces into chunks: the first at once, later ones over a short time.
//!
//! A listener feels the first word; after it, forty chunks a second cost more than they give. The chunker reads no clock:
//! its caller passes the time and wakes it at [`Chunker::due`].

use std::time::{Duration, Instant};

/// Collects pieces of text and says when they are to be sent.
#[derive(Debug)]
pub struct Chunker {
    join: Duration,
    waiting: String,
    sent_first: bool,
    due: Option<Instant>,
}

impl Chunker {
    /// A chunker that joins what comes within `join` after the first piece; zero sends every piece by itself.
    #[must_use]
    pub fn new(join: Duration) -> Self {
        Self { join, waiting: String::new(), sent_first: false, due: None }
    }

    /// Takes a piece and returns the chunk that is to be sent now, if one is.
    pub fn push(&mut self, piece: &str, now: Instant) -> Option<String> {
        if piece.is_empty() {
            return None;
        }
        self.waiting.push_str(piece);
        if !self.sent_first || self.join.is_zero() {
            return self.take();
        }
        let due = *self.due.get_or_insert(now + self.join);
        if now >= due { self.take() } else { None }
    }

    /// When what waits is to be sent, `None` while nothing waits.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Takes everything that waits: at [`Self::due`], and at the end of the answer.
    pub fn take(&mut self) -> Option<String> {
        self.due = None;
        if self.waiting.is_empty() {
            return None;
        }
        self.sent_first = true;
        Some(std::mem::take(&mut self.waiting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_piece_goes_at_once_and_later_ones_wait() {
        let start = Instant::now();
        let mut chunker = Chunker::new(Duration::from_millis(40));
        assert_eq!(chunker.push("Quantum", start), Some("Quantum".to_owned()));
        assert_eq!(chunker.push(" physics", start + Duration::from_millis(5)), None);
        assert_eq!(chunker.due(), Some(start + Duration::from_millis(45)));
        assert_eq!(chunker.push(" is", start + Duration::from_millis(30)), None);
        assert_eq!(chunker.push(" odd", start + Duration::from_millis(46)), Some(" physics is odd".to_owned()));
        assert_eq!(chunker.due(), None);
        assert_eq!(chunker.take(), None);
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
            joined.extend(chunker.take());
            prop_assert_eq!(joined, pieces.iter().map(|(piece, _)| piece.as_str()).collect::<String>());
        }
    }
}
