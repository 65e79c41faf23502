//! From a file to a verdict. Blocking.

use std::fs::File;

use domain::audio::{AudioLimits, FindingCode, Verdict, judge};

use crate::{Bounds, MediaError, finding, inspect};

/// Measures a recording and judges it. `file_name` is only used to report an ending that lies. Takes about 30 ms for
/// each minute of compressed stereo sound and core.
///
/// # Errors
/// Those for which the file is not to blame; everything else is a finding.
pub fn judge_file(
    file: File,
    file_name: Option<&str>,
    limits: &AudioLimits,
    bounds: &Bounds,
) -> Result<Verdict, MediaError> {
    let size_bytes = file.metadata().map_err(|source| MediaError::Read { source })?.len();
    match inspect(file, size_bytes, bounds) {
        Ok(facts) => Ok(judge(facts, file_name, limits)),
        Err(error) if error.is_retryable() => Err(error),
        Err(error) => Ok(refusal(&error, limits)),
    }
}

/// The verdict on what could not be measured. Where the reader's own bound was broken, the limit of the user's tier is
/// the one to tell.
fn refusal(error: &MediaError, limits: &AudioLimits) -> Verdict {
    let mut finding = finding(error);
    match (error, finding.code) {
        (MediaError::TooLong { .. }, _) => finding.limit = Some(format!("{:.2} s", limits.max_duration_seconds)),
        (MediaError::SampleRate { .. }, FindingCode::SampleRateTooLow) => {
            finding.limit = Some(format!("{} Hz", limits.min_sample_rate_hz));
        }
        _ => {}
    }
    Verdict { findings: vec![finding], ..Verdict::default() }
}
