//! Fonts and songs for tests: small fonts of any shape, written byte by byte, and scores.

// The seeds of the fuzzer use a part of it.
#![allow(dead_code)]

use std::ops::ControlFlow;

use music::{
    Score,
    score::{Control, ControlChange, MeterChange, Part, ScoreNote, TempoChange},
};
use soundfont::{Instruments, RenderError, RenderSettings, RustySynth, Song, StemMix, StemSpec, render};

pub const RATE: u32 = 44_100;

// Generators.
pub const PAN: u16 = 17;
pub const RELEASE: u16 = 38;
pub const INSTRUMENT: u16 = 41;
pub const KEYS: u16 = 43;
pub const VELOCITIES: u16 = 44;
pub const SAMPLE: u16 = 53;
pub const MODE: u16 = 54;
pub const CLASS: u16 = 57;
pub const ROOT: u16 = 58;

pub fn range(low: u16, high: u16) -> u16 {
    low | high << 8
}

/// A sample: its bytes in the chunk (frames, or a compressed stream), its places, rate, root key and type.
#[derive(Clone)]
pub struct TestSample {
    pub bytes: Vec<u8>,
    pub is_compressed: bool,
    /// From the first frame.
    pub repeats: (u32, u32),
    pub rate_hz: u32,
    pub root_key: u8,
}

impl TestSample {
    pub fn of(frames: &[i16], repeats: (u32, u32)) -> Self {
        let bytes = frames.iter().flat_map(|frame| frame.to_le_bytes()).collect();
        Self { bytes, is_compressed: false, repeats, rate_hz: RATE, root_key: 60 }
    }

    /// A sine of a whole number of frames for each wave, repeated as a whole.
    pub fn sine(period: u32, waves: u32) -> Self {
        let frames = period * waves;
        let wave = |i: u32| (((i % period) as f32 * std::f32::consts::TAU / period as f32).sin() * 20_000.0) as i16;
        Self::of(&(0..frames).map(wave).collect::<Vec<_>>(), (0, frames))
    }
}

type Zones = Vec<Vec<(u16, u16)>>;

/// A font from its parts.
#[derive(Clone, Default)]
pub struct TestFont {
    pub samples: Vec<TestSample>,
    pub instruments: Vec<Zones>,
    /// Bank, program and zones.
    pub presets: Vec<(u16, u16, Zones)>,
    /// Source, destination and amount.
    pub modulators: Vec<(u16, u16, u16)>,
    pub copyright: Option<String>,
    /// Whether a pad byte is missing after the samples, as in files of some writers.
    pub forgets_pad: bool,
}

impl TestFont {
    /// One instrument of the zones, for a program or for drums.
    pub fn of(samples: Vec<TestSample>, bank: u16, zones: Zones) -> Self {
        let presets = vec![(bank, 0, vec![vec![(INSTRUMENT, 0)]])];
        Self { samples, instruments: vec![zones], presets, ..Self::default() }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let words = |values: &[u16]| -> Vec<u8> { values.iter().flat_map(|value| value.to_le_bytes()).collect() };
        let name = |text: &str| -> Vec<u8> {
            let mut bytes = text.as_bytes().to_vec();
            bytes.resize(20, 0);
            bytes
        };
        let (mut wave, mut heads) = (Vec::new(), Vec::new());
        for sample in &self.samples {
            let unit = if sample.is_compressed { 1 } else { 2 };
            let (start, length) = (wave.len() as u32 / unit, sample.bytes.len() as u32 / unit);
            wave.extend(&sample.bytes);
            if !sample.is_compressed {
                wave.resize(wave.len() + 92, 0);
            }
            let first = if sample.is_compressed { 0 } else { start };
            heads.extend(name("sample"));
            for value in [start, start + length, first + sample.repeats.0, first + sample.repeats.1, sample.rate_hz] {
                heads.extend(value.to_le_bytes());
            }
            heads.extend([sample.root_key, 0, 0, 0, if sample.is_compressed { 0x11 } else { 1 }, 0]);
        }
        heads.extend([0; 46]);
        let bags = |all: &[&Zones]| {
            let (mut starts, mut bag, mut gens) = (Vec::new(), Vec::new(), Vec::new());
            for zones in all {
                starts.push((bag.len() / 4) as u16);
                for zone in *zones {
                    bag.extend(words(&[(gens.len() / 4) as u16, 0]));
                    gens.extend(zone.iter().flat_map(|(number, amount)| words(&[*number, *amount])));
                }
            }
            starts.push((bag.len() / 4) as u16);
            bag.extend(words(&[(gens.len() / 4) as u16, 0]));
            gens.extend([0; 4]);
            (starts, bag, gens)
        };
        let (starts, ibag, igen) = bags(&self.instruments.iter().collect::<Vec<_>>());
        let inst: Vec<u8> = starts.iter().flat_map(|start| [name("zones"), words(&[*start])].concat()).collect();
        let (starts, pbag, pgen) = bags(&self.presets.iter().map(|preset| &preset.2).collect::<Vec<_>>());
        let ids = self.presets.iter().map(|preset| (preset.0, preset.1)).chain([(0, 0)]);
        let phdr: Vec<u8> = ids
            .zip(&starts)
            .flat_map(|((bank, program), start)| {
                [name("preset"), words(&[program, bank, *start]), vec![0; 12]].concat()
            })
            .collect();
        let mut pmod: Vec<u8> = self
            .modulators
            .iter()
            .flat_map(|(source, destination, amount)| words(&[*source, *destination, *amount, 0, 0]))
            .collect();
        pmod.extend([0; 10]);
        let mut info =
            chunk(b"ifil", &if self.samples.iter().any(|s| s.is_compressed) { [3, 0, 0, 0] } else { [2, 0, 1, 0] });
        if let Some(copyright) = &self.copyright {
            info.extend(chunk(b"ICOP", &[copyright.as_bytes(), &[0]].concat()));
        }
        let mut sdta = chunk(b"smpl", &wave);
        if self.forgets_pad && wave.len() % 2 == 1 {
            sdta.pop();
        }
        let pdta: Vec<u8> = [
            (b"phdr", phdr),
            (b"pbag", pbag),
            (b"pmod", pmod),
            (b"pgen", pgen),
            (b"inst", inst),
            (b"ibag", ibag),
            (b"imod", vec![0; 10]),
            (b"igen", igen),
            (b"shdr", heads),
        ]
        .iter()
        .flat_map(|(name, body)| chunk(name, body))
        .collect();
        let list = |name: &[u8; 4], body: &[u8]| {
            let mut list = chunk(b"LIST", &[name.as_slice(), body].concat());
            if self.forgets_pad && body.len() % 2 == 1 {
                list.pop();
            }
            list
        };
        chunk(b"RIFF", &[b"sfbk".to_vec(), list(b"INFO", &info), list(b"sdta", &sdta), list(b"pdta", &pdta)].concat())
    }

    pub fn instruments(&self) -> Instruments {
        Instruments::from_bytes("test.sf2", self.bytes()).unwrap()
    }
}

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = name.to_vec();
    out.extend((body.len() as u32).to_le_bytes());
    out.extend(body);
    out.resize(out.len() + body.len() % 2, 0);
    out
}

/// A second is 960 ticks. Every part gets a track and a channel of its own.
pub fn score(mut parts: Vec<Part>) -> Score {
    for (index, part) in parts.iter_mut().enumerate() {
        (part.track, part.port) = (index as u16, (index % 128) as u8);
        part.channel = if part.drums { 9 } else { (index / 128) as u8 };
    }
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

/// Notes are onset, duration, pitch and velocity.
pub fn part(program: u8, drums: bool, notes: &[(u64, u64, u8, u8)], controls: &[(u64, ControlChange)]) -> Part {
    let notes = notes.iter().map(|&(onset, duration, pitch, velocity)| ScoreNote { onset, duration, pitch, velocity });
    Part {
        track: 0,
        port: 0,
        channel: if drums { 9 } else { 0 },
        name: String::new(),
        program,
        drums,
        notes: notes.collect(),
        controls: controls.iter().map(|&(at, change)| Control { at, change }).collect(),
    }
}

/// One stem without equaliser or room.
pub fn dry(parts: usize) -> Vec<StemSpec> {
    let mix = StemMix { gain_db: 0.0, low_db: 0.0, high_db: 0.0, room: 0.0 };
    vec![StemSpec { name: "all".to_owned(), parts: (0..parts).collect(), mix }]
}

/// A stem for each part.
pub fn stem_each(parts: usize) -> Vec<StemSpec> {
    let mixes = [StemMix::DRUMS, StemMix::BASS, StemMix::CHORDS, StemMix::MELODY, StemMix::PAD];
    (0..parts)
        .map(|part| StemSpec { name: format!("stem {part}"), parts: vec![part], mix: mixes[part % mixes.len()] })
        .collect()
}

pub fn rendered(
    instruments: &Instruments,
    score: &Score,
    stems: &[StemSpec],
    settings: &RenderSettings,
) -> Result<Song, RenderError> {
    render(&RustySynth::new(instruments.clone()), score, stems, settings, &mut |_| ControlFlow::Continue(()))
}

/// The mix, interleaved.
pub fn mix(song: &Song) -> Vec<f32> {
    let mut samples = Vec::new();
    let sink = |block: &[f32]| {
        samples.extend_from_slice(block);
        Ok::<_, media::MediaError>(())
    };
    song.master.each(sink).unwrap();
    samples
}

pub fn stem(song: &Song, index: usize) -> Vec<f32> {
    let mut samples = Vec::new();
    let sink = |block: &[f32]| {
        samples.extend_from_slice(block);
        Ok::<_, media::MediaError>(())
    };
    song.master.each_of_stem(index, sink).unwrap();
    samples
}

/// The mix of a score on one dry stem, before the master's gain; left and right.
pub fn played(instruments: &Instruments, score: &Score) -> (Vec<f32>, Vec<f32>) {
    let song = rendered(instruments, score, &dry(score.parts.len()), &RenderSettings::default()).unwrap();
    let back = 10f64.powf(-song.master.gain_db / 20.0) as f32;
    mix(&song).chunks_exact(2).map(|pair| (pair[0] * back, pair[1] * back)).unzip()
}

/// Root mean square of a stretch in seconds, in dBFS.
pub fn level(side: &[f32], from: f64, until: f64) -> f64 {
    let at = |seconds: f64| ((seconds * f64::from(RATE)) as usize).min(side.len());
    let part = &side[at(from)..at(until)];
    10.0 * (part.iter().map(|x| f64::from(x * x)).sum::<f64>() / part.len().max(1) as f64).max(1e-20).log10()
}

/// Frequency of a plain tone in a stretch in seconds, by its crossings of zero upwards.
pub fn frequency(side: &[f32], from: f64, until: f64) -> f64 {
    let at = |seconds: f64| (seconds * f64::from(RATE)) as usize;
    let part = &side[at(from)..at(until)];
    let crossings: Vec<f64> = part
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0] < 0.0 && pair[1] >= 0.0)
        .map(|(index, pair)| index as f64 + f64::from(-pair[0] / (pair[1] - pair[0])))
        .collect();
    let (first, last) = (crossings[0], crossings[crossings.len() - 1]);
    (crossings.len() - 1) as f64 * f64::from(RATE) / (last - first)
}

/// Numbers that look random and are always the same (xorshift: G. Marsaglia, 2003).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        (0..8).for_each(|_| _ = random.below(2));
        random
    }

    pub fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % count.max(1)
    }
}
