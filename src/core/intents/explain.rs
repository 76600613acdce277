//! Why a rule won: the best reading of an utterance, the next best one, and what decided between them, in words.
//!
//! Nothing is matched here that [`Rules::hear`] would not match: the readings are the tongue's own, in its own order.

use serde::Serialize;

use crate::core::utterance;

use super::sentence::matcher::Rank;
use super::tongue::Reading;
use super::{Hit, MAX_COMMAND_CHARS, Rules, Said};

/// What was matched, and what nearly was.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Explanation {
    /// What [`Rules::hear`] makes of it.
    pub hit: Option<Hit>,
    /// The best of the other sentences that match.
    pub runner_up: Option<RunnerUp>,
    /// How many more sentences match than these two.
    pub others: usize,
}

/// A sentence that matches and did not win.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunnerUp {
    /// Its intent.
    pub name: String,
    /// The sentence, as `file:line`.
    pub source: String,
    /// The sentence template or the regex, as it is written.
    pub sentence: String,
    /// Why it lost.
    pub why: String,
    /// Whether only the order of the files decided.
    pub is_tie: bool,
}

impl RunnerUp {
    /// One of the sentences that match, beside the one that won.
    fn after(sentences: &[&Reading<'_>], won: usize, lost: usize) -> Self {
        let (winner, loser) = (sentences[won], sentences[lost]);
        if lost < won {
            return Self::new(loser, REFUSED.to_owned(), false);
        }
        Self::new(loser, why(winner, loser), winner.is_as_good_as(loser))
    }

    fn new(reading: &Reading<'_>, why: String, is_tie: bool) -> Self {
        Self {
            name: reading.block.intent.clone(),
            source: source(reading),
            sentence: reading.text.trim().to_owned(),
            why,
            is_tie,
        }
    }
}

impl Rules {
    /// As [`Self::hear`], with the sentence that came next and why it did not win.
    #[must_use]
    pub fn explain(&self, said: &Said<'_>) -> Explanation {
        let mut explanation = Explanation { hit: self.hear(said), ..Explanation::default() };
        let hit = explanation.hit.clone();
        self.each_tongue(said, &mut |sentences| {
            explanation.runner_up = next_best(sentences, hit.as_ref());
            explanation.others = sentences.len().saturating_sub(2);
            explanation.runner_up.is_some()
        });
        explanation
    }

    /// The best sentence of an intent that matches as well as the hit, and why it lost.
    pub(super) fn rival(&self, said: &Said<'_>, hit: &Hit, intent: &str) -> Option<RunnerUp> {
        let mut rival = None;
        self.each_tongue(said, &mut |sentences| {
            let won = sentences.iter().position(|reading| is_of(reading, hit));
            let other = sentences.iter().position(|reading| reading.block.intent == intent);
            rival = won.zip(other).map(|(won, other)| RunnerUp::after(sentences, won, other));
            rival.is_some()
        });
        rival
    }

    /// Calls `each` with the sentences of each language that match, the best one first, until it is satisfied.
    fn each_tongue(&self, said: &Said<'_>, each: &mut dyn FnMut(&[&Reading<'_>]) -> bool) {
        let text = utterance::normalise(said.text);
        if text.chars().count() > MAX_COMMAND_CHARS {
            return;
        }
        for tongue in self.tongues_of(said.lang) {
            let heard = tongue.heard(&text);
            let found = tongue.found(&heard);
            let readings = tongue.readings(&heard, &found, &Said { text: &text, ..*said });
            if each(&once_each(&readings)) {
                return;
            }
        }
    }
}

/// The best of the sentences that did not win.
fn next_best(sentences: &[&Reading<'_>], hit: Option<&Hit>) -> Option<RunnerUp> {
    let Some(hit) = hit else {
        return sentences.first().map(|first| RunnerUp::new(first, REFUSED.to_owned(), false));
    };
    let won = sentences.iter().position(|reading| is_of(reading, hit))?;
    // One that stands before the winner was refused; that is worth more than what comes after it.
    let next = usize::from(won == 0);
    (next < sentences.len()).then(|| RunnerUp::after(sentences, won, next))
}

/// Why a sentence that is better is passed over.
const REFUSED: &str = "it matches, but what was said may not stand in the topic of its message";

/// The best reading of each sentence, in their order.
fn once_each<'r, 'a>(readings: &'r [Reading<'a>]) -> Vec<&'r Reading<'a>> {
    let mut sentences: Vec<&Reading<'_>> = Vec::new();
    for reading in readings {
        let is_same = |known: &&Reading<'_>| {
            known.line == reading.line && known.text == reading.text && known.block.file == reading.block.file
        };
        if !sentences.iter().any(is_same) {
            sentences.push(reading);
        }
    }
    sentences
}

fn source(reading: &Reading<'_>) -> String {
    format!("{}:{}", reading.block.file, reading.line)
}

fn is_of(reading: &Reading<'_>, hit: &Hit) -> bool {
    reading.text == hit.sentence && reading.block.intent == hit.name && source(reading) == hit.source
}

/// What decided against a sentence; the first of the things that count, in their order.
pub(super) fn why(winner: &Reading<'_>, loser: &Reading<'_>) -> String {
    if winner.is_as_good_as(loser) {
        return "it stands later in the files: a tie".to_owned();
    }
    if winner.cost != loser.cost {
        return "what was said is further from its words".to_owned();
    }
    if winner.block.is_imported != loser.block.is_imported {
        return "it comes from an imported file".to_owned();
    }
    let (best, rank): (Rank, Rank) = (winner.rank, loser.rank);
    if rank.name == 0 && best.name > 0 {
        "it names nothing of the home".to_owned()
    } else if rank.name != best.name {
        format!("its name is shorter: {} of {}", letters(rank.name), best.name)
    } else if rank.wildcards != best.wildcards {
        let more = rank.wildcards.0.saturating_sub(best.wildcards.0);
        format!("it needs {} more wildcard{}", in_words(more), if more == 1 { "" } else { "s" })
    } else if rank.literal != best.literal {
        format!("{} fewer of its own", letters(best.literal.saturating_sub(rank.literal)))
    } else {
        format!("its wildcards take {} more", letters(rank.wild.0.saturating_sub(best.wild.0)))
    }
}

fn letters(count: u32) -> String {
    format!("{count} letter{}", if count == 1 { "" } else { "s" })
}

fn in_words(count: u32) -> String {
    if count == 1 { "one".to_owned() } else { count.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::intents::{Source, load};

    const FILE: &str = "\
lists:
  name: {values: [lamp, desk lamp, {in: loud/lamp, out: '+'}]}
  what: {wildcard: true}
intents:
  On: {data: [{sentences: ['on [the] {name}', '[now] on {name} [now]']}]}
  Play:
    data:
      - sentences: ['play {what}', 'play {what} on {name}', 'play {what} by {what:artist}', 'play the {what}']
      - sentences: [stop it]
  Halt: {data: [{sentences: ['(stop|end) it', 'on desk {what}']}]}
";

    fn rules(more: &[&str]) -> Rules {
        let texts = [&[FILE], more].concat();
        let source =
            |(number, text): (usize, &&str)| Source { path: format!("{number}.yaml"), text: (*text).to_owned() };
        let sources: Vec<Source> = texts.iter().enumerate().map(source).collect();
        let (rules, problems) = load(&sources);
        assert_eq!(problems, []);
        rules
    }

    /// The winner and the runner-up, with why.
    fn explained(rules: &Rules, text: &str) -> (String, String) {
        let explanation = rules.explain(&Said { text, lang: "en", ..Said::default() });
        let hit = explanation.hit.map_or("-".to_owned(), |hit| hit.sentence);
        let runner_up = explanation.runner_up.map_or("-".to_owned(), |runner_up| {
            assert_eq!(runner_up.is_tie, runner_up.why.contains("tie"));
            format!("{}: {}", runner_up.sentence, runner_up.why)
        });
        (hit, runner_up)
    }

    #[test]
    fn why_a_sentence_lost_is_said_in_words() {
        let rules = rules(&[
            "origin: somebody 1\nintents: {Theirs: {data: [{sentences: [turn off every lamp]}]}}",
            "intents: {Mine: {data: [{sentences: ['turn off {what}']}]}}",
        ]);
        for (text, winner, runner_up) in [
            ("on lamp", "on [the] {name}", "[now] on {name} [now]: it stands later in the files: a tie"),
            ("on desk lamp", "on [the] {name}", "[now] on {name} [now]: it stands later in the files: a tie"),
            ("play jazz by me", "play {what}", "play {what} by {what:artist}: it needs one more wildcard"),
            ("play the flute", "play the {what}", "play {what}: 3 letters fewer of its own"),
            ("play jazz on lamp", "play {what} on {name}", "play {what}: it names nothing of the home"),
            ("stop it", "stop it", "(stop|end) it: it stands later in the files: a tie"),
            ("turn off every lamp", "turn off {what}", "turn off every lamp: it comes from an imported file"),
            ("play jazz", "play {what}", "-"),
            ("sing", "-", "-"),
            ("", "-", "-"),
        ] {
            assert_eq!(explained(&rules, text), (winner.to_owned(), runner_up.to_owned()), "{text}");
        }
    }

    #[test]
    fn every_sentence_is_named_once_and_the_others_are_counted() {
        let explanation = rules(&[]).explain(&Said { text: "play the flute on lamp by me", ..Said::default() });
        assert_eq!(explanation.others, 1, "{explanation:?}");
        let runner_up = explanation.runner_up.unwrap();
        assert_eq!((runner_up.name.as_str(), runner_up.source.as_str()), ("Play", "0.yaml:8"));
    }

    #[test]
    fn a_sentence_whose_words_may_not_be_sent_is_named() {
        let file = "intents: {X: {data: [{sentences: ['to {where}'], lists: {where: {wildcard: true}}, actions: [{publish: {topic: 'a/{where}'}}]}]}}";
        let rules = rules(&[file]);
        assert_eq!(explained(&rules, "to attic"), ("to {where}".to_owned(), "-".to_owned()));
        let (winner, runner_up) = explained(&rules, "to a/b");
        assert!(winner == "-" && runner_up.starts_with("to {where}: it matches, but"), "{runner_up}");
    }
}
