//! All services, running, in one of two ways.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use jsonwebtoken::{EncodingKey, Header};
use serde::Serialize;
use serde_json::json;
use tempfile::TempDir;

use super::{
    QUIET_ORCHESTRATOR,
    client::Client,
    process::{FreshPlace, Process},
};

/// Guards nothing: the deployment listens on the loopback interface and is gone after the run.
const SECRET: &str = "a secret that only the benchmarks of this project use";
/// The expert first, because the orchestrator is told its address. The gateway last.
const SERVICES: [&str; 5] =
    ["descant-expert", "descant-validator", "descant-storage", "descant-orchestrator", "descant-gateway"];
/// Of an embedded deployment, in its own folder.
const DATA_FOLDER: &str = "data";
const TOKEN_LIFE: Duration = Duration::from_secs(4 * 3600);

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Flavour {
    /// One `descant serve` on SQLite and a folder.
    Embedded,
    /// Five processes over PostgreSQL, RabbitMQ and S3.
    Distributed,
}

impl Flavour {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Distributed => "distributed",
        }
    }
}

/// A variable that is a setting.
pub struct Setting(pub String, pub String);

impl From<(&str, &str)> for Setting {
    fn from((name, value): (&str, &str)) -> Self {
        Self(name.to_owned(), value.to_owned())
    }
}

/// A running deployment. Everything of it ends and is deleted when it is dropped.
pub struct Deployment {
    client: Client,
    http: reqwest::Client,
    /// Those of the service that was started last hold for all that have no address to be told.
    settings: BTreeMap<String, String>,
    // Before what they keep their things in, so that they end first.
    processes: Vec<Process>,
    _place: Option<FreshPlace>,
    folder: TempDir,
}

impl Deployment {
    /// Starts a deployment whose orchestrator does next to nothing.
    pub async fn start(flavour: Flavour) -> Result<Self> {
        Self::start_with(flavour, [QUIET_ORCHESTRATOR.into()]).await
    }

    /// Starts a deployment with settings of its own.
    pub async fn start_with(flavour: Flavour, own: impl IntoIterator<Item = Setting>) -> Result<Self> {
        let folder = tempfile::tempdir().context("make a temporary folder")?;
        // Servers close what has been idle for some seconds; a request that is sent just then is lost with the connection.
        let idle = Duration::from_secs(1);
        let http = reqwest::Client::builder().pool_idle_timeout(idle).build().context("make an HTTP client")?;
        let mut settings: BTreeMap<String, String> = [("DESCANT_HTTP__PORT", "0"), ("DESCANT_HTTP__HEALTH_PORT", "0")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        settings.extend(own.into_iter().map(|Setting(name, value)| (name, value)));
        let (mut processes, mut place) = (Vec::new(), None);
        let client = match flavour {
            Flavour::Embedded => {
                settings.insert("DESCANT_DATA_DIR".to_owned(), folder.path().join(DATA_FOLDER).display().to_string());
                let url = launch(&mut processes, "descant", &["serve"], &settings, folder.path(), &http).await?;
                Client::new(http.clone(), url, None)
            }
            Flavour::Distributed => {
                let (taken, its_settings) = FreshPlace::take()?;
                place = Some(taken);
                settings.extend(its_settings);
                settings.insert("DESCANT_AUTH__SECRET".to_owned(), SECRET.to_owned());
                settings.insert("DESCANT_EXPERT__PORT".to_owned(), "0".to_owned());
                let url = launch_apart(&mut processes, &mut settings, folder.path(), &http).await?;
                Client::new(http.clone(), url, Some(token()?))
            }
        };
        Ok(Self { client, http, settings, processes, _place: place, folder })
    }

    /// Kills a service of a distributed deployment, as a machine that fails does, and starts it again.
    pub async fn kill_and_start(&mut self, name: &str) -> Result<()> {
        self.processes.retain(|process| process.name() != name);
        launch(&mut self.processes, name, &[], &self.settings, self.folder.path(), &self.http).await.map(drop)
    }

    /// A user of the tier that has no quota.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The address of its database, for what its API does not tell.
    pub fn database_url(&self) -> String {
        let own = || format!("sqlite:{}", self.folder.path().join(DATA_FOLDER).join("descant.db").display());
        self.settings.get("DATABASE_URL").cloned().unwrap_or_else(own)
    }

    /// In the order of their start; the last one answers clients.
    pub fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// What the processes said last, for a failure's report.
    pub fn log_tails(&self) -> String {
        let tails = self.processes().iter().map(|process| format!("--- {}\n{}", process.name(), process.log_tail()));
        tails.collect::<Vec<_>>().join("\n")
    }
}

/// Starts the services one after the other; returns the gateway's address.
async fn launch_apart(
    processes: &mut Vec<Process>,
    settings: &mut BTreeMap<String, String>,
    folder: &Path,
    http: &reqwest::Client,
) -> Result<String> {
    let mut url = String::new();
    for service in SERVICES {
        url = launch(processes, service, &[], settings, folder, http).await?;
        if service == "descant-expert" {
            settings.insert("EXPERT_MUSIC_AI_URL".to_owned(), url.clone());
        }
    }
    Ok(url)
}

async fn launch(
    processes: &mut Vec<Process>,
    name: &str,
    arguments: &[&str],
    settings: &BTreeMap<String, String>,
    folder: &Path,
    http: &reqwest::Client,
) -> Result<String> {
    let mut process = Process::start(name, arguments, settings, folder.join(format!("{name}.log")))?;
    let ready_path = if name == "descant-expert" { "/health" } else { "/api/health/ready" };
    let url = process.ready(http, ready_path).await?;
    processes.push(process);
    Ok(url)
}

/// Of a user of the enterprise tier, which has no quota.
fn token() -> Result<String> {
    let expires = SystemTime::now().duration_since(UNIX_EPOCH)? + TOKEN_LIFE;
    let claims = json!({ "sub": "benchmark", "exp": expires.as_secs(), "tier": "enterprise" });
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key).context("sign a token")
}
