//! A stand-in for a vendor that trains models for forty minutes of the clock's time, and makes music with them.

use std::{
    io::{Seek as _, Write as _},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use chrono::TimeDelta;
use domain::{Failure, FailureClass, FailureCode};
use media::{Encoding, Tags};
use orchestrator::{CallError, OutsideService, Stop};
use providers::{
    AudioInput, Composed, ModelChoice, ProviderCall, SongComposer, SongRequest, TrainedModel, Trainer, TrainingOrder,
    UploadedData,
};
use resilience::ManualClock;
use serde_json::{Value, json};

use super::Vendor;

pub struct School {
    /// Who does the work.
    pub vendor: Arc<Vendor>,
    /// Sizes of what was handed over, in bytes.
    pub uploads: Mutex<Vec<u64>>,
    /// With which models music was made.
    pub played: Mutex<Vec<ModelChoice>>,
    /// What models make is silence.
    pub is_mute: AtomicBool,
    /// Nothing is made with models.
    pub is_closed: AtomicBool,
    /// The next so many times nothing can be handed over.
    pub loses_uploads: AtomicU32,
}

impl School {
    pub const NAME: &'static str = "school";
    pub const PATH: &'static str = "acme/band";
    pub const WORKS: TimeDelta = TimeDelta::minutes(40);

    pub fn new(clock: Arc<ManualClock>) -> Self {
        Self {
            vendor: Arc::new(Vendor::working(Self::NAME, Self::WORKS, clock)),
            uploads: Mutex::default(),
            played: Mutex::default(),
            is_mute: AtomicBool::default(),
            is_closed: AtomicBool::default(),
            loses_uploads: AtomicU32::default(),
        }
    }

    pub fn version() -> String {
        "0a".repeat(32)
    }

    pub fn uploads(&self) -> usize {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

fn away() -> Failure {
    Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, "the school is closed")
}

#[async_trait]
impl Trainer for School {
    fn service(&self) -> Arc<dyn OutsideService> {
        self.vendor.clone()
    }

    async fn upload(&self, data: &AudioInput) -> Result<UploadedData, CallError> {
        if self.loses_uploads.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(CallError::Unanswered(away()));
        }
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        uploads.push(data.size_bytes);
        Ok(UploadedData { address: format!("school:{}", uploads.len()), expires_at: None })
    }

    fn request(&self, data: &UploadedData, order: &TrainingOrder) -> Value {
        json!({ "data": data.address, "epochs": order.epochs, "base": order.base, "description": order.description })
    }

    fn trained(&self, answer: &Value) -> Result<TrainedModel, Failure> {
        assert!(answer.as_str().is_some_and(|answer| answer.starts_with("made as ")), "{answer}");
        let licence = Some("CC-BY-4.0".to_owned());
        Ok(TrainedModel { path: Self::PATH.to_owned(), version: Self::version(), licence })
    }
}

/// Ten seconds of a tone, or of nothing.
fn sound(gain: f32) -> Vec<u8> {
    const RATE: u32 = 32_000;
    let tone = |frame: u32| gain * (std::f32::consts::TAU * 220.0 * frame as f32 / RATE as f32).sin();
    let samples: Vec<f32> = (0..RATE * 10).map(tone).collect();
    media::encode(&samples, RATE, 1, Encoding::Wav16, &Tags::default()).unwrap()
}

#[async_trait]
impl SongComposer for School {
    async fn compose(&self, request: &SongRequest<'_>, call: &ProviderCall<'_>) -> Result<Composed, Stop> {
        let Some(model) = &call.model else {
            return Err(Stop::NotAsked(away()));
        };
        let options = request.options;
        assert_eq!((options.seconds, options.instrumental), (Some(10.0), Some(true)));
        self.played.lock().unwrap_or_else(PoisonError::into_inner).push(model.clone());
        if self.is_closed.load(Ordering::SeqCst) {
            return Err(Stop::GivenUp(away()));
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&sound(if self.is_mute.load(Ordering::SeqCst) { 0.0 } else { 0.25 })).unwrap();
        file.rewind().unwrap();
        Ok(Composed::Sound(AudioInput::new(file).unwrap()))
    }
}
