//! Figures of tunes beside those of real songs, and how much two seeds have in common.

use std::{collections::BTreeSet, path::Path};

use compose::{
    Composition, LineNote, Role, Style, TICKS_PER_QUARTER,
    measure::{Tune, figures, tune},
};

type FigureOf = fn(&Tune) -> f64;
type PatternsOf = fn(&Composition) -> BTreeSet<Vec<i32>>;

/// Least, median and most.
pub fn spread(values: &mut [f64]) -> String {
    values.sort_by(f64::total_cmp);
    match values {
        [] => "– | – | –".to_owned(),
        all => format!("{:.2} | {:.2} | {:.2}", all[0], all[all.len() / 2], all[all.len() - 1]),
    }
}

pub fn print(songs: &[(Style, Composition)], data: Option<&Path>) -> Result<(), super::Failure> {
    let ours: Vec<Tune> = songs.iter().filter_map(|(_, song)| tune(&song.lines[Role::Melody.index()])).collect();
    let real = match data {
        Some(folder) => real(folder)?,
        None => Vec::new(),
    };
    println!(
        "\n| figure of the tune | ours ({}): least | median | most | real songs ({}): least | median | most |",
        ours.len(),
        real.len()
    );
    println!("|---|---|---|---|---|---|---|");
    let rows: [(&str, FigureOf); 6] = [
        ("entropy of pitch classes, bits", |tune| tune.entropy),
        ("figures of four notes heard before", |tune| tune.repeated),
        ("mean interval, semitones", |tune| tune.mean_interval),
        ("different pitches", |tune| tune.pitches as f64),
        ("longest run of one pitch", |tune| tune.longest_run as f64),
        ("share at the edges", |tune| tune.at_edges),
    ];
    for (name, of) in rows {
        let column = |tunes: &[Tune]| spread(&mut tunes.iter().map(of).collect::<Vec<_>>());
        println!("| {name} | {} | {} |", column(&ours), column(&real));
    }
    println!(
        "\n| two seeds of one style have in common: share of the smaller | least | median | most |\n|---|---|---|---|"
    );
    let kinds: [(&str, PatternsOf); 5] = [
        ("figures of the tune", |song| figures(&song.lines[0]).into_iter().map(|figure| figure.to_vec()).collect()),
        ("rhythms of bars of the tune", |song| bars(song, Role::Melody, false)),
        ("bars of drums", |song| bars(song, Role::Drums, true)),
        ("rhythms of bars of bass", |song| bars(song, Role::Bass, false)),
        ("rhythms of bars of comping", |song| bars(song, Role::Comping, false)),
    ];
    for (name, of) in kinds {
        let mut shares = Vec::new();
        for style in Style::ALL {
            let own: Vec<BTreeSet<Vec<i32>>> =
                songs.iter().filter(|(one, _)| *one == style).map(|(_, song)| of(song)).collect();
            for (index, a) in own.iter().enumerate() {
                let with = own[index + 1..].iter().filter(|b| a.len().min(b.len()) > 0);
                shares.extend(with.map(|b| a.intersection(b).count() as f64 / a.len().min(b.len()) as f64));
            }
        }
        println!("| {name} | {} |", spread(&mut shares));
    }
    Ok(())
}

/// The different bars of a part: places in sixteenths and twelfths, with keys if they matter.
fn bars(song: &Composition, role: Role, with_keys: bool) -> BTreeSet<Vec<i32>> {
    let bar = song.effective.meter.quarters_per_bar() * TICKS_PER_QUARTER;
    let from = song.effective.pickup_beats * TICKS_PER_QUARTER;
    let mut all: std::collections::BTreeMap<u32, Vec<i32>> = Default::default();
    for note in song.lines[role.index()].iter().filter(|note| note.onset >= from) {
        let place = (note.onset - from) % bar;
        let own = all.entry((note.onset - from) / bar).or_default();
        own.push(place as i32 * 128 + if with_keys { i32::from(note.pitch) } else { 0 });
        own.dedup();
    }
    all.into_values().collect()
}

/// Tunes of the MIDI files of a folder, as the analysis finds them.
fn real(folder: &Path) -> Result<Vec<Tune>, super::Failure> {
    let mut files: Vec<_> = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "mid"));
    files.sort();
    let mut tunes = Vec::new();
    for path in files {
        let read = music::smf::read(&std::fs::read(&path)?, &music::smf::Limits::default())?;
        let analysis = music::analysis::analyse(&read.score);
        let ticks = |quarters: f64| (quarters.max(0.0) * f64::from(TICKS_PER_QUARTER)).round() as u32;
        let starts: Vec<f64> =
            analysis.bars.iter().map(|bar| bar.start as f64 / f64::from(read.score.ticks_per_quarter)).collect();
        let line = analysis.melody.notes.iter().filter_map(|note| {
            let start = starts.get(note.bar)?;
            // To the nearest sixteenth, as ours are written.
            let step = TICKS_PER_QUARTER / 4;
            let onset = (ticks(start + note.onset_quarters) + step / 2) / step * step;
            Some(LineNote { onset, duration: ticks(note.quarters).max(1), pitch: note.pitch, velocity: note.velocity })
        });
        tunes.extend(tune(&line.collect::<Vec<_>>()));
    }
    Ok(tunes)
}
