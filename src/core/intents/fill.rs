//! Texts with `{slot}` in them, read once at load and written out for each hit; `{slot.key}` is what a list says of the value.
//!
//! Where words that somebody said may go is decided here: into a topic only as one harmless level, into JSON only escaped.

use std::fmt::Write;

use serde_json::{Map, Number, Value};

use super::lists::Entry;

/// Bytes of spoken words that may enter a topic.
const MAX_TOPIC_WORDS: usize = 64;

/// What fills a slot.
#[derive(Clone, Debug)]
pub(super) enum Filled<'a> {
    /// A value that a list's author wrote, and the words it was named by.
    Listed(&'a Entry, &'a str),
    /// A value that a rule's author wrote.
    Fixed(&'a Value),
    Number(Number),
    /// Words as they were said.
    Spoken(&'a str),
}

impl<'a> Filled<'a> {
    /// Words as they were said; digits are a number.
    pub(super) fn spoken(words: &'a str) -> Self {
        let digits = words.strip_prefix('-').unwrap_or(words);
        let is_number = (1..=15).contains(&digits.len())
            && digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.ends_with(|c: char| c.is_ascii_digit());
        if !is_number {
            return Self::Spoken(words);
        }
        let whole = words.parse::<i64>().map(Number::from).ok();
        let number = whole.or_else(|| digits.contains('.').then(|| words.parse().ok().and_then(Number::from_f64))?);
        number.map_or(Self::Spoken(words), Self::Number)
    }

    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Listed(entry, words) => entry.out.clone().unwrap_or_else(|| Value::String((*words).to_owned())),
            Self::Fixed(value) => (*value).clone(),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Spoken(words) => Value::String((*words).to_owned()),
        }
    }

    /// What the list says of the value under a key.
    fn known(&self, key: &str) -> Option<Self> {
        match self {
            Self::Listed(entry, _) => entry.context.get(key).map(Self::Fixed),
            Self::Fixed(_) | Self::Number(_) | Self::Spoken(_) => None,
        }
    }

    /// The value where an author wrote it.
    fn written(&self) -> Option<&Value> {
        match self {
            Self::Listed(entry, _) => entry.out.as_ref(),
            Self::Fixed(value) => Some(value),
            Self::Number(_) | Self::Spoken(_) => None,
        }
    }

    fn write_plain(&self, out: &mut String) {
        match (self, self.written()) {
            (_, Some(Value::String(text))) => out.push_str(text),
            (_, Some(value)) => push(out, value),
            (Self::Number(number), None) => push(out, number),
            (Self::Spoken(words) | Self::Listed(_, words), None) => out.push_str(words),
            (Self::Fixed(_), None) => {}
        }
    }

    fn write(&self, form: Form, out: &mut String) {
        match (form, self) {
            (Form::Answer, Self::Listed(entry, words)) => out.push_str(entry.shown(words)),
            (Form::Answer | Form::Plain, _) => self.write_plain(out),
            (Form::Json, _) => match self.written() {
                Some(value) => push(out, &numeric(value)),
                None => push(out, &self.to_value()),
            },
            (Form::InsideJson, _) => {
                let mut plain = String::new();
                self.write_plain(&mut plain);
                let quoted = Value::String(plain).to_string();
                out.push_str(&quoted[1..quoted.len() - 1]);
            }
        }
    }
}

/// A list's value is often written in quotes; "40" is a number all the same.
fn numeric(value: &Value) -> Value {
    match value {
        Value::String(text) => match Filled::spoken(text) {
            Filled::Number(number) => Value::Number(number),
            _ => value.clone(),
        },
        _ => value.clone(),
    }
}

fn push(out: &mut String, value: &impl std::fmt::Display) {
    // Writing to a `String` cannot go wrong.
    let _ = write!(out, "{value}");
}

/// How a slot is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// As a person says it.
    Answer,
    /// What it stands for.
    Plain,
    /// Between the quotes of a JSON text.
    InsideJson,
    /// As a JSON value of its own.
    Json,
}

#[derive(Clone, Debug)]
enum Segment {
    Text(String),
    Slot(usize, Form),
    /// What is known of a slot's value, by key.
    Known(usize, String, Form),
}

impl Segment {
    /// Writes the segment; `None` where a slot is not filled, or nothing is known of it.
    fn write(&self, filled: &[Option<Filled<'_>>], out: &mut String) -> Option<()> {
        let slot = |slot: &usize| filled.get(*slot)?.as_ref();
        match self {
            Self::Text(text) => out.push_str(text),
            Self::Slot(index, form) => slot(index)?.write(*form, out),
            Self::Known(index, key, form) => slot(index)?.known(key)?.write(*form, out),
        }
        Some(())
    }
}

/// A text with slots.
#[derive(Clone, Debug, Default)]
pub(super) struct Template {
    segments: Vec<Segment>,
}

/// The slots a template may name, and those it names in vain.
pub(super) struct Names<'a> {
    pub(super) known: &'a [String],
    pub(super) unknown: Vec<String>,
}

impl Template {
    /// A text to answer with.
    pub(super) fn answer(text: &str, names: &mut Names<'_>) -> Self {
        let mut template = Self::default();
        template.add(text, Form::Answer, names);
        template
    }

    /// A topic.
    pub(super) fn topic(text: &str, names: &mut Names<'_>) -> Self {
        let mut template = Self::default();
        template.add(text, Form::Plain, names);
        template
    }

    /// A payload: a mapping or a list as JSON, a text as it is.
    pub(super) fn payload(payload: &Value, names: &mut Names<'_>) -> Self {
        let mut template = Self::default();
        match payload {
            Value::Null => {}
            Value::String(text) if is_json_text(text) => template.add_json_text(text, names),
            Value::String(text) => template.add(text, Form::Plain, names),
            _ => template.add_json(payload, names),
        }
        template
    }

    /// The slots that are named, by index.
    pub(super) fn slots(&self) -> impl Iterator<Item = usize> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Text(_) => None,
            Segment::Slot(slot, _) | Segment::Known(slot, ..) => Some(*slot),
        })
    }

    /// The text between the slots.
    pub(super) fn literals(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Text(text) => Some(text.as_str()),
            Segment::Slot(..) | Segment::Known(..) => None,
        })
    }

    fn text(&mut self, text: &str) {
        match self.segments.last_mut() {
            _ if text.is_empty() => {}
            Some(Segment::Text(last)) => last.push_str(text),
            _ => self.segments.push(Segment::Text(text.to_owned())),
        }
    }

    fn slot(&mut self, name: &str, form: Form, names: &mut Names<'_>) {
        let (slot, key) = name.split_once('.').map_or((name, None), |(slot, key)| (slot, Some(key)));
        match (names.known.iter().position(|known| known == slot), key) {
            (Some(slot), None) => self.segments.push(Segment::Slot(slot, form)),
            (Some(slot), Some(key)) => self.segments.push(Segment::Known(slot, key.to_owned(), form)),
            (None, _) => names.unknown.push(slot.to_owned()),
        }
    }

    fn add(&mut self, mut text: &str, form: Form, names: &mut Names<'_>) {
        while let Some((before, name, after)) = next_slot(text) {
            self.text(before);
            self.slot(name, form, names);
            text = after;
        }
        self.text(text);
    }

    /// JSON that somebody wrote as text: what a slot becomes depends on the quotes round it.
    fn add_json_text(&mut self, mut text: &str, names: &mut Names<'_>) {
        let mut quoted = false;
        while let Some((before, name, after)) = next_slot(text) {
            quoted = is_quoted_after(before, quoted);
            self.text(before);
            self.slot(name, if quoted { Form::InsideJson } else { Form::Json }, names);
            text = after;
        }
        self.text(text);
    }

    fn add_json(&mut self, value: &Value, names: &mut Names<'_>) {
        match value {
            Value::String(text) => match next_slot(text) {
                Some(("", name, "")) => self.slot(name, Form::Json, names),
                Some(_) => self.add_json_text(&value.to_string(), names),
                None => self.text(&value.to_string()),
            },
            Value::Array(items) => {
                self.text("[");
                for (index, item) in items.iter().enumerate() {
                    self.text(if index == 0 { "" } else { "," });
                    self.add_json(item, names);
                }
                self.text("]");
            }
            Value::Object(map) => {
                self.text("{");
                for (index, (key, item)) in map.iter().enumerate() {
                    self.text(if index == 0 { "" } else { "," });
                    self.add_json_text(&Value::String(key.clone()).to_string(), names);
                    self.text(":");
                    self.add_json(item, names);
                }
                self.text("}");
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => self.text(&value.to_string()),
        }
    }

    /// Writes the payload; `None` where a slot is not filled.
    pub(super) fn write(&self, filled: &[Option<Filled<'_>>]) -> Option<String> {
        let mut out = String::with_capacity(64);
        for segment in &self.segments {
            segment.write(filled, &mut out)?;
        }
        Some(out)
    }

    /// Writes the topic; `None` where a slot is not filled, or spoken words are not safe there.
    pub(super) fn write_topic(&self, filled: &[Option<Filled<'_>>]) -> Option<String> {
        for slot in self.slots() {
            if let Some(Filled::Spoken(words) | Filled::Listed(Entry { out: None, .. }, words)) = filled.get(slot)?
                && (words.len() > MAX_TOPIC_WORDS || words.contains(['+', '#', '/', '\0']))
            {
                return None;
            }
        }
        self.write(filled).filter(|topic| is_topic(topic))
    }

    /// Writes the answer; a slot that is not filled is nothing.
    pub(super) fn write_answer(&self, filled: &[Option<Filled<'_>>]) -> String {
        let mut out = String::with_capacity(64);
        for segment in &self.segments {
            // "the {area} light" without an area has one space, not two.
            if segment.write(filled, &mut out).is_none() && out.ends_with(' ') {
                out.pop();
            }
        }
        out
    }
}

/// Whether a message may be published to the topic.
pub(super) fn is_topic(topic: &str) -> bool {
    !topic.is_empty()
        && u16::try_from(topic.len()).is_ok()
        && !topic.starts_with('$')
        && !topic.contains(['+', '#', '\0'])
}

/// The text before the first `{slot}`, its name, and the text after it. Other braces are text.
fn next_slot(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(open) = text[from..].find('{').map(|at| from + at) {
        let inside = &text[open + 1..];
        let length = inside.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(inside.len());
        let is_name = |name: &str| name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let is_slot = inside[..length]
            .split_once('.')
            .map_or(is_name(&inside[..length]), |(slot, key)| is_name(slot) && is_name(key) && !key.contains('.'));
        if is_slot && inside[length..].starts_with('}') {
            return Some((&text[..open], &inside[..length], &inside[length + 1..]));
        }
        from = open + 1;
    }
    None
}

/// Whether somebody wrote JSON; a text that begins with a `{slot}` is none.
fn is_json_text(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with(['{', '[']) && !matches!(next_slot(text), Some(("", ..)))
}

/// Whether what follows `text` stands between the quotes of a JSON text.
fn is_quoted_after(text: &str, mut quoted: bool) -> bool {
    let mut escaped = false;
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
    }
    quoted
}

/// The slots of a hit, those that are filled.
pub(super) fn slots(names: &[String], filled: &[Option<Filled<'_>>]) -> Map<String, Value> {
    let pairs = names.iter().zip(filled);
    pairs.filter_map(|(name, value)| Some((name.clone(), value.as_ref()?.to_value()))).collect()
}
