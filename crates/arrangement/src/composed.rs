//! `report.json` of a composed song: what was understood of the sentence, what was in effect, and how it measures.

use compose::{Player, Section, Understood};
use domain::{
    kinds::composition::{CompositionOptions, CompositionRequest, MODEL},
    registry::ModelUsed,
};
use providers::{ComposedSong, SongChord};
use serde::{Deserialize, Serialize};

use crate::{composing, report::SoundSummary, sound_song::SoundSong, vocals::VocalsSummary, words::TimedLine};

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
    /// With which model of the registry, and in which version; only where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelUsed>,
    /// As asked for beside the sentence.
    pub options: CompositionOptions,
    /// Absent where a service delivered sound, of which nobody knows more than how it measures.
    pub effective: Option<EffectiveSummary>,
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

impl EffectiveSummary {
    fn of(song: &ComposedSong) -> Self {
        let effective = &song.effective;
        let (beats, unit) = effective.meter.signature();
        Self {
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
        }
    }
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

impl SectionSummary {
    fn of(section: &Section) -> Self {
        let Section { name, start_seconds, seconds, bars, .. } = section;
        Self { name: name.clone(), start_seconds: *start_seconds, seconds: *seconds, bars: *bars }
    }
}

/// A song that was composed, in notes or as a service's finished sound.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    Notes(&'a ComposedSong),
    Sound(&'a SoundSong),
}

/// What a report is about.
pub struct Reported<'a> {
    pub request: &'a CompositionRequest,
    pub song: Subject<'a>,
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
        let notes = match song {
            Subject::Notes(song) => Some(song),
            Subject::Sound(_) => None,
        };
        let title = match song {
            Subject::Notes(song) => &song.score.title,
            Subject::Sound(song) => &song.title,
        };
        let composed = notes.map(|song| [&song.understanding.conflicts, &song.effective.warnings]);
        let warnings = composed.into_iter().flatten().flatten().cloned();
        let weak = vocals.iter().flat_map(VocalsSummary::warnings);
        Self {
            version: Self::VERSION,
            title: title.clone(),
            seed: request.seed,
            model_id: MODEL.to_owned(),
            provider: provider.to_owned(),
            model: None,
            options: request.options.clone(),
            effective: notes.map(EffectiveSummary::of),
            understood: notes.map(|song| song.understanding.understood.clone()).unwrap_or_default(),
            not_understood: notes.map(|song| song.understanding.not_understood.clone()).unwrap_or_default(),
            sections: notes.map(|song| song.sections.iter().map(SectionSummary::of).collect()).unwrap_or_default(),
            chords: notes.map(|song| song.chords.clone()).unwrap_or_default(),
            lyrics,
            warnings: warnings
                .chain(composing::words_warning(request))
                .chain(weak)
                .chain(heard.iter().cloned())
                .collect(),
            vocals,
            sound,
        }
    }

    /// The same, of a song that was made with a model of the registry.
    #[must_use]
    pub fn made_with(self, model: Option<ModelUsed>) -> Self {
        Self { model, ..self }
    }

    /// For people.
    pub fn summary(&self) -> String {
        let mut lines = Vec::new();
        if let Some(ModelUsed { name, provider, version }) = &self.model {
            lines.push(format!("Made with the model {name} of {provider}, version {version}."));
        }
        if !self.understood.is_empty() {
            let understood: Vec<String> =
                self.understood.iter().map(|read| format!("{} ({})", read.words, read.meaning)).collect();
            lines.push(format!("Understood: {}.", understood.join(", ")));
        }
        if !self.not_understood.is_empty() {
            lines.push(format!("Not understood: {}.", self.not_understood.join(", ")));
        }
        match &self.effective {
            Some(effective) => {
                let EffectiveSummary { style, mood, tempo_bpm, key, meter, form, instruments, .. } = effective;
                let mood = mood.as_ref().map(|mood| format!(", {mood}")).unwrap_or_default();
                lines.push(format!("{style}{mood}, {key}, {tempo_bpm:.1} bpm, {meter}: {form}"));
                let band: Vec<String> = instruments
                    .iter()
                    .map(|player| format!("{} ({})", player.instrument, player.role.name()))
                    .collect();
                lines.push(format!("{}; seed {}", band.join(", "), self.seed));
            }
            None => lines.push(format!("Made by {}, which delivers sound and no notes.", self.provider)),
        }
        if let Some(vocals) = &self.vocals {
            lines.push(format!("sung by {}: {} lines of words{}", vocals.voice, self.lyrics.len(), vocals.figures()));
        }
        lines.push(self.sound.summary());
        lines.join("\n")
    }
}
