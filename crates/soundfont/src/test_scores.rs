//! Scores for tests inside the crate.

use music::{
    Score,
    score::{MeterChange, Part, ScoreNote, TempoChange},
};

pub(crate) fn score(parts: Vec<Part>) -> Score {
    let end = parts.iter().flat_map(|part| &part.notes).map(ScoreNote::end).max().unwrap_or(0);
    Score {
        ticks_per_quarter: 480,
        title: String::new(),
        tempos: vec![TempoChange { at: 0, micros_per_quarter: 500_000 }],
        meters: vec![MeterChange { at: 0, beats: 4, unit: 4 }],
        meter_is_given: true,
        key_signatures: Vec::new(),
        parts,
        lyrics: Vec::new(),
        markers: Vec::new(),
        end,
    }
}
