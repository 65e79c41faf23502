//! The voice of a composed song: whether it is good enough to be heard, and what is told of it.

use domain::{
    Failure, FailureClass, FailureCode,
    quality::{QualityCheck, QualityShortfall, SoundFigures},
};
use serde::{Deserialize, Serialize};

/// The voice of a song that is sung.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VocalsSummary {
    pub title: String,
    pub voice: String,
    /// Who wrote the words, and who sang.
    pub words_by: String,
    pub sung_by: String,
    pub syllables_placed: usize,
    /// How often it was sung before the gate had nothing against it, or gave up.
    #[serde(default)]
    pub takes: u32,
    /// What instruments say of the voice alone, before the band; absent where nobody has measured it.
    #[serde(default)]
    pub quality: Option<SoundFigures>,
    /// What the quality gate has against the words and the voice that were kept, the best of all takes.
    #[serde(default)]
    pub shortfalls: Vec<QualityShortfall>,
}

impl VocalsSummary {
    /// What is weak, as sentences with figure and limit.
    pub fn warnings(&self) -> impl Iterator<Item = String> + '_ {
        self.shortfalls.iter().map(|QualityShortfall { message, .. }| format!("words and voice: {message}"))
    }

    /// The figures that matter most, for people.
    pub(crate) fn figures(&self) -> String {
        let of = |quality: &SoundFigures| {
            let onsets = quality.vowel_onset_median_ms.map(|ms| format!(", vowels {ms:.0} ms beside their notes"));
            let pitch = quality.pitch_within_50_cents * 100.0;
            format!("; {pitch:.1} % of the pitch within 50 cents{}", onsets.unwrap_or_default())
        };
        self.quality.as_ref().map(of).unwrap_or_default()
    }
}

/// Whether a voice can be heard at all. One that is only weak is kept and told of: around it there is a whole song, and no other
/// recording that its owner could send.
///
/// # Errors
/// `Caller` with every reason, for a song that was asked to be sung and would not be.
pub fn check_voice(voice: &SoundFigures, shortfalls: &[QualityShortfall], takes: u32) -> Result<(), Failure> {
    let is_silent = shortfalls.iter().any(|shortfall| shortfall.check == QualityCheck::Silence);
    if !is_silent && voice.syllables_placed > 0 {
        return Ok(());
    }
    let reasons: Vec<&str> = shortfalls.iter().map(|shortfall| shortfall.message.as_str()).collect();
    let message = format!(
        "The voice is not good enough after {takes} takes: {}. Try another seed, voice or prompt.",
        reasons.join("; ")
    );
    Err(Failure::new(FailureClass::Caller, FailureCode::QualityGate, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortfall(check: QualityCheck) -> QualityShortfall {
        QualityShortfall { check, message: format!("{check:?} is 1; 2 is the least") }
    }

    fn voice(syllables_placed: u32) -> SoundFigures {
        SoundFigures {
            pitch_within_50_cents: 0.8,
            pitch_within_25_cents: 0.7,
            pitch_median_cents: 20.0,
            vowel_onset_median_ms: Some(30.0),
            loudness_lufs: Some(-16.0),
            true_peak_dbtp: Some(-1.0),
            clipped_share: 0.0,
            duration_seconds: 20.0,
            syllables_placed,
            syllables: 10,
        }
    }

    #[test]
    fn a_weak_voice_is_told_of_and_one_that_is_not_heard_refused() {
        assert_eq!(check_voice(&voice(9), &[], 1), Ok(()));
        let weak = [QualityCheck::Pitch, QualityCheck::VowelOnsets, QualityCheck::SyllablesPlaced].map(shortfall);
        assert_eq!(check_voice(&voice(9), &weak, 3), Ok(()));
        for (placed, check) in [(9, QualityCheck::Silence), (0, QualityCheck::SyllablesPlaced)] {
            let refused =
                check_voice(&voice(placed), &[shortfall(QualityCheck::Pitch), shortfall(check)], 3).unwrap_err();
            assert_eq!((refused.class, refused.code), (FailureClass::Caller, FailureCode::QualityGate));
            assert!(refused.message.contains("after 3 takes: Pitch is 1; 2 is the least; "), "{}", refused.message);
        }
    }

    #[test]
    fn a_summary_of_the_version_before_is_read() {
        let before = r#"{"title":"A","voice":"rms","wordsBy":"offline","sungBy":"offline","syllablesPlaced":9}"#;
        let read: VocalsSummary = serde_json::from_str(before).unwrap();
        assert_eq!((read.takes, read.quality, read.shortfalls), (0, None, Vec::new()));
    }
}
