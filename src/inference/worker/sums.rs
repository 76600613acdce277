//! Whether a model's file is the one that it should be, found out before llama.cpp sees it.
//!
//! A large file takes seconds to read through, so that it was found right is noted, and holds until the file changes.

use std::fs::{self, File};
use std::path::Path;
use std::time::Instant;

use super::states::StateFile;
use crate::core::checksum::sha256_of;

const FOLDER: &str = "checked-models";

/// Checks that a file has this sha256, in lowercase hexadecimal. What was found is noted under `state_dir`.
pub(super) fn check(file: &Path, wanted: &str, state_dir: Option<&Path>) -> Result<(), String> {
    let note = state_dir.and_then(|folder| StateFile::new(&folder.join(FOLDER), file, wanted).ok());
    if note.as_ref().and_then(StateFile::whole).is_some() {
        return Ok(());
    }
    let begun = Instant::now();
    let found = File::open(file).and_then(sha256_of).map_err(|error| format!("cannot be read: {error}"))?;
    if found != wanted {
        return Err(format!(
            "is not the file that it should be (its sha256 is {found} instead of {wanted}); fetch it again with `hearthd \
             models pull`, or give a file of your own a name of its own"
        ));
    }
    log::info!("{} has the sha256 that it should have ({} ms)", file.display(), begun.elapsed().as_millis());
    if let Some(Err(error)) = note.map(|note| note.save(|path| fs::write(path, wanted))) {
        log::debug!("that {} is right cannot be noted: {error}", file.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::check;
    use crate::core::checksum::sha256_of;

    #[test]
    fn a_file_is_read_once_and_again_after_it_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (file, state) = (folder.path().join("m.gguf"), folder.path().join("state"));
        fs::write(&file, "weights").unwrap();
        let sum = sha256_of(&b"weights"[..]).unwrap();
        let notes = || fs::read_dir(state.join("checked-models")).map_or(0, Iterator::count);
        assert!(check(&file, &"0".repeat(64), Some(&state)).unwrap_err().contains(&sum));
        assert_eq!(notes(), 0, "what is wrong is not noted");
        check(&file, &sum, Some(&state)).unwrap();
        check(&file, &sum, Some(&state)).unwrap();
        assert_eq!(notes(), 1);
        // As long as before, and as old by what anybody can set.
        let written = fs::metadata(&file).unwrap().modified().unwrap();
        fs::write(&file, "weightz").unwrap();
        fs::File::options().append(true).open(&file).unwrap().set_modified(written).unwrap();
        assert!(check(&file, &sum, Some(&state)).is_err());
        assert!(check(&file, &sum, None).is_err());
        assert!(check(&folder.path().join("gone"), &sum, Some(&state)).is_err());
    }
}
