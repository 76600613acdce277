//! The labelled sentences that the bars are measured on. They are no part of the project: `HEARTHD_EVAL_DATA` names their
//! folder, and a test that goes without them says so where it is seen.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The folder of the data; `None`, and said loudly, where it is not set.
pub(crate) fn folder(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("HEARTHD_EVAL_DATA").filter(|folder| !folder.is_empty());
    if folder.is_none() {
        // Not by `eprintln!`, which a test that passes keeps to itself.
        let _ = writeln!(io::stderr(), "\nSKIPPED {test}: HEARTHD_EVAL_DATA is not set, so NOTHING WAS MEASURED\n");
    }
    folder.map(PathBuf::from)
}

/// The text of one of its files.
pub(crate) fn read(folder: &Path, name: &str) -> String {
    let path = folder.join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
