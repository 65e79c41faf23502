//! Three songs become one through the whole deployment: by files, by titles, the way older clients ask, and what is refused.

use std::{process::Stdio, time::Duration};

use blob_store::ObjectKey;
use chrono::Utc;
use domain::{SongFacts, SongId, SongName, UploadId};
use persistence::NewSong;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use testbed::eventually;

use crate::harness::{Answer, Deployment, Flavour, PATIENCE, User, hum, own, shared};

over_both!(
    files_become_a_song_with_all_that_goes_along,
    an_older_client_gets_its_song,
    what_is_refused_leaves_nothing,
    a_blend_is_its_owners_and_stops_when_asked,
    a_blend_survives_a_crash,
);

const BLEND: &str = "/api/v1/jobs/blend";

fn form(songs: &[(&str, Vec<u8>)], fields: &[(&'static str, &str)]) -> Form {
    let form = fields.iter().fold(Form::new(), |form, (name, value)| form.text(*name, (*value).to_owned()));
    songs
        .iter()
        .fold(form, |form, (name, bytes)| form.part("song", Part::bytes(bytes.clone()).file_name((*name).to_owned())))
}

/// The three songs that the project writes itself.
fn songs() -> Vec<(&'static str, Vec<u8>)> {
    arrangement::sample_songs().into_iter().map(|song| (song.file_name, song.midi)).collect()
}

async fn submit(user: &User, fields: &[(&'static str, &str)]) -> Answer {
    Answer::of(user.posting(BLEND).multipart(form(&songs(), fields))).await
}

async fn ended(user: &User, job: &str) -> Value {
    eventually(&format!("blend {job} to end"), PATIENCE, || async {
        let body = user.get(&format!("/api/v1/jobs/{job}")).await.expect(200);
        let is_over = matches!(body["state"].as_str(), Some("completed" | "failed" | "cancelled" | "expired"));
        if is_over { Ok(body) } else { Err(body) }
    })
    .await
}

/// Puts the three songs into the catalogue.
async fn stocked(deployment: &Deployment) {
    let (database, store) = (deployment.database().await, deployment.store());
    for (song, artist) in arrangement::sample_songs().into_iter().zip(["Ada", "Ben", "Cleo"]) {
        let random = resilience::ids::random10();
        let key = ObjectKey::upload(UploadId::new(Utc::now(), random));
        let stored = store.put_bytes(&key, song.midi.into(), "audio/midi").await.expect("a song is stored");
        let new = NewSong {
            id: SongId::new(Utc::now(), random),
            name: SongName::new(song.title, Some(artist)).expect("a name"),
            sha256: stored.sha256,
            object_key: key.to_string(),
            bytes: stored.size_bytes,
            facts: SongFacts::default(),
        };
        database.songs().insert(&new, Utc::now()).await.expect("a row");
    }
}

async fn files_become_a_song_with_all_that_goes_along(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let fields = [("bars", "12"), ("seed", "3"), ("weights", "[1,1,2]"), ("stems", "true"), ("formats", r#"["flac"]"#)];
    let accepted = submit(&user, &fields).await.expect(202);
    let job = accepted["jobId"].as_str().expect("an id");
    let done = ended(&user, job).await;
    assert_eq!(done["state"], "completed", "{done}");
    assert_eq!(done["progress"], 100);
    let result = &done["result"];
    assert_eq!(result["songs"][2]["title"], "lantern-walk", "{result}");
    let shares: Vec<f64> =
        result["songs"].as_array().expect("three").iter().map(|s| s["share"].as_f64().expect("a share")).collect();
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{shares:?}");
    let lufs = result["loudnessLufs"].as_f64().expect("it sounds");
    assert!((lufs + 14.0).abs() <= 1.0, "{lufs} LUFS as it was mastered");

    let roles: Vec<&str> =
        done["artifacts"].as_array().expect("files").iter().filter_map(|file| file["role"].as_str()).collect();
    for role in [
        "audio_mp3",
        "audio_wav",
        "audio_flac",
        "song_midi",
        "provenance",
        "provenance_svg",
        "cover",
        "report",
        "waveform",
        "stem_melody",
        "stem_bass",
        "stem_drums",
    ] {
        assert!(roles.contains(&role), "no {role} among {roles:?}");
    }
    let file = async |role: &str| user.get(&format!("/api/v1/jobs/{job}/result?role={role}")).await;
    let midi = file("song_midi").await;
    assert_eq!(midi.header("content-type"), Some("audio/midi"));
    assert!(midi.bytes.starts_with(b"MThd"));
    let provenance = file("provenance").await.expect(200);
    assert_eq!(provenance["bars"].as_array().map(Vec::len), Some(12), "a row a bar");
    let mp3 = user.get(&format!("/api/v1/jobs/{job}/result")).await;
    assert!(mp3.bytes.starts_with(b"ID3") && mp3.bytes.windows(9).any(|bytes| bytes == b"image/png"), "with its cover");
    assert!(file("provenance_svg").await.text().starts_with("<svg"));

    // Same songs, same options, same seed: same notes.
    let again = submit(&user, &fields).await.expect(202);
    let again = again["jobId"].as_str().expect("an id").to_owned();
    assert_eq!(ended(&user, &again).await["state"], "completed");
    let same = user.get(&format!("/api/v1/jobs/{again}/result?role=song_midi")).await;
    assert!(same.bytes == midi.bytes);
    // The files go after a day, not after the week of other kinds.
    let kept = |body: &Value, name: &str| {
        body[name].as_str().and_then(|at| at.parse::<chrono::DateTime<Utc>>().ok()).expect("a time")
    };
    let minutes = (kept(&done, "expiresAt") - kept(&done, "completedAt")).num_minutes();
    assert!((24 * 60 - 1..=24 * 60).contains(&minutes), "{minutes} minutes");
}

/// What a page of the older service does, host and token aside: asks for a blend, polls, follows the link.
const PAGE: &str = r#"
const base = process.argv[2], token = process.argv[3];
const plain = globalThis.fetch;
globalThis.fetch = (url, init = {}) =>
  plain(new URL(url, base), { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
const went = new Promise((resolve) => {
  globalThis.window = { location: { set href(url) { resolve(url); } } };
});
const response = await fetch('/api/generate', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ songs: ['Harbour Morning - Ada', 'Tin Roof Reel - Ben', 'Lantern Walk - Cleo'] })
});
const { jobId } = await response.json();
const checkStatus = async () => {
  const response = await fetch(`/api/status/${jobId}`);
  const status = await response.json();
  if (status.status === 'completed') {
    window.location.href = `/api/download/${status.outputFileId}`;
  } else if (status.status === 'failed') {
    console.error('failed:', status.error);
    process.exit(1);
  } else {
    setTimeout(checkStatus, 200);
  }
};
checkStatus();
const file = await fetch(await went);
console.log(JSON.stringify({ jobId, status: file.status, type: file.headers.get('content-type'), bytes: (await file.arrayBuffer()).byteLength }));
"#;

async fn an_older_client_gets_its_song(flavour: Flavour) {
    let deployment = own(flavour, &[]).await;
    stocked(&deployment).await;
    let user = deployment.user();
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("page.mjs");
    std::fs::write(&page, PAGE).expect("a file");
    let node = tokio::process::Command::new("node")
        .arg(&page)
        .args([deployment.front_url(), user.token().expect("a token").to_owned()])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let told: Value = match tokio::time::timeout(PATIENCE, node).await.expect("node ends") {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            serde_json::from_slice(&output.stdout).expect("a line of JSON")
        }
        Err(why) => {
            eprintln!("node is not here ({why}): the same requests without it");
            by_hand(&user).await
        }
    };
    assert_eq!((&told["status"], &told["type"]), (&json!(200), &json!("audio/mpeg")), "{told}");
    assert!(told["bytes"].as_u64().is_some_and(|bytes| bytes > 100_000), "{told}");

    let jobs = user.get("/api/jobs").await.expect(200);
    assert_eq!((&jobs["total"], &jobs["jobs"][0]["jobId"]), (&json!(1), &told["jobId"]), "{jobs}");
    assert_eq!(jobs["jobs"][0]["status"], "completed");
    user.get("/api/health").await.expect(200);
    user.get("/api/health/detailed").await.expect(200);
}

async fn by_hand(user: &User) -> Value {
    let titles = ["Harbour Morning - Ada", "Tin Roof Reel - Ben", "Lantern Walk - Cleo"];
    let accepted = user.post_json("/api/generate", &json!({ "songs": titles })).await.expect(202);
    let job = accepted["jobId"].as_str().expect("an id");
    ended(user, job).await;
    let status = user.get(&format!("/api/status/{job}")).await.expect(200);
    assert_eq!(status["status"], "completed", "{status}");
    let file = user.get(&format!("/api/download/{}", status["outputFileId"].as_str().expect("a file"))).await;
    let kind = file.header("content-type").map(str::to_owned);
    json!({ "jobId": job, "status": file.status.as_u16(), "type": kind, "bytes": file.bytes.len() })
}

async fn what_is_refused_leaves_nothing(flavour: Flavour) {
    let deployment = own(flavour, &[("DESCANT_BLEND__STARTS", "2")]).await;
    stocked(&deployment).await;
    let user = deployment.user();
    let before = deployment.objects().await;
    let [first, second, _] = <[_; 3]>::try_from(songs()).expect("three");
    let with = |third: (&'static str, Vec<u8>)| form(&[first.clone(), second.clone(), third], &[]);
    let empty_track = b"MThd\0\0\0\x06\0\x01\0\x01\x01\xe0MTrk\0\0\0\x04\0\xff\x2f\0".to_vec();
    for (third, status, code, says) in [
        (("hum.mid", hum().wav()), 415, "unsupported_audio", "song, file 3: This is not a MIDI file but"),
        (("text.mid", b"hello".to_vec()), 415, "unsupported_audio", "not a MIDI file"),
        (("empty.mid", Vec::new()), 400, "audio_refused", "empty"),
        (("rest.mid", empty_track), 400, "audio_refused", "no notes"),
        (("cut.mid", b"MThd\0\0\0\x06\0".to_vec()), 400, "audio_refused", "within its header"),
        (("large.mid", vec![0; (4 << 20) + 1]), 413, "too_large", "4 MB"),
    ] {
        let answer = Answer::of(user.posting(BLEND).multipart(with(third))).await;
        let body = answer.problem(status, code);
        assert!(body["detail"].as_str().is_some_and(|detail| detail.contains(says)), "{says}: {body}");
    }
    let two = form(&[first.clone(), second.clone()], &[]);
    Answer::of(user.posting(BLEND).multipart(two)).await.problem(400, "invalid_field");
    let unknown = json!({ "songs": ["Harbour Mornin", "Tin Roof Reel", "Lantern Walk"] });
    let body = user.post_json("/api/generate", &unknown).await.problem(404, "song_unknown");
    assert_eq!(body["choices"][0]["title"], "Harbour Morning", "{body}");
    let wrong = json!({ "songs": ["Harbour Morning", "Tin Roof Reel", "Lantern Walk"], "creativity": 3 });
    assert_eq!(user.post_json("/api/generate", &wrong).await.problem(400, "invalid_field")["field"], "creativity");
    user.post_json("/api/v1/jobs/blend", &json!({})).await.problem(400, "invalid_field");
    eventually("nothing to be left", Duration::from_secs(20), || async {
        let left = deployment.objects().await;
        if left == before { Ok(()) } else { Err(left) }
    })
    .await;
    let database = deployment.database().await;
    assert_eq!(
        database
            .jobs_of(&domain::UserId::new(user.claims.subject.clone()).expect("a user"))
            .history(&Default::default(), 10, 0)
            .await
            .expect("rows")
            .total,
        0
    );

    // What only fails when it is worked on fails with a sentence, and its place in the quota is given back.
    for (field, length, tempo) in [("seconds", "700", "240"), ("bars", "400", "60")] {
        let refused = submit(&user, &[(field, length), ("tempo", tempo)]).await.problem(400, "invalid_field");
        assert_eq!(refused["field"], field, "{refused}");
    }
    let long = [("bars", "400"), ("tempo", "120")];
    let job = submit(&user, &long).await.expect(202)["jobId"].as_str().expect("an id").to_owned();
    let failed = ended(&user, &job).await;
    assert_eq!((&failed["state"], &failed["errorCode"]), (&json!("failed"), &json!("impossible_options")), "{failed}");
    assert!(failed["error"].as_str().is_some_and(|error| error.contains("at 120 bpm in 4/4")), "{failed}");
    let status = user.get(&format!("/api/status/{job}")).await.expect(200);
    assert_eq!((&status["status"], &status["error"]), (&json!("failed"), &failed["error"]), "{status}");
    assert_eq!(user.quota().await["dailyUsed"], 0);

    // The second start is the last for a while.
    let other = submit(&user, &[("bars", "8")]).await.expect(202)["jobId"].as_str().expect("an id").to_owned();
    let refused = submit(&user, &[]).await;
    refused.problem(429, "rate_limited");
    assert!(refused.header("retry-after").is_some() && refused.header("ratelimit-reset").is_some());
    ended(&user, &other).await;
}

async fn a_blend_is_its_owners_and_stops_when_asked(flavour: Flavour) {
    let deployment = own(flavour, &[]).await;
    let user = deployment.user();
    let job = submit(&user, &[("bars", "320"), ("tempo", "120")]).await.expect(202)["jobId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let stranger = deployment.user();
    for path in [format!("/api/v1/jobs/{job}"), format!("/api/status/{job}"), format!("/api/download/{job}")] {
        stranger.get(&path).await.problem(404, "not_found");
    }
    assert_eq!(stranger.get("/api/jobs").await.expect(200)["total"], 0);
    let mut events = user.events(&job, 0).await;
    events.until("playing", |event| event.kind == "stage_started" && event.stage() == Some("rendering")).await;
    let stopped = user.post(&format!("/api/v1/jobs/{job}/cancel")).await;
    assert!(matches!(stopped.status.as_u16(), 200 | 202), "{}", stopped.text());
    assert_eq!(ended(&user, &job).await["state"], "cancelled");
    let status = user.get(&format!("/api/status/{job}")).await.expect(200);
    assert_eq!((&status["status"], &status["error"]), (&json!("failed"), &json!("cancelled")), "{status}");
    eventually("its objects to go", Duration::from_secs(30), || async {
        let left = deployment.objects().await;
        if left.is_empty() { Ok(()) } else { Err(left) }
    })
    .await;
}

async fn a_blend_survives_a_crash(flavour: Flavour) {
    let deployment = own(flavour, &[]).await;
    let user = deployment.user();
    let job = submit(&user, &[("bars", "250"), ("seed", "1"), ("tempo", "120")]).await.expect(202)["jobId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let mut events = user.events(&job, 0).await;
    events.until("playing", |event| event.kind == "stage_started" && event.stage() == Some("rendering")).await;
    let part = match flavour {
        Flavour::Embedded => crate::harness::Part::Descant,
        Flavour::Distributed => crate::harness::Part::Orchestrator,
    };
    deployment.kill(part);
    deployment.launch(part).await;
    // An embedded deployment has a new address.
    let user = User::new(deployment.front_url(), user.claims.clone());
    let done = ended(&user, &job).await;
    assert_eq!(done["state"], "completed", "{done}");
    let events = user.events(&job, 0).await.rest().await;
    let started = |stage: &str| events.iter().filter(|e| e.kind == "stage_started" && e.stage() == Some(stage)).count();
    assert_eq!((started("blending"), started("rendering")), (1, 2), "what was finished is not done again: {events:?}");
}
