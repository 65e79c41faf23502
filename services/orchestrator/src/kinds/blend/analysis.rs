//! Reads the songs: that there is one in each file, what they are called, and what is in them.

use arrangement::SongRead;
use async_trait::async_trait;
use domain::{StageName, kinds::blend, kinds::blend::BlendRequest};
use providers::Stop;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{songs, work};
use crate::stage::{Stage, StageOutcome, StageRun};

pub struct Analysis;

/// What the report tells of the songs.
#[derive(Serialize, Deserialize)]
pub struct ReadSongs {
    pub titles: [String; blend::SONGS],
    pub warnings: Vec<String>,
}

#[async_trait]
impl Stage for Analysis {
    fn name(&self) -> StageName {
        blend::ANALYSIS
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        // A request that cannot be understood fails before any work.
        let _: BlendRequest = run.request()?;
        let songs = songs::read(run).await?;
        let detail: Vec<Value> = songs.iter().map(facts).collect();
        let read = ReadSongs {
            warnings: songs.iter().flat_map(|song| song.warnings.clone()).collect(),
            titles: songs.map(|song| song.song.title),
        };
        run.put_json(work::SONGS, &read).await?;
        StageOutcome::done(None, json!({ "songs": detail }))
    }
}

fn facts(SongRead { song, .. }: &SongRead) -> Value {
    json!({
        "key": song.analysis.key.map(|key| key.to_string()),
        "tempoBpm": song.analysis.tempo.median_bpm,
        "bars": song.analysis.bars.len(),
        "parts": song.score.parts.len(),
    })
}
