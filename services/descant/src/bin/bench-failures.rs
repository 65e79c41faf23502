//! `bench-failures`: what vendors that fail cost the users of a house: jobs made by stand-in vendors of which each answers
//! a share of its calls with 5xx, 429, silence, resets and cut bodies; then the same with the orchestrator killed every few
//! seconds. Prints how many jobs completed, whether a vendor was paid twice for one thing (by the stand-ins' own ledger), how
//! long jobs took, and who made their stages. Beside it, in the same run, a baseline: the share of jobs that would complete if
//! each stage asked one vendor once. At last a vendor that never answers, and what it costs its users: how long the stage that
//! asks it first takes, while its breaker closes and after that, beside the same stage without that vendor.
//!
//! Run through `cargo xtask bench failures`, which starts the servers of the distributed set. Exits with 1 when a job did not
//! complete that should have, or something was paid for twice.

#[allow(dead_code, unused_imports, reason = "each benchmark uses a part of what they share")]
mod bench_support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use bench_support::{
    Common, Deployment, Flavour, Machine, Process, Recording, Setting, client::Client, unless_stopped,
};
use chrono::{DateTime, Utc};
use clap::Parser;
use futures_util::{StreamExt, stream};
use serde::Serialize;
use serde_json::{Value, json};

const STAND_INS: &str = "vendor-standins";
const ORCHESTRATOR: &str = "descant-orchestrator";
/// Goal for the share of jobs that complete.
const GOAL: f64 = 0.999;
/// Of ten jobs so many are hums; the others are sentences. A hum costs this machine some twenty times as much.
const HUMS_IN_TEN: usize = 1;
const HUM_SECONDS: f64 = 4.0;
const SONG_MS: u32 = 5_000;
/// Of one answer of a vendor: a call that hangs costs that.
const VENDOR_TIMEOUT_MS: &str = "2000";
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Jobs, one after the other, with a vendor that hangs, and as many without it.
const HANGING_JOBS: usize = 30;
const VENDORS: [&str; 5] = ["anthropic", "openai", "replicate", "elevenlabs", "stand_in_speech"];

/// Jobs while vendors fail.
#[derive(Parser)]
struct Options {
    /// Jobs of each run.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    jobs: u32,
    /// 50 jobs a run: whether it works at all.
    #[arg(long)]
    quick: bool,
    /// Share of the vendors' calls that fail, in percent.
    #[arg(long, default_value_t = 30.0)]
    failures: f64,
    /// Jobs under way at once.
    #[arg(long, default_value_t = 12)]
    at_once: usize,
    /// Seconds between two kills of the orchestrator in the second run.
    #[arg(long, default_value_t = 5.0)]
    kill_every: f64,
    /// What the failures follow from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    common: Common,
}

impl Options {
    fn jobs(&self) -> usize {
        if self.quick { 50 } else { self.jobs as usize }
    }
}

/// Milliseconds.
#[derive(Serialize)]
struct Latency {
    p50: i64,
    p99: i64,
    worst: i64,
}

impl Latency {
    fn of(mut took: Vec<i64>) -> Self {
        took.sort_unstable();
        let at = |share: f64| took.get(((took.len() as f64 - 1.0) * share).round() as usize).copied().unwrap_or(0);
        Self { p50: at(0.5), p99: at(0.99), worst: at(1.0) }
    }
}

#[derive(Serialize)]
struct Figures {
    run: String,
    jobs: usize,
    completed: usize,
    share_completed: f64,
    /// Share of the vendors' calls that were told to fail.
    failures: f64,
    /// The share of jobs with a stage at a vendor that would complete if each such stage asked one vendor once.
    baseline_completed: f64,
    kills: usize,
    took_seconds: f64,
    sentences_ms: Latency,
    hums_ms: Latency,
    /// Stages by who made them.
    stages_by: BTreeMap<String, BTreeMap<String, usize>>,
    /// Calls that vendors were asked for, and charges.
    vendor_calls: u64,
    charges: usize,
    /// Charges by vendor and route.
    charges_by: BTreeMap<String, usize>,
    /// Charges whose answer the vendor did not hand over whole: paid for, and made by somebody else where it could not be looked
    /// for.
    undelivered: usize,
    /// Charges for equal requests, or for one correlation.
    paid_twice: Vec<Value>,
    /// What jobs that did not complete say.
    failed: Vec<String>,
}

/// Milliseconds that the stage took for each of [`HANGING_JOBS`] songs, one after the other.
#[derive(Serialize)]
struct Hanging {
    /// How long one answer is waited for.
    deadline: u64,
    /// The first of these meet a vendor that never answers; its breaker opens after some.
    with: Vec<i64>,
    /// By its own ledger, how often it was asked.
    asked: u64,
    without: Vec<i64>,
}

#[derive(Serialize)]
struct Report {
    machine: Machine,
    runs: Vec<Figures>,
    hanging: Hanging,
}

#[tokio::main]
async fn main() -> Result<()> {
    service_runtime::install_crypto();
    let options = Options::parse();
    unless_stopped(run(&options)).await
}

async fn run(options: &Options) -> Result<()> {
    ensure!((0.0..=100.0).contains(&options.failures), "--failures must be from 0 to 100");
    let machine = Machine::look();
    let mut runs = Vec::new();
    for flavour in options.common.flavours() {
        runs.push(measure(options, flavour).await?);
    }
    let report = Report { machine, runs, hanging: hanging(options).await? };
    if options.common.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    let short = |run: &&Figures| run.share_completed < GOAL || !run.paid_twice.is_empty();
    if let Some(run) = report.runs.iter().find(short) {
        bail!("{}: {} of {} completed, {} paid twice", run.run, run.completed, run.jobs, run.paid_twice.len());
    }
    Ok(())
}

/// The stand-in vendors, in a process of their own so that nothing that ships depends on them.
struct StandIns {
    _process: Process,
    url: String,
    /// Settings that lead there.
    toml: String,
}

impl StandIns {
    async fn start(failures: f64, seed: u64, folder: &std::path::Path) -> Result<Self> {
        const WITHIN: Duration = Duration::from_secs(30);
        let log = folder.join("vendors.toml");
        let (failures, seed) = (failures.to_string(), seed.to_string());
        let arguments = ["--port", "0", "--failures", &failures, "--seed", &seed, "--prediction-ms", "600"];
        let process = Process::start(STAND_INS, &arguments, &BTreeMap::new(), log.clone())?;
        let until = Instant::now() + WITHIN;
        loop {
            // What it prints is a settings file whose comments say where it listens.
            let toml = fs::read_to_string(&log).unwrap_or_default();
            if let Some((_, after)) = toml.split_once("GET ")
                && let Some((url, _)) = after.split_once("/_control")
            {
                return Ok(Self { _process: process, url: url.to_owned(), toml: toml.clone() });
            }
            ensure!(Instant::now() < until, "the stand-in vendors do not start: {toml}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn ledger(&self) -> Result<Value> {
        let answer = reqwest::get(format!("{}/_control/ledger", self.url)).await.context("ask for the ledger")?;
        answer.json().await.context("read the ledger")
    }
}

async fn measure(options: &Options, flavour: Flavour) -> Result<Figures> {
    let folder = tempfile::tempdir().context("make a temporary folder")?;
    let vendors = StandIns::start(options.failures, options.seed, folder.path()).await?;
    let config = folder.path().join("descant.toml");
    fs::write(&config, &vendors.toml).context("write the settings")?;
    let setting = |name: &str, value: &str| Setting(name.to_owned(), value.to_owned());
    // Known before it starts, so that vendors that send webhooks are told what they are asked for by: the ledger then knows
    // two charges for one call.
    let port = free_port()?.to_string();
    let mut settings = vec![
        setting("DESCANT_CONFIG", &config.display().to_string()),
        setting("DESCANT_HTTP__PORT", &port),
        setting("DESCANT_HTTP__PUBLIC_URL", &format!("http://127.0.0.1:{port}")),
        setting("QUEUE_RATE_LIMIT", "100000"),
        setting("QUEUE_CONCURRENCY", &options.at_once.to_string()),
        // Short enough that a run ends within the hour: a job is given what its stages need, a lease is taken over at once.
        setting("DESCANT_JOBS__LEASE_MS", "4000"),
        setting("DESCANT_JOBS__HEARTBEAT_MS", "1000"),
        setting("DESCANT_JOBS__RECONCILE_MS", "1000"),
        setting("DESCANT_MODERATION__TIMEOUT_MS", VENDOR_TIMEOUT_MS),
    ];
    for vendor in VENDORS {
        let of = |key: &str| format!("DESCANT_PROVIDERS__{}__{key}", vendor.to_uppercase());
        settings.push(Setting(of("TIMEOUT_MS"), VENDOR_TIMEOUT_MS.to_owned()));
        settings.push(Setting(of("PRICE_PER_CALL"), "0.01".to_owned()));
    }
    let mut deployment = Deployment::start_with(flavour, settings).await?;
    let client = deployment.client().clone();
    let is_killed = flavour == Flavour::Distributed;
    let run = format!("{}{}", flavour.name(), if is_killed { ", the orchestrator killed again and again" } else { "" });
    options.common.progress(&format!("{run}: {} jobs", options.jobs()));

    let started = Instant::now();
    let done = AtomicUsize::new(0);
    let recording = Recording::short_wav(HUM_SECONDS)?;
    let all = stream::iter(0..options.jobs())
        .map(|number| one(&client, recording, number, &done, &options.common))
        .buffer_unordered(options.at_once)
        .collect::<Vec<_>>();
    let mut kills = 0;
    let jobs: Vec<Result<Ended>> = if is_killed {
        tokio::pin!(all);
        let every = Duration::from_secs_f64(options.kill_every);
        loop {
            tokio::select! {
                jobs = &mut all => break jobs,
                () = tokio::time::sleep(every) => {
                    // The clients go on meanwhile.
                    tokio::select! {
                        jobs = &mut all => break jobs,
                        killed = deployment.kill_and_start(ORCHESTRATOR) => killed?,
                    }
                    kills += 1;
                }
            }
        }
    } else {
        all.await
    };
    let took = started.elapsed();
    let jobs: Vec<Ended> = match jobs.into_iter().collect::<Result<_>>() {
        Ok(jobs) => jobs,
        Err(error) => return Err(error.context(deployment.log_tails())),
    };
    let ledger = vendors.ledger().await?;
    Ok(figures(options, run, &jobs, kills, took, &ledger))
}

/// What a vendor costs that never answers.
async fn hanging(options: &Options) -> Result<Hanging> {
    let folder = tempfile::tempdir().context("make a temporary folder")?;
    let vendors = StandIns::start(0.0, options.seed, folder.path()).await?;
    let hangs =
        json!({ "vendor": "elevenlabs", "route": "any", "steps": vec![json!({ "hang": {} }); 10 * HANGING_JOBS] });
    let told = reqwest::Client::new().post(format!("{}/_control/script", vendors.url)).json(&hangs).send().await;
    told.and_then(reqwest::Response::error_for_status).context("tell the vendor to hang")?;
    let config = folder.path().join("descant.toml");
    fs::write(&config, &vendors.toml).context("write the settings")?;
    let mut took = Vec::new();
    for composers in ["elevenlabs,offline", "offline"] {
        options.common.progress(&format!("a vendor that hangs: {HANGING_JOBS} songs of {composers}"));
        let settings = [
            ("DESCANT_CONFIG", config.display().to_string()),
            ("QUEUE_RATE_LIMIT", "100000".to_owned()),
            ("DESCANT_CAPABILITIES__COMPOSITIONS", composers.to_owned()),
            ("DESCANT_PROVIDERS__ELEVENLABS__TIMEOUT_MS", VENDOR_TIMEOUT_MS.to_owned()),
        ];
        let settings = settings.map(|(name, value)| Setting(name.to_owned(), value));
        let deployment = Deployment::start_with(Flavour::Embedded, settings).await?;
        let done = AtomicUsize::new(0);
        let mut of_stage = Vec::new();
        for number in 0..HANGING_JOBS {
            // Sentences only, each its own.
            let recording = Recording::short_wav(HUM_SECONDS)?;
            let ended = one(deployment.client(), recording, 10 * number + HUMS_IN_TEN, &done, &options.common).await?;
            let stages = ended.job["stages"].as_array().map_or(&[][..], Vec::as_slice);
            let stage = stages.iter().find(|stage| stage["name"] == "composing");
            let seconds = stage.and_then(|stage| stage["seconds"].as_f64()).context("a song without its stage")?;
            of_stage.push((1000.0 * seconds).round() as i64);
        }
        took.push(of_stage);
    }
    let ledger = vendors.ledger().await?;
    // Not for songs are the questions whether it is set up rightly.
    let is_for_songs = |asked: &&Value| {
        asked["vendor"] == "elevenlabs" && asked["route"].as_str().is_some_and(|r| r.starts_with("music"))
    };
    let asked = ledger["asked"].as_array().into_iter().flatten().filter(is_for_songs);
    let without = took.pop().unwrap_or_default();
    Ok(Hanging {
        deadline: VENDOR_TIMEOUT_MS.parse().context("read our own setting")?,
        with: took.pop().unwrap_or_default(),
        asked: asked.filter_map(|asked| asked["times"].as_u64()).sum(),
        without,
    })
}

/// A port that nobody listens on.
fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).context("look for a free port")?;
    Ok(listener.local_addr().context("look for a free port")?.port())
}

/// A job that has ended.
struct Ended {
    is_hum: bool,
    job: Value,
}

/// Submits one job and waits for its end. Each has its own sentence, so that no two ask a vendor for the same.
async fn one(
    client: &Client,
    recording: Recording,
    number: usize,
    done: &AtomicUsize,
    common: &Common,
) -> Result<Ended> {
    const PATIENCE: Duration = Duration::from_secs(900);
    const THINGS: [&str; 7] =
        ["rivers", "trains at night", "a paper boat", "the first snow", "old maps", "rain", "bread"];
    let is_hum = number % 10 < HUMS_IN_TEN;
    let about = format!("a calm song about {} and the number {}", THINGS[number % THINGS.len()], number + 1);
    let id = if is_hum {
        client.submit_with(recording, &about).await?
    } else {
        let request = json!({ "prompt": about, "lengthMs": SONG_MS, "seed": number });
        client.submit_json("composition", &request).await?
    };
    let until = Instant::now() + PATIENCE;
    loop {
        let job = client.job(&id).await?;
        let state = job["state"].as_str().unwrap_or_default();
        if matches!(state, "completed" | "failed" | "cancelled" | "expired") {
            let ended = done.fetch_add(1, Ordering::Relaxed) + 1;
            if ended.is_multiple_of(50) {
                common.progress(&format!("{ended} have ended"));
            }
            return Ok(Ended { is_hum, job });
        }
        ensure!(Instant::now() < until, "job {id} did not end within {PATIENCE:?}: {job}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn figures(options: &Options, run: String, jobs: &[Ended], kills: usize, took: Duration, ledger: &Value) -> Figures {
    let is_done = |ended: &&Ended| ended.job["state"] == "completed";
    let completed = jobs.iter().filter(is_done).count();
    let latency = |is_hum: bool| {
        let of_kind = jobs.iter().filter(|ended| ended.is_hum == is_hum).filter(is_done);
        Latency::of(of_kind.filter_map(|ended| milliseconds(&ended.job)).collect())
    };
    let mut stages_by: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for stage in jobs.iter().flat_map(|ended| ended.job["stages"].as_array().into_iter().flatten()) {
        if let (Some(name), Some(provider)) = (stage["name"].as_str(), stage["provider"].as_str()) {
            *stages_by.entry(name.to_owned()).or_default().entry(provider.to_owned()).or_default() += 1;
        }
    }
    let charges: Vec<&Value> = ledger["charges"].as_array().into_iter().flatten().collect();
    let vendor_calls =
        ledger["asked"].as_array().into_iter().flatten().filter_map(|asked| asked["times"].as_u64()).sum();
    let works = 1.0 - options.failures / 100.0;
    // A hum asks for words and a voice, a sentence for a song.
    let hums = jobs.iter().filter(|ended| ended.is_hum).count() as f64 / jobs.len().max(1) as f64;
    Figures {
        run,
        jobs: jobs.len(),
        completed,
        share_completed: completed as f64 / jobs.len().max(1) as f64,
        failures: options.failures / 100.0,
        baseline_completed: hums * works * works + (1.0 - hums) * works,
        kills,
        took_seconds: took.as_secs_f64(),
        sentences_ms: latency(false),
        hums_ms: latency(true),
        stages_by,
        vendor_calls,
        charges: charges.len(),
        charges_by: charges.iter().fold(BTreeMap::new(), |mut by, charge| {
            let word = |name: &str| charge[name].as_str().unwrap_or_default().to_owned();
            *by.entry(format!("{} {}", word("vendor"), word("route"))).or_default() += 1;
            by
        }),
        undelivered: charges.iter().filter(|charge| charge["delivered"] == false).count(),
        paid_twice: paid_twice(ledger, &charges),
        failed: jobs
            .iter()
            .filter(|ended| ended.job["state"] != "completed")
            .map(|ended| format!("{}: {}", ended.job["state"], ended.job["error"]))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
    }
}

/// By the stand-ins' rule, and by ours: no vendor was paid twice for an equal request, whatever it was called by.
fn paid_twice(ledger: &Value, charges: &[&Value]) -> Vec<Value> {
    let mut twice: Vec<Value> = ledger["paid_twice"].as_array().cloned().unwrap_or_default();
    let mut seen: BTreeMap<String, &Value> = BTreeMap::new();
    for charge in charges.iter().filter(|charge| charge["amount_micros"].as_u64().unwrap_or(0) > 0) {
        let name = format!("{}/{}/{}", charge["vendor"], charge["route"], charge["request_sha256"]);
        let is_known = twice.iter().any(|pair| pair[1]["number"] == charge["number"]);
        if let Some(first) = seen.insert(name, charge).filter(|_| !is_known) {
            twice.push(json!([first, charge]));
        }
    }
    twice
}

/// From a job's acceptance to its end.
fn milliseconds(job: &Value) -> Option<i64> {
    let at = |name: &str| job[name].as_str()?.parse::<DateTime<Utc>>().ok();
    Some((at("completedAt")? - at("createdAt")?).num_milliseconds())
}

fn print(report: &Report) {
    report.machine.print();
    for run in &report.runs {
        println!("\n{}", run.run);
        println!(
            "  completed     {} of {} ({:.2} %); if each stage asked one vendor once: {:.1} %",
            run.completed,
            run.jobs,
            100.0 * run.share_completed,
            100.0 * run.baseline_completed
        );
        println!("  paid twice    {} of {} charges ({} calls)", run.paid_twice.len(), run.charges, run.vendor_calls);
        println!("  not delivered {} of them: charged for, and the answer lost on its way", run.undelivered);
        let charged = |(what, count): (&String, &usize)| format!("{what} {count}");
        println!("  charges       {}", run.charges_by.iter().map(charged).collect::<Vec<_>>().join(", "));
        for (what, ms) in [("sentences", &run.sentences_ms), ("hums", &run.hums_ms)] {
            println!("  {what:<13} p50 {} ms, p99 {} ms, worst {} ms", ms.p50, ms.p99, ms.worst);
        }
        println!("  kills         {} in {:.0} s", run.kills, run.took_seconds);
        for (stage, by) in &run.stages_by {
            let all: usize = by.values().sum();
            let share =
                |(name, count): (&String, &usize)| format!("{name} {:.1} %", 100.0 * *count as f64 / all as f64);
            println!("  {stage:<13} {}", by.iter().map(share).collect::<Vec<_>>().join(", "));
        }
        run.failed.iter().for_each(|why| println!("  not completed {why}"));
        run.paid_twice.iter().take(5).for_each(|twice| println!("  twice         {twice}"));
    }
    let Hanging { deadline, with, asked, without } = &report.hanging;
    println!("\na vendor that never answers, asked before the engine; deadline of one answer {deadline} ms");
    let (waited, passed): (Vec<i64>, Vec<i64>) = with.iter().partition(|ms| **ms >= (*deadline / 2) as i64);
    println!("  asked         {asked} times for {} songs", with.len());
    println!("  waited for it {} songs, the stage took at most {} ms", waited.len(), waited.iter().max().unwrap_or(&0));
    for (what, ms) in [("passed over", passed), ("without it", without.clone())] {
        let ms = Latency::of(ms);
        println!("  {what:<13} the stage took p50 {} ms, p99 {} ms, worst {} ms", ms.p50, ms.p99, ms.worst);
    }
}
