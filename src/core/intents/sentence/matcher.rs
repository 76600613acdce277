//! Whether words are a sentence, and what fills its slots.
//!
//! Places are advanced as sets: each node of a template takes the set of places that may be reached before it to the set
//! reached after it, each place once with the best way there. The time is bounded by the template's size times the
//! length of the text, whatever the rules; nothing is tried again.

use std::cmp::Reverse;

use super::found::{Found, Occurrence};
use super::grammar::{First, Grammar, ListId, Node, NodeId};
use super::heard::Heard;

/// How good a way through a sentence is; greater is better. Home Assistant's order: a longer name of a thing, fewer
/// wildcards, more letters of the sentence itself, fewer letters in wildcards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    pub(crate) name: u32,
    pub(crate) wildcards: Reverse<u32>,
    pub(crate) literal: u32,
    pub(crate) wild: Reverse<u32>,
}

/// What a part of the sentence took.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fill {
    /// A value of a list, and those that the same words name as well.
    Value { occurrence: Occurrence, others: Vec<u32> },
    /// A number, before the range's multiplier.
    Number { range: u16, number: f64, start: usize, end: usize },
    /// Any words.
    Words { start: usize, end: usize },
}

/// A slot that was filled on the way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) slot: u16,
    pub(crate) is_capture: bool,
    pub(crate) fill: Fill,
    /// The step before, by its number; its own number where it is the first.
    before: u32,
}

/// A place that was reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reached {
    pub(crate) at: usize,
    /// Whether a word may start here, so that spaces do not matter.
    is_start: bool,
    /// Whether a wildcard ends here, which takes what it can.
    is_wild: bool,
    /// A bit for each key of the context that a value has given.
    pub(crate) given: u8,
    /// How far the words are from what was matched.
    pub(crate) cost: u8,
    pub(crate) rank: Rank,
    /// The last step, `NO_STEP` where there is none.
    pub(crate) step: u32,
}

const NO_STEP: u32 = u32::MAX;

impl Reached {
    fn start() -> Self {
        Self { at: 0, is_start: true, is_wild: false, given: 0, cost: 0, rank: Rank::default(), step: NO_STEP }
    }

    fn key(&self) -> (usize, bool, bool, u8, u8) {
        (self.at, self.is_start, self.is_wild, self.given, self.cost)
    }
}

/// Places, sorted, each once with the best way there.
type Places = smallvec::SmallVec<[Reached; 4]>;

fn reach(places: &mut Places, reached: Reached) {
    let key = reached.key();
    match places.last() {
        Some(last) if last.key() >= key => {}
        _ => return places.push(reached),
    }
    match places.binary_search_by_key(&key, Reached::key) {
        Ok(known) if places[known].rank < reached.rank => places[known] = reached,
        Ok(_) => {}
        Err(place) => places.insert(place, reached),
    }
}

/// What a rule lets a value be.
pub(crate) trait Conditions {
    /// The keys of the context that the value gives, `None` where the rule does not take it.
    fn allows(&self, list: ListId, value: u32) -> Option<u8>;
    /// The key that the slot itself gives.
    fn given_by_slot(&self, slot: u16) -> u8;
    /// Of values with one name, the one that is meant where the words do not say.
    fn prefers(&self, list: ListId, value: u32) -> bool;
    /// Whether the slot is the one whose longest value is the best.
    fn is_name(&self, slot: u16) -> bool;
}

/// Matches sentences against one utterance.
pub(crate) struct Matcher<'a> {
    pub(crate) grammar: &'a Grammar,
    pub(crate) heard: &'a Heard<'a>,
    pub(crate) found: &'a Found<'a>,
    /// What stands where sentences may begin.
    start: First,
    steps: Vec<Step>,
}

impl<'a> Matcher<'a> {
    pub(crate) fn new(grammar: &'a Grammar, heard: &'a Heard<'a>, found: &'a Found<'a>) -> Self {
        let mut matcher = Self { grammar, heard, found, start: First::NO_LETTERS, steps: Vec::with_capacity(16) };
        let mut start = Places::new();
        start.push(Reached::start());
        matcher.start = matcher.letters(&start);
        matcher
    }

    /// The ways to read the whole utterance as the sentence that `ends` accepts, the best one for each cost.
    pub(crate) fn ways(
        &mut self,
        root: NodeId,
        conditions: &dyn Conditions,
        ends: &dyn Fn(u8) -> bool,
    ) -> Vec<Reached> {
        self.steps.clear();
        let mut start = Places::new();
        start.push(Reached::start());
        if !self.grammar.may_begin(root, self.start) {
            return Vec::new();
        }
        let mut last = Places::new();
        self.advance(root, &start, conditions, &mut last);
        let mut ways: Vec<Reached> = Vec::new();
        for way in last {
            let is_over = if way.is_wild { way.at >= self.heard.end() } else { self.heard.is_over(way.at) };
            if !is_over || !ends(way.given) {
                continue;
            }
            match ways.iter_mut().find(|known| known.cost == way.cost) {
                Some(known) if known.rank >= way.rank => {}
                Some(known) => *known = way,
                None => ways.push(way),
            }
        }
        ways
    }

    /// The steps of a way, the first one first.
    pub(crate) fn steps(&self, way: &Reached) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut at = way.step;
        while let Some(step) = usize::try_from(at).ok().and_then(|at| self.steps.get(at)) {
            steps.push(step.clone());
            at = step.before;
        }
        steps.reverse();
        steps
    }

    fn step(&mut self, from: &Reached, slot: u16, is_capture: bool, fill: Fill) -> u32 {
        self.steps.push(Step { slot, is_capture, fill, before: from.step });
        u32::try_from(self.steps.len() - 1).unwrap_or(NO_STEP)
    }

    fn advance(&mut self, id: NodeId, from: &Places, conditions: &dyn Conditions, to: &mut Places) {
        let grammar = self.grammar;
        match grammar.node(id) {
            Node::Word { text, characters } => self.word(text, *characters, from, to),
            Node::Space { is_strict } => self.space(*is_strict, from, to),
            Node::List { list, slot, is_capture } => {
                for reached in from {
                    self.list(*list, *slot, *is_capture, reached, conditions, to);
                }
            }
            Node::Number { range, slot, is_capture } => {
                for reached in from {
                    self.number(*range, *slot, *is_capture, reached, conditions, to);
                }
            }
            Node::Wildcard { slot, is_capture, is_glued } => self.wildcard(*slot, *is_capture, *is_glued, from, to),
            Node::Sequence(items) => self.sequence(items, from, conditions, to),
            Node::Alternative(items) => {
                let letters = self.letters(from);
                for &item in items.iter().filter(|&&item| grammar.may_begin(item, letters)) {
                    self.advance(item, from, conditions, to);
                }
            }
            Node::Permutation(items) => self.permutation(items, from, conditions, to),
        }
    }

    fn sequence(&mut self, items: &[NodeId], from: &Places, conditions: &dyn Conditions, to: &mut Places) {
        let Some((&last, others)) = items.split_last() else {
            return from.iter().for_each(|reached| reach(to, *reached));
        };
        let mut here = Places::new();
        let mut next = Places::new();
        for (index, &item) in others.iter().enumerate() {
            next.clear();
            self.advance(item, if index == 0 { from } else { &here }, conditions, &mut next);
            if next.is_empty() {
                return;
            }
            std::mem::swap(&mut here, &mut next);
        }
        self.advance(last, if others.is_empty() { from } else { &here }, conditions, to);
    }

    /// Places by which of the items are behind them.
    fn permutation(&mut self, items: &[NodeId], from: &Places, conditions: &dyn Conditions, to: &mut Places) {
        let all = (1_usize << items.len()) - 1;
        let mut behind = vec![Places::new(); all + 1];
        behind[0].clone_from(from);
        for done in 0..all {
            let here = std::mem::take(&mut behind[done]);
            if here.is_empty() {
                continue;
            }
            for (index, &item) in items.iter().enumerate().filter(|(index, _)| done & (1 << index) == 0) {
                self.advance(item, &here, conditions, &mut behind[done | 1 << index]);
            }
        }
        behind[all].iter().for_each(|reached| reach(to, *reached));
    }

    /// What stands where something may begin: most words of a sentence are told by their first letter not to be there.
    fn letters(&self, from: &Places) -> First {
        let mut letters = First::NO_LETTERS;
        for reached in from {
            self.begin(reached, &mut |place| {
                self.heard.folded.get(place).into_iter().for_each(|&byte| letters.add(byte));
            });
        }
        letters
    }

    /// Where what comes next may begin.
    fn begin(&self, reached: &Reached, each: &mut dyn FnMut(usize)) {
        if reached.is_start && !self.heard.ignores_spaces {
            self.heard.places(reached.at, each);
        } else {
            each(reached.at);
        }
    }

    fn word(&self, text: &[u8], characters: u32, from: &Places, to: &mut Places) {
        for reached in from {
            self.begin(reached, &mut |place| {
                if self
                    .heard
                    .folded
                    .get(place..)
                    .is_some_and(|rest| rest.first() == text.first() && rest.starts_with(text))
                {
                    let rank = Rank { literal: reached.rank.literal + characters, ..reached.rank };
                    let is_start = text.last() == Some(&b'\'') && !self.heard.ignores_spaces;
                    reach(to, Reached { at: place + text.len(), is_start, is_wild: false, rank, ..*reached });
                }
            });
        }
    }

    fn space(&self, is_strict: bool, from: &Places, to: &mut Places) {
        for reached in from {
            let is_there = self.heard.folded.get(reached.at) == Some(&b' ');
            let is_end = reached.at >= self.heard.end();
            if self.heard.ignores_spaces {
                if is_there || is_end {
                    reach(to, Reached { at: self.heard.past_spaces(reached.at), is_wild: false, ..*reached });
                }
            } else if reached.is_start && !is_strict {
                reach(to, *reached);
            } else if is_there || is_end || (reached.is_start && self.heard.folded[..reached.at].ends_with(b" ")) {
                reach(
                    to,
                    Reached { at: self.heard.past_spaces(reached.at), is_start: true, is_wild: false, ..*reached },
                );
            }
        }
    }

    fn list(
        &mut self,
        list: ListId,
        slot: u16,
        is_capture: bool,
        reached: &Reached,
        conditions: &dyn Conditions,
        to: &mut Places,
    ) {
        let mut fitting: smallvec::SmallVec<[(Occurrence, u8); 4]> = smallvec::SmallVec::new();
        self.begin(reached, &mut |place| {
            self.found.values(self.heard, list, place, &mut |occurrence| {
                if let Some(given) = conditions.allows(list, occurrence.id.value) {
                    fitting.push((occurrence, given));
                }
            });
        });
        // Values that the same words name are one way, told apart afterwards.
        fitting.sort_by_key(|(occurrence, _)| (occurrence.end, occurrence.start, occurrence.cost));
        for same in fitting
            .chunk_by(|(one, _), (other, _)| (one.end, one.start, one.cost) == (other.end, other.start, other.cost))
        {
            let best = same.iter().find(|(one, _)| conditions.prefers(list, one.id.value)).or(same.first());
            let Some(&(occurrence, given)) = best else { continue };
            let is_preferred = conditions.prefers(list, occurrence.id.value);
            let others = same.iter().map(|(other, _)| other.id.value);
            let others = others.filter(|&value| value != occurrence.id.value && !is_preferred).collect();
            let length = u32::try_from(occurrence.end - occurrence.start).unwrap_or(u32::MAX);
            let is_name = conditions.is_name(slot) && !is_capture;
            let rank = Rank { name: if is_name { length } else { reached.rank.name }, ..reached.rank };
            let step = self.step(reached, slot, is_capture, Fill::Value { occurrence, others });
            let given = reached.given | given | if is_capture { 0 } else { conditions.given_by_slot(slot) };
            let cost = reached.cost.saturating_add(occurrence.cost);
            reach(to, Reached { at: occurrence.end, is_wild: false, given, cost, rank, step, ..*reached });
        }
    }

    fn number(
        &mut self,
        range: u16,
        slot: u16,
        is_capture: bool,
        reached: &Reached,
        conditions: &dyn Conditions,
        to: &mut Places,
    ) {
        let numbers = &self.grammar.ranges[usize::from(range)];
        let mut fitting: smallvec::SmallVec<[super::range::Said; 4]> = smallvec::SmallVec::new();
        let mut look = |place| {
            self.found.numbers(self.heard, place, &mut |said| {
                if numbers.has(&said) {
                    fitting.push(said);
                }
            });
        };
        self.begin(reached, &mut look);
        for said in fitting {
            let fill = Fill::Number { range, number: said.number, start: said.start, end: said.end };
            let step = self.step(reached, slot, is_capture, fill);
            let is_digits = matches!(said.form, super::range::Form::Digits { .. });
            // Units may follow digits at once, as in "50percent", or after a space.
            let is_start = reached.is_start && is_digits;
            let given = reached.given | if is_capture { 0 } else { conditions.given_by_slot(slot) };
            reach(to, Reached { at: said.end, is_start, is_wild: false, given, step, ..*reached });
        }
    }

    /// A wildcard ends wherever a word does, with the best way to each end: starts are passed in order, and which of them
    /// is best does not change with the end.
    fn wildcard(&mut self, slot: u16, is_capture: bool, is_glued: bool, from: &Places, to: &mut Places) {
        let heard = self.heard;
        let ends_anywhere = is_glued || heard.ignores_spaces;
        let mut best: smallvec::SmallVec<[(usize, Reached); 2]> = smallvec::SmallVec::new();
        let mut waiting = from.iter().map(|reached| (heard.past_spaces(reached.at), reached)).peekable();
        for end in 1..=heard.end() {
            while let Some((start, reached)) = waiting.next_if(|(start, _)| *start < end) {
                // Compared as if all of them began at 0: the same letters are then added to each.
                let shifted = |at: usize, reached: &Reached| Rank {
                    wild: Reverse((reached.rank.wild.0 + u32::MAX / 2) - u32::try_from(at).unwrap_or(0)),
                    ..reached.rank
                };
                match best.iter_mut().find(|(_, known)| (known.given, known.cost) == (reached.given, reached.cost)) {
                    Some((at, known)) if shifted(*at, known) >= shifted(start, reached) => {}
                    Some(known) => *known = (start, *reached),
                    None => best.push((start, *reached)),
                }
            }
            let is_boundary = heard.folded.get(end).is_none_or(|byte| byte & 0xc0 != 0x80);
            if best.is_empty() || !is_boundary || !(heard.is_word_end(end) || ends_anywhere) {
                continue;
            }
            for &(start, reached) in &best {
                let step = self.step(&reached, slot, is_capture, Fill::Words { start, end });
                let length = u32::try_from(end - start).unwrap_or(u32::MAX);
                let rank = Rank {
                    wildcards: Reverse(reached.rank.wildcards.0 + 1),
                    wild: Reverse(reached.rank.wild.0.saturating_add(length)),
                    ..reached.rank
                };
                reach(to, Reached { at: end, is_start: true, is_wild: true, rank, step, ..reached });
            }
        }
    }
}
