//! What honest and other archives give.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

use archive::{Limits, Refusal, Sink, Source, Stop};
use flate2::{Compression, write::GzEncoder};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

const LIMITS: Limits = Limits {
    archive_bytes: 1 << 20,
    entries: 8,
    file_bytes: 4 << 10,
    unpacked_bytes: 20 << 10,
    ratio: 200,
    depth: 4,
    strict_names: true,
};

#[derive(Default)]
struct Seen(Vec<(String, Result<usize, Refusal>)>);

impl Sink for Seen {
    type Content = usize;

    fn wants(&self, path: &str) -> bool {
        !path.ends_with(".skip")
    }

    fn read(&mut self, path: &str, from: &mut dyn Read) -> io::Result<usize> {
        // Whoever looks only at the beginning of a file is told of what is wrong behind it all the same.
        if path.ends_with(".part") {
            return from.read(&mut [0]);
        }
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes)
    }

    fn take(&mut self, path: String, content: Result<usize, Refusal>) -> Result<(), Stop> {
        self.0.push((path, content));
        Ok(())
    }
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file
}

fn walk(bytes: &[u8], limits: &Limits) -> Vec<String> {
    let mut seen = Seen::default();
    Source::File { name: "x".to_owned(), file: file(bytes) }.walk(limits, &mut seen).unwrap();
    let line = |(path, content): (String, Result<usize, Refusal>)| match content {
        Ok(length) => format!("{path}: {length}"),
        Err(refusal) => format!("{path}: {}", refusal.code()),
    };
    seen.0.into_iter().map(line).collect()
}

#[track_caller]
fn check(bytes: &[u8], expected: &[&str]) {
    assert_eq!(walk(bytes, &LIMITS), expected);
}

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn tar_of(entries: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut tar: Vec<u8> = entries.iter().flat_map(|(name, kind, bytes)| tar_entry(name, *kind, bytes)).collect();
    tar.extend([0; 1024]);
    tar
}

/// One entry with any name and kind: the libraries that write archives refuse what attackers send.
fn tar_entry(name: &str, kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
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

fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut noise);
    noise
}

#[test]
fn files_come_out_with_their_paths() {
    let entries: [(&str, &[u8]); 3] = [("a/1.wav", b"one"), ("./2.wav", b"two!"), ("__MACOSX/._2.wav", b"litter")];
    let found = ["x/a/1.wav: 3", "x/2.wav: 4"];
    check(&zip_of(&entries), &found);
    let tar = tar_of(&entries.map(|(name, bytes)| (name, b'0', bytes)));
    check(&tar, &found);
    check(&gzip(&tar), &found);
    check(b"one file", &["x: 8"]);
    check(&gzip(b"one file"), &["x: 8"]);
    check(b"", &["x: 0"]);
}

#[test]
fn tricks_are_refused_and_do_not_sink_the_rest() {
    check(
        &tar_of(&[
            ("/etc/passwd", b'0', b"a"),
            ("../up.wav", b'0', b"b"),
            ("link.wav", b'2', b""),
            ("hard.wav", b'1', b""),
            ("device.wav", b'3', b""),
            ("pipe.wav", b'6', b""),
            ("good.wav", b'0', b"good"),
        ]),
        &[
            "x/etc/passwd: odd_name",
            "x/up.wav: odd_name",
            "x/link.wav: link",
            "x/hard.wav: link",
            "x/device.wav: not_a_file",
            "x/pipe.wav: not_a_file",
            "x/good.wav: 4",
        ],
    );
    let mut linked = ZipWriter::new(io::Cursor::new(Vec::new()));
    linked.add_symlink("link.wav", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    check(&linked.finish().unwrap().into_inner(), &["x/link.wav: link"]);
    let inner = zip_of(&[("a", b"a")]);
    check(
        &zip_of(&[("a/../b", b"b"), ("in.wav", &inner), ("in.gz", &gzip(b"a")), ("c\u{7}", b"c"), ("good", b"good")]),
        &["x/a/b: odd_name", "x/in.wav: nested_archive", "x/in.gz: nested_archive", "x/c: odd_name", "x/good: 4"],
    );
    check(&gzip(&gzip(b"a")), &["x: nested_archive"]);
    let mended = Limits { strict_names: false, ..LIMITS };
    assert_eq!(walk(&zip_of(&[("/a/../b", b"b")]), &mended), ["x/a/b: 1"]);
}

#[test]
fn bounds_hold_at_the_edge_and_one_past_it() {
    let full = noise(1, 4 << 10);
    let over = noise(2, (4 << 10) + 1);
    check(&full, &["x: 4096"]);
    check(&over, &["x: too_large"]);
    check(
        &zip_of(&[("a", &full), ("b", &over), ("c.part", &over), ("d.part", &full)]),
        &["x/a: 4096", "x/b: too_large", "x/c.part: too_large", "x/d.part: 1"],
    );
    let names: Vec<String> = (0..9).map(|n| n.to_string()).collect();
    let nine: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"a"[..])).collect();
    assert_eq!(walk(&zip_of(&nine[..8]), &LIMITS).len(), 8);
    check(&zip_of(&nine), &["x: too_many_entries"]);
    let six: Vec<(&str, &[u8])> = nine.iter().take(6).map(|(name, _)| (*name, &full[..])).collect();
    assert_eq!(walk(&zip_of(&six), &LIMITS)[5], "x: unpacks_too_large");
    let tar = tar_of(&six.iter().map(|(name, bytes)| (*name, b'0', *bytes)).collect::<Vec<_>>());
    assert_eq!(walk(&gzip(&tar), &LIMITS).last().unwrap(), "x: unpacks_too_large");
    check(&[b"PK\x03\x04".to_vec(), vec![0; 1 << 20]].concat(), &["x: archive_too_large"]);
}

#[test]
fn a_bomb_ends_early() {
    let wide = Limits { file_bytes: 1 << 30, unpacked_bytes: 1 << 30, ..LIMITS };
    let zeros = vec![0; 16 << 20];
    let bomb = zip_of(&[("a", &zeros), ("b", b"never")]);
    assert!(bomb.len() < 64 << 10);
    assert_eq!(walk(&bomb, &wide), ["x: unpacks_too_much"]);
    assert_eq!(walk(&gzip(&zeros), &wide), ["x: unpacks_too_much"]);
    assert_eq!(walk(&gzip(&tar_of(&[("a", b'0', &zeros)])), &wide), ["x: unpacks_too_much"]);
}

#[test]
fn whatever_comes_the_walk_ends_within_its_bounds() {
    let good = zip_of(&[("a.wav", &noise(3, 500)), ("b.wav", &noise(4, 500))]);
    let tar = tar_of(&[("a.wav", b'0', &noise(3, 500)), ("b.wav", b'0', &noise(4, 500))]);
    let packed = gzip(&tar);
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let tell = |bytes: &[u8]| {
        let lines = walk(bytes, &LIMITS);
        assert!(lines.len() <= LIMITS.entries + 1, "{lines:?}");
        assert!(lines.iter().all(|line| line.starts_with('x') && !line.contains("..")), "{lines:?}");
    };
    for whole in [&good, &tar, &packed] {
        for at in (0..whole.len()).step_by(11) {
            tell(&whole[..at]);
            let mut broken = whole.clone();
            for _ in 0..3 {
                let place = random.next_u32() as usize % broken.len();
                broken[place] = random.next_u32() as u8;
            }
            tell(&broken);
        }
    }
    for seed in 0..300 {
        let mut bytes = noise(seed, 1 + seed as usize * 3);
        // As one of the kinds that are opened.
        let heads: [&[u8]; 4] = [b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08\0", b""];
        let head = heads[seed as usize % 4];
        bytes.splice(..head.len().min(bytes.len()), head.iter().copied());
        tell(&bytes);
    }
}
