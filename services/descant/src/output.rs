//! What the commands print. A reader who has gone (`descant history | head -1`) is no failure of ours and a full disk is
//! one, and neither may be a panic: nothing in this binary prints in another way.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
    os::unix::ffi::OsStrExt,
    path::Path,
};

/// Why something was not printed.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Whoever read our output has closed it.
    #[error("nobody reads the output any more")]
    Closed,
    #[error("the output cannot be written")]
    Unwritable(#[source] io::Error),
    #[error("a terminal cannot show a sound; send it to a file or a pipe")]
    Terminal,
}

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Closed } else { Self::Unwritable(error) }
    }
}

/// Prints a line to standard output.
pub fn line(text: impl Display) -> Result<(), OutputError> {
    bytes(format!("{text}\n").as_bytes())
}

/// Prints a line that ends in a path, whose bytes need not be UTF-8: a script can open what it reads.
pub fn path(before: &str, path: &Path) -> Result<(), OutputError> {
    bytes(&[before.as_bytes(), path.as_os_str().as_bytes(), b"\n"].concat())
}

/// Writes bytes to standard output.
pub fn bytes(bytes: &[u8]) -> Result<(), OutputError> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    Ok(out.flush()?)
}

/// As [`bytes`], but not to a terminal.
pub fn sound(sound: &[u8]) -> Result<(), OutputError> {
    if io::stdout().is_terminal() {
        return Err(OutputError::Terminal);
    }
    bytes(sound)
}

/// Prints a line to standard error. When that cannot be written either, there is nobody left to tell.
pub fn error(text: impl Display) {
    let _ = io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}
