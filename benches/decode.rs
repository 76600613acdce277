//! One answer at a time: the worker over its socket against a bare llama-cpp-2 loop, alternating on the same model.
//!
//! `cargo bench --bench decode`; `HEARTHD_BENCH_MODEL` names another GGUF, `HEARTHD_BENCH_THREADS` other threads than all.
//! The bar: each tier makes at least 0.95 of the bare loop's tokens a second. The bare loop's first token includes the system
//! prompt, which the worker has computed before.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

#[path = "support/figures.rs"]
mod figures;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hearthd::core::gpu_layers::GpuLayers;
use hearthd::core::sampling::Sampling;
use hearthd::inference::protocol::{LoadPlan, ModelTier, Prompt, TierPlan};
use hearthd::inference::supervisor::models::{AnswerEvent, ModelStates, Models};
use hearthd::inference::supervisor::{SupervisorOptions, supervise};
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::model::{LlamaChatMessage, LlamaModel};
use llama_cpp_2::sampling::LlamaSampler;
use tokio::sync::oneshot;

use figures::{median, milliseconds};

type Failure = Box<dyn std::error::Error>;

const ROUNDS: usize = 12;
const TOKENS: u32 = 128;
const CONTEXT: u32 = 1_024;
const BATCH: u32 = 256;
const UBATCH: u32 = 128;
const BAR: f64 = 0.95;
const TIERS: [ModelTier; 2] = [ModelTier::Chat, ModelTier::Explain];
const SYSTEM: &str = "You are the voice of a home. You answer what people ask in a friendly way, in plain words and \
                      whole sentences, without lists, headings or other markup, since what you say is read aloud.";
const QUESTION: &str = "Tell me a long story about a lighthouse keeper and the sea.";

/// One answer's numbers.
#[derive(Clone, Copy)]
struct Run {
    first_token: Duration,
    tokens_per_second: f64,
}

impl Run {
    fn new(begun: Instant, first: Instant, last: Instant, tokens: u32) -> Self {
        let decoding = last.duration_since(first).as_secs_f64();
        Self {
            first_token: first.duration_since(begun),
            tokens_per_second: f64::from(tokens.saturating_sub(1)) / decoding,
        }
    }
}

/// llama-cpp-2 without anything around it.
fn bare(backend: &LlamaBackend, model: &LlamaModel, threads: i32) -> Result<Run, Failure> {
    let params = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(CONTEXT))
        .with_n_batch(BATCH)
        .with_n_ubatch(UBATCH)
        .with_n_threads(threads)
        .with_n_threads_batch(threads);
    let mut context = model.new_context(backend, params)?;
    let vocab = model.vocab();
    let messages = [
        LlamaChatMessage::new("system".to_owned(), SYSTEM.to_owned())?,
        LlamaChatMessage::new("user".to_owned(), QUESTION.to_owned())?,
    ];
    let begun = Instant::now();
    let text = model.apply_chat_template(&model.chat_template(None)?, &messages, true)?;
    let tokens = vocab.tokenize(text.as_bytes(), true, true);
    let mut batch = LlamaBatch::new(usize::try_from(BATCH)?, 1);
    let mut position = 0;
    for piece in tokens.chunks(usize::try_from(BATCH)?) {
        batch.clear();
        for token in piece {
            position += 1;
            batch.add(*token, position - 1, &[0], usize::try_from(position)? == tokens.len())?;
        }
        context.decode(&mut batch)?;
    }
    let mut sampler = LlamaSampler::chain([LlamaSampler::greedy()], true);
    let mut bytes = Vec::new();
    let mut token = sampler.sample(&context, batch.n_tokens() - 1);
    let first = Instant::now();
    let mut last = first;
    let mut count = 1;
    while count < TOKENS && !vocab.is_eog(token) {
        vocab.token_to_piece_into(token, &mut bytes, false, None);
        batch.clear();
        batch.add(token, position, &[0], true)?;
        position += 1;
        context.decode(&mut batch)?;
        token = sampler.sample(&context, 0);
        last = Instant::now();
        count += 1;
    }
    Ok(Run::new(begun, first, last, count))
}

/// The same answer by way of the supervisor, as the engine gets it.
async fn ours(models: &Models, tier: ModelTier) -> Result<Run, Failure> {
    let prompt = Prompt {
        tier,
        user: "bench".to_owned(),
        turns: Vec::new(),
        text: QUESTION.to_owned(),
        context: String::new(),
        max_tokens: TOKENS,
        sampling: Sampling::greedy(),
    };
    let begun = Instant::now();
    let mut answer = models.generate(prompt)?;
    let (mut first, mut last) = (None, begun);
    loop {
        match answer.next().await {
            AnswerEvent::Started { .. } => {}
            AnswerEvent::Text(_) => {
                last = Instant::now();
                first.get_or_insert(last);
            }
            AnswerEvent::Finished { usage, .. } => {
                return Ok(Run::new(begun, first.unwrap_or(last), last, usage.completion_tokens));
            }
            AnswerEvent::Failed { message, .. } => return Err(message.into()),
        }
    }
}

fn model_file() -> Result<PathBuf, Failure> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/SmolLM2-135M-Instruct.Q4_1.gguf");
    let file = std::env::var_os("HEARTHD_BENCH_MODEL")
        .or_else(|| std::env::var_os("HEARTHD_TEST_MODEL"))
        .map_or(default, PathBuf::from);
    if file.is_file() {
        Ok(file)
    } else {
        Err(format!("no model at {}: `hearthd models pull smollm2-135m-instruct`", file.display()).into())
    }
}

fn plan(file: &Path, threads: u32) -> LoadPlan {
    let tier = |tier| TierPlan {
        tier,
        name: "bench".to_owned(),
        file: file.to_owned(),
        sha256: None,
        chat_template: None,
        ctx_size: CONTEXT,
        n_batch: BATCH,
        n_ubatch: UBATCH,
        threads: Some(threads),
        gpu_layers: GpuLayers::Auto,
        slots: 4,
        system_prompt: SYSTEM.to_owned(),
        state_dir: None,
        speculation: false,
    };
    LoadPlan { tiers: TIERS.map(tier).to_vec() }
}

/// Prints one line: medians, and the median of the ratios to the bare loop's run of the same round, since the machine's own
/// speed changes from minute to minute.
fn report(name: &str, runs: &[Run], bare: &[Run]) {
    let figures = |figure: fn(&Run) -> f64| runs.iter().map(figure).collect::<Vec<f64>>();
    let first = median(&figures(|run| milliseconds(run.first_token)));
    let speed = median(&figures(|run| run.tokens_per_second));
    let ratios: Vec<f64> =
        runs.iter().zip(bare).map(|(run, bare)| run.tokens_per_second / bare.tokens_per_second).collect();
    let ratio = median(&ratios);
    let met = if ratio >= BAR { "met" } else { "MISSED" };
    println!("{name:<8} {speed:>10.1} {first:>18.1} {ratio:>10.3} (bar {BAR}: {met})");
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let file = model_file()?;
    let threads = match std::env::var("HEARTHD_BENCH_THREADS") {
        Ok(threads) => threads.parse()?,
        Err(_) => std::thread::available_parallelism()?.get(),
    };
    let mut backend = LlamaBackend::init()?;
    backend.void_logs();
    let model = LlamaModel::load_from_file(&backend, &file, &LlamaModelParams::default())?;
    let options =
        SupervisorOptions { program: Some(env!("CARGO_BIN_EXE_hearthd").into()), ..SupervisorOptions::default() };
    let (models, supervisor) = supervise(plan(&file, u32::try_from(threads)?), options);
    let (stop, stopped) = oneshot::channel::<()>();
    let supervisor = tokio::spawn(supervisor.run(async {
        let _ = stopped.await;
    }));
    let states = models.states().wait_for(ModelStates::settled).await?.clone();
    if !states.ready() {
        return Err(format!("the model is not loaded: {states:?}").into());
    }
    let (mut chat, mut explain, mut loops) = (Vec::new(), Vec::new(), Vec::new());
    // The first round warms all up. Who goes first changes from round to round: it runs with the caches of another.
    for round in 0..=ROUNDS {
        for turn in 0..3 {
            let (run, runs) = match (round + turn) % 3 {
                0 => (bare(&backend, &model, i32::try_from(threads)?)?, &mut loops),
                1 => (ours(&models, ModelTier::Chat).await?, &mut chat),
                _ => (ours(&models, ModelTier::Explain).await?, &mut explain),
            };
            if round > 0 {
                runs.push(run);
            }
        }
    }
    println!("{}, {threads} threads, medians of {ROUNDS}", file.display());
    println!("{:<8} {:>10} {:>18} {:>10}", "", "tokens/s", "first token (ms)", "ratio");
    report("bare", &loops, &loops);
    report("chat", &chat, &loops);
    report("explain", &explain, &loops);
    drop(stop);
    supervisor.await?;
    Ok(())
}
