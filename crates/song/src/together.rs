//! Whether voice and band are together: onsets of both, heard and not planned, on the beats that they share.

use domain::{Failure, FailureClass, FailureCode};
use media::{Master, MediaError};
use serde::{Deserialize, Serialize};
use voice::{Onset, onsets_near};

/// How far the beats of voice and band are apart.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Together {
    /// Notes that are sung.
    pub notes: usize,
    /// Beats of the band on which one of them is to begin.
    pub beats: usize,
    /// Of those, on how many voice and band were both heard to begin.
    pub heard: usize,
    /// Median of the distance on those, in milliseconds, early and late alike; the whole reach, 120 ms, where there are none.
    pub median_ms: f64,
    /// Share (0–1) of all those beats on which both were heard within 30 ms of each other: what was not heard is not together.
    pub within_30_ms: f64,
}

impl Together {
    /// What is told of a voice that is often away from its band.
    pub fn warning(&self) -> Option<String> {
        const ENOUGH: f64 = 0.85;
        (self.within_30_ms < ENOUGH).then(|| {
            format!(
                "voice and band are within 30 ms of each other on {:.0} % of the {} beats that they share; another take (seed) or \
                 an even beat may be closer",
                100.0 * self.within_30_ms,
                self.beats
            )
        })
    }
}

/// Fewer beats say nothing.
const LEAST_BEATS: usize = 4;
const VOICE_REACH_SECONDS: f64 = 0.12;
/// Bands play between the beats as well.
const BAND_REACH_SECONDS: f64 = 0.06;

/// Where voice and band are to be together.
pub struct Meeting<'a> {
    /// Moments at which something begins in the voice, in seconds and in order.
    pub sung: &'a [f64],
    /// Those of them that are beats of the band.
    pub shared: &'a [usize],
}

/// Measures a voice and its band on the beats that they share. `None` where there are fewer than four of them.
/// Blocking.
///
/// # Errors
/// `Transient` when the band's temporary file cannot be read.
pub fn together(band: &Master, voice: &[f32], meeting: &Meeting<'_>) -> Result<Option<Together>, Failure> {
    let mut mono: Vec<f32> = Vec::with_capacity(usize::try_from(band.frames()).unwrap_or(0));
    band.each(|block| {
        mono.extend(block.chunks_exact(2).map(|pair| (pair[0] + pair[1]) / 2.0));
        Ok::<_, MediaError>(())
    })
    .map_err(|error| {
        Failure::new(
            FailureClass::Transient,
            FailureCode::AudioProcessing,
            format!("the band cannot be heard: {error}"),
        )
    })?;
    Ok(beats_apart(&mono, voice, band.sample_rate_hz, meeting))
}

/// The same for two mono sounds of one rate.
pub fn beats_apart(band: &[f32], voice: &[f32], sample_rate_hz: u32, meeting: &Meeting<'_>) -> Option<Together> {
    let beats: Vec<f64> = meeting.shared.iter().filter_map(|index| meeting.sung.get(*index)).copied().collect();
    let of_band = onsets_near(band, sample_rate_hz, &beats, BAND_REACH_SECONDS, Onset::Attack);
    // All that is sung, so that no neighbour of a beat is taken for it.
    let of_voice = onsets_near(voice, sample_rate_hz, meeting.sung, VOICE_REACH_SECONDS, Onset::Vowel);
    let on_beats = meeting.shared.iter().filter_map(|index| of_voice.get(*index)).copied();
    let both = of_band.into_iter().zip(on_beats).filter_map(|(band, voice)| Some((band?, voice?)));
    let mut apart: Vec<f64> = both.map(|(band, voice)| 1000.0 * (voice - band).abs()).collect();
    if beats.len() < LEAST_BEATS {
        return None;
    }
    apart.sort_by(f64::total_cmp);
    Some(Together {
        notes: meeting.sung.len(),
        beats: beats.len(),
        heard: apart.len(),
        median_ms: apart.get(apart.len() / 2).copied().unwrap_or(1000.0 * VOICE_REACH_SECONDS),
        within_30_ms: apart.partition_point(|apart| *apart <= 30.0) as f64 / beats.len() as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 16_000;

    /// Strokes of noise that die away.
    fn strokes(moments: &[f64]) -> Vec<f32> {
        let mut dice = 5u32;
        let mut noise = || {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(dice >> 8) / f64::from(1 << 24) - 0.5
        };
        sound(moments, |since, _| noise() * (-since / 0.05).exp())
    }

    fn vowels(moments: &[f64]) -> Vec<f32> {
        sound(moments, |since, now| {
            let voice: f64 = (1..20).map(|k| (std::f64::consts::TAU * 140.0 * f64::from(k) * now).sin()).sum();
            if since < 0.3 { 0.03 * voice } else { 0.0 }
        })
    }

    fn sound(moments: &[f64], mut of: impl FnMut(f64, f64) -> f64) -> Vec<f32> {
        (0..10 * RATE)
            .map(|at| {
                let now = f64::from(at) / f64::from(RATE);
                let begun = moments.iter().rev().find(|moment| **moment <= now);
                begun.map_or(0.0, |begun| of(now - begun, now)) as f32
            })
            .collect()
    }

    fn heard(band: &[f32], voice: &[f32], beats: &[f64]) -> Option<Together> {
        let shared: Vec<usize> = (0..beats.len()).collect();
        beats_apart(band, voice, RATE, &Meeting { sung: beats, shared: &shared })
    }

    fn beats() -> Vec<f64> {
        (0..16).map(|beat| 1.0 + 0.53 * f64::from(beat)).collect()
    }

    #[test]
    fn a_voice_that_is_late_is_heard_to_be() {
        let band = strokes(&beats());
        for late_ms in [0.0, 12.0, 45.0, 60.0, 90.0, 200.0, 300.0] {
            let voice = vowels(&beats().iter().map(|beat| beat + late_ms / 1000.0).collect::<Vec<_>>());
            let heard = heard(&band, &voice, &beats()).unwrap();
            assert_eq!((heard.notes, heard.beats), (16, 16), "{heard:?}");
            // Further off nothing is heard near the beats.
            assert!(late_ms > 100.0 || heard.heard >= 14, "{heard:?}");
            assert!(late_ms > 100.0 || (heard.median_ms - late_ms).abs() <= 6.0, "{heard:?} for {late_ms} ms");
            assert_eq!(heard.within_30_ms > 0.9, late_ms < 30.0, "{heard:?} for {late_ms} ms");
            assert_eq!(heard.within_30_ms < 0.1, late_ms > 30.0, "{heard:?} for {late_ms} ms");
        }
    }

    #[test]
    fn what_is_sung_between_the_beats_is_not_taken_for_them() {
        let beats = beats();
        let sung: Vec<f64> = beats.iter().flat_map(|beat| [*beat, beat + 0.1]).collect();
        // Vowels on the beats are soft and those after them are loud.
        let soft = vowels(&beats).iter().map(|sample| 0.2 * sample).collect::<Vec<f32>>();
        let late = vowels(&beats.iter().map(|beat| beat + 0.1).collect::<Vec<_>>());
        let voice: Vec<f32> = soft.iter().zip(&late).map(|(soft, late)| soft + late).collect();
        let shared: Vec<usize> = (0..beats.len()).map(|index| 2 * index).collect();
        let heard = beats_apart(&strokes(&beats), &voice, RATE, &Meeting { sung: &sung, shared: &shared }).unwrap();
        assert!(heard.median_ms <= 10.0, "{heard:?}");
    }

    #[test]
    fn silence_is_not_together_and_few_beats_say_nothing() {
        let beats = beats();
        for (band, voice) in [(strokes(&beats), vec![0.0; 160_000]), (Vec::new(), vowels(&beats))] {
            let heard = heard(&band, &voice, &beats).unwrap();
            assert_eq!((heard.beats, heard.heard, heard.within_30_ms), (16, 0, 0.0));
            assert!(heard.warning().is_some());
        }
        assert!(heard(&strokes(&beats), &vowels(&beats), &beats[..3]).is_none());
        assert!(heard(&strokes(&beats), &vowels(&beats), &[]).is_none());
    }
}
