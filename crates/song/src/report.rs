//! `report.json`: what was understood, who made what, and how good it is, for people and programs.

use arrangement::SoundSummary;
use domain::{
    Failure, FailureClass, FailureCode, SongOptions, Tried,
    kinds::melody_vocals::MelodyToVocalsRequest,
    quality::{QualityFigures, QualityGate, QualityShortfall},
};
use lyrics::Lyrics;
use music::{Melody, MidiPitch, Range, harmony::ChordSpan};
use pitch::TuneAgreement;
use providers::Performance;
use serde::{Deserialize, Serialize};

use crate::{Backing, BandSound, BandSummary, PlayedSummary, Song, assess};

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
    /// Half or twice the tempo where the notes could as well be read so, the likelier first; the option `tempo` decides.
    #[serde(default)]
    pub tempo_alternatives_bpm: Vec<f64>,
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
    /// What whoever recorded it should know, such as that some of it is too high to be followed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
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
            tempo_alternatives_bpm: melody.tempo_alternatives_bpm.clone(),
            tempo_confidence: melody.rhythm.tempo_confidence,
            meter: format!("{beats}/{unit}"),
            meter_confidence: melody.rhythm.meter_confidence,
            duration_seconds: melody.duration_seconds,
            lowest_note: range.map(|range| name(range.lowest)),
            highest_note: range.map(|range| name(range.highest)),
            tessitura: range.map(|Range { tessitura: (low, high), .. }| (name(low), name(high))),
            corrected: melody.uncorrected.is_some(),
            warnings: melody.out_of_range.warnings(),
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
    pub fn of(lyrics: &Lyrics, request: &MelodyToVocalsRequest) -> Self {
        Self {
            title: lyrics.title.clone(),
            lines: lyrics.lines.len(),
            syllables: lyrics.lines.iter().map(|line| line.syllables.len()).sum(),
            language: lyrics.language.to_string(),
            genre: request.genre.as_ref().map(ToString::to_string),
            mood: request.mood.as_ref().map(ToString::to_string),
        }
    }
}

/// Who sang, for people and programs.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
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

/// What plays under the voice, for people and programs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackingSummary {
    pub style: String,
    /// Whether it plays on the singer's beats: chords otherwise change with notes and phrases, and music that came as sound
    /// keeps a beat of its own.
    pub in_time: bool,
    /// None of music that came as sound.
    pub chords: Vec<ChordSummary>,
    /// Share (0–1) of the sung time in which the note belongs to its chord; absent where the chords are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consonance: Option<f64>,
    /// Of a band.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<BandSummary>,
    /// Of music that came as sound, in the place of a band.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub played: Option<PlayedSummary>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChordSummary {
    pub start_seconds: f64,
    /// Such as `Em`.
    pub name: String,
}

impl BackingSummary {
    pub fn of(backing: &Backing, melody: &Melody) -> Self {
        let chord = |span: &ChordSpan| ChordSummary {
            start_seconds: span.start_seconds,
            name: span.chord.name_in(&melody.key),
        };
        let (style, in_time, band, played) = match backing {
            Backing::Chords(chords) => (chords.style.as_str(), chords.in_time, None, None),
            Backing::Band(arranged) => (arranged.band.style.name(), true, Some(arranged.band.summary.clone()), None),
            Backing::Sound(played) => (played.arranged.band.style.name(), false, None, Some(PlayedSummary::of(played))),
        };
        let chords = backing.chords().iter().map(chord).collect();
        Self { style: style.to_owned(), in_time, chords, consonance: backing.consonance(melody), band, played }
    }

    /// The whole song's, where a band or somebody in its place plays, once it is mixed: its stems, and that it is mastered.
    pub fn song_sound(&self) -> Option<&SoundSummary> {
        let of_band = self.band.as_ref().and_then(|band| band.sound.as_ref());
        of_band.or_else(|| self.played.as_ref().and_then(|played| played.sound.as_ref()))
    }

    /// For people.
    pub fn summary(&self) -> String {
        if let Some(played) = &self.played {
            let TuneAgreement { as_sung, transposed, .. } = played.agreement;
            return format!(
                "{} by {}; {:.0} % of it lies in the notes that are sung, {:.0} % in those of the tune in other keys",
                self.style,
                played.provider,
                as_sung * 100.0,
                transposed * 100.0
            );
        }
        let fitting = self.consonance.unwrap_or_default() * 100.0;
        let Some(band) = &self.band else {
            return format!("{} chords; {fitting:.0} % of the sung time fits its chord", self.style);
        };
        let players: Vec<String> =
            band.instruments.iter().map(|player| format!("{} ({})", player.instrument, player.role.name())).collect();
        let together = band.together.map_or_else(String::new, |together| {
            format!(
                "; voice and band are {:.0} ms apart (median), {:.0} % of {} beats within 30 ms",
                together.median_ms,
                together.within_30_ms * 100.0,
                together.beats
            )
        });
        format!(
            "{} band at {:.0} bpm, {}: {}\n{}\n{fitting:.0} % of the sung time fits its chord{together}",
            self.style,
            band.tempo_bpm,
            band.meter,
            band.form,
            players.join(", ")
        )
    }
}

/// One stage as the report tells it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepSummary {
    pub stage: String,
    pub provider: Option<String>,
    /// Who was asked, or passed over, before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Tried>,
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
    #[serde(default)]
    pub voice: VoiceSummary,
    /// Absent where the voice is alone.
    pub backing: Option<BackingSummary>,
    /// What was asked for beside the words.
    #[serde(default)]
    pub options: SongOptions,
    pub quality: QualityFigures,
    pub passed: bool,
    pub shortfalls: Vec<QualityShortfall>,
    pub steps: Vec<StepSummary>,
}

impl Report {
    pub const VERSION: u32 = 2;

    /// Measures a song and holds the figures against the gate. Blocking: tracks the F0 of the whole sound.
    pub fn on(song: &Song<'_>, gate: &QualityGate, steps: Vec<StepSummary>) -> Self {
        let Song { melody, lyrics, heard, backing, takes, request } = *song;
        let quality = assess(song);
        let shortfalls = gate.judge(&quality);
        Self {
            version: Self::VERSION,
            melody: MelodySummary::of(melody),
            lyrics: LyricsSummary::of(lyrics, request),
            voice: VoiceSummary::of(heard.performance, takes),
            backing: backing.map(|backing| BackingSummary::of(backing, melody)),
            options: request.options,
            quality,
            passed: shortfalls.is_empty(),
            shortfalls,
            steps,
        }
    }

    /// Notes how the band, or what plays in its place, sounds with the voice.
    pub fn heard_band(&mut self, sound: &BandSound) {
        let warnings = sound.together.and_then(|together| together.warning()).into_iter();
        let warnings = warnings.chain(sound.warnings.iter().cloned());
        match &mut self.backing {
            Some(BackingSummary { band: Some(band), .. }) => {
                band.together = sound.together;
                band.sound = Some(sound.summary.clone());
                band.warnings.extend(warnings);
            }
            Some(BackingSummary { played: Some(played), .. }) => {
                played.together = sound.together;
                played.sound = Some(sound.summary.clone());
                played.warnings.extend(warnings);
            }
            _ => {}
        }
    }

    /// Why the song is not handed out, when it is not good enough.
    pub fn refusal(&self) -> Option<Failure> {
        if self.passed {
            return None;
        }
        let reasons: Vec<&str> = self.shortfalls.iter().map(|shortfall| shortfall.message.as_str()).collect();
        // A verse has about two lines of so many notes.
        const FEW_NOTES: usize = 8;
        let advice = match self.melody.notes {
            notes if notes < FEW_NOTES => {
                format!(
                    "The recording has {notes} clear notes: hum a tune of {FEW_NOTES} or more, or try another prompt."
                )
            }
            _ => "Try another recording or prompt.".to_owned(),
        };
        let message =
            format!("The result is not good enough after {} takes: {}. {advice}", self.voice.takes, reasons.join("; "));
        Some(Failure::new(FailureClass::Caller, FailureCode::QualityGate, message))
    }
}
