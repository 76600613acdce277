//! hearthd beside llama.cpp's own server, on the same models, in turns, in the same run.
//!
//! `cargo bench --bench models [-- ROW…]`; `--list` names the rows, `--json FILE` keeps the figures, `--svg FILE` draws the
//! times of the tiers. `benches/models/setup` makes what is measured. `HEARTHD_BENCH_MODELS` names another folder of it,
//! `HEARTHD_BENCH_ROUNDS` other rounds than 7, `HEARTHD_BENCH_THREADS` other threads than 2.
//!
//! Both read the same texts with the same settings, warm, and take turns in going first. A ratio is the median of the
//! rounds' ratios, since the machine's own speed changes from minute to minute.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what is shared with the tests ends at its first surprise"
)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it measured")]

#[path = "../../tests/support/client.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod client;
mod daemon;
#[path = "../support/figures.rs"]
mod figures;
mod files;
mod heard;
#[path = "../../tests/support/home.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod home;
mod memory;
#[path = "../../tests/support/mosquitto.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod mosquitto;
mod peer;
mod picture;
mod questions;
mod rows;
mod scene;
mod table;
#[path = "../../tests/support/web.rs"]
mod web;

use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use rows::{Outcome, ROWS, Row};
use scene::Scene;

type Failure = Box<dyn std::error::Error>;

/// hearthd beside llama.cpp's own server.
#[derive(Parser)]
struct Arguments {
    /// Rows to measure; all where none is named.
    rows: Vec<String>,
    /// Names the rows.
    #[arg(long)]
    list: bool,
    /// Writes the figures to a file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draws the times of the tiers to a file; measures the row that has them.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Measures in this format alone: `q4_k_m`, `q4_0`.
    #[arg(long)]
    format: Option<String>,
    /// What cargo says to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    fn rows(&self) -> Result<Vec<&'static Row>, Failure> {
        let unknown = self.rows.iter().find(|name| !ROWS.iter().any(|row| row.name == **name));
        if let Some(unknown) = unknown {
            return Err(format!("there is no row `{unknown}`; --list names them").into());
        }
        let drawn = |row: &Row| self.svg.is_some() && row.name == rows::DRAWN;
        let all = self.rows.is_empty();
        Ok(ROWS.iter().filter(|row| all || drawn(row) || self.rows.iter().any(|name| name == row.name)).collect())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.list {
        for row in &ROWS {
            println!("{:<16} {}", row.name, row.about);
        }
        return ExitCode::SUCCESS;
    }
    // Dropped where it stands, whatever was started ends with it.
    let outcome = tokio::select! {
        outcome = run(&arguments) => outcome,
        () = told_to_stop() => Err("stopped".into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn told_to_stop() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Measures row after row; whether all could be.
async fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let rows = arguments.rows()?;
    let scene = Rc::new(Scene::find(arguments.format.as_deref())?);
    println!("{}, {}", scene.machine(), scene.formats.join(" and "));
    let mut results = Vec::new();
    let (began, mut whole) = (Instant::now(), true);
    for (number, row) in rows.iter().enumerate() {
        eprintln!("[{}/{}, {}] {}: {}", number + 1, rows.len(), minutes(began.elapsed()), row.name, row.about);
        let row_began = Instant::now();
        match measure(row, &scene).await {
            Ok(outcome) => {
                table::print(row, &outcome.lines);
                eprintln!("    in {}", minutes(row_began.elapsed()));
                results.push((*row, outcome));
            }
            Err(error) => {
                whole = false;
                println!("\n{}: not measured\n{error}", row.name);
            }
        }
    }
    if let Some(file) = &arguments.json {
        std::fs::write(file, table::json(&scene, &results))?;
    }
    if let Some(file) = &arguments.svg {
        match results.iter().find_map(|(_, outcome)| outcome.times.as_ref()) {
            Some(times) => picture::draw(times, file)?,
            None => return Err("there are no times to draw".into()),
        }
    }
    Ok(whole)
}

/// One row, in a task of its own, so that one that panics does not end the others.
async fn measure(row: &'static Row, scene: &Rc<Scene>) -> Result<Outcome, Failure> {
    let local = LocalSet::new();
    let scene = Rc::clone(scene);
    // A failure is turned to text in the task: what it is made of need not outlive it.
    let task = local.spawn_local(async move { (row.run)(&scene).await.map_err(|error| error.to_string()) });
    let outcome = local.run_until(task).await.map_err(|error| error.to_string())?;
    Ok(outcome?)
}

fn minutes(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02} min", seconds / 60, seconds % 60)
}
