//! What an understood command asks of the home: which devices are meant, what each is to do, and how it went.
//!
//! [`House::grant`] turns a wish into messages, or into an answer where it only asks. Whoever sends them looks at
//! [`House::progress`] afterwards and says [`Granted::say`]: what is reported, never more.

mod before;
mod deeds;
mod groups;
mod say;
mod targets;
mod tell;

use std::collections::{BTreeMap, HashSet};

use jiff::Zoned;
use serde_json::{Map, Value};

use super::discovery::Key;
use super::placing::Placed;
use super::things::{Deed, Lack, Reached};
use super::{Device, House, Message};
use crate::core::intents::Hit;

pub use before::Last;
pub use say::Said;

/// The intents that the home carries out or answers by its devices.
pub const INTENTS: [&str; 36] = [
    "HassTurnOn",
    "HassTurnOff",
    "HassToggle",
    "HassLightSet",
    "HearthdLightStep",
    "HassSetPosition",
    "HassStopMoving",
    "HassClimateSetTemperature",
    "HassClimateSetFanMode",
    "HearthdClimateSetMode",
    "HearthdClimateStep",
    "HassFanSetSpeed",
    "HearthdFanStep",
    "HassVacuumStart",
    "HassVacuumReturnToBase",
    "HearthdVacuumPause",
    "HassLawnMowerStartMowing",
    "HassLawnMowerDock",
    "HassGetState",
    "HassClimateGetTemperature",
    "HassMediaPause",
    "HassMediaUnpause",
    "HassMediaNext",
    "HassMediaPrevious",
    "HassMediaPlayerMute",
    "HassMediaPlayerUnmute",
    "HassSetVolume",
    "HassSetVolumeRelative",
    "HassHumidifierSetpoint",
    "HassHumidifierMode",
    "HearthdSetPreset",
    "HearthdSelectSource",
    "HearthdSelectOption",
    "HearthdSetNumber",
    "HassOpenCover",
    "HassCloseCover",
];

/// An understood command.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The intent's name.
    pub intent: &'a str,
    /// Its slots.
    pub slots: &'a Map<String, Value>,
    /// By slot: what is known of the value that was named.
    pub known: &'a BTreeMap<String, Map<String, Value>>,
    /// The room it was said in.
    pub area: Option<&'a str>,
}

impl Wish<'_> {
    fn text(&self, slot: &str) -> Option<&str> {
        self.slots.get(slot).and_then(Value::as_str)
    }

    fn number(&self, slot: &str) -> Option<f64> {
        self.slots.get(slot).and_then(Value::as_f64)
    }

    fn knows(&self, slot: &str, key: &str) -> Option<&str> {
        self.known.get(slot)?.get(key).and_then(Value::as_str)
    }
}

/// Why a wish cannot be granted, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// What comes of a wish.
#[derive(Clone, Debug)]
pub enum Grant {
    /// An answer.
    Told(String),
    /// Things to do.
    Act(Granted),
}

/// Things to do, and what is needed to say how they went.
#[derive(Clone, Debug)]
pub struct Granted {
    /// One for each device.
    pub steps: Vec<Step>,
    /// Where they are, as it is said: ` in the kitchen`; empty where a thing was named.
    place: String,
    /// What several of them are together: `lights`.
    kind: String,
}

/// What one device is to do.
#[derive(Clone, Debug)]
pub struct Step {
    key: Key,
    /// What it is called in an answer.
    pub name: String,
    deeds: Vec<Deed>,
    /// What would make it as it was; none where that is not known.
    before: Vec<Deed>,
    unit: &'static str,
    /// The messages that make it do so; none where they would reach nobody, or where another step's messages are for it too.
    pub messages: Vec<Message>,
    /// The group whose message is for this device too, where one is.
    pub through: Option<String>,
    /// How it stood before.
    pub outcome: Outcome,
    /// What had been heard when it was looked at.
    heard: u64,
}

/// How one step went.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Sent, and nothing is known yet.
    Sent,
    /// The device reports it.
    Confirmed,
    /// The device reports that it is on the way there.
    OnItsWay,
    /// It was so before.
    Already,
    /// The device never reports anything.
    Unreported,
    /// The device has not answered.
    Unanswered,
    /// It cannot be reached, so nothing was sent.
    Offline,
    /// It cannot do that, so nothing was sent.
    Unable(Lack),
}

impl Outcome {
    /// How well it went.
    fn rank(&self) -> usize {
        match self {
            Self::Unable(_) | Self::Offline => 0,
            Self::Unanswered => 1,
            Self::Sent | Self::Unreported => 2,
            Self::OnItsWay => 3,
            Self::Confirmed => 4,
            Self::Already => 5,
        }
    }

    /// As it stands in the reply's `actions`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Sent | Self::Unreported => "sent",
            Self::Confirmed => "confirmed",
            Self::OnItsWay => "moving",
            Self::Already => "already",
            Self::Unanswered => "unanswered",
            Self::Offline => "offline",
            Self::Unable(_) => "unable",
        }
    }
}

impl House {
    /// Grants a wish as far as the home can.
    ///
    /// # Errors
    /// [`Refusal`] where it can not.
    pub fn grant(&self, wish: &Wish<'_>, now: &Zoned) -> Result<Grant, Refusal> {
        if matches!(wish.intent, "HassGetState" | "HassClimateGetTemperature") {
            return self.tell(wish, now).map(Grant::Told);
        }
        let mut targets = self.targets(wish)?;
        self.playing(wish, &mut targets.keys, now)?;
        let mut steps: Vec<Step> =
            targets.keys.iter().filter_map(|key| self.step(key, wish, targets.is_named, now)).collect();
        if let [Step { outcome: Outcome::Unable(lack), name, .. }] = steps.as_slice() {
            return Err(Refusal(say::lack(name, lack)));
        }
        // Of several, those that cannot do it were not meant.
        if steps.iter().any(|step| !matches!(step.outcome, Outcome::Unable(_))) {
            steps.retain(|step| !matches!(step.outcome, Outcome::Unable(_)));
        }
        self.join(&mut steps, now);
        match steps.first() {
            None => Err(Refusal(format!("there {} {}{} that can do this", "is no", targets.noun(1), targets.place))),
            Some(Step { outcome: Outcome::Unable(lack), .. }) => {
                Err(Refusal(say::lack(&format!("{}{}", targets.noun(2), targets.place), lack)))
            }
            Some(_) => Ok(Grant::Act(Granted { kind: targets.noun(steps.len()), place: targets.place, steps })),
        }
    }

    fn step(&self, key: &Key, wish: &Wish<'_>, is_named: bool, now: &Zoned) -> Option<Step> {
        let device = self.devices.get(key)?;
        let placed = self.placing.by_key.get(key)?;
        let (deeds, lack) = match deeds::of(wish, device, &self.heard(now)) {
            Ok(deeds) => (deeds, None),
            Err(lack) => (Vec::new(), Some(lack)),
        };
        // What guards the house moves only where it is called by its name.
        if !is_named && placed.is_guarded && deeds.iter().any(deeds::opens) {
            return None;
        }
        Some(self.step_of(key, device, placed, (deeds, lack), now))
    }

    /// The step of a device that is to do these.
    fn step_of(
        &self,
        key: &Key,
        device: &Device,
        placed: &Placed,
        (deeds, lack): (Vec<Deed>, Option<Lack>),
        now: &Zoned,
    ) -> Step {
        let heard = self.heard(now);
        let mut outcome = lack.map_or(Outcome::Sent, Outcome::Unable);
        let mut messages = Vec::new();
        for deed in &deeds {
            match device.thing.messages(deed, &heard.made) {
                Ok(made) => messages.extend(made),
                Err(lack) => outcome = Outcome::Unable(lack),
            }
        }
        if outcome == Outcome::Sent && device.availability.is_online(&heard) == Some(false) {
            outcome = Outcome::Offline;
        }
        if outcome == Outcome::Sent && !deeds.is_empty() {
            let all = |wanted: Reached| deeds.iter().all(|deed| device.thing.reached(deed, &heard) == wanted);
            if all(Reached::Yes) {
                outcome = Outcome::Already;
            } else if all(Reached::Silent) {
                outcome = Outcome::Unreported;
            }
        }
        if matches!(outcome, Outcome::Offline | Outcome::Unable(_)) {
            messages.clear();
        }
        let is_moved = !matches!(outcome, Outcome::Offline | Outcome::Unable(_) | Outcome::Already);
        let before = if is_moved { before::of(&device.thing, &deeds, &heard) } else { Vec::new() };
        Step {
            key: key.clone(),
            name: placed.spoken.clone(),
            unit: device.thing.unit(),
            messages: merged(messages),
            through: None,
            deeds,
            before,
            outcome,
            heard: self.heard,
        }
    }

    /// How a step that was sent goes, by what was heard since; at the end of all waiting, a report that says nothing of what
    /// was wanted is taken for the sign that it was heard.
    #[must_use]
    pub fn progress(&self, step: &Step, is_end: bool, now: &Zoned) -> Outcome {
        let Some(device) = self.devices.get(&step.key) else { return step.outcome.clone() };
        let heard = self.heard(now);
        let is_fresh =
            device.thing.readings().into_iter().filter_map(|reading| heard.order(reading)).max() > Some(step.heard);
        let mut outcome = Outcome::Confirmed;
        for deed in &step.deeds {
            match device.thing.reached(deed, &heard) {
                Reached::Yes => {}
                Reached::Unsaid if is_fresh => {}
                Reached::Vague if is_fresh && is_end => {}
                Reached::OnItsWay => outcome = Outcome::OnItsWay,
                Reached::Elsewhere if is_fresh => outcome = Outcome::OnItsWay,
                Reached::Silent => return Outcome::Unreported,
                Reached::No | Reached::Unsaid | Reached::Vague | Reached::Elsewhere => return Outcome::Sent,
            }
        }
        outcome
    }

    /// The topics on which a step's device reports.
    #[must_use]
    pub fn reports(&self, step: &Step) -> HashSet<String> {
        let readings = self.devices.get(&step.key).map(|device| device.thing.readings());
        readings.into_iter().flatten().map(|reading| reading.topic.clone()).collect()
    }
}

impl Step {
    /// Whether it ends soon once it has begun, as a lock's turn does, so that its end is worth waiting for.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.deeds.iter().any(|deed| matches!(deed, Deed::Lock | Deed::Unlock))
    }
}

impl Granted {
    /// How what was sent for a step went: for a group, how it went for the one of its members where it went worst.
    #[must_use]
    pub fn outcome_of<'a>(&'a self, step: &'a Step) -> &'a Outcome {
        let with = self.steps.iter().filter(|other| step.through.is_some() && other.through == step.through);
        with.map(|step| &step.outcome)
            .chain([&step.outcome])
            .min_by_key(|outcome| outcome.rank())
            .unwrap_or(&step.outcome)
    }

    /// Whether any step would move what guards the house, in the direction that makes it less safe.
    #[must_use]
    pub fn opens(&self) -> bool {
        self.steps.iter().flat_map(|step| &step.deeds).any(deeds::opens)
    }
}

/// Whether a command is done only after a yes: it opens what guards the house, by its own rule or by what the devices are to do.
#[must_use]
pub fn needs_yes(hit: &Hit, granted: Option<&Granted>) -> bool {
    hit.needs_yes || (hit.guarded.is_some() && granted.is_some_and(Granted::opens))
}

/// Objects that go to one topic go there as one.
fn merged(messages: Vec<Message>) -> Vec<Message> {
    let mut merged: Vec<Message> = Vec::new();
    for message in messages {
        let object = |payload: &str| serde_json::from_str::<Map<String, Value>>(payload).ok();
        let before = merged.last_mut().filter(|before| before.topic == message.topic);
        if let Some(before) = before
            && let (Some(mut known), Some(more)) = (object(&before.payload), object(&message.payload))
        {
            known.extend(more);
            before.payload = Value::Object(known).to_string();
        } else {
            merged.push(message);
        }
    }
    merged
}

#[cfg(test)]
mod tests;
