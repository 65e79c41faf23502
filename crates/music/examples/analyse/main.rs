//! Analyses MIDI files and prints one JSON object per file: what `cargo xtask bench analysis` compares.
//!
//! `analyse FILE.mid…`

mod files;

use std::{
    io::{self, Write},
    time::Instant,
};

use music::{
    analysis::{self, Analysis, ChordSlot, Section},
    score::Score,
};
use serde_json::{Value, json};

/// Runs per file, of which the fastest counts.
const RUNS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = io::stdout().lock();
    for path in std::env::args().skip(1) {
        let score = files::read(&std::fs::read(&path)?)?;
        let mut best = f64::INFINITY;
        let mut found = analysis::analyse(&score);
        for _ in 0..RUNS {
            let started = Instant::now();
            found = analysis::analyse(&score);
            best = best.min(started.elapsed().as_secs_f64() * 1e3);
        }
        writeln!(out, "{}", report(&path, &score, &found, best))?;
    }
    Ok(())
}

fn report(path: &str, score: &Score, found: &Analysis, ms: f64) -> Value {
    let quarters = |tick: u64| tick as f64 / f64::from(score.ticks_per_quarter);
    let chord = |slot: &ChordSlot| {
        let start = quarters(found.bars[slot.bar].start) + slot.offset_quarters;
        let name = slot.chord.map(|chord| chord.to_string());
        json!([start, slot.quarters, slot.chord.map(|chord| chord.root), name, slot.confidence])
    };
    let section = |section: &Section| json!([section.bars.start, section.bars.end, section.letter()]);
    let parts: Vec<Value> = score
        .parts
        .iter()
        .zip(&found.parts)
        .map(|(part, found)| {
            json!({
                "name": part.name, "program": part.program, "notes": part.notes.len(), "role": found.role,
                "doubles": found.doubles, "broken": found.is_broken, "active": found.active_share,
            })
        })
        .collect();
    json!({
        "file": path,
        "ms": ms,
        "notes": score.note_count(),
        "seconds": score.seconds(),
        "key": found.key.map(|key| key.to_string()),
        "key_confidence": found.key.map(|key| key.confidence),
        "keys": found.keys.iter().map(|span| json!([span.bars.start, span.bars.end, span.key.to_string()])).collect::<Vec<_>>(),
        "meter": found.bars.get(found.bars.len() / 2).map(|bar| format!("{}/{}", bar.beats, bar.unit)),
        "meter_reading": found.meter,
        "bars": found.bars.iter().map(|bar| json!([quarters(bar.start), bar.quarters, bar.bpm])).collect::<Vec<_>>(),
        "tempo": found.tempo,
        "swing": found.swing,
        "chords": found.chords.iter().map(chord).collect::<Vec<_>>(),
        "parts": parts,
        "melody_parts": found.melody.parts,
        "melody_phrases": found.melody.phrases.len(),
        "tunes": found.tunes.iter().map(|block| block.tunefulness).collect::<Vec<_>>(),
        "phrase_offset": found.form.phrase_offset,
        "sections": found.form.sections.iter().map(section).collect::<Vec<_>>(),
        "phrases": found.form.phrases.iter().map(section).collect::<Vec<_>>(),
    })
}
