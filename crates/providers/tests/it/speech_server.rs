//! Speech in the form of OpenAI's `audio/speech`, against a server that speaks like it and misbehaves when told to.

use std::time::Duration;

use domain::{FailureClass, Prices};
use providers::{
    AudioInput, DirectCalls, ProviderCall, Reciter as _, SetupCheck as _, SetupError, Stop, no_progress,
    vendors::speech::SpeechServer,
};
use settings::{Secret, Vendor, VendorKind};
use vendor_standins::{Fault, Retry, Route, Sound, Step, Vendor as Whose, Vendors};

use crate::sound_vendors::{Ended, beginning, ended, outbound, shape, vendor};

const TEXT: &str = "A paper boat goes down the river";

struct Desk {
    vendors: Vendors,
    vendor: Vendor,
}

impl Desk {
    async fn open() -> Self {
        let vendors = Vendors::start().await;
        let vendor = vendor(VendorKind::Speech, &format!("{}/v1", vendors.url_of(Whose::OpenAi)));
        Self { vendors, vendor }
    }

    fn script(&self, route: Route, steps: impl IntoIterator<Item = Step>) {
        self.vendors.script(Whose::OpenAi, route, steps);
    }

    fn client(&self) -> SpeechServer {
        SpeechServer::new(&outbound(), &self.vendor).unwrap()
    }

    async fn recite(&self, client: &SpeechServer, text: &str, language: &str) -> Result<AudioInput, Stop> {
        let calls = DirectCalls::default();
        let call = ProviderCall::alone(&calls, "vendor", Duration::from_secs(60));
        client.recite(text, language, "line 1", &no_progress(), &call).await
    }

    async fn spoken(&self) -> Result<AudioInput, Stop> {
        self.recite(&self.client(), TEXT, "en").await
    }

    fn asked(&self) -> usize {
        self.vendors.asked(Whose::OpenAi, Route::Speech)
    }
}

fn fail(fault: Fault) -> Step {
    Step::Fail { fault, retry: Retry::Absent, after_work: false }
}

#[tokio::test]
async fn a_text_is_spoken() {
    let desk = Desk::open().await;
    let sound = desk.spoken().await.unwrap();
    let (seconds, channels, rate_hz) = shape(&sound);
    assert!((1.5..5.0).contains(&seconds) && (channels, rate_hz) == (1, 24_000), "{seconds} {channels} {rate_hz}");
    assert_eq!((&beginning(&sound), desk.asked()), (b"RIFF", 1));
    assert!(desk.vendors.ledger().iter().all(|charge| charge.request_id.is_some()), "it is told the id of the call");
    let longer = desk.recite(&desk.client(), &TEXT.repeat(4), "en-US").await.unwrap();
    assert!(shape(&longer).0 > 3.0 * seconds);
}

#[tokio::test]
async fn a_server_without_wav_is_asked_for_mp3() {
    let desk = Desk::open().await;
    let client = desk.client();
    for fault in [Fault::BadRequest, Fault::Unprocessable] {
        desk.script(Route::Speech, [fail(fault)]);
        let fresh = desk.client();
        assert_ne!(&beginning(&desk.recite(&fresh, TEXT, "en").await.unwrap()), b"RIFF", "{fault:?}");
    }
    desk.script(Route::Speech, [fail(Fault::BadRequest)]);
    desk.recite(&client, TEXT, "en").await.unwrap();
    let asked = desk.asked();
    desk.recite(&client, TEXT, "en").await.unwrap();
    assert_eq!(desk.asked() - asked, 1, "it is not tried again");
    // What is wrong with the text is wrong in every format.
    desk.script(Route::Speech, [fail(Fault::BadRequest), fail(Fault::BadRequest)]);
    let stop = desk.spoken().await.unwrap_err();
    assert_eq!((ended(&stop), stop.into_failure().class), (Ended::Failed, FailureClass::Caller));
}

#[tokio::test]
async fn a_format_that_is_set_is_asked_for_and_no_other() {
    let mut desk = Desk::open().await;
    desk.vendor.format = Some("mp3".to_owned());
    assert_ne!(&beginning(&desk.spoken().await.unwrap()), b"RIFF");
    assert_eq!(desk.asked(), 1);
    desk.script(Route::Speech, [fail(Fault::BadRequest)]);
    assert_eq!(ended(&desk.spoken().await.unwrap_err()), Ended::Failed);
    assert_eq!(desk.asked(), 2);
    for none in ["pcm", "ogg", "mp3_44100_128"] {
        desk.vendor.format = Some(none.to_owned());
        let refused = SpeechServer::new(&outbound(), &desk.vendor);
        assert!(matches!(refused, Err(SetupError::Format { .. })), "{none}");
    }
}

#[tokio::test]
async fn a_text_that_is_longer_than_the_vendor_takes_is_not_sent() {
    let mut desk = Desk::open().await;
    desk.vendor.limits.text_chars = TEXT.len();
    desk.spoken().await.unwrap();
    let longer = desk.recite(&desk.client(), &format!("{TEXT}s"), "en").await.unwrap_err();
    assert_eq!((ended(&longer), desk.asked()), (Ended::NotAsked, 1));
}

#[tokio::test]
async fn an_error_is_told_for_what_it_is() {
    use FailureClass::{Config, Money, RetryAfter, Transient};
    let desk = Desk::open().await;
    for (fault, class, ends) in [
        (Fault::QuotaExceeded, Money, Ended::Failed),
        (Fault::RateLimited, RetryAfter, Ended::Failed),
        (Fault::Overloaded, Transient, Ended::Failed),
        // It may have broken behind the work.
        (Fault::ServerError, Transient, Ended::GivenUp),
        (Fault::BadKey, Config, Ended::Failed),
        (Fault::NotFound, Config, Ended::Failed),
    ] {
        desk.script(Route::Speech, [fail(fault)]);
        let stop = desk.spoken().await.unwrap_err();
        assert_eq!((ended(&stop), stop.into_failure().class), (ends, class), "{fault:?}");
    }
    assert_eq!(desk.vendors.ledger().len(), 0);
}

#[tokio::test]
/// A price that nobody wrote down is no proof that nothing is charged.
async fn a_lost_answer_of_a_server_with_a_key_is_not_asked_for_again() {
    let mut desk = Desk::open().await;
    desk.vendor.timeout = Duration::from_millis(1_500);
    let lost = || {
        [
            Step::Reset { after_work: true },
            Step::Close { after_work: true },
            Step::Hang { after_work: true },
            Step::CutBody,
            Step::SlowBody { ms: 5 },
        ]
    };
    for price in [0, 15] {
        desk.vendor.prices = Prices { per_audio_second: price, ..desk.vendor.prices.clone() };
        for step in lost() {
            desk.script(Route::Speech, [step.clone()]);
            assert_eq!(ended(&desk.spoken().await.unwrap_err()), Ended::GivenUp, "{step:?} at {price}");
        }
    }
}

#[tokio::test]
async fn what_is_no_speech_is_not_taken() {
    let desk = Desk::open().await;
    for step in [
        Step::Audio(Sound::NotAudio),
        Step::Audio(Sound::Empty),
        Step::Audio(Sound::Silent),
        Step::Oversized { bytes: 60_000_000 },
        Step::Verbatim { status: 200, content_type: "audio/wav".to_owned(), body: "RIFF".to_owned() },
    ] {
        desk.script(Route::Speech, [step.clone()]);
        assert_eq!(ended(&desk.spoken().await.unwrap_err()), Ended::GivenUp, "{step:?}");
    }
    desk.script(Route::Speech, [Step::ContentType("text/plain".to_owned())]);
    assert!(desk.spoken().await.is_ok(), "a type is not believed");
}

#[tokio::test]
async fn what_it_does_not_speak_is_not_sent() {
    let mut desk = Desk::open().await;
    let most = desk.client().most_chars();
    for (text, language) in [("", "en"), (" \n", "en"), (&*"x".repeat(most + 1), "en"), (TEXT, "es")] {
        let stop = desk.recite(&desk.client(), text, language).await.unwrap_err();
        assert_eq!(ended(&stop), Ended::NotAsked, "{} characters of {language}: {stop:?}", text.len());
    }
    assert_eq!(desk.asked(), 0);
    desk.vendor.languages = Some(vec!["es".parse().unwrap()]);
    assert!(desk.recite(&desk.client(), TEXT, "es").await.is_ok());
    let longest = "la ".repeat(most / 3);
    assert!(desk.recite(&desk.client(), &longest, "es").await.is_ok(), "{} characters", longest.len());
}

#[tokio::test]
async fn the_set_up_is_checked_at_no_cost() {
    let mut desk = Desk::open().await;
    let class = async |desk: &Desk| desk.client().check().await.err().map(|failure| failure.class);
    assert_eq!(class(&desk).await, None);
    // Servers that do not tell their voices, or nothing at all.
    desk.script(Route::Voices, [fail(Fault::NotFound)]);
    assert_eq!((class(&desk).await, desk.vendors.asked(Whose::OpenAi, Route::Models)), (None, 1));
    desk.script(Route::Voices, [fail(Fault::NotFound)]);
    desk.script(Route::Models, [fail(Fault::NotFound)]);
    assert_eq!(class(&desk).await, None);
    let says = |body: &str| {
        let (content_type, body) = ("application/json".to_owned(), body.to_owned());
        desk.script(Route::Voices, [Step::Verbatim { status: 200, content_type, body }]);
    };
    for (body, expected) in [
        (r#"{"voices": [{"id": "af_heart", "name": "Heart"}]}"#, None),
        (r#"{"voices": [{"id": "am_adam"}]}"#, Some(FailureClass::Config)),
        (r#"{"voices": []}"#, None),
        (r#"["af_heart"]"#, None),
        ("<html>", None),
    ] {
        says(body);
        assert_eq!(class(&desk).await, expected, "{body}");
    }
    desk.script(Route::Voices, [Step::Reset { after_work: false }]);
    assert_eq!(class(&desk).await, Some(FailureClass::Transient));
    for (voice, expected) in [("nobody", Some(FailureClass::Config)), ("af_heart+af_bella(2)", None)] {
        desk.vendor.voice = Some(voice.to_owned());
        assert_eq!(class(&desk).await, expected, "{voice}");
    }
    desk.vendor.api_key = Some(Secret::new("invalid".to_owned()));
    assert_eq!(class(&desk).await, Some(FailureClass::Config));
    assert_eq!(desk.vendors.ledger().len(), 0);
}
