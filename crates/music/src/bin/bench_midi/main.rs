//! `bench-midi [--python PYTHON SCRIPT] [--data FOLDER]`: our reader of MIDI files beside midly, and beside mido where a
//! Python that has it is given, on good files and on the same files damaged.
//!
//! On good files the readers must agree on every note, tempo and length; on damaged ones each is held against the notes
//! that the file had before. midly and mido hand out events: notes are made of them by pairing ends with starts in turn,
//! the same way for both. Prints tables and exits with 0 whatever the outcome; only a release build says anything of speed.

mod damage;
mod readers;
mod songs;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use damage::Damage;
use readers::{Found, Mido};

/// Songs that the benchmark writes itself.
const SONGS: u64 = 40;
/// How often each file is damaged in each way.
const TIMES: u64 = 4;
const ROUNDS: usize = 9;

type Failure = Box<dyn std::error::Error>;

struct Song {
    name: String,
    bytes: Vec<u8>,
}

fn main() -> Result<(), Failure> {
    if cfg!(debug_assertions) {
        println!("note: this is not a release build; its times say nothing");
    }
    let (mut python, mut data) = (None, None);
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--python") => python = arguments.next().zip(arguments.next()),
            Some("--data") => data = arguments.next(),
            _ => return Err("use: bench-midi [--python PYTHON SCRIPT] [--data FOLDER]".into()),
        }
    }
    let mut songs: Vec<Song> = (0..SONGS).flat_map(songs::make).collect();
    match &data {
        Some(folder) => songs.extend(real(folder)?),
        None => println!("no folder of real files was given: only those made here are measured"),
    }
    let mut mido = python.map(|(python, script)| Mido::start(&python, &script)).transpose()?;
    agreement(&songs, &mut mido)?;
    damaged(&songs, &mut mido)?;
    speed(&songs, &mut mido)
}

fn real(folder: &Path) -> Result<Vec<Song>, Failure> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "mid"));
    paths.sort();
    let song = |path: &PathBuf| -> Result<Song, Failure> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Song { name, bytes: fs::read(path)? })
    };
    paths.iter().map(song).collect()
}

/// Good files: where a reader differs from ours, and in what.
fn agreement(songs: &[Song], mido: &mut Option<Mido>) -> Result<(), Failure> {
    println!("\n{} good files, ours beside another reader: files in which all is equal", songs.len());
    println!(
        "| other | onset, channel, pitch | durations too | both, equal pitches parted | tempo map | length within 1 ms | notes |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut differences = Vec::new();
    let mut others: Vec<(&str, Vec<Option<Found>>)> =
        vec![("midly", songs.iter().map(|song| readers::midly(&song.bytes)).collect())];
    if let Some(mido) = mido {
        let found = songs.iter().map(|song| mido.read(&song.bytes).map(|(found, _)| found));
        others.push(("mido", found.collect::<Result<_, _>>()?));
    }
    for (name, found) in others {
        let (mut equal, mut notes) = ([0; 5], 0);
        for (song, theirs) in songs.iter().zip(found) {
            let (Some(ours), Some(theirs)) = (readers::ours(&song.bytes), theirs) else {
                differences.push(format!("{}: a reader refuses it", song.name));
                continue;
            };
            notes += ours.notes.len();
            let same = [
                ours.onsets() == theirs.onsets(),
                ours.notes == theirs.notes,
                ours.parted == theirs.parted,
                ours.tempos == theirs.tempos,
                (ours.seconds - theirs.seconds).abs() < 1e-3,
            ];
            equal.iter_mut().zip(same).for_each(|(count, same)| *count += usize::from(same));
            if same != [true; 5] {
                let (count, theirs_count) = (ours.notes.len(), theirs.notes.len());
                let other = ours.parted.iter().filter(|note| theirs.parted.binary_search(note).is_err()).count();
                let name = format!("{}, {name}", song.name);
                differences
                    .push(format!("{name}: {count} notes, theirs {theirs_count}; parted, {other} of ours differ"));
            }
        }
        let counts = equal.map(|count| count.to_string()).join(" | ");
        println!("| {name} | {counts} | {notes} |");
    }
    differences.iter().for_each(|difference| println!("- {difference}"));
    Ok(())
}

#[derive(Default)]
struct Score {
    files: usize,
    refused: usize,
    lost_a_tenth: usize,
    lost_half: usize,
    kept: f64,
}

impl Score {
    fn add(&mut self, truth: &[(readers::Onset, u64)], found: Option<&Found>) {
        self.files += 1;
        let Some(found) = found else {
            self.refused += 1;
            self.lost_a_tenth += 1;
            self.lost_half += 1;
            return;
        };
        let mut left: BTreeMap<readers::Onset, usize> = BTreeMap::new();
        for (onset, _) in &found.parted {
            *left.entry(*onset).or_default() += 1;
        }
        let mut hit = 0;
        for (onset, _) in truth {
            if let Some(count) = left.get_mut(onset).filter(|count| **count > 0) {
                *count -= 1;
                hit += 1;
            }
        }
        let kept = f64::from(hit) / truth.len().max(1) as f64;
        self.kept += kept;
        self.lost_a_tenth += usize::from(kept < 0.9);
        self.lost_half += usize::from(kept < 0.5);
    }

    fn row(&self, name: &str) -> String {
        let Self { files, refused, lost_a_tenth, lost_half, kept } = self;
        let percent = 100.0 * kept / (*files).max(1) as f64;
        format!("{name} | {files} | {refused} | {lost_half} | {lost_a_tenth} | {percent:.1} %")
    }
}

/// Damaged files: how many of the notes that they had each reader still finds where they were.
fn damaged(songs: &[Song], mido: &mut Option<Mido>) -> Result<(), Failure> {
    println!("\nthe same files damaged, {TIMES} times in each way: files that lost notes");
    println!("| damage | reader | files | refused | lost half or more | lost a tenth or more | notes kept |");
    println!("|---|---|---|---|---|---|---|");
    for damage in Damage::ALL {
        let (mut ours, mut midly, mut theirs) = (Score::default(), Score::default(), Score::default());
        for (index, song) in songs.iter().enumerate() {
            let Some(truth) = readers::midly(&song.bytes).map(|found| found.parted) else { continue };
            for time in 0..TIMES {
                let bytes = damage.apply(&song.bytes, index as u64 * TIMES + time);
                ours.add(&truth, readers::ours(&bytes).as_ref());
                midly.add(&truth, readers::midly(&bytes).as_ref());
                if let Some(mido) = mido {
                    theirs.add(&truth, mido.read(&bytes)?.0.as_ref());
                }
            }
        }
        println!("| {} | {} |", damage.name(), ours.row("ours"));
        println!("| | {} |", midly.row("midly"));
        if mido.is_some() {
            println!("| | {} |", theirs.row("mido"));
        }
    }
    Ok(())
}

/// Medians over rounds in turns, of all good files together.
fn speed(songs: &[Song], mido: &mut Option<Mido>) -> Result<(), Failure> {
    let mut times: [Vec<Duration>; 3] = Default::default();
    let bytes: usize = songs.iter().map(|song| song.bytes.len()).sum();
    let notes: usize = songs.iter().filter_map(|song| readers::ours(&song.bytes)).map(|found| found.notes.len()).sum();
    for _ in 0..ROUNDS {
        for (reader, times) in times.iter_mut().enumerate() {
            let start = Instant::now();
            for song in songs {
                match reader {
                    0 => drop(std::hint::black_box(music::smf::read(&song.bytes, &music::smf::Limits::default()))),
                    1 => drop(std::hint::black_box(midly::Smf::parse(&song.bytes))),
                    _ => drop(std::hint::black_box(readers::midly(&song.bytes))),
                }
            }
            times.push(start.elapsed());
        }
    }
    println!("\nall good files ({bytes} bytes, {notes} notes), medians of {ROUNDS} rounds in turns");
    println!("| reader | ms | MB/s | ns/note |");
    println!("|---|---|---|---|");
    let row = |name: &str, seconds: f64| {
        let (rate, note) = (bytes as f64 / 1e6 / seconds, seconds * 1e9 / notes.max(1) as f64);
        println!("| {name} | {:.2} | {rate:.1} | {note:.0} |", seconds * 1e3);
    };
    let names = ["ours, a whole score", "midly, events only", "midly, and notes paired"];
    for (name, times) in names.into_iter().zip(&mut times) {
        times.sort();
        row(name, times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64));
    }
    if let Some(mido) = mido {
        let mut seconds = 0.0;
        for song in songs {
            seconds += mido.read(&song.bytes)?.1;
        }
        row("mido, events only", seconds);
    }
    Ok(())
}
