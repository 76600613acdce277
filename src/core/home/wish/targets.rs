//! Which devices a wish is about: the one that is named, or all of a kind in a room, on a floor, in the house.

use jiff::Zoned;
use serde_json::Value;

use super::{Refusal, Wish};
use crate::core::home::discovery::Key;
use crate::core::home::place::folded;
use crate::core::home::placing::{Placed, spoken};
use crate::core::home::things::Setting;
use crate::core::home::{Device, House};

/// Kinds that "everything" means: what is on because somebody uses it.
const EVERYTHING: [&str; 6] = ["light", "switch", "fan", "media_player", "humidifier", "siren"];

/// Devices that are meant.
#[derive(Debug)]
pub(super) struct Targets {
    pub(super) keys: Vec<Key>,
    /// Whether they were called by a name.
    pub(super) is_named: bool,
    /// Where they are, as it is said: ` in the kitchen`.
    pub(super) place: String,
    kind: String,
}

impl Targets {
    /// What so many of them are called.
    pub(super) fn noun(&self, count: usize) -> String {
        noun(&self.kind, count)
    }
}

/// What so many things of a kind or class are called.
pub(super) fn noun(kind: &str, count: usize) -> String {
    let one = match kind {
        "binary_sensor" | "sensor" => "sensor",
        "climate" => "thermostat",
        "media_player" => "player",
        "device_tracker" | "person" => "person",
        "lawn_mower" => "mower",
        "" => "device",
        kind => kind,
    };
    let one = one.replace('_', " ");
    match count {
        1 => one,
        _ if one == "person" => "people".to_owned(),
        _ if one.ends_with("ch") || one.ends_with('s') => format!("{one}es"),
        _ => format!("{one}s"),
    }
}

/// The kind of devices that an intent is for where no slot says so.
fn kind_of(intent: &str) -> Option<&'static str> {
    Some(match intent {
        "HassLightSet" | "HearthdLightStep" => "light",
        "HassClimateSetTemperature"
        | "HassClimateSetFanMode"
        | "HearthdClimateSetMode"
        | "HearthdClimateStep"
        | "HearthdSetPreset"
        | "HassClimateGetTemperature" => "climate",
        "HassFanSetSpeed" | "HearthdFanStep" => "fan",
        "HassVacuumStart" | "HassVacuumReturnToBase" | "HearthdVacuumPause" => "vacuum",
        "HassLawnMowerStartMowing" | "HassLawnMowerDock" => "lawn_mower",
        "HassSetPosition" | "HassStopMoving" | "HassOpenCover" | "HassCloseCover" => "cover",
        "HassHumidifierSetpoint" | "HassHumidifierMode" => "humidifier",
        "HearthdSelectSource" => "media_player",
        intent if intent.starts_with("HassMedia") || intent.starts_with("HassSetVolume") => "media_player",
        _ => return None,
    })
}

impl House {
    /// The devices that a wish is about.
    pub(super) fn targets(&self, wish: &Wish<'_>) -> Result<Targets, Refusal> {
        let name = wish.text("name");
        if let Some(name) = name.filter(|name| *name != "all") {
            let key = self.named(wish, "name").ok_or_else(|| Refusal(format!("no device is called {name}")))?;
            return Ok(Targets { keys: vec![key], is_named: true, place: String::new(), kind: String::new() });
        }
        let place = place(wish);
        let kinds: Vec<&str> = match (wish.text("domain").or_else(|| kind_of(wish.intent)), name) {
            (Some(kind), _) => vec![kind],
            (None, Some(_)) => EVERYTHING.to_vec(),
            (None, None) => return Err(Refusal("say which device you mean".to_owned())),
        };
        let class = wish.slots.get("device_class");
        let excepted = self.named(wish, "except");
        let mut keys: Vec<Key> = self
            .spoken_of()
            .filter(|(key, device, placed)| {
                kinds.contains(&device.component.as_str())
                    && class.is_none_or(|class| device.is_of(class))
                    && is_there(wish, placed)
                    && excepted.as_ref() != Some(*key)
            })
            .map(|(key, ..)| key.clone())
            .collect();
        // The vacuum cleaner of a house is one for all its rooms, and so is its heating.
        if keys.is_empty() && matches!(kinds[..], ["vacuum" | "lawn_mower"]) {
            keys.extend(
                self.spoken_of()
                    .filter(|(_, device, _)| kinds.contains(&device.component.as_str()))
                    .map(|(key, ..)| key.clone()),
            );
        }
        self.keep_those_that_offer(wish, &mut keys);
        let kind = class.and_then(Value::as_str).unwrap_or(if name.is_some() { "" } else { kinds[0] });
        let targets = Targets { keys, is_named: false, place, kind: kind.to_owned() };
        if targets.keys.is_empty() {
            return Err(Refusal(format!("there are no {}{} that are known", targets.noun(2), targets.place)));
        }
        Ok(targets)
    }

    /// Of players that nobody named, those with the source that is wanted are meant.
    fn keep_those_that_offer(&self, wish: &Wish<'_>, keys: &mut Vec<Key>) {
        let Some(source) = wish.text("source") else { return };
        let has_it = |key: &Key| {
            let choice = self.devices.get(key).and_then(|device| device.thing.offers(Setting::Source));
            choice.is_some_and(|choice| choice.named(source).is_ok())
        };
        if keys.iter().any(has_it) {
            keys.retain(has_it);
        }
    }

    /// Of several players that nobody named, those that are meant: what plays, and to go on, what does not.
    pub(super) fn playing(&self, wish: &Wish<'_>, keys: &mut Vec<Key>, now: &Zoned) -> Result<(), Refusal> {
        let is_player = |key: &Key| self.devices.get(key).is_some_and(|device| device.component == "media_player");
        if keys.len() < 2 || wish.text("name").is_some() || !keys.iter().all(is_player) {
            return Ok(());
        }
        let (heard, wanted) = (self.heard(now), wish.intent != "HassMediaUnpause");
        let is_meant = |key: &Key| {
            self.devices.get(key).is_some_and(|device| match device.thing.word(&heard).as_deref() {
                Some("playing") => wanted,
                Some("paused") => !wanted,
                _ => false,
            })
        };
        if keys.iter().any(is_meant) {
            keys.retain(is_meant);
        } else if wish.text("area").is_none() && wish.text("floor").is_none() {
            return Err(Refusal(format!(
                "none of the {} players is known to be {}; say which one",
                keys.len(),
                if wanted { "playing" } else { "paused" }
            )));
        }
        Ok(())
    }

    /// The device that a slot's value names.
    pub(super) fn named(&self, wish: &Wish<'_>, slot: &str) -> Option<Key> {
        let id = wish.knows(slot, "id")?;
        self.placing.key(id).cloned()
    }

    /// The devices that may be spoken of.
    pub(super) fn spoken_of(&self) -> impl Iterator<Item = (&Key, &Device, &Placed)> {
        let placed = self.placing.by_key.iter().filter(|(_, placed)| !placed.is_hidden);
        placed.filter_map(|(key, placed)| {
            let device = self.devices.get(key).filter(|device| !device.is_aside && !device.is_group)?;
            Some((key, device, placed))
        })
    }
}

impl Device {
    /// Whether it is of a device class, or of one of several.
    pub(super) fn is_of(&self, class: &Value) -> bool {
        let is = |class: &Value| class.as_str().is_some_and(|class| self.class.as_deref() == Some(class));
        class.as_array().map_or_else(|| is(class), |any| any.iter().any(is))
    }
}

/// Whether a device stands where a wish says.
pub(super) fn is_there(wish: &Wish<'_>, placed: &Placed) -> bool {
    let same = |slot: &str, place: Option<&String>| {
        wish.text(slot).is_none_or(|wanted| place.is_some_and(|place| folded(place) == folded(wanted)))
    };
    same("area", placed.area.as_ref()) && same("floor", placed.floor.as_ref())
}

/// Where a wish is about, as it is said.
pub(super) fn place(wish: &Wish<'_>) -> String {
    match (wish.text("area"), wish.text("floor")) {
        (Some(area), _) => format!(" in the {}", spoken(area)),
        (None, Some(floor)) if floor.to_lowercase().ends_with("stairs") => format!(" {}", spoken(floor)),
        (None, Some(floor)) => format!(" on the {}", spoken(floor)),
        (None, None) => String::new(),
    }
}
