//! What the tests of this crate share: the ffmpeg command line as a second opinion, WAVE files with any header.
#![allow(dead_code)] // each program uses a part

use std::{
    io::Cursor,
    path::Path,
    process::{Command, Output, Stdio},
};

use domain::audio::{AudioFacts, AudioLimits, FindingCode, judge};
use media::{Bounds, Encoding, MediaError, Tags, encode, finding, inspect, sample};

pub const RATE_HZ: u32 = 44_100;

/// Runs a program of the ffmpeg package; its absence fails the test, because the comparison is the test.
pub fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap_or_else(|error| {
        panic!("{program} does not run ({error}): these tests need the ffmpeg package installed")
    });
    assert!(
        output.status.success(),
        "{program} {arguments:?} failed: {}",
        String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default()
    );
    output
}

pub fn ffmpeg(arguments: &[&str]) -> String {
    let all = [&["-nostdin", "-hide_banner", "-y"], arguments].concat();
    String::from_utf8_lossy(&run("ffmpeg", &all).stderr).into_owned()
}

/// The number after the last `label` in ffmpeg's log.
pub fn figure(log: &str, label: &str) -> f64 {
    let after = log.rsplit_once(label).unwrap_or_else(|| panic!("no {label} in {log}")).1;
    after.split_whitespace().next().unwrap().parse().unwrap_or_else(|_| panic!("no number after {label}"))
}

pub fn path_text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn inspect_bytes(bytes: &[u8]) -> Result<AudioFacts, MediaError> {
    inspect_within(bytes, &Bounds::default())
}

pub fn inspect_within(bytes: &[u8], bounds: &Bounds) -> Result<AudioFacts, MediaError> {
    inspect(Cursor::new(bytes.to_vec()), bytes.len() as u64, bounds)
}

pub fn encoded(seconds: f64, channels: u16, encoding: Encoding) -> Vec<u8> {
    encode(&sample::voice(seconds, RATE_HZ, channels), RATE_HZ, channels, encoding, &Tags::default()).unwrap()
}

/// All formats that the encoder writes.
pub const ENCODINGS: [Encoding; 5] = [
    Encoding::Wav16,
    Encoding::Mp3 { kbps: 128 },
    Encoding::Flac,
    Encoding::M4a { kbps: 128 },
    Encoding::Ogg { quality: 5.0 },
];

/// An ADTS stream, the one accepted format that the encoder does not write: made from an M4A by the command line.
pub fn adts(folder: &Path, seconds: f64) -> Vec<u8> {
    let (from, to) = (folder.join("in.m4a"), folder.join("out.aac"));
    std::fs::write(&from, encoded(seconds, 2, Encoding::M4a { kbps: 128 })).unwrap();
    ffmpeg(&["-i", path_text(&from), "-c", "copy", "-f", "adts", path_text(&to)]);
    std::fs::read(to).unwrap()
}

/// A stereo voice in a codec and container that the encoder does not write.
pub fn transcoded(folder: &Path, seconds: f64, codec: &str, muxer: &str) -> Vec<u8> {
    let (from, to) = (folder.join("in.wav"), folder.join("out.bin"));
    std::fs::write(&from, encoded(seconds, 2, Encoding::Wav16)).unwrap();
    ffmpeg(&["-i", path_text(&from), "-c:a", codec, "-f", muxer, path_text(&to)]);
    std::fs::read(to).unwrap()
}

/// The header fields of a WAVE file, each free to lie.
#[derive(Clone)]
pub struct Wave {
    pub tag: u16,
    pub channels: u16,
    pub rate_hz: u32,
    pub bits: u16,
    /// Instead of what follows from the fields above.
    pub byte_rate: Option<u32>,
    pub block_align: Option<u16>,
    pub data_bytes: Option<u32>,
    pub riff_bytes: Option<u32>,
    /// Whether the format is written as `WAVE_FORMAT_EXTENSIBLE`.
    pub is_extensible: bool,
    /// Whole chunks in front of the format and of the data.
    pub before_format: Vec<u8>,
    pub before_data: Vec<u8>,
    pub data: Vec<u8>,
}

impl Wave {
    pub fn new(tag: u16, channels: u16, rate_hz: u32, bits: u16, data: Vec<u8>) -> Self {
        Self {
            tag,
            channels,
            rate_hz,
            bits,
            byte_rate: None,
            block_align: None,
            data_bytes: None,
            riff_bytes: None,
            is_extensible: false,
            before_format: Vec::new(),
            before_data: Vec::new(),
            data,
        }
    }

    pub fn pcm16(rate_hz: u32, channels: u16, samples: impl IntoIterator<Item = i16>) -> Self {
        let data = samples.into_iter().flat_map(i16::to_le_bytes).collect();
        Self::new(1, channels, rate_hz, 16, data)
    }

    pub fn float(rate_hz: u32, samples: impl IntoIterator<Item = f32>) -> Self {
        let data = samples.into_iter().flat_map(f32::to_le_bytes).collect();
        Self::new(3, 1, rate_hz, 32, data)
    }

    pub fn bytes(&self) -> Vec<u8> {
        let data_bytes = self.data_bytes.unwrap_or(self.data.len() as u32);
        let block = self.channels.wrapping_mul(self.bits / 8);
        let mut format = Vec::new();
        format.extend(if self.is_extensible { 0xfffe } else { self.tag }.to_le_bytes());
        format.extend(self.channels.to_le_bytes());
        format.extend(self.rate_hz.to_le_bytes());
        let byte_rate = self.rate_hz.wrapping_mul(u32::from(block));
        format.extend(self.byte_rate.unwrap_or(byte_rate).to_le_bytes());
        format.extend(self.block_align.unwrap_or(block).to_le_bytes());
        format.extend(self.bits.to_le_bytes());
        if self.is_extensible {
            format.extend(22u16.to_le_bytes());
            format.extend(self.bits.to_le_bytes());
            format.extend([0; 4]);
            format.extend(self.tag.to_le_bytes());
            format.extend(b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71");
        }
        let mut file = b"RIFF".to_vec();
        let other_bytes = (20 + format.len() + self.before_format.len() + self.before_data.len()) as u32;
        file.extend(self.riff_bytes.unwrap_or(data_bytes.wrapping_add(other_bytes)).to_le_bytes());
        file.extend(b"WAVE");
        file.extend(&self.before_format);
        file.extend(b"fmt ");
        file.extend((format.len() as u32).to_le_bytes());
        file.extend(format);
        file.extend(&self.before_data);
        file.extend(b"data");
        file.extend(data_bytes.to_le_bytes());
        file.extend(&self.data);
        file
    }
}

/// A voice as 16-bit samples.
pub fn voice16(seconds: f64, rate_hz: u32, channels: u16) -> Vec<i16> {
    sample::voice(seconds, rate_hz, channels).iter().map(|x| (x * 32767.0).round() as i16).collect()
}

/// The errors that a file's owner is told.
pub fn errors_of(bytes: &[u8]) -> Vec<FindingCode> {
    match inspect_bytes(bytes) {
        Ok(facts) => judge(facts, None, &AudioLimits::default()).errors().map(|finding| finding.code).collect(),
        Err(error) => vec![finding(&error).code],
    }
}

/// A sine of `amplitude` (1 is full scale) as 16-bit samples.
pub fn sine16(hz: f64, seconds: f64, rate_hz: u32, amplitude: f64) -> Vec<i16> {
    (0..(seconds * f64::from(rate_hz)) as usize)
        .map(|i| {
            let value = amplitude * (std::f64::consts::TAU * hz * i as f64 / f64::from(rate_hz)).sin();
            (value.clamp(-1.0, 1.0) * 32767.0).round() as i16
        })
        .collect()
}

pub fn assert_close(what: &str, measured: f64, expected: f64, tolerance: f64) {
    assert!((measured - expected).abs() <= tolerance, "{what}: {measured} instead of {expected} ± {tolerance}");
}
