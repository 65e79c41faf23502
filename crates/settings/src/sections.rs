//! The settings as the services get them: valid, typed, and never half there.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use chrono::TimeDelta;
use domain::{
    Tier,
    audio::{AudioFormat, AudioLimits},
    quota::QuotaLimits,
    retention::RetentionPolicy,
    retry::RetryPolicy,
};
use safety::Severity;
use url::Url;

use crate::{host_rule::HostRule, secret::Secret};

/// One process, or services over RabbitMQ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Embedded,
    Distributed,
}

impl Mode {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Distributed => "distributed",
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct HttpSettings {
    pub host: IpAddr,
    /// The gateway's; 0 takes a free one.
    pub port: u16,
    /// Where clients reach the gateway, for links; without it links are relative.
    pub public_url: Option<Url>,
    /// Origins of web pages that may call the API; `*` for all.
    pub cors_origins: Vec<String>,
    /// Names under which the embedded mode answers besides this machine's own, in lower case and without a port.
    pub allowed_hosts: Vec<String>,
    /// Uploads received at once; more wait.
    pub upload_concurrency: usize,
    /// Health and metrics of the services that have no HTTP of their own; 0 takes a free one.
    pub health_port: u16,
    /// A silent event stream says something this often, so that proxies keep it open.
    pub event_keepalive: Duration,
    /// How long requests and jobs on their way may take to end after a signal to stop.
    pub drain: Duration,
}

impl HttpSettings {
    /// Where the gateway listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }

    /// Where a service without HTTP of its own answers for its health and metrics.
    pub fn health_address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.health_port)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DatabaseBackend {
    Sqlite,
    Postgres,
}

#[derive(Clone, PartialEq, Debug)]
pub struct DatabaseSettings {
    pub backend: DatabaseBackend,
    /// As persistence takes it; `connection_limit` is already in `max_connections`.
    pub url: Secret<String>,
    pub max_connections: u32,
}

#[derive(Clone, PartialEq, Debug)]
pub struct RabbitSettings {
    pub url: Secret<String>,
    /// Messages that one consumer holds unacknowledged.
    pub prefetch: u16,
}

#[derive(Clone, PartialEq, Debug)]
pub struct ObjectSettings {
    pub store: ObjectStore,
    /// How long a signed link works.
    pub presign: Duration,
    /// Uploads to S3 above this are sent in parts of this size.
    pub part_size_bytes: u64,
}

#[derive(Clone, PartialEq, Debug)]
pub enum ObjectStore {
    Folder { path: PathBuf },
    S3(S3Settings),
}

#[derive(Clone, PartialEq, Debug)]
pub struct S3Settings {
    /// `None` is AWS itself.
    pub endpoint: Option<Url>,
    pub region: String,
    pub bucket: String,
    pub access_key_id: Secret<String>,
    pub secret_access_key: Secret<String>,
    /// `http://host/bucket/key` in place of `http://bucket.host/key`.
    pub path_style: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub struct AuthSettings {
    pub mode: AuthMode,
    pub issuer: Option<String>,
    pub audience: Option<String>,
    /// Clocks may differ by this much.
    pub leeway: Duration,
    /// The claim that names the user's tier.
    pub tier_claim: String,
    /// The claim (a word or a list of words) that names the user's roles.
    pub role_claim: String,
    /// The role that may use the operator endpoints.
    pub admin_role: String,
    /// A bearer token that may use the operator endpoints.
    pub operator_token: Option<Secret<String>>,
}

/// How requests are told apart.
#[derive(Clone, PartialEq, Debug)]
pub enum AuthMode {
    /// One local user; only embedded and only on a loopback address.
    None,
    /// Tokens signed with a shared secret of at least 32 bytes.
    Hs256 { secret: Secret<String> },
    /// Tokens signed with keys that are published at an address.
    Jwks { url: Url },
}

#[derive(Clone, PartialEq, Debug)]
pub struct JobSettings {
    /// Jobs that one orchestrator works on at once.
    pub concurrency: usize,
    /// Jobs that one orchestrator starts in any minute.
    pub rate_per_minute: u32,
    /// From the first claim to the end.
    pub deadline: Duration,
    pub max_attempts: u32,
    pub retry_base: Duration,
    pub retry_cap: Duration,
    pub lease: Duration,
    pub heartbeat: Duration,
    pub reconcile: Duration,
    pub cancel_poll: Duration,
    pub outbox_poll: Duration,
}

impl JobSettings {
    /// For a job's stages.
    pub fn retry_policy(&self) -> RetryPolicy {
        RetryPolicy { max_attempts: self.max_attempts, base: self.retry_base, cap: self.retry_cap }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct ProviderSettings {
    /// The expert service; without it the engine works in the orchestrator's own process.
    pub expert_url: Option<Url>,
    pub call_timeout: Duration,
    pub call_attempts: u32,
    pub call_base: Duration,
    pub breaker_threshold: u32,
    pub breaker_open: Duration,
    /// Whether the engine in the orchestrator's own process takes over when the expert service cannot.
    pub offline_fallback: bool,
    /// Threads for signal processing, at least one.
    pub engine_threads: usize,
}

impl ProviderSettings {
    /// For one call of a provider inside a stage. Longer waits than the cap are left to the job.
    pub fn retry_policy(&self) -> RetryPolicy {
        let cap = RetryPolicy::PROVIDER_CALL.cap.max(self.call_base);
        RetryPolicy { max_attempts: self.call_attempts, base: self.call_base, cap }
    }
}

/// How requests to the outside leave.
#[derive(Clone, PartialEq, Debug)]
pub struct OutboundSettings {
    /// May hold a user and a password. `None` when requests go directly.
    pub proxy: Option<Secret<Url>>,
    /// Host names (each with all under it), addresses and networks that are reached without the proxy.
    pub no_proxy: Vec<String>,
    /// Certificates in PEM, trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// What addresses from users and from answers may name though it is private or without TLS.
    pub allow_hosts: Vec<HostRule>,
    pub connect_timeout: Duration,
}

impl Default for OutboundSettings {
    /// Directly, and to public hosts alone.
    fn default() -> Self {
        Self {
            proxy: None,
            no_proxy: Vec::new(),
            ca_file: None,
            allow_hosts: Vec::new(),
            connect_timeout: Duration::from_secs(5),
        }
    }
}

/// Blends of songs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlendSettings {
    /// How many a user may start `within` a stretch of time; `None` for any number.
    pub starts: Option<u32>,
    pub within: Duration,
}

/// How much may be sent to train a model on, of one tier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TrainingLimits {
    pub max_file_bytes: u64,
    /// Of all files of one request.
    pub max_upload_bytes: u64,
}

/// Recordings that models are trained on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TrainingSettings {
    pub free: TrainingLimits,
    pub premium: TrainingLimits,
    pub enterprise: TrainingLimits,
}

impl TrainingSettings {
    pub const fn limits(&self, tier: Tier) -> TrainingLimits {
        match tier {
            Tier::Free => self.free,
            Tier::Premium => self.premium,
            Tier::Enterprise => self.enterprise,
        }
    }
}

/// The check of words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SafetySettings {
    pub enabled: bool,
    /// The least severity that refuses.
    pub refuse_at: Severity,
    /// A file of the operator's own lists, for [`crate::read_word_lists`].
    pub lists: Option<PathBuf>,
    pub replace_built_in: bool,
}

/// An AI vendor's judgement; off without a key.
#[derive(Clone, PartialEq, Debug)]
pub struct ModerationSettings {
    pub api_key: Option<Secret<String>>,
    pub url: Url,
    pub model: String,
    pub timeout: Duration,
    pub fail_closed: bool,
}

/// The offline engine, wherever it runs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EngineSettings {
    pub f0_tracker: F0Tracker,
    /// The folder of neural models.
    pub models_dir: PathBuf,
    pub speech: SpeechSetting,
    /// A SoundFont 2 or SF3 file; without one, the system's best, and without that, the built-in instruments.
    pub soundfont: Option<PathBuf>,
}

/// Which speech synthesizer lends the singer its voices.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum SpeechSetting {
    /// The flite on the search path, if there is one.
    #[default]
    Auto,
    /// None: the formant voice sings.
    Off,
    /// The flite at a path.
    At(PathBuf),
}

/// What finds the pitch of a recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum F0Tracker {
    /// The engine's own, which needs no model.
    #[default]
    Builtin,
    SwiftF0,
    CrepeTiny,
    CrepeFull,
}

impl F0Tracker {
    pub const ALL: [Self; 4] = [Self::Builtin, Self::SwiftF0, Self::CrepeTiny, Self::CrepeFull];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::SwiftF0 => "swift-f0",
            Self::CrepeTiny => "crepe-tiny",
            Self::CrepeFull => "crepe-full",
        }
    }
}

/// The expert service's own listener, and the limits of its older routes.
#[derive(Clone, PartialEq, Debug)]
pub struct ExpertSettings {
    pub host: IpAddr,
    pub port: u16,
    /// What callers have to show; `None` for nothing.
    pub api_key: Option<Secret<String>>,
    /// Origins of web pages that may call it; `*` for all.
    pub cors_origins: Vec<String>,
    /// Of one recording.
    pub max_size_bytes: u64,
    pub allowed_formats: BTreeSet<AudioFormat>,
    /// Calls of one address; `None` for any number.
    pub rate_per_minute: Option<u32>,
    /// Of the check and of the melody, each.
    pub pitch_timeout: Duration,
    pub lyrics_timeout: Duration,
    /// Of the composing, of the singing and of every other step.
    pub vocals_timeout: Duration,
    /// Whether files are named in place of carried along.
    pub file_links: bool,
    /// Where trainings are jobs.
    pub training_url: Option<Url>,
}

impl ExpertSettings {
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

/// Limits on recordings, complete for each tier.
#[derive(Clone, PartialEq, Debug)]
pub struct AudioSettings {
    pub(crate) free: AudioLimits,
    pub(crate) premium: AudioLimits,
    pub(crate) enterprise: AudioLimits,
}

impl AudioSettings {
    pub const fn limits(&self, tier: Tier) -> &AudioLimits {
        match tier {
            Tier::Free => &self.free,
            Tier::Premium => &self.premium,
            Tier::Enterprise => &self.enterprise,
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct QuotaSettings {
    pub(crate) free: QuotaLimits,
    pub(crate) premium: QuotaLimits,
    pub(crate) enterprise: QuotaLimits,
}

impl QuotaSettings {
    pub const fn limits(&self, tier: Tier) -> QuotaLimits {
        match tier {
            Tier::Free => self.free,
            Tier::Premium => self.premium,
            Tier::Enterprise => self.enterprise,
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct RetentionSettings {
    pub policy: RetentionPolicy,
    /// How long finished stages are kept for later jobs with the same inputs; `None` when they are not.
    pub stage_results: Option<TimeDelta>,
    /// How often to look for what has to go.
    pub sweep: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    Json,
    Pretty,
}

#[derive(Clone, PartialEq, Debug)]
pub struct LogSettings {
    /// A level in lower case, or filter directives.
    pub level: String,
    pub format: LogFormat,
}
