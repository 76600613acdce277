//! Reads the intent files of a folder, for the loader that only takes their text.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::Intents;
use crate::core::intents::{self, Rules, Source};
use crate::core::yaml::Problem;

/// Folders below the intents folder; a link that leads back up ends here.
const MAX_DEPTH: usize = 8;
/// Files read; far more than a home has rules.
const MAX_FILES: usize = 2_000;
/// Bytes of one file; the loader refuses less, this keeps a huge one from being read at all.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Reads every `*.yaml` of the folder and below, in path order, and loads them; every problem at once.
/// The folder's default place may be missing: an empty config is valid, and has no rules.
pub(super) fn load(intents: &Intents) -> (Rules, Vec<Problem>) {
    let folder = intents.path.as_path();
    if intents.is_default && !folder.exists() {
        log::warn!("there is no folder {}: no device command will be understood", folder.display());
        return (Rules::default(), Vec::new());
    }
    let mut problems = Vec::new();
    let mut paths = Vec::new();
    collect(folder, 0, &mut paths, &mut problems);
    paths.sort();
    if paths.len() > MAX_FILES {
        problems.push(problem(folder, format!("more than {MAX_FILES} intent files; merge some of them")));
        paths.truncate(MAX_FILES);
    }
    let mut sources = Vec::new();
    for path in &paths {
        match read(path) {
            Ok(text) => sources.push(Source { path: path.display().to_string(), text }),
            Err(message) => problems.push(problem(path, message)),
        }
    }
    let (rules, found) = intents::load(&sources);
    problems.extend(found);
    (rules, problems)
}

fn collect(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>, problems: &mut Vec<Problem>) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return problems.push(problem(folder, format!("the folder cannot be read: {error}"))),
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            if depth == MAX_DEPTH {
                problems.push(problem(
                    &path,
                    format!("folders are read {MAX_DEPTH} deep; is this a link that leads back?"),
                ));
                return;
            }
            collect(&path, depth + 1, paths, problems);
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            paths.push(path);
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > MAX_FILE_BYTES {
        return Err(format!("the file has {size} bytes; split it into several"));
    }
    let bytes = fs::read(path).map_err(|error| format!("the file cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|_| "the file is not UTF-8".to_owned())
}

fn problem(path: &Path, message: String) -> Problem {
    Problem { file: path.display().to_string(), line: 1, column: 1, message }
}
