//! `hearthd match`: which tier would answer, and why, without doing it.

use serde_json::json;

use crate::config::file::Loaded;
use crate::core::routing::{self, Asked, Route};
use crate::core::utterance::{Utterance, parse_object};

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
    let hit = rules.find(&text, &lang, site_id.as_ref().map(crate::core::utterance::Identifier::as_str));
    let asked = Asked { text: &text, lang: &lang, tier: None, hit: hit.is_some() };
    let decision = routing::route(&asked, &loaded.config.routing.settings());
    let tier = decision.tier;
    let near = if decision.tier == Route::NotUnderstood {
        rules.missed(&Said { text: &text, lang: &lang, ..Said::default() }).suggestions
    } else {
        Vec::new()
    };
    if args.json {
        let intent = hit.map(|hit| {
            let actions: Vec<_> =
                hit.publishes.iter().map(|publish| json!({ "topic": publish.topic, "payload": publish.payload })).collect();
            json!({ "name": hit.name, "slots": hit.slots, "source": hit.source, "response": hit.response, "actions": actions })
        });
        say(&json!({
            "tier": tier, "reason": decision.reason, "scores": decision.scores, "intent": intent, "suggestions": near,
        }));
        return Outcome::Done;
    }
    say(&format_args!("tier:     {tier}\nbecause:  {}", decision.reason));
    if let Some(scores) = decision.scores {
        say(&format_args!("scores:   {scores}"));
    }
    if let Some(hit) = hit {
        say(&format_args!("intent:   {}\nrule:     {}", hit.name, hit.source));
        for (slot, value) in &hit.slots {
            say(&format_args!("slot:     {slot} = {value}"));
        }
        for publish in &hit.publishes {
            say(&format_args!("action:   {} {}", publish.topic, publish.payload));
        }
        say(&format_args!("response: {}", hit.response));
    }
    for suggestion in near {
        say(&format_args!("near:     {suggestion}"));
    }
    Outcome::Done
}
