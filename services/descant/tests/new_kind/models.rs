//! Songs that are asked of a model by name: the vendor is told which version, the result says so, and nobody else makes them.

use std::{
    io::{Seek as _, Write as _},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use domain::{Failure, FailureClass, FailureCode};
use providers::{AudioInput, Composed, ModelChoice, ProviderCall, SongComposer, SongRequest, Stop};
use serde_json::{Value, json};

use super::{composer::song, house::House};

/// A vendor that notes what it is asked for.
#[derive(Default)]
struct Vendor {
    asked: Mutex<Vec<Option<ModelChoice>>>,
    has_no_key: AtomicBool,
}

#[async_trait]
impl SongComposer for Vendor {
    async fn compose(&self, _: &SongRequest<'_>, call: &ProviderCall<'_>) -> Result<Composed, Stop> {
        self.asked.lock().unwrap().push(call.model.clone());
        if self.has_no_key.load(Ordering::SeqCst) {
            let key = Failure::new(FailureClass::Config, FailureCode::ProviderConfig, "the vendor's key has ended");
            return Err(key.into());
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&song()).unwrap();
        file.rewind().unwrap();
        Ok(Composed::Sound(AudioInput::new(file).unwrap()))
    }
}

impl Vendor {
    /// Versions that were asked for since the last look.
    fn versions(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.into_iter().map(|model| model.map(|model| model.version.to_string()).unwrap_or_default()).collect()
    }
}

async fn admin(house: &House, path: &str, body: Value) -> Value {
    let posted = house.http.post(house.url(&format!("/api/v1/admin/models{path}"))).json(&body).send().await.unwrap();
    assert!(posted.status().is_success(), "{}", posted.text().await.unwrap());
    posted.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_song_is_made_with_the_model_that_it_was_asked_of_or_not_at_all() {
    let vendor = Arc::new(Vendor::default());
    let house = House::open(vendor.clone()).await;
    admin(&house, "", json!({ "name": "drums", "provider": "vendor", "version": "one" })).await;
    admin(&house, "", json!({ "name": "strings", "provider": "somebody", "version": "one" })).await;

    let body = json!({ "prompt": "a slow folk song", "lengthMs": 10000, "seed": 3, "model": "drums" });
    let job = house.completed(&body).await;
    let used = json!({ "name": "drums", "provider": "vendor", "version": "one" });
    assert_eq!(job["result"]["model"], used, "{job}");
    let report: Value = serde_json::from_slice(&house.file(&job, "report").await).unwrap();
    assert_eq!(report["model"], used);
    assert_eq!(vendor.versions(), ["one"]);

    // The same of the same version is not made again; of another it is.
    house.completed(&body).await;
    assert_eq!(vendor.versions(), [""; 0]);
    admin(&house, "/drums/canary", json!({ "version": "two", "share": 1.0 })).await;
    let tried = house.completed(&body).await;
    assert_eq!((vendor.versions(), &tried["result"]["model"]["version"]), (vec!["two".to_owned()], &json!("two")));

    let mut plain = body.clone();
    plain.as_object_mut().unwrap().remove("model");
    let unnamed = house.completed(&plain).await;
    assert_eq!((vendor.versions(), unnamed["result"].get("model")), (vec![String::new()], None), "whoever is first");

    // Nobody stands in for a model that was asked for by name.
    vendor.has_no_key.store(true, Ordering::SeqCst);
    let mut other = body.clone();
    other["seed"] = json!(4);
    let failed = house.ended(&other).await;
    assert_eq!((&failed["state"], &failed["errorCode"]), (&json!("failed"), &json!("provider_config")), "{failed}");
    assert_eq!(vendor.versions(), ["two"]);
    other["model"] = json!("strings");
    let failed = house.ended(&other).await;
    assert_eq!(failed["errorCode"], "impossible_options", "{failed}");
    assert_eq!(vendor.versions(), [""; 0], "it is not the vendor's");

    let listed: Value = house.get("/api/v1/models").await.json().await.unwrap();
    let local = listed["models"].as_array().unwrap().iter().filter(|model| model["kind"] == "local");
    assert!(local.clone().count() >= 3 && local.clone().all(|model| model["status"] == "missing"), "{listed}");
    house.close().await;
}
