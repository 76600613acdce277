//! How a device was before it was told something, for taking that back; and what a sentence was about, for what leans on it.

use jiff::Zoned;

use super::deeds;
use super::say::the;
use super::targets::{Targets, noun};
use super::{Granted, Outcome, Refusal, Step, Wish};
use crate::core::home::House;
use crate::core::home::place::folded;
use crate::core::home::placing::spoken;
use crate::core::home::things::{Deed, Heard, Thing};

/// What a sentence was about, for what leans on it: "turn it off again".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Last {
    /// The sentence, in full.
    pub text: String,
    /// What it was about, as it can be said again: `the kitchen light`, `the lights in the kitchen`.
    pub what: String,
    /// The name of the one thing that it was about.
    pub name: Option<String>,
    /// The room that it was about.
    pub area: Option<String>,
    /// What else of the kind there is, where that is one thing.
    pub other: Option<String>,
    /// What was asked back, where it was not clear which one was meant: `reading lamp in the Bedroom`.
    pub offers: Vec<String>,
}

/// What makes a device as it is now again, after it did these.
pub(super) fn of(thing: &Thing, deeds: &[Deed], heard: &Heard<'_>) -> Vec<Deed> {
    let all: Option<Vec<Deed>> = deeds.iter().map(|deed| one(thing, deed, heard)).collect();
    let mut all = all.unwrap_or_default();
    all.dedup();
    all
}

fn one(thing: &Thing, deed: &Deed, heard: &Heard<'_>) -> Option<Deed> {
    let was_on = thing.is_on(heard);
    match deed {
        Deed::Off => was_on?.then_some(Deed::On),
        Deed::On | Deed::Brightness(_) | Deed::Kelvin(_) | Deed::Colour(_) | Deed::Speed(_)
            if was_on == Some(false) =>
        {
            Some(Deed::Off)
        }
        Deed::Brightness(_) => Some(Deed::Brightness(thing.level(heard)? / 100.0)),
        Deed::Speed(_) => Some(Deed::Speed(thing.level(heard)? / 100.0)),
        Deed::Temperature(_) => thing.level(heard).map(Deed::Temperature),
        Deed::Humidity(_) => thing.level(heard).map(Deed::Humidity),
        Deed::Number(_) => thing.level(heard).map(Deed::Number),
        Deed::Open | Deed::Close | Deed::Position(_) => match (thing.position(heard), was_on?) {
            (Some(part), _) if part > 0.0 && part < 1.0 => Some(Deed::Position(part)),
            (_, true) => Some(Deed::Open),
            (_, false) => Some(Deed::Close),
        },
        Deed::Lock => (!was_on?).then_some(Deed::Unlock),
        Deed::Unlock => was_on?.then_some(Deed::Lock),
        Deed::Volume(_) => Some(Deed::Volume(thing.level(heard)? / 100.0)),
        Deed::Play => (!was_on?).then_some(Deed::Pause),
        Deed::Pause => was_on?.then_some(Deed::Play),
        Deed::Mute if !thing.can_unmute() && thing.level(heard).is_some() => {
            Some(Deed::Volume(thing.level(heard)? / 100.0))
        }
        Deed::Mute => Some(Deed::Unmute),
        Deed::Louder => Some(Deed::Quieter),
        Deed::Quieter => Some(Deed::Louder),
        Deed::Choose(setting, _) => Some(Deed::Choose(*setting, thing.chosen(*setting, heard)?)),
        _ => None,
    }
}

impl Granted {
    /// The steps whose devices were told something.
    pub fn sent(&self) -> impl Iterator<Item = &Step> {
        let is_sent = |step: &&Step| !matches!(step.outcome, Outcome::Already | Outcome::Offline | Outcome::Unable(_));
        self.steps.iter().filter(is_sent)
    }
}

impl House {
    /// Takes back what was granted and sent; `None` where nothing was.
    ///
    /// # Errors
    /// [`Refusal`] where it is not known how it was, and for what guards the house.
    pub fn undo(&self, granted: &[Granted], now: &Zoned) -> Result<Option<Granted>, Refusal> {
        let moved: Vec<&Step> = granted.iter().flat_map(Granted::sent).collect();
        let mut steps = Vec::new();
        for step in &moved {
            let (Some(device), Some(placed)) = (self.devices.get(&step.key), self.placing.by_key.get(&step.key)) else {
                continue;
            };
            if placed.is_guarded && step.before.iter().any(deeds::opens) {
                return Err(Refusal(format!(
                    "what opens the house is not taken back so; say what {} is to do",
                    the(&step.name)
                )));
            }
            if !step.before.is_empty() {
                steps.push(self.step_of(&step.key, device, placed, (step.before.clone(), None), now));
            }
        }
        match (steps.is_empty(), moved.first()) {
            (false, _) => {
                let kind = match granted {
                    [one] if one.steps.len() == steps.len() => one.kind.clone(),
                    _ => noun("", steps.len()),
                };
                let place = granted.first().map(|granted| granted.place.clone()).unwrap_or_default();
                Ok(Some(Granted { steps, place, kind }))
            }
            (true, Some(step)) => {
                Err(Refusal(format!("it is not known how {} was before; say what it is to do", the(&step.name))))
            }
            (true, None) => Ok(None),
        }
    }

    /// What a wish in these words was about.
    #[must_use]
    pub fn subject(&self, wish: &Wish<'_>, text: &str) -> Option<Last> {
        let targets = self.targets(wish).ok()?;
        let text = text.to_owned();
        let key = match targets.keys.as_slice() {
            [key] if targets.is_named => key,
            _ => return Some(Last { text, what: several(&targets, wish), area: area_of(wish), ..Last::default() }),
        };
        let placed = self.placing.by_key.get(key)?;
        let area = placed.area.clone();
        let here = |other: Option<&String>| other.map(|other| folded(other)) == area.as_deref().map(folded);
        let of_name = self
            .spoken_of()
            .filter(|(other, _, placed2)| *other != key && folded(&placed2.name) == folded(&placed.name));
        let mut alike: Vec<_> = of_name.map(|(_, _, placed)| placed).collect();
        let what = if alike.is_empty() { the(&placed.spoken) } else { in_its_room(&placed.spoken, area.as_deref()) };
        if alike.is_empty() {
            let component = self.devices.get(key).map(|device| device.component.as_str());
            let same = self.spoken_of().filter(|(other, device, placed)| {
                *other != key && Some(device.component.as_str()) == component && here(placed.area.as_ref())
            });
            alike = same.map(|(_, _, placed)| placed).collect();
        }
        let other = match alike.as_slice() {
            [other] => Some(in_its_room(
                &other.spoken,
                other.area.as_deref().filter(|_| folded(&other.name) == folded(&placed.name)),
            )),
            _ => None,
        };
        Some(Last { text, what, name: Some(placed.spoken.clone()), area, other, offers: Vec::new() })
    }
}

fn in_its_room(name: &str, area: Option<&str>) -> String {
    match area {
        Some(area) => format!("{} in the {}", the(name), spoken(area)),
        None => the(name),
    }
}

fn several(targets: &Targets, wish: &Wish<'_>) -> String {
    let all = if targets.place.is_empty() && wish.area.is_none() { "all " } else { "" };
    format!("{all}the {}{}", targets.noun(2), targets.place)
}

fn area_of(wish: &Wish<'_>) -> Option<String> {
    wish.text("area").or(wish.area).map(str::to_owned)
}
