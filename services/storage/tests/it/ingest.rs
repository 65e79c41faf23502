//! A result goes in: what comes out, what a repeat answers, and what is refused.

use std::{collections::BTreeSet, io::Cursor, sync::Arc, time::Duration};

use blob_store::{KeyPrefix, S3Config};
use contracts::{IngestRequest, StoredObject};
use domain::{
    ArtifactRole, ArtifactSpec, JobEvent,
    kinds::{composition, melody_vocals},
};
use media::Bounds;
use storage::Waveform;
use testbed::eventually;

use crate::support::{Harness, RATE_HZ, quiet_voice, sha256};

/// What a song without a band becomes.
fn specs() -> impl Iterator<Item = &'static ArtifactSpec> {
    melody_vocals::SPEC.artifacts.iter().filter(|spec| !spec.role.as_str().starts_with("stem_"))
}

/// The sound of a request, to be spoilt.
fn audio(request: &mut IngestRequest) -> &mut StoredObject {
    request.plan.audio.as_mut().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_becomes_nine_artifacts_at_the_right_loudness() {
    let harness = Harness::open().await;
    let job = harness.storing_job().await;
    let request = harness.finished_work(&job, &quiet_voice(6.0)).await;
    let result = harness.ask(&request, job.generation).await.unwrap();

    let roles: BTreeSet<_> = result.artifacts.iter().map(|artifact| artifact.role.clone()).collect();
    assert_eq!(roles, specs().map(|spec| spec.role.clone()).collect());
    assert!((result.duration_seconds - 6.0).abs() < 0.01, "{}", result.duration_seconds);
    assert!((result.loudness_lufs.unwrap() + 16.0).abs() <= 1.0 && result.true_peak_dbtp.unwrap() <= -1.0);
    for artifact in &result.artifacts {
        let content = harness.read(&artifact.object_key).await;
        assert_eq!((content.len() as u64, sha256(&content)), (artifact.size_bytes, artifact.sha256.clone()));
        let head = harness.objects.head(&artifact.object_key.parse().unwrap()).await.unwrap();
        let spec = melody_vocals::SPEC.artifact(&artifact.role).unwrap();
        assert_eq!((head.media_type.as_str(), artifact.media_type.as_str()), (spec.media_type, spec.media_type));
        assert!(artifact.file_name.ends_with(spec.extension), "{}", artifact.file_name);
        match artifact.role.as_str() {
            "audio_mp3" | "audio_wav" => {
                assert!(artifact.file_name.starts_with("Für dich."));
                let facts = media::inspect(Cursor::new(content.clone()), artifact.size_bytes, &Bounds::default());
                let facts = facts.unwrap();
                assert_eq!(facts.format.as_str(), spec.extension);
                let audio = media::decode(Cursor::new(content), &Bounds::default()).unwrap();
                let loudness = media::measure_loudness(&audio.samples, RATE_HZ, 1);
                assert!((loudness.integrated_lufs.unwrap() + 16.0).abs() <= 1.0, "{loudness:?}");
                if artifact.role == ArtifactRole::AUDIO_MP3 {
                    assert!((185_000..=200_000).contains(&facts.bitrate_bps), "{}", facts.bitrate_bps);
                }
            }
            "waveform" => {
                let waveform: Waveform = serde_json::from_slice(&content).unwrap();
                assert_eq!(waveform.peaks.len(), Waveform::BUCKETS);
                assert_eq!(waveform.source_sha256, request.plan.audio.as_ref().unwrap().sha256);
                assert!(waveform.peaks.iter().any(|(low, high)| *low < -0.1 && *high > 0.1));
            }
            _ => {
                let kept = &artifact.role;
                let sent = request.plan.files.iter().find(|file| file.role == *kept).unwrap();
                assert_eq!(artifact.sha256, sent.sha256, "{kept} is kept as it is");
            }
        }
    }
    let rows = harness.database.artifacts().of_job(job.id).await.unwrap();
    assert_eq!(
        rows.iter().map(|row| row.id).collect::<Vec<_>>(),
        result.artifacts.iter().map(|a| a.id).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_gives_the_same_answer_and_stores_nothing() {
    let harness = Harness::open().await;
    let job = harness.storing_job().await;
    let request = harness.finished_work(&job, &quiet_voice(2.0)).await;
    let first = harness.ask(&request, job.generation).await.unwrap();
    let objects = harness.objects.list(&KeyPrefix::job_result(job.id), None, 100).await.unwrap();

    assert_eq!(harness.ask(&request, job.generation).await.unwrap(), first);
    harness.happen(job.id, JobEvent::Completed).await;
    harness.objects.delete_prefix(&KeyPrefix::job_work(job.id)).await.unwrap();
    assert_eq!(harness.ask(&request, job.generation).await.unwrap(), first, "also when the job has completed since");
    let after = harness.objects.list(&KeyPrefix::job_result(job.id), None, 100).await.unwrap();
    assert_eq!(objects, after, "no object was written again");
    assert_eq!(harness.database.artifacts().of_job(job.id).await.unwrap().len(), specs().count());
}

/// A plan may name where the song lies, and say what its MP3 is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_song_lies_under_the_name_that_its_plan_has() {
    let harness = Harness::open().await;
    let job = harness.storing_job().await;
    let mut request = harness.finished_work(&job, &quiet_voice(2.0)).await;
    request.plan.object_name = Some("music/2024-09-01T00-45-30-123Z_My_Song".to_owned());
    request.plan.mp3_kbps = Some(64);
    let first = harness.ask(&request, job.generation).await.unwrap();
    for artifact in &first.artifacts {
        let is_song = matches!(artifact.role.as_str(), "audio_mp3" | "audio_wav");
        let ending = melody_vocals::SPEC.artifact(&artifact.role).unwrap().extension;
        let name = format!("music/2024-09-01T00-45-30-123Z_My_Song.{ending}");
        assert_eq!(artifact.object_key == format!("jobs/{}/result/{name}", job.id), is_song, "{artifact:?}");
        assert_eq!(artifact.file_name == name["music/".len()..], is_song, "{artifact:?}");
        if artifact.role == ArtifactRole::AUDIO_MP3 {
            let content = harness.read(&artifact.object_key).await;
            let facts = media::inspect(Cursor::new(content), artifact.size_bytes, &Bounds::default()).unwrap();
            assert!((60_000..=70_000).contains(&facts.bitrate_bps), "{}", facts.bitrate_bps);
        }
    }
    assert_eq!(harness.ask(&request, job.generation).await.unwrap(), first, "a repeat stores nothing");
    // Everything of the job goes with it.
    harness.happen(job.id, JobEvent::Completed).await;
    harness.order_deletion(job.id, true).await;
    eventually("the song to go", Duration::from_secs(20), || async {
        let left = harness.keys(KeyPrefix::job_result(job.id)).await;
        if left.is_empty() { Ok(()) } else { Err(left) }
    })
    .await;

    let job = harness.storing_job().await;
    let mut request = harness.finished_work(&job, &quiet_voice(2.0)).await;
    for hostile in ["../../elsewhere", "/etc/passwd", "a b", ""] {
        request.plan.object_name = Some(hostile.to_owned());
        let (code, is_retryable) = harness.refused(&request, job.generation).await;
        assert!(!is_retryable, "{hostile}: {code}");
    }
}

/// Formats that nobody asked for before there was a song.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_song_is_written_in_one_more_format_when_that_is_asked_for() {
    let harness = Harness::open().await;
    for object_name in [None, Some("music/2024-09-01T00-45-30-123Z_My_Song".to_owned())] {
        let job = harness.storing_job_of(&composition::SPEC).await;
        let mut request = harness.finished_work(&job, &quiet_voice(2.0)).await;
        request.plan.files.clear();
        request.plan.object_name = object_name.clone();
        let flac = || harness.ask_rendition(job.id, "audio_flac");
        assert_eq!(flac().await, Err("job_not_over".to_owned()), "there is no song yet");
        harness.ask(&request, job.generation).await.unwrap();
        harness.happen(job.id, JobEvent::Completed).await;

        let (one, other) = tokio::join!(flac(), flac());
        assert_eq!((one, other, flac().await), (Ok(()), Ok(()), Ok(())), "twice at once, and again");
        let rows = harness.database.artifacts().of_job(job.id).await.unwrap();
        let made: Vec<_> = rows.iter().filter(|row| row.role.as_str() == "audio_flac").collect();
        let [row] = made[..] else { panic!("{rows:?}") };
        let name = object_name.as_deref().unwrap_or("audio_flac");
        assert_eq!(row.object_key, format!("jobs/{}/result/{name}.flac", job.id));
        let content = harness.read(&row.object_key).await;
        assert_eq!((content.len() as u64, sha256(&content)), (row.size_bytes, row.sha256.clone()));
        let sound = media::decode(Cursor::new(content), &Bounds::default()).unwrap();
        assert!((sound.samples.len() as f64 / f64::from(RATE_HZ) - 2.0).abs() < 0.1);
        let wav = rows.iter().find(|row| row.role == ArtifactRole::AUDIO_WAV).unwrap();
        assert_eq!(row.file_name.rsplit_once('.').unwrap().0, wav.file_name.rsplit_once('.').unwrap().0);

        assert_eq!(harness.ask_rendition(job.id, "report").await, Err("file_refused".to_owned()));
        assert_eq!(harness.ask_rendition(job.id, "audio_tape").await, Err("role_unknown".to_owned()));
    }
    let nobody = "018f6b1e-7c2a-7000-8000-0000000000aa".parse().unwrap();
    assert_eq!(harness.ask_rendition(nobody, "audio_flac").await, Err("job_missing".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_at_once_give_one_set() {
    let harness = Harness::open().await;
    let job = harness.storing_job().await;
    let request = harness.finished_work(&job, &quiet_voice(2.0)).await;
    let (one, other) = tokio::join!(harness.ask(&request, job.generation), harness.ask(&request, job.generation));
    assert_eq!(one.unwrap(), other.unwrap());
    assert_eq!(harness.keys(KeyPrefix::job_result(job.id)).await.len(), specs().count());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_lost_or_has_changed_is_made_again() {
    let harness = Harness::open().await;
    let job = harness.storing_job().await;
    let request = harness.finished_work(&job, &quiet_voice(2.0)).await;
    let first = harness.ask(&request, job.generation).await.unwrap();
    let mp3 = first.artifacts.iter().find(|artifact| artifact.role == ArtifactRole::AUDIO_MP3).unwrap();
    harness.objects.delete(&mp3.object_key.parse().unwrap()).await.unwrap();
    let again = harness.ask(&request, job.generation).await.unwrap();
    assert_eq!(again, first, "the same input gives the same files");
    assert_eq!(sha256(&harness.read(&mp3.object_key).await), mp3.sha256);

    let other = harness.finished_work(&job, &quiet_voice(3.0)).await;
    let changed = harness.ask(&other, job.generation).await.unwrap();
    assert!((changed.duration_seconds - 3.0).abs() < 0.01);
    let ids = |result: &contracts::IngestedResult| result.artifacts.iter().map(|a| a.id).collect::<Vec<_>>();
    assert_eq!(ids(&changed), ids(&first), "an artifact keeps its id");
    assert_eq!(harness.keys(KeyPrefix::job_result(job.id)).await.len(), specs().count());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_lies_is_refused_and_leaves_nothing() {
    let harness = Harness::open().await;
    let job = harness.storing_job().await;
    let neighbour = harness.storing_job().await;
    let good = harness.finished_work(&job, &quiet_voice(1.0)).await;
    let foreign = harness.finished_work(&neighbour, &quiet_voice(1.0)).await;
    let script = harness.file(job.id, ArtifactRole::MELODY_SVG, "evil.svg", b"<svg onload=\"x()\"/>").await;
    let noise = harness.file(job.id, ArtifactRole::REPORT, "noise.json", &[b'x'; 5000]).await;

    type Spoil<'a> = Box<dyn Fn(&mut IngestRequest) + 'a>;
    let cases: Vec<(&str, Spoil<'_>)> = vec![
        ("hash_mismatch", Box::new(|r| audio(r).sha256 = "0".repeat(64))),
        ("size_mismatch", Box::new(|r| audio(r).size_bytes += 1)),
        ("size_mismatch", Box::new(|r| audio(r).size_bytes -= 1)),
        ("hash_mismatch", Box::new(|r| r.plan.files[0].sha256 = "f".repeat(64))),
        ("size_mismatch", Box::new(|r| r.plan.files[1].size_bytes = 3)),
        ("object_missing", Box::new(|r| audio(r).object_key.push_str(".gone"))),
        ("object_missing", Box::new(|r| r.plan.files[3].object_key.push_str(".gone"))),
        ("object_key_invalid", Box::new(|r| audio(r).object_key = "../../etc/passwd".into())),
        (
            "object_key_invalid",
            Box::new(|r| audio(r).object_key.clone_from(&foreign.plan.audio.as_ref().unwrap().object_key)),
        ),
        ("object_key_invalid", Box::new(|r| r.plan.files[0].object_key.clone_from(&foreign.plan.files[0].object_key))),
        ("file_refused", Box::new(|r| r.plan.files[0].media_type = "text/html".into())),
        ("file_refused", Box::new(|r| r.plan.files.push(r.plan.files[0].clone()))),
        ("file_refused", Box::new(|r| r.plan.files[2] = script.clone())),
        ("file_refused", Box::new(|r| r.plan.files[0].role = ArtifactRole::AUDIO_MP3)),
        (
            "audio_unprocessable",
            Box::new(|r| {
                audio(r).object_key.clone_from(&noise.object_key);
                audio(r).sha256.clone_from(&noise.sha256);
                audio(r).size_bytes = noise.size_bytes;
            }),
        ),
    ];
    for (number, (code, spoil)) in cases.into_iter().enumerate() {
        let mut request = good.clone();
        spoil(&mut request);
        assert_eq!(harness.refused(&request, job.generation).await, (code.to_owned(), false), "case {number}");
    }
    assert!(harness.database.artifacts().of_job(job.id).await.unwrap().is_empty());
    assert!(harness.keys(KeyPrefix::job_result(job.id)).await.is_empty());
    harness.ask(&good, job.generation).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_holder_of_a_living_job_may_ask() {
    let harness = Harness::open().await;
    let job = harness.storing_job().await;
    let mut request = harness.finished_work(&job, &quiet_voice(1.0)).await;
    assert!(job.generation > 0);
    let reclaimed = harness.happen(job.id, JobEvent::RetryScheduled).await;
    let claim = persistence::Claim {
        owner: "other",
        lease_until: reclaimed.due_at + chrono::TimeDelta::hours(1),
        kinds: &[persistence::ClaimableKind::of(&melody_vocals::SPEC, None)],
        may_start: true,
    };
    let journal = persistence::Journal::silent();
    harness.database.jobs().claim_due(claim, &journal, reclaimed.due_at).await.unwrap().unwrap();
    assert_eq!(harness.refused(&request, job.generation).await, ("superseded".to_owned(), false));

    harness.happen(job.id, JobEvent::Failed).await;
    assert_eq!(harness.refused(&request, job.generation + 1).await, ("job_over".to_owned(), false));
    request.job_id = "018f6b1e-7c2a-7000-8000-000000000001".parse().unwrap();
    assert_eq!(harness.refused(&request, 0).await, ("job_missing".to_owned(), false));
    assert!(harness.keys(KeyPrefix::job_result(job.id)).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_object_store_is_worth_another_try() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut config = S3Config::new("bucket", "key", "secret").at(format!("http://{closed}").parse().unwrap());
    config.max_attempts = 1;
    config.connect_timeout = Duration::from_millis(500);
    let absent = Harness::with(tempfile::tempdir().unwrap(), blob_store::s3(config).unwrap()).await;
    // Made in a harness whose store works: only the key and the job matter here.
    let there = Harness::open().await;
    let harness = Harness { objects: Arc::clone(&there.objects), ..absent };
    let job = harness.storing_job().await;
    let request = harness.finished_work(&job, &quiet_voice(1.0)).await;
    assert_eq!(harness.refused(&request, job.generation).await, ("object_store_unavailable".to_owned(), true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_to_stop_ends_the_service_after_its_work() {
    let harness = Harness::open().await;
    let job = harness.storing_job().await;
    let request = harness.finished_work(&job, &quiet_voice(5.0)).await;
    let stop_in_between = async {
        eventually("the first file of the result", Duration::from_secs(30), || async {
            let stored = harness.keys(KeyPrefix::job_result(job.id)).await;
            if stored.is_empty() { Err("none yet") } else { Ok(()) }
        })
        .await;
        harness.shutdown.cancel();
    };
    let (answered, ()) = tokio::join!(harness.ask(&request, job.generation), stop_in_between);
    assert_eq!(answered.unwrap().artifacts.len(), specs().count(), "what was begun is finished and answered");
    harness.running.await.unwrap().unwrap();
}
