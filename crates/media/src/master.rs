//! A song of several stems, brought to its loudness. The sound waits in temporary files, because finding the level of a mix
//! takes several passes; neither it nor a stem is ever in memory as a whole.

use std::io::{Seek, Write};

use crate::{
    Encoding, Loudness, MediaError, Tags,
    encode::encode_blocks,
    loudness::Meter,
    normalise::{Correction, Goal, Shape},
    spool::Spool,
};

/// Of the mix and of each stem.
const CHANNELS: u16 = 2;
/// Close enough to the target: songs differ by far more, and another pass takes as long as a tenth of rendering.
const TOLERANCE_LU: f64 = 0.3;
/// The wave between samples rises higher than they do by up to this, but for sounds that nobody makes; where it does, the
/// finished mix is turned down.
const PEAK_MARGIN_DB: f64 = 3.0;
/// What is quieter than this as a whole is silence: rounding, and what filters add to stay out of slow numbers.
const SILENCE_DBTP: f64 = -110.0;

/// A stereo mix, and the stems that it is the sum of where they are wanted, before they are brought to level.
pub struct Multitrack {
    sample_rate_hz: u32,
    meter: Meter,
    mix: Spool,
    stems: Vec<Spool>,
}

impl std::fmt::Debug for Multitrack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Multitrack").field("frames", &self.mix.frames()).finish_non_exhaustive()
    }
}

/// A finished mix and its stems. The sound lies in temporary files that go away with this.
///
/// Stems have the gain of the mix at every moment, that of its limiter too: their sum is the mix, but for rounding.
#[derive(Debug)]
pub struct Master {
    pub sample_rate_hz: u32,
    /// Of the mix.
    pub loudness: Loudness,
    /// What the mix was turned up before its limiter, in dB.
    pub gain_db: f64,
    mix: Spool,
    stems: Vec<Spool>,
}

impl Multitrack {
    /// # Errors
    /// [`MediaError::Spool`] when there is no room for temporary files: 8 bytes a frame, for the mix and for each stem.
    pub fn new(sample_rate_hz: u32, stems: usize) -> Result<Self, MediaError> {
        Ok(Self {
            sample_rate_hz,
            meter: Meter::draft(sample_rate_hz, CHANNELS),
            mix: Spool::new(CHANNELS)?,
            stems: (0..stems).map(|_| Spool::new(CHANNELS)).collect::<Result<_, _>>()?,
        })
    }

    /// Appends whole frames of interleaved samples: of the mix, and as many of each stem. Samples must be finite.
    ///
    /// # Errors
    /// [`MediaError::Spool`] when the temporary files cannot be written.
    pub fn push(&mut self, mix: &[f32], stems: &[Vec<f32>]) -> Result<(), MediaError> {
        self.meter.push(mix);
        self.mix.push(mix)?;
        for (spool, stem) in self.stems.iter_mut().zip(stems) {
            spool.push(stem)?;
        }
        Ok(())
    }

    /// Brings the mix to a loudness in LUFS, with one gain and a look-ahead limiter that keeps its true peak at or below
    /// `max_dbtp`; the stems follow it.
    ///
    /// The target is met within 0.5 LU unless that took more than 12 dB of limiting; then the mix is quieter. Silence stays
    /// silent.
    ///
    /// # Errors
    /// [`MediaError::Spool`] when the temporary files cannot be read or written.
    pub fn master(mut self, target_lufs: f64, max_dbtp: f64) -> Result<Master, MediaError> {
        let shape = Shape { sample_rate_hz: self.sample_rate_hz, channels: CHANNELS };
        let mut before = self.meter.read();
        let pass = |sink: &mut dyn FnMut(&[f32])| {
            self.mix.each(|block| {
                sink(block);
                Ok::<_, MediaError>(())
            })
        };
        let peak = before.true_peak_dbtp.filter(|peak| *peak > SILENCE_DBTP);
        let (mut correction, mut loudness) = (Correction::none(shape), before);
        if let Some(peak) = peak {
            if before.integrated_lufs.is_none() {
                // Below the standard's gate: as loud as it is when it is turned up, less that.
                let lifted = Correction::gain(shape, -peak).measured(&mut &pass)?;
                before.integrated_lufs = lifted.integrated_lufs.map(|loudness| loudness + peak);
            }
            let goal = Goal { target_lufs, max_dbtp, tolerance_lu: TOLERANCE_LU, peak_margin_db: PEAK_MARGIN_DB };
            (correction, loudness) = Correction::find_from(before, shape, goal, pass)?;
        }
        let gain_db = correction.gain_db();
        Spool::correct_together(&correction, &mut self.mix, &mut self.stems)?;
        Ok(Master { sample_rate_hz: self.sample_rate_hz, loudness, gain_db, mix: self.mix, stems: self.stems })
    }
}

impl Master {
    /// Length in frames, each a sample of both channels.
    pub fn frames(&self) -> u64 {
        self.mix.frames()
    }

    /// How many stems were kept.
    pub fn stems(&self) -> usize {
        self.stems.len()
    }

    /// Encodes the mix into a writer, which is flushed and dropped at the end.
    ///
    /// # Errors
    /// As [`crate::encode_to`], and [`MediaError::Spool`] when the temporary file cannot be read.
    pub fn encode_to(
        &self,
        writer: impl Write + Seek + Send + 'static,
        encoding: Encoding,
        tags: &Tags,
    ) -> Result<(), MediaError> {
        encode_blocks(writer, self.sample_rate_hz, CHANNELS, encoding, tags, |sink| self.mix.each(sink))
    }

    /// Encodes a stem; one that was not kept is empty.
    ///
    /// # Errors
    /// As [`Master::encode_to`].
    pub fn encode_stem_to(
        &self,
        stem: usize,
        writer: impl Write + Seek + Send + 'static,
        encoding: Encoding,
        tags: &Tags,
    ) -> Result<(), MediaError> {
        encode_blocks(writer, self.sample_rate_hz, CHANNELS, encoding, tags, |sink| {
            self.stems.get(stem).map_or(Ok(()), |stem| stem.each(sink))
        })
    }

    /// Forgets a stem that is not needed any more, and gives its room on the disk back; it is empty from then on.
    ///
    /// # Errors
    /// [`MediaError::Spool`] when the temporary file cannot be cut.
    pub fn forget_stem(&mut self, stem: usize) -> Result<(), MediaError> {
        self.stems.get_mut(stem).map_or(Ok(()), Spool::clear)
    }

    /// Goes through the mix from its beginning, in blocks of interleaved samples.
    ///
    /// # Errors
    /// Those of `sink`, and [`MediaError::Spool`].
    pub fn each<E: From<MediaError>>(&self, sink: impl FnMut(&[f32]) -> Result<(), E>) -> Result<(), E> {
        self.mix.each(sink)
    }

    /// Goes through a stem in the same blocks; one that was not kept is empty.
    ///
    /// # Errors
    /// As [`Master::each`].
    pub fn each_of_stem<E: From<MediaError>>(
        &self,
        stem: usize,
        sink: impl FnMut(&[f32]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.stems.get(stem).map_or(Ok(()), |stem| stem.each(sink))
    }

    /// Goes through the mix and all stems that were kept, side by side.
    ///
    /// # Errors
    /// As [`Master::each`].
    pub fn each_together<E: From<MediaError>>(
        &self,
        mut sink: impl FnMut(&[f32], &[Vec<f32>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut at, mut block) = (0, Vec::new());
        let mut stems = vec![Vec::new(); self.stems.len()];
        while self.mix.read(at, &mut block)? {
            for (spool, stem) in self.stems.iter().zip(&mut stems) {
                spool.read(at, stem)?;
            }
            sink(&block, &stems)?;
            at += block.len() as u64;
        }
        Ok(())
    }
}

impl Spool {
    /// Puts a corrected sound and others that get its gains in their places.
    fn correct_together(correction: &Correction, first: &mut Self, others: &mut [Self]) -> Result<(), MediaError> {
        let width = usize::from(CHANNELS) * (others.len() + 1);
        let mut corrector = correction.begin_with(width);
        let (mut read, mut written) = (0, 0);
        let (mut block, mut wide, mut done) = (Vec::new(), Vec::new(), Vec::new());
        while first.read(read, &mut block)? {
            let frames = block.len() / usize::from(CHANNELS);
            wide.clear();
            wide.resize(frames * width, 0.0);
            lay(&block, &mut wide, width, 0);
            for (place, other) in others.iter().enumerate() {
                other.read(read, &mut block)?;
                lay(&block, &mut wide, width, place + 1);
            }
            read += (frames * usize::from(CHANNELS)) as u64;
            corrector.push(&wide, &mut done);
            written += write(first, others, written, width, &mut done)?;
        }
        corrector.finish(&mut done);
        write(first, others, written, width, &mut done)?;
        Ok(())
    }
}

/// Puts stereo frames at a place among wide ones.
fn lay(stereo: &[f32], wide: &mut [f32], width: usize, place: usize) {
    for (frame, pair) in wide.chunks_exact_mut(width).zip(stereo.chunks_exact(2)) {
        frame[2 * place..2 * place + 2].copy_from_slice(pair);
    }
}

/// Takes wide frames apart again; answers with how many samples each got.
fn write(
    first: &mut Spool,
    others: &mut [Spool],
    at: u64,
    width: usize,
    done: &mut Vec<f32>,
) -> Result<u64, MediaError> {
    let mut pairs = Vec::new();
    for (place, spool) in std::iter::once(first).chain(others).enumerate() {
        pairs.clear();
        pairs.extend(done.chunks_exact(width).flat_map(|frame| [frame[2 * place], frame[2 * place + 1]]));
        spool.write(at, &pairs)?;
    }
    done.clear();
    Ok(pairs.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BLOCK_FRAMES;

    const RATE: u32 = 44_100;

    fn voices(level: f32) -> [Vec<f32>; 2] {
        let voice = crate::sample::voice(4.3, RATE, 2);
        let other: Vec<f32> = voice.iter().rev().map(|x| x * level * 0.7).collect();
        [voice.iter().map(|x| x * level).collect(), other]
    }

    fn mastered(stems: &[Vec<f32>], keep: bool, block: usize) -> Master {
        let mut tracks = Multitrack::new(RATE, if keep { stems.len() } else { 0 }).unwrap();
        let length = stems.first().map_or(0, Vec::len);
        for at in (0..length).step_by(2 * block) {
            let parts: Vec<Vec<f32>> = stems.iter().map(|stem| stem[at..length.min(at + 2 * block)].to_vec()).collect();
            let mix: Vec<f32> = (0..parts[0].len()).map(|i| parts.iter().map(|part| part[i]).sum()).collect();
            tracks.push(&mix, &parts).unwrap();
        }
        tracks.master(-14.0, -1.0).unwrap()
    }

    fn samples(master: &Master, stem: Option<usize>) -> Vec<f32> {
        let mut samples = Vec::new();
        let sink = |block: &[f32]| {
            samples.extend_from_slice(block);
            Ok::<_, MediaError>(())
        };
        match stem {
            None => master.each(sink).unwrap(),
            Some(stem) => master.each_of_stem(stem, sink).unwrap(),
        }
        samples
    }

    #[test]
    fn stems_add_up_to_the_mix_where_it_is_limited_too() {
        for level in [0.001, 0.3, 4.0] {
            let stems = voices(level);
            let master = mastered(&stems, true, 3_000);
            let mix = samples(&master, None);
            let parts = [samples(&master, Some(0)), samples(&master, Some(1))];
            assert_eq!((mix.len(), parts[0].len(), parts[1].len()), (stems[0].len(), stems[0].len(), stems[0].len()));
            let worst = (0..mix.len()).map(|i| (mix[i] - parts[0][i] - parts[1][i]).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-6, "{worst} at level {level}");
            assert!((master.loudness.integrated_lufs.unwrap() + 14.0).abs() < 0.5, "{:?}", master.loudness);
            assert!(master.loudness.true_peak_dbtp.unwrap() <= -1.0);
            assert_eq!(crate::measure_loudness(&mix, RATE, 2), master.loudness, "what was said is what there is");
        }
    }

    #[test]
    fn a_stem_that_is_forgotten_takes_no_room_and_the_rest_stays() {
        let mut master = mastered(&voices(0.3), true, 3_000);
        let (mix, other) = (samples(&master, None), samples(&master, Some(1)));
        assert_eq!(master.stems[0].bytes_on_disk(), 8 * master.frames());
        master.forget_stem(0).unwrap();
        master.forget_stem(7).unwrap();
        assert_eq!((master.stems(), master.stems[0].bytes_on_disk()), (2, 0));
        assert!(samples(&master, Some(0)).is_empty());
        assert!(samples(&master, None) == mix && samples(&master, Some(1)) == other);
    }

    #[test]
    fn stems_and_blocks_make_no_difference_to_the_mix() {
        let stems = voices(2.0);
        let mix = samples(&mastered(&stems, true, BLOCK_FRAMES), None);
        assert_eq!(samples(&mastered(&stems, false, BLOCK_FRAMES), None), mix);
        assert_eq!(samples(&mastered(&stems, true, 777), None), mix);
    }

    #[test]
    fn what_lies_below_the_gate_is_found_and_silence_stays() {
        let quiet = mastered(&voices(1e-4), false, BLOCK_FRAMES);
        assert!((quiet.loudness.integrated_lufs.unwrap() + 14.0).abs() < 0.5, "{:?}", quiet.loudness);
        for silence in [vec![], vec![0.0; 2 * 50_000], vec![1e-18; 2 * 50_000]] {
            let length = silence.len();
            let master = mastered(&[silence], true, BLOCK_FRAMES);
            assert_eq!(master.loudness.integrated_lufs, None);
            let mix = samples(&master, None);
            assert!(mix.len() == length && mix.iter().all(|x| x.abs() < 1e-9));
        }
    }
}
