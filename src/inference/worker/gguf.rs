//! A look at a GGUF file before llama.cpp sees it: is it one at all, and is it whole?
//!
//! Walks the header only, within bounds, so that a missing, empty, cut-off or random file ends in one plain sentence rather
//! than in an abort. What the tensors hold is llama.cpp's to judge.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

const MAGIC: [u8; 4] = *b"GGUF";
/// Far above what any model has; a file that announces more is not one.
const MAX_ENTRIES: u64 = 100_000;
const MAX_DIMENSIONS: u32 = 4;
const TYPE_STRING: u32 = 8;
const TYPE_ARRAY: u32 = 9;

/// Why a file is not handed to llama.cpp, as the end of a sentence that begins with its name.
#[derive(Debug, thiserror::Error)]
pub(super) enum GgufError {
    /// No such file.
    #[error("is not there; `hearthd models pull` fetches a model")]
    Missing,
    /// A folder, or something else that is no plain file.
    #[error("is not a file")]
    NotAFile,
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// The file has no byte.
    #[error("is empty; fetch it again")]
    Empty,
    /// The file does not begin as a GGUF file does.
    #[error("is not a GGUF file")]
    NotGguf,
    /// The version of the format is one that nobody here knows.
    #[error("is GGUF of version {0}, which is not supported")]
    Version(u32),
    /// The file ends before what it announces.
    #[error("is cut off; fetch it again")]
    Truncated,
    /// The header contradicts itself.
    #[error("is damaged ({0}); fetch it again")]
    Damaged(&'static str),
}

impl From<io::Error> for GgufError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::Unreadable(error),
        }
    }
}

/// Checks that a file is a whole GGUF file as far as its header tells.
pub(super) fn check(path: &Path) -> Result<(), GgufError> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(GgufError::NotAFile);
    }
    if metadata.len() == 0 {
        return Err(GgufError::Empty);
    }
    Header { reader: BufReader::new(file), at: 0, size: metadata.len() }.check()
}

struct Header<R> {
    reader: R,
    at: u64,
    size: u64,
}

impl<R: Read> Header<R> {
    fn check(&mut self) -> Result<(), GgufError> {
        // A file shorter than the magic is no GGUF file either.
        if self.size < 4 || self.bytes::<4>()? != MAGIC {
            return Err(GgufError::NotGguf);
        }
        let version = self.u32()?;
        if !(2..=3).contains(&version) {
            return Err(GgufError::Version(version));
        }
        let tensors = self.u64()?;
        let entries = self.u64()?;
        if tensors > MAX_ENTRIES || entries > MAX_ENTRIES {
            return Err(GgufError::Damaged("it announces more entries than any model has"));
        }
        for _ in 0..entries {
            self.name()?;
            let kind = self.u32()?;
            self.value(kind)?;
        }
        let mut furthest = None;
        for _ in 0..tensors {
            self.name()?;
            let dimensions = self.u32()?;
            if dimensions > MAX_DIMENSIONS {
                return Err(GgufError::Damaged("a tensor has too many dimensions"));
            }
            self.skip(u64::from(dimensions) * 8 + 4)?;
            furthest = furthest.max(Some(self.u64()?));
        }
        // The last tensor must at least begin within the file; llama.cpp checks that it ends there.
        match furthest {
            None => Err(GgufError::Damaged("it holds no tensor")),
            Some(offset) if self.at.saturating_add(offset) >= self.size => Err(GgufError::Truncated),
            Some(_) => Ok(()),
        }
    }

    fn name(&mut self) -> Result<(), GgufError> {
        let length = self.u64()?;
        if length == 0 || length > 65_535 {
            return Err(GgufError::Damaged("a name is empty or too long"));
        }
        self.skip(length)
    }

    fn value(&mut self, kind: u32) -> Result<(), GgufError> {
        match kind {
            TYPE_STRING => {
                let length = self.u64()?;
                self.skip(length)
            }
            TYPE_ARRAY => {
                let kind = self.u32()?;
                let count = self.u64()?;
                if kind == TYPE_STRING {
                    // Each takes 8 bytes at least, so the loop ends with the file.
                    for _ in 0..count {
                        let length = self.u64()?;
                        self.skip(length)?;
                    }
                    return Ok(());
                }
                self.skip(scalar_bytes(kind)?.checked_mul(count).ok_or(GgufError::Truncated)?)
            }
            scalar => self.skip(scalar_bytes(scalar)?),
        }
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        self.at += u64::try_from(N).unwrap_or(u64::MAX);
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, GgufError> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> Result<u64, GgufError> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn skip(&mut self, count: u64) -> Result<(), GgufError> {
        if count > self.size.saturating_sub(self.at) {
            return Err(GgufError::Truncated);
        }
        let skipped = io::copy(&mut self.reader.by_ref().take(count), &mut io::sink())?;
        self.at += skipped;
        if skipped < count { Err(GgufError::Truncated) } else { Ok(()) }
    }
}

fn scalar_bytes(kind: u32) -> Result<u64, GgufError> {
    match kind {
        0 | 1 | 7 => Ok(1),
        2 | 3 => Ok(2),
        4..=6 => Ok(4),
        10..=12 => Ok(8),
        _ => Err(GgufError::Damaged("a value has an unknown type")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::{GgufError, Header, check};

    fn check_bytes(bytes: &[u8]) -> Result<(), GgufError> {
        let size = u64::try_from(bytes.len()).unwrap();
        Header { reader: Cursor::new(bytes), at: 0, size }.check()
    }

    /// One string entry, one array of strings, one tensor that begins at 0 and some bytes of it.
    fn small_file() -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        let text = |bytes: &mut Vec<u8>, text: &str| {
            bytes.extend(u64::try_from(text.len()).unwrap().to_le_bytes());
            bytes.extend(text.as_bytes());
        };
        bytes.extend(3u32.to_le_bytes());
        bytes.extend(1u64.to_le_bytes());
        bytes.extend(2u64.to_le_bytes());
        text(&mut bytes, "general.architecture");
        bytes.extend(8u32.to_le_bytes());
        text(&mut bytes, "llama");
        text(&mut bytes, "tokenizer.ggml.tokens");
        bytes.extend(9u32.to_le_bytes());
        bytes.extend(8u32.to_le_bytes());
        bytes.extend(2u64.to_le_bytes());
        text(&mut bytes, "a");
        text(&mut bytes, "b");
        text(&mut bytes, "output.weight");
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(4u64.to_le_bytes());
        bytes.extend(0u32.to_le_bytes());
        bytes.extend(0u64.to_le_bytes());
        bytes.extend([0; 16]);
        bytes
    }

    #[test]
    fn a_whole_file_passes_and_every_cut_of_its_header_does_not() {
        let file = small_file();
        check_bytes(&file).unwrap();
        for cut in 0..file.len() - 16 {
            assert!(check_bytes(&file[..cut]).is_err(), "cut at {cut}");
        }
    }

    /// L1: counts that no memory holds.
    #[test]
    fn huge_counts_are_refused_without_being_believed() {
        let mut file = small_file();
        file[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(matches!(check_bytes(&file), Err(GgufError::Damaged(_))));
        let mut file = small_file();
        file[24..32].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(matches!(check_bytes(&file), Err(GgufError::Damaged(_))));
    }

    #[test]
    fn missing_empty_and_other_files_are_named_as_such() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model.gguf");
        assert!(matches!(check(&file), Err(GgufError::Missing)));
        std::fs::write(&file, b"").unwrap();
        assert!(matches!(check(&file), Err(GgufError::Empty)));
        std::fs::write(&file, b"GG").unwrap();
        assert!(matches!(check(&file), Err(GgufError::NotGguf)));
        std::fs::write(&file, b"<html>404</html>").unwrap();
        assert!(matches!(check(&file), Err(GgufError::NotGguf)));
        assert!(matches!(check(folder.path()), Err(GgufError::NotAFile)));
    }

    proptest! {
        #[test]
        fn random_headers_are_refused_in_bounded_time(rest in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut bytes = b"GGUF\x03\0\0\0".to_vec();
            bytes.extend(rest);
            let _ = check_bytes(&bytes);
        }
    }
}
