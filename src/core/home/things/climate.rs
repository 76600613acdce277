//! Radiators, air conditioners and their thermostats.

use serde_json::json;

use super::switch::one;
use super::value::number_of;
use super::{Deed, Lack, choose};
use crate::core::home::fields::{Fields, Making, Message, Order, Reading};

/// Home Assistant's limits for a thermostat that does not say its own, in degrees Celsius and Fahrenheit.
const CELSIUS: (f64, f64) = (7.0, 35.0);
const FAHRENHEIT: (f64, f64) = (45.0, 95.0);

/// A thermostat.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::core::home) struct Climate {
    temperature: Option<Order>,
    limits: (f64, f64),
    pub(super) unit: &'static str,
    mode: Option<(Order, Vec<String>)>,
    power: Option<(Order, [String; 2])>,
    preset: Option<(Order, Vec<String>)>,
    fan: Option<(Order, Vec<String>)>,
    pub(super) state: Option<Reading>,
    pub(super) current: Option<Reading>,
    pub(super) wanted: Option<Reading>,
}

impl Climate {
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let is_fahrenheit = fields.text("temperature_unit").is_some_and(|unit| unit.eq_ignore_ascii_case("f"));
        let (least, most) = if is_fahrenheit { FAHRENHEIT } else { CELSIUS };
        let mut named =
            |topic, template, names| fields.order(topic, Some(template)).map(|order| (order, fields.texts(names)));
        let mode = named("mode_command_topic", "mode_command_template", "modes");
        let preset = named("preset_mode_command_topic", "preset_mode_command_template", "preset_modes");
        let fan = named("fan_mode_command_topic", "fan_mode_command_template", "fan_modes");
        let payloads = [fields.payload("payload_on", "ON")?, fields.payload("payload_off", "OFF")?];
        let power = fields.order("power_command_topic", Some("power_command_template"));
        let climate = Self {
            temperature: fields.order("temperature_command_topic", Some("temperature_command_template")),
            limits: (fields.number("min_temp").unwrap_or(least), fields.number("max_temp").unwrap_or(most)),
            unit: if is_fahrenheit { "°F" } else { "°C" },
            mode,
            power: power.map(|order| (order, payloads)),
            preset,
            fan,
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
        let one_of = |of: &Option<(Order, Vec<String>)>, what| {
            of.as_ref().map(|(_, names)| format!("{what} {}", names.join("/")))
        };
        let named = [one_of(&self.mode, "mode"), one_of(&self.preset, "preset"), one_of(&self.fan, "fan")];
        temperature.into_iter().chain(named.into_iter().flatten()).collect()
    }

    pub(super) fn messages(&self, deed: &Deed, made: &Making<'_>) -> Result<Vec<Message>, Lack> {
        let one_of = |of: &Option<(Order, Vec<String>)>, name: &str| {
            let (order, names) = of.as_ref().ok_or(Lack::Deed)?;
            one(order.message(&json!(choose(names, name)?), &[], made))
        };
        match deed {
            Deed::Temperature(wanted) => {
                let order = self.temperature.as_ref().ok_or(Lack::Deed)?;
                let (least, most) = self.limits;
                if !(least..=most).contains(wanted) {
                    return Err(Lack::Outside(least, most));
                }
                one(order.message(&number_of(*wanted), &[], made))
            }
            Deed::Mode(name) => one_of(&self.mode, name),
            Deed::Preset(name) => one_of(&self.preset, name),
            Deed::FanMode(name) => one_of(&self.fan, name),
            Deed::Off => match &self.power {
                Some((order, [_, off])) => one(order.message(&json!(off), &[], made)),
                None => one_of(&self.mode, "off"),
            },
            Deed::On => match (&self.power, &self.mode) {
                (Some((order, [on, _])), _) => one(order.message(&json!(on), &[], made)),
                // As Home Assistant does: heating first, for whoever says no more than "on".
                (None, Some((_, names))) => {
                    let usual = ["heat_cool", "heat", "cool", "auto"];
                    let first = usual.iter().find(|usual| names.iter().any(|name| name == *usual));
                    one_of(&self.mode, first.ok_or(Lack::Deed)?)
                }
                (None, None) => Err(Lack::Deed),
            },
            _ => Err(Lack::Deed),
        }
    }
}
