//! Makes the predictor's weights from training sentences, the same ones from the same sentences on every machine.
//!
//! It knows texts and bytes, no files. A line of a text is a sentence or a pattern: `[optional]`, `(one|other)`, and
//! `<name>` for what a line `<name> = …` of the same or the common text defines. `#` opens a comment.

use std::collections::{BTreeMap, BTreeSet};

use super::features::{SIZE, features, hash_word, place_of_word};
use super::predictor::{CLASSES, Weights, is_known, softmax};
use crate::core::utterance;

/// Sentences that are made of one pattern, at most.
const MOST_OF_A_PATTERN: usize = 160;
/// How often each sentence is looked at.
const ROUNDS: u32 = 8;
/// How far a weight moves at first.
const RATE: f64 = 0.6;
/// What is left of every weight after a round: large ones must be earned again.
const KEPT: f64 = 0.97;
/// Of a hundred words, how many are hidden from a round, so that it learns what surrounds them.
const HIDDEN: u64 = 12;
/// Lines in which a word stands before it counts as known.
const KNOWN_FROM: usize = 3;
/// How deep patterns may nest.
const MOST_DEPTH: usize = 12;

/// The sentences of each class, and what their patterns share.
#[derive(Clone, Copy, Debug)]
pub struct Texts<'t> {
    /// Definitions for all three.
    pub common: &'t str,
    /// What is to be done.
    pub command: &'t str,
    /// Small talk.
    pub chat: &'t str,
    /// What is to be explained.
    pub explain: &'t str,
}

/// Trains from these texts and returns the file of weights.
///
/// # Errors
/// A line that is no pattern, in words.
pub fn train(texts: &Texts<'_>) -> Result<Vec<u8>, String> {
    let examples = examples(texts)?;
    let known = known_words(&examples);
    let weights = fit(&examples, &known);
    let largest = weights.iter().flatten().fold(0.0_f64, |largest, weight| largest.max(weight.abs()));
    let step = largest / 127.0;
    #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "rounded, and within -127 to 127")]
    let steps = weights.iter().map(|row| row.map(|weight| (weight / step).round() as i8)).collect();
    #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "a factor needs no 53 bits")]
    let scale = step as f32;
    Ok(Weights { checksum: checksum(texts), scale, known, rows: steps }.to_bytes())
}

/// A number of these texts, which changes where they do.
pub(super) fn checksum(texts: &Texts<'_>) -> u64 {
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    for byte in [texts.common, texts.command, texts.chat, texts.explain].join("\0").bytes() {
        sum = (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    sum
}

/// A sentence with its class and the line that it came from.
struct Example {
    class: usize,
    line: usize,
    text: String,
}

fn examples(texts: &Texts<'_>) -> Result<Vec<Example>, String> {
    let mut examples = Vec::new();
    let mut line = 0;
    for (class, text) in [texts.command, texts.chat, texts.explain].into_iter().enumerate() {
        let mut definitions = BTreeMap::new();
        let mut patterns = Vec::new();
        for row in texts.common.lines().chain(text.lines()).map(str::trim) {
            match row.strip_prefix('<').and_then(|row| row.split_once("> = ")) {
                Some((name, pattern)) if !name.contains('>') => drop(definitions.insert(name, pattern)),
                _ if row.is_empty() || row.starts_with('#') => {}
                _ => patterns.push(row),
            }
        }
        for pattern in patterns {
            line += 1;
            let mut made = BTreeSet::new();
            // Patterns with few sentences repeat themselves: tried more often than sentences are wanted.
            for attempt in 0..MOST_OF_A_PATTERN {
                let mut chance = Chance::new(pattern, attempt);
                let sentence = expand(pattern, &definitions, &mut chance, 0)?;
                made.insert(utterance::normalise(&sentence).to_lowercase());
            }
            examples.extend(made.into_iter().map(|text| Example { class, line, text }));
        }
    }
    Ok(examples)
}

/// One sentence of a pattern.
fn expand(
    pattern: &str,
    definitions: &BTreeMap<&str, &str>,
    chance: &mut Chance,
    depth: usize,
) -> Result<String, String> {
    if depth > MOST_DEPTH {
        return Err(format!("`{pattern}` nests too deep"));
    }
    let mut sentence = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['(', '[', '<']) {
        sentence.push_str(&rest[..at]);
        let (inside, after) = bracketed(&rest[at..]).ok_or_else(|| format!("`{pattern}` has an open bracket"))?;
        let is_left_out = rest[at..].starts_with('[') && chance.below(2) == 0;
        let inside = if rest[at..].starts_with('<') {
            *definitions.get(inside).ok_or_else(|| format!("`{pattern}`: nothing is called <{inside}>"))?
        } else {
            inside
        };
        let options = alternatives(if is_left_out { "" } else { inside });
        let inner = options[chance.below(options.len())];
        sentence.push_str(&expand(inner, definitions, chance, depth + 1)?);
        rest = after;
    }
    sentence.push_str(rest);
    Ok(sentence)
}

/// What stands in the bracket that a text opens with, and what follows it.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '(' | '[' | '<' => depth += 1,
            ')' | ']' | '>' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some((&text[1..at], &text[at + 1..]));
        }
    }
    None
}

/// The parts between the bars that stand in no inner bracket.
fn alternatives(inside: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut from) = (0_usize, 0);
    for (at, character) in inside.char_indices() {
        match character {
            '(' | '[' | '<' => depth += 1,
            ')' | ']' | '>' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => {
                parts.push(&inside[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inside[from..]);
    parts
}

/// A bit for each word that stands in enough lines.
fn known_words(examples: &[Example]) -> Vec<u8> {
    let mut lines: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
    for example in examples {
        for word in example.text.split(' ') {
            lines.entry(hash_word(word)).or_default().insert(example.line);
        }
    }
    let mut known = vec![0_u8; SIZE / 8];
    for (hash, _) in lines.iter().filter(|(_, lines)| lines.len() >= KNOWN_FROM) {
        let place = place_of_word(*hash);
        known[place / 8] |= 1 << (place % 8);
    }
    known
}

/// `AdaGrad` over the sentences, in an order that is mixed the same way each time.
fn fit(examples: &[Example], known: &[u8]) -> Vec<[f64; CLASSES]> {
    let mut weights = vec![[0.0; CLASSES]; SIZE];
    let mut moved = vec![[1e-2; CLASSES]; SIZE];
    let mut counts = [0_u32; CLASSES];
    for example in examples {
        counts[example.class] += 1;
    }
    let all: u32 = counts.iter().sum();
    let importance = counts.map(|count| f64::from(all) / (3.0 * f64::from(count.max(1))));
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let mut places = Vec::new();
    for round in 0..ROUNDS {
        for at in (1..order.len()).rev() {
            order.swap(at, chance.below(at + 1));
        }
        for example in order.iter().map(|index| &examples[*index]) {
            let words: Vec<&str> = example.text.split(' ').filter(|word| !word.is_empty()).collect();
            let hiding = chance.next();
            let is_hidden = |hash: u64| round > 0 && is_chosen(hash ^ hiding, HIDDEN);
            places.clear();
            features(&words, |hash| is_known(known, hash) && !is_hidden(hash), |place| places.push(place));
            let norm = f64::from(u16::try_from(places.len()).unwrap_or(u16::MAX)).sqrt();
            let mut sums = [0.0; CLASSES];
            for place in &places {
                for (sum, weight) in sums.iter_mut().zip(weights[*place]) {
                    *sum += weight;
                }
            }
            let mut slopes = softmax(sums, norm);
            slopes[example.class] -= 1.0;
            for place in &places {
                for class in 0..CLASSES {
                    let slope = slopes[class] * importance[example.class] / norm;
                    moved[*place][class] += slope * slope;
                    weights[*place][class] -= RATE * slope / moved[*place][class].sqrt();
                }
            }
        }
        weights.iter_mut().flatten().for_each(|weight| *weight *= KEPT);
    }
    weights
}

/// Whether a number is among so many of a hundred.
fn is_chosen(number: u64, percent: u64) -> bool {
    number.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32 < percent * (u64::MAX >> 32) / 100
}

/// Chance that falls the same way every time (xorshift).
struct Chance(u64);

impl Chance {
    fn new(text: &str, attempt: usize) -> Self {
        let seed = hash_word(text) ^ u64::try_from(attempt).unwrap_or(0).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut chance = Self(seed | 1);
        for _ in 0..4 {
            chance.next();
        }
        chance
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(1);
        usize::try_from((self.next() >> 11) % end).unwrap_or(0)
    }
}
