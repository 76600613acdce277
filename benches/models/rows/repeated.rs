//! A question that somebody asked before, to a daemon that keeps answers; and to llama-server, whose prompt cache knows all
//! of it.

use super::Outcome;
use crate::Failure;
use crate::daemon::{Daemon, Question, Setup};
use crate::files::Size;
use crate::peer::{Messages, Server};
use crate::questions::SYSTEM;
use crate::scene::Scene;
use crate::table::{Bar, Pairs};

/// An answer that was cut off is not kept.
const TOKENS: u32 = 200;
const BAR: Bar = Bar::AtMost(5.0);
/// Questions that stand alone.
const COUNTRIES: [&str; 16] = [
    "Norway", "Peru", "Egypt", "Japan", "Kenya", "Portugal", "Canada", "Vietnam", "Greece", "Chile", "Poland", "Nepal",
    "Cuba", "Ghana", "Austria", "Mexico",
];

pub(super) async fn run(scene: &Scene) -> Result<Outcome, Failure> {
    let setup = Setup { cached_answers: 256, ..scene.setup(scene.format(), TOKENS) };
    let mut daemon = Daemon::start(&setup).await?;
    let server = Server::start(&scene.files, &scene.server(Size::Small, scene.format(), 1)).await?;
    let mut pairs = Pairs::default();
    let (mut round, mut whole) = (0, 0.0_f64);
    for country in COUNTRIES {
        let text = format!("What is the capital of {country}?");
        let (first, last) = daemon.ask_for_end(&Question::new("chat", text.clone())).await?;
        if last["finish"] != "stop" {
            continue;
        }
        let (again, last) = daemon.ask_for_end(&Question::new("chat", text.clone())).await?;
        if last["cached"] != true {
            return Err(format!("`{text}` was answered before, and again: {last}").into());
        }
        if again.text != first.text {
            return Err("the second answer is another".into());
        }
        pairs.push(round, true, again.first()?);
        whole = whole.max(if round > 0 { again.total() } else { 0.0 });
        let messages = Messages::new(SYSTEM).user(&text);
        server.ask(&messages, 1).await?;
        pairs.push(round, false, server.ask(&messages, 1).await?.first()?);
        round += 1;
        if round > scene.rounds {
            break;
        }
    }
    if pairs.ours.is_empty() {
        return Err(format!("no answer ended within {TOKENS} tokens").into());
    }
    let line = pairs.line("first chunk after the question is published", "ms");
    let ours = line.ours.unwrap_or(f64::NAN);
    let note = format!("{} questions; the longest took {whole:.1} ms to its end", pairs.ours.len());
    Ok(vec![line.barred(ours, BAR).noted(note)].into())
}
