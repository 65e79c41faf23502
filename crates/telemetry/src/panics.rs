//! Panics in the log: where they happened and never what they said. A panic's message is made by whatever code failed,
//! also by libraries, and may quote what was worked on: a prompt, lyrics, an address.

use std::panic::PanicHookInfo;

use tokio::task::JoinError;

/// From here on a panic is a log line like all others, with its place and thread.
pub fn log_panics() {
    std::panic::set_hook(Box::new(log));
}

fn log(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(place, thread = thread.name().unwrap_or_default(), "panic");
}

/// How a task ended that gave no result. In place of the error's own words, which repeat those of the panic; its place
/// is in the line before, see [`log_panics`].
pub fn join_error(error: &JoinError) -> &'static str {
    if error.is_panic() { "it panicked" } else { "it was cut off" }
}
