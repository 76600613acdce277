//! What the things of a home can do, and the messages that make them do it.
//!
//! One type for each of Home Assistant's kinds, read from the fields that it announces itself with. Every other
//! announcement is written in that form first, so that there is one way from a command to a device.

mod climate;
mod cover;
mod deed;
mod light;
mod mover;
mod player;
mod reached;
mod switch;
mod value;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::core::home::fields::{Fields, Making, Message, Reading, Told};

use climate::Climate;
use cover::Cover;
use light::{Change, Light};
use mover::Mover;
use player::Player;
use switch::{Fan, Humidifier, Lock, Press, Switch};
use value::Number;

pub use deed::{Deed, Lack, Setting};

pub(super) use climate::NO_PRESET;
pub(super) use reached::Reached;
pub(super) use value::Choice;

/// What was heard last on a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Payload {
    pub(super) text: String,
    /// Its place among all that was heard.
    pub(super) order: u64,
    pub(super) at: Instant,
}

/// What was last heard on the topics of a home.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard<'a> {
    pub(super) payloads: &'a HashMap<String, Option<Payload>>,
    /// The moment that ages are counted to.
    pub(super) until: Instant,
    pub(super) made: Making<'a>,
}

impl Heard<'_> {
    pub(super) fn read(&self, reading: Option<&Reading>) -> Option<String> {
        let reading = reading?;
        reading.of(&self.payload(reading)?.text, &self.made)
    }

    /// A number that was heard.
    pub(super) fn number(&self, reading: Option<&Reading>) -> Option<f64> {
        self.read(reading)?.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }

    pub(super) fn told(&self, told: Option<&Told>) -> Option<String> {
        let told = told?;
        told.of(&self.payload(&told.reading)?.text, &self.made)
    }

    /// When it was heard, among all that was.
    pub(super) fn order(&self, reading: &Reading) -> Option<u64> {
        Some(self.payload(reading)?.order)
    }

    /// How long ago it was heard.
    pub(super) fn age(&self, reading: &Reading) -> Option<Duration> {
        Some(self.until.saturating_duration_since(self.payload(reading)?.at))
    }

    fn payload(&self, reading: &Reading) -> Option<&Payload> {
        self.payloads.get(&reading.topic)?.as_ref()
    }
}

/// Components that are things to speak of.
const KNOWN: [&str; 19] = [
    "light",
    "switch",
    "siren",
    "fan",
    "humidifier",
    "cover",
    "valve",
    "lock",
    "climate",
    "button",
    "scene",
    "select",
    "number",
    "vacuum",
    "lawn_mower",
    "media_player",
    "sensor",
    "binary_sensor",
    "device_tracker",
];

/// Whether a component is a thing to speak of.
pub(super) fn is_known(component: &str) -> bool {
    KNOWN.contains(&component)
}

/// A thing.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Thing {
    Light(Light),
    Switch(Switch),
    Fan(Fan),
    Humidifier(Humidifier),
    Cover(Cover),
    Lock(Lock),
    Climate(Box<Climate>),
    Press(Press),
    Choice(Choice),
    Number(Number),
    Mover(Mover),
    Player(Box<Player>),
    /// Something that only tells, and in which unit.
    Sensor(Option<Told>, Option<String>),
}

impl Thing {
    /// Reads what a component's fields say; `None` for a component that is nothing to speak of, or that lacks what it needs.
    pub(super) fn read(component: &str, fields: &mut Fields<'_>) -> Option<Self> {
        Some(match component {
            "light" => Self::Light(Light::read(fields)?),
            "switch" => Self::Switch(Switch::read(fields)?),
            "siren" => Self::Switch(Switch::siren(fields)?),
            "fan" => Self::Fan(Fan::read(fields)?),
            "humidifier" => Self::Humidifier(Humidifier::read(fields)?),
            "cover" => Self::Cover(Cover::read(fields)?),
            "valve" => Self::Cover(Cover::valve(fields)?),
            "lock" => Self::Lock(Lock::read(fields)?),
            "climate" => Self::Climate(Box::new(Climate::read(fields)?)),
            "button" => Self::Press(Press::button(fields)?),
            "scene" => Self::Press(Press::scene(fields)?),
            "select" => Self::Choice(Choice::read(fields)?),
            "number" => Self::Number(Number::read(fields)?),
            "vacuum" => Self::Mover(Mover::vacuum(fields)?),
            "lawn_mower" => Self::Mover(Mover::mower(fields)?),
            "media_player" => Self::Player(Box::new(Player::read(fields)?)),
            "sensor" => Self::sensor(fields, &[]),
            "binary_sensor" => Self::sensor(fields, &[("payload_on", "ON", "on"), ("payload_off", "OFF", "off")]),
            "device_tracker" => {
                Self::sensor(fields, &[("payload_home", "home", "home"), ("payload_not_home", "not_home", "away")])
            }
            _ => return None,
        })
    }

    fn sensor(fields: &mut Fields<'_>, words: &[(&str, &str, &'static str)]) -> Self {
        let told = fields.told("state_topic", Some("value_template"), words);
        Self::Sensor(told, fields.text("unit_of_measurement"))
    }

    /// What it can be made to do, in words for a table.
    pub(super) fn abilities(&self) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match self {
            Self::Light(light) => light.abilities(),
            Self::Switch(_) => words(&["on/off"]),
            Self::Fan(fan) => fan.abilities(),
            Self::Humidifier(humidifier) => humidifier.abilities(),
            Self::Cover(cover) => cover.abilities(),
            Self::Lock(_) => words(&["lock/unlock"]),
            Self::Climate(climate) => climate.abilities(),
            Self::Press(_) => words(&["press"]),
            Self::Choice(choice) => vec![choice.options.join("/")],
            Self::Number(number) => vec![format!("{} to {}", number.limits.0, number.limits.1)],
            Self::Mover(mover) => mover.abilities(),
            Self::Player(player) => player.abilities(),
            Self::Sensor(..) => Vec::new(),
        }
    }

    /// Where its states come from.
    pub(super) fn readings(&self) -> Vec<&Reading> {
        fn of(told: Option<&Told>) -> Vec<&Reading> {
            told.into_iter().map(|told| &told.reading).collect()
        }
        fn states<'a>(choices: &[&'a Option<Choice>]) -> Vec<&'a Reading> {
            choices.iter().filter_map(|choice| choice.as_ref()?.state.as_ref()).collect()
        }
        match self {
            Self::Light(light) => [of(light.state.as_ref()), light.brightness.iter().collect()].concat(),
            Self::Switch(switch) => of(switch.state.as_ref()),
            Self::Humidifier(Humidifier { switch, mode, wanted, .. }) => {
                [of(switch.state.as_ref()), wanted.iter().collect(), states(&[mode])].concat()
            }
            Self::Fan(fan) => [of(fan.switch.state.as_ref()), fan.at.iter().collect(), states(&[&fan.preset])].concat(),
            Self::Cover(cover) => [of(cover.state.as_ref()), cover.at.iter().collect()].concat(),
            Self::Lock(lock) => of(lock.state.as_ref()),
            Self::Climate(climate) => {
                let own = [&climate.state, &climate.current, &climate.wanted].into_iter().flatten().collect();
                [own, states(&[&climate.preset, &climate.fan])].concat()
            }
            Self::Choice(Choice { state, .. })
            | Self::Number(Number { state, .. })
            | Self::Mover(Mover { state, .. }) => state.iter().collect(),
            Self::Player(player) => {
                [of(player.state.as_ref()), player.at.iter().collect(), states(&[&player.source])].concat()
            }
            Self::Press(_) => Vec::new(),
            Self::Sensor(told, _) => of(told.as_ref()),
        }
    }

    /// Its state in a few words; `None` where it is not known.
    pub(super) fn state(&self, heard: &Heard<'_>) -> Option<String> {
        match self {
            Self::Light(light) => {
                let state = heard.told(light.state.as_ref())?;
                let level = heard.read(light.brightness.as_ref()).filter(|_| state == "on");
                joined([Some(state), level.and_then(|level| light.percent(&level)).map(|part| format!("{part} %"))])
            }
            Self::Switch(switch) => heard.told(switch.state.as_ref()),
            Self::Fan(Fan { switch, .. }) => {
                let preset = self.chosen(Setting::Preset, heard).map(|preset| format!("preset {preset}"));
                joined([Some(heard.told(switch.state.as_ref())?), preset])
            }
            Self::Humidifier(Humidifier { switch, .. }) => {
                let mode = self.chosen(Setting::Mode, heard).map(|mode| format!("mode {mode}"));
                let wanted = self.level(heard).map(|percent| format!("set to {percent} %"));
                joined([heard.told(switch.state.as_ref()), wanted, mode])
            }
            Self::Cover(cover) => {
                let at = heard.read(cover.at.as_ref()).and_then(|at| cover.percent(&at));
                let known = heard.told(cover.state.as_ref());
                let state = known.or_else(|| Some(if at? > 0.0 { "open" } else { "closed" }.to_owned()))?;
                joined([Some(state), at.map(|part| format!("{part} %"))])
            }
            Self::Lock(lock) => heard.told(lock.state.as_ref()),
            Self::Climate(climate) => {
                let degrees = |reading: &Option<Reading>| {
                    heard.number(reading.as_ref()).map(|degrees| format!("{degrees} {}", climate.unit))
                };
                let wanted = degrees(&climate.wanted).map(|wanted| format!("set to {wanted}"));
                let preset = self.chosen(Setting::Preset, heard).filter(|preset| preset != NO_PRESET);
                let preset = preset.map(|preset| format!("preset {preset}"));
                joined([heard.read(climate.state.as_ref()), degrees(&climate.current), wanted, preset])
            }
            Self::Number(Number { state, unit, .. }) => Some(with_unit(heard.read(state.as_ref())?, unit.as_ref())),
            Self::Choice(Choice { state, .. }) | Self::Mover(Mover { state, .. }) => heard.read(state.as_ref()),
            Self::Player(player) => player.told(heard),
            Self::Press(_) => None,
            Self::Sensor(told, unit) => Some(with_unit(heard.told(told.as_ref())?, unit.as_ref())),
        }
    }

    /// The unit of what it is set to.
    pub(super) fn unit(&self) -> &'static str {
        if let Self::Climate(climate) = self { climate.unit } else { "" }
    }

    /// Its state in one word, or a number; `None` where it is not known.
    pub(super) fn word(&self, heard: &Heard<'_>) -> Option<String> {
        match self {
            Self::Light(light) => heard.told(light.state.as_ref()),
            Self::Switch(switch) | Self::Fan(Fan { switch, .. }) | Self::Humidifier(Humidifier { switch, .. }) => {
                heard.told(switch.state.as_ref())
            }
            Self::Cover(cover) => {
                let at = heard.read(cover.at.as_ref()).and_then(|at| cover.percent(&at));
                let open = |at: f64| if at > 0.0 { "open" } else { "closed" }.to_owned();
                let told = heard.told(cover.state.as_ref()).filter(|state| state != "stopped");
                told.or_else(|| at.map(open))
            }
            Self::Lock(lock) => heard.told(lock.state.as_ref()),
            Self::Climate(climate) => heard.read(climate.state.as_ref()),
            Self::Choice(Choice { state, .. })
            | Self::Number(Number { state, .. })
            | Self::Mover(Mover { state, .. }) => heard.read(state.as_ref()),
            Self::Player(player) => heard.told(player.state.as_ref()),
            Self::Press(_) => None,
            Self::Sensor(told, _) => heard.told(told.as_ref()),
        }
    }

    /// Whether it is on, or open, or locked: what a toggle turns round. `None` where it is not known.
    pub(super) fn is_on(&self, heard: &Heard<'_>) -> Option<bool> {
        if let Self::Player(player) = self {
            return Some(heard.told(player.state.as_ref())? == "playing");
        }
        let off = ["off", "closed", "closing", "unlocked", "unlocking"];
        Some(!off.contains(&self.word(heard)?.as_str()))
    }

    /// Whether it can be told to be heard again.
    pub(super) fn can_unmute(&self) -> bool {
        matches!(self, Self::Player(player) if player.unmute.is_some())
    }

    /// The temperature it measures, with its unit.
    pub(super) fn temperature(&self, heard: &Heard<'_>) -> Option<String> {
        let Self::Climate(climate) = self else { return None };
        Some(format!("{} {}", heard.number(climate.current.as_ref())?, climate.unit))
    }

    /// What a step is a step from: percent of brightness, speed, volume or humidity, degrees or a number that is set. `None`
    /// where it is not known.
    pub(super) fn level(&self, heard: &Heard<'_>) -> Option<f64> {
        match self {
            Self::Light(light) if heard.told(light.state.as_ref()).as_deref() == Some("off") => {
                light.is_dimmed().then_some(0.0)
            }
            Self::Light(light) => heard.read(light.brightness.as_ref()).and_then(|level| light.percent(&level)),
            Self::Fan(fan) => fan.percent(heard),
            Self::Player(player) => player.percent(heard),
            Self::Climate(climate) => heard.number(climate.wanted.as_ref()),
            Self::Humidifier(humidifier) => heard.number(humidifier.wanted.as_ref()),
            Self::Number(number) => heard.number(number.state.as_ref()),
            _ => None,
        }
    }

    /// How far it is open, 0 (closed) to 1 (open). `None` where it is not known.
    pub(super) fn position(&self, heard: &Heard<'_>) -> Option<f64> {
        let Self::Cover(cover) = self else { return None };
        Some(cover.percent(&heard.read(cover.at.as_ref())?)? / 100.0)
    }

    /// What it offers for a setting.
    pub(super) fn offers(&self, setting: Setting) -> Option<&Choice> {
        match (self, setting) {
            (Self::Climate(climate), Setting::Mode) => climate.mode.as_ref(),
            (Self::Climate(climate), Setting::Preset) => climate.preset.as_ref(),
            (Self::Climate(climate), Setting::FanMode) => climate.fan.as_ref(),
            (Self::Fan(fan), Setting::Preset) => fan.preset.as_ref(),
            (Self::Humidifier(humidifier), Setting::Mode) => humidifier.mode.as_ref(),
            (Self::Player(player), Setting::Source) => player.source.as_ref(),
            (Self::Choice(choice), Setting::Select) => Some(choice),
            _ => None,
        }
    }

    /// Which of what it offers it reports to be set to; `None` where that is not known.
    pub(super) fn chosen(&self, setting: Setting, heard: &Heard<'_>) -> Option<String> {
        let choice = self.offers(setting)?;
        choice.named(&heard.read(choice.state.as_ref())?).ok().map(str::to_owned)
    }

    /// The messages that do it.
    ///
    /// # Errors
    /// Why it cannot.
    pub(super) fn messages(&self, deed: &Deed, made: &Making<'_>) -> Result<Vec<Message>, Lack> {
        if let Deed::Choose(setting, name) = deed {
            return self.offers(*setting).ok_or(Lack::Deed)?.message(name, made);
        }
        match self {
            Self::Light(light) => light.messages(change(deed)?, made),
            Self::Switch(switch) => switch.messages(deed, made),
            Self::Fan(fan) => fan.messages(deed, made),
            Self::Humidifier(humidifier) => humidifier.messages(deed, made),
            Self::Cover(cover) => cover.messages(deed, made),
            Self::Lock(lock) => lock.messages(deed, made),
            Self::Climate(climate) => climate.messages(deed, made),
            Self::Press(press) => press.messages(deed),
            Self::Number(number) => number.messages(deed, made),
            Self::Mover(mover) => mover.messages(deed),
            Self::Player(player) => player.messages(deed, made),
            Self::Choice(_) | Self::Sensor(..) => Err(Lack::Deed),
        }
    }
}

/// Those that are known, with commas between them; `None` where none is.
fn joined<const PARTS: usize>(parts: [Option<String>; PARTS]) -> Option<String> {
    let known: Vec<String> = parts.into_iter().flatten().collect();
    (!known.is_empty()).then(|| known.join(", "))
}

fn with_unit(value: String, unit: Option<&String>) -> String {
    match unit {
        Some(unit) => format!("{value} {unit}"),
        None => value,
    }
}

fn change(deed: &Deed) -> Result<Change, Lack> {
    Ok(match deed {
        Deed::On => Change::On,
        Deed::Off => Change::Off,
        Deed::Brightness(part) => Change::Brightness(*part),
        Deed::Kelvin(kelvin) => Change::Kelvin(*kelvin),
        Deed::Colour(colour) => Change::Colour(*colour),
        _ => return Err(Lack::Deed),
    })
}

/// A part of a range in whole steps, 0 its lower and 1 its upper end.
fn within((low, high): (f64, f64), part: f64) -> f64 {
    (low + part.clamp(0.0, 1.0) * (high - low)).round()
}
