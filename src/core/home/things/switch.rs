//! Things that are on or off, locked or not, or pressed: switches, sirens, fans, humidifiers, locks, buttons, scenes.

use serde_json::{Value, json};

use super::value::Choice;
use super::{Deed, Heard, Lack, within};
use crate::core::home::fields::{Fields, Making, Message, Order, Reading, Told};

/// A switch.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::core::home) struct Switch {
    order: Order,
    on: String,
    off: String,
    pub(super) state: Option<Told>,
}

impl Switch {
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Self::with(fields, "value_template")
    }

    /// A siren: its command is an object where no template says otherwise.
    pub(super) fn siren(fields: &mut Fields<'_>) -> Option<Self> {
        let mut siren = Self::with(fields, "state_value_template")?;
        if !fields.has("command_template") {
            siren.on = json!({ "state": siren.on }).to_string();
            siren.off = json!({ "state": siren.off }).to_string();
        }
        Some(siren)
    }

    fn with(fields: &mut Fields<'_>, template: &str) -> Option<Self> {
        let (on, off) = (fields.payload("payload_on", "ON")?, fields.payload("payload_off", "OFF")?);
        Some(Self {
            order: fields.order("command_topic", Some("command_template"))?,
            state: fields.told("state_topic", Some(template), &[("state_on", &on, "on"), ("state_off", &off, "off")]),
            on,
            off,
        })
    }

    pub(super) fn messages(&self, deed: &Deed, made: &Making<'_>) -> Result<Vec<Message>, Lack> {
        let payload = match deed {
            Deed::On => &self.on,
            Deed::Off => &self.off,
            _ => return Err(Lack::Deed),
        };
        one(self.order.message(&json!(payload), &[("state", json!(payload))], made))
    }
}

/// The one message, unless its template failed.
pub(super) fn one(message: Option<Message>) -> Result<Vec<Message>, Lack> {
    message.map(|message| vec![message]).ok_or(Lack::Template)
}

/// A fan.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::core::home) struct Fan {
    pub(super) switch: Switch,
    speed: Option<(Order, (f64, f64))>,
    /// The range of its speeds; each step is one.
    range: (f64, f64),
    pub(super) preset: Option<Choice>,
    /// The speed it reports.
    pub(super) at: Option<Reading>,
}

impl Fan {
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let switch = Switch::with(fields, "state_value_template")?;
        let speed = fields.order("percentage_command_topic", Some("percentage_command_template"));
        let range =
            (fields.number("speed_range_min").unwrap_or(1.0), fields.number("speed_range_max").unwrap_or(100.0));
        Some(Self {
            switch,
            speed: speed.map(|order| (order, range)),
            range,
            at: fields.reading("percentage_state_topic", Some("percentage_value_template")),
            preset: Choice::of(fields, "preset_mode", &[]),
        })
    }

    /// How fast it blows, in percent; 0 where it stands still.
    pub(super) fn percent(&self, heard: &Heard<'_>) -> Option<f64> {
        if heard.told(self.switch.state.as_ref()).as_deref() == Some("off") {
            return Some(0.0);
        }
        let (low, _) = self.range;
        Some(((heard.number(self.at.as_ref())? - low + 1.0) * self.step_percent()).round())
    }

    /// What one step of its speeds is, in percent.
    pub(in crate::core::home) fn step_percent(&self) -> f64 {
        let (low, high) = self.range;
        100.0 / (high - low + 1.0).max(1.0)
    }

    /// What it can be made to do.
    pub(super) fn abilities(&self) -> Vec<String> {
        let speed = self.speed.as_ref().map(|_| "speed".to_owned());
        let preset = self.preset.as_ref().map(|preset| preset.ability("preset"));
        ["on/off".to_owned()].into_iter().chain(speed).chain(preset).collect()
    }

    pub(super) fn messages(&self, deed: &Deed, made: &Making<'_>) -> Result<Vec<Message>, Lack> {
        match deed {
            Deed::Speed(part) if *part <= 0.0 => self.switch.messages(&Deed::Off, made),
            Deed::Speed(part) => {
                let (order, (low, high)) = self.speed.as_ref().ok_or(Lack::Deed)?;
                // The lowest speed is the first step above standing still, as Home Assistant counts.
                let speed = (part.clamp(0.0, 1.0) * (high - low + 1.0)).ceil() + low - 1.0;
                one(order.message(&whole(speed.max(*low)), &[], made))
            }
            other => self.switch.messages(other, made),
        }
    }
}

/// A humidifier.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::core::home) struct Humidifier {
    pub(super) switch: Switch,
    humidity: Order,
    limits: (f64, f64),
    pub(super) mode: Option<Choice>,
    /// The humidity that it reports to be set to.
    pub(super) wanted: Option<Reading>,
}

impl Humidifier {
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            switch: Switch::with(fields, "state_value_template")?,
            humidity: fields.order("target_humidity_command_topic", Some("target_humidity_command_template"))?,
            limits: (fields.number("min_humidity").unwrap_or(0.0), fields.number("max_humidity").unwrap_or(100.0)),
            mode: Choice::of(fields, "mode", &[]),
            wanted: fields.reading("target_humidity_state_topic", Some("target_humidity_state_template")),
        })
    }

    /// What it can be made to do.
    pub(super) fn abilities(&self) -> Vec<String> {
        let (least, most) = self.limits;
        let mode = self.mode.as_ref().map(|mode| mode.ability("mode"));
        ["on/off".to_owned(), format!("{least} to {most} %")].into_iter().chain(mode).collect()
    }

    pub(super) fn messages(&self, deed: &Deed, made: &Making<'_>) -> Result<Vec<Message>, Lack> {
        match deed {
            Deed::Humidity(percent) => {
                let (least, most) = self.limits;
                if !(least..=most).contains(percent) {
                    return Err(Lack::Outside(least, most));
                }
                one(self.humidity.message(&whole(*percent), &[], made))
            }
            other => self.switch.messages(other, made),
        }
    }
}

/// What a lock reports, the key that names another payload for it, and our word.
const LOCK_STATES: [(&str, &str, &str); 5] = [
    ("state_locked", "LOCKED", "locked"),
    ("state_unlocked", "UNLOCKED", "unlocked"),
    ("state_locking", "LOCKING", "locking"),
    ("state_unlocking", "UNLOCKING", "unlocking"),
    ("state_jammed", "JAMMED", "jammed"),
];

/// A lock.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::core::home) struct Lock {
    order: Order,
    engage: String,
    release: String,
    /// Whether it wants a code, which nobody says aloud here.
    wants_code: bool,
    pub(super) state: Option<Told>,
}

impl Lock {
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            order: fields.order("command_topic", Some("command_template"))?,
            engage: fields.payload("payload_lock", "LOCK")?,
            release: fields.payload("payload_unlock", "UNLOCK")?,
            wants_code: fields.has("code_format"),
            state: fields.told("state_topic", Some("value_template"), &LOCK_STATES),
        })
    }

    pub(super) fn messages(&self, deed: &Deed, made: &Making<'_>) -> Result<Vec<Message>, Lack> {
        let payload = match deed {
            Deed::Lock => &self.engage,
            Deed::Unlock if !self.wants_code => &self.release,
            _ => return Err(Lack::Deed),
        };
        one(self.order.message(&json!(payload), &[("code", Value::Null)], made))
    }
}

/// A button or a scene.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::core::home) struct Press {
    message: Message,
}

impl Press {
    pub(super) fn button(fields: &mut Fields<'_>) -> Option<Self> {
        let payload = fields.payload("payload_press", "PRESS")?;
        Some(Self { message: fields.order("command_topic", None)?.exactly(payload) })
    }

    pub(super) fn scene(fields: &mut Fields<'_>) -> Option<Self> {
        let payload = fields.payload("payload_on", "ON")?;
        Some(Self { message: fields.order("command_topic", None)?.exactly(payload) })
    }

    pub(super) fn messages(&self, deed: &Deed) -> Result<Vec<Message>, Lack> {
        match deed {
            Deed::Press | Deed::On => Ok(vec![self.message.clone()]),
            _ => Err(Lack::Deed),
        }
    }
}

/// A number without a fraction, as devices write it.
pub(super) fn whole(number: f64) -> Value {
    // What does not fit is no number of a device.
    format!("{number:.0}").parse::<i64>().map_or(Value::Null, Value::from)
}

/// A part of a range as a number without a fraction.
pub(super) fn step((low, high): (f64, f64), part: f64) -> Value {
    whole(within((low, high), part))
}
