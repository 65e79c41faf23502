//! A model that blends songs and plays them, and everything that it may do wrong: the engine takes over, and nothing hangs.

use std::{
    io::{Read as _, Write as _},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{Cost, Failure, FailureClass, Tried};
use music::{
    Score, analysis,
    score::{MeterChange, Part, ScoreNote, TempoChange},
    smf,
};
use outbound::Outbound;
use providers::{
    Answer, BlendedSong, Call, CallError, CallLog, CallScope, DirectCalls, Make, Need, OutsideService, Patience,
    PlayedSong, ProgressSink, Provided, SetupCheck as _, SongBlender, SongPlayer, SongToBlend, Stop, answer as kept,
    blenders, ml_model::MlModelClient, players, stop,
};
use resilience::{BreakerRegistry, BreakerSettings, BreakerState};
use serde_json::{Value, json};
use settings::{LoadOptions, OutboundSettings, Settings};
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
) -> Result<Provided<BlendedSong>, Failure> {
    blended_behind(&guards(), &settings(model, more), options).await
}

async fn blended_behind(
    (breakers, metrics): &(BreakerRegistry, Metrics),
    settings: &Settings,
    options: &blend::Options,
) -> Result<Provided<BlendedSong>, Failure> {
    blended_by_rows((breakers, metrics), settings, options, &DirectCalls::default()).await
}

async fn blended_by_rows(
    (breakers, metrics): (&BreakerRegistry, &Metrics),
    settings: &Settings,
    options: &blend::Options,
    calls: &dyn CallLog,
) -> Result<Provided<BlendedSong>, Failure> {
    let chain = blenders(settings, breakers, metrics).unwrap();
    let songs = songs();
    let songs = &songs;
    let scope = CallScope::new(calls, Duration::from_secs(20));
    let blend = |blender: Arc<dyn SongBlender>, call| async move { blender.blend(songs, options, &call).await };
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
        ("429", Manner::Answers(429, Vec::new()), 1),
        ("429 with a time", Manner::Later(60), 1),
        ("401", Manner::Answers(401, Vec::new()), 1),
        ("404", Manner::Answers(404, Vec::new()), 1),
        ("402", Manner::Answers(402, Vec::new()), 1),
        ("400", Manner::Answers(400, b"{}".to_vec()), 1),
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
    use domain::FailureClass::{Caller, Config, Money, RetryAfter, Transient};
    let rows = [(500, Transient), (401, Config), (403, Config), (402, Money), (429, RetryAfter), (422, Caller)];
    for (status, class) in rows {
        let model = StandIn::start([Manner::Answers(status, Vec::new())]).await;
        let alone = [("providers.offline_fallback", "false")];
        let failure = blended(&model, &alone, &blend::Options::default()).await.unwrap_err();
        assert_eq!(failure.class, class, "{status}");
        assert!(failure.message.contains("ml_model"), "{}", failure.message);
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
    use FailureClass::{Caller, Config, Money, RetryAfter, Transient};
    let json = |body: &str| Manner::Answers(200, body.as_bytes().to_vec());
    // What was answered, or may have been, is not asked for again.
    for (what, manner, calls, class) in [
        ("hangs", Manner::Hangs, 1, Transient),
        ("drips", Manner::Drips, 1, Transient),
        ("breaks off", Manner::BreaksOff, 1, Transient),
        ("floods", Manner::Floods, 1, Transient),
        ("500", Manner::Answers(500, b"oh".to_vec()), 2, Transient),
        ("429", Manner::Answers(429, Vec::new()), 1, RetryAfter),
        ("429 with a time", Manner::Later(60), 1, RetryAfter),
        ("401", Manner::Answers(401, Vec::new()), 1, Config),
        ("404", Manner::Answers(404, Vec::new()), 1, Config),
        ("402", Manner::Answers(402, Vec::new()), 1, Money),
        ("422", Manner::Answers(422, Vec::new()), 1, Caller),
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

/// What the breaker of the blends knows after one answer, by its state, its failures and what an operator is told.
#[tokio::test]
async fn a_refused_request_is_told_and_is_no_fault_of_the_model() {
    for (status, is_open, failures, problem) in [
        (400, false, 0, false),
        (413, false, 0, false),
        (422, false, 0, false),
        (500, false, 2, false),
        (401, true, 1, true),
        (402, true, 1, true),
        (403, true, 1, true),
    ] {
        let model = StandIn::start([Manner::Answers(status, b"{\"error\": \"not so\"}".to_vec())]).await;
        let (breakers, metrics) = guards();
        let calls = DirectCalls::default();
        let (settings, options) = (settings(&model, &[]), blend::Options::default());
        let made = blended_by_rows((&breakers, &metrics), &settings, &options, &calls).await.unwrap();
        assert_eq!(&*made.provider, "offline", "{status}");
        let tried = calls.tried().await.unwrap();
        assert!(tried.len() == 1 && tried[0].why.contains(&status.to_string()), "{status}: {tried:?}");
        let known = breakers.snapshot().into_iter().find(|breaker| breaker.name == "ml_model/blends").unwrap();
        let found = (known.state != BreakerState::Closed, known.failures, known.problem.is_some());
        assert_eq!(found, (is_open, failures, problem), "{status}");
    }
}

/// Rows of one job: what each call was expected to cost and what it has cost, and the answer that is kept.
#[derive(Default)]
struct Rows {
    direct: DirectCalls,
    rows: Mutex<Vec<Row>>,
    /// Calls that a log may let go on when they are waited for no longer.
    may_be_late: AtomicUsize,
}

#[derive(Clone, PartialEq, Debug)]
struct Row {
    purpose: String,
    estimate: Option<Cost>,
    cost: Option<Cost>,
    kept: Option<Vec<u8>>,
}

#[async_trait]
impl CallLog for Rows {
    async fn tried(&self) -> Result<Vec<Tried>, Failure> {
        self.direct.tried().await
    }

    async fn give_up(&self, tried: Tried) -> Result<(), Failure> {
        self.direct.give_up(tried).await
    }

    async fn has_begun(&self, _provider: &str) -> Result<bool, Failure> {
        Ok(false)
    }

    async fn once(&self, call: Call<'_>, make: Make<'_>) -> Result<Answer, Stop> {
        let file = |bytes: &[u8]| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            file
        };
        let known =
            self.rows.lock().unwrap().iter().find_map(|row| row.kept.clone().filter(|_| row.purpose == call.purpose));
        if let Some(bytes) = known {
            return kept(Value::Null, vec![file(&bytes)]);
        }
        let made = make("a-call".to_owned()).await;
        let mut bytes = None;
        let cost = match &made {
            Ok(answered) => {
                let mut read = Vec::new();
                answered.files[0].try_clone().unwrap().read_to_end(&mut read).unwrap();
                bytes = Some(read);
                answered.cost.clone()
            }
            Err(CallError::Useless { cost, .. }) => cost.clone(),
            Err(_) => None,
        };
        let (purpose, estimate) = (call.purpose.to_owned(), call.estimate.clone());
        self.rows.lock().unwrap().push(Row { purpose, estimate, cost, kept: bytes });
        match made {
            Ok(answered) => kept(answered.value, answered.files),
            Err(error) => Err(stop(error, call.may_repeat)),
        }
    }

    async fn paid_once(&self, call: Call<'_>, _latest: Instant, make: Make<'static>) -> Result<Answer, Stop> {
        self.may_be_late.fetch_add(1, Ordering::SeqCst);
        self.once(call, make).await
    }

    async fn ask(
        &self,
        _call: Call<'_>,
        _patience: Patience,
        _service: &dyn OutsideService,
        _request: &Value,
        _progress: &ProgressSink,
    ) -> Result<Answer, Stop> {
        unreachable!("it answers at once")
    }
}

const PRICES: [(&str, &str); 3] = [
    ("providers.ml_model.price_per_call", "0.25"),
    ("providers.ml_model.price_per_audio_second", "0.01"),
    ("providers.ml_model.plays", "true"),
];

fn dollars(micros: i64) -> Option<Cost> {
    Some(Cost { micros, currency: "USD".to_owned() })
}

#[tokio::test]
async fn a_model_with_a_price_is_paid_once_for_a_blend() {
    let song = smf::write(&lasting(120));
    let model = StandIn::start([Manner::Answers(200, answer(&song)), Manner::Answers(500, Vec::new())]).await;
    let ((breakers, metrics), settings) = (guards(), settings(&model, &PRICES));
    let (rows, options) = (Rows::default(), blend::Options::default());
    for what in ["as it comes", "as it was kept"] {
        let made = blended_by_rows((&breakers, &metrics), &settings, &options, &rows).await.unwrap();
        assert_eq!((&*made.provider, made.is_paid, model.asked()), ("ml_model", true, 1), "{what}");
        assert_eq!(made.value.score.note_count(), lasting(120).note_count(), "{what}");
    }
    let row = Row { purpose: "blend".to_owned(), estimate: dollars(250_000), cost: dollars(250_000), kept: Some(song) };
    assert_eq!(*rows.rows.lock().unwrap(), [row]);
    assert_eq!(rows.may_be_late.load(Ordering::SeqCst), 2, "it may go on when it is waited for no longer");
}

#[tokio::test]
async fn what_may_have_been_paid_for_is_not_bought_again() {
    let no_midi = Manner::Answers(200, answer(b"RIFF....WAVEfmt "));
    for (what, manner, calls, cost) in [
        ("breaks off", Manner::BreaksOff, 1, None),
        ("hangs", Manner::Hangs, 1, None),
        ("500", Manner::Answers(500, Vec::new()), 1, None),
        ("503 and no word", Manner::Answers(503, Vec::new()), 1, None),
        ("524", Manner::Answers(524, b"<html>".to_vec()), 1, None),
        ("503 in a form of whoever's", Manner::Answers(503, b"{\"error\":\"busy\"}".to_vec()), 1, None),
        ("503 in a known word", Manner::Answers(503, b"{\"code\":\"overloaded\"}".to_vec()), 2, None),
        ("400", Manner::Answers(400, Vec::new()), 1, None),
        ("no base64", Manner::Answers(200, b"{\"midi_data\":\"!!!\"}".to_vec()), 1, dollars(250_000)),
        ("no JSON", Manner::Answers(200, b"<html>".to_vec()), 1, dollars(250_000)),
        ("no MIDI", no_midi, 1, dollars(250_000)),
    ] {
        let model = StandIn::start([manner]).await;
        let ((breakers, metrics), settings) = (guards(), settings(&model, &PRICES));
        let (rows, options) = (Rows::default(), blend::Options::default());
        let made = blended_by_rows((&breakers, &metrics), &settings, &options, &rows).await.unwrap();
        assert_eq!((&*made.provider, made.is_paid, model.asked()), ("offline", false, calls), "{what}");
        let rows = rows.rows.lock().unwrap();
        assert!(rows.iter().all(|row| row.cost == cost && row.kept.is_none()), "{what}: {rows:?}");
    }
}

#[tokio::test]
async fn what_is_played_for_money_costs_by_its_length() {
    let model = StandIn::start([Manner::Answers(200, b"ID3 and so on".to_vec())]).await;
    let ((breakers, metrics), settings) = (guards(), settings(&model, &PRICES));
    let (rows, score) = (Rows::default(), score(69));
    let chain = players(&settings, &breakers, &metrics).unwrap();
    let song = &score;
    let play = |player: Arc<dyn SongPlayer>, call| async move { player.play(song, &call).await };
    let scope = CallScope::new(&rows, Duration::from_secs(20));
    let made = chain.call(scope, &Need::default(), play).await.unwrap();
    assert_eq!(rows.may_be_late.load(Ordering::SeqCst), 1, "it may go on when it is waited for no longer");
    assert_eq!((&*made.provider, made.is_paid), ("ml_model", true));
    let cost = dollars(250_000 + (score.seconds() * 10_000.0).round() as i64);
    let kept = Some(b"ID3 and so on".to_vec());
    let row = Row { purpose: "play".to_owned(), estimate: cost.clone(), cost, kept };
    assert_eq!(*rows.rows.lock().unwrap(), [row]);
}

#[tokio::test]
async fn without_a_price_no_blend_is_a_row() {
    let model = StandIn::start([Manner::Answers(200, answer(&smf::write(&lasting(120))))]).await;
    let ((breakers, metrics), settings) = (guards(), settings(&model, &[]));
    let (rows, options) = (Rows::default(), blend::Options::default());
    let made = blended_by_rows((&breakers, &metrics), &settings, &options, &rows).await.unwrap();
    assert_eq!((&*made.provider, made.is_paid, rows.rows.lock().unwrap().len()), ("ml_model", false, 0));
}

#[tokio::test]
async fn several_models_are_asked_in_the_order_of_the_list() {
    let song = answer(&smf::write(&lasting(120)));
    let (first, second) =
        (StandIn::start([Manner::Answers(500, Vec::new())]).await, StandIn::start([Manner::Answers(200, song)]).await);
    let listed = LoadOptions::default()
        .with("providers.mixer.kind", "ml_model")
        .with("providers.mixer.base_url", first.url())
        .with("providers.ml_model.base_url", second.url())
        .with("providers.call_base_ms", "1")
        .with("capabilities.blends", "mixer, ml_model");
    let listed = Settings::load(&listed).unwrap();
    let made = blended_behind(&guards(), &listed, &blend::Options::default()).await.unwrap();
    assert_eq!((&*made.provider, first.asked(), second.asked()), ("ml_model", 3, 1));
}

#[tokio::test]
async fn its_set_up_is_asked_after_at_no_cost() {
    use FailureClass::{Config, Money, Transient};
    let answers = |status| Manner::Answers(status, Vec::new());
    for (what, manners, class, asked) in [
        ("well", vec![answers(200)], None, 1),
        ("a wrong key", vec![answers(401)], Some(Config), 1),
        ("no access", vec![answers(403)], Some(Config), 1),
        ("no credit", vec![answers(402)], Some(Money), 1),
        ("ill", vec![answers(503)], Some(Transient), 1),
        ("no health", vec![answers(404), answers(200)], None, 2),
        ("a page of documents", vec![answers(405), answers(307)], None, 2),
        ("a key at the root", vec![answers(404), answers(401)], Some(Config), 2),
        ("neither", vec![answers(404), answers(404)], None, 2),
        ("another question", vec![answers(422)], None, 1),
    ] {
        let model = StandIn::start(manners).await;
        let client = client(&settings(&model, &[]));
        assert_eq!(client.check().await.err().map(|failure| failure.class), class, "{what}");
        let heads: Vec<String> = model.heard().into_iter().map(|heard| heard.head).collect();
        let lines = ["GET /health HTTP/1.1", "GET / HTTP/1.1"];
        assert!(
            heads.len() == asked && heads.iter().zip(lines).all(|(head, line)| head.starts_with(line)),
            "{heads:?}"
        );
        assert!(heads[0].to_ascii_lowercase().contains("authorization: bearer a-key"), "{heads:?}");
    }
    let gone = StandIn::start([answers(200)]).await;
    let settings = settings(&gone, &[]);
    drop(gone);
    let failure = client(&settings).check().await.unwrap_err();
    assert!(failure.class == Transient && failure.message.contains("ml_model"), "{failure}");
}

fn client(settings: &Settings) -> MlModelClient {
    MlModelClient::new(&Outbound::new(&OutboundSettings::default()).unwrap(), &settings.vendors[0]).unwrap()
}
