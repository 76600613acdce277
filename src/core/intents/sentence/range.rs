//! Numbers: which ones a range has, and how they are found in what was said, in digits or in words.

use std::collections::HashSet;

use serde_json::Number;

use crate::core::intents::numbers;

use super::trie::Trie;

/// Numbers of one range that are spelled out; more are said in digits only.
const MAX_SPELLED: usize = 2_000;
/// How near two numbers are that are one.
const NEAR: f64 = 1e-6;

/// Numbers from one to another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NumberRange {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) step: f64,
    /// What a number is multiplied by before it becomes the slot.
    pub(crate) multiplier: f64,
    /// Parts of one that count besides whole steps: 1 for none, 2 for halves, 10 for tenths.
    pub(crate) parts: f64,
    pub(crate) digits: bool,
    pub(crate) words: bool,
    /// Whether "half" means 50.
    pub(crate) is_percentage: bool,
}

impl NumberRange {
    /// Whole numbers, in digits and words.
    pub(crate) fn whole(from: f64, to: f64, step: f64) -> Self {
        Self { from, to, step, multiplier: 1.0, parts: 1.0, digits: true, words: true, is_percentage: false }
    }

    /// Whether the range has the number that was said.
    pub(crate) fn has(&self, said: &Said) -> bool {
        let written = match said.form {
            // "5.5" is no whole number, and "5.0" is one only where the range has parts.
            Form::Digits { has_fraction } => self.digits && (self.parts > 1.0 || !has_fraction),
            Form::Words => self.words,
            Form::Share => self.words && self.is_percentage,
        };
        let whole = |number: f64| (number - number.round()).abs() < NEAR;
        let (number, is_on) = (said.number, |step: f64, from: f64| whole((said.number - from) / step));
        written
            && number >= self.from - NEAR
            && number <= self.to + NEAR
            && (is_on(self.step, self.from) || (self.parts > 1.0 && whole(number * self.parts)))
    }

    /// The slot's value for a number that was said.
    pub(crate) fn value(&self, said: f64) -> Number {
        as_number(said * self.multiplier)
    }

    /// The numbers to spell out.
    fn numbers(&self) -> Vec<f64> {
        let mut numbers = Vec::new();
        if !self.words {
            return numbers;
        }
        let mut add = |step: f64| {
            let mut number = self.from;
            while number <= self.to + NEAR && numbers.len() < MAX_SPELLED {
                numbers.push(number);
                number += step;
            }
        };
        add(self.step);
        if self.parts > 1.0 {
            add(1.0 / self.parts);
        }
        numbers
    }
}

/// A whole number is written as one; others with at most six digits after the point.
pub(crate) fn as_number(number: f64) -> Number {
    let rounded = (number * 1e6).round() / 1e6;
    let written = format!("{rounded}");
    let whole = written.parse::<i64>().ok().map(Number::from);
    whole.or_else(|| Number::from_f64(rounded)).unwrap_or_else(|| Number::from(0))
}

/// How a number was said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    Digits {
        has_fraction: bool,
    },
    Words,
    /// A part of a whole, in percent.
    Share,
}

/// A number that stands somewhere in what was said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) number: f64,
    pub(crate) form: Form,
}

/// The spelled-out numbers of one language: each once, whatever ranges it is in, so that no range takes another's value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spelling {
    trie: Trie<(f64, bool)>,
}

impl Spelling {
    /// Spells the numbers of all ranges out.
    pub(crate) fn new<'r>(language: &str, ranges: impl Iterator<Item = &'r NumberRange>) -> Self {
        let mut trie = Trie::default();
        let mut known = HashSet::new();
        let mut shares = false;
        for range in ranges {
            shares |= range.is_percentage && range.words;
            for number in range.numbers() {
                // Tenths are the finest there is, so that a whole key tells numbers apart.
                if known.insert((number * 10.0).round().to_bits()) {
                    for text in numbers::spellings(language, number) {
                        trie.insert(&super::heard::fold(&text), (number, false));
                    }
                }
            }
        }
        for (text, percent) in numbers::percent_words(language).iter().filter(|_| shares) {
            trie.insert(&super::heard::fold(text), (*percent, true));
        }
        Self { trie }
    }

    /// The numbers that stand at a place: those in words only where there are no digits.
    pub(crate) fn at(&self, text: &[u8], start: usize, found: &mut Vec<Said>) {
        if let Some(Digits { end, has_fraction, is_grouped }) = digits(text, start) {
            if let Some(number) = read(&text[start..end], is_grouped) {
                found.push(Said { start, end, number, form: Form::Digits { has_fraction } });
            }
            return;
        }
        self.trie.find(text, start, &mut |end, &(number, is_share)| {
            // "seventy" does not begin with "seven"; what follows a number word is no letter.
            let goes_on = text.get(end).is_some_and(u8::is_ascii_alphanumeric);
            if !goes_on {
                found.push(Said { start, end, number, form: if is_share { Form::Share } else { Form::Words } });
            }
        });
    }
}

/// Digits that stand somewhere.
struct Digits {
    end: usize,
    has_fraction: bool,
    /// Whether commas stand between thousands.
    is_grouped: bool,
}

/// The digits that start here, with their decimals. "1,000" is a thousand and not one: what was meant to be large must not
/// become small.
fn digits(text: &[u8], start: usize) -> Option<Digits> {
    let run = |from: usize| from + text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let first = if text.get(start) == Some(&b'-') { start + 1 } else { start };
    let mut whole = run(first);
    if whole == first {
        return None;
    }
    let ungrouped = whole;
    if text[first] != b'0' && whole - first <= 3 {
        while text.get(whole) == Some(&b',') && run(whole + 1) == whole + 4 {
            whole += 4;
        }
    }
    let is_grouped = whole > ungrouped;
    let is_point = text.get(whole) == Some(&b'.') || (text.get(whole) == Some(&b',') && !is_grouped);
    let part = if is_point { run(whole + 1) } else { whole };
    let has_fraction = is_point && part > whole + 1;
    Some(Digits { end: if has_fraction { part } else { whole }, has_fraction, is_grouped })
}

fn read(digits: &[u8], is_grouped: bool) -> Option<f64> {
    if digits.len() > 16 {
        return None;
    }
    std::str::from_utf8(digits).ok()?.replace(',', if is_grouped { "" } else { "." }).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(language: &str, range: &NumberRange, text: &str) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        Spelling::new(language, [range].into_iter()).at(text.as_bytes(), 0, &mut found);
        let fitting = found.iter().filter(|said| range.has(said));
        fitting.map(|said| (said.end, range.value(said.number).to_string())).collect()
    }

    #[test]
    fn digits_and_words_are_numbers_of_their_range() {
        let percent = NumberRange { is_percentage: true, ..NumberRange::whole(0.0, 100.0, 1.0) };
        assert_eq!(said("en", &percent, "050%"), [(3, "50".to_owned())]);
        assert_eq!(said("en", &percent, "101"), []);
        assert_eq!(said("en", &percent, "5.5"), []);
        assert_eq!(said("en", &percent, "-5"), []);
        assert_eq!(said("en", &percent, "half"), [(4, "50".to_owned())]);
        assert_eq!(said("en", &percent, "a hundred"), [(9, "100".to_owned())]);
        let down = NumberRange { multiplier: -1.0, ..percent.clone() };
        assert_eq!(said("en", &down, "twenty percent"), [(6, "-20".to_owned())]);
        let halves = NumberRange { parts: 2.0, ..NumberRange::whole(5.0, 30.0, 1.0) };
        assert_eq!(said("en", &halves, "20,5"), [(4, "20.5".to_owned())]);
        assert_eq!(said("en", &halves, "20.3"), []);
        assert_eq!(said("en", &halves, "20.0"), [(4, "20".to_owned())]);
        assert_eq!(said("en", &halves, "0,5"), []);
        let large = NumberRange { parts: 10.0, ..NumberRange::whole(0.0, 5_000_000.0, 1.0) };
        for (text, expected) in
            [("1,000", "1000"), ("12,500.5", "12500.5"), ("2,000,000", "2000000"), ("1,5", "1.5"), ("0,500", "0.5")]
        {
            assert_eq!(said("en", &large, text), [(text.len(), expected.to_owned())]);
        }
        assert_eq!(said("en", &halves, "6,000"), [], "six thousand degrees");
        let steps = NumberRange::whole(10.0, 100.0, 10.0);
        assert_eq!(said("en", &steps, "15"), []);
        assert_eq!(said("en", &steps, "twenty"), [(6, "20".to_owned())]);
        assert_eq!(said("de", &steps, "zwanzig"), [(7, "20".to_owned())]);
    }
}
