//! Music of a vendor under a melody that is sung with a band: who plays, what is paid, and what is told.

use std::{
    io::{Seek as _, Write as _},
    time::{Duration, Instant},
};

use domain::{
    JobId, JobState, Tier, UploadId,
    kinds::melody_vocals::{self, MelodyToVocalsRequest},
};
use media::{Bounds, Encoding, Tags};
use persistence::{Job, NewInput, OutsideCallState};
use resilience::ids::random10;
use serde_json::{Value, json};
use vendor_standins::{End, Pace, Route, Run, Sound, Step, Vendor, Vendors};

use crate::harness::{Harness, PATIENCE};

const STAND_IN: &str = "replicate";

/// A house in which the stand-in plays under a voice, else the band of the engine; everything else is the engine's.
async fn house(vendors: &Vendors) -> Harness {
    let url: &'static str = format!("{}/v1", vendors.url_of(Vendor::Replicate)).leak();
    Harness::with(&[
        ("providers.replicate.api_key", "a key"),
        ("providers.replicate.base_url", url),
        ("providers.replicate.output_hosts", "127.0.0.1"),
        ("providers.replicate.longest_seconds", "60"),
        ("providers.replicate.price_per_compute_second", "0.01"),
        ("outbound.allow_hosts", "127.0.0.1"),
        ("capabilities.accompaniment", "replicate,offline"),
        ("capabilities.vocals", "offline"),
        ("engine.speech", "off"),
    ])
    .await
}

/// Has a hum sung with a band, while the vendor's work ends so.
async fn hum(harness: &Harness, vendors: &Vendors, end: End) -> JobId {
    let pace = Some(Pace::Polls { starting: 0, processing: 1 });
    let run = Run { end, pace, ..Run::default() };
    vendors.script(Vendor::Replicate, Route::CreatePrediction, [Step::Run(run)]);
    submit_hum(harness, &[("genre", "folk"), ("backing", "band"), ("stems", "true")]).await
}

/// A hum that is to be sung, with these options.
pub async fn submit_hum(harness: &Harness, options: &[(&'static str, &'static str)]) -> JobId {
    let prompt = ("prompt", "A romantic ballad about summer nights");
    let fields: Vec<_> = std::iter::once(prompt).chain(options.iter().copied()).collect();
    let field = |name: &str| fields.iter().find(|(field, _)| *field == name).map(|(_, text)| *text);
    let request = MelodyToVocalsRequest::read(field, 7).unwrap();
    let tune = pitch::sample::hummed_tune();
    let wav = media::encode(&tune.samples, tune.sample_rate_hz, 1, Encoding::Wav16, &Tags::default()).unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&wav).unwrap();
    file.rewind().unwrap();
    let limits = harness.settings.audio_limits(Tier::Free);
    let verdict = media::judge_file(file, Some("hum.wav"), limits, &Bounds::default()).unwrap();
    let key = blob_store::ObjectKey::upload(UploadId::new(harness.now(), random10()));
    let stored = harness.blobs().put_bytes(&key, wav.into(), "audio/wav").await.unwrap();
    let mut new = harness.new_job(melody_vocals::NAME, json!(request));
    new.inputs.push(NewInput {
        role: melody_vocals::AUDIO.to_owned(),
        upload_id: None,
        object_key: key.to_string(),
        sha256: stored.sha256,
        size_bytes: stored.size_bytes,
        file_name: Some("hum.wav".to_owned()),
        verdict: Some(json!(verdict)),
    });
    harness.submit_new(new).await
}

/// The job at its end, with the clock at each moment that it waits for.
pub async fn over(harness: &Harness, id: JobId) -> Job {
    let started = Instant::now();
    loop {
        let job = harness.job(id).await;
        if job.state.is_final() {
            return job;
        }
        assert!(started.elapsed() < 3 * PATIENCE, "{} {:?} {:?}", job.state, job.stage, job.failure);
        if matches!(job.state, JobState::Queued | JobState::Parked) && job.due_at > harness.now() {
            harness.clock.advance(job.due_at - harness.now());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Who played, who was tried before and why not, and what is told of it.
async fn played(harness: &Harness, id: JobId) -> (String, Vec<(String, String)>, Value) {
    let job = over(harness, id).await;
    assert_eq!(job.state, JobState::Completed, "{:?}", job.failure);
    let stages = harness.database.stages().list(id).await.unwrap();
    let stage = stages.into_iter().find(|stage| stage.name == melody_vocals::ARRANGEMENT.as_str()).unwrap();
    let tried = stage.tried.into_iter().map(|tried| (tried.provider, tried.why)).collect();
    (stage.checkpoint.unwrap().provider.unwrap(), tried, harness.storage.report(id)["backing"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_plays_what_goes_with_the_tune_else_the_band_does() {
    let vendors = Vendors::start().await;
    let harness = house(&vendors).await;
    let running = harness.start();
    let stems = |id: JobId| -> Vec<String> {
        harness.storage.files(id).into_keys().filter(|role| role.starts_with("stem_")).collect()
    };
    for (paid, amiss, expected) in [(1, Sound::Short, "lasts"), (2, Sound::OutOfTune, "other keys")] {
        let id = hum(&harness, &vendors, End::Audio(amiss)).await;
        let (by, tried, told) = played(&harness, id).await;
        assert_eq!((by.as_str(), tried.len(), tried[0].0.as_str()), ("offline", 1, STAND_IN), "{tried:?}");
        assert!(tried[0].1.contains(expected), "{tried:?}");
        assert!(told["band"].is_object() && told["played"].is_null(), "{told}");
        assert!(stems(id).contains(&"stem_bass".to_owned()), "{:?}", stems(id));
        assert_eq!(vendors.ledger().len(), paid, "it is not asked again");
        assert_eq!(harness.call_states(id).await, [OutsideCallState::Succeeded]);
    }

    // What is asked for is asked for once, though its stage is begun again by another process.
    let id = hum(&harness, &vendors, End::Succeeds).await;
    let parked = harness.until_state(id, JobState::Parked).await;
    assert_eq!(parked.waits_for.as_deref(), Some("replicate works on it"));
    running.kill().await;
    let running = harness.start();
    let (by, tried, told) = played(&harness, id).await;
    assert_eq!((by.as_str(), tried.len()), (STAND_IN, 0), "{tried:?}");
    assert!(told["band"].is_null() && told["consonance"].is_null(), "{told}");
    let figure = |name: &str| told["played"]["agreement"][name].as_f64().unwrap_or_else(|| panic!("{name}: {told}"));
    assert!(figure("asSung") > 2.0 * figure("transposed") && figure("asSung") > figure("displaced"), "{told}");
    assert_eq!((&told["style"], &told["played"]["provider"]), (&json!("folk"), &json!(STAND_IN)));
    assert_eq!(stems(id), ["stem_backing", "stem_voice"]);
    assert_eq!((vendors.ledger().len(), vendors.asked(Vendor::Replicate, Route::CreateFile)), (3, 3));
    let calls = harness.calls(id).await;
    assert!(calls.len() == 1 && calls[0].cost.as_ref().is_some_and(|cost| cost.micros > 0), "{calls:?}");
    let stem = harness.storage.files(id).remove("stem_backing").unwrap();
    let stem = media::decode(std::io::Cursor::new(stem), &Bounds::default()).unwrap();
    let seconds = told["played"]["seconds"].as_f64().unwrap();
    assert!((stem.duration_seconds() - seconds).abs() < 0.001, "{} s of {told}", stem.duration_seconds());
    running.stop().await;
}
