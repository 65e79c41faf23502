//! Three songs become one through the whole deployment: by files, by titles, the way older clients ask, by a model elsewhere,
//! and what is refused.

mod catalogue;
mod client;
mod life;
mod model;
mod refused;

use chrono::Utc;
use music::{Score, smf};
use reqwest::multipart::{Form, Part};
use serde_json::Value;
use testbed::eventually;

use crate::{
    harness::{Answer, Deployment, Flavour, PATIENCE, User, shared},
    songs,
};

over_both!(files_become_a_song_with_all_that_goes_along);

const BLEND: &str = "/api/v1/jobs/blend";

fn form(songs: &[(&str, Vec<u8>)], fields: &[(&'static str, &str)]) -> Form {
    let form = fields.iter().fold(Form::new(), |form, (name, value)| form.text(*name, (*value).to_owned()));
    songs
        .iter()
        .fold(form, |form, (name, bytes)| form.part("song", Part::bytes(bytes.clone()).file_name((*name).to_owned())))
}

/// The three songs that the project writes itself.
fn sample_songs() -> Vec<(&'static str, Vec<u8>)> {
    arrangement::sample_songs().into_iter().map(|song| (song.file_name, song.midi)).collect()
}

/// A song with something changed about it.
fn reworked(midi: &[u8], change: impl FnOnce(&mut Score)) -> Vec<u8> {
    let mut score = smf::read(midi, &smf::Limits::default()).expect("one of our own songs").score;
    change(&mut score);
    smf::write(&score)
}

async fn submit(user: &User, fields: &[(&'static str, &str)]) -> Answer {
    Answer::of(user.posting(BLEND).multipart(form(&sample_songs(), fields))).await
}

/// Submits the three songs, which must be accepted; returns the job's id.
async fn accepted(user: &User, fields: &[(&'static str, &str)]) -> String {
    User::accepted(&submit(user, fields).await)
}

async fn ended(user: &User, job: &str) -> Value {
    eventually(&format!("blend {job} to end"), PATIENCE, || async {
        let body = user.get(&format!("/api/v1/jobs/{job}")).await.expect(200);
        let is_over = matches!(body["state"].as_str(), Some("completed" | "failed" | "cancelled" | "expired"));
        if is_over { Ok(body) } else { Err(body) }
    })
    .await
}

async fn completed(user: &User, job: &str) -> Value {
    let done = ended(user, job).await;
    assert_eq!(done["state"], "completed", "{done}");
    done
}

async fn cancelled(user: &User, job: &str) {
    let stopped = user.post(&format!("/api/v1/jobs/{job}/cancel")).await;
    assert!(matches!(stopped.status.as_u16(), 200 | 202), "{}", stopped.text());
    assert_eq!(ended(user, job).await["state"], "cancelled");
}

/// Waits until a stage of a job has begun.
async fn begun(user: &User, job: &str, stage: &str) {
    let mut events = user.events(job, 0).await;
    events.until(stage, |event| event.kind == "stage_started" && event.stage() == Some(stage)).await;
}

/// A job's file.
async fn file(user: &User, job: &str, role: &str) -> Answer {
    user.get(&format!("/api/v1/jobs/{job}/result?role={role}")).await
}

/// The roles of a job's files.
fn roles(done: &Value) -> Vec<&str> {
    done["artifacts"].as_array().expect("files").iter().filter_map(|file| file["role"].as_str()).collect()
}

/// Puts the three songs into the catalogue under these names (title, artist), as an operator does.
async fn stocked(deployment: &Deployment, names: [(&str, &str); 3]) {
    let operator = songs::operator_of(&deployment.user());
    for ((file_name, midi), (title, artist)) in sample_songs().into_iter().zip(names) {
        let form = songs::form(&[(file_name, midi)]).text("title", title.to_owned()).text("artist", artist.to_owned());
        songs::import(&operator, form).await.expect(201);
    }
}

/// What the three songs are called where nothing else is wanted.
const NAMES: [(&str, &str); 3] = [("Harbour Morning", "Ada"), ("Tin Roof Reel", "Ben"), ("Lantern Walk", "Cleo")];

async fn files_become_a_song_with_all_that_goes_along(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let fields = [("bars", "12"), ("seed", "3"), ("weights", "[1,1,2]"), ("stems", "true"), ("formats", r#"["flac"]"#)];
    let job = &accepted(&user, &fields).await;
    let done = completed(&user, job).await;
    assert_eq!(done["progress"], 100);
    let result = &done["result"];
    assert_eq!(result["songs"][2]["title"], "lantern-walk", "{result}");
    let shares: Vec<f64> =
        result["songs"].as_array().expect("three").iter().map(|s| s["share"].as_f64().expect("a share")).collect();
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{shares:?}");
    let lufs = result["loudnessLufs"].as_f64().expect("it sounds");
    assert!((lufs + 14.0).abs() <= 1.0, "{lufs} LUFS as it was mastered");

    let roles = roles(&done);
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
    let file = async |role: &str| file(&user, job, role).await;
    let midi = file("song_midi").await;
    assert_eq!(midi.header("content-type"), Some("audio/midi"));
    assert!(midi.bytes.starts_with(b"MThd"));
    let provenance = file("provenance").await.expect(200);
    assert_eq!(provenance["bars"].as_array().map(Vec::len), Some(12), "a row a bar");
    let mp3 = user.get(&format!("/api/v1/jobs/{job}/result")).await;
    assert!(mp3.bytes.starts_with(b"ID3") && mp3.bytes.windows(9).any(|bytes| bytes == b"image/png"), "with its cover");
    assert!(file("provenance_svg").await.text().starts_with("<svg"));

    // Same songs, same options, same seed: same notes, also where nothing is taken from the first job.
    let again = accepted(&user, &[&fields[..], &[("reuse", "false")]].concat()).await;
    completed(&user, &again).await;
    assert!(super::blend::file(&user, &again, "song_midi").await.bytes == midi.bytes);
    // The files go after a day, not after the week of other kinds.
    let kept = |body: &Value, name: &str| {
        body[name].as_str().and_then(|at| at.parse::<chrono::DateTime<Utc>>().ok()).expect("a time")
    };
    let minutes = (kept(&done, "expiresAt") - kept(&done, "completedAt")).num_minutes();
    assert!((24 * 60 - 1..=24 * 60).contains(&minutes), "{minutes} minutes");
}
