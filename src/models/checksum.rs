//! The sha256 of a file, and the line beside a pulled model that keeps it.
//!
//! The line is in the form of `sha256sum`, so that `sha256sum -c FILE.sha256` checks a model without hearthd.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

const BLOCK: usize = 1 << 20;

/// The file's sha256 in lowercase hexadecimal.
///
/// # Errors
/// The file cannot be read.
pub fn sha256_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut block = vec![0; BLOCK];
    let mut hasher = Sha256::new();
    loop {
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(read) => hasher.update(&block[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let mut text = String::with_capacity(64);
    for byte in hasher.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
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
    fn the_sum_is_the_standard_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("abc");
        fs::write(&path, b"abc").unwrap();
        // FIPS 180-2, appendix B.1.
        assert_eq!(sha256_of(&path).unwrap(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

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
