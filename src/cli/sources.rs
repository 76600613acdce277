//! Reads the intent files of a folder, for the loader that only takes their text.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::config::Intents;
use crate::core::intents::{self, Rules, Source};
use crate::core::yaml::Problem;

/// Folders below the intents folder.
const MAX_DEPTH: usize = 8;
/// Files read; far more than a home has rules.
const MAX_FILES: usize = 2_000;
/// Bytes of one file; the loader refuses less, this keeps a huge one from being read at all.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// The same of one JSON file: all sentences of a language.
const MAX_JSON_BYTES: u64 = 8 * 1024 * 1024;

/// Reads every `*.yaml` of the folder and below, in path order, and loads them; every problem at once.
/// The folder's default place may be missing: an empty config is valid, and has no rules.
pub(super) fn load(intents: &Intents) -> (Rules, Vec<Problem>) {
    of_config(intents, intents::load)
}

/// As [`load`], and looks for what is wrong beyond that.
pub(super) fn check(intents: &Intents) -> (Rules, Vec<Problem>) {
    of_config(intents, intents::check)
}

/// Loads what somebody names: a folder, or one file; one that ends in `.json` is Home Assistant's merged intents.
pub(super) fn load_from(path: &Path) -> (Rules, Vec<Problem>) {
    if path.is_dir() {
        return of_folder(path, intents::load);
    }
    match read(path, MAX_JSON_BYTES) {
        Ok(text) => intents::load(&[Source { path: path.display().to_string(), text }]),
        Err(message) => (Rules::default(), vec![problem(path, message)]),
    }
}

type Loader = fn(&[Source]) -> (Rules, Vec<Problem>);

fn of_config(intents: &Intents, load: Loader) -> (Rules, Vec<Problem>) {
    let folder = intents.path.as_path();
    if intents.is_default && !folder.exists() {
        log::warn!("there is no folder {}: no device command will be understood", folder.display());
        return (Rules::default(), Vec::new());
    }
    of_folder(folder, load)
}

fn of_folder(folder: &Path, load: Loader) -> (Rules, Vec<Problem>) {
    let (paths, mut problems) = paths(folder);
    let mut sources = Vec::new();
    for path in &paths {
        match read(path, MAX_FILE_BYTES) {
            Ok(text) => sources.push(Source { path: path.display().to_string(), text }),
            Err(message) => problems.push(problem(path, message)),
        }
    }
    let (rules, found) = load(&sources);
    problems.extend(found);
    (rules, problems)
}

/// The intent files of a folder and below, in path order. What begins with a dot is not read: it belongs to an editor, to
/// an import that is under way, or to a tool that changes whole folders by a link.
pub(super) fn paths(folder: &Path) -> (Vec<PathBuf>, Vec<Problem>) {
    let mut walk = Walk::default();
    walk.enter(folder, 0);
    walk.paths.sort();
    if walk.paths.len() > MAX_FILES {
        walk.problems.push(problem(folder, format!("more than {MAX_FILES} intent files; merge some of them")));
        walk.paths.truncate(MAX_FILES);
    }
    (walk.paths, walk.problems)
}

/// A walk through folders, each entered once, however many links lead to it.
#[derive(Default)]
struct Walk {
    entered: HashSet<(u64, u64)>,
    paths: Vec<PathBuf>,
    problems: Vec<Problem>,
}

impl Walk {
    fn enter(&mut self, folder: &Path, depth: usize) {
        let read = fs::metadata(folder).and_then(|about| Ok((about, fs::read_dir(folder)?)));
        let (about, entries) = match read {
            Ok(read) => read,
            Err(error) => return self.problems.push(problem(folder, format!("the folder cannot be read: {error}"))),
        };
        if !self.entered.insert((about.dev(), about.ino())) {
            let message = "this link leads to a folder that is read already; remove it".to_owned();
            return self.problems.push(problem(folder, message));
        }
        // In order, so that the same of two links to one folder is told of each time.
        let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        found.sort();
        for path in found {
            if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
                continue;
            }
            if path.is_dir() {
                if depth == MAX_DEPTH {
                    self.problems.push(problem(&path, format!("folders are read {MAX_DEPTH} deep")));
                } else {
                    self.enter(&path, depth + 1);
                }
            } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
                self.paths.push(path);
            }
            // Far too many: whoever reads on would only take longer to say so.
            if self.paths.len() > MAX_FILES || self.problems.len() > MAX_FILES {
                return;
            }
        }
    }
}

fn read(path: &Path, most: u64) -> Result<String, String> {
    let size = fs::metadata(path).map_err(|error| format!("the file cannot be read: {error}"))?.len();
    if size > most {
        return Err(format!("the file has {size} bytes; split it into several"));
    }
    let bytes = fs::read(path).map_err(|error| format!("the file cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|_| "the file is not UTF-8".to_owned())
}

fn problem(path: &Path, message: String) -> Problem {
    Problem { file: path.display().to_string(), line: 1, column: 1, message }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_that_lead_back_are_told_once_each_and_cost_no_time() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("en")).unwrap();
        fs::write(root.join("en/a.yaml"), "").unwrap();
        for name in ["b", "c", "d", "e", "f", "g"] {
            symlink("..", root.join("en").join(name)).unwrap();
        }
        let (paths, problems) = paths(root);
        assert_eq!(paths, [root.join("en/a.yaml")]);
        assert_eq!(problems.len(), 6, "{problems:#?}");
        assert!(problems[0].message.contains("leads to a folder that is read already"), "{problems:#?}");
    }

    #[test]
    fn what_begins_with_a_dot_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join(".import")).unwrap();
        fs::write(root.join(".import/half.yaml"), "").unwrap();
        // As an editor locks a file, and as a tool changes a whole set at once.
        symlink("nobody@nowhere.1", root.join(".#a.yaml")).unwrap();
        fs::write(root.join(".import/whole.yaml"), "").unwrap();
        symlink(".import", root.join("..data")).unwrap();
        symlink("..data/whole.yaml", root.join("a.yaml")).unwrap();
        let (paths, problems) = paths(root);
        assert_eq!(paths, [root.join("a.yaml")]);
        assert!(problems.is_empty(), "{problems:#?}");
    }
}
