//! Every service in this process, with a vendor of songs.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use providers::SongComposer;
use serde_json::Value;
use service_runtime::{CancellationToken, Exit, Service};
use settings::{LoadOptions, Settings};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::PATIENCE;

/// The house on this machine, for its one user.
pub struct House {
    base: String,
    pub http: reqwest::Client,
    stop: CancellationToken,
    running: JoinHandle<Exit>,
    _folder: TempDir,
}

impl House {
    /// Songs are asked of `vendor` before they are composed here.
    pub async fn open(vendor: Arc<dyn SongComposer>) -> Self {
        service_runtime::install_crypto();
        let folder = tempfile::tempdir().unwrap();
        let options = LoadOptions::default()
            .with("data_dir", folder.path().display().to_string())
            .with("http.port", "0")
            .with("providers.call_base_ms", "10")
            .with("jobs.reconcile_ms", "50");
        let settings = Settings::load(&options).unwrap();
        let (bound, address) = tokio::sync::oneshot::channel::<SocketAddr>();
        let announced = move |address| {
            // A test that has given up waits no more.
            let _ = bound.send(address);
        };
        let orchestrator = orchestrator::Orchestrator::default().with_composer("vendor", "1", vendor);
        let services: Vec<Box<dyn Service>> = vec![
            Box::new(validator::Validator),
            Box::new(storage::Storage::default()),
            Box::new(orchestrator),
            Box::new(gateway::Gateway::announcing(announced)),
        ];
        let stop = CancellationToken::new();
        let running = tokio::spawn(service_runtime::run_until("test", settings, services, stop.clone()));
        let base = format!("http://{}", address.await.unwrap());
        Self { base, http: reqwest::Client::new(), stop, running, _folder: folder }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub async fn close(self) {
        self.stop.cancel();
        self.running.await.unwrap();
    }

    /// A composition, when it has ended.
    pub async fn ended(&self, body: &Value) -> Value {
        let posted = self.http.post(self.url("/api/v1/jobs/composition")).json(body).send().await.unwrap();
        let accepted: Value = posted.json().await.unwrap();
        let id = accepted["jobId"].as_str().unwrap_or_else(|| panic!("no id in {accepted}")).to_owned();
        let started = Instant::now();
        loop {
            let job: Value = self.get(&format!("/api/v1/jobs/{id}")).await.json().await.unwrap();
            if job["state"] == "completed" || job["state"] == "failed" {
                return job;
            }
            assert!(started.elapsed() < PATIENCE, "{job}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn completed(&self, body: &Value) -> Value {
        let job = self.ended(body).await;
        assert_eq!(job["state"], "completed", "{job}");
        job
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(self.url(path)).send().await.unwrap()
    }

    pub async fn file(&self, job: &Value, role: &str) -> Vec<u8> {
        let id = job["jobId"].as_str().unwrap();
        let answer = self.get(&format!("/api/v1/jobs/{id}/result?role={role}")).await;
        assert_eq!(answer.status(), 200, "{role}");
        answer.bytes().await.unwrap().to_vec()
    }
}
