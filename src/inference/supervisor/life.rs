//! One worker process, from its start to its end.
//!
//! A single loop reads its frames, writes to it, and looks every moment whether it is still alive. Nothing in the loop waits
//! for the worker to take what is written, so that neither side can wait for the other for ever.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::libc::SIGILL;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command as Process};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::SupervisorOptions;
use super::answers::Answers;
use super::environment;
use super::models::{Command, ModelStates, TierState};
use crate::core::reply::Code;
use crate::inference::frames::{self, FrameError, FrameReader};
use crate::inference::protocol::{FromWorker, LoadPlan, ModelTier, ToWorker};

/// Bytes on their way to a worker that does not read them.
const MOST_UNWRITTEN: usize = 8 * 1024 * 1024;
/// How often the worker is looked after, where its limits are not shorter than that.
const LOOK_EVERY: Duration = Duration::from_secs(1);

const SAME_PROGRAM: &str = "/proc/self/exe";

/// How a life ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The daemon stops.
    Shutdown,
    /// The worker ended, or is to be ended.
    Died {
        /// Why, for the log.
        why: String,
        /// The tier that was being loaded.
        loading: Option<ModelTier>,
        /// Whether it came to an instruction that the processor does not have.
        illegal: bool,
    },
}

/// A worker process and the daemon's end of its socket.
pub(super) struct Life {
    child: Child,
    reader: FrameReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    unwritten: Vec<u8>,
    begun: Instant,
    /// Tiers not loaded yet, in the order they are.
    loading: Vec<ModelTier>,
    /// Whether the worker has said that it is done with loading.
    ready: bool,
    /// The ping that was not answered yet.
    ping: Option<(u64, Instant)>,
    pings: u64,
    limits: Limits,
}

#[derive(Clone, Copy)]
struct Limits {
    hang_after: Duration,
    cancel_within: Duration,
    load_within: Duration,
}

impl Limits {
    fn look_every(&self) -> Duration {
        let shortest = self.hang_after.min(self.cancel_within).min(self.load_within);
        (shortest / 4).clamp(Duration::from_millis(10), LOOK_EVERY)
    }
}

impl Life {
    /// Starts a worker and asks it to load.
    pub(super) fn start(plan: &LoadPlan, options: &SupervisorOptions) -> Result<Self, FrameError> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let (reader, writer) = UnixStream::from_std(ours)?.into_split();
        let child = spawn(theirs.into(), options)?;
        let mut loading: Vec<ModelTier> = plan.tiers.iter().map(|tier| tier.tier).collect();
        loading.sort_unstable();
        let mut life = Self {
            child,
            reader: FrameReader::new(reader),
            writer,
            unwritten: Vec::new(),
            begun: Instant::now(),
            loading,
            ready: false,
            ping: None,
            pings: 0,
            limits: Limits {
                hang_after: options.hang_after,
                cancel_within: options.cancel_within,
                load_within: options.load_within,
            },
        };
        life.say(&ToWorker::Load(plan.clone()))?;
        Ok(life)
    }

    /// The worker's process id.
    pub(super) fn process_id(&self) -> Option<u32> {
        self.child.id()
    }

    fn say(&mut self, frame: &ToWorker) -> Result<(), FrameError> {
        frames::encode(frame, &mut self.unwritten)
    }

    /// Passes questions and answers on until the worker dies, hangs, or the daemon stops.
    pub(super) async fn run(
        &mut self,
        answers: &mut Answers,
        commands: &mut mpsc::Receiver<Command>,
        states: &watch::Sender<ModelStates>,
        mut shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> Outcome {
        let mut look = interval(self.limits.look_every());
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let step = tokio::select! {
                () = shutdown.as_mut() => return Outcome::Shutdown,
                frame = self.reader.next::<FromWorker>() => match frame {
                    Ok(Some(frame)) => self.take(frame, answers, states),
                    Ok(None) => Err("it closed its socket".to_owned()),
                    Err(error) => Err(error.to_string()),
                },
                written = self.writer.write(&self.unwritten), if !self.unwritten.is_empty() => match written {
                    Ok(count) => {
                        self.unwritten.drain(..count);
                        Ok(())
                    }
                    Err(error) => Err(error.to_string()),
                },
                Some(command) = commands.recv() => self.pass_on(command, answers),
                _ = look.tick() => self.look(answers),
            };
            if let Err(why) = step {
                let loading = if self.ready { None } else { self.loading.first().copied() };
                return Outcome::Died { why, loading, illegal: false };
            }
        }
    }

    fn take(
        &mut self,
        frame: FromWorker,
        answers: &mut Answers,
        states: &watch::Sender<ModelStates>,
    ) -> Result<(), String> {
        match frame {
            FromWorker::Loaded(loaded) => {
                self.loading.retain(|tier| *tier != loaded.tier);
                log::info!("{} is loaded for {:?} ({} ms)", loaded.name, loaded.tier, loaded.load_ms);
                states.send_modify(|states| {
                    states.tiers.insert(loaded.tier, TierState::Ready(loaded));
                });
            }
            FromWorker::LoadFailed { tier, message } => {
                self.loading.retain(|other| *other != tier);
                log::error!("a model cannot be loaded: {message}");
                states.send_modify(|states| {
                    states.tiers.insert(tier, TierState::Failed(message));
                });
            }
            FromWorker::Ready => self.ready = true,
            FromWorker::Pong { nonce } => {
                if self.ping.is_some_and(|(sent, _)| sent == nonce) {
                    self.ping = None;
                }
            }
            frame => {
                if let Some(request) = answers.deliver(frame) {
                    log::warn!("an answer is given up, since its reader does not keep up");
                    self.say(&ToWorker::Cancel { request }).map_err(|error| error.to_string())?;
                }
            }
        }
        Ok(())
    }

    fn pass_on(&mut self, command: Command, answers: &mut Answers) -> Result<(), String> {
        match command {
            Command::Generate { request, prompt, listener } => {
                answers.insert(request, listener);
                if let Err(error) = self.say(&ToWorker::Generate { request, prompt }) {
                    log::warn!("a prompt cannot be sent to the worker: {error}");
                    answers.refuse(request, Code::TooLong, "the conversation is too long for one prompt");
                }
                Ok(())
            }
            Command::Cancel { request } if answers.cancel(request) => {
                self.say(&ToWorker::Cancel { request }).map_err(|error| error.to_string())
            }
            Command::Cancel { .. } => Ok(()),
        }
    }

    /// Whether everything that is due has come, and a ping where the last one was answered.
    fn look(&mut self, answers: &Answers) -> Result<(), String> {
        let Limits { hang_after, cancel_within, load_within } = self.limits;
        if !self.ready && self.begun.elapsed() > load_within {
            return Err(format!("it has not loaded its models within {} s", load_within.as_secs()));
        }
        if self.unwritten.len() > MOST_UNWRITTEN {
            return Err("it does not read what it is sent".to_owned());
        }
        // While a model is being loaded, a cold disk can keep the computing thread for minutes.
        if self.ready && self.ping.is_some_and(|(_, sent)| sent.elapsed() > hang_after) {
            return Err(format!("it has not moved for {} s", hang_after.as_secs()));
        }
        if self.ready && answers.oldest_cancel().is_some_and(|since| since.elapsed() > cancel_within) {
            return Err(format!("it has not stopped a cancelled answer within {} s", cancel_within.as_secs()));
        }
        if self.ready && self.ping.is_none() {
            self.pings += 1;
            self.ping = Some((self.pings, Instant::now()));
            self.say(&ToWorker::Ping { nonce: self.pings }).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Sees to it that the process is gone, gently where the daemon stops, and adds how it ended.
    pub(super) async fn end(mut self, outcome: Outcome, options: &SupervisorOptions) -> Outcome {
        // Its end of file tells the worker to go.
        drop((self.reader, self.writer));
        // A worker that closed its socket is dying already, and its own status says more than our signal would.
        let patience = match outcome {
            Outcome::Shutdown => options.stop_within,
            Outcome::Died { .. } => Duration::from_millis(100).min(options.stop_within),
        };
        if let Ok(status) = timeout(patience, self.child.wait()).await {
            return outcome.with(&describe(&status), is_illegal_instruction(&status));
        }
        if let Err(error) = self.child.start_kill() {
            log::error!("the model worker cannot be killed: {error}");
        }
        // A process in uninterruptible sleep dies later; it is reaped in the background then.
        let how = match timeout(options.stop_within, self.child.wait()).await {
            Ok(status) => format!("killed; {}", describe(&status)),
            Err(_) => "killed, but not gone yet".to_owned(),
        };
        outcome.with(&how, false)
    }
}

impl Outcome {
    /// With how the process ended.
    fn with(self, how: &str, illegal: bool) -> Self {
        match self {
            Self::Died { why, loading, .. } => Self::Died { why: format!("{why} ({how})"), loading, illegal },
            Self::Shutdown => Self::Shutdown,
        }
    }
}

fn describe(status: &io::Result<ExitStatus>) -> String {
    status.as_ref().map_or_else(ToString::to_string, ToString::to_string)
}

fn is_illegal_instruction(status: &io::Result<ExitStatus>) -> bool {
    status.as_ref().is_ok_and(|status| status.signal() == Some(SIGILL))
}

/// The process keeps the only other copy of its end of the socket: `Process` is dropped on return.
fn spawn(socket: OwnedFd, options: &SupervisorOptions) -> io::Result<Child> {
    let mut process = match &options.program {
        Some(program) => Process::new(program),
        // Stays the same program when its file is replaced by an update while the daemon runs.
        None if Path::new(SAME_PROGRAM).exists() => Process::new(SAME_PROGRAM),
        None => Process::new(std::env::current_exe()?),
    };
    process
        .args(&options.args)
        .stdin(Stdio::from(socket))
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        // Ctrl-C in a terminal is for the daemon, which drains its answers first.
        .process_group(0)
        .kill_on_drop(true);
    environment::arrange(&mut process);
    process.spawn()
}
