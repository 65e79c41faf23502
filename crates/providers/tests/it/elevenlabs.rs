//! ElevenLabs Music, against a server that speaks like it and misbehaves when told to.

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use compose::Options;
use domain::{Cost, Failure, FailureClass, FailureCode, Prices, retry::RetryPolicy};
use lyrics::{LyricLine, Lyrics, Section, Syllable};
use music::Phrase;
use providers::{
    CallLimits, CallScope, Chain, Composed, ComposedSong, ContentGate, DirectCalls, IsAwaited, ModelChoice, Need,
    Outside, ProviderCall, SetupCheck as _, SetupError, SongComposer, SongRequest, SongWords, Stop, SungSound, Terms,
    vendors::elevenlabs::ElevenLabs, while_awaited,
};
use resilience::{BreakerRegistry, BreakerSettings};
use serde_json::json;
use settings::{LoadOptions, Secret, Settings, Vendor, VendorKind};
use telemetry::Metrics;
use vendor_standins::{Fault, Retry, Route, Sound, Step, Vendor as Whose, Vendors};

use crate::sound_vendors::{Ended, beginning, ended, outbound, shape, vendor};

const INSTRUMENTAL: &str = "a calm folk tune";
const SUNG: &str = "a folk song about a paper boat, with vocals";

struct Studio {
    vendors: Vendors,
    vendor: Vendor,
}

impl Studio {
    async fn open() -> Self {
        let vendors = Vendors::start().await;
        let vendor = vendor(VendorKind::ElevenLabs, &vendors.url_of(Whose::ElevenLabs));
        Self { vendors, vendor }
    }

    fn script(&self, route: Route, steps: impl IntoIterator<Item = Step>) {
        self.vendors.script(Whose::ElevenLabs, route, steps);
    }

    fn client(&self) -> ElevenLabs {
        ElevenLabs::new(&outbound(), &self.vendor).unwrap()
    }

    async fn compose(&self, sentence: &str, seconds: f64) -> Result<Composed, Stop> {
        self.compose_with(sentence, &Options { seconds: Some(seconds), ..Options::default() }).await
    }

    async fn compose_with(&self, sentence: &str, options: &Options) -> Result<Composed, Stop> {
        let calls = DirectCalls::default();
        let call = ProviderCall::alone(&calls, "vendor", Duration::from_secs(60));
        self.client().compose(&SongRequest::new(sentence, options), &call).await
    }

    fn asked(&self, route: Route) -> usize {
        self.vendors.asked(Whose::ElevenLabs, route)
    }

    /// How often something was charged for.
    fn charges(&self) -> usize {
        self.vendors.ledger().len()
    }
}

fn sung(composed: Composed) -> SungSound {
    match composed {
        Composed::SoundWithWords(sung) => *sung,
        other => panic!("nobody sings: {other:?}"),
    }
}

fn words(song: &SungSound) -> Vec<&str> {
    song.lines.iter().flatten().map(|word| word.text.as_str()).collect()
}

fn fail(fault: Fault) -> Step {
    Step::Fail { fault, retry: Retry::Absent, after_work: false }
}

#[tokio::test]
async fn music_that_nobody_sings_is_streamed() {
    let studio = Studio::open().await;
    let Composed::Sound(sound) = studio.compose(INSTRUMENTAL, 12.345).await.unwrap() else { panic!("it is sound") };
    let (seconds, channels, rate_hz) = shape(&sound);
    assert!((seconds - 12.345).abs() < 0.1 && (channels, rate_hz) == (2, 44_100), "{seconds} {channels} {rate_hz}");
    assert_eq!((studio.asked(Route::MusicStream), studio.asked(Route::MusicPlan)), (1, 0));
    let charged = studio.vendors.ledger();
    assert_eq!(charged.iter().map(|charge| charge.amount_micros).collect::<Vec<_>>(), [12_345 * 5]);
}

#[tokio::test]
async fn a_song_that_is_sung_comes_with_its_words() {
    for model in ["music_v1", "music_v2"] {
        let mut studio = Studio::open().await;
        studio.vendor.model = model.to_owned();
        let song = sung(studio.compose(SUNG, 42.0).await.unwrap());
        assert!((shape(&song.sound).0 - 42.0).abs() < 0.1, "{model}");
        assert_eq!(song.title.as_deref(), Some("Paper Harbor"), "{model}");
        assert!(song.lines.len() > 1 && words(&song).len() > song.lines.len(), "{model}: {:?}", song.lines);
        let times: Vec<f64> = song.lines.iter().flatten().map(|word| word.start_seconds).collect();
        assert!(times.is_sorted() && times.iter().all(|at| (0.0..42.0).contains(at)), "{model}: {times:?}");
        let asked = [Route::MusicPlan, Route::MusicDetailed, Route::MusicStream].map(|route| studio.asked(route));
        assert_eq!((asked, studio.charges()), ([1, 1, 0], 1), "{model}: the plan costs nothing");
    }
}

/// Sings one syllable to each note of a melody; nothing where it is told to.
struct Words {
    is_away: bool,
}

#[async_trait]
impl SongWords for Words {
    async fn write(&self, song: &ComposedSong, _: &ProviderCall<'_>) -> Result<Lyrics, Stop> {
        if self.is_away {
            let why = Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, "nobody writes");
            return Err(why.into());
        }
        let line = |(phrase, notes): (usize, &Phrase)| {
            let syllables = (notes.start..notes.end)
                .map(|note| Syllable {
                    text: "loom".to_owned(),
                    word_index: note - notes.start,
                    phones: Vec::new(),
                    note,
                })
                .collect::<Vec<_>>();
            let text = vec!["loom"; syllables.len()].join(" ");
            LyricLine { phrase, section: Section::default(), text, syllables }
        };
        let lines = song.melody.phrases.iter().enumerate().map(line).collect();
        Ok(Lyrics { title: String::new(), lines, language: "en".to_owned() })
    }
}

#[tokio::test]
async fn words_that_are_written_here_are_sung_and_the_vendors_where_there_are_none() {
    for model in ["music_v1", "music_v2"] {
        let mut studio = Studio::open().await;
        studio.vendor.model = model.to_owned();
        for (is_away, plans) in [(false, 0), (true, 1)] {
            let (calls, writer) = (DirectCalls::default(), Words { is_away });
            let call = ProviderCall::alone(&calls, "vendor", Duration::from_secs(60));
            let options = Options { seconds: Some(42.0), ..Options::default() };
            let asked = SongRequest::new(SUNG, &options).with_words(Some(&writer));
            let song = sung(studio.client().compose(&asked, &call).await.unwrap());
            let is_ours = words(&song).iter().all(|word| *word == "loom");
            assert!(!song.lines.is_empty() && is_ours != is_away, "{model}: {:?}", song.lines);
            assert_eq!(studio.asked(Route::MusicPlan), plans, "{model}");
        }
    }
}

#[tokio::test]
async fn every_length_has_a_plan_that_is_taken() {
    let mut studio = Studio::open().await;
    studio.vendor.format = Some("pcm_8000".to_owned());
    let sentences =
        ["a fast rock song", "a slow waltz", "12 bar blues with vocals", "ambient, form ABACA", "a march, sung"];
    let lengths = [3.0, 3.001, 4.2, 5.999, 6.0, 7.5, 9.1, 12.0, 20.02, 31.4, 61.0, 119.999, 120.001, 600.0];
    for (index, seconds) in lengths.into_iter().enumerate() {
        for model in ["music_v1", "music_v2"] {
            studio.vendor.model = model.to_owned();
            studio.vendors.reset();
            let sentence = sentences[index % sentences.len()];
            let options = Options { seconds: Some(seconds), seed: index as u64, ..Options::default() };
            let made = studio.compose_with(sentence, &options).await;
            assert!(made.is_ok(), "{model}, {seconds} s of {sentence}: {made:?}");
            let charged: Vec<u64> = studio.vendors.ledger().iter().map(|charge| charge.amount_micros).collect();
            assert_eq!(charged, [(seconds * 5_000.0).round() as u64], "{model}: {seconds} s of {sentence}");
        }
    }
}

#[tokio::test]
async fn an_error_is_told_for_what_it_is() {
    use FailureClass::{Caller, Config, Content, Money, Saturated, Transient};
    let studio = Studio::open().await;
    let check = async |sentence: &str, route: Route, fault: Fault, class: FailureClass, says: &str| {
        studio.script(route, [fail(fault)]);
        let stop = studio.compose(sentence, 10.0).await.unwrap_err();
        assert_eq!(ended(&stop), Ended::Failed, "{fault:?}: {stop:?}");
        let failure = stop.into_failure();
        assert!(failure.class == class && failure.message.contains(says), "{fault:?}: {failure:?}");
    };
    let stream = Route::MusicStream;
    check(INSTRUMENTAL, stream, Fault::QuotaExceeded, Money, "401 quota_exceeded").await;
    check(INSTRUMENTAL, stream, Fault::PlanTooSmall, Money, "only_for_creator+").await;
    check(INSTRUMENTAL, stream, Fault::TooManyConcurrent, Saturated, "429").await;
    check(INSTRUMENTAL, stream, Fault::SystemBusy, Transient, "429 system_busy").await;
    check(INSTRUMENTAL, stream, Fault::Unavailable, Transient, "503").await;
    check(INSTRUMENTAL, stream, Fault::BadKey, Config, "401").await;
    check(INSTRUMENTAL, stream, Fault::NotFound, Config, "404").await;
    check(INSTRUMENTAL, stream, Fault::Unprocessable, Caller, "prompt: Value error").await;
    check(INSTRUMENTAL, stream, Fault::HarmfulPrompt, Content, "terms of service").await;
    let instead = "It would take: styles with “acoustic” in place of “";
    check(INSTRUMENTAL, stream, Fault::BadCompositionPlan, Content, instead).await;
    check(SUNG, Route::MusicDetailed, Fault::BadCompositionPlan, Content, instead).await;
    check(SUNG, Route::MusicPlan, Fault::BadPrompt, Content, "It would take: A gentle folk song about the sea").await;
    check(SUNG, Route::MusicPlan, Fault::QuotaExceeded, Money, "quota_exceeded").await;
    assert_eq!(studio.charges(), 0, "a suggestion is told and not taken");
}

#[tokio::test]
async fn what_may_have_been_paid_for_is_not_asked_for_again() {
    let mut studio = Studio::open().await;
    studio.vendor.timeout = Duration::from_millis(1_500);
    let check = async |step: Step| {
        studio.script(Route::MusicStream, [step.clone()]);
        let (asked, paid) = (studio.asked(Route::MusicStream), studio.charges());
        let retry = RetryPolicy { max_attempts: 3, base: Duration::from_millis(1), cap: Duration::from_millis(2) };
        let limits = CallLimits { call_timeout: Duration::from_secs(30), retry };
        let mut chain: Chain<dyn SongComposer> = Chain::new("compose", limits, Metrics::new("test"));
        chain.push("vendor", Terms::of_own("1"), Arc::new(studio.client()));
        let calls = DirectCalls::default();
        let options = Options { seconds: Some(8.0), ..Options::default() };
        let composed = chain
            .call(CallScope::new(&calls, Duration::from_secs(60)), &Need::default(), async |composer, call| {
                composer.compose(&SongRequest::new(INSTRUMENTAL, &options), &call).await
            })
            .await;
        assert!(composed.is_err(), "{step:?}");
        assert_eq!(studio.asked(Route::MusicStream) - asked, 1, "{step:?}: it is asked once");
        assert!(studio.charges() - paid <= 1, "{step:?}: it is paid for once");
    };
    check(Step::Reset { after_work: true }).await;
    check(Step::Reset { after_work: false }).await;
    check(Step::Close { after_work: true }).await;
    check(Step::Hang { after_work: true }).await;
    for fault in [Fault::ServerError, Fault::EdgeUnknown, Fault::EdgeTimeout] {
        check(Step::Fail { fault, retry: Retry::Absent, after_work: true }).await;
    }
    check(Step::CutBody).await;
    check(Step::SlowBody { ms: 5 }).await;
    check(Step::Audio(Sound::NotAudio)).await;
    check(Step::Audio(Sound::Empty)).await;
    check(Step::Audio(Sound::Silent)).await;
    check(Step::Audio(Sound::Short)).await;
    check(Step::Oversized { bytes: 20_000_000 }).await;
    check(Step::Verbatim { status: 200, content_type: "application/json".to_owned(), body: "{}".to_owned() }).await;
}

#[tokio::test]
async fn a_type_is_not_believed_and_a_little_too_much_does_no_harm() {
    let studio = Studio::open().await;
    for step in [Step::ContentType("text/html".to_owned()), Step::Oversized { bytes: 100 }, Step::Delay { ms: 20 }] {
        studio.script(Route::MusicStream, [step.clone()]);
        let made = studio.compose(INSTRUMENTAL, 5.0).await;
        assert!(matches!(made, Ok(Composed::Sound(_))), "{step:?}: {made:?}");
        studio.script(Route::MusicDetailed, [step.clone()]);
        let song = sung(studio.compose(SUNG, 10.0).await.unwrap());
        assert!(!words(&song).is_empty(), "{step:?}");
    }
}

/// A sound file of so many seconds whose bytes are all ASCII: a rate whose figures are, and samples that are not negative.
fn ascii_wav(seconds: u32) -> String {
    let rate_hz: u32 = 0x3f00;
    let data = (rate_hz * 2 * seconds) & 0x7f7f_7f00;
    let mut wav = b"RIFF".to_vec();
    wav.extend_from_slice(&(data + 36).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend_from_slice(&rate_hz.to_le_bytes());
    wav.extend_from_slice(&(rate_hz * 2).to_le_bytes());
    wav.extend_from_slice(b"\x02\0\x10\0data");
    wav.extend_from_slice(&data.to_le_bytes());
    wav.extend((0..data / 2).flat_map(|at| if at / 40 % 2 == 0 { [0x10, 0x40] } else { [0x10, 0] }));
    String::from_utf8(wav).unwrap()
}

#[tokio::test]
async fn parts_are_read_in_the_shapes_that_they_come_in() {
    let studio = Studio::open().await;
    let wav = ascii_wav(12);
    let stamps =
        json!([{"word": "la", "start_ms": 100, "end_ms": 400}, {"word": "lo", "start_ms": 500, "end_ms": 900}]);
    let detail = json!({"song_metadata": {"title": "T"}, "words_timestamps": stamps}).to_string();
    let part = |kind: &str, content: &str| format!("--b\r\nContent-Type: {kind}\r\n\r\n{content}\r\n");
    let (json_part, sound_part) = (part("application/json", &detail), part("audio/wav", &wav));
    let end = "--b--\r\n";
    let check = async |what: &str, content_type: &str, body: String, expected: Option<&[&str]>| {
        let content_type = content_type.to_owned();
        studio.script(Route::MusicDetailed, [Step::Verbatim { status: 200, content_type, body }]);
        match (studio.compose(SUNG, 12.0).await, expected) {
            (Ok(made), Some(expected)) => {
                let song = sung(made);
                assert_eq!((&words(&song)[..], shape(&song.sound).2), (expected, 0x3f00), "{what}");
            }
            (Err(stop), None) => assert_eq!(ended(&stop), Ended::GivenUp, "{what}: {stop:?}"),
            (other, _) => panic!("{what}: {other:?}"),
        }
    };
    let (mixed, all) = ("multipart/mixed; boundary=b", Some(&["la", "lo"][..]));
    check("as documented", mixed, format!("{json_part}{sound_part}{end}"), all).await;
    check("sound first", mixed, format!("{sound_part}{json_part}{end}"), all).await;
    check("quoted", "Multipart/Mixed; Boundary=\"b\"", format!("{json_part}{sound_part}{end}"), all).await;
    check("another type", "application/octet-stream", format!("{json_part}{sound_part}{end}"), all).await;
    check("words around", mixed, format!("hello\r\n{json_part}{sound_part}{end}bye"), all).await;
    let bare = format!("--b\n\n{wav}\n--b\nContent-Type: application/json\n\n{detail}\n--b--");
    check("bare line ends, no type", mixed, bare, all).await;
    check("no details", mixed, format!("{sound_part}{end}"), Some(&[])).await;
    check("broken details", mixed, format!("{}{sound_part}{end}", part("application/json", "{")), Some(&[])).await;
    let late = json!({"words_timestamps": [{"word": "la", "start_ms": 90_000, "end_ms": 90_400}]}).to_string();
    check("words behind the end", mixed, format!("{}{sound_part}{end}", part("application/json", &late)), Some(&[]))
        .await;
    check("sound alone", "audio/wav", wav.clone(), Some(&[])).await;
    check("no end", mixed, format!("{json_part}{sound_part}"), None).await;
    check("no sound", mixed, format!("{json_part}{end}"), None).await;
    check("sound without a byte", mixed, format!("{json_part}{}{end}", part("audio/wav", "")), None).await;
    check("another boundary", "multipart/mixed; boundary=c", format!("{json_part}{sound_part}{end}"), None).await;
}

#[tokio::test]
async fn a_plan_without_words_is_not_paid_for() {
    let studio = Studio::open().await;
    for body in [r#"{"sections": []}"#, r#"{"sections": [{"lines": ["[Verse]", "  "]}]}"#, "7"] {
        let (status, content_type) = (200, "application/json".to_owned());
        studio.script(Route::MusicPlan, [Step::Verbatim { status, content_type, body: body.to_owned() }]);
        let stop = studio.compose(SUNG, 20.0).await.unwrap_err();
        assert_eq!(ended(&stop), Ended::GivenUp, "{body}: {stop:?}");
    }
    assert_eq!((studio.asked(Route::MusicDetailed), studio.charges()), (0, 0));
}

/// A gate that forbids one word.
fn gate(listed: &str) -> ContentGate {
    let mut lists = tempfile::NamedTempFile::new().unwrap();
    let entry = "[[entries]]\nlanguage = \"en\"\nseverity = \"block\"\ncategory = \"vulgar\"\n";
    writeln!(lists, "{entry}terms = [\"{listed}\"]").unwrap();
    let Settings { mut safety, moderation, .. } = Settings::load(&LoadOptions::default()).unwrap();
    safety.lists = Some(lists.path().to_owned());
    let metrics = Metrics::new("test");
    let breakers = BreakerRegistry::new(BreakerSettings::default(), metrics.clone());
    ContentGate::new(&safety, &moderation, &Outside::default(), &breakers, &metrics).unwrap()
}

#[tokio::test]
async fn words_that_must_not_be_sung_are_not_paid_for() {
    let studio = Studio::open().await;
    let gate = gate("turnip");
    let check = async |line: &str, is_sung: bool| {
        let body = json!({ "sections": [{ "lines": [line] }] }).to_string();
        let (status, content_type) = (200, "application/json".to_owned());
        studio.script(Route::MusicPlan, [Step::Verbatim { status, content_type, body }]);
        let (calls, paid) = (DirectCalls::default(), studio.charges());
        let call = ProviderCall::alone(&calls, "vendor", Duration::from_secs(60));
        let options = Options { seconds: Some(12.0), ..Options::default() };
        let made = studio.client().compose(&SongRequest::new(SUNG, &options).judged_by(&gate), &call).await;
        let refused = made.as_ref().err().map(|stop| (ended(stop), stop.clone().into_failure().code));
        assert_eq!(refused, (!is_sung).then_some((Ended::GivenUp, FailureCode::ContentRejected)), "{line}");
        assert_eq!(studio.charges() - paid, usize::from(is_sung), "{line}");
    };
    check("a boat of turnips on the pond", false).await;
    check("a boat of paper on the pond", true).await;
}

#[tokio::test]
async fn what_breaks_a_rule_is_not_sent() {
    let mut studio = Studio::open().await;
    studio.vendor.longest_seconds = Some(20.0);
    studio.vendor.shortest_seconds = Some(5.0);
    let check = async |sentence: &str, options: Options, ends: Ended, says: &str| {
        let stop = studio.compose_with(sentence, &options).await.unwrap_err();
        assert_eq!(ended(&stop), ends, "{sentence}: {stop:?}");
        let failure = stop.into_failure();
        assert!(failure.class == FailureClass::Caller && failure.message.contains(says), "{sentence}: {failure:?}");
    };
    let of = |seconds: f64| Options { seconds: Some(seconds), ..Options::default() };
    check("folk", of(20.5), Ended::NotAsked, "5 to 20 s, and 20.5 s").await;
    check("folk", of(4.999), Ended::NotAsked, "4.999 s").await;
    check("30 seconds of folk", Options::default(), Ended::NotAsked, "30 s").await;
    let chords = Some("| C | Am F |".parse().unwrap());
    check("folk", Options { chords, ..of(10.0) }, Ended::NotAsked, "chord chart").await;
    check("folk", of(700.0), Ended::Failed, "600").await;
    assert_eq!(studio.asked(Route::MusicStream), 0);
    // A length that nobody asked for is one that it makes.
    let Composed::Sound(sound) = studio.compose_with("folk", &Options::default()).await.unwrap() else {
        panic!("it is sound")
    };
    assert!((shape(&sound).0 - 20.0).abs() < 0.1);
    let abilities = studio.client().abilities();
    assert_eq!((abilities.shortest_seconds, abilities.longest_seconds), (Some(5.0), Some(20.0)));
}

#[tokio::test]
async fn samples_without_a_file_get_one() {
    let mut studio = Studio::open().await;
    for (format, expected, is_wav) in
        [("pcm_44100", (44_100, 2), true), ("pcm_16000", (16_000, 2), true), ("mp3_44100_64", (44_100, 2), false)]
    {
        studio.vendor.format = Some(format.to_owned());
        let Composed::Sound(sound) = studio.compose(INSTRUMENTAL, 6.5).await.unwrap() else { panic!("it is sound") };
        let (seconds, channels, rate_hz) = shape(&sound);
        assert!((seconds - 6.5).abs() < 0.1 && (rate_hz, channels) == expected, "{format}: {seconds}");
        assert_eq!(&beginning(&sound) == b"RIFF", is_wav, "{format}");
    }
    let song = sung({
        studio.vendor.format = Some("pcm_22050".to_owned());
        studio.compose(SUNG, 11.0).await.unwrap()
    });
    assert_eq!((&beginning(&song.sound), shape(&song.sound)), (b"RIFF", (11.0, 2, 22_050)));
    for format in ["ulaw_8000", "wav", "mp3_x_1"] {
        studio.vendor.format = Some(format.to_owned());
        let refused = ElevenLabs::new(&outbound(), &studio.vendor);
        assert!(matches!(refused, Err(SetupError::Format { .. })), "{format}");
    }
}

#[tokio::test]
async fn a_model_by_name_and_its_price_are_asked_for() {
    let mut studio = Studio::open().await;
    studio.vendor.prices = Prices { currency: "USD".to_owned(), per_audio_second: 5_000, ..Prices::default() };
    let calls = DirectCalls::default();
    let options = Options { seconds: Some(6.0), ..Options::default() };
    for (version, is_known) in [("music_v2", true), ("music_v9", false)] {
        let model = ModelChoice { name: "m".into(), provider: "vendor".into(), version: version.into() };
        let call =
            ProviderCall { model: Some(model), ..ProviderCall::alone(&calls, "vendor", Duration::from_secs(60)) };
        let made = studio.client().compose(&SongRequest::new(INSTRUMENTAL, &options), &call).await;
        assert_eq!(made.is_ok(), is_known, "{version}: {made:?}");
    }
    assert_ne!(studio.client().version(), {
        studio.vendor.model = "music_v2".to_owned();
        studio.client().version()
    });
    let cost = studio.vendor.prices.cost(&domain::Usage { audio_seconds: 6.0, ..Default::default() });
    assert_eq!(cost, Some(Cost { micros: 30_000, currency: "USD".to_owned() }));
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_sent() {
    // So many looks find somebody who waits: before the call is made, and right before its request goes out.
    for (looks, asked) in [(0, 0), (1, 0), (2, 1)] {
        let (studio, seen) = (Studio::open().await, AtomicUsize::new(0));
        let is_awaited: IsAwaited = Arc::new(move || seen.fetch_add(1, Ordering::SeqCst) < looks);
        let made = while_awaited(is_awaited, studio.compose(INSTRUMENTAL, 5.0)).await;
        assert_eq!((made.is_ok(), studio.asked(Route::MusicStream)), (asked == 1, asked), "{looks}: {made:?}");
    }
}

#[tokio::test]
async fn the_set_up_is_checked_at_no_cost() {
    let mut studio = Studio::open().await;
    let class = async |studio: &Studio| studio.client().check().await.err().map(|failure| failure.class);
    assert_eq!(class(&studio).await, None);
    let says = |status: u16, body: &str| {
        let (content_type, body) = ("application/json".to_owned(), body.to_owned());
        studio.script(Route::Subscription, [Step::Verbatim { status, content_type, body }]);
    };
    says(401, r#"{"detail": {"status": "missing_permissions", "message": "lacks user_read"}}"#);
    assert_eq!(class(&studio).await, None, "a key that may only compose is good");
    says(200, r#"{"character_count": 9, "character_limit": 9, "can_extend_character_limit": false}"#);
    assert_eq!(class(&studio).await, Some(FailureClass::Money));
    says(200, r#"{"character_count": 9, "character_limit": 9, "can_extend_character_limit": true}"#);
    assert_eq!(class(&studio).await, None);
    says(200, "[]");
    assert_eq!(class(&studio).await, None, "what is not said is not held against it");
    // The account of the stand-in is a creator's.
    for (format, expected) in [("mp3_44100_192", None), ("pcm_44100", Some(FailureClass::Config)), ("auto", None)] {
        studio.vendor.format = Some(format.to_owned());
        assert_eq!(class(&studio).await, expected, "{format}");
    }
    studio.script(Route::Subscription, [Step::Reset { after_work: false }]);
    assert_eq!(class(&studio).await, Some(FailureClass::Transient));
    studio.vendor.api_key = Some(Secret::new("invalid".to_owned()));
    assert_eq!(class(&studio).await, Some(FailureClass::Config));
    assert_eq!(studio.charges(), 0);
}
