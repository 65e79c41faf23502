//! Blends: songs by title and by file, what cannot be meant, how many may be started, and the older API.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use domain::{
    JobEvent, SongFacts, SongId, SongName, UploadId,
    kinds::{blend, melody_vocals},
};
use persistence::NewSong;
use resilience::{Clock, ManualClock, ids::random10};
use serde_json::{Value, json};

use crate::{
    harness::Harness,
    wire::{self, Answer},
};

/// A song of the catalogue; answers with its id. The stand-in for the validator asks nothing of its bytes.
async fn put(harness: &Harness, title: &str, artist: &str, bytes: &[u8]) -> SongId {
    let id: SongId = SongId::new(Utc::now(), random10());
    // Any key will do: what matters is that it is not the job's own.
    let key = blob_store::ObjectKey::upload(UploadId::new(Utc::now(), random10()));
    let objects = harness.deps.objects().unwrap();
    let stored = objects.put_bytes(&key, bytes.to_vec().into(), "audio/midi").await.unwrap();
    let new = NewSong {
        id,
        name: SongName::new(title, Some(artist)).unwrap(),
        sha256: stored.sha256,
        object_key: key.to_string(),
        bytes: stored.size_bytes,
        facts: SongFacts::default(),
    };
    harness.deps.database().unwrap().songs().insert(&new, Utc::now()).await.unwrap();
    id
}

async fn stocked(more: &[(&'static str, &'static str)]) -> Harness {
    let harness = Harness::with(more).await;
    for (title, artist) in
        [("Bohemian Rhapsody", "Queen"), ("Stairway to Heaven", "Led Zeppelin"), ("Hotel California", "Eagles")]
    {
        put(&harness, title, artist, title.as_bytes()).await;
    }
    put(&harness, "Halo", "Beyoncé", b"one").await;
    put(&harness, "Halo", "Depeche Mode", b"other").await;
    harness
}

const THREE: [&str; 3] =
    ["Bohemian Rhapsody - Queen", "Stairway to Heaven - Led Zeppelin", "Hotel California - Eagles"];

async fn post(harness: &Harness, path: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json")];
    wire::ask(harness.address, "POST", path, &headers, body.to_string().as_bytes()).await
}

/// A form of parts: name, file name, content.
async fn form(harness: &Harness, path: &str, parts: &[(&str, Option<&str>, &[u8])]) -> Answer {
    let mut body = Vec::new();
    for (name, file_name, content) in parts {
        let file = file_name.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
        body.extend(format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").into_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    let headers = [("content-type", "multipart/form-data; boundary=edge")];
    wire::ask(harness.address, "POST", path, &headers, &body).await
}

/// How many uploads there are, as objects; those of the catalogue's stand-ins among them.
async fn objects(harness: &Harness) -> usize {
    let objects = harness.deps.objects().unwrap();
    objects.list(&blob_store::KeyPrefix::all(), None, 1000).await.unwrap().len()
}

#[tokio::test]
async fn songs_named_by_title_belong_to_the_job() {
    let harness = stocked(&[]).await;
    let before = objects(&harness).await;
    let accepted = post(&harness, "/api/generate", &json!({ "songs": THREE })).await;
    let body = accepted.expect(202);
    assert_eq!((&body["success"], &body["status"]), (&json!(true), &json!("pending")), "{body}");
    assert_eq!(body["songs"], json!(THREE), "what was found is told");
    let id = body["jobId"].as_str().unwrap().to_owned();
    assert_eq!(body["links"]["status"], harness.url(&format!("/api/status/{id}")));
    assert_eq!(accepted.header("ratelimit-limit"), Some("10"));
    assert_eq!(accepted.header("ratelimit-remaining"), Some("9"));
    assert_eq!(objects(&harness).await, before + 3, "each is copied");

    let status = harness.ask("GET", &format!("/api/status/{id}"), &[]).await.expect(200);
    assert_eq!(status["songs"], json!(THREE));
    assert_eq!((&status["status"], &status["progress"]), (&json!("pending"), &json!(0)), "{status}");
    assert!(status["outputFileId"].is_null() && status["error"].is_null(), "{status}");
    let database = harness.deps.database().unwrap();
    let inputs = database.jobs().inputs(id.parse().unwrap()).await.unwrap();
    let names: Vec<_> = inputs.iter().map(|input| input.file_name.clone().unwrap()).collect();
    assert_eq!(names, THREE.map(|title| format!("{title}.mid")), "in the order in which they were named");
    let songs = database.songs().list(None, 10).await.unwrap().songs;
    assert!(
        inputs.iter().all(|input| songs.iter().all(|song| song.object_key != input.object_key)),
        "copies, no links"
    );

    let listed = harness.ask("GET", "/api/jobs", &[]).await.expect(200);
    assert_eq!((&listed["total"], &listed["jobs"][0]["jobId"]), (&json!(1), &json!(id)), "{listed}");
    let same =
        post(&harness, "/api/v1/jobs/blend", &json!({ "songs": THREE, "weights": [1, 1, 2], "key": "Am" })).await;
    let same = same.expect(202);
    assert_eq!((&same["kind"], &same["parameters"]["options"]["key"]), (&json!("blend"), &json!("A minor")), "{same}");
    assert_eq!(same["parameters"]["options"]["weights"], json!([1.0, 1.0, 2.0]));
}

#[tokio::test]
async fn titles_and_files_mix() {
    let harness = stocked(&[]).await;
    let songs = json!([null, "Hotel California", null]).to_string();
    let parts: &[(&str, Option<&str>, &[u8])] = &[
        ("song", Some("First.mid"), b"MThd first"),
        ("songs", None, songs.as_bytes()),
        ("song", Some("Third.mid"), b"MThd third"),
        ("seed", None, b"7"),
    ];
    let body = form(&harness, "/api/v1/jobs/blend", parts).await.expect(202);
    assert_eq!(body["songs"], json!(["First", "Hotel California - Eagles", "Third"]), "{body}");
    assert_eq!(body["parameters"]["seed"], 7);
    let after: &[(&str, Option<&str>, &[u8])] =
        &[("songs", None, br#"["Hotel California", "halo beyonce"]"#), ("song", Some("Last.mid"), b"MThd last")];
    let body = form(&harness, "/api/generate", after).await.expect(202);
    assert_eq!(body["songs"], json!(["Hotel California - Eagles", "Halo - Beyoncé", "Last"]), "{body}");
}

#[tokio::test]
async fn what_cannot_be_meant_is_told_and_leaves_nothing() {
    let harness = stocked(&[]).await;
    let before = objects(&harness).await;
    let unknown =
        post(&harness, "/api/generate", &json!({ "songs": [THREE[0], "Bohemian Rapsody Quen", THREE[2]] })).await;
    let body = unknown.problem(404, "song_unknown");
    assert_eq!(body["field"], "songs");
    assert!(
        body["detail"].as_str().unwrap().contains("song 2")
            && body["detail"].as_str().unwrap().contains("did you mean")
    );
    assert_eq!(body["choices"][0]["name"], "Bohemian Rhapsody - Queen", "{body}");

    let several = post(&harness, "/api/generate", &json!({ "songs": ["Halo", THREE[1], THREE[2]] })).await;
    let body = several.problem(409, "song_ambiguous");
    let choices = body["choices"].as_array().unwrap();
    assert_eq!(choices.len(), 2, "{body}");
    let chosen = json!({ "songs": [choices[1]["id"], THREE[1], THREE[2]] });

    for (songs, says) in [
        (json!(["A", "B"]), "3 songs"),
        (json!(["A", "B", "C", "D"]), "list of 3"),
        (json!("A"), "list of 3"),
        (json!([1, 2, 3]), "by its title"),
        (json!(["", "B", "C"]), "1 to 442"),
        (json!([null, THREE[1], THREE[2]]), "null stands for a file"),
        (Value::Null, "3 songs"),
    ] {
        let refused = post(&harness, "/api/generate", &json!({ "songs": songs })).await.problem(400, "invalid_field");
        assert!(refused["detail"].as_str().unwrap().contains(says), "{songs}: {refused}");
    }
    for (field, value) in [
        ("weights", json!([1, 1])),
        ("weights", json!({})),
        ("key", json!("H")),
        ("bars", json!(7)),
        ("seconds", json!(-1)),
        ("tempo", json!("fast")),
        ("form", json!("XYZ")),
        ("creativity", json!(1.5)),
        ("temperature", json!(-0.1)),
        ("formats", json!(["aiff"])),
        ("stems", json!("maybe")),
    ] {
        let refused = post(&harness, "/api/generate", &json!({ "songs": THREE, field: value })).await;
        assert_eq!(refused.problem(400, "invalid_field")["field"], field, "{value}");
    }
    post(&harness, "/api/generate", &json!({ "songs": THREE, "tempoo": 1 })).await.problem(400, "invalid_body");
    let four: &[(&str, Option<&str>, &[u8])] = &[
        ("song", Some("1.mid"), b"MThd 1"),
        ("song", Some("2.mid"), b"MThd 2"),
        ("songs", None, br#"["Hotel California", "Stairway to Heaven"]"#),
    ];
    form(&harness, "/api/generate", four).await.problem(400, "invalid_field");
    assert_eq!(objects(&harness).await, before, "nothing is left behind");
    assert_eq!(harness.ask("GET", "/api/jobs", &[]).await.expect(200)["total"], 0);
    post(&harness, "/api/generate", &chosen).await.expect(202);
}

#[tokio::test]
async fn what_is_offered_can_be_sent_back() {
    let harness = stocked(&[]).await;
    let long = "Very ".repeat(40).trim().to_owned();
    for bytes in [&b"1"[..], b"2"] {
        put(&harness, &long, &long, bytes).await;
    }
    let mut seen = Vec::new();
    for wanted in ["Halo".to_owned(), format!("{long} - {long}"), "Hotel Californa".to_owned()] {
        let refused = post(&harness, "/api/generate", &json!({ "songs": [wanted, THREE[0], THREE[1]] })).await;
        let refused: Value = serde_json::from_slice(&refused.body).unwrap();
        for choice in refused["choices"].as_array().unwrap() {
            let name = choice["name"].as_str().unwrap();
            let accepted = post(&harness, "/api/generate", &json!({ "songs": [name, THREE[0], THREE[1]] })).await;
            let called = format!("{} - {}", choice["title"].as_str().unwrap(), choice["artist"].as_str().unwrap());
            assert_eq!(accepted.expect(202)["songs"][0], called, "{name}");
            seen.push(name.to_owned());
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.len() >= 5 && seen.iter().any(|name| name.chars().count() > 400), "{seen:?}");
}

#[tokio::test]
async fn weights_are_read_in_every_way_they_are_written() {
    let harness = stocked(&[("blend.starts", "unlimited")]).await;
    let songs = json!(THREE).to_string();
    for path in ["/api/generate", "/api/v1/jobs/blend"] {
        for weights in ["[1,1,2]", "1,1,2", "1 1 2", "[1.0, 1.0, 2.0]"] {
            let parts: &[(&str, Option<&str>, &[u8])] =
                &[("songs", None, songs.as_bytes()), ("weights", None, weights.as_bytes())];
            let by_form = form(&harness, path, parts).await.expect(202)["jobId"].as_str().unwrap().to_owned();
            let body = json!({ "songs": THREE, "weights": weights });
            let by_text = post(&harness, path, &body).await.expect(202)["jobId"].as_str().unwrap().to_owned();
            for job in [by_form, by_text] {
                let shown = harness.ask("GET", &format!("/api/v1/jobs/{job}"), &[]).await.expect(200);
                let shown = &shown["parameters"]["options"]["weights"];
                assert_eq!(shown, &json!([1.0, 1.0, 2.0]), "{path} {weights}");
                // As it is shown it can be sent.
                post(&harness, path, &json!({ "songs": THREE, "weights": shown })).await.expect(202);
            }
        }
        let refused = post(&harness, path, &json!({ "songs": THREE, "weights": "1;1;2" })).await;
        assert_eq!(refused.problem(400, "invalid_field")["field"], "weights");
    }
}

#[tokio::test]
async fn names_keep_their_slashes() {
    let harness = stocked(&[]).await;
    put(&harness, "Back in Black", "AC/DC", b"black").await;
    let songs = json!({ "songs": ["Back in Black - AC/DC", THREE[0], THREE[1]] });
    let body = post(&harness, "/api/generate", &songs).await.expect(202);
    assert_eq!(body["songs"][0], "Back in Black - AC/DC");
    let database = harness.deps.database().unwrap();
    let inputs = database.jobs().inputs(body["jobId"].as_str().unwrap().parse().unwrap()).await.unwrap();
    assert_eq!(inputs[0].file_name.as_deref(), Some("Back in Black - AC/DC.mid"), "what the stages call it");
    assert!(!inputs[0].object_key.contains("AC"), "{}", inputs[0].object_key);
}

#[tokio::test]
async fn a_repeat_is_answered_as_before_whatever_became_of_its_songs() {
    let harness = stocked(&[("blend.starts", "1")]).await;
    let body = json!({ "songs": THREE }).to_string();
    let headers = [("content-type", "application/json"), ("idempotency-key", "once")];
    let first = wire::ask(harness.address, "POST", "/api/generate", &headers, body.as_bytes()).await.expect(202);
    let database = harness.deps.database().unwrap();
    for song in database.songs().list(None, 10).await.unwrap().songs {
        database.songs().remove(song.id).await.unwrap();
    }
    let before = objects(&harness).await;
    let again = wire::ask(harness.address, "POST", "/api/generate", &headers, body.as_bytes()).await;
    assert_eq!((again.expect(202), again.header("idempotent-replayed")), (first, Some("true")));
    assert_eq!(objects(&harness).await, before, "nothing is copied once more");
}

#[tokio::test]
async fn only_so_many_may_be_started_in_a_stretch_of_time() {
    let harness = stocked(&[("blend.starts", "2"), ("blend.starts_seconds", "600")]).await;
    let body = json!({ "songs": THREE });
    for left in ["1", "0"] {
        let answer = post(&harness, "/api/generate", &body).await;
        answer.expect(202);
        assert_eq!(answer.header("ratelimit-remaining"), Some(left));
    }
    let before = objects(&harness).await;
    for path in ["/api/generate", "/api/v1/jobs/blend"] {
        let refused = post(&harness, path, &body).await;
        let problem = refused.problem(429, "rate_limited");
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=600).contains(&wait), "{wait}");
        assert_eq!(problem["retry_after_seconds"], wait);
        assert_eq!(refused.header("ratelimit-remaining"), Some("0"));
        assert_eq!(refused.header("ratelimit-policy"), Some("2;w=600"));
    }
    assert_eq!(objects(&harness).await, before);
    // Other kinds are not concerned.
    let other = wire::ask(harness.address, "POST", "/api/v1/jobs/melody-to-vocals", &[], b"").await;
    assert_ne!(other.status, 429);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_requests_at_once_so_many_are_accepted() {
    let harness = stocked(&[]).await;
    let before = objects(&harness).await;
    let body = json!({ "songs": THREE });
    let answers = futures_util::future::join_all((0..20).map(|_| post(&harness, "/api/generate", &body))).await;
    let (accepted, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 202);
    assert_eq!((accepted.len(), refused.len()), (10, 10));
    let mut left: Vec<u32> =
        accepted.iter().map(|a| a.header("ratelimit-remaining").unwrap().parse().unwrap()).collect();
    left.sort_unstable();
    assert_eq!(left, (0..10).collect::<Vec<_>>(), "two jobs were told the same place");
    for answer in refused {
        answer.problem(429, "rate_limited");
        let header = |name| answer.header(name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!((header("ratelimit-limit"), header("ratelimit-remaining")), ("10", "0"));
        assert_eq!(header("ratelimit-policy"), "10;w=900");
        let waits = ["retry-after", "ratelimit-reset"].map(|name| header(name).parse::<u64>().unwrap());
        assert!(waits[0] == waits[1] && (1..=900).contains(&waits[0]), "{waits:?}");
    }
    assert_eq!(harness.ask("GET", "/api/jobs", &[]).await.expect(200)["total"], 10);
    assert_eq!(objects(&harness).await, before + 30, "what was refused in the end leaves nothing either");
}

#[tokio::test]
async fn every_answer_to_a_start_tells_how_many_are_left() {
    let harness = stocked(&[]).await;
    let songs = json!({ "songs": THREE });
    for path in ["/api/generate", "/api/v1/jobs/blend"] {
        let told = |answer: &Answer, status: u16, left: &str| {
            assert_eq!(answer.status, status, "{path}");
            let headers = ["limit", "remaining", "policy"].map(|name| answer.header(&format!("ratelimit-{name}")));
            assert_eq!(headers, [Some("10"), Some(left), Some("10;w=900")], "{path}: {status}");
            assert!(answer.header("ratelimit-reset").is_some());
        };
        let left = if path == "/api/generate" { ["10", "9"] } else { ["9", "8"] };
        told(&post(&harness, path, &json!({ "songs": THREE, "tempo": "fast" })).await, 400, left[0]);
        told(&post(&harness, path, &json!({ "songs": ["Nothing", THREE[1], THREE[2]] })).await, 404, left[0]);
        told(&post(&harness, path, &json!({ "songs": ["Halo", THREE[1], THREE[2]] })).await, 409, left[0]);
        told(&wire::ask(harness.address, "POST", path, &[], b"").await, 415, left[0]);
        let keyed = [("content-type", "application/json"), ("idempotency-key", path)];
        let keyed =
            async |body: &Value| wire::ask(harness.address, "POST", path, &keyed, body.to_string().as_bytes()).await;
        // What was refused did not count.
        told(&keyed(&songs).await, 202, left[1]);
        told(&keyed(&songs).await, 202, left[1]);
        told(&keyed(&json!({ "songs": THREE, "seed": 1 })).await, 422, left[1]);
    }
    // Nothing else has a limit of starts.
    let other = harness.ask("GET", "/api/jobs", &[]).await;
    assert_eq!(other.header("ratelimit-limit"), None);
}

#[tokio::test]
async fn files_stay_a_day_and_the_job_is_told_of_for_a_week() {
    let clock = Arc::new(ManualClock::new(Utc::now()));
    let harness = Harness::by(Arc::clone(&clock)).await;
    let made = clock.now();
    // One after the other: of two that came in the same moment either is claimed first.
    let ended_by = async |events: &[JobEvent]| {
        let job = harness.waiting_job(blend::NAME).await;
        harness.claim(job).await;
        for event in events {
            harness.happens(job, *event).await;
        }
        job
    };
    let done = ended_by(&[JobEvent::StoringStarted, JobEvent::Completed]).await;
    let failed = ended_by(&[JobEvent::Failed]).await;
    harness.add_artifact(done, domain::ArtifactRole::AUDIO_MP3, "Blend.mp3").await;
    let told = async |path: String| harness.ask("GET", &path, &[]).await;
    let status = || told(format!("/api/status/{done}"));
    let instant = TimeDelta::microseconds(1);

    clock.set(made + TimeDelta::days(1) - instant);
    let file = status().await.expect(200)["outputFileId"].as_str().unwrap().to_owned();
    assert_eq!(told(format!("/api/download/{file}")).await.status, 200);
    assert_eq!(told(format!("/api/v1/jobs/{done}")).await.expect(200)["artifacts"].as_array().unwrap().len(), 1);
    // No sweep has come by: what is due to go is gone all the same.
    clock.advance(instant);
    let body = told(format!("/api/download/{file}")).await.problem(410, "gone");
    assert!(body["detail"].as_str().unwrap().contains("deleted"), "{body}");
    told(format!("/api/v1/jobs/{done}/result")).await.problem(410, "gone");
    assert_eq!(told(format!("/api/v1/jobs/{done}")).await.expect(200)["artifacts"], json!([]));
    wire::ask(harness.address, "POST", &format!("/api/v1/jobs/{failed}/retry"), &[], b"").await.problem(410, "gone");
    let still = status().await.expect(200);
    assert_eq!((&still["status"], &still["outputFileId"]), (&json!("completed"), &Value::Null), "{still}");

    clock.set(made + TimeDelta::days(7));
    assert_eq!(status().await.expect(200)["status"], "completed");
    assert_eq!(told(format!("/api/status/{failed}")).await.expect(200)["status"], "failed");
    assert_eq!(told("/api/jobs".to_owned()).await.expect(200)["total"], 2);
    clock.advance(instant);
    status().await.problem(404, "not_found");
    let none = told("/api/jobs".to_owned()).await.expect(200);
    assert_eq!((&none["total"], &none["jobs"]), (&json!(0), &json!([])));
    // The newer API tells of a job as long as its row stays.
    told(format!("/api/v1/jobs/{done}")).await.expect(200);
}

#[tokio::test]
async fn the_older_api_tells_of_its_own_kind_only() {
    let harness = Harness::open().await;
    let other = harness.waiting_job(melody_vocals::NAME).await;
    for path in [format!("/api/status/{other}"), format!("/api/download/{other}")] {
        harness.ask("GET", &path, &[]).await.problem(404, "not_found");
    }
    assert_eq!(harness.ask("GET", "/api/jobs", &[]).await.expect(200)["total"], 0);
    harness.claim(other).await;

    let job = harness.waiting_job(blend::NAME).await;
    harness.claim(job).await;
    let status = harness.ask("GET", &format!("/api/status/{job}"), &[]).await.expect(200);
    assert_eq!(status["status"], "processing");
    harness.ask("GET", &format!("/api/download/{job}"), &[]).await.problem(409, "job_state");
    for event in [JobEvent::StoringStarted, JobEvent::Completed] {
        harness.happens(job, event).await;
    }
    harness.add_artifact(job, domain::ArtifactRole::AUDIO_MP3, "Blend.mp3").await;
    let status = harness.ask("GET", &format!("/api/status/{job}"), &[]).await.expect(200);
    assert_eq!(status["status"], "completed");
    let file = status["outputFileId"].as_str().unwrap();
    let song = harness.ask("GET", &format!("/api/download/{file}"), &[]).await;
    assert_eq!((song.status, song.body.as_slice()), (200, crate::harness::SONG));
    harness.ask("GET", &format!("/api/download/{job}.provenance"), &[]).await.problem(404, "not_found");
    harness.ask("GET", "/api/download/nonsense", &[]).await.problem(404, "not_found");
    harness.ask("GET", "/api/status/nonsense", &[]).await.problem(404, "not_found");
    harness.ask("DELETE", "/api/generate", &[]).await.problem(405, "method_not_allowed");
}
