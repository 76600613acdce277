//! What drafting tokens gains: tokens per second with it and without, in turn, for texts that repeat and texts that do not.
//!
//! `HEARTHD_BENCH_MODEL` names the model that answers, `HEARTHD_BENCH_CHAT_MODEL` one that may draft for it; else the small
//! test model answers alone. `HEARTHD_BENCH_THREADS` sets the threads, `HEARTHD_BENCH_ROUNDS` how often each is asked.

#![allow(missing_docs, clippy::print_stdout, reason = "a bench prints its numbers")]

use std::path::{Path, PathBuf};

use hearthd::core::gpu_layers::GpuLayers;
use hearthd::core::sampling::Sampling;
use hearthd::inference::protocol::{Drafts, LoadPlan, ModelTier, Prompt, TierPlan};
use hearthd::inference::supervisor::models::{AnswerEvent, ModelStates, Models, TierState};
use hearthd::inference::supervisor::{SupervisorOptions, supervise};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

type Failure = Box<dyn std::error::Error>;

const TOKENS: u32 = 160;
const QUESTIONS: [(&str, &str); 4] = [
    (
        "a text said again",
        "Repeat this text word for word, twice: The quick brown fox jumps over the lazy dog near the river bank, while \
         the old man feeds the ducks and the children play in the grass until the sun goes down.",
    ),
    ("a list", "Say the numbers from one to forty in words, each on its own line."),
    ("a story", "Tell me a long story about a lighthouse keeper and the sea."),
    ("an explanation", "Why is the sky blue? Explain in detail."),
];

/// A worker and what stops it.
struct House {
    models: Models,
    stop: oneshot::Sender<()>,
    supervisor: JoinHandle<()>,
}

struct Run {
    text: String,
    tokens_per_second: f64,
    drafts: Drafts,
}

impl House {
    async fn start(answers: &Path, drafts: Option<&Path>, threads: u32, speculation: bool) -> Result<Self, Failure> {
        let tier = |tier, file: &Path| TierPlan {
            tier,
            name: "bench".to_owned(),
            file: file.to_owned(),
            sha256: None,
            chat_template: None,
            ctx_size: 1_024,
            n_batch: 256,
            n_ubatch: 128,
            threads: Some(threads),
            gpu_layers: GpuLayers::Count(0),
            slots: 4,
            system_prompt: "You are the voice of a home. You answer in a friendly way, in plain words.".to_owned(),
            state_dir: None,
            speculation,
        };
        let mut tiers = vec![tier(ModelTier::Explain, answers)];
        tiers.extend(drafts.map(|file| tier(ModelTier::Chat, file)));
        let options =
            SupervisorOptions { program: Some(env!("CARGO_BIN_EXE_hearthd").into()), ..SupervisorOptions::default() };
        let (models, supervisor) = supervise(LoadPlan { tiers }, options);
        let (stop, stopped) = oneshot::channel::<()>();
        let supervisor = tokio::spawn(supervisor.run(async {
            let _ = stopped.await;
        }));
        let states = models.states().wait_for(ModelStates::settled).await?.clone();
        if !matches!(states.tiers.get(&ModelTier::Explain), Some(TierState::Ready(_))) {
            return Err(format!("the model is not loaded: {states:?}").into());
        }
        Ok(Self { models, stop, supervisor })
    }

    async fn ask(&self, question: &str) -> Result<Run, Failure> {
        let prompt = Prompt {
            tier: ModelTier::Explain,
            user: "bench".to_owned(),
            turns: Vec::new(),
            text: question.to_owned(),
            context: String::new(),
            max_tokens: TOKENS,
            sampling: Sampling::greedy(),
        };
        let mut answer = self.models.generate(prompt)?;
        let mut text = String::new();
        loop {
            match answer.next().await {
                AnswerEvent::Started { .. } => {}
                AnswerEvent::Text(piece) => text.push_str(&piece),
                AnswerEvent::Finished { usage, decode_ms, drafts, .. } => {
                    let tokens_per_second = f64::from(usage.completion_tokens.saturating_sub(1)) * 1_000.0 / decode_ms;
                    return Ok(Run { text, tokens_per_second, drafts });
                }
                AnswerEvent::Failed { message, .. } => return Err(message.into()),
            }
        }
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

fn number(name: &str, otherwise: u32) -> Result<u32, Failure> {
    Ok(std::env::var(name).ok().map(|value| value.parse()).transpose()?.unwrap_or(otherwise))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/SmolLM2-135M-Instruct.Q4_1.gguf");
    let answers = std::env::var_os("HEARTHD_BENCH_MODEL").map_or(default, PathBuf::from);
    let drafts = std::env::var_os("HEARTHD_BENCH_CHAT_MODEL").map(PathBuf::from);
    let cores = u32::try_from(std::thread::available_parallelism()?.get())?;
    let (threads, rounds) = (number("HEARTHD_BENCH_THREADS", cores)?, number("HEARTHD_BENCH_ROUNDS", 7)?);
    let on = House::start(&answers, drafts.as_deref(), threads, true).await?;
    let off = House::start(&answers, drafts.as_deref(), threads, false).await?;
    println!("{}, {threads} threads, medians of {rounds}, tokens per second", answers.display());
    println!("{:<18} {:>8} {:>8} {:>7} {:>8} {:>9}  text", "", "off", "on", "ratio", "drafted", "accepted");
    for (name, question) in QUESTIONS {
        let (mut with, mut without, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let (mut drafted, mut accepted, mut same) = (0, 0, true);
        for round in 0..rounds {
            // Who goes first changes, since the machine's speed does.
            let (one, other) = if round % 2 == 0 {
                let one = on.ask(question).await?;
                (one, off.ask(question).await?)
            } else {
                let other = off.ask(question).await?;
                (on.ask(question).await?, other)
            };
            same &= one.text == other.text;
            drafted += one.drafts.drafted;
            accepted += one.drafts.accepted;
            ratios.push(one.tokens_per_second / other.tokens_per_second);
            with.push(one.tokens_per_second);
            without.push(other.tokens_per_second);
        }
        let (off, on, ratio) = (median(without), median(with), median(ratios));
        let text = if same { "the same" } else { "DIFFERENT" };
        println!("{name:<18} {off:>8.1} {on:>8.1} {ratio:>7.2} {drafted:>8} {accepted:>9}  {text}");
    }
    for house in [on, off] {
        drop(house.stop);
        house.supervisor.await?;
    }
    Ok(())
}
