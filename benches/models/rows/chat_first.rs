//! Chat's first chunk while an explanation streams. hearthd gives chat the processor at once, so that a question waits for
//! the large model's running step at most; two llama-servers, one a model, know nothing of each other and share the
//! processor as the kernel sees fit.

use std::time::Duration;

use super::Outcome;
use crate::Failure;
use crate::daemon::{Daemon, Question};
use crate::figures::{milliseconds, quantile};
use crate::files::Size;
use crate::peer::{Messages, Server};
use crate::questions::{Questions, SYSTEM};
use crate::scene::{Scene, rest};
use crate::table::{Bar, Line};

/// Questions of each kind, for a 95th in a hundred.
const QUESTIONS: usize = 21;
/// What follows the first words of a chat answer does not matter here.
const CHAT_TOKENS: u32 = 8;
/// So long that it never ends by itself in between.
const EXPLAIN_TOKENS: u32 = 512;
/// Tokens of the explanation that tells how long the large model's steps are.
const STEPS: usize = 24;

/// Milliseconds to first chunks.
#[derive(Debug, Default)]
struct Times {
    idle: Vec<f64>,
    busy: Vec<f64>,
}

pub(super) async fn run(scene: &Scene) -> Result<Outcome, Failure> {
    let mut setup = scene.setup(scene.format(), CHAT_TOKENS);
    setup.explain.max_tokens = EXPLAIN_TOKENS;
    // Every token a chunk, so that steps can be counted; a first chunk is sent at once in any case.
    setup.join = Duration::ZERO;
    let mut ours = Ours { daemon: Daemon::start(&setup).await?, times: Times::default() };
    let start = async |size| Server::start(&scene.files, &scene.server(size, scene.format(), 1)).await;
    let [chat, explain] = [start(Size::Small).await?, start(Size::Large).await?];
    let mut theirs = Theirs { chat, explain, times: Times::default() };
    let mut questions = Questions::default();
    let step = ours.step(&mut questions).await?;
    let each = QUESTIONS.div_ceil(scene.rounds);
    for (round, is_ours) in scene.turns() {
        rest().await;
        if is_ours {
            ours.round(&mut questions, each).await?;
        } else {
            theirs.round(&mut questions, each).await?;
        }
        if round == 0 {
            (ours.times, theirs.times) = Default::default();
        }
    }
    Ok(lines(&ours.times, &theirs.times, step).into())
}

fn lines(ours: &Times, theirs: &Times, step: f64) -> Vec<Line> {
    let p95 = |times: &[f64]| quantile(times, 95);
    let pair = |what: &str, ours: f64, theirs: f64| Line {
        theirs: Some(theirs),
        ratio: Some(ours / theirs),
        ..Line::alone(what, "ms", ours)
    };
    let limit = p95(&ours.idle) + step;
    let note = format!(
        "ours at most its idle time and a step: {limit:.0} ms; of the {} questions each, theirs takes {:.0} ms more than \
         idle, ours {:.0} ms",
        ours.busy.len(),
        p95(&theirs.busy) - p95(&theirs.idle),
        p95(&ours.busy) - p95(&ours.idle)
    );
    vec![
        pair("idle, p95", p95(&ours.idle), p95(&theirs.idle)),
        Line::alone("one decode step of the large model", "ms", step),
        pair("while an explanation streams, p50", quantile(&ours.busy, 50), quantile(&theirs.busy, 50)),
        pair("while an explanation streams, p95", p95(&ours.busy), p95(&theirs.busy))
            .barred(p95(&ours.busy), Bar::AtMost(limit.round()))
            .noted(note),
    ]
}

/// A pause in which the explanation goes on, so that questions come at any point of its steps.
async fn pause() {
    tokio::time::sleep(Duration::from_millis(fastrand::u64(100..400))).await;
}

struct Ours {
    daemon: Daemon,
    times: Times,
}

impl Ours {
    /// Milliseconds of one step of the large model by itself.
    async fn step(&mut self, questions: &mut Questions) -> Result<f64, Failure> {
        let id = self.daemon.begin(&Question::new("explain", questions.long())).await;
        self.daemon.chunks(&id, STEPS).await?;
        let pieces = self.daemon.cancel(&id).await?.pieces;
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else {
            return Err("the explanation had no text".into());
        };
        Ok(milliseconds(last.after.saturating_sub(first.after)) / f64::from(u32::try_from(pieces.len() - 1)?))
    }

    async fn round(&mut self, questions: &mut Questions, each: usize) -> Result<(), Failure> {
        for _ in 0..each {
            pause().await;
            let heard = self.daemon.ask(&Question::new("chat", questions.short())).await?;
            self.times.idle.push(heard.first()?);
        }
        let wanted = self.times.busy.len() + each;
        while self.times.busy.len() < wanted {
            let id = self.daemon.begin(&Question::new("explain", questions.long())).await;
            self.daemon.chunks(&id, 1).await?;
            while self.times.busy.len() < wanted {
                pause().await;
                let heard = self.daemon.ask(&Question::new("chat", questions.short())).await?;
                // What was measured beside an explanation that was over does not count.
                if self.daemon.is_over(&id) {
                    break;
                }
                self.times.busy.push(heard.first()?);
            }
            self.daemon.cancel(&id).await?;
        }
        Ok(())
    }
}

struct Theirs {
    chat: Server,
    explain: Server,
    times: Times,
}

impl Theirs {
    async fn ask(&self, questions: &mut Questions) -> Result<f64, Failure> {
        pause().await;
        self.chat.ask(&Messages::new(SYSTEM).user(&questions.short()), CHAT_TOKENS).await?.first()
    }

    async fn round(&mut self, questions: &mut Questions, each: usize) -> Result<(), Failure> {
        for _ in 0..each {
            let first = self.ask(questions).await?;
            self.times.idle.push(first);
        }
        let wanted = self.times.busy.len() + each;
        while self.times.busy.len() < wanted {
            let messages = Messages::new(SYSTEM).user(&questions.long());
            let mut explanation = self.explain.begin(&messages, EXPLAIN_TOKENS).await?;
            explanation.first().await?;
            let mut firsts = Vec::new();
            while self.times.busy.len() + firsts.len() < wanted {
                let first = self.ask(questions).await?;
                if explanation.is_over().await? {
                    break;
                }
                firsts.push(first);
            }
            drop(explanation);
            self.times.busy.extend(firsts);
            // It notices that nobody reads any more.
            pause().await;
        }
        Ok(())
    }
}
