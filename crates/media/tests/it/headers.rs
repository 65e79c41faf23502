//! Headers that say the same thing twice, and one of the two wrongly: recorders write such files and every player plays
//! them. What is really cut off is still found.

use std::{fs, io::Cursor};

use domain::audio::{AudioFormat, FindingCode};
use media::{Bounds, Encoding, Tags, decode, encode, sample};

use crate::support::*;

const SECONDS: f64 = 4.0;

fn stereo() -> Wave {
    Wave::pcm16(RATE_HZ, 2, voice16(SECONDS, RATE_HZ, 2))
}

fn chunk(name: &[u8], content: &[u8]) -> Vec<u8> {
    let padding = vec![0; content.len() % 2];
    [name, &(content.len() as u32).to_le_bytes(), content, &padding].concat()
}

/// The file is good, and all of its sound is heard.
#[track_caller]
fn is_whole(what: &str, wave: &Wave) {
    let bytes = wave.bytes();
    assert_eq!(errors_of(&bytes), [], "{what}");
    let facts = inspect_bytes(&bytes).unwrap();
    assert_close(what, facts.duration_seconds, SECONDS, 0.001);
    assert_close(what, facts.declared_duration_seconds.unwrap_or(SECONDS), SECONDS, 0.001);
}

#[test]
fn a_wave_is_as_long_as_its_data_whatever_else_its_header_says() {
    let right = stereo();
    let byte_rate = RATE_HZ * 4;
    for lie in [byte_rate / 2, byte_rate / 100, byte_rate * 2, byte_rate + 1, 1, 0, u32::MAX] {
        is_whole(&format!("byte rate {lie}"), &Wave { byte_rate: Some(lie), ..right.clone() });
        let extensible = Wave { byte_rate: Some(lie), is_extensible: true, ..right.clone() };
        is_whole(&format!("byte rate {lie}, extensible"), &extensible);
    }
    for lie in [0, 1, 2, 3, 6, 8, 32, u16::MAX] {
        is_whole(&format!("block align {lie}"), &Wave { block_align: Some(lie), ..right.clone() });
    }
    for lie in [0, 4, u32::MAX] {
        is_whole(&format!("RIFF size {lie}"), &Wave { riff_bytes: Some(lie), ..right.clone() });
    }
    for unknown in [0, u32::MAX, 0x7fff_ffff, 0x8000_0000] {
        let streamed = Wave { data_bytes: Some(unknown), byte_rate: Some(byte_rate / 2), ..right.clone() };
        is_whole(&format!("data size {unknown:x}"), &streamed);
    }
    let odd = chunk(b"LIST", b"INFOISFT\x05\0\0\0abcde\0x");
    is_whole("LIST before the format", &Wave { before_format: odd.clone(), ..right.clone() });
    is_whole("LIST before the data", &Wave { before_data: odd.clone(), ..right.clone() });
    is_whole("an odd chunk", &Wave { before_data: chunk(b"junk", &[7; 777]), ..right.clone() });
    let fact = chunk(b"fact", &u32::MAX.to_le_bytes());
    is_whole("a number of samples that is none", &Wave { before_data: fact, ..right.clone() });
}

#[test]
fn a_wrong_block_align_changes_no_sample() {
    // Packets of 64 KiB are no multiple of a frame of six bytes: believing the header would drop what is left over.
    let samples = voice16(SECONDS, RATE_HZ, 2);
    let data: Vec<u8> = samples.iter().flat_map(|x| (i32::from(*x) << 8).to_le_bytes()[..3].to_vec()).collect();
    let right = Wave::new(1, 2, RATE_HZ, 24, data);
    let expected = decode(Cursor::new(right.bytes()), &Bounds::default()).unwrap();
    for lie in [0, 1, 4, 5, 64] {
        let wave = Wave { block_align: Some(lie), ..right.clone() };
        is_whole(&format!("block align {lie}"), &wave);
        let read = decode(Cursor::new(wave.bytes()), &Bounds::default()).unwrap();
        assert!(read == expected, "block align {lie}");
    }
}

#[test]
fn a_wave_that_was_cut_off_is_found_whatever_its_header_says() {
    let right = stereo();
    let byte_rate = RATE_HZ * 4;
    for lie in [0, byte_rate / 2, byte_rate, byte_rate * 4] {
        for is_extensible in [false, true] {
            let bytes = Wave { byte_rate: Some(lie), is_extensible, ..right.clone() }.bytes();
            assert_eq!(errors_of(&bytes[..bytes.len() * 3 / 4]), [FindingCode::TruncatedFile], "{lie}");
        }
    }
    // A quarter of a second may be missing, as ever.
    let bytes = right.bytes();
    assert_eq!(errors_of(&bytes[..bytes.len() - byte_rate as usize / 5]), []);
}

#[test]
fn mp3_in_wave_is_measured_by_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("in.mp3"), folder.path().join("out.wav"));
    fs::write(&from, encoded(SECONDS, 1, Encoding::Mp3 { kbps: 64 })).unwrap();
    ffmpeg(&["-i", path_text(&from), "-c", "copy", "-f", "wav", path_text(&to)]);
    let right = fs::read(to).unwrap();
    let position = |name: &[u8]| right.windows(4).position(|four| four == name).unwrap();
    let (byte_rate, fact) = (position(b"fmt ") + 16, position(b"fact") + 8);
    for lie in [0u32, 100, 4000, 1 << 30] {
        for at in [byte_rate, fact] {
            let mut bytes = right.clone();
            bytes[at..at + 4].copy_from_slice(&lie.to_le_bytes());
            assert_eq!(errors_of(&bytes), [], "{lie} at {at}");
            assert_close("duration", inspect_bytes(&bytes).unwrap().duration_seconds, SECONDS, 0.1);
            assert_eq!(errors_of(&bytes[..bytes.len() * 3 / 4]), [FindingCode::TruncatedFile], "{lie} at {at}");
        }
    }
}

/// Where the first frame of an MP3 file counts its frames and its bytes.
fn counts_at(mp3: &[u8]) -> (usize, usize) {
    let tag = mp3.windows(4).position(|four| four == b"Info" || four == b"Xing").unwrap();
    assert_eq!(mp3[tag + 7] & 3, 3, "both are there");
    (tag + 8, tag + 12)
}

#[test]
fn an_mp3_whose_first_frame_miscounts_is_whole_when_its_bytes_are_there() {
    for channels in [1, 2] {
        let right = encoded(SECONDS, channels, Encoding::Mp3 { kbps: 128 });
        let (frames, bytes) = counts_at(&right);
        let count = u32::from_be_bytes(right[frames..frames + 4].try_into().unwrap());
        for lie in [count * 2, count * 100, count / 2, 0] {
            let mut mp3 = right.clone();
            mp3[frames..frames + 4].copy_from_slice(&lie.to_be_bytes());
            assert_eq!(errors_of(&mp3), [], "{lie} frames");
            let facts = inspect_bytes(&mp3).unwrap();
            assert_close("duration", facts.duration_seconds, SECONDS, 0.1);
            assert!(facts.declared_duration_seconds.is_none_or(|declared| declared <= facts.duration_seconds + 0.1));
            // Cut, the bytes are missing.
            if lie >= count {
                assert_eq!(errors_of(&mp3[..mp3.len() * 3 / 4]), [FindingCode::TruncatedFile], "{lie} frames");
            }
            // As they are where a download left a hole.
            let mut hole = right.clone();
            let half = hole.len() / 2;
            hole[half..].fill(0);
            assert!(errors_of(&hole).contains(&FindingCode::TruncatedFile), "{lie} {:?}", inspect_bytes(&hole));
        }
        // Without any count there is nothing to hold the sound against.
        let mut mp3 = right.clone();
        mp3[frames - 8..bytes + 4].fill(0);
        assert_eq!(errors_of(&mp3), []);
        assert_eq!(inspect_bytes(&mp3).unwrap().declared_duration_seconds, None);
    }
}

#[test]
fn a_length_guessed_from_the_bitrate_is_no_promise() {
    let folder = tempfile::tempdir().unwrap();
    // A loud beginning, by which the bitrate is guessed, and a long quiet end; and the other way round.
    let voice = sample::voice(4.0, RATE_HZ, 1);
    let quiet = vec![0.0001; 16 * RATE_HZ as usize];
    for (case, sound) in [[&voice[..], &quiet].concat(), [&quiet[..], &voice].concat()].into_iter().enumerate() {
        let (from, to) = (folder.path().join("in.m4a"), folder.path().join("out.aac"));
        fs::write(&from, encode(&sound, RATE_HZ, 1, Encoding::M4a { kbps: 128 }, &Tags::default()).unwrap()).unwrap();
        ffmpeg(&["-i", path_text(&from), "-c", "copy", "-f", "adts", path_text(&to)]);
        let bytes = fs::read(&to).unwrap();
        assert_eq!(errors_of(&bytes), [], "{case}");
        let facts = inspect_bytes(&bytes).unwrap();
        assert_eq!((facts.format, facts.declared_duration_seconds), (AudioFormat::Aac, None));
        assert_close("duration", facts.duration_seconds, 20.0, 0.1);
    }
}
