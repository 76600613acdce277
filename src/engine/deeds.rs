//! Tier 1 on devices: understood commands are granted by the home, sent, watched for their devices' reports, and answered
//! by what was reported.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use crate::core::dialogue::Turn;
use crate::core::home::wish::{self, Grant, Granted, Outcome, Said, Step, Wish};
use crate::core::intents::Hit;
use crate::core::reply::{Action, Code, Final, MatchedIntent, Status};
use crate::core::utterance::{Tier, Utterance};

use super::followups::{self, About};
use super::home::Ear;
use super::responder::Responder;
use super::state::Shared;
use super::{Command, lock, timers};

/// Commands on their way to be carried out.
pub(super) struct Deeds {
    parts: Vec<Part>,
    actions: Vec<Action>,
    /// By action: the step that it belongs to, as the part's and the step's place.
    owners: Vec<Option<(usize, usize)>>,
    /// The room that it was said in.
    area: Option<String>,
    /// The numbers of what is set for later with it.
    timers: Option<Range<u64>>,
    begun: Instant,
}

/// What was done, to take it back by.
#[derive(Clone, Debug, Default)]
pub(super) struct Done {
    pub(super) granted: Vec<Granted>,
    /// The numbers of timers that were set; `None` where none was changed.
    pub(super) timers: Option<Range<u64>>,
    /// A rule's own actions, which nothing takes back.
    pub(super) by_rule: bool,
    /// When it was begun: what takes long may end after what was said later.
    pub(super) begun: Option<Instant>,
}

impl Done {
    /// Whether anything was done.
    pub(super) fn is_something(&self) -> bool {
        self.by_rule || self.timers.is_some() || !self.granted.is_empty()
    }
}

/// What comes of one command.
enum Part {
    /// A text, where a rule does it or where it only asks.
    Text(String),
    /// Steps of devices, and the rule's own answer where it has one for a thing that is named.
    Steps(Granted, Option<String>),
}

/// Why nothing is done.
type Refused = (Code, String);

impl Deeds {
    /// Works out what comes of commands; nothing is sent. What nothing carries out is said before anything is: an answer
    /// that claims otherwise would be a lie.
    pub(super) fn plan(shared: &Shared, hits: &[Hit], area: Option<&str>) -> Result<Self, Refused> {
        let now = jiff::Zoned::now();
        let house = lock(&shared.home.house);
        let mut parts = Vec::new();
        for hit in hits {
            if !hit.is_handled {
                let message =
                    format!("this is understood as {}, but no action of the intent files carries it out", hit.name);
                return Err((Code::NotSupported, message));
            }
            if !hit.is_for_home {
                parts.push(Part::Text(hit.response.clone()));
                continue;
            }
            let wish = Wish { intent: &hit.name, slots: &hit.slots, known: &hit.known, area };
            let granted = house.grant(&wish, &now).map_err(|refusal| (Code::NotSupported, refusal.to_string()))?;
            let is_named = hit.slots.get("name").is_some_and(|name| name != "all");
            let response = Some(hit.response.clone()).filter(|text| is_named && text != "OK." && !text.is_empty());
            parts.push(match granted {
                Grant::Told(text) => Part::Text(text),
                Grant::Act(granted) => Part::Steps(granted, response),
            });
        }
        drop(house);
        Ok(Self::of(parts, area))
    }

    /// What takes something back: by devices, and what is to be said of the rest.
    pub(super) fn undoing(granted: Option<Granted>, text: Option<String>) -> Self {
        let steps = granted.map(|granted| Part::Steps(granted, None));
        Self::of(steps.into_iter().chain(text.map(Part::Text)).collect(), None)
    }

    fn of(parts: Vec<Part>, area: Option<&str>) -> Self {
        let (actions, owners, area) = (Vec::new(), Vec::new(), area.map(str::to_owned));
        Self { parts, actions, owners, area, timers: None, begun: Instant::now() }
    }

    fn into_done(self, hits: &[Hit]) -> Done {
        let by_rule = hits.iter().any(|hit| !hit.publishes.is_empty());
        let steps = self.parts.into_iter().filter_map(|part| match part {
            Part::Steps(granted, _) => Some(granted),
            Part::Text(_) => None,
        });
        Done { granted: steps.collect(), timers: self.timers, by_rule, begun: Some(self.begun) }
    }

    /// What would be opened, or made less safe, and needs a yes first.
    pub(super) fn guarded<'a>(&self, hits: &'a [Hit]) -> Option<&'a Hit> {
        let opens = |(hit, part): &(&Hit, &Part)| match part {
            Part::Steps(granted, _) => wish::needs_yes(hit, Some(granted)),
            Part::Text(_) => wish::needs_yes(hit, None),
        };
        hits.iter().zip(&self.parts).find(opens).map(|(hit, _)| hit)
    }

    /// The topics on which the devices that are told something report.
    fn reports(&self, shared: &Shared) -> HashSet<String> {
        let house = lock(&shared.home.house);
        self.steps().filter(|step| is_open(step)).flat_map(|step| house.reports(step)).collect()
    }

    fn steps(&self) -> impl Iterator<Item = &Step> {
        self.parts.iter().flat_map(|part| match part {
            Part::Steps(granted, _) => granted.steps.as_slice(),
            Part::Text(_) => &[],
        })
    }

    /// Sends everything, in order.
    fn send(&mut self, shared: &Shared, hits: &[Hit]) -> Result<(), Refused> {
        for (place, (hit, part)) in hits.iter().zip(&self.parts).enumerate() {
            let by_rule = hit.publishes.iter().map(|publish| {
                let (topic, payload) = (publish.topic.clone(), publish.payload.clone());
                (None, Command { topic, payload, qos: publish.qos, retain: publish.retain })
            });
            let steps: &[Step] = if let Part::Steps(granted, _) = part { &granted.steps } else { &[] };
            let by_home = steps.iter().enumerate().flat_map(|(number, step)| {
                step.messages.iter().map(move |message| (Some((place, number)), Command::from(message.clone())))
            });
            for (owner, command) in by_rule.chain(by_home) {
                let (topic, payload) = (command.topic.clone(), command.payload.clone());
                shared.bus.command(command).map_err(|error| (error.code(), error.to_string()))?;
                self.actions.push(Action { topic, payload, device: None, outcome: None });
                self.owners.push(owner);
            }
        }
        Ok(())
    }

    /// Takes in what was reported; whether anything is still open.
    fn look(&mut self, shared: &Shared, is_end: bool) -> bool {
        let now = jiff::Zoned::now();
        let house = lock(&shared.home.house);
        let mut open = false;
        for part in &mut self.parts {
            let Part::Steps(granted, _) = part else { continue };
            for step in granted.steps.iter_mut().filter(|step| is_open(step)) {
                step.outcome = house.progress(step, is_end, &now);
                open |= is_open(step);
            }
        }
        open
    }

    /// Waits until every device has reported, or the time is over.
    async fn watch(&mut self, shared: &Shared, ear: &Ear, until: Instant) {
        while self.look(shared, false) {
            if tokio::time::timeout_at(until.into(), ear.report()).await.is_err() {
                self.look(shared, true);
                return;
            }
        }
    }

    /// Says how it went.
    fn conclude(&mut self, responder: &mut Responder) -> Final {
        let mut texts = Vec::new();
        let mut offline = None;
        for part in &mut self.parts {
            let Part::Steps(granted, response) = part else {
                if let Part::Text(text) = part {
                    texts.push(text.clone());
                }
                continue;
            };
            for step in granted.steps.iter_mut().filter(|step| step.outcome == Outcome::Sent) {
                step.outcome = Outcome::Unanswered;
            }
            match granted.say(response.as_deref()) {
                Said::Text(text) => texts.push(text),
                Said::Offline(text) => offline = Some(text),
            }
        }
        self.tell_outcomes();
        let mut last = match offline {
            Some(text) if texts.is_empty() => Final::refusal(None, Code::DeviceOffline, text),
            offline => {
                texts.extend(offline);
                // A sink that is gone changes nothing: the command was carried out and the final object says so.
                let _ = responder.chunk(texts.join(" "));
                Final::new(None, Status::Ok)
            }
        };
        last.actions = std::mem::take(&mut self.actions);
        last
    }

    fn tell_outcomes(&mut self) {
        for (action, owner) in self.actions.iter_mut().zip(&self.owners) {
            let Some((part, step)) = owner else { continue };
            if let Some(Part::Steps(granted, _)) = self.parts.get(*part)
                && let Some(step) = granted.steps.get(*step)
            {
                action.device = Some(step.through.as_ref().unwrap_or(&step.name).clone());
                action.outcome = Some(granted.outcome_of(step).as_str());
            }
        }
    }
}

/// The final object with what was understood.
pub(super) fn describe(hits: Vec<Hit>, mut last: Final) -> Final {
    last.tier = Some(Tier::Intent);
    let matched = hits.into_iter().map(|hit| MatchedIntent { name: hit.name, slots: hit.slots, source: hit.source });
    let matched: Vec<MatchedIntent> = matched.collect();
    last.intent = matched.first().cloned();
    if matched.len() > 1 {
        last.intents = matched;
    }
    last
}

/// Whether a step's end is not known yet. A lock that turns is not locked before it says so; a blind takes its time.
fn is_open(step: &Step) -> bool {
    step.outcome == Outcome::Sent || (step.outcome == Outcome::OnItsWay && step.is_short())
}

/// What is asked before a command that opens what guards the house.
pub(super) fn question(hit: &Hit) -> String {
    let what = hit.guarded.as_deref().unwrap_or("that");
    let what = if what.starts_with("the ") { what.to_owned() } else { format!("the {what}") };
    let domain = hit.known.get("name").and_then(|known| known.get("domain")).and_then(|domain| domain.as_str());
    match (hit.name.as_str(), domain) {
        ("HassTurnOff", Some("lock")) => format!("Unlock {what}?"),
        ("HassTurnOn", Some("cover" | "valve") | None) | ("HassSetPosition" | "HassOpenCover", _) => {
            format!("Open {what}?")
        }
        ("HassTurnOn", _) => format!("Turn on {what}?"),
        ("HassTurnOff", _) => format!("Turn off {what}?"),
        _ => match ["option", "source", "preset_mode", "number", "mode", "hvac_mode"]
            .iter()
            .find_map(|slot| hit.slots.get(*slot))
        {
            Some(Value::String(value)) => format!("Set {what} to {}?", value.replace('_', " ")),
            Some(value) => format!("Set {what} to {value}?"),
            None => format!("Really, with {what}?"),
        },
    }
}

/// Sends what was planned and sees to it that it is answered: at once where nothing is to be reported, else on a task of its
/// own.
pub(super) fn carry_out(
    shared: &Arc<Shared>,
    (mut deeds, set): (Deeds, timers::Set<'_>),
    hits: Vec<Hit>,
    utterance: Utterance,
    mut responder: Responder,
) {
    // Before anything is sent, so that no report is missed.
    let topics = deeds.reports(shared);
    let ear = if topics.is_empty() { None } else { shared.home.listen(topics) };
    if let Err((code, message)) = deeds.send(shared, &hits) {
        let mut last = Final::refusal(None, code, message);
        last.actions = std::mem::take(&mut deeds.actions);
        return finish(shared, &utterance, responder, (hits, deeds), last);
    }
    deeds.timers = set.keep();
    if deeds.timers.is_some() {
        // At once: a device that is told something with it may take its time.
        let done = Done { timers: deeds.timers.clone(), begun: Some(deeds.begun), ..Done::default() };
        lock(&shared.followups).keep(&utterance, None, done, Instant::now());
    }
    // Asked for under the lock: what is spawned after the drain took the tasks, nobody would wait for.
    let mut tasks = lock(&shared.tasks);
    let Some(ear) = ear.filter(|_| !shared.is_draining()) else {
        drop(tasks);
        let last = deeds.conclude(&mut responder);
        return finish(shared, &utterance, responder, (hits, deeds), last);
    };
    let until = Instant::now() + shared.settings().home.confirm_within;
    let shared = Arc::clone(shared);
    // What has ended is let go here, so that the set holds only what runs.
    while tasks.try_join_next().is_some() {}
    tasks.spawn(async move {
        deeds.watch(&shared, &ear, until).await;
        drop(ear);
        let last = deeds.conclude(&mut responder);
        finish(&shared, &utterance, responder, (hits, deeds), last);
    });
}

/// Ends it. What was done is a turn of the conversation, so that a model that is asked next does not contradict it.
fn finish(
    shared: &Shared,
    utterance: &Utterance,
    responder: Responder,
    (hits, mut deeds): (Vec<Hit>, Deeds),
    last: Final,
) {
    if last.status == Status::Ok {
        let is_told = hits.iter().any(|hit| hit.is_for_home) || deeds.timers.is_some();
        let mut about = None;
        if is_told && responder.has_text() {
            let turn = Turn { user: utterance.text.clone(), assistant: responder.text().to_owned() };
            lock(&shared.conversations).add(&utterance.user_id, turn, 0, Instant::now());
            about = about_of(&hits, &utterance.text, deeds.area.take());
        }
        lock(&shared.followups).keep(utterance, about, deeds.into_done(&hits), Instant::now());
    }
    shared.finish(utterance, responder, describe(hits, last));
}

/// What may be leaned on after these commands.
fn about_of(hits: &[Hit], text: &str, area: Option<String>) -> Option<About> {
    let hit = hits.iter().rev().find(|hit| hit.is_for_home && hit.name != followups::UNDO)?;
    Some(About::Command { text: text.to_owned(), hit: Box::new(hit.clone()), area })
}
