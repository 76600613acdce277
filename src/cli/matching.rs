//! `hearthd match`: which tier would answer, and why, without doing it.

use serde_json::{Map, Value, json};

use crate::config::file::Loaded;
use crate::core::dialogue::timers;
use crate::core::intents::{Explanation, Hit, Missed, Said, Understood};
use crate::core::routing::{self, Asked, Decision, Route};
use crate::core::utterance::{Identifier, Utterance, parse_object};
use crate::engine;

use super::arguments::MatchArgs;
use super::{Outcome, complain, say, say_all, sources};

pub(super) fn run(loaded: &Loaded, args: &MatchArgs) -> Outcome {
    let (rules, problems) = sources::load(&loaded.config.intents);
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
    let site = site_id.as_ref().map(Identifier::as_str);
    let now = engine::intent::now();
    let said = Said { text: &text, lang: &lang, site, context: Some(&context), now: Some(&now) };
    let explanation = rules.explain(&said);
    let hit = explanation.understood != Understood::Nothing;
    let asked = Asked { text: &text, lang: &lang, tier: None, hit };
    let decision = routing::route(&asked, &loaded.config.routing.settings());
    let missed = (decision.tier == Route::NotUnderstood).then(|| rules.missed(&said));
    if args.json {
        say(&as_json(&explanation, &decision, missed.as_ref()));
    } else {
        show(&explanation, &decision, missed.as_ref());
    }
    Outcome::Done
}

fn hits(understood: &Understood) -> &[Hit] {
    if let Understood::Hits(hits) = understood { hits } else { &[] }
}

fn hit_as_json(hit: &Hit) -> Value {
    let publishes = hit.publishes.iter();
    let actions: Vec<_> =
        publishes.map(|publish| json!({ "topic": publish.topic, "payload": publish.payload })).collect();
    json!({
        "name": hit.name,
        "slots": hit.slots,
        "source": hit.source,
        "sentence": hit.sentence.trim(),
        "corrected": hit.corrected,
        "response": hit.response,
        "is_handled": hit.is_handled || timers::carries_out(&hit.name),
        "actions": actions,
    })
}

/// `intent` is the first of `intents`, as in replies.
fn as_json(explanation: &Explanation, decision: &Decision, missed: Option<&Missed>) -> Value {
    let intents: Vec<Value> = hits(&explanation.understood).iter().map(hit_as_json).collect();
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

fn show(explanation: &Explanation, decision: &Decision, missed: Option<&Missed>) {
    say(&format_args!("tier:     {}\nbecause:  {}", decision.tier, decision.reason));
    if let Some(scores) = decision.scores {
        say(&format_args!("scores:   {scores}"));
    }
    let hits = hits(&explanation.understood);
    if hits.len() > 1 {
        say(&format_args!("commands: {}", hits.len()));
    }
    for hit in hits {
        show_hit(hit);
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

fn show_hit(hit: &Hit) {
    say(&format_args!("intent:   {}", hit.name));
    if let Some(corrected) = &hit.corrected {
        say(&format_args!("heard as: {corrected}"));
    }
    say(&format_args!("rule:     {}\nsentence: {}", hit.source, hit.sentence.trim()));
    for (slot, value) in &hit.slots {
        say(&format_args!("slot:     {slot} = {value}"));
    }
    for publish in &hit.publishes {
        say(&format_args!("action:   {} {}", publish.topic, publish.payload));
    }
    if hit.is_handled {
        say(&format_args!("response: {}", hit.response));
    } else if timers::carries_out(&hit.name) {
        say(&"done by:  the daemon's timers");
    } else {
        say(&"refused:  no action of the intent files carries it out");
    }
}
