//! Analyses MIDI files and prints one JSON object per file: what `cargo xtask bench analysis` compares.
//!
//! `analyse FILE.mid…`, or `analyse --labelled COUNT FOLDER` to write songs whose truth is known, and that truth.

mod baseline;
#[path = "../../tests/it/analysis/labelled.rs"]
mod labelled;
#[path = "../../tests/it/analysis/make.rs"]
mod make;
mod shifted;

use std::{
    fs,
    io::{self, Write},
    path::Path,
    time::Instant,
};

use music::{
    analysis::{self, Analysis, ChordSlot, Section},
    key::Mode,
    score::Score,
    smf::{self, Limits},
};
use serde_json::{Value, json};

/// Runs per file, of which the fastest counts.
const RUNS: usize = 5;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, count, folder] = arguments.as_slice()
        && flag == "--labelled"
    {
        return write_labelled(count.parse()?, Path::new(folder));
    }
    let mut out = io::stdout().lock();
    for path in &arguments {
        let score = smf::read(&fs::read(path)?, &Limits::default())?.score;
        let mut best = f64::INFINITY;
        let mut found = analysis::analyse(&score);
        for _ in 0..RUNS {
            let started = Instant::now();
            found = analysis::analyse(&score);
            best = best.min(started.elapsed().as_secs_f64() * 1e3);
        }
        writeln!(out, "{}", report(path, &score, &found, best))?;
    }
    Ok(())
}

fn write_labelled(count: u64, folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder)?;
    for seed in 0..count {
        // Others than those of the tests.
        let song = labelled::make(1_000 + seed);
        let key = |(tonic, is_minor): (u8, bool)| json!([tonic, is_minor]);
        let bar =
            |bar: &labelled::BarTruth| json!([key(bar.key), bar.chord.root, bar.chord.kind, bar.section.to_string()]);
        let truth = json!({
            "bar_quarters": song.bar_quarters,
            "key": key(song.key),
            "bars": song.bars.iter().map(bar).collect::<Vec<_>>(),
            "roles": song.roles,
            "doubles": song.doubles,
        });
        fs::write(folder.join(format!("{seed:03}.mid")), smf::write(&song.score))?;
        fs::write(folder.join(format!("{seed:03}.json")), truth.to_string())?;
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
        "key": found.key.map(|key| json!([key.tonic, key.mode == Mode::Minor])),
        "key_confidence": found.key.map(|key| key.confidence),
        "keys": found.keys.iter().map(|span| json!([span.bars.start, span.bars.end, span.key.tonic, span.key.mode == Mode::Minor])).collect::<Vec<_>>(),
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
        "signatures": score.key_signatures.iter().map(|key| json!([key.sharps, key.minor])).collect::<Vec<_>>(),
        "meter_is_given": score.meter_is_given,
        "baseline": baseline::report(score, found),
        "without_signature": shifted::report(score),
        "phrases": found.form.phrases.iter().map(section).collect::<Vec<_>>(),
    })
}
