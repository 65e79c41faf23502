//! What a vendor has of the settings and of the registry's models, asked at the start: a version that is not there is told and
//! keeps back what is made with it, and nothing else.

use std::time::{Duration, Instant};

use domain::{
    ModelId,
    registry::{ModelAddress, ModelKind, ModelName, ModelPath, ModelStatus, ModelVersion, RegisteredModel},
};
use persistence::{BreakerRow, ModelAdded, ModelWritten};
use resilience::ids::random10;
use vendor_standins::{Fault, Retry, Route, Step, Vendor, Vendors};

use crate::harness::{Harness, PATIENCE};

/// Of MusicGen, as the stand-in has it.
const THERE: &str = "671ac645ce5e552cc63a54a2bbff63fcf798043055d2dac5fc9e36a837eedcfb";

fn invented() -> String {
    "f".repeat(64)
}

async fn house(vendors: &Vendors, more: &[(&'static str, &'static str)]) -> Harness {
    let url: &'static str = format!("{}/v1", vendors.url_of(Vendor::Replicate)).leak();
    let mut settings = vec![
        ("providers.replicate.api_key", "a key"),
        ("providers.replicate.base_url", url),
        ("providers.replicate.owner", vendor_standins::USER),
    ];
    settings.extend(more);
    Harness::with(&settings).await
}

impl Harness {
    async fn registered(&self, name: &str, provider: &str, path: &str, version: Option<&str>) -> RegisteredModel {
        let (now, name) = (self.now(), ModelName::new(name).unwrap());
        let bare = RegisteredModel::bare(ModelId::new(now, random10()), name, ModelKind::Base, provider, now);
        let new = RegisteredModel { path: Some(ModelPath::new(path).unwrap()), ..bare };
        let new = new.pending(version.map(|version| ModelVersion::new(version).unwrap()));
        match self.database.models().add(&new, now).await.unwrap() {
            ModelAdded::New(model) => *model,
            ModelAdded::NameTaken => panic!("{} is taken", new.name),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_of_the_settings_that_is_not_there_keeps_back_what_is_made_with_it_alone() {
    let vendors = Vendors::start().await;
    let music: &'static str = invented().leak();
    let wrong =
        [("providers.replicate.music_version", music), ("providers.replicate.webhook_secret", "whsec_b3RoZXI=")];
    let harness = house(&vendors, &wrong).await;
    let running = harness.start();
    let started = Instant::now();
    let rows: Vec<BreakerRow> = loop {
        let rows = harness.database.breakers().current(harness.now()).await.unwrap();
        if rows.iter().filter(|row| row.problem.is_some()).count() >= 2 {
            break rows;
        }
        assert!(started.elapsed() < PATIENCE, "nobody is told: {rows:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let check = |name: &str, state: &str, says: Option<&str>| {
        let row = rows.iter().find(|row| row.provider == name).unwrap_or_else(|| panic!("no {name}: {rows:?}"));
        assert_eq!((row.state.as_str(), row.problem.is_some()), (state, says.is_some()), "{row:?}");
        let problem = row.problem.as_deref().unwrap_or_default();
        assert!(problem.contains(says.unwrap_or_default()), "{row:?}");
    };
    check("replicate/compositions", "OPEN", Some("music_version"));
    check("replicate/webhooks", "CLOSED", Some("webhook_secret"));
    check("replicate/vocals", "CLOSED", None);
    check("replicate/training", "CLOSED", None);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_of_the_registry_are_what_their_provider_has_of_them() {
    let vendors = Vendors::start().await;
    let harness = house(&vendors, &[]).await;
    harness.registered("latest", "replicate", "meta/musicgen", None).await;
    harness.registered("there", "replicate", "meta/musicgen", Some(THERE)).await;
    harness.registered("gone", "replicate", "meta/musicgen", Some(&invented())).await;
    harness.registered("nobody", "replicate", "acme/nothing", None).await;
    let elsewhere = harness.registered("elsewhere", "somebody", "meta/musicgen", None).await;
    let running = harness.start();
    for name in ["latest", "there"] {
        let model = harness.until_model(name, ModelStatus::Ready).await;
        assert_eq!(model.version.as_ref().map(ModelVersion::as_str), Some(THERE), "{name}");
        let takes = model.input_schema.expect("what it takes is kept");
        assert_eq!(takes["properties"]["duration"]["type"], "integer", "{takes}");
    }
    let gone = harness.until_model("gone", ModelStatus::Missing).await;
    assert_eq!(gone.version.map(String::from), Some(invented()), "which one it was is still known");
    assert_eq!(harness.until_model("nobody", ModelStatus::Missing).await.version, None);
    assert_eq!(harness.database.models().get(&elsewhere.name).await.unwrap(), Some(elsewhere), "nobody can be asked");

    // Changed by an operator, a model is asked for at once; that it is not there once, where it was, says little.
    let change = async |address: &str, description: &str| {
        let ModelAddress { path, version } = address.parse().unwrap();
        let name = ModelName::new("gone").unwrap();
        let changed = |model: &RegisteredModel| {
            let (path, version) = (path.clone(), Some(version.clone()));
            Ok::<_, ()>(RegisteredModel { path, version, description: Some(description.to_owned()), ..model.clone() })
        };
        let written = harness.database.models().change(&name, harness.now(), changed).await.unwrap();
        assert!(matches!(written, ModelWritten::Written(_)), "{written:?}");
    };
    let asked = || vendors.asked(Vendor::Replicate, Route::GetVersion);
    change(&format!("meta/musicgen:{THERE}"), "mended").await;
    harness.until_model("gone", ModelStatus::Ready).await;
    let lost = Step::Fail { fault: Fault::NotFound, retry: Retry::Absent, after_work: false };
    vendors.script(Vendor::Replicate, Route::GetVersion, [lost]);
    let before = asked();
    change(&format!("meta/musicgen:{THERE}"), "lost").await;
    let started = Instant::now();
    while asked() == before {
        assert!(started.elapsed() < PATIENCE, "nobody asks for it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let lost = harness.database.models().get(&ModelName::new("gone").unwrap()).await.unwrap().unwrap();
    assert_eq!(lost.status, ModelStatus::Ready);
    // What was asked for is not asked for again for some minutes.
    let before = asked();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(asked(), before);
    running.stop().await;
}
