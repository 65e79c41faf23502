//! A sound on its way, in a temporary file without a name: gone through block by block as often as wanted, never in
//! memory as a whole. The file goes away with its owner, also when the process is killed.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
};

use crate::{BLOCK_FRAMES, MediaError, normalise::Correction};

const BYTES_PER_SAMPLE: usize = size_of::<f32>();

/// Interleaved samples in a file.
#[derive(Debug)]
pub(crate) struct Spool {
    file: File,
    channels: usize,
    samples: u64,
}

impl Spool {
    pub(crate) fn new(channels: u16) -> Result<Self, MediaError> {
        let file = tempfile::tempfile().map_err(failed)?;
        Ok(Self { file, channels: channels.max(1).into(), samples: 0 })
    }

    pub(crate) fn frames(&self) -> u64 {
        self.samples / self.channels as u64
    }

    /// Appends interleaved samples.
    pub(crate) fn push(&mut self, samples: &[f32]) -> Result<(), MediaError> {
        self.write(self.samples, samples)?;
        self.samples += samples.len() as u64;
        Ok(())
    }

    /// Forgets the sound.
    pub(crate) fn clear(&mut self) -> Result<(), MediaError> {
        self.samples = 0;
        self.file.set_len(0).map_err(failed)
    }

    #[cfg(test)]
    pub(crate) fn bytes_on_disk(&self) -> u64 {
        self.file.metadata().unwrap().len()
    }

    /// Goes through the sound from its beginning.
    pub(crate) fn each<E: From<MediaError>>(&self, mut sink: impl FnMut(&[f32]) -> Result<(), E>) -> Result<(), E> {
        let mut at = 0;
        let mut block = Vec::new();
        while self.read(at, &mut block)? {
            sink(&block)?;
            at += block.len() as u64;
        }
        Ok(())
    }

    /// Changes the sound where it lies; `change` also hears at which sample a block begins.
    pub(crate) fn change(&mut self, mut change: impl FnMut(u64, &mut [f32])) -> Result<(), MediaError> {
        let mut at = 0;
        let mut block = Vec::new();
        while self.read(at, &mut block)? {
            change(at, &mut block);
            self.write(at, &block)?;
            at += block.len() as u64;
        }
        Ok(())
    }

    /// Puts the corrected sound in the place of the sound. What is written never overtakes what is read.
    pub(crate) fn correct(&mut self, correction: &Correction) -> Result<(), MediaError> {
        let mut corrector = correction.begin();
        let (mut read, mut written) = (0, 0);
        let (mut block, mut done) = (Vec::new(), Vec::new());
        while self.read(read, &mut block)? {
            read += block.len() as u64;
            corrector.push(&block, &mut done);
            self.write(written, &done)?;
            written += done.len() as u64;
            done.clear();
        }
        corrector.finish(&mut done);
        self.write(written, &done)
    }

    /// Reads the block that begins at a sample; false at the end.
    pub(crate) fn read(&self, at: u64, block: &mut Vec<f32>) -> Result<bool, MediaError> {
        let most = (BLOCK_FRAMES * self.channels) as u64;
        let count = self.samples.saturating_sub(at).min(most) as usize;
        let mut bytes = vec![0; count * BYTES_PER_SAMPLE];
        let mut file = &self.file;
        file.seek(SeekFrom::Start(at * BYTES_PER_SAMPLE as u64)).map_err(failed)?;
        file.read_exact(&mut bytes).map_err(failed)?;
        block.clear();
        block.extend(bytes.as_chunks().0.iter().map(|sample| f32::from_le_bytes(*sample)));
        Ok(count > 0)
    }

    pub(crate) fn write(&mut self, at: u64, samples: &[f32]) -> Result<(), MediaError> {
        let mut bytes = vec![0; samples.len() * BYTES_PER_SAMPLE];
        for (bytes, sample) in bytes.as_chunks_mut().0.iter_mut().zip(samples) {
            *bytes = sample.to_le_bytes();
        }
        self.file.seek(SeekFrom::Start(at * BYTES_PER_SAMPLE as u64)).map_err(failed)?;
        self.file.write_all(&bytes).map_err(failed)
    }
}

fn failed(source: std::io::Error) -> MediaError {
    MediaError::Spool { source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise::{Shape, normalise};

    fn whole(spool: &Spool) -> Vec<f32> {
        let mut samples = Vec::new();
        spool
            .each(|block| {
                samples.extend_from_slice(block);
                Ok::<_, MediaError>(())
            })
            .unwrap();
        samples
    }

    #[test]
    fn what_was_pushed_comes_back_as_often_as_wanted() {
        let sound: Vec<f32> = (0..2 * BLOCK_FRAMES as u32 * 2 + 6).map(|i| i as f32 * -0.1).collect();
        let mut spool = Spool::new(2).unwrap();
        sound.chunks(1234).for_each(|part| spool.push(part).unwrap());
        assert_eq!(spool.frames(), sound.len() as u64 / 2);
        assert_eq!(whole(&spool), sound);
        assert_eq!(whole(&spool), sound);
        assert!(whole(&Spool::new(2).unwrap()).is_empty());
    }

    #[test]
    fn a_change_is_written_in_its_place() {
        let mut spool = Spool::new(1).unwrap();
        spool.push(&vec![1.0; BLOCK_FRAMES + 10]).unwrap();
        spool.change(|at, block| block.iter_mut().zip(at..).for_each(|(sample, at)| *sample += at as f32)).unwrap();
        assert_eq!(whole(&spool), (0..BLOCK_FRAMES + 10).map(|i| 1.0 + i as f32).collect::<Vec<_>>());
    }

    #[test]
    fn a_spooled_sound_is_normalised_to_the_very_samples_of_one_in_memory() {
        let mut sound: Vec<f32> = crate::sample::voice(4.0, 44_100, 2).iter().map(|x| x * 0.4).collect();
        // Short of a block, so that the limiter's last samples come after the last read.
        sound.truncate(40 * BLOCK_FRAMES + 3);
        sound.truncate(sound.len() & !1);
        let mut spool = Spool::new(2).unwrap();
        spool.push(&sound).unwrap();
        let shape = Shape { sample_rate_hz: 44_100, channels: 2 };
        let pass = |sink: &mut dyn FnMut(&[f32])| {
            spool.each(|block| {
                sink(block);
                Ok::<_, MediaError>(())
            })
        };
        let (correction, reached) = Correction::find(shape, -10.0, -1.0, pass).unwrap();
        spool.correct(&correction).unwrap();
        assert_eq!(normalise(&mut sound, 44_100, 2, -10.0, -1.0), reached);
        assert_eq!(whole(&spool), sound);
        assert_eq!(crate::measure_loudness(&sound, 44_100, 2), reached, "what was said is what there is");
    }
}
