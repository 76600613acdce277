//! Whether a device can be reached, by what it or its bridge says on its availability topics.

use serde_json::{Map, Value};

use super::fields::{Fields, Reading, Reserved};
use super::templates::Templates;
use super::things::Heard;

/// Topics that one entity may name.
const MOST_TOPICS: usize = 32;

/// What decides where several topics are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The one heard last.
    Latest,
    /// Every one.
    All,
    /// One is enough.
    Any,
}

/// One topic and what is said there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Source {
    reading: Reading,
    online: String,
    offline: String,
}

/// Where it is said whether a device can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Availability {
    sources: Vec<Source>,
    mode: Mode,
}

impl Availability {
    /// Reads an entity's fields; what is wrong with them is added to the problems.
    pub(super) fn read(
        config: &Map<String, Value>,
        reserved: &Reserved,
        templates: &mut Templates,
        problems: &mut Vec<String>,
    ) -> Self {
        let mode = match config.get("availability_mode").and_then(Value::as_str) {
            Some("all") => Mode::All,
            Some("any") => Mode::Any,
            _ => Mode::Latest,
        };
        let mut source = |config: &Map<String, Value>, topic, template| {
            let mut fields = Fields::new(config, reserved, templates, problems);
            Some(Source {
                reading: fields.reading(topic, Some(template))?,
                online: fields.payload("payload_available", "online")?,
                offline: fields.payload("payload_not_available", "offline")?,
            })
        };
        let listed = config.get("availability").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let listed = listed.iter().filter_map(Value::as_object).take(MOST_TOPICS);
        let mut sources: Vec<Source> = listed.filter_map(|one| source(one, "topic", "value_template")).collect();
        sources.extend(source(config, "availability_topic", "availability_template"));
        Self { sources, mode }
    }

    pub(super) fn readings(&self) -> impl Iterator<Item = &Reading> {
        self.sources.iter().map(|source| &source.reading)
    }

    /// Whether it can be reached; `None` where nothing tells.
    pub(super) fn is_online(&self, heard: &Heard<'_>) -> Option<bool> {
        let said = |source: &Source| {
            let value = heard.read(Some(&source.reading))?;
            if value == source.online { Some(true) } else { (value == source.offline).then_some(false) }
        };
        match self.mode {
            Mode::Latest => {
                let told =
                    self.sources.iter().filter_map(|source| Some((heard.order(&source.reading)?, said(source)?)));
                told.max_by_key(|(order, _)| *order).map(|(_, online)| online)
            }
            Mode::Any => {
                let told: Vec<bool> = self.sources.iter().filter_map(said).collect();
                (!told.is_empty()).then(|| told.contains(&true))
            }
            Mode::All => {
                let told: Vec<Option<bool>> = self.sources.iter().map(said).collect();
                // One that is away is enough; one that says nothing leaves it open.
                if told.contains(&Some(false)) {
                    Some(false)
                } else {
                    told.iter().copied().reduce(Option::and).flatten()
                }
            }
        }
    }
}
