//! Three songs made into one: the capability, and the blender in this process.

use std::{num::NonZeroUsize, sync::Arc};

use async_trait::async_trait;
use blend::{Blend, BlendError, Role, Source};
use domain::{Failure, FailureClass, FailureCode};
use music::{Score, analysis::Analysis};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::{calls::ProviderCall, capability::blocking, stop::Stop};

/// Longest blend that is taken of any blender, in seconds.
pub const MOST_BLEND_SECONDS: f64 = 720.0;

/// A song that is to be blended with two others.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SongToBlend {
    pub title: String,
    pub score: Score,
    pub analysis: Analysis,
}

/// What was made of three songs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct BlendedSong {
    /// Its title names the three.
    pub score: Score,
    /// The role of each part, where whoever blended told.
    pub part_roles: Option<Vec<Role>>,
    /// Where everything is from; a provider outside does not say.
    pub origin: Option<BlendOrigin>,
    /// What was asked for and could not be had, as sentences.
    pub warnings: Vec<String>,
}

/// Where a blend is from, and how it was put together.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlendOrigin {
    /// Bar by bar and role by role, as [`blend::Provenance`] has it: JSON.
    pub provenance: String,
    /// The same drawn: SVG.
    pub picture: String,
    /// Share of the cells that are from each song, 0–1.
    pub shares: [f64; 3],
    /// For every role, in the order of [`Role::ALL`], and every bar: which song plays, from 0.
    pub cells: Vec<Vec<Option<u8>>>,
    pub key: String,
    pub tempo_bpm: f64,
    pub beats_per_bar: u8,
    pub bars: usize,
    /// `intro`, `A`, `B`, `A′`, …
    pub form: Vec<String>,
    /// What the gates hold against it, as sentences that are not true of it.
    pub not_met: Vec<String>,
    pub plans_made: u32,
}

impl BlendOrigin {
    /// # Errors
    /// None that a blend can have; those of the serializer.
    fn of(blend: &Blend) -> Result<Self, serde_json::Error> {
        let plan = &blend.plan;
        let song_of = |role: Role, bar: usize| plan.cell(role, bar)?.song.and_then(|song| u8::try_from(song).ok());
        Ok(Self {
            provenance: blend.provenance_json()?,
            picture: blend.picture(),
            shares: blend.song_shares(),
            cells: Role::ALL.map(|role| (0..plan.bars()).map(|bar| song_of(role, bar)).collect()).into(),
            key: plan.target.key.to_string(),
            tempo_bpm: plan.target.bpm,
            beats_per_bar: plan.target.beats,
            bars: plan.bars(),
            form: plan.sections.iter().map(|section| section.label()).collect(),
            not_met: blend.report.failing().map(|gate| gate.says().to_owned()).collect(),
            plans_made: blend.plans_made,
        })
    }
}

/// Makes one song of three.
#[async_trait]
pub trait SongBlender: Send + Sync {
    /// `options` were checked.
    async fn blend(
        &self,
        songs: &[SongToBlend; 3],
        options: &blend::Options,
        call: &ProviderCall<'_>,
    ) -> Result<BlendedSong, Stop>;
}

/// The blender in this process. Plans that were begun are made to their end, some seconds at most.
pub struct OfflineBlender {
    slots: Arc<Semaphore>,
}

impl OfflineBlender {
    /// With so many blends at once.
    pub fn new(threads: usize) -> Self {
        let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        Self { slots: Arc::new(Semaphore::new(threads.get())) }
    }
}

#[async_trait]
impl SongBlender for OfflineBlender {
    async fn blend(
        &self,
        songs: &[SongToBlend; 3],
        options: &blend::Options,
        _call: &ProviderCall<'_>,
    ) -> Result<BlendedSong, Stop> {
        let internal = |message: &str| Failure::new(FailureClass::Caller, FailureCode::Internal, message);
        let slot = self.slots.clone().acquire_owned().await.map_err(|_| internal("the engine is shutting down"))?;
        let (songs, options) = (songs.clone(), options.clone());
        let made = blocking(move || -> Result<BlendedSong, Failure> {
            let _slot = slot;
            let sources = songs.each_ref().map(|SongToBlend { title, score, analysis }| Source {
                title: title.as_str(),
                score,
                analysis,
            });
            let made = blend::blend(&sources, &options).map_err(|error| blend_failure(&error))?;
            let origin =
                BlendOrigin::of(&made).map_err(|_| internal("where the blend is from cannot be written down"))?;
            let mut warnings: Vec<String> = form_left_out(&made, &options).into_iter().collect();
            if !made.report.passes() {
                warnings.push(shortfall(&origin));
            }
            let Blend { score, part_roles, .. } = made;
            Ok(BlendedSong { score, part_roles: Some(part_roles), origin: Some(origin), warnings })
        });
        Ok(made.await??)
    }
}

/// Where a form has more letters than there are bars for.
fn form_left_out(made: &Blend, options: &blend::Options) -> Option<String> {
    let form = options.form.as_deref()?;
    let played = made.plan.sections.iter().filter(|section| section.letter().is_some()).count();
    let kept: String = form.chars().take(played).collect();
    (kept.len() < form.len()).then(|| {
        let bars = made.plan.bars();
        format!(
            "Of the form {form} there was room for {kept} in {bars} bars; more bars, or fewer letters, play all of it."
        )
    })
}

fn shortfall(origin: &BlendOrigin) -> String {
    format!("No plan of {} meets everything; not met: {}.", origin.plans_made, origin.not_met.join("; "))
}

/// What it means for a job that songs cannot be blended as asked.
pub fn blend_failure(error: &BlendError) -> Failure {
    let code = match error {
        BlendError::NoNotes { .. } | BlendError::OnlyDrums => FailureCode::InvalidSong,
        BlendError::Weight { .. }
        | BlendError::Bars { .. }
        | BlendError::TooLong { .. }
        | BlendError::Seconds { .. }
        | BlendError::Tempo { .. }
        | BlendError::Form { .. }
        | BlendError::Share { .. }
        | BlendError::Plans { .. } => FailureCode::ImpossibleOptions,
    };
    Failure::new(FailureClass::Caller, code, error.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use music::{
        analysis,
        score::{MeterChange, Part, ScoreNote, TempoChange},
    };

    use super::*;
    use crate::calls::DirectCalls;

    fn song(tonic: u8) -> SongToBlend {
        let note = |index: u64| ScoreNote {
            onset: index * 480,
            duration: 460,
            pitch: tonic + [0, 4, 7, 12][index as usize % 4],
            velocity: 90,
        };
        let part = Part {
            track: 1,
            port: 0,
            channel: 0,
            name: String::new(),
            program: 0,
            drums: false,
            notes: (0..64).map(note).collect(),
            controls: Vec::new(),
        };
        let score = Score {
            ticks_per_quarter: 480,
            title: String::new(),
            tempos: vec![TempoChange { at: 0, micros_per_quarter: 500_000 }],
            meters: vec![MeterChange { at: 0, beats: 4, unit: 4 }],
            meter_is_given: true,
            key_signatures: Vec::new(),
            parts: vec![part],
            lyrics: Vec::new(),
            markers: Vec::new(),
            end: 64 * 480,
        };
        SongToBlend { title: tonic.to_string(), analysis: analysis::analyse(&score), score }
    }

    #[tokio::test]
    async fn a_form_for_which_there_is_no_room_is_told() {
        let songs = [60, 62, 65].map(song);
        let warnings = async |form: &str| {
            let length = blend::Length::Bars(8);
            let options = blend::Options { length, form: Some(form.to_owned()), ..blend::Options::default() };
            let calls = DirectCalls::default();
            let call = ProviderCall::alone(&calls, "offline", Duration::from_secs(60));
            OfflineBlender::new(1).blend(&songs, &options, &call).await.unwrap().warnings
        };
        let told = warnings("ABCDABCDABCD").await;
        assert!(told[0].contains("ABCDABCDABCD there was room for ABCDAB in 8 bars"), "{told:?}");
        assert!(!warnings("ABA").await.iter().any(|warning| warning.contains("room")));
    }
}
