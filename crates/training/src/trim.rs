//! What of a sound is kept: not the silence at its ends, and not the middle of long gaps.

use std::{io, ops::Range};

use crate::{
    levels::{FRAME, Levels},
    sound::Sound,
};

/// What lies so far below the loud moments is silence to whoever listens, in dB.
const SILENCE_BELOW_LOUD_DB: f32 = 45.0;
/// And what lies below this, in dBFS.
const SILENCE_DBFS: f32 = -65.0;
/// Where noise lies so far below the music that it can be told from it, it is silence too, in dB; with so much above it.
const CLEAR_NOISE_DB: f32 = 25.0;
const ABOVE_NOISE_DB: f32 = 3.0;
/// What sounds for less than this is a click, in frames.
const SHORTEST_SOUND: usize = 4;
/// Kept before a sound begins and after it has ended, in frames: an attack begins before it is loud, and a room rings on.
const BEFORE: usize = 10;
const AFTER: usize = 40;
/// Silence is left as it is up to this, in frames: rests are music.
const LONGEST_REST: usize = 150;
/// Both sides of a cut fade over this many samples, 5 ms.
const FADE: usize = FRAME / 2;

/// What of a sound is kept.
pub struct Kept {
    /// In order, in frames of the sound.
    ranges: Vec<Range<usize>>,
}

impl Kept {
    /// Everything.
    pub fn whole(sound: &Sound) -> Self {
        Self { ranges: std::iter::once(0..sound.frames()).filter(|range| !range.is_empty()).collect() }
    }

    /// Finds what sounds.
    pub fn find(levels: &Levels) -> Self {
        let frames = levels.db.len();
        let is_loud = loud(levels);
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for run in runs(&is_loud) {
            let wide = run.start.saturating_sub(BEFORE)..(run.end + AFTER).min(frames);
            match ranges.last_mut() {
                Some(last) if wide.start <= last.end + (LONGEST_REST - BEFORE - AFTER) => last.end = wide.end,
                _ => ranges.push(wide),
            }
        }
        Self { ranges }
    }

    /// Frames.
    pub fn len(&self) -> usize {
        self.ranges.iter().map(ExactSizeIterator::len).sum()
    }

    /// The levels of what is kept.
    pub fn levels(&self, sound: &Sound) -> Vec<f32> {
        let of = |range: &Range<usize>| sound.levels.db.get(range.clone()).unwrap_or_default().to_vec();
        self.ranges.iter().flat_map(of).collect()
    }

    /// Reads a stretch, in frames of what is kept, with the silence that was cut out replaced by short fades.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn read(&self, sound: &Sound, wanted: Range<usize>) -> io::Result<Vec<f32>> {
        let mut samples = Vec::with_capacity(wanted.len() * FRAME);
        let mut at = 0;
        for range in &self.ranges {
            let here = at..at + range.len();
            at = here.end;
            let (start, end) = (wanted.start.max(here.start), wanted.end.min(here.end));
            if start >= end {
                continue;
            }
            let before = samples.len();
            sound.read(range.start + (start - here.start)..range.start + (end - here.start), &mut samples)?;
            fade(samples.get_mut(before..).unwrap_or_default());
        }
        Ok(samples)
    }
}

/// Fades a stretch in and out, so that nothing clicks where it was cut.
fn fade(samples: &mut [f32]) {
    let gain = |index: usize| (index as f32 + 0.5) / FADE as f32;
    samples.iter_mut().take(FADE).enumerate().for_each(|(index, sample)| *sample *= gain(index));
    samples.iter_mut().rev().take(FADE).enumerate().for_each(|(index, sample)| *sample *= gain(index));
}

fn loud(levels: &Levels) -> Vec<bool> {
    let (loud, noise) = (levels.quantile(0.95), levels.quantile(0.05));
    let mut silence = (loud - SILENCE_BELOW_LOUD_DB).max(SILENCE_DBFS);
    if noise < loud - CLEAR_NOISE_DB {
        silence = silence.max(noise + ABOVE_NOISE_DB);
    }
    levels.db.iter().map(|db| *db > silence).collect()
}

/// Where sound is, without clicks.
fn runs(is_loud: &[bool]) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut at = 0;
    for run in is_loud.chunk_by(|a, b| a == b) {
        if run.first() == Some(&true) && run.len() >= SHORTEST_SOUND {
            runs.push(at..at + run.len());
        }
        at += run.len();
    }
    runs
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "what is kept may be one stretch")]
mod tests {
    use super::*;

    /// Stretches of levels: dBFS and frames.
    #[track_caller]
    fn check(stretches: &[(f32, usize)], expected: &[Range<usize>]) {
        let db = stretches.iter().flat_map(|(db, frames)| std::iter::repeat_n(*db, *frames)).collect();
        let mut levels = Levels::default();
        levels.db = db;
        assert_eq!(Kept::find(&levels).ranges, expected);
    }

    #[test]
    fn silence_goes_and_rests_stay() {
        check(&[(-20.0, 1000)], &[0..1000]);
        check(&[(-90.0, 300), (-20.0, 1000), (-90.0, 300)], &[290..1340]);
        check(&[(-20.0, 1000), (-90.0, 150), (-20.0, 1000)], &[0..2150]);
        check(&[(-20.0, 1000), (-90.0, 151), (-20.0, 1000)], &[0..1040, 1141..2151]);
        // A click in a long gap is no sound; and silence is nothing.
        check(&[(-20.0, 1000), (-90.0, 300), (-10.0, 2), (-90.0, 300)], &[0..1040]);
        check(&[(-120.0, 1000)], &[]);
        check(&[], &[]);
    }

    #[test]
    fn noise_under_music_is_silence_and_noise_like_music_is_not() {
        check(&[(-50.0, 300), (-20.0, 1000)], &[290..1300]);
        check(&[(-40.0, 300), (-20.0, 1000)], &[0..1300]);
    }

    #[test]
    fn what_is_cut_out_leaves_no_click() {
        let mut sound = Sound::new().unwrap();
        sound.push(&vec![0.5; 10 * FRAME]).unwrap();
        let kept = Kept { ranges: vec![0..3, 6..10] };
        let read = kept.read(&sound, 1..6).unwrap();
        assert_eq!((kept.len(), read.len()), (7, 5 * FRAME));
        let steps = read.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(steps < 0.01, "{steps}");
        assert!((read[FRAME] - 0.5).abs() < 1e-6);
    }
}
