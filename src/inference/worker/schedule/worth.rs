//! Whether drafts pay, and how long they should be: measured, not assumed.
//!
//! Knows how long steps of one tier take by the number of their tokens, and how often the drafts of each source were right.
//! From both follows how many tokens a second a draft of any length makes; where none makes more than a plain step there is
//! no draft. What drafts are worth changes with the text and the machine's load, so they are tried again now and then, for
//! a hundredth of the time that plain steps took.

/// Tokens drafted for one answer at most.
pub(super) const MOST: usize = 7;
/// Tokens of a step with drafts at most, all answers together.
pub(super) const MOST_TOKENS: usize = 16;
/// The share of the time of plain steps that may be spent on trying again.
const TRIED_AGAIN: f64 = 0.01;
/// What may be spent on finding out at first, in plain steps.
const FINDING_OUT: f64 = 12.0;
/// Drafted tokens of a try.
const TRY: usize = 3;
/// What a token more is taken to cost until it is known, in plain steps.
const UNKNOWN_TOKEN: f64 = 0.15;
/// What a token drafted by a model is taken to cost until it is known, in plain steps.
const UNKNOWN_DRAFT: f64 = 0.3;
/// What a token read by a model that drafts is taken to cost until it is known, in plain steps.
const UNKNOWN_READING: f64 = 0.15;
/// A draft must promise so much more than none.
const WORTH_IT: f64 = 1.03;
/// Steps with drafts after which one without is made, to know what those take.
const MOST_IN_A_ROW: u32 = 64;
/// Steps over which it must pay that the conversation is read by a model that drafts.
const READING_PAYS_IN: f64 = 48.0;
/// How fast times grow, and how fast they fall: whatever else the machine does can only make a step longer.
const SLOWER: f64 = 0.1;
const FASTER: f64 = 0.4;
/// How fast shares are forgotten, a draft.
const KEPT: f64 = 0.95;

/// Where a draft comes from; those that are right as often as each other are one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Source {
    /// The conversation, where two tokens agree.
    #[default]
    Short,
    /// The same with three or four.
    Middle,
    /// The same with more.
    Long,
    /// The chat model.
    Model,
}

impl Source {
    /// The source of a draft from the conversation by how many tokens agree.
    pub(super) fn of(length: usize) -> Self {
        match length {
            0..=2 => Self::Short,
            3..=4 => Self::Middle,
            _ => Self::Long,
        }
    }

    fn number(self) -> usize {
        match self {
            Self::Short => 0,
            Self::Middle => 1,
            Self::Long => 2,
            Self::Model => 3,
        }
    }
}

/// How often a source's next token is right; what is long ago counts for little.
#[derive(Clone, Copy, Debug)]
struct Share {
    right: f64,
    tried: f64,
}

impl Share {
    fn note(&mut self, drafted: usize, accepted: usize) {
        self.right = self.right * KEPT + float(accepted);
        self.tried = self.tried * KEPT + float(accepted) + if accepted < drafted { 1.0 } else { 0.0 };
    }

    /// Tokens that a step with so long a draft makes.
    fn expected(self, drafted: usize) -> f64 {
        let share = (self.right / self.tried).clamp(0.0, 0.99);
        (0..drafted)
            .scan(1.0, |likely, _| {
                *likely *= share;
                Some(*likely)
            })
            .sum::<f64>()
            + 1.0
    }
}

/// What a tier knows of its steps and drafts. Times are in milliseconds.
#[derive(Debug)]
pub(super) struct Worth {
    /// The time of a step by the number of its tokens less one.
    steps: [Option<f64>; MOST_TOKENS],
    shares: [Share; 4],
    /// A token drafted by the other model, and one read by it.
    draft: Option<f64>,
    reading: Option<f64>,
    /// What may be spent on trying: drafts from the conversation, drafts by the other model.
    saved: [f64; 2],
    /// Steps with drafts since the last without.
    in_a_row: u32,
    /// A step with drafts may take so many times as long as one without.
    longest: f64,
    /// Whether nothing is learnt, so that a test knows what is drafted.
    #[cfg(test)]
    frozen: bool,
}

/// What a step has in it so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// Its tokens.
    pub tokens: usize,
    /// The tokens it is expected to make.
    pub makes: f64,
}

fn float(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

impl Worth {
    /// Knows nothing yet.
    pub(super) fn new(longest: f64) -> Self {
        let share = |right| Share { right: right * 4.0, tried: 4.0 };
        Self {
            steps: [None; MOST_TOKENS],
            shares: [share(0.5), share(0.6), share(0.8), share(0.7)],
            draft: None,
            reading: None,
            saved: [0.0; 2],
            in_a_row: 0,
            longest,
            #[cfg(test)]
            frozen: false,
        }
    }

    /// Drafts as much as it may, whatever comes of it.
    #[cfg(test)]
    pub(super) fn eager() -> Self {
        let shares = [Share { right: 9.0, tried: 10.0 }; 4];
        Self { steps: [Some(1.0); MOST_TOKENS], draft: Some(0.01), shares, frozen: true, ..Self::new(f64::INFINITY) }
    }

    /// Takes the time of a step in which nobody's prompt was read.
    pub(super) fn note_step(&mut self, tokens: usize, drafted: usize, took: f64) {
        #[cfg(test)]
        if self.frozen {
            return;
        }
        let Some(known) = tokens.checked_sub(1).and_then(|at| self.steps.get_mut(at)) else { return };
        if tokens == 1 && known.is_none() {
            self.saved = [took * FINDING_OUT; 2];
        }
        *known = Some(newer(*known, took));
        if drafted > 0 {
            self.in_a_row += 1;
            return;
        }
        self.in_a_row = 0;
        for saved in &mut self.saved {
            // What is not spent for long must not be spent at once.
            *saved = (*saved + took * TRIED_AGAIN / 2.0).min(took * FINDING_OUT * 2.0);
        }
    }

    /// Takes how much of a draft was right.
    pub(super) fn note_draft(&mut self, source: Source, drafted: usize, accepted: usize) {
        #[cfg(test)]
        if self.frozen {
            return;
        }
        self.shares[source.number()].note(drafted, accepted);
    }

    /// Takes the time of the other model's step that drafted one token, having read `read` on the way.
    pub(super) fn note_drafting(&mut self, read: usize, took: f64) {
        #[cfg(test)]
        if self.frozen {
            return;
        }
        if read <= 2 {
            self.draft = Some(newer(self.draft, took));
        } else {
            self.reading = Some(newer(self.reading, took / float(read)));
        }
    }

    /// How long a step takes; by its neighbours where none was measured, unknown where there is none at all.
    fn step(&self, tokens: usize) -> Option<f64> {
        let at = tokens.checked_sub(1)?;
        if let Some(known) = *self.steps.get(at)? {
            return Some(known);
        }
        let of = |place: usize| self.steps[place].map(|took| (place, took));
        let below = (0..at).rev().find_map(of);
        let above = (at + 1..MOST_TOKENS).find_map(of);
        match (below, above) {
            (Some((low, less)), Some((high, more))) => {
                Some(less + (more - less).max(0.0) * float(at - low) / float(high - low))
            }
            (Some((low, less)), None) => {
                let plain = self.steps[0].unwrap_or(less);
                Some(less + float(at - low) * UNKNOWN_TOKEN * plain)
            }
            _ => None,
        }
    }

    fn draft_cost(&self, source: Source, plain: f64) -> f64 {
        if source == Source::Model { self.draft.unwrap_or(plain * UNKNOWN_DRAFT) } else { 0.0 }
    }

    /// How many tokens of a source are worth having in a step beside what is in it, `most` at most. Nought of them is the
    /// answer where they are not worth it and it is not the time for trying either. `unread` tokens are to be read first.
    pub(super) fn draft(&mut self, source: Source, load: Load, most: usize, unread: usize) -> usize {
        let most = most.min(MOST).min(MOST_TOKENS.saturating_sub(load.tokens));
        let Some(plain) = self.step(load.tokens).filter(|_| most > 0) else { return 0 };
        if self.in_a_row >= MOST_IN_A_ROW {
            return 0;
        }
        let reading = float(unread) * self.reading.unwrap_or(plain * UNKNOWN_READING);
        let (cost, share) = (self.draft_cost(source, plain), self.shares[source.number()]);
        let took = |drafted: usize| {
            let step = self.step(load.tokens + drafted)?;
            (step <= plain * self.longest).then_some(step + cost * float(drafted) + reading / READING_PAYS_IN)
        };
        let mut best = (0, load.makes / plain * WORTH_IT);
        for drafted in 1..=most {
            let Some(took) = took(drafted) else { continue };
            let rate = (load.makes + share.expected(drafted) - 1.0) / took;
            if rate > best.1 {
                best = (drafted, rate);
            }
        }
        if best.0 > 0 {
            return best.0;
        }
        let tried = most.min(TRY);
        let Some(took) = self.step(load.tokens + tried) else { return 0 };
        let price = took - plain + cost * float(tried) + reading;
        let saved = &mut self.saved[usize::from(source == Source::Model)];
        if *saved < price {
            return 0;
        }
        *saved -= price.max(0.0);
        tried
    }

    /// What a step makes with a draft in it.
    pub(super) fn with(&self, load: Load, source: Source, drafted: usize) -> Load {
        let more = self.shares[source.number()].expected(drafted) - 1.0;
        Load { tokens: load.tokens + drafted, makes: load.makes + more }
    }
}

/// A time that follows what was measured; one that is out of all proportion counts little.
fn newer(known: Option<f64>, took: f64) -> f64 {
    let follow = |known: f64| {
        let news = if took < known { FASTER } else { SLOWER };
        known + (took.min(known * 3.0) - known) * news
    };
    known.map_or(took, follow)
}

#[cfg(test)]
mod tests {
    use super::{FINDING_OUT, Load, MOST, Source, TRIED_AGAIN, Worth};

    const ONE: Load = Load { tokens: 1, makes: 1.0 };

    /// Makes answers of so many steps; a step's time and whether drafted tokens are right are given. The time of all steps,
    /// the tokens made, and the lengths of the drafts.
    fn talk(
        worth: &mut Worth,
        steps: usize,
        time: impl Fn(usize) -> f64,
        right: impl Fn(usize) -> usize,
    ) -> (f64, f64, Vec<usize>) {
        let (mut took, mut made, mut lengths) = (0.0, 0.0, Vec::new());
        for step in 0..steps {
            let drafted = worth.draft(Source::Long, ONE, MOST, 0);
            worth.note_step(1 + drafted, drafted, time(1 + drafted));
            took += time(1 + drafted);
            let accepted = right(step).min(drafted);
            if drafted > 0 {
                worth.note_draft(Source::Long, drafted, accepted);
                lengths.push(drafted);
            }
            made += super::float(accepted) + 1.0;
        }
        (took, made, lengths)
    }

    fn cheap(tokens: usize) -> f64 {
        40.0 + 4.0 * super::float(tokens)
    }

    fn dear(tokens: usize) -> f64 {
        44.0 * super::float(tokens)
    }

    #[test]
    fn drafts_grow_while_they_are_right_and_shrink_when_they_are_not() {
        let mut worth = Worth::new(f64::INFINITY);
        let (took, made, lengths) = talk(&mut worth, 200, cheap, |_| MOST);
        assert!(lengths.ends_with(&[MOST; 8]) && made / took > 4.0 / 44.0, "{made} in {took}");
        let (_, _, lengths) = talk(&mut worth, 200, cheap, |step| step % 2);
        assert!(lengths.iter().skip(50).all(|length| *length <= 3), "{lengths:?}");
    }

    #[test]
    fn a_tier_on_which_they_do_not_pay_has_none_but_for_a_hundredth_of_its_time() {
        type Times = fn(usize) -> f64;
        let cases: [(Times, usize); 2] = [(dear, MOST), (cheap, 0)];
        for (time, right) in cases {
            let mut worth = Worth::new(f64::INFINITY);
            let finding_out = talk(&mut worth, 100, time, |_| right).0 - 100.0 * time(1);
            assert!(finding_out < (FINDING_OUT + 15.0) * time(1), "{finding_out}");
            let (took, made, lengths) = talk(&mut worth, 20_000, time, |_| right);
            let lost = took - made * time(1);
            assert!(
                !lengths.is_empty() && lost < took * TRIED_AGAIN + 40.0 * time(1),
                "{lost} of {took}: {}",
                lengths.len()
            );
        }
    }

    #[test]
    fn what_begins_to_pay_is_noticed() {
        let mut worth = Worth::new(f64::INFINITY);
        talk(&mut worth, 3_000, cheap, |_| 0);
        let (took, made, _) = talk(&mut worth, 5_000, cheap, |_| MOST);
        assert!(made / took > 3.0 / 44.0, "{made} in {took}");
    }

    #[test]
    fn one_slow_step_does_not_end_them() {
        let mut worth = Worth::new(f64::INFINITY);
        talk(&mut worth, 100, cheap, |_| MOST);
        worth.note_step(1 + MOST, MOST, 5_000.0);
        let (_, _, lengths) = talk(&mut worth, 200, cheap, |_| MOST);
        assert!(lengths.iter().rev().take(20).any(|length| *length >= 5), "{lengths:?}");
    }

    #[test]
    fn a_step_is_no_longer_than_somebody_may_have_to_wait() {
        let mut worth = Worth::new(1.5);
        let (_, _, lengths) = talk(&mut worth, 300, |tokens| 30.0 + 10.0 * super::float(tokens), |_| MOST);
        assert!(lengths.iter().rev().take(100).all(|length| *length <= 2), "{lengths:?}");
    }
}
