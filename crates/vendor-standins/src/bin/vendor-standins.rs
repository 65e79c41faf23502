//! `vendor-standins`: the stand-in vendors on a port of this machine, until SIGTERM or Ctrl-C. Prints the settings that
//! lead to them.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use vendor_standins::{Options, Pace, Vendor, Vendors};

/// Stand-ins for the AI vendors: no keys, no costs.
#[derive(Parser)]
struct Arguments {
    /// Port of this machine to listen on; 0 takes a free one
    #[arg(long, default_value_t = 4010)]
    port: u16,
    /// What words, tunes and failures follow from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Share of calls that fail, in percent
    #[arg(long, default_value_t = 0.0)]
    failures: f64,
    /// Share of Replicate's predictions and trainings that come to nothing, in percent
    #[arg(long, default_value_t = 0.0)]
    failing_runs: f64,
    /// How long a prediction takes, in milliseconds
    #[arg(long, default_value_t = 3_000)]
    prediction_ms: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    for (name, percent) in [("--failures", arguments.failures), ("--failing-runs", arguments.failing_runs)] {
        ensure!((0.0..=100.0).contains(&percent), "{name} must be from 0 to 100");
    }
    let pace = Pace::Millis { starting: arguments.prediction_ms / 4, processing: arguments.prediction_ms * 3 / 4 };
    let options = Options { port: arguments.port, seed: arguments.seed, pace, ..Options::default() };
    let vendors = Vendors::start_with(options)
        .await
        .with_context(|| format!("listen on port {}: choose another with --port", arguments.port))?;
    if arguments.failures > 0.0 {
        for vendor in Vendor::ALL {
            vendors.random(vendor, arguments.failures / 100.0, arguments.seed);
        }
    }
    vendors.random_runs(arguments.failing_runs / 100.0, arguments.seed);
    println!("# The stand-in vendors listen. Settings that lead to them:\n\n{}", vendors.settings());
    println!("# What was charged: GET {}/_control/ledger. Ctrl-C stops.", vendors.url());
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
    Ok(())
}
