//! The file that timers are kept in: read once at the start, written as a whole and put in the old one's place.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use crate::core::dialogue::timers::{Stamp, Timers};

/// A file of a hundred timers has far less.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Reads what was kept. A file that cannot be read is put aside, so that somebody may look at it, and nothing is known.
pub(super) fn load(path: &Path) -> (Timers, Option<Stamp>) {
    let why = match read(path) {
        Ok(None) => return Default::default(),
        Ok(Some(text)) => match Timers::from_json(&text) {
            Ok(known) => return known,
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    let aside = path.with_extension("json.bad");
    match fs::rename(path, &aside) {
        Ok(()) => log::warn!("timers are lost: {}: {why}; it is kept as {}", path.display(), aside.display()),
        Err(error) => log::warn!("timers are lost: {}: {why}; it cannot be put aside: {error}", path.display()),
    }
    Default::default()
}

fn read(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// Writes the text beside the file and puts it in its place: whenever the power fails, one of both is whole.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let aside = path.with_extension("json.new");
    let mut file = File::create(&aside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    // The new name is on the disk once the folder is.
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_broken_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/timers.json");
        assert_eq!(load(&path), Default::default(), "there is none yet");
        write(&path, &Timers::default().to_json(None)).unwrap();
        assert_eq!(load(&path), (Timers::default(), None));
        for broken in [&b"{\"version\": 1, \"it"[..], b"", b"\xff\xfe", b"{\"version\":2}", b"[]"] {
            fs::write(&path, broken).unwrap();
            assert_eq!(load(&path), Default::default());
            assert_eq!(fs::read(folder.path().join("state/timers.json.bad")).unwrap(), broken);
            assert!(!path.exists());
        }
    }
}
