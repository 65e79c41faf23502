//! One recording: judged, decoded, and without its silence.

use std::{
    fs::File,
    io::{Seek, SeekFrom},
    time::Duration,
};

use domain::audio::{AudioFacts, AudioLimits, Finding, FindingCode};
use media::{Bounds, MediaError};

use crate::{
    error::TrainingError,
    levels::FRAMES_PER_SECOND,
    limits::Limits,
    report::{Figures, FileReport},
    sound::Sound,
    trim::Kept,
    uploads::Upload,
    vocabulary,
};

/// Shorter ones say too little of what they are a part of.
pub const SHORTEST_SECONDS: f64 = 10.0;
/// Below this rate a recording lacks what makes a sound clear, in Hz; below the other one, its last octave.
const LOWEST_RATE_HZ: u32 = 16_000;
const WHOLE_RATE_HZ: u32 = crate::SAMPLE_RATE_HZ;
/// Below this bitrate it is heard what a compressed recording has lost.
const LOW_BITRATE_BPS: u64 = 96_000;
/// More of a recording than this clipped, and the model learns to clip.
const MOST_CLIPPED: f64 = 0.02;
/// Nobody waits longer for one file to be read.
const DEADLINE: Duration = Duration::from_secs(120);

/// A recording that can be trained on.
pub struct Recording {
    pub sound: Sound,
    pub kept: Kept,
    pub figures: Figures,
    pub notes: Vec<String>,
    /// What its name and its tags say about how it sounds.
    pub words: Vec<&'static str>,
}

impl Recording {
    /// Judges and decodes a file.
    ///
    /// # Errors
    /// Those for which the file is not to blame.
    pub fn judge(upload: &Upload, limits: &Limits) -> Result<Result<Self, FileReport>, TrainingError> {
        let bounds = Bounds { deadline: DEADLINE, ..Bounds::for_duration(limits.file_seconds) };
        let judged = media::judge_file(reopened(upload)?, Some(&upload.path), &audio_limits(limits), &bounds);
        let verdict = match judged {
            Ok(verdict) => verdict,
            Err(error) => return not_read(upload, error),
        };
        if let Some(first) = verdict.errors().next() {
            let mut refused = FileReport::refused(&*upload.path, first.code.as_str(), sentence(first));
            refused.notes = verdict.errors().skip(1).map(sentence).collect();
            return Ok(Err(refused));
        }
        let notes = verdict.warnings().map(sentence).collect();
        let sound = match Sound::decode(reopened(upload)?, &bounds) {
            Ok(sound) => sound,
            Err(error) => return not_read(upload, error),
        };
        let kept = Kept::find(&sound.levels);
        let Some(figures) = verdict.facts.map(|facts| figures(facts, &sound, &kept)) else {
            return not_read(upload, MediaError::NothingDecoded { errors: 0 });
        };
        if figures.kept_seconds < SHORTEST_SECONDS {
            let why = format!(
                "There are {:.1} s of sound in it, and at least {SHORTEST_SECONDS:.0} s are needed; record a longer take.",
                figures.kept_seconds
            );
            let refused = FileReport::refused(&*upload.path, FindingCode::TooShort.as_str(), why);
            return Ok(Err(FileReport { figures: Some(figures), notes, ..refused }));
        }
        // Tags are nice to have: what could be decoded is not refused for them.
        let tags = media::read_tags(reopened(upload)?, &bounds).unwrap_or_default();
        let name = upload.path.rsplit('/').next().unwrap_or_default();
        let texts = [Some(name), tags.title.as_deref(), tags.genre.as_deref(), tags.comment.as_deref()];
        let words = vocabulary::words(texts.into_iter().flatten());
        Ok(Ok(Self { sound, kept, figures, notes, words }))
    }
}

fn audio_limits(limits: &Limits) -> AudioLimits {
    AudioLimits {
        max_size_bytes: limits.file_bytes,
        max_duration_seconds: limits.file_seconds,
        // Judged by what is left without silence.
        min_duration_seconds: 0.0,
        min_sample_rate_hz: LOWEST_RATE_HZ,
        recommended_sample_rate_hz: WHOLE_RATE_HZ,
        recommended_bitrate_bps: LOW_BITRATE_BPS,
        severe_clipping_share: MOST_CLIPPED,
        ..AudioLimits::default()
    }
}

/// A finding in words for a recording of music: some of the usual ones ask for somebody to hum.
fn sentence(finding: &Finding) -> String {
    match finding.code {
        FindingCode::SilentAudio => {
            "The recording is silent or nearly so; raise its level and export it again.".to_owned()
        }
        FindingCode::SevereClipping => {
            "Much of the recording is clipped, and the model would learn to clip; record it again at a lower level."
                .to_owned()
        }
        FindingCode::SampleRateTooLow => {
            format!("The sample rate is below {LOWEST_RATE_HZ} Hz; record or export it at 44100 Hz.")
        }
        FindingCode::SampleRateBelowRecommended => {
            format!("The sample rate is below {WHOLE_RATE_HZ} Hz: there is nothing above half of it to learn from.")
        }
        FindingCode::LowBitrate => {
            "The recording is compressed so much that it is heard; send the original if there is one.".to_owned()
        }
        _ => finding.message.clone(),
    }
}

fn figures(facts: AudioFacts, sound: &Sound, kept: &Kept) -> Figures {
    let loudness = sound.loudness();
    Figures {
        format: facts.format.to_string(),
        codec: facts.codec,
        seconds: facts.duration_seconds,
        sample_rate_hz: facts.sample_rate_hz,
        channels: facts.channels,
        loudness_lufs: loudness.integrated_lufs,
        true_peak_dbtp: loudness.true_peak_dbtp,
        clipped_share: facts.clipped_share,
        kept_seconds: kept.len() as f64 / FRAMES_PER_SECOND,
        noise_distance_db: f64::from(sound.levels.quantile(0.95) - sound.levels.quantile(0.05)),
    }
}

fn not_read<T>(upload: &Upload, error: MediaError) -> Result<Result<T, FileReport>, TrainingError> {
    match error {
        MediaError::DeadlinePassed { .. } => {
            let why = format!("The file could not be read within {} s; export it again.", DEADLINE.as_secs());
            Ok(Err(FileReport::refused(&*upload.path, error.code(), why)))
        }
        error if error.is_retryable() => Err(TrainingError::Media(error)),
        error => {
            let finding = media::finding(&error);
            Ok(Err(FileReport::refused(&*upload.path, finding.code.as_str(), sentence(&finding))))
        }
    }
}

/// The file from its beginning.
fn reopened(upload: &Upload) -> Result<File, TrainingError> {
    let mut file = upload.file.try_clone().map_err(TrainingError::Spool)?;
    file.seek(SeekFrom::Start(0)).map_err(TrainingError::Spool)?;
    Ok(file)
}
