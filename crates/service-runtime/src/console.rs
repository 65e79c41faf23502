//! What a service says on its terminal beside its log. `println!` would panic when the reader has gone (`gateway | head
//! -1`); a service does not end because nobody reads.

use std::{
    fmt::Display,
    io::{Write, stderr, stdout},
    net::SocketAddr,
};

/// Prints a line to standard output, when somebody reads it.
pub fn line(text: impl Display) {
    let mut out = stdout().lock();
    let _ = out.write_all(format!("{text}\n").as_bytes()).and_then(|()| out.flush());
}

/// Prints a line to standard error, when somebody reads it.
pub fn error(text: impl Display) {
    let _ = stderr().lock().write_all(format!("{text}\n").as_bytes());
}

/// Says where a service listens; scripts read it. The log says it, too.
pub fn announce(address: SocketAddr) {
    line(format_args!("listening on http://{address}"));
}
