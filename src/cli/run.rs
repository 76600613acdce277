//! `hearthd run`: config, log, runtime, daemon, signal, drain, exit code.

use crate::config::file::Loaded;
use crate::service;

use super::{Outcome, daemon, not_started};

pub(super) fn run(loaded: Loaded) -> Outcome {
    if let Err(error) = service::log::init(loaded.config.log.level.into(), false) {
        return not_started(&error);
    }
    service::panics::abort_on_panic();
    // Two threads: one polls the broker and carries out commands, one passes models' pieces on. The models' own threads
    // are in the worker.
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return not_started(&error),
    };
    let outcome = match runtime.block_on(Box::pin(daemon::run(loaded))) {
        Ok(outcome) => outcome,
        Err(error) => not_started(&error),
    };
    // What is left are blocking threads that nobody waits for any more.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    outcome
}
