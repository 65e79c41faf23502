//! One HTTP server that speaks the documented side of the AI vendors: for development without keys, for tests and for
//! benchmarks. Its answers are real (words in the form that was asked for, sound that can be decoded), its requests are
//! held against the vendors' rules, and it misbehaves when told to. A ledger says what each request would have cost.
//!
//! Used by tests, benchmarks and `cargo xtask vendors` only; nothing that ships depends on it. It asks nobody outside but
//! for the webhooks that it is told to send.

mod anthropic;
mod app;
mod audio;
mod control;
mod elevenlabs;
mod http;
mod ledger;
mod ml;
mod openai;
mod prices;
mod replicate;
mod routes;
mod scripts;
mod server;
mod sound;
mod steps;
mod transport;
mod verse;
mod work;

pub use ledger::Charge;
pub use replicate::{Sent, USER, signature};
pub use routes::{Route, Vendor};
pub use scripts::ScriptError;
pub use steps::{End, Fault, Pace, Retry, Run, Sound, Step, Stop, Webhook, Words};

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{net::TcpListener, task::JoinHandle};

use crate::{app::App, ledger::Ledger, replicate::Replicate};

/// How a server is started.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Options {
    /// 0 takes a free one.
    pub port: u16,
    /// What the words and tunes follow from, beside the requests; also the secret of webhooks.
    pub seed: u64,
    /// At which pace predictions and trainings go.
    pub pace: Pace,
    /// Requests that ElevenLabs takes at once.
    pub concurrent: usize,
    /// Entries of one page of Replicate's lists.
    pub page: usize,
}

impl Default for Options {
    fn default() -> Self {
        let pace = Pace::Millis { starting: 20, processing: 60 };
        Self { port: 0, seed: 1, pace, concurrent: 10, page: 100 }
    }
}

/// The server, on a port of this machine; gone when it is dropped.
pub struct Vendors {
    address: SocketAddr,
    app: Arc<App>,
    serving: JoinHandle<()>,
}

impl Vendors {
    /// Starts one on a free port, in the runtime that this runs in.
    ///
    /// # Panics
    /// When there is no port to be had.
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await.unwrap_or_else(|why| panic!("no port of this machine: {why}"))
    }

    /// Starts one as told.
    ///
    /// # Errors
    /// When the port cannot be listened on.
    pub async fn start_with(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;
        let ledger = Arc::new(Ledger::default());
        let replicate = Replicate::new(Arc::clone(&ledger), options.seed, options.pace, options.page);
        let app = Arc::new(App::new(ledger, replicate, options.seed, options.concurrent));
        let serving = tokio::spawn(server::serve(listener, Arc::clone(&app)));
        Ok(Self { address, app, serving })
    }

    /// `http://127.0.0.1:port`, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What stands in the place of the vendor's host, such as `https://api.replicate.com`: the vendor's own paths (`/v1/…`)
    /// follow.
    pub fn url_of(&self, vendor: Vendor) -> String {
        format!("http://{}/{}", self.address, vendor.prefix())
    }

    /// The next calls of a route meet these steps, one each, behind those of earlier scripts; then all is proper again. Steps
    /// for [`Route::Any`] are met by calls of the vendor that have none of their own.
    ///
    /// # Panics
    /// When a step cannot happen on the route.
    pub fn script(&self, vendor: Vendor, route: Route, steps: impl IntoIterator<Item = Step>) {
        let taken = self.app.scripts.add(vendor, route, steps.into_iter().collect());
        taken.unwrap_or_else(|why| panic!("{why}"));
    }

    /// This share (0–1) of a vendor's calls without a step meets a mishap: 5xx, 429, no answer, a reset or a cut body, some
    /// before the work and some after it. Alike for the same seed and the same order of calls.
    ///
    /// # Panics
    /// When the share is not from 0 to 1.
    pub fn random(&self, vendor: Vendor, share: f64, seed: u64) {
        self.app.scripts.random(vendor, share, seed).unwrap_or_else(|why| panic!("{why}"));
    }

    /// This share (0–1) of Replicate's predictions and trainings whose call meets nothing comes to nothing: they fail, are
    /// never begun, or their output is gone, cut or no sound. Alike for the same seed and the same order of calls.
    ///
    /// # Panics
    /// When the share is not from 0 to 1.
    pub fn random_runs(&self, share: f64, seed: u64) {
        self.app.scripts.random_runs(share, seed).unwrap_or_else(|why| panic!("{why}"));
    }

    /// Everything that was charged for so far.
    pub fn ledger(&self) -> Vec<Charge> {
        self.app.ledger.all()
    }

    /// What was paid for more than once: groups of charges with the same vendor, route and correlation (an equal request where
    /// there is no correlation).
    pub fn paid_twice(&self) -> Vec<Vec<Charge>> {
        self.app.ledger.paid_twice()
    }

    /// How often a route was asked, answered or not.
    pub fn asked(&self, vendor: Vendor, route: Route) -> usize {
        self.app.scripts.asked().get(&(vendor, route)).copied().unwrap_or(0)
    }

    /// Moves a prediction or training of Replicate on by one state; `false` when there is none such, or it is over.
    pub fn advance(&self, id: &str) -> bool {
        self.app.replicate.advance(id)
    }

    /// Deletes inputs and outputs of a prediction or training, as Replicate does an hour after its end.
    pub fn expire(&self, id: &str) -> bool {
        self.app.replicate.expire(id)
    }

    /// The webhooks that Replicate has sent so far, with what was answered.
    pub fn webhooks(&self) -> Vec<Sent> {
        self.app.replicate.webhooks()
    }

    /// The secret (`whsec_…`) that its webhooks are signed with.
    pub fn webhook_secret(&self) -> String {
        self.app.replicate.secret()
    }

    /// The settings of Descant that lead to the stand-ins, as TOML.
    pub fn settings(&self) -> String {
        let moderation = format!(
            "[moderation]\nopenai_url = \"{}/v1\"\nopenai_api_key = \"stand-in\"\n",
            self.url_of(Vendor::OpenAi)
        );
        let table = |name: &str, vendor, path: &str, more: &str| {
            let base = self.url_of(vendor);
            format!("[providers.{name}]\n{more}base_url = \"{base}{path}\"\napi_key = \"stand-in\"\n")
        };
        let replicate = format!(
            "owner = \"{USER}\"\noutput_hosts = [\"{}\"]\nwebhook_secret = \"{}\"\n",
            self.address.ip(),
            self.webhook_secret()
        );
        // What it makes lies on this machine, which no vendor's files may otherwise.
        let outbound = format!("[outbound]\nallow_hosts = [\"{}\"]\n", self.address.ip());
        let tables = [
            outbound,
            moderation,
            table("anthropic", Vendor::Anthropic, "", ""),
            table("openai", Vendor::OpenAi, "/v1", ""),
            table("replicate", Vendor::Replicate, "/v1", &replicate),
            table("elevenlabs", Vendor::ElevenLabs, "", ""),
            table("ml_model", Vendor::Ml, "", ""),
            table("stand_in_speech", Vendor::OpenAi, "/v1", "kind = \"speech\"\n"),
        ];
        tables.join("\n")
    }

    /// Forgets scripts, charges and everything that was made.
    pub fn reset(&self) {
        self.app.reset();
    }
}

impl Drop for Vendors {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
