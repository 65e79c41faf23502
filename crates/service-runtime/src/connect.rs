//! Waiting for what a process depends on.

use std::{
    error::Error,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use blob_store::{BlobStore, S3Config};
use domain::Kinds;
use messaging::{Bus, InProcessSettings, RabbitConfig};
use persistence::Database;
use resilience::{BreakerRegistry, BreakerSettings, SystemClock, ids::random10};
use settings::{DatabaseBackend, ObjectStore, S3Settings, Settings};
use telemetry::{Metrics, error_chain};
use tokio_util::sync::CancellationToken;

use crate::{
    deps::{Deps, Needs},
    error::RuntimeError,
    health::Health,
    observers::{BusMetrics, object_metrics},
};

/// How long each dependency may take to come up: long enough for a database that starts together with its services,
/// short enough that a wrong address is noticed.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

impl Deps {
    /// Connects to everything that `needs` names, each awaited for at most a minute, and migrates the database.
    ///
    /// # Errors
    /// When a dependency cannot be used, does not come up in time, or `stop` is cancelled meanwhile.
    pub async fn connect(
        settings: Settings,
        service: &'static str,
        needs: Needs,
        stop: &CancellationToken,
    ) -> Result<Self, RuntimeError> {
        Self::connect_within(CONNECT_TIMEOUT, settings, service, needs, stop).await
    }

    pub(crate) async fn connect_within(
        timeout: Duration,
        settings: Settings,
        service: &'static str,
        needs: Needs,
        stop: &CancellationToken,
    ) -> Result<Self, RuntimeError> {
        let metrics = Metrics::new(service);
        let wait = DependencyWait { timeout, stop };
        let database = match needs.database || needs.relay {
            true => Some(database(&settings, &wait).await?),
            false => None,
        };
        let closing = Arc::new(AtomicBool::new(false));
        let observer = Arc::new(BusMetrics { metrics: metrics.clone(), closing: closing.clone() });
        let bus = match needs.bus || needs.relay {
            true => Some(bus(&settings, service, observer, &wait).await?),
            false => None,
        };
        let objects = match needs.objects {
            true => Some(objects(&settings, &metrics, &wait).await?),
            false => None,
        };
        let instance = instance(service);
        let breakers = BreakerSettings {
            threshold: settings.providers.breaker_threshold,
            open_for: settings.providers.breaker_open,
        };
        let breakers = BreakerRegistry::new(breakers, metrics.clone());
        let health = Health::new(service, &instance, database.clone(), bus.clone(), objects.clone(), breakers.clone());
        Ok(Self {
            health,
            breakers,
            kinds: Kinds::built_in(),
            settings: Arc::new(settings),
            metrics,
            clock: Arc::new(SystemClock),
            instance,
            outbox: Arc::default(),
            service,
            closing,
            database,
            bus,
            objects,
        })
    }
}

struct DependencyWait<'a> {
    timeout: Duration,
    stop: &'a CancellationToken,
}

impl DependencyWait<'_> {
    /// Tries until it works. Says what is awaited when the first try fails, and what came when a later one works.
    async fn until<T, E, F>(
        &self,
        dependency: &'static str,
        is_retryable: impl Fn(&E) -> bool,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, RuntimeError>
    where
        E: Error + Send + Sync + 'static,
        F: Future<Output = Result<T, E>>,
    {
        let (started, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            let why = tokio::select! {
                tried = attempt() => match tried {
                    Ok(found) => {
                        let waited_ms = started.elapsed().as_millis() as u64;
                        tracing::info!(dependency, waited_ms, "dependency is there");
                        return Ok(found);
                    }
                    Err(why) => why,
                },
                () = self.stop.cancelled() => return Err(RuntimeError::StoppedWaiting { dependency }),
            };
            if !is_retryable(&why) {
                return Err(RuntimeError::Unusable { dependency, source: why.into() });
            }
            let waited = started.elapsed();
            if waited + pause > self.timeout {
                return Err(RuntimeError::DependencyUnavailable { dependency, waited, source: why.into() });
            }
            tracing::warn!(
                dependency,
                error = error_chain(&why),
                waited_ms = waited.as_millis() as u64,
                patience_s = self.timeout.as_secs(),
                "waiting for dependency"
            );
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => return Err(RuntimeError::StoppedWaiting { dependency }),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

async fn database(settings: &Settings, wait: &DependencyWait<'_>) -> Result<Database, RuntimeError> {
    if settings.database.backend == DatabaseBackend::Sqlite {
        make_folder(&settings.data_dir)?;
    }
    let (url, most) = (settings.database.url.expose(), settings.database.max_connections);
    let connect = || Database::connect(url, most);
    let database = wait.until("database", persistence::PersistenceError::is_retryable, connect).await?;
    database.migrate().await.map_err(RuntimeError::Migration)?;
    Ok(database)
}

async fn bus(
    settings: &Settings,
    service: &'static str,
    observer: Arc<BusMetrics>,
    wait: &DependencyWait<'_>,
) -> Result<Arc<dyn Bus>, RuntimeError> {
    let Some(rabbitmq) = &settings.rabbitmq else {
        return Ok(messaging::in_process_with(InProcessSettings { observer, ..InProcessSettings::default() }));
    };
    let connect = || messaging::rabbitmq(RabbitConfig::new(rabbitmq.url.expose(), service), observer.clone());
    wait.until("broker", messaging::MessagingError::is_retryable, connect).await
}

async fn objects(
    settings: &Settings,
    metrics: &Metrics,
    wait: &DependencyWait<'_>,
) -> Result<Arc<dyn BlobStore>, RuntimeError> {
    const DEPENDENCY: &str = "object store";
    let unusable = |why: blob_store::BlobError| RuntimeError::Unusable { dependency: DEPENDENCY, source: why.into() };
    let (store, backend) = match &settings.objects.store {
        ObjectStore::Folder { path } => {
            make_folder(path)?;
            (blob_store::folder(path).map_err(unusable)?, "folder")
        }
        ObjectStore::S3(s3) => {
            (blob_store::s3(s3_config(s3, settings.objects.part_size_bytes)).map_err(unusable)?, "s3")
        }
    };
    wait.until(DEPENDENCY, blob_store::BlobError::is_retryable, || store.health()).await?;
    Ok(blob_store::observed(store, backend, object_metrics(metrics.clone())))
}

fn s3_config(s3: &S3Settings, part_size_bytes: u64) -> S3Config {
    let mut config = S3Config::new(&s3.bucket, s3.access_key_id.expose(), s3.secret_access_key.expose());
    if let Some(endpoint) = &s3.endpoint {
        config = config.at(endpoint.clone());
    }
    config.region.clone_from(&s3.region);
    config.path_style = s3.path_style;
    config.part_bytes = usize::try_from(part_size_bytes).unwrap_or(usize::MAX);
    config
}

fn make_folder(path: &Path) -> Result<(), RuntimeError> {
    std::fs::create_dir_all(path).map_err(|source| RuntimeError::Folder { path: path.display().to_string(), source })
}

/// Host and process, and random bytes for containers that all think they are process 1 of the same host.
fn instance(service: &str) -> String {
    const KERNEL: &str = "/proc/sys/kernel/hostname";
    let host = std::env::var("HOSTNAME").ok().or_else(|| std::fs::read_to_string(KERNEL).ok()).unwrap_or_default();
    let host: String =
        host.trim().chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).take(64).collect();
    let random = random10();
    format!("{service}@{host}/{}-{:02x}{:02x}{:02x}", std::process::id(), random[0], random[1], random[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("not yet ({0})")]
    struct NotYet(u32);

    async fn wait(timeout: Duration, comes_at: u32, is_retryable: bool) -> Result<u32, RuntimeError> {
        let stop = CancellationToken::new();
        let mut tries = 0;
        let waiting = DependencyWait { timeout, stop: &stop };
        let attempt = || {
            tries += 1;
            let tried = tries;
            async move { if tried >= comes_at { Ok(tried) } else { Err(NotYet(tried)) } }
        };
        waiting.until("thing", |_| is_retryable, attempt).await
    }

    #[tokio::test(start_paused = true)]
    async fn waits_for_what_comes_late_but_not_for_ever_and_not_in_vain() {
        assert_eq!(wait(Duration::from_secs(60), 3, true).await.expect("it comes"), 3);
        let late = wait(Duration::ZERO, u32::MAX, true).await.expect_err("it never comes");
        assert_eq!(
            (error_chain(&late).as_str(), late.exit().code()),
            ("the thing was not there after 0 s: not yet (1)", 69)
        );
        let wrong = wait(Duration::from_secs(60), 2, false).await.expect_err("waiting does not help");
        assert_eq!(error_chain(&wrong), "the thing cannot be used: not yet (1)");
    }

    #[tokio::test]
    async fn a_signal_ends_the_wait() {
        let stop = CancellationToken::new();
        stop.cancel();
        let waiting = DependencyWait { timeout: Duration::from_secs(60), stop: &stop };
        let never = waiting.until("thing", |_| true, std::future::pending::<Result<(), NotYet>>).await;
        assert!(matches!(never, Err(RuntimeError::StoppedWaiting { dependency: "thing" })));
    }

    #[test]
    fn two_processes_never_share_a_name() {
        assert_ne!(instance("validator"), instance("validator"));
        assert!(instance("validator").starts_with("validator@"));
    }

    #[tokio::test]
    async fn a_broker_that_is_not_there_is_awaited_and_then_named() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let url = format!("amqp://guest:guest@{}/%2f", closed.expect("a free port"));
        let options = settings::LoadOptions::default()
            .with("mode", "distributed")
            .with("rabbitmq.url", url)
            .with("database.url", "postgres://nobody@127.0.0.1/none")
            .with("auth.mode", "hs256")
            .with("auth.secret", "0123456789abcdef0123456789abcdef")
            .with("objects.s3_bucket", "descant")
            .with("objects.s3_access_key_id", "key")
            .with("objects.s3_secret_access_key", "secret");
        let settings = Settings::load(&options).expect("valid settings");
        let needs = Needs { bus: true, ..Needs::NONE };
        let stop = CancellationToken::new();
        let refused = Deps::connect_within(Duration::from_millis(300), settings, "test", needs, &stop).await;
        let why = refused.err().expect("nobody listens there");
        assert!(
            matches!(why, RuntimeError::DependencyUnavailable { dependency: "broker", .. }),
            "{}",
            error_chain(&why)
        );
        assert_eq!(why.exit(), crate::Exit::Dependency);
    }
}
