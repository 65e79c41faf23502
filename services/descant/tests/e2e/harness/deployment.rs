//! A deployment: all services, running, in one of two ways.

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use blob_store::{BlobStore, KeyPrefix, S3Config};
use messaging::{Bus, NoopObserver, RabbitConfig};
use persistence::Database;
use tempfile::TempDir;
use testbed::{TestBucket, TestDatabase, TestVhost, eventually};

use super::{
    process::{Process, binary},
    tokens::{AUDIENCE, Claims, ISSUER, SECRET},
    user::User,
    watchdog::Watchdog,
};

/// How a deployment runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flavour {
    /// One `descant serve` on SQLite and a folder.
    Embedded,
    /// Five processes over PostgreSQL, RabbitMQ and S3.
    Distributed,
}

/// A process of a deployment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Part {
    /// All services in one.
    Descant,
    Expert,
    Validator,
    Storage,
    Orchestrator,
    /// Another one beside it; not there unless a test starts it.
    SecondOrchestrator,
    Gateway,
}

impl Part {
    /// In the order of their start: the expert first, because the orchestrator is told its address.
    const DISTRIBUTED: [Self; 5] = [Self::Expert, Self::Validator, Self::Storage, Self::Orchestrator, Self::Gateway];

    const fn binary(self) -> &'static str {
        match self {
            Self::Descant => "descant",
            Self::Expert => "descant-expert",
            Self::Validator => "descant-validator",
            Self::Storage => "descant-storage",
            Self::Orchestrator | Self::SecondOrchestrator => "descant-orchestrator",
            Self::Gateway => "descant-gateway",
        }
    }

    const fn ready_path(self) -> &'static str {
        match self {
            Self::Expert => "/health",
            _ => "/api/health/ready",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.binary())
    }
}

/// What a deployment keeps its things in; gone with it.
enum Ground {
    Folder(TempDir),
    Servers(Box<Lent>),
}

struct Lent {
    database: TestDatabase,
    vhost: TestVhost,
    bucket: TestBucket,
}

/// A running deployment. Everything of it ends and is deleted when it is dropped.
pub struct Deployment {
    pub flavour: Flavour,
    environment: BTreeMap<String, String>,
    state: Mutex<State>,
    logs: TempDir,
    // Behind the processes, so that those end first.
    ground: Ground,
}

struct State {
    processes: BTreeMap<Part, Process>,
    watchdog: Watchdog,
    /// Processes started so far, for the names of their logs.
    starts: u32,
    /// Kept over a kill, because others have been told it.
    expert_url: Option<String>,
}

/// Quick enough for tests that wait for leases and retries; everything else as in earnest.
const QUICK: [(&str, &str); 15] = [
    ("DESCANT_AUTH__MODE", "hs256"),
    ("DESCANT_AUTH__SECRET", SECRET),
    ("DESCANT_AUTH__ISSUER", ISSUER),
    ("DESCANT_AUTH__AUDIENCE", AUDIENCE),
    ("DESCANT_AUTH__LEEWAY_SECONDS", "2"),
    ("DESCANT_HTTP__PORT", "0"),
    ("DESCANT_HTTP__HEALTH_PORT", "0"),
    ("DESCANT_EXPERT__PORT", "0"),
    ("DESCANT_HTTP__EVENT_KEEPALIVE_MS", "1000"),
    ("QUEUE_RATE_LIMIT", "6000"),
    ("DESCANT_JOBS__RETRY_BASE_MS", "200"),
    ("DESCANT_JOBS__LEASE_MS", "3000"),
    ("DESCANT_JOBS__HEARTBEAT_MS", "1000"),
    ("DESCANT_JOBS__RECONCILE_MS", "1000"),
    // Tests send the same hum again and again, and want to see it worked on.
    ("DESCANT_RETENTION__STAGE_RESULTS_HOURS", "0"),
];

impl Deployment {
    /// Starts a deployment of its own with `more` settings.
    pub async fn start(flavour: Flavour, more: &[(&str, &str)]) -> Self {
        service_runtime::install_crypto();
        let mut environment: BTreeMap<String, String> =
            QUICK.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        environment.insert("DESCANT_LOG__FORMAT".to_owned(), "json".to_owned());
        environment.insert("DESCANT_PROVIDERS__CALL_BASE_MS".to_owned(), "100".to_owned());
        let ground = match flavour {
            Flavour::Embedded => {
                let folder = TempDir::new().expect("a temporary folder can be made");
                environment.insert("DESCANT_DATA_DIR".to_owned(), folder.path().display().to_string());
                Ground::Folder(folder)
            }
            Flavour::Distributed => {
                let (database, vhost, bucket) =
                    tokio::join!(testbed::postgres_database(), testbed::rabbitmq_vhost(), testbed::s3_bucket());
                let place = bucket.location();
                environment.extend(
                    [
                        ("DATABASE_URL", database.url()),
                        ("RABBITMQ_URL", vhost.url()),
                        ("S3_ENDPOINT", &place.endpoint),
                        ("S3_REGION", &place.region),
                        ("S3_BUCKET", &place.bucket),
                        ("S3_ACCESS_KEY_ID", &place.access_key),
                        ("S3_SECRET_ACCESS_KEY", &place.secret_key),
                    ]
                    .map(|(name, value)| (name.to_owned(), value.to_owned())),
                );
                Ground::Servers(Box::new(Lent { database, vhost, bucket }))
            }
        };
        let deployment = Self {
            flavour,
            environment,
            state: Mutex::new(State {
                processes: BTreeMap::new(),
                watchdog: Watchdog::start(),
                starts: 0,
                expert_url: None,
            }),
            logs: TempDir::new().expect("a temporary folder can be made"),
            ground,
        };
        match flavour {
            Flavour::Embedded => deployment.launch(Part::Descant).await,
            Flavour::Distributed => {
                for part in Part::DISTRIBUTED {
                    deployment.launch(part).await;
                }
            }
        }
        deployment
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The parts that are running.
    pub fn parts(&self) -> Vec<Part> {
        self.state().processes.keys().copied().collect()
    }

    /// Starts a part, and waits until it takes work.
    pub async fn launch(&self, part: Part) {
        let (program, arguments) = match part {
            Part::Descant => {
                (PathBuf::from(env!("CARGO_BIN_EXE_descant")), vec!["serve".to_owned(), "--port".into(), "0".into()])
            }
            part => (binary(part.binary()), Vec::new()),
        };
        let mut environment = self.environment.clone();
        let log = {
            let mut state = self.state();
            state.starts += 1;
            if matches!(part, Part::Orchestrator | Part::SecondOrchestrator)
                && let Some(url) = &state.expert_url
            {
                environment.insert("EXPERT_MUSIC_AI_URL".to_owned(), url.clone());
            }
            self.logs.path().join(format!("{:02}-{part}.log", state.starts))
        };
        let watch = |pid| self.state().watchdog.watch(pid);
        let process = Process::start(&program, &arguments, &environment, log, watch).await;
        let address = process.address.clone();
        {
            let mut state = self.state();
            if part == Part::Expert {
                state.expert_url = Some(format!("http://{address}"));
            }
            state.processes.insert(part, process);
        }
        let url = format!("http://{address}{}", part.ready_path());
        let http = reqwest::Client::new();
        eventually(&format!("{part} to be ready"), Duration::from_secs(60), || async {
            match http.get(&url).send().await {
                Ok(answer) if answer.status().is_success() => Ok(()),
                Ok(answer) => Err(format!("{} {}", answer.status(), answer.text().await.unwrap_or_default())),
                Err(why) => Err(why.to_string()),
            }
        })
        .await;
    }

    /// SIGKILL.
    pub fn kill(&self, part: Part) {
        let mut state = self.state();
        let mut process = state.processes.remove(&part).unwrap_or_else(|| panic!("{part} is not running"));
        process.kill();
        state.watchdog.forget(process.id());
    }

    /// Asks a part to stop (SIGTERM) and returns its exit code.
    pub fn stop(&self, part: Part) -> i32 {
        let mut process = self.state().processes.remove(&part).unwrap_or_else(|| panic!("{part} is not running"));
        let code = process.stop();
        self.state().watchdog.forget(process.id());
        code
    }

    /// `http://…` of a part.
    pub fn url(&self, part: Part) -> String {
        let state = self.state();
        let process = state.processes.get(&part).unwrap_or_else(|| panic!("{part} is not running"));
        format!("http://{}", process.address)
    }

    /// The part that answers clients.
    pub fn front(&self) -> Part {
        match self.flavour {
            Flavour::Embedded => Part::Descant,
            Flavour::Distributed => Part::Gateway,
        }
    }

    /// `http://…` that clients use.
    pub fn front_url(&self) -> String {
        self.url(self.front())
    }

    /// A new user of the free tier.
    pub fn user(&self) -> User {
        User::new(self.front_url(), Claims::fresh())
    }

    /// The deployment's rows, read beside the services.
    pub async fn database(&self) -> Database {
        let url = match &self.ground {
            Ground::Folder(folder) => format!("sqlite:{}", folder.path().join("descant.db").display()),
            Ground::Servers(lent) => lent.database.url().to_owned(),
        };
        Database::connect(&url, 2).await.expect("the deployment's database opens")
    }

    /// The house's objects, seen beside the services.
    pub fn store(&self) -> Arc<dyn BlobStore> {
        match &self.ground {
            Ground::Folder(folder) => blob_store::folder(folder.path().join("objects")).expect("the folder opens"),
            Ground::Servers(lent) => {
                let place = lent.bucket.location();
                let config = S3Config::new(&place.bucket, &place.access_key, &place.secret_key)
                    .at(place.endpoint.parse().expect("the test server has an address"));
                blob_store::s3(config).expect("the bucket opens")
            }
        }
    }

    /// The keys of all objects.
    pub async fn objects(&self) -> Vec<String> {
        let listed = self.store().list(&KeyPrefix::all(), None, 1000).await.expect("objects can be listed");
        listed.into_iter().map(|object| object.key.to_string()).collect()
    }

    /// Name of the broker's virtual host; only a distributed deployment has one.
    pub fn vhost(&self) -> &str {
        match &self.ground {
            Ground::Folder(_) => panic!("an embedded deployment has no broker"),
            Ground::Servers(lent) => lent.vhost.name(),
        }
    }

    /// The broker, listened to beside the services; only a distributed deployment has one.
    pub async fn bus(&self) -> Arc<dyn Bus> {
        let url = match &self.ground {
            Ground::Folder(_) => panic!("an embedded deployment has no broker"),
            Ground::Servers(lent) => lent.vhost.url(),
        };
        messaging::rabbitmq(RabbitConfig::new(url, "e2e"), Arc::new(NoopObserver)).await.expect("the broker answers")
    }

    /// What every process has printed so far, by the name of its log.
    pub fn logs(&self) -> BTreeMap<String, String> {
        let entries = std::fs::read_dir(self.logs.path()).into_iter().flatten().flatten();
        let read = |entry: std::fs::DirEntry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(entry.path()).unwrap_or_default())
        };
        entries.map(read).collect()
    }

    /// The last lines of every log, for the report of a test that failed.
    pub fn tell_logs(&self) {
        const LINES: usize = 25;
        for (name, text) in self.logs() {
            let lines: Vec<&str> = text.lines().collect();
            let shown = &lines[lines.len().saturating_sub(LINES)..];
            eprintln!("--- {name} ({} lines)", lines.len());
            shown.iter().for_each(|line| eprintln!("{line}"));
        }
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        let mut state = self.state();
        for process in std::mem::take(&mut state.processes).values_mut() {
            process.kill();
            state.watchdog.forget(process.id());
        }
    }
}
