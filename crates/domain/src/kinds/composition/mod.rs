//! A sentence becomes music: composed in a style, played, and sung where that is asked for.

mod object_name;
mod output_format;
mod request;
mod texts;

pub use object_name::object_name;
pub use output_format::OutputFormat;
pub use request::{CompositionOptions, CompositionRequest, MODEL};
pub use texts::{ChordText, MusicPrompt, SongTitle};

use std::time::Duration;

use crate::{
    artifact::{self, ArtifactRole, ArtifactSpec, ContentCheck},
    failure::FailureCode,
    kind::{Announcements, KindLimits, KindName, KindSpec, StageName, StageSpec, UNKNOWN_ERROR},
    progress::ProgressSpan,
};

pub const NAME: KindName = KindName::new("composition");

/// Shortest and longest song, in milliseconds.
pub const LEAST_MS: u32 = 3_000;
pub const MOST_MS: u32 = 600_000;
/// Shortest song that has words: a shorter one ends before a line does.
pub const LEAST_SUNG_MS: u32 = 10_000;
const MOST_SECONDS: u64 = 600;

pub const COMPOSING: StageName = StageName::new("composing");
pub const WORDS: StageName = StageName::new("words");
pub const SINGING: StageName = StageName::new("singing");
pub const RENDERING: StageName = StageName::new("rendering");
pub const FINALIZATION: StageName = StageName::new("finalization");

pub const SONG_MIDI: ArtifactRole = ArtifactRole::new("song_midi");
/// A piano roll with the sections over it.
pub const SONG_SVG: ArtifactRole = ArtifactRole::new("song_svg");
pub const COVER: ArtifactRole = ArtifactRole::new("cover");
/// The words with their times.
pub const LYRICS_LRC: ArtifactRole = ArtifactRole::new("lyrics_lrc");

const MIB: u64 = 1 << 20;
/// Ten minutes of 16-bit stereo at 44.1 kHz are 101 MiB before they are packed.
const MAX_SOUND_BYTES: u64 = 128 * MIB;
const MAX_PICTURE_BYTES: u64 = 16 * MIB;

const FLAC: ContentCheck = ContentCheck::Signature { at: 0, bytes: b"fLaC" };

const fn sound(
    role: &'static str,
    media_type: &'static str,
    extension: &'static str,
    check: ContentCheck,
) -> ArtifactSpec {
    ArtifactSpec { role: ArtifactRole::new(role), media_type, extension, max_bytes: MAX_SOUND_BYTES, check }
}

// What clients are told where a code says no more than that we failed.
const GENERATION_ERROR: &str = "GENERATION_ERROR";
const RENDERING_ERROR: &str = "RENDERING_ERROR";
const STORAGE_ERROR: &str = "STORAGE_ERROR";
const TIMEOUT_ERROR: &str = "TIMEOUT_ERROR";

pub static SPEC: KindSpec = KindSpec {
    name: NAME,
    inputs: &[],
    stages: &[
        StageSpec {
            name: COMPOSING,
            label: "Composing",
            progress: ProgressSpan::new(0, 10),
            error_word: GENERATION_ERROR,
        },
        // Of a song that is sung; another goes past these two.
        StageSpec {
            name: WORDS,
            label: "Writing lyrics",
            progress: ProgressSpan::new(10, 20),
            error_word: GENERATION_ERROR,
        },
        StageSpec {
            name: SINGING,
            label: "Singing",
            progress: ProgressSpan::new(20, 45),
            error_word: GENERATION_ERROR,
        },
        StageSpec {
            name: RENDERING,
            label: "Playing",
            progress: ProgressSpan::new(45, 90),
            error_word: RENDERING_ERROR,
        },
        StageSpec {
            name: FINALIZATION,
            label: "Storing the song",
            progress: ProgressSpan::new(90, 100),
            error_word: STORAGE_ERROR,
        },
    ],
    artifacts: &[
        artifact::AUDIO_MP3,
        artifact::AUDIO_WAV,
        ArtifactSpec {
            role: SONG_MIDI,
            media_type: "audio/midi",
            extension: "mid",
            max_bytes: 8 * MIB,
            check: ContentCheck::Midi,
        },
        ArtifactSpec {
            role: SONG_SVG,
            media_type: "image/svg+xml",
            extension: "svg",
            max_bytes: MAX_PICTURE_BYTES,
            check: ContentCheck::Svg,
        },
        ArtifactSpec {
            role: COVER,
            media_type: "image/png",
            extension: "png",
            max_bytes: MAX_PICTURE_BYTES,
            check: ContentCheck::Signature { at: 0, bytes: b"\x89PNG\r\n\x1a\n" },
        },
        artifact::REPORT,
        artifact::WAVEFORM,
        artifact::LYRICS,
        ArtifactSpec {
            role: LYRICS_LRC,
            media_type: "text/plain; charset=utf-8",
            extension: "lrc",
            max_bytes: MIB,
            check: ContentCheck::Text,
        },
        sound("audio_flac", "audio/flac", "flac", FLAC),
        sound("audio_m4a", "audio/mp4", "m4a", ContentCheck::Signature { at: 4, bytes: b"ftyp" }),
        sound("audio_ogg", "audio/ogg", "ogg", ContentCheck::Signature { at: 0, bytes: b"OggS" }),
        artifact::stem("stem_voice"),
        artifact::stem("stem_melody"),
        artifact::stem("stem_counter_melody"),
        artifact::stem("stem_chords"),
        artifact::stem("stem_bass"),
        artifact::stem("stem_drums"),
        artifact::stem("stem_pad"),
        artifact::stem("stem_effects"),
    ],
    default_role: ArtifactRole::AUDIO_MP3,
    limits: KindLimits {
        deadline: Some(Duration::from_secs(30 * 60)),
        // The rules of the queue that clients of the older API know: tried twice, half a minute apart and doubling; what a
        // failed one left is kept for a day.
        max_attempts: Some(2),
        retry_base: Some(Duration::from_secs(30)),
        failed_kept: Some(Duration::from_secs(24 * 3600)),
        sound: Some(Duration::from_secs(MOST_SECONDS)),
        ..KindLimits::NONE
    },
    announcements: Some(Announcements {
        requested: "music.generation.requested",
        completed: "music.generation.completed",
        failed: "music.generation.failed",
    }),
    overtime_advice: "Try again, or ask for a shorter song.",
    error_words: &[
        (FailureCode::ImpossibleOptions, GENERATION_ERROR),
        (FailureCode::ContentRejected, GENERATION_ERROR),
        (FailureCode::QualityGate, GENERATION_ERROR),
        (FailureCode::ProviderRejected, GENERATION_ERROR),
        (FailureCode::ProviderUnavailable, GENERATION_ERROR),
        (FailureCode::ProviderQuota, GENERATION_ERROR),
        (FailureCode::StageTimeout, TIMEOUT_ERROR),
        (FailureCode::Storage, STORAGE_ERROR),
        (FailureCode::TooManyCrashes, UNKNOWN_ERROR),
        (FailureCode::Internal, UNKNOWN_ERROR),
    ],
};
