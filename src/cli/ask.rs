//! `hearthd ask`: one utterance through the broker, its reply as it streams, then tier and times in one dim line.

use std::io::{self, IsTerminal, Write};

use serde_json::{Value, json};

use crate::config::file::Loaded;
use crate::core::utterance::Tier;
use crate::engine;
use crate::transport::mqtt::ask::{self, Question};

use super::arguments::{AskArgs, TierName};
use super::{Outcome, complain, connect, not_started, say};

pub(super) fn run(loaded: &Loaded, args: &AskArgs) -> Outcome {
    let id = engine::fresh_id();
    let settings = match connect::visitor(loaded, &format!("ask-{id}")) {
        Ok(settings) => settings,
        Err(error) => return not_started(&error),
    };
    let question = Question { payload: payload(args, &id), id, within: args.timeout };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return not_started(&error),
    };
    let mut printed = String::new();
    let answer = runtime.block_on(ask::ask(&settings, &question, |reply| {
        if args.json {
            say(reply);
        } else if let Some(chunk) = reply.get("chunk").and_then(Value::as_str) {
            printed.push_str(chunk);
            let mut out = io::stdout().lock();
            // A reader that went away is no error.
            let _ = out.write_all(chunk.as_bytes()).and_then(|()| out.flush());
        }
    }));
    match answer {
        Ok(last) => {
            if !args.json {
                show(&last, &printed);
            }
            if last.get("status").is_some_and(|status| status == "ok") { Outcome::Done } else { Outcome::Problems }
        }
        Err(error) => {
            complain(&error);
            Outcome::Problems
        }
    }
}

fn payload(args: &AskArgs, id: &str) -> String {
    let tier = args.tier.map(|tier| match tier {
        TierName::Intent => Tier::Intent,
        TierName::Chat => Tier::Chat,
        TierName::Explain => Tier::Explain,
    });
    json!({ "id": id, "text": args.text, "tier": tier, "site_id": args.site, "user_id": args.user, "lang": args.lang })
        .to_string()
}

/// The rest of the text, what went wrong, what was sent, and where the time went.
fn show(last: &Value, printed: &str) {
    let text = last.get("text").and_then(Value::as_str).unwrap_or_default();
    let rest = text.strip_prefix(printed).unwrap_or_default();
    let mut lines: Vec<String> = if text.is_empty() { Vec::new() } else { vec![rest.to_owned()] };
    let part = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let items = |name: &str| last.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let error = last.get("error");
    lines.extend(error.map(|error| format!("{} ({})", part(error, "message"), part(error, "code"))));
    lines.extend(items("suggestions").iter().filter_map(Value::as_str).map(|suggestion| format!("  - {suggestion}")));
    let (dim, plain) = if io::stdout().is_terminal() { ("\u{1b}[2m", "\u{1b}[0m") } else { ("", "") };
    let sent = |action: &Value| format!("{dim}-> {} {}{plain}", part(action, "topic"), part(action, "payload"));
    lines.extend(items("actions").iter().map(sent));
    lines.push(format!("{dim}{}{plain}", times(last)));
    say(&lines.join("\n"));
}

fn times(last: &Value) -> String {
    let text = |name: &str| last.get(name).and_then(Value::as_str);
    let time = |name: &str| last.pointer(&format!("/timing/{name}")).and_then(Value::as_f64);
    let mut parts = vec![format!("tier {}", text("tier").unwrap_or("none"))];
    parts.extend(text("model").map(str::to_owned));
    parts.extend(last.get("cached").is_some_and(|cached| cached == true).then(|| "answered before".to_owned()));
    parts.extend(text("fallback").map(|why| format!("instead of {why}")));
    parts.extend(time("first_chunk_ms").map(|ms| format!("first chunk {ms:.1} ms")));
    parts.extend(time("total_ms").map(|ms| format!("total {ms:.1} ms")));
    let tokens = last.pointer("/usage/completion_tokens").and_then(Value::as_u64);
    parts.extend(tokens.map(|tokens| format!("{tokens} tokens")));
    parts.extend(time("tokens_per_second").map(|rate| format!("{rate:.1} tokens/s")));
    parts.extend(text("finish").filter(|finish| *finish != "stop").map(|finish| format!("ended by {finish}")));
    parts.join(" · ")
}
