//! What contexts and batches cost: the first chunk of a long prompt, the speed behind it, the worker's memory. No bar: the
//! shipped values stay, and these are for who wants others.

use std::time::Duration;

use super::Outcome;
use crate::Failure;
use crate::daemon::{Daemon, Model, Question, Setup};
use crate::figures::median;
use crate::files::Size;
use crate::questions::Questions;
use crate::scene::Scene;
use crate::table::Line;

const CONTEXTS: [u32; 2] = [1024, 2048];
const BATCHES: [(u32, u32); 2] = [(256, 128), (512, 256)];
/// A prompt of so many tokens takes a while to read, and figures without a bar need fewer.
const ROUNDS: usize = 3;
const TOKENS: u32 = 32;
/// The conversation so far: two turns of so many characters, about 600 tokens together.
const CHARACTERS: usize = 1_300;

pub(super) async fn run(scene: &Scene) -> Result<Outcome, Failure> {
    let mut lines = Vec::new();
    for size in Size::BOTH {
        for context in CONTEXTS {
            for (batch, ubatch) in BATCHES {
                let model = Model::new(&scene.model(size, scene.format()), TOKENS);
                lines.extend(measure(scene, size, Model { context, batch, ubatch, ..model }).await?);
            }
        }
    }
    Ok(lines.into())
}

/// The model is in the chat tier, whichever it is. The conversation so far is with the other tier, a fake, so that nothing
/// of it is computed before.
async fn measure(scene: &Scene, size: Size, model: Model) -> Result<[Line; 3], Failure> {
    let name = format!(
        "{} {}, context {}, batch {}/{}",
        size.name(),
        scene.format(),
        model.context,
        model.batch,
        model.ubatch
    );
    eprintln!("    {name}");
    let setup = Setup { join: Duration::ZERO, ..Setup::new(model, Model::none(), scene.threads) };
    let mut daemon = Daemon::start(&setup).await?;
    let (mut firsts, mut rates, mut tokens, mut questions) = (Vec::new(), Vec::new(), 0.0, Questions::default());
    for round in 0..=scene.rounds.min(ROUNDS) {
        let told = Question::new("explain", questions.tale(CHARACTERS));
        daemon.ask(&told).await?;
        daemon.ask(&Question { text: questions.tale(CHARACTERS), ..told.clone() }).await?;
        let text = questions.short();
        let heard = daemon.ask(&Question { text, tier: Some("chat"), ..told }).await?;
        if round > 0 {
            firsts.push(heard.first()?);
            rates.push(heard.rate()?);
            tokens = heard.prompt_tokens - heard.cached_tokens;
        }
    }
    let memory = daemon.worker_memory()?;
    Ok([
        Line::alone(format!("{name}: first chunk of {tokens} new tokens"), "ms", median(&firsts)),
        Line::alone(format!("{name}: behind them"), "tokens/s", median(&rates)),
        Line::alone(format!("{name}: memory"), "MiB", memory.total()).noted(memory.parts()),
    ])
}
