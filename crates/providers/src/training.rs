//! Models trained on recordings: the capability, and how any vendor is asked for it.
//!
//! The recordings are handed over first, which costs nothing and may be repeated; then the work is asked for once and looked
//! at for as long as it takes. Only who trains knows its requests and answers.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Cost, Failure, FailureClass, FailureCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    abilities::Need,
    calls::{Answered, Call, CallScope, Make, Patience, ProviderCall},
    chain::{Chain, Provided},
    input::{AudioInput, ProgressSink},
    outside_service::{CallError, OutsideService},
    stop::Stop,
};

/// What the work itself is called among the calls of a stage; the others hand recordings over.
pub const TRAINING_PURPOSE: &str = "training";
/// Times that recordings are handed over for one training: what was handed over is kept for a while only.
const MOST_UPLOADS: u32 = 3;
/// What is gone so soon is handed over again before anything is asked that needs it.
const KEPT_LONG_ENOUGH: TimeDelta = TimeDelta::minutes(10);

/// What a model is to become.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingOrder {
    /// What it is called here; a vendor may need another name for it.
    pub name: String,
    /// Tells it from whatever else is trained under that name.
    pub job: String,
    /// What all of the recordings sound like.
    pub description: Option<String>,
    pub epochs: u32,
    pub updates_per_epoch: u32,
    /// What it is before it learns, by the words of MusicGen's family, such as `stereo-melody`.
    pub base: String,
    /// Whether voices are taken out of the recordings before.
    pub drop_vocals: bool,
}

/// The recordings, packed as trainers take them.
#[async_trait]
pub trait TrainingData: Send + Sync {
    /// The archive. Asked for only where it is handed over: most calls look at work that has begun.
    async fn open(&self) -> Result<AudioInput, Failure>;
}

/// Recordings that were handed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadedData {
    /// Where the vendor finds them.
    pub address: String,
    /// `None`: they are kept for as long as a training takes.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What came of a training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrainedModel {
    /// Where the vendor keeps it, such as `owner/name`.
    pub path: String,
    /// As the vendor names it, such as 64 hexadecimal digits.
    pub version: String,
    /// On what terms it may be used, as an SPDX expression, where what it was trained from decides that.
    #[serde(default)]
    pub licence: Option<String>,
}

/// Trains models on recordings.
#[async_trait]
pub trait Trainer: Send + Sync {
    /// Whose work is waited for, so that it can be looked at and called off.
    fn service(&self) -> Arc<dyn OutsideService>;

    /// What it will cost, as far as that can be known.
    fn estimate(&self, _order: &TrainingOrder) -> Option<Cost> {
        None
    }

    /// Hands the recordings over. Costs nothing.
    async fn upload(&self, data: &AudioInput) -> Result<UploadedData, CallError>;

    /// What the service is asked.
    fn request(&self, data: &UploadedData, order: &TrainingOrder) -> Value;

    /// What the service's answer means.
    ///
    /// # Errors
    /// When there is no version in it.
    fn trained(&self, answer: &Value) -> Result<TrainedModel, Failure>;
}

/// Has a model trained by the first who can. `Stop::Parked` for as long as it takes.
///
/// # Errors
/// What the chain answers; `Config` where nobody trains.
pub async fn train<'a>(
    trainers: &Chain<dyn Trainer>,
    scope: CallScope<'a>,
    order: &TrainingOrder,
    data: &dyn TrainingData,
    progress: &ProgressSink,
) -> Result<Provided<TrainedModel>, Stop> {
    let call = |trainer: Arc<dyn Trainer>, call: ProviderCall<'a>| async move {
        let uploaded = uploaded(&*trainer, data, &call).await?;
        let service = trainer.service();
        let asked = Call {
            provider: service.provider(),
            credential: service.credential(),
            purpose: TRAINING_PURPOSE,
            estimate: trainer.estimate(order),
            may_repeat: false,
        };
        // The job's own deadline is the bound.
        let patience: Patience = call.patience(Duration::MAX);
        let request = trainer.request(&uploaded, order);
        let answer = call.calls.ask(asked, patience, &*service, &request, progress).await?;
        // It was paid for: not to be asked for again.
        trainer.trained(&answer.value).map_err(Stop::GivenUp)
    };
    trainers.call(scope, &Need::default(), call).await
}

/// Where the vendor finds the recordings. They are handed over once; again only where they would be gone too soon.
async fn uploaded(
    trainer: &dyn Trainer,
    data: &dyn TrainingData,
    call: &ProviderCall<'_>,
) -> Result<UploadedData, Stop> {
    let service = trainer.service();
    for number in 1..=MOST_UPLOADS {
        let purpose = format!("upload-{number}");
        let free = Call {
            provider: &call.provider,
            credential: service.credential(),
            purpose: &purpose,
            estimate: None,
            may_repeat: true,
        };
        let make: Make<'_> = Box::new(move |_| {
            Box::pin(async move {
                let data = data.open().await.map_err(CallError::Refused)?;
                let uploaded = trainer.upload(&data).await?;
                Ok(Answered { value: json!(uploaded), ..Answered::default() })
            })
        });
        let answer = call.calls.once(free, make).await?;
        let uploaded: UploadedData = serde_json::from_value(answer.value).map_err(|error| {
            let message = format!("what {} was handed cannot be read: {error}", call.provider);
            Failure::new(FailureClass::Config, FailureCode::Internal, message)
        })?;
        if uploaded.expires_at.is_none_or(|at| at > Utc::now() + KEPT_LONG_ENOUGH) {
            return Ok(uploaded);
        }
    }
    let message = format!("{} does not keep what it is handed for as long as a training needs it", call.provider);
    Err(Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, message).into())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use telemetry::Metrics;

    use super::*;
    use crate::{
        calls::DirectCalls,
        chain::{CallLimits, Terms},
        input::no_progress,
        outside_service::OutsideProgress,
    };

    /// Is done at the second look.
    #[derive(Default)]
    struct School {
        uploads: AtomicU32,
        looks: AtomicU32,
        /// The first so many files are gone at once.
        forgets: u32,
        answer: Value,
    }

    struct Pupil(Arc<School>);

    #[async_trait]
    impl OutsideService for School {
        fn provider(&self) -> &str {
            "school/trainings"
        }

        async fn create(&self, _: &str, request: &Value) -> Result<String, CallError> {
            Ok(request["data"].as_str().unwrap_or_default().to_owned())
        }

        async fn find(&self, _: &str) -> Result<Option<String>, Failure> {
            Ok(None)
        }

        async fn look(&self, id: &str) -> Result<OutsideProgress, Failure> {
            if self.looks.fetch_add(1, Ordering::SeqCst) == 0 {
                let look_again_in = Duration::from_millis(1);
                return Ok(OutsideProgress::Working { fraction: Some(0.5), look_again_in });
            }
            let mut answer = self.answer.clone();
            answer["id"] = id.into();
            Ok(OutsideProgress::succeeded(answer, None))
        }

        async fn cancel(&self, _: &str) -> Result<(), Failure> {
            Ok(())
        }
    }

    #[async_trait]
    impl Trainer for Pupil {
        fn service(&self) -> Arc<dyn OutsideService> {
            self.0.clone()
        }

        async fn upload(&self, data: &AudioInput) -> Result<UploadedData, CallError> {
            let number = self.0.uploads.fetch_add(1, Ordering::SeqCst) + 1;
            let expires_at = (number <= self.0.forgets).then(Utc::now);
            Ok(UploadedData { address: format!("{} bytes, {number}", data.size_bytes), expires_at })
        }

        fn request(&self, data: &UploadedData, order: &TrainingOrder) -> Value {
            json!({ "data": data.address, "epochs": order.epochs })
        }

        fn trained(&self, answer: &Value) -> Result<TrainedModel, Failure> {
            let version = answer["version"].as_str().ok_or_else(|| {
                Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, "no version came of it")
            })?;
            let path = answer["id"].as_str().unwrap_or_default().to_owned();
            Ok(TrainedModel { path, version: version.to_owned(), licence: None })
        }
    }

    struct Recordings;

    #[async_trait]
    impl TrainingData for Recordings {
        async fn open(&self) -> Result<AudioInput, Failure> {
            let file = tempfile::tempfile().unwrap();
            file.set_len(7).unwrap();
            Ok(AudioInput::new(file).unwrap())
        }
    }

    async fn trained(school: &Arc<School>) -> Result<Provided<TrainedModel>, Stop> {
        let mut chain: Chain<dyn Trainer> = Chain::new("training", CallLimits::default(), Metrics::new("test"));
        chain.push("school", Terms::of_own("1"), Arc::new(Pupil(school.clone())));
        let order = TrainingOrder {
            name: "band".to_owned(),
            job: "1".to_owned(),
            description: None,
            epochs: 3,
            updates_per_epoch: 100,
            base: "small".to_owned(),
            drop_vocals: true,
        };
        let (calls, minute) = (DirectCalls::default(), Duration::from_secs(60));
        train(&chain, CallScope::new(&calls, minute), &order, &Recordings, &no_progress()).await
    }

    #[tokio::test]
    async fn recordings_are_handed_over_and_the_work_is_waited_for() {
        let check = async |forgets, uploads: u32, path: &str| {
            let school = Arc::new(School { forgets, answer: json!({ "version": "v1" }), ..School::default() });
            let made = trained(&school).await.unwrap();
            let expected = TrainedModel { path: path.to_owned(), version: "v1".to_owned(), licence: None };
            assert_eq!((&*made.provider, made.value), ("school", expected));
            assert_eq!(school.uploads.load(Ordering::SeqCst), uploads);
        };
        check(0, 1, "7 bytes, 1").await;
        check(1, 2, "7 bytes, 2").await;
    }

    #[tokio::test]
    async fn what_came_to_nothing_says_so_and_is_asked_once() {
        let school = Arc::new(School::default());
        let failure = trained(&school).await.unwrap_err().into_failure();
        assert_eq!(failure.message, "no version came of it");
        assert_eq!(school.looks.load(Ordering::SeqCst), 2, "it is not asked again for what was paid for");
    }

    #[tokio::test]
    async fn where_nobody_trains_an_operator_has_to_act() {
        let chain: Chain<dyn Trainer> = Chain::new("training", CallLimits::default(), Metrics::new("test"));
        let order = TrainingOrder {
            name: "band".to_owned(),
            job: "1".to_owned(),
            description: None,
            epochs: 1,
            updates_per_epoch: 10,
            base: "small".to_owned(),
            drop_vocals: false,
        };
        let calls = DirectCalls::default();
        let scope = CallScope::new(&calls, Duration::from_secs(1));
        let failure = train(&chain, scope, &order, &Recordings, &no_progress()).await.unwrap_err().into_failure();
        assert_eq!(failure.class, FailureClass::Config);
    }
}
