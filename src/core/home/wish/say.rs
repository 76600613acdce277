//! How it went, in words: what the devices report, and what they do not.

use super::{Granted, Outcome, Step};
use crate::core::home::things::{Deed, Lack, NO_PRESET, Setting};

/// So many different ends are told one by one.
const MOST_TOLD: usize = 3;

/// What is said at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// An answer.
    Text(String),
    /// Nothing was sent, since what was meant cannot be reached.
    Offline(String),
}

impl Granted {
    /// Says how it went. `response` is what the rule answers where the one thing that was named did what was wanted.
    #[must_use]
    pub fn say(&self, response: Option<&str>) -> Said {
        match self.steps.as_slice() {
            [step] => one(step, response),
            steps => self.several(steps),
        }
    }

    fn several(&self, steps: &[Step]) -> Said {
        let of =
            |wanted: &[Outcome]| -> Vec<&Step> { steps.iter().filter(|step| wanted.contains(&step.outcome)).collect() };
        let done = of(&[Outcome::Confirmed, Outcome::OnItsWay, Outcome::Unreported, Outcome::Sent]);
        let already = of(&[Outcome::Already]);
        let (silent, offline) = (of(&[Outcome::Unanswered]), of(&[Outcome::Offline]));
        let mut sentences = Vec::new();
        if let Some(first) = done.first()
            && done.iter().any(|step| step.deeds.last() != first.deeds.last())
        {
            sentences.push(self.unlike(&done));
        } else if let Some(first) = done.first() {
            let what =
                if done.len() == 1 { the(&first.name) } else { format!("{} {}{}", done.len(), self.kind, self.place) };
            sentences.push(format!("{}.", phrase(first, &what, first.outcome == Outcome::OnItsWay)));
        } else if let Some(first) = already.first() {
            let what = if already.len() == 1 {
                format!("{} is", sentence(&the(&first.name)))
            } else {
                format!("The {} {}{} are", already.len(), self.kind, self.place)
            };
            sentences.push(format!("{what} already {}.", state(first)));
        }
        if !silent.is_empty() {
            let has = if silent.len() == 1 { "has" } else { "have" };
            let silent = names(&silent);
            sentences.push(if sentences.is_empty() {
                format!("I sent it, but {silent} {has} not answered.")
            } else {
                sentence(&format!("{silent} {has} not answered."))
            });
        }
        if !offline.is_empty() {
            let is = if offline.len() == 1 { "is" } else { "are" };
            sentences.push(sentence(&format!("{} {is} offline.", names(&offline))));
        }
        let text = sentences.join(" ");
        if offline.len() == steps.len() { Said::Offline(text) } else { Said::Text(text) }
    }

    /// What was done where each did something else: of lights that were not equally bright, one becomes another's brightness.
    fn unlike(&self, done: &[&Step]) -> String {
        if done.len() > MOST_TOLD {
            return format!("Changed {} {}{}.", done.len(), self.kind, self.place);
        }
        let each = done.iter().map(|step| phrase(step, &the(&step.name), step.outcome == Outcome::OnItsWay));
        let each: Vec<String> = each.map(|phrase| inner(&phrase)).collect();
        sentence(&format!("{}.", listed(&each)))
    }
}

/// The same with a small letter at its beginning.
fn inner(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn names(steps: &[&Step]) -> String {
    let is_any_own = steps.iter().any(|step| is_own(&step.name));
    let name = |(number, step): (usize, &&Step)| {
        if number == 0 || is_any_own { the(&step.name) } else { step.name.clone() }
    };
    let names: Vec<String> = steps.iter().enumerate().map(name).collect();
    listed(&names)
}

/// "a, b and c".
pub(super) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

fn one(step: &Step, response: Option<&str>) -> Said {
    let name = &step.name;
    Said::Text(match &step.outcome {
        Outcome::Confirmed => response.map_or_else(|| format!("{}.", phrase(step, &the(name), false)), str::to_owned),
        Outcome::OnItsWay => format!("{}.", phrase(step, &the(name), true)),
        Outcome::Already => sentence(&format!("{} {} already {}.", the(name), is(name), state(step))),
        Outcome::Unreported if matches!(step.deeds[..], [Deed::Press]) => format!("Activated {name}."),
        Outcome::Unreported if matches!(step.deeds[..], [Deed::Mute | Deed::Unmute | Deed::Louder | Deed::Quieter]) => {
            format!("I sent it to {}, which does not say how loud it is.", the(name))
        }
        Outcome::Unreported => format!("I sent it to {}, which does not report its state.", the(name)),
        Outcome::Sent | Outcome::Unanswered => format!("I sent it, but {} {} not answered.", the(name), has(name)),
        Outcome::Offline => {
            return Said::Offline(format!(
                "{} {} offline, so nothing was sent; check power and connection",
                the(name),
                is(name)
            ));
        }
        Outcome::Unable(lack) => lack_of(name, lack),
    })
}

/// A name with its article: "the kitchen lamp", and "Robby", which is somebody's own.
pub(super) fn the(name: &str) -> String {
    if is_own(name) { name.to_owned() } else { format!("the {name}") }
}

/// Whether a name is somebody's own: of words that are names of things, none keeps its capital alone.
fn is_own(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(char::is_uppercase) && name.chars().count() > 1 && letters.all(char::is_lowercase)
}

/// With a capital at its beginning.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Whether a name is of several: "blinds", "lights".
fn is_several(name: &str) -> bool {
    name.ends_with('s') && !is_own(name) && !["ss", "us", "is", "gas"].iter().any(|end| name.ends_with(end))
}

/// "is", or "are".
pub(super) fn is(name: &str) -> &'static str {
    if is_several(name) { "are" } else { "is" }
}

fn has(name: &str) -> &'static str {
    if is_several(name) { "have" } else { "has" }
}

/// What was done, in the past, or what goes on: "Opened the blinds", "Opening the blinds".
fn phrase(step: &Step, what: &str, goes_on: bool) -> String {
    let Some(deed) = step.deeds.last() else { return format!("Did it for {what}") };
    let verb = |done: &str, goes: &str| format!("{} {what}", if goes_on { goes } else { done });
    let set = |to: String| format!("{} {what} to {to}", if goes_on { "Moving" } else { "Set" });
    match deed {
        Deed::On => verb("Turned on", "Turning on"),
        Deed::Off => verb("Turned off", "Turning off"),
        Deed::Open => verb("Opened", "Opening"),
        Deed::Close => verb("Closed", "Closing"),
        Deed::Stop => verb("Stopped", "Stopping"),
        Deed::Lock => verb("Locked", "Locking"),
        Deed::Unlock => verb("Unlocked", "Unlocking"),
        Deed::Press => verb("Activated", "Activating"),
        Deed::Start => verb("Started", "Starting"),
        Deed::Pause => verb("Paused", "Pausing"),
        Deed::Play => format!("Playing on {what}"),
        Deed::Next => format!("Next one on {what}"),
        Deed::Previous => format!("Once more on {what}"),
        Deed::Louder => format!("Turned {what} up"),
        Deed::Quieter => format!("Turned {what} down"),
        Deed::Mute => verb("Muted", "Muting"),
        Deed::Unmute => verb("Unmuted", "Unmuting"),
        Deed::Dock if goes_on => format!("Sending {what} back to its dock"),
        Deed::Dock => format!("Sent {what} back to its dock"),
        Deed::Colour(_) => format!("Changed the colour of {what}"),
        Deed::Choose(Setting::Preset, name) if name == NO_PRESET => format!("Ended the preset of {what}"),
        other => set(value(other, step.unit)),
    }
}

/// A deed's value as it is said.
fn value(deed: &Deed, unit: &str) -> String {
    let percent = |part: &f64| format!("{} %", (part * 100.0).round());
    match deed {
        Deed::Brightness(part) | Deed::Position(part) | Deed::Tilt(part) | Deed::Speed(part) | Deed::Volume(part) => {
            percent(part)
        }
        Deed::Kelvin(kelvin) => format!("{} K", kelvin.round()),
        Deed::Temperature(degrees) => format!("{degrees} {unit}"),
        Deed::Humidity(humidity) => format!("{humidity} %"),
        Deed::Choose(_, name) => name.replace('_', " "),
        Deed::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// What it is already.
fn state(step: &Step) -> String {
    match step.deeds.last() {
        Some(Deed::On) => "on".to_owned(),
        Some(Deed::Off) => "off".to_owned(),
        Some(Deed::Open) => "open".to_owned(),
        Some(Deed::Close) => "closed".to_owned(),
        Some(Deed::Lock) => "locked".to_owned(),
        Some(Deed::Unlock) => "unlocked".to_owned(),
        Some(Deed::Start) => "at work".to_owned(),
        Some(Deed::Pause) => "paused".to_owned(),
        Some(Deed::Play) => "playing".to_owned(),
        Some(Deed::Mute) => "silent".to_owned(),
        Some(Deed::Dock) => "in its dock".to_owned(),
        Some(deed) => match value(deed, step.unit) {
            value if value.is_empty() => "so".to_owned(),
            _ if *deed == Deed::Choose(Setting::Preset, NO_PRESET.to_owned()) => "without a preset".to_owned(),
            value if matches!(deed, Deed::Choose(..)) => format!("set to {value}"),
            value => format!("at {value}"),
        },
        None => "so".to_owned(),
    }
}

/// Why something cannot be done, as one sentence of an error.
pub(super) fn lack(name: &str, lack: &Lack) -> String {
    lack_of(name, lack)
}

fn lack_of(name: &str, lack: &Lack) -> String {
    let the = the(name);
    match lack {
        Lack::Deed => format!("{the} cannot do that"),
        Lack::Brightness => format!("{the} cannot be dimmed, or does not say how bright it is"),
        Lack::Whites => format!("{the} has one white alone"),
        Lack::Colours => format!("{the} has no such colours"),
        Lack::Position => format!("{the} can be open or closed, and nothing between"),
        Lack::Outside(least, most) => format!("{the} takes {least} to {most}"),
        Lack::Unknown(names) => format!("{the} knows {}", listed(names)),
        Lack::State => format!("{the} has not said how it is set, so it cannot be changed by a step"),
        Lack::Template => {
            format!("{the} announces a command that cannot be used; `hearthd devices --problems` says why")
        }
    }
}
