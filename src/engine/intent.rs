//! Tier 1: understood commands are carried out once nothing stands in their way, and what is no command is answered as
//! such.

use std::sync::Arc;
use std::time::Instant;

use crate::core::intents::{Clock, Hit, Missed, Now, Rules, Said, Unclear, Understood};
use crate::core::reply::{Code, Final, Status};
use crate::core::utterance::{Tier, Utterance};

use super::consent::{self, Answer};
use super::deeds::{self, Deeds};
use super::followups;
use super::lock;
use super::responder::Responder;
use super::state::Shared;
use super::timers;

/// What stands in the place of a PIN wherever a text is kept or shown.
const UNSAID: &str = "(a PIN)";

/// Intents that change what is on: they may lean on what was said before.
const CHANGES: [&str; 4] = ["HearthdLightStep", "HassLightSet", "HearthdFanStep", "HassFanSetSpeed"];

/// Takes an utterance that answers a question of ours, so that it is carried out, or not; gives it back where it does not.
pub(super) fn answer(
    shared: &Arc<Shared>,
    utterance: Utterance,
    mut responder: Responder,
) -> Option<(Utterance, Responder)> {
    let settings = shared.settings();
    let answer = lock(&shared.questions).answer(&utterance, settings.home.pin.as_ref(), Instant::now());
    let (text, utterance) = match answer {
        Answer::None => return followups::undo(shared, utterance, responder),
        Answer::Yes(hits) => {
            let utterance = if settings.home.pin.is_some() { unsaid(utterance) } else { utterance };
            act(shared, hits, utterance, responder, true);
            return None;
        }
        Answer::AskPin => ("Say the PIN.", utterance),
        Answer::No => ("All right, nothing was done.", utterance),
        Answer::Nothing => ("There is nothing to say yes to.", utterance),
        Answer::WrongPin => {
            let mut last = Final::refusal(None, Code::NotConfirmed, "that is not the PIN, so nothing was done");
            last.tier = Some(Tier::Intent);
            shared.finish(&unsaid(utterance), responder, last);
            return None;
        }
    };
    let last = say(&mut responder, text);
    shared.finish(&utterance, responder, last);
    None
}

/// What was meant; with the whole sentence, where that leans on what was said before.
pub(super) fn understand(
    shared: &Shared,
    rules: &Rules,
    utterance: &Utterance,
    said: &Said<'_>,
) -> (Understood, Option<String>) {
    let understood = rules.understand(said);
    let of_room =
        if followups::are_possible(shared, utterance) { of_room_alone(rules, &understood, said) } else { None };
    if matches!(understood, Understood::Hits(_)) && of_room.is_none() {
        return (understood, None);
    }
    match followups::in_full(shared, rules, utterance, said) {
        Some((text, hits)) if of_room.is_none_or(|intent| hits.iter().all(|hit| hit.name == intent)) => {
            (Understood::Hits(hits), Some(text))
        }
        _ => (understood, None),
    }
}

/// The intent of "a bit brighter" and the like, which is about the room it is said in only where it leans on nothing: what
/// somebody has just spoken of is nearer.
fn of_room_alone<'a>(rules: &Rules, understood: &'a Understood, said: &Said<'_>) -> Option<&'a str> {
    let Understood::Hits(hits) = understood else { return None };
    let [hit] = hits.as_slice() else { return None };
    if said.site.is_none() || !CHANGES.contains(&hit.name.as_str()) || hit.slots.contains_key("name") {
        return None;
    }
    let anywhere = rules.understand(&Said { site: None, context: None, ..*said });
    (!matches!(anywhere, Understood::Hits(_))).then_some(hit.name.as_str())
}

fn unsaid(utterance: Utterance) -> Utterance {
    Utterance { text: UNSAID.to_owned(), ..utterance }
}

/// An answer of tier 1 that does nothing.
fn say(responder: &mut Responder, text: &str) -> Final {
    // A sink that is gone changes nothing.
    let _ = responder.chunk(text.to_owned());
    Final { tier: Some(Tier::Intent), ..Final::new(None, Status::Ok) }
}

/// Carries out commands, or asks for a yes first where one would open what guards the house.
pub(super) fn act(
    shared: &Arc<Shared>,
    hits: Vec<Hit>,
    utterance: Utterance,
    mut responder: Responder,
    is_confirmed: bool,
) {
    let area = utterance.site_id.as_ref().map(|site| lock(&shared.home.house).area_of_site(site.as_str()).to_owned());
    let mut answered = hits.clone();
    let planned = timers::set(shared, &mut answered, &utterance, area.as_deref()).and_then(|set| {
        let deeds = Deeds::plan(shared, &answered, area.as_deref());
        deeds.map(|deeds| (set, deeds)).map_err(|(code, message)| Box::new(Final::refusal(None, code, message)))
    });
    let (set, deeds) = match planned {
        Ok(planned) => planned,
        Err(refusal) => return shared.finish(&utterance, responder, deeds::describe(hits, *refusal)),
    };
    let Some(guarded) = deeds.guarded(&hits).filter(|_| !is_confirmed) else {
        return deeds::carry_out(shared, (deeds, set), answered, utterance, responder);
    };
    drop(set);
    let within = consent::WITHIN.as_secs();
    let last = say(&mut responder, &format!("{} Say yes within {within} seconds.", deeds::question(guarded)));
    let last = deeds::describe(hits.clone(), last);
    lock(&shared.questions).ask(&utterance, hits, Instant::now());
    shared.finish(&utterance, responder, last);
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
