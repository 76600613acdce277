//! What free slots keep, put aside: every cell in use makes each step of the others longer, even where it is not theirs.
//!
//! A conversation's state is copied out of the context while nobody waits and back in when it goes on, which takes some
//! milliseconds for what would take a second to compute. Measured with a 3B model on two cores (bench `models`, row `decode`):
//! 0.96 of llama-bench's speed with three conversations of 220 tokens left in the context, 1.01 with them put aside.

use std::mem;

use llama_cpp_2::context::session::{LlamaStateSeqFlags, SeqState};

use super::{LlamaTier, sequence_of};

/// Bytes of one tier; what does not fit stays in the context, which has room for all. Four conversations of 400 tokens with
/// a 1B model, one of 400 with a 3B.
const MOST_BYTES: usize = 48 << 20;

/// Where a slot's state is.
#[derive(Debug, Default)]
enum Place {
    /// In the context or nowhere.
    #[default]
    Settled,
    /// In the context, from where it may be taken.
    Left,
    Aside(SeqState),
}

/// The slots of a tier.
#[derive(Debug, Default)]
pub(super) struct Aside {
    places: Vec<Place>,
}

impl Aside {
    /// For a tier of so many slots; for none where nothing is ever put aside.
    pub(super) fn new(slots: usize) -> Self {
        Self { places: (0..slots).map(|_| Place::default()).collect() }
    }

    /// Notes that a slot was left with something in it.
    fn leave(&mut self, slot: usize) {
        if let Some(place) = self.places.get_mut(slot) {
            *place = Place::Left;
        }
    }

    /// A slot whose state can be put aside; it is looked at once.
    fn next(&mut self) -> Option<usize> {
        let slot = self.places.iter().position(|place| matches!(place, Place::Left))?;
        self.places[slot] = Place::Settled;
        Some(slot)
    }

    fn bytes(&self) -> usize {
        let bytes = |place: &Place| if let Place::Aside(state) = place { state.byte_len() } else { 0 };
        self.places.iter().map(bytes).sum()
    }

    /// Takes what is there of a slot, which is somebody's now.
    fn take(&mut self, slot: usize) -> Option<SeqState> {
        match self.places.get_mut(slot).map(mem::take) {
            Some(Place::Aside(state)) => Some(state),
            _ => None,
        }
    }
}

impl LlamaTier<'_> {
    /// Notes that a free slot keeps something.
    pub(super) fn left(&mut self, slot: usize) {
        self.aside.leave(slot);
    }

    /// Puts one free slot's state aside; `false` where there is none to.
    pub(super) fn put_one_aside(&mut self) -> bool {
        let Some(slot) = self.aside.next() else { return false };
        let (sequence, flags) = (sequence_of(slot), LlamaStateSeqFlags::empty());
        if self.aside.bytes() + self.context.state_seq_get_size_ext(sequence, flags) > MOST_BYTES {
            return true;
        }
        match self.context.state_seq_get(sequence, flags) {
            Ok(state) => {
                self.forget(sequence);
                log::debug!("slot {slot} is put aside: {} KiB", state.byte_len() / 1024);
                self.aside.places[slot] = Place::Aside(state);
            }
            Err(error) => log::debug!("slot {slot} cannot be put aside: {error}"),
        }
        true
    }

    /// Brings a slot's state back, if it was put aside and is still `wanted`.
    pub(super) fn bring_back(&mut self, slot: usize, wanted: bool) {
        let Some(state) = self.aside.take(slot).filter(|_| wanted) else { return };
        if let Err(error) = self.context.state_seq_set(&state, sequence_of(slot)) {
            log::debug!("slot {slot} cannot be brought back and is computed anew: {error}");
            self.forget(sequence_of(slot));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Aside;

    #[test]
    fn a_slot_is_looked_at_once_after_it_was_left() {
        let mut aside = Aside::new(3);
        assert_eq!(aside.next(), None);
        aside.leave(2);
        aside.leave(1);
        aside.leave(9);
        assert_eq!([aside.next(), aside.next(), aside.next()], [Some(1), Some(2), None]);
        aside.leave(1);
        assert!(aside.take(1).is_none(), "what is in the context stays there");
        assert_eq!(aside.next(), None, "a slot that is taken is nobody's to put aside");
        assert_eq!(aside.bytes(), 0);
    }

    #[test]
    fn nothing_is_put_aside_of_no_slots() {
        let mut aside = Aside::new(0);
        aside.leave(0);
        assert_eq!(aside.next(), None);
    }
}
