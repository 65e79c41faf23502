//! What every server needs while it starts: a port, a log, and somebody who waits for it.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{interrupt, processes::Running};

const LOOK_EVERY: Duration = Duration::from_millis(25);

/// A port that nobody listens on now. Taken from below the range that Linux gives to outgoing connections, so that no
/// client of this machine takes it before its server does.
pub fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 10_000;
    let seed = u16::try_from(std::process::id() * 37 % u32::from(COUNT)).unwrap_or(0);
    for _ in 0..COUNT {
        let port = FIRST + (seed + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port from {FIRST} to {} is free", FIRST + COUNT - 1)
}

/// Sends what the command prints into a file.
pub fn logged<'c>(command: &'c mut Command, file: &Path) -> Result<&'c mut Command> {
    let log = fs::File::create(file).with_context(|| format!("create {}", file.display()))?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(command)
}

/// Waits until `ready`, while the process lives, for at most `bound`. On failure shows the end of its logs.
pub fn until(
    what: &str,
    bound: Duration,
    process: &mut Running,
    logs: &Path,
    mut ready: impl FnMut() -> bool,
) -> Result<()> {
    let start = Instant::now();
    loop {
        if ready() {
            return Ok(());
        }
        interrupt::check()?;
        let ended = process.ended()?;
        if ended.is_some() || start.elapsed() > bound {
            show_logs(logs);
            match ended {
                Some(status) => bail!("{what} ended while starting ({status})"),
                None => bail!("{what} was not ready after {} s", bound.as_secs()),
            }
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn show_logs(place: &Path) {
    const LINES: usize = 30;
    let files = if place.is_dir() {
        fs::read_dir(place).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    } else {
        vec![place.to_owned()]
    };
    for file in files {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap_or_default()).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        if !lines.is_empty() {
            eprintln!("--- the end of {}:\n{}", file.display(), lines[lines.len().saturating_sub(LINES)..].join("\n"));
        }
    }
}
