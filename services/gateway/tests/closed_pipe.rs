//! Nobody reads what a service prints: that is no reason to panic. A process of its own: what another test
//! started at the same moment could hold the pipe open a while.

use std::process::{Command, Stdio};

/// The end of a pipe whose reader has gone.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

#[test]
fn output_that_nobody_reads_does_not_change_how_a_service_ends() {
    for (argument, expected) in [("--help", 0), ("--version", 0), ("--confg", 2)] {
        let read = Command::new(env!("CARGO_BIN_EXE_descant-gateway")).arg(argument).output().expect("it starts");
        assert_eq!(read.status.code(), Some(expected), "{argument}");
        let mut command = Command::new(env!("CARGO_BIN_EXE_descant-gateway"));
        let unread = command.arg(argument).stdout(unread()).stderr(unread()).status().expect("it starts");
        assert_eq!(unread.code(), read.status.code(), "{argument}");
    }
}
