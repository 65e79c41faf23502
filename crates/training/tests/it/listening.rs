//! What is heard of pieces whose tempo, key and tone are known.

use media::sample;
use training::{Heard, SAMPLE_RATE_HZ, listen};

use crate::support::{RATE_HZ, song};

/// At the rate that is listened at.
fn heard(samples: &[f32]) -> Heard {
    let wave = crate::support::wav(samples);
    let audio = media::decode_mono(std::io::Cursor::new(wave), SAMPLE_RATE_HZ, &media::Bounds::default()).unwrap();
    listen(&audio.samples)
}

#[test]
fn tempo_and_key_of_songs_are_heard() {
    for (bpm, tonic, key) in [
        (70.0, 60, "C major"),
        (92.0, 57, "A major"),
        (100.0, 62, "D major"),
        (120.0, 55, "G major"),
        (140.0, 53, "F major"),
    ] {
        let heard = heard(&song(30.2, bpm, tonic));
        let tempo = heard.tempo_bpm.unwrap_or_default();
        assert!((tempo / bpm - 1.0).abs() < 0.015, "{tempo} for {bpm}");
        assert_eq!(heard.key.map(|key| key.to_string()).as_deref(), Some(key), "{bpm}");
        assert!((heard.onsets_per_second / (bpm / 60.0) - 1.0).abs() < 0.1, "{heard:?} for {bpm}");
    }
}

#[test]
fn nothing_is_made_up() {
    let check = |samples: &[f32]| {
        let heard = heard(samples);
        assert_eq!((heard.tempo_bpm, heard.key), (None, None), "{heard:?}");
    };
    check(&crate::support::silence(31.0));
    let mut state = 1_u32;
    let noise: Vec<f32> = (0..31 * RATE_HZ)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            0.3 * ((state >> 8) as f32 / (1 << 23) as f32 - 1.0)
        })
        .collect();
    check(&noise);
    assert_eq!(listen(&[]).words(), [""; 0]);
}

#[test]
fn tone_is_dark_or_bright() {
    let tone = |hz: f32| -> Vec<f32> {
        (0..31 * RATE_HZ).map(|i| 0.3 * (std::f32::consts::TAU * hz * i as f32 / RATE_HZ as f32).sin()).collect()
    };
    let (low, high) = (heard(&tone(220.0)), heard(&tone(5_000.0)));
    // Tones between two bands count as both.
    let is_about = |heard: f64, hz: f64| (heard / hz - 1.0).abs() < 0.2;
    assert!(is_about(low.brightness_hz, 220.0) && is_about(high.brightness_hz, 5_000.0), "{low:?} {high:?}");
    assert!(low.words().contains(&"dark".to_owned()) && high.words().contains(&"bright".to_owned()));
    let voice = heard(&sample::voice(31.0, RATE_HZ, 1));
    assert!(voice.brightness_hz > 300.0 && voice.onsets_per_second > 0.5, "{voice:?}");
}
