//! What a recording must be, how much a user may make, how long it is kept, how good it must be.

use std::{collections::BTreeSet, time::Duration};

use chrono::TimeDelta;
use domain::{
    Tier,
    audio::{AudioFormat, AudioLimits},
    quality::QualityGate,
    quota::QuotaLimits,
    retention::RetentionPolicy,
};

use crate::{
    reader::Reader,
    sections::{AudioSettings, BlendSettings, QuotaSettings, RetentionSettings, TrainingLimits, TrainingSettings},
};

pub fn audio(reader: &mut Reader) -> AudioSettings {
    let base = audio_limits(reader, "audio", &AudioLimits::default());
    let [free, premium, enterprise] = [Tier::Free, Tier::Premium, Tier::Enterprise]
        .map(|tier| audio_limits(reader, &format!("audio.tiers.{tier}"), &base));
    AudioSettings { free, premium, enterprise }
}

/// The limits of one section over those that stand where it says nothing.
fn audio_limits(reader: &mut Reader, section: &str, base: &AudioLimits) -> AudioLimits {
    let at = |name: &str| format!("{section}.{name}");
    let bytes = 1..=1024 * 1024 * 1024;
    let limits = AudioLimits {
        max_size_bytes: reader.number(&at("max_size_bytes"), bytes).unwrap_or(base.max_size_bytes),
        max_duration_seconds: reader
            .float(&at("max_duration_seconds"), 0.0..=3600.0)
            .unwrap_or(base.max_duration_seconds),
        min_duration_seconds: reader
            .float(&at("min_duration_seconds"), 0.0..=3600.0)
            .unwrap_or(base.min_duration_seconds),
        allowed_formats: formats(reader, &at("allowed_formats")).unwrap_or_else(|| base.allowed_formats.clone()),
        require_stereo: reader.flag(&at("require_stereo")).unwrap_or(base.require_stereo),
        recommend_stereo: reader.flag(&at("recommend_stereo")).unwrap_or(base.recommend_stereo),
        min_sample_rate_hz: reader.number(&at("min_sample_rate_hz"), 1..=192_000).unwrap_or(base.min_sample_rate_hz),
        recommended_sample_rate_hz: reader
            .number(&at("recommended_sample_rate_hz"), 1..=192_000)
            .unwrap_or(base.recommended_sample_rate_hz),
        recommended_bitrate_bps: reader
            .number(&at("recommended_bitrate_bps"), 0..=10_000_000)
            .unwrap_or(base.recommended_bitrate_bps),
        silence_dbfs: reader.float(&at("silence_dbfs"), -150.0..=20.0).unwrap_or(base.silence_dbfs),
        clipping_dbfs: reader.float(&at("clipping_dbfs"), -150.0..=20.0).unwrap_or(base.clipping_dbfs),
        severe_clipping_share: reader
            .float(&at("severe_clipping_share"), 0.0..=1.0)
            .unwrap_or(base.severe_clipping_share),
    };
    ordered(reader, section, &limits);
    limits
}

/// Limits that no recording could meet are a slip. Reported at the key that this section sets.
fn ordered(reader: &mut Reader, section: &str, limits: &AudioLimits) {
    if limits.min_duration_seconds <= limits.max_duration_seconds {
        return;
    }
    let [longest, shortest] = ["max_duration_seconds", "min_duration_seconds"].map(|name| format!("{section}.{name}"));
    if !reader.are_good(&[&longest, &shortest, "audio.max_duration_seconds", "audio.min_duration_seconds"]) {
        return;
    }
    if reader.is_given(&shortest) {
        let expected = format!("at most the longest duration, which is {} s here", limits.max_duration_seconds);
        reader.wrong(&shortest, Some(&expected));
    } else {
        let expected = format!("at least the shortest duration, which is {} s here", limits.min_duration_seconds);
        reader.wrong(&longest, Some(&expected));
    }
}

pub(super) fn formats(reader: &mut Reader, path: &str) -> Option<BTreeSet<AudioFormat>> {
    let formats = reader.list(path, |name| name.to_ascii_lowercase().parse().ok())?;
    if formats.is_empty() {
        reader.wrong(path, None);
    }
    Some(formats.into_iter().collect())
}

pub fn quota(reader: &mut Reader) -> QuotaSettings {
    let [free, premium, enterprise] = [Tier::Free, Tier::Premium, Tier::Enterprise].map(|tier| QuotaLimits {
        daily: quota_limit(reader, &format!("quota.{tier}.daily")),
        monthly: quota_limit(reader, &format!("quota.{tier}.monthly")),
    });
    QuotaSettings { free, premium, enterprise }
}

/// `unlimited` is the absence of a limit; so is -1, as earlier systems wrote it.
fn quota_limit(reader: &mut Reader, path: &str) -> Option<u32> {
    let limit = reader.parsed(path, |text| match text.to_ascii_lowercase().as_str() {
        "unlimited" | "-1" => Some(None),
        number => number.replace('_', "").parse().ok().map(Some),
    });
    limit.flatten()
}

pub fn blend(reader: &mut Reader) -> BlendSettings {
    let seconds: u64 = reader.needed("blend.starts_seconds", 1..=86_400);
    let starts = reader.parsed("blend.starts", |text| match text.to_ascii_lowercase().as_str() {
        "unlimited" => Some(None),
        number => number.parse().ok().filter(|starts| (1..=10_000).contains(starts)).map(Some),
    });
    BlendSettings { starts: starts.flatten(), within: Duration::from_secs(seconds) }
}

pub fn training(reader: &mut Reader) -> TrainingSettings {
    const BYTES: std::ops::RangeInclusive<u64> = 1 << 20..=4 << 30;
    let base = TrainingLimits {
        max_file_bytes: reader.needed("training.max_file_bytes", BYTES),
        max_upload_bytes: reader.needed("training.max_upload_bytes", BYTES),
    };
    let [free, premium, enterprise] = [Tier::Free, Tier::Premium, Tier::Enterprise].map(|tier| {
        let at = |name: &str| format!("training.tiers.{tier}.{name}");
        let file = reader.number(&at("max_file_bytes"), BYTES);
        let upload = reader.number(&at("max_upload_bytes"), BYTES);
        TrainingLimits {
            max_file_bytes: file.unwrap_or(base.max_file_bytes),
            max_upload_bytes: upload.unwrap_or(base.max_upload_bytes),
        }
    });
    TrainingSettings { free, premium, enterprise }
}

pub fn retention(reader: &mut Reader) -> RetentionSettings {
    const DAYS: std::ops::RangeInclusive<i64> = 1..=36_500;
    let completed = reader.needed("retention.completed_days", DAYS);
    let failed = reader.needed("retention.failed_days", DAYS);
    let orphaned_hours = reader.needed("retention.orphaned_upload_hours", 1..=8760);
    let stage_results = reader.needed("retention.stage_results_hours", 0..=8760);
    // Longer than the longest month, or a job of the first would be gone while the month still counts it.
    let tombstone = reader.needed("retention.tombstone_days", 32..=36_500);
    let read = ["retention.completed_days", "retention.failed_days", "retention.tombstone_days"];
    if reader.are_good(&read) && tombstone < completed.max(failed) {
        reader.wrong("retention.tombstone_days", None);
    }
    RetentionSettings {
        policy: RetentionPolicy {
            completed: TimeDelta::days(completed),
            failed: TimeDelta::days(failed),
            orphaned_upload: TimeDelta::hours(orphaned_hours),
            tombstone: TimeDelta::days(tombstone),
        },
        stage_results: Some(stage_results).filter(|hours| *hours > 0).map(TimeDelta::hours),
        sweep: Duration::from_secs(reader.needed("retention.sweep_seconds", 1..=86_400)),
    }
}

pub fn quality(reader: &mut Reader) -> QualityGate {
    let gate = QualityGate {
        takes: reader.needed("quality.takes", 1..=10),
        min_pitch_within_50_cents: reader.needed("quality.min_pitch_within_50_cents", 0.0..=1.0),
        max_vowel_onset_ms: reader.needed("quality.max_vowel_onset_ms", 0.0..=1000.0),
        min_loudness_lufs: reader.needed("quality.min_loudness_lufs", -70.0..=0.0),
        max_loudness_lufs: reader.needed("quality.max_loudness_lufs", -70.0..=0.0),
        max_true_peak_dbtp: reader.needed("quality.max_true_peak_dbtp", -20.0..=0.0),
        max_clipped_share: reader.needed("quality.max_clipped_share", 0.0..=1.0),
        min_lyrics_chars: reader.needed("quality.min_lyrics_chars", 0..=u32::MAX),
        min_lyrics_lines: reader.needed("quality.min_lyrics_lines", 0..=u32::MAX),
        max_lyrics_run: reader.needed("quality.max_lyrics_run", 0..=u32::MAX),
        min_words_known: reader.needed("quality.min_words_known", 0.0..=1.0),
        min_syllable_match: reader.needed("quality.min_syllable_match", 0.0..=1.0),
        min_distinct_words: reader.needed("quality.min_distinct_words", 0.0..=1.0),
        min_stress_match: reader.needed("quality.min_stress_match", 0.0..=1.0),
        min_rhyme: reader.needed("quality.min_rhyme", 0.0..=1.0),
        min_prompt_words_kept: reader.needed("quality.min_prompt_words_kept", 0.0..=1.0),
    };
    let range = ["quality.min_loudness_lufs", "quality.max_loudness_lufs"];
    if reader.are_good(&range) && gate.min_loudness_lufs > gate.max_loudness_lufs {
        reader.wrong("quality.min_loudness_lufs", Some("at most quality.max_loudness_lufs"));
    }
    gate
}
