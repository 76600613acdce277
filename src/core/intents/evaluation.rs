//! Labelled sentences and whether they were understood: what `hearthd eval` measures.
//!
//! One JSON object a line: `{"sentence", "intent", "slots"}`; `"intent": null` must not match. Slots compare without case,
//! numbers by value, and an expected list means any of its values. Lines of routing files, `{"text", "label"}`, are taken as
//! well: what is for a model must not match, and of device commands they do not say what is meant.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{Hit, Understood, sentence::heard::fold};

/// The slots that say what is moved.
const WHERE: [&str; 3] = ["name", "area", "floor"];

/// A labelled sentence.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct Line {
    /// What is said.
    pub sentence: String,
    /// What it means; `None` where nothing may match.
    pub intent: Option<String>,
    /// All slots with their values.
    pub slots: Map<String, Value>,
    /// What is known of the moment, such as `{"area": "Kitchen"}`.
    pub context: Option<Map<String, Value>>,
    /// Whether the room is the speaker's and says nothing of the sentence.
    pub context_area_required: bool,
    /// Whether the line says what is meant: a device command of a routing file does not.
    pub is_measured: bool,
}

/// A line as it is written.
#[derive(Deserialize)]
struct Written {
    #[serde(alias = "text")]
    sentence: String,
    /// Left out and `null` are told apart.
    #[serde(default, deserialize_with = "meant")]
    intent: Meant,
    #[serde(default)]
    slots: Map<String, Value>,
    #[serde(default)]
    context: Option<Map<String, Value>>,
    #[serde(default)]
    context_area_required: bool,
    /// The tier that answers, in routing files.
    #[serde(default)]
    label: Option<Label>,
}

/// Which tier a sentence is for.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Label {
    Device,
    Chat,
    Explain,
}

/// What a line says of the intent.
#[derive(Default)]
enum Meant {
    #[default]
    Unsaid,
    Nothing,
    Intent(String),
}

fn meant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Meant, D::Error> {
    Ok(Option::deserialize(deserializer)?.map_or(Meant::Nothing, Meant::Intent))
}

impl TryFrom<Written> for Line {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written { sentence, intent, slots, context, context_area_required, label } = written;
        if sentence.trim().is_empty() {
            return Err("the sentence is empty");
        }
        let (intent, is_measured) = match (intent, label) {
            (Meant::Intent(name), _) => (Some(name), true),
            (Meant::Unsaid, None) => {
                return Err("it has no `intent`; write `\"intent\": null` where nothing may match");
            }
            (Meant::Unsaid, Some(Label::Device)) => (None, false),
            (Meant::Nothing, _) | (Meant::Unsaid, Some(Label::Chat | Label::Explain)) => (None, true),
        };
        Ok(Self { sentence, intent, slots, context, context_area_required, is_measured })
    }
}

/// How well a sentence was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Intent and slots, or rightly nothing.
    Exact,
    /// The intent, with other slots.
    IntentOnly,
    /// Nothing, where something was meant.
    Missed,
    /// Another intent, or one where nothing was meant.
    Wrong,
}

impl Verdict {
    /// Whether the intent is right.
    #[must_use]
    pub fn is_right_intent(self) -> bool {
        matches!(self, Self::Exact | Self::IntentOnly)
    }
}

impl Line {
    /// Reads one line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| {
            let text = error.to_string();
            // The place is the caller's to tell; a line of its own has only one.
            let text = text.split(" at line 1 column ").next().unwrap_or_default();
            format!("this is no labelled sentence: {text}")
        })
    }

    /// Compares all that came of the sentence with what was meant: of several commands one at least was not. A question
    /// back does nothing, and so is as good as nothing.
    #[must_use]
    pub fn judge_all(&self, understood: &Understood) -> Verdict {
        match understood {
            Understood::Hits(hits) if hits.len() > 1 => Verdict::Wrong,
            Understood::Hits(hits) => self.judge(hits.first()),
            Understood::Unclear(_) | Understood::Nothing => self.judge(None),
        }
    }

    /// Compares the one command that came of the sentence with what was meant.
    #[must_use]
    pub fn judge(&self, hit: Option<&Hit>) -> Verdict {
        match (&self.intent, hit) {
            (None, None) => Verdict::Exact,
            (Some(_), None) => Verdict::Missed,
            (Some(intent), Some(hit)) if *intent == hit.name => {
                if self.has_slots(&hit.slots) {
                    Verdict::Exact
                } else {
                    Verdict::IntentOnly
                }
            }
            (_, Some(_)) => Verdict::Wrong,
        }
    }

    /// Whether something was done that was not meant: another intent, or the right one to another thing or place. That no
    /// place came of one that was said is as wrong, since it is the whole house then. A name that `is_known` to nothing here,
    /// such as one that was made up for a timer, moves nothing.
    #[must_use]
    pub fn acts_wrongly(&self, understood: &Understood, is_known: &dyn Fn(&str) -> bool) -> bool {
        match (self.judge_all(understood), understood) {
            (Verdict::Wrong, _) => true,
            (Verdict::IntentOnly, Understood::Hits(hits)) => hits.iter().any(|hit| {
                let moves = hit.slots.get("name").and_then(Value::as_str).is_none_or(is_known);
                moves && !self.is_where_meant(&hit.slots)
            }),
            _ => false,
        }
    }

    fn is_where_meant(&self, got: &Map<String, Value>) -> bool {
        let told = WHERE.iter().filter(|name| !(self.context_area_required && **name == "area"));
        told.map(|name| (self.slots.get(*name), got.get(*name))).all(|pair| match pair {
            (Some(expected), Some(got)) => is_meant(expected, got),
            (None, None) => true,
            _ => false,
        })
    }

    fn has_slots(&self, got: &Map<String, Value>) -> bool {
        let mut got: Vec<(&String, &Value)> = got.iter().collect();
        if self.context_area_required {
            got.retain(|(name, _)| *name != "area");
        }
        let expected = self.slots.iter().filter(|(name, _)| !(self.context_area_required && *name == "area"));
        let expected: Vec<(&String, &Value)> = expected.collect();
        expected.len() == got.len()
            && expected.iter().all(|(name, value)| got.iter().any(|(known, got)| known == name && is_meant(value, got)))
    }
}

/// Whether a slot's value is one that was meant.
fn is_meant(expected: &Value, got: &Value) -> bool {
    match expected {
        Value::Array(any) => any.iter().any(|one| is_meant(one, got)),
        _ => match (number(expected), number(got)) {
            (Some(expected), Some(got)) => (expected - got).abs() < 1e-6,
            _ => text(expected) == text(got),
        },
    }
}

fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    // "infinity" may be a name.
    number.filter(|number: &f64| number.is_finite())
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => fold(text),
        other => other.to_string(),
    }
}

/// How many sentences were understood, and how fast.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// Sentences that say what is meant.
    pub total: usize,
    /// Those with the right intent, or rightly none.
    pub right_intents: usize,
    /// Those with the right slots as well.
    pub exact: usize,
    /// Those where an intent fired that was not meant.
    pub wrong_fires: usize,
    /// Those that were answered by a question back.
    pub asked_back: usize,
    /// Nanoseconds, of each sentence.
    nanoseconds: Vec<u64>,
}

/// Times in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Latency {
    /// Half of the sentences took no longer.
    pub p50: f64,
    /// 95 of 100.
    pub p95: f64,
    /// 99 of 100.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

impl Score {
    /// Counts a sentence and the time it took.
    pub fn add(&mut self, verdict: Verdict, took: Duration) {
        self.total += 1;
        self.right_intents += usize::from(verdict.is_right_intent());
        self.exact += usize::from(verdict == Verdict::Exact);
        self.wrong_fires += usize::from(verdict == Verdict::Wrong);
        self.nanoseconds.push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// A count as a share of all sentences; 0 where there are none.
    #[must_use]
    pub fn share(&self, count: usize) -> f64 {
        let of = |count: usize| u32::try_from(count).map_or(f64::from(u32::MAX), f64::from);
        if self.total == 0 { 0.0 } else { of(count) / of(self.total) }
    }

    /// The times: of each share the smallest time that so many sentences did not exceed.
    #[must_use]
    pub fn latency(&self) -> Latency {
        let mut sorted = self.nanoseconds.clone();
        sorted.sort_unstable();
        let within = |percent: usize| {
            let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
            let nanoseconds = sorted.get(place).copied().unwrap_or_default();
            Duration::from_nanos(nanoseconds).as_secs_f64() * 1e6
        };
        Latency { p50: within(50), p95: within(95), p99: within(99), max: within(100) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::intents::Unclear;

    fn line(json: &str) -> Line {
        Line::parse(json).unwrap()
    }

    fn hit(name: &str, slots: Value) -> Hit {
        Hit { name: name.to_owned(), slots: serde_json::from_value(slots).unwrap(), ..Hit::default() }
    }

    #[test]
    fn slots_compare_as_people_mean_them() {
        let line = line(
            r#"{"sentence": "s", "intent": "X", "slots": {"name": "Desk-Lamp", "level": "40", "domain": ["light", "fan"]}}"#,
        );
        let judge = |slots| line.judge(Some(&hit("X", slots)));
        assert_eq!(judge(json!({"name": "desk lamp", "level": 40.0, "domain": "fan"})), Verdict::Exact);
        assert_eq!(judge(json!({"name": "desk lamp", "level": 41, "domain": "fan"})), Verdict::IntentOnly);
        assert_eq!(judge(json!({"name": "desk lamp", "level": 40, "domain": "cover"})), Verdict::IntentOnly);
        assert_eq!(judge(json!({"name": "desk lamp", "level": 40})), Verdict::IntentOnly);
        assert_eq!(
            judge(json!({"name": "desk lamp", "level": 40, "domain": "fan", "area": "den"})),
            Verdict::IntentOnly
        );
        assert_eq!(line.judge(Some(&hit("Y", json!({})))), Verdict::Wrong);
        assert_eq!(line.judge(None), Verdict::Missed);
    }

    #[test]
    fn the_room_of_the_speaker_is_left_out_where_the_line_says_so() {
        let written = r#"{"sentence": "s", "intent": "X", "slots": {}, "context": {"area": "Den"}, "context_area_required": true}"#;
        assert_eq!(line(written).judge(Some(&hit("X", json!({"area": "Den"})))), Verdict::Exact);
        let written = written.replace("true", "false");
        assert_eq!(line(&written).judge(Some(&hit("X", json!({"area": "Den"})))), Verdict::IntentOnly);
    }

    #[test]
    fn several_commands_are_not_what_was_meant_and_a_question_does_nothing() {
        let (none, some) =
            (line(r#"{"sentence": "s", "intent": null}"#), line(r#"{"sentence": "s", "intent": "X", "slots": {}}"#));
        let two = Understood::Hits(vec![hit("X", json!({})), hit("X", json!({}))]);
        assert_eq!((none.judge_all(&two), some.judge_all(&two)), (Verdict::Wrong, Verdict::Wrong));
        let question = Understood::Unclear(Unclear { message: "a or b?".to_owned(), suggestions: Vec::new() });
        assert_eq!((none.judge_all(&question), some.judge_all(&question)), (Verdict::Exact, Verdict::Missed));
        assert_eq!(some.judge_all(&Understood::Hits(vec![hit("X", json!({}))])), Verdict::Exact);
        assert_eq!(some.judge_all(&Understood::Nothing), Verdict::Missed);
    }

    #[test]
    fn what_is_for_a_model_must_not_match() {
        for json in [r#"{"sentence": "s", "intent": null}"#, r#"{"text": "s", "label": "chat", "core": true}"#] {
            let line = line(json);
            assert!(line.is_measured);
            assert_eq!(line.judge(None), Verdict::Exact);
            assert_eq!(line.judge(Some(&hit("X", json!({})))), Verdict::Wrong);
        }
        assert!(!line(r#"{"text": "s", "label": "device"}"#).is_measured);
        assert!(line(r#"{"text": "s", "label": "device", "intent": "X"}"#).is_measured);
    }

    #[test]
    fn the_right_intent_in_the_wrong_place_acts_wrongly() {
        let one = line(r#"{"sentence": "s", "intent": "X", "slots": {"area": ["den", "hall"], "level": 5}}"#);
        let acts =
            |line: &Line, slots| line.acts_wrongly(&Understood::Hits(vec![hit("X", slots)]), &|name| name != "made up");
        for right in [json!({"area": "Den", "level": 5}), json!({"area": "hall", "level": 6})] {
            assert!(!acts(&one, right));
        }
        for wrong in [json!({"area": "attic", "level": 5}), json!({"level": 5}), json!({"area": "den", "name": "x"})] {
            assert!(acts(&one, wrong));
        }
        assert!(one.acts_wrongly(&Understood::Hits(vec![hit("Y", json!({}))]), &|_| true));
        assert!(one.acts_wrongly(&Understood::Hits(vec![hit("X", json!({"area": "den", "level": 5})); 2]), &|_| true));
        assert!(!one.acts_wrongly(&Understood::Nothing, &|_| true));
        assert!(!acts(&one, json!({"name": "made up"})), "nothing has that name");
        let here = r#"{"sentence": "s", "intent": "X", "slots": {}, "context_area_required": true}"#;
        assert!(!acts(&line(here), json!({"area": "den"})), "the speaker's own room");
    }

    #[test]
    fn bad_lines_say_what_is_wrong() {
        for (json, expected) in [
            (r#"{"sentence": "s"}"#, "no `intent`"),
            (r#"{"sentence": " ", "intent": null}"#, "empty"),
            (r#"{"text": "s", "label": "devise"}"#, "devise"),
            ("{", "EOF"),
            ("[]", "no labelled sentence"),
        ] {
            let message = Line::parse(json).unwrap_err();
            assert!(message.contains(expected) && !message.contains("column"), "{message}");
        }
    }

    #[test]
    fn a_score_counts_and_orders_times() {
        let mut score = Score::default();
        assert_eq!((score.share(0), score.latency()), (0.0, Latency::default()));
        let verdicts = [Verdict::Exact, Verdict::IntentOnly, Verdict::Missed, Verdict::Wrong];
        for (micros, verdict) in (1..=100).rev().zip(verdicts.into_iter().cycle()) {
            score.add(verdict, Duration::from_micros(micros));
        }
        assert_eq!((score.total, score.right_intents, score.exact, score.wrong_fires), (100, 50, 25, 25));
        let Latency { p50, p95, p99, max } = score.latency();
        assert_eq!([p50, p95, p99, max].map(|time| format!("{time:.0}")), ["50", "95", "99", "100"]);
        assert!((score.share(score.exact) - 0.25).abs() < 1e-9);
    }
}
