//! What the worker's memory is made of, and whether it stays as it is.

use super::Outcome;
use crate::Failure;
use crate::daemon::{Daemon, Model, Question, Setup};
use crate::files::{Size, mebibytes};
use crate::memory::buffers;
use crate::peer::{Messages, Server};
use crate::questions::{Questions, SYSTEM};
use crate::scene::{Scene, tier};
use crate::table::{Bar, Line};

const STREAMS: u32 = 4;
const TOKENS: u32 = 16;
/// MiB beside the model files and the KV cache.
const BESIDE: Bar = Bar::AtMost(200.0);
/// After these the memory is compared with what it is after as many more as the bar says.
const WARM_UP: usize = 200;
const REQUESTS: usize = 2_000;
/// MiB that it may grow by: what allocators do not give back.
const GROWTH: Bar = Bar::AtMost(8.0);

pub(super) async fn run(scene: &Scene) -> Result<Outcome, Failure> {
    let mut lines = parts(scene).await?;
    lines.extend(growth(scene).await?);
    Ok(lines.into())
}

/// Both models, every slot used.
async fn parts(scene: &Scene) -> Result<Vec<Line>, Failure> {
    let format = scene.format();
    let mut daemon = Daemon::start(&Setup { log: "debug", ..scene.setup(format, TOKENS) }).await?;
    let mut questions = Questions::default();
    let (mut files, mut theirs) = (0.0, 0.0);
    for size in Size::BOTH {
        let asked: Vec<Question> = (0..STREAMS).map(|_| Question::new(tier(size), questions.long())).collect();
        daemon.ask_all(&asked).await?;
        files += mebibytes(&scene.model(size, format))?;
        let server = Server::start(&scene.files, &scene.server(size, format, STREAMS)).await?;
        for _ in 0..STREAMS {
            server.ask(&Messages::new(SYSTEM).user(&questions.long()), TOKENS).await?;
        }
        theirs += server.memory()?.total();
    }
    let (log, memory) = (daemon.log(), daemon.worker_memory()?);
    let cache = buffers(&log, "KV");
    if cache == 0.0 {
        return Err("the worker's log tells of no KV cache".into());
    }
    let beside = memory.total() - files - cache;
    let ours = memory.total();
    Ok(vec![
        Line { theirs: Some(theirs), ratio: Some(ours / theirs), ..Line::alone("worker, both models", "MiB", ours) }
            .noted(memory.parts()),
        Line::alone("of it the model files", "MiB", files),
        Line::alone("of it the KV cache", "MiB", cache),
        Line::alone("beside them", "MiB", beside)
            .barred(beside, BESIDE)
            .noted(format!("llama.cpp's buffers to compute in: {:.0} MiB", buffers(&log, "compute"))),
        Line::alone("the daemon itself", "MiB", daemon.memory()?.total()),
    ])
}

/// Many short questions, with the smallest real model, four at a time.
async fn growth(scene: &Scene) -> Result<Vec<Line>, Failure> {
    let model = Model { max_tokens: 4, ..Model::new(crate::home::real_model().as_ref(), 4) };
    let mut daemon = Daemon::start(&Setup::new(model, Model::none(), scene.threads)).await?;
    let mut questions = Questions::default();
    let (mut before, mut asked) = (None, 0);
    while asked < WARM_UP + REQUESTS {
        let four: Vec<Question> = (0..STREAMS).map(|_| Question::new("chat", questions.short())).collect();
        daemon.ask_all(&four).await?;
        asked += four.len();
        if asked == WARM_UP {
            before = Some((daemon.worker_memory()?, daemon.memory()?));
        }
    }
    let (worker, itself) = before.ok_or("the memory was not looked at after the first requests")?;
    let line = |what: &str, before: crate::memory::Memory, after: crate::memory::Memory| {
        let growth = after.total() - before.total();
        Line::alone(format!("{what}, growth over {REQUESTS} requests"), "MiB", growth)
            .barred(growth, GROWTH)
            .noted(format!("before: {}; after: {}", before.parts(), after.parts()))
    };
    Ok(vec![line("worker", worker, daemon.worker_memory()?), line("daemon", itself, daemon.memory()?)])
}
