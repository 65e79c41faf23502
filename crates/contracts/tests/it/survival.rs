//! Old and new versions run side by side: what a newer one says must not break this one.

use chrono::{DateTime, Utc};
use contracts::{
    ContractError, Envelope, IngestRequest, IngestedResult, Payload, ValidationRequest, decode, encode, v1,
};
use domain::{
    ArtifactRole, JobId, MessageId, Tier,
    audio::{AudioFormat, Finding, FindingCode, Severity, Verdict},
};
use prost::Message;

/// A later version of the envelope: a new kind of body and a new field.
#[derive(Clone, PartialEq, prost::Message)]
struct LaterEnvelope {
    #[prost(string, tag = "1")]
    message_id: String,
    #[prost(string, tag = "900")]
    tenant: String,
    #[prost(message, optional, tag = "999")]
    compose_symphony: Option<LaterBody>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct LaterBody {
    #[prost(uint32, tag = "1")]
    movements: u32,
}

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_750_000_000, 123_456_789).unwrap()
}

fn sealed(body: impl Into<contracts::Body>) -> Envelope {
    contracts::envelope(body, MessageId::new(at(), [7; 10]), at())
}

#[test]
fn an_unknown_body_reads_as_none() {
    let later = LaterEnvelope {
        message_id: "018f6b1e-7c2a-7000-8000-000000000001".to_owned(),
        tenant: "acme".to_owned(),
        compose_symphony: Some(LaterBody { movements: 4 }),
    };
    let read = decode(&later.encode_to_vec()).unwrap();
    assert_eq!(read.message_id, later.message_id);
    assert_eq!(read.body, None);
    assert_eq!(read.kind(), "unknown");
    assert!(matches!(v1::JobReady::open(read), Err(ContractError::OtherBody { found: "unknown", .. })));
}

#[test]
fn unknown_fields_are_skipped() {
    let mut bytes = encode(&sealed(v1::JobReady { job_id: "x".to_owned() }));
    let later = LaterEnvelope { tenant: "acme".to_owned(), ..Default::default() };
    bytes.extend(later.encode_to_vec());
    let read = decode(&bytes).unwrap();
    assert_eq!(v1::JobReady::open(read).unwrap().job_id, "x");
}

#[test]
fn broken_bytes_are_an_error() {
    for bytes in [&[0xff_u8; 3][..], b"not protobuf", &[10, 200, 1, 1]] {
        assert!(matches!(decode(bytes), Err(ContractError::Undecodable(_))), "{bytes:?}");
    }
    let huge = vec![0; contracts::MAX_ENVELOPE_BYTES + 1];
    assert!(matches!(decode(&huge), Err(ContractError::OutOfRange { .. })));
}

fn finding(code: &str, severity: i32) -> v1::Finding {
    v1::Finding {
        code: code.to_owned(),
        severity,
        message: "The tempo drifts.".to_owned(),
        measured: None,
        limit: None,
    }
}

#[test]
fn an_unknown_error_stays_an_error() {
    let message =
        v1::AudioVerdict { facts: None, findings: vec![finding("tempo_drift", 2)], song: None, recordings: None };
    let verdict = Verdict::try_from(message).unwrap();
    assert!(!verdict.accepted());
    let found = verdict.errors().next().unwrap();
    assert_eq!(found.code, FindingCode::Other);
    assert_eq!(found.message, "The tempo drifts. (tempo_drift)");
}

#[test]
fn an_unknown_warning_stays_a_warning() {
    assert_eq!(Finding::from(finding("tempo_drift", 1)).severity, Severity::Warning);
}

#[test]
fn an_unknown_severity_is_an_error() {
    for severity in [0, 3, -1, i32::MAX] {
        assert_eq!(Finding::from(finding("clipping", severity)).severity, Severity::Error, "{severity}");
    }
}

#[test]
fn an_unknown_state_is_left_to_the_reader() {
    let changed =
        v1::JobChanged { job_id: String::new(), sequence: 1, state: "dreaming".to_owned(), progress_percent: 1 };
    assert_eq!(changed.known_state(), None);
    assert!(matches!(changed.job(), Err(ContractError::InvalidId { field: "job_id", .. })));
}

fn facts() -> v1::AudioFacts {
    v1::AudioFacts { format: "wav".to_owned(), channels: 1, duration_seconds: 1.0, ..Default::default() }
}

#[test]
fn facts_that_make_no_sense_are_errors() {
    let read = |facts: v1::AudioFacts| {
        Verdict::try_from(v1::AudioVerdict { facts: Some(facts), findings: vec![], song: None, recordings: None })
            .map_err(|error| error.code())
    };
    assert!(read(facts()).is_ok());
    assert_eq!(read(v1::AudioFacts { channels: 65_536, ..facts() }), Err("out_of_range"));
    assert_eq!(read(v1::AudioFacts { duration_seconds: f64::NAN, ..facts() }), Err("out_of_range"));
    assert_eq!(read(v1::AudioFacts { peak_dbfs: Some(f64::NEG_INFINITY), ..facts() }), Err("out_of_range"));
}

#[test]
fn a_format_that_only_a_newer_validator_reads_changes_nothing_of_its_verdict() {
    for word in ["holographic", "other", ""] {
        let facts = v1::AudioFacts { format: word.to_owned(), ..facts() };
        let verdict =
            Verdict::try_from(v1::AudioVerdict { facts: Some(facts), findings: vec![], song: None, recordings: None })
                .unwrap();
        assert!(verdict.accepted(), "{word}");
        assert_eq!(verdict.facts.map(|facts| facts.format), Some(AudioFormat::Other), "{word}");
    }
}

fn artifact(role: &str) -> v1::StoredArtifact {
    v1::StoredArtifact {
        artifact_id: "018f6b1e-7c2a-7000-8000-000000000003".to_owned(),
        role: role.to_owned(),
        object_key: "k".to_owned(),
        sha256: "0a".repeat(32),
        ..Default::default()
    }
}

#[test]
fn artifacts_of_newer_versions_are_understood_and_impossible_ones_left_out() {
    let message = v1::ResultIngested {
        job_id: JobId::new(at(), [1; 10]).to_string(),
        artifacts: vec![artifact("audio_hologram"), artifact("No Role"), artifact("audio_wav")],
        ..Default::default()
    };
    let result = IngestedResult::try_from(message.clone()).unwrap();
    let roles: Vec<&str> = result.artifacts.iter().map(|artifact| artifact.role.as_str()).collect();
    assert_eq!(roles, ["audio_hologram", ArtifactRole::AUDIO_WAV.as_str()]);

    let broken = v1::StoredArtifact { sha256: "0A".repeat(32), ..artifact("audio_wav") };
    let message = v1::ResultIngested { artifacts: vec![broken], ..message };
    assert_eq!(IngestedResult::try_from(message), Err(ContractError::InvalidDigest { field: "sha256" }));
}

#[test]
fn a_file_with_an_impossible_role_is_refused() {
    let file = v1::IncomingFile {
        role: "Audio/Hologram".to_owned(),
        object_key: "k".to_owned(),
        sha256: "00".repeat(32),
        ..Default::default()
    };
    let message = v1::IngestResult {
        job_id: JobId::new(at(), [1; 10]).to_string(),
        audio_object_key: "k".to_owned(),
        audio_sha256: "00".repeat(32),
        files: vec![file],
        ..Default::default()
    };
    let error = IngestRequest::try_from(message).unwrap_err();
    assert_eq!(error, ContractError::UnknownWord { field: "role", word: "Audio/Hologram".to_owned() });
}

/// As a version without plans sent it.
#[test]
fn a_request_without_a_plan_is_a_plan() {
    let message = v1::IngestResult {
        job_id: JobId::new(at(), [1; 10]).to_string(),
        audio_object_key: "jobs/1/work/vocals.wav".to_owned(),
        audio_sha256: "00".repeat(32),
        audio_size_bytes: 7,
        title: "Home".to_owned(),
        ..Default::default()
    };
    let request = IngestRequest::try_from(message.clone()).unwrap();
    assert_eq!((request.plan.title.as_str(), request.plan_object), ("Home", None));
    assert_eq!(request.plan.audio.map(|audio| audio.size_bytes), Some(7));
    let nothing = v1::IngestResult { audio_object_key: String::new(), ..message };
    let error = IngestRequest::try_from(nothing).unwrap_err();
    assert_eq!(error, ContractError::Missing { field: "plan_object_key" });
}

#[test]
fn requests_are_checked() {
    let message = v1::ValidateAudio {
        object_key: "uploads/1".to_owned(),
        tier: "free".to_owned(),
        ..v1::ValidateAudio::default()
    };
    let request = ValidationRequest::try_from(message.clone()).unwrap();
    assert_eq!((request.file_name, request.tier), (None, Tier::Free));
    let error =
        ValidationRequest::try_from(v1::ValidateAudio { tier: "gold".to_owned(), ..message.clone() }).unwrap_err();
    assert_eq!(error.code(), "unknown_word");
    let error = ValidationRequest::try_from(v1::ValidateAudio { object_key: String::new(), ..message }).unwrap_err();
    assert_eq!(error, ContractError::Missing { field: "object_key" });
}

#[test]
fn times_travel_in_whole_microseconds() {
    let message = sealed(v1::ResetBreaker::default()).expiring(at());
    let whole = DateTime::from_timestamp(1_750_000_000, 123_456_000).unwrap();
    assert_eq!((message.occurred(), message.expires()), (Some(whole), Some(whole)));
    let nonsense = prost_types::Timestamp { seconds: i64::MAX, nanos: -1 };
    assert_eq!(contracts::moment(&nonsense), None);
}

#[test]
fn ids_are_checked() {
    let message = sealed(v1::ResetBreaker::default());
    assert_eq!(message.job(), Ok(None));
    assert!(message.id().is_ok());
    let broken = Envelope { message_id: "7".to_owned(), job_id: "8".to_owned(), ..message };
    assert_eq!(broken.id().unwrap_err().code(), "invalid_id");
    assert_eq!(broken.job().unwrap_err().code(), "invalid_id");
}
