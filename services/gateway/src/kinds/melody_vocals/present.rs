//! From rows to the JSON of the melody-to-vocals API.

use chrono::{DateTime, Utc};
use domain::{
    SongOptions,
    kinds::melody_vocals::MelodyToVocalsRequest,
    kinds::melody_vocals::SPEC,
    options::Corrections,
    quota::{self, QuotaLimits, QuotaUsage, Window},
};
use persistence::Job;
use serde_json::Value;

use super::wire::{Conversion, Converted, Parameters, QualityBody, QuotaDetail, ResultBody, SongBody, StatusBody};
use crate::{
    jobs::{
        present::failure,
        wire::{ArtifactBody, Standing},
    },
    links::{LinkMaker, Links},
    submit_kind::Accepted,
    wire::FindingBody,
};

/// The common part of this API's routes.
const FAMILY: &str = "melody-vocals";

pub fn links(links: &LinkMaker, id: domain::JobId) -> Links {
    links.of_family(FAMILY, id)
}

pub fn parameters(params: &Value) -> Option<Parameters> {
    serde_json::from_value::<MelodyToVocalsRequest>(params.clone()).ok().map(|request| requested(&request))
}

fn requested(request: &MelodyToVocalsRequest) -> Parameters {
    let MelodyToVocalsRequest { prompt, genre, mood, seed, options } = request;
    let SongOptions { language, voice, register, expression, backing, beat, stems, tempo_bpm, corrections } = options;
    let Corrections { snap_to_key, quantise, transpose_semitones, octaves } = corrections;
    Parameters {
        prompt: prompt.as_str().to_owned(),
        genre: genre.as_ref().map(ToString::to_string),
        mood: mood.as_ref().map(ToString::to_string),
        seed: *seed,
        language: language.as_str(),
        voice: voice.as_str(),
        register: register.as_str(),
        expression: expression.as_str(),
        backing: backing.as_str(),
        beat: beat.as_str(),
        stems: *stems,
        tempo: tempo_bpm.map(domain::options::Tempo::bpm),
        snap_to_key: *snap_to_key,
        quantise: quantise.as_str(),
        transpose: *transpose_semitones,
        octave: *octaves,
    }
}

/// What a submission answers.
pub fn converted(accepted: &Accepted<'_>) -> Converted {
    let Accepted { job, quota, queue_position, links, .. } = accepted;
    let verdict = super::recording(accepted);
    let warnings = verdict.iter().flat_map(|verdict| verdict.warnings());
    let findings = verdict.iter().flat_map(|verdict| &verdict.findings);
    Converted {
        success: true,
        job_id: job.id.to_string(),
        message: "Conversion job submitted successfully",
        estimated_time: super::estimated_time(accepted),
        quota: quota.clone(),
        warnings: warnings.map(|finding| finding.message.clone()).collect(),
        findings: findings.map(FindingBody::of).collect(),
        status: job.state.seed_status(),
        queue_position: *queue_position,
        parameters: parameters(&job.params),
        links: links.clone(),
    }
}

/// `artifacts` are those that are still there.
pub fn status(job: &Job, standing: Standing, artifacts: Vec<ArtifactBody>, maker: &LinkMaker) -> StatusBody {
    StatusBody {
        success: true,
        standing,
        retry_count: job.attempt.saturating_sub(1),
        parameters: parameters(&job.params),
        result: result(job, artifacts),
        links: links(maker, job.id),
    }
}

fn result(job: &Job, artifacts: Vec<ArtifactBody>) -> Option<ResultBody> {
    let made = job.result.as_ref().filter(|_| job.state == domain::JobState::Completed)?;
    let mp3 = artifacts.iter().find(|file| file.role == domain::ArtifactRole::AUDIO_MP3.as_str());
    Some(ResultBody {
        audio_url: mp3.map(|file| file.url.clone()),
        song: song(job, made),
        artifacts,
        expires_at: job.files_expire_at,
    })
}

/// What a song tells of itself beside its files.
pub fn song(job: &Job, made: &Value) -> SongBody {
    let lines = made["lyrics"].as_array().map(|lines| lines.iter().filter_map(Value::as_str).collect::<Vec<_>>());
    let quality = made["quality"].clone();
    SongBody {
        title: made["title"].as_str().unwrap_or_default().to_owned(),
        lyrics: lines.unwrap_or_default().join("\n"),
        melody_info: made["melody"].clone(),
        lyrics_info: made["lyricsInfo"].clone(),
        voice_info: made["voiceInfo"].clone(),
        backing_info: made["backing"].clone(),
        processing_steps: made["steps"].clone(),
        processing_time_ms: Option::zip(job.started_at, job.finished_at)
            .map(|(started, finished)| (finished - started).num_milliseconds()),
        quality: QualityBody {
            pitch_accuracy: quality["pitch_within_50_cents"].as_f64(),
            lyrics_quality: quality["lyrics_words_known"].as_f64(),
            loudness_lufs: made["loudnessLufs"].as_f64(),
            figures: quality,
        },
        duration_seconds: made["durationSeconds"].as_f64(),
    }
}

pub fn conversion(maker: &LinkMaker, job: &Job) -> Conversion {
    let parameters = parameters(&job.params);
    Conversion {
        job_id: job.id.to_string(),
        status: job.state.seed_status(),
        state: job.state.as_str(),
        progress: job.progress.percent(),
        title: job.result.as_ref().and_then(|result| result["title"].as_str()).map(str::to_owned),
        prompt: parameters.as_ref().map(|parameters| parameters.prompt.clone()),
        genre: parameters.as_ref().and_then(|parameters| parameters.genre.clone()),
        mood: parameters.and_then(|parameters| parameters.mood),
        error: failure(Some(&SPEC), job).map(|failure| failure.message),
        created_at: job.created_at,
        completed_at: job.finished_at,
        links: links(maker, job.id),
    }
}

pub fn quota_detail(tier: domain::Tier, limits: QuotaLimits, usage: QuotaUsage, now: DateTime<Utc>) -> QuotaDetail {
    let window = Window::at(now);
    QuotaDetail {
        allowed: quota::check(limits, usage, now).is_ok(),
        tier: tier.as_str(),
        daily_used: usage.daily,
        daily_limit: limits.daily,
        daily_remaining: limits.daily.map(|limit| limit.saturating_sub(usage.daily)),
        monthly_used: usage.monthly,
        monthly_limit: limits.monthly,
        monthly_remaining: limits.monthly.map(|limit| limit.saturating_sub(usage.monthly)),
        total_used: usage.total,
        daily_resets_at: window.day_end,
        monthly_resets_at: window.month_end,
    }
}
