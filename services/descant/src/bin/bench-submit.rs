//! `bench-submit`: how many jobs a second are accepted, and how long a client waits for the answer, with real
//! recordings that are really validated, over one connection and over many. Beside them, in the same run, what the
//! validation alone takes in this process, and what a round trip to the deployment takes without any work.
//!
//! Run through `cargo xtask bench submit`, which starts the servers of the distributed set. Exits with 0 whatever the
//! figures say, unless a request was not accepted.

#[allow(dead_code, unused_imports, reason = "each benchmark uses a part of what they share")]
mod bench_support;

use std::{
    future::Future,
    io::Cursor,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use bench_support::{
    Common, Deployment, Flavour, Machine, QUIET_ORCHESTRATOR_NOTE, RATE_HZ, Recording, client::Client, unless_stopped,
};
use clap::Parser;
use domain::audio::AudioLimits;
use media::{Bounds, Encoding, inspect, sample};
use serde::Serialize;
use tokio::task::JoinSet;

const SECONDS: f64 = 4.0;
const CONCURRENCIES: [usize; 2] = [1, 16];
/// Requests before each measurement that do not count.
const WARM_UP: usize = 16;

/// Accepted jobs per second and latency of the answer.
#[derive(Parser)]
struct Options {
    /// Requests of each measurement.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    requests: u32,
    #[command(flatten)]
    common: Common,
}

/// Many runs of one thing.
#[derive(Serialize)]
struct Timed {
    what: String,
    concurrency: usize,
    runs: usize,
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    worst_ms: f64,
}

#[derive(Serialize)]
struct Figures {
    deployment: Flavour,
    submissions: Vec<Timed>,
    /// `GET /api/health`: HTTP and nothing else.
    round_trip: Timed,
}

#[derive(Serialize)]
struct Report {
    machine: Machine,
    recording_seconds: f64,
    /// `media::inspect` and the verdict in this process: no HTTP, no store, no rows.
    validation: Vec<Timed>,
    deployments: Vec<Figures>,
}

#[tokio::main]
async fn main() -> Result<()> {
    service_runtime::install_crypto();
    let options = Options::parse();
    unless_stopped(run(&options)).await
}

async fn run(options: &Options) -> Result<()> {
    let machine = Machine::look();
    let requests = options.requests as usize;
    let voice = sample::voice(SECONDS, RATE_HZ, 1);
    let recordings =
        [Recording::short_wav(SECONDS)?, Recording::new("short.mp3", &voice, 1, Encoding::Mp3 { kbps: 128 })?];
    options.common.progress("validation alone");
    let mut validation = Vec::new();
    for recording in recordings {
        validation.push(validate(recording, requests).await?);
    }
    let mut report = Report { machine, recording_seconds: SECONDS, validation, deployments: Vec::new() };
    for flavour in options.common.flavours() {
        report.deployments.push(measure(flavour, &recordings, requests, &options.common).await?);
    }
    if options.common.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(())
}

async fn measure(flavour: Flavour, recordings: &[Recording], requests: usize, common: &Common) -> Result<Figures> {
    let deployment = Deployment::start(flavour).await?;
    let client = deployment.client();
    let measured = async {
        if let Some(first) = recordings.first() {
            client.warm_up(*first).await?;
        }
        let mut submissions = Vec::new();
        for &recording in recordings {
            for concurrency in CONCURRENCIES {
                let what = format!("convert, {}", recording.file_name);
                common.progress(&format!("{}: {what}, {concurrency} at once", flavour.name()));
                let submit = move |client: Client| async move { client.submit(recording).await.map(drop) };
                repeat(client, concurrency, WARM_UP, String::new(), submit).await?;
                submissions.push(repeat(client, concurrency, requests, what, submit).await?);
            }
        }
        let ask = |client: Client| async move { client.get("/api/health").await.map(drop) };
        let round_trip = repeat(client, 1, requests, "GET /api/health".to_owned(), ask).await?;
        Ok(Figures { deployment: flavour, submissions, round_trip })
    };
    let measured: Result<Figures> = measured.await;
    measured.with_context(|| format!("{} deployment; its last words:\n{}", flavour.name(), deployment.log_tails()))
}

/// Has `concurrency` clients do the same again and again, each as soon as its last one is answered, until `runs` are
/// done.
async fn repeat<F>(
    client: &Client,
    concurrency: usize,
    runs: usize,
    what: String,
    once: impl Fn(Client) -> F + Copy + Send + 'static,
) -> Result<Timed>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let taken = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    let started = Instant::now();
    for _ in 0..concurrency {
        let (client, taken) = (client.clone(), taken.clone());
        clients.spawn(async move {
            let mut times = Vec::new();
            while taken.fetch_add(1, Ordering::Relaxed) < runs {
                let started = Instant::now();
                once(client.clone()).await?;
                times.push(started.elapsed());
            }
            anyhow::Ok(times)
        });
    }
    let mut times = Vec::with_capacity(runs);
    while let Some(done) = clients.join_next().await {
        times.extend(done??);
    }
    Ok(Timed::of(what, concurrency, started.elapsed(), times))
}

/// What a validation costs without a deployment around it.
async fn validate(recording: Recording, runs: usize) -> Result<Timed> {
    let what = format!("media::inspect, {}", recording.file_name);
    let work = move || {
        let limits = AudioLimits::default();
        let bounds = Bounds::for_duration(limits.max_duration_seconds);
        let mut times = Vec::with_capacity(runs);
        let started = Instant::now();
        for _ in 0..runs {
            let started = Instant::now();
            let facts = inspect(Cursor::new(recording.bytes), recording.bytes.len() as u64, &bounds)?;
            std::hint::black_box(domain::audio::judge(facts, Some(recording.file_name), &limits));
            times.push(started.elapsed());
        }
        anyhow::Ok(Timed::of(what, 1, started.elapsed(), times))
    };
    tokio::task::spawn_blocking(work).await?
}

impl Timed {
    fn of(what: String, concurrency: usize, wall: Duration, mut times: Vec<Duration>) -> Self {
        times.sort();
        Self {
            what,
            concurrency,
            runs: times.len(),
            per_second: times.len() as f64 / wall.as_secs_f64(),
            p50_ms: percentile_ms(&times, 50),
            p99_ms: percentile_ms(&times, 99),
            worst_ms: percentile_ms(&times, 100),
        }
    }
}

/// By nearest rank: the smallest time that at least so many of a hundred do not exceed.
fn percentile_ms(sorted: &[Duration], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

fn print(report: &Report) {
    report.machine.print();
    println!("recordings of {} s, 44.1 kHz mono; no quota; {QUIET_ORCHESTRATOR_NOTE}\n", report.recording_seconds);
    println!("| deployment | what | at once | runs | per second | p50 ms | p99 ms | worst ms |");
    println!("|---|---|---|---|---|---|---|---|");
    for figures in &report.deployments {
        for timed in &figures.submissions {
            row(figures.deployment.name(), timed);
        }
        row(figures.deployment.name(), &figures.round_trip);
    }
    for timed in &report.validation {
        row("none", timed);
    }
    println!(
        "\nper second: jobs accepted with 202, each recording uploaded, validated and made a job before the answer"
    );
    println!(
        "baselines: the rows with GET /api/health (a round trip) and media::inspect (the validation alone, in-process)"
    );
}

fn row(deployment: &str, timed: &Timed) {
    let Timed { what, concurrency, runs, per_second, p50_ms, p99_ms, worst_ms } = timed;
    println!(
        "| {deployment} | {what} | {concurrency} | {runs} | {per_second:.1} | {p50_ms:.1} | {p99_ms:.1} | {worst_ms:.1} |"
    );
}
