//! The stand-in vendors, in a process of their own so that nothing that ships depends on them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::{payments::Charge, process::Process};

const PROGRAM: &str = "vendor-standins";
const STARTED_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Of a prediction and of a training: what takes the vendor minutes is over in a moment, and charged as ever.
const RUN_MS: &str = "600";

/// How they fail.
#[derive(Clone, Copy, Debug)]
pub struct Misbehaviour {
    /// Share of the calls that fail, in percent.
    pub failures: f64,
    /// Share of Replicate's predictions and trainings that come to nothing, in percent.
    pub failing_runs: f64,
    /// What the failures follow from.
    pub seed: u64,
}

/// A running server.
pub struct StandIns {
    _process: Process,
    url: String,
    /// A file with the settings that lead there.
    settings: PathBuf,
}

/// What was asked and charged so far.
#[derive(Debug, Deserialize)]
pub struct Ledger {
    pub charges: Vec<Charge>,
    pub asked: Vec<Asked>,
}

/// How often a route of a vendor was asked, answered or not.
#[derive(Debug, Deserialize)]
pub struct Asked {
    pub vendor: String,
    pub route: String,
    pub times: u64,
}

impl StandIns {
    /// Starts them; their files lie in `folder`.
    pub async fn start(misbehaviour: Misbehaviour, folder: &Path) -> Result<Self> {
        let log = folder.join("vendors.log");
        let Misbehaviour { failures, failing_runs, seed } = misbehaviour;
        let [failures, failing_runs, seed] = [failures.to_string(), failing_runs.to_string(), seed.to_string()];
        let arguments = [
            ["--port", "0"],
            ["--failures", &failures],
            ["--failing-runs", &failing_runs],
            ["--seed", &seed],
            ["--prediction-ms", RUN_MS],
        ];
        let process = Process::start(PROGRAM, arguments.as_flattened(), &BTreeMap::new(), log.clone())?;
        let until = Instant::now() + STARTED_WITHIN;
        loop {
            // What it prints is a settings file whose comments say where it listens.
            let toml = fs::read_to_string(&log).unwrap_or_default();
            if let Some((_, after)) = toml.split_once("GET ")
                && let Some((url, _)) = after.split_once("/_control")
            {
                let settings = folder.join("descant.toml");
                fs::write(&settings, &toml).context("write the settings")?;
                return Ok(Self { _process: process, url: url.to_owned(), settings });
            }
            ensure!(Instant::now() < until, "the stand-in vendors do not start: {toml}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The path of the settings that lead there.
    pub fn settings(&self) -> String {
        self.settings.display().to_string()
    }

    pub async fn ledger(&self) -> Result<Ledger> {
        let answer = reqwest::get(format!("{}/_control/ledger", self.url)).await.context("ask for the ledger")?;
        answer.json().await.context("read the ledger")
    }

    /// Writes down what the next calls meet.
    pub async fn script(&self, script: &Value) -> Result<()> {
        let told = reqwest::Client::new().post(format!("{}/_control/script", self.url)).json(script).send().await;
        told.and_then(reqwest::Response::error_for_status).context("tell a stand-in how to misbehave")?;
        Ok(())
    }
}
