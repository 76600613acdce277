//! Rules as people write them, and as they should not.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::*;

/// The shipped files, read as the daemon reads them.
fn shipped() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for folder in ["intents", "intents/en"] {
        let paths = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let files = paths.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
        sources.extend(files.map(|path| Source {
            path: path.strip_prefix(root).unwrap().display().to_string(),
            text: fs::read_to_string(path).unwrap(),
        }));
    }
    // The order they come in does not matter.
    sources.reverse();
    sources
}

fn source(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

fn rules(text: &str) -> Rules {
    let (rules, problems) = load(&[source("t.yaml", text)]);
    assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
    rules
}

fn problems(text: &str) -> Vec<String> {
    load(&[source("t.yaml", text)]).1.iter().map(ToString::to_string).collect()
}

/// One rule with a named group and one message.
fn publishing(regex: &str, topic: &str, payload: &str) -> Rules {
    rules(&format!(
        "intents: {{X: {{data: [{{regex: '{regex}', actions: [{{publish: {{topic: '{topic}', payload: {payload}}}}}]}}]}}}}"
    ))
}

fn payload(rules: &Rules, text: &str) -> Option<String> {
    rules.find(text, "en", None).map(|hit| hit.publishes[0].payload.clone())
}

mod files;
mod hostile;
mod matching;
mod missed;
mod names;
mod properties;
mod reference;
mod shipped;
mod understanding;
