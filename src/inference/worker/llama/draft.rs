//! Drafted tokens in llama.cpp: checking them, and drafting for another model.
//!
//! The conversation drafted for has a sequence of its own behind the slots', which follows that of the other model.

use std::hash::{DefaultHasher, Hash, Hasher};

use llama_cpp_2::token::LlamaToken;

use super::choice::likeliest;
use super::{LlamaTier, LlamaVocabulary, internal, sequence_of};
use crate::inference::worker::model::{Drafted, Refused, Sampled, Token, Work};

/// Tokens of a step that the CPU's kernels compute to the last bit as one after the other (measured: `Q4_0`, `Q4_1`, `Q4_K_M`).
/// From four on there are others for some formats: with `Q4_K_M` logits differ so much that another token is the likeliest.
pub(super) const SAME_UP_TO: usize = 3;
/// A draft ends where its model is less sure than this.
const SURE: f32 = 0.5;
/// Tokens of the other model's conversation that are read at once, lest a question to chat wait long.
const READ_AT_ONCE: usize = 32;

/// The other model's conversation, as far as it is computed here.
#[derive(Debug)]
pub(super) struct Sequence {
    number: i32,
    tokens: Vec<Token>,
}

impl Sequence {
    /// An empty one behind so many slots.
    pub(super) fn new(slots: u32) -> Self {
        Self { number: sequence_of(usize::try_from(slots).unwrap_or(usize::MAX)), tokens: Vec::new() }
    }

    fn common(&self, tokens: &[Token]) -> usize {
        let common = self.tokens.iter().zip(tokens).take_while(|(ours, theirs)| ours == theirs).count();
        // The last token is always computed, since what follows it is wanted.
        common.min(tokens.len().saturating_sub(1))
    }

    /// How many tokens are not computed here.
    pub(super) fn unread(&self, tokens: &[Token]) -> usize {
        tokens.len() - self.common(tokens)
    }
}

impl LlamaTier<'_> {
    /// Samples what a work asks for: the token after its last, or after each that is as drafted and one more. What was
    /// computed beyond goes.
    pub(super) fn sample(&mut self, work: Work<'_>, first: i32, tokens: &mut Vec<Sampled>) -> Result<(), Refused> {
        let Some(choice) = self.choices.get_mut(work.slot).and_then(Option::as_mut) else {
            return Err(internal(&"a slot without a sampler"));
        };
        let last = work.tokens.len().saturating_sub(1);
        let mut place = last.saturating_sub(work.drafted);
        let mut output = first;
        loop {
            let token = choice.next(&self.context, output);
            let end = self.vocabulary.ends(token);
            tokens.push(if end { Sampled::End } else { Sampled::Token(token.0) });
            if end || place >= last || work.tokens.get(place + 1) != Some(&token.0) {
                break;
            }
            place += 1;
            output += 1;
        }
        if place < last && !self.keep(sequence_of(work.slot), work.position + place + 1) {
            return Err(internal(&"a draft could not be cut off"));
        }
        Ok(())
    }

    /// Reads on in the other model's conversation, and says what follows when it is read.
    pub(super) fn draft_next(&mut self, tokens: &[Token]) -> Result<Drafted, Refused> {
        let Some(sequence) = self.draft.as_mut().filter(|_| !tokens.is_empty()) else { return Ok(Drafted::Nothing) };
        let (number, common) = (sequence.number, sequence.common(tokens));
        if common < sequence.tokens.len() {
            sequence.tokens.truncate(common);
            if !self.keep(number, common) {
                self.end_draft();
                return Ok(Drafted::Nothing);
            }
        }
        let rest = &tokens[common..];
        let piece = &rest[..rest.len().min(READ_AT_ONCE).min(self.step_tokens)];
        let whole = piece.len() == rest.len();
        self.batch.clear();
        for (place, token) in piece.iter().enumerate() {
            self.add(*token, common + place, number, whole && place + 1 == piece.len())?;
        }
        if let Err(error) = self.context.decode(&mut self.batch) {
            self.end_draft();
            return Err(internal(&error));
        }
        if let Some(sequence) = &mut self.draft {
            sequence.tokens.extend(piece);
        }
        if !whole {
            self.context.synchronize();
            return Ok(Drafted::Reading(piece.len()));
        }
        let (token, probability) = surest(self.context.get_logits_ith(self.batch.n_tokens() - 1));
        let sure = probability >= SURE && !self.vocabulary.ends(token);
        Ok(if sure { Drafted::Token(token.0, piece.len()) } else { Drafted::Nothing })
    }

    /// Forgets the other model's conversation, whose cells would only be in the way.
    pub(super) fn end_draft(&mut self) {
        let Some(sequence) = self.draft.as_mut().filter(|sequence| !sequence.tokens.is_empty()) else { return };
        sequence.tokens.clear();
        let number = sequence.number;
        self.forget(number);
    }
}

/// The likeliest token and how likely it is.
fn surest(logits: &[f32]) -> (LlamaToken, f32) {
    let token = likeliest(logits);
    let highest = usize::try_from(token.0).ok().and_then(|place| logits.get(place)).copied().unwrap_or(0.0);
    let sum: f32 = logits.iter().map(|logit| (logit - highest).exp()).sum();
    (token, 1.0 / sum)
}

/// Two vocabularies with the same one have the same texts, kinds and special tokens under the same numbers.
pub(super) fn fingerprint(vocabulary: &LlamaVocabulary<'_>) -> u64 {
    let vocab = &vocabulary.vocab;
    let mut hash = DefaultHasher::new();
    vocab.n_tokens().hash(&mut hash);
    for token in vocab.tokens() {
        vocab.text(token).hash(&mut hash);
        (vocab.is_eog(token), vocab.is_control(token)).hash(&mut hash);
    }
    for special in [vocab.bos(), vocab.eos(), vocab.eot(), vocab.nl()] {
        special.0.hash(&mut hash);
    }
    vocab.should_add_bos().hash(&mut hash);
    hash.finish()
}
