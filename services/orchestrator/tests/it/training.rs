//! Recordings become a model: forty minutes of a vendor's work by a clock that the test turns, what it leaves, and what may
//! come between.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use domain::{
    FailureClass, JobEvent, JobId, JobState,
    kinds::{
        composition::{self, CompositionRequest},
        training::{NAME, RECORDING, TrainingRequest},
    },
    registry::{ModelAddress, ModelKind, ModelName, ModelStatus, RegisteredModel},
};
use media::{Encoding, Tags};
use persistence::{Applied, Authority, Journal, NewInput, NewJob, OutsideCallState, Patch};
use resilience::ids::random10;
use serde_json::{Value, json};

use crate::harness::{Gate, Harness, PATIENCE, School};

const RATE: u32 = 32_000;

/// A tune of so many seconds, unlike others by its number.
fn recording(seconds: u32, number: u32) -> Vec<u8> {
    let note = |second: u32| 110.0 * 2f32.powf(((second * 7 + number * 5) % 24) as f32 / 12.0);
    let tone = |frame: u32| {
        let (second, within) = (frame / RATE, frame % RATE);
        // Each note dies away, so that there are quiet places to cut at.
        let level = 0.4 * (1.0 - within as f32 / RATE as f32);
        level * (std::f32::consts::TAU * note(second) * frame as f32 / RATE as f32).sin()
    };
    let samples: Vec<f32> = (0..RATE * seconds).map(tone).collect();
    media::encode(&samples, RATE, 1, Encoding::Flac, &Tags::default()).unwrap()
}

fn name(text: &str) -> ModelName {
    ModelName::new(text).unwrap()
}

impl Harness {
    /// Has a model trained on these files.
    async fn train(&self, model: &str, files: Vec<(&str, Vec<u8>)>) -> JobId {
        let fields = [("name", model), ("description", "slow blues, brushed drums")];
        let request =
            TrainingRequest::read(|name| fields.iter().find(|(field, _)| *field == name).map(|(_, text)| *text), 7);
        let mut new = self.new_job(NAME, json!(request.unwrap()));
        let blobs = self.blobs();
        for (file_name, bytes) in files {
            let upload = domain::UploadId::new(self.now(), random10());
            let key = blob_store::ObjectKey::upload(upload);
            let stored = blobs.put_bytes(&key, bytes.into(), "application/octet-stream").await.unwrap();
            new.inputs.push(NewInput {
                role: RECORDING.to_owned(),
                upload_id: None,
                object_key: key.to_string(),
                sha256: stored.sha256,
                size_bytes: stored.size_bytes,
                file_name: Some(file_name.to_owned()),
                verdict: None,
            });
        }
        self.submit_new(NewJob { reuse: false, ..new }).await
    }

    /// The same on two good recordings.
    async fn train_well(&self, model: &str) -> JobId {
        self.train(model, vec![("one.flac", recording(70, 1)), ("two.flac", recording(70, 2))]).await
    }

    async fn model(&self, text: &str) -> Option<RegisteredModel> {
        self.database.models().get(&name(text)).await.unwrap()
    }

    /// The model as soon as it is in a status.
    pub async fn until_model(&self, text: &str, status: ModelStatus) -> RegisteredModel {
        let started = Instant::now();
        loop {
            let model = self.model(text).await;
            if let Some(model) = model.as_ref().filter(|model| model.status == status) {
                return model.clone();
            }
            assert!(started.elapsed() < PATIENCE, "never {status}: {model:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Waits until the vendor's work for a training is this far. Its recordings were handed over in a call of their own.
async fn until_training_is(harness: &Harness, job: JobId, wanted: OutsideCallState) {
    let started = Instant::now();
    loop {
        let work = harness.calls(job).await.into_iter().find(|call| call.purpose == "training").unwrap();
        if work.state == wanted {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "never {wanted:?}: {work:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_become_a_model_with_a_name_a_report_and_a_sample() {
    let harness = Harness::new().await;
    let running = harness.start();
    let id = harness.train_well("my-band").await;
    let parked = harness.until_state(id, JobState::Parked).await;
    assert_eq!((parked.lease_owner, parked.waits_for.as_deref()), (None, Some("school works on it")));
    assert_eq!(harness.school.uploads(), 1);
    let held = harness.model("my-band").await.expect("its name is held");
    assert_eq!((held.status, held.version, held.trained_from), (ModelStatus::Training, None, Some(id)));

    // Progress is the vendor's.
    harness.clock.advance(TimeDelta::minutes(20));
    let half = harness.until(id, "half done", |job| job.progress.percent() > parked.progress.percent()).await;
    assert_eq!(half.progress.percent(), 54, "half of the stage's 20 to 88 %");
    harness.clock.advance(TimeDelta::minutes(21));
    let done = harness.until_state(id, JobState::Completed).await;

    assert_eq!((done.attempt, done.crashes), (1, 0));
    assert_eq!(harness.school.uploads(), 1, "handed over once, however often it was looked at");
    let orders = harness.school.vendor.orders().requests.clone();
    assert_eq!(
        orders,
        [
            json!({ "data": "school:1", "epochs": 3, "base": "stereo-melody", "description": "slow blues, brushed drums" })
        ]
    );

    let model = harness.model("my-band").await.expect("the model is registered");
    assert_eq!((model.kind, model.status), (ModelKind::FineTuned, ModelStatus::Ready));
    assert_eq!(model.version.as_ref().map(ToString::to_string), Some(School::version()));
    assert_eq!((model.provider.as_str(), model.trained_from), (School::NAME, Some(id)));
    assert_eq!((model.owner, model.licence.as_deref()), (Some(harness.user.clone()), Some("CC-BY-4.0")));
    let quality = model.quality.expect("figures of the trial are kept with the model");
    assert!(quality["trial"]["seconds"].as_f64().is_some_and(|seconds| (seconds - 10.0).abs() < 0.1), "{quality}");

    let played = harness.school.played.lock().unwrap().clone();
    assert_eq!(played.len(), 1, "tried once: {played:?}");
    let address = format!("{}:{}", School::PATH, School::version());
    assert_eq!((&*played[0].name, &*played[0].version), ("my-band", address.as_str()));

    let report = harness.storage.report(id);
    assert_eq!(report["model"]["name"], "my-band", "{report}");
    assert_eq!(report["model"]["version"], School::version());
    assert_eq!(report["training"]["cost"]["micros"], 120_000, "{report}");
    assert!(report["training"]["seconds"].as_f64().is_some_and(|seconds| seconds >= 40.0 * 60.0), "{report}");
    let (pieces, seconds) = (report["pieces"].as_u64().unwrap(), report["seconds"].as_f64().unwrap());
    assert!(pieces >= 4 && (seconds - 30.2 * pieces as f64).abs() < 0.1, "pieces of half a minute: {report}");
    assert_eq!(report["trial"]["passed"], true, "{report}");
    assert_eq!(report["request"]["epochs"], 3);
    assert!(harness.storage.files(id)["sample"].starts_with(b"RIFF"));
    let result = done.result.unwrap();
    assert_eq!((&result["title"], &result["model"]["version"]), (&json!("my-band"), &json!(School::version())));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_minutes_outside_hold_no_slot_and_songs_go_on_beside() {
    let harness = Harness::new().await;
    let running = harness.start();
    // The kind has one slot: two trainings that wait at once prove that neither holds it.
    let (one, two) = (harness.train_well("one").await, harness.train_well("two").await);
    for id in [one, two] {
        let parked = harness.until_state(id, JobState::Parked).await;
        assert_eq!((parked.lease_owner, parked.lease_until), (None, None));
    }
    let request = CompositionRequest::read(|name| (name == "prompt").then_some("a calm waltz"), 7).unwrap();
    let request = CompositionRequest { options: short(request.options.clone()), ..request };
    let song = harness.submit_job(composition::NAME, json!(request), None).await;
    harness.until_state(song, JobState::Completed).await;
    for id in [one, two] {
        assert_eq!(harness.job(id).await.state, JobState::Parked, "the trainings have not gone on");
    }
    harness.clock.advance(School::WORKS + TimeDelta::minutes(1));
    for id in [one, two] {
        harness.until_state(id, JobState::Completed).await;
    }
    running.stop().await;
}

fn short(options: composition::CompositionOptions) -> composition::CompositionOptions {
    composition::CompositionOptions { length_ms: Some(4_000), instrumental: Some(true), ..options }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_in_the_middle_reaches_the_vendor_and_registers_nothing() {
    let harness = Harness::new().await;
    let running = harness.start();
    let id = harness.train_well("never").await;
    harness.until_state(id, JobState::Parked).await;
    harness.clock.advance(TimeDelta::minutes(10));
    harness.request_cancel(id).await;
    harness.until_state(id, JobState::Cancelled).await;
    until_training_is(&harness, id, OutsideCallState::Cancelled).await;
    assert_eq!(harness.school.vendor.orders().called_off(), ["v-1"]);
    let never = harness.until_model("never", ModelStatus::Failed).await;
    assert_eq!((never.version, never.trained_from), (None, Some(id)));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_whose_orchestrator_died_before_it_heard_of_it_is_adopted_once() {
    let harness = Harness::new().await;
    let gate = Gate::closed();
    harness.school.vendor.orders().holds_answers = Some(gate.clone());
    let first = harness.start();
    let id = harness.train_well("adopted").await;
    let started = Instant::now();
    while harness.school.vendor.orders().made.is_empty() {
        assert!(started.elapsed() < PATIENCE, "the vendor was never asked");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    first.kill().await;
    harness.school.vendor.orders().holds_answers = None;
    let second = harness.start();
    harness.until_state(id, JobState::Parked).await;
    harness.clock.advance(School::WORKS + TimeDelta::minutes(1));
    harness.until_state(id, JobState::Completed).await;
    assert_eq!(harness.school.vendor.orders().made.len(), 1, "it was ordered twice");
    assert_eq!(harness.school.uploads(), 1, "what was prepared and handed over was kept");
    assert_eq!(harness.model("adopted").await.map(|model| model.trained_from), Some(Some(id)));
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_recordings_are_told_of_and_do_not_sink_the_others() {
    let harness = Harness::new().await;
    let running = harness.start();
    let files = vec![
        ("good.flac", recording(70, 1)),
        ("short.flac", recording(2, 2)),
        ("text.wav", b"this is no sound at all".to_vec()),
        ("better.flac", recording(70, 3)),
    ];
    let id = harness.train("mixed", files).await;
    harness.with_time(id, JobState::Completed).await;
    let report = harness.storage.report(id);
    let text = report["recordings"].to_string();
    for file in ["good.flac", "short.flac", "text.wav", "better.flac"] {
        assert!(text.contains(file), "{file} is not told of: {text}");
    }
    let result = harness.job(id).await.result.unwrap();
    assert_eq!((&result["recordings"]["used"], &result["recordings"]["refused"]), (&json!(2), &json!(2)), "{result}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_little_is_no_training_and_nothing_is_asked_of_the_vendor() {
    let harness = Harness::new().await;
    let running = harness.start();
    let id = harness.train("little", vec![("short.flac", recording(3, 1)), ("text.wav", b"no sound".to_vec())]).await;
    let failed = harness.until_state(id, JobState::Failed).await;
    let failure = failed.failure.unwrap();
    assert_eq!((failure.class, failed.attempt), (FailureClass::Caller, 1), "{failure}");
    assert!(failure.message.contains("short.flac") && failure.message.contains("text.wav"), "{failure}");
    assert_eq!((harness.school.uploads(), harness.school.vendor.orders().creations), (0, 0));
    let log = harness.log(id).await;
    assert_eq!(log.last().unwrap().data["errorType"], "PREPARATION_ERROR");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_was_taken_meanwhile_fails_the_job_and_a_retry_goes_on_from_there() {
    let harness = Harness::new().await;
    let running = harness.start();
    let id = harness.train_well("wanted").await;
    harness.until_state(id, JobState::Parked).await;
    let address: ModelAddress = format!("meta/musicgen:{}", "b".repeat(64)).parse().unwrap();
    let now = harness.now();
    // Its name is held: only somebody who does not know of that could take it.
    let held = harness.model("wanted").await.expect("its name is held");
    let other = RegisteredModel::base(held.id, name("wanted"), "other", address, now);
    let other = RegisteredModel { revision: held.revision, ..other };
    assert!(harness.database.models().put(&other, now).await.unwrap().is_some());
    harness.clock.advance(School::WORKS + TimeDelta::minutes(1));
    let failed = harness.until_state(id, JobState::Failed).await;
    let failure = failed.failure.unwrap();
    assert!(failure.message.contains("wanted") && failure.message.contains(&School::version()), "{failure}");
    assert_eq!(harness.log(id).await.last().unwrap().data["errorType"], "REGISTRATION_ERROR");
    assert_eq!(harness.model("wanted").await.unwrap().provider, "other", "nobody's model is overwritten");

    // It is tried again, and not trained again.
    harness.retry(id).await;
    harness.until(id, "failed again", |job| job.state == JobState::Failed && job.generation > failed.generation).await;
    assert_eq!(harness.school.vendor.orders().creations, 1, "what was paid for is not asked for again");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_of_the_vendor_while_another_training_holds_the_name() {
    let harness = Harness::new().await;
    let running = harness.start();
    let first = harness.train_well("ours").await;
    harness.until_state(first, JobState::Parked).await;
    let second = harness.train_well("ours").await;
    let failure = harness.until_state(second, JobState::Failed).await.failure.unwrap();
    assert!(failure.class == FailureClass::Caller && failure.message.contains(&first.to_string()), "{failure}");
    assert_eq!((harness.school.uploads(), harness.school.vendor.orders().creations), (1, 1));

    harness.request_cancel(first).await;
    harness.until_state(first, JobState::Cancelled).await;
    harness.until_model("ours", ModelStatus::Failed).await;
    harness.retry(second).await;
    harness.until_state(second, JobState::Parked).await;
    let held = harness.model("ours").await.expect("the name is held again");
    assert_eq!((held.status, held.trained_from), (ModelStatus::Training, Some(second)));
    harness.clock.advance(School::WORKS + TimeDelta::minutes(1));
    harness.until_state(second, JobState::Completed).await;
    assert_eq!(harness.model("ours").await.map(|model| model.status), Some(ModelStatus::Ready));
    running.stop().await;
}

/// What is called off is as good as gone: its job asks anew, and needs the name for that.
#[tokio::test(flavor = "multi_thread")]
async fn a_training_that_is_being_called_off_keeps_no_name() {
    let harness = Harness::new().await;
    let gate = Gate::closed();
    {
        let mut orders = harness.school.vendor.orders();
        (orders.holds_cancels, orders.patience_ms) = (Some(gate.clone()), 20_000);
    }
    let running = harness.start();
    let first = harness.train_well("ours").await;
    let parked = harness.until_state(first, JobState::Parked).await;
    let (as_read, patch, journal) =
        (Authority::AsRead { version: parked.version }, Patch::default(), Journal::silent());
    let jobs = harness.database.jobs();
    let ended = jobs.apply(first, as_read, JobEvent::DeadlinePassed, &patch, &journal, harness.now()).await.unwrap();
    assert!(matches!(ended, Applied::Moved(_)), "{ended:?}");
    // Nobody told of the end: the sweep finds the call, once it has been left alone for a while.
    harness.clock.advance(TimeDelta::seconds(31));
    until_training_is(&harness, first, OutsideCallState::Cancelling).await;

    let second = harness.train_well("ours").await;
    harness.until_state(second, JobState::Parked).await;
    harness.retry(first).await;
    let failure = harness.until_state(first, JobState::Failed).await.failure.unwrap();
    assert!(failure.class == FailureClass::Caller && failure.message.contains(&second.to_string()), "{failure}");
    assert_eq!(harness.school.vendor.orders().creations, 2, "one for each");
    gate.open();
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_that_fails_takes_nothing_from_the_model() {
    let harness = Harness::new().await;
    let running = harness.start();
    for (model, mute, says) in [("closed", false, "the school is closed"), ("mute", true, "the model made silence")] {
        harness.school.is_closed.store(!mute, Ordering::SeqCst);
        harness.school.is_mute.store(mute, Ordering::SeqCst);
        let id = harness.train_well(model).await;
        harness.with_time(id, JobState::Completed).await;
        let registered = harness.model(model).await.expect("the model is registered all the same");
        assert_eq!(registered.status, ModelStatus::Ready);
        let report: Value = harness.storage.report(id);
        assert_eq!(report["trial"]["passed"], false, "{report}");
        assert_eq!(report["trial"]["failure"], says, "{report}");
        assert!(!harness.storage.files(id).contains_key("sample"), "there is nothing to be heard");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_that_did_not_arrive_are_handed_over_again() {
    let harness = Harness::new().await;
    harness.school.loses_uploads.store(1, Ordering::SeqCst);
    let running = harness.start();
    let id = harness.train_well("again").await;
    harness.with_time(id, JobState::Completed).await;
    assert_eq!((harness.school.uploads(), harness.school.vendor.orders().creations), (1, 1));
    running.stop().await;
}
