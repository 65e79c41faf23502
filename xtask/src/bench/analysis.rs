//! The benchmark `analysis`: what the analysis of songs finds, held against the truth, plain rules and music21.
//!
//! Builds the example that analyses MIDI files, installs music21 into a private environment under `target/`, and leaves
//! scoring to `xtask/benchmarks/analysis.py`.

use std::process::Command;

use anyhow::{Context, Result};

use super::python;
use crate::workspace;

pub const NAME: &str = "analysis";

/// Prints the tables; `arguments` go to `xtask/benchmarks/analysis.py`.
pub fn run(arguments: &[String]) -> Result<()> {
    let mut build = workspace::cargo(&["build", "--release", "--package", "music", "--example", "analyse"]);
    workspace::run("cargo build", &mut build)?;
    let programs = workspace::built("release")?;
    let folder = programs.parent().context("a folder for builds without a parent")?.join("bench-analysis");
    let scripts = workspace::root().join("xtask/benchmarks");
    let python = python::environment(&folder.join("python"), &scripts.join("analysis.txt"), "about 200 MB")?;
    let mut command = Command::new(python);
    command.arg(scripts.join("analysis.py")).arg("--program").arg(programs.join("examples/analyse"));
    command.arg("--out").arg(&folder);
    if let Some(data) = python::data("midi") {
        command.arg("--data").arg(data.join("midi"));
    }
    // Nothing is left beside the scripts.
    command.args(arguments).env("PYTHONDONTWRITEBYTECODE", "1").current_dir(workspace::root());
    workspace::run("the benchmark of the analysis", &mut command)
}
