//! How soon the first words come where a conversation goes on, once the first answer has been heard. The server gets the
//! conversation with every question, as its clients send it; each side's history has its own first answer.

use super::Outcome;
use crate::Failure;
use crate::daemon::{Daemon, Question};
use crate::files::Size;
use crate::heard::Heard;
use crate::peer::{Messages, Server};
use crate::questions::{Questions, SYSTEM};
use crate::scene::{Scene, rest, tier};
use crate::table::{Bar, Line, Pairs};

const TOKENS: u32 = 40;
const BAR: Bar = Bar::AtMost(1.0);

pub(super) async fn run(scene: &Scene) -> Result<Outcome, Failure> {
    let mut lines = Vec::new();
    let mut daemon = Daemon::start(&scene.setup(scene.format(), TOKENS)).await?;
    for size in Size::BOTH {
        lines.push(compare(scene, &mut daemon, size).await?);
    }
    Ok(lines.into())
}

async fn compare(scene: &Scene, daemon: &mut Daemon, size: Size) -> Result<Line, Failure> {
    let server = Server::start(&scene.files, &scene.server(size, scene.format(), 1)).await?;
    let (mut pairs, mut questions) = (Pairs::default(), Questions::default());
    let mut texts = (String::new(), String::new());
    let mut computed = [0.0; 2];
    for (turn, (round, ours)) in scene.turns().enumerate() {
        rest().await;
        if turn % 2 == 0 {
            texts = (questions.short(), format!("And what else can you say about {round} of those?"));
        }
        let second = if ours { by_us(daemon, size, &texts).await? } else { by_them(&server, &texts).await? };
        pairs.push(round, ours, second.first()?);
        computed[usize::from(!ours)] = second.prompt_tokens - second.cached_tokens;
    }
    let note = format!("prompt tokens that were computed: ours {}, theirs {}", computed[0], computed[1]);
    Ok(pairs.judged(format!("{} {}", size.name(), scene.format()), "ms", BAR).noted(note))
}

async fn by_us(daemon: &mut Daemon, size: Size, (first, second): &(String, String)) -> Result<Heard, Failure> {
    let first = Question::new(tier(size), first.clone());
    daemon.ask(&first).await?;
    rest().await;
    daemon.ask(&Question { text: second.clone(), ..first }).await
}

async fn by_them(server: &Server, (first, second): &(String, String)) -> Result<Heard, Failure> {
    let messages = Messages::new(SYSTEM).user(first);
    let answer = server.ask(&messages, TOKENS).await?;
    rest().await;
    server.ask(&messages.assistant(&answer.text).user(second), TOKENS).await
}
