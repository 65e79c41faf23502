//! The parts of an accompaniment as sound.

use crate::{
    FontError, Instruments,
    effects::StemMix,
    render::{BLOCK_FRAMES, Renderer as _, RustySynth},
    sequence::{Sequence, check_length},
    stems::Stem,
};

/// Frames that are given at once.
pub const PLAYED_FRAMES: usize = 4096;

/// The end is faded over this long, so that no tail is cut.
const FADE_SECONDS: f64 = 0.25;

/// Parts as they sound, from 0 s on: blocks of interleaved stereo, each of [`PLAYED_FRAMES`] but the last. Each is rendered
/// when it is asked for.
pub struct Playing {
    stem: Stem,
    /// Played and not yet given.
    rest: Vec<f32>,
    given_frames: usize,
    frames: usize,
    /// Over which the end is faded.
    fade_frames: usize,
    done: usize,
    failure: Option<FontError>,
}

impl std::fmt::Debug for Playing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Playing").field("frames", &self.frames).field("done", &self.done).finish_non_exhaustive()
    }
}

impl Playing {
    pub(crate) fn begin(
        instruments: &Instruments,
        parts: &[music::harmony::Part],
        seconds: f64,
        sample_rate_hz: u32,
    ) -> Result<Self, FontError> {
        check_length(seconds, sample_rate_hz)?;
        let mut sequence = Sequence::of_parts(parts, seconds, instruments.font(), sample_rate_hz);
        let planned = sequence.stems.pop().unwrap_or_default();
        let mut session = RustySynth::new(instruments.clone()).begin(&[planned.events()], sample_rate_hz)?;
        let player = session.stems.pop().ok_or(FontError::Rendering { seconds, sample_rate_hz })?;
        let frames = (seconds * f64::from(sample_rate_hz)).round() as usize;
        Ok(Self {
            stem: Stem::new(player, planned.events, &StemMix::PLAIN, true, sample_rate_hz),
            rest: Vec::new(),
            given_frames: PLAYED_FRAMES,
            frames,
            fade_frames: ((FADE_SECONDS * f64::from(sample_rate_hz)) as usize).min(frames).max(1),
            done: 0,
            failure: None,
        })
    }

    /// Why the rest is silent, when the synthesizer failed.
    pub const fn failure(&self) -> Option<&FontError> {
        self.failure.as_ref()
    }
}

impl Iterator for Playing {
    type Item = Vec<f32>;

    fn next(&mut self) -> Option<Vec<f32>> {
        let begin = self.done;
        let end = self.frames.min(begin.saturating_add(self.given_frames));
        if begin == end {
            return None;
        }
        let wanted = 2 * (end - begin);
        if self.rest.len() < wanted {
            let missing = (wanted - self.rest.len()).div_ceil(2 * BLOCK_FRAMES) * BLOCK_FRAMES;
            match self.stem.play(missing) {
                Ok(played) if self.failure.is_none() => self.rest.extend(played),
                outcome => {
                    self.rest.resize(wanted, 0.0);
                    self.failure = self.failure.take().or(outcome.err());
                }
            }
        }
        self.done = end;
        let gain = |frame: usize| ((self.frames - frame) as f32 / self.fade_frames as f32).min(1.0);
        let frames = self.rest[..wanted].chunks_exact(2).zip(begin..);
        let given = frames.flat_map(|(pair, at)| [pair[0] * gain(at), pair[1] * gain(at)]).collect();
        self.rest.drain(..wanted);
        Some(given)
    }
}

#[cfg(test)]
mod tests {
    use music::{
        MidiPitch,
        harmony::{Part, PartNote},
    };

    use super::*;

    #[test]
    fn where_blocks_end_makes_no_difference() {
        const RATE: u32 = 44_100;
        // Notes on block borders, within blocks, and ringing on into the end.
        let border = PLAYED_FRAMES as f64 / f64::from(RATE);
        let notes = [(0.0, 0.4), (border, border), (2.5 * border, 0.01), (4.0 * border, 9.0)];
        let part = |channel, program, key| {
            let note = |&(onset_seconds, duration_seconds): &(f64, f64)| PartNote {
                onset_seconds,
                duration_seconds,
                pitch: MidiPitch::new(key),
                velocity: 90,
            };
            Part { name: "test".to_owned(), channel, program, notes: notes.iter().map(note).collect() }
        };
        let parts = [part(1, 0, 60), part(2, 48, 43), part(9, 0, 38)];
        let instruments = Instruments::built_in().unwrap();
        let played = |given_frames| -> Vec<f32> {
            let mut playing = Playing::begin(&instruments, &parts, 1.3, RATE).unwrap();
            playing.given_frames = given_frames;
            playing.flatten().collect()
        };
        let whole = played(usize::MAX / 2);
        assert!(whole.len() == 2 * 57_330 && whole.iter().any(|x| x.abs() > 0.01));
        for given_frames in [1, 64, 777, PLAYED_FRAMES] {
            assert!(played(given_frames) == whole, "blocks of {given_frames}");
        }
    }
}
