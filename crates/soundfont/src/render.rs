//! Parts into sound.

use std::sync::Arc;

use music::harmony::Part;
use rustysynth::{SoundFont, Synthesizer, SynthesizerSettings};

use crate::{FontError, MOST_SECONDS};

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

pub(crate) fn render(
    font: &Arc<SoundFont>,
    parts: &[Part],
    seconds: f64,
    sample_rate_hz: u32,
) -> Result<Vec<f32>, FontError> {
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
    let (mut left, mut right) = (vec![0.0f32; frames], vec![0.0f32; frames]);
    let mut done = 0;
    for event in events(parts, sample_rate_hz, frames) {
        if event.sample > done {
            synthesizer.render(&mut left[done..event.sample], &mut right[done..event.sample]);
            done = event.sample;
        }
        match event.change {
            Change::On { velocity } => synthesizer.note_on(event.channel, event.key, velocity.into()),
            Change::Off => synthesizer.note_off(event.channel, event.key),
        }
    }
    synthesizer.render(&mut left[done..], &mut right[done..]);
    let fade = ((FADE_SECONDS * f64::from(sample_rate_hz)) as usize).min(frames).max(1);
    let gain = |frame: usize| ((frames - frame) as f32 / fade as f32).min(1.0);
    let finite = |sample: f32| if sample.is_finite() { sample } else { 0.0 };
    Ok((0..frames).flat_map(|at| [finite(left[at]) * gain(at), finite(right[at]) * gain(at)]).collect())
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
