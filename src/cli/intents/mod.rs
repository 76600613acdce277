//! `hearthd intents`: which languages' sentences are here, and the import of Home Assistant's.
//!
//! Only writes into its own folder of each imported language, and only there what it wrote before; what people wrote
//! themselves is read by `list` and never touched.

mod import;
mod list;
mod package;
mod texts;

use std::io;
use std::path::{Path, PathBuf};

use crate::config::file::Loaded;
use crate::models::error::Error as PackageError;

use super::arguments::{IntentsArgs, IntentsCommand};
use super::{Outcome, complain};

/// The Python package with Home Assistant's sentences.
const PACKAGE: &str = "home-assistant-intents";
/// The folder of an imported language, below the language's own.
const FOLDER: &str = "home-assistant";

/// Why nothing was imported. Whatever it is, what was imported before is still there.
#[derive(Debug, thiserror::Error)]
enum ImportError {
    #[error("no space is left on the disk of {}: free some", .0.display())]
    DiskFull(PathBuf),
    #[error(transparent)]
    Package(PackageError),
    #[error("{} holds no {PACKAGE}: name its wheel, or the folder it was installed into", .0.display())]
    NotThePackage(PathBuf),
    #[error("{PACKAGE} {version} has no language `{asked}`: {hint}")]
    UnknownLanguage { asked: String, version: String, hint: String },
    #[error("{} is not as {PACKAGE} writes it: {cause}", .path.display())]
    Unreadable { path: PathBuf, cause: String },
    #[error("this hearthd cannot read `{tag}` of {PACKAGE} {version}, and nothing was changed: {first}")]
    Refused { tag: String, version: String, first: String },
    #[error("{} was not made by an import: move it away first, or give the folder another name", .0.display())]
    NotOurs(PathBuf),
    #[error("another `hearthd intents import` is writing to {}: wait for it to end", .0.display())]
    Busy(PathBuf),
    #[error("{} cannot be {action}: {cause}; `intents.path` of the config names the folder", .path.display())]
    Io { action: &'static str, path: PathBuf, cause: io::Error },
}

impl ImportError {
    fn io(action: &'static str, path: &Path, cause: io::Error) -> Self {
        if cause.kind() == io::ErrorKind::StorageFull || cause.kind() == io::ErrorKind::QuotaExceeded {
            return Self::DiskFull(path.to_owned());
        }
        Self::Io { action, path: path.to_owned(), cause }
    }
}

impl From<PackageError> for ImportError {
    fn from(error: PackageError) -> Self {
        match error {
            // Its own words name the models' folder.
            PackageError::DiskFull(path) => Self::DiskFull(path),
            PackageError::Io { action, path, cause } => Self::io(action, &path, cause),
            other => Self::Package(other),
        }
    }
}

pub(super) fn run(loaded: &Loaded, args: &IntentsArgs) -> Outcome {
    let folder = loaded.config.intents.path.as_path();
    match &args.command {
        IntentsCommand::List { json } => list::run(folder, *json),
        IntentsCommand::Import(args) => {
            let configured = [loaded.config.language.0.clone()];
            let languages = if args.language.is_empty() { &configured } else { args.language.as_slice() };
            match import::run(folder, languages, args.from.as_deref()) {
                Ok(()) => Outcome::Done,
                Err(error) => {
                    complain(&error);
                    Outcome::Problems
                }
            }
        }
    }
}
