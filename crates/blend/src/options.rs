//! What may be asked of a blend.

use music::Key;
use serde::{Deserialize, Serialize};

use crate::error::BlendError;

/// Bars of a blend, both inclusive.
pub const LEAST_BARS: u32 = 8;
pub const MOST_BARS: u32 = 400;
/// Longest blend in seconds, inclusive.
pub const MOST_SECONDS: f64 = 720.0;
/// Tempo of a blend in beats per minute, both inclusive.
pub const LEAST_BPM: f64 = 40.0;
pub const MOST_BPM: f64 = 240.0;

/// How the songs are blended. The default is a good start.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How much of each song there is to be, relative to the others: each 0.05–20.
    pub weights: [f64; 3],
    /// The same songs, options and seed give the same blend, note for note.
    pub seed: u64,
    pub length: Length,
    /// Beats per minute; by default the tempo that is nearest to all three songs.
    pub tempo_bpm: Option<f64>,
    /// By default the key to which the songs have to be moved least.
    pub key: Option<Key>,
    /// Sections by letter, such as `ABACA`: equal letters have the same tune over the same chords. Intro and ending are
    /// put around it. By default what suits the length.
    pub form: Option<String>,
    /// How far lines may depart from their songs, 0–1. At 0 tunes are only moved to the new chords, and every return is
    /// literal. Above 0 a second return is ornamented, the more the higher. From 0.3 on a counter-melody joins it. From
    /// 0.7 on, section C plays the rhythm of one song's tune to the contour of another's.
    pub creativity: f64,
    /// How far plans may lie from the one that fits best, 0–1. At 0 there is one plan and the seed changes nothing. Above
    /// it, seeds and the plans that are tried for one seed differ the more the higher.
    pub temperature: f64,
    /// How many plans are made, realised and measured; the best is returned. 1–64. If none
    /// passes every gate, up to three times as many are.
    pub plans: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            weights: [1.0; 3],
            seed: 0,
            length: Length::default(),
            tempo_bpm: None,
            key: None,
            form: None,
            creativity: 0.5,
            temperature: 0.5,
            plans: 8,
        }
    }
}

/// How long the blend is; met within one bar.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    Bars(u32),
    Seconds(f64),
}

impl Default for Length {
    fn default() -> Self {
        Self::Bars(48)
    }
}

impl Options {
    /// # Errors
    ///
    /// The first option that is out of its range. A length in seconds is checked when the tempo is known.
    pub fn check(&self) -> Result<(), BlendError> {
        for (index, &weight) in self.weights.iter().enumerate() {
            if !(0.05..=20.0).contains(&weight) {
                return Err(BlendError::Weight { number: index + 1, weight });
            }
        }
        if let Length::Bars(bars) = self.length
            && !(LEAST_BARS..=MOST_BARS).contains(&bars)
        {
            return Err(BlendError::Bars { bars, least: LEAST_BARS, most: MOST_BARS });
        }
        if let Some(bpm) = self.tempo_bpm
            && !(LEAST_BPM..=MOST_BPM).contains(&bpm)
        {
            return Err(BlendError::Tempo { bpm, least: LEAST_BPM, most: MOST_BPM });
        }
        if let Some(form) = &self.form {
            let letters = form.chars().count();
            if !(1..=26).contains(&letters) || !form.chars().all(|letter| ('A'..='D').contains(&letter)) {
                return Err(BlendError::Form { form: form.chars().take(60).collect() });
            }
        }
        for (name, value) in [("creativity", self.creativity), ("temperature", self.temperature)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(BlendError::Share { name, value });
            }
        }
        if !(1..=64).contains(&self.plans) {
            return Err(BlendError::Plans { plans: self.plans });
        }
        Ok(())
    }

    /// Weights as shares of 1.
    pub fn shares(&self) -> [f64; 3] {
        let sum: f64 = self.weights.iter().sum();
        self.weights.map(|weight| weight / sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_checked_at_their_edges() {
        let check = |change: fn(&mut Options), code: Option<&str>| {
            let mut options = Options::default();
            change(&mut options);
            assert_eq!(options.check().err().map(|error| error.code()), code, "{options:?}");
        };
        check(|_| (), None);
        check(|o| o.weights[1] = 0.05, None);
        check(|o| o.weights[1] = 0.0, Some("bad_weight"));
        check(|o| o.weights[2] = f64::NAN, Some("bad_weight"));
        check(|o| o.length = Length::Bars(8), None);
        check(|o| o.length = Length::Bars(7), Some("bad_length"));
        check(|o| o.length = Length::Bars(401), Some("bad_length"));
        check(|o| o.tempo_bpm = Some(240.5), Some("bad_tempo"));
        check(|o| o.form = Some("ABAC".into()), None);
        check(|o| o.form = Some("ABE".into()), Some("bad_form"));
        check(|o| o.form = Some(String::new()), Some("bad_form"));
        check(|o| o.creativity = 1.01, Some("bad_share"));
        check(|o| o.temperature = -0.1, Some("bad_share"));
        check(|o| o.plans = 0, Some("bad_plans"));
    }
}
