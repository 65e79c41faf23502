//! Ctrl-C and SIGTERM as a flag that every wait looks at. The process never dies from them itself: it returns, so that
//! everything it started is stopped on the way out.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

static REQUESTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// The error of a wait that was interrupted.
#[derive(Debug)]
pub struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Starts watching; call once at the beginning.
pub fn watch() -> Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&REQUESTED)).context("watch for signals")?;
    }
    Ok(())
}

/// Fails with [`Interrupted`] once a signal has come.
pub fn check() -> Result<()> {
    if REQUESTED.load(Ordering::Relaxed) { Err(Interrupted.into()) } else { Ok(()) }
}
