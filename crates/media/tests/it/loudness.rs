//! Loudness as ffmpeg's `ebur128` filter measures it, and normalising that keeps its promises.

use std::fs;

use media::{Encoding, Tags, encode, measure_loudness, normalise, sample};

use crate::support::*;

#[test]
fn loudness_range_and_true_peak_are_those_of_ebur128() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.wav");
    for channels in [1, 2] {
        let mut samples = sample::voice(12.0, RATE_HZ, channels);
        // Half of it quieter, so that there is a range to measure.
        let half = samples.len() / 2;
        samples[half..].iter_mut().for_each(|x| *x *= 0.25);
        fs::write(&path, encode(&samples, RATE_HZ, channels, Encoding::Wav16, &Tags::default()).unwrap()).unwrap();
        let log = ffmpeg(&["-i", path_text(&path), "-af", "ebur128=peak=true", "-f", "null", "-"]);
        let loudness = measure_loudness(&samples, RATE_HZ, channels);
        assert_close("I", loudness.integrated_lufs.unwrap(), figure(&log, "I:"), 0.11);
        // The two take their percentiles differently.
        assert_close("LRA", loudness.range_lu, figure(&log, "LRA:"), 0.6);
        assert_close("TP", loudness.true_peak_dbtp.unwrap(), figure(&log, "Peak:"), 0.2);
        assert_eq!(loudness.clipped_share, 0.0);
    }
}

#[test]
fn a_reachable_target_is_reached_and_the_ceiling_kept() {
    for channels in [1, 2] {
        for (gain, target) in [(1.0, -16.0), (0.05, -16.0), (1.0, -14.0), (1.0, -23.0), (0.001, -16.0)] {
            let mut samples: Vec<f32> = sample::voice(8.0, RATE_HZ, channels).iter().map(|x| x * gain).collect();
            let reached = normalise(&mut samples, RATE_HZ, channels, target, -1.0);
            assert_close("loudness", reached.integrated_lufs.unwrap(), target, 0.5);
            // Said and done: what was returned is what the samples measure.
            let measured = measure_loudness(&samples, RATE_HZ, channels);
            assert_eq!(measured, reached);
            assert!(reached.true_peak_dbtp.unwrap() <= -1.0, "{reached:?}");
        }
    }
}

#[test]
fn peaks_are_not_crushed_for_loudness() {
    // Single clicks in near silence: -14 LUFS would take some 30 dB of limiting.
    let mut samples: Vec<f32> =
        (0..RATE_HZ * 5).map(|i| if i % 22_050 == 0 { 0.9 } else { 0.001 * (i as f32 * 0.1).sin() }).collect();
    let reached = normalise(&mut samples, RATE_HZ, 1, -14.0, -1.0);
    assert!(reached.true_peak_dbtp.unwrap() <= -1.0);
    assert!(reached.integrated_lufs.is_none_or(|loudness| loudness < -14.5), "{reached:?}");
}

#[test]
fn silence_short_sounds_and_wild_samples_are_survived() {
    let mut silence = vec![0.0; RATE_HZ as usize];
    assert_eq!(normalise(&mut silence, RATE_HZ, 1, -16.0, -1.0).integrated_lufs, None);
    assert!(silence.iter().all(|x| *x == 0.0));
    let mut short = sample::voice(0.1, RATE_HZ, 1);
    short.iter_mut().for_each(|x| *x *= 10.0);
    assert!(normalise(&mut short, RATE_HZ, 1, -16.0, -1.0).true_peak_dbtp.unwrap() <= -1.0);
    let mut wild = [f32::NAN, f32::INFINITY, 0.5, -0.5].repeat(20_000);
    let reached = normalise(&mut wild, RATE_HZ, 2, -16.0, -1.0);
    assert!(wild.iter().all(|x| x.is_finite()) && reached.true_peak_dbtp.unwrap() <= -1.0);
    for (samples, rate_hz, channels) in
        [(&[][..], RATE_HZ, 1), (&[0.5][..], 0, 1), (&[0.5][..], RATE_HZ, 0), (&[0.5][..], RATE_HZ, 2)]
    {
        assert_eq!(measure_loudness(samples, rate_hz, channels).integrated_lufs, None);
        normalise(&mut samples.to_vec(), rate_hz, channels, -16.0, -1.0);
    }
}
