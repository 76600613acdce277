//! Whether a thing's reports say that what was wanted of it has come about.

use super::{Choice, Climate, Cover, Deed, Fan, Heard, Humidifier, Light, Mover, Player, Thing};

/// Percent points, and parts of a degree, that a report may be off by rounding.
const NEAR_PERCENT: f64 = 2.0;
const NEAR_DEGREES: f64 = 0.26;

/// How far a deed has come, by what a thing reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::core::home) enum Reached {
    /// It is so.
    Yes,
    /// It is becoming so: a blind that moves, a lock that turns.
    OnItsWay,
    /// It is not so, or nothing was reported yet.
    No,
    /// Its reports do not say it; that it reports anything at all is the sign that it heard.
    Unsaid,
    /// Its reports could say it and do not, or not yet.
    Vague,
    /// It reports something else, which is where it is on its way if the report is a new one.
    Elsewhere,
    /// It never reports anything.
    Silent,
}

use Reached::{Elsewhere, No, OnItsWay, Silent, Unsaid, Vague, Yes};

fn yes(is: bool) -> Reached {
    if is { Yes } else { No }
}

impl Thing {
    /// How far a deed has come.
    pub(in crate::core::home) fn reached(&self, deed: &Deed, heard: &Heard<'_>) -> Reached {
        if self.readings().is_empty() {
            return Silent;
        }
        if let Deed::Choose(setting, wanted) = deed {
            return self.offers(*setting).map_or(No, |choice| of_choice(choice, wanted, heard));
        }
        match self {
            Self::Light(light) => of_light(light, deed, heard),
            Self::Switch(switch) => of_switch(heard.told(switch.state.as_ref()).as_deref(), deed),
            Self::Humidifier(humidifier) => of_humidifier(humidifier, deed, heard),
            Self::Fan(fan) => of_fan(fan, deed, heard),
            Self::Cover(cover) => of_cover(cover, deed, heard),
            Self::Lock(lock) => of_lock(heard.told(lock.state.as_ref()).as_deref(), deed),
            Self::Climate(climate) => of_climate(climate, deed, heard),
            Self::Number(number) => match (deed, heard.number(number.state.as_ref())) {
                (Deed::Number(wanted), Some(state)) => yes((state - wanted).abs() < 1e-6),
                _ => No,
            },
            Self::Mover(mover) => of_mover(mover, deed, heard),
            Self::Player(player) => of_player(player, deed, heard),
            Self::Choice(_) | Self::Press(_) | Self::Sensor(..) => Silent,
        }
    }
}

fn of_choice(choice: &Choice, wanted: &str, heard: &Heard<'_>) -> Reached {
    match heard.read(choice.state.as_ref()) {
        Some(state) => yes(state.eq_ignore_ascii_case(wanted)),
        None if choice.state.is_some() => Vague,
        None => Unsaid,
    }
}

fn of_switch(state: Option<&str>, deed: &Deed) -> Reached {
    match deed {
        Deed::On => yes(state == Some("on")),
        Deed::Off => yes(state == Some("off")),
        _ => Unsaid,
    }
}

fn of_humidifier(humidifier: &Humidifier, deed: &Deed, heard: &Heard<'_>) -> Reached {
    match (deed, &humidifier.wanted) {
        (Deed::Humidity(wanted), Some(reading)) => match heard.number(Some(reading)) {
            Some(set) => yes((set - wanted).abs() < 1.0),
            None => Vague,
        },
        _ => of_switch(heard.told(humidifier.switch.state.as_ref()).as_deref(), deed),
    }
}

fn of_light(light: &Light, deed: &Deed, heard: &Heard<'_>) -> Reached {
    let state = heard.told(light.state.as_ref());
    match deed {
        Deed::Brightness(part) if *part <= 0.0 => yes(state.as_deref() == Some("off")),
        Deed::Brightness(part) => {
            let Some(percent) = heard.read(light.brightness.as_ref()).and_then(|level| light.percent(&level)) else {
                return if light.brightness.is_some() { Vague } else { Unsaid };
            };
            yes(state.as_deref() != Some("off") && (percent - part * 100.0).abs() <= NEAR_PERCENT)
        }
        deed => of_switch(state.as_deref(), deed),
    }
}

fn of_fan(fan: &Fan, deed: &Deed, heard: &Heard<'_>) -> Reached {
    match deed {
        Deed::Speed(part) => match fan.percent(heard) {
            Some(percent) => yes((percent - part * 100.0).abs() <= fan.step_percent().max(NEAR_PERCENT)),
            None if fan.at.is_some() => Vague,
            None => Unsaid,
        },
        deed => of_switch(heard.told(fan.switch.state.as_ref()).as_deref(), deed),
    }
}

fn of_cover(cover: &Cover, deed: &Deed, heard: &Heard<'_>) -> Reached {
    let state = heard.told(cover.state.as_ref());
    let at = heard.read(cover.at.as_ref()).and_then(|at| cover.percent(&at));
    let is = |word: &str| state.as_deref() == Some(word);
    let wanted = match deed {
        Deed::Open | Deed::On => 100.0,
        Deed::Close | Deed::Off => 0.0,
        Deed::Position(part) => part * 100.0,
        _ => return Unsaid,
    };
    let moves = is(if wanted < 50.0 { "closing" } else { "opening" });
    match (at, deed) {
        // What is fully open can say so where its position is some percent short of it.
        (Some(at), _) if (at - wanted).abs() <= NEAR_PERCENT => Yes,
        _ if moves || (matches!(deed, Deed::Position(_)) && (is("opening") || is("closing"))) => OnItsWay,
        (Some(_), _) => Elsewhere,
        (None, Deed::Position(_)) => Unsaid,
        (None, _) => yes(is(if wanted > 0.0 { "open" } else { "closed" })),
    }
}

fn of_lock(state: Option<&str>, deed: &Deed) -> Reached {
    let (end, way) = match deed {
        Deed::Lock => ("locked", "locking"),
        _ => ("unlocked", "unlocking"),
    };
    match state {
        Some(state) if state == end => Yes,
        Some(state) if state == way => OnItsWay,
        _ => No,
    }
}

fn of_climate(climate: &Climate, deed: &Deed, heard: &Heard<'_>) -> Reached {
    let mode = heard.read(climate.state.as_ref());
    match deed {
        Deed::Temperature(wanted) => match heard.number(climate.wanted.as_ref()) {
            Some(set) => yes((set - wanted).abs() < NEAR_DEGREES),
            None if climate.wanted.is_none() => Unsaid,
            None => No,
        },
        Deed::Off => yes(mode.as_deref() == Some("off")),
        Deed::On => yes(mode.is_some_and(|mode| mode != "off")),
        _ => Unsaid,
    }
}

fn of_mover(mover: &Mover, deed: &Deed, heard: &Heard<'_>) -> Reached {
    let state = heard.read(mover.state.as_ref()).map(|state| state.to_lowercase());
    let is = |words: &[&str]| state.as_deref().is_some_and(|state| words.contains(&state));
    match deed {
        Deed::Start | Deed::On => yes(is(&["cleaning", "mowing"])),
        Deed::Pause => yes(is(&["paused"])),
        Deed::Dock | Deed::Off if is(&["returning"]) => OnItsWay,
        Deed::Dock | Deed::Off => yes(is(&["docked"])),
        _ => Unsaid,
    }
}

fn of_player(player: &Player, deed: &Deed, heard: &Heard<'_>) -> Reached {
    let state = heard.told(player.state.as_ref());
    let is = |words: &[&str]| state.as_deref().is_some_and(|state| words.contains(&state));
    match deed {
        Deed::Volume(part) => match player.percent(heard) {
            Some(percent) => yes((percent - part * 100.0).abs() <= NEAR_PERCENT),
            None if player.at.is_some() => Vague,
            None => Unsaid,
        },
        // No report of a player's says so.
        Deed::Mute | Deed::Unmute | Deed::Louder | Deed::Quieter => Silent,
        _ if player.state.is_none() => Unsaid,
        Deed::Play => yes(is(&["playing"])),
        Deed::On => yes(is(&["playing", "paused", "idle"])),
        Deed::Pause => yes(is(&["paused", "idle", "off"])),
        Deed::Off if player.off.is_some() => yes(is(&["off"])),
        Deed::Off => yes(is(&["off", "idle", "paused"])),
        _ => Unsaid,
    }
}
