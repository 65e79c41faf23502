//! Keys of the trade: what a recording must be, how much a user may make, how long it is kept, how good it must be.

use super::{Key, Section};

const BYTES: &str = "a whole number of bytes from 1 to 1073741824";
const SECONDS: &str = "a number of seconds from 0 to 3600";
const FORMATS: &str = "a list with at least one of mp3, wav, m4a, aac, ogg, flac, webm, aiff and caf";
const HZ: &str = "a whole number of hertz from 1 to 192000";
const BPS: &str = "a whole number of bits per second from 0 to 10000000";
const DBFS: &str = "a number from -150 to 20 (dBFS)";
const SHARE: &str = "a number from 0 to 1";
const BOOL: &str = "true or false";
const TIER: &str = "As in [audio], for users of this tier. Not set: as there.";

pub const AUDIO: Section = Section {
    name: "audio",
    about: "What a recording must be to become a job.",
    keys: &[
        Key::new(
            "audio.max_size_bytes",
            "52428800",
            BYTES,
            "104857600",
            "Larger files are refused; the upload is cut there.",
        ),
        Key::new("audio.max_duration_seconds", "300", SECONDS, "600", "Longer recordings are refused."),
        Key::new("audio.min_duration_seconds", "1", SECONDS, "5", "Shorter recordings are refused."),
        Key::new(
            "audio.allowed_formats",
            "[\"mp3\", \"wav\", \"m4a\", \"aac\", \"ogg\", \"flac\", \"webm\", \"aiff\", \"caf\"]",
            FORMATS,
            "[\"wav\", \"flac\"]",
            "Formats by content, whatever the file is called.",
        ),
        Key::new("audio.require_stereo", "false", BOOL, "true", "Whether mono recordings are refused."),
        Key::new(
            "audio.recommend_stereo",
            "false",
            BOOL,
            "true",
            "Whether mono recordings draw a warning. One microphone makes one channel, and a melody needs no second.",
        ),
        Key::new("audio.min_sample_rate_hz", "16000", HZ, "44100", "Lower sample rates are refused."),
        Key::new("audio.recommended_sample_rate_hz", "44100", HZ, "48000", "Lower sample rates draw a warning."),
        Key::new("audio.recommended_bitrate_bps", "64000", BPS, "128000", "Lower bitrates draw a warning."),
        Key::new(
            "audio.silence_dbfs",
            "-60",
            DBFS,
            "-50",
            "Recordings whose mean volume is lower count as silent and are refused.",
        ),
        Key::new("audio.clipping_dbfs", "-0.1", DBFS, "-0.5", "A higher peak draws a warning."),
        Key::new(
            "audio.severe_clipping_share",
            "0.05",
            SHARE,
            "0.1",
            "A recording with a larger share of clipped samples is refused.",
        ),
    ],
};

pub const AUDIO_TIERS: Section = Section {
    name: "audio.tiers.{tier}",
    about: "Other limits for one tier (free, premium or enterprise); what is not set is as in [audio].",
    keys: &[
        Key::unset("audio.tiers.{tier}.max_size_bytes", BYTES, "104857600", TIER),
        Key::unset("audio.tiers.{tier}.max_duration_seconds", SECONDS, "600", TIER),
        Key::unset("audio.tiers.{tier}.min_duration_seconds", SECONDS, "5", TIER),
        Key::unset("audio.tiers.{tier}.allowed_formats", FORMATS, "[\"wav\", \"flac\"]", TIER),
        Key::unset("audio.tiers.{tier}.require_stereo", BOOL, "true", TIER),
        Key::unset("audio.tiers.{tier}.recommend_stereo", BOOL, "true", TIER),
        Key::unset("audio.tiers.{tier}.min_sample_rate_hz", HZ, "44100", TIER),
        Key::unset("audio.tiers.{tier}.recommended_sample_rate_hz", HZ, "48000", TIER),
        Key::unset("audio.tiers.{tier}.recommended_bitrate_bps", BPS, "128000", TIER),
        Key::unset("audio.tiers.{tier}.silence_dbfs", DBFS, "-50", TIER),
        Key::unset("audio.tiers.{tier}.clipping_dbfs", DBFS, "-0.5", TIER),
        Key::unset("audio.tiers.{tier}.severe_clipping_share", SHARE, "0.1", TIER),
    ],
};

const QUOTA: &str = "a whole number, at least 0, or unlimited";

/// The two limits of one tier.
macro_rules! quota {
    ($constant:ident, $tier:literal, $daily:literal, $monthly:literal) => {
        pub const $constant: Section = Section {
            name: concat!("quota.", $tier),
            about: concat!("Jobs per user of the tier ", $tier, ". Jobs that end without a result do not count."),
            keys: &[
                Key::new(concat!("quota.", $tier, ".daily"), $daily, QUOTA, "20", "Jobs in a UTC day."),
                Key::new(concat!("quota.", $tier, ".monthly"), $monthly, QUOTA, "200", "Jobs in a UTC month."),
            ],
        };
    };
}

quota!(QUOTA_FREE, "free", "10", "100");
quota!(QUOTA_PREMIUM, "premium", "100", "1000");
quota!(QUOTA_ENTERPRISE, "enterprise", "\"unlimited\"", "\"unlimited\"");

pub const BLEND: Section = Section {
    name: "blend",
    about: "Blends of songs, beside the quota that holds for all kinds of job.",
    keys: &[
        Key::new(
            "blend.starts",
            "10",
            "a whole number from 1 to 10000, or unlimited",
            "30",
            "How many blends a user may start in a stretch of time.",
        ),
        Key::new(
            "blend.starts_seconds",
            "900",
            "a whole number of seconds from 1 to 86400",
            "3600",
            "How long that stretch of time is.",
        ),
    ],
};

const UPLOAD: &str = "a whole number of bytes from 1048576 to 4294967296";

pub const TRAINING: Section = Section {
    name: "training",
    about: "Recordings that models are trained on, which are larger than those of [audio].",
    keys: &[
        Key::new(
            "training.max_file_bytes",
            "1073741824",
            UPLOAD,
            "536870912",
            "Larger files, archives included, are refused; the upload is cut there.",
        ),
        Key::new(
            "training.max_upload_bytes",
            "2147483648",
            UPLOAD,
            "1073741824",
            "Most that all files of one request have together.",
        ),
    ],
};

const TRAINING_TIER: &str = "As in [training], for users of this tier. Not set: as there.";

pub const TRAINING_TIERS: Section = Section {
    name: "training.tiers.{tier}",
    about: "Other limits for one tier (free, premium or enterprise); what is not set is as in [training].",
    keys: &[
        Key::unset("training.tiers.{tier}.max_file_bytes", UPLOAD, "268435456", TRAINING_TIER),
        Key::unset("training.tiers.{tier}.max_upload_bytes", UPLOAD, "268435456", TRAINING_TIER),
    ],
};

const DAYS: &str = "a whole number of days from 1 to 36500";

pub const RETENTION: Section = Section {
    name: "retention",
    about: "How long things are kept.",
    keys: &[
        Key::new("retention.completed_days", "7", DAYS, "30", "Files of completed jobs."),
        Key::new(
            "retention.failed_days",
            "30",
            DAYS,
            "7",
            "What failed and expired jobs were made from and how far they came, so that they can be tried again.",
        ),
        Key::new(
            "retention.orphaned_upload_hours",
            "1",
            "a whole number of hours from 1 to 8760",
            "24",
            "Uploads that never became a job.",
        ),
        Key::new(
            "retention.stage_results_hours",
            "24",
            "a whole number of hours from 0 to 8760; 0 keeps none",
            "0",
            "What finished stages made, kept so that a later job of the same owner with the same inputs need not do it \
             again. A job opts out with `reuse=false`.",
        ),
        Key::new(
            "retention.tombstone_days",
            "62",
            "a whole number of days from 32 to 36500, at least as many as completed_days and failed_days",
            "365",
            "Rows of jobs whose files are gone; longer than a month, because the monthly quota counts them.",
        ),
        Key::new(
            "retention.sweep_seconds",
            "300",
            "a whole number of seconds from 1 to 86400",
            "60",
            "How often to look for what has to go.",
        ),
    ],
};

const LUFS: &str = "a number from -70 to 0 (LUFS)";
const COUNT: &str = "a whole number, at least 0";

pub const QUALITY: Section = Section {
    name: "quality",
    about: "What a result must reach; a job whose result does not, take after take, fails with the figure. A composed song, which has more than its voice, is kept with a warning that tells the figure.",
    keys: &[
        Key::new(
            "quality.takes",
            "3",
            "a whole number from 1 to 10",
            "1",
            "How often lyrics are written and sung, each time with another seed, before the best of them is what there is.",
        ),
        Key::new(
            "quality.min_pitch_within_50_cents",
            "0.85",
            SHARE,
            "0.9",
            "Least share of the sung pitch within 50 cents of the melody.",
        ),
        Key::new(
            "quality.max_vowel_onset_ms",
            "80",
            "a number of milliseconds from 0 to 1000",
            "50",
            "Largest median distance of the sung vowels from the onsets of their notes.",
        ),
        Key::new("quality.min_loudness_lufs", "-20", LUFS, "-18", "Least integrated loudness."),
        Key::new("quality.max_loudness_lufs", "-12", LUFS, "-14", "Most integrated loudness."),
        Key::new("quality.max_true_peak_dbtp", "-0.5", "a number from -20 to 0 (dBTP)", "-1", "Highest true peak."),
        Key::new("quality.max_clipped_share", "0.0001", SHARE, "0", "Largest share of samples at full scale."),
        Key::new(
            "quality.min_lyrics_chars",
            "10",
            COUNT,
            "40",
            "Least length of the lyrics in characters, where the melody has so many notes.",
        ),
        Key::new(
            "quality.min_lyrics_lines",
            "2",
            COUNT,
            "4",
            "Fewest lines of lyrics, where the melody has so many notes.",
        ),
        Key::new("quality.max_lyrics_run", "4", COUNT, "3", "Longest run of one character in the lyrics."),
        Key::new("quality.min_words_known", "0.9", SHARE, "0.95", "Least share of words that the dictionary knows."),
        Key::new(
            "quality.min_syllable_match",
            "0.95",
            SHARE,
            "1",
            "Least share of notes that carry exactly one syllable or hold the last one of a line.",
        ),
        Key::new(
            "quality.min_distinct_words",
            "0.3",
            SHARE,
            "0.5",
            "Least share of different words, function words and returning choruses left out.",
        ),
        Key::new(
            "quality.min_stress_match",
            "0.4",
            SHARE,
            "0.6",
            "Least share of stressed syllables that have a stronger note than their unstressed neighbours; judged from 20 such pairs on.",
        ),
        Key::new(
            "quality.min_rhyme",
            "0.2",
            SHARE,
            "0.5",
            "Least share of lines that rhyme, at least nearly; judged from six lines of four syllables on.",
        ),
        Key::new(
            "quality.min_prompt_words_kept",
            "0.05",
            SHARE,
            "0.5",
            "Least share of the prompt's singable words that are sung; judged from three such words on.",
        ),
    ],
};
