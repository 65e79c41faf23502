//! Working objects that stages share: their names, and those that more than one stage reads.

use domain::{
    Failure, FailureClass, FailureCode,
    kinds::melody_vocals::{ARRANGEMENT, MelodyToVocalsRequest},
    options,
};
use music::Melody;
use providers::AudioInput;
use serde_json::Value;
use song::{Arranged, Backing, PlayedBacking};

use crate::{
    kinds::delivered::{DELIVERED, came_as_sound},
    stage::StageRun,
};

pub const MELODY: &str = "melody.json";
/// The melody in the time of its song, and the band; only where one plays.
pub const ARRANGED: &str = "arranged.json";
/// What is known of music that came as sound, in the place of the band.
pub const PLAYED: &str = "played.json";
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
    request.options.backing == options::Backing::Band
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

/// Who plays where a band was arranged: the band, or what came as sound in its place.
pub async fn band(run: &StageRun<'_>, arranged: Box<Arranged>) -> Result<Backing, Failure> {
    if !came_as_sound(run.done, ARRANGEMENT) {
        return Ok(Backing::Band(arranged));
    }
    let delivered = run.get_json(PLAYED).await?;
    let sound = AudioInput::new(run.get_file(DELIVERED).await?).map_err(|error| {
        let message = format!("what plays under the voice cannot be read: {error}");
        Failure::new(FailureClass::Transient, FailureCode::Storage, message)
    })?;
    let provider = run.done.get(ARRANGEMENT.as_str()).and_then(|stage| stage.provider.clone()).unwrap_or_default();
    Ok(Backing::Sound(Box::new(PlayedBacking { arranged: *arranged, delivered, provider, sound })))
}
