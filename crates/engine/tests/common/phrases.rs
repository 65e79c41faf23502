//! Melodies made up of phrases, for lyrics.

use music::{Key, Melody, MidiPitch, Mode, Note, Phrase, PitchTrack};

/// A melody with phrases of so many notes; every third note is long.
pub fn melody(counts: &[usize]) -> Melody {
    let (mut notes, mut phrases, mut now) = (Vec::new(), Vec::new(), 0.5);
    for &count in counts {
        let start = notes.len();
        for i in 0..count {
            let seconds = if i % 3 == 2 || i + 1 == count { 0.7 } else { 0.3 };
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
