//! How well the shipped English intents understand labelled sentences: the project's own bars.
//!
//! The sentences are other people's and for measuring only. Each bar is tested over a home that none of the intents knows.

#![expect(clippy::unwrap_used, reason = "a test ends at its first surprise")]

#[path = "support/data.rs"]
mod data;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use hearthd::core::intents::evaluation::{Line, Verdict};
use hearthd::core::intents::{self, Home, Rules, Said, Source};

/// The shipped English intents with the names of the home that the sentences are about.
fn rules(folder: &Path) -> Rules {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("intents/en");
    let mut sources = Vec::new();
    for entry in fs::read_dir(shipped).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = fs::read_to_string(&path).unwrap();
            sources.push(Source { path: path.display().to_string(), text });
        }
    }
    let (mut rules, problems) = intents::load(&sources);
    assert_eq!(problems, []);
    assert!(rules.len() > 50, "there are only {} rules", rules.len());
    let home: Home = serde_json::from_str(&data::read(folder, "home_en.json")).unwrap();
    rules.set_names(&Arc::new(home.names()));
    rules
}

fn lines(folder: &Path, name: &str) -> Vec<Line> {
    data::read(folder, name).lines().map(|line| Line::parse(line).unwrap()).collect()
}

/// Of all sentences, how many were understood so far.
struct Score {
    total: usize,
    intent: usize,
    exact: usize,
    /// Something would be done, and not what was meant.
    wrong: usize,
    /// What went wrong, one a line.
    misses: Vec<String>,
}

fn score(rules: &Rules, lines: &[Line]) -> Score {
    assert!(lines.len() >= 100, "there are only {} sentences", lines.len());
    let mut score = Score { total: lines.len(), intent: 0, exact: 0, wrong: 0, misses: Vec::new() };
    for line in lines {
        let said = Said { text: &line.sentence, lang: "en", context: line.context.as_ref(), ..Said::default() };
        let hit = rules.hear(&said);
        let verdict = line.judge(hit.as_ref());
        score.intent += usize::from(verdict.is_right_intent());
        score.exact += usize::from(verdict == Verdict::Exact);
        score.wrong += usize::from(verdict != Verdict::Exact && hit.is_some());
        if verdict != Verdict::Exact {
            let got = hit.map_or("nothing".to_owned(), |hit| format!("{} {}", hit.name, Value::Object(hit.slots)));
            score.misses.push(format!("{:?}: {verdict:?}: {got}", line.sentence));
        }
    }
    score
}

impl Score {
    /// Asserts that at least so many in a thousand are right.
    fn assert_at_least(&self, what: &str, count: usize, per_mille: usize) {
        assert!(
            count * 1_000 >= self.total * per_mille,
            "{what}: {count} of {}, and {} % are asked for; the first misses:\n{}",
            self.total,
            per_mille / 10,
            self.misses[..self.misses.len().min(40)].join("\n")
        );
    }
}

#[test]
fn home_assistants_sentences_are_understood() {
    let Some(folder) = data::folder("the accuracy on Home Assistant's sentences") else { return };
    let score = score(&rules(&folder), &lines(&folder, "ha_en_dev.jsonl"));
    score.assert_at_least("intent", score.intent, 950);
    score.assert_at_least("intent and slots", score.exact, 920);
}

#[test]
fn a_slip_in_a_name_is_forgiven_and_nothing_else_is_done() {
    let Some(folder) = data::folder("the accuracy on misheard names") else { return };
    let score = score(&rules(&folder), &lines(&folder, "typo_dev.jsonl"));
    score.assert_at_least("intent and slots", score.exact, 880);
    score.assert_at_least("no wrong action", score.total - score.wrong, 990);
}

#[test]
fn chat_and_questions_set_nothing_off() {
    let Some(folder) = data::folder("the wrong fires on chat and questions") else { return };
    let is_talk = |line: &&str| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["label"] == "chat" || line["label"] == "explain"
    };
    let text = data::read(&folder, "routing_dev.jsonl");
    let lines: Vec<Line> = text.lines().filter(is_talk).map(|line| Line::parse(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line.intent.is_none()));
    let score = score(&rules(&folder), &lines);
    score.assert_at_least("nothing fires", score.exact, 997);
}
