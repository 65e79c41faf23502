//! What the older routes take of a recording: as its name says, and as its content is.

use std::{collections::BTreeSet, path::Path};

use domain::audio::{AudioFormat, AudioLimits, FindingCode};
use media::Bounds;
use providers::{AudioInput, blocking};
use service_runtime::error_chain;

use crate::{refusal::Refusal, upload::Uploaded};

/// Holds a recording against the limits: its ending first, then what it is.
///
/// # Errors
/// 415 for a format that is not taken, 422 for a recording that no song can be made of.
pub async fn check(recording: &Uploaded, limits: &AudioLimits) -> Result<(), Refusal> {
    let Uploaded { audio, file_name } = recording;
    check_ending(file_name.as_deref(), &limits.allowed_formats)?;
    let verdict = judge(audio, file_name.clone(), limits.clone()).await?;
    let reasons: Vec<&str> = verdict.errors().map(|finding| finding.message.as_str()).collect();
    if reasons.is_empty() {
        return Ok(());
    }
    let is_other_format = verdict.errors().any(|finding| finding.code == FindingCode::UnsupportedFormat);
    let reasons = reasons.join(" ");
    Err(if is_other_format { Refusal::unsupported_format(reasons) } else { Refusal::unfit(reasons) })
}

async fn judge(
    audio: &AudioInput,
    file_name: Option<String>,
    limits: AudioLimits,
) -> Result<domain::audio::Verdict, Refusal> {
    let file = audio.reopen()?;
    let judge = move || {
        let bounds = Bounds::for_duration(limits.max_duration_seconds);
        media::judge_file(file, file_name.as_deref(), &limits, &bounds)
    };
    blocking(judge).await?.map_err(|error| {
        tracing::error!(error = %error_chain(&error), "a recording cannot be read");
        Refusal::internal()
    })
}

/// A name without an ending says nothing; one with another is taken at its word.
fn check_ending(file_name: Option<&str>, allowed: &BTreeSet<AudioFormat>) -> Result<(), Refusal> {
    let ending = file_name.and_then(|name| Path::new(name).extension()?.to_str());
    let Some(ending) = ending else { return Ok(()) };
    if AudioFormat::from_extension(ending).is_some_and(|format| allowed.contains(&format)) {
        return Ok(());
    }
    let names: Vec<&str> = allowed.iter().map(|format| format.as_str()).collect();
    Err(Refusal::unsupported_format(format!("expected a recording as {}", names.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_held_against_what_is_taken() {
        let allowed = BTreeSet::from([AudioFormat::Wav, AudioFormat::M4a]);
        let check = |name: Option<&str>, is_taken: bool| {
            assert_eq!(check_ending(name, &allowed).is_ok(), is_taken, "{name:?}");
        };
        check(None, true);
        check(Some("hum"), true);
        check(Some("hum.WAV"), true);
        check(Some("a.b.m4a"), true);
        check(Some("hum.ogg"), false);
        check(Some("hum.exe"), false);
        check(Some("hum.wav.mp3"), false);
    }
}
