//! The pitch of the voice: notes joined by glides, with vibrato on long ones, or the singer's own contour.

use music::{Melody, PitchFrame, PitchTrack, correct::corrected_track, midi_to_hz};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    Expression,
    curve::{Curve, smooth_step},
    timing::{Stretch, SungSyllable},
};

/// Hop of the target track.
pub const HOP_SECONDS: f64 = 0.005;
/// A glide between notes begins this long before the new note …
const GLIDE_BEFORE_SECONDS: f64 = 0.05;
/// … and ends this long after its onset.
const GLIDE_AFTER_SECONDS: f64 = 0.022;
/// Shorter notes are sung straight.
const VIBRATO_LEAST_SECONDS: f64 = 0.35;
const VIBRATO_HZ: f64 = 5.6;
/// Share of the way from the sung pitch to the tempered one: the singer's tuning stays, slips are mended.
const TUNING: f64 = 0.4;
/// No voice here goes below or above, in MIDI numbers (65 Hz, 1047 Hz).
const LOWEST: f64 = 36.0;
const HIGHEST: f64 = 84.0;
/// The singer's own contour is followed this far from the note, in semitones.
const CONTOUR_REACH: f64 = 1.2;

/// F0 in semitones (MIDI numbers) at each hop, and what was meant by it.
#[derive(Debug, Clone, PartialEq)]
pub struct Intonation {
    pub midi: Vec<f64>,
    pub target: PitchTrack,
}

impl Intonation {
    /// F0 in Hz at a moment.
    pub fn hz_at(&self, seconds: f64) -> f64 {
        let place = (seconds / HOP_SECONDS).max(0.0);
        let index = (place as usize).min(self.midi.len().saturating_sub(1));
        let next = (index + 1).min(self.midi.len().saturating_sub(1));
        let low = self.midi.get(index).copied().unwrap_or(57.0);
        let high = self.midi.get(next).copied().unwrap_or(low);
        midi_to_hz(low + (high - low) * (place - index as f64).clamp(0.0, 1.0))
    }
}

/// The pitch that note `index` is sung at. Notes outside every voice are moved by octaves.
pub fn note_midi(melody: &Melody, index: usize, octaves: i32) -> f64 {
    let note = &melody.notes[index];
    let mut midi = f64::from(note.pitch.number()) + note.cents * (1.0 - TUNING) / 100.0 + 12.0 * f64::from(octaves);
    while midi < LOWEST {
        midi += 12.0;
    }
    while midi > HIGHEST {
        midi -= 12.0;
    }
    midi
}

/// Plans the pitch over the whole song.
pub fn plan(
    melody: &Melody,
    sung: &[SungSyllable],
    stretches: &[Stretch],
    octaves: i32,
    expression: Expression,
    seconds: f64,
    seed: u64,
) -> Intonation {
    let frames = (seconds / HOP_SECONDS).ceil() as usize + 1;
    let notes: Vec<usize> = sung.iter().flat_map(|s| s.notes.clone()).fold(Vec::new(), |mut all, n| {
        if all.last() != Some(&n) {
            all.push(n);
        }
        all
    });
    let steps = glides(melody, &notes, octaves);
    let mut reader = steps.reader();
    let mut midi: Vec<f64> = (0..frames).map(|i| reader.at(i as f64 * HOP_SECONDS)).collect();
    match expression {
        Expression::Notes => add_vibrato(&mut midi, melody, &notes, seed),
        Expression::Contour => follow_contour(&mut midi, melody, &notes, octaves),
    }
    let target = target(&midi, stretches);
    Intonation { midi, target }
}

fn glides(melody: &Melody, notes: &[usize], octaves: i32) -> Curve {
    let mut curve = Curve::default();
    for (at, &index) in notes.iter().enumerate() {
        let note = &melody.notes[index];
        let midi = note_midi(melody, index, octaves);
        if at > 0 {
            let before = &melody.notes[notes[at - 1]];
            let gap = note.onset_seconds - before.end_seconds();
            let lead =
                if gap > 0.1 { 0.6 * gap.min(0.2) } else { GLIDE_BEFORE_SECONDS.min(0.3 * before.duration_seconds) };
            curve.hold_until(note.onset_seconds - lead);
        }
        curve.point(note.onset_seconds + GLIDE_AFTER_SECONDS.min(0.25 * note.duration_seconds), midi);
        curve.hold_until(note.end_seconds() - GLIDE_BEFORE_SECONDS.min(0.3 * note.duration_seconds));
    }
    curve
}

fn add_vibrato(midi: &mut [f64], melody: &Melody, notes: &[usize], seed: u64) {
    let mut dice = ChaCha8Rng::seed_from_u64(seed ^ 0x7669_6272);
    for &index in notes {
        let note = &melody.notes[index];
        let rate = VIBRATO_HZ * dice.random_range(0.96..1.04);
        let length = note.duration_seconds;
        if length <= VIBRATO_LEAST_SECONDS {
            continue;
        }
        let depth = 0.25 + 0.15 * smooth_step((length - VIBRATO_LEAST_SECONDS) / 1.2);
        let delay = (0.4 * length).min(0.3);
        let first = (note.onset_seconds / HOP_SECONDS).ceil() as usize;
        for (frame, pitch) in midi.iter_mut().enumerate().skip(first) {
            let into = frame as f64 * HOP_SECONDS - note.onset_seconds;
            if into > length {
                break;
            }
            let swell = smooth_step((into - delay) / 0.3) * smooth_step((length - into) / 0.09);
            *pitch += depth * swell * (std::f64::consts::TAU * rate * (into - delay).max(0.0)).sin();
        }
    }
}

/// Adds the singer's own deviation from each note where one was heard, smoothed over 50 ms. Where notes were corrected,
/// the contour goes with them.
fn follow_contour(midi: &mut [f64], melody: &Melody, notes: &[usize], octaves: i32) {
    let track = corrected_track(melody);
    for &index in notes {
        let note = &melody.notes[index];
        let shift = note_midi(melody, index, octaves) - note.sung_midi();
        let first = (note.onset_seconds / HOP_SECONDS).ceil() as usize;
        let last = ((note.end_seconds() / HOP_SECONDS) as usize).min(midi.len().saturating_sub(1));
        let own: Vec<Option<f64>> = (first..=last.max(first))
            .map(|frame| {
                let heard = track.at(frame as f64 * HOP_SECONDS).filter(|f| f.voiced && f.hz > 0.0)?;
                let sung = music::hz_to_midi(f64::from(heard.hz)) + shift;
                let nominal = note.sung_midi() + shift;
                ((sung - nominal).abs() < CONTOUR_REACH).then_some(sung - nominal)
            })
            .collect();
        const HALF: usize = 5;
        for (offset, slot) in midi[first.min(last)..=last].iter_mut().enumerate() {
            let near = &own[offset.saturating_sub(HALF)..(offset + HALF + 1).min(own.len())];
            // Silence around counts as no deviation, so that the contour comes in and goes out gently.
            let sum: f64 = near.iter().flatten().sum();
            let edge = offset.min(own.len() - 1 - offset) as f64 * HOP_SECONDS;
            *slot += sum / near.len().max(1) as f64 * smooth_step(edge / 0.05);
        }
    }
}

/// What was meant: pitch everywhere, voiced only well inside of vowels.
fn target(midi: &[f64], stretches: &[Stretch]) -> PitchTrack {
    const INSIDE_SECONDS: f64 = 0.02;
    let mut frames: Vec<PitchFrame> =
        midi.iter().map(|m| PitchFrame { hz: midi_to_hz(*m) as f32, confidence: 0.0, voiced: false }).collect();
    for segment in stretches.iter().flat_map(|s| &s.segments).filter(|s| s.phone.is_vowel()) {
        let from = ((segment.start + INSIDE_SECONDS) / HOP_SECONDS).ceil().max(0.0) as usize;
        let to = ((segment.end - 2.0 * INSIDE_SECONDS) / HOP_SECONDS).floor().max(0.0) as usize;
        for frame in frames.iter_mut().take(to).skip(from) {
            frame.voiced = true;
            frame.confidence = 1.0;
        }
    }
    PitchTrack { hop_seconds: HOP_SECONDS, frames }
}
