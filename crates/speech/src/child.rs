//! A child process with bounds: no shell, no input, a time limit, a limit on what it may print.

use std::{
    io::Read,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use wait_timeout::ChildExt;

use crate::SpeechFailure;

/// How long one call may take. A line takes some hundredths of a second.
const LIMIT: Duration = Duration::from_secs(10);
/// How much of its output is read; a line prints some hundred bytes.
const MOST_OUTPUT_BYTES: u64 = 256 * 1024;

/// Runs a program in a folder and returns what it printed.
pub fn run(program: &Path, args: &[&str], folder: &Path) -> Result<String, SpeechFailure> {
    let mut child = Command::new(program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| SpeechFailure::Program { program: program.to_owned(), source })?;
    // Both pipes are read on threads of their own: a child that fills one would wait for ever.
    let readers = [child.stdout.take().map(read_bounded), child.stderr.take().map(read_bounded)];
    let status = match child.wait_timeout(LIMIT)? {
        Some(status) => status,
        None => {
            child.kill()?;
            child.wait()?;
            return Err(SpeechFailure::Timeout(LIMIT.as_secs()));
        }
    };
    let [out, err] = readers.map(|reader| reader.and_then(|thread| thread.join().ok()).unwrap_or_default());
    if !status.success() {
        let message = err.lines().last().unwrap_or("no message").to_owned();
        return Err(SpeechFailure::Failed { status: status.to_string(), message });
    }
    Ok(out)
}

/// Reads up to the limit and drops the pipe there: a child that goes on is stopped by the broken pipe.
fn read_bounded(pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is still what it printed.
        let _ = pipe.take(MOST_OUTPUT_BYTES).read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
