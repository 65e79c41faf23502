//! The single binary: a song without a server, a whole server in one process, and a client for any server.

// Both panic when their reader has gone; `output` does not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod api;
mod cli;
mod commands;
mod exit;
mod formats;
mod output;
mod recording;
mod results;

use std::{io::Write, process::ExitCode};

use clap::Parser;

use crate::output::OutputError;

fn main() -> ExitCode {
    service_runtime::install_crypto();
    let cli::Cli { json, command } = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => return explain(&said),
    };
    let command = match command {
        cli::Command::Serve(args) => return commands::serve(args).into(),
        command => command,
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(&anyhow::anyhow!(error).context("no threads could be started"), json),
    };
    let code = match runtime.block_on(commands::run(command, json)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error, json),
    };
    // What an interrupted command has begun on other threads is not waited for.
    runtime.shutdown_background();
    code
}

/// Prints help, the version, or what is wrong with the command line.
fn explain(said: &clap::Error) -> ExitCode {
    let code = u8::try_from(said.exit_code()).unwrap_or(exit::Exit::FAILED);
    match said.print().and_then(|()| std::io::stdout().flush()) {
        Err(error) if !said.use_stderr() => exit::report(&OutputError::from(error).into(), false),
        // A command line that makes no sense has its code, whether somebody reads about it or not.
        _ => ExitCode::from(code),
    }
}
