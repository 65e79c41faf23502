//! What the tests share: recordings and archives, made by the tests themselves.

use std::{
    f32::consts::TAU,
    fs::File,
    io::{Cursor, Read, Seek, SeekFrom, Write},
    ops::ControlFlow,
};

use media::{Audio, Bounds, Encoding, Tags, encode};
use training::{FileReport, NamedFile, Options, Prepared, Report, TrainingError, Verdict, prepare};
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

pub const RATE_HZ: u32 = 44_100;

/// Plucked chords, one a beat: I IV V I in the major key of a tonic (a MIDI pitch).
pub fn song(seconds: f64, bpm: f64, tonic: u8) -> Vec<f32> {
    const CHORDS: [[u8; 3]; 4] = [[0, 4, 7], [5, 9, 12], [7, 11, 14], [0, 4, 7]];
    let rate = RATE_HZ as f32;
    let beat = (f64::from(RATE_HZ) * 60.0 / bpm) as usize;
    let note = |pitch: u8| 440.0 * 2f32.powf((f32::from(tonic + pitch) - 69.0) / 12.0);
    let sample = |i: usize| {
        let time = (i % beat) as f32 / rate;
        // Two beats a chord, the first of four stronger.
        let chord = CHORDS[i / beat / 2 % 4];
        let strong = if (i / beat).is_multiple_of(4) { 1.0 } else { 0.7 };
        let wave = |pitch: u8| {
            let phase = TAU * note(pitch) * time;
            phase.sin() + 0.4 * (2.0 * phase).sin() + 0.2 * (3.0 * phase).sin()
        };
        let attack = (time * 500.0).min(1.0);
        0.12 * strong * attack * (-3.0 * time).exp() * chord.into_iter().map(wave).sum::<f32>()
    };
    (0..(seconds * f64::from(RATE_HZ)) as usize).map(sample).collect()
}

/// Another song for every number.
pub fn some_song(number: u8, seconds: f64) -> Vec<f32> {
    song(seconds, 90.0 + f64::from(number), 48 + number % 12)
}

pub fn silence(seconds: f64) -> Vec<f32> {
    vec![0.0; (seconds * f64::from(RATE_HZ)) as usize]
}

pub fn wav(samples: &[f32]) -> Vec<u8> {
    encoded(samples, Encoding::Wav16, &Tags::default())
}

pub fn encoded(samples: &[f32], encoding: Encoding, tags: &Tags) -> Vec<u8> {
    encode(samples, RATE_HZ, 1, encoding, tags).unwrap()
}

pub fn named(name: &str, bytes: &[u8]) -> NamedFile {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    NamedFile { name: name.to_owned(), file }
}

pub fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub fn run(inputs: Vec<NamedFile>, options: &Options) -> Result<Prepared, TrainingError> {
    prepare(inputs, options, &mut |_| ControlFlow::Continue(()))
}

/// Options under which little is enough.
pub fn lenient() -> Options {
    let mut options = Options::default();
    options.limits.least_seconds = 30.0;
    options
}

/// The report, whether it was enough or not.
pub fn report(inputs: Vec<NamedFile>, options: &Options) -> Report {
    match run(inputs, options) {
        Ok(prepared) => prepared.report,
        Err(TrainingError::TooLittle { report, .. }) => *report,
        Err(error) => panic!("{error}"),
    }
}

/// A line for each file: what became of it.
pub fn lines(report: &Report) -> Vec<String> {
    let line = |file: &FileReport| {
        let verdict = match &file.verdict {
            Verdict::Used { pieces } => format!("used in {}", pieces.len()),
            Verdict::Refused { code, why } => {
                assert!(why.ends_with('.'), "{why:?} is no sentence");
                code.clone()
            }
            Verdict::Duplicate { of } => format!("same as {of}"),
            Verdict::PassedOver => "passed over".to_owned(),
        };
        format!("{}: {verdict}", file.path)
    };
    report.files.iter().map(line).collect()
}

/// A packed file.
pub fn entry(archive: &File, name: &str) -> Vec<u8> {
    let mut zip = ZipArchive::new(archive.try_clone().unwrap()).unwrap();
    let mut bytes = Vec::new();
    zip.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

pub fn entries(archive: &File) -> Vec<String> {
    let zip = ZipArchive::new(archive.try_clone().unwrap()).unwrap();
    zip.file_names().map(|name| name.unwrap().to_string()).collect()
}

pub fn sound(archive: &File, name: &str) -> Audio {
    media::decode(Cursor::new(entry(archive, name)), &Bounds::default()).unwrap()
}
