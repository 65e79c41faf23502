//! The storage service as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    service_runtime::main(storage::Storage::default())
}
