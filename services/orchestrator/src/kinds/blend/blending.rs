//! Has the songs blended.

use async_trait::async_trait;
use domain::{Failure, FailureClass, FailureCode, StageName, artifact, kinds::blend, kinds::blend::BlendRequest};
use providers::{Need, Stop, blocking};
use serde_json::json;

use super::{songs, work};
use crate::stage::{ReuseKey, Stage, StageOutcome, StageRun};

pub struct Blending;

#[async_trait]
impl Stage for Blending {
    fn name(&self) -> StageName {
        blend::BLENDING
    }

    /// The songs under their titles, everything that is asked for, and who blends.
    async fn reuse_key(&self, run: &StageRun<'_>) -> Result<Option<ReuseKey>, Failure> {
        let mut request: BlendRequest = run.request()?;
        // What the sound is written as changes nothing here.
        request.options.stems = false;
        request.options.formats.clear();
        let (Some(titles), Some((provider, version))) =
            (run.object_sha256(work::SONGS), run.tools.capabilities.blends.preferred(&Need::default()).await)
        else {
            return Ok(None);
        };
        let hashes: Vec<&str> = run.job.inputs.iter().map(|input| input.sha256.as_str()).collect();
        if hashes.contains(&"") {
            return Ok(None);
        }
        Ok(Some(ReuseKey { inputs: json!([&*provider, version, titles, hashes, request]), provider: Some(provider) }))
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let request: BlendRequest = run.request()?;
        let songs = songs::read(run).await?.map(|read| read.song);
        run.report_progress(0.2);
        let made = arrangement::blend(&run.tools.capabilities.blends, run.calls(), &songs, &request).await?;
        run.report_progress(0.9);
        let (blended, midi) = blocking(move || {
            let midi = music::smf::write(&made.value.score);
            (made.value, midi)
        })
        .await?;
        run.put_bytes(work::SONG_MIDI, midi, artifact::MELODY_MIDI.media_type).await?;
        if let Some(origin) = &blended.origin {
            let (provenance, picture) = (origin.provenance.clone(), origin.picture.clone());
            run.put_bytes(work::PROVENANCE, provenance.into_bytes(), "application/json").await?;
            run.put_bytes(work::PROVENANCE_SVG, picture.into_bytes(), artifact::MELODY_SVG.media_type).await?;
        }
        let too_large = || {
            let message = format!(
                "what was blended has so many notes that it is larger than {} MB: ask for a shorter blend",
                work::MAX_BLENDED_BYTES >> 20
            );
            Failure::new(FailureClass::Caller, FailureCode::ImpossibleOptions, message)
        };
        run.put_json_within(work::BLENDED, &blended, work::MAX_BLENDED_BYTES, too_large).await?;
        let origin = blended.origin.as_ref();
        let detail = json!({
            "shares": origin.map(|origin| origin.shares),
            "bars": origin.map(|origin| origin.bars),
            "plansMade": origin.map(|origin| origin.plans_made),
            "notMet": origin.map(|origin| origin.not_met.clone()),
        });
        StageOutcome::done(Some(made.provider.to_string()), detail)
    }
}
