//! Why a rule won: the best reading of an utterance, the next best one, and what decided between them, in words.
//!
//! Nothing is matched here that [`Rules::understand`] would not match: the readings are the tongue's own, in its own order.

use serde::Serialize;

use crate::core::utterance;

use super::sentence::matcher::Rank;
use super::tongue::Reading;
use super::{Hit, MAX_COMMAND_CHARS, Rules, Said, Understood};

/// What was matched, and what nearly was.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// What [`Rules::understand`] makes of it.
    pub understood: Understood,
    /// The best of the other sentences that match; only where one command or none was understood.
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
    /// As [`Self::understand`], with the sentence that came next and why it did not win.
    #[must_use]
    pub fn explain(&self, said: &Said<'_>) -> Explanation {
        let understood = self.understand(said);
        let mut explanation = Explanation { understood, runner_up: None, others: 0 };
        let hit = match &explanation.understood {
            Understood::Hits(hits) if hits.len() == 1 => hits.first(),
            Understood::Nothing => None,
            // What a part of several matches, and what is asked back, is no matter of what came next.
            Understood::Hits(_) | Understood::Unclear(_) => return explanation,
        };
        // A name that was said nearly is looked at as the name that was meant.
        let text = hit.and_then(|hit| hit.corrected.as_deref()).unwrap_or(said.text);
        let (mut runner_up, mut others) = (None, 0);
        self.each_tongue(&Said { text, ..*said }, &mut |sentences| {
            runner_up = next_best(sentences, hit);
            others = sentences.len().saturating_sub(2);
            runner_up.is_some()
        });
        explanation.runner_up = runner_up;
        explanation.others = others;
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
    if winner.is_idle != loser.is_idle {
        return "nothing carries it out".to_owned();
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
  Halt: {data: [{sentences: ['(stop|end) (it|all)', 'on desk {what}']}]}
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
        let hits = if let Understood::Hits(hits) = explanation.understood { hits } else { Vec::new() };
        let hit = hits.into_iter().next().map_or("-".to_owned(), |hit| hit.sentence);
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
            ("stop it", "stop it", "(stop|end) (it|all): it stands later in the files: a tie"),
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
    fn a_slip_is_explained_by_the_name_that_was_meant() {
        let explanation = rules(&[]).explain(&Said { text: "on lmap", lang: "en", ..Said::default() });
        let Understood::Hits(hits) = &explanation.understood else { panic!("{explanation:?}") };
        assert_eq!(hits[0].corrected.as_deref(), Some("on lamp"));
        let runner_up = explanation.runner_up.unwrap();
        assert_eq!((runner_up.sentence.as_str(), runner_up.is_tie), ("[now] on {name} [now]", true));
    }

    #[test]
    fn several_commands_and_questions_back_have_no_runner_up() {
        let two = "language: en\nlists: {name: {values: [{in: bulb, out: a, context: {area: den}}, {in: bulb, out: b, context: {area: attic}}]}}";
        let rules = rules(&[two]);
        let explain = |text| rules.explain(&Said { text, lang: "en", ..Said::default() });
        let several = explain("on lamp and end all");
        assert!(matches!(&several.understood, Understood::Hits(hits) if hits.len() == 2), "{several:?}");
        assert_eq!((several.runner_up, several.others), (None, 0));
        let unclear = explain("on bulb");
        assert!(matches!(unclear.understood, Understood::Unclear(_)), "{unclear:?}");
        assert_eq!(unclear.runner_up, None);
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
