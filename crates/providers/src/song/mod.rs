//! What becomes of a sung vocal, whoever sang it: mastering, figures, and the files that a listener gets. Shared by the
//! job's stages, the expert service and `descant sing`, so that all three give the same song.

mod asked;
mod takes;

use domain::{
    SongOptions,
    quality::{LyricsFigures, QualityFigures, QualityGate, QualityShortfall, SoundFigures},
};
use engine::{
    lyrics::Lyrics,
    quality::{PitchAgreement, pitch_agreement},
};
use media::Loudness;
use music::{Melody, MidiPitch, Range};
use serde::{Deserialize, Serialize};

use crate::capability::{Performance, Vocal};

pub use asked::{corrected, lyrics_request, voice_options};
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

/// Measures a result with instruments. Blocking: tracks the F0 of the whole sound.
pub fn assess(melody: &Melody, lyrics: &Lyrics, heard: &Heard<'_>) -> QualityFigures {
    QualityFigures {
        sound: sound_figures(lyrics, heard),
        lyrics: lyrics_figures(lyrics),
        notes: count(melody.notes.len()),
        metadata_complete: !lyrics.title.trim().is_empty() && !melody.phrases.is_empty() && melody.tempo_bpm > 0.0,
    }
}

/// What instruments say of the voice alone. Blocking.
pub fn sound_figures(lyrics: &Lyrics, heard: &Heard<'_>) -> SoundFigures {
    let loudness = media::measure_loudness(heard.samples, heard.sample_rate_hz, 1);
    let PitchAgreement { within_50, within_25, median_cents, .. } =
        pitch_agreement(heard.samples, heard.sample_rate_hz, &heard.performance.target);
    SoundFigures {
        pitch_within_50_cents: within_50,
        pitch_within_25_cents: within_25,
        pitch_median_cents: median_cents,
        vowel_onset_median_ms: None,
        loudness_lufs: loudness.integrated_lufs,
        true_peak_dbtp: loudness.true_peak_dbtp,
        clipped_share: loudness.clipped_share,
        duration_seconds: heard.samples.len() as f64 / f64::from(heard.sample_rate_hz),
        syllables_placed: count(heard.performance.syllables_placed),
        syllables: count(lyrics.syllable_count()),
    }
}

/// What can be counted in the words.
pub fn lyrics_figures(lyrics: &Lyrics) -> LyricsFigures {
    let words = engine::lyrics_figures(lyrics);
    LyricsFigures {
        lyrics_lines: count(words.lines),
        lyrics_chars: count(words.chars),
        lyrics_words_known: words.words_known,
        lyrics_longest_run: count(words.longest_run),
        lyrics_syllable_match: 0.0,
        lyrics_stress_match: 0.0,
        lyrics_rhyme: 0.0,
        lyrics_prompt_words_kept: 0.0,
        lyrics_distinct_words: 0.0,
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The lyrics as people read them: title, a blank line, one line per phrase.
pub fn lyrics_text(lyrics: &Lyrics) -> String {
    let mut text = format!("{}\n\n", lyrics.title);
    for line in &lyrics.lines {
        text.push_str(&line.text);
        text.push('\n');
    }
    text
}

/// The melody as a standard MIDI file, with the syllables as lyric events.
pub fn melody_midi(melody: &Melody, lyrics: &Lyrics) -> Vec<u8> {
    let syllables: Vec<(usize, &str)> =
        lyrics.lines.iter().flat_map(|line| &line.syllables).map(|s| (s.note, s.text.as_str())).collect();
    music::midi::write(melody, Some(&syllables))
}

/// F0, notes and syllables in one picture, with the F0 that was really sung over the one that was hummed. Blocking.
pub fn melody_picture(melody: &Melody, lyrics: &Lyrics, heard: &Heard<'_>) -> String {
    const ENVELOPE_BUCKETS: usize = 1200;
    let sung = engine::f0::track(heard.samples, heard.sample_rate_hz);
    let envelope = media::waveform_peaks(heard.samples, ENVELOPE_BUCKETS);
    engine::draw_melody_svg(melody, Some(lyrics), Some(&sung), &envelope)
}

/// What was understood about the melody, for people and programs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MelodySummary {
    pub notes: usize,
    pub phrases: usize,
    /// Such as `D minor`.
    pub key: String,
    pub key_confidence: f64,
    pub tempo_bpm: f64,
    /// How steady the beat is, 0–1.
    #[serde(default)]
    pub tempo_confidence: f64,
    /// Such as `3/4`.
    #[serde(default)]
    pub meter: String,
    #[serde(default)]
    pub meter_confidence: f64,
    pub duration_seconds: f64,
    /// In scientific pitch notation; absent without notes.
    pub lowest_note: Option<String>,
    pub highest_note: Option<String>,
    /// The notes between which most of the melody lies.
    #[serde(default)]
    pub tessitura: Option<(String, String)>,
    /// Whether the notes were changed as the request asked.
    #[serde(default)]
    pub corrected: bool,
}

impl MelodySummary {
    pub fn of(melody: &Melody) -> Self {
        let name = |pitch: MidiPitch| pitch.to_string();
        let range = melody.range();
        let (beats, unit) = melody.rhythm.meter.signature();
        Self {
            notes: melody.notes.len(),
            phrases: melody.phrases.len(),
            key: melody.key.to_string(),
            key_confidence: melody.key.confidence,
            tempo_bpm: melody.tempo_bpm,
            tempo_confidence: melody.rhythm.tempo_confidence,
            meter: format!("{beats}/{unit}"),
            meter_confidence: melody.rhythm.meter_confidence,
            duration_seconds: melody.duration_seconds,
            lowest_note: range.map(|range| name(range.lowest)),
            highest_note: range.map(|range| name(range.highest)),
            tessitura: range.map(|Range { tessitura: (low, high), .. }| (name(low), name(high))),
            corrected: melody.uncorrected.is_some(),
        }
    }
}

/// What was written, for people and programs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LyricsSummary {
    pub title: String,
    pub lines: usize,
    pub syllables: usize,
    pub language: String,
    pub genre: Option<String>,
    pub mood: Option<String>,
}

impl LyricsSummary {
    pub fn of(lyrics: &Lyrics, genre: Option<&str>, mood: Option<&str>) -> Self {
        Self {
            title: lyrics.title.clone(),
            lines: lyrics.lines.len(),
            syllables: lyrics.lines.iter().map(|line| line.syllables.len()).sum(),
            language: lyrics.language.to_string(),
            genre: genre.map(str::to_owned),
            mood: mood.map(str::to_owned),
        }
    }
}

/// Who sang, for people and programs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VoiceSummary {
    /// As the request would name it.
    pub name: String,
    /// How far the melody was moved to lie in the voice.
    pub octave_shift: i32,
    /// How often it was sung before the gate had nothing against it, or gave up.
    pub takes: u32,
}

impl VoiceSummary {
    pub fn of(performance: &Performance, takes: u32) -> Self {
        Self { name: performance.voice.clone(), octave_shift: performance.octave_shift, takes }
    }
}

/// One stage as the report tells it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepSummary {
    pub stage: String,
    pub provider: Option<String>,
    pub seconds: f64,
}

/// `report.json`: how good the result is, in numbers, and who made what.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Version of this document's shape.
    pub version: u32,
    pub melody: MelodySummary,
    pub lyrics: LyricsSummary,
    pub voice: VoiceSummary,
    /// What was asked for beside the words.
    pub options: SongOptions,
    pub quality: QualityFigures,
    pub passed: bool,
    pub shortfalls: Vec<QualityShortfall>,
    pub steps: Vec<StepSummary>,
}

impl Report {
    pub const VERSION: u32 = 2;

    pub fn new(
        melody: MelodySummary,
        lyrics: LyricsSummary,
        voice: VoiceSummary,
        options: SongOptions,
        quality: QualityFigures,
        gate: &QualityGate,
        steps: Vec<StepSummary>,
    ) -> Self {
        let shortfalls = gate.judge(&quality);
        Self {
            version: Self::VERSION,
            melody,
            lyrics,
            voice,
            options,
            quality,
            passed: shortfalls.is_empty(),
            shortfalls,
            steps,
        }
    }
}
