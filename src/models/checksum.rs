//! The sha256 of a file, and the line beside a pulled model that keeps it.
//!
//! The line is in the form of `sha256sum`, so that `sha256sum -c FILE.sha256` checks a model without hearthd.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::core::checksum;

/// The file's sha256 in lowercase hexadecimal.
///
/// # Errors
/// The file cannot be read.
pub fn sha256_of(path: &Path) -> io::Result<String> {
    checksum::sha256_of(File::open(path)?)
}

/// Whether `text` has the form of a sha256; only then is an etag one.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit())
}

fn sidecar(model: &Path) -> PathBuf {
    let mut name = model.as_os_str().to_owned();
    name.push(".sha256");
    PathBuf::from(name)
}

/// The sum that was kept when the model was pulled.
pub(crate) fn recorded(model: &Path) -> Option<String> {
    let line = fs::read_to_string(sidecar(model)).ok()?;
    let sum = line.split_whitespace().next()?;
    is_sha256(sum).then(|| sum.to_ascii_lowercase())
}

/// Keeps the sum beside the model.
pub(crate) fn record(model: &Path, sha256: &str) -> io::Result<()> {
    let name = model.file_name().unwrap_or_default().to_string_lossy();
    fs::write(sidecar(model), format!("{sha256}  {name}\n"))
}

/// Forgets the sum: the file it belonged to is gone.
pub(crate) fn forget(model: &Path) {
    // Nothing is lost where there was none.
    let _ = fs::remove_file(sidecar(model));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_sum_comes_back_and_a_broken_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.gguf");
        assert_eq!(recorded(&path), None);
        record(&path, &"ab".repeat(32)).unwrap();
        assert_eq!(recorded(&path), Some("ab".repeat(32)));
        fs::write(sidecar(&path), "not a sum").unwrap();
        assert_eq!(recorded(&path), None);
        forget(&path);
        assert!(!sidecar(&path).exists());
    }
}
