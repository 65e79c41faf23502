//! The benchmark `compose`: every style with several seeds against what listeners expect, and beside the tunes of real songs.

use std::process::Command;

use anyhow::Result;

use super::python;
use crate::workspace;

pub const NAME: &str = "compose";

/// Prints the tables; `arguments` go to `bench-compose` (`--quick` takes fewer seeds).
pub fn run(arguments: &[String]) -> Result<()> {
    let mut build = workspace::cargo(&["build", "--release", "--package", "compose", "--bin", "bench-compose"]);
    workspace::run("cargo build", &mut build)?;
    let mut command = Command::new(workspace::built("release")?.join("bench-compose"));
    if let Some(data) = python::data("midi") {
        command.arg("--data").arg(data.join("midi"));
    }
    command.args(arguments).current_dir(workspace::root());
    workspace::run("the benchmark of composing", &mut command)
}
