//! What is answered: a text with `{slot}` in it, or a Jinja template as Home Assistant's responses are.
//!
//! A template is read once at load. What it cannot know here (the states of devices) is undefined and writes nothing; a
//! template that fails while it is rendered answers as if there were none.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};
use serde::Serialize;
use serde_json::Value;

use super::block::Slots;
use super::fill::{Filled, Template};

/// What is answered where a rule says nothing.
pub(super) const DEFAULT_ANSWER: &str = "OK.";
/// Instructions that one template may take; a loop over nothing ends long before.
const FUEL: u64 = 50_000;

/// The time, for answers that tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Now {
    /// As people say it: `7:05 PM`.
    pub time: String,
    /// `Monday, 23 November 2026`.
    pub date: String,
}

/// What a block answers.
#[derive(Debug)]
pub(super) enum Response {
    /// A text with `{slot}` in it.
    Text(Template),
    /// A Jinja template.
    Jinja(Arc<Environment<'static>>),
}

/// The name of the one template of an environment.
const NAME: &str = "response";

impl Response {
    /// Reads a Jinja template.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub(super) fn jinja(source: &str) -> Result<Self, String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_fuel(Some(FUEL));
        environment.add_template_owned(NAME, source.to_owned()).map_err(|error| {
            let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            format!("the response is no Jinja template: {detail}")
        })?;
        Ok(Self::Jinja(Arc::new(environment)))
    }

    /// Writes the answer.
    pub(super) fn write(&self, names: &[String], slots: &Slots<'_>, now: Option<&Now>) -> String {
        match self {
            Self::Text(template) => template.write_answer(&slots.filled),
            Self::Jinja(environment) => {
                let filled = names.iter().zip(&slots.filled);
                let filled = filled.filter_map(|(name, value)| Some((name.as_str(), shown(value.as_ref()?))));
                let values: BTreeMap<&str, Value> = filled.collect();
                let captures = slots.captures.iter().map(|(name, value)| (name.as_str(), shown(value)));
                let captures: BTreeMap<&str, Value> = captures.collect();
                let template = environment.get_template(NAME);
                let text = template.and_then(|template| {
                    template.render(context! {
                        slots => Serde(&values),
                        captures => Serde(&captures),
                        now => Serde(&now),
                    })
                });
                // White space of the template's own lines means nothing.
                text.map_or_else(
                    |_| DEFAULT_ANSWER.to_owned(),
                    |text| text.split_whitespace().collect::<Vec<_>>().join(" "),
                )
            }
        }
    }
}

/// A value as a person says it.
fn shown(value: &Filled<'_>) -> Value {
    match value {
        Filled::Listed(entry, words) => Value::String(entry.shown(words).to_owned()),
        other => other.to_value(),
    }
}
