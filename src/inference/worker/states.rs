//! What was found out about a model's file, kept on disk so that a restarted worker need not find it out again: the system
//! prompts' states.
//!
//! A file is named after everything its state depends on, ends with a checksum of what stands before it, and is written
//! beside its place and then moved there. Whatever is wrong with one makes it as good as absent: the state can always be
//! computed. Knows nothing of what is in the files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::core::checksum::hex;

/// Files kept; the oldest go. Two tiers, and some to go back to.
const MOST_FILES: usize = 8;
/// Of the checksum at the end of a file.
const CHECKSUM_BYTES: usize = 32;
/// A state is a few megabytes; a file beyond this is none of ours.
const MOST_BYTES: u64 = 1 << 30;
const ENDING: &str = "state";

/// The place of one state.
#[derive(Clone, Debug)]
pub(super) struct StateFile {
    path: PathBuf,
}

impl StateFile {
    /// The place in `folder` of the state that `model` computes from `settings`, which name everything else that it depends
    /// on. Any change of the model's file makes it another place, even one that puts its modification time back.
    pub(super) fn new(folder: &Path, model: &Path, settings: &str) -> io::Result<Self> {
        let path = model.canonicalize()?;
        let file = path.metadata()?;
        let written = [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()];
        let mut hash = Sha256::new();
        hash.update(concat!("hearthd ", env!("CARGO_PKG_VERSION"), "\0"));
        hash.update(path.as_os_str().as_encoded_bytes());
        hash.update(format!("\0{} {} {} {written:?}\0{settings}", file.dev(), file.ino(), file.len()));
        Ok(Self { path: folder.join(format!("{}.{ENDING}", hex(&hash.finalize()))) })
    }

    /// The file, if it is there and whole.
    pub(super) fn whole(&self) -> Option<&Path> {
        match is_whole(&self.path) {
            Ok(true) => return Some(&self.path),
            Ok(false) => log::debug!("{} is damaged and not used", self.path.display()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => log::debug!("{} cannot be read: {error}", self.path.display()),
        }
        None
    }

    /// Has `write` write the state to a path, then seals it, puts it in its place, and removes the oldest of too many.
    pub(super) fn save(&self, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(folder)?;
        // Another process's is another file.
        let beside = self.path.with_extension(format!("{}.new", std::process::id()));
        let written = write(&beside).and_then(|()| seal(&beside)).and_then(|()| fs::rename(&beside, &self.path));
        if written.is_err() {
            // It may never have been made.
            drop(fs::remove_file(&beside));
        }
        written?;
        remove_oldest(folder)
    }
}

fn is_whole(path: &Path) -> io::Result<bool> {
    let file = File::open(path)?;
    if file.metadata()?.len() > MOST_BYTES {
        return Ok(false);
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes.split_last_chunk::<CHECKSUM_BYTES>().is_some_and(|(state, sum)| Sha256::digest(state)[..] == sum[..]))
}

fn seal(path: &Path) -> io::Result<()> {
    let sum = Sha256::digest(fs::read(path)?);
    OpenOptions::new().append(true).open(path)?.write_all(&sum)
}

/// Removes what is there beyond [`MOST_FILES`], and what a worker that was killed left half written, oldest first.
fn remove_oldest(folder: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        files.push((entry.metadata()?.modified()?, entry.path()));
    }
    files.sort();
    let too_many = files.len().saturating_sub(MOST_FILES);
    files.iter().take(too_many).try_for_each(|(_, path)| fs::remove_file(path))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io;
    use std::path::Path;

    use super::{MOST_FILES, StateFile};

    fn saved(folder: &Path, settings: &str) -> StateFile {
        let model = folder.join("model.gguf");
        if !model.exists() {
            fs::write(&model, "weights").unwrap();
        }
        let state = StateFile::new(&folder.join("states"), &model, settings).unwrap();
        state.save(|path| fs::write(path, "state")).unwrap();
        state
    }

    #[test]
    fn a_state_is_found_again_and_not_after_anything_it_depends_on_changed() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model.gguf");
        let state = saved(folder.path(), "settings");
        assert!(fs::read(state.whole().unwrap()).unwrap().starts_with(b"state"));
        let states = folder.path().join("states");
        let found = |model: &Path, settings| StateFile::new(&states, model, settings).unwrap().whole().is_some();
        assert!(found(&model, "settings"));
        assert!(!found(&model, "other settings"));
        let other = folder.path().join("other.gguf");
        fs::copy(&model, &other).unwrap();
        assert!(!found(&other, "settings"));
        fs::write(&model, "other weights").unwrap();
        assert!(!found(&model, "settings"));
        assert!(StateFile::new(&states, &folder.path().join("gone.gguf"), "settings").is_err());
    }

    #[test]
    fn a_damaged_state_is_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let state = saved(folder.path(), "");
        let whole = fs::read(&state.path).unwrap();
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            fs::write(&state.path, &damaged).unwrap();
            assert!(state.whole().is_none(), "byte {place}");
            fs::write(&state.path, &whole[..place]).unwrap();
            assert!(state.whole().is_none(), "cut at {place}");
        }
        fs::write(&state.path, &whole).unwrap();
        assert!(state.whole().is_some());
    }

    #[test]
    fn a_failure_leaves_what_was_there_and_nothing_half_written() {
        let folder = tempfile::tempdir().unwrap();
        let state = saved(folder.path(), "");
        let fails = |path: &Path| fs::write(path, "half").and(Err(io::Error::other("disk full")));
        assert!(state.save(fails).is_err());
        assert!(state.whole().is_some());
        assert_eq!(fs::read_dir(folder.path().join("states")).unwrap().count(), 1);
    }

    #[test]
    fn states_are_bounded_in_number() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..MOST_FILES + 5 {
            let state = saved(folder.path(), &number.to_string());
            let written = std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::try_from(number).unwrap());
            fs::File::options().append(true).open(&state.path).unwrap().set_modified(written).unwrap();
        }
        let newest = saved(folder.path(), "newest");
        assert!(newest.whole().is_some());
        assert_eq!(fs::read_dir(folder.path().join("states")).unwrap().count(), MOST_FILES);
    }
}
