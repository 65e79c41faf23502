//! Bytes of songs and archives, made by the tests themselves.

#![allow(dead_code)] // the seeds of a fuzzer use a part

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use zip::{ZipWriter, write::SimpleFileOptions};

/// A MIDI file of four bars that differs by `seed` and calls itself `title`.
pub fn midi(seed: u8, title: &str) -> Vec<u8> {
    let mut track = vec![0, 0xff, 0x03, title.len() as u8];
    track.extend(title.bytes());
    for beat in 0..16_u8 {
        let key = 48 + (seed.wrapping_mul(7).wrapping_add(beat * 5)) % 36;
        track.extend([0, 0x90, key, 64 + seed % 60]);
        track.extend([0x60, 0x80, key, 0]);
    }
    track.extend([0, 0xff, 0x01, 1, seed]);
    track.extend([0, 0xff, 0x2f, 0]);
    let mut file = b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk".to_vec();
    file.extend((track.len() as u32).to_be_bytes());
    file.extend(track);
    file
}

pub fn zip_of(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

pub fn tar_of(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut tar: Vec<u8> = entries.iter().flat_map(|(name, bytes)| tar_entry(name.as_bytes(), b'0', bytes)).collect();
    tar.extend([0; 1024]);
    tar
}

/// One entry with any name and kind: the libraries that write archives refuse what attackers send.
pub fn tar_entry(name: &[u8], kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    header[..name.len()].copy_from_slice(name);
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", bytes.len()).as_bytes());
    header[136..148].copy_from_slice(b"00000000000\0");
    header[148..156].fill(b' ');
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut entry = header.to_vec();
    entry.extend(bytes);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}
