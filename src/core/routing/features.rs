//! What the predictor sees of a sentence: numbers of the features that it has, each by its hash.
//!
//! Cheap and explainable: words, pairs and triples of neighbours, pairs over a gap, the opening once courtesies are
//! gone, the ends, and how long it is. A word that training did not know counts as "some word" in pairs and triples, so
//! that "define quixotic" looks like "define <any word>". It must not look at anything but the words.

use super::words;

/// The table has two to the power of this many places.
pub(super) const BITS: u32 = 15;
/// Places of the table.
pub(super) const SIZE: usize = 1 << BITS;
/// Words that are looked at: whatever a sentence wants stands in its first ones, and the time stays bounded.
const MOST_WORDS: usize = 32;

const START: u64 = 0x5354_4152_545f_5f5f;
const END: u64 = 0x454e_445f_5f5f_5f5f;
const SOME_WORD: u64 = 0x4f54_4845_525f_5f5f;
const NUMBER: u64 = 0x4e55_4d42_4552_5f5f;

/// The kinds of feature, so that the same words count differently in each.
#[derive(Clone, Copy)]
enum Kind {
    Word = 1,
    Pair,
    Triple,
    Gap,
    Near,
    Opening,
    OpeningPair,
    OpeningTriple,
    Stem,
    Ending,
    Length,
    Always,
}

/// The places of the table for a sentence of lower-case words; `known` tells whether training knew the word of a hash.
pub(super) fn features(said: &[&str], known: impl Fn(u64) -> bool, mut found: impl FnMut(usize)) {
    let said = &said[..said.len().min(MOST_WORDS)];
    let as_known = |word: &str| {
        let hash = hash_word(word);
        if hash == NUMBER || known(hash) { hash } else { SOME_WORD }
    };
    let mut add = |kind: Kind, parts: [u64; 3]| found(place(kind, parts));
    let hashes: Vec<u64> = said.iter().map(|word| as_known(word)).collect();
    add(Kind::Always, [0; 3]);
    add(Kind::Length, [length_class(said.len()), 0, 0]);
    let at = |index: usize| match index {
        0 => START,
        index => hashes.get(index - 1).copied().unwrap_or(END),
    };
    for index in 0..=hashes.len() {
        let [this, next, after] = [at(index), at(index + 1), at(index + 2)];
        add(Kind::Pair, [this, next, 0]);
        if index < hashes.len() {
            add(Kind::Triple, [this, next, after]);
            add(Kind::Gap, [this, after, 0]);
        }
        for far in 3..=6 {
            let other = at(index + far);
            if index > 0 && this != SOME_WORD && other != SOME_WORD && other != END {
                add(Kind::Near, [this, other, 0]);
            }
        }
    }
    for (word, hash) in said.iter().zip(&hashes) {
        add(Kind::Word, [*hash, 0, 0]);
        if *hash != NUMBER {
            let characters: Vec<char> = word.chars().take(24).collect();
            add(Kind::Stem, [hash_characters(&characters[..characters.len().min(5)]), 0, 0]);
            add(Kind::Ending, [hash_characters(&characters[characters.len().saturating_sub(3)..]), 0, 0]);
        }
    }
    let meant = words::without_courtesies(said);
    let opening = |index: usize| meant.get(index).map_or(END, |word| as_known(word));
    let [first, second, third] = [opening(0), opening(1), opening(2)];
    add(Kind::Opening, [first, 0, 0]);
    add(Kind::OpeningPair, [first, second, 0]);
    add(Kind::OpeningTriple, [first, second, third]);
}

/// A word's number; all numbers are one word, and digits in a word are any digits.
pub(super) fn hash_word(word: &str) -> u64 {
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b':' | b'%'));
    if is_number || is_number_word(word) {
        return NUMBER;
    }
    let mut hash = Fnv::default();
    let mut in_digits = false;
    for character in word.chars() {
        let is_digit = character.is_ascii_digit();
        if !(is_digit && in_digits) {
            hash.add(u64::from(if is_digit { '0' } else { character }));
        }
        in_digits = is_digit;
    }
    hash.0
}

/// Numbers said in words. "One" is not here, because it is a pronoun more often.
fn is_number_word(word: &str) -> bool {
    matches!(
        word,
        "One"
            | "two"
            | "three"
            | "four"
            | "five"
            | "six"
            | "seven"
            | "eight"
            | "nine"
            | "ten"
            | "eleven"
            | "twelve"
            | "thirteen"
            | "fourteen"
            | "fifteen"
            | "sixteen"
            | "seventeen"
            | "eighteen"
            | "nineteen"
            | "twenty"
            | "thirty"
            | "forty"
            | "fifty"
            | "sixty"
            | "seventy"
            | "eighty"
            | "ninety"
            | "hundred"
            | "thousand"
            | "million"
    )
}

/// Where a hash stands in a table with a place for each.
pub(super) fn place_of_word(hash: u64) -> usize {
    fold(hash)
}

fn hash_characters(characters: &[char]) -> u64 {
    let mut hash = Fnv::default();
    for character in characters {
        hash.add(u64::from(*character));
    }
    hash.0
}

fn place(kind: Kind, parts: [u64; 3]) -> usize {
    let mut hash = Fnv::default();
    #[expect(clippy::as_conversions, reason = "the number of a variant; there is no other way to get it")]
    hash.add(kind as u64);
    for part in parts {
        hash.add(part);
    }
    fold(hash.0)
}

fn fold(hash: u64) -> usize {
    let mixed = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    usize::try_from(mixed >> (64 - BITS)).unwrap_or(0)
}

fn length_class(words: usize) -> u64 {
    match words {
        0..=4 => u64::try_from(words).unwrap_or(0),
        5..=6 => 5,
        7..=9 => 6,
        10..=13 => 7,
        14..=20 => 8,
        _ => 9,
    }
}

/// FNV-1a over whole numbers instead of bytes; `fold` mixes what that leaves unmixed.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, part: u64) {
        self.0 = (self.0 ^ part).wrapping_mul(0x0000_0100_0000_01b3);
        self.0 ^= self.0 >> 32;
    }
}
