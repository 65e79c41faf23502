//! The steps around the takes: what comes before the lyrics, and what is laid under the voice.

use std::{fs::File, ops::ControlFlow, time::Duration};

use domain::{
    Failure, FailureClass, FailureCode,
    audio::{AudioLimits, Verdict},
    kinds::melody_vocals::{Label, MelodyToVocalsRequest},
    options,
};
use media::{Bounds, Encoding, MediaError, Mix, Tags};
use music::{
    Melody, breath, correct,
    harmony::{self, Style},
    rhythm,
};
use providers::{
    AccompanimentPlayer, AudioInput, CallScope, Capabilities, Need, ProgressSink, Provided, Stop, blocking,
};

use crate::{
    Backing, LOUDNESS, Song,
    band::{self, BandPlaying, BandSound},
    engine_options, played,
};

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
    scope: CallScope<'_>,
    audio: &AudioInput,
    request: &MelodyToVocalsRequest,
    progress: &ProgressSink,
) -> Result<Provided<Melody>, Stop> {
    let extracted = capabilities
        .melody
        .call(scope, &Need::default(), |extractor, call| async move {
            extractor.extract(audio, progress.clone(), &call).await
        })
        .await?;
    let melody = corrected(extracted.value.clone(), request)?;
    Ok(extracted.with(|_| melody))
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

/// What plays under a melody as it was heard, where that was asked for. A band brings the melody that is to be sung with it.
///
/// # Errors
/// As [`band::arrange`].
pub fn backing(melody: &Melody, request: &MelodyToVocalsRequest) -> Result<Option<Backing>, Failure> {
    match request.options.backing {
        options::Backing::None => Ok(None),
        options::Backing::Chords => {
            let genre = request.genre.as_ref().map(Label::as_str);
            let style = Style::for_genre(genre, melody.rhythm.meter);
            Ok(harmony::accompany(melody, style, request.seed).map(Backing::Chords))
        }
        options::Backing::Band => Ok(band::arrange(melody, request)?.map(|arranged| Backing::Band(Box::new(arranged)))),
    }
}

/// The voice over its backing.
pub enum Mixed {
    Chords(Mix),
    /// With its stems.
    Band(Box<BandSound>),
}

impl Mixed {
    /// Writes it into a file, from its start.
    ///
    /// # Errors
    /// When it cannot be encoded or written.
    pub fn encode_to(&self, file: File, encoding: Encoding, tags: &Tags) -> Result<(), MediaError> {
        match self {
            Self::Chords(mix) => mix.encode_to(file, encoding, tags),
            Self::Band(sound) => sound.master.encode_to(file, encoding, tags),
        }
    }
}

/// The voice over its backing, where it has one. Blocking; `progress` hears the share that is done, 0–1, and may stop the
/// work.
///
/// # Errors
/// As [`AccompanimentPlayer::play_under`] and [`band::play`]; `Config` when music that came as sound no longer decodes.
pub fn mix(
    song: &Song<'_>,
    player: &AccompanimentPlayer,
    threads: usize,
    progress: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<Option<Mixed>, Failure> {
    let Song { heard, backing, request, .. } = song;
    match backing {
        None => Ok(None),
        Some(Backing::Chords(parts)) => {
            player.play_under(heard.samples, heard.sample_rate_hz, parts, LOUDNESS).map(|mix| Some(Mixed::Chords(mix)))
        }
        Some(Backing::Band(arranged)) => {
            let playing = BandPlaying { player, keep_stems: request.options.stems, threads, progress };
            band::play(arranged, heard.samples, playing).map(|sound| Some(Mixed::Band(Box::new(sound))))
        }
        Some(Backing::Sound(backing)) => {
            let mixed = played::mix(backing, heard.samples, request.options.stems);
            mixed.map(|sound| Some(Mixed::Band(Box::new(sound))))
        }
    }
}
