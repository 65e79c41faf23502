//! Whole songs of an expert: of the older service, which knows nothing else, and of one of ours, which sends parts.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use compose::Options;
use domain::{Failure, FailureClass, FailureCode, Tried};
use lyrics::LyricsRequest;
use music::Melody;
use providers::{
    Answer, AudioInput, Call, CallLog, Composed, DirectCalls, ExpertClient, LyricsWriter, Make, MelodyExtractor,
    Outside, OutsideService, Patience, ProgressSink, ProviderCall, SongComposer, SongRequest, Stop, VocalSynthesizer,
    expert::mixed, no_progress,
};
use serde_json::{Value, json};
use settings::{LoadOptions, Secret, Settings};

const SOUND: &[u8] = b"RIFF, or whatever a service sends";

/// What a route answers.
#[derive(Clone)]
struct Scripted {
    status: &'static str,
    content_type: String,
    body: Vec<u8>,
}

impl Scripted {
    fn json(body: &Value) -> Self {
        Self { status: "200 OK", content_type: "application/json".to_owned(), body: body.to_string().into_bytes() }
    }

    fn sound() -> Self {
        Self { status: "200 OK", content_type: "audio/mpeg".to_owned(), body: SOUND.to_vec() }
    }
}

/// A service of a few routes that remembers what it was asked.
struct Service {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Service {
    fn start(routes: Vec<(&'static str, Scripted)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read(&mut stream);
                let route = request.split(" HTTP/1.1").next().unwrap().to_owned();
                noted.lock().unwrap().push(request);
                let unknown = Scripted { status: "404 Not Found", ..Scripted::json(&json!({ "detail": "Not Found" })) };
                let found = routes.iter().find(|(known, _)| *known == route);
                let Scripted { status, content_type, body } = found.map_or(unknown, |(_, answer)| answer.clone());
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                stream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
            }
        });
        Self { address, asked }
    }

    fn client(&self) -> ExpertClient {
        let base = format!("http://{}", self.address).parse().unwrap();
        let key = Some(Secret::new("a key of sixteen".to_owned()));
        ExpertClient::new(&Outside::default().outbound().unwrap(), "studio", base, key).unwrap()
    }

    /// As one of the vendors of the settings.
    fn vendor(&self, more: &[(&'static str, &str)]) -> ExpertClient {
        let options = LoadOptions::default()
            .with("providers.studio.kind", "expert")
            .with("providers.studio.base_url", format!("http://{}", self.address));
        let options = more.iter().fold(options, |options, (key, value)| options.with(key, *value));
        let settings = Settings::load(&options).unwrap_or_else(|problems| panic!("{problems}"));
        let vendor = settings.vendors.iter().find(|vendor| vendor.name == "studio").unwrap();
        ExpertClient::of_vendor(&Outside::default().outbound().unwrap(), vendor).unwrap()
    }

    fn asked(&self, route: &str) -> Vec<String> {
        self.asked.lock().unwrap().iter().filter(|request| request.starts_with(route)).cloned().collect()
    }
}

/// A request with its whole body.
fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 64 * 1024];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
            });
            if body.len() >= length.unwrap_or(0_usize) {
                return text;
            }
        }
        let read = stream.read(&mut chunk).unwrap();
        assert!(read > 0, "the request breaks off: {text}");
        bytes.extend_from_slice(&chunk[..read]);
    }
}

/// As the older service lists its models.
fn list() -> (&'static str, Scripted) {
    let model = json!({ "name": "base_medium", "description": "", "model_id": "meta/musicgen:7a76", "type": "base" });
    ("GET /models", Scripted::json(&json!([model])))
}

fn ours() -> (&'static str, Scripted) {
    let stage = json!({ "capability": "melody", "provider": "offline", "version": "1" });
    ("GET /models", Scripted::json(&json!({ "base": {}, "fine_tuned": {}, "stages": { "f0": stage } })))
}

async fn composed(service: &Service, options: &Options) -> Result<Vec<u8>, Stop> {
    let calls = DirectCalls::default();
    let call = ProviderCall::alone(&calls, "studio", Duration::from_secs(60));
    match service.client().compose(&SongRequest::new("rain on a roof", options), &call).await? {
        Composed::Sound(sound) => {
            let mut bytes = Vec::new();
            sound.reopen().unwrap().read_to_end(&mut bytes).unwrap();
            Ok(bytes)
        }
        other => panic!("an expert sends sound alone: {other:?}"),
    }
}

fn body(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn the_older_service_makes_a_song_of_one_sentence() {
    let address = format!("data:audio/mpeg;base64,{}", STANDARD.encode(SOUND));
    for audio_url in ["/files/song.mp3", &address] {
        let answer = json!({ "success": true, "audio_url": audio_url, "model_used": "base_medium", "message": "made" });
        let service = Service::start(vec![
            list(),
            ("POST /generate", Scripted::json(&answer)),
            ("GET /files/song.mp3", Scripted::sound()),
        ]);
        let options = Options { tempo_bpm: Some(96.0), seconds: Some(20.5), seed: 7, ..Options::default() };
        assert_eq!(composed(&service, &options).await.unwrap(), SOUND);
        let asked = service.asked("POST /generate");
        assert_eq!(asked.len(), 1);
        assert_eq!(body(&asked[0]), json!({ "prompt": "rain on a roof, 96 BPM", "duration": 21.0 }));
        for request in service.asked("") {
            assert!(request.to_lowercase().contains("authorization: bearer a key of sixteen\r\n"), "{request}");
        }
    }
}

#[tokio::test]
async fn a_service_of_ours_sends_the_song_with_its_answer_and_reads_each_option() {
    let told = json!({ "success": true, "model_used": "offline", "message": "made" }).to_string();
    let frame = mixed::frame("b", told.as_bytes(), "audio/mpeg", SOUND.len() as u64);
    let parts = Scripted {
        status: "200 OK",
        content_type: frame.content_type,
        body: [frame.before.as_slice(), SOUND, &frame.after].concat(),
    };
    let service = Service::start(vec![ours(), ("POST /generate", parts)]);
    let options = Options {
        tempo_bpm: Some(96.0),
        seconds: Some(20.5),
        instrumental: Some(false),
        seed: 7,
        ..Options::default()
    };
    assert_eq!(composed(&service, &options).await.unwrap(), SOUND);
    let asked = service.asked("POST /generate");
    let fields = json!({
        "prompt": "rain on a roof", "duration": 20.5, "bpm": 96.0, "include_vocals": true, "seed": 7,
    });
    assert_eq!(body(&asked[0]), fields);
    assert!(asked[0].contains("multipart/mixed"), "{}", asked[0]);
}

#[tokio::test]
async fn what_is_no_song_is_a_fault_of_the_service() {
    let answered = |answer: &Value| Scripted::json(answer);
    let refused = |status| Scripted { status, ..Scripted::json(&json!({ "code": "internal", "detail": "no" })) };
    let failed = json!({ "success": false, "message": "Generation failed:\n\u{1b}[31m credit" });
    let cases = [
        (answered(&failed), FailureClass::Transient, "made no song: Generation failed: [31m credit"),
        (answered(&json!({ "success": true })), FailureClass::Transient, "not what it promises"),
        (answered(&json!({ "success": true, "audio_url": "data:x" })), FailureClass::Transient, "not what it promises"),
        (answered(&json!({ "success": true, "audio_url": "/gone" })), FailureClass::Transient, "no longer has"),
        (
            answered(&json!({ "success": true, "audio_url": "http://127.0.0.1:9/x" })),
            FailureClass::Transient,
            "named an address on another host",
        ),
        (
            answered(&json!({ "success": true, "audio_url": "https://127.0.0.1:9/x" })),
            FailureClass::Transient,
            "named an address on another host",
        ),
        (answered(&json!(["no song"])), FailureClass::Transient, "not what it promises"),
        (refused("401 Unauthorized"), FailureClass::Config, "no"),
        (refused("402 Payment Required"), FailureClass::Money, "no"),
        (refused("503 Service Unavailable"), FailureClass::Transient, "no"),
    ];
    for (answer, class, word) in cases {
        let service = Service::start(vec![list(), ("POST /generate", answer.clone())]);
        let failure = composed(&service, &Options::default()).await.unwrap_err().into_failure();
        assert_eq!(failure.class, class, "{failure:?}");
        assert!(failure.message.contains(word), "{word}: {failure:?}");
    }
}

#[tokio::test]
async fn a_service_without_stages_is_not_taken_for_a_broken_one() {
    let service = Service::start(vec![list()]);
    let client = service.client();
    let calls = DirectCalls::default();
    let call = ProviderCall::alone(&calls, "studio", Duration::from_secs(60));
    let words = client.write(&Melody::default(), &LyricsRequest::default(), &call).await.unwrap_err();
    assert!(matches!(words, Stop::NotAsked(_)), "{words:?}");
    let lyrics = lyrics::Lyrics { title: String::new(), lines: Vec::new(), language: "en".to_owned() };
    let sung = client.sing(&Melody::default(), &lyrics, &voice::VoiceOptions::default(), no_progress(), &call).await;
    assert!(matches!(sung, Err(Stop::NotAsked(_))));
    let recording = AudioInput::new(tempfile::tempfile().unwrap()).unwrap();
    let melody = client.extract(&recording, no_progress(), &call).await.unwrap_err().into_failure();
    assert_eq!((melody.class, melody.code), (FailureClass::Transient, FailureCode::ProviderUnavailable));
    assert!(melody.message.contains("studio makes whole songs only"), "{melody:?}");

    let service = Service::start(vec![ours()]);
    let words = service.client().write(&Melody::default(), &LyricsRequest::default(), &call).await.unwrap_err();
    assert_eq!(words.into_failure().class, FailureClass::Config, "one that has stages has lost an endpoint");
}

/// What was asked for, what it was to cost, and what it has cost, in millionths.
type Cost = (String, Option<i64>, Option<i64>);

/// A log that notes what calls cost.
#[derive(Default)]
struct Noted(Mutex<Vec<Cost>>);

#[async_trait]
impl CallLog for Noted {
    async fn tried(&self) -> Result<Vec<Tried>, Failure> {
        Ok(Vec::new())
    }

    async fn give_up(&self, _: Tried) -> Result<(), Failure> {
        Ok(())
    }

    async fn has_begun(&self, _: &str) -> Result<bool, Failure> {
        Ok(false)
    }

    async fn once(&self, call: Call<'_>, make: Make<'_>) -> Result<Answer, Stop> {
        let what = call.purpose.split('/').next().unwrap().to_owned();
        let made = make("a-call".to_owned()).await;
        let cost = made.as_ref().ok().and_then(|made| made.cost.as_ref()).map(|cost| cost.micros);
        self.0.lock().unwrap().push((what, call.estimate.map(|cost| cost.micros), cost));
        match made {
            Ok(made) => providers::answer(made.value, made.files),
            Err(error) => Err(providers::stop(error, call.may_repeat)),
        }
    }

    async fn ask(
        &self,
        _: Call<'_>,
        _: Patience,
        _: &dyn OutsideService,
        _: &Value,
        _: &ProgressSink,
    ) -> Result<Answer, Stop> {
        panic!("an expert is answered at once")
    }
}

fn words() -> lyrics::Lyrics {
    lyrics::Lyrics { title: "Rain".to_owned(), lines: Vec::new(), language: "en".to_owned() }
}

/// A service of ours that does everything, and says that it costs this.
fn studio(cost: &Value) -> Service {
    let told = |mut answer: Value| {
        answer["cost"] = cost.clone();
        answer
    };
    let song = told(json!({ "success": true, "audio_url": "/song.mp3", "duration": 900.0, "message": "made" }));
    Service::start(vec![
        ours(),
        ("POST /v1/melody", Scripted::json(&told(json!(Melody::default())))),
        ("POST /v1/lyrics", Scripted::json(&told(json!(words())))),
        ("POST /generate", Scripted::json(&song)),
        ("GET /song.mp3", Scripted::sound()),
    ])
}

#[tokio::test]
async fn an_expert_among_the_vendors_has_prices_or_says_what_it_costs() {
    const CALL: (&str, &str) = ("providers.studio.price_per_call", "0.02");
    const SECOND: (&str, &str) = ("providers.studio.price_per_audio_second", "0.01");
    let check = async |cost: Value, prices: &[(&'static str, &str)], expected: [(Option<i64>, Option<i64>); 3]| {
        let (service, calls) = (studio(&cost), Noted::default());
        let client = service.vendor(prices);
        let call = ProviderCall::alone(&calls, "studio", Duration::from_secs(60));
        let recording = AudioInput::new(tempfile::tempfile().unwrap()).unwrap();
        assert_eq!(client.extract(&recording, no_progress(), &call).await.unwrap(), Melody::default());
        let written = client.write(&Melody::default(), &LyricsRequest::default(), &call).await.unwrap();
        assert_eq!(written.title, "Rain");
        let options = Options { seconds: Some(20.0), ..Options::default() };
        client.compose(&SongRequest::new("rain on a roof", &options), &call).await.unwrap();
        let [melody, lyrics, song] = expected;
        let row = |what: &str, (estimate, cost)| (what.to_owned(), estimate, cost);
        let expected = [row("melody", melody), row("lyrics", lyrics), row("compose", song)];
        assert_eq!(*calls.0.lock().unwrap(), expected, "{cost} {prices:?}");
    };
    let each = |micros| (Some(micros), Some(micros));
    check(Value::Null, &[], [(None, None); 3]).await;
    check(Value::Null, &[CALL], [each(20_000); 3]).await;
    check(Value::Null, &[CALL, SECOND], [each(20_000), each(20_000), each(220_000)]).await;
    let told = json!({ "amount": 0.05, "currency": "USD" });
    check(told.clone(), &[], [(None, Some(50_000)); 3]).await;
    check(told, &[CALL], [(Some(20_000), Some(50_000)); 3]).await;
    check(json!({ "amount": 0.05, "currency": "EUR" }), &[CALL], [each(20_000); 3]).await;
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_of_a_service_of_our_own_alone() {
    let broken = Scripted { status: "524 A Timeout Occurred", ..Scripted::json(&json!({ "detail": "no" })) };
    let (service, calls) = (Service::start(vec![ours(), ("POST /v1/lyrics", broken)]), Noted::default());
    let call = ProviderCall::alone(&calls, "studio", Duration::from_secs(60));
    let written = async |client: ExpertClient| {
        client.write(&Melody::default(), &LyricsRequest::default(), &call).await.unwrap_err()
    };
    let price: &[(&'static str, &str)] = &[("providers.studio.price_per_call", "0.02")];
    for prices in [&price[..0], price] {
        let stop = written(service.vendor(prices)).await;
        assert!(matches!(&stop, Stop::GivenUp(failure) if failure.class == FailureClass::Transient), "{stop:?}");
    }
    let own = written(service.client()).await;
    assert!(matches!(&own, Stop::Failed(failure) if failure.class == FailureClass::Transient), "{own:?}");
    assert_eq!(calls.0.lock().unwrap().len(), 2, "a service of our own has no rows");
}
