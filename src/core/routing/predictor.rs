//! What kind of thing was said, with probabilities: a command, small talk, or something to explain.
//!
//! Softmax regression over the features of `features.rs`: for each class, the weights of the features that a sentence
//! has are summed, and the sums become probabilities. The weights are trained from the sentences in `training/` by
//! `hearthd train-router`, which the tests repeat. English only; who asks must see to that.

use std::fmt;
use std::sync::LazyLock;

use serde::Serialize;

use super::features::{SIZE, features, place_of_word};

/// How likely each kind is; together they make 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// It is to be done, or asks for what only the home or its lists know.
    pub command: f32,
    /// Small talk, or a short answer.
    pub chat: f32,
    /// Something to explain, or a question of knowledge.
    pub explain: f32,
}

impl fmt::Display for Scores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "command {:.2}, chat {:.2}, explain {:.2}", self.command, self.chat, self.explain)
    }
}

/// The classes in the order of the weights.
pub(super) const CLASSES: usize = 3;

/// What stands first in the file of weights; its last digit is the version of the features.
const MAGIC: &[u8; 8] = b"hearthR1";
/// Magic, check sum of the training texts, scale.
const HEADER: usize = 8 + 8 + 4;
/// One bit a word: whether training knew it.
const KNOWN: usize = SIZE / 8;

static SHIPPED: LazyLock<Option<Weights>> = LazyLock::new(|| Weights::read(include_bytes!("weights.bin")));

/// What kind of thing these lower-case words are, by the shipped weights.
pub(super) fn scores(said: &[&str]) -> Option<Scores> {
    SHIPPED.as_ref().map(|weights| weights.scores(said))
}

/// Trained weights, as the file holds them.
pub(super) struct Weights {
    /// Of the training texts.
    pub(super) checksum: u64,
    /// What one step of a weight is worth.
    pub(super) scale: f32,
    /// A bit for each word that training knew.
    pub(super) known: Vec<u8>,
    /// One for each place and class.
    pub(super) rows: Vec<[i8; CLASSES]>,
}

impl Weights {
    /// Reads a file of weights; `None` where it is none of this version.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (header, rest) = bytes.split_at_checked(HEADER)?;
        let (known, weights) = rest.split_at_checked(KNOWN)?;
        if !header.starts_with(MAGIC) || weights.len() != SIZE * CLASSES {
            return None;
        }
        let (rows, _) = weights.as_chunks::<CLASSES>();
        Some(Self {
            checksum: u64::from_le_bytes(header[8..16].try_into().ok()?),
            scale: f32::from_le_bytes(header[16..20].try_into().ok()?),
            known: known.to_vec(),
            rows: rows.iter().map(|row| row.map(|byte| i8::from_le_bytes([byte]))).collect(),
        })
    }

    /// The file of these weights.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.checksum.to_le_bytes());
        bytes.extend(self.scale.to_le_bytes());
        bytes.extend(&self.known);
        bytes.extend(self.rows.iter().flatten().flat_map(|weight| weight.to_le_bytes()));
        bytes
    }

    /// What kind of thing these lower-case words are.
    pub(super) fn scores(&self, said: &[&str]) -> Scores {
        let mut sums = [0_i32; CLASSES];
        let mut count = 0_u16;
        features(
            said,
            |hash| is_known(&self.known, hash),
            |place| {
                count += 1;
                for (sum, weight) in sums.iter_mut().zip(self.rows[place]) {
                    *sum += i32::from(weight);
                }
            },
        );
        let [command, chat, explain] = probabilities(sums.map(|sum| f64::from(sum) * f64::from(self.scale)), count);
        Scores { command, chat, explain }
    }
}

/// Whether the word of this hash was known to training.
pub(super) fn is_known(known: &[u8], hash: u64) -> bool {
    let place = place_of_word(hash);
    known[place / 8] & (1 << (place % 8)) != 0
}

fn probabilities(sums: [f64; CLASSES], count: u16) -> [f32; CLASSES] {
    #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "a probability needs no 53 bits")]
    softmax(sums, f64::from(count).sqrt()).map(|probability| probability as f32)
}

/// Probabilities of the sums over `norm`, which keeps long sentences from being surer than short ones.
pub(super) fn softmax(sums: [f64; CLASSES], norm: f64) -> [f64; CLASSES] {
    let largest = sums.iter().copied().fold(f64::MIN, f64::max);
    let parts = sums.map(|sum| exp((sum - largest) / norm));
    let whole: f64 = parts.iter().sum();
    parts.map(|part| part / whole)
}

/// The exponential of a number up to 0, to about three digits; unlike the system's, to the same bit on every machine.
fn exp(x: f64) -> f64 {
    let mut power = (1.0 + x / 4096.0).max(0.0);
    for _ in 0..12 {
        power *= power;
    }
    power
}
