//! A tune as plain tones, for a model that follows what it hears.

use std::io::{Seek as _, Write as _};

use domain::{Failure, FailureClass, FailureCode};
use media::{Encoding, Tags};
use music::Note;

use crate::input::AudioInput;

/// Rate of the model, in Hz.
const RATE_HZ: u32 = 32_000;
const LEVEL: f64 = 0.5;
/// Of the octave above, by which a low note is heard for what it is.
const OCTAVE_LEVEL: f64 = 0.3;
/// How long a tone takes to rise and to fall, in seconds.
const EDGE_SECONDS: f64 = 0.02;

/// The tune as a WAV file of one channel, exactly so long. Blocking: about a millisecond for a second of sound.
///
/// # Errors
/// `Transient` where there is no room for a file.
pub fn guide(notes: &[Note], seconds: f64) -> Result<AudioInput, Failure> {
    let wav = media::encode(&tones(notes, seconds), RATE_HZ, 1, Encoding::Wav16, &Tags::default());
    let wav = wav.map_err(|error| failed(&error.to_string()))?;
    let written = tempfile::tempfile().and_then(|mut file| {
        file.write_all(&wav)?;
        file.rewind()?;
        AudioInput::new(file)
    });
    written.map_err(|error| failed(&error.to_string()))
}

fn failed(why: &str) -> Failure {
    let message = format!("the tune was not written down: {why}");
    Failure::new(FailureClass::Transient, FailureCode::AudioProcessing, message)
}

fn tones(notes: &[Note], seconds: f64) -> Vec<f32> {
    let rate = f64::from(RATE_HZ);
    let frames = |seconds: f64| (seconds * rate).round().max(0.0) as usize;
    let mut samples = vec![0.0_f32; frames(seconds)];
    for note in notes {
        let (from, to) = (frames(note.onset_seconds), frames(note.end_seconds()).min(samples.len()));
        let Some(tone) = samples.get_mut(from..to) else { continue };
        let length = tone.len();
        let edge = (EDGE_SECONDS * rate).min(length as f64 / 2.0).max(1.0);
        let step = std::f64::consts::TAU * note.pitch.hz() / rate;
        for (place, sample) in tone.iter_mut().enumerate() {
            let phase = step * place as f64;
            let envelope = (place as f64 / edge).min((length - place) as f64 / edge).min(1.0);
            *sample = (LEVEL * envelope * (phase.sin() + OCTAVE_LEVEL * (2.0 * phase).sin())) as f32;
        }
    }
    samples
}

#[cfg(test)]
mod tests {
    use music::MidiPitch;

    use super::*;

    #[test]
    fn tones_sound_where_notes_are_and_nowhere_else() {
        let note = |onset_seconds, duration_seconds, pitch| Note {
            onset_seconds,
            duration_seconds,
            pitch: MidiPitch::new(pitch),
            cents: 0.0,
            velocity: 80,
        };
        let samples = tones(&[note(0.5, 0.5, 57), note(1.5, 0.5, 69), note(2.5, 3.0, 60)], 3.0);
        assert_eq!(samples.len(), 96_000);
        let part = |from: f64, to: f64| &samples[(from * 32_000.0) as usize..(to * 32_000.0) as usize];
        let check = |from, to, hz: Option<f64>| {
            let part = part(from, to);
            let rises = part.windows(2).filter(|pair| pair[0] <= 0.0 && pair[1] > 0.0).count() as f64;
            match hz {
                None => assert!(part.iter().all(|sample| *sample == 0.0), "{from}"),
                Some(hz) => assert!((rises / (to - from) - hz).abs() < 5.0, "{from}: {rises} for {hz} Hz"),
            }
        };
        check(0.0, 0.5, None);
        check(0.6, 0.9, Some(220.0));
        check(1.1, 1.4, None);
        check(1.6, 1.9, Some(440.0));
        check(2.6, 3.0, Some(261.6));
        assert!(samples.iter().all(|sample| sample.abs() < 0.7));
        let file = guide(&[note(0.5, 0.5, 57)], 2.25).unwrap().reopen().unwrap();
        let heard = media::decode(file, &media::Bounds::for_duration(10.0)).unwrap();
        assert_eq!((heard.sample_rate_hz, heard.channels, heard.samples.len()), (32_000, 1, 72_000));
    }
}
