//! The choice of the next token from a model's logits.

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;

use crate::core::sampling::Sampling;

/// Tokens that the repeat penalty looks back on.
const PENALTY_WINDOW: i32 = 64;
/// Logits compared at a time: a maximum found one by one waits for each comparison.
const LANES: usize = 16;

/// How a slot's next token is chosen.
pub(super) enum Choice {
    /// The likeliest, without the list of candidates that llama.cpp's samplers work on: a percent of a small model's time.
    Likeliest,
    Sampler(LlamaSampler),
}

impl Choice {
    pub(super) fn new(sampling: &Sampling, vocabulary: i32) -> Self {
        if sampling.temperature <= 0.0 && !penalises(sampling) {
            return Self::Likeliest;
        }
        Self::Sampler(sampler_for(sampling, vocabulary))
    }

    pub(super) fn next(&mut self, context: &LlamaContext<'_>, output: i32) -> LlamaToken {
        match self {
            Self::Likeliest => likeliest(context.get_logits_ith(output)),
            Self::Sampler(sampler) => sampler.sample(context, output),
        }
    }
}

/// The first of the tokens with the highest logit.
pub(super) fn likeliest(logits: &[f32]) -> LlamaToken {
    let (lanes, rest) = logits.as_chunks::<LANES>();
    let highest = lanes.iter().fold([f32::NEG_INFINITY; LANES], |mut highest, next| {
        for (highest, next) in highest.iter_mut().zip(next) {
            *highest = highest.max(*next);
        }
        highest
    });
    let highest = highest.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
    let place = logits.iter().position(|logit| *logit >= highest).unwrap_or(0);
    LlamaToken(i32::try_from(place).unwrap_or(0))
}

fn penalises(sampling: &Sampling) -> bool {
    (sampling.repeat_penalty - 1.0).abs() > f32::EPSILON
}

fn sampler_for(sampling: &Sampling, vocabulary: i32) -> LlamaSampler {
    let mut chain = Vec::new();
    if penalises(sampling) {
        chain.push(LlamaSampler::penalties(vocabulary, PENALTY_WINDOW, sampling.repeat_penalty, 0.0, 0.0));
    }
    if sampling.temperature <= 0.0 {
        chain.push(LlamaSampler::greedy());
        return LlamaSampler::chain(chain, true);
    }
    if sampling.top_k > 0 {
        chain.push(LlamaSampler::top_k(i32::try_from(sampling.top_k).unwrap_or(i32::MAX)));
    }
    if sampling.top_p < 1.0 {
        chain.push(LlamaSampler::top_p(sampling.top_p, 1));
    }
    if sampling.min_p > 0.0 {
        chain.push(LlamaSampler::min_p(sampling.min_p, 1));
    }
    chain.push(LlamaSampler::temp(sampling.temperature));
    chain.push(LlamaSampler::dist(sampling.seed.unwrap_or_else(|| fastrand::u32(..))));
    LlamaSampler::chain(chain, true)
}

#[cfg(test)]
mod tests {
    use llama_cpp_2::token::LlamaToken;

    use super::likeliest;

    #[test]
    fn the_likeliest_token_is_the_first_with_the_highest_logit() {
        assert_eq!(likeliest(&[-3.0, 2.5, f32::NAN, 2.5, -1.0]), LlamaToken(1));
        assert_eq!(likeliest(&[f32::NAN]), LlamaToken(0));
        for highest in 0..40 {
            let logits: Vec<f32> = (0..40).map(|place| if place >= highest { 7.0 } else { -1.0 }).collect();
            assert_eq!(likeliest(&logits), LlamaToken(highest));
        }
    }
}
