//! A hum becomes a song: in one call as older clients make it, and part by part as an orchestrator does.

use std::{
    io::{Cursor, Write},
    time::Duration,
};

use lyrics::LyricsRequest;
use media::Bounds;
use providers::{
    AudioInput, DirectCalls, ExpertClient, LyricsWriter, MelodyExtractor, OfflineEngine, ProviderCall,
    VocalSynthesizer, expert::mixed, no_progress,
};
use reqwest::{StatusCode, multipart};
use serde_json::{Value, json};
use settings::EngineSettings;
use testbed::eventually;
use voice::VoiceOptions;

use crate::support::{Expert, carried, hum};

const PROMPT: &str = "A romantic ballad about summer nights";
const SEED: u64 = 7;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// How it is, once it is so.
async fn until_it_is(expert: &Expert, status: &str) -> Value {
    eventually(status, Duration::from_secs(60), || async move {
        let answer = expert.get("health").await;
        let (code, health) = (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"));
        assert_eq!(code, if health["status"] == "healthy" { 200 } else { 503 }, "{health}");
        if health["status"] == status { Ok(health) } else { Err(health) }
    })
    .await
}

#[tokio::test]
async fn an_engine_that_cannot_do_its_work_is_not_healthy() {
    let nowhere = Expert::start_with(&[("DESCANT_ENGINE__SOUNDFONT", "/nowhere/piano.sf2")]);
    let health = until_it_is(&nowhere, "unhealthy").await;
    assert_eq!(health["dependencies"]["engine"], "failing", "{health}");
    assert_eq!(health["problems"][0]["name"], "engine/soundfont", "{health}");
    assert!(health["problems"][0]["problem"].as_str().unwrap().contains("/nowhere/piano.sf2"), "{health}");

    let temporary = tempfile::tempdir().unwrap();
    let expert = Expert::start_with(&[("TMPDIR", temporary.path().to_str().unwrap())]);
    until_it_is(&expert, "healthy").await;
    let mut entries = std::fs::read_dir(temporary.path()).unwrap().map(Result::unwrap);
    let is_of_songs = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("descant-expert-");
    let songs = entries.find(is_of_songs).expect("a folder for songs").path();
    std::fs::remove_dir_all(&songs).unwrap();
    let health = until_it_is(&expert, "unhealthy").await;
    assert_eq!(health["problems"][0]["name"], "engine/files", "{health}");
    std::fs::create_dir(&songs).unwrap();
    let health = until_it_is(&expert, "healthy").await;
    assert_eq!(health["dependencies"]["engine"], "ok", "{health}");
}

#[tokio::test]
async fn it_introduces_itself_as_older_clients_expect() {
    let expert = Expert::start();
    let about = expert.get_json("").await;
    assert_eq!(about, json!({ "service": "Expert Music AI", "version": "1.0.0", "status": "running" }));

    let health = expert.get_json("health").await;
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["dependencies"]["engine"], "ok");
    assert_eq!(health["dependencies"]["pitch_tracker"], "builtin");
    let trackers = health["dependencies"]["pitch_trackers"].as_array().unwrap();
    assert_eq!(trackers.first(), Some(&json!("builtin")), "{health}");
    assert!(health["dependencies"]["voices"].as_array().unwrap().contains(&json!("formant")), "{health}");
    for capability in ["melody", "lyrics", "vocals", "compositions"] {
        assert_eq!(health["providers"][capability], json!(["offline"]));
    }
    assert!(health["breakers"].is_object(), "{health}");

    let models = expert.get_json("models").await;
    assert_eq!(keys(&models), ["base", "fine_tuned", "stages"]);
    assert!(models["base"].as_object().unwrap().values().all(Value::is_string), "{models}");
    let capabilities: Vec<&str> =
        models["stages"].as_object().unwrap().values().map(|model| model["capability"].as_str().unwrap()).collect();
    for capability in ["melody", "lyrics", "vocals"] {
        assert!(capabilities.contains(&capability), "{models}");
    }
    // The tracker's sources and the synthesizer are part of it: another build is another version.
    for model in models["stages"].as_object().unwrap().values() {
        assert!(model["version"].as_str().unwrap().starts_with(providers::ENGINE_VERSION), "{models}");
    }

    let metrics = expert.get("metrics").await.text().await.unwrap();
    assert!(metrics.contains("descant_build_info{service=\"expert\""), "{metrics}");
}

#[tokio::test]
async fn one_call_makes_a_whole_song() {
    let expert = Expert::start();
    let seed = SEED.to_string();
    let fields = [("prompt", PROMPT), ("genre", "pop"), ("mood", "romantic"), ("seed", seed.as_str())];
    let response = expert.convert(hum(), &fields).await;
    assert_eq!(response.status(), StatusCode::OK);
    let song: Value = response.json().await.unwrap();
    for field in ["audio_url", "lyrics", "melody_info", "lyrics_info", "processing_steps", "quality", "warnings"] {
        assert!(!song[field].is_null(), "{field} is there: {song}");
    }
    assert_eq!(song["success"], true);
    assert!(song["lyrics"].as_str().unwrap().lines().count() > 3, "{song}");
    assert_eq!(song["melody_info"]["notes"], 30, "{song}");
    assert_eq!(song["lyrics_info"]["genre"], "pop");
    let stages: Vec<&str> =
        song["processing_steps"].as_array().unwrap().iter().map(|step| step["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["pitch", "lyrics", "vocals"]);
    assert!(song["quality"]["pitch_within_50_cents"].as_f64().unwrap() > 0.9, "{song}");

    assert!(song["wav_url"].is_null(), "one file is carried");
    let (media_type, mp3) = carried(&song["audio_url"]);
    assert_eq!(media_type, "audio/mpeg");
    is_as_loud_as_it_should(mp3);

    let wav = [fields.as_slice(), &[("output_format", "wav")]].concat();
    let again: Value = expert.convert(hum(), &wav).await.json().await.unwrap();
    assert_eq!(again["lyrics"], song["lyrics"], "the same seed gives the same words");
    let (media_type, wav) = carried(&again["audio_url"]);
    assert_eq!(media_type, "audio/wav");
    is_as_loud_as_it_should(wav);
}

fn is_as_loud_as_it_should(file: Vec<u8>) {
    let sound = media::decode_mono(Cursor::new(file), 44_100, &Bounds::default()).unwrap();
    let loudness = media::measure_loudness(&sound.samples, sound.sample_rate_hz, 1).integrated_lufs.unwrap();
    assert!((loudness - song::LOUDNESS.lufs).abs() < 0.5, "it is at {loudness} LUFS");
}

#[tokio::test]
async fn files_are_linked_where_the_settings_want_it() {
    let expert = Expert::start_with(&[("DESCANT_EXPERT__FILE_LINKS", "true")]);
    let song: Value = expert.convert(hum(), &[("prompt", PROMPT)]).await.json().await.unwrap();
    for (field, media_type) in [("audio_url", "audio/mpeg"), ("wav_url", "audio/wav")] {
        let file = expert.http.get(song[field].as_str().unwrap()).send().await.unwrap();
        assert_eq!(file.status(), StatusCode::OK, "{field}");
        assert_eq!(file.headers()["content-type"], media_type);
        is_as_loud_as_it_should(file.bytes().await.unwrap().to_vec());
    }
}

#[tokio::test]
async fn callers_that_accept_parts_get_the_song_as_one() {
    let expert = Expert::start();
    let form = multipart::Form::new().part("audio_file", multipart::Part::bytes(hum())).text("prompt", PROMPT);
    let request = expert.http.post(expert.url("melody-to-vocals")).header("accept", "multipart/mixed").multipart(form);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let content_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
    let (told, sound) = mixed::read(&content_type, &answer.bytes().await.unwrap()).unwrap();
    let told: Value = serde_json::from_slice(&told).unwrap();
    assert_eq!((&told["success"], &told["audio_url"]), (&json!(true), &Value::Null));
    is_as_loud_as_it_should(sound.to_vec());
}

fn input(recording: &[u8]) -> AudioInput {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(recording).unwrap();
    AudioInput::new(file).unwrap()
}

/// A song that is made over HTTP is the song that is made in the process: only the WAV's 16 bits lie in between.
#[tokio::test]
async fn part_by_part_it_gives_what_the_engine_gives() {
    const STEP: f32 = 1.0 / 32_768.0;
    let expert = Expert::start();
    let (there, here) = (
        ExpertClient::new(&providers::Outside::default().outbound().unwrap(), "expert", expert.base.clone(), None)
            .unwrap(),
        OfflineEngine::new(&EngineSettings::default(), 1).unwrap(),
    );
    let audio = input(&hum());

    let calls = DirectCalls::default();
    let call = ProviderCall::alone(&calls, "test", Duration::from_secs(600));
    let melody = there.extract(&audio, no_progress(), &call).await.unwrap();
    let own_melody = here.extract(&audio, no_progress(), &call).await.unwrap();
    assert_eq!((melody.notes.len(), &melody.phrases), (own_melody.notes.len(), &own_melody.phrases));
    for (note, own) in melody.notes.iter().zip(&own_melody.notes) {
        assert_eq!(note.pitch, own.pitch);
        assert!((note.onset_seconds - own.onset_seconds).abs() < 1e-9, "{note:?} and {own:?}");
    }

    let request = LyricsRequest {
        prompt: PROMPT.to_owned(),
        genre: Some("pop".to_owned()),
        mood: Some("romantic".to_owned()),
        seed: SEED,
        ..LyricsRequest::default()
    };
    let lyrics = there.write(&melody, &request, &call).await.unwrap();
    assert_eq!(lyrics, here.write(&own_melody, &request, &call).await.unwrap());

    let voice = VoiceOptions { seed: SEED, ..VoiceOptions::default() };
    let sung = there.sing(&melody, &lyrics, &voice, no_progress(), &call).await.unwrap();
    let own = here.sing(&own_melody, &lyrics, &voice, no_progress(), &call).await.unwrap();
    let how = |vocal: &providers::Vocal| {
        let performance = vocal.performance.clone();
        (performance.syllables_placed, performance.octave_shift, performance.voice, performance.target.frames.len())
    };
    assert_eq!(how(&sung), how(&own));
    assert_eq!(sung.sample_rate_hz, own.sample_rate_hz);
    assert_eq!(sung.samples.len(), own.samples.len());
    let furthest = sung.samples.iter().zip(&own.samples).map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max);
    assert!(furthest <= 2.0 * STEP, "samples differ by {furthest}");
}
