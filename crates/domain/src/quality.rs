//! The quality gate: figures measured on a result, held against what a result must reach.

use serde::{Deserialize, Serialize};

/// Figures of one sung result. Every job's result carries them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct QualityFigures {
    /// Share (0–1) of the target's voiced frames where the sung F0 lies within 50 cents of the target.
    pub pitch_within_50_cents: f64,
    /// Share (0–1) within 25 cents.
    pub pitch_within_25_cents: f64,
    /// Median absolute deviation of the sung F0 from the target, in cents.
    pub pitch_median_cents: f64,
    /// Integrated loudness (EBU R128) in LUFS; `None` when nothing passed the gate of the measure.
    pub loudness_lufs: Option<f64>,
    /// True peak in dBTP; `None` for digital silence.
    pub true_peak_dbtp: Option<f64>,
    /// Share (0–1) of samples at full scale.
    pub clipped_share: f64,
    pub duration_seconds: f64,
    pub notes: u32,
    /// Syllables that were given a note, of all syllables of the lyrics.
    pub syllables_placed: u32,
    pub syllables: u32,
    pub lyrics_lines: u32,
    pub lyrics_chars: u32,
    /// Share (0–1) of words that the pronouncing dictionary knows.
    pub lyrics_words_known: f64,
    /// Longest run of one repeated character in the lyrics.
    pub lyrics_longest_run: u32,
    /// Whether every field that the result's metadata must have is there.
    pub metadata_complete: bool,
}

/// What a result must reach.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct QualityGate {
    pub min_pitch_within_50_cents: f64,
    pub min_loudness_lufs: f64,
    pub max_loudness_lufs: f64,
    pub max_true_peak_dbtp: f64,
    pub max_clipped_share: f64,
    pub min_lyrics_chars: u32,
    pub min_lyrics_lines: u32,
    pub max_lyrics_run: u32,
    pub min_words_known: f64,
}

impl Default for QualityGate {
    fn default() -> Self {
        Self {
            min_pitch_within_50_cents: 0.85,
            min_loudness_lufs: -20.0,
            max_loudness_lufs: -12.0,
            max_true_peak_dbtp: -0.5,
            max_clipped_share: 0.0001,
            min_lyrics_chars: 10,
            min_lyrics_lines: 2,
            max_lyrics_run: 4,
            min_words_known: 0.9,
        }
    }
}

/// A word for each check of the gate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QualityCheck {
    Pitch,
    Silence,
    Loudness,
    TruePeak,
    Clipping,
    LyricsLength,
    LyricsLines,
    LyricsRepetition,
    LyricsWords,
    SyllablesPlaced,
    Metadata,
}

/// A check that a result did not pass.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct QualityShortfall {
    pub check: QualityCheck,
    /// A sentence with the figure and the limit.
    pub message: String,
}

impl QualityGate {
    /// All checks that `figures` do not pass; empty means that the result is good enough.
    pub fn judge(&self, figures: &QualityFigures) -> Vec<QualityShortfall> {
        let mut shortfalls = Vec::new();
        let mut hold = |passed: bool, check: QualityCheck, message: String| {
            if !passed {
                shortfalls.push(QualityShortfall { check, message });
            }
        };
        let f = figures;
        hold(
            f.pitch_within_50_cents >= self.min_pitch_within_50_cents,
            QualityCheck::Pitch,
            format!(
                "{:.1} % of the sung pitch lies within 50 cents of the melody; {:.1} % is the least",
                f.pitch_within_50_cents * 100.0,
                self.min_pitch_within_50_cents * 100.0
            ),
        );
        match f.loudness_lufs {
            None => hold(false, QualityCheck::Silence, "the result is silent".to_owned()),
            Some(lufs) => hold(
                (self.min_loudness_lufs..=self.max_loudness_lufs).contains(&lufs),
                QualityCheck::Loudness,
                format!(
                    "loudness is {lufs:.1} LUFS; {:.1} to {:.1} is the range",
                    self.min_loudness_lufs, self.max_loudness_lufs
                ),
            ),
        }
        hold(
            f.true_peak_dbtp.is_none_or(|peak| peak <= self.max_true_peak_dbtp),
            QualityCheck::TruePeak,
            format!(
                "true peak is {:.1} dBTP; {:.1} is the most",
                f.true_peak_dbtp.unwrap_or(f64::NEG_INFINITY),
                self.max_true_peak_dbtp
            ),
        );
        hold(
            f.clipped_share <= self.max_clipped_share,
            QualityCheck::Clipping,
            format!("{:.3} % of the samples clip", f.clipped_share * 100.0),
        );
        hold(
            f.lyrics_chars >= self.min_lyrics_chars,
            QualityCheck::LyricsLength,
            format!("the lyrics have {} characters; {} is the least", f.lyrics_chars, self.min_lyrics_chars),
        );
        hold(
            f.lyrics_lines >= self.min_lyrics_lines,
            QualityCheck::LyricsLines,
            format!("the lyrics have {} lines; {} is the least", f.lyrics_lines, self.min_lyrics_lines),
        );
        hold(
            f.lyrics_longest_run <= self.max_lyrics_run,
            QualityCheck::LyricsRepetition,
            format!("a character repeats {} times in a row; {} is the most", f.lyrics_longest_run, self.max_lyrics_run),
        );
        hold(
            f.lyrics_words_known >= self.min_words_known,
            QualityCheck::LyricsWords,
            format!(
                "{:.0} % of the words are in the dictionary; {:.0} % is the least",
                f.lyrics_words_known * 100.0,
                self.min_words_known * 100.0
            ),
        );
        hold(
            f.syllables_placed == f.syllables && f.syllables > 0,
            QualityCheck::SyllablesPlaced,
            format!("{} of {} syllables were sung", f.syllables_placed, f.syllables),
        );
        hold(
            f.metadata_complete && f.notes > 0,
            QualityCheck::Metadata,
            "the description of the result is incomplete".to_owned(),
        );
        shortfalls
    }
}
