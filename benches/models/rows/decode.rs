//! How fast tokens come, one stream: at the MQTT subscriber, every token a chunk, beside llama-bench, with as
//! many tokens before them as our prompt has: each makes the next a little slower.

use std::time::Duration;

use super::Outcome;
use crate::Failure;
use crate::daemon::{Daemon, Question, Setup};
use crate::files::Size;
use crate::peer;
use crate::questions::Questions;
use crate::scene::{Scene, rest, tier};
use crate::table::{Bar, Pairs};

/// As many as llama-bench makes.
const TOKENS: u32 = 128;
const BAR: Bar = Bar::AtLeast(0.97);

pub(super) async fn run(scene: &Scene) -> Result<Outcome, Failure> {
    let (mut lines, mut questions) = (Vec::new(), Questions::default());
    for format in &scene.formats {
        let setup = Setup { join: Duration::ZERO, ..scene.setup(format, TOKENS) };
        let mut daemon = Daemon::start(&setup).await?;
        for size in Size::BOTH {
            let (mut pairs, mut depth) = (Pairs::default(), 0.0);
            for (round, ours) in scene.turns() {
                rest().await;
                let rate = if ours {
                    let heard = daemon.ask(&Question::new(tier(size), questions.long())).await?;
                    depth = heard.prompt_tokens;
                    heard.rate()?
                } else {
                    peer::bench(&scene.files, &scene.model(size, format), scene.threads, depth).await?
                };
                pairs.push(round, ours, rate);
            }
            let line = pairs.judged(format!("{} {format}", size.name()), "tokens/s", BAR);
            lines.push(line.noted(format!("behind {depth} tokens")));
        }
    }
    Ok(lines.into())
}
