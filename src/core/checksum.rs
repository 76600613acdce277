//! The sha256 of what a reader gives, as text.

use std::fmt::Write as _;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

const BLOCK: usize = 1 << 20;

/// The sha256 of all that `content` gives, in lowercase hexadecimal.
///
/// # Errors
/// It cannot be read to its end.
pub fn sha256_of(mut content: impl Read) -> io::Result<String> {
    let mut block = vec![0; BLOCK];
    let mut hasher = Sha256::new();
    loop {
        match content.read(&mut block) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(read) => hasher.update(&block[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Bytes in lowercase hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::sha256_of;

    #[test]
    fn the_sum_is_the_standard_one() {
        // FIPS 180-2, appendix B.1.
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_of(&b"abc"[..]).unwrap(), sum);
    }
}
