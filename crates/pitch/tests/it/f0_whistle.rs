//! Whistles, which lie above every voice, and what lies outside of the range altogether.

use std::{f64::consts::TAU, ops::RangeInclusive};

use music::{PitchTrack, cents_between, midi_to_hz};
use pitch::{
    PitchError, extract_melody,
    f0::{self, F0Tracker, YinTracker},
    melody::extract_melody_with,
};

use crate::common::made::{Manner, Mouth, Onset, RATE_HZ, found, notes, perform};

const STEPS: [f64; 10] = [60.0, 62.0, 67.0, 65.0, 64.0, 69.0, 67.0, 60.0, 72.0, 71.0];

fn whistle(shift: f64, manner: &Manner) -> (Vec<f32>, crate::common::made::Truth) {
    perform(&STEPS.map(|midi| (midi + shift, 0.4)), &Manner { mouth: Mouth::Whistle, ..*manner })
}

#[test]
fn whistles_are_written_down_from_c5_to_c8() {
    for shift in [12.0, 19.0, 24.0, 29.0, 36.0] {
        for (glide_seconds, noise_db, onset) in [
            (0.03, -60.0, Onset::Rest { seconds: 0.06 }),
            (0.03, -10.0, Onset::Rest { seconds: 0.06 }),
            (0.1, -20.0, Onset::Legato),
            (0.15, -10.0, Onset::Legato),
        ] {
            let (samples, truth) = whistle(shift, &Manner { glide_seconds, noise_db, onset, ..Manner::default() });
            let heard = notes(&samples);
            let right = found(&truth, &heard);
            assert_eq!(
                (right, heard.len()),
                (truth.len(), truth.len()),
                "{shift} up, {glide_seconds} s glides, {noise_db} dB"
            );
        }
    }
}

/// A steady sweep of `from` to `to` in `seconds`, with noise at an amplitude.
fn sweep(from: f64, to: f64, seconds: f64, noise: f64) -> Vec<f32> {
    let (mut phase, mut state) = (0.0, 1u32);
    (0..(seconds * f64::from(RATE_HZ)) as usize)
        .map(|i| {
            let share = i as f64 / (seconds * f64::from(RATE_HZ));
            phase += from * (to / from).powf(share) / f64::from(RATE_HZ);
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let white = f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0;
            (0.4 * (TAU * phase).sin() + noise * white) as f32
        })
        .collect()
}

#[test]
fn a_glide_through_the_border_to_the_voices_keeps_its_octave() {
    for (from, to) in [(700.0, 4_000.0), (4_000.0, 700.0), (1_200.0, 1_700.0), (1_500.0, 1_250.0)] {
        for noise in [0.0, 0.05, 0.2] {
            let track = f0::track(&sweep(from, to, 3.0, noise), RATE_HZ);
            for (index, frame) in track.frames.iter().enumerate().take(295).skip(5) {
                let meant = from * f64::powf(to / from, index as f64 * 0.01 / 3.0);
                let cents = cents_between(meant, f64::from(frame.hz));
                assert!(
                    frame.voiced && cents.abs() < 30.0,
                    "{from} to {to} Hz, noise {noise}: {meant:.0} Hz, {frame:?}"
                );
            }
        }
    }
}

#[test]
fn no_voice_becomes_a_whistle() {
    for mouth in [Mouth::Vowel, Mouth::Hum] {
        for lowest in [38.0, 45.0, 52.0, 59.0, 66.0, 73.0] {
            for noise_db in [-60.0, -20.0] {
                let tune: Vec<(f64, f64)> = (0..12).map(|step| (lowest + f64::from(step), 0.3)).collect();
                let manner = Manner { mouth, noise_db, onset: Onset::Legato, ..Manner::default() };
                let (samples, _) = perform(&tune, &manner);
                let track = f0::track(&samples, RATE_HZ);
                let highest = midi_to_hz(lowest + 12.0);
                let high = track.frames.iter().filter(|frame| frame.voiced && f64::from(frame.hz) > highest).count();
                assert_eq!(high, 0, "{mouth:?} from {lowest}, noise {noise_db} dB");
            }
        }
    }
}

#[test]
fn what_is_too_high_is_said_and_not_brought_down() {
    let too_high = sweep(5_200.0, 5_800.0, 2.0, 0.02);
    let error = extract_melody(&too_high, RATE_HZ, &mut |_| {}).expect_err("a melody");
    assert!(error.to_string().contains("higher than 4300 Hz"), "{error}");
    let PitchError::NoMelody { outside, .. } = error else { panic!("{error}") };
    assert!((outside.above_seconds - 2.0).abs() < 0.2, "{outside:?}");

    // A voice, and then the whistle: the voice is sung, the whistle is told.
    let (mut samples, truth) = perform(&STEPS.map(|midi| (midi - 7.0, 0.4)), &Manner::default());
    samples.extend(too_high);
    let melody = extract_melody(&samples, RATE_HZ, &mut |_| {}).expect("a melody");
    assert_eq!((found(&truth, &melody.notes), melody.notes.len()), (truth.len(), truth.len()));
    let warnings = melody.out_of_range.warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("higher than 4300 Hz"), "{warnings:?}");
    assert!(melody.out_of_range.below_seconds < 0.2);
}

#[test]
fn what_is_too_low_is_said() {
    let low = |hz: f64, partials: u32| -> Vec<f32> {
        let partial = |time: f64, k: u32| (TAU * f64::from(k) * hz * time).sin() / f64::from(k);
        let sample = |i: u32| (1..=partials).map(|k| partial(f64::from(i) / f64::from(RATE_HZ), k)).sum::<f64>();
        (0..2 * RATE_HZ).map(|i| (0.3 * sample(i)) as f32).collect()
    };
    let below = |samples: &[f32]| {
        let (_, outside) = YinTracker::default().track_in_range(samples, RATE_HZ, &mut |_| {}).expect("a track");
        outside.below_seconds
    };
    for hz in [28.0, 36.0, 41.2, 46.0] {
        for partials in [1, 6] {
            let seconds = below(&low(hz, partials));
            assert!(seconds > 1.2, "{partials} partials of {hz} Hz: {seconds}");
        }
    }
    for hz in [50.0, 58.0, 65.4, 82.4, 110.0, 220.0] {
        for partials in [1, 6] {
            assert_eq!(below(&low(hz, partials)), 0.0, "{partials} partials of {hz} Hz");
        }
    }
    for mouth in [Mouth::Vowel, Mouth::Hum] {
        let (samples, _) = perform(&[(36.0, 0.6), (40.0, 0.6), (45.0, 0.6)], &Manner { mouth, ..Manner::default() });
        assert_eq!(below(&samples), 0.0, "{mouth:?}");
    }
}

/// A tracker that ends at 1.8 kHz and hears what is above an octave down, as they do.
struct Halving(YinTracker);

impl F0Tracker for Halving {
    fn range_hz(&self) -> RangeInclusive<f64> {
        50.0..=1_800.0
    }

    fn track(
        &self,
        samples: &[f32],
        sample_rate_hz: u32,
        progress: &mut dyn FnMut(f64),
    ) -> Result<PitchTrack, PitchError> {
        let mut track = self.0.track(samples, sample_rate_hz, progress)?;
        track.frames.iter_mut().filter(|frame| frame.hz > 1_800.0).for_each(|frame| frame.hz /= 2.0);
        Ok(track)
    }
}

#[test]
fn a_tracker_with_a_smaller_range_does_not_halve_in_silence() {
    let (samples, truth) = whistle(24.0, &Manner::default());
    let melody =
        extract_melody_with(&Halving(YinTracker::default()), &samples, RATE_HZ, &mut |_| {}).expect("a melody");
    let low: Vec<(f64, f64)> = truth.iter().copied().filter(|note| midi_to_hz(note.1) < 1_800.0).collect();
    assert_eq!((found(&low, &melody.notes), melody.notes.len()), (low.len(), low.len()));
    let warnings = melody.out_of_range.warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("higher than 1800 Hz"), "{warnings:?}");
}
