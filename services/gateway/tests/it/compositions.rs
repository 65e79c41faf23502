//! Songs of a sentence: the API of music generators in its own words, what cannot be meant, and what is told on the bus.

use std::time::Duration;

use domain::{
    ArtifactRole, Failure, FailureClass, FailureCode, JobEvent,
    kinds::{composition, melody_vocals},
};
use messaging::{Body, Event};
use persistence::Patch;
use serde_json::{Value, json};

use crate::{
    harness::{Harness, SONG},
    wire::{self, Answer},
};

const GENERATE: &str = "/api/music-generator/generate";
const JOBS: &str = "/api/v1/jobs/composition";

async fn post(harness: &Harness, path: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json")];
    wire::ask(harness.address, "POST", path, &headers, body.to_string().as_bytes()).await
}

async fn get(harness: &Harness, route: &str, id: &str) -> Answer {
    harness.ask("GET", &format!("/api/music-generator/{route}/{id}"), &[]).await
}

fn seed_body() -> Value {
    json!({
        "name": "My Awesome Song",
        "prompt": "upbeat electronic dance music with synthesizers",
        "lengthMs": 30000,
        "outputFormat": "mp3_44100_128",
        "modelId": "music_v1"
    })
}

#[tokio::test]
async fn a_song_is_asked_for_and_followed_in_the_words_of_the_older_api() {
    let harness = Harness::open().await;
    let mut events = harness.deps.bus().unwrap().subscribe_events(64).await.unwrap();
    let answer = post(&harness, GENERATE, &seed_body()).await.expect(202);
    assert_eq!(
        (&answer["success"], &answer["message"]),
        (&json!(true), &json!("Music generation job created successfully"))
    );
    let data = &answer["data"];
    let id = data["musicId"].as_str().unwrap().to_owned();
    for (field, value) in [
        ("name", json!("My Awesome Song")),
        ("prompt", json!("upbeat electronic dance music with synthesizers")),
        ("status", json!("GENERATING")),
        ("lengthMs", json!(30000)),
        ("outputFormat", json!("mp3_44100_128")),
        ("modelId", json!("music_v1")),
    ] {
        assert_eq!(data[field], value, "{field}: {answer}");
    }
    let created = data["createdAt"].as_str().unwrap();
    assert!(created.len() == 24 && created.ends_with('Z'), "to the millisecond, as JavaScript writes it: {created}");

    // The bus is told what the older system's was.
    let announcement = loop {
        let event = tokio::time::timeout(Duration::from_secs(30), events.next()).await.expect("an event");
        if let Some(Event::Message(message)) = event
            && let Some(Body::Announcement(announcement)) = message.body
        {
            break announcement;
        }
    };
    assert_eq!(announcement.event, "music.generation.requested");
    assert_eq!((announcement.job_id.as_str(), announcement.kind.as_str()), (id.as_str(), "composition"));

    let status = get(&harness, "status", &id).await.expect(200);
    assert_eq!((&status["success"], status.get("message")), (&json!(true), None), "{status}");
    let data = &status["data"];
    assert_eq!(
        (&data["musicId"], &data["status"], &data["lengthMs"]),
        (&json!(id), &json!("GENERATING"), &json!(30000))
    );
    assert!(data["audioUrl"].is_null() && data.get("audioUrl").is_some(), "null until it is there: {status}");
    assert!(data["createdAt"].is_string() && data["updatedAt"].is_string());
    get(&harness, "download", &id).await.problem(409, "job_state");
}

#[tokio::test]
async fn a_finished_song_has_an_address_and_a_time_to_be_kept() {
    let harness = Harness::open().await;
    let accepted = post(&harness, GENERATE, &seed_body()).await.expect(202);
    let id = accepted["data"]["musicId"].as_str().unwrap().to_owned();
    let job = id.parse().unwrap();
    harness.claim(job).await;
    harness.happens(job, JobEvent::StoringStarted).await;
    let made =
        Patch { result: Some(json!({ "title": "My Awesome Song", "durationSeconds": 30.0 })), ..Patch::default() };
    harness.happens_so(job, JobEvent::Completed, made).await;
    let file = "2024-09-01T00-45-30-123Z_My_Awesome_Song";
    harness.add_artifact(job, ArtifactRole::AUDIO_MP3, &format!("{file}.mp3")).await;
    harness.add_artifact(job, ArtifactRole::AUDIO_WAV, &format!("{file}.wav")).await;
    harness.add_artifact(job, ArtifactRole::REPORT, "report.json").await;

    let data = get(&harness, "status", &id).await.expect(200)["data"].clone();
    assert_eq!(
        (&data["status"], &data["lengthMs"], &data["progress"]),
        (&json!("COMPLETED"), &json!(30000), &json!(100))
    );
    assert!(data["expiresAt"].is_string(), "{data}");
    let address = data["audioUrl"].as_str().unwrap();
    assert!(address.starts_with(&harness.url("/api/v1/jobs/")), "a player may be on another page: {address}");
    assert_eq!(harness.ask("GET", address, &[]).await.body, SONG);

    let answer = get(&harness, "download", &id).await.expect(200);
    assert_eq!((&answer["success"], &answer["message"]), (&json!(true), &json!("Download link created successfully")));
    let link = &answer["data"];
    assert_eq!(link["fileName"], format!("{file}.mp3"), "{answer}");
    assert_eq!(link["formats"], json!(["mp3", "wav"]), "{answer}");
    assert_eq!(link["sizeBytes"], SONG.len());
    assert!(link["expiresAt"].is_string());
    assert!(link["downloadUrl"].as_str().unwrap().starts_with(&harness.url("/api/v1/jobs/")), "{link}");
    let fetched = harness.ask("GET", link["downloadUrl"].as_str().unwrap(), &[]).await;
    assert_eq!(fetched.body, SONG);
    assert!(fetched.header("content-disposition").unwrap().contains(&format!("{file}.mp3")), "{fetched:?}");

    let wav = get(&harness, "download", &format!("{id}?format=WAV")).await.expect(200);
    assert_eq!(wav["data"]["fileName"], format!("{file}.wav"), "{wav}");
    let refused = get(&harness, "download", &format!("{id}?format=opus")).await;
    let problem = refused.problem(400, "invalid_field");
    assert_eq!(problem["detail"], "format: expected one of mp3, wav, flac, m4a, ogg", "{problem}");
}

#[tokio::test]
async fn a_song_that_failed_says_so_in_one_word_and_one_sentence() {
    let harness = Harness::open().await;
    for (event, says) in [(JobEvent::Failed, "the font is broken"), (JobEvent::CancelRequested, "cancelled")] {
        let accepted = post(&harness, GENERATE, &seed_body()).await.expect(202);
        let id = accepted["data"]["musicId"].as_str().unwrap().to_owned();
        let job = id.parse().unwrap();
        if event == JobEvent::Failed {
            harness.claim(job).await;
        }
        let failure = Failure::new(FailureClass::Config, FailureCode::ProviderConfig, "the font is broken");
        let failure = (event == JobEvent::Failed).then_some(failure);
        harness.happens_so(job, event, Patch { failure, ..Patch::default() }).await;
        let data = get(&harness, "status", &id).await.expect(200)["data"].clone();
        assert_eq!((&data["status"], &data["error"]), (&json!("FAILED"), &json!(says)), "{data}");
        assert!(data["audioUrl"].is_null(), "{data}");
        get(&harness, "download", &id).await.problem(409, "job_state");
    }
}

#[tokio::test]
async fn what_is_nobodys_music_is_not_found_in_these_words() {
    let harness = Harness::open().await;
    let other = harness.waiting_job(melody_vocals::NAME).await.to_string();
    for id in [other.as_str(), "nonsense", "cmf0abc123", "018f6b1e-7c2a-7000-8000-000000000000"] {
        for route in ["status", "download"] {
            let problem = get(&harness, route, id).await.problem(404, "not_found");
            assert_eq!(problem["detail"], "Music record not found", "{route} {id}");
            assert_eq!(problem["success"], false);
        }
    }
    let job = harness.waiting_job(composition::NAME).await;
    get(&harness, "status", &job.to_string()).await.expect(200);
    harness.ask("DELETE", GENERATE, &[]).await.problem(405, "method_not_allowed");
}

#[tokio::test]
async fn the_houses_own_route_tells_what_was_understood() {
    let harness = Harness::open().await;
    let body = json!({
        "prompt": "a calm bossa nova with zithers, 96 bpm",
        "key": "Am",
        "instruments": ["piano", "flute"],
        "chords": "| Am7 | D7 G |",
        "formats": ["flac"],
        "stems": true,
        "seed": 7
    });
    let answer = post(&harness, JOBS, &body).await.expect(202);
    assert_eq!((&answer["kind"], &answer["status"]), (&json!("composition"), &json!("pending")), "{answer}");
    let understood = answer["prompt"]["understood"].to_string();
    assert!(understood.contains("bossa"), "{answer}");
    assert!(answer["prompt"]["notUnderstood"].to_string().contains("zithers"), "{answer}");
    let parameters = &answer["parameters"];
    assert_eq!((&parameters["seed"], &parameters["modelId"]), (&json!(7), &json!("music_v1")), "{parameters}");
    let options = &parameters["options"];
    assert_eq!((&options["key"], &options["instrumental"]), (&json!("A minor"), &json!(true)), "{options}");
    assert_eq!((&options["outputFormat"], &options["lengthMs"]), (&json!("mp3_44100_128"), &Value::Null), "{options}");
    // The same as a form, with what is left out.
    let form =
        b"--edge\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\na folk song with vocals\r\n--edge--\r\n";
    let headers = [("content-type", "multipart/form-data; boundary=edge")];
    let answer = wire::ask(harness.address, "POST", JOBS, &headers, form).await.expect(202);
    assert_eq!(answer["parameters"]["options"]["instrumental"], false, "the sentence asks for a voice: {answer}");
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_there_is_a_job() {
    let harness = Harness::open().await;
    let check = async |change: Value, field: &str, says: &str| {
        let mut body = seed_body();
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        for path in [GENERATE, JOBS] {
            let problem = post(&harness, path, &body).await.problem(400, "invalid_field");
            assert_eq!(problem["field"], field, "{problem}");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(says), "{field}: {detail}");
        }
    };
    check(json!({ "prompt": null }), "prompt", "expected a description of the music").await;
    check(json!({ "prompt": "x" }), "prompt", "3 to 2000").await;
    check(json!({ "prompt": "x".repeat(2001) }), "prompt", "3 to 2000").await;
    check(json!({ "name": "x".repeat(101) }), "name", "1 to 100").await;
    check(json!({ "lengthMs": 2999 }), "lengthMs", "from 3000 to 600000").await;
    check(json!({ "lengthMs": 600001 }), "lengthMs", "from 3000 to 600000").await;
    check(json!({ "lengthMs": 3000.5 }), "lengthMs", "whole number").await;
    check(json!({ "lengthMs": true }), "lengthMs", "whole number").await;
    check(
        json!({ "outputFormat": "opus_48000_64" }),
        "outputFormat",
        "not made here: expected one of auto, mp3_44100_32",
    )
    .await;
    check(json!({ "outputFormat": "aiff" }), "outputFormat", "expected one of auto").await;
    check(json!({ "modelId": "music_v2" }), "modelId", "expected music_v1").await;
    check(json!({ "tempo": 500 }), "tempo", "from 40 to 240").await;
    check(json!({ "key": "H" }), "key", "expected a key").await;
    check(json!({ "style": "zydeco" }), "style", "expected one of pop").await;
    check(json!({ "genre": "zydeco" }), "style", "expected one of pop").await;
    check(json!({ "style": "pop", "genre": "rock" }), "genre", "not both").await;
    check(json!({ "mood": "hungry" }), "mood", "happy").await;
    check(json!({ "instruments": ["kazoo"] }), "instruments", "expected one of").await;
    check(json!({ "instruments": { "first": "piano" } }), "instruments", "expected a list").await;
    check(json!({ "instruments": "piano, kazoo" }), "instruments", "expected one of").await;
    check(json!({ "instrumental": "perhaps" }), "instrumental", "true or false").await;
    check(json!({ "seed": -1 }), "seed", "whole number").await;
    check(json!({ "chords": "| C | H |" }), "chords", "line 1, column 7").await;
    check(json!({ "form": "XYZ" }), "form", "letters A to D").await;
    check(json!({ "energy": 1.5 }), "energy", "from 0 to 1").await;
    check(json!({ "era": "1985" }), "era", "such as 1980s").await;
    check(json!({ "without": ["kazoo"] }), "without", "expected one of melody").await;
    check(json!({ "without": ["piano"], "instruments": ["piano"] }), "without", "among the instruments").await;
    check(json!({ "formats": ["aiff"] }), "formats", "flac, m4a and ogg").await;
    check(json!({ "voice": "slt", "instrumental": true }), "voice", "nobody sings").await;
    check(json!({ "voice": "bob" }), "voice", "expected one of").await;
    check(json!({ "language": "xx" }), "language", "expected one of").await;
    check(json!({ "instrumental": false, "lengthMs": 5000 }), "lengthMs", "at least 10000").await;
    post(&harness, GENERATE, &json!({ "promt": "x" })).await.problem(400, "invalid_body");
    post(&harness, GENERATE, &json!([1])).await.problem(400, "invalid_body");
    let text = wire::ask(harness.address, "POST", GENERATE, &[("content-type", "text/plain")], b"x").await;
    text.problem(415, "unsupported_media_type");
    let total = harness.ask("GET", "/api/v1/jobs", &[]).await.expect(200);
    assert_eq!(total["jobs"], json!([]), "{total}");
}
