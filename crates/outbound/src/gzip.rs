//! Undoes gzip in small steps, so that a few bytes which stand for very many are seen as many before they are there.

use std::io::{self, Write as _};

use bytes::{Buf as _, Bytes};
use flate2::write::MultiGzDecoder;

/// Deflate makes at most 1032 bytes of one: a step gives 4 MiB at most.
const STEP_BYTES: usize = 4 * 1024;

pub struct Gzip {
    decoder: MultiGzDecoder<Vec<u8>>,
    /// Came and was not yet looked at.
    ahead: Bytes,
    has_begun: bool,
}

impl Gzip {
    pub fn new() -> Self {
        Self { decoder: MultiGzDecoder::new(Vec::new()), ahead: Bytes::new(), has_begun: false }
    }

    /// Whether everything that came was looked at.
    pub fn is_idle(&self) -> bool {
        self.ahead.is_empty()
    }

    /// What came next.
    pub fn feed(&mut self, bytes: Bytes) {
        self.ahead = bytes;
    }

    /// What the next few bytes stand for; may be empty.
    ///
    /// # Errors
    /// When they are no gzip.
    pub fn step(&mut self) -> io::Result<Bytes> {
        let step = self.ahead.len().min(STEP_BYTES);
        let written = self.decoder.write(self.ahead.get(..step).unwrap_or_default())?;
        if written == 0 && step > 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.has_begun |= written > 0;
        self.ahead.advance(written);
        Ok(std::mem::take(self.decoder.get_mut()).into())
    }

    /// What is left at the end; an empty body stands for itself.
    ///
    /// # Errors
    /// When the end is missing.
    pub fn finish(&mut self) -> io::Result<Bytes> {
        if self.has_begun {
            self.decoder.try_finish()?;
        }
        Ok(std::mem::take(self.decoder.get_mut()).into())
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// What comes out, and the most of one step.
    fn undone(bytes: Vec<u8>) -> io::Result<(Vec<u8>, usize)> {
        let (mut gzip, mut all, mut most) = (Gzip::new(), Vec::new(), 0);
        gzip.feed(bytes.into());
        while !gzip.is_idle() {
            let bytes = gzip.step()?;
            most = most.max(bytes.len());
            all.extend_from_slice(&bytes);
        }
        all.extend_from_slice(&gzip.finish()?);
        Ok((all, most))
    }

    #[test]
    fn what_was_compressed_comes_back_in_small_steps() {
        let zeros = vec![0; 64 << 20];
        let (all, most) = undone(gzip(&zeros)).unwrap();
        assert!(all == zeros && most <= STEP_BYTES * 1032 + (64 << 10), "{most}");
        let two = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(undone(two).unwrap().0, b"one two");
        assert_eq!(undone(Vec::new()).unwrap().0, b"");
    }

    #[test]
    fn a_missing_end_and_nonsense_are_errors() {
        let whole = gzip(b"some words that are compressed");
        for end in 1..whole.len() {
            assert!(undone(whole[..end].to_vec()).is_err(), "{end}");
        }
        assert!(undone(b"not compressed at all".to_vec()).is_err());
    }
}
