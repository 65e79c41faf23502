//! What browsers and Apple's programs record: WebM and fragmented MP4 without a length, AIFF, Core Audio.

use std::{fs, io::Cursor, path::Path};

use domain::audio::{AudioFormat, AudioLimits, FindingCode, judge};
use media::{Bounds, Encoding, MediaError, decode, decode_mono};

use crate::support::*;

const SECONDS: f64 = 6.0;

/// A voice in any codec and container that the command line writes. A length is filled in behind only where the output
/// can be sought: `is_live` is how a browser writes.
fn made(folder: &Path, channels: u16, codec: &[&str], muxer: &str, is_live: bool) -> Vec<u8> {
    let (from, to) = (folder.join("in.wav"), folder.join("out.bin"));
    fs::write(&from, encoded(SECONDS, channels, Encoding::Wav16)).unwrap();
    let input = ["-nostdin", "-v", "error", "-y", "-i", path_text(&from), "-c:a"];
    let end = ["-f", muxer, if is_live { "pipe:1" } else { path_text(&to) }];
    let output = run("ffmpeg", &[&input[..], codec, &end].concat());
    if is_live { output.stdout } else { fs::read(&to).unwrap() }
}

#[track_caller]
fn is_heard(what: &str, bytes: &[u8], format: AudioFormat, codec: &str, channels: u16) {
    let facts = inspect_bytes(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!((facts.format, facts.codec.as_str(), facts.channels), (format, codec, channels), "{what}");
    assert_close(what, facts.duration_seconds, SECONDS, 0.05);
    assert_close(what, facts.declared_duration_seconds.unwrap_or(SECONDS), SECONDS, 0.15);
    assert_close(what, facts.peak_dbfs.unwrap(), -3.1, 1.0);
    assert_eq!((facts.decode_errors, facts.absurd_samples, facts.ignored_streams), (0, false, 0), "{what}");
    let verdict = judge(facts, Some(&format!("hum.{format}")), &AudioLimits::default());
    assert!(verdict.accepted(), "{what}: {:?}", verdict.findings);
    let mono = decode_mono(Cursor::new(bytes.to_vec()), 16_000, &Bounds::default()).unwrap();
    assert_close(what, mono.samples.len() as f64 / 16_000.0, SECONDS, 0.05);
}

#[test]
fn what_a_browser_records_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    for channels in [1, 2] {
        for (codec, name) in [("libopus", "opus"), ("libvorbis", "vorbis"), ("pcm_f32le", "pcm_f32le")] {
            // Chromium also records PCM, which the command line only takes for Matroska.
            let muxer = if name.starts_with("pcm") { "matroska" } else { "webm" };
            for is_live in [true, false] {
                let bytes = made(folder.path(), channels, &[codec], muxer, is_live);
                is_heard(&format!("{codec}, live: {is_live}"), &bytes, AudioFormat::Webm, name, channels);
                if is_live && muxer == "webm" {
                    assert_eq!(inspect_bytes(&bytes).unwrap().declared_duration_seconds, None, "{codec}");
                }
            }
        }
        let fragments = ["-movflags", "frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "1000000"];
        for (codec, name) in [("aac", "aac"), ("libopus", "opus")] {
            let arguments = [&[codec, "-strict", "-2"][..], &fragments].concat();
            for is_live in [true, false] {
                let bytes = made(folder.path(), channels, &arguments, "mp4", is_live);
                is_heard(&format!("{codec} in fragments"), &bytes, AudioFormat::M4a, name, channels);
            }
        }
    }
}

#[test]
fn what_apple_writes_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let aiff = ["pcm_s8", "pcm_s16be", "pcm_s24be", "pcm_s32be", "pcm_s16le", "pcm_f32be", "pcm_mulaw", "pcm_alaw"];
    let caf = ["pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_f32be", "pcm_f32le", "alac"];
    for channels in [1, 2] {
        for codec in aiff {
            let bytes = made(folder.path(), channels, &[codec], "aiff", false);
            is_heard(codec, &bytes, AudioFormat::Aiff, codec, channels);
        }
        for codec in caf {
            let bytes = made(folder.path(), channels, &[codec], "caf", false);
            is_heard(codec, &bytes, AudioFormat::Caf, codec, channels);
        }
        let live = made(folder.path(), channels, &["pcm_s16be"], "caf", true);
        is_heard("Core Audio of unknown length", &live, AudioFormat::Caf, "pcm_s16be", channels);
        is_heard("AAC in Core Audio", &caf_of_aac(folder.path(), channels), AudioFormat::Caf, "aac", channels);
    }
}

/// AAC in Core Audio, which iOS records and the command line does not write.
fn caf_of_aac(folder: &Path, channels: u16) -> Vec<u8> {
    let (from, to) = (folder.join("in.m4a"), folder.join("out.aac"));
    fs::write(&from, encoded(SECONDS, channels, Encoding::M4a { kbps: 128 })).unwrap();
    ffmpeg(&["-i", path_text(&from), "-c", "copy", "-f", "adts", path_text(&to)]);
    let adts = fs::read(&to).unwrap();
    let (mut sound, mut sizes, mut packets, mut rest) = (Vec::new(), Vec::new(), 0u64, &adts[..]);
    while rest.len() > 7 {
        // ISO 14496-3, 1.A.2: thirteen bits of length that count the header.
        let length = usize::from(rest[3] & 3) << 11 | usize::from(rest[4]) << 3 | usize::from(rest[5]) >> 5;
        sound.extend(&rest[7..length]);
        sizes.extend([0x80 | ((length - 7) >> 7) as u8, (length - 7) as u8 & 0x7f]);
        (packets, rest) = (packets + 1, &rest[length..]);
    }
    let chunk = |name: &[u8], content: Vec<u8>| [name, &(content.len() as i64).to_be_bytes(), &content].concat();
    let mut description = f64::from(RATE_HZ).to_be_bytes().to_vec();
    description.extend(b"aac ");
    for field in [0, 0, 1024, u32::from(channels), 0] {
        description.extend(field.to_be_bytes());
    }
    // An elementary stream descriptor (ISO 14496-1, 7.2.6.5) with the decoder's two bytes: low complexity, 44.1 kHz.
    let config = [0x12, 0x08 * channels as u8];
    let decoder = [&[0x40, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x05, 2][..], &config].concat();
    let stream = [&[0, 0, 0, 0x04, decoder.len() as u8 - 2][..], &decoder[..]].concat();
    let mut cookie = vec![0, 0, 0, 0, 0x03, 0];
    cookie.extend([0, 0, 0, 0x04, 17]);
    cookie.extend(&decoder);
    cookie.extend([0x06, 1, 2]);
    cookie[5] = cookie.len() as u8 - 6;
    assert_eq!(stream.len(), decoder.len() + 5);
    let mut table = packets.to_be_bytes().to_vec();
    table.extend((packets as i64 * 1024).to_be_bytes());
    table.extend([0; 8]);
    table.extend(sizes);
    let data = [&[0; 4][..], &sound].concat();
    let chunks = [
        b"caff\0\x01\0\0".to_vec(),
        chunk(b"desc", description),
        chunk(b"kuki", cookie),
        chunk(b"pakt", table),
        chunk(b"data", data),
    ];
    chunks.concat()
}

#[test]
fn what_is_lossless_comes_back_sample_for_sample() {
    let folder = tempfile::tempdir().unwrap();
    let expected = decode(Cursor::new(encoded(SECONDS, 2, Encoding::Wav16)), &Bounds::default()).unwrap();
    for (codec, muxer) in [("pcm_s16be", "aiff"), ("pcm_s16le", "caf"), ("pcm_s16le", "matroska"), ("flac", "matroska")]
    {
        let read = decode(Cursor::new(made(folder.path(), 2, &[codec], muxer, false)), &Bounds::default()).unwrap();
        assert!(read == expected, "{codec} in {muxer}");
    }
}

#[test]
fn a_file_that_was_cut_off_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let fragments = ["-movflags", "frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "1000000"];
    let cases: [(&str, Vec<u8>); 8] = [
        ("webm", made(folder.path(), 1, &["libopus"], "webm", false)),
        ("webm of a browser", made(folder.path(), 1, &["libopus"], "webm", true)),
        ("mp4 in fragments", made(folder.path(), 1, &[&["aac"][..], &fragments].concat(), "mp4", true)),
        ("aiff", made(folder.path(), 1, &["pcm_s16be"], "aiff", false)),
        ("aiff with 24 bits", made(folder.path(), 2, &["pcm_s24be"], "aiff", false)),
        ("caf", made(folder.path(), 1, &["pcm_s16be"], "caf", false)),
        ("caf with floats", made(folder.path(), 2, &["pcm_f32le"], "caf", false)),
        ("aac in caf", caf_of_aac(folder.path(), 1)),
    ];
    for (name, bytes) in cases {
        assert_eq!(errors_of(&bytes), [], "{name}");
        for tenths in [4, 8] {
            let codes = errors_of(&bytes[..bytes.len() * tenths / 10]);
            assert!(codes.contains(&FindingCode::TruncatedFile), "{name} at {tenths} tenths: {codes:?}");
        }
    }
    // A browser leaves the sizes of its clusters open, so that its recording may stop behind any block.
    let mut live = made(folder.path(), 1, &["libopus"], "webm", true);
    let clusters: Vec<usize> = (0..live.len()).filter(|&at| live[at..].starts_with(b"\x1f\x43\xb6\x75")).collect();
    assert!(!clusters.is_empty());
    for at in clusters {
        let length = live[at + 4].leading_zeros() as usize + 1;
        live[at + 4..at + 4 + length].fill(0xff);
        live[at + 4] >>= length - 1;
    }
    is_heard("clusters of open size", &live, AudioFormat::Webm, "opus", 1);
    let stops: Vec<usize> =
        (live.len() / 2..live.len()).filter(|&at| live[at] == 0xa3 && errors_of(&live[..at]).is_empty()).collect();
    assert!(stops.len() > 50, "{} ends of blocks are taken for one", stops.len());
    assert_eq!(errors_of(&live[..stops[20] - 1]), [FindingCode::TruncatedFile]);
}

#[test]
fn an_aiff_is_as_long_as_its_sound_whatever_its_count_says() {
    let folder = tempfile::tempdir().unwrap();
    let right = made(folder.path(), 1, &["pcm_s16be"], "aiff", false);
    let count = right.windows(4).position(|four| four == b"COMM").unwrap() + 10;
    let frames = u32::from_be_bytes(right[count..count + 4].try_into().unwrap());
    assert_close("count", f64::from(frames), SECONDS * f64::from(RATE_HZ), 1.0);
    for lie in [0, 1, frames * 2, frames * 100] {
        let mut bytes = right.clone();
        bytes[count..count + 4].copy_from_slice(&lie.to_be_bytes());
        assert_eq!(errors_of(&bytes), [], "{lie}");
        assert_close("duration", inspect_bytes(&bytes).unwrap().duration_seconds, SECONDS, 0.01);
        assert_eq!(errors_of(&bytes[..bytes.len() / 2]), [FindingCode::TruncatedFile], "{lie}");
    }
}

#[test]
fn a_film_in_webm_is_its_sound_and_one_without_sound_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.mkv");
    let (image, tone) = ("testsrc=size=128x96:rate=10:duration=3", "sine=frequency=300:duration=3");
    let video = ["-c:v", "mpeg4", path_text(&path)];
    ffmpeg(&[&["-f", "lavfi", "-i", image, "-f", "lavfi", "-i", tone, "-c:a", "libopus"][..], &video].concat());
    let facts = inspect_bytes(&fs::read(&path).unwrap()).unwrap();
    assert_eq!((facts.format, facts.ignored_streams), (AudioFormat::Webm, 1));
    assert_close("duration", facts.duration_seconds, 3.0, 0.05);
    ffmpeg(&[&["-f", "lavfi", "-i", image][..], &video].concat());
    assert!(matches!(inspect_bytes(&fs::read(&path).unwrap()), Err(MediaError::NoAudioStream { streams: 1 })));
}

#[test]
fn other_codecs_in_these_containers_are_named_and_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (codec, muxer) in [("ac3", "matroska"), ("adpcm_ima_qt", "aiff")] {
        match inspect_bytes(&made(folder.path(), 1, &[codec], muxer, false)) {
            Err(MediaError::UnsupportedCodec { codec: named }) => assert_eq!(named, codec),
            other => panic!("{codec}: {other:?}"),
        }
    }
}
