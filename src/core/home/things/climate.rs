//! Radiators, air conditioners and their thermostats.

use serde_json::json;

use super::switch::one;
use super::value::{Choice, number_of};
use super::{Deed, Lack};
use crate::core::home::fields::{Fields, Making, Message, Order, Reading};

/// Home Assistant's limits for a thermostat that does not say its own, in degrees Celsius and Fahrenheit.
const CELSIUS: (f64, f64) = (7.0, 35.0);
const FAHRENHEIT: (f64, f64) = (45.0, 95.0);
/// And its modes, and its fan's.
const MODES: [&str; 6] = ["auto", "off", "cool", "heat", "dry", "fan_only"];
const FAN_MODES: [&str; 4] = ["auto", "low", "medium", "high"];
/// What ends a preset.
pub(in crate::core::home) const NO_PRESET: &str = "none";

/// A thermostat.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::core::home) struct Climate {
    temperature: Option<Order>,
    limits: (f64, f64),
    pub(super) unit: &'static str,
    pub(super) mode: Option<Choice>,
    power: Option<(Order, [String; 2])>,
    pub(super) preset: Option<Choice>,
    pub(super) fan: Option<Choice>,
    pub(super) state: Option<Reading>,
    pub(super) current: Option<Reading>,
    pub(super) wanted: Option<Reading>,
}

impl Climate {
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let is_fahrenheit = fields.text("temperature_unit").is_some_and(|unit| unit.eq_ignore_ascii_case("f"));
        let (least, most) = if is_fahrenheit { FAHRENHEIT } else { CELSIUS };
        let mut preset = Choice::of(fields, "preset_mode", &[]);
        if let Some(preset) = preset.as_mut().filter(|preset| preset.named(NO_PRESET).is_err()) {
            preset.options.insert(0, NO_PRESET.to_owned());
        }
        let payloads = [fields.payload("payload_on", "ON")?, fields.payload("payload_off", "OFF")?];
        let power = fields.order("power_command_topic", Some("power_command_template"));
        let climate = Self {
            temperature: fields.order("temperature_command_topic", Some("temperature_command_template")),
            limits: (fields.number("min_temp").unwrap_or(least), fields.number("max_temp").unwrap_or(most)),
            unit: if is_fahrenheit { "°F" } else { "°C" },
            mode: Choice::of(fields, "mode", &MODES),
            power: power.map(|order| (order, payloads)),
            preset,
            fan: Choice::of(fields, "fan_mode", &FAN_MODES),
            state: fields.reading("mode_state_topic", Some("mode_state_template")),
            current: fields.reading("current_temperature_topic", Some("current_temperature_template")),
            wanted: fields.reading("temperature_state_topic", Some("temperature_state_template")),
        };
        (climate.temperature.is_some() || climate.mode.is_some() || climate.power.is_some()).then_some(climate)
    }

    /// What it can be made to do.
    pub(super) fn abilities(&self) -> Vec<String> {
        let (least, most) = self.limits;
        let temperature = self.temperature.as_ref().map(|_| format!("{least} to {most} {}", self.unit));
        let one_of = |of: &Option<Choice>, what| of.as_ref().map(|of| of.ability(what));
        let named = [one_of(&self.mode, "mode"), one_of(&self.preset, "preset"), one_of(&self.fan, "fan")];
        temperature.into_iter().chain(named.into_iter().flatten()).collect()
    }

    pub(super) fn messages(&self, deed: &Deed, made: &Making<'_>) -> Result<Vec<Message>, Lack> {
        let to_mode = |name: &str| self.mode.as_ref().ok_or(Lack::Deed)?.message(name, made);
        match deed {
            Deed::Temperature(wanted) => {
                let order = self.temperature.as_ref().ok_or(Lack::Deed)?;
                let (least, most) = self.limits;
                if !(least..=most).contains(wanted) {
                    return Err(Lack::Outside(least, most));
                }
                one(order.message(&number_of(*wanted), &[], made))
            }
            Deed::Off => match &self.power {
                Some((order, [_, off])) => one(order.message(&json!(off), &[], made)),
                None => to_mode("off"),
            },
            Deed::On => match (&self.power, &self.mode) {
                (Some((order, [on, _])), _) => one(order.message(&json!(on), &[], made)),
                // As Home Assistant does: heating first, for whoever says no more than "on".
                (None, Some(Choice { options, .. })) => {
                    let usual = ["heat_cool", "heat", "cool", "auto"];
                    let first = usual.iter().find(|usual| options.iter().any(|name| name == *usual));
                    to_mode(first.ok_or(Lack::Deed)?)
                }
                (None, None) => Err(Lack::Deed),
            },
            _ => Err(Lack::Deed),
        }
    }
}
