//! `hearthd match`: which tier would answer, and why, without doing it.

use serde_json::{Map, Value, json};

use crate::config::file::Loaded;
use crate::core::dialogue::timers;
use crate::core::home::wish::{self, Grant, Granted, Refusal, Wish};
use crate::core::home::{House, Message};
use crate::core::intents::{Explanation, Hit, Missed, Said, Understood};
use crate::core::routing::{self, Asked, Decision, Route};
use crate::core::utterance::{Identifier, Utterance, parse_object};
use crate::engine;

use super::arguments::MatchArgs;
use super::{Outcome, complain, devices, say, say_all, sources};

pub(super) fn run(loaded: &Loaded, args: &MatchArgs) -> Outcome {
    let (mut rules, problems) = sources::load(&loaded.config.intents);
    if !problems.is_empty() {
        say_all(&problems);
        return Outcome::NotStarted;
    }
    let object = json!({ "text": args.text, "site_id": args.site, "lang": args.lang }).to_string();
    let Utterance { text, site_id, lang, .. } = match parse_object(&object, None) {
        Ok(utterance) => utterance,
        Err(refusal) => {
            complain(&refusal.message);
            return Outcome::Problems;
        }
    };
    let lang = lang.unwrap_or_else(|| loaded.config.language.0.clone());
    let context: Map<String, Value> = args.context.iter().cloned().collect();
    let mut house = match args.devices.then(|| devices::listen(loaded, devices::USUAL)) {
        Some(Err(outcome)) => return outcome,
        house => house.and_then(Result::ok),
    };
    if let Some(house) = &mut house {
        rules = rules.for_home(&house.settle(&rules.rooms(&lang), &lang));
    }
    let site = site_id.as_ref().map(Identifier::as_str);
    let site = site.map(|site| house.as_ref().map_or(site, |house| house.area_of_site(site)));
    let now = engine::intent::now();
    let said = Said { text: &text, lang: &lang, site, context: Some(&context), now: Some(&now), ..Said::default() };
    let explanation = rules.explain(&said);
    let hit = explanation.understood != Understood::Nothing;
    let asked = Asked { text: &text, lang: &lang, tier: None, hit };
    let decision = routing::route(&asked, &loaded.config.routing.settings());
    let missed = (decision.tier == Route::NotUnderstood).then(|| rules.missed(&said));
    let by_home = |hit: &Hit| house.as_ref().and_then(|house| done_by(house, hit, site));
    let done: Vec<_> = hits(&explanation.understood).iter().map(by_home).collect();
    if args.json {
        say(&as_json(&explanation, &done, &decision, missed.as_ref()));
    } else {
        show(&explanation, &done, &decision, missed.as_ref());
    }
    Outcome::Done
}

/// What the home's devices make of a command; `None` where a rule does it.
type Done = Option<Result<Grant, Refusal>>;

fn done_by(house: &House, hit: &Hit, area: Option<&str>) -> Done {
    let wish = Wish { intent: &hit.name, slots: &hit.slots, known: &hit.known, area };
    hit.is_for_home.then(|| house.grant(&wish, &jiff::Zoned::now()))
}

fn granted(done: &Done) -> Option<&Granted> {
    if let Some(Ok(Grant::Act(granted))) = done { Some(granted) } else { None }
}

fn needs_yes(hit: &Hit, done: &Done) -> bool {
    wish::needs_yes(hit, granted(done))
}

/// The messages that a command would send to devices, each with the device's name.
fn messages(done: &Done) -> impl Iterator<Item = (&str, &Message)> {
    granted(done).into_iter().flat_map(|granted| &granted.steps).flat_map(|step| {
        let name = step.through.as_ref().unwrap_or(&step.name);
        step.messages.iter().map(move |message| (name.as_str(), message))
    })
}

fn hits(understood: &Understood) -> &[Hit] {
    if let Understood::Hits(hits) = understood { hits } else { &[] }
}

fn hit_as_json((hit, done): (&Hit, &Done)) -> Value {
    let by_rule = hit.publishes.iter().map(|publish| json!({ "topic": publish.topic, "payload": publish.payload }));
    let by_device = messages(done)
        .map(|(name, message)| json!({ "topic": message.topic, "payload": message.payload, "device": name }));
    let actions: Vec<Value> = by_rule.chain(by_device).collect();
    let (answer, refused) = match done {
        Some(Ok(Grant::Told(text))) => (Some(text), None),
        Some(Err(refusal)) => (None, Some(refusal.to_string())),
        _ => (None, None),
    };
    json!({
        "answer": answer,
        "refused": refused,
        "name": hit.name,
        "slots": hit.slots,
        "source": hit.source,
        "sentence": hit.sentence.trim(),
        "corrected": hit.corrected,
        "response": hit.response,
        "needs_yes": needs_yes(hit, done),
        "is_handled": hit.is_handled || timers::carries_out(&hit.name),
        "actions": actions,
    })
}

/// `intent` is the first of `intents`, as in replies.
fn as_json(explanation: &Explanation, done: &[Done], decision: &Decision, missed: Option<&Missed>) -> Value {
    let intents: Vec<Value> = hits(&explanation.understood).iter().zip(done).map(hit_as_json).collect();
    let (question, suggestions) = match &explanation.understood {
        Understood::Unclear(unclear) => (Some(&unclear.message), unclear.suggestions.as_slice()),
        Understood::Hits(_) | Understood::Nothing => {
            (None, missed.map_or(&[][..], |missed| missed.suggestions.as_slice()))
        }
    };
    json!({
        "tier": decision.tier,
        "reason": decision.reason,
        "scores": decision.scores,
        "intent": intents.first(),
        "intents": intents,
        "runner_up": explanation.runner_up,
        "others": explanation.others,
        "question": question,
        "missed": missed.map(|missed| &missed.message),
        "suggestions": suggestions,
    })
}

fn show(explanation: &Explanation, done: &[Done], decision: &Decision, missed: Option<&Missed>) {
    say(&format_args!("tier:     {}\nbecause:  {}", decision.tier, decision.reason));
    if let Some(scores) = decision.scores {
        say(&format_args!("scores:   {scores}"));
    }
    let hits = hits(&explanation.understood);
    if hits.len() > 1 {
        say(&format_args!("commands: {}", hits.len()));
    }
    for (hit, done) in hits.iter().zip(done) {
        show_hit(hit, done);
    }
    if let Understood::Unclear(unclear) = &explanation.understood {
        say(&format_args!("asks:     {}", unclear.message));
        for suggestion in &unclear.suggestions {
            say(&format_args!("offers:   {suggestion}"));
        }
    }
    if let Some(next) = &explanation.runner_up {
        let (title, verb) = if hits.is_empty() { ("refused:", "why:") } else { ("next:", "lost:") };
        say(&format_args!("{title:<10}{} `{}` ({})", next.name, next.sentence, next.source));
        say(&format_args!("{verb:<10}{}", next.why));
    }
    if explanation.others > 0 {
        let (sentences, match_) =
            if explanation.others == 1 { ("sentence", "matches") } else { ("sentences", "match") };
        say(&format_args!("others:   {} more {sentences} {match_}", explanation.others));
    }
    if let Some(missed) = missed {
        say(&format_args!("answers:  {}", missed.message));
        for suggestion in &missed.suggestions {
            say(&format_args!("near:     {suggestion}"));
        }
    }
}

fn show_hit(hit: &Hit, done: &Done) {
    say(&format_args!("intent:   {}", hit.name));
    if let Some(corrected) = &hit.corrected {
        say(&format_args!("heard as: {corrected}"));
    }
    say(&format_args!("rule:     {}\nsentence: {}", hit.source, hit.sentence.trim()));
    for (slot, value) in &hit.slots {
        say(&format_args!("slot:     {slot} = {value}"));
    }
    if needs_yes(hit, done) {
        say(&"asks:     for a yes first, since it opens what guards the house");
    }
    for publish in &hit.publishes {
        say(&format_args!("action:   {} {}", publish.topic, publish.payload));
    }
    for (name, message) in messages(done) {
        say(&format_args!("device:   {name}\naction:   {} {}", message.topic, message.payload));
    }
    match done {
        Some(Ok(Grant::Told(text))) => return say(&format_args!("response: {text}")),
        Some(Err(refusal)) => return say(&format_args!("refused:  {refusal}")),
        Some(Ok(Grant::Act(granted))) if granted.steps.iter().all(|step| step.messages.is_empty()) => {
            return say(&"refused:  what is meant cannot be reached, so nothing would be sent");
        }
        _ => {}
    }
    if hit.is_handled {
        say(&format_args!("response: {}", hit.response));
    } else if timers::carries_out(&hit.name) {
        say(&"done by:  the daemon's timers");
    } else {
        say(&"refused:  no action of the intent files carries it out");
    }
}
