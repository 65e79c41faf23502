//! Predictions: asked for once, found, looked at, called off.

use std::time::Duration;

use compose::Options as SongOptions;
use domain::FailureClass;
use providers::{
    Arrival, CallError, DirectCalls, OutsideProgress, SongComposer, SongRequest,
    vendors::replicate::{ModelRef, PredictionRequest},
};
use serde_json::{Value, json};
use vendor_standins::{End, Fault, Options, Pace, Retry, Route, Step};

use super::setting::{REPLICATE, Setting, alone, correlation, music, over, speech};

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
    composer.compose(&SongRequest::new("folk", &options), &alone(&calls)).await.unwrap();
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
    let check = async |request: Value, word: &str| match service.create(&correlation(), &request).await {
        Err(CallError::Refused(failure)) => assert!(failure.message.contains(word), "{failure}"),
        other => panic!("{request}: {other:?}"),
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
    let input =
        json!({"prompt": "folk", "duration": 2, "seed": 0, "output_format": "ogg", "unheard_of": [1], "melody": null});
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
async fn what_is_not_listed_has_never_arrived_only_after_as_long_as_the_settings_say() {
    for (limit, seconds) in [(None, 300), (Some("45000"), 45)] {
        let more: Vec<_> = limit.map(|limit| ("providers.replicate.arrival_ms", limit)).into_iter().collect();
        let setting = Setting::with(Options::default(), &more).await;
        for service in [setting.replicate.predictions(), setting.replicate.trainings().unwrap()] {
            let arrival = async |seconds| service.arrival(&correlation(), Duration::from_secs(seconds)).await.unwrap();
            assert_eq!(arrival(seconds - 1).await, Arrival::NotYetKnown);
            assert_eq!(arrival(seconds).await, Arrival::Never);
        }
        let service = setting.replicate.predictions();
        let mine = correlation();
        let id = service.create(&mine, &music()).await.unwrap();
        assert_eq!(service.arrival(&mine, Duration::from_secs(900)).await.unwrap(), Arrival::Known(id));
    }
}

#[tokio::test]
async fn what_was_asked_for_a_moment_ago_and_is_not_known_yet_is_looked_at_again() {
    let setting = Setting::new().await;
    for service in [setting.replicate.predictions(), setting.replicate.trainings().unwrap()] {
        let young = service.look_at("nobody", Duration::from_secs(59)).await.unwrap_err();
        assert!(young.class == FailureClass::Transient && young.message.contains("yet"), "{young}");
        let old = service.look_at("nobody", Duration::from_secs(60)).await.unwrap();
        assert!(matches!(old, OutsideProgress::Failed { .. }), "{old:?}");
    }
}

#[tokio::test]
async fn whoever_waits_sits_out_that_the_vendor_does_not_know_of_it_yet() {
    let setting = Setting::new().await;
    let lags = Step::Fail { fault: Fault::NotFound, retry: Retry::Absent, after_work: false };
    setting.script(Route::GetPrediction, [lags]);
    let composer = setting.replicate.composer().unwrap();
    let calls = DirectCalls::default();
    let options = SongOptions { seconds: Some(2.0), ..SongOptions::default() };
    composer.compose(&SongRequest::new("folk", &options), &alone(&calls)).await.unwrap();
    assert_eq!(setting.vendors.ledger().len(), 1);
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
async fn what_one_call_is_told_of_coming_back_holds_for_all() {
    for retry in [Retry::Seconds(30), Retry::Date(30), Retry::Millis(30_000), Retry::Text(30)] {
        let setting = Setting::new().await;
        let service = setting.replicate.predictions();
        setting.script(Route::CreatePrediction, [Step::Fail { fault: Fault::RateLimited, retry, after_work: false }]);
        for call in 1..=2 {
            let refused = service.create(&correlation(), &music()).await;
            let Err(CallError::Refused(failure)) = refused else { panic!("{retry:?}, call {call}: {refused:?}") };
            assert_eq!(failure.class, FailureClass::RetryAfter, "{retry:?}, call {call}");
            assert!(failure.retry_after.is_some(), "{retry:?}, call {call}");
        }
        assert_eq!(setting.vendors.asked(REPLICATE, Route::CreatePrediction), 1, "{retry:?}: it is asked all the same");
    }
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
    check(Fault::QuotaExceeded, Retry::Absent, Some(FailureClass::Money)).await;
    check(Fault::BadKey, Retry::Absent, Some(FailureClass::Config)).await;
    check(Fault::Unprocessable, Retry::Absent, Some(FailureClass::Caller)).await;
    check(Fault::EdgeUnknown, Retry::Absent, None).await;
    check(Fault::EdgeTimeout, Retry::Absent, None).await;
    check(Fault::Unavailable, Retry::Absent, Some(FailureClass::Transient)).await;
    check(Fault::Conflict, Retry::Absent, Some(FailureClass::Saturated)).await;
    check(Fault::ServerError, Retry::Absent, None).await;
    check(Fault::RequestTimeout, Retry::Absent, None).await;
    // Last: it is left alone from then on.
    let told = check(Fault::RateLimited, Retry::Text(30), Some(FailureClass::RetryAfter)).await;
    assert_eq!(told, Some(Duration::from_secs(30)));
    assert_eq!(setting.vendors.ledger().len(), 0);
}
