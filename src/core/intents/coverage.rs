//! Which blocks and sentences the tests beside the rules reach, and which they leave out.
//!
//! Imported files are not counted: whoever wrote them tests them.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::selftest::{Reached, TestReport};
use super::{Rules, Tongue};

/// How much of the rules the tests reach.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Blocks there are.
    pub blocks: usize,
    /// Blocks that a passed test reaches.
    pub blocks_reached: usize,
    /// Sentences and regexes there are.
    pub sentences: usize,
    /// Sentences and regexes that a passed test reaches.
    pub sentences_reached: usize,
    /// The blocks that no passed test reaches, in the order of the files.
    pub untested: Vec<Untested>,
}

/// A block without a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Untested {
    /// The block, as `file:line`.
    pub source: String,
    /// Its intent.
    pub intent: String,
    /// Its first sentence or regex.
    pub sentence: String,
}

/// A block with its sentences, each with whether it was reached.
struct Counted<'a> {
    intent: &'a str,
    sentences: Vec<(&'a str, bool)>,
}

impl Rules {
    /// What the tests of a report reach.
    #[must_use]
    pub fn coverage(&self, report: &TestReport) -> Coverage {
        let reached: HashSet<&Reached> = report.reached.iter().collect();
        // A file without a language is in each of them; its blocks count once, reached in whichever.
        let mut blocks: BTreeMap<(&str, usize, &str), Counted<'_>> = BTreeMap::new();
        for tongue in &self.tongues {
            let mut sentences: Vec<(usize, u32, usize, &str)> = own_sentences(tongue).collect();
            sentences.sort_by_key(|(_, order, ..)| *order);
            let mut here: BTreeMap<usize, Vec<(&str, bool)>> = BTreeMap::new();
            for (block, _, line, text) in sentences {
                let source = format!("{}:{line}", tongue.blocks[block].file);
                let is_reached = reached.contains(&Reached { source, sentence: text.to_owned() });
                here.entry(block).or_default().push((text, is_reached));
            }
            for (index, sentences) in here {
                let block = &tongue.blocks[index];
                let first = sentences.first().map_or("", |(text, _)| text);
                let counted = blocks.entry((block.file.as_str(), block.line, first)).or_insert_with(|| Counted {
                    intent: &block.intent,
                    sentences: sentences.iter().map(|(text, _)| (*text, false)).collect(),
                });
                for ((_, known), (_, is_reached)) in counted.sentences.iter_mut().zip(sentences) {
                    *known |= is_reached;
                }
            }
        }
        let mut coverage = Coverage { blocks: blocks.len(), ..Coverage::default() };
        for ((file, line, _), Counted { intent, sentences }) in blocks {
            let reached = sentences.iter().filter(|(_, is_reached)| *is_reached).count();
            coverage.sentences += sentences.len();
            coverage.sentences_reached += reached;
            coverage.blocks_reached += usize::from(reached > 0);
            if reached == 0 {
                let sentence = sentences.first().map_or("", |(text, _)| text.trim()).to_owned();
                coverage.untested.push(Untested {
                    source: format!("{file}:{line}"),
                    intent: intent.to_owned(),
                    sentence,
                });
            }
        }
        coverage
    }
}

/// The sentences and regexes that are not imported: block, order, line and text.
fn own_sentences(tongue: &Tongue) -> impl Iterator<Item = (usize, u32, usize, &str)> {
    let sentences = tongue.sentences.iter().map(|one| (one.block, one.order, one.line, one.text.as_str()));
    let regexes = tongue.regexes.rules.iter().map(|one| (one.block, one.order, one.line, one.written()));
    sentences.chain(regexes).filter(|(block, ..)| !tongue.blocks[*block].is_imported)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::intents::{Source, load};

    const FILE: &str = "\
language: en
intents:
  A:
    data:
      - sentences: [go up, go (down|left)]
      - regex: 'stay .+'
  B: {data: [{sentences: [halt, stop]}]}
tests:
  - {say: go left, intent: A}
  - {say: go up, intent: B}
  - {say: nothing, intent: none}
";

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn blocks_without_a_passed_test_are_listed() {
        let imported = format!("origin: somebody 1.0\n{}", FILE.split("tests:").next().unwrap());
        let (rules, problems) = load(&[source("t.yaml", FILE), source("z.yaml", &imported)]);
        assert_eq!(problems, []);
        let coverage = rules.coverage(&rules.run_tests());
        assert_eq!((coverage.blocks, coverage.blocks_reached), (3, 1));
        assert_eq!((coverage.sentences, coverage.sentences_reached), (5, 1));
        let untested: Vec<String> =
            coverage.untested.iter().map(|one| format!("{} {} {}", one.source, one.intent, one.sentence)).collect();
        assert_eq!(untested, ["t.yaml:6 A stay .+", "t.yaml:7 B halt"]);
    }

    #[test]
    fn a_filter_leaves_tests_out() {
        let (rules, _) = load(&[source("t.yaml", FILE)]);
        let report = rules.run_tests_about("GO LEFT");
        assert_eq!((report.passed, report.failures.len()), (1, 0));
        assert_eq!(rules.run_tests_about("none").passed, 1);
        assert_eq!(rules.run_tests_about("t.yaml").failures.len(), 1);
        assert_eq!(rules.run_tests_about("no such test"), TestReport::default());
    }

    #[test]
    fn a_block_for_every_language_counts_once() {
        let any = "intents: {X: {data: [{sentences: [hum]}]}}";
        let de = "language: de\nintents: {D: {data: [{sentences: [summ]}]}}\ntests: [{say: hum, intent: X}]";
        let en = "language: en\nintents: {E: {data: [{sentences: [buzz]}]}}";
        let (rules, problems) = load(&[source("a", any), source("b", de), source("c", en)]);
        assert_eq!(problems, []);
        let coverage = rules.coverage(&rules.run_tests());
        assert_eq!((coverage.blocks, coverage.blocks_reached), (3, 1));
    }
}
