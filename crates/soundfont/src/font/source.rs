//! Where the bytes of a font are: in a file that is read in places, or in memory.

use std::{fs::File, io, os::unix::fs::FileExt as _, sync::Arc};

use sha2::{Digest as _, Sha256};

/// Read at once where all of it is read.
const STRETCH_BYTES: u64 = 1 << 20;

/// Bytes that can be read in any place.
pub(crate) enum Source {
    File { file: File, length: u64 },
    Memory(Arc<[u8]>),
}

impl Source {
    pub(crate) fn file(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self::File { file, length })
    }

    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::File { length, .. } => *length,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Fills the buffer with the bytes from a place on.
    ///
    /// # Errors
    /// When the file cannot be read, or ends before the buffer is full.
    pub(crate) fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        match self {
            Self::File { file, .. } => file.read_exact_at(buffer, at),
            Self::Memory(bytes) => {
                let part = usize::try_from(at).ok().and_then(|at| bytes.get(at..)?.get(..buffer.len()));
                buffer.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }

    /// # Errors
    /// As [`Source::read_at`].
    pub(crate) fn bytes(&self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; length];
        self.read_at(at, &mut buffer)?;
        Ok(buffer)
    }

    /// SHA-256 of all bytes, in hexadecimal.
    ///
    /// # Errors
    /// As [`Source::read_at`].
    pub(crate) fn sha256(&self) -> io::Result<String> {
        let mut digest = Sha256::new();
        let mut at = 0;
        while at < self.length() {
            let stretch = self.bytes(at, STRETCH_BYTES.min(self.length() - at) as usize)?;
            digest.update(&stretch);
            at += stretch.len() as u64;
        }
        Ok(hex::encode(digest.finalize()))
    }
}
