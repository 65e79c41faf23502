//! Names of working objects, shared by the stages that write and read them.

pub const MELODY: &str = "melody.json";
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
