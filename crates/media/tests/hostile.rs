//! Files that lie, point elsewhere or are damaged: a clear answer, no reach beyond the stream, no crash, no leak. A
//! process of its own, because one of the tests changes the current folder.

#[path = "it/support/mod.rs"]
mod support;

use std::{
    fs,
    io::{self, Cursor, Read, Seek, SeekFrom},
    net::TcpListener,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use domain::audio::{AudioLimits, FindingCode, judge};
use media::{Bounds, Encoding, MediaError, decode_mono, finding, inspect};
use rand::{Rng, SeedableRng, rngs::StdRng};
use support::*;

fn code_of(bytes: &[u8]) -> FindingCode {
    match inspect_bytes(bytes) {
        Err(error) => {
            assert!(!error.is_retryable(), "{error}: blames the machine for the file");
            finding(&error).code
        }
        Ok(facts) => panic!("accepted as {facts:?}"),
    }
}

#[test]
fn what_points_elsewhere_reaches_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    // A pipe: a writer gets through only when somebody opens the other end, which is what must not happen.
    let target = folder.path().join("target.wav");
    assert!(Command::new("mkfifo").arg(&target).status().unwrap().success());
    let (was_opened, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let writer = thread::spawn({
        let (target, was_opened, over) = (target.clone(), was_opened.clone(), over.clone());
        move || {
            // Each reader gets an end to read, so that the test fails rather than hangs.
            loop {
                drop(fs::OpenOptions::new().write(true).open(&target).unwrap());
                if over.load(Ordering::SeqCst) {
                    return;
                }
                was_opened.store(true, Ordering::SeqCst);
            }
        }
    });
    // A name without a folder is what ffmpeg's scripts may refer to even when they are read "safely".
    std::env::set_current_dir(folder.path()).unwrap();
    let path = path_text(&target);
    let texts = [
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://{address}/a.ts\n#EXT-X-ENDLIST\n"),
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{path}\n#EXT-X-ENDLIST\n"),
        format!(
            "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10,\nconcat:http://{address}/h|subfile,,start,0,end,99,,:{path}\n"
        ),
        format!("ffconcat version 1.0\nfile '{path}'\n"),
        "ffconcat version 1.0\nfile target.wav\n".to_owned(),
        format!("ffconcat version 1.0\nfile 'http://{address}/a.mp3'\n"),
        format!(
            "v=0\r\no=- 0 0 IN IP4 {ip}\r\ns=x\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n",
            ip = address.ip(),
            port = address.port()
        ),
        format!("<?xml version=\"1.0\"?><MPD type=\"static\"><BaseURL>http://{address}/</BaseURL></MPD>"),
        format!("[playlist]\nFile1=http://{address}/a.mp3\nNumberOfEntries=1\n"),
        format!("http://{address}/a.mp3"),
        path.to_owned(),
    ];
    for text in &texts {
        assert_eq!(code_of(text.as_bytes()), FindingCode::NotAudio, "{text}");
        // Short, so that waiting for somebody's answer shows as a passed deadline.
        let bounds = Bounds { deadline: Duration::from_secs(3), ..Bounds::default() };
        // With a binary byte in a comment the first look does not know it for text, so ffmpeg's own lists must hold.
        let hidden = text.replacen('\n', "\n#\u{1}\n", 1);
        for disguised in [hidden.into_bytes(), [text.as_bytes(), b"\n\x00\x01\x02"].concat()] {
            let error = inspect_within(&disguised, &bounds).unwrap_err();
            assert!(!error.is_retryable(), "{error} for {text}");
            assert!(decode_mono(Cursor::new(disguised), 16_000, &bounds).is_err(), "{text}");
        }
    }
    assert!(!was_opened.load(Ordering::SeqCst), "somebody opened another file");
    // Lets the writer go.
    over.store(true, Ordering::SeqCst);
    drop(fs::File::open(&target).unwrap());
    writer.join().unwrap();
    match listener.accept() {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        other => panic!("somebody called: {other:?}"),
    }
}

#[test]
fn other_kinds_of_file_are_called_by_their_name() {
    let cases: [(&[u8], FindingCode, &str); 12] = [
        (b"#!AMR\n\x3c\x91\x17\x16", FindingCode::UnsupportedFormat, "AMR"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", FindingCode::UnsupportedFormat, "Windows Media"),
        (b"MThd\0\0\0\x06\0\x01\0\x02", FindingCode::UnsupportedFormat, "MIDI"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", FindingCode::NotAudio, "PDF"),
        (b"PK\x03\x04\x14\0\0\0\x08\0", FindingCode::NotAudio, "ZIP"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", FindingCode::NotAudio, "PNG"),
        (b"\x7fELF\x02\x01\x01\0", FindingCode::NotAudio, "program"),
        (b"\x1f\x8b\x08\0\0\0\0\0", FindingCode::NotAudio, "gzip"),
        (b"This is only text.\n", FindingCode::NotAudio, "text"),
        (b"{\"a\": 1}", FindingCode::NotAudio, "JSON"),
        (b"", FindingCode::FileEmpty, "empty"),
        (&[0; 5000], FindingCode::NotAudio, "no sound"),
    ];
    for (bytes, code, word) in cases {
        let error = inspect_bytes(bytes).unwrap_err();
        let finding = finding(&error);
        assert_eq!(finding.code, code, "{error}");
        assert!(finding.message.contains(word), "{:?} lacks {word}", finding.message);
    }
}

#[test]
fn random_bytes_are_refused() {
    let mut random = StdRng::seed_from_u64(7);
    for length in [1, 3, 100, 4096, 300_000] {
        let bytes: Vec<u8> = (0..length).map(|_| random.random()).collect();
        if let Ok(facts) = inspect_bytes(&bytes) {
            // Noise may hold a few frames by chance; they must not pass for a recording.
            assert!(!judge(facts, None, &AudioLimits::default()).accepted(), "{length} random bytes accepted");
        }
    }
}

#[test]
fn lying_headers_are_refused() {
    let data = sine16(300.0, 2.0, RATE_HZ, 0.5);
    let good = Wave::pcm16(RATE_HZ, 1, data);
    let cases = [
        (Wave { channels: u16::MAX, ..good.clone() }, "65535 channels"),
        (Wave { channels: 0, ..good.clone() }, "no channels"),
        (Wave { channels: 9, ..good.clone() }, "nine channels"),
        (Wave { rate_hz: 0, ..good.clone() }, "rate 0"),
        (Wave { rate_hz: i32::MAX as u32, ..good.clone() }, "rate 2^31 - 1"),
        (Wave { rate_hz: u32::MAX, ..good.clone() }, "rate 2^32 - 1"),
        (Wave { rate_hz: 7_999, ..good.clone() }, "just below the lowest rate"),
        (Wave { rate_hz: 192_001, ..good.clone() }, "just above the highest rate"),
        (Wave { bits: 0, ..good.clone() }, "no bits"),
        (Wave { bits: 65_535, ..good.clone() }, "65535 bits"),
        (Wave { data: Vec::new(), ..good.clone() }, "no data"),
    ];
    for (wave, what) in cases {
        let code = code_of(&wave.bytes());
        assert!(
            matches!(
                code,
                FindingCode::CorruptFile
                    | FindingCode::TooManyChannels
                    | FindingCode::SampleRateTooLow
                    | FindingCode::UnsupportedFormat
            ),
            "{what}: {code:?}"
        );
    }
    for (rate_hz, channels) in [(8_000, 1), (192_000, 8)] {
        let edge = Wave { rate_hz, channels, ..good.clone() };
        assert!(inspect_bytes(&edge.bytes()).is_ok(), "the limits themselves are fine: {rate_hz} {channels}");
    }
}

#[test]
fn tags_that_promise_gigabytes_end_quickly() {
    // ID3v2 with a size of 256 MB, and a chain of many small ones.
    let mut bomb = b"ID3\x04\0\0\x7f\x7f\x7f\x7f".to_vec();
    bomb.extend(b"APIC\x7f\x7f\x7f\x7f\0\0\0image/png\0\x03\0".repeat(100));
    assert!(inspect_bytes(&bomb).is_err());
    assert!(inspect_bytes(&b"ID3\x04\0\0\0\0\0\0".repeat(50_000)).is_err());
    // A recording behind a large but honest tag is still found.
    let mut tagged = b"ID3\x04\0\0\0\x7f\x7f\x7f".to_vec();
    tagged.extend(vec![0; 0x1f_ffff]);
    tagged.extend(encoded(2.0, 1, Encoding::Mp3 { kbps: 128 }));
    assert_close("duration", inspect_bytes(&tagged).unwrap().duration_seconds, 2.0, 0.1);
}

#[test]
fn not_a_number_and_beyond_all_measure_is_damage() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e20] {
        let mut samples: Vec<f32> = (0..RATE_HZ * 2).map(|i| 0.5 * (i as f32 * 0.05).sin()).collect();
        samples[5000] = bad;
        let bytes = Wave::float(RATE_HZ, samples).bytes();
        let facts = inspect_bytes(&bytes).unwrap();
        assert!(facts.absurd_samples && facts.mean_volume_dbfs.unwrap().is_finite(), "{bad}");
        let verdict = judge(facts, None, &AudioLimits::default());
        assert!(verdict.errors().any(|finding| finding.code == FindingCode::CorruptFile));
        let mono = decode_mono(Cursor::new(bytes), 16_000, &Bounds::default()).unwrap();
        assert!(mono.samples.iter().all(|sample| sample.is_finite()), "{bad}");
    }
}

#[test]
fn a_file_that_was_cut_off_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let fast = folder.path().join("fast.m4a");
    let plain = folder.path().join("plain.m4a");
    fs::write(&plain, encoded(8.0, 1, Encoding::M4a { kbps: 128 })).unwrap();
    ffmpeg(&["-i", path_text(&plain), "-c", "copy", "-movflags", "+faststart", path_text(&fast)]);
    let files = [
        ("wav", encoded(8.0, 1, Encoding::Wav16)),
        ("flac", encoded(8.0, 1, Encoding::Flac)),
        ("mp3", encoded(8.0, 1, Encoding::Mp3 { kbps: 128 })),
        ("ogg", encoded(8.0, 1, Encoding::Ogg { quality: 5.0 })),
        ("m4a with its index first", fs::read(&fast).unwrap()),
    ];
    for (name, bytes) in files {
        let cut = &bytes[..bytes.len() * 2 / 5];
        let codes: Vec<FindingCode> = match inspect_bytes(cut) {
            Ok(facts) => judge(facts, None, &AudioLimits::default()).errors().map(|finding| finding.code).collect(),
            Err(error) => vec![finding(&error).code],
        };
        assert!(codes.contains(&FindingCode::TruncatedFile), "{name}: {codes:?}");
    }
    // With its index at the end, nothing can be read at all.
    let bytes = fs::read(&plain).unwrap();
    assert_eq!(code_of(&bytes[..bytes.len() / 2]), FindingCode::CorruptFile);
    // And inside the first header.
    for encoding in ENCODINGS {
        let code = code_of(&encoded(1.0, 1, encoding)[..20]);
        assert!(
            matches!(code, FindingCode::CorruptFile | FindingCode::TruncatedFile | FindingCode::NotAudio),
            "{encoding:?}: {code:?}"
        );
    }
}

#[test]
fn a_streamed_wave_with_unknown_length_is_not_truncated() {
    for data_bytes in [0xffff_ffff, 0x7fff_ffff, 0x8000_0000] {
        let wave = Wave { data_bytes: Some(data_bytes), ..Wave::pcm16(RATE_HZ, 1, sine16(300.0, 2.0, RATE_HZ, 0.5)) };
        let facts = inspect_bytes(&wave.bytes()).unwrap();
        assert_close("duration", facts.duration_seconds, 2.0, 1e-6);
        assert!(judge(facts, None, &AudioLimits::default()).accepted(), "{data_bytes:x}");
    }
}

#[test]
fn decoding_stops_at_its_bounds() {
    for encoding in [Encoding::Wav16, Encoding::Mp3 { kbps: 64 }] {
        let bytes = encoded(90.0, 1, encoding);
        let short = Bounds { max_seconds: 40.0, ..Bounds::default() };
        match inspect_within(&bytes, &short) {
            Err(error @ MediaError::TooLong { .. }) => {
                let finding = finding(&error);
                assert_eq!(finding.code, FindingCode::TooLong);
                assert!(finding.measured.as_ref().is_some_and(|text| text.starts_with("90.0")), "{finding:?}");
            }
            other => panic!("{encoding:?}: {other:?}"),
        }
        let small = Bounds { max_decoded_bytes: 1_000_000, ..Bounds::default() };
        assert!(matches!(inspect_within(&bytes, &small), Err(MediaError::TooManyBytes { .. })));
        assert!(matches!(decode_mono(Cursor::new(bytes.clone()), 16_000, &short), Err(MediaError::TooLong { .. })));
        let late = Bounds { deadline: Duration::ZERO, ..Bounds::default() };
        let error = inspect_within(&bytes, &late).unwrap_err();
        assert!(matches!(error, MediaError::DeadlinePassed { .. }) && error.is_retryable(), "{error}");
    }
}

/// A source that breaks down in the middle.
struct Breaking {
    inner: Cursor<Vec<u8>>,
    breaks_at: u64,
}

impl Read for Breaking {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.inner.position() >= self.breaks_at {
            return Err(io::Error::other("the disk is gone"));
        }
        let left = (self.breaks_at - self.inner.position()) as usize;
        let length = buffer.len().min(left);
        self.inner.read(&mut buffer[..length])
    }
}

impl Seek for Breaking {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.inner.seek(position)
    }
}

#[test]
fn a_source_that_breaks_is_not_taken_for_the_end_of_the_file() {
    for encoding in [Encoding::Wav16, Encoding::Mp3 { kbps: 128 }, Encoding::Flac] {
        let bytes = encoded(60.0, 1, encoding);
        let size = bytes.len() as u64;
        for breaks_at in [0, 100, size * 3 / 4] {
            let source = Breaking { inner: Cursor::new(bytes.clone()), breaks_at };
            match inspect(source, size, &Bounds::default()) {
                Err(error @ MediaError::Read { .. }) => {
                    assert!(error.is_retryable());
                    let MediaError::Read { source } = error else { unreachable!() };
                    assert_eq!(source.to_string(), "the disk is gone");
                }
                other => panic!("{encoding:?} at {breaks_at}: {other:?}"),
            }
        }
    }
}

#[test]
fn clipping_is_seen_through_every_codec() {
    let clipped = |samples: &[f32], encoding| {
        let bytes = media::encode(samples, RATE_HZ, 1, encoding, &media::Tags::default()).unwrap();
        inspect_bytes(&bytes).unwrap().clipped_share
    };
    let voice = media::sample::voice(4.0, RATE_HZ, 1);
    let loud: Vec<f32> = voice.iter().map(|x| x / 0.71).collect();
    let driven: Vec<f32> = loud.iter().map(|x| (x * 6.0).clamp(-1.0, 1.0)).collect();
    let tone: Vec<f32> = (0..RATE_HZ * 2).map(|i| (i as f32 * 0.03).sin()).collect();
    let truth = clipped(&driven, Encoding::Wav16);
    assert!(truth > 0.1, "the driven voice is badly clipped: {truth}");
    for encoding in ENCODINGS {
        let share = clipped(&driven, encoding);
        assert!((truth * 0.5..truth * 1.5).contains(&share), "{encoding:?}: {share} instead of {truth}");
        assert!(clipped(&loud, encoding) < 0.002, "{encoding:?}: a loud clean voice counts as clipped");
        // A pure tone at full scale dwells at its top; what matters is that it is not refused.
        assert!(clipped(&tone, encoding) < 0.05, "{encoding:?}: a clean tone counts as clipped");
    }
}

#[test]
fn headers_of_recorders_that_lie_are_refused_without_reaching_for_memory() {
    let ebml = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm\x42\x87\x81\x04\x42\x85\x81\x02";
    let endless = b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff";
    let cases: [(&str, Vec<u8>); 8] = [
        ("EBML and nothing", ebml.to_vec()),
        ("a segment and nothing", [&ebml[..], endless].concat()),
        ("tracks of a terabyte", [&ebml[..], endless, b"\x16\x54\xae\x6b\x01\0\x01\0\0\0\0\0", &[0xae; 500]].concat()),
        ("a million empty elements", [&ebml[..], endless, &b"\xec\x80".repeat(500_000)].concat()),
        ("elements within elements", [&ebml[..], &endless.repeat(20_000)].concat()),
        ("AIFF with chunks of four gigabytes", b"FORM\0\0\x10\0AIFFCOMM\xff\xff\xff\xff".repeat(50)),
        ("Core Audio with a table of exabytes", {
            let description = b"caff\0\x01\0\0desc\0\0\0\0\0\0\0\x20\x40\xe5\x88\x80\0\0\0\0alac";
            [&description[..], &[0; 20], b"pakt\x7f\xff\xff\xff\xff\xff\xff\xff", &[0xff; 600]].concat()
        }),
        ("Core Audio with a negative size", [&b"caff\0\x01\0\0desc"[..], &[0xff; 500]].concat()),
    ];
    for (what, bytes) in cases {
        let error = inspect_bytes(&bytes).expect_err(what);
        assert!(!error.is_retryable(), "{what}: {error}");
        assert!(decode_mono(Cursor::new(bytes), 16_000, &Bounds::default()).is_err(), "{what}");
    }
}
