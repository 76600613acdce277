//! Drafts from the conversation itself: what followed when the same tokens stood there before.
//!
//! An answer often says again what stands in its prompt or what it said already. Earlier places are found by the last two
//! tokens, and of those the one is taken that agrees furthest back. Learning a token and making a draft take bounded time,
//! however long the conversation is.

use std::collections::HashMap;

use crate::inference::worker::model::Token;

/// Tokens by which earlier places are found.
const PAIR: usize = 2;
/// Further back no agreement is looked for.
const LONGEST: usize = 16;
/// Earlier places looked at.
const PLACES: usize = 16;

/// Where pairs of tokens stood in one conversation.
#[derive(Debug, Default)]
pub(super) struct Lookup {
    /// The place behind each pair's last occurrence.
    last: HashMap<[Token; PAIR], usize>,
    /// For each place, the one behind the occurrence before of the pair that ends there; 0 for none.
    before: Vec<usize>,
}

/// An earlier place that agrees with the end of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// Where what followed begins.
    at: usize,
    /// How many tokens before it agree.
    pub length: usize,
}

impl Lookup {
    /// Takes what is new of a conversation that only ever grows.
    pub(super) fn learn(&mut self, tokens: &[Token]) {
        // A place is known by what follows it, so the end is none yet.
        for place in self.before.len()..tokens.len() {
            let pair = place.checked_sub(PAIR).and_then(|from| tokens[from..place].as_array());
            let seen = pair.and_then(|pair| self.last.insert(*pair, place));
            self.before.push(seen.unwrap_or(0));
        }
    }

    /// The earlier place that agrees furthest with the end; the latest of several.
    pub(super) fn find(&self, tokens: &[Token]) -> Option<Match> {
        let pair = tokens.last_chunk()?;
        let mut at = self.last.get(pair).copied()?;
        let mut best: Option<Match> = None;
        for _ in 0..PLACES {
            let earlier = tokens[..at].iter().rev();
            let length = earlier.zip(tokens.iter().rev()).take(LONGEST).take_while(|(one, other)| one == other).count();
            if best.is_none_or(|best| length > best.length) {
                best = Some(Match { at, length });
            }
            at = self.before.get(at).copied().unwrap_or(0);
            if at == 0 {
                break;
            }
        }
        best
    }
}

impl Match {
    /// Appends `most` tokens as they followed at the earlier place; where those reach the end they go on with themselves.
    pub(super) fn follow(self, tokens: &[Token], most: usize, draft: &mut Vec<Token>) {
        let begun = draft.len();
        for place in self.at..self.at + most {
            let next = tokens.get(place).or_else(|| draft.get(begun + place.checked_sub(tokens.len())?)).copied();
            draft.extend(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{LONGEST, Lookup, Match, PLACES};
    use crate::inference::worker::model::Token;

    fn draft(tokens: &[Token], most: usize) -> (usize, Vec<Token>) {
        let mut lookup = Lookup::default();
        lookup.learn(tokens);
        let mut draft = Vec::new();
        let Some(found) = lookup.find(tokens) else { return (0, draft) };
        found.follow(tokens, most, &mut draft);
        (found.length, draft)
    }

    #[test]
    fn what_followed_is_drafted_from_the_longest_agreement_and_the_latest_of_equals() {
        assert_eq!(draft(&[1, 2, 3, 4, 5, 9, 1, 2], 3), (2, vec![3, 4, 5]));
        assert_eq!(draft(&[7, 1, 2, 3, 8, 1, 2, 4, 7, 1, 2], 1), (3, vec![3]), "longer, though earlier");
        assert_eq!(draft(&[1, 2, 3, 9, 1, 2, 4, 9, 8, 1, 2], 1), (2, vec![4]), "later");
        assert_eq!(draft(&[1, 2, 3, 4], 3), (0, vec![]));
        assert_eq!(draft(&[1], 3), (0, vec![]));
        assert_eq!(draft(&[], 3), (0, vec![]));
    }

    #[test]
    fn what_repeats_itself_is_drafted_round_and_round() {
        assert_eq!(draft(&[5, 1, 2, 3, 1, 2, 3, 1, 2], 7), (5, vec![3, 1, 2, 3, 1, 2, 3]));
        assert_eq!(draft(&[4, 4, 4], 3), (2, vec![4, 4, 4]));
    }

    proptest! {
        #[test]
        fn it_finds_what_a_search_through_everything_finds(tokens in prop::collection::vec(0..4i32, 0..60), cuts in 0..60usize) {
            let mut lookup = Lookup::default();
            lookup.learn(&tokens[..cuts.min(tokens.len())]);
            lookup.learn(&tokens);
            let places = (2..tokens.len()).rev().map(|at| {
                let agree = tokens[..at].iter().rev().zip(tokens.iter().rev()).take(LONGEST);
                Match { at, length: agree.take_while(|(one, other)| one == other).count() }
            });
            let looked_at = places.filter(|place| place.length >= 2).take(PLACES);
            let best = looked_at.reduce(|best, next| if next.length > best.length { next } else { best });
            prop_assert_eq!(lookup.find(&tokens), best);
        }
    }
}
