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
    Answered, AudioInput, Call, Composed, Make, ModelChoice, ProviderCall, SongComposer, SongRequest, TrainedModel,
    Trainer, TrainingOrder, UploadedData,
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
    /// Songs are sold in parts to whoever names no model, and are poor.
    pub sells_parts: AtomicBool,
    /// The parts that were sold.
    pub sold: Arc<Mutex<Vec<&'static str>>>,
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
            sells_parts: AtomicBool::default(),
            sold: Arc::default(),
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

impl School {
    /// Sells the first part of a song, which is poor, and to whoever takes it all the same would sell the second.
    async fn sell_parts(&self, call: &ProviderCall<'_>) -> Stop {
        let parts: &[&'static str] = if call.may_be_poor { &["first", "second"] } else { &["first"] };
        for &purpose in parts {
            let sold = self.sold.clone();
            let make: Make<'static> = Box::new(move |_| {
                Box::pin(async move {
                    sold.lock().unwrap_or_else(PoisonError::into_inner).push(purpose);
                    Ok(Answered::default())
                })
            });
            let (provider, credential) = (&*call.provider, "default");
            let of = Call { provider, credential, purpose, estimate: None, may_repeat: false };
            if let Err(stop) = call.paid_once(of, make).await {
                return stop;
            }
        }
        Stop::GivenUp(Failure::new(FailureClass::Transient, FailureCode::QualityGate, "the song is poor"))
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
            let sells_parts = self.sells_parts.load(Ordering::SeqCst);
            return Err(if sells_parts { self.sell_parts(call).await } else { Stop::NotAsked(away()) });
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
