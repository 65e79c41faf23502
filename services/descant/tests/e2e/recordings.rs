//! Recordings of real people, in every format that they come in.

use serde_json::Value;
use testbed::shared_data;

use crate::harness::{Flavour, Submission, User, hum, shared};

over_both!(real_singers_become_songs, real_files_of_every_sort_are_taken_or_refused);

/// Submits a file of the shared test data; `None` when this machine has none.
async fn submit(user: &User, path: &str) -> Option<crate::harness::Answer> {
    let file = shared_data(path)?;
    let bytes = std::fs::read(&file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    let name = file.file_name().expect("a file has a name").to_string_lossy().into_owned();
    Some(user.submit(&Submission::of(&name, bytes)).await)
}

fn is_a_good_song(what: &str, status: &Value) {
    let result = &status["result"];
    let quality = &result["quality"];
    assert!(quality["pitchAccuracy"].as_f64() >= Some(0.85), "{what}: {quality}");
    assert!(quality["loudnessLufs"].as_f64().is_some_and(|lufs| (lufs + 16.0).abs() <= 1.0), "{what}: {quality}");
    assert!(result["lyrics"].as_str().is_some_and(|lyrics| lyrics.lines().count() >= 2), "{what}: {result}");
}

async fn real_singers_become_songs(flavour: Flavour) {
    let house = shared(flavour).await;
    let user = house.user();
    let mut jobs = Vec::new();
    for path in ["audio/vocadito_10.wav", "audio/singing_female.wav", "audio/vocadito_1.flac"] {
        if let Some(answer) = submit(&user, path).await {
            jobs.push((path, User::accepted(&answer)));
        }
    }
    if jobs.is_empty() {
        jobs.push(("a hum", User::accepted(&user.submit(&Submission::of("hum.wav", hum().wav())).await)));
    }
    for (what, job) in jobs {
        is_a_good_song(what, &user.completed(&job).await);
    }
}

/// What becomes of a file.
enum Fate {
    Song,
    Refused { status: u16, code: &'static str, finding: &'static str },
}

const REFUSED: &str = "audio_refused";
const UNSUPPORTED: &str = "unsupported_audio";

#[rustfmt::skip]
const VARIANTS: [(&str, Fate); 15] = [
    ("vocadito_10_6s.flac", Fate::Song),
    ("vocadito_10_6s.m4a", Fate::Song),
    ("vocadito_10_6s.ogg", Fate::Song),
    ("vocadito_10_6s_16k_f32.wav", Fate::Song),
    ("vocadito_10_6s_192k_stereo.mp3", Fate::Song),
    ("vocadito_10_6s_48k_24bit_stereo.wav", Fate::Song),
    ("vocadito_10_6s_64k.mp3", Fate::Song),
    ("vocadito_10_6s_8k_ulaw.wav", Fate::Refused { status: 400, code: REFUSED, finding: "sample_rate_too_low" }),
    ("truncated_body.wav", Fate::Refused { status: 400, code: REFUSED, finding: "truncated_file" }),
    ("truncated_header.wav", Fate::Refused { status: 400, code: REFUSED, finding: "corrupt_file" }),
    ("empty.wav", Fate::Refused { status: 400, code: REFUSED, finding: "file_empty" }),
    ("silence_2s.wav", Fate::Refused { status: 400, code: REFUSED, finding: "silent_audio" }),
    ("not_audio.mp3", Fate::Refused { status: 415, code: UNSUPPORTED, finding: "not_audio" }),
    ("vocadito_10_6s.aiff", Fate::Song),
    ("vocadito_10_6s_opus.webm", Fate::Song),
];

async fn real_files_of_every_sort_are_taken_or_refused(flavour: Flavour) {
    let house = shared(flavour).await;
    let user = house.user();
    let mut jobs = Vec::new();
    let mut wrong = Vec::new();
    for (name, fate) in VARIANTS {
        let Some(answer) = submit(&user, &format!("variants/{name}")).await else { continue };
        match fate {
            Fate::Song if answer.status == 202 => jobs.push((name, User::accepted(&answer))),
            Fate::Refused { status, code, finding } if answer.status == status => {
                let body = answer.problem(status, code);
                let findings = body["findings"].as_array().cloned().unwrap_or_default();
                if !findings.iter().any(|found| found["code"] == finding && found["severity"] == "error") {
                    wrong.push(format!("{name}: no {finding} in {body}"));
                }
            }
            _ => wrong.push(format!("{name}: {} {}", answer.status, answer.text())),
        }
    }
    for (name, job) in jobs {
        let status = user.ended(&job).await;
        if status["status"] == "completed" {
            is_a_good_song(name, &status);
        } else {
            wrong.push(format!("{name}: {status}"));
        }
    }
    // Noise is sound, so it is accepted; that there is no melody in it is found when somebody listens.
    if let Some(answer) = submit(&user, "variants/white_noise_2s.wav").await {
        let status = user.ended(&User::accepted(&answer)).await;
        assert_eq!(status["status"], "failed", "{status}");
        assert_eq!(status["errorCode"], "no_melody", "{status}");
        assert_eq!(status["errorType"], "AUDIO_PROCESSING_ERROR", "{status}");
        assert!(status["error"].as_str().is_some_and(|text| !text.is_empty()), "{status}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
