//! How soon the first words of a new question's answer come; of its prompt, both know the system prompt alone.

use super::Outcome;
use crate::Failure;
use crate::daemon::{Daemon, Question};
use crate::files::Size;
use crate::peer::{Messages, Server};
use crate::questions::{Questions, SYSTEM};
use crate::scene::{Scene, rest, tier};
use crate::table::{Bar, Line, Pairs};

/// What follows the first words does not matter here.
const TOKENS: u32 = 8;
const BAR: Bar = Bar::AtMost(1.0);

pub(super) async fn run(scene: &Scene) -> Result<Outcome, Failure> {
    let mut lines = Vec::new();
    for format in &scene.formats {
        let mut daemon = Daemon::start(&scene.setup(format, TOKENS)).await?;
        for size in Size::BOTH {
            lines.push(compare(scene, &mut daemon, size, format).await?);
        }
    }
    Ok(lines.into())
}

async fn compare(scene: &Scene, daemon: &mut Daemon, size: Size, format: &str) -> Result<Line, Failure> {
    let server = Server::start(&scene.files, &scene.server(size, format, 1)).await?;
    let (mut pairs, mut questions) = (Pairs::default(), Questions::default());
    let (mut question, mut tokens) = (String::new(), [(0.0, 0.0); 2]);
    for (turn, (round, ours)) in scene.turns().enumerate() {
        rest().await;
        if turn % 2 == 0 {
            question = questions.short();
        }
        let heard = if ours {
            daemon.ask(&Question::new(tier(size), question.clone())).await?
        } else {
            server.ask(&Messages::new(SYSTEM).user(&question), TOKENS).await?
        };
        pairs.push(round, ours, heard.first()?);
        tokens[usize::from(!ours)] = (heard.prompt_tokens, heard.cached_tokens);
    }
    let [ours, theirs] = tokens;
    let note = format!(
        "prompt tokens, those known before: ours {} and {}, theirs {} and {}",
        ours.0, ours.1, theirs.0, theirs.1
    );
    Ok(pairs.judged(format!("{} {format}", size.name()), "ms", BAR).noted(note))
}
