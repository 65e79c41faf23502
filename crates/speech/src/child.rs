//! A child process with bounds: no shell, no input, a time limit, a limit on what it may print.

use std::{
    io::Read,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use wait_timeout::ChildExt;

use crate::SpeechFailure;

/// How long one call may take. A line takes some hundredths of a second.
const LIMIT: Duration = Duration::from_secs(10);
/// How much of its output is read; a line prints some hundred bytes.
const MOST_OUTPUT_BYTES: u64 = 256 * 1024;

/// Runs a program in a folder and returns what it printed. What it says of its troubles is not read: it may repeat the
/// words that it was given, and failures are kept and shown.
pub fn run(program: &Path, args: &[&str], folder: &Path) -> Result<String, SpeechFailure> {
    let ends_at = Instant::now() + LIMIT;
    let mut child = Command::new(program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|source| SpeechFailure::Program { program: program.to_owned(), source })?;
    // Read on a thread of its own: a child that fills the pipe would wait for ever.
    let printed = child.stdout.take().map(read_bounded);
    let Some(status) = child.wait_timeout(LIMIT)? else {
        child.kill()?;
        child.wait()?;
        return Err(SpeechFailure::Timeout(LIMIT.as_secs()));
    };
    if !status.success() {
        return Err(SpeechFailure::Failed { status: status.to_string() });
    }
    // A child of the child may hold the pipe open after it.
    let left = ends_at.saturating_duration_since(Instant::now());
    let text = printed.map(|printed| printed.recv_timeout(left.max(Duration::from_millis(100))));
    text.unwrap_or_else(|| Ok(String::new())).map_err(|_| SpeechFailure::Timeout(LIMIT.as_secs()))
}

/// Reads up to the limit and drops the pipe there: a child that goes on is stopped by the broken pipe.
fn read_bounded(pipe: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (text, printed) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is still what it printed. Nobody may be waiting any more.
        let _ = pipe.take(MOST_OUTPUT_BYTES).read_to_end(&mut bytes);
        let _ = text.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    printed
}
