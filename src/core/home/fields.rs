//! Reads what an entity says of itself, field by field: texts, numbers, topics with their templates.
//!
//! Messages of ten years and a hundred makers come in here, so a number may be written as a text and a payload as a
//! number. What is wrong costs the field, and is noted.

use jiff::Zoned;
use serde_json::{Map, Value};

use super::templates::{TemplateId, Templates};

/// Characters of a name that is said or shown.
const MOST_CHARACTERS: usize = 200;

/// A message to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where.
    pub topic: String,
    /// What.
    pub payload: String,
    /// 0, 1 or 2.
    pub qos: u8,
    /// Whether the broker keeps it.
    pub retain: bool,
}

/// Where one kind of command goes, and how its payload is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    topic: String,
    template: Option<TemplateId>,
    qos: u8,
    retain: bool,
}

impl Order {
    /// The message for a value: itself where there is no template, else what the template makes of the variables and of
    /// `value`, which is the same as the value. `None` where the template fails.
    pub(super) fn message(
        &self,
        value: &Value,
        variables: &[(&'static str, Value)],
        made: &Making<'_>,
    ) -> Option<Message> {
        let payload = match self.template {
            None => plain(value),
            Some(template) => {
                let mut variables = variables.to_vec();
                variables.push(("value", value.clone()));
                made.templates.payload_of(template, &variables, made.now)?
            }
        };
        Some(self.exactly(payload))
    }

    /// A message of these very bytes.
    pub(super) fn exactly(&self, payload: impl Into<String>) -> Message {
        Message { topic: self.topic.clone(), payload: payload.into(), qos: self.qos, retain: self.retain }
    }
}

/// What payloads are made with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Making<'a> {
    pub(super) templates: &'a Templates,
    pub(super) now: &'a Zoned,
}

/// Where a state comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Reading {
    pub(super) topic: String,
    pub(super) template: Option<TemplateId>,
}

impl Reading {
    /// The same, with what its payloads mean.
    pub(super) fn meaning(self, words: Vec<(String, &'static str)>) -> Told {
        Told { reading: self, words }
    }

    /// What a payload on its topic says. `None` where it says nothing of this.
    pub(super) fn of(&self, payload: &str, made: &Making<'_>) -> Option<String> {
        let value = match self.template {
            None => payload.trim().to_owned(),
            Some(template) => made.templates.value_of(template, payload, made.now)?,
        };
        // What a template makes of a field that is not there, and of one that is null.
        (!value.is_empty() && value != "None").then_some(value)
    }
}

/// A state: where it comes from, and what its payloads mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) reading: Reading,
    words: Vec<(String, &'static str)>,
}

impl Told {
    /// The state in our words where the payload is one that is known, else as it is.
    pub(super) fn of(&self, payload: &str, made: &Making<'_>) -> Option<String> {
        let value = self.reading.of(payload, made)?;
        let word = self.words.iter().find(|(payload, _)| *payload == value).map(|(_, word)| (*word).to_owned());
        Some(word.unwrap_or(value))
    }
}

/// A value as Home Assistant publishes it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other => other.to_string(),
    }
}

/// The topics that devices may not name for their commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reserved {
    /// First levels that are ours: the base topic, and whatever else listens to words.
    pub prefixes: Vec<String>,
}

impl Reserved {
    fn is_ours(&self, topic: &str) -> bool {
        let begins = |prefix: &String| topic.strip_prefix(prefix.as_str());
        self.prefixes.iter().filter_map(begins).any(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Why a topic cannot be a command's, where it cannot.
    pub(super) fn objection(&self, topic: &str) -> Option<&'static str> {
        if topic.is_empty() || topic.len() > usize::from(u16::MAX) || topic.contains('\0') {
            Some("is no topic")
        } else if topic.contains(['+', '#']) {
            Some("has wildcards")
        } else if topic.starts_with('$') {
            Some("is the broker's own")
        } else if self.is_ours(topic) {
            Some("is hearthd's own")
        } else {
            None
        }
    }
}

/// One entity's fields.
pub(super) struct Fields<'a> {
    config: &'a Map<String, Value>,
    reserved: &'a Reserved,
    templates: &'a mut Templates,
    problems: &'a mut Vec<String>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(
        config: &'a Map<String, Value>,
        reserved: &'a Reserved,
        templates: &'a mut Templates,
        problems: &'a mut Vec<String>,
    ) -> Self {
        Self { config, reserved, templates, problems }
    }

    /// Whether it is there and not null.
    pub(super) fn has(&self, key: &str) -> bool {
        self.config.get(key).is_some_and(|value| !value.is_null())
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        match self.config.get(key)? {
            Value::String(text) => Some(text.chars().take(MOST_CHARACTERS).collect()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A topic, never cut: a part of it would be another one.
    fn topic(&self, key: &str) -> Option<String> {
        self.config.get(key)?.as_str().map(str::to_owned)
    }

    /// A payload, `None` where the entity says that it has none.
    pub(super) fn payload(&self, key: &str, default: &str) -> Option<String> {
        match self.config.get(key) {
            None => Some(default.to_owned()),
            Some(Value::Null) => None,
            Some(value) => Some(plain(value)),
        }
    }

    pub(super) fn number(&mut self, key: &str) -> Option<f64> {
        let number = match self.config.get(key)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        if number.is_none_or(|number| !number.is_finite()) {
            self.problems.push(format!("`{key}` is no number"));
        }
        number.filter(|number| number.is_finite())
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        match self.config.get(key) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => matches!(text.to_lowercase().as_str(), "true" | "yes" | "on" | "1"),
            _ => false,
        }
    }

    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        let values = self.config.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        values.iter().filter(|value| value.is_string() || value.is_number()).map(plain).collect()
    }

    /// A command's topic with its template. `None` where there is none, or where something is wrong with it.
    pub(super) fn order(&mut self, topic: &str, template: Option<&str>) -> Option<Order> {
        let place = self.topic(topic)?;
        if let Some(objection) = self.reserved.objection(&place) {
            self.problems.push(format!("`{topic}` {objection}: {place}"));
            return None;
        }
        let template = self.template_of(template)?;
        let qos =
            self.config.get("qos").and_then(Value::as_u64).and_then(|qos| u8::try_from(qos).ok()).unwrap_or(0).min(2);
        Some(Order { topic: place, template, qos, retain: self.flag("retain") })
    }

    /// A state's topic with its template.
    pub(super) fn reading(&mut self, topic: &str, template: Option<&str>) -> Option<Reading> {
        let place = self.topic(topic).filter(|topic| !topic.is_empty())?;
        if place.contains(['+', '#', '\0']) {
            self.problems.push(format!("`{topic}` is no single topic: {place}"));
            return None;
        }
        // Subscribed to once more, what is said to us would come twice.
        if self.reserved.is_ours(&place) {
            self.problems.push(format!("`{topic}` is hearthd's own: {place}"));
            return None;
        }
        let template = self.template_of(template)?;
        Some(Reading { topic: place, template })
    }

    /// A state that is one field of an object.
    pub(super) fn field(&mut self, topic: &str, field: &str) -> Option<Reading> {
        let template = self.templates.read(&format!("{{{{ value_json.{field} }}}}")).ok()?;
        Some(Reading { template: Some(template), ..self.reading(topic, None)? })
    }

    /// A state's topic with its template and what its payloads mean: the key under which the entity names one, the payload
    /// where it does not, and our word for it.
    pub(super) fn told(
        &mut self,
        topic: &str,
        template: Option<&str>,
        words: &[(&str, &str, &'static str)],
    ) -> Option<Told> {
        let reading = self.reading(topic, template)?;
        let words = words.iter().filter_map(|(key, default, word)| Some((self.payload(key, default)?, *word)));
        Some(reading.meaning(words.collect()))
    }

    /// The template under a key, if there is such a key; the outer `None` where it is there and cannot be used.
    #[expect(clippy::option_option, reason = "no template and a wrong one are two things")]
    fn template_of(&mut self, key: Option<&str>) -> Option<Option<TemplateId>> {
        key.map_or(Some(None), |key| self.template(key).ok())
    }

    /// A template, where there is one.
    ///
    /// # Errors
    /// It is there and cannot be used.
    pub(super) fn template(&mut self, key: &str) -> Result<Option<TemplateId>, ()> {
        let Some(source) = self.config.get(key).and_then(Value::as_str) else { return Ok(None) };
        match self.templates.read(source) {
            Ok(template) => Ok(Some(template)),
            Err(why) => {
                self.problems.push(format!("`{key}`: {why}"));
                Err(())
            }
        }
    }
}
