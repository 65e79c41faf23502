//! Every accepted format goes in and comes out, measured like ffmpeg measures it.

use std::{fs, io::Cursor};

use domain::audio::{AudioFormat, AudioLimits, FindingCode, judge};
use media::{Bounds, Encoding, MediaError, Tags, decode, decode_mono, encode, encode_to, inspect, sample};

use crate::support::*;

/// Bounds that measure with one decoder or with several.
fn threads(count: usize) -> Bounds {
    Bounds { max_threads: count, ..Bounds::default() }
}

#[test]
fn what_the_encoder_writes_is_read_back_as_what_it_is() {
    for encoding in ENCODINGS {
        for channels in [1, 2] {
            let bytes = encoded(3.0, channels, encoding);
            let facts = inspect_bytes(&bytes).unwrap_or_else(|error| panic!("{encoding:?}: {error}"));
            assert_eq!(facts.format, encoding.format());
            assert_eq!((facts.channels, facts.sample_rate_hz), (channels, RATE_HZ), "{encoding:?}");
            assert_close("duration", facts.duration_seconds, 3.0, 0.05);
            assert_close("declared", facts.declared_duration_seconds.unwrap_or(3.0), 3.0, 0.1);
            assert_close("peak", facts.peak_dbfs.unwrap(), -3.1, 1.0);
            assert_eq!(
                (facts.decode_errors, facts.absurd_samples, facts.ignored_streams),
                (0, false, 0),
                "{encoding:?}"
            );
            assert_eq!(facts.bitrate_bps, (bytes.len() as f64 * 8.0 / facts.duration_seconds) as u64);
            let verdict = judge(facts, None, &AudioLimits::default());
            assert!(verdict.accepted(), "{encoding:?}: {:?}", verdict.findings);
        }
    }
}

#[test]
fn adts_is_aac() {
    let folder = tempfile::tempdir().unwrap();
    let facts = inspect_bytes(&adts(folder.path(), 3.0)).unwrap();
    assert_eq!((facts.format, facts.codec.as_str()), (AudioFormat::Aac, "aac"));
    // ADTS says nothing about its length, and nothing must be made up from the bitrate.
    assert_eq!(facts.declared_duration_seconds, None);
    assert_close("duration", facts.duration_seconds, 3.0, 0.1);
}

#[test]
fn lossless_formats_come_back_bit_for_bit() {
    let original = sample::voice(2.0, RATE_HZ, 2);
    let expected: Vec<i16> = original.iter().map(|x| (x * 32767.0).round() as i16).collect();
    for encoding in [Encoding::Wav16, Encoding::Flac] {
        let bytes = encode(&original, RATE_HZ, 2, encoding, &Tags::default()).unwrap();
        let audio = decode(Cursor::new(bytes), &Bounds::default()).unwrap();
        let back: Vec<i16> = audio.samples.iter().map(|x| (x * 32768.0).round() as i16).collect();
        assert!(back == expected, "{encoding:?} changed samples");
        assert_close("duration", audio.duration_seconds(), 2.0, 1e-9);
    }
}

#[test]
fn encoding_twice_gives_the_same_bytes() {
    for encoding in ENCODINGS {
        assert!(encoded(1.0, 2, encoding) == encoded(1.0, 2, encoding), "{encoding:?} differs between runs");
    }
}

#[test]
fn levels_are_those_of_volumedetect() {
    let folder = tempfile::tempdir().unwrap();
    for (i, encoding) in ENCODINGS.into_iter().enumerate() {
        let bytes = encoded(4.0, 2, encoding);
        let path = folder.path().join(format!("{i}.bin"));
        fs::write(&path, &bytes).unwrap();
        let log = ffmpeg(&["-i", path_text(&path), "-af", "volumedetect", "-f", "null", "-"]);
        let facts = inspect_bytes(&bytes).unwrap();
        assert_close("mean", facts.mean_volume_dbfs.unwrap(), figure(&log, "mean_volume:"), 0.11);
        assert_close("peak", facts.peak_dbfs.unwrap(), figure(&log, "max_volume:"), 0.11);
    }
}

#[test]
fn several_decoders_measure_what_one_does() {
    // More than one run of packets, so that warm-ups are put to the test: 128 kbit/s leans far back at quiet places.
    for encoding in [Encoding::Mp3 { kbps: 128 }, Encoding::Mp3 { kbps: 32 }, Encoding::Flac] {
        let rate_hz = if encoding == (Encoding::Mp3 { kbps: 32 }) { 22_050 } else { RATE_HZ };
        let voice = sample::voice(120.0, rate_hz, 1);
        let bytes = encode(&voice, rate_hz, 1, encoding, &Tags::default()).unwrap();
        let alone = inspect_within(&bytes, &threads(1)).unwrap();
        for count in [2, 3] {
            let together = inspect_within(&bytes, &threads(count)).unwrap();
            assert_eq!(together.duration_seconds, alone.duration_seconds, "{encoding:?} × {count}");
            assert_eq!(together.peak_dbfs, alone.peak_dbfs, "{encoding:?} × {count}");
            assert_eq!(together.decode_errors, alone.decode_errors, "{encoding:?} × {count}");
            let mean = together.mean_volume_dbfs.unwrap();
            assert_close("mean", mean, alone.mean_volume_dbfs.unwrap(), 1e-6);
        }
    }
}

#[test]
fn tags_are_written_and_read_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let tags = Tags {
        title: Some("Über den Wolken\0".to_owned()),
        artist: Some("Descant".to_owned()),
        comment: Some("sung offline".to_owned()),
        cover_png: None,
    };
    for (i, encoding) in ENCODINGS.into_iter().enumerate() {
        let path = folder.path().join(format!("{i}.bin"));
        let file = fs::File::create(&path).unwrap();
        encode_to(file, &sample::voice(1.0, RATE_HZ, 1), RATE_HZ, 1, encoding, &tags).unwrap();
        let entries = "format_tags:stream_tags";
        let output = run("ffprobe", &["-v", "error", "-show_entries", entries, "-of", "flat", path_text(&path)]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        for expected in ["Über den Wolken\"", "\"Descant\"", "sung offline"] {
            assert!(text.contains(expected), "{encoding:?} lacks {expected}: {text}");
        }
    }
}

/// A red dot: a PNG of one pixel, byte by byte.
const DOT: &[u8] = &[
    0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0,
    0x90, 0x77, 0x53, 0xde, 0, 0, 0, 12, b'I', b'D', b'A', b'T', 8, 0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 3, 1, 1, 0,
    0x18, 0xdd, 0x8d, 0xb0, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

#[test]
fn a_cover_goes_along_in_an_mp3_and_the_sound_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let plain = Tags {
        title: Some("Über den Wolken\0".to_owned()),
        artist: Some("Descant".to_owned()),
        comment: Some("三つの歌".to_owned()),
        cover_png: None,
    };
    let covered = Tags { cover_png: Some(DOT.to_vec()), ..plain.clone() };
    let sound = sample::voice(1.0, RATE_HZ, 1);
    let mp3 = Encoding::Mp3 { kbps: 128 };
    let path = folder.path().join("song.mp3");
    encode_to(fs::File::create(&path).unwrap(), &sound, RATE_HZ, 1, mp3, &covered).unwrap();
    let entries = "format_tags:stream=codec_name,codec_type,duration:stream_disposition=attached_pic:format=duration";
    let output = run("ffprobe", &["-v", "error", "-show_entries", entries, "-of", "flat", path_text(&path)]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for expected in ["Über den Wolken\"", "\"Descant\"", "三つの歌", "\"png\"", "attached_pic=1"] {
        assert!(text.contains(expected), "lacks {expected}: {text}");
    }
    let bytes = fs::read(&path).unwrap();
    assert!(bytes.windows(DOT.len()).any(|window| window == DOT), "the picture is there as it was given");
    let with = decode(std::io::Cursor::new(bytes), &Bounds::default()).unwrap();
    let without = encode(&sound, RATE_HZ, 1, mp3, &plain).unwrap();
    let without = decode(std::io::Cursor::new(without), &Bounds::default()).unwrap();
    assert!(with.samples == without.samples, "{} and {} samples", with.samples.len(), without.samples.len());
    for encoding in ENCODINGS.into_iter().filter(|encoding| !matches!(encoding, Encoding::Mp3 { .. })) {
        let (with, without) = [&covered, &plain].map(|tags| encode(&sound, RATE_HZ, 1, encoding, tags).unwrap()).into();
        assert!(with == without, "{encoding:?} carries no picture");
    }
}

#[test]
fn what_an_encoder_does_not_take_is_said() {
    let cases = [
        (Encoding::Mp3 { kbps: 128 }, 96_000, 1),
        (Encoding::Wav16, 0, 1),
        (Encoding::Flac, 44_100, 0),
        (Encoding::Wav16, 44_100, 9),
    ];
    for (encoding, rate_hz, channels) in cases {
        let result = encode(&[0.0; 64], rate_hz, channels, encoding, &Tags::default());
        assert!(
            matches!(result, Err(MediaError::NotEncodable { .. })),
            "{encoding:?} {rate_hz} {channels}: {result:?}"
        );
    }
    // Samples that are no number or beyond full scale do not reach the encoder.
    let wild = [f32::NAN, f32::INFINITY, 5.0, -5.0].repeat(500);
    for encoding in ENCODINGS {
        let bytes = encode(&wild, RATE_HZ, 1, encoding, &Tags::default()).unwrap();
        assert!(!inspect_bytes(&bytes).unwrap().absurd_samples, "{encoding:?}");
    }
}

#[test]
fn a_failing_writer_is_named() {
    struct Full(u64);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len() as u64;
            if self.0 > 1000 { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(bytes.len()) }
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    impl std::io::Seek for Full {
        fn seek(&mut self, _: std::io::SeekFrom) -> std::io::Result<u64> {
            Ok(self.0)
        }
    }
    let samples = sample::voice(2.0, RATE_HZ, 1);
    match encode_to(Full(0), &samples, RATE_HZ, 1, Encoding::Wav16, &Tags::default()) {
        Err(MediaError::Write { source }) => assert_eq!(source.kind(), std::io::ErrorKind::StorageFull),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_kind_of_wave_is_measured_alike() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.wav");
    fs::write(&source, encoded(2.0, 1, Encoding::Wav16)).unwrap();
    let expected = inspect_bytes(&fs::read(&source).unwrap()).unwrap();
    let codecs = ["pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_mulaw", "pcm_alaw"];
    for codec in codecs {
        for (muxer, ending) in [("wav", "wav"), ("w64", "w64")] {
            let path = folder.path().join(format!("{codec}.{ending}"));
            ffmpeg(&["-i", path_text(&source), "-c:a", codec, "-f", muxer, path_text(&path)]);
            let facts = inspect_bytes(&fs::read(&path).unwrap()).unwrap();
            assert_eq!((facts.format, facts.codec.as_str()), (AudioFormat::Wav, codec));
            assert_close(codec, facts.mean_volume_dbfs.unwrap(), expected.mean_volume_dbfs.unwrap(), 0.1);
            assert_close(codec, facts.duration_seconds, 2.0, 1e-6);
            assert_close(codec, facts.declared_duration_seconds.unwrap(), 2.0, 1e-3);
        }
    }
}

#[test]
fn surround_is_measured_and_mixed_down_without_overflow() {
    let folder = tempfile::tempdir().unwrap();
    for encoding in ["flac", "aac", "libvorbis", "pcm_s16le"] {
        let path = folder.path().join("surround.bin");
        let container = match encoding {
            "flac" => "flac",
            "aac" => "ipod",
            "libvorbis" => "ogg",
            _ => "wav",
        };
        let tone = "sine=frequency=440:duration=2:sample_rate=44100,volume=18dB,aformat=channel_layouts=mono";
        let pan = "pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0";
        ffmpeg(&["-f", "lavfi", "-i", tone, "-af", pan, "-c:a", encoding, "-f", container, path_text(&path)]);
        let bytes = fs::read(&path).unwrap();
        assert_eq!(inspect_bytes(&bytes).unwrap().channels, 6, "{encoding}");
        let mono = decode_mono(Cursor::new(bytes), 16_000, &Bounds::default()).unwrap();
        assert_close("length", mono.samples.len() as f64, 32_000.0, 1200.0);
        let peak = mono.samples.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
        assert!((0.5..=1.1).contains(&peak), "{encoding}: {peak}");
    }
}

#[test]
fn mono_is_resampled_to_the_last_sample_and_keeps_pitch_and_level() {
    for (from_hz, to_hz, channels) in
        [(44_100, 16_000, 1), (8_000, 44_100, 1), (48_000, 44_100, 2), (44_100, 44_100, 2)]
    {
        let tone = sine16(400.0, 2.0, from_hz, 0.9);
        let both = tone.iter().flat_map(|&x| std::iter::repeat_n(x, channels));
        let bytes = Wave::pcm16(from_hz, channels as u16, both).bytes();
        let mono = decode_mono(Cursor::new(bytes), to_hz, &Bounds::default()).unwrap();
        assert_eq!(mono.sample_rate_hz, to_hz);
        assert_close("length", mono.samples.len() as f64, f64::from(to_hz) * 2.0, 2.0);
        // Both channels alike must give the same level as one: no 3 dB more, no 6 dB less.
        let middle = &mono.samples[to_hz as usize / 2..to_hz as usize * 3 / 2];
        let peak = middle.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
        assert_close("peak", f64::from(peak), 0.9, 0.02);
        let crossings = middle.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
        assert_close("pitch", crossings as f64, 400.0, 1.0);
    }
}

#[test]
fn a_picture_is_ignored_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("cover.png");
    ffmpeg(&["-f", "lavfi", "-i", "color=red:size=300x300:duration=1", "-frames:v", "1", path_text(&picture)]);
    for (encoding, muxer, video) in [
        (Encoding::Mp3 { kbps: 128 }, "mp3", "copy"),
        (Encoding::M4a { kbps: 128 }, "ipod", "copy"),
        (Encoding::Flac, "flac", "copy"),
    ] {
        let (sound, both) = (folder.path().join("sound.bin"), folder.path().join("both.bin"));
        fs::write(&sound, encoded(2.0, 1, encoding)).unwrap();
        let (sound, both) = (path_text(&sound), path_text(&both));
        ffmpeg(&[
            "-i",
            sound,
            "-i",
            path_text(&picture),
            "-map",
            "0:a",
            "-map",
            "1:v",
            "-c:a",
            "copy",
            "-c:v",
            video,
            "-disposition:v",
            "attached_pic",
            "-f",
            muxer,
            both,
        ]);
        let bytes = fs::read(both).unwrap();
        let facts = inspect_bytes(&bytes).unwrap();
        assert_eq!((facts.ignored_streams, facts.decode_errors), (1, 0), "{encoding:?}");
        assert_close("duration", facts.duration_seconds, 2.0, 0.05);
        let verdict = judge(facts, None, &AudioLimits::default());
        assert!(verdict.accepted());
        assert!(verdict.warnings().any(|finding| finding.code == FindingCode::StreamsIgnored));
        assert!(decode_mono(Cursor::new(bytes), 16_000, &Bounds::default()).is_ok());
    }
}

#[test]
fn a_film_is_its_sound_and_a_film_without_sound_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.mp4");
    let (image, tone) = ("testsrc=size=128x96:rate=10:duration=2", "sine=frequency=300:duration=2");
    ffmpeg(&["-f", "lavfi", "-i", image, "-f", "lavfi", "-i", tone, "-c:v", "mpeg4", "-c:a", "aac", path_text(&path)]);
    let facts = inspect_bytes(&fs::read(&path).unwrap()).unwrap();
    assert_eq!((facts.format, facts.ignored_streams), (AudioFormat::M4a, 1));
    ffmpeg(&["-f", "lavfi", "-i", image, "-c:v", "mpeg4", path_text(&path)]);
    assert!(matches!(inspect_bytes(&fs::read(&path).unwrap()), Err(MediaError::NoAudioStream { streams: 1 })));
}

#[test]
fn other_codecs_in_our_containers_are_named_and_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.bin");
    let tone = "sine=frequency=300:duration=2";
    for (codec, muxer) in [("adpcm_ms", "wav"), ("ac3", "mov")] {
        ffmpeg(&["-f", "lavfi", "-i", tone, "-c:a", codec, "-f", muxer, path_text(&path)]);
        match inspect_bytes(&fs::read(&path).unwrap()) {
            Err(MediaError::UnsupportedCodec { codec: named }) => assert_eq!(named, codec),
            other => panic!("{codec}: {other:?}"),
        }
    }
}

#[test]
fn opus_and_alac_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.bin");
    let tone = "sine=frequency=300:duration=2:sample_rate=48000";
    for (encoder, codec, muxer, format) in [
        ("libopus", "opus", "ogg", AudioFormat::Ogg),
        ("alac", "alac", "ipod", AudioFormat::M4a),
        ("flac", "flac", "ogg", AudioFormat::Ogg),
    ] {
        ffmpeg(&["-f", "lavfi", "-i", tone, "-c:a", encoder, "-f", muxer, path_text(&path)]);
        let facts = inspect_bytes(&fs::read(&path).unwrap()).unwrap();
        assert_eq!((facts.codec.as_str(), facts.format), (codec, format));
        assert_close("duration", facts.duration_seconds, 2.0, 0.02);
    }
}

#[test]
fn real_recordings_are_what_their_table_says() {
    let expected = [
        ("vocadito_10_6s.flac", AudioFormat::Flac, "flac", 44_100, 1, 6.0),
        ("vocadito_10_6s.m4a", AudioFormat::M4a, "aac", 44_100, 1, 6.0),
        ("vocadito_10_6s.ogg", AudioFormat::Ogg, "vorbis", 44_100, 1, 6.0),
        ("vocadito_10_6s_16k_f32.wav", AudioFormat::Wav, "pcm_f32le", 16_000, 1, 6.0),
        ("vocadito_10_6s_48k_24bit_stereo.wav", AudioFormat::Wav, "pcm_s24le", 48_000, 2, 6.0),
        ("vocadito_10_6s_192k_stereo.mp3", AudioFormat::Mp3, "mp3", 44_100, 2, 6.0),
        ("vocadito_10_6s_64k.mp3", AudioFormat::Mp3, "mp3", 44_100, 1, 6.0),
        ("vocadito_10_6s_8k_ulaw.wav", AudioFormat::Wav, "pcm_mulaw", 8_000, 1, 6.0),
        ("silence_2s.wav", AudioFormat::Wav, "pcm_s16le", 16_000, 1, 2.0),
    ];
    for (name, format, codec, rate_hz, channels, seconds) in expected {
        let Some(path) = testbed::shared_data(&format!("variants/{name}")) else {
            return what_the_encoder_writes_is_read_back_as_what_it_is();
        };
        let file = fs::File::open(&path).unwrap();
        let size = file.metadata().unwrap().len();
        let facts = inspect(file, size, &Bounds::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            (facts.format, facts.codec.as_str(), facts.sample_rate_hz, facts.channels),
            (format, codec, rate_hz, channels),
            "{name}"
        );
        assert_close(name, facts.duration_seconds, seconds, 0.05);
        assert_eq!(facts.decode_errors, 0, "{name}");
        assert_eq!(facts.mean_volume_dbfs.is_none(), name.starts_with("silence"), "{name}");
    }
}
