//! Names of working objects, shared by the stages that write and read them.

/// Titles of the songs, and what of their files was mended.
pub const SONGS: &str = "songs.json";
/// What was made of them.
pub const BLENDED: &str = "blended.json";
/// Largest such document: provenance and picture are in it, of at most 16 MiB each as results, and the notes.
pub const MAX_BLENDED_BYTES: usize = 48 << 20;
pub const SONG_MIDI: &str = "song.mid";
pub const PROVENANCE: &str = "provenance.json";
pub const PROVENANCE_SVG: &str = "provenance.svg";
pub const REPORT: &str = "report.json";
