//! A sound as one channel at [`SAMPLE_RATE_HZ`], in a temporary file.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    ops::Range,
};

use media::{Bounds, Loudness, LoudnessMeter, MediaError};
use sha2::{Digest, Sha256};

use crate::{
    SAMPLE_RATE_HZ,
    levels::{FRAME, Levels},
};

const BYTES_PER_SAMPLE: usize = 4;

/// A sound, on disk; what is in memory of it are its levels.
pub struct Sound {
    file: File,
    samples: u64,
    pub levels: Levels,
    meter: LoudnessMeter,
    hash: Sha256,
}

impl Sound {
    /// An empty one.
    ///
    /// # Errors
    /// When no temporary file can be made.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            file: tempfile::tempfile()?,
            samples: 0,
            levels: Levels::default(),
            meter: LoudnessMeter::new(SAMPLE_RATE_HZ, 1),
            hash: Sha256::new(),
        })
    }

    /// Decodes a file.
    ///
    /// # Errors
    /// Those of decoding; `Spool` when the temporary file cannot be written.
    pub fn decode(file: File, bounds: &Bounds) -> Result<Self, MediaError> {
        let mut sound = Self::new().map_err(|source| MediaError::Spool { source })?;
        media::decode_mono_blocks(file, SAMPLE_RATE_HZ, bounds, |block| {
            sound.push(block).map_err(|source| MediaError::Spool { source })
        })?;
        Ok(sound)
    }

    /// Adds to its end.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn push(&mut self, samples: &[f32]) -> io::Result<()> {
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        self.file.seek(SeekFrom::End(0))?;
        self.file.write_all(&bytes)?;
        self.hash.update(&bytes);
        self.levels.push(samples);
        self.meter.push(samples);
        self.samples += samples.len() as u64;
        Ok(())
    }

    /// Whole frames.
    pub fn frames(&self) -> usize {
        self.levels.db.len()
    }

    pub fn loudness(&self) -> Loudness {
        self.meter.read()
    }

    /// The same for the same samples, whatever file they came in.
    pub fn fingerprint(&self) -> String {
        hex::encode(self.hash.clone().finalize())
    }

    /// Appends frames to `samples`.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn read(&self, frames: Range<usize>, samples: &mut Vec<f32>) -> io::Result<()> {
        let mut bytes = vec![0; frames.len() * FRAME * BYTES_PER_SAMPLE];
        let mut file = &self.file;
        file.seek(SeekFrom::Start((frames.start * FRAME * BYTES_PER_SAMPLE) as u64))?;
        file.read_exact(&mut bytes)?;
        samples.extend(bytes.as_chunks().0.iter().map(|sample| f32::from_le_bytes(*sample)));
        Ok(())
    }
}
