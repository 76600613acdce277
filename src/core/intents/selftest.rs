//! The tests written beside the rules: sentence to intent, slots, messages and answer, or to nothing.

use std::fmt::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};

use super::context::is_same;
use super::file::{ExpectedPublish, TestCase};
use super::{Hit, Publish, Rules, Said, Understood};

/// How the tests went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TestReport {
    /// How many passed.
    pub passed: usize,
    /// Those that did not, in the order of the files.
    pub failures: Vec<Failure>,
    /// The sentences that passed tests reached, for the coverage.
    #[serde(skip)]
    pub(super) reached: Vec<Reached>,
}

/// A sentence that a test reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Reached {
    /// `file:line`.
    pub(super) source: String,
    pub(super) sentence: String,
}

/// A test that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The file it stands in.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What was said.
    pub say: String,
    /// What was expected and what came, a line for each difference.
    pub message: String,
    /// What to look at: the sentence that matched instead, or what comes near where none did.
    pub hint: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: \"{}\"\n{}", self.file, self.line, self.say, self.message)
    }
}

/// A test, ready to run.
#[derive(Debug)]
pub(super) struct Test {
    file: String,
    line: usize,
    pub(super) say: String,
    pub(super) lang: String,
    site: Option<String>,
    intent: Option<String>,
    slots: Option<Map<String, Value>>,
    publishes: Option<Vec<ExpectedPublish>>,
    response: Option<String>,
}

impl Test {
    pub(super) fn new(file: &str, line: usize, language: &str, case: &TestCase) -> Self {
        Self {
            file: file.to_owned(),
            line,
            say: case.say.clone(),
            lang: case.lang.clone().unwrap_or_else(|| language.to_owned()),
            site: case.site.clone(),
            intent: case.intent.0.clone(),
            slots: case.slots.clone(),
            publishes: case.publishes.clone(),
            response: case.response.clone(),
        }
    }

    pub(super) fn expects_a_match(&self) -> bool {
        self.intent.is_some()
    }

    fn said(&self) -> Said<'_> {
        Said { text: &self.say, lang: &self.lang, site: self.site.as_deref(), ..Said::default() }
    }

    /// Whether the filter, in lower case, is about this test.
    fn is_about(&self, filter: &str) -> bool {
        let intent = self.intent.as_deref().unwrap_or("none");
        [self.say.as_str(), intent, &self.file].iter().any(|text| text.to_lowercase().contains(filter))
    }

    /// What to look at where the test fails.
    fn hint(&self, hit: Option<&Hit>, rules: &Rules) -> String {
        let Some(hit) = hit else {
            match rules.understand(&self.said()) {
                Understood::Hits(hits) => {
                    let names: Vec<String> =
                        hits.iter().map(|hit| format!("{} (`{}`)", hit.name, hit.sentence.trim())).collect();
                    return format!("it is understood as {} commands: {}", names.len(), names.join(", "));
                }
                Understood::Unclear(unclear) => return format!("it is asked back: {}", unclear.message),
                Understood::Nothing => {}
            }
            let near = rules.missed(&self.said()).suggestions;
            let near: Vec<String> = near.into_iter().map(|near| format!("\"{near}\"")).collect();
            return if near.is_empty() {
                "no sentence matches, and nothing known comes near".to_owned()
            } else {
                format!("no sentence matches; near are {}", near.join(", "))
            };
        };
        let matched = format!("`{}` at {} matches", hit.sentence.trim(), hit.source);
        let Some(intent) = self.intent.as_deref().filter(|intent| *intent != hit.name) else { return matched };
        match rules.rival(&self.said(), hit, intent) {
            Some(rival) => {
                format!("{matched}; `{}` at {} does too, but {}", rival.sentence, rival.source, rival.why)
            }
            None => format!("{matched}; no sentence of {intent} does"),
        }
    }

    /// The differences from all commands that the sentence is, one a line; empty where there are none.
    fn compare(&self, hits: &[Hit]) -> String {
        let mut differences = Differences::default();
        let (Some(expected), [hit]) = (&self.intent, hits) else {
            if self.intent.is_some() || !hits.is_empty() {
                let expected = self.intent.as_deref().unwrap_or("no match");
                let got: Vec<String> = hits.iter().map(|hit| format!("{} ({})", hit.name, hit.source)).collect();
                let got = if got.is_empty() { "no match".to_owned() } else { got.join(" and ") };
                differences.add("intent", expected, &got);
            }
            return differences.0;
        };
        if *expected != hit.name {
            differences.add("intent", expected, &format!("{} ({})", hit.name, hit.source));
        }
        if let Some(slots) = self.slots.as_ref().filter(|slots| !are_same_slots(slots, &hit.slots)) {
            differences.add("slots", &json(slots), &json(&hit.slots));
        }
        if let Some(expected) = &self.publishes {
            compare_publishes(expected, &hit.publishes, &mut differences);
        }
        if let Some(response) = self.response.as_ref().filter(|response| **response != hit.response) {
            differences.add("response", response, &hit.response);
        }
        differences.0
    }
}

#[derive(Default)]
struct Differences(String);

impl Differences {
    fn add(&mut self, what: &str, expected: &str, got: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        let indent = " ".repeat(what.len() + 4);
        let _ = write!(self.0, "  {what}: expected {expected}\n{indent}got      {got}");
    }
}

/// Runs the tests whose sentence, intent or file has the text in it; all of them where it is empty.
pub(super) fn run(rules: &Rules, tests: &[Test], filter: &str) -> TestReport {
    let mut report = TestReport::default();
    let filter = filter.to_lowercase();
    for test in tests.iter().filter(|test| test.is_about(&filter)) {
        let said = test.said();
        // A question back does nothing, and so is no match; several commands are as many matches.
        let hits = match rules.understand(&said) {
            Understood::Hits(hits) => hits,
            Understood::Unclear(_) | Understood::Nothing => Vec::new(),
        };
        let message = test.compare(&hits);
        if message.is_empty() {
            report.passed += 1;
            report.reached.extend(hits.into_iter().map(|hit| Reached { source: hit.source, sentence: hit.sentence }));
            continue;
        }
        report.failures.push(Failure {
            file: test.file.clone(),
            line: test.line,
            say: test.say.clone(),
            message,
            hint: test.hint(if let [hit] = &hits[..] { Some(hit) } else { None }, rules),
        });
    }
    report
}

fn are_same_slots(expected: &Map<String, Value>, got: &Map<String, Value>) -> bool {
    expected.len() == got.len()
        && expected.iter().all(|(name, value)| got.get(name).is_some_and(|got| is_same(value, got)))
}

fn compare_publishes(expected: &[ExpectedPublish], got: &[Publish], differences: &mut Differences) {
    for index in 0..expected.len().max(got.len()) {
        let (expected, got) = (expected.get(index), got.get(index));
        if expected.zip(got).is_some_and(|(expected, got)| is_same_publish(expected, got)) {
            continue;
        }
        let expected = expected.map_or("no message".to_owned(), describe);
        let got = got.map_or("no message".to_owned(), |got| {
            format!("{} {} qos {} retain {}", got.topic, got.payload, got.qos, got.retain)
        });
        differences.add(&format!("publishes[{index}]"), &expected, &got);
    }
}

fn is_same_publish(expected: &ExpectedPublish, got: &Publish) -> bool {
    expected.topic == got.topic
        && expected.payload.as_ref().is_none_or(|payload| is_same_payload(payload, &got.payload))
        && expected.qos.is_none_or(|qos| qos == got.qos)
        && expected.retain.is_none_or(|retain| retain == got.retain)
}

fn is_same_payload(expected: &Value, got: &str) -> bool {
    let got_json = || serde_json::from_str::<Value>(got).ok();
    match expected {
        Value::Null => got.is_empty(),
        Value::String(text) => {
            text == got || serde_json::from_str::<Value>(text).ok().is_some_and(|text| Some(text) == got_json())
        }
        _ => got_json().is_some_and(|got| got == *expected),
    }
}

fn describe(expected: &ExpectedPublish) -> String {
    let mut text = expected.topic.clone();
    match &expected.payload {
        None => {}
        Some(Value::String(payload)) => text.extend([" ", payload]),
        Some(payload) => text.extend([" ", &payload.to_string()]),
    }
    if let Some(qos) = expected.qos {
        let _ = write!(text, " qos {qos}");
    }
    if let Some(retain) = expected.retain {
        let _ = write!(text, " retain {retain}");
    }
    text
}

fn json(map: &Map<String, Value>) -> String {
    Value::Object(map.clone()).to_string()
}

#[cfg(test)]
mod tests {
    use crate::core::intents::{Source, load};

    #[test]
    fn nothing_is_expected_where_no_command_may_fire_however_many() {
        let text = "\
language: en
lists: {name: {values: [fan, {in: bulb, out: a, context: {area: den}}, {in: bulb, out: b, context: {area: attic}}]}}
intents:
  On: {data: [{sentences: ['on {name}']}]}
  Halt: {data: [{sentences: [halt]}]}
tests:
  - {say: on fan and halt, intent: none}
  - {say: on fan, intent: none}
  - {say: on bulb, intent: none}
  - {say: off fan, intent: none}
";
        let (rules, problems) = load(&[Source { path: "t.yaml".to_owned(), text: text.to_owned() }]);
        assert_eq!(problems, []);
        let report = rules.run_tests();
        let failed: Vec<(&str, &str)> =
            report.failures.iter().map(|failure| (failure.say.as_str(), failure.message.as_str())).collect();
        let expected = [
            ("on fan and halt", "  intent: expected no match\n          got      On (t.yaml:4) and Halt (t.yaml:5)"),
            ("on fan", "  intent: expected no match\n          got      On (t.yaml:4)"),
        ];
        assert_eq!(failed, expected);
        // Asked back, and not understood.
        assert_eq!(report.passed, 2);
    }

    #[test]
    fn a_hint_tells_several_commands_and_questions_back() {
        let text = "\
language: en
lists: {name: {values: [fan, {in: bulb, out: a, context: {area: den}}, {in: bulb, out: b, context: {area: attic}}]}}
intents:
  On: {data: [{sentences: ['on {name}']}]}
  Halt: {data: [{sentences: [halt]}]}
tests:
  - {say: on fan and halt, intent: On}
  - {say: on bulb, intent: On}
  - {say: off fan, intent: On}
";
        let (rules, problems) = load(&[Source { path: "t.yaml".to_owned(), text: text.to_owned() }]);
        assert_eq!(problems, []);
        let hints: Vec<String> = rules.run_tests().failures.into_iter().map(|failure| failure.hint).collect();
        let expected = [
            "it is understood as 2 commands: On (`on {name}`), Halt (`halt`)",
            "it is asked back: Bulb in the den or bulb in the attic?",
            "no sentence matches",
        ];
        assert_eq!(hints.len(), expected.len(), "{hints:#?}");
        for (hint, expected) in hints.iter().zip(expected) {
            assert!(hint.starts_with(expected), "{hint}");
        }
    }
}
