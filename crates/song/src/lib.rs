//! Melody to vocals: the steps from a recording and a sentence to a sung song. Each step is a function of its own, for
//! an orchestrator that keeps checkpoints in between; [`Pipeline`] runs them in turn for whoever wants the song at once.
//! A job, the expert service and `descant sing` so make the same song.
//!
//! Nothing here knows of jobs, rows, messages or HTTP.

mod backing;
mod band;
mod documents;
mod engine_options;
mod on_the_beat;
mod pipeline;
mod played;
mod report;
mod steps;
mod takes;
mod together;
mod words_elsewhere;

use domain::{
    kinds::melody_vocals::MelodyToVocalsRequest,
    quality::{QualityFigures, SoundFigures},
};
use lyrics::Lyrics;
use media::Loudness;
use music::Melody;
use pitch::{PitchAgreement, pitch_agreement};
use providers::{LoudnessTarget, Performance, Vocal};
use voice::vowel_onset_error;

pub use backing::Backing;
pub use band::{Arranged, Band, BandPlaying, BandSound, BandSummary, arrange, play};
pub use documents::{Documents, documents, lyrics_text};
pub use engine_options::{lyrics_request, voice_options};
/// What can be counted in the words.
pub use lyrics::lyrics_figures;
pub use pipeline::{FinishedSong, Observer, Pipeline, Recording, StepFailure, StepTimeouts, Unobserved};
pub use played::{Delivered, PlayedBacking, PlayedSummary, accompany};
pub use report::{BackingSummary, LyricsSummary, MelodySummary, Report, StepSummary, VoiceSummary};
pub use steps::{Mixed, admit, backing, corrected, extract_melody, mix, validate};
pub use takes::{BestTake, Sung, lyrics_need, sing, vocals_need, write_lyrics};
pub use together::{Meeting, Together, beats_apart};
pub use words_elsewhere::WordsElsewhere;

/// Loudness of every result: where music services play a voice alone, with room below full scale for lossy encoders.
pub const LOUDNESS: LoudnessTarget = LoudnessTarget { lufs: -16.0, max_dbtp: -1.0 };

/// A vocal at its final loudness.
#[derive(Clone, Debug, PartialEq)]
pub struct Mastered {
    pub sample_rate_hz: u32,
    /// Mono, −1..1.
    pub samples: Vec<f32>,
    pub performance: Performance,
    pub loudness: Loudness,
}

/// Brings a vocal to the loudness of every result. Blocking: some 100 ms per minute of sound.
pub fn master(mut vocal: Vocal) -> Mastered {
    let LoudnessTarget { lufs, max_dbtp } = LOUDNESS;
    let loudness = media::normalise(&mut vocal.samples, vocal.sample_rate_hz, 1, lufs, max_dbtp);
    Mastered { sample_rate_hz: vocal.sample_rate_hz, samples: vocal.samples, performance: vocal.performance, loudness }
}

/// The sound of a result as it will be judged.
#[derive(Clone, Copy)]
pub struct Heard<'a> {
    pub samples: &'a [f32],
    pub sample_rate_hz: u32,
    pub performance: &'a Performance,
}

impl<'a> Heard<'a> {
    pub fn of(mastered: &'a Mastered) -> Self {
        Self { samples: &mastered.samples, sample_rate_hz: mastered.sample_rate_hz, performance: &mastered.performance }
    }
}

/// A sung song with what it was made from.
#[derive(Clone, Copy)]
pub struct Song<'a> {
    pub melody: &'a Melody,
    pub lyrics: &'a Lyrics,
    /// The voice alone.
    pub heard: Heard<'a>,
    /// What plays under the voice.
    pub backing: Option<&'a Backing>,
    /// How often it was sung.
    pub takes: u32,
    pub request: &'a MelodyToVocalsRequest,
}

/// Measures a result with instruments. Blocking: tracks the F0 of the whole sound.
pub fn assess(song: &Song<'_>) -> QualityFigures {
    let Song { melody, lyrics, heard, request, .. } = *song;
    QualityFigures {
        sound: sound_figures(melody, lyrics, &heard),
        lyrics: lyrics_figures(melody, lyrics, &engine_options::lyrics_request(request)),
        notes: count(melody.notes.len()),
        metadata_complete: !lyrics.title.trim().is_empty() && !melody.phrases.is_empty() && melody.tempo_bpm > 0.0,
    }
}

/// What instruments say of the voice alone. Blocking.
pub fn sound_figures(melody: &Melody, lyrics: &Lyrics, heard: &Heard<'_>) -> SoundFigures {
    let loudness = media::measure_loudness(heard.samples, heard.sample_rate_hz, 1);
    let PitchAgreement { within_50, within_25, median_cents, .. } =
        pitch_agreement(heard.samples, heard.sample_rate_hz, &heard.performance.target);
    let onsets = vowel_onset_error(heard.samples, heard.sample_rate_hz, &vowel_onsets(melody, lyrics));
    SoundFigures {
        pitch_within_50_cents: within_50,
        pitch_within_25_cents: within_25,
        pitch_median_cents: median_cents,
        vowel_onset_median_ms: (onsets.expected > 0).then_some(onsets.median_ms),
        loudness_lufs: loudness.integrated_lufs,
        true_peak_dbtp: loudness.true_peak_dbtp,
        clipped_share: loudness.clipped_share,
        duration_seconds: heard.samples.len() as f64 / f64::from(heard.sample_rate_hz),
        syllables_placed: count(heard.performance.syllables_placed),
        syllables: count(lyrics.syllable_count()),
    }
}

/// Where vowels should begin, in seconds: on the onsets of the notes that begin a syllable.
fn vowel_onsets(melody: &Melody, lyrics: &Lyrics) -> Vec<f64> {
    vowel_notes(melody, lyrics).into_iter().map(|note| melody.notes[note].onset_seconds).collect()
}

/// The notes that begin a syllable.
fn vowel_notes(melody: &Melody, lyrics: &Lyrics) -> Vec<usize> {
    let mut notes: Vec<usize> = lyrics.lines.iter().flat_map(|line| &line.syllables).map(|s| s.note).collect();
    notes.dedup();
    notes.retain(|note| *note < melody.notes.len());
    notes
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
