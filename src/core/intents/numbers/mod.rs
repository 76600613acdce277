//! Number words: the ways a number is said, by language.
//!
//! A list that is a range asks for the spellings of each of its numbers and matches those. This module only spells: it
//! reads no text, keeps no state and knows nothing of ranges, steps or multipliers.

mod de;
mod en;
mod es;
mod fr;
mod it;
mod nl;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use crate::core::language;

/// Words that may stand for each other, the usual one first.
type Words = &'static [&'static str];

/// Whole numbers that are spelled lie between these, ends included.
const LEAST: i32 = -9_999;
const MOST: i32 = 19_999;
/// How far a number may be from a tenth and still be one: steps that were added up are off by less.
const TOLERANCE: f64 = 1e-6;

const TAGS: [&str; 6] = ["en", "de", "fr", "es", "nl", "it"];
/// In the order of their tags.
const LANGUAGES: [&Language; TAGS.len()] =
    [&en::LANGUAGE, &de::LANGUAGE, &fr::LANGUAGE, &es::LANGUAGE, &nl::LANGUAGE, &it::LANGUAGE];

/// What a language's file says of it.
struct Language {
    /// The spellings of a whole number from 0 to 19,999.
    whole: fn(usize) -> Vec<String>,
    /// The spellings of a whole number and a half that use a word for the half.
    and_a_half: fn(usize) -> Vec<String>,
    /// What stands before a number below zero.
    minus: Words,
    /// What stands between a whole number and its tenths.
    point: Words,
    /// The digits after the point.
    digits: [Words; 10],
    /// Whether "point five" is said for "zero point five".
    zero_unsaid: bool,
    /// Other ways to write the same words, each a list of letters and what is written for them.
    respellings: &'static [&'static [(&'static str, &'static str)]],
    /// Parts of a whole, in percent.
    percent: &'static [(&'static str, f64)],
}

/// The ways a number is said in a language, the usual one first: lower case, words separated by single spaces, no
/// hyphens; empty for a language that is not known.
///
/// BCP 47 tags count by their primary subtag. Whole numbers from -9,999 to 19,999 and their tenths have spellings.
pub(super) fn spellings(language: &str, number: f64) -> Vec<String> {
    let (Some(language), Some(tenths)) = (find(language), in_tenths(number)) else { return Vec::new() };
    let Ok(size) = usize::try_from(tenths.unsigned_abs()) else { return Vec::new() };
    let unsigned = match size % 10 {
        0 => (language.whole)(size / 10),
        tenth => decimal(language, size / 10, tenth),
    };
    let signed = if tenths < 0 { cross(language.minus, &[" "], &unsigned) } else { unsigned };
    respelled(signed, language.respellings)
}

/// Words for parts of a whole, in percent, for ranges of percent: "half" is 50; empty for a language that is not known.
pub(super) fn percent_words(language: &str) -> &'static [(&'static str, f64)] {
    find(language).map_or(&[], |language| language.percent)
}

/// The languages that have number words, as primary subtags.
#[cfg(test)]
pub(super) fn languages() -> &'static [&'static str] {
    &TAGS
}

fn find(tag: &str) -> Option<&'static Language> {
    let primary = language::primary(tag);
    let at = TAGS.iter().position(|known| known.eq_ignore_ascii_case(primary))?;
    LANGUAGES.get(at).copied()
}

/// The number in tenths, if it is a number of tenths within the limits.
fn in_tenths(number: f64) -> Option<i32> {
    // By way of text, which refuses what is no number or too big for one.
    let tenths: i32 = format!("{:.0}", number * 10.0).parse().ok()?;
    let within = (LEAST..=MOST).contains(&(tenths / 10));
    (within && (f64::from(tenths) / 10.0 - number).abs() < TOLERANCE).then_some(tenths)
}

fn decimal(language: &Language, whole: usize, tenth: usize) -> Vec<String> {
    let digit = language.digits.get(tenth).copied().unwrap_or_default();
    let tenths = cross(language.point, &[" "], digit);
    let mut spelled = cross(&(language.whole)(whole), &[" "], &tenths);
    if whole == 0 && language.zero_unsaid {
        spelled.extend(tenths);
    }
    if tenth == 5 {
        spelled.extend((language.and_a_half)(whole));
    }
    spelled
}

/// The spellings and the other ways to write each of them, each once.
fn respelled(spelled: Vec<String>, respellings: &[&[(&str, &str)]]) -> Vec<String> {
    let mut known = HashSet::new();
    let mut all = Vec::with_capacity(spelled.len());
    for usual in spelled {
        let others: Vec<String> = respellings.iter().map(|letters| rewritten(&usual, letters)).collect();
        for spelling in std::iter::once(usual).chain(others) {
            if known.insert(spelling.clone()) {
                all.push(spelling);
            }
        }
    }
    all
}

fn rewritten(spelling: &str, letters: &[(&str, &str)]) -> String {
    letters.iter().fold(spelling.to_owned(), |written, (from, to)| written.replace(from, to))
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Every left part with every right part, by each of the links.
///
/// Without a space in the link, a right part that has one is left out: nobody writes "hundertein und zwanzig".
fn cross(left: &[impl AsRef<str>], links: &[&str], right: &[impl AsRef<str>]) -> Vec<String> {
    let mut all = Vec::with_capacity(left.len() * links.len() * right.len());
    for left in left.iter().map(AsRef::as_ref) {
        for &link in links {
            for right in right.iter().map(AsRef::as_ref) {
                if link.contains(' ') || !right.contains(' ') {
                    all.push([left, link, right].concat());
                }
            }
        }
    }
    all
}
