//! Whether the settings are right.

use domain::{
    Failure, FailureClass,
    registry::{ModelPath, ModelVersion},
};
use providers::{Part, PartCheck, vendors::replicate::ModelRef};
use vendor_standins::{Fault, Options, Pace, Retry, Route, Step};

use super::{
    setting::{Setting, correlation, made, music},
    trainings::training,
};

#[tokio::test]
async fn the_set_up_is_checked_at_no_cost() {
    let setting = Setting::new().await;
    let invented = "f".repeat(64);
    let secret = setting.vendors.webhook_secret();
    // What is wrong with which parts, by the word that tells it.
    let check = async |key: &'static str, value: &str, wrong: &[(Part, &str)]| {
        let check = made(&setting.vendors, &[(key, value)]).check();
        check.check().await.unwrap();
        let parts = check.check_parts().await;
        let found: Vec<(Part, Failure)> =
            parts.into_iter().filter_map(|PartCheck { part, found }| Some((part, found.err()?))).collect();
        assert_eq!(found.len(), wrong.len(), "{key} = {value}: {found:?}");
        for ((part, failure), (expected, word)) in found.iter().zip(wrong) {
            assert_eq!((part, failure.class), (expected, FailureClass::Config), "{failure}");
            assert!(failure.message.contains(word), "{failure}");
        }
    };
    let does = Part::Capability;
    let music = [(does("compositions"), "music_version")];
    check("providers.replicate.timeout_ms", "3000", &[]).await;
    check("providers.replicate.vocals_version", &invented, &[(does("vocals"), "vocals_version")]).await;
    check("providers.replicate.music_version", &format!("meta/musicgen:{invented}"), &music).await;
    check("providers.replicate.music_version", "google/lyria-2", &[]).await;
    check("providers.replicate.trainer_version", "acme/trainer", &[(does("training"), "trainer_version")]).await;
    // What it is not asked for has nothing wrong with it.
    let plays =
        [("providers.replicate.music_version", invented.as_str()), ("capabilities.accompaniment", "replicate,offline")];
    let parts = made(&setting.vendors, &plays).check().check_parts().await;
    let wrong: Vec<Part> = parts.iter().filter(|part| part.found.is_err()).map(|part| part.part).collect();
    assert_eq!(wrong, [does("compositions"), does("accompaniment")]);
    let letters = [(Part::Aside("webhooks"), "webhook_secret")];
    check("providers.replicate.webhook_secret", "whsec_b3RoZXI=", &letters).await;
    check("providers.replicate.webhook_secret", &secret, &[]).await;
    let refused = made(&setting.vendors, &[("providers.replicate.api_key", "invalid")]).check().check().await;
    let refused = refused.unwrap_err();
    assert!(refused.class == FailureClass::Config && refused.message.contains("key"), "{refused}");
    assert_eq!(setting.vendors.ledger().len(), 0);
}

#[tokio::test]
async fn a_part_that_could_not_be_asked_is_not_wrong() {
    let setting = Setting::new().await;
    let away = Step::Fail { fault: Fault::Unavailable, retry: Retry::Absent, after_work: false };
    setting.script(Route::WebhookSecret, [away]);
    let secret = setting.vendors.webhook_secret();
    let check = made(&setting.vendors, &[("providers.replicate.webhook_secret", &secret)]).check();
    let parts = check.check_parts().await;
    let failed: Vec<_> = parts.iter().filter(|part| part.found.is_err()).collect();
    assert_eq!((parts.len(), failed.len(), failed[0].part), (4, 1, Part::Aside("webhooks")));
    assert_eq!(failed[0].found.as_ref().unwrap_err().class, FailureClass::Transient);
}

#[tokio::test]
async fn models_of_the_registry_are_held_against_what_the_vendor_has() {
    let setting = Setting::new().await;
    let catalogue = setting.replicate.catalogue();
    let (music, bark) = (ModelRef::musicgen().version.unwrap(), ModelRef::bark().version.unwrap());
    let check = async |path: Option<&str>, version: Option<&str>, expected: Option<&str>| {
        let path = path.map(|path| ModelPath::new(path).unwrap());
        let version = version.map(|version| ModelVersion::new(version).unwrap());
        let found = catalogue.find(path.as_ref(), version.as_ref()).await.unwrap();
        assert_eq!(found.as_ref().map(|found| found.version.as_str()), expected, "{path:?} {version:?}");
        if let Some(found) = found {
            let takes = found.input_schema.expect("the vendor says what it takes");
            assert_eq!(takes["properties"]["prompt"]["type"], "string");
        }
    };
    check(Some("meta/musicgen"), Some(&music), Some(&music)).await;
    check(Some("meta/musicgen"), None, Some(&music)).await;
    check(None, Some(&music), Some(&music)).await;
    check(Some("suno-ai/bark"), None, Some(&bark)).await;
    check(Some("suno-ai/bark"), Some(&music), None).await;
    check(Some("meta/musicgen"), Some(&"f".repeat(64)), None).await;
    check(Some("meta/musicgen"), Some("latest"), None).await;
    check(Some("acme/nothing"), None, None).await;
    // Called without a version only: there is none to write down.
    check(Some("google/lyria-2"), None, None).await;
    assert_eq!(setting.vendors.ledger().len(), 0);
}

#[tokio::test]
async fn a_model_that_cannot_be_asked_for_does_not_say_that_the_vendor_is_away() {
    let setting = Setting::new().await;
    let catalogue = setting.replicate.catalogue();
    let music = ModelVersion::new(&ModelRef::musicgen().version.unwrap()).unwrap();
    let check = async |fault: Fault, class: FailureClass, is_away: bool| {
        setting.script(Route::GetVersion, [Step::Fail { fault, retry: Retry::Absent, after_work: false }]);
        let not_asked = catalogue.find(None, Some(&music)).await.unwrap_err();
        assert_eq!((not_asked.failure.class, not_asked.is_provider_away), (class, is_away), "{fault:?}");
    };
    check(Fault::ServerError, FailureClass::Transient, false).await;
    check(Fault::Unavailable, FailureClass::Transient, false).await;
    check(Fault::Forbidden, FailureClass::Config, false).await;
    check(Fault::BadKey, FailureClass::Config, true).await;
    check(Fault::QuotaExceeded, FailureClass::Money, true).await;
    check(Fault::RateLimited, FailureClass::RetryAfter, true).await;
    let nowhere = made(&setting.vendors, &[("providers.replicate.base_url", "http://127.0.0.1:9/v1")]).catalogue();
    assert!(nowhere.find(None, Some(&music)).await.unwrap_err().is_provider_away, "nobody listens there");
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
