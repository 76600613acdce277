//! Jinja templates as Home Assistant's MQTT integration renders them: a payload to a value, a value to a payload.
//!
//! Values print as Python prints them, since payloads are compared with what that gives. A home of a thousand devices has a
//! few dozen templates: each text is read once. A template that does not parse costs what it was for, nothing else.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Zoned;
use minijinja::value::{Object, Serde, Value as Jinja, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use minijinja_contrib::pycompat::unknown_method_callback;
use serde_json::Value;

use super::filters;

/// Instructions that one rendering may take; a loop over nothing ends long before.
const FUEL: u64 = 20_000;
/// Bytes of one template.
const MOST_BYTES: usize = 16 * 1024;
/// Distinct templates of a home.
const MOST_TEMPLATES: usize = 20_000;
/// The variable behind `now()`.
const NOW: &str = "__now";

/// A template that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TemplateId(usize);

/// All templates of a home.
#[derive(Debug)]
pub(super) struct Templates {
    environment: Environment<'static>,
    known: HashMap<String, Result<TemplateId, String>>,
}

impl Default for Templates {
    fn default() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_unknown_method_callback(unknown_method_callback);
        environment.set_formatter(print);
        environment.add_function("now", |state: &State<'_, '_>| state.lookup(NOW).unwrap_or_default());
        filters::add_to(&mut environment);
        Self { environment, known: HashMap::new() }
    }
}

impl Templates {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub(super) fn read(&mut self, source: &str) -> Result<TemplateId, String> {
        if let Some(known) = self.known.get(source) {
            return known.clone();
        }
        if source.len() > MOST_BYTES {
            return Err(format!("a template of more than {MOST_BYTES} bytes"));
        }
        if self.known.len() >= MOST_TEMPLATES {
            return Err(format!("more than {MOST_TEMPLATES} different templates"));
        }
        let id = TemplateId(self.known.len());
        let added = self.environment.add_template_owned(id.name(), source.to_owned());
        let read = added.map(|()| id).map_err(|error| {
            let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            format!("no Jinja template that is understood here: {detail}")
        });
        self.known.insert(source.to_owned(), read.clone());
        read
    }

    /// What a template makes of a payload: `value` is its text, `value_json` what that means as JSON. `None` where it fails.
    pub(super) fn value_of(&self, id: TemplateId, payload: &str, now: &Zoned) -> Option<String> {
        let json = serde_json::from_str::<Value>(payload).ok();
        let mut values = vec![("value", Jinja::from(payload))];
        values.extend(json.map(|json| ("value_json", Jinja::from(Serde(json)))));
        self.render(id, values, now)
    }

    /// A payload made of values, by name.
    pub(super) fn payload_of(&self, id: TemplateId, values: &[(&'static str, Value)], now: &Zoned) -> Option<String> {
        let values = values.iter().map(|(name, value)| (*name, Jinja::from(Serde(value))));
        self.render(id, values.collect(), now)
    }

    fn render(&self, id: TemplateId, mut values: Vec<(&'static str, Jinja)>, now: &Zoned) -> Option<String> {
        values.push((NOW, Jinja::from_object(Moment(now.clone()))));
        let context = Jinja::from_pairs(values);
        let rendered = self.environment.get_template(&id.name()).and_then(|template| template.render(context));
        rendered.ok().map(|text| text.trim().to_owned())
    }
}

impl TemplateId {
    fn name(self) -> String {
        self.0.to_string()
    }
}

/// Prints a value as Python does.
fn print(output: &mut Output<'_>, state: &mut State<'_, '_>, value: &Jinja) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Bool => output.write_str(if value.is_true() { "True" } else { "False" }).map_err(Error::from),
        ValueKind::None => output.write_str("None").map_err(Error::from),
        _ => minijinja::escape_formatter(output, state, value),
    }
}

/// What `now()` gives.
#[derive(Debug)]
struct Moment(Zoned);

impl Object for Moment {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        let Self(now) = &**self;
        Some(match key.as_str()? {
            "year" => now.year().into(),
            "month" => now.month().into(),
            "day" => now.day().into(),
            "hour" => now.hour().into(),
            "minute" => now.minute().into(),
            "second" => now.second().into(),
            _ => return None,
        })
    }

    fn call_method(self: &Arc<Self>, _state: &mut State<'_, '_>, method: &str, args: &[Jinja]) -> Result<Jinja, Error> {
        let Self(now) = &**self;
        match (method, args) {
            ("strftime", [format]) => {
                let format = format.as_str().unwrap_or_default();
                let text = jiff::fmt::strtime::format(format, now);
                text.map(Jinja::from).map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
            }
            ("isoformat", []) => Ok(now.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string().into()),
            ("timestamp", []) => Ok(now.timestamp().as_duration().as_secs_f64().into()),
            ("weekday", []) => Ok((now.weekday().to_monday_zero_offset()).into()),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%d %H:%M:%S%:z"))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::*;

    fn now() -> Zoned {
        date(2026, 11, 28).at(9, 5, 7, 0).to_zoned(TimeZone::UTC).unwrap()
    }

    fn value(source: &str, payload: &str) -> Option<String> {
        let mut templates = Templates::default();
        let id = templates.read(source).unwrap();
        templates.value_of(id, payload, &now())
    }

    #[test]
    fn values_print_as_python_prints_them() {
        for (source, payload, expected) in [
            ("{{ value }}", "ON", "ON"),
            ("{{ value_json.contact }}", r#"{"contact": true}"#, "True"),
            ("{{ value_json.nothing }}", r#"{"nothing": null}"#, "None"),
            ("{{ value_json.a.b.c }}", "{}", ""),
            ("{{ value_json.permit_join | lower }}", r#"{"permit_join": false}"#, "false"),
            ("{{ value_json.temperature }}", r#"{"temperature": 21.0}"#, "21.0"),
            ("{{ value_json.temperature | float | round(1) }}", r#"{"temperature": "21.26"}"#, "21.3"),
            ("{{ (value | float * 100) | int }}", "0.5", "50"),
            ("{{ value | float(0) }}", "unknown", "0"),
            ("{{ value_json['update'].get('progress', 'null') }}", r#"{"update": {}}"#, "null"),
            ("{{ iif(value_json.on, 'yes', 'no') }}", r#"{"on": true}"#, "yes"),
            ("{{ {0:'off', 1:'low'}[value_json.speed] | default('') }}", r#"{"speed": 1}"#, "low"),
            ("{{ {0:'off', 1:'low'}[value_json.speed] | default('') }}", r#"{"speed": 7}"#, ""),
            ("{{ now().strftime('%Y-%m-%d %H:%M:%S') }}", "", "2026-11-28 09:05:07"),
            ("{{ now().isoformat() }}", "", "2026-11-28T09:05:07+00:00"),
            ("{{ value | string | truncate(4, True, '', 0) }}", "abcdefgh", "abcd"),
            ("{{ value | truncate(9) }}", "a long text of words", "a..."),
        ] {
            assert_eq!(value(source, payload).as_deref(), Some(expected), "{source} of {payload}");
        }
    }

    #[test]
    fn payloads_are_made_of_values() {
        let mut templates = Templates::default();
        let position = templates.read(r#"{ "position": {{ position }} }"#).unwrap();
        let made = templates.payload_of(position, &[("position", json!(40))], &now());
        assert_eq!(made.as_deref(), Some(r#"{ "position": 40 }"#));
        let again = templates.read(r#"{ "position": {{ position }} }"#).unwrap();
        assert_eq!(again, position);
    }

    #[test]
    fn what_cannot_be_rendered_costs_itself_alone() {
        let mut templates = Templates::default();
        assert!(templates.read("{{ value").unwrap_err().contains("no Jinja template"));
        assert!(templates.read(&"x".repeat(MOST_BYTES + 1)).is_err());
        let endless = templates.read("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}");
        assert_eq!(templates.value_of(endless.unwrap(), "", &now()), None);
        let unknown = templates.read("{{ states('sun.sun') }}");
        assert!(unknown.is_err() || templates.value_of(unknown.unwrap(), "", &now()).is_none());
        let whole = templates.read("{{ value }}").unwrap();
        assert_eq!(templates.value_of(whole, "21", &now()).as_deref(), Some("21"));
    }
}
