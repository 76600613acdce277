//! What takes a value: one of several, or a number.

use serde_json::json;

use super::switch::one;
use super::{Deed, Lack, NO_PRESET};
use crate::core::home::fields::{Fields, Making, Message, Order, Reading};

/// One of several: what a select offers, a thermostat's modes, a player's sources.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::core::home) struct Choice {
    order: Order,
    pub(super) options: Vec<String>,
    pub(super) state: Option<Reading>,
}

impl Choice {
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            order: fields.order("command_topic", Some("command_template"))?,
            options: fields.texts("options"),
            state: fields.reading("state_topic", Some("value_template")),
        })
    }

    /// What a part of a thing offers, by the keys that begin with its name: `preset_mode_command_topic`, `preset_modes`, …
    /// `usual` is what Home Assistant takes where nothing is said. `None` where it cannot be set, or offers nothing.
    pub(super) fn of(fields: &mut Fields<'_>, part: &str, usual: &[&str]) -> Option<Self> {
        let key = |end: &str| format!("{part}_{end}");
        let (names, told) = (format!("{part}s"), [key("value_template"), key("state_template")]);
        let options = if fields.has(&names) {
            fields.texts(&names)
        } else {
            usual.iter().map(|name| (*name).to_owned()).collect()
        };
        // Home Assistant calls the template by the one name for presets, and by the other for modes.
        let template = told.iter().find(|template| fields.has(template)).map(String::as_str);
        let order = fields.order(&key("command_topic"), Some(&key("command_template")))?;
        let state = fields.reading(&key("state_topic"), template);
        (!options.is_empty()).then_some(Self { order, options, state })
    }

    /// What it can be made to do, as it stands in a table: `preset eco/away`.
    pub(super) fn ability(&self, what: &str) -> String {
        format!("{what} {}", self.options.join("/"))
    }

    /// Its names for all it offers.
    pub(in crate::core::home) fn options(&self) -> &[String] {
        &self.options
    }

    /// What it calls the one that was meant: by its own word, else whatever its case, its spaces and its underscores; "sleep"
    /// is its `sleep_mode` too.
    pub(in crate::core::home) fn named(&self, wanted: &str) -> Result<&str, Lack> {
        // A hyphen before a digit is the sign of a number.
        let is_sign = |text: &str| text.starts_with('-') && text[1..].starts_with(|c: char| c.is_ascii_digit());
        let folded = |text: &str| {
            let kept = text.to_lowercase().replace(['_', '-', ' '], "");
            if is_sign(text) { format!("-{kept}") } else { kept }
        };
        let meant = folded(wanted);
        let exactly = |offered: &&String| *offered == wanted;
        let same = |offered: &&String| folded(offered) == meant;
        let without_kind = |text: &str| text.strip_suffix("mode").unwrap_or(text).to_owned();
        let nearly = |offered: &&String| without_kind(&folded(offered)) == without_kind(&meant);
        let mut chosen = self.options.iter().find(exactly);
        chosen = chosen.or_else(|| self.options.iter().find(same)).or_else(|| self.options.iter().find(nearly));
        chosen.map(String::as_str).ok_or_else(|| {
            let named = self.options.iter().filter(|option| *option != NO_PRESET);
            Lack::Unknown(named.cloned().collect())
        })
    }

    pub(super) fn message(&self, wanted: &str, made: &Making<'_>) -> Result<Vec<Message>, Lack> {
        one(self.order.message(&json!(self.named(wanted)?), &[], made))
    }
}

/// A number between two others.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::core::home) struct Number {
    order: Order,
    pub(super) limits: (f64, f64),
    pub(super) unit: Option<String>,
    pub(super) state: Option<Reading>,
}

impl Number {
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            order: fields.order("command_topic", Some("command_template"))?,
            // Home Assistant's, for a number that does not say its own.
            limits: (fields.number("min").unwrap_or(1.0), fields.number("max").unwrap_or(100.0)),
            unit: fields.text("unit_of_measurement"),
            state: fields.reading("state_topic", Some("value_template")),
        })
    }

    pub(super) fn messages(&self, deed: &Deed, made: &Making<'_>) -> Result<Vec<Message>, Lack> {
        let Deed::Number(number) = deed else { return Err(Lack::Deed) };
        let (least, most) = self.limits;
        if !(least..=most).contains(number) {
            return Err(Lack::Outside(least, most));
        }
        one(self.order.message(&number_of(*number), &[], made))
    }
}

/// A number as it is written: a whole one without a fraction.
pub(super) fn number_of(number: f64) -> serde_json::Value {
    if number.fract().abs() < f64::EPSILON { super::switch::whole(number) } else { json!(number) }
}
