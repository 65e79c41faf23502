//! The steps around the takes: what comes before the lyrics, and what is laid under the voice.

use std::{sync::Arc, time::Duration};

use domain::{
    Failure, FailureClass, FailureCode,
    audio::{AudioLimits, Verdict},
    kinds::melody_vocals::{Label, MelodyToVocalsRequest},
    options::Backing,
};
use media::{Bounds, MediaError, Mix};
use music::{
    Melody, breath, correct,
    harmony::{self, Accompaniment, Style},
    rhythm,
};
use providers::{AccompanimentPlayer, AudioInput, Capabilities, MelodyExtractor, ProgressSink, Provided, blocking};

use crate::{LOUDNESS, Song, engine_options};

/// Refuses words that must not be sung.
///
/// # Errors
/// As [`providers::ContentGate::admit`].
pub async fn admit(
    capabilities: &Capabilities,
    remaining: Duration,
    request: &MelodyToVocalsRequest,
) -> Result<(), Failure> {
    capabilities.content.admit(&request.texts(), remaining).await
}

/// Measures a recording and judges it; gives the verdict of one that is accepted. `file_name` is only used to report an
/// ending that lies.
///
/// # Errors
/// `InvalidAudio` with every reason why it is refused; `Transient` where the file is not to blame.
pub async fn validate(audio: &AudioInput, file_name: Option<&str>, limits: &AudioLimits) -> Result<Verdict, Failure> {
    let (file, file_name, limits) = (audio.reopen()?, file_name.map(str::to_owned), limits.clone());
    let judge = move || {
        let bounds = Bounds::for_duration(limits.max_duration_seconds);
        media::judge_file(file, file_name.as_deref(), &limits, &bounds)
    };
    let verdict = blocking(judge).await?.map_err(|error: MediaError| {
        Failure::new(
            FailureClass::Transient,
            FailureCode::AudioProcessing,
            format!("the recording cannot be read: {error}"),
        )
    })?;
    if verdict.accepted() {
        return Ok(verdict);
    }
    let reasons: Vec<&str> = verdict.errors().map(|finding| finding.message.as_str()).collect();
    Err(Failure::new(FailureClass::Caller, FailureCode::InvalidAudio, reasons.join(" ")))
}

/// Follows the melody and corrects it as the request asks; what was sung stays beside the corrected notes.
///
/// # Errors
/// What the chain answers.
pub async fn extract_melody(
    capabilities: &Capabilities,
    remaining: Duration,
    audio: &AudioInput,
    request: &MelodyToVocalsRequest,
    progress: &ProgressSink,
) -> Result<Provided<Melody>, Failure> {
    let extract = |extractor: Arc<dyn MelodyExtractor>| {
        let progress = progress.clone();
        async move { extractor.extract(audio, progress).await }
    };
    let Provided { value: melody, provider, took } = capabilities.melody.call(remaining, extract).await?;
    Ok(Provided { value: corrected(melody, request)?, provider, took })
}

/// The melody at the tempo that was told, with breaths in notes that nobody holds so long, and with the corrections that
/// were asked for.
///
/// # Errors
/// `Caller` for corrections that cannot be made of this melody.
pub fn corrected(melody: Melody, request: &MelodyToVocalsRequest) -> Result<Melody, Failure> {
    let melody = match request.options.tempo_bpm {
        Some(tempo) => rhythm::at_tempo(melody, tempo.bpm()),
        None => melody,
    };
    let melody = breath::with_breaths(melody);
    let corrections = engine_options::corrections(request);
    if corrections.is_empty() {
        return Ok(melody);
    }
    correct::apply(&melody, &corrections)
        .map_err(|error| Failure::new(FailureClass::Caller, FailureCode::Internal, error.to_string()))
}

/// The parts that play under the voice, when they were asked for.
pub fn accompaniment(melody: &Melody, request: &MelodyToVocalsRequest) -> Option<Accompaniment> {
    match request.options.backing {
        Backing::None => None,
        Backing::Chords => {
            let genre = request.genre.as_ref().map(Label::as_str);
            harmony::accompany(melody, Style::for_genre(genre, melody.rhythm.meter), request.seed)
        }
    }
}

/// The voice over its accompaniment, where it has one. Blocking.
///
/// # Errors
/// As [`AccompanimentPlayer::play_under`].
pub fn mix(song: &Song<'_>, player: &AccompanimentPlayer) -> Result<Option<Mix>, Failure> {
    let Song { heard, accompaniment, .. } = song;
    accompaniment.map(|parts| player.play_under(heard.samples, heard.sample_rate_hz, parts, LOUDNESS)).transpose()
}
