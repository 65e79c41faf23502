//! What predictions made, and where it may lie.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use domain::{Failure, FailureClass};
use outbound::Outbound;
use providers::{OutsideProgress, vendors::replicate::Replicate};
use serde_json::{Value, json};
use settings::{LoadOptions, Settings};
use url::Url;
use vendor_standins::{End, Fault, Options, Retry, Route, Step, Vendors};

use super::setting::{REPLICATE, Setting, correlation, over, speech};

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
    let setting = Setting::with(Options::default(), &[("outbound.allow_hosts", "files.example.com")]).await;
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
    let replicate = Replicate::new(&outbound, &settings.vendors[0], None, false).unwrap();
    let at = Url::parse("https://a.replicate.delivery/out.wav").unwrap();
    let failure = providers::download(&*replicate.predictions(), &at).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Config, "{failure}");
    assert_eq!(*resolver.0.lock().unwrap(), ["a.replicate.delivery"]);
}
