//! What can be wanted of a thing, and why it cannot do it.

use crate::core::home::colour::Rgb;

/// What somebody wants of a thing.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// Switch it on.
    On,
    /// Switch it off.
    Off,
    /// A part of its full brightness, 0 to 1.
    Brightness(f64),
    /// A white of so many kelvins.
    Kelvin(f64),
    /// A colour.
    Colour(Rgb),
    /// Open it.
    Open,
    /// Close it.
    Close,
    /// Let it stand where it is.
    Stop,
    /// Open it to a part, 0 (closed) to 1 (open).
    Position(f64),
    /// Turn its slats to a part, 0 (closed) to 1 (open).
    Tilt(f64),
    /// Lock it.
    Lock,
    /// Unlock it.
    Unlock,
    /// Press it, or set the scene.
    Press,
    /// A temperature in its own unit.
    Temperature(f64),
    /// A relative humidity in percent.
    Humidity(f64),
    /// One of what it offers for a setting.
    Choose(Setting, String),
    /// A part of its full speed, 0 to 1.
    Speed(f64),
    /// A number.
    Number(f64),
    /// Begin to clean or to mow.
    Start,
    /// Hold on.
    Pause,
    /// Go back to its dock.
    Dock,
    /// Play, or go on playing.
    Play,
    /// The next song, or whatever it plays.
    Next,
    /// The one before, or the same again.
    Previous,
    /// A part of its full volume, 0 to 1.
    Volume(f64),
    /// A bit louder, of a player that does not say how loud it is.
    Louder,
    /// A bit quieter, of such a player.
    Quieter,
    /// Be silent.
    Mute,
    /// Be heard again.
    Unmute,
}

/// What can be one of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// How it works: heat, cool, auto, …
    Mode,
    /// How it works for a while: eco, away, …
    Preset,
    /// How its fan blows.
    FanMode,
    /// What it plays from.
    Source,
    /// What a select is there for.
    Select,
}

impl Setting {
    /// The slots whose words are what devices offer.
    pub(in crate::core::home) const SLOTS: [(Self, &str); 4] =
        [(Self::Preset, "preset_mode"), (Self::Source, "source"), (Self::Select, "option"), (Self::Mode, "mode")];
}

/// Why a thing cannot do what is wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Lack {
    /// It does nothing of the kind.
    Deed,
    /// It knows no brightness.
    Brightness,
    /// It has one white alone.
    Whites,
    /// It has no colours.
    Colours,
    /// It is open or closed, and nothing between.
    Position,
    /// The number is not between these two.
    Outside(f64, f64),
    /// It has none of that name; these it has.
    Unknown(Vec<String>),
    /// It has not said how it is set, so that a step from there leads nowhere.
    State,
    /// What it says about its own commands cannot be used.
    Template,
}
