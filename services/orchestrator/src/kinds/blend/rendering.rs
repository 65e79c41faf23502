//! Has the blend played, by somebody elsewhere where the settings say so, and writes it down as sound.

use arrangement::{Mastered, PlayedElsewhere, Players, Rendering as How, SoundSummary, cover, render, stems_of};
use async_trait::async_trait;
use domain::{
    ExtraFormat, Failure, StageName,
    kinds::blend::{self, BlendOptions, BlendRequest, SPEC},
};
use providers::{AccompanimentPlayer, BlendedSong, ENGINE_VERSION, Need, Stop, blocking, font_failure};
use serde_json::json;
use soundfont::StemSpec;

use super::work;
use crate::{
    kinds::played::{self, Album, Played, Playing, Sound},
    stage::{ReuseKey, Stage, StageOutcome, StageOutput, StageRun},
};

pub struct Rendering;

#[async_trait]
impl Stage for Rendering {
    fn name(&self) -> StageName {
        blend::RENDERING
    }

    /// The blend, what it is written as, and the instruments. What somebody elsewhere plays may sound otherwise tomorrow.
    async fn reuse_key(&self, run: &StageRun<'_>) -> Result<Option<ReuseKey>, Failure> {
        let BlendOptions { stems, formats, .. } = run.request::<BlendRequest>()?.options;
        let Some(blended) = run.object_sha256(work::BLENDED) else { return Ok(None) };
        if run.tools.capabilities.playing.preferred(&Need::default()).await.is_none() {
            return Ok(None);
        }
        let font = played::font_key(run.tools.capabilities.accompaniment.clone()).await?;
        Ok(Some(ReuseKey { inputs: json!([ENGINE_VERSION, font, blended, stems, formats]), provider: None }))
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let BlendOptions { stems, formats, .. } = run.request::<BlendRequest>()?.options;
        let blended: BlendedSong = run.get_json(work::BLENDED).await?;
        let capabilities = &run.tools.capabilities;
        let Players { elsewhere, warnings } =
            arrangement::played(&capabilities.playing, run.calls(), &blended.score).await?;
        let by = elsewhere.as_ref().map(|played| played.by.clone());
        let player = capabilities.accompaniment.clone();
        let (playing, _wanted) = Playing::new(run.progress.clone());
        let work = Work { blended, elsewhere, warnings, keep_stems: stems, formats, player, playing };
        let played = blocking(move || work.play()).await??;
        Ok(match played::keep(run, played).await? {
            StageOutcome::Done(output) => StageOutcome::Done(StageOutput { provider: by, ..output }),
            parked @ StageOutcome::Parked(_) => parked,
        })
    }
}

struct Work {
    blended: BlendedSong,
    /// What somebody elsewhere has played of it.
    elsewhere: Option<PlayedElsewhere>,
    /// Of those who were to play it.
    warnings: Vec<String>,
    keep_stems: bool,
    formats: Vec<ExtraFormat>,
    player: AccompanimentPlayer,
    playing: Playing,
}

impl Work {
    fn play(mut self) -> Result<Played, Failure> {
        let stems = stems_of(&self.blended.score, self.blended.part_roles.as_deref());
        let mut warnings = std::mem::take(&mut self.warnings);
        if let Some(elsewhere) = self.elsewhere.take() {
            let heard = &mut |share| self.playing.heard(share);
            let Mastered { mut master, summary, warnings: of_sound } = elsewhere.mastered(self.keep_stems, heard)?;
            warnings.extend(of_sound);
            // Its notes are known, and so is what it looks like; of stems there are none.
            let album = self.album(&stems, &[]);
            return album.written(&mut master, Sound { summary, warnings }, &self.playing);
        }
        let instruments = self.player.instruments().map_err(|error| font_failure(&error))?;
        // Jobs run beside each other; each has one core.
        let how = How { keep_stems: self.keep_stems, threads: 1 };
        let score = &self.blended.score;
        let mut song = render(instruments, score, &stems, how, &mut |share| self.playing.heard(share))?;
        let summary = SoundSummary::of(&song.report, &stems);
        warnings.extend(song.report.warnings);
        let names: Vec<&str> = stems.iter().map(|stem| stem.name.as_str()).collect();
        self.album(&stems, &names).written(&mut song.master, Sound { summary, warnings }, &self.playing)
    }

    fn album<'a>(&'a self, stems: &[StemSpec], names: &'a [&'a str]) -> Album<'a> {
        let BlendedSong { score, origin, .. } = &self.blended;
        Album {
            spec: &SPEC,
            title: &score.title,
            cover: cover(score, stems, origin.as_ref()),
            formats: &self.formats,
            stems: names,
        }
    }
}
