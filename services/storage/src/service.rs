//! What the service works with and how it is set.

use std::{sync::Arc, time::Duration};

use blob_store::BlobStore;
use domain::{Kinds, Tier, retention::RetentionPolicy};
use media::Bounds;
use messaging::Bus;
use persistence::Database;
use resilience::Clock;
use settings::Settings;
use telemetry::Metrics;
use tokio::sync::Semaphore;

use crate::songs::{Catalogue, ImportLimits};

/// What the service works with.
#[derive(Clone)]
pub struct Tools {
    pub bus: Arc<dyn Bus>,
    pub database: Database,
    pub objects: Arc<dyn BlobStore>,
    pub clock: Arc<dyn Clock>,
    pub metrics: Metrics,
    /// The kinds of job whose results are taken in.
    pub kinds: Kinds,
}

/// How the service works.
#[derive(Clone, PartialEq, Debug)]
pub struct StorageSettings {
    /// Integrated loudness of a result.
    pub target_lufs: f64,
    /// Results this close to the target are left alone.
    pub tolerance_lu: f64,
    /// Highest true peak of a result.
    pub max_dbtp: f64,
    /// Largest audio that is taken in.
    pub max_audio_bytes: u64,
    /// What decoding it may cost.
    pub bounds: Bounds,
    /// Results rendered at once: each takes a processor and, for five minutes of stereo, 200 MB.
    pub workers: usize,
    /// Messages that wait in this process.
    pub prefetch: u16,
    pub retention: RetentionPolicy,
    /// How much of an import is taken.
    pub songs: ImportLimits,
    /// How often to look for what has to go.
    pub sweep: Duration,
    /// How long work under way may take to end after a signal to stop.
    pub drain: Duration,
}

impl Default for StorageSettings {
    /// −16 LUFS ± 1 LU and −1 dBTP: AES TD1008 for music on streaming services, with room for lossy coding.
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            target_lufs: -16.0,
            tolerance_lu: 1.0,
            max_dbtp: -1.0,
            max_audio_bytes: 256 * 1024 * 1024,
            bounds: Bounds::default(),
            workers: processors.min(4),
            prefetch: 8,
            retention: RetentionPolicy::default(),
            songs: ImportLimits::default(),
            sweep: Duration::from_secs(300),
            drain: Duration::from_secs(20),
        }
    }
}

impl StorageSettings {
    /// From the process's settings.
    pub fn of(settings: &Settings) -> Self {
        let default = Self::default();
        let longest = Tier::ALL.into_iter().map(|tier| settings.audio_limits(tier).max_duration_seconds);
        let bounds = Bounds::for_duration(longest.fold(0.0, f64::max));
        Self {
            max_audio_bytes: default.max_audio_bytes.max(largest_wav_bytes(bounds.max_seconds)),
            bounds,
            prefetch: settings.rabbitmq.as_ref().map_or(default.prefetch, |rabbitmq| rabbitmq.prefetch),
            retention: settings.retention.policy,
            sweep: settings.retention.sweep,
            // A little less than the process gives, so that what is cut short is put back in order.
            drain: settings.http.drain.mul_f64(0.9),
            ..default
        }
    }
}

/// Stereo at 48 kHz in 32-bit floats.
fn largest_wav_bytes(seconds: f64) -> u64 {
    (seconds * 48_000.0 * 2.0 * 4.0) as u64
}

/// The work of the storage service, without a process around it.
pub struct StorageService {
    pub(crate) tools: Tools,
    pub(crate) settings: StorageSettings,
    /// One permit for each result that may be rendered at once.
    pub(crate) workers: Arc<Semaphore>,
    /// One permit for each import that may be under way.
    pub(crate) imports: Semaphore,
}

impl StorageService {
    pub fn new(tools: Tools, settings: StorageSettings) -> Arc<Self> {
        let workers = Arc::new(Semaphore::new(settings.workers.max(1)));
        // As long as one archive is unpacked, single songs are not to wait for it.
        let imports = Semaphore::new(2);
        Arc::new(Self { tools, settings, workers, imports })
    }

    pub(crate) fn catalogue(&self) -> Catalogue {
        let Tools { database, objects, clock, .. } = self.tools.clone();
        Catalogue::new(database, objects, clock, self.settings.songs, self.settings.workers)
    }
}
