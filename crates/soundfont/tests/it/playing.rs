//! Fonts: the built-in one plays in tune, and broken ones are refused.

use std::{fs, sync::LazyLock};

use music::{
    MidiPitch,
    harmony::{DRUM_CHANNEL, Part, PartNote},
};
use proptest::prelude::*;
use soundfont::{FontError, Instruments, built_in_bytes};

const RATE: u32 = 44_100;

fn part(channel: u8, program: u8, notes: &[(f64, f64, u8)]) -> Part {
    let notes = notes
        .iter()
        .map(|&(onset_seconds, duration_seconds, key)| PartNote {
            onset_seconds,
            duration_seconds,
            pitch: MidiPitch::new(key),
            velocity: 90,
        })
        .collect();
    Part { name: "test".to_owned(), channel, program, notes }
}

fn render(instruments: &Instruments, parts: &[Part], seconds: f64) -> Vec<f32> {
    instruments.play(parts, seconds, RATE).unwrap().flatten().collect()
}

fn mono(stereo: &[f32]) -> Vec<f32> {
    stereo.chunks_exact(2).map(|pair| (pair[0] + pair[1]) / 2.0).collect()
}

fn level(samples: &[f32]) -> f32 {
    (samples.iter().map(|x| x * x).sum::<f32>() / samples.len().max(1) as f32).sqrt()
}

/// Cents off a frequency: the lag near its period at which the sound is most like itself, over many periods.
fn cents_off(samples: &[f32], hz: f64) -> f64 {
    const PERIODS: f64 = 12.0;
    let period = f64::from(RATE) / hz * PERIODS;
    let like =
        |lag: usize| -> f64 { samples.iter().zip(&samples[lag..]).take(20_000).map(|(a, b)| f64::from(a * b)).sum() };
    let range = (period * 0.98) as usize..=(period * 1.02) as usize;
    let best = range.max_by(|&a, &b| like(a).total_cmp(&like(b))).unwrap();
    // The top of a parabola through the best lag and its neighbours.
    let (left, middle, right) = (like(best - 1), like(best), like(best + 1));
    let lag = best as f64 + 0.5 * (left - right) / (left - 2.0 * middle + right);
    1200.0 * (period / lag).log2()
}

#[test]
fn every_built_in_instrument_sounds_in_tune() {
    let instruments = Instruments::built_in().unwrap();
    for (name, program, keys) in [
        ("piano", 0, [45, 52, 60, 67]),
        ("electric piano", 4, [48, 55, 60, 67]),
        ("guitar", 25, [43, 52, 59, 66]),
        ("electric guitar", 27, [43, 52, 59, 66]),
        ("bass", 32, [28, 33, 38, 43]),
        ("electric bass", 33, [29, 34, 40, 47]),
        ("strings", 48, [48, 55, 60, 67]),
        ("pad", 89, [48, 55, 60, 67]),
    ] {
        for key in keys {
            let sound = mono(&render(&instruments, &[part(1, program, &[(0.1, 1.6, key)])], 2.0));
            let body = &sound[(0.4 * f64::from(RATE)) as usize..];
            let off = cents_off(body, MidiPitch::new(key).hz());
            println!("{name} {key}: {off:.1} cents off, level {:.3}", level(&body[..20_000]));
            assert!(off.abs() < 8.0, "{name} {key} is {off:.1} cents off");
            assert!(level(&body[..20_000]) > 0.004, "{name} {key} cannot be heard");
            assert!(sound[..4_000].iter().all(|x| x.abs() < 1e-3), "{name} sounds before it is played");
            assert!(sound.last().is_some_and(|x| x.abs() < 1e-3), "the end is faded");
        }
    }
}

#[test]
fn drums_sound_and_ring_out() {
    let instruments = Instruments::built_in().unwrap();
    for key in [36, 37, 38, 42, 49] {
        let sound = mono(&render(&instruments, &[part(DRUM_CHANNEL, 0, &[(0.0, 0.05, key)])], 1.0));
        assert!(level(&sound[..4_000]) > 0.003, "drum {key}: {}", level(&sound[..4_000]));
    }
}

#[test]
fn the_same_parts_give_the_same_sound_at_the_length_asked_for() {
    let instruments = Instruments::built_in().unwrap();
    let parts = [part(1, 0, &[(0.0, 0.5, 60), (0.5, 0.5, 60), (0.25, 9.0, 64)]), part(2, 32, &[(0.0, 1.0, 36)])];
    let render = |rate| instruments.play(&parts, 1.25, rate).unwrap().flatten().collect::<Vec<f32>>();
    assert_eq!(render(RATE), render(RATE));
    assert_eq!((render(RATE).len(), render(48_000).len()), (2 * 55_125, 2 * 60_000));
    assert_eq!(instruments.play(&[], 0.0, RATE).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_played_is_refused() {
    let instruments = Instruments::built_in().unwrap();
    for (seconds, rate) in [(-1.0, RATE), (f64::NAN, RATE), (1e9, RATE), (1.0, 0), (1.0, u32::MAX)] {
        assert!(matches!(instruments.play(&[], seconds, rate), Err(FontError::Rendering { .. })), "{seconds} {rate}");
    }
    let odd = part(1, 255, &[(f64::NAN, 1.0, 60), (-3.0, f64::INFINITY, 60), (0.1, -1.0, 60)]);
    let sound = render(&instruments, &[odd, part(99, 0, &[(0.0, 1.0, 60)])], 0.5);
    assert!(sound.iter().all(|x| x.is_finite()));
}

#[test]
fn a_configured_font_is_used_or_named_in_the_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.sf2");
    fs::write(&path, built_in_bytes()).unwrap();
    assert_eq!(Instruments::find(Some(&path)).unwrap().name(), "own.sf2");
    assert!(!Instruments::find(None).unwrap().name().is_empty(), "there are always some");
    fs::write(&path, b"RIFF\0\0\0\0sfbk").unwrap();
    let broken = Instruments::find(Some(&path)).unwrap_err();
    assert!(broken.to_string().contains("own.sf2"), "{broken}");
    let missing = Instruments::find(Some(&folder.path().join("none.sf2"))).unwrap_err();
    assert!(matches!(missing, FontError::Read { .. }) && missing.to_string().contains("none.sf2"));
}

#[test]
fn a_cut_off_font_is_refused() {
    let whole = built_in_bytes();
    for length in [0, 4, 11, 12, 60, 1_000, whole.len() / 2, whole.len() - 40, whole.len() - 1] {
        let answer = Instruments::from_bytes("cut", &whole[..length]);
        assert!(matches!(answer, Err(FontError::Broken { .. })), "{length} bytes of {}", whole.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Sizes that lie never make anybody allocate or read beyond the file.
    #[test]
    fn lying_sizes_are_refused(at in 0usize..6, size in any::<u32>()) {
        static FONT: LazyLock<Vec<u8>> = LazyLock::new(built_in_bytes);
        let mut bytes = FONT.clone();
        let names: [&[u8; 4]; 6] = [b"RIFF", b"LIST", b"smpl", b"phdr", b"igen", b"shdr"];
        let place = bytes.windows(4).position(|four| four == names[at]).unwrap() + 4;
        let true_size = u32::from_le_bytes(bytes[place..place + 4].try_into().unwrap());
        prop_assume!(size > true_size + 4);
        bytes[place..place + 4].copy_from_slice(&size.to_le_bytes());
        let is_refused = matches!(Instruments::from_bytes("lying", bytes), Err(FontError::Broken { .. }));
        prop_assert!(is_refused, "{} of {} instead of {}", String::from_utf8_lossy(names[at]), size, true_size);
    }
}
