//! `hearthd intents list`: the languages that are here, how much each can understand, and where it comes from.
//!
//! Counts what is written, without compiling it: a set with a mistake in it can be listed all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::json;
use serde_yaml::Value;

use crate::core::yaml::{Document, Problem};

use super::super::{Outcome, complain, say, say_all, sources};

/// What one language has from one source.
#[derive(Debug, Default)]
struct Count {
    intents: BTreeSet<String>,
    sentences: usize,
    files: usize,
}

/// Languages as they are written, `any` for files that name none; and the source, `your own` for files that name none.
type Counts = BTreeMap<(String, String), Count>;

pub(super) fn run(folder: &Path, json: bool) -> Outcome {
    let (paths, mut problems) = sources::paths(folder);
    let mut counts = Counts::new();
    for path in paths {
        let shown = path.display().to_string();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                problems.push(Problem { file: shown, line: 1, column: 1, message: error.to_string() });
                continue;
            }
        };
        match Document::parse(&shown, &text) {
            Ok(mut document) => add(&mut counts, document.value_mut()),
            Err(problem) => problems.push(problem),
        }
    }
    if json {
        let rows: Vec<_> = counts.iter().map(|((language, origin), count)| json!({
            "language": language, "origin": origin, "intents": count.intents.len(), "sentences": count.sentences, "files": count.files,
        })).collect();
        say(&json!({ "languages": rows }));
    } else {
        table(&counts);
    }
    if problems.is_empty() {
        return Outcome::Done;
    }
    if json {
        for problem in &problems {
            complain(problem);
        }
    } else {
        say_all(&problems);
    }
    Outcome::Problems
}

fn add(counts: &mut Counts, file: &Value) {
    let text = |key: &str| file.get(key).and_then(Value::as_str).map(str::to_owned);
    let language = text("language").unwrap_or_else(|| "any".to_owned());
    let origin = text("origin").unwrap_or_else(|| "your own".to_owned());
    let count = counts.entry((language, origin)).or_default();
    count.files += 1;
    for (name, intent) in file.get("intents").and_then(Value::as_mapping).into_iter().flatten() {
        count.intents.extend(name.as_str().map(str::to_owned));
        let blocks = intent.get("data").and_then(Value::as_sequence).into_iter().flatten();
        count.sentences += blocks.map(|block| many(block.get("sentences")) + many(block.get("regex"))).sum::<usize>();
    }
}

/// How many texts stand there: a list of them, or one.
fn many(texts: Option<&Value>) -> usize {
    match texts {
        Some(Value::Sequence(texts)) => texts.len(),
        Some(Value::String(_)) => 1,
        _ => 0,
    }
}

fn table(counts: &Counts) {
    let row = |language: &str, intents: &str, sentences: &str, files: &str, origin: &str| {
        say(&format_args!("{language:10} {intents:>7} {sentences:>9} {files:>5}  {origin}"));
    };
    row("LANGUAGE", "INTENTS", "SENTENCES", "FILES", "FROM");
    for ((language, origin), count) in counts {
        let [intents, sentences, files] = [count.intents.len(), count.sentences, count.files].map(|n| n.to_string());
        row(language, &intents, &sentences, &files, origin);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_and_regexes_count_by_language_and_origin() {
        let mut counts = Counts::new();
        for text in [
            "language: de\norigin: there 1\nintents: {A: {data: [{sentences: [x, y]}, {sentences: z, regex: [p, q]}]}}",
            "language: de\nintents: {A: {data: [{regex: one}]}, B: {data: []}}",
            "lists: {l: {values: [a]}}",
            "language: de\nintents: [wrong]",
        ] {
            add(&mut counts, &serde_yaml::from_str(text).unwrap());
        }
        let seen: Vec<_> = counts
            .iter()
            .map(|((language, origin), c)| (language.as_str(), origin.as_str(), c.intents.len(), c.sentences, c.files))
            .collect();
        assert_eq!(seen, [("any", "your own", 0, 0, 1), ("de", "there 1", 1, 5, 1), ("de", "your own", 2, 1, 2)]);
    }
}
