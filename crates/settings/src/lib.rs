//! Settings: defaults, then a file, then the environment, then the command line, all checked before anything starts.
//!
//! What is read ([`raw::RawSettings`]) and what the services get ([`Settings`]) are two types. Every problem is
//! reported at once, each with its key, the value that was given (masked when it is a secret), what is expected and an
//! example. An unknown key is a problem too. Opens no connection and logs nothing.

mod build;
mod database_url;
pub mod docs;
mod estimate;
mod host_rule;
pub mod keys;
mod nearest;
pub mod problem;
pub mod raw;
mod reader;
pub mod secret;
mod sections;
pub mod usage;
mod vendor_limits;
mod vendors;
mod word_lists;

use std::path::PathBuf;

use domain::{Tier, audio::AudioLimits, quality::QualityGate, quota::QuotaLimits, retention::RetentionPolicy};

pub use estimate::{Expected, USUAL_SECONDS, Wanted};
pub use host_rule::{HostRule, HostRuleError};
pub use problem::{Problem, SettingsErrors};
pub use secret::Secret;
pub use sections::*;
pub use vendor_limits::{PlanLimits, VendorLimits, WorkLimits};
pub use vendors::{CapabilitySettings, NoTrainer, SpendingSettings, Vendor, VendorKind};
pub use word_lists::{WordListError, read_word_lists};

/// All settings, valid. Durations are [`std::time::Duration`]s whatever unit their key names.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    pub mode: Mode,
    /// Where the embedded mode keeps its database and its objects.
    pub data_dir: PathBuf,
    pub http: HttpSettings,
    pub database: DatabaseSettings,
    /// Present in the distributed mode only.
    pub rabbitmq: Option<RabbitSettings>,
    pub objects: ObjectSettings,
    pub auth: AuthSettings,
    pub jobs: JobSettings,
    pub providers: ProviderSettings,
    /// Vendors that are set up.
    pub vendors: Vec<Vendor>,
    pub capabilities: CapabilitySettings,
    pub spending: SpendingSettings,
    pub outbound: OutboundSettings,
    pub engine: EngineSettings,
    pub safety: SafetySettings,
    pub moderation: ModerationSettings,
    pub expert: ExpertSettings,
    pub audio: AudioSettings,
    pub quota: QuotaSettings,
    pub blend: BlendSettings,
    pub training: TrainingSettings,
    pub retention: RetentionSettings,
    pub quality: QualityGate,
    pub log: LogSettings,
    /// Sentences for the log once it is set up: what was accepted and ignored, and what may surprise.
    pub notices: Vec<String>,
}

/// Where settings come from, the later winning over the earlier: defaults, `file`, `env`, `overrides`.
#[derive(Clone, Default)]
pub struct LoadOptions {
    /// A TOML file; without one, the file that the variable `DESCANT_CONFIG` names, if any.
    pub file: Option<PathBuf>,
    /// Environment variables; those that are no settings are passed over.
    pub env: Vec<(String, String)>,
    /// Keys given on the command line, such as `("http.port", "0")`.
    pub overrides: Vec<(&'static str, String)>,
}

impl LoadOptions {
    /// The environment of this process. Variables that are not Unicode cannot be settings and are left out.
    pub fn from_process(file: Option<PathBuf>) -> Self {
        let env = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { file, env, overrides: Vec::new() }
    }

    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.overrides.push((key, value.into()));
        self
    }
}

impl std::fmt::Debug for LoadOptions {
    /// Names only: the environment holds secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.overrides.iter().map(|(key, _)| key).collect();
        f.debug_struct("LoadOptions").field("file", &self.file).field("overrides", &names).finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads and checks everything, and reports every problem there is.
    pub fn load(options: &LoadOptions) -> Result<Self, SettingsErrors> {
        build::build(raw::RawSettings::read(options))
    }

    /// The limits on recordings for users of that tier.
    pub fn audio_limits(&self, tier: Tier) -> &AudioLimits {
        self.audio.limits(tier)
    }

    pub fn quota(&self, tier: Tier) -> QuotaLimits {
        self.quota.limits(tier)
    }

    pub fn retention_policy(&self) -> RetentionPolicy {
        self.retention.policy
    }

    pub fn quality_gate(&self) -> &QualityGate {
        &self.quality
    }
}
