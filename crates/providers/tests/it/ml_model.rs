//! A model that blends songs and plays them, and everything that it may do wrong: the engine takes over, and nothing hangs.

use std::{io::Read as _, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{FailureClass, Tried};
use music::{
    Score, analysis,
    score::{MeterChange, Part, ScoreNote, TempoChange},
    smf,
};
use providers::{
    BlendedSong, CallLog as _, CallScope, DirectCalls, Need, PlayedSong, Provided, SongBlender, SongPlayer,
    SongToBlend, Stop, blenders, players,
};
use resilience::{BreakerRegistry, BreakerSettings};
use serde_json::{Value, json};
use settings::{LoadOptions, Settings};
use telemetry::Metrics;
use testbed::{Manner, StandIn};

fn score(tonic: u8) -> Score {
    let part = |track: u16, channel: u8, program: u8, drums: bool, notes: Vec<ScoreNote>| Part {
        track,
        port: 0,
        channel,
        name: String::new(),
        program,
        drums,
        notes,
        controls: Vec::new(),
    };
    let note = |onset, duration, pitch| ScoreNote { onset, duration, pitch, velocity: 90 };
    let tune = (0..64).map(|i| note(i * 480, 460, tonic + 12 + [0, 2, 4, 5, 7, 5, 4, 2][i as usize % 8]));
    let bass = (0..16).map(|i| note(i * 1_920, 1_900, tonic - 24 + [0, 5, 7, 0][i as usize % 4]));
    let drums = (0..64).map(|i| note(i * 480, 100, if i % 2 == 0 { 36 } else { 38 }));
    Score {
        ticks_per_quarter: 480,
        title: String::new(),
        tempos: vec![TempoChange { at: 0, micros_per_quarter: 500_000 }],
        meters: vec![MeterChange { at: 0, beats: 4, unit: 4 }],
        meter_is_given: true,
        key_signatures: Vec::new(),
        parts: vec![
            part(1, 0, 73, false, tune.collect()),
            part(2, 1, 33, false, bass.collect()),
            part(3, 9, 0, true, drums.collect()),
        ],
        lyrics: Vec::new(),
        markers: Vec::new(),
        end: 64 * 480,
    }
}

fn songs() -> [SongToBlend; 3] {
    [("One", 60), ("Two", 62), ("Three", 67)].map(|(title, tonic)| {
        let score = score(tonic);
        SongToBlend { title: title.to_owned(), analysis: analysis::analyse(&score), score }
    })
}

/// The same with a last note that makes it so long; two quarters are a second.
fn lasting(seconds: u32) -> Score {
    let mut score = score(65);
    let note = score.parts[0].notes.last_mut().unwrap();
    score.end = u64::from(seconds) * 960;
    note.duration = score.end - note.onset;
    score
}

fn answer(midi: &[u8]) -> Vec<u8> {
    json!({ "midi_data": STANDARD.encode(midi) }).to_string().into_bytes()
}

fn settings(model: &StandIn, more: &[(&'static str, &'static str)]) -> Settings {
    let settings = LoadOptions::default()
        .with("providers.ml_model_url", model.url())
        .with("providers.ml_model_api_key", "a-key")
        .with("providers.call_timeout_ms", "4000")
        .with("providers.call_base_ms", "1")
        .with("providers.call_attempts", "2");
    let settings = more.iter().fold(settings, |settings, (key, value)| settings.with(key, *value));
    Settings::load(&settings).unwrap()
}

fn guards() -> (BreakerRegistry, Metrics) {
    let metrics = Metrics::new("test");
    (BreakerRegistry::new(BreakerSettings::default(), metrics.clone()), metrics)
}

async fn blended(
    model: &StandIn,
    more: &[(&'static str, &'static str)],
    options: &blend::Options,
) -> Result<Provided<BlendedSong>, domain::Failure> {
    blended_behind(&guards(), &settings(model, more), options).await
}

async fn blended_behind(
    (breakers, metrics): &(BreakerRegistry, Metrics),
    settings: &Settings,
    options: &blend::Options,
) -> Result<Provided<BlendedSong>, domain::Failure> {
    let chain = blenders(settings, breakers, metrics).unwrap();
    let songs = songs();
    let songs = &songs;
    let calls = DirectCalls::default();
    let scope = CallScope::new(&calls, Duration::from_secs(20));
    let blend = |blender: Arc<dyn SongBlender>, _| async move { blender.blend(songs, options).await };
    chain.call(scope, &Need::default(), blend).await.map_err(Stop::into_failure)
}

#[tokio::test]
async fn a_model_that_keeps_its_word_is_taken_at_it() {
    let model = StandIn::start([Manner::Answers(200, answer(&smf::write(&lasting(80))))]).await;
    let options = blend::Options {
        creativity: 0.7,
        temperature: 0.8,
        length: blend::Length::Seconds(120.0),
        tempo_bpm: Some(100.0),
        ..blend::Options::default()
    };
    let made = blended(&model, &[], &options).await.unwrap();
    assert_eq!(&*made.provider, "ml_model");
    assert_eq!((made.value.score.note_count(), &made.value.origin), (score(65).note_count(), &None));
    assert_eq!(made.value.score.title, "One × Two × Three");
    for told in ["takes no tempo", "made 80 s of the 120 s"] {
        assert!(made.value.warnings.iter().any(|warning| warning.contains(told)), "{:?}", made.value.warnings);
    }
    let heard = model.heard();
    let (head, body) = (&heard[0].head, serde_json::from_slice::<Value>(&heard[0].body).unwrap());
    assert!(head.starts_with("POST /generate HTTP/1.1"), "{head}");
    assert!(head.to_ascii_lowercase().contains("authorization: bearer a-key"), "{head}");
    assert_eq!(body["options"], json!({ "temperature": 0.8, "creativity": 0.7, "length_seconds": 120.0 }));
    let files = body["midi_files"].as_array().unwrap();
    assert_eq!(files.len(), 3);
    let first = STANDARD.decode(files[0].as_str().unwrap()).unwrap();
    assert_eq!(first, smf::write(&score(60)), "our own writing of the song");
}

#[tokio::test]
async fn whatever_it_does_wrong_the_engine_takes_over() {
    let mut long = score(65);
    long.parts[0].notes[0].duration = 480 * 2 * 60 * 13;
    long.end = long.parts[0].notes[0].duration;
    let too_long = answer(&smf::write(&long));
    let mut crowded = score(65);
    crowded.parts = (0..600).map(|track| Part { track, ..crowded.parts[0].clone() }).collect();
    let too_many_parts = answer(&smf::write(&crowded));
    let mut brief = score(65);
    brief.parts.truncate(1);
    brief.parts[0].notes.truncate(8);
    brief.end = brief.parts[0].notes[7].end();
    let too_large = answer(&[0; (4 << 20) + 1]);
    let hanging_notes = b"MThd\0\0\0\x06\0\x01\0\x01\x01\xe0MTrk\0\0\0\x08\0\xff\x2f\0\0\xff\x2f\0";
    let manners: Vec<(&str, Manner, usize)> = vec![
        ("hangs", Manner::Hangs, 1),
        ("drips", Manner::Drips, 1),
        ("breaks off", Manner::BreaksOff, 2),
        ("floods", Manner::Floods, 2),
        ("500", Manner::Answers(500, b"oh".to_vec()), 2),
        ("429", Manner::Answers(429, Vec::new()), 2),
        ("429 with a time", Manner::Later(60), 1),
        ("401", Manner::Answers(401, Vec::new()), 1),
        ("404", Manner::Answers(404, Vec::new()), 1),
        ("402", Manner::Answers(402, Vec::new()), 1),
        ("400", Manner::Answers(400, b"{}".to_vec()), 2),
        ("a redirect", Manner::Answers(302, Vec::new()), 2),
        ("no JSON", Manner::Answers(200, b"<html>".to_vec()), 2),
        ("another JSON", Manner::Answers(200, b"{\"midi\":1}".to_vec()), 2),
        ("no base64", Manner::Answers(200, b"{\"midi_data\":\"!!!\"}".to_vec()), 2),
        ("no MIDI", Manner::Answers(200, answer(b"RIFF....WAVEfmt ")), 2),
        ("no notes", Manner::Answers(200, answer(hanging_notes)), 2),
        ("too large", Manner::Answers(200, too_large), 2),
        ("too long", Manner::Answers(200, too_long), 2),
        ("a few seconds", Manner::Answers(200, answer(&smf::write(&brief))), 2),
        ("too many parts", Manner::Answers(200, too_many_parts), 2),
    ];
    for (what, manner, calls) in manners {
        let model = StandIn::start([manner]).await;
        let made = blended(&model, &[], &blend::Options::default()).await;
        let made = made.unwrap_or_else(|failure| panic!("{what}: {failure}"));
        assert_eq!(&*made.provider, "offline", "{what}");
        assert!(made.value.origin.is_some(), "{what}");
        assert_eq!(model.asked(), calls, "{what}");
    }
}

#[tokio::test]
async fn without_the_engine_the_failure_is_of_its_class() {
    use domain::FailureClass::{Config, Money, Transient};
    for (status, class) in [(500, Transient), (401, Config), (402, Money)] {
        let model = StandIn::start([Manner::Answers(status, Vec::new())]).await;
        let alone = [("providers.offline_fallback", "false")];
        let failure = blended(&model, &alone, &blend::Options::default()).await.unwrap_err();
        assert_eq!(failure.class, class, "{status}");
        assert!(failure.message.contains("the model that blends songs"), "{}", failure.message);
        assert!(!failure.message.contains("a-key"));
    }
}

/// A song, played by whoever is asked; and who was tried before.
async fn played_behind(
    (breakers, metrics): &(BreakerRegistry, Metrics),
    settings: &Settings,
) -> (Provided<PlayedSong>, Vec<Tried>) {
    let chain = players(settings, breakers, metrics).unwrap();
    let score = score(69);
    let score = &score;
    let calls = DirectCalls::default();
    let scope = CallScope::new(&calls, Duration::from_secs(20));
    let play = |player: Arc<dyn SongPlayer>, call| async move { player.play(score, &call).await };
    let made = chain.call(scope, &Need::default(), play).await;
    (made.unwrap_or_else(|stop| panic!("{stop:?}")), calls.tried().await.unwrap())
}

const PLAYS: [(&str, &str); 1] = [("providers.ml_model_plays", "true")];

#[tokio::test]
async fn a_model_that_plays_is_sent_the_notes_and_its_sound_is_taken_as_it_comes() {
    for (what, body) in [
        ("raw", b"ID3 and so on".to_vec()),
        ("in JSON", json!({ "mp3_data": STANDARD.encode(b"ID3 and so on"), "format": "mp3" }).to_string().into_bytes()),
    ] {
        let model = StandIn::start([Manner::Answers(200, body)]).await;
        let (made, tried) = played_behind(&guards(), &settings(&model, &PLAYS)).await;
        let PlayedSong::Sound(sound) = made.value else { panic!("{what}: {tried:?}") };
        let mut bytes = Vec::new();
        sound.reopen().unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(
            (&*made.provider, bytes.as_slice(), tried),
            ("ml_model", b"ID3 and so on".as_slice(), vec![]),
            "{what}"
        );
        let heard = model.heard();
        let (head, body) = (&heard[0].head, serde_json::from_slice::<Value>(&heard[0].body).unwrap());
        assert!(head.starts_with("POST /convert-to-mp3 HTTP/1.1"), "{head}");
        assert!(head.to_ascii_lowercase().contains("authorization: bearer a-key"), "{head}");
        assert_eq!(body["options"], json!({ "quality": "high", "sample_rate": 44_100 }));
        assert_eq!(STANDARD.decode(body["midi_data"].as_str().unwrap()).unwrap(), smf::write(&score(69)));
    }
}

#[tokio::test]
async fn a_model_is_asked_to_play_where_the_settings_say_so_only() {
    let model = StandIn::start([Manner::Hangs]).await;
    let (made, tried) = played_behind(&guards(), &settings(&model, &[])).await;
    assert!(matches!(made.value, PlayedSong::Here), "{made:?}");
    assert_eq!((&*made.provider, tried, model.asked()), ("offline", vec![], 0));
}

#[tokio::test]
async fn whatever_a_player_does_wrong_the_song_is_played_here() {
    use FailureClass::{Config, Money, RetryAfter, Transient};
    let json = |body: &str| Manner::Answers(200, body.as_bytes().to_vec());
    // What was answered, or may have been, is not asked for again.
    for (what, manner, calls, class) in [
        ("hangs", Manner::Hangs, 1, Transient),
        ("drips", Manner::Drips, 1, Transient),
        ("breaks off", Manner::BreaksOff, 1, Transient),
        ("floods", Manner::Floods, 1, Transient),
        ("500", Manner::Answers(500, b"oh".to_vec()), 2, Transient),
        ("429", Manner::Answers(429, Vec::new()), 2, Transient),
        ("429 with a time", Manner::Later(60), 1, RetryAfter),
        ("401", Manner::Answers(401, Vec::new()), 1, Config),
        ("404", Manner::Answers(404, Vec::new()), 1, Config),
        ("402", Manner::Answers(402, Vec::new()), 1, Money),
        ("a redirect", Manner::Answers(302, Vec::new()), 2, Transient),
        ("nothing", json(""), 1, Transient),
        ("another JSON", json("{\"midi_data\": \"AAAA\"}"), 1, Transient),
        ("no base64", json("{\"mp3_data\": \"!!!\"}"), 1, Transient),
    ] {
        let model = StandIn::start([manner]).await;
        let (made, tried) = played_behind(&guards(), &settings(&model, &PLAYS)).await;
        assert!(matches!(made.value, PlayedSong::Here) && &*made.provider == "offline", "{what}");
        let [tried] = &tried[..] else { panic!("{what}: {tried:?}") };
        assert_eq!(
            (&*tried.provider, tried.class, model.asked()),
            ("ml_model", Some(class), calls),
            "{what}: {tried:?}"
        );
        assert!(!tried.why.contains("a-key"), "{tried:?}");
    }
}

#[tokio::test]
async fn one_that_only_blends_goes_on_blending() {
    let song = answer(&smf::write(&lasting(120)));
    let model = StandIn::start([Manner::Answers(404, Vec::new()), Manner::Answers(200, song)]).await;
    let (guards, settings) = (guards(), settings(&model, &PLAYS));
    assert_eq!(&*played_behind(&guards, &settings).await.0.provider, "offline");
    let options = blend::Options { length: blend::Length::Seconds(120.0), ..blend::Options::default() };
    assert_eq!(&*blended_behind(&guards, &settings, &options).await.unwrap().provider, "ml_model");
}
