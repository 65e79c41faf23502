//! Melodies made up of phrases, for lyrics.

use music::{Key, Melody, MidiPitch, Mode, Note, Phrase, PitchTrack};

/// A melody with phrases of so many notes; every third note is long.
pub fn melody(counts: &[usize]) -> Melody {
    timed(counts, |_, i, is_last| if i % 3 == 2 || is_last { 0.7 } else { 0.3 })
}

/// The same where long notes stand in other places in every phrase.
pub fn uneven(counts: &[usize]) -> Melody {
    const SECONDS: [f64; 11] = [0.3, 0.3, 0.9, 0.3, 0.5, 0.3, 0.3, 0.75, 0.6, 0.3, 1.0];
    timed(counts, |phrase, i, is_last| if is_last { 0.6 } else { SECONDS[(5 * phrase + 3 * i) % SECONDS.len()] })
}

/// `seconds` by phrase, note of the phrase, and whether it is the last one.
fn timed(counts: &[usize], seconds: impl Fn(usize, usize, bool) -> f64) -> Melody {
    let (mut notes, mut phrases, mut now) = (Vec::new(), Vec::new(), 0.5);
    for (phrase, &count) in counts.iter().enumerate() {
        let start = notes.len();
        for i in 0..count {
            let seconds = seconds(phrase, i, i + 1 == count);
            notes.push(Note {
                onset_seconds: now,
                duration_seconds: seconds - 0.03,
                pitch: MidiPitch::new(55 + (i * 2 % 9) as u8),
                cents: 0.0,
                velocity: 80,
            });
            now += seconds;
        }
        now += 0.5;
        phrases.push(Phrase { start, end: notes.len() });
    }
    Melody {
        duration_seconds: now,
        track: PitchTrack { hop_seconds: 0.01, frames: Vec::new() },
        notes,
        phrases,
        key: Key { tonic: 0, mode: Mode::Major, confidence: 1.0 },
        tempo_bpm: 100.0,
        ..Melody::default()
    }
}
