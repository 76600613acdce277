//! The sentence language, case by case, against the answers of Home Assistant's own matcher (hassil 3.12.1).
//!
//! Where hearthd means to do better, the case is listed here with the reason. A difference that is not listed fails, and so
//! does a listed one that is none any more.

#![expect(clippy::unwrap_used, reason = "a test ends at its first surprise")]

#[path = "support/data.rs"]
mod data;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use hearthd::core::intents::evaluation::{Line, Verdict};
use hearthd::core::intents::{self, Hit, Rules, Said, Source};

/// A text that is said with one of the grammars, and what came of it there.
#[derive(Deserialize)]
struct Case {
    grammar: String,
    text: String,
    context: Map<String, Value>,
    expect: Option<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    intent: String,
    slots: Map<String, Value>,
    template: String,
    captures: BTreeMap<String, String>,
}

const HYPHEN: &str = "a hyphen in a list's value is a space, as one in what was said is";
const FOLDING: &str = "full case folding: STRASSE is straße";
const HUNDRED: &str = "a hundred is said with and without the one";
const MULTIPLIER: &str = "the multiplier counts for number words as it does for digits";
const TIE: &str = "of two intents as good as each other the one that is written first, not the alphabet's first";
const OPENER: &str = "free words behind the opener of a question are no command";
const SKIPPED: &str = "a skip word that a sentence uses leaves the others skipped";

/// Where we differ on purpose: grammar, texts, and why. Texts that no case says are for other runs of the same grammars.
const BETTER: [(&str, &[&str], &str); 11] = [
    ("basic", &["turn on living room tv", "living room tv on"], HYPHEN),
    ("range", &["dim to a hundred", "level a hundred"], HUNDRED),
    ("step", &["k a hundred"], HUNDRED),
    ("perm", &["set to a hundred the dimmer"], HUNDRED),
    ("mult", &["down twenty", "down five", "down fifty"], MULTIPLIER),
    ("esz", &["STRASSE GROSS", "strasse gross", "STRASSE klein"], FOLDING),
    ("tie", &["lamp go", "desk lamp go", "big fan go"], TIE),
    ("skip", &["i want tea please", "please i want tea"], SKIPPED),
    ("skipwild", &["what", "tell"], OPENER),
    ("wild", &["say hello in living room tv"], HYPHEN),
    ("best", &["set living room tv"], HYPHEN),
];

fn why(case: &Case) -> Option<&'static str> {
    let listed = BETTER.iter().find(|(grammar, texts, _)| *grammar == case.grammar && texts.contains(&&*case.text));
    listed.map(|(_, _, reason)| *reason)
}

/// The grammars, each answering with its captures.
fn load(text: &str) -> HashMap<String, (String, Rules)> {
    let grammars: Map<String, Value> = serde_json::from_str(text).unwrap();
    let load = |(name, mut grammar): (String, Value)| {
        let answer = "{% for key, value in captures | items %}{{ key }}={{ value }};{% endfor %}";
        let intents = grammar["intents"].as_object().unwrap().keys();
        grammar["responses"] = json!({"intents": intents.map(|intent| (intent.clone(), json!({"default": answer}))).collect::<Map<_, _>>()});
        let source = Source { path: format!("{name}.json"), text: grammar.to_string() };
        let (rules, problems) = intents::load(&[source]);
        assert_eq!(problems, [], "{name}");
        let language = grammar["language"].as_str().unwrap().to_owned();
        (name, (language, rules))
    };
    grammars.into_iter().map(load).collect()
}

/// What differs; empty where nothing does.
fn differences(case: &Case, hit: Option<&Hit>) -> String {
    let mut differences = String::new();
    let expected = case.expect.as_ref();
    let line = Line {
        sentence: case.text.clone(),
        intent: expected.map(|expected| expected.intent.clone()),
        slots: expected.map(|expected| expected.slots.clone()).unwrap_or_default(),
        context: None,
        context_area_required: false,
        is_measured: true,
    };
    if line.judge(hit) != Verdict::Exact {
        let shown = |intent: &str, slots: &Map<String, Value>| format!("{intent} {}", Value::Object(slots.clone()));
        let wanted = expected.map_or("nothing".to_owned(), |expected| shown(&expected.intent, &expected.slots));
        let got = hit.map_or("nothing".to_owned(), |hit| shown(&hit.name, &hit.slots));
        write!(differences, " wanted {wanted}, got {got};").unwrap();
    }
    if let Some((expected, hit)) = expected.zip(hit) {
        if expected.template.trim() != hit.sentence.trim() {
            write!(differences, " by `{}`, not `{}`;", hit.sentence, expected.template).unwrap();
        }
        let mut captures = String::new();
        for (key, value) in &expected.captures {
            write!(captures, "{key}={value};").unwrap();
        }
        // Without captures the answer is empty, and then it is the usual one.
        let answer = if hit.response == "OK." { "" } else { &hit.response };
        if answer != captures {
            write!(differences, " captured `{answer}`, not `{captures}`;").unwrap();
        }
    }
    differences
}

#[test]
fn sentences_mean_what_they_mean_to_home_assistant() {
    let Some(folder) = data::folder("the conformance of the sentence language") else { return };
    let grammars = load(&data::read(&folder, "template_grammars.json"));
    let cases = data::read(&folder, "template_conformance.jsonl");
    let cases: Vec<Case> = cases.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(cases.len() >= 50, "there are only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let (lang, rules) = &grammars[&case.grammar];
        let said = Said { text: &case.text, lang, context: Some(&case.context), ..Said::default() };
        let differences = differences(case, rules.hear(&said).as_ref());
        let is_better = why(case);
        if differences.is_empty() == is_better.is_none() {
            continue;
        }
        let what = is_better.map_or(differences, |reason| format!(" no difference any more, but listed: {reason}"));
        wrong.push(format!("{}, {:?}:{what}", case.grammar, case.text));
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
