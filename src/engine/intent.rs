//! Tier 1: a matched rule is carried out, a command that none matches is answered as such.

use crate::core::intents::{Hit, Now};
use crate::core::reply::{Action, Code, Final, MatchedIntent, Status};
use crate::core::utterance::{Tier, normalise};

use super::responder::Responder;
use super::{Bus, Command};

/// Sends a rule's commands in order and says its response, or what kept it from being carried out. What nothing carries out
/// is said to be so: an answer that claims otherwise would be a lie.
pub(super) fn act(hit: Hit, bus: &dyn Bus, responder: &mut Responder) -> Final {
    if !hit.is_handled {
        let message = format!("this is understood as {}, but no action of the intent files carries it out", hit.name);
        let mut last = Final::refusal(None, Code::NotSupported, message);
        last.tier = Some(Tier::Intent);
        last.intent = Some(MatchedIntent { name: hit.name, slots: hit.slots, source: hit.source });
        return last;
    }
    let mut actions = Vec::with_capacity(hit.publishes.len());
    let mut away = None;
    for publish in hit.publishes {
        let action = Action { topic: publish.topic.clone(), payload: publish.payload.clone() };
        let command =
            Command { topic: publish.topic, payload: publish.payload, qos: publish.qos, retain: publish.retain };
        match bus.command(command) {
            Ok(()) => actions.push(action),
            Err(error) => {
                away = Some(error);
                break;
            }
        }
    }
    let mut last = match away {
        None => {
            // A sink that is gone changes nothing: the command was carried out and the final object says so.
            let _ = responder.chunk(hit.response);
            Final::new(None, Status::Ok)
        }
        Some(error) => Final::refusal(None, error.code(), error.to_string()),
    };
    last.tier = Some(Tier::Intent);
    last.actions = actions;
    last.intent = Some(MatchedIntent { name: hit.name, slots: hit.slots, source: hit.source });
    last
}

/// The time as rules' answers tell it.
pub(crate) fn now() -> Now {
    let now = jiff::Zoned::now();
    Now { time: now.strftime("%-I:%M %p").to_string(), date: now.strftime("%A, %-d %B %Y").to_string() }
}

/// Says that no rule matches, with what may have been meant.
pub(super) fn not_understood(id: &str, text: &str, mut near: Vec<String>) -> Final {
    log::debug!("{id}: no rule matches {} characters", text.len());
    // To suggest what was just said helps nobody.
    let said = normalise(text).to_lowercase();
    near.retain(|suggestion| normalise(suggestion).to_lowercase() != said);
    let message = match near.first() {
        None => "no rule matches this command; `hearthd match` shows why".to_owned(),
        Some(nearest) => format!("no rule matches this command; did you mean \u{201c}{nearest}\u{201d}?"),
    };
    let mut last = Final::refusal(None, Code::NotUnderstood, message);
    last.tier = Some(Tier::Intent);
    last.suggestions = near;
    last
}
