//! A slow, obvious matcher: a template is written out into every sentence that it stands for, and each of them is compared
//! with what was said, from left to right, trying all there is to try.
//!
//! It shares the reading of templates and the folding of texts with the real one, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::intents::numbers;
use crate::core::intents::sentence::heard::fold;
use crate::core::intents::sentence::syntax::Expression;

/// Sentences that a template may stand for; more are not worth the time.
const MAX_SENTENCES: usize = 3_000;

/// Slots and what fills them, folded.
pub(super) type Slots = BTreeMap<String, String>;

/// A part of a sentence that is written out.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Word(String),
    /// A space inside a text: it must be there.
    Space,
    /// A space at the start of a text: nothing at the start of a word.
    Gap,
    Value {
        list: String,
        slot: String,
    },
    Number {
        from: i32,
        to: i32,
        slot: String,
    },
    Wildcard {
        slot: String,
        is_glued: bool,
    },
}

/// What the templates may name.
pub(super) struct Scope<'a> {
    /// By list, the texts of its values and what they stand for.
    pub(super) lists: &'a [(&'a str, &'a [(&'a str, &'a str)])],
    pub(super) rules: &'a [(&'a str, Expression)],
    pub(super) skip_words: &'a [&'a str],
}

impl Scope<'_> {
    /// Every sentence that an expression stands for; `None` where there are too many.
    pub(super) fn sentences(&self, expression: &Expression) -> Option<Vec<Vec<Part>>> {
        let sentences = match expression {
            Expression::Text(text) => vec![parts(text)],
            Expression::Alternative(items) => {
                let each: Option<Vec<_>> = items.iter().map(|item| self.sentences(item)).collect();
                each?.concat()
            }
            Expression::Sequence(items) => items.iter().try_fold(vec![Vec::new()], |heads, item| {
                let tails = self.sentences(item)?;
                (heads.len() * tails.len() <= MAX_SENTENCES).then(|| {
                    heads.iter().flat_map(|head| tails.iter().map(|tail| [&head[..], &tail[..]].concat())).collect()
                })
            })?,
            Expression::Permutation(items) => self.orders(items)?,
            Expression::Rule(name) => self.sentences(&self.rules.iter().find(|(known, _)| known == name)?.1)?,
            Expression::List(list) => {
                let slot = list.slot.clone();
                vec![vec![match (list.range, list.list.as_str()) {
                    (Some(range), _) => Part::Number {
                        from: format!("{}", range.from).parse().ok()?,
                        to: format!("{}", range.to).parse().ok()?,
                        slot,
                    },
                    (None, "any") => Part::Wildcard { slot, is_glued: list.is_glued },
                    (None, name) => Part::Value { list: name.to_owned(), slot },
                }]]
            }
        };
        (sentences.len() <= MAX_SENTENCES).then_some(sentences)
    }

    fn orders(&self, items: &[Expression]) -> Option<Vec<Vec<Part>>> {
        if items.is_empty() {
            return Some(vec![Vec::new()]);
        }
        let mut orders = Vec::new();
        for index in 0..items.len() {
            let mut others = items.to_vec();
            let first = others.remove(index);
            orders.push(Expression::Sequence(vec![first, Expression::Permutation(others)]));
        }
        self.sentences(&Expression::Alternative(orders))
    }

    /// Every way to fill the slots so that the text is one of the sentences.
    pub(super) fn readings(&self, sentences: &[Vec<Part>], text: &str) -> BTreeSet<Slots> {
        let mut readings = BTreeSet::new();
        for sentence in sentences {
            let here = Here { at: 0, is_start: true, is_wild: false };
            Reading { scope: self, text, readings: &mut readings }.read(sentence, here, &Slots::new());
        }
        readings
    }
}

/// Words and spaces of a text; hyphens are spaces.
fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word = &rest[..rest.find([' ', '-']).unwrap_or(rest.len())];
        rest = &rest[word.len()..];
        if !word.is_empty() {
            parts.push(Part::Word(fold(word)));
        }
        if rest.starts_with([' ', '-']) {
            parts.push(if parts.is_empty() { Part::Gap } else { Part::Space });
            rest = rest.trim_start_matches([' ', '-']);
        }
    }
    parts
}

#[derive(Clone, Copy)]
struct Here {
    at: usize,
    /// Whether a word may start here, so that spaces and skip words do not matter.
    is_start: bool,
    /// Whether free words end here: they go on to the end.
    is_wild: bool,
}

struct Reading<'a, 'r> {
    scope: &'a Scope<'a>,
    text: &'a str,
    readings: &'r mut BTreeSet<Slots>,
}

impl Reading<'_, '_> {
    fn read(&mut self, parts: &[Part], here: Here, slots: &Slots) {
        let Some((part, rest)) = parts.split_first() else {
            let places = if here.is_wild { vec![here.at] } else { self.places(here.at) };
            if places.contains(&self.text.len()) {
                self.readings.insert(slots.clone());
            }
            return;
        };
        let is_space = self.text[here.at..].starts_with(' ');
        let begins = if here.is_start { self.places(here.at) } else { vec![here.at] };
        match part {
            Part::Gap if here.is_start => self.read(rest, here, slots),
            Part::Gap | Part::Space => {
                let is_behind_space = here.is_start && self.text[..here.at].ends_with(' ');
                if is_space || is_behind_space || here.at == self.text.len() {
                    let at = here.at + usize::from(is_space);
                    self.read(rest, Here { at, is_start: true, is_wild: false }, slots);
                }
            }
            Part::Word(word) => {
                for at in begins.into_iter().filter(|&at| self.text[at..].starts_with(word)) {
                    let here = Here { at: at + word.len(), is_start: word.ends_with('\''), is_wild: false };
                    self.read(rest, here, slots);
                }
            }
            Part::Value { list, slot } => {
                let values =
                    self.scope.lists.iter().find(|(known, _)| known == list).map_or(&[][..], |(_, values)| values);
                for at in begins {
                    for (said, out) in values {
                        for at in self.value_ends(said, at, true) {
                            self.read(rest, Here { at, is_wild: false, ..here }, &filled(slots, slot, out));
                        }
                    }
                }
            }
            Part::Number { from, to, slot } => {
                for at in begins {
                    for (end, number, is_digits) in self.numbers(at, *from, *to) {
                        let here = Here { at: end, is_start: here.is_start && is_digits, is_wild: false };
                        self.read(rest, here, &filled(slots, slot, &number.to_string()));
                    }
                }
            }
            Part::Wildcard { slot, is_glued } => {
                let start = here.at + usize::from(is_space);
                for end in start + 1..=self.text.len() {
                    if *is_glued || end == self.text.len() || self.text[end..].starts_with(' ') {
                        let words = self.text[start..end].trim();
                        let here = Here { at: end, is_start: true, is_wild: true };
                        self.read(rest, here, &filled(slots, slot, words));
                    }
                }
            }
        }
    }

    /// Where the next word may start: here, past a space, and past skip words.
    fn places(&self, at: usize) -> Vec<usize> {
        let at = at + usize::from(self.text[at..].starts_with(' '));
        let mut places = vec![at];
        places.extend(self.skips(at).into_iter().flat_map(|at| self.places(at)));
        places
    }

    /// Where the skip words end that stand here.
    fn skips(&self, at: usize) -> Vec<usize> {
        let mut ends = Vec::new();
        let before = self.text[..at].chars().next_back();
        let next = self.text[at..].chars().next();
        let is_number_end = before.is_some_and(|c| c.is_ascii_digit()) && !next.is_some_and(|c| c.is_ascii_digit());
        if before.is_none_or(|c| c == ' ' || c == '\'') || is_number_end {
            for word in self.scope.skip_words {
                if let Some(after) = self.text[at..].strip_prefix(word)
                    && (after.is_empty() || after.starts_with(' '))
                {
                    ends.push(at + word.len());
                }
            }
        }
        ends
    }

    /// Where a value ends that stands here; skip words may stand inside.
    fn value_ends(&self, said: &str, at: usize, is_first: bool) -> Vec<usize> {
        let Some(letter) = said.chars().next() else { return vec![at] };
        let mut ends = Vec::new();
        if self.text[at..].starts_with(letter) {
            ends.extend(self.value_ends(&said[letter.len_utf8()..], at + letter.len_utf8(), false));
        }
        if !is_first {
            for end in self.skips(at) {
                let end = end + usize::from(self.text[end..].starts_with(' '));
                ends.extend(self.value_ends(said, end, false));
            }
        }
        ends
    }

    /// The numbers that stand here: where they end, and whether they are digits. Words count only where no digits are.
    fn numbers(&self, at: usize, from: i32, to: i32) -> Vec<(usize, i32, bool)> {
        let text = &self.text[at..];
        let sign = usize::from(text.starts_with('-'));
        let digits = text[sign..].chars().take_while(char::is_ascii_digit).count();
        if digits > 0 {
            let number = text[..sign + digits].parse().ok().filter(|number| (from..=to).contains(number));
            return number.map(|number| (at + sign + digits, number, true)).into_iter().collect();
        }
        let mut found = Vec::new();
        for number in from..=to {
            for spelling in numbers::spellings("en", f64::from(number)) {
                let is_here =
                    text.strip_prefix(&spelling).is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric()));
                if is_here {
                    found.push((at + spelling.len(), number, false));
                }
            }
        }
        found
    }
}

fn filled(slots: &Slots, slot: &str, value: &str) -> Slots {
    let mut slots = slots.clone();
    slots.insert(slot.to_owned(), fold(value));
    slots
}
