//! Whatever the domain can say comes back the same from the wire.

use chrono::DateTime;
use contracts::{
    IncomingFile, IngestPlan, IngestRequest, IngestedResult, Payload, StoredArtifact, StoredObject, ValidationRequest,
    decode, encode, envelope, v1,
};
use domain::{
    ArtifactId, ArtifactRole, JobId, MessageId, Tier,
    audio::{AudioFacts, AudioFormat, Finding, FindingCode, RecordingsFacts, Severity, Verdict},
};
use domain::{kind::InputCheck, midi::MidiFacts};
use proptest::{option, prelude::*, sample::select};
use uuid::Uuid;

fn figure() -> impl Strategy<Value = f64> {
    prop_oneof![-1e9..1e9, Just(0.0), Just(f64::MAX), Just(f64::MIN_POSITIVE)]
}

prop_compose! {
    fn facts()(
        format in select(&AudioFormat::ALL[..]),
        codec in ".{0,20}",
        (size_bytes, bitrate_bps) in any::<(u64, u64)>(),
        (duration_seconds, clipped_share) in (figure(), figure()),
        declared_duration_seconds in option::of(figure()),
        (sample_rate_hz, decode_errors) in any::<(u32, u32)>(),
        (channels, ignored_streams) in any::<(u16, u16)>(),
        mean_volume_dbfs in option::of(figure()),
        peak_dbfs in option::of(figure()),
        absurd_samples in any::<bool>(),
    ) -> AudioFacts {
        AudioFacts {
            format, codec, size_bytes, duration_seconds, declared_duration_seconds, sample_rate_hz, channels, bitrate_bps,
            mean_volume_dbfs, peak_dbfs, clipped_share, decode_errors, absurd_samples, ignored_streams,
        }
    }
}

prop_compose! {
    fn finding()(
        code in select(&FindingCode::ALL[..]),
        severity in select(&[Severity::Warning, Severity::Error][..]),
        message in ".{0,80}",
        measured in option::of(".{0,20}"),
        limit in option::of(".{0,20}"),
    ) -> Finding {
        Finding { code, severity, message, measured, limit }
    }
}

fn job_id() -> impl Strategy<Value = JobId> {
    any::<u128>().prop_map(|bits| JobId::from_uuid(Uuid::from_u128(bits)))
}

fn artifact_role() -> impl Strategy<Value = ArtifactRole> {
    "[a-z][a-z0-9_]{0,20}".prop_map(|word| ArtifactRole::parse(&word).unwrap())
}

prop_compose! {
    fn stored_object()(
        object_key in ".{1,40}",
        sha256 in "[0-9a-f]{64}",
        size_bytes in any::<u64>(),
    ) -> StoredObject {
        StoredObject { object_key, sha256, size_bytes }
    }
}

prop_compose! {
    fn incoming_file()(
        role in artifact_role(),
        object_key in ".{1,40}",
        sha256 in "[0-9a-f]{64}",
        size_bytes in any::<u64>(),
        media_type in ".{0,20}",
        file_name in ".{0,20}",
    ) -> IncomingFile {
        IncomingFile { role, object_key, sha256, size_bytes, media_type, file_name }
    }
}

prop_compose! {
    fn stored_artifact()(id in any::<u128>(), file in incoming_file()) -> StoredArtifact {
        let IncomingFile { role, object_key, sha256, size_bytes, media_type, file_name } = file;
        let id = ArtifactId::from_uuid(Uuid::from_u128(id));
        StoredArtifact { id, role, object_key, sha256, size_bytes, media_type, file_name }
    }
}

prop_compose! {
    fn song_facts()(
        size_bytes: u64,
        duration_seconds in 0.0..4_000.0f64,
        notes: u64,
        parts: u32,
    ) -> MidiFacts {
        MidiFacts { size_bytes, duration_seconds, notes, parts }
    }
}

prop_compose! {
    fn recordings_facts()(size_bytes: u64, format in "[a-z.]{0,8}", files in option::of(any::<u64>())) -> RecordingsFacts {
        RecordingsFacts { size_bytes, format, files }
    }
}

/// Over the bytes, in an envelope, and back.
fn travel<P: Payload>(payload: P) -> P {
    let message = envelope(payload, MessageId::from_uuid(Uuid::nil()), DateTime::UNIX_EPOCH);
    let read = decode(&encode(&message)).unwrap();
    assert_eq!(read, message);
    P::open(read).unwrap()
}

proptest! {
    #[test]
    fn verdicts(
        facts in option::of(facts()),
        song in option::of(song_facts()),
        recordings in option::of(recordings_facts()),
        findings in prop::collection::vec(finding(), 0..5),
    ) {
        let verdict = Verdict { facts, song, recordings, findings };
        let back: Verdict = travel(v1::AudioVerdict::from(verdict.clone())).try_into().unwrap();
        prop_assert_eq!(back.accepted(), verdict.accepted());
        prop_assert_eq!(back, verdict);
    }

    #[test]
    fn validation_requests(
        object_key in ".{1,40}",
        file_name in option::of(".{1,40}"),
        tier in select(&Tier::ALL[..]),
        check in select(&[InputCheck::Audio, InputCheck::Midi, InputCheck::Recordings][..]),
    ) {
        let request = ValidationRequest { object_key, file_name, tier, check };
        prop_assert_eq!(travel(v1::ValidateAudio::from(request.clone())).try_into(), Ok(request));
    }

    #[test]
    fn ingest_requests(
        job_id in job_id(),
        audio in option::of(stored_object()),
        plan_object in stored_object(),
        (cover, is_mastered) in (option::of(stored_object()), any::<bool>()),
        files in prop::collection::vec(incoming_file(), 0..4),
        title in "[a-z ]{3,40}",
    ) {
        let plan = IngestPlan { title, audio, cover, is_mastered, files, ..IngestPlan::default() };
        let document = serde_json::to_string(&plan).unwrap();
        prop_assert_eq!(&serde_json::from_str::<IngestPlan>(&document).unwrap(), &plan);

        let request = IngestRequest { job_id, plan: plan.clone(), plan_object: Some(plan_object) };
        let message = v1::IngestResult::from(request.clone());
        prop_assert_eq!(&message.title, "", "a title comes from a prompt, which no message holds");
        let untitled = IngestPlan { title: String::new(), cover: None, is_mastered: false, ..plan };
        prop_assert_eq!(travel(message).try_into(), Ok(IngestRequest { plan: untitled, ..request }));
    }

    #[test]
    fn ingested_results(
        job_id in job_id(),
        artifacts in prop::collection::vec(stored_artifact(), 0..4),
        loudness_lufs in option::of(figure()),
        true_peak_dbtp in option::of(figure()),
        clipped_share in figure(),
        duration_seconds in figure(),
    ) {
        let result =
            IngestedResult { job_id, artifacts, loudness_lufs, true_peak_dbtp, clipped_share, duration_seconds };
        prop_assert_eq!(travel(v1::ResultIngested::from(result.clone())).try_into(), Ok(result));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        if let Ok(message) = decode(&bytes) {
            let _ = (message.id(), message.job(), message.occurred(), message.expires(), message.kind());
            if let Ok(verdict) = v1::AudioVerdict::open(message) {
                let _ = Verdict::try_from(verdict);
            }
        }
    }
}
