//! A hum whose two channels do not agree has the notes of one that was recorded with one microphone.

use std::io::Cursor;

use media::{Bounds, Encoding, Tags};
use music::Melody;
use pitch::sample::hummed_tune;

/// The melody of a file with these channels, as `descant sing` hears it.
fn heard(channels: &[Vec<f32>], sample_rate_hz: u32) -> Melody {
    let frames = channels[0].len();
    let interleaved: Vec<f32> = (0..frames).flat_map(|at| channels.iter().map(move |channel| channel[at])).collect();
    let count = u16::try_from(channels.len()).unwrap();
    let file = media::encode(&interleaved, sample_rate_hz, count, Encoding::Wav16, &Tags::default()).unwrap();
    let mono = media::decode_mono(Cursor::new(file), 44_100, &Bounds::default()).unwrap();
    pitch::extract_melody(&mono.samples, mono.sample_rate_hz, &mut |_| {}).unwrap()
}

#[test]
fn a_stereo_hum_has_the_notes_that_were_meant_whatever_its_channels_do() {
    let hum = hummed_tune();
    let meant: Vec<i32> = hum.notes.iter().map(|note| i32::from(note.pitch.number())).collect();
    let late = |milliseconds: f64, sign: f32| {
        let silence = (milliseconds / 1000.0 * f64::from(hum.sample_rate_hz)) as usize;
        let shifted = std::iter::repeat_n(0.0, silence).chain(hum.samples.iter().map(|x| sign * x));
        shifted.take(hum.samples.len()).collect::<Vec<f32>>()
    };
    let other_channels = [
        ("inverted", late(0.0, -1.0)),
        ("1.5 ms late", late(1.5, 1.0)),
        ("inverted and 1.5 ms late", late(1.5, -1.0)),
        ("dead", vec![0.0; hum.samples.len()]),
    ];
    for (what, other) in other_channels {
        let melody = heard(&[hum.samples.clone(), other], hum.sample_rate_hz);
        let notes: Vec<i32> = melody.notes.iter().map(|note| i32::from(note.pitch.number())).collect();
        assert_eq!(notes, meant, "one channel is {what}");
    }
}
