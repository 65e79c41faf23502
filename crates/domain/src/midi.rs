//! What a song in a MIDI file must be to become a job.

use serde::{Deserialize, Serialize};

/// Largest file; songs have 10 to 200 kB.
pub const MAX_BYTES: u64 = 4 << 20;
/// Longest song, in seconds; what is later is left out with a warning.
pub const MAX_SECONDS: f64 = 3_600.0;

/// A file's name without the ending of a MIDI file; other dots are part of it (`Mr. Brightside`).
pub fn without_ending(file_name: &str) -> &str {
    let ending = file_name.rsplit_once('.').filter(|(stem, ending)| {
        !stem.is_empty() && ["mid", "midi", "kar", "rmi", "smf"].iter().any(|known| ending.eq_ignore_ascii_case(known))
    });
    ending.map_or(file_name, |(stem, _)| stem)
}

/// What reading a song found out about it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MidiFacts {
    pub size_bytes: u64,
    pub duration_seconds: f64,
    pub notes: u64,
    /// Channels of tracks.
    pub parts: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_endings_of_midi_files_go() {
        for (file, name) in [
            ("Innuendo.mid", "Innuendo"),
            ("Innuendo.MIDI", "Innuendo"),
            ("Mr. Brightside", "Mr. Brightside"),
            ("Mr. Brightside.kar", "Mr. Brightside"),
            (".mid", ".mid"),
            ("", ""),
        ] {
            assert_eq!(without_ending(file), name);
        }
    }
}
