//! Plays the blend and writes it down as sound.

use arrangement::{Rendering as How, SoundSummary, cover, render, stems_of};
use async_trait::async_trait;
use domain::{
    ExtraFormat, Failure, StageName,
    kinds::blend::{self, BlendOptions, BlendRequest, SPEC},
};
use providers::{AccompanimentPlayer, BlendedSong, ENGINE_VERSION, Stop, blocking, font_failure};
use serde_json::json;

use super::work;
use crate::{
    kinds::played::{self, Album, Played, Playing, Sound},
    stage::{ReuseKey, Stage, StageOutcome, StageRun},
};

pub struct Rendering;

#[async_trait]
impl Stage for Rendering {
    fn name(&self) -> StageName {
        blend::RENDERING
    }

    /// The blend, what it is written as, and the instruments.
    async fn reuse_key(&self, run: &StageRun<'_>) -> Result<Option<ReuseKey>, Failure> {
        let BlendOptions { stems, formats, .. } = run.request::<BlendRequest>()?.options;
        let Some(blended) = run.object_sha256(work::BLENDED) else { return Ok(None) };
        let font = played::font_key(run.tools.capabilities.accompaniment.clone()).await?;
        Ok(Some(ReuseKey { inputs: json!([ENGINE_VERSION, font, blended, stems, formats]), provider: None }))
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let BlendOptions { stems, formats, .. } = run.request::<BlendRequest>()?.options;
        let blended: BlendedSong = run.get_json(work::BLENDED).await?;
        let player = run.tools.capabilities.accompaniment.clone();
        let (playing, _wanted) = Playing::new(run.progress.clone());
        let work = Work { blended, keep_stems: stems, formats, player, playing };
        let played = blocking(move || work.play()).await??;
        played::keep(run, played).await
    }
}

struct Work {
    blended: BlendedSong,
    keep_stems: bool,
    formats: Vec<ExtraFormat>,
    player: AccompanimentPlayer,
    playing: Playing,
}

impl Work {
    fn play(self) -> Result<Played, Failure> {
        let score = &self.blended.score;
        let stems = stems_of(score, self.blended.part_roles.as_deref());
        let instruments = self.player.instruments().map_err(|error| font_failure(&error))?;
        // Jobs run beside each other; each has one core.
        let how = How { keep_stems: self.keep_stems, threads: 1 };
        let mut song = render(instruments, score, &stems, how, &mut |share| self.playing.heard(share))?;
        let sound = Sound { summary: SoundSummary::of(&song.report, &stems), warnings: song.report.warnings };
        let album = Album {
            spec: &SPEC,
            title: &score.title,
            cover: cover(score, &stems, self.blended.origin.as_ref()),
            formats: &self.formats,
            stems: &stems.iter().map(|stem| stem.name.as_str()).collect::<Vec<_>>(),
        };
        album.written(&mut song.master, sound, &self.playing)
    }
}
