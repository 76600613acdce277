//! Tier 1: a matched rule is carried out, a command that none matches is answered as such.

use crate::core::intents::{Clock, Hit, Missed, Now, Unclear};
use crate::core::reply::{Action, Code, Final, MatchedIntent, Status};
use crate::core::utterance::Tier;

use super::responder::Responder;
use super::{Bus, BusError, Command};

/// Sends the commands of rules in order and says their responses, or what kept them from being carried out. What nothing
/// carries out is said to be so, before anything is sent: an answer that claims otherwise would be a lie.
pub(super) fn act(hits: Vec<Hit>, bus: &dyn Bus, responder: &mut Responder) -> Final {
    let unhandled = hits.iter().find(|hit| !hit.is_handled).map(|hit| {
        let message = format!("this is understood as {}, but no action of the intent files carries it out", hit.name);
        Final::refusal(None, Code::NotSupported, message)
    });
    let mut actions = Vec::new();
    let mut last = match unhandled {
        Some(refusal) => refusal,
        None => match send(&hits, bus, &mut actions) {
            Ok(()) => {
                let answers: Vec<&str> = hits.iter().map(|hit| hit.response.as_str()).collect();
                // A sink that is gone changes nothing: the command was carried out and the final object says so.
                let _ = responder.chunk(answers.join(" "));
                Final::new(None, Status::Ok)
            }
            Err(error) => Final::refusal(None, error.code(), error.to_string()),
        },
    };
    last.tier = Some(Tier::Intent);
    last.actions = actions;
    let matched = hits.into_iter().map(|hit| MatchedIntent { name: hit.name, slots: hit.slots, source: hit.source });
    let matched: Vec<MatchedIntent> = matched.collect();
    last.intent = matched.first().cloned();
    if matched.len() > 1 {
        last.intents = matched;
    }
    last
}

fn send(hits: &[Hit], bus: &dyn Bus, actions: &mut Vec<Action>) -> Result<(), BusError> {
    for publish in hits.iter().flat_map(|hit| &hit.publishes) {
        bus.command(Command {
            topic: publish.topic.clone(),
            payload: publish.payload.clone(),
            qos: publish.qos,
            retain: publish.retain,
        })?;
        actions.push(Action { topic: publish.topic.clone(), payload: publish.payload.clone() });
    }
    Ok(())
}

/// Asks back what was meant; nothing is done.
pub(super) fn ask_back(unclear: Unclear) -> Final {
    let mut last = Final::refusal(None, Code::NotUnderstood, unclear.message);
    last.tier = Some(Tier::Intent);
    last.suggestions = unclear.suggestions;
    last
}

/// The time as rules' answers tell it.
pub(crate) fn now() -> Now {
    let now = jiff::Zoned::now();
    // None of them is ever negative but the year.
    let number = |number: i8| u8::try_from(number).unwrap_or_default();
    let clock = Clock {
        hour: number(now.hour()),
        minute: number(now.minute()),
        second: number(now.second()),
        year: now.year(),
        month: number(now.month()),
        day: number(now.day()),
        weekday: number(now.weekday().to_monday_zero_offset()),
    };
    Now { time: now.strftime("%-I:%M %p").to_string(), date: now.strftime("%A, %-d %B %Y").to_string(), clock }
}

/// Says that no rule matches, with what may have been meant.
pub(super) fn not_understood(missed: Missed) -> Final {
    let mut last = Final::refusal(None, Code::NotUnderstood, missed.message);
    last.tier = Some(Tier::Intent);
    last.suggestions = missed.suggestions;
    last
}
