//! What the scheduler needs of a model, so that llama.cpp and the fake are scheduled by the same code.
//!
//! A model has slots, one conversation each. A slot is opened with a prepared prompt, fed by [`Model::step`] piece by piece,
//! and closed, after which as much of the conversation is left in it as the scheduler says.

#[cfg(feature = "llama")]
use crate::core::sampling::Sampling;
use crate::inference::protocol::{Prompt, WorkerCode};

/// A token of a model's vocabulary.
pub(super) type Token = i32;

/// A prompt as the model reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prepared {
    /// Its tokens, the system prompt's first.
    pub tokens: Vec<Token>,
    /// Earlier exchanges left out so that it fits.
    pub dropped_turns: usize,
    /// The longest answer that fits behind it.
    pub max_tokens: u32,
}

/// Why there will be no answer, or no more of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// For programs.
    pub code: WorkerCode,
    /// One sentence.
    pub message: String,
}

/// Tokens to compute for one slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work<'a> {
    /// The slot.
    pub slot: usize,
    /// The tokens.
    pub tokens: &'a [Token],
    /// Where the first of them stands in the conversation.
    #[cfg_attr(not(any(feature = "llama", test)), expect(dead_code, reason = "the fake does not care"))]
    pub position: usize,
    /// Whether the token that follows the last of them is wanted.
    pub sample: bool,
    /// How many of the last are drafted: what follows the one before them, and each that is right, is wanted too.
    pub drafted: usize,
}

/// What a step gave a slot that asked for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sampled {
    /// The next token.
    Token(Token),
    /// The model has said everything.
    End,
    /// Nothing yet; the fake alone is ever silent.
    Nothing,
}

/// What one step of drafting for another model gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "llama"), expect(dead_code, reason = "the fake drafts nothing"))]
pub(super) enum Drafted {
    /// The likeliest next token, and how many were read for it.
    Token(Token, usize),
    /// Nothing yet: so many tokens were read, and there are more.
    Reading(usize),
    /// Nothing: it cannot, or is not sure enough of any.
    Nothing,
}

/// A loaded model of one tier.
pub(super) trait Model {
    /// Tokens of the system prompt's state.
    fn prefix_tokens(&self) -> usize;

    /// Conversations at once.
    fn slots(&self) -> usize;

    /// Tokens of one step, all slots together; at least one for each slot.
    fn step_tokens(&self) -> usize;

    /// Texts that end an answer, for models without tokens that do.
    fn stops(&self) -> &[String];

    /// Turns a prompt into tokens, leaving out its oldest turns where not all fit.
    fn prepare(&self, prompt: &Prompt) -> Result<Prepared, Refused>;

    /// The tokens that stand between an answer and what is said next, for a slot that holds `held` tokens; none where they are
    /// not known, or do not fit behind those.
    fn after_answer(&self, _held: usize) -> &[Token] {
        &[]
    }

    /// Whether what a slot keeps can be cut behind any token; if not it can be gone on with whole only.
    fn cuts(&self) -> bool;

    /// Begins a conversation in a free slot that holds the first `kept` of its tokens, and maybe others behind them which it
    /// forgets; returns how many of the prompt's tokens are computed already.
    fn open(&mut self, slot: usize, kept: usize, prepared: &Prepared, prompt: &Prompt) -> Result<usize, Refused>;

    /// Tokens of a step with drafts at most, all slots together; 0 where works may have none. More than one only for models
    /// whose memory can be cut, and no more than are computed exactly as one after the other would be.
    fn checks_drafts(&self) -> usize {
        0
    }

    /// What tells vocabularies apart; `None` where no other model can draft for this one or this one for others.
    fn vocabulary(&self) -> Option<u64> {
        None
    }

    /// How many tokens of a conversation of another model's would have to be read before drafting what follows.
    fn unread(&self, _tokens: &[Token]) -> usize {
        0
    }

    /// Reads on in a conversation of another model's with the same vocabulary and, once it has read all of it, says the
    /// likeliest next token.
    fn draft(&mut self, _tokens: &[Token]) -> Result<Drafted, Refused> {
        Ok(Drafted::Nothing)
    }

    /// Forgets the conversation it drafted for.
    fn forget_draft(&mut self) {}

    /// Computes, and samples one token for each work that asks for it, in the order of the works. A work with drafted tokens
    /// gets one after each token that is as drafted and one more, the others drafted are as if they had not been there.
    fn step(&mut self, works: &[Work<'_>]) -> Result<Vec<Sampled>, Refused>;

    /// Computes more tokens behind the `held` ones that a free slot keeps.
    fn read_on(&mut self, slot: usize, held: usize, tokens: &[Token]) -> Result<(), Refused> {
        self.step(&[Work { slot, tokens, position: held, sample: false, drafted: 0 }]).map(drop)
    }

    /// Appends a token's bytes, which may end inside a character; nothing for a special token.
    fn piece(&self, slot: usize, token: Token, bytes: &mut Vec<u8>);

    /// Ends a slot's conversation and forgets all of it but its first `keep` tokens; returns how many it still holds, which
    /// may be none.
    fn close(&mut self, slot: usize, keep: usize) -> usize;

    /// Does one thing that waits until nobody else does, in some milliseconds; `false` where there is none left.
    fn tidy(&mut self) -> bool {
        false
    }
}

/// The sampling's settings, cut to what every model can work with.
#[cfg(feature = "llama")]
pub(super) fn checked(sampling: &Sampling) -> Sampling {
    let finite = |value: f32, otherwise: f32| if value.is_finite() { value } else { otherwise };
    Sampling {
        temperature: finite(sampling.temperature, 0.0).max(0.0),
        top_k: sampling.top_k,
        top_p: finite(sampling.top_p, 1.0).clamp(0.0, 1.0),
        min_p: finite(sampling.min_p, 0.0).clamp(0.0, 1.0),
        repeat_penalty: if sampling.repeat_penalty > 0.0 { finite(sampling.repeat_penalty, 1.0) } else { 1.0 },
        seed: sampling.seed,
    }
}
