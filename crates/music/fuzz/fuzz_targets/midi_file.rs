//! Any bytes as a MIDI file: read within its bounds, written and read back as they were, and analysed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use music::smf::{self, Limits};

/// Small enough that the time goes into new files rather than into long ones.
const TIGHT: Limits = Limits {
    bytes: 64 << 10,
    seconds: 120.0,
    tail_seconds: 2.0,
    notes: 1_000,
    events: 5_000,
    tracks: 24,
    text_bytes: 2_000,
    warnings: 20,
};

fuzz_target!(|bytes: &[u8]| {
    let Ok(song) = smf::read(bytes, &TIGHT) else { return };
    assert_eq!(song.score.broken_rule(), None);
    assert!((1..=TIGHT.notes).contains(&song.score.note_count()));
    assert!(song.warnings.len() <= TIGHT.warnings + 1);
    assert!(song.warnings.iter().all(|warning| warning.byte_offset <= bytes.len()));
    assert!(song.score.parts.len() <= usize::from(TIGHT.tracks) * 16);
    let again = smf::read(&smf::write(&song.score), &Limits { bytes: usize::MAX, ..Limits::default() });
    assert_eq!(again.map(|read| read.score).as_ref(), Ok(&song.score), "what was read is not written as it is");
    let analysis = music::analyse(&song.score);
    assert_eq!(analysis.parts.len(), song.score.parts.len());
});
