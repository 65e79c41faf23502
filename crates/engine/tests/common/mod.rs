//! Recordings with truth for the tests, where they are present, and the figures they are judged by.
#![allow(dead_code)]

pub mod made;
pub mod phrases;

use std::{fs, path::PathBuf};

use music::PitchTrack;

/// The folder of test recordings, or `None` (with one line saying so) where there is none.
pub fn shared_data() -> Option<PathBuf> {
    let folder = std::env::var_os("DESCANT_SHARED_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    if folder.join("audio").is_dir() {
        return Some(folder.join("audio"));
    }
    println!("no test recordings found; set DESCANT_SHARED_DATA to use them");
    None
}

/// Mono samples and rate of a 16-bit WAV or FLAC file. Panics with the reason on anything else.
pub fn read_audio(path: &std::path::Path) -> (Vec<f32>, u32) {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if bytes.starts_with(b"fLaC") { read_flac(&bytes) } else { read_wav(&bytes) }
}

fn read_flac(bytes: &[u8]) -> (Vec<f32>, u32) {
    let mut reader = claxon::FlacReader::new(bytes).expect("a FLAC header");
    let info = reader.streaminfo();
    assert_eq!(info.channels, 1, "the test recordings are mono");
    let scale = 1.0 / (1i64 << (info.bits_per_sample - 1)) as f32;
    let samples = reader.samples().map(|sample| sample.expect("a FLAC sample") as f32 * scale).collect();
    (samples, info.sample_rate)
}

fn read_wav(bytes: &[u8]) -> (Vec<f32>, u32) {
    assert_eq!(&bytes[8..12], b"WAVE");
    let (mut at, mut rate) = (12, 0);
    while at + 8 <= bytes.len() {
        let len = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().expect("four bytes")) as usize;
        let body = &bytes[at + 8..(at + 8 + len).min(bytes.len())];
        match &bytes[at..at + 4] {
            b"fmt " => {
                assert_eq!((body[0], body[2], body[14]), (1, 1, 16), "16-bit mono PCM");
                rate = u32::from_le_bytes(body[4..8].try_into().expect("four bytes"));
            }
            b"data" => {
                let samples = body.chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0);
                return (samples.collect(), rate);
            }
            _ => {}
        }
        at += 8 + len + len % 2;
    }
    panic!("a WAV file without a data chunk");
}

/// Rows of numbers.
pub fn read_csv(path: &std::path::Path) -> Vec<Vec<f64>> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.split(',').map(|cell| cell.trim().parse().expect("a number")).collect())
        .collect()
}

/// Figures of a track against truth, as `mir_eval.melody` defines them (50 cents, 10 ms grid), in percent.
#[derive(Debug, Clone, Copy)]
pub struct PitchFigures {
    pub raw_pitch: f64,
    pub raw_chroma: f64,
    pub voicing_recall: f64,
    pub false_alarm: f64,
    pub overall: f64,
    pub median_cents: f64,
}

impl std::fmt::Display for PitchFigures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { raw_pitch, raw_chroma, voicing_recall, false_alarm, overall, median_cents } = self;
        write!(
            f,
            "RPA {raw_pitch:5.1}  RCA {raw_chroma:5.1}  VR {voicing_recall:5.1}  FA {false_alarm:5.1}  OA {overall:5.1}  median {median_cents:4.1} cents"
        )
    }
}

/// `truth` gives F0 in Hz at a time, 0 where unvoiced, `None` where not known.
pub fn score(seconds: f64, truth: impl Fn(f64) -> Option<f64>, track: &PitchTrack) -> PitchFigures {
    let (mut voiced, mut unvoiced, mut right, mut chroma_right) = (0.0, 0.0, 0.0, 0.0);
    let (mut said_voiced, mut said_wrongly, mut overall) = (0.0, 0.0, 0.0);
    let mut errors = Vec::new();
    for step in 0..(seconds / 0.010) as usize {
        let time = step as f64 * 0.010;
        let Some(hz) = truth(time) else { continue };
        let Some(frame) = track.at(time) else { continue };
        if hz <= 0.0 {
            unvoiced += 1.0;
            if frame.voiced {
                said_wrongly += 1.0
            } else {
                overall += 1.0
            }
            continue;
        }
        voiced += 1.0;
        said_voiced += f64::from(u8::from(frame.voiced));
        if frame.hz > 0.0 {
            let error = music::cents_between(hz, f64::from(frame.hz));
            if error.abs() <= 50.0 {
                right += 1.0;
                overall += f64::from(u8::from(frame.voiced));
                errors.push(error.abs());
            }
            if ((error + 600.0).rem_euclid(1200.0) - 600.0).abs() <= 50.0 {
                chroma_right += 1.0;
            }
        }
    }
    errors.sort_by(f64::total_cmp);
    let share = |part: f64, whole: f64| if whole > 0.0 { 100.0 * part / whole } else { f64::NAN };
    PitchFigures {
        raw_pitch: share(right, voiced),
        raw_chroma: share(chroma_right, voiced),
        voicing_recall: share(said_voiced, voiced),
        false_alarm: share(said_wrongly, unvoiced),
        overall: share(overall, voiced + unvoiced),
        median_cents: errors.get(errors.len() / 2).copied().unwrap_or(f64::NAN),
    }
}

/// Nearest row of a truth file; −1 there means that nobody knows.
pub fn truth_at(rows: &[Vec<f64>], time: f64) -> Option<f64> {
    let after = rows.partition_point(|row| row[0] < time).clamp(1, rows.len() - 1);
    let row = if time - rows[after - 1][0] <= rows[after][0] - time { &rows[after - 1] } else { &rows[after] };
    (row[1] >= 0.0).then_some(row[1])
}
