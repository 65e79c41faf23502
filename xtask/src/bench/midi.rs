//! The benchmark `midi`: our reader of MIDI files beside midly, and beside mido in a private Python environment.

use std::process::Command;

use anyhow::{Context, Result};

use super::python;
use crate::workspace;

pub const NAME: &str = "midi";

/// Prints the tables; `arguments` go to `bench-midi`.
pub fn run(arguments: &[String]) -> Result<()> {
    let mut build = workspace::cargo(&["build", "--release", "--package", "music", "--bin", "bench-midi"]);
    workspace::run("cargo build", &mut build)?;
    let programs = workspace::built("release")?;
    let folder = programs.parent().context("a folder for builds without a parent")?.join("bench-midi");
    let scripts = workspace::root().join("xtask/benchmarks");
    let python = python::environment(&folder.join("python"), &scripts.join("requirements-midi.txt"), "1 MB")?;
    let mut command = Command::new(programs.join("bench-midi"));
    command.arg("--python").arg(python).arg(scripts.join("midi.py"));
    if let Some(data) = python::data("midi") {
        command.arg("--data").arg(data.join("midi"));
    }
    command.args(arguments).current_dir(workspace::root());
    workspace::run("the benchmark of the MIDI reader", &mut command)
}
