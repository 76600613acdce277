//! What a device is to do for an intent: the slots' values in its own terms.

use super::Wish;
use crate::core::home::Device;
use crate::core::home::colour::Rgb;
use crate::core::home::things::{Deed, Heard, Lack, Setting, Thing};

/// How much "brighter" and "darker" are, in percent points.
const LIGHT_STEP: f64 = 20.0;
/// How much "warmer" and "colder" are, in degrees.
const CLIMATE_STEP: f64 = 1.0;
/// How much "faster" and "slower" are, in percent points, where a fan's own steps are smaller.
const FAN_STEP: f64 = 20.0;
/// How much "louder" and "quieter" are, in percent points.
const VOLUME_STEP: f64 = 10.0;

/// Whether a deed leaves what guards the house less safe than it was.
pub(super) fn opens(deed: &Deed) -> bool {
    match deed {
        Deed::Lock | Deed::Close | Deed::Stop | Deed::Off => false,
        Deed::Position(part) => *part > 0.0,
        _ => true,
    }
}

/// What a device is to do.
pub(super) fn of(wish: &Wish<'_>, device: &Device, heard: &Heard<'_>) -> Result<Vec<Deed>, Lack> {
    let thing = &device.thing;
    let one = |deed: Deed| Ok(vec![deed]);
    match wish.intent {
        "HassTurnOn" | "HassOpenCover" => one(on(thing)),
        "HassTurnOff" | "HassCloseCover" => one(off(thing)),
        "HassToggle" => one(toggled(thing, heard)),
        "HassLightSet" => light(wish),
        "HearthdLightStep" => stepped(wish, "brightness_step", LIGHT_STEP, thing.level(heard), Lack::Brightness)
            .map(|percent| vec![Deed::Brightness(percent.clamp(0.0, 100.0) / 100.0)]),
        "HassSetPosition" => one(Deed::Position(percent(wish, "position")?)),
        "HassStopMoving" => one(Deed::Stop),
        "HassClimateSetTemperature" => one(Deed::Temperature(degrees(wish, thing)?)),
        "HassClimateSetFanMode" => one(chosen(wish, thing, Setting::FanMode, "fan_mode")?),
        "HearthdClimateSetMode" => one(chosen(wish, thing, Setting::Mode, "hvac_mode")?),
        "HearthdSetPreset" => one(chosen(wish, thing, Setting::Preset, "preset_mode")?),
        "HearthdSelectSource" => one(chosen(wish, thing, Setting::Source, "source")?),
        "HearthdSelectOption" => one(chosen(wish, thing, Setting::Select, "option")?),
        "HearthdSetNumber" => one(Deed::Number(wish.number("number").ok_or(Lack::Deed)?)),
        "HearthdClimateStep" => stepped(wish, "temperature_step", CLIMATE_STEP, thing.level(heard), Lack::State)
            .map(|set| vec![Deed::Temperature(set)]),
        "HassFanSetSpeed" => one(Deed::Speed(percent(wish, "percentage")?)),
        "HearthdFanStep" => {
            let step = if let Thing::Fan(fan) = thing { fan.step_percent().max(FAN_STEP) } else { FAN_STEP };
            stepped(wish, "speed_step", step, thing.level(heard), Lack::State)
                .map(|percent| vec![Deed::Speed(percent.clamp(0.0, 100.0) / 100.0)])
        }
        "HassVacuumStart" | "HassLawnMowerStartMowing" => one(Deed::Start),
        "HassVacuumReturnToBase" | "HassLawnMowerDock" => one(Deed::Dock),
        "HearthdVacuumPause" | "HassMediaPause" => one(Deed::Pause),
        "HassMediaUnpause" => one(Deed::Play),
        "HassMediaNext" => one(Deed::Next),
        "HassMediaPrevious" => one(Deed::Previous),
        "HassMediaPlayerMute" => one(Deed::Mute),
        "HassMediaPlayerUnmute" => one(Deed::Unmute),
        "HassSetVolume" => one(Deed::Volume(percent(wish, "volume_level")?)),
        "HassSetVolumeRelative" => one(louder(wish, thing.level(heard))?),
        "HassHumidifierSetpoint" => one(Deed::Humidity(wish.number("humidity").ok_or(Lack::Deed)?)),
        "HassHumidifierMode" => one(chosen(wish, thing, Setting::Mode, "mode")?),
        _ => Err(Lack::Deed),
    }
}

fn on(thing: &Thing) -> Deed {
    match thing {
        Thing::Cover(_) => Deed::Open,
        Thing::Lock(_) => Deed::Lock,
        Thing::Press(_) => Deed::Press,
        Thing::Mover(_) => Deed::Start,
        _ => Deed::On,
    }
}

fn off(thing: &Thing) -> Deed {
    match thing {
        Thing::Cover(_) => Deed::Close,
        Thing::Lock(_) => Deed::Unlock,
        Thing::Mover(_) => Deed::Dock,
        _ => Deed::Off,
    }
}

/// The other state than the one reported; on where none is.
fn toggled(thing: &Thing, heard: &Heard<'_>) -> Deed {
    let on = on(thing);
    if thing.is_on(heard) == Some(true) { off(thing) } else { on }
}

/// A player that does not say how loud it is can be made a bit louder all the same.
fn louder(wish: &Wish<'_>, now: Option<f64>) -> Result<Deed, Lack> {
    match (wish.text("volume_step"), now) {
        (Some("up"), None) => Ok(Deed::Louder),
        (Some("down"), None) => Ok(Deed::Quieter),
        _ => stepped(wish, "volume_step", VOLUME_STEP, now, Lack::State)
            .map(|percent| Deed::Volume(percent.clamp(0.0, 100.0) / 100.0)),
    }
}

fn light(wish: &Wish<'_>) -> Result<Vec<Deed>, Lack> {
    let mut deeds = Vec::new();
    if let Some(colour) = wish.knows("color", "hex").and_then(Rgb::from_hex) {
        deeds.push(Deed::Colour(colour));
    }
    if let Some(kelvin) = wish.number("temperature") {
        deeds.push(Deed::Kelvin(kelvin));
    }
    if wish.slots.contains_key("brightness") {
        deeds.push(Deed::Brightness(percent(wish, "brightness")?));
    }
    if deeds.is_empty() { Err(Lack::Colours) } else { Ok(deeds) }
}

/// A slot in percent, as a part.
fn percent(wish: &Wish<'_>, slot: &str) -> Result<f64, Lack> {
    let percent = wish.number(slot).ok_or(Lack::Deed)?;
    if (0.0..=100.0).contains(&percent) { Ok(percent / 100.0) } else { Err(Lack::Outside(0.0, 100.0)) }
}

/// One of what a thing offers, in its own word for it.
fn chosen(wish: &Wish<'_>, thing: &Thing, setting: Setting, slot: &str) -> Result<Deed, Lack> {
    let choice = thing.offers(setting).ok_or(Lack::Deed)?;
    let name = choice.named(wish.text(slot).ok_or(Lack::Deed)?)?;
    Ok(Deed::Choose(setting, name.to_owned()))
}

/// The temperature that was said, in the thermostat's own unit.
fn degrees(wish: &Wish<'_>, thing: &Thing) -> Result<f64, Lack> {
    let is_fahrenheit = thing.unit() == "°F";
    let tenth = |degrees: f64| (degrees * 10.0).round() / 10.0;
    match (wish.number("temperature"), wish.number("temperature_fahrenheit")) {
        (Some(degrees), _) => Ok(degrees),
        (None, Some(degrees)) if is_fahrenheit => Ok(degrees),
        (None, Some(degrees)) => Ok(tenth((degrees - 32.0) / 1.8)),
        (None, None) => Err(Lack::Deed),
    }
}

/// What is to be after a step up or down, or by so much.
fn stepped(wish: &Wish<'_>, slot: &str, usual: f64, now: Option<f64>, unknown: Lack) -> Result<f64, Lack> {
    let by = match wish.text(slot) {
        Some("up") => usual,
        Some("down") => -usual,
        _ => wish.number(slot).ok_or(Lack::Deed)?,
    };
    now.map(|now| now + by).ok_or(unknown)
}
