//! Parts into sound.

use std::{iter::Peekable, sync::Arc, vec::IntoIter};

use music::harmony::Part;
use rustysynth::{SoundFont, Synthesizer, SynthesizerSettings};

use crate::{FontError, MOST_SECONDS};

/// Frames that are played at once.
pub const BLOCK_FRAMES: usize = 4096;

/// The end is faded over this long, so that no tail is cut.
const FADE_SECONDS: f64 = 0.25;
const CHANNELS: u8 = 16;
/// MIDI: change of instrument.
const PROGRAM_CHANGE: i32 = 0xC0;

/// At one sample, notes end before notes begin.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Off,
    On { velocity: u8 },
}

struct Event {
    sample: usize,
    change: Change,
    channel: i32,
    key: i32,
}

/// Parts as they sound, from 0 s on: blocks of interleaved stereo, each of [`BLOCK_FRAMES`] but the last. Each is rendered
/// when it is asked for.
pub struct Playing {
    synthesizer: Synthesizer,
    events: Peekable<IntoIter<Event>>,
    block_frames: usize,
    frames: usize,
    /// Over which the end is faded.
    fade_frames: usize,
    done: usize,
}

impl std::fmt::Debug for Playing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Playing").field("frames", &self.frames).field("done", &self.done).finish_non_exhaustive()
    }
}

impl Playing {
    pub(crate) fn begin(
        font: &Arc<SoundFont>,
        parts: &[Part],
        seconds: f64,
        sample_rate_hz: u32,
    ) -> Result<Self, FontError> {
        let refused = || FontError::Rendering { seconds, sample_rate_hz };
        if !(0.0..=MOST_SECONDS).contains(&seconds) {
            return Err(refused());
        }
        let settings = SynthesizerSettings::new(i32::try_from(sample_rate_hz).map_err(|_| refused())?);
        let mut synthesizer = Synthesizer::new(font, &settings).map_err(|_| refused())?;
        for part in parts.iter().filter(|part| part.channel < CHANNELS) {
            synthesizer.process_midi_message(part.channel.into(), PROGRAM_CHANGE, part.program.min(127).into(), 0);
        }
        let frames = (seconds * f64::from(sample_rate_hz)).round() as usize;
        let fade_frames = ((FADE_SECONDS * f64::from(sample_rate_hz)) as usize).min(frames).max(1);
        let events = events(parts, sample_rate_hz, frames).into_iter().peekable();
        Ok(Self { synthesizer, events, block_frames: BLOCK_FRAMES, frames, fade_frames, done: 0 })
    }

    /// Renders up to an event or the end of a block.
    fn render(&mut self, to: usize, left: &mut [f32], right: &mut [f32], begin: usize) {
        let part = self.done - begin..to - begin;
        self.synthesizer.render(&mut left[part.clone()], &mut right[part]);
        self.done = to;
    }
}

impl Iterator for Playing {
    type Item = Vec<f32>;

    fn next(&mut self) -> Option<Vec<f32>> {
        let begin = self.done;
        let end = self.frames.min(begin + self.block_frames);
        if begin == end {
            return None;
        }
        let (mut left, mut right) = (vec![0.0f32; end - begin], vec![0.0f32; end - begin]);
        while let Some(event) = self.events.next_if(|event| event.sample < end) {
            self.render(event.sample, &mut left, &mut right, begin);
            match event.change {
                Change::On { velocity } => self.synthesizer.note_on(event.channel, event.key, velocity.into()),
                Change::Off => self.synthesizer.note_off(event.channel, event.key),
            }
        }
        self.render(end, &mut left, &mut right, begin);
        let gain = |frame: usize| ((self.frames - frame) as f32 / self.fade_frames as f32).min(1.0);
        let finite = |sample: f32| if sample.is_finite() { sample } else { 0.0 };
        let frames = left.iter().zip(&right).zip(begin..);
        Some(frames.flat_map(|((left, right), at)| [finite(*left) * gain(at), finite(*right) * gain(at)]).collect())
    }
}

/// In order of time, within the frames. Of two notes of one key the first ends where the second begins.
fn events(parts: &[Part], sample_rate_hz: u32, frames: usize) -> Vec<Event> {
    // Not-a-number reads as 0.
    let sample = |seconds: f64| ((seconds * f64::from(sample_rate_hz)).max(0.0) as usize).min(frames);
    let mut events = Vec::new();
    for part in parts.iter().filter(|part| part.channel < CHANNELS) {
        let channel = i32::from(part.channel);
        let mut notes: Vec<_> = part.notes.iter().filter(|note| note.velocity > 0).collect();
        notes.sort_by(|a, b| a.onset_seconds.total_cmp(&b.onset_seconds));
        for (index, note) in notes.iter().enumerate() {
            let start = sample(note.onset_seconds);
            let end = sample(note.onset_seconds + note.duration_seconds);
            let again = notes[index + 1..]
                .iter()
                .map(|later| (sample(later.onset_seconds), later.pitch))
                .take_while(|(later, _)| *later < end)
                .find(|(_, pitch)| *pitch == note.pitch);
            let end = again.map_or(end, |(later, _)| later).max(start);
            let key = i32::from(note.pitch.number());
            let velocity = note.velocity.min(127);
            events.push(Event { sample: start, change: Change::On { velocity }, channel, key });
            events.push(Event { sample: end, change: Change::Off, channel, key });
        }
    }
    events.sort_by_key(|event| (event.sample, event.change, event.channel, event.key));
    events
}

#[cfg(test)]
mod tests {
    use music::{MidiPitch, harmony::PartNote};

    use super::*;

    #[test]
    fn where_blocks_end_makes_no_difference() {
        const RATE: u32 = 44_100;
        // Notes on block borders, within blocks, and ringing on into the end.
        let border = BLOCK_FRAMES as f64 / f64::from(RATE);
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
        let font = crate::Instruments::built_in().unwrap().font;
        let played = |block_frames| -> Vec<f32> {
            let mut playing = Playing::begin(&font, &parts, 1.3, RATE).unwrap();
            playing.block_frames = block_frames;
            playing.flatten().collect()
        };
        let whole = played(usize::MAX / 2);
        assert!(whole.len() == 2 * 57_330 && whole.iter().any(|x| x.abs() > 0.01));
        for block_frames in [1, 64, 777, BLOCK_FRAMES] {
            assert!(played(block_frames) == whole, "blocks of {block_frames}");
        }
    }
}
