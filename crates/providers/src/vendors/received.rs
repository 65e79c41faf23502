//! Sound that a vendor sends: written down while it comes, and listened to before it counts as made.

use std::{fs::File, io::Seek as _, ops::RangeInclusive};

use domain::{Cost, Failure, FailureClass, FailureCode, Usage};
use media::Bounds;
use outbound::{Answer, OutboundError};

use super::VendorHttp;
use crate::{capability::blocking, outside_service::CallError};

/// Quieter on average than this, in dBFS, nothing is to be heard.
const SILENCE_DBFS: f64 = -60.0;

/// Room for an answer, made before anything is asked for: what was paid for must have a place to go.
///
/// # Errors
/// `Transient` where there is none.
pub fn room() -> Result<File, Failure> {
    tempfile::tempfile().map_err(|error| {
        Failure::new(FailureClass::Transient, FailureCode::Storage, format!("a file for an answer: {error}"))
    })
}

/// Writes the body of a success into a file, which stands at its start afterwards.
///
/// # Errors
/// `Useless` where more came than may; `Unanswered` where it broke off, came too slowly or could not be written.
pub async fn spool(
    http: &VendorHttp,
    answer: Answer,
    into: File,
    charge: &(Usage, Option<Cost>),
) -> Result<File, CallError> {
    let ours = |_: std::io::Error| CallError::Unanswered(http.misbehaved("sent an answer that cannot be written down"));
    let mut writer = tokio::fs::File::from_std(into.try_clone().map_err(ours)?);
    answer.download(&mut writer).await.map_err(|error| match error {
        OutboundError::TooLarge { .. } => useless(http.trouble(&error), charge),
        error => CallError::Unanswered(http.trouble(&error)),
    })?;
    let mut file = into;
    file.rewind().map_err(ours)?;
    Ok(file)
}

/// An answer that was paid for and is of no use.
pub fn useless(failure: Failure, (usage, cost): &(Usage, Option<Cost>)) -> CallError {
    CallError::Useless { failure, usage: *usage, cost: cost.clone() }
}

/// Listens to a sound. Gives its length in seconds; `None` where it could not be measured here for a reason of ours, which is
/// not the vendor's fault and does not make the sound worse.
///
/// # Errors
/// What is wrong with it, to be said behind the vendor's name.
pub async fn listen(file: &File, plausible_seconds: RangeInclusive<f64>) -> Result<Option<f64>, String> {
    let Ok((file, size_bytes)) = reopened(file) else { return Ok(None) };
    if size_bytes == 0 {
        return Err("sent a sound without a byte".to_owned());
    }
    let bounds = Bounds::for_duration(*plausible_seconds.end());
    let Ok(inspected) = blocking(move || media::inspect(file, size_bytes, &bounds)).await else { return Ok(None) };
    let facts = match inspected {
        Ok(facts) => facts,
        Err(error) if error.is_retryable() => return Ok(None),
        Err(error) => return Err(format!("sent what is no sound: {}", telemetry::error_chain(&error))),
    };
    if facts.peak_dbfs.is_none() || facts.mean_volume_dbfs.is_none_or(|mean| mean < SILENCE_DBFS) {
        return Err("sent a sound that is silent".to_owned());
    }
    if facts.absurd_samples {
        return Err("sent a sound that is damaged".to_owned());
    }
    let seconds = facts.duration_seconds;
    if !plausible_seconds.contains(&seconds) {
        let (least, most) = (plausible_seconds.start(), plausible_seconds.end());
        return Err(format!("sent a sound of {seconds:.1} s where {least:.1} to {most:.1} s were to be expected"));
    }
    Ok(Some(seconds))
}

/// Another handle, at the start. Handles share their position.
fn reopened(file: &File) -> std::io::Result<(File, u64)> {
    let mut file = file.try_clone()?;
    file.rewind()?;
    let size_bytes = file.metadata()?.len();
    Ok((file, size_bytes))
}
