//! Three songs made into one: the capability, and the blender in this process.

use std::{num::NonZeroUsize, sync::Arc};

use async_trait::async_trait;
use blend::{Blend, BlendError, Role, Source};
use domain::{Failure, FailureClass, FailureCode};
use music::{Score, analysis::Analysis};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::capability::blocking;

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
    async fn blend(&self, songs: &[SongToBlend; 3], options: &blend::Options) -> Result<BlendedSong, Failure>;
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
    async fn blend(&self, songs: &[SongToBlend; 3], options: &blend::Options) -> Result<BlendedSong, Failure> {
        let internal = |message: &str| Failure::new(FailureClass::Caller, FailureCode::Internal, message);
        let slot = self.slots.clone().acquire_owned().await.map_err(|_| internal("the engine is shutting down"))?;
        let (songs, options) = (songs.clone(), options.clone());
        blocking(move || {
            let _slot = slot;
            let sources = songs.each_ref().map(|SongToBlend { title, score, analysis }| Source {
                title: title.as_str(),
                score,
                analysis,
            });
            let made = blend::blend(&sources, &options).map_err(|error| blend_failure(&error))?;
            let origin =
                BlendOrigin::of(&made).map_err(|_| internal("where the blend is from cannot be written down"))?;
            let warnings = if made.report.passes() { Vec::new() } else { vec![shortfall(&origin)] };
            let Blend { score, part_roles, .. } = made;
            Ok(BlendedSong { score, part_roles: Some(part_roles), origin: Some(origin), warnings })
        })
        .await?
    }
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
