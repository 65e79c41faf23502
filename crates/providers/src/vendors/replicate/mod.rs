//! Replicate: predictions and trainings that are asked for once, found again when the answer is lost, and looked at until
//! they are over.
//!
//! The vendor takes no idempotency key. Each request therefore carries a mark in its input that follows from the call's
//! correlation (`mark.rs`), and whatever cannot carry one is not sent. Results are taken from looks alone: a webhook only
//! says that it is time for one.

mod accompanist;
mod audio_in;
mod bark;
mod catalogue;
mod check;
mod client;
mod composer;
mod find;
mod guide;
mod mark;
mod model_ref;
mod predictions;
mod progress;
mod schema;
mod trainer;
mod trainings;
mod webhook_address;
mod wire;

pub use bark::BarkReciter;
pub use check::ReplicateCheck;
pub use composer::MusicGen;
pub use model_ref::ModelRef;
pub use predictions::{PredictionRequest, PredictionService};
pub use trainer::ReplicateTrainer;
pub use trainings::{Trained, TrainingRequest, TrainingService};

use std::sync::Arc;

use domain::retry::RetryPolicy;
use resilience::Bulkhead;
use settings::Vendor;
use url::Url;

use self::{
    catalogue::ReplicateModels, check::ModelInUse, client::Client, composer::MusicGenSettings, schema::Schemas,
    webhook_address::WebhookAddress,
};
use crate::{
    SetupError, abilities::Abilities, model_catalogue::ModelCatalogue, outside_service::OutsideService,
    setup_check::SetupCheck, vendors::VendorAccess,
};

/// What MusicGen's music comes as.
fn sound_format(vendor: &Vendor) -> Result<&'static str, SetupError> {
    let asked = vendor.format.as_deref().unwrap_or("wav");
    ["wav", "mp3"].into_iter().find(|known| *known == asked).ok_or_else(|| SetupError::Format {
        provider: vendor.name.clone(),
        format: asked.to_owned(),
        expected: "wav or mp3",
    })
}

/// Everything that is had of Replicate with one key.
pub struct Replicate {
    client: Client,
    predictions: Arc<PredictionService>,
    trainings: Option<Arc<TrainingService>>,
    composer: Arc<MusicGen>,
    reciter: Arc<BarkReciter>,
    check: Arc<ReplicateCheck>,
    catalogue: Arc<ReplicateModels>,
}

impl Replicate {
    /// `public_url` is the address under which the gateway is known outside; without one that the vendor can reach nothing
    /// tells of the end of its work, and it is looked at when it is due. `is_accompanist` says whether it is asked to play
    /// accompaniments.
    ///
    /// # Errors
    /// When the vendor's address or one of its hosts for outputs cannot be used, or its `format` is none of MusicGen's.
    pub fn new(
        access: impl Into<VendorAccess>,
        vendor: &Vendor,
        public_url: Option<&Url>,
        is_accompanist: bool,
    ) -> Result<Self, SetupError> {
        let client = Client::new(&access.into(), vendor)?;
        let format = sound_format(vendor)?;
        let schemas = Arc::new(Schemas::default());
        let webhooks = WebhookAddress::new(&vendor.name, public_url, &vendor.base_url);
        // The settings let nothing through that is no name; one without a version is an official model's.
        let model = |given: &Option<String>, known: ModelRef| {
            given.as_ref().and_then(|text| ModelRef::parse(&text.to_ascii_lowercase(), &known)).unwrap_or(known)
        };
        let vocals = model(&vendor.vocals_version, ModelRef::bark());
        let music = model(&vendor.music_version, ModelRef::musicgen());
        let trainer = model(&vendor.trainer_version, ModelRef::trainer());
        let predictions = Arc::new(PredictionService::new(client.clone(), schemas.clone(), webhooks.clone()));
        let trainings = vendor.owner.as_ref().map(|owner| {
            Arc::new(TrainingService::new(client.clone(), trainer.clone(), owner.clone(), schemas, webhooks))
        });
        let mut models = vec![
            ModelInUse { setting: "vocals_version", model: vocals.clone(), capabilities: &["vocals"] },
            ModelInUse {
                setting: "music_version",
                model: music.clone(),
                // Where nobody asks it to play, there is nothing to keep back and nothing to tell.
                capabilities: if is_accompanist { &["compositions", "accompaniment"] } else { &["compositions"] },
            },
        ];
        if trainings.is_some() {
            models.push(ModelInUse { setting: check::TRAINER, model: trainer, capabilities: &["training"] });
        }
        let catalogue = ReplicateModels { client: client.clone(), usual: music.clone() };
        let settings = MusicGenSettings {
            model: music,
            size: Some(vendor.model.clone()).filter(|size| !size.is_empty()),
            format,
            seconds: vendor.music_seconds(),
        };
        let most_chars = vendor.limits.text_chars;
        let check = ReplicateCheck { client: client.clone(), models, webhook_secret: vendor.webhook_secret.clone() };
        Ok(Self {
            composer: Arc::new(MusicGen::new(predictions.clone(), settings)),
            reciter: Arc::new(BarkReciter::new(predictions.clone(), vocals, vendor.voice.clone(), most_chars)),
            check: Arc::new(check),
            catalogue: Arc::new(catalogue),
            client,
            predictions,
            trainings,
        })
    }

    /// Its name in the settings.
    pub fn name(&self) -> &str {
        &self.client.http().name
    }

    /// For whoever keeps track of what is asked outside; goes by the vendor's name.
    pub fn predictions(&self) -> Arc<dyn OutsideService> {
        self.predictions.clone()
    }

    /// The same for trainings, by the vendor's name and `/trainings`; `None` where the settings name no owner for what is
    /// trained.
    pub fn trainings(&self) -> Option<Arc<dyn OutsideService>> {
        self.trainings.clone().map(|trainings| trainings as Arc<dyn OutsideService>)
    }

    /// Trains, with what goes before: data sets that are uploaded.
    pub fn trainer(&self) -> Option<Arc<TrainingService>> {
        self.trainings.clone()
    }

    pub fn composer(&self) -> Option<Arc<MusicGen>> {
        Some(self.composer.clone())
    }

    pub fn reciter(&self) -> Option<Arc<BarkReciter>> {
        Some(self.reciter.clone())
    }

    pub fn check(&self) -> Arc<dyn SetupCheck> {
        self.check.clone()
    }

    /// What it has of the registry's models.
    pub fn catalogue(&self) -> Arc<dyn ModelCatalogue> {
        self.catalogue.clone()
    }

    /// Calls at once, of all that is had here.
    pub fn slots(&self) -> Bulkhead {
        self.client.http().slots().clone()
    }

    /// What it can do of a capability, by the settings' names for those.
    pub fn abilities(&self, capability: &str) -> Abilities {
        match capability {
            "compositions" => self.composer.abilities(),
            "accompaniment" => self.composer.abilities_with_melody(),
            _ => Abilities::default(),
        }
    }

    /// The attempts that a chain makes: what failed without a reason that anybody documents is asked for once more.
    pub fn retries(usual: RetryPolicy) -> RetryPolicy {
        RetryPolicy { max_attempts: usual.max_attempts.min(2), ..usual }
    }
}
