//! Every bad recording gets its own answer: over the bus, from an object store, with code, measured value and limit.

use std::{sync::Arc, time::Duration};

use blob_store::{BlobStore, ObjectKey};
use bytes::Bytes;
use chrono::Utc;
use contracts::{Payload, ValidationRequest, v1};
use domain::{
    MessageId, Tier, UploadId,
    audio::{AudioFormat, Finding, FindingCode, Severity, Verdict},
    kind::InputCheck,
};
use media::{Encoding, Tags, encode, sample};
use messaging::{Bus, Consumer, MessagingError, Queue, in_process};
use resilience::SystemClock;
use settings::{LoadOptions, Settings};
use telemetry::Metrics;
use validator::Requests;

const RATE_HZ: u32 = 44_100;
const PATIENCE: Duration = Duration::from_secs(60);
/// Small enough that a test can exceed it.
const MAX_SIZE_BYTES: u64 = 4 * 1024 * 1024;

struct Harness {
    bus: Arc<dyn Bus>,
    objects: Arc<dyn BlobStore>,
    metrics: Metrics,
    _consumer: Consumer,
    _folder: tempfile::TempDir,
}

impl Harness {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = LoadOptions::default()
            .with("audio.max_size_bytes", MAX_SIZE_BYTES.to_string())
            .with("audio.max_duration_seconds", "20.0")
            .with("audio.tiers.premium.allowed_formats", "wav, flac")
            .with("audio.tiers.premium.recommend_stereo", "true")
            .with("audio.tiers.enterprise.require_stereo", "true")
            .with("audio.tiers.enterprise.max_duration_seconds", "60.0");
        let settings = Arc::new(Settings::load(&options).unwrap_or_else(|errors| panic!("{errors}")));
        let (bus, metrics) = (in_process(), Metrics::new("validator"));
        let objects = blob_store::folder(folder.path()).unwrap();
        let requests = Requests::new(settings, objects.clone(), metrics.clone(), Arc::new(SystemClock), 2);
        let consumer = bus.consume(Queue::ValidatorRequests, 3, Arc::new(requests)).await.unwrap();
        Self { bus, objects, metrics, _consumer: consumer, _folder: folder }
    }

    async fn upload(&self, bytes: Vec<u8>) -> ObjectKey {
        let key = ObjectKey::upload(UploadId::from_uuid(uuid::Uuid::now_v7()));
        self.objects.put_bytes(&key, Bytes::from(bytes), "application/octet-stream").await.unwrap();
        key
    }

    async fn ask(&self, object_key: &str, file_name: &str, tier: Tier) -> Result<Verdict, MessagingError> {
        self.ask_for(InputCheck::Audio, object_key, file_name, tier).await
    }

    async fn ask_for(
        &self,
        check: InputCheck,
        object_key: &str,
        file_name: &str,
        tier: Tier,
    ) -> Result<Verdict, MessagingError> {
        let (object_key, file_name) = (object_key.to_owned(), Some(file_name.to_owned()));
        let request = ValidationRequest { object_key, file_name, tier, check };
        let id = MessageId::from_uuid(uuid::Uuid::now_v7());
        let message = contracts::envelope(v1::ValidateAudio::from(request), id, Utc::now());
        let reply = self.bus.request(Queue::ValidatorRequests, message, PATIENCE).await?;
        Ok(v1::AudioVerdict::open(reply).unwrap().try_into().unwrap())
    }

    async fn verdict_for(&self, bytes: Vec<u8>, file_name: &str, tier: Tier) -> Verdict {
        let key = self.upload(bytes).await;
        self.ask(key.as_str(), file_name, tier).await.unwrap()
    }

    async fn verdict(&self, bytes: Vec<u8>, file_name: &str) -> Verdict {
        self.verdict_for(bytes, file_name, Tier::Free).await
    }
}

fn sound(seconds: f64, rate_hz: u32, channels: u16, encoding: Encoding) -> Vec<u8> {
    encode(&sample::voice(seconds, rate_hz, channels), rate_hz, channels, encoding, &Tags::default()).unwrap()
}

fn wav(samples: &[f32], channels: u16) -> Vec<u8> {
    encode(samples, RATE_HZ, channels, Encoding::Wav16, &Tags::default()).unwrap()
}

#[track_caller]
fn find(verdict: &Verdict, code: FindingCode, severity: Severity) -> &Finding {
    let found = verdict.findings.iter().find(|finding| finding.code == code);
    let found = found.unwrap_or_else(|| panic!("no {code:?} in {:#?}", verdict.findings));
    assert_eq!(found.severity, severity, "{found:?}");
    assert_eq!(verdict.accepted(), verdict.facts.is_some() && verdict.errors().next().is_none());
    found
}

/// The one error, with what was measured and the limit.
#[track_caller]
fn refused(verdict: &Verdict, code: FindingCode) -> (String, String) {
    assert!(!verdict.accepted());
    let finding = find(verdict, code, Severity::Error);
    let others: Vec<_> = verdict.errors().filter(|error| error.code != code).collect();
    assert!(others.is_empty(), "further errors: {others:#?}");
    (finding.measured.clone().unwrap_or_default(), finding.limit.clone().unwrap_or_default())
}

fn pair(measured: &str, limit: &str) -> (String, String) {
    (measured.to_owned(), limit.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_recording_is_accepted_with_its_facts() {
    let harness = Harness::open().await;
    let verdict = harness.verdict(sound(3.0, RATE_HZ, 2, Encoding::Mp3 { kbps: 128 }), "hum.mp3").await;
    assert!(verdict.accepted() && verdict.findings.is_empty(), "{:#?}", verdict.findings);
    let facts = verdict.facts.unwrap();
    assert_eq!((facts.format.as_str(), facts.codec.as_str(), facts.channels), ("mp3", "mp3", 2));
    let text = harness.metrics.render();
    assert!(text.contains("descant_validations_total{outcome=\"accepted\""), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn size_and_length_have_limits() {
    let harness = Harness::open().await;
    let verdict = harness.verdict(vec![0; MAX_SIZE_BYTES as usize + 1], "large.wav").await;
    assert_eq!(refused(&verdict, FindingCode::FileTooLarge), pair("4.0 MB", "4.0 MB"));
    let verdict = harness.verdict(vec![0; MAX_SIZE_BYTES as usize * 2], "large.wav").await;
    assert_eq!(refused(&verdict, FindingCode::FileTooLarge), pair("8.0 MB", "4.0 MB"));

    let verdict = harness.verdict(sound(0.52, RATE_HZ, 2, Encoding::Wav16), "short.wav").await;
    assert_eq!(refused(&verdict, FindingCode::TooShort), pair("0.52 s", "1.00 s"));
    // A little too long is measured, far too long only declared.
    let verdict = harness.verdict(sound(20.5, RATE_HZ, 1, Encoding::Flac), "long.flac").await;
    assert_eq!(refused(&verdict, FindingCode::TooLong), pair("20.50 s", "20.00 s"));
    let verdict = harness.verdict(sound(55.0, RATE_HZ, 1, Encoding::Flac), "longer.flac").await;
    assert_eq!(refused(&verdict, FindingCode::TooLong), pair("55.00 s", "20.00 s"));
    let verdict = harness.verdict(sound(20.0, RATE_HZ, 1, Encoding::Flac), "exactly.flac").await;
    assert!(verdict.accepted(), "{:#?}", verdict.findings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_recording_is_said_to_be_none() {
    let harness = Harness::open().await;
    let verdict = harness.verdict(Vec::new(), "empty.wav").await;
    assert_eq!(refused(&verdict, FindingCode::FileEmpty), pair("0 bytes", "1 byte"));
    let verdict = harness.verdict(b"Dear diary, today I hummed.\n".repeat(30), "renamed.mp3").await;
    let (measured, limit) = refused(&verdict, FindingCode::NotAudio);
    assert_eq!((measured.as_str(), limit.contains("mp3")), ("text", true));
    let verdict = harness.verdict(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0".to_vec(), "picture.wav").await;
    assert_eq!(refused(&verdict, FindingCode::NotAudio).0, "a PNG picture");
    let verdict = harness.verdict(b"#!AMR\n\x3c\x91\x17\x16".to_vec(), "phone.amr").await;
    let (measured, limit) = refused(&verdict, FindingCode::UnsupportedFormat);
    assert_eq!((measured.as_str(), limit.as_str()), ("AMR", AudioFormat::LIST));
    assert!(verdict.facts.is_none());
    let text = harness.metrics.render();
    assert!(text.contains("descant_validations_total{outcome=\"rejected\""), "{text}");
    assert!(text.contains("code=\"not_audio\""), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_is_noticed() {
    let harness = Harness::open().await;
    for (encoding, name) in
        [(Encoding::Wav16, "cut.wav"), (Encoding::Mp3 { kbps: 128 }, "cut.mp3"), (Encoding::Flac, "cut.flac")]
    {
        let bytes = sound(8.0, RATE_HZ, 2, encoding);
        let verdict = harness.verdict(bytes[..bytes.len() / 2].to_vec(), name).await;
        // A FLAC frame that is cut in two also fails to decode; that is not counted as a second error.
        let (measured, limit) = refused(&verdict, FindingCode::TruncatedFile);
        assert!(measured.ends_with(" s") && limit.starts_with("8.0"), "{name}: {measured} of {limit}");
    }
    let ogg = sound(8.0, RATE_HZ, 2, Encoding::Ogg { quality: 5.0 });
    refused(&harness.verdict(ogg[..ogg.len() / 2].to_vec(), "cut.ogg").await, FindingCode::TruncatedFile);
    refused(
        &harness.verdict(sound(2.0, RATE_HZ, 1, Encoding::Wav16)[..30].to_vec(), "head.wav").await,
        FindingCode::CorruptFile,
    );
    let mut broken = sound(8.0, RATE_HZ, 2, Encoding::Flac);
    // Bytes flipped all over the frames: their checksums fail.
    for at in (2000..broken.len()).step_by(1500) {
        broken[at] ^= 0x55;
    }
    assert!(harness.verdict(broken, "broken.flac").await.errors().any(|e| e.code == FindingCode::CorruptFile));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn levels_are_judged() {
    let harness = Harness::open().await;
    let verdict = harness.verdict(wav(&vec![0.0; 2 * RATE_HZ as usize], 1), "silence.wav").await;
    assert_eq!(refused(&verdict, FindingCode::SilentAudio), pair("digital silence", "-60.0 dBFS"));
    let whisper: Vec<f32> = sample::voice(2.0, RATE_HZ, 2).iter().map(|x| x * 0.002).collect();
    let (measured, limit) = refused(&harness.verdict(wav(&whisper, 2), "whisper.wav").await, FindingCode::SilentAudio);
    assert!(measured.starts_with("-6") && measured.ends_with(" dBFS") && limit == "-60.0 dBFS", "{measured}");

    let driven: Vec<f32> = sample::voice(2.0, RATE_HZ, 2).iter().map(|x| (x * 8.0).clamp(-1.0, 1.0)).collect();
    let (measured, limit) =
        refused(&harness.verdict(wav(&driven, 2), "clipped.wav").await, FindingCode::SevereClipping);
    assert!(measured.ends_with("% of samples") && limit == "5.0 % of samples", "{measured}");
    let touching: Vec<f32> = sample::voice(2.0, RATE_HZ, 2).iter().map(|x| (x * 1.42).clamp(-1.0, 1.0)).collect();
    let verdict = harness.verdict(wav(&touching, 2), "loud.wav").await;
    assert!(verdict.accepted(), "{:#?}", verdict.findings);
    let finding = find(&verdict, FindingCode::Clipping, Severity::Warning);
    assert!(finding.measured.as_ref().unwrap().ends_with("dBFS") && finding.limit.as_deref() == Some("-0.1 dBFS"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rate_channels_bitrate_and_name_are_judged() {
    let harness = Harness::open().await;
    let verdict = harness.verdict(sound(2.0, 8_000, 1, Encoding::Wav16), "phone.wav").await;
    assert_eq!(refused(&verdict, FindingCode::SampleRateTooLow), pair("8000 Hz", "16000 Hz"));
    let verdict = harness.verdict(sound(2.0, 6_000, 1, Encoding::Wav16), "older-phone.wav").await;
    assert_eq!(refused(&verdict, FindingCode::SampleRateTooLow), pair("6000 Hz", "16000 Hz"));

    let verdict = harness.verdict(sound(2.0, 22_050, 1, Encoding::Mp3 { kbps: 32 }), "hum.wav").await;
    assert!(verdict.accepted(), "{:#?}", verdict.findings);
    let warning = |code| {
        let finding = find(&verdict, code, Severity::Warning);
        (finding.measured.clone().unwrap(), finding.limit.clone().unwrap())
    };
    assert_eq!(warning(FindingCode::SampleRateBelowRecommended), pair("22050 Hz", "44100 Hz"));
    assert_eq!(warning(FindingCode::FormatMismatch), pair("mp3", "wav"));
    let (measured, limit) = warning(FindingCode::LowBitrate);
    assert!(measured.starts_with('3') && limit == "64 kbit/s", "{measured}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tiers_have_limits_of_their_own() {
    let harness = Harness::open().await;
    let mp3 = sound(2.0, RATE_HZ, 2, Encoding::Mp3 { kbps: 128 });
    let verdict = harness.verdict_for(mp3.clone(), "a.mp3", Tier::Premium).await;
    assert_eq!(refused(&verdict, FindingCode::UnsupportedFormat), pair("mp3", "wav, flac"));
    assert!(harness.verdict_for(mp3, "a.mp3", Tier::Enterprise).await.accepted());

    let mono = sound(2.0, RATE_HZ, 1, Encoding::Wav16);
    let verdict = harness.verdict_for(mono.clone(), "a.wav", Tier::Enterprise).await;
    assert_eq!(refused(&verdict, FindingCode::StereoRequired), pair("1 channel", "2 channels"));
    let verdict = harness.verdict_for(mono.clone(), "a.wav", Tier::Premium).await;
    assert!(verdict.accepted());
    find(&verdict, FindingCode::MonoAudio, Severity::Warning);
    let verdict = harness.verdict_for(mono, "a.wav", Tier::Free).await;
    assert!(verdict.findings.is_empty(), "a microphone makes one channel: {:#?}", verdict.findings);
    let long = sound(40.0, RATE_HZ, 2, Encoding::Mp3 { kbps: 128 });
    assert!(harness.verdict_for(long, "long.mp3", Tier::Enterprise).await.accepted());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hinders_the_judging_is_a_fault() {
    let harness = Harness::open().await;
    let key = ObjectKey::upload(UploadId::from_uuid(uuid::Uuid::now_v7()));
    for (object_key, expected) in [(key.as_str(), "object_missing"), ("../etc/passwd", "object_key_invalid")] {
        match harness.ask(object_key, "a.wav", Tier::Free).await {
            Err(MessagingError::Fault { code, retryable, .. }) => {
                assert_eq!((code.as_str(), retryable), (expected, false))
            }
            other => panic!("{object_key}: {other:?}"),
        }
    }
    assert!(harness.metrics.render().contains("descant_validations_total{outcome=\"failed\""));
}

/// A WAVE file around samples that are encoded already; the tags are those of the registry in RFC 2361.
fn wave(tag: u16, bits: u16, rate_hz: u32, channels: u16, data: &[u8]) -> Vec<u8> {
    let frame = channels * bits / 8;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend(u32::try_from(36 + data.len()).unwrap().to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0");
    bytes.extend([tag, channels].map(u16::to_le_bytes).as_flattened());
    bytes.extend([rate_hz, rate_hz * u32::from(frame)].map(u32::to_le_bytes).as_flattened());
    bytes.extend([frame, bits].map(u16::to_le_bytes).as_flattened());
    bytes.extend(b"data");
    bytes.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
    bytes.extend(data);
    bytes
}

/// G.711 µ-law: sign, exponent of the biased magnitude, four bits of mantissa, all inverted.
fn mu_law(sample: f32) -> u8 {
    let biased = ((sample.abs().min(1.0) * 32_635.0) as u16) + 132;
    let exponent = 8 - biased.leading_zeros() as u8;
    let mantissa = (biased >> (exponent + 3)) as u8 & 0x0f;
    !(u8::from(sample < 0.0) << 7 | exponent << 4 | mantissa)
}

/// An AIFF file of 16-bit samples, in one channel. Its rate is an 80-bit float: exponent (bias 16383), then mantissa.
fn aiff(samples: &[f32], rate_hz: u32) -> Vec<u8> {
    let frames = u32::try_from(samples.len()).unwrap();
    let shift = u64::from(rate_hz).leading_zeros();
    let mut bytes = b"FORM".to_vec();
    bytes.extend((4 + 26 + 16 + frames * 2).to_be_bytes());
    bytes.extend(b"AIFFCOMM\0\0\0\x12\0\x01");
    bytes.extend(frames.to_be_bytes());
    bytes.extend(b"\0\x10");
    bytes.extend((16_383 + 63 - u16::try_from(shift).unwrap()).to_be_bytes());
    bytes.extend((u64::from(rate_hz) << shift).to_be_bytes());
    bytes.extend(b"SSND");
    bytes.extend((8 + frames * 2).to_be_bytes());
    bytes.extend([0; 8]);
    bytes.extend(samples.iter().flat_map(|sample| ((sample * 32_767.0) as i16).to_be_bytes()));
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recordings_of_every_format_get_the_verdicts_they_deserve() {
    let harness = Harness::open().await;
    let judge = async |name: &str, bytes: Vec<u8>, expected: Option<FindingCode>| {
        let verdict = harness.verdict(bytes, name).await;
        match expected {
            Some(code) => drop(refused(&verdict, code)),
            None => assert!(verdict.accepted(), "{name}: {:#?}", verdict.findings),
        }
    };
    let floats = |samples: Vec<f32>| samples.into_iter().flat_map(f32::to_le_bytes).collect::<Vec<u8>>();
    // The upper three bytes of 32 bits.
    let packed = |x: f32| <[u8; 3]>::try_from(&((f64::from(x) * 2_147_483_647.0) as i32).to_le_bytes()[1..]).unwrap();
    let wide: Vec<u8> = sample::voice(2.0, 48_000, 2).into_iter().flat_map(packed).collect();
    let telephone: Vec<u8> = sample::voice(2.0, 8_000, 1).into_iter().map(mu_law).collect();
    let made = [
        ("16.wav", sound(2.0, RATE_HZ, 1, Encoding::Wav16), None),
        ("float.wav", wave(3, 32, 16_000, 1, &floats(sample::voice(2.0, 16_000, 1))), None),
        ("24.wav", wave(1, 24, 48_000, 2, &wide), None),
        ("telephone.wav", wave(7, 8, 8_000, 1, &telephone), Some(FindingCode::SampleRateTooLow)),
        ("sound.aiff", aiff(&sample::voice(2.0, RATE_HZ, 1), RATE_HZ), None),
        ("sound.flac", sound(2.0, RATE_HZ, 1, Encoding::Flac), None),
        ("sound.m4a", sound(2.0, RATE_HZ, 1, Encoding::M4a { kbps: 96 }), None),
        ("sound.ogg", sound(2.0, RATE_HZ, 1, Encoding::Ogg { quality: 4.0 }), None),
        ("sound.mp3", sound(2.0, RATE_HZ, 1, Encoding::Mp3 { kbps: 64 }), None),
    ];
    for (name, bytes, expected) in made {
        judge(name, bytes, expected).await;
    }

    // In addition, where there are any: recordings of people. One that is missing is named on standard error.
    let recorded = [
        ("empty.wav", Some(FindingCode::FileEmpty)),
        ("not_audio.mp3", Some(FindingCode::NotAudio)),
        ("silence_2s.wav", Some(FindingCode::SilentAudio)),
        ("truncated_body.wav", Some(FindingCode::TruncatedFile)),
        ("truncated_header.wav", Some(FindingCode::CorruptFile)),
        ("vocadito_10_6s.aiff", None),
        ("vocadito_10_6s_opus.webm", None),
        ("vocadito_10_6s_8k_ulaw.wav", Some(FindingCode::SampleRateTooLow)),
        ("vocadito_10_6s.flac", None),
        ("vocadito_10_6s.m4a", None),
        ("vocadito_10_6s.ogg", None),
        ("vocadito_10_6s_64k.mp3", None),
        ("vocadito_10_6s_16k_f32.wav", None),
        ("vocadito_10_6s_48k_24bit_stereo.wav", None),
    ];
    for (name, expected) in recorded {
        if let Some(path) = testbed::shared_data(&format!("variants/{name}")) {
            judge(name, std::fs::read(path).unwrap(), expected).await;
        }
    }
}

/// A file of one track with these events.
fn midi(events: &[u8]) -> Vec<u8> {
    let head = b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk";
    [head.as_slice(), &(events.len() as u32).to_be_bytes(), events].concat()
}

/// A quarter note on the beat and the end of the track, with or without what lets the note go.
fn note(ends: bool) -> Vec<u8> {
    let end: &[u8] = if ends { &[0x83, 0x60, 0x80, 60, 0] } else { &[] };
    midi(&[&[0, 0x90, 60, 90], end, &[0, 0xff, 0x2f, 0]].concat())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn songs_in_midi_files_get_a_verdict_of_their_own() {
    let harness = Harness::open().await;
    let verdict = async |bytes: Vec<u8>| {
        let key = harness.upload(bytes).await;
        harness.ask_for(InputCheck::Midi, key.as_str(), "a.mid", Tier::Free).await.unwrap()
    };
    let good = verdict(note(true)).await;
    assert!(good.accepted() && good.findings.is_empty(), "{good:?}");
    let facts = good.song.unwrap();
    assert_eq!((facts.notes, facts.parts, good.facts), (1, 1, None));
    assert!((facts.duration_seconds - 0.5).abs() < 0.01, "{facts:?}");

    let mended = verdict(note(false)).await;
    assert!(mended.accepted(), "{mended:?}");
    let finding = mended.warnings().find(|finding| finding.code == FindingCode::MidiMended).expect("a warning");
    assert!(finding.message.contains("track 1, byte"), "{finding:?}");

    let sound = sound(1.0, RATE_HZ, 1, Encoding::Wav16);
    for (what, bytes, code, says) in [
        ("nothing", Vec::new(), FindingCode::FileEmpty, "The file is empty; send the song once more."),
        ("text", b"hello".to_vec(), FindingCode::NotMidi, "not a MIDI file"),
        ("a recording", sound.clone(), FindingCode::NotMidi, "not a MIDI file but"),
        ("rests", midi(&[0, 0xff, 0x2f, 0]), FindingCode::NoNotes, "no notes; send another song"),
        ("half a header", b"MThd\0\0\0\x06\0".to_vec(), FindingCode::TruncatedFile, "within its header"),
        ("too much", vec![0; (4 << 20) + 1], FindingCode::FileTooLarge, "4.0 MB"),
    ] {
        let verdict = verdict(bytes).await;
        assert!(!verdict.accepted(), "{what}");
        let errors: Vec<_> = verdict.errors().collect();
        assert_eq!(errors.len(), 1, "{what}: {errors:?}");
        assert_eq!(errors[0].code, code, "{what}");
        assert!(errors[0].message.contains(says), "{what}: {}", errors[0].message);
    }
    // And a song is no recording, whoever asks for one.
    let key = harness.upload(note(true)).await;
    assert!(!harness.ask(key.as_str(), "a.mid", Tier::Free).await.unwrap().accepted());
}

/// A ZIP archive with so many empty files, as far as it is looked at.
fn zip(files: u16) -> Vec<u8> {
    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.extend([0; 26]);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([files.to_le_bytes(), files.to_le_bytes()].concat());
    bytes.extend([0; 10]);
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_models_are_trained_on_is_only_looked_at() {
    let harness = Harness::open().await;
    let verdict = async |bytes: Vec<u8>| {
        let key = harness.upload(bytes).await;
        harness.ask_for(InputCheck::Recordings, key.as_str(), "a.bin", Tier::Free).await.unwrap()
    };
    let tar = [vec![0; 257], b"ustar\x0000".to_vec(), vec![0; 247]].concat();
    for (format, files, bytes) in [
        ("wav", None, sound(0.1, RATE_HZ, 1, Encoding::Wav16)),
        ("mp3", None, sound(2.0, RATE_HZ, 1, Encoding::Mp3 { kbps: 64 })),
        ("zip", Some(3), zip(3)),
        ("tar", None, tar),
        ("tar.gz", None, b"\x1f\x8b\x08\0".to_vec()),
    ] {
        let verdict = verdict(bytes.clone()).await;
        assert!(verdict.accepted() && verdict.findings.is_empty(), "{format}: {verdict:?}");
        let seen = verdict.recordings.unwrap_or_else(|| panic!("{format} was not seen"));
        assert_eq!((seen.format.as_str(), seen.files, seen.size_bytes), (format, files, bytes.len() as u64));
        assert!(verdict.facts.is_none(), "nothing is decoded");
    }
    for (what, bytes, code) in [
        ("nothing", Vec::new(), FindingCode::FileEmpty),
        ("text", b"hello, I am no sound".to_vec(), FindingCode::NotAudio),
        ("an empty archive", zip(0), FindingCode::FileEmpty),
        ("half an archive", zip(3)[..30].to_vec(), FindingCode::TruncatedFile),
    ] {
        let verdict = verdict(bytes).await;
        assert!(!verdict.accepted(), "{what}");
        assert_eq!(verdict.errors().map(|finding| finding.code).collect::<Vec<_>>(), [code], "{what}");
    }
}
