//! `report.json`: what was made of what, and how it measures.

use blend::Role;
use domain::kinds::blend::{BlendOptions, BlendRequest};
use music::{Score, analysis::Analysis};
use providers::{BlendedSong, SongToBlend};
use serde::{Deserialize, Serialize};
use soundfont::StemSpec;

/// The sound, and what it was made with.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SoundSummary {
    pub duration_seconds: f64,
    /// `None` for silence.
    pub loudness_lufs: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
    /// What is heard together; each is a file where stems were asked for.
    pub stems: Vec<String>,
    /// Name and version of the synthesizer, or the provider who played the notes, of whose font nothing is known; absent, as the
    /// font is, where a service delivered the whole song as sound.
    pub renderer: Option<String>,
    pub font: Option<FontSummary>,
}

/// The sound font.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FontSummary {
    pub name: String,
    pub licence: String,
}

impl SoundSummary {
    pub fn of(report: &soundfont::RenderReport, stems: &[StemSpec]) -> Self {
        Self {
            duration_seconds: report.seconds,
            loudness_lufs: report.loudness.integrated_lufs,
            true_peak_dbtp: report.loudness.true_peak_dbtp,
            stems: stems.iter().map(|stem| stem.name.clone()).collect(),
            renderer: Some(report.renderer.clone()),
            font: Some(FontSummary { name: report.font.file_name.clone(), licence: report.font.licence.clone() }),
        }
    }
}

/// How much of a song is in the blend.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SongShare {
    pub title: String,
    /// Share of the cells (bar × role), 0–1; `None` where the provider does not say.
    pub share: Option<f64>,
    /// The roles that it plays somewhere.
    pub roles: Vec<String>,
}

/// Of a blend.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlendReport {
    /// Version of this document's shape.
    pub version: u32,
    pub title: String,
    pub songs: Vec<SongShare>,
    pub key: Option<String>,
    pub tempo_bpm: Option<f64>,
    pub beats_per_bar: Option<u8>,
    pub bars: Option<usize>,
    /// `intro`, `A`, `B`, `A′`, …
    pub form: Vec<String>,
    /// Whether it passes every gate; `None` where nobody could hold it against them.
    pub passes: Option<bool>,
    pub not_met: Vec<String>,
    pub seed: u64,
    pub options: BlendOptions,
    /// Who blended.
    pub provider: String,
    pub sound: SoundSummary,
    pub warnings: Vec<String>,
}

impl BlendReport {
    pub const VERSION: u32 = 1;

    /// `warnings` are those of the songs' files.
    pub fn new(
        titles: &[String; 3],
        blended: &BlendedSong,
        provider: &str,
        request: &BlendRequest,
        (sound, heard): (SoundSummary, &[String]),
        warnings: &[String],
    ) -> Self {
        let origin = blended.origin.as_ref();
        let song = |song: usize| SongShare {
            title: titles[song].clone(),
            share: origin.map(|origin| origin.shares[song]),
            roles: origin.map(|origin| roles(&origin.cells, song)).unwrap_or_default(),
        };
        Self {
            version: Self::VERSION,
            title: blended.score.title.clone(),
            songs: (0..3).map(song).collect(),
            key: origin.map(|origin| origin.key.clone()),
            tempo_bpm: origin.map(|origin| origin.tempo_bpm),
            beats_per_bar: origin.map(|origin| origin.beats_per_bar),
            bars: origin.map(|origin| origin.bars),
            form: origin.map(|origin| origin.form.clone()).unwrap_or_default(),
            passes: origin.map(|origin| origin.not_met.is_empty()),
            not_met: origin.map(|origin| origin.not_met.clone()).unwrap_or_default(),
            seed: request.seed,
            options: request.options.clone(),
            provider: provider.to_owned(),
            sound,
            warnings: warnings.iter().chain(&blended.warnings).chain(heard).cloned().collect(),
        }
    }

    /// For people.
    pub fn summary(&self) -> String {
        let mut lines = Vec::new();
        for SongShare { title, share, roles } in &self.songs {
            lines.push(match share {
                Some(share) => format!("{:>3.0} % {title} ({})", share * 100.0, roles.join(", ")),
                None => format!("      {title}"),
            });
        }
        if let (Some(key), Some(bpm), Some(bars)) = (&self.key, self.tempo_bpm, self.bars) {
            lines.push(format!("{key}, {bpm:.0} bpm, {bars} bars: {}", self.form.join(" ")));
        }
        lines.push(match self.passes {
            Some(true) => "It passes every gate.".to_owned(),
            Some(false) => format!("Not met: {}.", self.not_met.join("; ")),
            None => format!("Blended by {}, which does not say what is from where.", self.provider),
        });
        lines.push(self.sound.summary());
        lines.join("\n")
    }
}

/// Names of the roles in which a song plays.
fn roles(cells: &[Vec<Option<u8>>], song: usize) -> Vec<String> {
    let plays = |role: &Role| {
        cells.get(role.index()).is_some_and(|bars| bars.iter().flatten().any(|s| usize::from(*s) == song))
    };
    Role::ALL.into_iter().filter(plays).map(|role| role.name().to_owned()).collect()
}

impl SoundSummary {
    /// For people.
    pub fn summary(&self) -> String {
        let seconds = self.duration_seconds.round() as u64;
        let level = match (self.loudness_lufs, self.true_peak_dbtp) {
            (Some(lufs), Some(peak)) => format!("{lufs:.1} LUFS, {peak:.1} dBTP"),
            _ => "silent".to_owned(),
        };
        let played = match (&self.renderer, &self.font) {
            (Some(renderer), Some(FontSummary { name, licence })) => format!("; {renderer} with {name} ({licence})"),
            (Some(player), None) => format!("; played by {player}"),
            _ => String::new(),
        };
        format!("{}:{:02}, {level}{played}", seconds / 60, seconds % 60)
    }
}

/// Of one song that was rendered.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderReport {
    /// Version of this document's shape.
    pub version: u32,
    pub title: String,
    pub key: Option<String>,
    pub tempo_bpm: f64,
    pub bars: usize,
    pub parts: usize,
    pub notes: usize,
    pub sound: SoundSummary,
    pub warnings: Vec<String>,
}

impl RenderReport {
    pub const VERSION: u32 = 1;

    pub fn new(song: &SongToBlend, sound: SoundSummary, heard: &[String], warnings: &[String]) -> Self {
        let SongToBlend { title, score, analysis } = song;
        let (Score { parts, .. }, Analysis { key, tempo, bars, .. }) = (score, analysis);
        Self {
            version: Self::VERSION,
            title: title.clone(),
            key: key.map(|key| key.to_string()),
            tempo_bpm: tempo.median_bpm,
            bars: bars.len(),
            parts: parts.iter().filter(|part| !part.notes.is_empty()).count(),
            notes: score.note_count(),
            sound,
            warnings: warnings.iter().chain(heard).cloned().collect(),
        }
    }

    /// For people.
    pub fn summary(&self) -> String {
        let key = self.key.as_deref().unwrap_or("no key");
        let Self { tempo_bpm, bars, notes, .. } = self;
        format!("{notes} notes in {bars} bars, {key}, {tempo_bpm:.0} bpm\n{}", self.sound.summary())
    }
}
