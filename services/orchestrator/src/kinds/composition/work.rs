//! Names of working objects, shared by the stages that write and read them; and what of a request more than one stage asks.

use domain::kinds::composition::CompositionRequest;
use serde_json::Value;

/// What was composed.
pub const COMPOSED: &str = "composed.json";
pub const SONG_MIDI: &str = "song.mid";
pub const SONG_SVG: &str = "song.svg";
pub const LYRICS: &str = "lyrics.json";
pub const LYRICS_TEXT: &str = "lyrics.txt";
pub const LYRICS_LRC: &str = "lyrics.lrc";
pub const VOCALS: &str = "vocals.wav";
pub const REPORT: &str = "report.json";

/// Whether a job has words and a voice. One whose request cannot be read fails where it is read first.
pub fn is_sung(request: &Value) -> bool {
    serde_json::from_value::<CompositionRequest>(request.clone()).is_ok_and(|request| request.is_sung())
}
