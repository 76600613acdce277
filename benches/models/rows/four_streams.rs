//! Four people ask at once: tokens a second of all together, from the first question to the last word.

use std::time::{Duration, Instant};

use super::Outcome;
use crate::Failure;
use crate::daemon::{Daemon, Question};
use crate::figures::median;
use crate::files::Size;
use crate::heard::Heard;
use crate::peer::{Messages, Server};
use crate::questions::{Questions, SYSTEM};
use crate::scene::{Scene, rest, tier};
use crate::table::{Bar, Pairs};

const STREAMS: u32 = 4;
/// One a stream.
type Texts = [String; 4];
const TOKENS: u32 = 48;
const BAR: Bar = Bar::AtLeast(1.0);

pub(super) async fn run(scene: &Scene) -> Result<Outcome, Failure> {
    let mut lines = Vec::new();
    let size = Size::Small;
    for format in &scene.formats {
        let mut daemon = Daemon::start(&scene.setup(format, TOKENS)).await?;
        let server = Server::start(&scene.files, &scene.server(size, format, STREAMS)).await?;
        let (mut pairs, mut questions) = (Pairs::default(), Questions::default());
        let mut said = Pairs::default();
        let mut texts = Texts::default();
        for (turn, (round, ours)) in scene.turns().enumerate() {
            rest().await;
            if turn % 2 == 0 {
                texts = Texts::default().map(|_| questions.long());
            }
            let (heard, time) = if ours {
                let asked = texts.clone().map(|text| Question::new(tier(size), text));
                daemon.ask_all(&asked).await?
            } else {
                by_them(&server, &texts).await?
            };
            let tokens: f64 = heard.iter().map(|heard| heard.tokens).sum();
            pairs.push(round, ours, tokens / time.as_secs_f64());
            said.push(round, ours, tokens);
        }
        let note = format!("tokens of all four: ours {}, theirs {}", median(&said.ours), median(&said.theirs));
        lines.push(pairs.judged(format!("{} {format}", size.name()), "tokens/s", BAR).noted(note));
    }
    Ok(lines.into())
}

async fn by_them(server: &Server, texts: &Texts) -> Result<(Vec<Heard>, Duration), Failure> {
    let [a, b, c, d] = texts.each_ref().map(|text| Messages::new(SYSTEM).user(text));
    let began = Instant::now();
    let ask = |messages| server.ask(messages, TOKENS);
    let (a, b, c, d) = tokio::try_join!(ask(&a), ask(&b), ask(&c), ask(&d))?;
    Ok((vec![a, b, c, d], began.elapsed()))
}
