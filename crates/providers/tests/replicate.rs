//! Replicate against the stand-in that misbehaves: nothing is made twice, nothing is believed, nothing hangs.

use std::{
    io::{Read, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chrono::Utc;
use compose::Options as SongOptions;
use domain::{Failure, FailureClass, OutsideCallId};
use outbound::Outbound;
use providers::{
    AudioInput, CallError, Composed, DirectCalls, ModelChoice, OutsideProgress, OutsideService, ProviderCall, Reciter,
    SongComposer, Stop, no_progress,
    vendors::replicate::{ModelRef, PredictionRequest, Replicate, WithAudio},
};
use resilience::ids::random10;
use serde_json::{Value, json};
use settings::{LoadOptions, Settings};
use url::Url;
use vendor_standins::{End, Fault, Options, Pace, Retry, Route, Run, Sound, Step, Vendor, Vendors};

const REPLICATE: Vendor = Vendor::Replicate;

struct Setting {
    vendors: Vendors,
    replicate: Replicate,
}

impl Setting {
    async fn new() -> Self {
        Self::with(Options::default(), &[]).await
    }

    async fn with(options: Options, more: &[(&'static str, &str)]) -> Self {
        let vendors = Vendors::start_with(options).await.unwrap();
        let replicate = made(&vendors, more);
        Self { vendors, replicate }
    }

    fn script(&self, route: Route, steps: impl IntoIterator<Item = Step>) {
        self.vendors.script(REPLICATE, route, steps);
    }

    /// The next prediction ends so.
    fn ends(&self, end: End) {
        self.script(Route::CreatePrediction, [Step::Run(Run { end, ..Run::default() })]);
    }
}

fn made(vendors: &Vendors, more: &[(&'static str, &str)]) -> Replicate {
    let settings = LoadOptions::default()
        .with("providers.replicate.base_url", format!("{}/v1", vendors.url_of(REPLICATE)))
        .with("providers.replicate.api_key", "a-key")
        .with("providers.replicate.owner", vendor_standins::USER)
        .with("providers.replicate.output_hosts", "127.0.0.1")
        .with("providers.replicate.timeout_ms", "2000")
        .with("providers.replicate.price_per_compute_second", "0.001")
        .with("outbound.allow_hosts", "127.0.0.1");
    let settings = more.iter().fold(settings, |settings, (key, value)| settings.with(key, *value));
    let settings = Settings::load(&settings).unwrap_or_else(|problems| panic!("{problems}"));
    let vendor = settings.vendors.iter().find(|vendor| vendor.name == "replicate").unwrap();
    let outbound = Outbound::new(&settings.outbound).unwrap();
    Replicate::new(&outbound, vendor, settings.http.public_url.as_ref()).unwrap()
}

fn correlation() -> String {
    OutsideCallId::new(Utc::now(), random10()).to_string()
}

fn music() -> Value {
    PredictionRequest::new(&ModelRef::musicgen(), json!({"prompt": "folk", "duration": 2, "seed": 0})).to_json()
}

fn speech() -> Value {
    let input = json!({"prompt": "a paper boat", "text_temp": 0.7, "waveform_temp": 0.7});
    PredictionRequest::new(&ModelRef::bark(), input).to_json()
}

/// Looks until it is over.
async fn over(service: &dyn OutsideService, id: &str) -> OutsideProgress {
    testbed::eventually("the end of the work", Duration::from_secs(20), || async {
        match service.look(id).await.map_err(|failure| failure.to_string())? {
            OutsideProgress::Working { .. } => Err("it works".to_owned()),
            over => Ok(over),
        }
    })
    .await
}

fn alone(calls: &DirectCalls) -> ProviderCall<'_> {
    ProviderCall::alone(calls, "replicate", Duration::from_secs(30))
}

/// The frames a second of a WAV file and its seconds.
fn wav(audio: &AudioInput) -> (u32, f64) {
    let mut bytes = Vec::new();
    audio.reopen().unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(&bytes[..4], b"RIFF");
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(24), f64::from(number(40)) / f64::from(number(28)))
}

#[tokio::test]
async fn music_is_composed_as_long_as_was_asked_for() {
    let setting = Setting::new().await;
    let composer = setting.replicate.composer().unwrap();
    let calls = DirectCalls::default();
    let options = SongOptions { seconds: Some(5.0), ..SongOptions::default() };
    let Composed::Sound(sound) = composer.compose("a walk by the sea", &options, &alone(&calls)).await.unwrap() else {
        panic!("MusicGen makes sound")
    };
    assert_eq!(wav(&sound), (32_000, 5.0));
    let abilities = setting.replicate.abilities("compositions");
    assert!(abilities.never_sings && abilities.longest_seconds == Some(30.0));
    assert_eq!(setting.vendors.ledger().len(), 1);
}

#[tokio::test]
async fn a_model_by_name_is_the_one_that_is_asked() {
    let setting = Setting::new().await;
    let composer = setting.replicate.composer().unwrap();
    let calls = DirectCalls::default();
    let asked = async |version: &str| {
        let model = ModelChoice { name: "mine".into(), provider: "replicate".into(), version: version.into() };
        let call = ProviderCall { model: Some(model), ..alone(&calls) };
        let options = SongOptions { seconds: Some(2.0), ..SongOptions::default() };
        composer.compose("folk", &options, &call).await
    };
    asked(&ModelRef::musicgen().to_string()).await.unwrap();
    for invented in ["f".repeat(64), "mine".to_owned(), "descant/none:1".to_owned()] {
        let Err(Stop::Failed(failure)) = asked(&invented).await else { panic!("{invented} is nobody's version") };
        assert!(matches!(failure.class, FailureClass::Config | FailureClass::Caller), "{failure}");
    }
    assert_eq!(setting.vendors.ledger().len(), 1);
}

#[tokio::test]
async fn words_are_spoken_and_never_too_many() {
    let setting = Setting::new().await;
    let reciter = setting.replicate.reciter().unwrap();
    let calls = DirectCalls::default();
    let heard = reciter.recite("a paper boat goes by", "en", "line 1", &no_progress(), &alone(&calls)).await.unwrap();
    let (rate, seconds) = wav(&heard);
    assert!(rate == 24_000 && seconds > 0.5, "{rate} {seconds}");
    let long = "la ".repeat(100);
    assert!(long.len() > reciter.most_chars());
    assert!(reciter.recite(&long, "en", "line 2", &no_progress(), &alone(&calls)).await.is_err());
    assert_eq!(setting.vendors.ledger().len(), 1);
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_found_and_not_repeated() {
    for step in [
        Step::Reset { after_work: true },
        Step::Close { after_work: true },
        Step::CutBody,
        Step::Fail { fault: Fault::BadGateway, retry: Retry::Absent, after_work: true },
        Step::Hang { after_work: true },
    ] {
        for request in [music(), speech()] {
            let setting = Setting::new().await;
            let service = setting.replicate.predictions();
            setting.script(Route::CreatePrediction, [step.clone()]);
            let mine = correlation();
            let lost = service.create(&mine, &request).await;
            assert!(matches!(lost, Err(CallError::Unanswered(_))), "{step:?}: {lost:?}");
            let id = service.find(&mine).await.unwrap().unwrap_or_else(|| panic!("{step:?}: not found"));
            assert!(matches!(over(&*service, &id).await, OutsideProgress::Succeeded { .. }));
            assert_eq!(setting.vendors.ledger().len(), 1, "{step:?}");
            assert_eq!(setting.vendors.asked(REPLICATE, Route::CreatePrediction), 1, "{step:?}");
        }
    }
}

#[tokio::test]
async fn whoever_waits_for_a_lost_answer_gets_the_result_of_the_one_request() {
    let setting = Setting::new().await;
    setting.script(Route::CreatePrediction, [Step::Reset { after_work: true }]);
    let composer = setting.replicate.composer().unwrap();
    let calls = DirectCalls::default();
    let options = SongOptions { seconds: Some(2.0), ..SongOptions::default() };
    composer.compose("folk", &options, &alone(&calls)).await.unwrap();
    assert_eq!(setting.vendors.ledger().len(), 1);
    assert!(setting.vendors.paid_twice().is_empty());
}

#[tokio::test]
async fn of_equal_requests_at_the_same_time_each_finds_its_own() {
    let setting = Setting::with(Options { page: 2, pace: Pace::Manual, ..Options::default() }, &[]).await;
    let service = setting.replicate.predictions();
    for request in [music(), speech()] {
        let mut made = Vec::new();
        for _ in 0..5 {
            let mine = correlation();
            made.push((service.create(&mine, &request).await.unwrap(), mine));
        }
        for (id, mine) in &made {
            assert_eq!(service.find(mine).await.unwrap().as_ref(), Some(id));
        }
        assert_eq!(service.find(&correlation()).await.unwrap(), None, "what was never asked for is nobody's");
    }
    setting.script(Route::CreatePrediction, [Step::Reset { after_work: false }]);
    let mine = correlation();
    assert!(service.create(&mine, &music()).await.is_err());
    assert_eq!(service.find(&mine).await.unwrap(), None, "it never arrived");
}

#[tokio::test]
async fn what_could_not_be_found_again_is_not_asked_for() {
    let setting = Setting::new().await;
    let service = setting.replicate.predictions();
    let check = async |request: Value, word: &str| {
        match service.create(&correlation(), &request).await {
            Err(CallError::Refused(failure)) => assert!(failure.message.contains(word), "{failure}"),
            other => panic!("{request}: {other:?}"),
        }
    };
    check(PredictionRequest::new(&ModelRef::bark(), json!({"prompt": "la"})).to_json(), "seed").await;
    check(PredictionRequest::new(&ModelRef::bark(), json!({"text_temp": 0.7})).to_json(), "prompt").await;
    check(json!({"model": "no name", "input": {}}), "no name").await;
    check(json!({"input": 7}), "request").await;
    assert_eq!(setting.vendors.ledger().len(), 0);
}

#[tokio::test]
async fn an_input_is_held_against_the_versions_own_schema_once() {
    let setting = Setting::new().await;
    let service = setting.replicate.predictions();
    let input = json!({"prompt": "folk", "duration": 2, "seed": 0, "output_format": "ogg", "unheard_of": [1], "melody": null});
    for _ in 0..3 {
        let request = PredictionRequest::new(&ModelRef::musicgen(), input.clone()).to_json();
        let id = service.create(&correlation(), &request).await.unwrap();
        assert!(matches!(over(&*service, &id).await, OutsideProgress::Succeeded { .. }));
    }
    assert_eq!(setting.vendors.asked(REPLICATE, Route::GetVersion), 1);
}

#[tokio::test]
async fn every_end_is_told_for_what_it_is() {
    let setting = Setting::new().await;
    let service = setting.replicate.predictions();
    let check = async |end: End, word: &str, is_paid: bool| {
        setting.ends(end.clone());
        let id = service.create(&correlation(), &speech()).await.unwrap();
        match over(&*service, &id).await {
            OutsideProgress::Failed { failure, cost, .. } => {
                assert!(failure.message.contains(word), "{end:?}: {failure}");
                assert_eq!(failure.class, FailureClass::Transient, "{end:?}");
                assert_eq!(cost.is_some_and(|cost| cost.micros > 0), is_paid, "{end:?}");
            }
            other => panic!("{end:?}: {other:?}"),
        }
    };
    check(End::Fails("E8765".to_owned()), "E8765", true).await;
    check(End::Canceled, "called off", true).await;
    check(End::Aborted, "did not begin", false).await;
    check(End::UnknownStatus, "expired", true).await;
    check(End::Removed, "deleted", true).await;
    check(End::Output(json!(null)), "without a result", true).await;
    check(End::Output(json!({"audio_out": null})), "without a result", true).await;
    let id = service.create(&correlation(), &speech()).await.unwrap();
    let OutsideProgress::Succeeded { value, files, usage, cost } = over(&*service, &id).await else {
        panic!("it succeeds")
    };
    assert_eq!((value["model"].as_str(), files.len()), (Some("suno-ai/bark"), 1));
    assert!(usage.compute_seconds > 0.0);
    assert_eq!(cost.unwrap().micros, (usage.compute_seconds * 1000.0 - 1e-6).ceil() as i64);
    setting.vendors.expire(&id);
    let OutsideProgress::Failed { failure, .. } = over(&*service, &id).await else { panic!("it has gone") };
    assert!(failure.message.contains("deleted"), "{failure}");
    assert!(matches!(service.look("nobody").await.unwrap(), OutsideProgress::Failed { .. }));
}

#[tokio::test]
async fn work_is_looked_at_until_it_is_over_and_called_off_once() {
    let setting = Setting::with(Options { pace: Pace::Manual, ..Options::default() }, &[]).await;
    let service = setting.replicate.predictions();
    let id = service.create(&correlation(), &music()).await.unwrap();
    for _ in 0..2 {
        let looked = service.look(&id).await.unwrap();
        let OutsideProgress::Working { look_again_in, .. } = looked else { panic!("{looked:?}") };
        assert!(look_again_in >= Duration::from_secs(1));
        if setting.vendors.asked(REPLICATE, Route::GetPrediction) == 1 {
            assert!(setting.vendors.advance(&id));
        }
    }
    for _ in 0..2 {
        service.cancel(&id).await.unwrap();
    }
    service.cancel("nobody").await.unwrap();
    assert!(service.cancel("../account").await.is_err() && service.look("a/b").await.is_err());
    assert!(matches!(service.look(&id).await.unwrap(), OutsideProgress::Failed { .. }));
}

#[tokio::test]
async fn errors_say_whether_anything_was_made() {
    let setting = Setting::new().await;
    let service = setting.replicate.predictions();
    let check = async |fault: Fault, retry: Retry, class: Option<FailureClass>| {
        setting.script(Route::CreatePrediction, [Step::Fail { fault, retry, after_work: false }]);
        match (service.create(&correlation(), &music()).await, class) {
            (Err(CallError::Refused(failure)), Some(class)) => {
                assert_eq!(failure.class, class, "{fault:?}: {failure}");
                failure.retry_after
            }
            (Err(CallError::Unanswered(_)), None) => None,
            other => panic!("{fault:?}: {other:?}"),
        }
    };
    let told = check(Fault::RateLimited, Retry::Text(30), Some(FailureClass::RetryAfter)).await;
    assert_eq!(told, Some(Duration::from_secs(30)));
    check(Fault::QuotaExceeded, Retry::Absent, Some(FailureClass::Money)).await;
    check(Fault::BadKey, Retry::Absent, Some(FailureClass::Config)).await;
    check(Fault::Unprocessable, Retry::Absent, Some(FailureClass::Caller)).await;
    check(Fault::Conflict, Retry::Absent, Some(FailureClass::Saturated)).await;
    check(Fault::ServerError, Retry::Absent, None).await;
    check(Fault::RequestTimeout, Retry::Absent, None).await;
    assert_eq!(setting.vendors.ledger().len(), 0);
}

/// Downloads what a prediction with this output answers.
async fn downloaded(setting: &Setting, output: Value) -> Result<u64, Failure> {
    setting.ends(End::Output(output));
    let service = setting.replicate.predictions();
    let id = service.create(&correlation(), &speech()).await.unwrap();
    let OutsideProgress::Succeeded { files, .. } = over(&*service, &id).await else { panic!("it succeeds") };
    let file = providers::download(&*service, &files[0]).await?;
    Ok(file.metadata().unwrap().len())
}

#[tokio::test]
async fn an_output_at_an_address_that_is_nobodys_business_is_not_fetched() {
    let setting = Setting::with(Options::default(), &[("outbound.allow_hosts", "")]).await;
    for address in [
        "http://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/out.wav",
        "https://replicate.delivery.example.com/out.wav",
        "https://127.0.0.1/out.wav",
        "http://localhost/out.wav",
    ] {
        let failure = downloaded(&setting, json!({ "audio_out": address })).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Config, "{address}: {failure}");
        assert!(failure.message.contains("output_hosts") && !failure.message.contains("meta-data"), "{failure}");
    }
    assert_eq!(setting.vendors.asked(REPLICATE, Route::Delivery), 0);
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_not_followed() {
    let setting = Setting::new().await;
    let there = json!({"audio_out": format!("{}/delivery/a/out.wav", setting.vendors.url())});
    for to in ["http://169.254.169.254/latest", "https://192.168.1.1/out.wav", "http://localhost:1/out.wav"] {
        setting.script(Route::Delivery, [Step::Redirect { to: to.to_owned() }]);
        let failure = downloaded(&setting, there.clone()).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Config, "{to}: {failure}");
    }
}

#[tokio::test]
async fn a_download_that_breaks_off_is_had_later_and_a_huge_one_never() {
    let setting = Setting::new().await;
    let service = setting.replicate.predictions();
    let id = service.create(&correlation(), &speech()).await.unwrap();
    let OutsideProgress::Succeeded { files, .. } = over(&*service, &id).await else { panic!("it succeeds") };
    let again = async |step: Step| {
        setting.script(Route::Delivery, [step]);
        providers::download(&*service, &files[0]).await
    };
    let whole = again(Step::Proper).await.unwrap().metadata().unwrap().len();
    for step in [
        Step::CutBody,
        Step::Reset { after_work: false },
        Step::Fail { fault: Fault::Unavailable, retry: Retry::Absent, after_work: false },
    ] {
        let failure = again(step.clone()).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Transient, "{step:?}: {failure}");
    }
    // What an attempt left behind does not stay.
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&vec![7; 3 * whole as usize]).unwrap();
    service.download(&files[0], &mut file).await.unwrap();
    assert_eq!(file.metadata().unwrap().len(), whole);
    let failure = again(Step::Oversized { bytes: 300 << 20 }).await.unwrap_err();
    assert!(failure.class == FailureClass::Config && failure.message.contains("MiB"), "{failure}");
    setting.vendors.expire(&id);
    let failure = again(Step::Proper).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Config, "{failure}");
}

#[tokio::test]
async fn what_is_no_sound_is_handed_on_as_it_came() {
    let setting = Setting::new().await;
    setting.ends(End::Audio(Sound::NotAudio));
    let reciter = setting.replicate.reciter().unwrap();
    let calls = DirectCalls::default();
    let heard = reciter.recite("a boat", "en", "line 1", &no_progress(), &alone(&calls)).await.unwrap();
    let mut text = String::new();
    heard.reopen().unwrap().read_to_string(&mut text).unwrap();
    assert!(text.starts_with("<!doctype html>"), "whoever decodes it finds that out");
}

#[tokio::test]
async fn a_melody_goes_along_or_is_uploaded_before() {
    let setting = Setting::new().await;
    let composer = setting.replicate.composer().unwrap();
    let calls = DirectCalls::default();
    let recording = |bytes: usize| {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"RIFF").unwrap();
        file.write_all(&vec![0; bytes]).unwrap();
        AudioInput::new(file).unwrap()
    };
    composer.play("folk", 2.0, Some(&recording(1000)), "small", &alone(&calls)).await.unwrap();
    assert_eq!(setting.vendors.asked(REPLICATE, Route::CreateFile), 0);
    composer.play("folk", 2.0, Some(&recording(300_000)), "large", &alone(&calls)).await.unwrap();
    assert_eq!(setting.vendors.asked(REPLICATE, Route::CreateFile), 1);
    setting.script(Route::CreateFile, [Step::Reset { after_work: true }]);
    let failed = composer.play("folk", 2.0, Some(&recording(300_000)), "again", &alone(&calls)).await;
    assert!(matches!(failed, Err(Stop::Failed(_))), "nothing was asked for, so it may be asked again");
    assert_eq!(setting.vendors.ledger().len(), 2);
}

#[tokio::test]
async fn a_recording_is_read_only_where_something_is_created() {
    let setting = Setting::new().await;
    let trainer = setting.replicate.trainer().unwrap();
    assert_eq!(trainer.provider(), "replicate/trainings");
    let file = tempfile::tempfile().unwrap();
    let audio = AudioInput::new(file).unwrap();
    let predictions = setting.replicate.prediction_service();
    let service = WithAudio::new(&predictions, "input_audio", &audio);
    assert_eq!((service.provider(), service.credential()), ("replicate", "default"));
    assert_eq!(service.find(&correlation()).await.unwrap(), None);
    assert_eq!(setting.vendors.asked(REPLICATE, Route::CreateFile), 0);
}

fn training(destination: &str) -> Value {
    json!({"destination": destination, "input": {"dataset_path": "https://files.test/data.zip"}})
}

#[tokio::test]
async fn a_training_makes_a_version_that_composes() {
    let setting = Setting::new().await;
    let service = setting.replicate.trainings().unwrap();
    for _ in 0..2 {
        let id = service.create(&correlation(), &training("harbor-1")).await.unwrap();
        let OutsideProgress::Succeeded { value, cost, .. } = over(&*service, &id).await else { panic!("it succeeds") };
        assert_eq!(value["model"], format!("{}/harbor-1", vendor_standins::USER));
        assert!(cost.is_some());
        let version = format!("{}:{}", value["model"].as_str().unwrap(), value["version"].as_str().unwrap());
        let model = ModelChoice { name: "mine".into(), provider: "replicate".into(), version: version.into() };
        let calls = DirectCalls::default();
        let call = ProviderCall { model: Some(model), ..alone(&calls) };
        let options = SongOptions { seconds: Some(2.0), ..SongOptions::default() };
        setting.replicate.composer().unwrap().compose("folk", &options, &call).await.unwrap();
    }
    assert_eq!(setting.vendors.asked(REPLICATE, Route::CreateModel), 1, "it is there already");
}

#[tokio::test]
async fn a_training_whose_answer_was_lost_is_found_and_not_repeated() {
    let setting = Setting::with(Options { page: 1, pace: Pace::Manual, ..Options::default() }, &[]).await;
    let service = setting.replicate.trainings().unwrap();
    let (mine, others) = (correlation(), correlation());
    setting.script(Route::CreateTraining, [Step::Close { after_work: true }]);
    assert!(matches!(service.create(&mine, &training("a")).await, Err(CallError::Unanswered(_))));
    let other = service.create(&others, &training("a")).await.unwrap();
    let found = service.find(&mine).await.unwrap().unwrap();
    assert_ne!(found, other);
    assert_eq!(service.find(&others).await.unwrap(), Some(other));
    assert!(matches!(service.look(&found).await.unwrap(), OutsideProgress::Working { .. }));
    service.cancel(&found).await.unwrap();
    assert!(matches!(service.look(&found).await.unwrap(), OutsideProgress::Failed { .. }));
    assert_eq!(setting.vendors.asked(REPLICATE, Route::CreateTraining), 2);
}

#[tokio::test]
async fn a_training_that_cannot_be_begun_costs_nothing() {
    let setting = Setting::new().await;
    let service = setting.replicate.trainings().unwrap();
    let refused = async |request: Value| {
        let answer = service.create(&correlation(), &request).await;
        assert!(matches!(answer, Err(CallError::Refused(_))), "{answer:?}");
    };
    refused(training("no/name")).await;
    refused(json!({"destination": "b", "input": {}})).await;
    refused(json!({})).await;
    setting.script(Route::CreateModel, [Step::Fail { fault: Fault::ServerError, retry: Retry::Absent, after_work: false }]);
    refused(training("c")).await;
    assert_eq!(setting.vendors.ledger().len(), 0);
    // An answer that was lost behind the making of the model is none the worse.
    setting.script(Route::CreateModel, [Step::Reset { after_work: true }]);
    service.create(&correlation(), &training("d")).await.unwrap();
}

#[tokio::test]
async fn the_set_up_is_checked_at_no_cost() {
    let setting = Setting::new().await;
    setting.replicate.check().check().await.unwrap();
    let invented = "f".repeat(64);
    let secret = setting.vendors.webhook_secret();
    let check = async |key: &'static str, value: &str, word: Option<&str>| {
        let checked = made(&setting.vendors, &[(key, value)]).check().check().await;
        match (checked, word) {
            (Ok(()), None) => {}
            (Err(failure), Some(word)) => {
                assert!(failure.class == FailureClass::Config && failure.message.contains(word), "{failure}");
            }
            (other, _) => panic!("{key} = {value}: {other:?}"),
        }
    };
    check("providers.replicate.vocals_version", &invented, Some("vocals_version")).await;
    check("providers.replicate.music_version", &format!("meta/musicgen:{invented}"), Some(&invented)).await;
    check("providers.replicate.music_version", "google/lyria-2", None).await;
    check("providers.replicate.trainer_version", "acme/trainer", Some("trainer_version")).await;
    check("providers.replicate.webhook_secret", "whsec_b3RoZXI=", Some("webhook_secret")).await;
    check("providers.replicate.webhook_secret", &secret, None).await;
    check("providers.replicate.api_key", "invalid", Some("key")).await;
    assert_eq!(setting.vendors.ledger().len(), 0);
}

/// A prediction's request as the vendor got it: the ledger has the correlation of its webhook.
#[tokio::test]
async fn the_vendor_is_asked_to_tell_of_the_end_where_it_can() {
    let check = async |public: Option<&str>, is_told: bool| {
        let more: Vec<(&'static str, &str)> = public.iter().map(|public| ("http.public_url", *public)).collect();
        let setting = Setting::with(Options { pace: Pace::Manual, ..Options::default() }, &more).await;
        let mine = correlation();
        setting.replicate.predictions().create(&mine, &music()).await.unwrap();
        setting.replicate.trainings().unwrap().create(&mine, &training("t")).await.unwrap();
        for charge in setting.vendors.ledger() {
            assert_eq!(charge.correlation, is_told.then(|| mine.clone()), "{public:?}");
        }
    };
    check(Some("https://music.example"), true).await;
    check(Some("http://music.example"), false).await;
    check(None, false).await;
}

struct Refuses(Mutex<Vec<String>>);

#[async_trait]
impl outbound::Resolver for Refuses {
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<std::net::IpAddr>> {
        self.0.lock().unwrap().push(host.to_owned());
        Ok(vec!["10.1.2.3".parse().unwrap()])
    }
}

#[tokio::test]
async fn a_host_of_outputs_whose_name_leads_to_a_private_address_is_refused() {
    let vendors = Vendors::start().await;
    let settings = LoadOptions::default()
        .with("providers.replicate.base_url", format!("{}/v1", vendors.url_of(REPLICATE)))
        .with("providers.replicate.api_key", "a-key");
    let settings = Settings::load(&settings).unwrap();
    let resolver = Arc::new(Refuses(Mutex::default()));
    let outbound = Outbound::with_resolver(&settings.outbound, resolver.clone()).unwrap();
    let replicate = Replicate::new(&outbound, &settings.vendors[0], None).unwrap();
    let at = Url::parse("https://a.replicate.delivery/out.wav").unwrap();
    let failure = providers::download(&*replicate.predictions(), &at).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Config, "{failure}");
    assert_eq!(*resolver.0.lock().unwrap(), ["a.replicate.delivery"]);
}
