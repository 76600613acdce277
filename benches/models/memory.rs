//! What a process holds of the machine's memory.

use std::fs;

use crate::Failure;

/// Resident memory in MiB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Memory {
    /// Its own.
    pub(crate) anonymous: f64,
    /// Pages of files, which the machine may take back; the model's among them.
    pub(crate) file: f64,
}

impl Memory {
    pub(crate) fn of(process: impl std::fmt::Display) -> Result<Self, Failure> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let field = |name: &str| -> Result<f64, Failure> {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("/proc has no such field")?;
            let kibibytes: f64 = line.trim_start_matches(':').trim_end_matches("kB").trim().parse()?;
            Ok(kibibytes / 1024.0)
        };
        Ok(Self { anonymous: field("RssAnon")? + field("RssShmem")?, file: field("RssFile")? })
    }

    pub(crate) fn total(self) -> f64 {
        self.anonymous + self.file
    }

    pub(crate) fn parts(self) -> String {
        format!("{:.0} MiB own, {:.0} MiB of files", self.anonymous, self.file)
    }
}

/// MiB of all buffers that llama.cpp says in a log it has made for this: `KV`, `compute`, `model`.
pub(crate) fn buffers(log: &str, what: &str) -> f64 {
    let ending = format!("{what} buffer size");
    let size = |line: &str| -> Option<f64> {
        let (_, rest) = line.split_once(&ending)?;
        rest.trim_start_matches([' ', '=']).split_whitespace().next()?.parse().ok()
    };
    log.lines().filter_map(size).sum()
}
