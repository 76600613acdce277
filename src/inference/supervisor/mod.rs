//! Starts the model worker, watches it, ends it when it hangs and starts it again.
//!
//! [`supervise`] gives a handle to ask ([`Models`]) and the task behind it ([`Supervisor`]). What was being answered when the
//! worker dies is told so at once; everything else of the daemon goes on. A model that ends the worker each time it is
//! loaded is left out, so that the other tier can answer. Tiers that a server elsewhere answers are looked after beside it.

mod answers;
mod environment;
mod life;
pub mod models;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::answers::Answers;
use self::life::{Life, Outcome};
use self::models::{AnswerEvent, Command, ModelStates, Models, TierState};
use crate::core::reply::Code;
use crate::inference::protocol::{LoadPlan, ModelTier};
use crate::inference::remote::{Remote, RemoteTier};

/// Answers that may be under way, each with a place for the word that cancels it.
const COMMANDS: usize = 256;
/// How often a model may take the worker with it while it is loaded.
const LOAD_DEATHS: u32 = 3;

/// How the worker is started and how long it may take for what.
#[derive(Clone, Debug)]
pub struct SupervisorOptions {
    /// The program; `None` for the running one.
    pub program: Option<PathBuf>,
    /// Its arguments.
    pub args: Vec<String>,
    /// How long the thread that computes may leave a ping unanswered once the models are loaded. One step of a large model
    /// on a small computer takes many seconds.
    pub hang_after: Duration,
    /// How long an answer that was cancelled may go on.
    pub cancel_within: Duration,
    /// How long loading may take.
    pub load_within: Duration,
    /// How long the worker may take to end when it is asked to.
    pub stop_within: Duration,
    /// The wait before the worker is started again, doubled each time up to `longest_wait`.
    pub first_wait: Duration,
    /// The longest wait before the worker is started again.
    pub longest_wait: Duration,
    /// A worker that lived so long begins with `first_wait` again.
    pub stable_after: Duration,
}

impl Default for SupervisorOptions {
    fn default() -> Self {
        Self {
            program: None,
            args: vec!["model-worker".to_owned()],
            hang_after: Duration::from_mins(1),
            cancel_within: Duration::from_secs(20),
            load_within: Duration::from_mins(10),
            stop_within: Duration::from_secs(2),
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
            stable_after: Duration::from_mins(1),
        }
    }
}

/// The handle to ask for answers, and the task that must run for there to be any; all of them the worker's.
#[must_use]
pub fn supervise(plan: LoadPlan, options: SupervisorOptions) -> (Models, Supervisor) {
    supervise_with(plan, Vec::new(), options)
}

/// As [`supervise`], with tiers that servers elsewhere answer beside the worker's.
#[must_use]
pub fn supervise_with(plan: LoadPlan, remotes: Vec<RemoteTier>, options: SupervisorOptions) -> (Models, Supervisor) {
    let names: BTreeMap<ModelTier, String> = plan
        .tiers
        .iter()
        .map(|tier| (tier.tier, tier.name.clone()))
        .chain(remotes.iter().map(|tier| (tier.tier, tier.name.clone())))
        .collect();
    let tiers = names.keys().map(|tier| (*tier, TierState::Loading)).collect();
    let (states_tx, states_rx) = watch::channel(ModelStates { tiers, worker: None });
    let mut senders = BTreeMap::new();
    let mut servers = Vec::new();
    for remote in remotes {
        let (commands_tx, commands_rx) = mpsc::channel(COMMANDS);
        senders.insert(remote.tier, commands_tx);
        servers.push(Remote::new(remote, commands_rx, states_tx.clone()));
    }
    let (commands_tx, commands_rx) = mpsc::channel(COMMANDS);
    let supervisor = Supervisor {
        plan,
        servers,
        options,
        states: states_tx,
        commands: commands_rx,
        answers: Answers::default(),
        load_deaths: BTreeMap::new(),
    };
    (Models::new(commands_tx, senders, states_rx, names), supervisor)
}

/// The daemon's side of the worker.
#[derive(Debug)]
pub struct Supervisor {
    plan: LoadPlan,
    /// Not started yet.
    servers: Vec<Remote>,
    options: SupervisorOptions,
    states: watch::Sender<ModelStates>,
    commands: mpsc::Receiver<Command>,
    answers: Answers,
    /// How often the worker ended while it loaded a tier's model.
    load_deaths: BTreeMap<ModelTier, u32>,
}

impl Supervisor {
    /// Keeps a worker running until `shutdown` is done, then ends it; none is left behind.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        // Ended with this function, and their answers with them.
        let mut servers = JoinSet::new();
        for server in std::mem::take(&mut self.servers) {
            servers.spawn(server.run());
        }
        let mut wait = self.options.first_wait;
        while !self.plan.tiers.is_empty() {
            let started = Instant::now();
            match self.live(shutdown.as_mut()).await {
                Outcome::Shutdown => return,
                Outcome::Died { why, loading, illegal } => self.mourn(&why, loading, illegal),
            }
            if started.elapsed() >= self.options.stable_after {
                wait = self.options.first_wait;
            }
            log::info!("the model worker is started again in {} ms", wait.as_millis());
            if self.wait(wait, shutdown.as_mut()).await {
                return;
            }
            wait = (wait * 2).min(self.options.longest_wait);
        }
        // No model to load, so no worker to keep.
        self.wait_for_ever(shutdown).await;
    }

    /// One worker, from its start to its end.
    async fn live(&mut self, shutdown: Pin<&mut impl Future<Output = ()>>) -> Outcome {
        let mut life = match Life::start(&self.plan, &self.options) {
            Ok(life) => life,
            Err(why) => {
                return Outcome::Died { why: format!("it cannot be started: {why}"), loading: None, illegal: false };
            }
        };
        self.states.send_modify(|states| states.worker = life.process_id());
        let outcome = life.run(&mut self.answers, &mut self.commands, &self.states, shutdown).await;
        // First the readers, then the process: nobody waits for a corpse.
        let (code, message) = match outcome {
            Outcome::Shutdown => (Code::ShuttingDown, "the daemon is stopping"),
            Outcome::Died { .. } => {
                (Code::ModelCrashed, "the model's process ended while it answered; it is started again, so ask again")
            }
        };
        self.answers.end_all(code, message);
        self.states.send_modify(|states| {
            states.worker = None;
            for state in states.tiers.values_mut().filter(|state| matches!(state, TierState::Ready(_))) {
                *state = TierState::Restarting;
            }
        });
        life.end(outcome, &self.options).await
    }

    /// Notes a death, and gives a model up that was loaded in vain too often.
    fn mourn(&mut self, why: &str, loading: Option<ModelTier>, illegal: bool) {
        log::error!("the model worker ended: {why}");
        let Some(tier) = loading else {
            self.load_deaths.clear();
            return;
        };
        let deaths = self.load_deaths.entry(tier).or_default();
        *deaths += 1;
        if *deaths < LOAD_DEATHS {
            return;
        }
        let message = if illegal {
            "this hearthd was built for a processor with other instructions; build it on this machine, or elsewhere with \
             RUSTFLAGS=\"\""
                .to_owned()
        } else {
            format!(
                "the process that loads it ended {LOAD_DEATHS} times, as it does when memory runs out; \
                 restart hearthd once there is enough, or choose a smaller model"
            )
        };
        log::error!("the {} model is given up: {message}", crate::core::utterance::Tier::from(tier).as_str());
        self.plan.tiers.retain(|plan| plan.tier != tier);
        self.states.send_modify(|states| {
            states.tiers.insert(tier, TierState::Failed(message));
        });
    }

    /// Waits, refusing what is asked meanwhile; whether the daemon stops.
    async fn wait(&mut self, time: Duration, mut shutdown: Pin<&mut impl Future<Output = ()>>) -> bool {
        let mut sleep = pin!(tokio::time::sleep(time));
        loop {
            tokio::select! {
                () = shutdown.as_mut() => return true,
                () = sleep.as_mut() => return false,
                Some(command) = self.commands.recv() => refuse(command),
            }
        }
    }

    async fn wait_for_ever(mut self, mut shutdown: Pin<&mut impl Future<Output = ()>>) {
        loop {
            tokio::select! {
                () = shutdown.as_mut() => return,
                Some(command) = self.commands.recv() => refuse(command),
            }
        }
    }
}

/// Refuses what was asked just before the state said that nothing answers.
fn refuse(command: Command) {
    if let Command::Generate { listener, .. } = command {
        let message = "the model is being started again after a fault; ask again in a moment";
        listener.end.send(AnswerEvent::failed(Code::ModelUnavailable, message));
    }
}
