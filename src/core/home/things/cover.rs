//! What opens and closes: blinds, curtains, garage doors, valves.

use serde_json::json;

use super::switch::{one, step};
use super::{Deed, Lack};
use crate::core::home::fields::{Fields, Making, Message, Order, Reading, Told};

/// What it reports, the key that names another payload for it, and our word.
const STATES: [(&str, &str, &str); 5] = [
    ("state_open", "open", "open"),
    ("state_opening", "opening", "opening"),
    ("state_closed", "closed", "closed"),
    ("state_closing", "closing", "closing"),
    ("state_stopped", "stopped", "stopped"),
];

/// A cover or a valve.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::core::home) struct Cover {
    order: Option<Order>,
    /// Payloads; one that is missing is one it cannot.
    open: Option<String>,
    close: Option<String>,
    stop: Option<String>,
    position: Option<Order>,
    /// Positions when closed and when open.
    range: (f64, f64),
    tilt: Option<(Order, (f64, f64))>,
    pub(super) state: Option<Told>,
    pub(super) at: Option<Reading>,
}

impl Cover {
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let position = fields.order("set_position_topic", Some("set_position_template"));
        Self::with(fields, position, fields_reading_at)
    }

    /// A valve that reports its position takes positions where others take words.
    pub(super) fn valve(fields: &mut Fields<'_>) -> Option<Self> {
        let reports = fields.flag("reports_position");
        let position = fields.order("command_topic", Some("command_template")).filter(|_| reports);
        let mut valve = Self::with(fields, position, |fields| fields.reading("state_topic", Some("value_template")))?;
        if reports {
            valve.order = None;
        }
        Some(valve)
    }

    fn with(
        fields: &mut Fields<'_>,
        position: Option<Order>,
        at: impl FnOnce(&mut Fields<'_>) -> Option<Reading>,
    ) -> Option<Self> {
        let tilt = fields.order("tilt_command_topic", Some("tilt_command_template"));
        let tilts =
            (fields.number("tilt_closed_value").unwrap_or(0.0), fields.number("tilt_opened_value").unwrap_or(100.0));
        let cover = Self {
            order: fields.order("command_topic", None),
            open: fields.payload("payload_open", "OPEN"),
            close: fields.payload("payload_close", "CLOSE"),
            stop: fields.payload("payload_stop", "STOP"),
            position,
            range: (fields.number("position_closed").unwrap_or(0.0), fields.number("position_open").unwrap_or(100.0)),
            tilt: tilt.map(|order| (order, tilts)),
            state: fields.told("state_topic", Some("value_template"), &STATES),
            at: at(fields),
        };
        (cover.order.is_some() || cover.position.is_some()).then_some(cover)
    }

    /// What it can be made to do.
    pub(super) fn abilities(&self) -> Vec<String> {
        let can = |payload: &Option<String>| self.order.is_some() && payload.is_some();
        let abilities = [
            ("open/close", can(&self.open) || can(&self.close) || self.position.is_some()),
            ("stop", can(&self.stop)),
            ("position", self.position.is_some()),
            ("tilt", self.tilt.is_some()),
        ];
        abilities.into_iter().filter(|(_, can)| *can).map(|(name, _)| name.to_owned()).collect()
    }

    /// A position in its own numbers as percent, 100 being open.
    pub(super) fn percent(&self, position: &str) -> Option<f64> {
        let position: f64 = position.parse().ok()?;
        let (closed, open) = self.range;
        Some(((position - closed) / (open - closed) * 100.0).round())
    }

    pub(super) fn messages(&self, deed: &Deed, made: &Making<'_>) -> Result<Vec<Message>, Lack> {
        match deed {
            Deed::Open | Deed::On => self.say(self.open.as_ref()).or_else(|_| self.go(1.0, made)),
            Deed::Close | Deed::Off => self.say(self.close.as_ref()).or_else(|_| self.go(0.0, made)),
            Deed::Stop => self.say(self.stop.as_ref()),
            // Open and closed it can without positions.
            Deed::Position(part) => match self.go(*part, made) {
                Err(_) if *part >= 1.0 => self.say(self.open.as_ref()),
                Err(_) if *part <= 0.0 => self.say(self.close.as_ref()),
                went => went,
            },
            Deed::Tilt(part) => {
                let (order, range) = self.tilt.as_ref().ok_or(Lack::Deed)?;
                let tilt = step(*range, *part);
                one(order.message(&tilt, &[("tilt_position", tilt.clone())], made))
            }
            _ => Err(Lack::Deed),
        }
    }

    fn say(&self, payload: Option<&String>) -> Result<Vec<Message>, Lack> {
        let order = self.order.as_ref().ok_or(Lack::Deed)?;
        Ok(vec![order.exactly(payload.ok_or(Lack::Deed)?.as_str())])
    }

    fn go(&self, part: f64, made: &Making<'_>) -> Result<Vec<Message>, Lack> {
        let order = self.position.as_ref().ok_or(Lack::Position)?;
        let position = step(self.range, part);
        let (closed, open) = self.range;
        let variables =
            [("position", position.clone()), ("position_open", json!(open)), ("position_closed", json!(closed))];
        one(order.message(&position, &variables, made))
    }
}

fn fields_reading_at(fields: &mut Fields<'_>) -> Option<Reading> {
    fields.reading("position_topic", Some("position_template"))
}
