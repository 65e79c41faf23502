//! What the benchmarks of a whole deployment share: deployments of their own, clients, recordings, and a word about
//! the machine; jobs of every kind, stand-in vendors, and whether these were paid twice. Starts what it measures and ends it
//! again; never measures anything itself.

pub mod client;
mod deployment;
pub mod mix;
pub mod payments;
mod process;
pub mod rows;
pub mod stand_ins;

use std::{fs, future::Future, thread::available_parallelism};

use anyhow::{Context, Result, bail};
use media::{Encoding, Tags, encode, sample};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

pub use deployment::{Deployment, Flavour, Setting};
pub use process::Process;

pub const RATE_HZ: u32 = 44_100;
/// Setting with which an orchestrator is present and does next to nothing, and what the reader must know about it.
pub const QUIET_ORCHESTRATOR: (&str, &str) = ("QUEUE_RATE_LIMIT", "1");
pub const QUIET_ORCHESTRATOR_NOTE: &str = "jobs are accepted and then wait: the orchestrator may start one job a minute \
     (QUEUE_RATE_LIMIT=1), so that the engine does not compete with what is measured";

#[derive(clap::Args)]
pub struct Common {
    /// Measure only this kind of deployment.
    #[arg(long)]
    only: Option<Flavour>,
    /// Print one JSON object instead of tables.
    #[arg(long)]
    pub json: bool,
}

impl Common {
    pub fn flavours(&self) -> Vec<Flavour> {
        self.only.map_or_else(|| vec![Flavour::Embedded, Flavour::Distributed], |flavour| vec![flavour])
    }

    /// For those who watch; standard output is for figures.
    pub fn progress(&self, text: &str) {
        eprintln!("… {text}");
    }
}

/// Where the figures come from.
#[derive(Serialize)]
pub struct Machine {
    processor: String,
    cores: usize,
    memory_gib: f64,
    /// Processes that wanted to run in the last minute, ours not yet among them.
    load: f64,
    build: &'static str,
}

impl Machine {
    pub fn look() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let value = |text: &str, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
            line.unwrap_or_default().trim().to_owned()
        };
        let memory = value(&read("/proc/meminfo"), "MemTotal");
        let kibibytes: f64 = memory.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0.0);
        let load = read("/proc/loadavg");
        Self {
            processor: value(&read("/proc/cpuinfo"), "model name"),
            cores: available_parallelism().map_or(1, usize::from),
            memory_gib: (kibibytes / 1024.0 / 102.4).round() / 10.0,
            load: load.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0.0),
            build: if cfg!(debug_assertions) { "debug" } else { "release" },
        }
    }

    pub fn print(&self) {
        let Self { processor, cores, memory_gib, load, build } = self;
        println!("{cores} cores ({processor}), {memory_gib} GiB, load {load} before the start, {build} build");
        if cfg!(debug_assertions) {
            println!("note: this is not a release build; its times say nothing");
        }
    }
}

/// A recording as clients send it. It lives as long as the process, so that any number of clients can send it without
/// a copy of their own.
#[derive(Clone, Copy)]
pub struct Recording {
    pub file_name: &'static str,
    pub bytes: &'static [u8],
}

impl Recording {
    pub fn new(file_name: &'static str, samples: &[f32], channels: u16, encoding: Encoding) -> Result<Self> {
        let bytes = encode(samples, RATE_HZ, channels, encoding, &Tags::default()).context("encode a recording")?;
        Ok(Self { file_name, bytes: bytes.leak() })
    }

    /// A synthetic voice of some seconds as a mono WAV.
    pub fn short_wav(seconds: f64) -> Result<Self> {
        Self::new("short.wav", &sample::voice(seconds, RATE_HZ, 1), 1, Encoding::Wav16)
    }
}

/// Does `work`; stops it on SIGINT or SIGTERM, so that everything that it started ends with it.
pub async fn unless_stopped<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        done = work => done,
        _ = interrupt.recv() => bail!("interrupted"),
        _ = terminate.recv() => bail!("asked to stop"),
    }
}
