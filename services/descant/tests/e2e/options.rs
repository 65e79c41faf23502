//! What a musician may choose, and what becomes of a song that is not good enough.

use std::io::Cursor;

use domain::{ArtifactSpec, SongOptions, kinds::melody_vocals};
use media::Bounds;
use serde_json::Value;

use crate::{
    harness::{Flavour, Submission, User, hum, own, shared},
    song::{fetch, files_are_as_described},
};

over_both!(
    every_choice_is_heard,
    a_hum_gets_a_whole_band,
    choices_that_cannot_be_made_are_refused,
    a_song_that_is_not_good_enough_is_sung_again_and_then_fails,
);

async fn made(user: &User, choices: &[(&'static str, &'static str)]) -> Value {
    let mut submission = Submission::of("hum.wav", hum().wav()).with("seed", "7");
    for (field, choice) in choices {
        submission = submission.with(field, *choice);
    }
    let job = User::accepted(&user.submit(&submission).await);
    user.completed(&job).await
}

async fn every_choice_is_heard(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let plain = made(&user, &[]).await;
    let chosen = made(
        &user,
        &[
            ("language", "es"),
            ("voice", "formant"),
            ("register", "high"),
            ("expression", "contour"),
            ("backing", "chords"),
            ("tempo", "137.8"),
            ("snapToKey", "true"),
            ("quantise", "1/8"),
            ("transpose", "3"),
            ("octave", "0"),
        ],
    )
    .await;
    assert_eq!(plain["parameters"]["voice"], "auto");
    let parameters = &chosen["parameters"];
    for (name, value) in [("language", "es"), ("voice", "formant"), ("backing", "chords"), ("quantise", "1/8")] {
        assert_eq!(parameters[name], value, "{parameters}");
    }
    assert_eq!((&parameters["snapToKey"], &parameters["transpose"]), (&true.into(), &3.into()), "{parameters}");

    assert_eq!((&plain["parameters"]["tempo"], &parameters["tempo"]), (&Value::Null, &137.8.into()), "{parameters}");

    let result = &chosen["result"];
    assert_eq!(result["melodyInfo"]["tempoBpm"], 137.8, "{result}");
    assert_eq!(result["voiceInfo"]["name"], "formant", "{result}");
    assert_eq!(result["lyricsInfo"]["language"], "es", "{result}");
    assert_eq!(result["melodyInfo"]["corrected"], true, "{result}");
    assert_ne!(result["lyrics"], plain["result"]["lyrics"]);
    let highest = |status: &Value| status["result"]["melodyInfo"]["highestNote"].clone();
    assert_eq!((highest(&plain), highest(&chosen)), ("D4".into(), "F4".into()), "three semitones up");

    files_are_as_described(&user, &chosen, &files(|role| !role.starts_with("stem_"))).await;
    let report = fetch(&user, &chosen, "report").await.json();
    assert_eq!(report["options"]["corrections"]["transposeSemitones"], 3, "{report}");
    assert_eq!(report["backing"]["chords"].as_array().map(|chords| chords.len() >= 4), Some(true), "{report}");
    the_voice_lies_over_its_backing(&user, &chosen, -16.0).await;
}

/// The files of this kind whose roles are wanted.
fn files(wanted: impl Fn(&str) -> bool) -> Vec<ArtifactSpec> {
    melody_vocals::SPEC.artifacts.iter().filter(|file| wanted(file.role.as_str())).cloned().collect()
}

async fn a_hum_gets_a_whole_band(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let song =
        made(&user, &[("backing", "band"), ("beat", "steady"), ("stems", "true"), ("genre", "bossa nova")]).await;
    assert_eq!((&song["parameters"]["backing"], &song["parameters"]["beat"]), (&"band".into(), &"steady".into()));
    let result = &song["result"];
    let backing = &result["backingInfo"];
    assert_eq!(backing["style"], "bossa", "{backing}");
    let band = &backing["band"];
    assert_eq!((&band["styleIsAsked"], &band["beat"]), (&true.into(), &"steady".into()), "{band}");
    let together = band["together"]["within30Ms"].as_f64();
    assert!(together.is_some_and(|share| share > 0.8), "{band}");
    let (intro, seconds) = (band["introSeconds"].as_f64(), band["seconds"].as_f64());
    assert!(intro.is_some_and(|intro| intro > 1.0), "{band}");
    // An intro, the hum, and an ending.
    let hummed = hum().samples.len() as f64 / f64::from(hum().sample_rate_hz);
    assert!(seconds.is_some_and(|seconds| seconds > hummed + 4.0), "{band} after {hummed} s");
    let lasts = result["durationSeconds"].as_f64().zip(seconds);
    assert!(lasts.is_some_and(|(file, song)| (file - song).abs() < 0.1), "{result}");
    let steps = result["processingSteps"].as_array().into_iter().flatten();
    assert!(steps.into_iter().any(|step| step["stage"] == "arrangement"), "{result}");
    // Nobody else plays in the band's place.
    files_are_as_described(&user, &song, &files(|role| role != "stem_backing")).await;
    the_voice_lies_over_its_backing(&user, &song, -14.0).await;
}

/// The song is the mix, in stereo; the voice alone comes beside it.
async fn the_voice_lies_over_its_backing(user: &User, status: &Value, song_lufs: f64) {
    let bounds = Bounds::for_duration(300.0);
    let song = media::decode(Cursor::new(fetch(user, status, "audio_wav").await.bytes), &bounds).expect("a WAV");
    let voice = media::decode(Cursor::new(fetch(user, status, "vocals_wav").await.bytes), &bounds).expect("a WAV");
    assert_eq!((song.channels, voice.channels), (2, 1));
    for (audio, expected) in [(&song, song_lufs), (&voice, -16.0)] {
        let loudness = media::measure_loudness(&audio.samples, audio.sample_rate_hz, audio.channels);
        let lufs = loudness.integrated_lufs.expect("it is not silent");
        assert!(
            (lufs - expected).abs() <= 1.0 && loudness.true_peak_dbtp.is_some_and(|peak| peak <= -0.5),
            "{loudness:?}"
        );
    }
    let sides: f32 = song.samples.chunks_exact(2).map(|pair| (pair[0] - pair[1]).abs()).sum();
    assert!(sides > 1.0, "the two sides differ: {sides}");
}

async fn choices_that_cannot_be_made_are_refused(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    for field in SongOptions::FIELDS {
        let answer = user.submit(&Submission::of("hum.wav", hum().wav()).with(field, "louder")).await;
        let problem = answer.problem(400, "invalid_field");
        assert_eq!(problem["field"], field, "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("expected")), "{problem}");
    }
    assert_eq!(user.quota().await["dailyUsed"], 0, "what is refused does not count");
}

async fn a_song_that_is_not_good_enough_is_sung_again_and_then_fails(flavour: Flavour) {
    // No voice is ever that exact.
    let strict = [("DESCANT_QUALITY__MAX_VOWEL_ONSET_MS", "0"), ("DESCANT_QUALITY__TAKES", "2")];
    let deployment = own(flavour, &strict).await;
    let user = deployment.user();
    let job = User::accepted(&user.submit(&Submission::of("hum.wav", hum().wav())).await);
    let status = user.ended(&job).await;
    assert_eq!((&status["status"], &status["errorCode"]), (&"failed".into(), &"quality_gate".into()), "{status}");
    let error = status["error"].as_str().expect("a failure has a reason");
    assert!(error.contains("2 takes") && error.contains("vowels begin"), "{error}");
    assert!(status["result"].is_null(), "{status}");
    assert_eq!(user.quota().await["dailyUsed"], 0, "what the deployment could not do well is not counted");
}
