//! How a process ends, as its exit code says.

use std::process::ExitCode;

/// Exit codes after `sysexits.h`, so that an operator and an init system can tell them apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Stopped as asked, with nothing left under way.
    Stopped,
    /// Settings or command line are wrong: starting again changes nothing.
    Settings,
    /// A dependency did not come up in time (EX_UNAVAILABLE).
    Dependency,
    /// A service failed, or ended without being asked (EX_SOFTWARE).
    Crashed,
    /// Stopped as asked, but some work did not end in time (EX_TEMPFAIL): leases and the broker give it to somebody else.
    CutShort,
    /// A second signal came (128 + SIGINT).
    Interrupted,
}

impl Exit {
    pub const fn code(self) -> u8 {
        match self {
            Self::Stopped => 0,
            Self::Settings => 2,
            Self::Dependency => 69,
            Self::Crashed => 70,
            Self::CutShort => 75,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
