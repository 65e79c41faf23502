//! Trainings.

use compose::Options as SongOptions;
use providers::{CallError, DirectCalls, ModelChoice, OutsideProgress, ProviderCall, SongComposer, SongRequest};
use serde_json::{Value, json};
use vendor_standins::{Fault, Options, Pace, Retry, Route, Step};

use super::setting::{REPLICATE, Setting, alone, correlation, over};

pub fn training(destination: &str) -> Value {
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
        setting.replicate.composer().unwrap().compose(&SongRequest::new("folk", &options), &call).await.unwrap();
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
    setting.script(
        Route::CreateModel,
        [Step::Fail { fault: Fault::ServerError, retry: Retry::Absent, after_work: false }],
    );
    refused(training("c")).await;
    assert_eq!(setting.vendors.ledger().len(), 0);
    // An answer that was lost behind the making of the model is none the worse.
    setting.script(Route::CreateModel, [Step::Reset { after_work: true }]);
    service.create(&correlation(), &training("d")).await.unwrap();
}
