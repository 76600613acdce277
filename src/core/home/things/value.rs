//! What takes a value: one of several, or a number.

use serde_json::json;

use super::switch::one;
use super::{Deed, Lack, choose};
use crate::core::home::fields::{Fields, Making, Message, Order, Reading};

/// One of several.
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

    pub(super) fn messages(&self, deed: &Deed, made: &Making<'_>) -> Result<Vec<Message>, Lack> {
        let (Deed::Choose(name) | Deed::Mode(name)) = deed else { return Err(Lack::Deed) };
        one(self.order.message(&json!(choose(&self.options, name)?), &[], made))
    }
}

/// A number between two others.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::core::home) struct Number {
    order: Order,
    pub(super) limits: (f64, f64),
    pub(super) state: Option<Reading>,
}

impl Number {
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            order: fields.order("command_topic", Some("command_template"))?,
            // Home Assistant's, for a number that does not say its own.
            limits: (fields.number("min").unwrap_or(1.0), fields.number("max").unwrap_or(100.0)),
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
