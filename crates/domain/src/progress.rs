//! Progress in percent, which never goes back.

use std::fmt;

use serde::{Deserialize, Serialize};

/// 0–100 percent. [`Progress::advance`] is the only way to change it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(from = "u8", into = "u8")]
pub struct Progress(u8);

impl Progress {
    pub const ZERO: Self = Self(0);
    pub const DONE: Self = Self(100);

    /// Values above 100 read as 100.
    pub const fn new(percent: u8) -> Self {
        Self(if percent > 100 { 100 } else { percent })
    }

    pub const fn percent(self) -> u8 {
        self.0
    }

    /// The later of the two: a retry that starts a stage anew does not take the bar back.
    #[must_use]
    pub fn advance(self, to: Self) -> Self {
        self.max(to)
    }
}

impl From<u8> for Progress {
    fn from(percent: u8) -> Self {
        Self::new(percent)
    }
}

impl From<Progress> for u8 {
    fn from(progress: Progress) -> Self {
        progress.0
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

/// The part of the scale that one stage walks through, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProgressSpan {
    start: Progress,
    end: Progress,
}

impl ProgressSpan {
    /// Panics at compile time (it is only used in tables) when the ends are the wrong way round or above 100.
    pub const fn new(start: u8, end: u8) -> Self {
        assert!(start <= end && end <= 100);
        Self { start: Progress(start), end: Progress(end) }
    }

    pub const fn start(self) -> Progress {
        self.start
    }

    pub const fn end(self) -> Progress {
        self.end
    }

    /// The point at `fraction` (0–1; anything else is clamped, NaN reads as 0) of the span.
    pub fn at(self, fraction: f64) -> Progress {
        let fraction = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
        let width = f64::from(self.end.0 - self.start.0);
        Progress(self.start.0 + (width * fraction).floor() as u8)
    }
}
