//! Working objects that stages share: their names, and those that more than one stage reads.

use domain::{Failure, kinds::melody_vocals::MelodyToVocalsRequest, options::Backing};
use music::Melody;
use serde_json::Value;
use song::Arranged;

use crate::stage::StageRun;

pub const MELODY: &str = "melody.json";
/// The melody in the time of its song, and the band; only where one plays.
pub const ARRANGED: &str = "arranged.json";
pub const LYRICS: &str = "lyrics.json";
pub const VOCALS: &str = "vocals.wav";
/// The voice over its backing.
pub const SONG: &str = "song.wav";
/// The F0 that was meant to sound, and how the vocal came about.
pub const VOCALS_PLAN: &str = "vocals.json";
pub const LYRICS_TEXT: &str = "lyrics.txt";
pub const MELODY_MIDI: &str = "melody.mid";
pub const MELODY_MUSICXML: &str = "melody.musicxml";
pub const MELODY_SVG: &str = "melody.svg";
pub const REPORT: &str = "report.json";

/// Whether a band plays. A request that cannot be read fails where it is read first.
pub fn has_band(request: &Value) -> bool {
    serde_json::from_value::<MelodyToVocalsRequest>(request.clone()).is_ok_and(|request| plays(&request))
}

fn plays(request: &MelodyToVocalsRequest) -> bool {
    request.options.backing == Backing::Band
}

/// The object that holds the melody as it is sung.
pub fn sung(request: &MelodyToVocalsRequest) -> &'static str {
    if plays(request) { ARRANGED } else { MELODY }
}

/// The melody as it is sung, and its band where one plays.
pub async fn melody(
    run: &StageRun<'_>,
    request: &MelodyToVocalsRequest,
) -> Result<(Melody, Option<Box<Arranged>>), Failure> {
    if plays(request) {
        let arranged: Arranged = run.get_json(ARRANGED).await?;
        return Ok((arranged.melody.clone(), Some(Box::new(arranged))));
    }
    Ok((run.get_json(MELODY).await?, None))
}
