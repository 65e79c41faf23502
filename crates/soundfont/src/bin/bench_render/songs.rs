//! Songs for the benchmark: its own, and those of a folder.

use std::{fs, path::Path};

use music::{
    Score,
    score::{Control, ControlChange, MeterChange, Part, ScoreNote, TempoChange},
    smf,
};
use soundfont::{StemMix, StemSpec};

use super::Failure;

const TICKS: u64 = 480;
const BAR: u64 = 4 * TICKS;
/// 84 bars of four beats at 112 in a minute are three minutes.
const BARS: u64 = 84;
const MICROS: u32 = 535_714;

/// Three minutes of drums, bass, piano, guitar, strings, flute and vibraphone over eight chords, always the same.
pub(super) fn own() -> Score {
    const ROOTS: [u8; 8] = [0, 9, 5, 7, 0, 4, 5, 7];
    const MINOR: [bool; 8] = [false, true, false, false, false, true, false, false];
    let mut notes: [Vec<ScoreNote>; 7] = Default::default();
    let mut play = |part: usize, onset: u64, duration: u64, pitch: u8, velocity: u64| {
        notes[part].push(ScoreNote { onset, duration, pitch, velocity: velocity.min(127) as u8 });
    };
    for bar in 0..BARS {
        let (at, chord) = (bar * BAR, (bar % 8) as usize);
        let root = ROOTS[chord];
        let tones = [root, root + if MINOR[chord] { 3 } else { 4 }, root + 7, root + 12];
        // A part rests in some of the eight-bar sections, so that the song has a form.
        let section = bar / 8;
        for eighth in 0..8 {
            let now = at + eighth * TICKS / 2;
            let accent = 12 * u64::from(eighth % 4 == 0);
            if section > 0 {
                play(0, now, 100, if eighth == 7 && bar % 4 == 3 { 46 } else { 42 }, 64 + accent);
                match eighth {
                    0 | 5 => play(0, now, 100, 36, 104),
                    2 | 6 => play(0, now, 100, 38, 98),
                    _ => {}
                }
                if eighth == 0 && bar % 8 == 0 {
                    play(0, now, 400, 49, 96);
                }
            }
            play(1, now, 200, 36 + root - if root > 7 { 12 } else { 0 } + if eighth == 3 { 7 } else { 0 }, 84 + accent);
            if section % 3 != 0 {
                play(3, now, 220, 48 + tones[[0, 2, 1, 3, 2, 1, 3, 2][eighth as usize]], 62 + accent);
            }
            if section % 2 == 1 {
                let step = (bar * 5 + eighth * 3) % 7;
                play(5, now, 210, 72 + tones[(step % 4) as usize], 70 + 4 * step);
            }
        }
        for tone in tones {
            play(2, at, BAR - 40, 48 + tone, 70);
            if section > 1 {
                play(4, at, BAR, 60 + tone, 58);
            }
        }
        if section > 3 {
            play(6, at + TICKS, TICKS, 72 + tones[1], 66);
            play(6, at + 3 * TICKS, TICKS, 72 + tones[2], 60);
        }
    }
    let pedal = |bar: u64| [(bar * BAR + 20, 127), (bar * BAR + BAR - 20, 0)];
    let pedals: Vec<_> = (0..BARS).flat_map(pedal).map(|(at, value)| (at, 64, value)).collect();
    let programs = [
        (0, true, 64),
        (33, false, 64),
        (0, false, 50),
        (25, false, 84),
        (48, false, 64),
        (73, false, 74),
        (11, false, 40),
    ];
    let parts = notes.into_iter().zip(programs).enumerate().map(|(index, (notes, (program, drums, pan)))| {
        let place = [(0, 10, pan)];
        let pedals = if index == 2 { pedals.as_slice() } else { &[] };
        let controls = place
            .iter()
            .chain(pedals)
            .map(|&(at, number, value)| Control { at, change: ControlChange::Controller(number, value) });
        let channel = if drums { 9 } else { index as u8 };
        let name = String::new();
        Part { track: index as u16, port: 0, channel, name, program, drums, notes, controls: controls.collect() }
    });
    score(TICKS as u32, vec![TempoChange { at: 0, micros_per_quarter: MICROS }], parts.collect())
}

fn score(ticks_per_quarter: u32, tempos: Vec<TempoChange>, parts: Vec<Part>) -> Score {
    let end = parts.iter().flat_map(|part| &part.notes).map(ScoreNote::end).max().unwrap_or(0);
    Score {
        ticks_per_quarter,
        title: String::new(),
        tempos,
        meters: vec![MeterChange { at: 0, beats: 4, unit: 4 }],
        meter_is_given: false,
        key_signatures: Vec::new(),
        parts,
        lyrics: Vec::new(),
        markers: Vec::new(),
        end,
    }
}

/// Stems by what General MIDI says of the programs.
pub(super) fn stems(score: &Score) -> Vec<StemSpec> {
    let role = |part: &Part| match part.program {
        _ if part.drums => 0,
        32..=39 => 1,
        0..=31 => 2,
        40..=55 | 88..=103 => 4,
        _ => 3,
    };
    let stems = [
        ("drums", StemMix::DRUMS),
        ("bass", StemMix::BASS),
        ("chords", StemMix::CHORDS),
        ("melody", StemMix::MELODY),
        ("pad", StemMix::PAD),
    ];
    let stems = stems.into_iter().enumerate().map(|(index, (name, mix))| {
        let parts = score.parts.iter().enumerate().filter(|(_, part)| role(part) == index).map(|(place, _)| place);
        StemSpec { name: name.to_owned(), parts: parts.collect(), mix }
    });
    stems.collect()
}

/// The files of the folder that lives beside the project and not in it.
pub(super) fn shared() -> Vec<String> {
    let Some(folder) = std::env::var_os("DESCANT_SHARED_DATA") else { return Vec::new() };
    let entries = fs::read_dir(Path::new(&folder).join("midi")).into_iter().flatten().flatten();
    let mut files: Vec<String> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ends| ends == "mid"))
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    files.sort();
    files
}

/// A file as a score.
pub(super) fn read(path: &Path) -> Result<Score, Failure> {
    Ok(smf::read(&fs::read(path)?, &smf::Limits::default())?.score)
}

/// A score as a file, for programs that read no other form.
pub(super) fn midi_file(score: &Score) -> Vec<u8> {
    smf::write(score)
}
