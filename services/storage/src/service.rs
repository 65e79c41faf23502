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

/// Results that are rendered at once where there are processors enough.
const MOST_WORKERS: usize = 4;
/// Imports that are under way at once: as long as one archive is unpacked, single songs are not to wait for it.
const IMPORTS: usize = 2;

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
    /// Results rendered at once: each takes a processor and, for five minutes of stereo, 200 MB. `k8s/README.md` says what
    /// that comes to.
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
            workers: processors.min(MOST_WORKERS),
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
        let imports = Semaphore::new(IMPORTS);
        Arc::new(Self { tools, settings, workers, imports })
    }

    pub(crate) fn catalogue(&self) -> Catalogue {
        let Tools { database, objects, clock, .. } = self.tools.clone();
        Catalogue::new(database, objects, clock, self.settings.songs, self.settings.workers)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use domain::kinds::blend::SPEC;

    use super::*;

    /// Of a decoded sound while it is worked on, as [`StorageSettings::workers`] says.
    const MEMORY_A_SECOND: f64 = 200e6 / 300.0;
    /// Of everything else, imports among it.
    const MEMORY: f64 = 256.0 * 1_048_576.0;
    const RATE_HZ: f64 = 44_100.0;
    /// Of a WAV, and of a FLAC that could not be packed, in bytes a frame: 16-bit stereo.
    const WRITTEN: f64 = 4.0;
    /// Of MP3, M4A and Ogg Vorbis together.
    const PACKED: f64 = 2.0;
    /// How long a song sounds on after its last note at most.
    const TAIL_SECONDS: f64 = 8.0;

    fn file(path: &str) -> String {
        let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The quantity of Kubernetes that stands after `key`.
    fn bytes(manifest: &str, key: &str) -> f64 {
        let (_, after) = manifest.split_once(key).unwrap_or_else(|| panic!("no {key}"));
        let after = after.trim_start();
        let unit = after.find(|c: char| !c.is_ascii_digit()).expect("a unit");
        let unit_bytes = match &after[unit..unit + 2] {
            "Mi" => 1_048_576.0,
            "Gi" => 1_073_741_824.0,
            other => panic!("{key} in {other}"),
        };
        after[..unit].parse::<f64>().expect("a number") * unit_bytes
    }

    #[test]
    fn the_manifests_give_room_for_the_longest_songs_that_are_taken_in_at_once() {
        let workers = MOST_WORKERS as f64;
        let seconds = SPEC.limits.sound.expect("a bound").as_secs_f64() + TAIL_SECONDS;
        let kept = SPEC.artifacts.iter().filter(|artifact| artifact.extension == "flac").count() as f64;
        // The sound as it comes and as it is kept, and what comes beside it.
        let a_frame = WRITTEN * (2.0 + kept) + PACKED;
        let imports = (IMPORTS as u64 * domain::song::MAX_IMPORT_BYTES) as f64;
        let disk = workers * seconds * RATE_HZ * a_frame + imports;
        let memory = MEMORY + workers * seconds * MEMORY_A_SECOND;
        let manifest = file("k8s/base/storage.yaml");
        let volume = bytes(&manifest, "sizeLimit:");
        assert!(volume >= disk, "{disk} bytes in {volume}");
        assert!(bytes(&manifest, "ephemeral-storage:") > volume, "the volume counts towards it, and so do logs");
        let given = bytes(&manifest, "limits: {memory:");
        assert!(given >= memory, "{memory} bytes in {given}");
        // The documents say the same figures.
        for document in ["k8s/README.md", "deploy/README.md"] {
            let text = file(document);
            for figure in [format!("{:.1} GB", disk / 1e9), format!("{:.1} GB", memory / 1e9)] {
                assert!(text.contains(&figure), "{document} does not say {figure}");
            }
        }
    }
}
