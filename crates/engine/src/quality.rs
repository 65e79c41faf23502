//! Figures measured on what the engine made: how well the sung pitch meets the one that was meant, and what the lyrics
//! look like in numbers.

use music::{PitchTrack, cents_between};

use crate::{
    f0,
    lyrics::{Lyrics, dictionary},
};

/// How the F0 of a recording agrees with a target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PitchAgreement {
    /// Share (0–1) of the target's voiced frames within 50 cents.
    pub within_50: f64,
    /// Share (0–1) within 25 cents.
    pub within_25: f64,
    /// Median absolute deviation in cents over the frames where both have a pitch; 0 when there are none.
    pub median_cents: f64,
    /// Voiced frames of the target that were compared.
    pub frames: usize,
}

/// Tracks the F0 of `samples` (mono, at `rate_hz`) and holds it against `target`. A frame of the target counts when it
/// is voiced, whether the tracker hears a voice there or not: what cannot be heard is not in tune (raw pitch accuracy
/// of MIREX, with the target as the truth).
pub fn pitch_agreement(samples: &[f32], rate_hz: u32, target: &PitchTrack) -> PitchAgreement {
    let heard = f0::track(samples, rate_hz);
    let mut deviations = Vec::new();
    let mut frames = 0;
    for (index, meant) in target.frames.iter().enumerate().filter(|(_, frame)| frame.voiced && frame.hz > 0.0) {
        frames += 1;
        let seconds = index as f64 * target.hop_seconds;
        if let Some(sung) = heard.at(seconds).filter(|frame| frame.hz > 0.0) {
            deviations.push(cents_between(f64::from(meant.hz), f64::from(sung.hz)).abs());
        }
    }
    let share = |limit: f64| {
        let near = deviations.iter().filter(|cents| **cents <= limit).count();
        if frames == 0 { 0.0 } else { near as f64 / frames as f64 }
    };
    let (within_50, within_25) = (share(50.0), share(25.0));
    deviations.sort_by(f64::total_cmp);
    let median_cents = deviations.get(deviations.len() / 2).copied().unwrap_or_default();
    PitchAgreement { within_50, within_25, median_cents, frames }
}

/// Lyrics in numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LyricsFigures {
    pub lines: usize,
    /// Characters of the text without line ends.
    pub chars: usize,
    pub words: usize,
    /// Share (0–1) of the words that the pronouncing dictionary has.
    pub words_known: f64,
    /// Longest run of one repeated letter, in any word.
    pub longest_run: usize,
    pub syllables: usize,
}

/// Counts what the quality gate asks of lyrics.
pub fn lyrics_figures(lyrics: &Lyrics) -> LyricsFigures {
    let texts = || lyrics.lines.iter().map(|line| line.text.as_str());
    let words: Vec<String> = texts()
        .flat_map(str::split_whitespace)
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    let known = words.iter().filter(|word| dictionary::contains(word)).count();
    LyricsFigures {
        lines: lyrics.lines.len(),
        chars: texts().map(|text| text.chars().count()).sum(),
        words: words.len(),
        words_known: if words.is_empty() { 0.0 } else { known as f64 / words.len() as f64 },
        longest_run: words.iter().map(|word| longest_run(word)).max().unwrap_or_default(),
        syllables: lyrics.syllable_count(),
    }
}

fn longest_run(word: &str) -> usize {
    let mut longest = 0;
    let mut current = 0;
    let mut last = None;
    for c in word.chars() {
        current = if last == Some(c) { current + 1 } else { 1 };
        last = Some(c);
        longest = longest.max(current);
    }
    longest
}
