//! `bench-failures`: what vendors that fail cost the users of a house: jobs of every kind made by stand-in vendors of which each
//! answers a share of its calls with 5xx, 429, silence, resets and cut bodies, and of whose runs a share comes to nothing; then
//! the same with the orchestrator killed every few seconds. Prints how many jobs completed, whether a stage was paid for twice
//! (the stand-ins' ledger held against the rows of the calls, see `payments`), how long jobs took, and who made their stages.
//! Beside it, in the same run, a baseline: the share of jobs that would complete if each stage asked one vendor once. At last a
//! vendor that never answers, and what it costs its users: how long the stage that asks it first takes, while its breaker closes
//! and after that, beside the same stage without that vendor.
//!
//! Run through `cargo xtask bench failures`, which starts the servers of the distributed set. Exits with 1 when a job did not
//! complete that should have, or something was paid for twice.

#[allow(dead_code, unused_imports, reason = "each benchmark uses a part of what they share")]
mod bench_support;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use bench_support::{
    Common, Deployment, Flavour, Machine, Setting,
    client::Client,
    mix::{Materials, Work},
    payments::{self, Audit, CLAIM, Class},
    rows::Rows,
    stand_ins::{Ledger, Misbehaviour, StandIns},
    unless_stopped,
};
use chrono::{DateTime, Utc};
use clap::Parser;
use futures_util::{StreamExt, stream};
use serde::Serialize;
use serde_json::{Value, json};

const ORCHESTRATOR: &str = "descant-orchestrator";
/// Goal for the share of jobs that complete.
const GOAL: f64 = 0.999;
/// Of one answer of a vendor: a call that hangs costs that.
const VENDOR_TIMEOUT_MS: &str = "2000";
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Jobs, one after the other, with a vendor that hangs, and as many without it.
const HANGING_JOBS: usize = 30;
/// All with a price: what costs nothing is asked for again, and has no rows everywhere.
const VENDORS: [&str; 6] = ["anthropic", "openai", "replicate", "elevenlabs", "ml_model", "stand_in_speech"];
/// Violations that are printed one by one.
const MOST_SHOWN: usize = 20;

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
    /// Share of Replicate's predictions and trainings that are begun and come to nothing, in percent. A training that comes to
    /// nothing twice is given up: nobody else trains.
    #[arg(long, default_value_t = 10.0)]
    failing_runs: f64,
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

    fn misbehaviour(&self) -> Misbehaviour {
        Misbehaviour { failures: self.failures, failing_runs: self.failing_runs, seed: self.seed }
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

/// Of the jobs of one sort.
#[derive(Serialize)]
struct OfWork {
    jobs: usize,
    completed: usize,
    /// Of those that completed.
    ms: Latency,
}

#[derive(Serialize)]
struct Figures {
    run: String,
    jobs: usize,
    completed: usize,
    share_completed: f64,
    /// Share of the vendors' calls that were told to fail, and of the runs.
    failures: f64,
    failing_runs: f64,
    /// The share of jobs that would complete if each stage that a vendor is asked for asked one vendor once.
    baseline_completed: f64,
    kills: usize,
    took_seconds: f64,
    works: BTreeMap<Work, OfWork>,
    /// Stages by who made them.
    stages_by: BTreeMap<String, BTreeMap<String, usize>>,
    /// Calls that vendors were asked for, and charges.
    vendor_calls: u64,
    charges: usize,
    /// Charges by vendor and route.
    charges_by: BTreeMap<String, usize>,
    /// What became of what was charged for.
    payments: Audit,
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
    /// What counts as paid for twice.
    claim: &'static str,
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
    for (name, percent) in [("--failures", options.failures), ("--failing-runs", options.failing_runs)] {
        ensure!((0.0..=100.0).contains(&percent), "{name} must be from 0 to 100");
    }
    let machine = Machine::look();
    let materials = Materials::new()?;
    let mut runs = Vec::new();
    for flavour in options.common.flavours() {
        runs.push(measure(options, &materials, flavour).await?);
    }
    let report = Report { machine, claim: CLAIM, runs, hanging: hanging(options, &materials).await? };
    if options.common.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    let short = |run: &&Figures| run.share_completed < GOAL || !run.payments.violations.is_empty();
    if let Some(run) = report.runs.iter().find(short) {
        let violations = run.payments.violations.len();
        bail!("{}: {} of {} completed, {violations} charges against the rule", run.run, run.completed, run.jobs);
    }
    Ok(())
}

async fn measure(options: &Options, materials: &Materials, flavour: Flavour) -> Result<Figures> {
    let folder = tempfile::tempdir().context("make a temporary folder")?;
    let vendors = StandIns::start(options.misbehaviour(), folder.path()).await?;
    let setting = |name: &str, value: &str| Setting(name.to_owned(), value.to_owned());
    // Known before it starts, so that vendors that send webhooks are told what they are asked for by: the ledger then knows
    // the row of each of their charges.
    let port = free_port()?.to_string();
    let mut settings = vec![
        setting("DESCANT_CONFIG", &vendors.settings()),
        setting("DESCANT_HTTP__PORT", &port),
        setting("DESCANT_HTTP__PUBLIC_URL", &format!("http://127.0.0.1:{port}")),
        setting("QUEUE_RATE_LIMIT", "100000"),
        setting("QUEUE_CONCURRENCY", &options.at_once.to_string()),
        setting("DESCANT_BLEND__STARTS", "unlimited"),
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
    let watch = Watch { client: &client, materials, done: AtomicUsize::new(0), common: &options.common };
    let all = stream::iter(0..options.jobs())
        .map(|number| watch.one(Work::of(number), number))
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
    let rows = Rows::of(&deployment.database_url(), jobs.iter().map(|ended| ended.id.as_str())).await?;
    let open = rows.settled().await?;
    if open > 0 {
        options.common.progress(&format!("{open} calls of jobs that have ended are still open"));
    }
    // The charges before the rows: each row is written before its call is made.
    let ledger = vendors.ledger().await?;
    let (calls, stages) = rows.read().await?;
    let payments = payments::audit(&ledger.charges, &calls, &stages);
    Ok(figures(options, run, &jobs, (kills, took), &ledger, payments))
}

/// What a vendor costs that never answers.
async fn hanging(options: &Options, materials: &Materials) -> Result<Hanging> {
    let folder = tempfile::tempdir().context("make a temporary folder")?;
    let proper = Misbehaviour { failures: 0.0, failing_runs: 0.0, seed: options.seed };
    let vendors = StandIns::start(proper, folder.path()).await?;
    let steps = vec![json!({ "hang": {} }); 10 * HANGING_JOBS];
    vendors.script(&json!({ "vendor": "elevenlabs", "route": "any", "steps": steps })).await?;
    let mut took = Vec::new();
    for composers in ["elevenlabs,offline", "offline"] {
        options.common.progress(&format!("a vendor that hangs: {HANGING_JOBS} songs of {composers}"));
        let settings = [
            ("DESCANT_CONFIG", vendors.settings()),
            ("QUEUE_RATE_LIMIT", "100000".to_owned()),
            ("DESCANT_CAPABILITIES__COMPOSITIONS", composers.to_owned()),
            ("DESCANT_PROVIDERS__ELEVENLABS__TIMEOUT_MS", VENDOR_TIMEOUT_MS.to_owned()),
        ];
        let settings = settings.map(|(name, value)| Setting(name.to_owned(), value));
        let deployment = Deployment::start_with(Flavour::Embedded, settings).await?;
        let client = deployment.client();
        let watch = Watch { client, materials, done: AtomicUsize::new(0), common: &options.common };
        let mut of_stage = Vec::new();
        for number in 0..HANGING_JOBS {
            let ended = watch.one(Work::Sentence, number).await?;
            let stages = ended.job["stages"].as_array().map_or(&[][..], Vec::as_slice);
            let stage = stages.iter().find(|stage| stage["name"] == "composing");
            let seconds = stage.and_then(|stage| stage["seconds"].as_f64()).context("a song without its stage")?;
            of_stage.push((1000.0 * seconds).round() as i64);
        }
        took.push(of_stage);
    }
    let ledger = vendors.ledger().await?;
    // Not for songs are the questions whether it is set up rightly.
    let for_songs =
        ledger.asked.iter().filter(|asked| asked.vendor == "elevenlabs" && asked.route.starts_with("music"));
    let without = took.pop().unwrap_or_default();
    Ok(Hanging {
        deadline: VENDOR_TIMEOUT_MS.parse().context("read our own setting")?,
        with: took.pop().unwrap_or_default(),
        asked: for_songs.map(|asked| asked.times).sum(),
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
    id: String,
    work: Work,
    job: Value,
}

/// Submits jobs and waits for their ends.
struct Watch<'a> {
    client: &'a Client,
    materials: &'a Materials,
    done: AtomicUsize,
    common: &'a Common,
}

impl Watch<'_> {
    async fn one(&self, work: Work, number: usize) -> Result<Ended> {
        // A training whose request was lost is made again when it is certain that it never arrived.
        const PATIENCE: Duration = Duration::from_secs(3600);
        let id = self.materials.submit(self.client, work, number).await?;
        let until = Instant::now() + PATIENCE;
        loop {
            let job = self.client.job(&id).await?;
            let state = job["state"].as_str().unwrap_or_default();
            if matches!(state, "completed" | "failed" | "cancelled" | "expired") {
                let ended = self.done.fetch_add(1, Ordering::Relaxed) + 1;
                if ended.is_multiple_of(50) {
                    self.common.progress(&format!("{ended} have ended"));
                }
                return Ok(Ended { id, work, job });
            }
            ensure!(Instant::now() < until, "job {id} did not end within {PATIENCE:?}: {job}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

fn figures(
    options: &Options,
    run: String,
    jobs: &[Ended],
    (kills, took): (usize, Duration),
    ledger: &Ledger,
    payments: Audit,
) -> Figures {
    let is_done = |ended: &&Ended| ended.job["state"] == "completed";
    let completed = jobs.iter().filter(is_done).count();
    let of_work = |work: Work| {
        let all: Vec<&Ended> = jobs.iter().filter(|ended| ended.work == work).collect();
        let done: Vec<&Ended> = all.iter().copied().filter(is_done).collect();
        let ms = Latency::of(done.iter().filter_map(|ended| milliseconds(&ended.job)).collect());
        OfWork { jobs: all.len(), completed: done.len(), ms }
    };
    let mut stages_by: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for stage in jobs.iter().flat_map(|ended| ended.job["stages"].as_array().into_iter().flatten()) {
        if let (Some(name), Some(provider)) = (stage["name"].as_str(), stage["provider"].as_str()) {
            *stages_by.entry(name.to_owned()).or_default().entry(provider.to_owned()).or_default() += 1;
        }
    }
    let works = 1.0 - options.failures / 100.0;
    let would_complete: f64 = jobs.iter().map(|ended| works.powi(ended.work.vendor_stages())).sum();
    Figures {
        run,
        jobs: jobs.len(),
        completed,
        share_completed: completed as f64 / jobs.len().max(1) as f64,
        failures: options.failures / 100.0,
        failing_runs: options.failing_runs / 100.0,
        baseline_completed: would_complete / jobs.len().max(1) as f64,
        kills,
        took_seconds: took.as_secs_f64(),
        works: Work::ALL.into_iter().map(|work| (work, of_work(work))).filter(|(_, of)| of.jobs > 0).collect(),
        stages_by,
        vendor_calls: ledger.asked.iter().map(|asked| asked.times).sum(),
        charges: ledger.charges.len(),
        charges_by: ledger.charges.iter().fold(BTreeMap::new(), |mut by, charge| {
            *by.entry(format!("{} {}", charge.vendor, charge.route)).or_default() += 1;
            by
        }),
        payments,
        failed: jobs
            .iter()
            .filter(|ended| !is_done(ended))
            .map(|ended| format!("{}: {}: {}", ended.work.name(), ended.job["state"], ended.job["error"]))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
    }
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
        print_payments(run);
        for (work, OfWork { jobs, completed, ms }) in &run.works {
            let Latency { p50, p99, worst } = ms;
            let name = work.name();
            println!("  {name:<13} {completed} of {jobs}; p50 {p50} ms, p99 {p99} ms, worst {worst} ms");
        }
        println!("  kills         {} in {:.0} s", run.kills, run.took_seconds);
        for (stage, by) in &run.stages_by {
            let all: usize = by.values().sum();
            let share =
                |(name, count): (&String, &usize)| format!("{name} {:.1} %", 100.0 * *count as f64 / all as f64);
            println!("  {stage:<13} {}", by.iter().map(share).collect::<Vec<_>>().join(", "));
        }
        run.failed.iter().for_each(|why| println!("  not completed {why}"));
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

fn print_payments(run: &Figures) {
    let Audit { stages, at_several, violations, .. } = &run.payments;
    let charged = |(what, count): (&String, &usize)| format!("{what} {count}");
    println!("  calls         {}; charges {}", run.vendor_calls, run.charges);
    println!("  charges       {}", run.charges_by.iter().map(charged).collect::<Vec<_>>().join(", "));
    println!("  paid for      {stages} stages; {at_several} of them at more than one vendor");
    println!("  paid twice    {} charges; {CLAIM}", violations.len());
    for class in Class::ALL {
        let sum = run.payments.sum(class);
        let dollars = sum.amount_micros as f64 / 1e6;
        println!("  {:>13} {dollars:>10.3} USD  {}", sum.charges, class.words());
    }
    violations.iter().take(MOST_SHOWN).for_each(|violation| println!("  violation     {violation}"));
}
