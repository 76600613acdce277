//! What stands where in an utterance: values of lists and numbers, each found once for all sentences.

use super::grammar::ListId;
use super::heard::Heard;
use super::range::{Said, Spelling};
use super::trie::Trie;

/// Words that mean nothing that are passed inside one value, all ways to pass them counted.
const MAX_SKIPS: usize = 16;

/// A list's value under a text of a trie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ValueId {
    pub(crate) list: ListId,
    pub(crate) value: u32,
}

/// A value that was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Occurrence {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) id: ValueId,
    /// How far what was said is from how the value is written; 0 for not at all.
    pub(crate) cost: u8,
}

/// The tries that values are found in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tries<'a> {
    /// The lists of the sentences.
    pub(crate) fixed: &'a Trie<ValueId>,
    /// The names of the home.
    pub(crate) open: &'a Trie<ValueId>,
    pub(crate) spelling: &'a Spelling,
}

impl Tries<'_> {
    fn values_at(&self, heard: &Heard<'_>, start: usize, found: &mut Vec<Occurrence>) {
        let mut push = |end, id: &ValueId| found.push(Occurrence { start, end, id: *id, cost: 0 });
        for trie in [self.fixed, self.open] {
            if heard.has_skips() {
                find_skipping(trie, heard, start, &mut push);
            } else {
                trie.find(&heard.folded, start, &mut push);
            }
        }
    }
}

/// As [`Trie::find`], where words that mean nothing may stand inside a value: "kitchen uh light".
fn find_skipping(trie: &Trie<ValueId>, heard: &Heard<'_>, start: usize, found: &mut dyn FnMut(usize, &ValueId)) {
    let mut open: smallvec::SmallVec<[_; 4]> = smallvec::smallvec![(Trie::<ValueId>::root(), start)];
    let mut next = 0;
    while let Some(&(mut place, mut at)) = open.get(next) {
        if next > 0 {
            open.extend(heard.skips_at(at).map(|end| (place, end)));
        }
        next += 1;
        while let Some(further) = heard.folded.get(at).and_then(|&byte| trie.step(place, byte)) {
            (place, at) = (further, at + 1);
            trie.values(place).iter().for_each(|value| found(at, value));
            open.extend(heard.skips_at(at).map(|end| (place, end)));
            if open.len() > MAX_SKIPS {
                return;
            }
        }
    }
}

/// The values and numbers of one utterance, by where they start.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    tries: Tries<'a>,
    pub(crate) values: Vec<Occurrence>,
    pub(crate) numbers: Vec<Said>,
    /// By place of the text, where its values begin in `values`; one more at the end.
    first_value: Vec<u32>,
}

impl<'a> Found<'a> {
    /// Looks at every start of a word, and behind every value that ends inside one: "Wohnzimmerlampe".
    pub(crate) fn new(heard: &Heard<'_>, tries: Tries<'a>) -> Self {
        let (mut values, mut numbers) = (Vec::new(), Vec::new());
        for &start in &heard.starts {
            tries.values_at(heard, start, &mut values);
            tries.spelling.at(&heard.folded, start, &mut numbers);
        }
        let is_inside = |end: usize| !heard.is_word_end(end) && heard.starts.binary_search(&end).is_err();
        let at_starts = values.len();
        let (mut next, mut seen) = (0, Vec::new());
        while let Some(value) = values.get(next) {
            let end = value.end;
            if is_inside(end) && !seen.contains(&end) {
                seen.push(end);
                tries.values_at(heard, end, &mut values);
                tries.spelling.at(&heard.folded, end, &mut numbers);
            }
            next += 1;
        }
        if values.len() > at_starts {
            values.sort_by_key(|value| value.start);
        }
        let mut found = Self { tries, values, numbers, first_value: Vec::new() };
        found.index(heard.end());
        found
    }

    /// Adds values that were said nearly.
    pub(crate) fn add(&mut self, near: &[Occurrence], end: usize) {
        self.values.extend(near);
        self.values.sort_by_key(|occurrence| occurrence.start);
        self.index(end);
    }

    fn index(&mut self, end: usize) {
        self.first_value.clear();
        let mut at = 0;
        for place in 0..=end + 1 {
            while self.values.get(at).is_some_and(|value| value.start < place) {
                at += 1;
            }
            self.first_value.push(u32::try_from(at).unwrap_or(u32::MAX));
        }
    }

    /// Calls `each` with the values of a list that start here.
    pub(crate) fn values(&self, heard: &Heard<'_>, list: ListId, start: usize, each: &mut dyn FnMut(Occurrence)) {
        let range = |place: usize| self.first_value.get(place).map_or(0, |&at| usize::try_from(at).unwrap_or(0));
        let here = &self.values[range(start)..range(start + 1).max(range(start))];
        if here.is_empty() && start < heard.end() && heard.starts.binary_search(&start).is_err() {
            // Inside a word: no sentence of most homes asks for it, so it is looked up when one does.
            let mut inside = Vec::new();
            self.tries.values_at(heard, start, &mut inside);
            inside.into_iter().filter(|occurrence| occurrence.id.list == list).for_each(each);
            return;
        }
        here.iter().filter(|occurrence| occurrence.id.list == list).copied().for_each(each);
    }

    /// Calls `each` with the numbers that start here.
    pub(crate) fn numbers(&self, heard: &Heard<'_>, start: usize, each: &mut dyn FnMut(Said)) {
        if start < heard.end() && heard.starts.binary_search(&start).is_err() {
            let mut inside = Vec::new();
            self.tries.spelling.at(&heard.folded, start, &mut inside);
            inside.into_iter().for_each(each);
            return;
        }
        self.numbers.iter().filter(|said| said.start == start).copied().for_each(each);
    }
}
