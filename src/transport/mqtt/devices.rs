//! The topics of devices on the daemon's connection: what announces them, and what they report on.
//!
//! At `QoS` 0, for which a broker drops nothing of what it keeps, however much that is. One packet of subscriptions at a time,
//! so that the link's channel never fills.

use crate::core::home::{Message, discovery};
use crate::engine::{Bus as _, Engine};

use super::outbox::Outbox;

/// Topics that are asked for in one packet.
pub(super) const AT_ONCE: usize = 200;

/// What is still to be subscribed to on a connection.
#[derive(Debug, Default)]
pub(super) struct DeviceTopics {
    wanted: Vec<String>,
    /// Whether our own topics have been answered, which come first.
    is_ready: bool,
    is_asking: bool,
    was_refused: bool,
    /// What makes devices say what they are that wait to be asked, until it is sent.
    call: Option<Message>,
}

impl DeviceTopics {
    /// All that is known; for a new connection.
    pub(super) fn new(engine: &Engine) -> Self {
        let announcing = discovery::FILTERS.iter().map(|filter| (*filter).to_owned());
        let home_assistant = std::iter::once(super::HOME_ASSISTANT.to_owned());
        Self {
            wanted: announcing.chain(home_assistant).chain(engine.device_topics()).collect(),
            call: Some(discovery::call()),
            ..Self::default()
        }
    }

    /// Takes the broker's answer to a subscription; whether that was to our own topics.
    pub(super) fn answered(&mut self, granted: bool) -> bool {
        if !std::mem::replace(&mut self.is_ready, true) {
            return true;
        }
        self.is_asking = false;
        if !granted && !std::mem::replace(&mut self.was_refused, true) {
            log::warn!(
                "the broker does not let this user read all topics on which devices announce themselves and report"
            );
        }
        false
    }

    /// Hands a message on one of their topics to the home.
    pub(super) fn hear(&mut self, topic: &str, payload: &[u8], engine: &Engine) {
        self.wanted.extend(engine.hear(topic, payload));
    }

    /// Asks for the next topics, if there are any and nothing is being asked for.
    pub(super) fn ask(&mut self, outbox: &Outbox) {
        if self.is_asking || !self.is_ready {
            return;
        }
        if self.wanted.is_empty() {
            // Once all is listened to that they answer on.
            if let Some(call) = self.call.take() {
                let _ = outbox.command(call.into());
            }
            return;
        }
        let some = self.wanted.len().min(AT_ONCE);
        let asked = outbox.subscribe(&self.wanted[..some], 0);
        if asked {
            self.wanted.drain(..some);
            self.is_asking = true;
        }
    }
}
