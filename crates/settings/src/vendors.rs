//! Vendors as the settings describe them.

use std::{collections::BTreeMap, time::Duration};

use domain::{Prices, options::Language};
use url::Url;

use crate::{
    Secret, Settings,
    vendor_limits::{PlanLimits, VendorLimits, WorkLimits},
};

/// How a vendor is spoken to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum VendorKind {
    /// The Messages API.
    Anthropic,
    /// ElevenLabs Music.
    ElevenLabs,
    /// Chat completions in OpenAI's form.
    OpenAi,
    /// Predictions and trainings.
    Replicate,
    /// Text to speech in the form of OpenAI's `audio/speech`.
    Speech,
    /// Another Descant `expert`.
    Expert,
    /// A model that blends songs (`generate`), and may play them (`convert-to-mp3`).
    MlModel,
}

impl VendorKind {
    pub const ALL: [Self; 7] =
        [Self::Anthropic, Self::ElevenLabs, Self::OpenAi, Self::Replicate, Self::Speech, Self::Expert, Self::MlModel];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::ElevenLabs => "elevenlabs",
            Self::OpenAi => "openai",
            Self::Replicate => "replicate",
            Self::Speech => "speech",
            Self::Expert => "expert",
            Self::MlModel => "ml_model",
        }
    }

    /// The vendor's own address.
    pub const fn base_url(self) -> Option<&'static str> {
        match self {
            Self::Anthropic => Some("https://api.anthropic.com"),
            Self::ElevenLabs => Some("https://api.elevenlabs.io"),
            Self::OpenAi => Some("https://api.openai.com/v1"),
            Self::Replicate => Some("https://api.replicate.com/v1"),
            Self::Speech | Self::Expert | Self::MlModel => None,
        }
    }

    /// Who writes, speaks or composes where nothing is said.
    pub const fn model(self) -> &'static str {
        match self {
            Self::Anthropic => "claude-haiku-4-5",
            Self::ElevenLabs => "music_v1",
            Self::OpenAi => "gpt-4.1-mini",
            Self::Speech => "kokoro",
            Self::Replicate | Self::Expert | Self::MlModel => "",
        }
    }

    /// Shortest and longest music that it is asked for where nothing is said, in seconds.
    pub const fn music_seconds(self) -> (f64, f64) {
        match self {
            Self::ElevenLabs => (3.0, 600.0),
            // What MusicGen was made for.
            Self::Replicate => (1.0, 30.0),
            Self::Anthropic | Self::OpenAi | Self::Speech | Self::Expert | Self::MlModel => (0.0, f64::INFINITY),
        }
    }

    /// The prices of what is used with it, by the last parts of their keys, what vendors usually charge by first.
    pub const fn priced_by(self) -> &'static [&'static str] {
        match self {
            Self::Anthropic | Self::OpenAi => {
                &["price_per_million_output_tokens", "price_per_million_input_tokens", "price_per_call"]
            }
            Self::Replicate => &["price_per_compute_second", "price_per_call"],
            Self::ElevenLabs | Self::Speech => &["price_per_audio_second", "price_per_call"],
            Self::Expert | Self::MlModel => &["price_per_call", "price_per_audio_second"],
        }
    }

    /// What it allows where nothing is said.
    pub fn limits(self) -> VendorLimits {
        let text_chars = match self {
            // Bark speaks for 13 s at most, about 14 characters in each.
            Self::Replicate => 180,
            // As OpenAI documents it.
            Self::Anthropic | Self::ElevenLabs | Self::OpenAi | Self::Speech | Self::Expert | Self::MlModel => 4_096,
        };
        VendorLimits { text_chars, plans: PlanLimits::default(), work: WorkLimits::default() }
    }

    /// Longest that one answer is waited for where nothing is said; of a model that blends, where not even
    /// `providers.call_timeout_ms` is.
    pub const fn timeout(self) -> Duration {
        match self {
            Self::MlModel => Duration::from_secs(180),
            Self::ElevenLabs | Self::Expert => Duration::from_secs(300),
            Self::Anthropic | Self::OpenAi | Self::Replicate | Self::Speech => Duration::from_secs(60),
        }
    }
}

/// One vendor that is set up. Limits that are `None` are the client's own.
#[derive(Clone, PartialEq, Debug)]
pub struct Vendor {
    /// In the settings, in results and metrics, and among breakers.
    pub name: String,
    pub kind: VendorKind,
    pub base_url: Url,
    pub api_key: Option<Secret<String>>,
    pub api_version: Option<String>,
    pub model: String,
    pub voice: Option<String>,
    pub vocals_version: Option<String>,
    pub music_version: Option<String>,
    pub trainer_version: Option<String>,
    pub owner: Option<String>,
    /// The machine that a new model is said to run on.
    pub hardware: Option<String>,
    pub output_hosts: Option<Vec<String>>,
    pub webhook_secret: Option<Secret<String>>,
    pub format: Option<String>,
    pub max_tokens: u32,
    pub shortest_seconds: Option<f64>,
    pub longest_seconds: Option<f64>,
    pub languages: Option<Vec<Language>>,
    /// Whether it plays what was blended, by itself or by others.
    pub plays: bool,
    /// Of one answer.
    pub timeout: Duration,
    /// Of work that is asked for once and looked at.
    pub work_timeout: Duration,
    pub concurrency: usize,
    pub limits: VendorLimits,
    pub prices: Prices,
    /// In millionths of the prices' currency.
    pub monthly_limit: Option<i64>,
}

impl Vendor {
    /// Shortest and longest music that it is asked for, in seconds: as the settings say, else as its kind has it.
    pub fn music_seconds(&self) -> (f64, f64) {
        let (shortest, longest) = self.kind.music_seconds();
        (self.shortest_seconds.unwrap_or(shortest), self.longest_seconds.unwrap_or(longest))
    }
}

/// Who does each thing, in order; what is absent is decided by what is set up.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CapabilitySettings(pub BTreeMap<&'static str, Vec<String>>);

impl CapabilitySettings {
    /// The last parts of the keys under `capabilities`.
    pub const NAMES: [&'static str; 7] =
        ["melody", "lyrics", "vocals", "accompaniment", "compositions", "blends", "training"];

    /// What was asked for; `None` where nothing was.
    pub fn of(&self, capability: &str) -> Option<&[String]> {
        self.0.get(capability).map(Vec::as_slice)
    }

    /// Whether a vendor may be asked for anything: unless everything that it does has a list without it.
    pub(crate) fn ask(&self, vendor: &Vendor) -> bool {
        let names = |capability: &str| self.of(capability).is_some_and(|names| names.contains(&vendor.name));
        let asks = |capability: &str| self.of(capability).is_none() || names(capability);
        match vendor.kind {
            VendorKind::Anthropic | VendorKind::OpenAi => asks("lyrics"),
            VendorKind::ElevenLabs => asks("compositions"),
            VendorKind::Speech => asks("vocals"),
            // It accompanies only where a list says so, and trains only for an account.
            VendorKind::Replicate => {
                let trains = vendor.owner.is_some() && asks("training");
                trains || asks("compositions") || asks("vocals") || names("accompaniment")
            }
            // It makes whole songs only where a list says so.
            VendorKind::Expert => asks("melody") || asks("lyrics") || asks("vocals") || names("compositions"),
            // No list says who plays.
            VendorKind::MlModel => vendor.plays || asks("blends"),
        }
    }
}

/// Why nobody trains models here, as a sentence that says what to set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTrainer {
    #[error(
        "no provider that trains models is set up: set providers.replicate.api_key, and providers.replicate.owner to the \
             account that trained models become part of"
    )]
    NoVendor,
    #[error("providers.{0}.owner is not set: it names the account that trained models become part of")]
    NoOwner(String),
}

impl Settings {
    /// The vendors that train models, in the order in which they are asked.
    ///
    /// # Errors
    /// When there is none: what to set.
    pub fn trainers(&self) -> Result<Vec<&Vendor>, NoTrainer> {
        let is_kind = |vendor: &&Vendor| vendor.kind == VendorKind::Replicate;
        let able: Vec<&Vendor> = match self.capabilities.of("training") {
            None => self.vendors.iter().filter(is_kind).collect(),
            Some(names) => {
                let named = |name: &String| self.vendors.iter().find(|vendor| vendor.name == *name);
                names.iter().filter_map(named).filter(is_kind).collect()
            }
        };
        let without = able.first().map(|vendor| vendor.name.clone());
        let owned: Vec<&Vendor> = able.into_iter().filter(|vendor| vendor.owner.is_some()).collect();
        match without {
            None => Err(NoTrainer::NoVendor),
            Some(name) if owned.is_empty() => Err(NoTrainer::NoOwner(name)),
            Some(_) => Ok(owned),
        }
    }
}

/// What may be spent in a UTC month, in millionths of a currency.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SpendingSettings {
    pub currency: String,
    pub monthly_limit: Option<i64>,
    pub user_monthly_limit: Option<i64>,
}
