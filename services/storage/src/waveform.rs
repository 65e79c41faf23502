//! The waveform file: what a player draws before it has loaded any sound, and the figures of the stored audio.

use serde::{Deserialize, Serialize};

/// Content of the artifact [`domain::ArtifactRole::Waveform`], as JSON.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waveform {
    /// Grows when the meaning of a field changes.
    pub version: u32,
    /// SHA-256 of the audio from which all renditions of this result were made.
    pub source_sha256: String,
    pub duration_seconds: f64,
    pub sample_rate_hz: u32,
    pub channels: u16,
    /// Integrated loudness (EBU R128) of the renditions; absent when nothing passed the gate of the measure.
    pub loudness_lufs: Option<f64>,
    /// Absent for digital silence.
    pub true_peak_dbtp: Option<f64>,
    /// Share (0–1) of samples that clip.
    pub clipped_share: f64,
    /// Lowest and highest sample (-1 to 1) of equal stretches of the sound, in order.
    pub peaks: Vec<(f32, f32)>,
}

impl Waveform {
    pub const VERSION: u32 = 1;
    /// Stretches: about two for each pixel of a wide player.
    pub const BUCKETS: usize = 800;
    /// Largest file that is read back.
    pub(crate) const MAX_BYTES: usize = 256 * 1024;

    /// Peaks rounded to what a picture can show, so that the file stays small.
    pub(crate) fn rounded(peaks: Vec<(f32, f32)>) -> Vec<(f32, f32)> {
        let round = |value: f32| (value * 10_000.0).round() / 10_000.0;
        peaks.into_iter().map(|(low, high)| (round(low), round(high))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_small_and_reads_back() {
        let peaks = (0..Waveform::BUCKETS).map(|i| (-(i as f32) / 801.0, i as f32 / 801.0)).collect();
        let waveform = Waveform {
            version: Waveform::VERSION,
            source_sha256: "0".repeat(64),
            duration_seconds: 12.5,
            sample_rate_hz: 44_100,
            channels: 1,
            loudness_lufs: Some(-16.02),
            true_peak_dbtp: None,
            clipped_share: 0.0,
            peaks: Waveform::rounded(peaks),
        };
        let json = serde_json::to_string(&waveform).unwrap();
        assert!(json.len() < 20_000 && json.len() < Waveform::MAX_BYTES, "{} bytes", json.len());
        assert!(json.contains("\"sourceSha256\"") && json.contains("\"truePeakDbtp\":null"));
        assert_eq!(serde_json::from_str::<Waveform>(&json).unwrap(), waveform);
    }
}
