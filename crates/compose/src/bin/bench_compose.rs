//! `bench-compose [--seeds N] [--seconds S] [--data DIR] [--out DIR] [--quick]`: does each style sound like itself, and do its songs
//! differ?
//!
//! Composes every style with each seed and prints: which gates hold, and whether the spoiled copy of each song fails its gate; how
//! well a classifier that has heard one half of the seeds names the style of the other half; figures of the tunes beside those of
//! the MIDI files in a folder; how much two seeds of a style have in common; and the time. Only a release build says anything
//! about time. `--out` keeps every song as MIDI. Ends with an error if a gate fails, a spoiled song passes, or the classifier is
//! right less than four times in five.

#[path = "bench_compose/classify.rs"]
mod classify;
#[path = "bench_compose/figures.rs"]
mod figures;

use std::{collections::BTreeMap, path::PathBuf, time::Instant};

use compose::{
    Composition, Options, Style, Understanding, compose,
    measure::{Gate, gates},
};

type Failure = Box<dyn std::error::Error>;

const SEEDS: u64 = 10;
const QUICK_SEEDS: u64 = 4;
const SECONDS: f64 = 60.0;
/// Share of the other half that the classifier has to name.
const LEAST_NAMED: f64 = 0.8;

struct Arguments {
    seeds: u64,
    seconds: f64,
    data: Option<PathBuf>,
    out: Option<PathBuf>,
}

fn main() -> Result<(), Failure> {
    let arguments = arguments()?;
    if cfg!(debug_assertions) {
        println!("note: this is not a release build; its times say nothing");
    }
    let started = Instant::now();
    let mut songs: Vec<(Style, Composition)> = Vec::new();
    for style in Style::ALL {
        for seed in 0..arguments.seeds {
            let options = Options { style: Some(style), seconds: Some(arguments.seconds), seed, ..Options::default() };
            songs.push((style, compose(&Understanding::default(), &options)?));
        }
    }
    let took = started.elapsed().as_secs_f64();
    if let Some(out) = &arguments.out {
        std::fs::create_dir_all(out)?;
        for (style, song) in &songs {
            std::fs::write(out.join(format!("{style}-{}.mid", song.effective.seed)), music::smf::write(&song.score))?;
        }
    }
    println!("{} songs of {} s in {} styles\n", songs.len(), arguments.seconds, Style::COUNT);
    let mut short = print_gates(&songs);
    let named = classify::print(&songs, arguments.seeds);
    if named < LEAST_NAMED {
        short.push(format!("the classifier names {:.0} % of the styles", 100.0 * named));
    }
    figures::print(&songs, arguments.data.as_deref())?;
    let minutes = songs.len() as f64 * arguments.seconds / 60.0;
    println!("\ncomposing a minute takes {:.1} ms\n", 1e3 * took / minutes);
    if short.is_empty() { Ok(()) } else { Err(short.join("; ").into()) }
}

fn arguments() -> Result<Arguments, Failure> {
    let mut parsed = Arguments { seeds: SEEDS, seconds: SECONDS, data: None, out: None };
    let mut all = std::env::args_os().skip(1);
    while let Some(argument) = all.next() {
        let mut value = || all.next().ok_or("an option wants a value");
        match argument.to_str() {
            Some("--seeds") => parsed.seeds = value()?.to_string_lossy().parse()?,
            Some("--seconds") => parsed.seconds = value()?.to_string_lossy().parse()?,
            Some("--data") => parsed.data = Some(value()?.into()),
            Some("--out") => parsed.out = Some(value()?.into()),
            Some("--quick") => parsed.seeds = QUICK_SEEDS,
            _ => return Err(format!("{} is no option", argument.to_string_lossy()).into()),
        }
    }
    if parsed.seeds < 2 { Err("at least two seeds: one half teaches the classifier".into()) } else { Ok(parsed) }
}

/// What is told of one gate of a style.
#[derive(Default)]
struct Row {
    values: Vec<f64>,
    range: (f64, f64),
    songs: usize,
    held: usize,
    /// Spoiled songs that failed, as they must.
    caught: usize,
}

/// Prints the gates of each style, and answers what falls short.
fn print_gates(songs: &[(Style, Composition)]) -> Vec<String> {
    let mut rows: BTreeMap<(Style, &'static str), Row> = BTreeMap::new();
    let mut whole: BTreeMap<Style, (usize, usize)> = BTreeMap::new();
    for (style, song) in songs {
        let all = gates(song);
        let passes = whole.entry(*style).or_default();
        passes.1 += 1;
        passes.0 += usize::from(all.iter().all(Gate::passes));
        for gate in &all {
            let row = rows.entry((*style, gate.name)).or_default();
            row.range = (gate.low, gate.high);
            row.songs += 1;
            row.held += usize::from(gate.passes());
            row.values.extend(gate.value);
            let mut spoiled = song.clone();
            (gate.spoil)(&mut spoiled);
            let again = gates(&spoiled);
            let is_caught = again.iter().any(|other| other.name == gate.name && !other.passes());
            row.caught += usize::from(is_caught);
            if !is_caught {
                let value = again.iter().find(|other| other.name == gate.name).and_then(|other| other.value);
                println!("{style} seed {}: spoiled, {} is {value:?}", song.effective.seed, gate.name);
            }
            if !gate.passes() {
                println!(
                    "{style} seed {}: {} is {:?}, not in {}–{}",
                    song.effective.seed, gate.name, gate.value, gate.low, gate.high
                );
            }
        }
    }
    println!("\n| style | all gates | gates | spoiled caught | figures of its own: least – most |");
    println!("|---|---|---|---|---|");
    let mut short = Vec::new();
    for (style, (passed, count)) in &whole {
        let own: Vec<_> = rows.iter().filter(|((of, _), _)| of == style).collect();
        let caught: usize = own.iter().map(|(_, row)| row.caught).sum();
        let tried: usize = own.iter().map(|(_, row)| row.songs).sum();
        let held: usize = own.iter().map(|(_, row)| row.held).sum();
        let told = own.iter().filter(|((_, name), _)| !is_general(name)).map(|((_, name), row)| {
            let least = row.values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = row.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            format!("{name} {least:.2}–{most:.2}")
        });
        println!(
            "| {style} | {passed}/{count} | {held}/{tried} | {caught}/{tried} | {} |",
            told.collect::<Vec<_>>().join(", ")
        );
        if passed < count {
            short.push(format!("{} of {count} songs of {style} fail a gate", count - passed));
        }
        for ((_, name), row) in own.iter().filter(|(_, row)| row.caught < row.songs) {
            short.push(format!("{} spoiled songs of {style} pass \"{name}\"", row.songs - row.caught));
        }
    }
    println!("\n| every style: figure | least | median | most | range |\n|---|---|---|---|---|");
    let names: std::collections::BTreeSet<&str> =
        rows.keys().map(|(_, name)| *name).filter(|name| is_general(name)).collect();
    for name in names {
        let of: Vec<&Row> = rows.iter().filter(|((_, own), _)| *own == name).map(|(_, row)| row).collect();
        let mut values: Vec<f64> = of.iter().flat_map(|row| row.values.iter().copied()).collect();
        let low = of.iter().map(|row| row.range.0).fold(f64::INFINITY, f64::min);
        let high = of.iter().map(|row| row.range.1).fold(f64::NEG_INFINITY, f64::max);
        println!("| {name} | {} | {low}–{high} |", figures::spread(&mut values));
    }
    short
}

/// Whether a gate is one that all styles have.
fn is_general(name: &str) -> bool {
    [
        "contrast",
        "last chord is the tonic, held",
        "longest silence in seconds",
        "spread of velocities",
        "intro",
        "fills before changes",
        "mean interval in semitones",
        "different pitches",
        "longest run of one pitch",
        "share at the edges",
        "figures heard before",
        "return less contrast",
        "pairs heard before",
        "a line said twice",
    ]
    .contains(&name)
}
