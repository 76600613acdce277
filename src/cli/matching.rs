//! `hearthd match`: which tier would answer, and why, without doing it.

use serde_json::{Map, Value, json};

use crate::config::file::Loaded;
use crate::core::intents::{Explanation, Hit, Said};
use crate::core::routing::{self, Decision, Route};
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
    let explanation = rules.explain(&Said { text: &text, lang: &lang, site, context: Some(&context), now: Some(&now) });
    let decision = routing::route(&text, None, explanation.hit.is_some());
    let near = if decision.tier == Route::NotUnderstood { rules.near(&text, &lang) } else { Vec::new() };
    if args.json {
        say(&as_json(&explanation, &decision, &near));
    } else {
        show(&explanation, &decision, &near);
    }
    Outcome::Done
}

fn name(tier: Route) -> &'static str {
    match tier {
        Route::Intent => "intent",
        Route::NotUnderstood => "not_understood",
        Route::Chat => "chat",
        Route::Explain => "explain",
    }
}

fn as_json(explanation: &Explanation, decision: &Decision, near: &[String]) -> Value {
    let intent = explanation.hit.as_ref().map(|hit| {
        let publishes = hit.publishes.iter();
        let actions: Vec<_> =
            publishes.map(|publish| json!({ "topic": publish.topic, "payload": publish.payload })).collect();
        json!({
            "name": hit.name,
            "slots": hit.slots,
            "source": hit.source,
            "sentence": hit.sentence.trim(),
            "response": hit.response,
            "is_handled": hit.is_handled,
            "actions": actions,
        })
    });
    json!({
        "tier": name(decision.tier),
        "reason": decision.reason,
        "intent": intent,
        "runner_up": explanation.runner_up,
        "suggestions": near,
    })
}

fn show(explanation: &Explanation, decision: &Decision, near: &[String]) {
    say(&format_args!("tier:     {}\nbecause:  {}", name(decision.tier), decision.reason));
    if let Some(hit) = &explanation.hit {
        show_hit(hit);
    }
    if let Some(next) = &explanation.runner_up {
        let title = if explanation.hit.is_some() { "next:" } else { "refused:" };
        say(&format_args!("{title:<10}{} `{}` ({})", next.name, next.sentence, next.source));
        let verb = if explanation.hit.is_some() { "lost:" } else { "why:" };
        say(&format_args!("{verb:<10}{}", next.why));
    }
    if explanation.others > 0 {
        let (sentences, match_) =
            if explanation.others == 1 { ("sentence", "matches") } else { ("sentences", "match") };
        say(&format_args!("others:   {} more {sentences} {match_}", explanation.others));
    }
    for suggestion in near {
        say(&format_args!("near:     {suggestion}"));
    }
}

fn show_hit(hit: &Hit) {
    say(&format_args!("intent:   {}\nrule:     {}\nsentence: {}", hit.name, hit.source, hit.sentence.trim()));
    for (slot, value) in &hit.slots {
        say(&format_args!("slot:     {slot} = {value}"));
    }
    for publish in &hit.publishes {
        say(&format_args!("action:   {} {}", publish.topic, publish.payload));
    }
    if hit.is_handled {
        say(&format_args!("response: {}", hit.response));
    } else {
        say(&"refused:  no action of the intent files carries it out");
    }
}
