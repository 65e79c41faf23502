//! Thousands of good and mutated files: no crash, and memory that stays where it was. A process of its own, one test at
//! a time, because the whole process's memory is what is measured.

#[path = "it/support/mod.rs"]
mod support;

use std::{fs, io::Cursor, sync::Mutex, time::Duration};

use media::{Bounds, Encoding, decode_mono};
use rand::{Rng, SeedableRng, rngs::StdRng};
use support::*;

static ALONE: Mutex<()> = Mutex::new(());

/// Resident memory of this process in KiB.
#[cfg(target_os = "linux")]
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn mutated_files_neither_crash_nor_leak() {
    let _alone = ALONE.lock().unwrap();
    const MUTANTS: usize = 150;
    let folder = tempfile::tempdir().unwrap();
    let mut originals: Vec<Vec<u8>> = ENCODINGS.iter().map(|&encoding| encoded(1.5, 2, encoding)).collect();
    originals.push(adts(folder.path(), 1.5));
    for (codec, muxer) in [("libopus", "webm"), ("pcm_s16be", "aiff"), ("alac", "caf")] {
        originals.push(transcoded(folder.path(), 1.5, codec, muxer));
    }
    let mut random = StdRng::seed_from_u64(2026);
    let mut mutate = |original: &[u8]| {
        let mut bytes = original.to_vec();
        for _ in 0..random.random_range(1..40) {
            let length = bytes.len();
            // Headers decide most, so half of the damage goes there.
            let at =
                if random.random() { random.random_range(0..length.min(256)) } else { random.random_range(0..length) };
            match random.random_range(0..4) {
                0 => bytes[at] = random.random(),
                1 => bytes[at] ^= 1 << random.random_range(0..8),
                2 => bytes[at] = [0x00, 0xff, 0x7f, 0x80][random.random_range(0..4)],
                _ if length > 600 => drop(bytes.drain(at..(at + random.random_range(1..64)).min(length))),
                _ => {}
            }
        }
        bytes
    };
    let bounds = Bounds { max_seconds: 60.0, deadline: Duration::from_secs(20), ..Bounds::default() };
    let mut try_one = |original: &[u8]| {
        let bytes = mutate(original);
        if let Ok(facts) = inspect_within(&bytes, &bounds) {
            assert!(facts.duration_seconds <= 60.0 && facts.mean_volume_dbfs.is_none_or(f64::is_finite));
            assert!((0.0..=1.0).contains(&facts.clipped_share));
        }
        if let Ok(mono) = decode_mono(Cursor::new(bytes), 16_000, &bounds) {
            assert!(mono.samples.iter().all(|sample| sample.is_finite()));
        }
    };
    for original in &originals {
        (0..MUTANTS / 3).for_each(|_| try_one(original));
    }
    #[cfg(target_os = "linux")]
    let before = resident_kib();
    for original in &originals {
        (0..MUTANTS).for_each(|_| try_one(original));
    }
    #[cfg(target_os = "linux")]
    {
        let grown = resident_kib().saturating_sub(before);
        // 1350 files of 10 to 260 KB: a leak of what they hold would be a hundred times this.
        assert!(grown < 48 * 1024, "memory grew by {grown} KiB");
    }
}

#[test]
fn reading_many_files_does_not_leak_packets() {
    let _alone = ALONE.lock().unwrap();
    #[cfg(target_os = "linux")]
    {
        let bytes = encoded(10.0, 2, Encoding::Wav16);
        let once = |_| drop(inspect_bytes(&bytes).unwrap());
        (0..5).for_each(once);
        let before = resident_kib();
        (0..60).for_each(once);
        let grown = resident_kib().saturating_sub(before);
        // 60 × 1.7 MB of packets, if they leaked.
        assert!(grown < 40 * 1024, "memory grew by {grown} KiB");
    }
}
