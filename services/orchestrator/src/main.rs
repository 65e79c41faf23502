//! The orchestrator as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    service_runtime::main(orchestrator::Orchestrator::default())
}
