//! How a command that failed says so: one sentence on standard error (or one JSON object), and a code for scripts.

use std::process::ExitCode;

use domain::{Failure, FailureClass};
use providers::Stop;

use crate::output::{self, OutputError};

/// A failure with a code of its own. Everything else exits with [`Exit::FAILED`].
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Exit {
    pub code: u8,
    pub message: String,
}

impl Exit {
    /// The command could not do what it was asked.
    pub const FAILED: u8 = 1;
    /// The input was refused (recording, prompt, id), or a file in the way of the output. (2 is clap's own, for a
    /// command line that makes no sense.)
    pub const REFUSED: u8 = 3;
    /// The server cannot be reached.
    pub const UNREACHABLE: u8 = 4;
    /// The job ended without a song.
    pub const JOB_FAILED: u8 = 5;
    /// The job was cancelled.
    pub const CANCELLED: u8 = 6;
    /// Ctrl-C (128 + SIGINT).
    pub const INTERRUPTED: u8 = 130;
    /// Whoever read the output closed it: what a shell reports of tools that SIGPIPE ends (128 + 13).
    pub const OUTPUT_CLOSED: u8 = 141;

    pub fn interrupted() -> anyhow::Error {
        Self { code: Self::INTERRUPTED, message: "interrupted".to_owned() }.into()
    }

    pub fn refused(message: impl Into<String>) -> anyhow::Error {
        Self { code: Self::REFUSED, message: message.into() }.into()
    }

    pub fn unreachable(message: impl Into<String>) -> anyhow::Error {
        Self { code: Self::UNREACHABLE, message: message.into() }.into()
    }

    pub fn job_failed(message: impl Into<String>) -> anyhow::Error {
        Self { code: Self::JOB_FAILED, message: message.into() }.into()
    }

    /// What somebody asked for that cannot be, or must not be, is refused; any other failure is the work's own.
    pub fn of_stop(stop: Stop) -> anyhow::Error {
        Self::of_failure(stop.into_failure())
    }

    pub fn of_failure(failure: Failure) -> anyhow::Error {
        let Failure { class, message, .. } = failure;
        match class {
            FailureClass::Caller | FailureClass::Content => Self::refused(message),
            _ => Self::job_failed(message),
        }
    }

    pub fn cancelled(message: impl Into<String>) -> anyhow::Error {
        Self { code: Self::CANCELLED, message: message.into() }.into()
    }
}

/// Prints the error and gives the process its code. Output that nobody wants to read is no error: the end is quiet.
pub fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    if let Some(OutputError::Closed) = error.downcast_ref() {
        return ExitCode::from(Exit::OUTPUT_CLOSED);
    }
    let code = error.downcast_ref::<Exit>().map_or(Exit::FAILED, |exit| exit.code);
    if json {
        output::error(serde_json::json!({ "success": false, "error": format!("{error:#}"), "exitCode": code }));
    } else {
        output::error(format_args!("descant: {error:#}"));
    }
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use domain::FailureCode;

    use super::*;

    #[test]
    fn only_what_the_caller_asked_for_is_refused() {
        let code = |class| {
            let error = Exit::of_failure(Failure::new(class, FailureCode::ImpossibleOptions, "it is so"));
            error.downcast_ref::<Exit>().map(|exit| exit.code)
        };
        for class in [FailureClass::Caller, FailureClass::Content] {
            assert_eq!(code(class), Some(Exit::REFUSED), "{class:?}");
        }
        for class in [FailureClass::Config, FailureClass::Transient] {
            assert_eq!(code(class), Some(Exit::JOB_FAILED), "{class:?}");
        }
    }
}
