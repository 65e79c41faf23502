//! `bench-blend [--triples N] [--seed N] [--plans N] [--out DIR] [--data DIR] [FILE…]`: do blends pass their gates, and do cheap ways to put three
//! songs together fail them?
//!
//! Takes all MIDI files of a folder, or those named, and as many small songs of its own; draws triples of either
//! kind; and prints, for ours and two baselines, the share that passes each gate and all of them, and the time of a plan.
//! Only a release build says anything about time. `--out` keeps every blend, its picture and where it is from;
//! `--peer PYTHON SCRIPT DIR` has the script measure the first few triples once more, in files in DIR.

#[path = "bench_blend/baselines.rs"]
mod baselines;
#[path = "bench_blend/songs.rs"]
mod songs;

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
    time::Instant,
};

use blend::{Blend, GateName, Options, Report, Source, measure::Judge};
use music::{Key, Mode, Score, analysis::Analysis};

type Failure = Box<dyn std::error::Error>;

const TRIPLES: usize = 200;
const BARS: u32 = 48;
/// Of every second triple, instead of bars: a length in seconds from this range.
const SECONDS: std::ops::Range<usize> = 30..240;
/// Triples that the peer hears; it takes seconds for a file.
const PEER_TRIPLES: usize = 8;
const GOAL_MS: f64 = 50.0;
/// Least share of triples that passes all gates, of ours; a baseline's is 0.
const GOAL_SHARE: f64 = 0.95;

struct Song {
    title: String,
    score: Score,
    analysis: Analysis,
}

struct Arguments {
    triples: usize,
    seed: u64,
    out: Option<PathBuf>,
    files: Vec<PathBuf>,
    plans: u32,
    peer: Option<Peer>,
}

/// Another opinion on the same pieces.
struct Peer {
    python: PathBuf,
    script: PathBuf,
    folder: PathBuf,
}

fn main() -> Result<(), Failure> {
    let arguments = arguments()?;
    if cfg!(debug_assertions) {
        println!("note: this is not a release build; its times say nothing");
    }
    let mut files = Vec::new();
    for path in &arguments.files {
        let read = music::smf::read(&std::fs::read(path)?, &music::smf::Limits::default())?;
        let title = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let analysis = music::analysis::analyse(&read.score);
        files.push(Song { title, score: read.score, analysis });
    }
    let own: Vec<Song> = (songs::STYLES.iter().zip(1..))
        .map(|(style, seed)| {
            let score = songs::write(style, seed, 8);
            let analysis = music::analysis::analyse(&score);
            Song { title: style.title.to_owned(), score, analysis }
        })
        .collect();
    for (name, songs) in [("files", &files), ("songs written here", &own)] {
        if songs.len() >= 3 {
            bench(name, songs, &arguments)?;
        } else {
            println!("{name}: fewer than three, left out");
        }
    }
    Ok(())
}

fn arguments() -> Result<Arguments, Failure> {
    let mut parsed = Arguments { triples: TRIPLES, seed: 1, out: None, files: Vec::new(), plans: 8, peer: None };
    let mut data: Option<PathBuf> = None;
    let mut all = std::env::args_os().skip(1);
    while let Some(argument) = all.next() {
        let mut value = || all.next().ok_or("an option wants a value");
        match argument.to_str() {
            Some("--triples") => parsed.triples = value()?.to_string_lossy().parse()?,
            Some("--seed") => parsed.seed = value()?.to_string_lossy().parse()?,
            Some("--plans") => parsed.plans = value()?.to_string_lossy().parse()?,
            Some("--out") => parsed.out = Some(value()?.into()),
            Some("--data") => data = Some(PathBuf::from(value()?)),
            Some("--peer") => {
                let (python, script, folder) = (value()?.into(), value()?.into(), value()?.into());
                parsed.peer = Some(Peer { python, script, folder });
            }
            _ => parsed.files.push(argument.into()),
        }
    }
    if let Some(data) = data.filter(|_| parsed.files.is_empty()) {
        let entries = std::fs::read_dir(data)?.flatten();
        parsed.files =
            entries.map(|entry| entry.path()).filter(|p| p.extension().is_some_and(|e| e == "mid")).collect();
        parsed.files.sort();
    }
    Ok(parsed)
}

/// Reports of one way to make a piece.
#[derive(Default)]
struct Column {
    reports: Vec<Report>,
    outsiders: Vec<f64>,
}

fn bench(name: &str, songs: &[Song], arguments: &Arguments) -> Result<(), Failure> {
    let mut state = arguments.seed;
    let mut below = move |count: usize| {
        // The multiplier of Knuth's MMIX generator; its high bits are good enough to draw triples.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as usize) % count.max(1)
    };
    let mut columns: [Column; 3] = Default::default();
    let (mut times, mut refused) = (Vec::new(), 0);
    // For the second opinion: blends, baselines, and what they were made of.
    let mut heard: Vec<(&str, Key, Score)> = Vec::new();
    heard.extend(songs.iter().filter_map(|song| Some(("the songs", song.analysis.key?, song.score.clone()))));
    for number in 0..arguments.triples {
        let mut triple = [0usize; 3];
        for index in 0..3 {
            loop {
                triple[index] = below(songs.len());
                if !triple[..index].contains(&triple[index]) {
                    break;
                }
            }
        }
        let sources = triple.map(|index| {
            let Song { title, score, analysis } = &songs[index];
            Source { title, score, analysis }
        });
        let length = match number % 2 {
            0 => blend::Length::Bars(BARS),
            _ => blend::Length::Seconds((SECONDS.start + below(SECONDS.len())) as f64),
        };
        let options = Options { seed: number as u64, length, plans: arguments.plans, ..Options::default() };
        let started = Instant::now();
        let made = match blend::blend(&sources, &options) {
            Ok(made) => made,
            Err(error) => {
                println!("{}: {error}", sources.map(|source| source.title).join(" + "));
                refused += 1;
                continue;
            }
        };
        times.push(started.elapsed().as_secs_f64() * 1e3 / f64::from(made.plans_made));
        if let Some(out) = &arguments.out {
            save(out, name, number, &made)?;
        }
        let failing: Vec<String> = made.report.failing().map(|gate| format!("{gate:?}")).collect();
        if !failing.is_empty() {
            let form: Vec<String> = made.plan.sections.iter().map(|s| format!("{} {}", s.label(), s.bars)).collect();
            let titles = sources.map(|source| source.title).join(" + ");
            println!("{number}: fails {}: {titles} ({})", failing.join(", "), form.join(", "));
            for gate in made.report.gates.iter().filter(|gate| gate.outcome == blend::measure::Outcome::Failed) {
                for figure in gate.figures.iter().filter(|figure| !figure.holds()) {
                    println!("    {} {:.3}", figure.name, figure.value);
                }
            }
        }
        let (target, mut materials) = blend::materials(&sources, &options);
        // Copies stay at their own pitch.
        materials.iter_mut().flat_map(|material| &mut material.bars).for_each(|bar| bar.shift = 0);
        let judge = Judge::new(&materials, &target, &options);
        let bars = made.plan.bars();
        let keys: Vec<_> = sources.iter().filter_map(|source| source.analysis.key).collect();
        let pasted = baselines::pasted(&materials, &target, bars);
        let shuffled = baselines::shuffled(&materials, &target, bars, &mut below);
        if number < PEER_TRIPLES {
            let key = made.plan.target.key;
            heard.extend(
                [
                    ("blend", made.score.clone()),
                    ("one after another", pasted.score(&target)),
                    ("bar shuffle", shuffled.score(&target)),
                ]
                .map(|(kind, score)| (kind, key, score)),
            );
        }
        columns[0].reports.push(made.report.clone());
        for (column, baseline) in columns[1..].iter_mut().zip([&pasted, &shuffled]) {
            column.reports.extend(baseline.judged(&judge, &target, &keys, &options));
        }
        let outside = (0..songs.len()).filter(|index| !triple.contains(index)).map(|index| {
            let Song { title, score, analysis } = &songs[index];
            let source = Source { title, score, analysis };
            let [material, ..] = blend::materials(&[source; 3], &options).1;
            material
        });
        for material in outside.take(3) {
            columns[0].outsiders.push(blend::measure::motif_share(made.melody(), &material, target.bar()));
            for (column, baseline) in columns[1..].iter_mut().zip([&pasted, &shuffled]) {
                column.outsiders.push(blend::measure::motif_share(baseline.melody(), &material, target.bar()));
            }
        }
    }
    print_tables(name, &columns, &mut times, refused);
    if let Some(peer) = &arguments.peer {
        ask(peer, name, &heard)?;
    }
    Ok(())
}

/// Prints what the peer says.
fn ask(peer: &Peer, name: &str, heard: &[(&str, Key, Score)]) -> Result<(), Failure> {
    std::fs::create_dir_all(&peer.folder)?;
    let mut child = Command::new(&peer.python)
        .arg(&peer.script)
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|error| format!("run the peer: {error}"))?;
    let mut lines = child.stdin.take().ok_or("no standard input for the peer")?;
    for (index, (kind, key, score)) in heard.iter().enumerate() {
        let path = peer.folder.join(format!("{}-{index:03}.mid", name.replace(' ', "-")));
        std::fs::write(&path, music::smf::write(score))?;
        let mode = if key.mode == Mode::Major { "major" } else { "minor" };
        writeln!(lines, "{kind}\t{}\t{mode}\t{}", key.tonic, path.display())?;
    }
    drop(lines);
    let status = child.wait()?;
    if !status.success() {
        return Err(format!("the peer ended with {status}").into());
    }
    println!();
    Ok(())
}

fn save(out: &std::path::Path, name: &str, number: usize, made: &Blend) -> Result<(), Failure> {
    std::fs::create_dir_all(out)?;
    let stem = format!("{}-{number:03}", name.split(' ').next().unwrap_or(name));
    std::fs::write(out.join(format!("{stem}.mid")), music::smf::write(&made.score))?;
    std::fs::write(out.join(format!("{stem}.svg")), made.picture())?;
    std::fs::write(out.join(format!("{stem}.json")), made.provenance_json()?)?;
    Ok(())
}

fn print_tables(name: &str, columns: &[Column; 3], times: &mut [f64], refused: usize) {
    println!("\n{} triples of {name}, {BARS} bars or {SECONDS:?} s\n", columns[0].reports.len());
    println!("| gate: share that passes | blend | one after another | bar shuffle | |");
    println!("|---|---|---|---|---|");
    let share = |column: &Column, test: &dyn Fn(&Report) -> bool| {
        column.reports.iter().filter(|report| test(report)).count() as f64 / column.reports.len().max(1) as f64
    };
    for gate in GateName::ALL {
        let shares = columns.each_ref().map(|column| share(column, &|report| baselines::passes(report, gate)));
        println!("| {} | {:.2} | {:.2} | {:.2} | |", gate.says(), shares[0], shares[1], shares[2]);
    }
    let shares = columns.each_ref().map(|column| share(column, &Report::passes));
    // What was refused did not pass.
    let [blends, baselines @ ..] = &shares;
    let asked = columns[0].reports.len() + refused;
    let passed = blends * columns[0].reports.len() as f64 / asked.max(1) as f64;
    let met = asked > 0 && passed >= GOAL_SHARE && baselines.iter().all(|share| *share == 0.0);
    println!(
        "| **all gates** (goal: {GOAL_SHARE}, 0, 0) | **{passed:.3}** | **{:.3}** | **{:.3}** | {} |",
        baselines[0],
        baselines[1],
        verdict(met)
    );
    println!("\n| figure: p5 / median / p95 | blend | one after another | bar shuffle |");
    println!("|---|---|---|---|");
    let names: Vec<&str> =
        columns[0].reports.iter().flat_map(|r| &r.gates).flat_map(|g| &g.figures).map(|f| f.name).collect();
    let mut seen = std::collections::BTreeSet::new();
    for figure in names.into_iter().filter(|name| seen.insert(*name)) {
        let of = |column: &Column| {
            let mut values: Vec<f64> = column.reports.iter().filter_map(|report| report.figure(figure)).collect();
            quantiles(&mut values)
        };
        println!("| {figure} | {} | {} | {} |", of(&columns[0]), of(&columns[1]), of(&columns[2]));
    }
    let outside = columns.each_ref().map(|column| quantiles(&mut column.outsiders.clone()));
    println!("| motifs that are in a song outside the triple | {} | {} | {} |", outside[0], outside[1], outside[2]);
    let mean = times.iter().sum::<f64>() / times.len().max(1) as f64;
    println!(
        "\nms per plan, with its measures: mean {mean:.1}, p5/median/p95 {} (goal: under {GOAL_MS:.0}: {}); refused: {refused}\n",
        quantiles(times),
        verdict(!times.is_empty() && mean < GOAL_MS)
    );
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "SHORT" }
}

fn quantiles(values: &mut [f64]) -> String {
    values.sort_by(f64::total_cmp);
    if values.is_empty() {
        return "–".to_owned();
    }
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    format!("{:.2} {:.2} {:.2}", at(0.05), at(0.5), at(0.95))
}
