//! From rows to the JSON of the melody-to-vocals API.

use chrono::{DateTime, Utc};
use domain::{
    SongOptions,
    audio::Verdict,
    options::Corrections,
    quota::{self, QuotaLimits, QuotaUsage, Window},
    request::MelodyToVocalsRequest,
};
use persistence::{Artifact, Job};
use serde_json::Value;

use super::wire::{ArtifactBody, Conversion, Parameters, QualityBody, QuotaBody, QuotaDetail, ResultBody, StatusBody};
use crate::{links::LinkMaker, problem::FindingBody};

pub fn parameters(job: &Job) -> Option<Parameters> {
    serde_json::from_value::<MelodyToVocalsRequest>(job.params.clone()).ok().map(|request| requested(&request))
}

pub fn requested(request: &MelodyToVocalsRequest) -> Parameters {
    let MelodyToVocalsRequest { prompt, genre, mood, seed, options } = request;
    let SongOptions { language, voice, register, expression, backing, tempo_bpm, corrections } = options;
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
        tempo: tempo_bpm.map(domain::options::Tempo::bpm),
        snap_to_key: *snap_to_key,
        quantise: quantise.as_str(),
        transpose: *transpose_semitones,
        octave: *octaves,
    }
}

fn verdict(job: &Job) -> Option<Verdict> {
    job.verdict.clone().and_then(|verdict| serde_json::from_value(verdict).ok())
}

pub fn warnings(verdict: &Verdict) -> Vec<String> {
    verdict.warnings().map(|finding| finding.message.clone()).collect()
}

pub fn findings(verdict: &Verdict) -> Vec<FindingBody> {
    verdict.findings.iter().map(FindingBody::of).collect()
}

pub fn status(job: &Job, artifacts: &[Artifact], queue_position: Option<u64>, links: &LinkMaker) -> StatusBody {
    let stage = job.stage.and_then(|name| job.kind.spec().stage(name.as_str())).filter(|_| !job.state.is_final());
    // A failure of an earlier attempt is no error of a job that goes on or has ended well.
    let failure = job.failure.as_ref().filter(|_| job.state.is_final() && job.state.seed_status() == "failed");
    StatusBody {
        success: true,
        job_id: job.id.to_string(),
        status: job.state.seed_status(),
        state: job.state.as_str(),
        progress: job.progress.percent(),
        stage: stage.map(|stage| stage.name.to_string()),
        stage_label: stage.map(|stage| stage.label),
        queue_position,
        retry_count: job.attempt.saturating_sub(1),
        parameters: parameters(job),
        result: result(job, artifacts, links),
        error: failure.map(|failure| failure.message.clone()),
        error_type: failure.map(|failure| failure.code.seed_type().as_str()),
        error_code: failure.map(|failure| failure.code.as_str()),
        warnings: verdict(job).as_ref().map(warnings).unwrap_or_default(),
        created_at: job.created_at,
        started_at: job.started_at,
        completed_at: job.finished_at,
        links: links.job(job.id),
    }
}

fn result(job: &Job, artifacts: &[Artifact], links: &LinkMaker) -> Option<ResultBody> {
    let made = job.result.as_ref().filter(|_| job.state == domain::JobState::Completed)?;
    let lines = made["lyrics"].as_array().map(|lines| lines.iter().filter_map(Value::as_str).collect::<Vec<_>>());
    let quality = made["quality"].clone();
    let files: &[Artifact] = if job.files_deleted_at.is_some() { &[] } else { artifacts };
    Some(ResultBody {
        audio_url: files
            .iter()
            .find(|file| file.role == domain::ArtifactRole::AudioMp3)
            .map(|file| links.artifact(job.id, file.role)),
        title: made["title"].as_str().unwrap_or_default().to_owned(),
        lyrics: lines.unwrap_or_default().join("\n"),
        melody_info: made["melody"].clone(),
        lyrics_info: made["lyricsInfo"].clone(),
        voice_info: made["voiceInfo"].clone(),
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
        artifacts: files.iter().map(|file| artifact(file, links)).collect(),
        expires_at: job.files_expire_at,
    })
}

fn artifact(file: &Artifact, links: &LinkMaker) -> ArtifactBody {
    ArtifactBody {
        role: file.role.as_str(),
        url: links.artifact(file.job_id, file.role),
        signed_url: None,
        media_type: file.media_type.clone(),
        file_name: file.file_name.clone(),
        size_bytes: file.size_bytes,
        sha256: file.sha256.clone(),
    }
}

pub fn conversion(job: &Job, links: &LinkMaker) -> Conversion {
    let parameters = parameters(job);
    let failed = job.state.seed_status() == "failed";
    Conversion {
        job_id: job.id.to_string(),
        status: job.state.seed_status(),
        state: job.state.as_str(),
        progress: job.progress.percent(),
        title: job.result.as_ref().and_then(|result| result["title"].as_str()).map(str::to_owned),
        prompt: parameters.as_ref().map(|parameters| parameters.prompt.clone()),
        genre: parameters.as_ref().and_then(|parameters| parameters.genre.clone()),
        mood: parameters.and_then(|parameters| parameters.mood),
        error: job.failure.as_ref().filter(|_| failed).map(|failure| failure.message.clone()),
        created_at: job.created_at,
        completed_at: job.finished_at,
        links: links.job(job.id),
    }
}

pub fn quota(limits: QuotaLimits, usage: QuotaUsage) -> QuotaBody {
    QuotaBody {
        daily_used: usage.daily,
        daily_limit: limits.daily,
        monthly_used: usage.monthly,
        monthly_limit: limits.monthly,
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
