//! What plays: speakers, radios, televisions, as somebody writes them down. Home Assistant's discovery knows no such thing,
//! so the keys are ours, called as its others are.

use serde_json::json;

use super::switch::{one, step};
use super::value::Choice;
use super::{Deed, Heard, Lack, joined};
use crate::core::home::fields::{Fields, Making, Message, Order, Reading, Told};

/// What it reports, the key that names another payload for it, and our word.
const STATES: [(&str, &str, &str); 4] = [
    ("state_playing", "playing", "playing"),
    ("state_paused", "paused", "paused"),
    ("state_idle", "idle", "idle"),
    ("state_off", "off", "off"),
];

/// A player.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::core::home) struct Player {
    play: Option<Message>,
    pause: Option<Message>,
    next: Option<Message>,
    previous: Option<Message>,
    /// What ends it, and begins again, where that is not to pause and to go on.
    pub(super) off: Option<Message>,
    on: Option<Message>,
    mute: Option<Message>,
    pub(super) unmute: Option<Message>,
    louder: Option<Message>,
    quieter: Option<Message>,
    volume: Option<Order>,
    /// Its volume when silent and when loudest.
    range: (f64, f64),
    /// What it can play from.
    pub(super) source: Option<Choice>,
    pub(super) state: Option<Told>,
    pub(super) at: Option<Reading>,
}

impl Player {
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let order = fields.order("command_topic", None);
        // Without a payload of its own, a player has it where players usually do.
        let say = |fields: &Fields<'_>, key: &str, usual: Option<&str>| {
            let payload = if fields.has(key) { fields.payload(key, "") } else { usual.map(str::to_owned) };
            Some(order.as_ref()?.exactly(payload?))
        };
        let player = Self {
            play: say(fields, "payload_play", Some("play")),
            pause: say(fields, "payload_pause", Some("pause")),
            next: say(fields, "payload_next", Some("next")),
            previous: say(fields, "payload_previous", Some("previous")),
            off: say(fields, "payload_off", None),
            on: say(fields, "payload_on", None),
            mute: say(fields, "payload_mute", None),
            unmute: say(fields, "payload_unmute", None),
            louder: say(fields, "payload_volume_up", None),
            quieter: say(fields, "payload_volume_down", None),
            volume: fields.order("volume_command_topic", Some("volume_command_template")),
            range: (fields.number("volume_min").unwrap_or(0.0), fields.number("volume_max").unwrap_or(100.0)),
            source: Choice::of(fields, "source", &[]),
            state: fields.told("state_topic", Some("value_template"), &STATES),
            at: fields.reading("volume_state_topic", Some("volume_value_template")),
        };
        (order.is_some() || player.volume.is_some() || player.source.is_some()).then_some(player)
    }

    /// What it can be made to do.
    pub(super) fn abilities(&self) -> Vec<String> {
        let all = [
            ("play/pause", self.play.is_some()),
            ("next/previous", self.next.is_some()),
            ("on/off", self.off.is_some()),
            ("volume", self.volume.is_some() || self.louder.is_some()),
            ("mute", self.mute.is_some() || self.volume.is_some()),
        ];
        let source = self.source.as_ref().map(|source| source.ability("source"));
        all.into_iter().filter(|(_, can)| *can).map(|(name, _)| name.to_owned()).chain(source).collect()
    }

    /// How loud it is, in percent.
    pub(super) fn percent(&self, heard: &Heard<'_>) -> Option<f64> {
        let (silent, loudest) = self.range;
        let percent = (heard.number(self.at.as_ref())? - silent) / (loudest - silent) * 100.0;
        percent.is_finite().then(|| percent.round())
    }

    /// Its state in a few words.
    pub(super) fn told(&self, heard: &Heard<'_>) -> Option<String> {
        let volume = self.percent(heard).map(|percent| format!("volume {percent} %"));
        let source = self.source.as_ref().and_then(|source| heard.read(source.state.as_ref()));
        joined([heard.told(self.state.as_ref()), source, volume])
    }

    pub(super) fn messages(&self, deed: &Deed, made: &Making<'_>) -> Result<Vec<Message>, Lack> {
        let message = match deed {
            Deed::Volume(part) => {
                let order = self.volume.as_ref().ok_or(Lack::Deed)?;
                return one(order.message(&step(self.range, *part), &[("volume", json!(part * 100.0))], made));
            }
            // A player that cannot be muted can be silent.
            Deed::Mute if self.mute.is_none() => return self.messages(&Deed::Volume(0.0), made),
            Deed::Play => &self.play,
            Deed::Pause => &self.pause,
            Deed::Next => &self.next,
            Deed::Previous => &self.previous,
            Deed::Off if self.off.is_none() => &self.pause,
            Deed::Off => &self.off,
            Deed::On if self.on.is_none() => &self.play,
            Deed::On => &self.on,
            Deed::Mute => &self.mute,
            Deed::Unmute => &self.unmute,
            Deed::Louder => &self.louder,
            Deed::Quieter => &self.quieter,
            _ => &None,
        };
        message.clone().map(|message| vec![message]).ok_or(Lack::Deed)
    }
}
