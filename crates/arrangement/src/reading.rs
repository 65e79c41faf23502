//! A MIDI file as a song.

use domain::{Failure, FailureClass, FailureCode};
use music::{
    analysis,
    smf::{self, Limits, Warning},
};
use providers::SongToBlend;

/// Longest title, in characters.
const MAX_TITLE_CHARS: usize = 100;
/// Warnings that are passed on of one file.
const MOST_WARNINGS: usize = 5;

/// How much of a file is taken.
pub const LIMITS: Limits = Limits {
    bytes: domain::midi::MAX_BYTES as usize,
    seconds: domain::midi::MAX_SECONDS,
    tail_seconds: 10.0,
    notes: 200_000,
    events: 1_000_000,
    tracks: 1_024,
    text_bytes: 256 << 10,
    warnings: 100,
};

/// A song that was read.
#[derive(Clone, PartialEq, Debug)]
pub struct SongRead {
    pub song: SongToBlend,
    /// What of the file was mended or left out, as sentences.
    pub warnings: Vec<String>,
}

/// Reads and analyses a MIDI file. `name` is what its owner calls it; without one it is called as the file calls itself.
/// Blocking: up to some 100 ms.
///
/// # Errors
/// `Caller` when there is no song in it; says what is there instead.
pub fn read_song(bytes: &[u8], name: Option<&str>) -> Result<SongRead, Failure> {
    let read = smf::read(bytes, &LIMITS)
        .map_err(|error| Failure::new(FailureClass::Caller, FailureCode::InvalidSong, error.to_string()))?;
    let analysis = analysis::analyse(&read.score);
    let named = name.map(title).filter(|title| !title.is_empty());
    let title = named.or_else(|| Some(title(&read.score.title)).filter(|title| !title.is_empty()));
    let title = title.unwrap_or_else(|| "Untitled".to_owned());
    let warnings = warnings(&title, &read.warnings);
    Ok(SongRead { song: SongToBlend { title, score: read.score, analysis }, warnings })
}

/// A title that fits into a line.
fn title(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_TITLE_CHARS).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn warnings(title: &str, found: &[Warning]) -> Vec<String> {
    let mut told: Vec<String> =
        found.iter().take(MOST_WARNINGS).map(|warning| format!("{title}: {}", warning.what)).collect();
    if found.len() > MOST_WARNINGS {
        told.push(format!("{title}: {} more faults of the file were mended.", found.len() - MOST_WARNINGS));
    }
    told
}
