//! From the recordings to what trainers take, by the crate that knows how models learn best.

use std::fs::File;

use ::training::{FileReport, Limits, NamedFile, Options, Prepared, Report, TrainingError, Verdict, prepare};
use domain::{Failure, FailureClass, FailureCode};
use serde::{Deserialize, Serialize};
use telemetry::error_chain;

use crate::kinds::played::Playing;

/// Sound that is packed at most, in seconds: 16 bits at 32 kHz stay below the 100 MB that vendors take as one file.
const MOST_SECONDS: f64 = 1_500.0;
/// Files that a sentence names at most.
const MOST_NAMED: usize = 5;

/// What there is to learn from: the detail of the stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Preparing {
    pub pieces: u64,
    /// Of all pieces together.
    pub seconds: f64,
    /// Recordings of which there is something in them.
    pub used: u64,
    pub refused: u64,
    /// The same again, and what is no recording and does not claim to be one.
    pub passed_over: u64,
}

/// Recordings that were prepared.
pub struct Packed {
    /// At its start.
    pub archive: File,
    pub summary: Preparing,
    pub report: Report,
}

/// Blocking.
///
/// # Errors
/// `Caller` where too little is good: which files are not, and why.
pub fn packed(recordings: Vec<NamedFile>, description: Option<String>, playing: &Playing) -> Result<Packed, Failure> {
    let limits = Limits { total_seconds: MOST_SECONDS, ..Limits::default() };
    let options = Options { description, limits };
    let prepared = prepare(recordings, &options, &mut |share| playing.heard(share));
    let Prepared { archive, pieces, seconds, report, .. } = prepared.map_err(of_training)?;
    let (used, refused, passed_over) = report.counts();
    let count = |files: usize| files as u64;
    let summary = Preparing {
        pieces: count(pieces),
        seconds,
        used: count(used),
        refused: count(refused),
        passed_over: count(passed_over),
    };
    Ok(Packed { archive, summary, report })
}

fn of_training(error: TrainingError) -> Failure {
    match &error {
        TrainingError::TooLittle { report, .. } => {
            let message = format!("{error}. {}", refusals(report));
            Failure::new(FailureClass::Caller, FailureCode::InvalidAudio, message)
        }
        TrainingError::Stopped => {
            let message = "nobody waits for the recordings any more";
            Failure::new(FailureClass::Transient, FailureCode::StageTimeout, message)
        }
        _ => {
            let class = if error.is_retryable() { FailureClass::Transient } else { FailureClass::Config };
            Failure::new(class, FailureCode::AudioProcessing, error_chain(&error))
        }
    }
}

/// What the first files were refused for, as sentences.
fn refusals(report: &Report) -> String {
    let why = |FileReport { path, verdict, .. }: &FileReport| match verdict {
        Verdict::Refused { why, .. } => Some(format!("{path}: {why}")),
        Verdict::Duplicate { of } => Some(format!("{path}: It is the same recording as {of}.")),
        Verdict::Used { .. } | Verdict::PassedOver => None,
    };
    let all: Vec<String> = report.files.iter().filter_map(why).collect();
    let mut told = all.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>().join(" ");
    if all.len() > MOST_NAMED {
        told += &format!(" And {} more.", all.len() - MOST_NAMED);
    }
    if told.is_empty() { "Send more of them, or longer ones.".to_owned() } else { told }
}
