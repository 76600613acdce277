//! The child process that holds the models.
//!
//! One thread reads frames from the socket, one reads model files, and the one that called [`run`] computes; they meet in
//! one bounded channel. The process has no state worth keeping: when the daemon's end of the socket closes, it ends.

mod fake;
#[cfg(any(feature = "llama", test))]
mod gguf;
#[cfg(feature = "llama")]
mod gpu;
mod library;
#[cfg(feature = "llama")]
mod llama;
pub mod logs;
mod model;
#[cfg(any(feature = "llama", test))]
mod prompt;
mod repeats;
mod schedule;
#[cfg(any(feature = "llama", test))]
mod states;
#[cfg(any(feature = "llama", test))]
mod sums;
pub(in crate::inference) mod text;

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal, raise};

use self::library::{FileRead, Library};
use self::schedule::Scheduler;
use crate::inference::frames::{self, FrameError};
use crate::inference::protocol::{FromWorker, LoadPlan, ToWorker};

/// Frames and files on their way to the computing thread. The daemon has at most 256 answers under way, each of two
/// frames, and one ping.
const INPUTS: usize = 1024;
/// How long a computing thread may take to notice that the daemon is gone.
const LAST_STEP: Duration = Duration::from_millis(200);
/// Quiet before what may be asked next is prepared: whoever goes on at once should not have to wait for that.
const READ_AHEAD_AFTER: Duration = Duration::from_secs(1);

/// Why the worker ended before the daemon wanted it to.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The standard input is not the daemon's socket.
    #[error("the standard input is not a socket: {0}; `hearthd` starts this command itself")]
    NoSocket(io::Error),
    /// A frame could not be read or written.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The daemon's first frame was no request to load.
    #[error("the first frame is not a request to load models")]
    NoPlan,
}

/// What the computing thread waits for.
enum Input {
    Frame(ToWorker),
    Read(FileRead),
    Broken(FrameError),
    End,
}

/// Serves the daemon at the other end of the standard input until it closes it.
///
/// # Errors
/// A [`WorkerError`] where what arrives makes no sense, or nothing can be sent any more.
pub fn run() -> Result<(), WorkerError> {
    leave_signals_to_the_daemon();
    say_who_this_is("/proc/self/comm", "hearthd-models");
    // The models are what takes memory, and the daemon can do without them for a while.
    say_who_this_is("/proc/self/oom_score_adj", "800");
    let socket = socket().map_err(WorkerError::NoSocket)?;
    let (input_tx, input_rx) = mpsc::sync_channel(INPUTS);
    let reader = socket.try_clone().map_err(WorkerError::NoSocket)?;
    let frames_tx = input_tx.clone();
    thread::Builder::new()
        .name("frames".to_owned())
        .spawn(move || read_frames(reader, &frames_tx))
        .map_err(FrameError::from)?;
    let plan = match input_rx.recv() {
        Ok(Input::Frame(ToWorker::Load(plan))) => plan,
        Ok(Input::End) | Err(_) => return Ok(()),
        Ok(Input::Broken(error)) => return Err(error.into()),
        Ok(Input::Frame(_) | Input::Read(_)) => return Err(WorkerError::NoPlan),
    };
    serve(&plan, &input_tx, &input_rx, socket)
}

fn socket() -> io::Result<UnixStream> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // Fails where the standard input is anything else.
    socket.peer_addr()?;
    Ok(socket)
}

/// A terminal's Ctrl-C and systemd's SIGTERM go to every process of the service. The daemon drains its answers first and
/// then closes the socket.
fn leave_signals_to_the_daemon() {
    let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    if let Err(error) = signals.thread_block() {
        log::warn!("signals cannot be left to the daemon: {error}");
    }
}

/// Tells the kernel something about this process; where it does not listen, things work all the same.
fn say_who_this_is(file: &str, value: &str) {
    if let Err(error) = std::fs::write(file, value) {
        log::debug!("{file} stays as it is: {error}");
    }
}

/// Reads frames until there are no more, then sees to it that the process ends even if a step is being computed.
fn read_frames(mut socket: UnixStream, input_tx: &SyncSender<Input>) {
    loop {
        let input = match frames::read(&mut socket) {
            Ok(Some(frame)) => Input::Frame(frame),
            Ok(None) => Input::End,
            Err(error) => Input::Broken(error),
        };
        let more = matches!(input, Input::Frame(_));
        // A full channel means that the other side does not keep to its own bounds.
        if input_tx.try_send(input).is_err() || !more {
            break;
        }
    }
    thread::park_timeout(LAST_STEP);
    // Without destructors: llama.cpp's would wait for what is being computed. Nobody is left to tell of an error.
    let _ = raise(Signal::SIGKILL);
}

fn serve(
    plan: &LoadPlan,
    input_tx: &SyncSender<Input>,
    input_rx: &Receiver<Input>,
    socket: UnixStream,
) -> Result<(), WorkerError> {
    #[cfg(feature = "llama")]
    logs::relay::install();
    let library = Library::new(plan);
    thread::scope(|scope| {
        let library = &library;
        scope.spawn(move || {
            library.read_files(|file| input_tx.send(Input::Read(file)).is_ok());
        });
        compute(library, input_rx, Outbox { socket, frames: Vec::new(), bytes: Vec::new() })
    })
}

/// The loop of the computing thread.
fn compute(library: &Library, input_rx: &Receiver<Input>, mut outbox: Outbox) -> Result<(), WorkerError> {
    let mut scheduler = Scheduler::default();
    let mut unread = library.files();
    let mut last_step = Instant::now();
    if unread == 0 {
        outbox.frames.push(FromWorker::Ready);
    }
    loop {
        outbox.flush()?;
        let input = match input_rx.try_recv() {
            Err(TryRecvError::Empty) if scheduler.busy() => {
                scheduler.step(&mut outbox.frames);
                last_step = Instant::now();
                continue;
            }
            Err(TryRecvError::Empty) if scheduler.tidy() => continue,
            Err(TryRecvError::Empty) if scheduler.can_read_ahead() => {
                match input_rx.recv_timeout(READ_AHEAD_AFTER.saturating_sub(last_step.elapsed())) {
                    Err(RecvTimeoutError::Timeout) => {
                        scheduler.read_ahead();
                        continue;
                    }
                    received => received.ok(),
                }
            }
            // Ends with the socket: the reader then sends the end.
            Err(TryRecvError::Empty) => input_rx.recv().ok(),
            received => received.ok(),
        };
        let Some(input) = input else { return Ok(()) };
        match input {
            Input::Frame(frame) => scheduler.handle(frame, &mut outbox.frames),
            Input::Read(file) => {
                library.open(file, &mut scheduler, &mut outbox.frames);
                unread = unread.saturating_sub(1);
                if unread == 0 {
                    outbox.frames.push(FromWorker::Ready);
                }
            }
            Input::Broken(error) => return Err(error.into()),
            Input::End => return Ok(()),
        }
    }
}

/// Frames on their way out; all of one step go in one write.
struct Outbox {
    socket: UnixStream,
    frames: Vec<FromWorker>,
    bytes: Vec<u8>,
}

impl Outbox {
    fn flush(&mut self) -> Result<(), FrameError> {
        for frame in self.frames.drain(..) {
            frames::encode(&frame, &mut self.bytes)?;
        }
        if !self.bytes.is_empty() {
            // The daemon reads always; if it does not it hangs itself, and this with it.
            self.socket.write_all(&self.bytes)?;
            self.bytes.clear();
        }
        Ok(())
    }
}
