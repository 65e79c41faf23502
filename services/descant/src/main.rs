//! The single binary: a song without a server, a whole server in one process, and a client for any server.

mod api;
mod cli;
mod commands;
mod exit;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    service_runtime::install_crypto();
    let cli::Cli { json, command } = cli::Cli::parse();
    let command = match command {
        cli::Command::Serve(args) => return commands::serve(args).into(),
        command => command,
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(&anyhow::anyhow!(error).context("no threads could be started"), json),
    };
    match runtime.block_on(commands::run(command, json)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error, json),
    }
}
