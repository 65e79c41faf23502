use std::f64::consts::{PI, TAU};

use super::*;
use crate::filters::Resonator;

const RATE: u32 = 16_000;
const FORMANTS_HZ: [f64; 4] = [600.0, 1200.0, 2500.0, 3500.0];
const WIDTHS_HZ: [f64; 4] = [80.0, 100.0, 140.0, 200.0];

/// A vowel of exactly known formants: a pulse train through resonances, 1 s.
fn vowel(f0_hz: f64) -> Vec<f32> {
    let rate = f64::from(RATE);
    let mut throat = [Resonator::default(); 4];
    for (resonator, (hz, width)) in throat.iter_mut().zip(FORMANTS_HZ.iter().zip(WIDTHS_HZ)) {
        resonator.tune(*hz, width, rate);
    }
    let harmonics = (0.95 * 0.5 * rate / f0_hz) as usize;
    (0..RATE)
        .map(|i| {
            let turn = TAU * f0_hz * f64::from(i) / rate;
            let pulse: f64 = (1..=harmonics).map(|k| (turn * k as f64).cos() / (k as f64)).sum();
            (0.05 * throat.iter_mut().fold(pulse, |x, r| r.resonate(x))) as f32
        })
        .collect()
}

/// Sings an analysis again, as it was, at one pitch.
fn again(analysis: &Analysis, f0_hz: f64, rate_hz: u32) -> Vec<f32> {
    let gain = (f64::from(rate_hz) / f64::from(analysis.sample_rate_hz)).ln();
    let count = analysis.frames.len() * rate_hz as usize / 200;
    let mut fill = |seconds: f64, out: &mut Excitation| {
        let frame = &analysis.frames[((seconds / HOP_SECONDS).round() as usize).min(analysis.frames.len() - 1)];
        out.f0_hz = frame.voiced.then_some(f0_hz);
        for bin in 0..out.log_power.len() {
            let place = Excitation::hz_of(bin, rate_hz) * 1024.0 / f64::from(analysis.sample_rate_hz);
            out.log_power[bin] = match frame.log_power.get(place as usize..place as usize + 2) {
                Some(pair) => f64::from(pair[0] + (pair[1] - pair[0]) * place.fract() as f32) + gain,
                None => -23.0,
            };
            out.noise[bin] = f64::from(frame.noise[0]);
        }
    };
    synthesize(count, rate_hz, 1, &mut fill, &mut |_| {})
}

/// Mean distance in dB of two envelopes up to 5 kHz.
fn distance_db(a: &[f32], b: &[f32]) -> f64 {
    let bins = 6..5000 * BINS / 8000;
    let differences: Vec<f64> = bins.map(|i| f64::from(a[i] - b[i]) * 10.0 / 10f64.ln()).collect();
    (differences.iter().map(|d| d * d).sum::<f64>() / differences.len() as f64).sqrt()
}

#[test]
fn the_envelope_is_that_of_the_throat_whatever_the_pitch() {
    let at = |hz| analyse(&vowel(hz), RATE, |_| Some(hz)).frames[100].log_power.clone();
    let (low, middle, high) = (at(100.0), at(140.0), at(190.0));
    // The levels of the pulses differ with the pitch; the shapes must not.
    let level = |envelope: &[f32]| envelope[20..300].iter().sum::<f32>() / 280.0;
    let shift = |envelope: &[f32], to: &[f32]| {
        let by = level(to) - level(envelope);
        envelope.iter().map(|v| v + by).collect::<Vec<_>>()
    };
    assert!(distance_db(&shift(&middle, &low), &low) < 2.0, "{}", distance_db(&shift(&middle, &low), &low));
    assert!(distance_db(&shift(&high, &low), &low) < 3.0, "{}", distance_db(&shift(&high, &low), &low));
    // Its peaks are the formants.
    for hz in FORMANTS_HZ {
        let near = ((hz - 250.0) / 15.625) as usize..((hz + 250.0) / 15.625) as usize;
        let peak = near.max_by(|a, b| low[*a].total_cmp(&low[*b])).expect("bins") as f64 * 15.625;
        assert!((peak - hz).abs() < 70.0, "{peak} Hz for {hz} Hz");
    }
}

#[test]
fn what_is_sung_again_has_the_formants_it_had_at_the_pitch_it_is_given() {
    let spoken = vowel(120.0);
    let analysis = analyse(&spoken, RATE, |_| Some(120.0));
    let power = |samples: &[f32]| samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64;
    for hz in [97.3, 120.0, 180.5, 247.0] {
        let sung = again(&analysis, hz, RATE);
        let envelope = &analyse(&sung, RATE, |_| Some(hz)).frames[100].log_power;
        let apart = distance_db(envelope, &analysis.frames[100].log_power);
        assert!(apart < 3.0, "{apart} dB at {hz} Hz");
        let level = 10.0 * (power(&sung[4000..12000]) / power(&spoken[4000..12000])).log10();
        assert!(level.abs() < 3.0, "{level} dB at {hz} Hz");
        let frames = vec![music::PitchFrame { hz: hz as f32, confidence: 1.0, voiced: true }; 60];
        let mut target = music::PitchTrack { hop_seconds: 0.01, frames };
        target.frames[..20].iter_mut().for_each(|frame| frame.voiced = false);
        let found = pitch::pitch_agreement(&sung, RATE, &target);
        assert!(found.within_25 > 0.99 && found.median_cents < 2.0, "{found:?} at {hz} Hz");
    }
}

#[test]
fn a_higher_rate_keeps_level_and_pitch() {
    let analysis = analyse(&vowel(120.0), RATE, |_| Some(120.0));
    let (low, high) = (again(&analysis, 150.0, RATE), again(&analysis, 150.0, 44_100));
    let power = |s: &[f32]| s.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / s.len() as f64;
    assert!((10.0 * (power(&high) / power(&low)).log10()).abs() < 0.5);
}

#[test]
fn noise_is_told_from_voice() {
    let mut dice = 1u32;
    let mut noise = || {
        dice ^= dice << 13;
        dice ^= dice >> 17;
        dice ^= dice << 5;
        f64::from(dice) / f64::from(u32::MAX) - 0.5
    };
    let hiss: Vec<f32> = (0..RATE).map(|_| (0.2 * noise()) as f32).collect();
    let share = |samples: &[f32]| {
        let frames = analyse(samples, RATE, |_| Some(130.0)).frames;
        let inner = &frames[40..160];
        (0..3).map(|band| inner.iter().map(|f| f64::from(f.noise[band])).sum::<f64>() / 360.0).sum::<f64>()
    };
    assert!(share(&vowel(130.0)) < 0.05, "{}", share(&vowel(130.0)));
    assert!(share(&hiss) > 0.6, "{}", share(&hiss));
    let level = |samples: &[f32]| samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64;
    let unvoiced = analyse(&hiss, RATE, |_| None);
    let again = again(&unvoiced, 100.0, RATE);
    assert!((10.0 * (level(&again) / level(&hiss)).log10()).abs() < 1.0);
    assert!(again.iter().all(|s| s.is_finite()));
}

#[test]
fn silence_and_scraps_are_analysed() {
    assert_eq!(analyse(&[], RATE, |_| None).frames.len(), 1);
    let quiet = analyse(&[0.0; 800], RATE, |_| Some(100.0));
    assert!(again(&quiet, 200.0, RATE).iter().all(|s| s.abs() < 1e-4));
    let half = (PI * 1000.0) as usize;
    assert!(analyse(&vec![0.5; half], RATE, |_| None).frames.iter().all(|f| f.log_power.iter().all(|v| v.is_finite())));
}
