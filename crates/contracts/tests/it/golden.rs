//! The bytes of every message, fixed: a field that changes its number or type would break services of another version
//! that run side by side. To add a field, add it to the sample and append to the bytes; never change what is there.

use chrono::{DateTime, Utc};
use contracts::{Body, Envelope, ValidationRequest, decode, encode, envelope, v1};
use domain::{JobId, MessageId, audio::Verdict, kind::InputCheck};
use uuid::uuid;

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_750_000_000, 123_456_000).unwrap()
}

fn sealed(body: impl Into<Body>) -> Envelope {
    envelope(body, MessageId::from_uuid(uuid!("018f6b1e-7c2a-7000-8000-000000000001")), at())
        .about(JobId::from_uuid(uuid!("018f6b1e-7c2a-7000-8000-000000000002")), 7)
        .traced("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .expiring(at())
}

fn text(text: &str) -> String {
    text.to_owned()
}

/// One of each, with every field set.
fn samples() -> Vec<Envelope> {
    let job_id = text("018f6b1e-7c2a-7000-8000-000000000002");
    let song_id = text("018f6b1e-7c2a-7000-8000-000000000004");
    let (announced, rendered) = (job_id.clone(), job_id.clone());
    let facts = v1::AudioFacts {
        format: text("wav"),
        codec: text("pcm_s16le"),
        size_bytes: 5_292_044,
        duration_seconds: 30.0,
        declared_duration_seconds: Some(30.5),
        sample_rate_hz: 44_100,
        channels: 2,
        bitrate_bps: 1_411_200,
        mean_volume_dbfs: Some(-20.5),
        peak_dbfs: Some(-1.5),
        clipped_share: 0.25,
        decode_errors: 1,
        absurd_samples: true,
        ignored_streams: 3,
    };
    let song = v1::MidiFacts { size_bytes: 4_096, duration_seconds: 120.5, notes: 2_000, parts: 5 };
    let finding = v1::Finding {
        code: text("too_short"),
        severity: v1::finding::Severity::Error.into(),
        message: text("Too short."),
        measured: Some(text("0.52 s")),
        limit: Some(text("1.00 s")),
    };
    let file = v1::IncomingFile {
        role: text("lyrics"),
        object_key: text("jobs/2/work/lyrics"),
        sha256: "ab".repeat(32),
        size_bytes: 420,
        media_type: text("text/plain"),
        file_name: text("lyrics.txt"),
    };
    let artifact = v1::StoredArtifact {
        artifact_id: text("018f6b1e-7c2a-7000-8000-000000000003"),
        role: text("audio_mp3"),
        object_key: text("jobs/2/result/audio_mp3.mp3"),
        sha256: "cd".repeat(32),
        size_bytes: 480_000,
        media_type: text("audio/mpeg"),
        file_name: text("song.mp3"),
    };
    vec![
        sealed(v1::JobReady { job_id: job_id.clone() }),
        sealed(v1::CancelJob { job_id: job_id.clone() }),
        sealed(v1::ValidateAudio {
            object_key: text("uploads/1"),
            file_name: text("hum.wav"),
            tier: text("premium"),
            check: text("midi"),
        }),
        sealed(v1::IngestResult {
            job_id: job_id.clone(),
            audio_object_key: text("jobs/2/work/vocals"),
            audio_sha256: "ef".repeat(32),
            audio_size_bytes: 5_292_044,
            files: vec![file],
            title: String::new(),
            plan_object_key: text("jobs/2/work/3/ingest.json"),
            plan_sha256: "01".repeat(32),
            plan_size_bytes: 512,
        }),
        sealed(v1::DeleteJobObjects { job_id: job_id.clone(), artifacts_too: true }),
        sealed(v1::SignalJob {
            job_id: String::new(),
            provider: text("vendor"),
            credential: text("default"),
            outside_id: text("v-1"),
        }),
        sealed(v1::AudioVerdict { facts: Some(facts), findings: vec![finding], song: Some(song), recordings: None }),
        sealed(v1::ResultIngested {
            job_id: job_id.clone(),
            artifacts: vec![artifact],
            loudness_lufs: Some(-16.0),
            true_peak_dbtp: Some(-1.0),
            clipped_share: 0.5,
            duration_seconds: 30.0,
        }),
        sealed(v1::Fault { code: text("object_missing"), message: text("It is gone."), retryable: true }),
        sealed(v1::JobChanged { job_id, sequence: 9, state: text("running"), progress_percent: 40 }),
        sealed(v1::ResetBreaker { provider: text("expert") }),
        sealed(v1::ImportSongs {
            files: vec![v1::SongFile {
                object_key: text("uploads/1"),
                sha256: "23".repeat(32),
                size_bytes: 4_096,
                file_name: text("song.mid"),
            }],
            title: text("Greensleeves"),
            artist: text("Traditional"),
            report_object_key: text("uploads/2"),
        }),
        sealed(v1::CorrectSong { song_id: song_id.clone(), title: text("Greensleeves"), artist: text("Traditional") }),
        sealed(v1::RemoveSong { song_id: song_id.clone() }),
        sealed(v1::SongsImported { imported: 3, known: 2, refused: 1 }),
        sealed(v1::SongCorrected { song_id: song_id.clone() }),
        sealed(v1::SongRemoved { song_id }),
        sealed(v1::Announcement {
            job_id: announced,
            kind: text("melody-to-vocals"),
            event: text("music.generation.requested"),
        }),
        sealed(v1::MakeRendition { job_id: rendered.clone(), role: text("audio_flac") }),
        sealed(v1::RenditionMade { job_id: rendered, role: text("audio_flac") }),
    ]
}

/// `kind`, then the bytes in hexadecimal.
const GOLDEN: &str = include_str!("golden.txt");

#[test]
fn bytes_have_not_changed() {
    let mut differing = Vec::new();
    let written: Vec<_> = samples().iter().map(|sample| (sample.kind(), hex::encode(encode(sample)))).collect();
    for (kind, bytes) in &written {
        let golden = GOLDEN.lines().find_map(|line| line.strip_prefix(kind)?.strip_prefix(' '));
        if golden != Some(bytes.as_str()) {
            differing.push(format!("{kind} {bytes}"));
        }
    }
    assert!(differing.is_empty(), "these messages are now written differently:\n{}", differing.join("\n"));
    assert_eq!(GOLDEN.lines().count(), written.len(), "golden.txt lists a message that is not tested");
}

#[test]
fn golden_bytes_are_read_back() {
    for (line, sample) in GOLDEN.lines().zip(samples()) {
        let (kind, bytes) = line.split_once(' ').unwrap();
        assert_eq!(kind, sample.kind());
        assert_eq!(decode(&hex::decode(bytes).unwrap()).unwrap(), sample);
    }
}

#[test]
fn a_field_that_is_gone_is_passed_over() {
    for (line, sample) in GOLDEN.lines().zip(samples()) {
        let bytes = line.split_once(' ').unwrap().1;
        // Field 4, `attempt`, as versions before it was dropped write it behind the generation.
        let older = bytes.replacen("1807", "18072002", 1);
        assert_eq!(decode(&hex::decode(older).unwrap()).unwrap(), sample);
    }
}

/// As the first version wrote every message that it had: a broker may hold some, and services of both versions run side
/// by side. These bytes never change.
const FIRST_VERSION: &str = include_str!("golden_first_version.txt");

#[test]
fn what_the_first_version_wrote_is_understood() {
    assert_eq!(FIRST_VERSION.lines().count(), 10);
    for line in FIRST_VERSION.lines() {
        let (kind, bytes) = line.split_once(' ').unwrap();
        let message = decode(&hex::decode(bytes).unwrap()).unwrap();
        let sample = samples().into_iter().find(|sample| sample.kind() == kind).unwrap();
        assert_eq!(message.kind(), kind);
        assert_eq!(
            (message.id(), message.job(), message.occurred(), message.expires()),
            (sample.id(), sample.job(), sample.occurred(), sample.expires()),
            "{kind}"
        );
        // What it did not say reads as what it meant.
        match message.body {
            Some(Body::ValidateAudio(asked)) => {
                assert_eq!((asked.object_key.as_str(), asked.check.as_str()), ("uploads/1", ""));
                let asked: ValidationRequest = asked.try_into().unwrap();
                assert_eq!(asked.check, InputCheck::Audio);
            }
            Some(Body::AudioVerdict(judged)) => {
                assert!(judged.song.is_none());
                let judged: Verdict = judged.try_into().unwrap();
                assert!(judged.facts.is_some() && judged.findings.len() == 1);
            }
            Some(Body::IngestResult(ingest)) => {
                assert_eq!((ingest.audio_size_bytes, ingest.files.len()), (5_292_044, 1));
                assert!(!ingest.title.is_empty() && ingest.plan_object_key.is_empty(), "it said the title itself");
            }
            _ => {}
        }
    }
}

#[test]
fn every_kind_has_a_sample() {
    let kinds: Vec<_> = samples().iter().map(Envelope::kind).collect();
    assert_eq!(kinds, Body::KINDS);
}
