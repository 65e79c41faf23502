//! `report.json` of a composed song: what was understood of the sentence, what was in effect, and how it measures.

use compose::{Player, Understood};
use domain::kinds::composition::{CompositionOptions, CompositionRequest, MODEL};
use providers::{ComposedSong, SongChord};
use serde::{Deserialize, Serialize};

use crate::{composing, report::SoundSummary, words::TimedLine};

/// Of a composition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompositionReport {
    /// Version of this document's shape.
    pub version: u32,
    pub title: String,
    pub seed: u64,
    pub model_id: String,
    /// Who composed.
    pub provider: String,
    /// As asked for beside the sentence.
    pub options: CompositionOptions,
    pub effective: EffectiveSummary,
    /// Words of the sentence and what they were taken for.
    pub understood: Vec<Understood>,
    /// Words that meant nothing to the composer.
    pub not_understood: Vec<String>,
    pub sections: Vec<SectionSummary>,
    pub chords: Vec<SongChord>,
    /// Of a song that is sung, with its times.
    pub lyrics: Vec<TimedLine>,
    pub vocals: Option<VocalsSummary>,
    pub sound: SoundSummary,
    /// Wishes that contradict each other or were met in part, and what the player changed.
    pub warnings: Vec<String>,
}

/// Everything that was asked, and what was chosen for the rest.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveSummary {
    pub style: String,
    pub mood: Option<String>,
    /// Constant throughout.
    pub tempo_bpm: f64,
    pub key: String,
    pub meter: String,
    pub swing: f64,
    /// Names of the sections in order.
    pub form: String,
    /// 0 to 1.
    pub energy: f64,
    pub era: Option<String>,
    /// Parts and instruments that were left out because that was asked for.
    #[serde(default)]
    pub without: Vec<String>,
    /// The genre that the style stands in for.
    #[serde(default)]
    pub genre: Option<String>,
    pub bars: u32,
    pub instruments: Vec<Player>,
    pub instrumental: bool,
    /// Whether the chords are those of a chart.
    pub has_chart: bool,
    /// Exact length in seconds.
    pub seconds: f64,
}

/// A stretch of the song.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SectionSummary {
    pub name: String,
    pub start_seconds: f64,
    pub seconds: f64,
    pub bars: u32,
}

/// The voice of a song that is sung.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VocalsSummary {
    pub title: String,
    pub voice: String,
    /// Who wrote the words, and who sang.
    pub words_by: String,
    pub sung_by: String,
    pub syllables_placed: usize,
}

/// What a report is about.
pub struct Reported<'a> {
    pub request: &'a CompositionRequest,
    pub song: &'a ComposedSong,
    pub provider: &'a str,
    pub lyrics: Vec<TimedLine>,
    pub vocals: Option<VocalsSummary>,
    pub sound: SoundSummary,
    /// What the player changed.
    pub heard: &'a [String],
}

impl CompositionReport {
    pub const VERSION: u32 = 1;

    pub fn new(reported: Reported<'_>) -> Self {
        let Reported { request, song, provider, lyrics, vocals, sound, heard } = reported;
        let effective = &song.effective;
        let (beats, unit) = effective.meter.signature();
        Self {
            version: Self::VERSION,
            title: song.score.title.clone(),
            seed: request.seed,
            model_id: MODEL.to_owned(),
            provider: provider.to_owned(),
            options: request.options.clone(),
            effective: EffectiveSummary {
                style: effective.style.name().to_owned(),
                mood: effective.mood.map(|mood| mood.name().to_owned()),
                tempo_bpm: effective.tempo_bpm,
                key: effective.key.to_string(),
                meter: format!("{beats}/{unit}"),
                swing: effective.swing,
                form: effective.form.clone(),
                energy: effective.energy,
                era: effective.era.map(|era| era.to_string()),
                without: effective.without.clone(),
                genre: effective.genre.map(|genre| genre.name().to_owned()),
                bars: effective.bars,
                instruments: effective.instruments.clone(),
                instrumental: effective.instrumental,
                has_chart: effective.has_chart,
                seconds: song.seconds,
            },
            understood: song.understanding.understood.clone(),
            not_understood: song.understanding.not_understood.clone(),
            sections: song
                .sections
                .iter()
                .map(|section| SectionSummary {
                    name: section.name.clone(),
                    start_seconds: section.start_seconds,
                    seconds: section.seconds,
                    bars: section.bars,
                })
                .collect(),
            chords: song.chords.clone(),
            lyrics,
            vocals,
            sound,
            warnings: [
                &song.understanding.conflicts[..],
                &effective.warnings,
                &composing::words_warning(request).into_iter().collect::<Vec<_>>(),
                heard,
            ]
            .concat(),
        }
    }

    /// For people.
    pub fn summary(&self) -> String {
        let EffectiveSummary { style, mood, tempo_bpm, key, meter, form, instruments, .. } = &self.effective;
        let mut lines = Vec::new();
        if !self.understood.is_empty() {
            let understood: Vec<String> =
                self.understood.iter().map(|read| format!("{} ({})", read.words, read.meaning)).collect();
            lines.push(format!("Understood: {}.", understood.join(", ")));
        }
        if !self.not_understood.is_empty() {
            lines.push(format!("Not understood: {}.", self.not_understood.join(", ")));
        }
        let mood = mood.as_ref().map(|mood| format!(", {mood}")).unwrap_or_default();
        lines.push(format!("{style}{mood}, {key}, {tempo_bpm:.1} bpm, {meter}: {form}"));
        let band: Vec<String> =
            instruments.iter().map(|player| format!("{} ({})", player.instrument, player.role.name())).collect();
        lines.push(format!("{}; seed {}", band.join(", "), self.seed));
        if let Some(vocals) = &self.vocals {
            lines.push(format!("sung by {}: {} lines of words", vocals.voice, self.lyrics.len()));
        }
        lines.push(self.sound.summary());
        lines.join("\n")
    }
}
