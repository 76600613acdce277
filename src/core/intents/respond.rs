//! What is answered: a text with `{slot}` in it, or a Jinja template as Home Assistant's responses are.
//!
//! A template is read once at load. What it cannot know here (the states of devices) is undefined and writes nothing; a
//! template that fails while it is rendered answers as if there were none.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::{Serde, Value as Jinja};
use minijinja::{Environment, Error, State, UndefinedBehavior, context};
use minijinja_contrib::pycompat::unknown_method_callback;
use serde::Serialize;
use serde_json::{Value, json};

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
    /// The same as numbers, for the answers of other languages.
    #[serde(skip)]
    pub clock: Clock,
}

/// A time and a date as numbers, in the home's own time zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// As in 2026.
    pub year: i16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 for Monday, as Python counts.
    pub weekday: u8,
}

impl Clock {
    /// What Home Assistant gives its answers as the slots `time` and `date`.
    fn slots(self) -> [(&'static str, Value); 2] {
        let Self { hour, minute, second, year, month, day, weekday } = self;
        [
            ("time", json!({ "hour": hour, "minute": minute, "second": second })),
            ("date", json!({ "year": year, "month": month, "day": day, WEEKDAY: weekday })),
        ]
    }
}

/// Where a date keeps what `weekday()` returns.
const WEEKDAY: &str = "weekday_number";

/// Calls a method as Python would: Home Assistant's answers are written for that.
fn call_method(state: &mut State<'_, '_>, value: &Jinja, method: &str, args: &[Jinja]) -> Result<Jinja, Error> {
    if method == "weekday" && args.is_empty() {
        return value.get_attr(WEEKDAY);
    }
    unknown_method_callback(state, value, method, args)
}

/// What a block answers.
#[derive(Debug)]
pub(super) enum Response {
    /// A text with `{slot}` in it.
    Text(Template),
    /// A Jinja template.
    Jinja(Arc<Environment<'static>>),
}

/// Jinja allows a colon at the end of a tag, as in `{% if x: %}`; Home Assistant's responses have it, our reader does not.
fn without_colons(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(end) = rest.find("%}") {
        let (tag, behind) = rest.split_at(end);
        let (tag, dash) = tag.strip_suffix('-').map_or((tag, ""), |tag| (tag, "-"));
        let is_tag = tag.rfind("{%").is_some();
        match tag.trim_end().strip_suffix(':').filter(|_| is_tag) {
            Some(tag) => out.extend([tag, " "]),
            None => out.push_str(tag),
        }
        out.extend([dash, "%}"]);
        rest = &behind[2..];
    }
    out.push_str(rest);
    out
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
        environment.set_unknown_method_callback(call_method);
        environment.add_template_owned(NAME, without_colons(source)).map_err(|error| {
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
                let mut values: BTreeMap<&str, Value> =
                    now.map(|now| now.clock.slots()).into_iter().flatten().collect();
                values.extend(filled);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_may_end_a_tag() {
        let source = "{% if 1 == 2: %}a{% elif true:-%} b: {%- else : %}c{% endif %} 100:%} {{ 'x:' }}";
        let expected = "{% if 1 == 2 %}a{% elif true -%} b: {%- else  %}c{% endif %} 100:%} {{ 'x:' }}";
        assert_eq!(without_colons(source), expected);
        let response = Response::jinja("{% if true: %}Yes: {{ 1 + 1 }}{% else: %}No{% endif %}").unwrap();
        let slots = Slots { filled: Vec::new(), captures: Vec::new() };
        assert_eq!(response.write(&[], &slots, None), "Yes: 2");
    }

    #[test]
    fn the_time_is_told_as_home_assistants_answers_do() {
        let clock = Clock { hour: 9, minute: 5, second: 0, year: 2026, month: 11, day: 23, weekday: 0 };
        let now = Now { clock, ..Now::default() };
        let slots = Slots { filled: Vec::new(), captures: Vec::new() };
        let told = |source| Response::jinja(source).unwrap().write(&[], &slots, Some(&now));
        assert_eq!(told("{{ '{0:02d}'.format(slots.time.hour) }}:{{ '{0:02d}'.format(slots.time.minute) }}"), "09:05");
        assert_eq!(told("{{ ['Montag', 'Dienstag'][slots.date.weekday()] }} {{ slots.date.day }}."), "Montag 23.");
        assert_eq!(told("{{ {11: 'November'}.get(slots.date.month) | lower }} {{ slots.date.year }}"), "november 2026");
        assert_eq!(told("{{ slots.date.strftime('%x') }}"), DEFAULT_ANSWER);
    }
}
