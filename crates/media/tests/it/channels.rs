//! One channel from several that do not agree, and recordings whose rate or channels change on the way.

use std::{fs, io::Cursor, path::Path};

use domain::audio::{AudioLimits, FindingCode, judge};
use media::{Bounds, Encoding, MediaError, Tags, decode, decode_mono, decode_stereo, encode, finding, sample};

use crate::support::*;

const ANALYSIS_HZ: u32 = 16_000;

fn mono_of(bytes: &[u8], rate_hz: u32) -> Vec<f32> {
    let bounds = Bounds::default();
    decode_mono(Cursor::new(bytes.to_vec()), rate_hz, &bounds).unwrap_or_else(|error| panic!("{error}")).samples
}

fn level(samples: &[f32]) -> f64 {
    (samples.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>() / samples.len() as f64).sqrt()
}

fn interleaved(channels: &[&[i16]]) -> Vec<i16> {
    (0..channels[0].len()).flat_map(|i| channels.iter().map(move |channel| channel[i])).collect()
}

/// A voice of one channel and the file that has it.
fn voice(seconds: f64) -> (Vec<i16>, Vec<f32>) {
    let samples = voice16(seconds, RATE_HZ, 1);
    let alone = mono_of(&Wave::pcm16(RATE_HZ, 1, samples.clone()).bytes(), ANALYSIS_HZ);
    (samples, alone)
}

/// How alike two sounds are, −1 to 1.
fn likeness(one: &[f32], other: &[f32]) -> f64 {
    let product: f64 = one.iter().zip(other).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
    product / one.len().min(other.len()) as f64 / level(one) / level(other)
}

#[test]
fn alike_channels_and_a_live_one_beside_silence_give_what_one_channel_gives() {
    let (samples, alone) = voice(3.0);
    let silence = vec![0; samples.len()];
    let cases: [(&str, Vec<&[i16]>); 5] = [
        ("two alike", vec![&samples, &samples]),
        ("four alike", vec![&samples; 4]),
        ("right is dead", vec![&samples, &silence]),
        ("left is dead", vec![&silence, &samples]),
        ("the third of three lives", vec![&silence, &silence, &samples]),
    ];
    for (what, channels) in cases {
        let bytes = Wave::pcm16(RATE_HZ, channels.len() as u16, interleaved(&channels)).bytes();
        assert!(mono_of(&bytes, ANALYSIS_HZ) == alone, "{what}");
    }
}

#[test]
fn channels_that_would_cancel_each_other_do_not() {
    let (samples, alone) = voice(4.0);
    let inverted: Vec<i16> = samples.iter().map(|x| -x).collect();
    for milliseconds in [0, 1, 2, 5, 20] {
        let mut late = vec![0; RATE_HZ as usize * milliseconds / 1000 + milliseconds * 22];
        late.extend_from_slice(&inverted[..samples.len() - late.len()]);
        for channels in [[&samples[..], &late], [&late, &samples]] {
            for encoding in [Encoding::Flac, Encoding::Mp3 { kbps: 192 }, Encoding::Ogg { quality: 5.0 }] {
                let sound: Vec<f32> = interleaved(&channels).iter().map(|&x| f32::from(x) / 32768.0).collect();
                let bytes = encode(&sound, RATE_HZ, 2, encoding, &Tags::default()).unwrap();
                let mono = mono_of(&bytes, ANALYSIS_HZ);
                let kept = level(&mono) / level(&alone);
                assert!((0.9..1.1).contains(&kept), "{milliseconds} ms late, {encoding:?}: {kept}");
            }
        }
    }
}

#[test]
fn two_voices_are_both_heard() {
    let tone = |hz| sine16(hz, 3.0, RATE_HZ, 0.4);
    let bytes = Wave::pcm16(RATE_HZ, 2, interleaved(&[&tone(220.0), &tone(523.3)])).bytes();
    let mono = mono_of(&bytes, RATE_HZ);
    // Half of each: 0.2 at the peak, 0.2 of level together.
    assert_close("level", level(&mono), 0.2, 0.01);
}

#[test]
fn the_same_file_gives_the_same_samples() {
    let bytes = encoded(2.0, 2, Encoding::Mp3 { kbps: 128 });
    assert!(mono_of(&bytes, ANALYSIS_HZ) == mono_of(&bytes, ANALYSIS_HZ));
}

/// A part of a recording: seconds, rate and channels.
type Part = (f64, u32, u16);

/// Parts in one format, one behind the other, as tools that join files do it and as broadcasts come.
fn joined(folder: &Path, parts: &[Part], codec: &str, muxer: &str) -> Vec<u8> {
    let mut whole = Vec::new();
    for &(seconds, rate_hz, channels) in parts {
        let (from, to) = (folder.join("part.wav"), folder.join("part.out"));
        let sound = sample::voice(seconds, rate_hz, channels);
        fs::write(&from, encode(&sound, rate_hz, channels, Encoding::Wav16, &Tags::default()).unwrap()).unwrap();
        ffmpeg(&["-i", path_text(&from), "-c:a", codec, "-b:a", "128k", "-f", muxer, path_text(&to)]);
        whole.extend(fs::read(&to).unwrap());
    }
    whole
}

const KINDS: [(&str, &str); 5] =
    [("libmp3lame", "mp3"), ("libvorbis", "ogg"), ("aac", "adts"), ("flac", "ogg"), ("libopus", "ogg")];

#[test]
fn a_recording_whose_channels_change_is_heard_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    for (codec, muxer) in KINDS {
        let rate_hz = if codec == "libopus" { 48_000 } else { RATE_HZ };
        for channels in [[1, 2], [2, 1]] {
            let parts = channels.map(|channels| (3.0, rate_hz, channels));
            let bytes = joined(folder.path(), &parts, codec, muxer);
            assert_eq!(errors_of(&bytes), [], "{codec} {channels:?}");
            let facts = inspect_bytes(&bytes).unwrap();
            assert_close(codec, facts.duration_seconds, 6.0, 0.2);
            assert_eq!(facts.sample_rate_hz, rate_hz);
            // Of which part of it is mono; the decoder of Opus gives all the channels of the beginning.
            assert!(facts.channels == 1 || codec == "libopus", "{codec} {channels:?}: {}", facts.channels);
            let mono = mono_of(&bytes, ANALYSIS_HZ);
            let second = ANALYSIS_HZ as usize;
            assert_close(codec, mono.len() as f64 / second as f64, 6.0, 0.2);
            let halves = [level(&mono[..3 * second]), level(&mono[3 * second..])];
            assert_close(codec, halves[1] / halves[0], 1.0, 0.15);
            // With all channels: as many as the beginning has.
            let audio = decode(Cursor::new(bytes), &Bounds::default()).unwrap();
            assert_eq!((audio.sample_rate_hz, audio.channels), (rate_hz, channels[0]), "{codec}");
            assert_close(codec, audio.duration_seconds(), 6.0, 0.2);
            let middle = audio.samples.len() / 2;
            let halves = [level(&audio.samples[..middle]), level(&audio.samples[middle..])];
            assert_close(codec, halves[1] / halves[0], 1.0, 0.15);
        }
    }
}

#[test]
fn a_recording_whose_rate_changes_keeps_its_pitch() {
    let folder = tempfile::tempdir().unwrap();
    for (codec, muxer) in [("libmp3lame", "mp3"), ("libvorbis", "ogg"), ("aac", "adts"), ("flac", "ogg")] {
        let bytes = joined(folder.path(), &[(3.0, 44_100, 1), (3.0, 32_000, 2), (3.0, 48_000, 1)], codec, muxer);
        assert_eq!(errors_of(&bytes), [], "{codec}");
        let facts = inspect_bytes(&bytes).unwrap();
        assert_close(codec, facts.duration_seconds, 9.0, 0.3);
        // The poorest part decides what is recommended.
        assert_eq!((facts.sample_rate_hz, facts.channels), (32_000, 1), "{codec}");
        let mono = mono_of(&bytes, ANALYSIS_HZ);
        assert_close(codec, mono.len() as f64 / f64::from(ANALYSIS_HZ), 9.0, 0.3);
        let audio = decode(Cursor::new(bytes), &Bounds::default()).unwrap();
        assert_close(codec, audio.duration_seconds(), 9.0, 0.3);
        assert_eq!(audio.sample_rate_hz, 44_100, "{codec}");
        // The same tune three times. At a wrong rate it would be longer or shorter, and nowhere alike.
        let alone = mono_of(&joined(folder.path(), &[(3.0, 44_100, 1)], codec, muxer), ANALYSIS_HZ);
        let part = &alone[8_000..24_000];
        for third in 0..3 {
            let around = third * 3 * ANALYSIS_HZ as usize + 8_000;
            // Encoders pad, so each part may begin a little later.
            let best = (around.saturating_sub(3_000)..around + 5_000)
                .filter_map(|at| mono.get(at..at + part.len()))
                .map(|heard| likeness(heard, part))
                .fold(-1.0, f64::max);
            assert!(best > 0.8, "{codec}, part {third}: {best}");
        }
    }
}

#[test]
fn several_decoders_hear_a_change_as_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let parts = [(40.0, 44_100, 1), (40.0, 44_100, 2), (40.0, 32_000, 1)];
    let bytes = joined(folder.path(), &parts, "libmp3lame", "mp3");
    let [alone, together] =
        [1, 3].map(|max_threads| inspect_within(&bytes, &Bounds { max_threads, ..Bounds::default() }).unwrap());
    assert_close("duration", alone.duration_seconds, 120.0, 0.5);
    assert_close("duration", together.duration_seconds, alone.duration_seconds, 1e-9);
    assert_eq!((alone.sample_rate_hz, alone.channels), (32_000, 1));
    assert_eq!((together.sample_rate_hz, together.channels), (32_000, 1));
    assert_close("mean", together.mean_volume_dbfs.unwrap(), alone.mean_volume_dbfs.unwrap(), 1e-3);
}

#[test]
fn a_part_that_is_out_of_bounds_is_refused_for_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = joined(folder.path(), &[(2.0, 44_100, 1), (2.0, 8_000, 1)], "libmp3lame", "mp3");
    let bounds = Bounds { min_sample_rate_hz: 16_000, ..Bounds::default() };
    let error = inspect_within(&bytes, &bounds).unwrap_err();
    assert_eq!(finding(&error).code, FindingCode::SampleRateTooLow, "{error}");
    let facts = inspect_bytes(&bytes).unwrap();
    let errors: Vec<FindingCode> =
        judge(facts, None, &AudioLimits::default()).errors().map(|finding| finding.code).collect();
    assert_eq!(errors, [FindingCode::SampleRateTooLow]);
    // A long recording is as long as its parts together.
    let bytes = joined(folder.path(), &[(6.0, 48_000, 2), (6.0, 16_000, 1)], "libmp3lame", "mp3");
    let short = Bounds { max_seconds: 10.0, ..Bounds::default() };
    assert!(matches!(inspect_within(&bytes, &short), Err(MediaError::TooLong { .. })));
    let enough = Bounds { max_seconds: 13.0, ..Bounds::default() };
    assert!(inspect_within(&bytes, &enough).is_ok());
}

#[test]
fn what_changes_all_the_time_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let [mono, stereo] = [1, 2].map(|channels| joined(folder.path(), &[(0.3, 44_100, channels)], "aac", "adts"));
    let changing = |times: usize| [&mono[..], &stereo].concat().repeat(times);
    assert_eq!(errors_of(&changing(10)), []);
    let error = inspect_bytes(&changing(60)).unwrap_err();
    assert!(matches!(error, MediaError::ParametersChange { .. }), "{error}");
    assert!(finding(&error).message.contains("over and over"));
    let decoded = decode_mono(Cursor::new(changing(60)), ANALYSIS_HZ, &Bounds::default());
    assert!(matches!(decoded, Err(MediaError::ParametersChange { .. })));
}

/// Left and right of a file, and how large its largest piece was, in samples.
fn sides(bytes: Vec<u8>, rate_hz: u32) -> ([Vec<f32>; 2], usize) {
    let (mut left, mut right, mut most) = (Vec::new(), Vec::new(), 0);
    let frames = decode_stereo(Cursor::new(bytes), rate_hz, &Bounds::default(), |block| {
        most = most.max(block.len());
        left.extend(block.iter().step_by(2));
        right.extend(block.iter().skip(1).step_by(2));
        Ok(())
    });
    assert_eq!(frames.unwrap(), left.len() as u64);
    ([left, right], most)
}

#[test]
fn stereo_keeps_its_sides_and_comes_piece_by_piece() {
    let (low, high) = (sine16(220.0, 20.0, RATE_HZ, 0.5), sine16(660.0, 20.0, RATE_HZ, 0.5));
    let crossings = |side: &[f32]| side.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count() as f64;
    let stereo = Wave::pcm16(RATE_HZ, 2, interleaved(&[&low, &high])).bytes();
    let ([left, right], most) = sides(stereo, 48_000);
    assert_close("length", left.len() as f64, 20.0 * 48_000.0, 2.0);
    assert_close("left", crossings(&left), 220.0 * 20.0, 2.0);
    assert_close("right", crossings(&right), 660.0 * 20.0, 2.0);
    assert!(most < left.len() / 4, "{most} of {} samples at once", 2 * left.len());

    let ([left, right], _) = sides(Wave::pcm16(RATE_HZ, 1, low).bytes(), 44_100);
    assert!(left == right && !left.is_empty(), "one channel is on both sides");
    let nothing = decode_stereo(Cursor::new(b"RIFF".to_vec()), 44_100, &Bounds::default(), |_| Ok(()));
    assert!(nothing.is_err());
    let bytes = Wave::pcm16(RATE_HZ, 2, interleaved(&[&high, &high])).bytes();
    let stopped = decode_stereo(Cursor::new(bytes), 44_100, &Bounds::default(), |_| {
        Err(MediaError::NothingDecoded { errors: 7 })
    });
    assert!(matches!(stopped, Err(MediaError::NothingDecoded { errors: 7 })), "what the sink answers: {stopped:?}");
}
