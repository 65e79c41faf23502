//! What becomes of a sung vocal, whoever sang it: mastering, figures, and the files that a listener gets. Shared by the
//! job's stages, the expert service and `descant sing`, so that all three give the same song.

mod asked;
mod documents;
mod report;
mod takes;

use domain::{
    quality::{LyricsFigures, QualityFigures, SoundFigures},
    request::MelodyToVocalsRequest,
};
use engine::{
    lyrics::{Lyrics, LyricsRequest},
    quality::{PitchAgreement, pitch_agreement, vowel_onset_error},
};
use media::Loudness;
use music::{Accompaniment, Melody, Phrase};

use crate::capability::{Performance, Vocal};

pub use asked::{accompaniment, corrected, lyrics_request, voice_options};
pub use documents::{Documents, documents, lyrics_text};
pub use report::{BackingSummary, LyricsSummary, MelodySummary, Report, StepSummary, VoiceSummary};
pub use takes::{Taken, sing, write_lyrics};

/// Loudness of every result (EBU R128 integrated, LUFS): where music services play a voice alone.
pub const TARGET_LUFS: f64 = -16.0;
/// Highest true peak of every result, in dBTP: leaves room for lossy encoders.
pub const MAX_DBTP: f64 = -1.0;

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
    let loudness = media::normalise(&mut vocal.samples, vocal.sample_rate_hz, 1, TARGET_LUFS, MAX_DBTP);
    Mastered { sample_rate_hz: vocal.sample_rate_hz, samples: vocal.samples, performance: vocal.performance, loudness }
}

/// The sound of a result as it will be judged.
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
    pub heard: &'a Heard<'a>,
    /// What plays under the voice.
    pub accompaniment: Option<&'a Accompaniment>,
    /// How often it was sung.
    pub takes: u32,
    pub request: &'a MelodyToVocalsRequest,
}

/// Measures a result with instruments. Blocking: tracks the F0 of the whole sound.
pub fn assess(song: &Song<'_>) -> QualityFigures {
    let Song { melody, lyrics, heard, request, .. } = *song;
    let wanted = &lyrics_request(request);
    QualityFigures {
        sound: sound_figures(melody, lyrics, heard),
        lyrics: lyrics_figures(melody, lyrics, wanted),
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
    let mut notes: Vec<usize> = lyrics.lines.iter().flat_map(|line| &line.syllables).map(|s| s.note).collect();
    notes.dedup();
    notes.into_iter().filter_map(|note| melody.notes.get(note)).map(|note| note.onset_seconds).collect()
}

/// What can be counted in the words.
pub fn lyrics_figures(melody: &Melody, lyrics: &Lyrics, wanted: &LyricsRequest) -> LyricsFigures {
    let words = engine::lyrics_figures(lyrics);
    let fit = engine::lyrics_fit(lyrics, melody, wanted);
    LyricsFigures {
        lyrics_notes: count(melody.phrases.iter().map(Phrase::note_count).sum()),
        lyrics_lines: count(words.lines),
        lyrics_chars: count(words.chars),
        lyrics_words_known: words.words_known,
        lyrics_longest_run: count(words.longest_run),
        lyrics_syllable_match: fit.syllable_match,
        lyrics_stress_match: fit.stress_match,
        lyrics_stress_pairs: count(fit.stress_pairs),
        lyrics_rhyme: fit.near_rhyme_share,
        lyrics_rhyming_lines: count(fit.rhyming_lines),
        lyrics_prompt_words_kept: fit.prompt_words_kept,
        lyrics_prompt_words: count(fit.prompt_words),
        lyrics_distinct_words: fit.distinct_words,
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
