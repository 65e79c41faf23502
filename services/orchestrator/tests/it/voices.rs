//! A hum that is sung by a voice of a vendor's, who only speaks: in several parts, each a row that is paid for once.

use domain::{JobId, JobState, kinds::melody_vocals};
use persistence::OutsideCallState;
use vendor_standins::{Pace, Route, Run, Step, Vendor, Vendors};

use crate::{
    accompaniment::{over, submit_hum},
    harness::Harness,
};

/// Who sang a finished song, and the purposes of its calls, in order.
async fn sung(harness: &Harness, id: JobId) -> (String, Vec<String>) {
    let job = over(harness, id).await;
    assert_eq!(job.state, JobState::Completed, "{:?}", job.failure);
    let stages = harness.database.stages().list(id).await.unwrap();
    let stage = stages.into_iter().find(|stage| stage.name == melody_vocals::VOCALS.as_str()).unwrap();
    let mut purposes: Vec<String> = harness.calls(id).await.into_iter().map(|call| call.purpose).collect();
    purposes.sort();
    (stage.checkpoint.unwrap().provider.unwrap_or_else(|| panic!("{:?}", stage.tried)), purposes)
}

/// Every call is paid for once, and its cost is in its row.
async fn paid(harness: &Harness, vendors: &Vendors, id: JobId) {
    let calls = harness.calls(id).await;
    assert!(calls.iter().all(|call| call.state == OutsideCallState::Succeeded), "{calls:?}");
    assert!(calls.iter().all(|call| call.cost.as_ref().is_some_and(|cost| cost.micros > 0)), "{calls:?}");
    assert_eq!((vendors.ledger().len(), vendors.paid_twice().len()), (calls.len(), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn bark_sings_a_hum_in_parts_while_its_job_is_parked() {
    let vendors = Vendors::start().await;
    let url: &'static str = format!("{}/v1", vendors.url_of(Vendor::Replicate)).leak();
    let harness = Harness::with(&[
        ("providers.replicate.api_key", "a key"),
        ("providers.replicate.base_url", url),
        ("providers.replicate.output_hosts", "127.0.0.1"),
        ("providers.replicate.max_text_chars", "80"),
        ("providers.replicate.price_per_compute_second", "0.01"),
        ("outbound.allow_hosts", "127.0.0.1"),
        ("capabilities.vocals", "replicate"),
    ])
    .await;
    let slow = Step::Run(Run { pace: Some(Pace::Polls { starting: 0, processing: 1 }), ..Run::default() });
    vendors.script(Vendor::Replicate, Route::CreatePrediction, vec![slow; 12]);
    let running = harness.start();
    let id = submit_hum(&harness, &[]).await;
    let parked = harness.until_state(id, JobState::Parked).await;
    assert_eq!(parked.waits_for.as_deref(), Some("replicate works on it"));
    let (by, purposes) = sung(&harness, id).await;
    assert_eq!(by, "replicate");
    for part in ["recital/0", "recital/1"] {
        assert!(purposes.iter().any(|purpose| purpose == part), "{purposes:?}");
    }
    assert_eq!(purposes.len(), vendors.asked(Vendor::Replicate, Route::CreatePrediction));
    paid(&harness, &vendors, id).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_speech_sings_a_hum() {
    let vendors = Vendors::start().await;
    let url: &'static str = format!("{}/v1", vendors.url_of(Vendor::OpenAi)).leak();
    let harness = Harness::with(&[
        ("providers.speaker.kind", "speech"),
        ("providers.speaker.api_key", "a key"),
        ("providers.speaker.base_url", url),
        ("providers.speaker.model", "kokoro"),
        ("providers.speaker.voice", "af_heart"),
        ("providers.speaker.price_per_audio_second", "0.001"),
        ("capabilities.vocals", "speaker"),
    ])
    .await;
    let running = harness.start();
    let id = submit_hum(&harness, &[]).await;
    let (by, purposes) = sung(&harness, id).await;
    assert_eq!(by, "speaker");
    assert_eq!(purposes.len(), vendors.asked(Vendor::OpenAi, Route::Speech));
    paid(&harness, &vendors, id).await;
    running.stop().await;
}
