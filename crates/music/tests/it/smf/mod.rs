//! The reader and writer of MIDI files, on bytes that the tests write themselves.

mod build;
mod cases;
mod meaning;
mod properties;
mod recoveries;

use music::{
    score::{Score, Tick},
    smf::{self, Limits, Read, SmfError},
};

fn read(bytes: &[u8]) -> Read {
    let read = smf::read(bytes, &Limits::default()).expect("a song");
    assert_eq!(read.score.broken_rule(), None);
    read
}

fn error(bytes: &[u8]) -> SmfError {
    smf::read(bytes, &Limits::default()).expect_err("no song")
}

/// Onset, length and pitch of all notes, part by part.
fn notes(score: &Score) -> Vec<(Tick, Tick, u8)> {
    let notes = score.parts.iter().flat_map(|part| &part.notes);
    notes.map(|note| (note.onset, note.duration, note.pitch)).collect()
}

/// Asserts that a warning has these words, and returns where it is.
fn warned(read: &Read, words: &str) -> (Option<u16>, usize) {
    let found = read.warnings.iter().find(|warning| warning.what.contains(words));
    let warning = found.unwrap_or_else(|| panic!("no warning with {words:?} in {:#?}", read.warnings));
    assert!(warning.what.ends_with('.'), "{}", warning.what);
    (warning.track, warning.byte_offset)
}
