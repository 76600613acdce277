//! What drives around by itself: vacuum cleaners and lawn mowers.

use super::{Deed, Lack};
use crate::core::home::fields::{Fields, Message, Reading};

/// A vacuum cleaner or a mower: what starts it, holds it and sends it home.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::core::home) struct Mover {
    start: Option<Message>,
    pause: Option<Message>,
    stop: Option<Message>,
    dock: Option<Message>,
    pub(super) state: Option<Reading>,
}

impl Mover {
    pub(super) fn vacuum(fields: &mut Fields<'_>) -> Option<Self> {
        let order = fields.order("command_topic", None)?;
        // Home Assistant's own default for what such a robot can do.
        let known = if fields.has("supported_features") {
            fields.texts("supported_features")
        } else {
            vec!["start".to_owned(), "stop".to_owned(), "return_home".to_owned()]
        };
        let say = |feature: &str, key: &str, default: &str| {
            let payload = fields.payload(key, default).filter(|_| known.iter().any(|known| known == feature));
            payload.map(|payload| order.exactly(payload))
        };
        Some(Self {
            start: say("start", "payload_start", "start"),
            pause: say("pause", "payload_pause", "pause"),
            stop: say("stop", "payload_stop", "stop"),
            dock: say("return_home", "payload_return_to_base", "return_to_base"),
            state: fields.field("state_topic", "state"),
        })
    }

    pub(super) fn mower(fields: &mut Fields<'_>) -> Option<Self> {
        let mut say = |topic: &str, template: &str, payload: &str| {
            let order = fields.order(topic, None).filter(|_| !fields.has(template));
            order.map(|order| order.exactly(payload))
        };
        let mover = Self {
            start: say("start_mowing_command_topic", "start_mowing_command_template", "start_mowing"),
            pause: say("pause_command_topic", "pause_command_template", "pause"),
            stop: None,
            dock: say("dock_command_topic", "dock_command_template", "dock"),
            state: fields.reading("activity_state_topic", Some("activity_value_template")),
        };
        (mover.start.is_some() || mover.dock.is_some()).then_some(mover)
    }

    /// What it can be made to do.
    pub(super) fn abilities(&self) -> Vec<String> {
        let all = [("start", &self.start), ("pause", &self.pause), ("stop", &self.stop), ("dock", &self.dock)];
        all.into_iter().filter(|(_, message)| message.is_some()).map(|(name, _)| name.to_owned()).collect()
    }

    pub(super) fn messages(&self, deed: &Deed) -> Result<Vec<Message>, Lack> {
        let message = match deed {
            Deed::Start | Deed::On => &self.start,
            Deed::Pause => &self.pause,
            Deed::Stop => &self.stop,
            Deed::Dock | Deed::Off => &self.dock,
            _ => &None,
        };
        message.clone().map(|message| vec![message]).ok_or(Lack::Deed)
    }
}
