//! Questions: what one thing reports, and how it stands with many.

use std::time::Duration;

use jiff::Zoned;
use serde_json::{Value, json};

use super::say::{is, listed, sentence, the};
use super::targets::{is_there, noun, place};
use super::{Refusal, Wish};
use crate::core::home::discovery::Key;
use crate::core::home::place::folded;
use crate::core::home::placing::Placed;
use crate::core::home::things::Heard;
use crate::core::home::{Device, House, Standing};

/// Names told of many.
const MOST_NAMES: usize = 6;

/// What a binary sensor's on and off mean, by its class.
const MEANINGS: [(&str, &str, &str); 22] = [
    ("battery", "low", "normal"),
    ("battery_charging", "charging", "not charging"),
    ("carbon_monoxide", "triggered", "clear"),
    ("cold", "cold", "normal"),
    ("connectivity", "connected", "disconnected"),
    ("door", "open", "closed"),
    ("garage_door", "open", "closed"),
    ("gas", "triggered", "clear"),
    ("heat", "hot", "normal"),
    ("light", "bright", "dark"),
    ("lock", "unlocked", "locked"),
    ("moisture", "wet", "dry"),
    ("motion", "detecting motion", "quiet"),
    ("moving", "moving", "still"),
    ("occupancy", "occupied", "empty"),
    ("opening", "open", "closed"),
    ("plug", "plugged in", "unplugged"),
    ("presence", "present", "away"),
    ("problem", "reporting a problem", "all right"),
    ("smoke", "triggered", "clear"),
    ("vibration", "vibrating", "still"),
    ("window", "open", "closed"),
];

/// A device with what is known of it.
type Known<'a> = (&'a Key, &'a Device, &'a Placed);

impl House {
    /// Answers a question.
    pub(super) fn tell(&self, wish: &Wish<'_>, now: &Zoned) -> Result<String, Refusal> {
        let heard = self.heard(now);
        match (wish.text("name"), wish.slots.get("device_class")) {
            (Some(name), class) => {
                let key = self.named(wish, "name").ok_or_else(|| Refusal(format!("no device is called {name}")))?;
                Ok(self.of_one(wish, &key, class, &heard))
            }
            (None, _) if wish.intent == "HassClimateGetTemperature" => self.temperature(wish, &heard),
            (None, Some(class)) if wish.text("domain") == Some("sensor") => self.measured(wish, class, &heard),
            (None, _) => self.of_many(wish, &heard),
        }
    }

    fn of_one(&self, wish: &Wish<'_>, key: &Key, class: Option<&Value>, heard: &Heard<'_>) -> String {
        let (Some(device), Some(placed)) = (self.devices.get(key), self.placing.by_key.get(key)) else {
            return "I do not know.".to_owned();
        };
        let name = &placed.spoken;
        if let Some(class) = class {
            return self.part_of(key, class, heard).unwrap_or_else(|| {
                sentence(&format!(
                    "{} does not say its {}.",
                    the(name),
                    class.as_str().unwrap_or("value").replace('_', " ")
                ))
            });
        }
        if wish.intent == "HassClimateGetTemperature" {
            let degrees = device.thing.temperature(heard);
            return degrees.map_or_else(|| unknown(name), |degrees| format!("It is {degrees} at the {name}."));
        }
        let is_unit = wish.known.get("name").is_some_and(|known| known.get("unit") == Some(&json!(true)));
        if is_unit {
            return self.unit_told(key, wish.text("name").unwrap_or(name), heard);
        }
        let the = if device.component == "device_tracker" { placed.name.clone() } else { the(name) };
        let be = if the == placed.name { "is" } else { is(name) };
        let Some(told) = device.sentence(heard) else { return unknown(name) };
        match device.standing(heard) {
            Standing::Fresh => {}
            Standing::Offline => {
                return sentence(&format!("{the} {be} offline; when it was last heard, it was {told}."));
            }
            Standing::Stale(age) => {
                return sentence(&format!("{the} has not been heard for {}; then it was {told}.", ago(age)));
            }
        }
        match (wish.text("state"), device.word(heard)) {
            (None, _) => sentence(&format!("{the} {be} {told}.")),
            (Some(wanted), Some(word)) if device.is_in(wanted, &word) => format!("Yes, {the} {be} {told}."),
            (Some(_), Some(_)) => format!("No, {the} {be} {told}."),
            (Some(_), None) => unknown(name),
        }
    }

    /// What the physical device of an entity measures of a class, whether it is for daily use or not; else what is called after
    /// it: the "front door battery" is the front door's.
    fn part_of(&self, key: &Key, class: &Value, heard: &Heard<'_>) -> Option<String> {
        let own = folded(&self.placing.by_key.get(key)?.name);
        let named = self.spoken_of().filter(|(_, _, placed)| folded(&placed.name).starts_with(&own));
        let parts = self.unit_of(key).chain(named.map(|(key, device, _)| (key, device)));
        let (key, device) = { parts }.find(|(_, device)| device.is_of(class))?;
        let name = &self.placing.by_key.get(key)?.spoken;
        let Some(told) = device.sentence(heard) else { return Some(unknown(name)) };
        Some(match device.standing(heard) {
            Standing::Fresh => sentence(&format!("{} is {told}.", the(name))),
            _ => sentence(&format!("{} was {told} when it was last heard.", the(name))),
        })
    }

    /// Everything that a physical device tells.
    fn unit_told(&self, key: &Key, name: &str, heard: &Heard<'_>) -> String {
        let parts = self.unit_of(key).filter(|(_, device)| !device.is_aside);
        let told: Vec<String> = parts
            .filter_map(|(key, device)| {
                Some(format!("{} is {}", the(&self.placing.by_key.get(key)?.spoken), device.sentence(heard)?))
            })
            .take(MOST_NAMES)
            .collect();
        if told.is_empty() { unknown(name) } else { sentence(&format!("{}.", listed(&told))) }
    }

    fn temperature(&self, wish: &Wish<'_>, heard: &Heard<'_>) -> Result<String, Refusal> {
        let here: Vec<Known<'_>> = self.spoken_of().filter(|(_, _, placed)| is_there(wish, placed)).collect();
        let is_sensor = |device: &Device| device.is_of(&json!("temperature")) && device.component == "sensor";
        let mut told = Measured::default();
        here.iter().filter(|(_, device, _)| is_sensor(device)).for_each(|known| {
            told.add(*known, known.1.sentence(heard), heard);
        });
        if told.is_empty() {
            for known in here {
                told.add(known, known.1.thing.temperature(heard), heard);
            }
        }
        told.say("the temperature", &place(wish))
    }

    fn measured(&self, wish: &Wish<'_>, class: &Value, heard: &Heard<'_>) -> Result<String, Refusal> {
        let here = self.spoken_of().filter(|(_, device, placed)| {
            device.component == "sensor" && device.is_of(class) && is_there(wish, placed)
        });
        let mut told = Measured::default();
        here.for_each(|known| told.add(known, known.1.sentence(heard), heard));
        let what = class.as_str().unwrap_or("that").replace('_', " ");
        told.say(&format!("the {what}"), &place(wish))
    }

    /// How many of a kind are in a state, and which.
    fn of_many(&self, wish: &Wish<'_>, heard: &Heard<'_>) -> Result<String, Refusal> {
        let domain = wish.text("domain").ok_or_else(|| Refusal("say which device you mean".to_owned()))?;
        let class = wish.slots.get("device_class");
        let all: Vec<Known<'_>> = self
            .spoken_of()
            .filter(|(_, device, placed)| device.counts_as(domain, class) && is_there(wish, placed))
            .collect();
        let kind = class.and_then(Value::as_str).unwrap_or(domain);
        let place = place(wish);
        if all.is_empty() {
            let of = if domain == "binary_sensor" { format!("{kind} sensors") } else { noun(kind, 2) };
            return Err(Refusal(format!("there are no {}{place} that are known", of.replace('_', " "))));
        }
        let wanted = wish.text("state").unwrap_or("on");
        // What cannot be reached may have changed since.
        let fresh = all.iter().filter(|known| known.1.standing(heard) == Standing::Fresh);
        let words = fresh.filter_map(|known| Some((known, known.1.word(heard)?)));
        let known: Vec<(&Known<'_>, String)> = words.collect();
        let those: Vec<&Known<'_>> =
            known.iter().filter(|((_, device, _), word)| device.is_in(wanted, word)).map(|(known, _)| *known).collect();
        let unsaid = all.len() - known.len();
        let mut text = if domain == "person" {
            people(&those, wanted)
        } else if let (Some(what), "on") = (SENSED.iter().find(|(class, ..)| *class == kind), wanted) {
            sensed(&those, what, &place)
        } else {
            counted(&those, known.len(), kind, &place, wanted)
        };
        if unsaid > 0 && known.is_empty() {
            text = match all.as_slice() {
                [(_, _, placed)] => unknown(&placed.spoken),
                all => format!("I do not know: none of the {} {}{place} has said.", all.len(), noun(kind, all.len())),
            };
        } else if unsaid > 0 {
            let is_known = |key: &Key| known.iter().any(|((known, ..), _)| *known == key);
            let mut others = all.iter().filter(|(key, ..)| !is_known(key));
            let of = match (others.next(), others.next()) {
                (Some((_, _, placed)), None) => the(&placed.spoken),
                _ => format!("{unsaid} others"),
            };
            text = format!("{text} Of {of} I do not know.");
        }
        Ok(text)
    }
}

/// What a binary sensor of a class senses, how it is said that there is none, and where, if nowhere else is said.
const SENSED: [(&str, &str, &str, &str); 7] = [
    ("motion", "there is motion", "there is no motion", ""),
    ("smoke", "there is smoke", "there is no smoke", ""),
    ("gas", "there is gas", "there is no gas", ""),
    ("carbon_monoxide", "there is carbon monoxide", "there is no carbon monoxide", ""),
    ("moisture", "there is water", "there is no water", ""),
    ("vibration", "something vibrates", "nothing vibrates", ""),
    ("occupancy", "somebody is", "nobody is", " there"),
];

fn sensed(those: &[&Known<'_>], (_, some, none, usual): &(&str, &str, &str, &str), place: &str) -> String {
    let place = if place.is_empty() { usual } else { place };
    if those.is_empty() {
        return format!("No, {none}{place}.");
    }
    let names = named(those);
    format!("Yes, {some}{place}: {}.", listed(&names))
}

/// The first names, and how many more there are.
fn named(those: &[&Known<'_>]) -> Vec<String> {
    let names = those.iter().take(MOST_NAMES).map(|(_, _, placed)| the(&placed.spoken));
    let more = those.len().saturating_sub(MOST_NAMES);
    names.chain((more > 0).then(|| format!("{more} more"))).collect()
}

fn people(those: &[&Known<'_>], wanted: &str) -> String {
    let at = if wanted == "home" {
        "at home"
    } else if wanted == "not_home" {
        "away"
    } else {
        wanted
    };
    let names: Vec<String> = those.iter().map(|(_, _, placed)| placed.name.clone()).collect();
    match names.len() {
        0 => format!("Nobody is {at}."),
        1 => format!("{} is {at}.", names[0]),
        _ => format!("{} are {at}.", listed(&names)),
    }
}

fn counted(those: &[&Known<'_>], of: usize, kind: &str, place: &str, wanted: &str) -> String {
    let names = named(those);
    match (those.len(), of) {
        (0, 1) => format!("No, the one {}{place} is not {wanted}.", noun(kind, 1)),
        (0, _) => format!("No, none of the {of} {}{place} is {wanted}.", noun(kind, of)),
        (1, 1) => format!("Yes, {} is {wanted}.", names[0]),
        (all, of) if all == of => format!("Yes, all {of} {}{place} are {wanted}: {}.", noun(kind, of), listed(&names)),
        (1, of) => format!("1 of {of} {}{place} is {wanted}: {}.", noun(kind, of), names[0]),
        (some, of) => format!("{some} of {of} {}{place} are {wanted}: {}.", noun(kind, of), listed(&names)),
    }
}

/// What is measured, with what measures it.
#[derive(Debug, Default)]
struct Measured<'a> {
    now: Vec<(String, &'a str)>,
    /// Last heard of what is away or silent for too long.
    once: Vec<(String, &'a str)>,
}

impl<'a> Measured<'a> {
    fn add(&mut self, (_, device, placed): Known<'a>, value: Option<String>, heard: &Heard<'_>) {
        let Some(value) = value else { return };
        let all = if device.standing(heard) == Standing::Fresh { &mut self.now } else { &mut self.once };
        all.push((value, &placed.spoken));
    }

    fn is_empty(&self) -> bool {
        self.now.is_empty() && self.once.is_empty()
    }

    /// One measure, or several with their names; what was measured once, where nothing measures it now.
    fn say(&self, what: &str, place: &str) -> Result<String, Refusal> {
        let (told, is, last) = match self.now.as_slice() {
            [] => (self.once.as_slice(), "was", " when it was last heard"),
            now => (now, "is", ""),
        };
        match told {
            [] => Err(Refusal(format!("nothing that is known tells {what}{place}"))),
            [(value, _)] if what == "the temperature" => Ok(format!("It {is} {value}{place}{last}.")),
            [(value, _)] => Ok(sentence(&format!("{what}{place} {is} {value}{last}."))),
            several => {
                let told: Vec<String> =
                    several.iter().take(MOST_NAMES).map(|(value, name)| format!("{value} ({name})")).collect();
                Ok(sentence(&format!("{what}{place} {is} {}{last}.", listed(&told))))
            }
        }
    }
}

/// A span as it is said of something that ended roughly so long ago.
fn ago(span: Duration) -> String {
    let minutes = (span.as_secs() / 60).max(1);
    let (count, unit) = match minutes {
        0..60 => (minutes, "minute"),
        60..2_880 => (minutes / 60, "hour"),
        _ => (minutes / 1_440, "day"),
    };
    if count == 1 { format!("one {unit}") } else { format!("{count} {unit}s") }
}

fn unknown(name: &str) -> String {
    format!("I do not know: {} has not said.", the(name))
}

impl Device {
    /// Its state in one word; a binary sensor's is what its on and off mean.
    fn word(&self, heard: &Heard<'_>) -> Option<String> {
        let word = self.thing.word(heard)?;
        let meant = MEANINGS
            .iter()
            .find(|(class, ..)| self.component == "binary_sensor" && self.class.as_deref() == Some(*class));
        Some(match (meant, word.as_str()) {
            (Some((_, on, _)), "on") => (*on).to_owned(),
            (Some((_, _, off)), "off") => (*off).to_owned(),
            _ => word,
        })
    }

    /// Its state as it stands behind "is".
    fn sentence(&self, heard: &Heard<'_>) -> Option<String> {
        Some(match (self.component.as_str(), self.word(heard)) {
            ("device_tracker", Some(word)) if word == "home" => "at home".to_owned(),
            ("binary_sensor" | "device_tracker", word) => word?,
            ("climate", Some(mode)) if mode != "off" => {
                let all = self.thing.state(heard)?;
                let rest = all.strip_prefix(mode.as_str()).unwrap_or_default();
                format!("in {} mode{rest}", mode.replace('_', " "))
            }
            ("vacuum" | "lawn_mower", Some(word)) if word.eq_ignore_ascii_case("error") => "in trouble".to_owned(),
            // What says no mode can say its temperatures all the same, and a player its source.
            ("climate" | "media_player" | "humidifier", _) => self.thing.state(heard)?,
            (_, word) => word.and(self.thing.state(heard))?,
        })
    }

    /// Whether a state that is asked for is the one that its word tells.
    fn is_in(&self, wanted: &str, word: &str) -> bool {
        if self.component == "binary_sensor" {
            let meant = MEANINGS.iter().find(|(class, ..)| self.class.as_deref() == Some(*class));
            let is_on = meant.map_or(word == "on", |(_, on, _)| word == *on);
            return match wanted {
                "on" | "open" => is_on && self.class.as_deref() != Some("lock"),
                "unlocked" => is_on,
                _ => !is_on,
            };
        }
        let is_robot = matches!(self.component.as_str(), "vacuum" | "lawn_mower");
        match wanted {
            "on" if self.component == "media_player" => word != "off",
            "on" if is_robot => matches!(word, "cleaning" | "mowing"),
            "on" => !matches!(word, "off" | "closed" | "docked" | "idle" | "paused"),
            "open" => matches!(word, "open" | "opening" | "closing"),
            "not_home" => word != "home",
            wanted => word == wanted,
        }
    }

    /// Whether it is one of a kind that is asked about: a window is one that its sensor tells of, too.
    fn counts_as(&self, domain: &str, class: Option<&Value>) -> bool {
        let of_class = || class.is_none_or(|class| self.is_of(class));
        let told_by_sensor = || match (domain, class.and_then(Value::as_str)) {
            ("cover", Some("garage")) => self.is_of(&json!(["garage_door", "garage"])),
            ("cover", Some("door")) => self.is_of(&json!(["door", "opening"])),
            ("cover", Some(_)) => of_class(),
            ("lock", _) => self.is_of(&json!("lock")),
            _ => false,
        };
        // Who is seen to move is somebody.
        let somebody = json!(["occupancy", "presence", "motion"]);
        let is_sensed = || if class == Some(&json!("occupancy")) { self.is_of(&somebody) } else { of_class() };
        match self.component.as_str() {
            "binary_sensor" if domain != "binary_sensor" => told_by_sensor(),
            "binary_sensor" => is_sensed(),
            "device_tracker" => domain == "person",
            component => component == domain && of_class(),
        }
    }
}
