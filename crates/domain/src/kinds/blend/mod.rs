//! Three songs in MIDI files become one, that shows where every bar is from.

mod length;
mod request;

pub use length::seconds;
pub use request::{BlendLength, BlendOptions, BlendRequest};

use std::time::Duration;

use crate::{
    artifact::{self, ArtifactRole, ArtifactSpec, ContentCheck},
    failure::FailureCode,
    kind::{InputCheck, InputSpec, KindLimits, KindName, KindSpec, StageName, StageSpec, UNKNOWN_ERROR},
    progress::ProgressSpan,
};

pub const NAME: KindName = KindName::new("blend");

/// One of the three songs.
pub const SONG: &str = "song";
pub const SONGS: usize = 3;

/// Longest blend, in seconds: storage holds a whole song in memory.
pub const MOST_SECONDS: f64 = 720.0;

pub const ANALYSIS: StageName = StageName::new("analysis");
pub const BLENDING: StageName = StageName::new("blending");
pub const RENDERING: StageName = StageName::new("rendering");
pub const FINALIZATION: StageName = StageName::new("finalization");

pub const SONG_MIDI: ArtifactRole = ArtifactRole::new("song_midi");
pub const PROVENANCE: ArtifactRole = ArtifactRole::new("provenance");
pub const PROVENANCE_SVG: ArtifactRole = ArtifactRole::new("provenance_svg");
pub const COVER: ArtifactRole = ArtifactRole::new("cover");

const MIB: u64 = 1 << 20;
/// Twelve minutes of 16-bit stereo at 44.1 kHz are 121 MiB before they are packed, and the end sounds on.
const MAX_SOUND_BYTES: u64 = 160 * MIB;
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

const fn stem(role: &'static str) -> ArtifactSpec {
    sound(role, "audio/flac", "flac", FLAC)
}

// What clients are told where a code says no more than that we failed.
const ANALYSIS_ERROR: &str = "ANALYSIS_ERROR";
const GENERATION_ERROR: &str = "GENERATION_ERROR";
const RENDERING_ERROR: &str = "RENDERING_ERROR";
const STORAGE_ERROR: &str = "STORAGE_ERROR";
const TIMEOUT_ERROR: &str = "TIMEOUT_ERROR";

pub static SPEC: KindSpec = KindSpec {
    name: NAME,
    inputs: &[InputSpec {
        role: SONG,
        min: SONGS as u32,
        max: SONGS as u32,
        what: "a song as a MIDI file",
        check: InputCheck::Midi,
    }],
    stages: &[
        StageSpec {
            name: ANALYSIS,
            label: "Reading the songs",
            progress: ProgressSpan::new(0, 15),
            error_word: ANALYSIS_ERROR,
        },
        StageSpec {
            name: BLENDING,
            label: "Blending",
            progress: ProgressSpan::new(15, 40),
            error_word: GENERATION_ERROR,
        },
        StageSpec {
            name: RENDERING,
            label: "Playing",
            progress: ProgressSpan::new(40, 90),
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
            role: PROVENANCE,
            media_type: "application/json",
            extension: "json",
            max_bytes: MAX_PICTURE_BYTES,
            check: ContentCheck::Json,
        },
        ArtifactSpec {
            role: PROVENANCE_SVG,
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
        sound("audio_flac", "audio/flac", "flac", FLAC),
        sound("audio_m4a", "audio/mp4", "m4a", ContentCheck::Signature { at: 4, bytes: b"ftyp" }),
        sound("audio_ogg", "audio/ogg", "ogg", ContentCheck::Signature { at: 0, bytes: b"OggS" }),
        stem("stem_melody"),
        stem("stem_counter_melody"),
        stem("stem_chords"),
        stem("stem_bass"),
        stem("stem_drums"),
        stem("stem_pad"),
        stem("stem_effects"),
    ],
    default_role: ArtifactRole::AUDIO_MP3,
    limits: KindLimits {
        deadline: Some(Duration::from_secs(20 * 60)),
        files_kept: Some(Duration::from_secs(24 * 3600)),
        sound: Some(Duration::from_secs(MOST_SECONDS as u64)),
        ..KindLimits::NONE
    },
    announcements: None,
    overtime_advice: "Try again, or ask for a shorter blend.",
    error_words: &[
        (FailureCode::InvalidSong, ANALYSIS_ERROR),
        (FailureCode::ImpossibleOptions, GENERATION_ERROR),
        (FailureCode::ProviderRejected, GENERATION_ERROR),
        (FailureCode::ProviderUnavailable, GENERATION_ERROR),
        (FailureCode::ProviderQuota, GENERATION_ERROR),
        (FailureCode::StageTimeout, TIMEOUT_ERROR),
        (FailureCode::Storage, STORAGE_ERROR),
        (FailureCode::TooManyCrashes, UNKNOWN_ERROR),
        (FailureCode::Internal, UNKNOWN_ERROR),
    ],
};
