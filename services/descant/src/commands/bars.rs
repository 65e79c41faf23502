//! A bar for each step of a command, one below the other, on a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar from 0 to 100.
pub fn bar(label: &'static str, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg:24} [{bar:30}] {percent:>3}% {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    let bar = ProgressBar::new(100).with_style(style).with_message(label);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Full, and done with.
pub fn done(bar: &ProgressBar) {
    bar.set_position(100);
    bar.finish();
}
