//! Frames on the worker's socket: a little-endian `u32` length and that many bytes of JSON.
//!
//! [`encode`] serves both sides, [`read`] the worker's blocking one, [`FrameReader`] the daemon's. A frame that is too long,
//! cut off or not what was expected is an error, after which the stream is of no more use.

use std::io::{self, Read};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest frame, its length field not counted.
pub const MAX_FRAME_BYTES: usize = 1024 * 1024;
const LENGTH_BYTES: usize = 4;
/// What one read of the socket takes at most; longer frames take several.
const READ_BYTES: usize = 64 * 1024;

/// Why a frame could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The socket failed, or ended inside a frame.
    #[error("the socket failed: {0}")]
    Io(#[from] io::Error),
    /// The frame is longer than [`MAX_FRAME_BYTES`].
    #[error("a frame of {0} bytes is longer than {MAX_FRAME_BYTES}")]
    TooLong(usize),
    /// The bytes are not the JSON that was expected.
    #[error("a frame is not what was expected: {0}")]
    Json(#[from] serde_json::Error),
}

/// Appends a frame to `buffer`, which stays as it was when the frame is too long.
///
/// # Errors
/// [`FrameError::TooLong`], [`FrameError::Json`].
pub fn encode<T: Serialize>(frame: &T, buffer: &mut Vec<u8>) -> Result<(), FrameError> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; LENGTH_BYTES]);
    let written = serde_json::to_writer(&mut *buffer, frame);
    let length = buffer.len() - start - LENGTH_BYTES;
    let outcome = match (written, u32::try_from(length)) {
        (Ok(()), Ok(field)) if length <= MAX_FRAME_BYTES => {
            buffer[start..start + LENGTH_BYTES].copy_from_slice(&field.to_le_bytes());
            return Ok(());
        }
        (Ok(()), _) => FrameError::TooLong(length),
        (Err(error), _) => error.into(),
    };
    buffer.truncate(start);
    Err(outcome)
}

/// Reads one frame, `None` where the stream ends between two.
///
/// # Errors
/// Any [`FrameError`].
pub fn read<T: DeserializeOwned>(stream: &mut impl Read) -> Result<Option<T>, FrameError> {
    let mut field = [0; LENGTH_BYTES];
    let mut filled = 0;
    while filled < LENGTH_BYTES {
        match stream.read(&mut field[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut body = vec![0; body_length(field)?];
    stream.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}

fn body_length(field: [u8; LENGTH_BYTES]) -> Result<usize, FrameError> {
    let length = usize::try_from(u32::from_le_bytes(field)).unwrap_or(usize::MAX);
    if length > MAX_FRAME_BYTES { Err(FrameError::TooLong(length)) } else { Ok(length) }
}

/// Reads frames from an async stream; what was read of a frame is kept when [`FrameReader::next`] is dropped midway.
#[derive(Debug)]
pub struct FrameReader<R> {
    stream: R,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that were handed out already.
    taken: usize,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// A reader with nothing read yet.
    pub fn new(stream: R) -> Self {
        Self { stream, buffer: Vec::with_capacity(READ_BYTES), taken: 0 }
    }

    /// The next frame, `None` where the stream ends between two. Cancellation safe.
    ///
    /// # Errors
    /// Any [`FrameError`].
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        loop {
            if let Some(frame) = self.buffered()? {
                return Ok(Some(frame));
            }
            self.buffer.drain(..self.taken);
            self.taken = 0;
            self.buffer.reserve(READ_BYTES);
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                if self.buffer.is_empty() {
                    return Ok(None);
                }
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
    }

    /// A frame that is wholly in the buffer.
    fn buffered<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        let rest = &self.buffer[self.taken..];
        let Some((field, rest)) = rest.split_first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        let length = body_length(*field)?;
        let Some(body) = rest.get(..length) else { return Ok(None) };
        let frame = serde_json::from_slice(body)?;
        self.taken += LENGTH_BYTES + length;
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;

    use super::{FrameError, FrameReader, LENGTH_BYTES, MAX_FRAME_BYTES, encode, read};

    #[test]
    fn frames_written_are_the_frames_read() {
        let mut bytes = Vec::new();
        let frames = ["", "ü", &"x".repeat(100_000)];
        for frame in frames {
            encode(&frame, &mut bytes).unwrap();
        }
        let mut stream = bytes.as_slice();
        for frame in frames {
            assert_eq!(read::<String>(&mut stream).unwrap().as_deref(), Some(frame));
        }
        assert!(read::<String>(&mut stream).unwrap().is_none());
    }

    #[test]
    fn a_frame_too_long_is_refused_and_leaves_the_buffer_as_it_was() {
        let mut bytes = b"before".to_vec();
        assert!(matches!(encode(&"x".repeat(MAX_FRAME_BYTES), &mut bytes), Err(FrameError::TooLong(_))));
        assert_eq!(bytes, b"before");
        let announced = u32::try_from(MAX_FRAME_BYTES + 1).unwrap().to_le_bytes();
        assert!(matches!(read::<String>(&mut announced.as_slice()), Err(FrameError::TooLong(_))));
    }

    #[test]
    fn garbage_and_half_frames_are_errors() {
        assert!(matches!(read::<String>(&mut [3, 0, 0, 0, b'{', b'{', b'{'].as_slice()), Err(FrameError::Json(_))));
        assert!(matches!(read::<String>(&mut [9, 0, 0, 0, b'"'].as_slice()), Err(FrameError::Io(_))));
        assert!(matches!(read::<String>(&mut [9, 0].as_slice()), Err(FrameError::Io(_))));
    }

    #[tokio::test]
    async fn a_read_that_is_dropped_midway_loses_nothing() {
        let (mut ours, theirs) = tokio::io::duplex(1024);
        let mut reader = FrameReader::new(theirs);
        let mut bytes = Vec::new();
        encode(&"hello", &mut bytes).unwrap();
        encode(&"world", &mut bytes).unwrap();
        let mut seen = Vec::new();
        for byte in bytes {
            ours.write_u8(byte).await.unwrap();
            if let Ok(frame) = tokio::time::timeout(Duration::ZERO, reader.next::<String>()).await {
                seen.extend(frame.unwrap());
            }
        }
        assert_eq!(seen, ["hello", "world"]);
    }

    #[tokio::test]
    async fn the_async_reader_refuses_what_the_blocking_one_refuses() {
        for (bytes, why) in
            [(vec![255; LENGTH_BYTES], "too long"), (vec![1, 0, 0, 0, b'{'], "json"), (vec![9, 0], "cut off")]
        {
            assert!(FrameReader::new(bytes.as_slice()).next::<String>().await.is_err(), "{why}");
        }
        assert!(FrameReader::new([].as_slice()).next::<String>().await.unwrap().is_none());
    }
}
