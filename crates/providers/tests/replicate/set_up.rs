//! Whether the settings are right.

use domain::FailureClass;
use vendor_standins::{Options, Pace};

use crate::{
    setting::{Setting, correlation, made, music},
    trainings::training,
};

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
