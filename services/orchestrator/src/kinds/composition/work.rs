//! Names of working objects, shared by the stages that write and read them; what of a request and of finished stages more than
//! one stage asks; and what stages leave for the last one.

use std::collections::BTreeMap;

use domain::{
    kinds::composition::{COMPOSING, CompositionRequest},
    quality::{QualityShortfall, SoundFigures},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{kinds::delivered, stage::FinishedStage};

/// What was composed, where it is notes.
pub const COMPOSED: &str = "composed.json";
pub const SONG_MIDI: &str = "song.mid";
pub const SONG_SVG: &str = "song.svg";
pub const LYRICS: &str = "lyrics.json";
pub const LYRICS_TEXT: &str = "lyrics.txt";
pub const LYRICS_LRC: &str = "lyrics.lrc";
pub const VOCALS: &str = "vocals.wav";
pub const REPORT: &str = "report.json";
/// What is known of what was composed, where a service delivered it as sound.
pub const SOUND_SONG: &str = "sound-song.json";

/// With which model of the registry it was composed, in the same detail; only where one was asked for.
pub const MODEL: &str = "model";

/// Whether a service delivered the song as sound, the voice in it.
pub fn came_as_sound(done: &BTreeMap<String, FinishedStage>) -> bool {
    delivered::came_as_sound(done, COMPOSING)
}

/// Whether words are written and sung here.
pub fn is_sung_here(request: &Value, done: &BTreeMap<String, FinishedStage>) -> bool {
    is_sung(request) && !came_as_sound(done)
}

/// What the quality gate has against the words that were kept, in the detail of the stage that wrote them.
pub const SHORTFALLS: &str = "shortfalls";

/// How the voice came about. Fields that a version before this one did not write are as if nobody had looked.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SungDetail {
    pub voice: String,
    pub syllables_placed: usize,
    pub octave_shift: i32,
    pub takes: u32,
    pub quality: Option<SoundFigures>,
    pub shortfalls: Vec<QualityShortfall>,
}

/// Whether a job has words and a voice. One whose request cannot be read fails where it is read first.
fn is_sung(request: &Value) -> bool {
    serde_json::from_value::<CompositionRequest>(request.clone()).is_ok_and(|request| request.is_sung())
}
