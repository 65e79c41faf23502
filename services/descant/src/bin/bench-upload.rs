//! `bench-upload`: the memory of the process that receives uploads, while many clients upload recordings just under the
//! size limit at once. Measures a gateway process of the distributed set, which has a goal, and for comparison
//! `descant serve`, which also decodes the recordings and keeps the rows.
//!
//! Run through `cargo xtask bench upload`, which starts the servers of the distributed set. Exits with 0 whatever the
//! figures say, unless an upload was not accepted.

#[allow(dead_code, unused_imports, reason = "each benchmark uses a part of what they share")]
mod bench_support;

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use bench_support::{
    Common, Deployment, Flavour, Machine, QUIET_ORCHESTRATOR_NOTE, RATE_HZ, Recording, unless_stopped,
};
use clap::Parser;
use domain::audio::AudioLimits;
use media::{Encoding, sample};
use serde::Serialize;
use tokio::{
    sync::{Barrier, oneshot},
    task::JoinSet,
};

/// Megabytes here are millions of bytes.
const MEGABYTE: f64 = 1e6;
const GOAL_BYTES: u64 = 150_000_000;
const SAMPLE_EVERY: Duration = Duration::from_millis(50);
/// Left free below the size limit, for the header of the file.
const HEADROOM_BYTES: u64 = 1024;
const CHANNELS: u16 = 2;

/// Memory of the receiving process while many clients upload at once.
#[derive(Parser)]
struct Options {
    /// Clients that upload at once.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=32))]
    clients: u16,
    #[command(flatten)]
    common: Common,
}

/// Memory of a process.
#[derive(Clone, Copy, Serialize)]
struct Memory {
    resident_bytes: u64,
    /// Of it, what belongs to no file: heaps and stacks. The rest is mostly the program itself.
    anonymous_bytes: u64,
}

/// What was seen while the clients uploaded.
#[derive(Serialize)]
struct Peak {
    /// The largest of all samples.
    sampled: Memory,
    samples: usize,
    /// The kernel's own high-water mark, set back before the uploads; absent where that is not allowed.
    high_water_bytes: Option<u64>,
}

#[derive(Serialize)]
struct Figures {
    deployment: Flavour,
    process: String,
    idle: Memory,
    peak: Peak,
    after: Memory,
    /// From the first byte to the last answer; the answer includes the validator's verdict.
    seconds: f64,
    megabytes_per_second: f64,
    accepted: usize,
    /// Why uploads were not accepted.
    refused: Vec<String>,
    /// Only the gateway of the distributed set has a goal.
    reaches_goal: Option<bool>,
}

#[derive(Serialize)]
struct Report {
    machine: Machine,
    clients: u16,
    recording_bytes: u64,
    goal_bytes: u64,
    /// Arithmetic, not a measurement: what a service that holds whole uploads would need for them alone.
    whole_uploads_bytes: u64,
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
    let recording = largest_recording()?;
    let recording_bytes = recording.bytes.len() as u64;
    let mut report = Report {
        machine,
        clients: options.clients,
        recording_bytes,
        goal_bytes: GOAL_BYTES,
        whole_uploads_bytes: recording_bytes * u64::from(options.clients),
        deployments: Vec::new(),
    };
    for flavour in options.common.flavours() {
        options.common.progress(&format!("{}: {} uploads at once", flavour.name(), options.clients));
        report.deployments.push(measure(flavour, options.clients, recording).await?);
    }
    if options.common.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    let refused: usize = report.deployments.iter().map(|figures| figures.refused.len()).sum();
    if refused > 0 {
        bail!("{refused} uploads were not accepted");
    }
    Ok(())
}

/// A stereo WAV just under the size limit, valid in every respect: a short synthetic voice again and again.
fn largest_recording() -> Result<Recording> {
    let limits = AudioLimits::default();
    let channels = usize::from(CHANNELS);
    let samples = usize::try_from((limits.max_size_bytes - HEADROOM_BYTES) / 2)? / channels * channels;
    let voice = sample::voice(6.0, RATE_HZ, CHANNELS);
    let samples: Vec<f32> = voice.iter().copied().cycle().take(samples).collect();
    Recording::new("large.wav", &samples, CHANNELS, Encoding::Wav16)
}

async fn measure(flavour: Flavour, clients: u16, recording: Recording) -> Result<Figures> {
    let deployment = Deployment::start(flavour).await?;
    let front = deployment.processes().last().context("a deployment without processes")?;
    let (pid, process) = (front.id(), front.name().to_owned());
    let idle = Memory::of(pid)?;
    deployment.client().warm_up(Recording::short_wav(4.0)?).await.with_context(|| deployment.log_tails())?;
    let was_set_back = set_back_high_water(pid);
    let (stop, stopped) = oneshot::channel();
    let watching = tokio::spawn(watch(pid, stopped));
    let (seconds, refused) = upload(&deployment, clients, recording).await?;
    // The watcher ends by itself only when the process is gone, which its answer tells.
    let _ = stop.send(());
    let (sampled, samples) = watching.await??;
    let high_water_bytes = if was_set_back { Some(status_bytes(pid, "VmHWM")?) } else { None };
    if !refused.is_empty() {
        eprintln!("{}", deployment.log_tails());
    }
    let accepted = usize::from(clients) - refused.len();
    let peak = Peak { sampled, samples, high_water_bytes };
    let reaches_goal =
        (flavour == Flavour::Distributed).then(|| refused.is_empty() && peak.resident_bytes() < GOAL_BYTES);
    Ok(Figures {
        deployment: flavour,
        process,
        idle,
        peak,
        after: Memory::of(pid)?,
        seconds,
        megabytes_per_second: (accepted * recording.bytes.len()) as f64 / MEGABYTE / seconds,
        accepted,
        refused,
        reaches_goal,
    })
}

/// Uploads from all clients at once; returns the seconds to the last answer, and why uploads were refused.
async fn upload(deployment: &Deployment, clients: u16, recording: Recording) -> Result<(f64, Vec<String>)> {
    let start = Arc::new(Barrier::new(usize::from(clients) + 1));
    let mut uploads = JoinSet::new();
    for _ in 0..clients {
        let (client, start) = (deployment.client().clone(), start.clone());
        uploads.spawn(async move {
            start.wait().await;
            client.submit(recording).await
        });
    }
    start.wait().await;
    let started = Instant::now();
    let mut refused = Vec::new();
    while let Some(outcome) = uploads.join_next().await {
        if let Err(why) = outcome? {
            refused.push(format!("{why:#}"));
        }
    }
    Ok((started.elapsed().as_secs_f64(), refused))
}

/// Looks at a process's memory until told to stop; returns the largest and the number of looks.
async fn watch(pid: u32, mut stopped: oneshot::Receiver<()>) -> Result<(Memory, usize)> {
    let mut ticks = tokio::time::interval(SAMPLE_EVERY);
    let (mut largest, mut samples) = (Memory::of(pid)?, 1);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = &mut stopped => return Ok((largest, samples)),
        }
        let now = Memory::of(pid)?;
        samples += 1;
        if now.resident_bytes > largest.resident_bytes {
            largest = now;
        }
    }
}

impl Memory {
    fn of(pid: u32) -> Result<Self> {
        let [resident_bytes, anonymous_bytes] = [status_bytes(pid, "VmRSS")?, status_bytes(pid, "RssAnon")?];
        Ok(Self { resident_bytes, anonymous_bytes })
    }
}

impl Peak {
    /// Samples may miss what lies between them, the high-water mark does not.
    fn resident_bytes(&self) -> u64 {
        self.sampled.resident_bytes.max(self.high_water_bytes.unwrap_or(0))
    }
}

/// A line of `/proc/PID/status`, which is in KiB: see proc_pid_status(5).
fn status_bytes(pid: u32, name: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("the receiving process is gone")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kibibytes: u64 = line
        .and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok())
        .with_context(|| format!("the kernel does not tell {name}"))?;
    Ok(kibibytes * 1024)
}

/// Sets the kernel's high-water mark of a process back to what it uses now: "5" in proc_pid_clear_refs(5).
fn set_back_high_water(pid: u32) -> bool {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").is_ok()
}

fn print(report: &Report) {
    let megabytes = |bytes: u64| bytes as f64 / MEGABYTE;
    report.machine.print();
    let (clients, each) = (report.clients, megabytes(report.recording_bytes));
    println!("{clients} clients at once, {each:.1} MB each; {QUIET_ORCHESTRATOR_NOTE}\n");
    println!(
        "| deployment | process | idle RSS MB | peak RSS MB | of it anonymous MB | after MB | s | MB/s | accepted | goal |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for figures in &report.deployments {
        let Figures { idle, peak, after, seconds, megabytes_per_second, accepted, .. } = figures;
        let goal = match figures.reaches_goal {
            Some(true) => "PASS",
            Some(false) => "FALLS SHORT",
            None => "none: it decodes too",
        };
        println!(
            "| {} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {seconds:.1} | {megabytes_per_second:.0} | {accepted} of {clients} | {goal} |",
            figures.deployment.name(),
            figures.process,
            megabytes(idle.resident_bytes),
            megabytes(peak.resident_bytes()),
            megabytes(peak.sampled.anonymous_bytes),
            megabytes(after.resident_bytes),
        );
        for why in &figures.refused {
            println!("  not accepted: {why}");
        }
    }
    println!("\ngoal: the gateway of the distributed set stays under {:.0} MB", megabytes(report.goal_bytes));
    println!(
        "baseline, by arithmetic and not measured: holding whole uploads needs {clients} × {each:.1} MB = {:.0} MB",
        megabytes(report.whole_uploads_bytes)
    );
    println!(
        "peak: the largest of samples every {} ms and the kernel's high-water mark; seconds: to the last answer, verdicts included",
        SAMPLE_EVERY.as_millis()
    );
}
