//! From a sampled token to its chunk at a subscriber of Mosquitto.
//!
//! At level trace the worker logs for every token when it was sampled and how many bytes of text came of it. The stamp is
//! the machine's monotonic clock, the same that is read here when a chunk arrives; writing the log counts as ours. A chunk
//! may be sent so late that its first token has waited for the joining time, and is where another was sent just before; the
//! first chunk is not joined at all.

use std::time::{Duration, Instant};

use super::Outcome;
use crate::Failure;
use crate::daemon::{Daemon, Question, Setup};
use crate::figures::{milliseconds, quantile};
use crate::files::Size;
use crate::questions::Questions;
use crate::scene::{Scene, tier};
use crate::table::{Bar, Line};

const TOKENS: u32 = 64;
const BAR: Bar = Bar::AtMost(5.0);

/// A token of the worker's log.
#[derive(Clone, Copy, Debug)]
struct Sampled {
    request: u64,
    at: Duration,
    bytes: usize,
}

/// A chunk, or an answer's first token, on the clock of [`clock`].
struct Asked {
    began: Duration,
    pieces: Vec<(Duration, usize)>,
}

pub(super) async fn run(scene: &Scene) -> Result<Outcome, Failure> {
    let setup = Setup { log: "trace", ..scene.setup(scene.format(), TOKENS) };
    let mut daemon = Daemon::start(&setup).await?;
    let mut questions = Questions::default();
    let (mut first, mut all, mut beyond) = (Vec::new(), Vec::new(), Vec::new());
    for size in Size::BOTH {
        for _ in 0..scene.rounds {
            let began = clock(Instant::now())?;
            let heard = daemon.ask(&Question::new(tier(size), questions.long())).await?;
            let pieces = heard.pieces.iter().map(|piece| (piece.after, piece.bytes)).collect();
            let delays = delays(&daemon.log(), &Asked { began, pieces })?;
            first.extend(delays.first());
            beyond.extend(delays.first());
            beyond.extend(delays.iter().skip(1).map(|delay| delay - milliseconds(setup.join)));
            all.extend(delays);
        }
    }
    let note = format!("{} chunks, {} of them first ones; p50 {:.2} ms", all.len(), first.len(), quantile(&all, 50));
    let p95 = quantile(&beyond, 95);
    Ok(vec![
        Line::alone("first chunks, p95", "ms", quantile(&first, 95)),
        Line::alone("all chunks, p95", "ms", quantile(&all, 95)),
        Line::alone("all chunks, p95 beyond the joining time", "ms", p95).barred(p95, BAR).noted(note),
    ]
    .into())
}

/// Milliseconds that each chunk of the log's last answer took from its first token.
fn delays(log: &str, asked: &Asked) -> Result<Vec<f64>, Failure> {
    let tokens: Vec<Sampled> = log.lines().filter_map(sampled).collect();
    let last = tokens.last().ok_or("the worker's log tells of no tokens")?.request;
    let mut tokens = tokens.iter().filter(|token| token.request == last).peekable();
    let mut delays = Vec::new();
    let mut owed: usize = 0;
    for (after, bytes) in &asked.pieces {
        // What the log's tokens held back goes with a later one; the end of an answer may be nobody's.
        let Some(oldest) = tokens.peek().map(|token| token.at) else { break };
        owed += bytes;
        while owed > 0 {
            let Some(token) = tokens.next() else { break };
            owed = owed.saturating_sub(token.bytes);
        }
        let taken = asked.began + *after;
        delays.push(milliseconds(taken.saturating_sub(oldest)));
    }
    Ok(delays)
}

/// Reads `answer 7: token 3 sampled at Instant { tv_sec: 12, tv_nsec: 34 }, 5 bytes to say`.
fn sampled(line: &str) -> Option<Sampled> {
    let (_, rest) = line.split_once(": answer ")?;
    let (request, rest) = rest.split_once(": token ")?;
    let (_, rest) = rest.split_once(" sampled at ")?;
    let (stamp, rest) = rest.split_once("}, ")?;
    let bytes = rest.split_once(" bytes")?.0;
    Some(Sampled { request: request.parse().ok()?, at: since_boot(stamp)?, bytes: bytes.parse().ok()? })
}

/// Where an instant stands on the machine's monotonic clock, of which std shows nothing but this.
fn clock(instant: Instant) -> Result<Duration, Failure> {
    since_boot(&format!("{instant:?}")).ok_or_else(|| format!("{instant:?} is no monotonic clock's").into())
}

fn since_boot(stamp: &str) -> Option<Duration> {
    let field = |name: &str| {
        let (_, rest) = stamp.split_once(name)?;
        rest.split([',', ' ', '}']).find(|part| !part.is_empty())?.parse().ok()
    };
    Some(Duration::new(field("tv_sec: ")?, u32::try_from(field("tv_nsec: ")?).ok()?))
}
