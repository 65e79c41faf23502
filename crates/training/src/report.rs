//! What became of every file that was sent, for whoever sent it.

use serde::{Deserialize, Serialize};

/// What was prepared, and of what.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// In the order of folders and names.
    pub files: Vec<FileReport>,
    /// What is trained on.
    pub pieces: Vec<PieceReport>,
    /// Of all pieces together; they overlap a little.
    pub seconds: f64,
}

impl Report {
    /// Files that were used, refused and passed over.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |is: fn(&Verdict) -> bool| self.files.iter().filter(|file| is(&file.verdict)).count();
        let is_refused = |verdict: &Verdict| matches!(verdict, Verdict::Refused { .. });
        let used = count(|verdict| matches!(verdict, Verdict::Used { .. }));
        let refused = count(is_refused);
        (used, refused, self.files.len() - used - refused)
    }
}

/// One file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileReport {
    /// Its name, with those of the folders and the archive that it was in.
    pub path: String,
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What is not as it should be and was taken all the same, and what was left out, as sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// `None` of what could not be decoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<Figures>,
}

impl FileReport {
    pub(crate) fn new(path: impl Into<String>, verdict: Verdict) -> Self {
        Self { path: path.into(), verdict, notes: Vec::new(), figures: None }
    }

    pub(crate) fn refused(path: impl Into<String>, code: &str, why: impl Into<String>) -> Self {
        Self::new(path, Verdict::refused(code, why))
    }
}

/// What became of a file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Names of the pieces that it is in.
    Used { pieces: Vec<String> },
    /// A word for programs, and a sentence for people.
    Refused { code: String, why: String },
    /// The same recording as another one.
    Duplicate { of: String },
    /// A description of recordings beside it, or a file that is no recording and does not claim to be one.
    PassedOver,
}

impl Verdict {
    pub(crate) fn refused(code: &str, why: impl Into<String>) -> Self {
        Self::Refused { code: code.to_owned(), why: why.into() }
    }
}

/// What was measured of a recording.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    pub format: String,
    pub codec: String,
    pub seconds: f64,
    pub sample_rate_hz: u32,
    pub channels: u16,
    /// Integrated, of the recording as one channel; `None` below the gate.
    pub loudness_lufs: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
    /// Share (0–1) of samples that are clipped.
    pub clipped_share: f64,
    /// What is left without silence, in seconds.
    pub kept_seconds: f64,
    /// Level of the loud moments (95 of 100 are quieter) over the quiet ones (5 of 100 are quieter), in dB. Of a recording with
    /// rests it says how far below the music the noise lies; of one without it says little.
    pub noise_distance_db: f64,
}

/// One piece.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PieceReport {
    /// Of the sound in the archive.
    pub name: String,
    pub caption: String,
    pub seconds: f64,
    pub loudness_lufs: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
}
