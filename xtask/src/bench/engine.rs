//! The benchmark `engine`: what the offline engine makes, held against the truth and against what people use today.
//!
//! Builds the programs, installs the baselines from the Python registry into a private environment under `target/`, and
//! leaves measuring to the scripts in `xtask/benchmarks`: the same code scores both sides.

use std::process::Command;

use anyhow::{Context, Result};

use super::python;
use crate::{
    packages::{self, Consent, Purpose},
    workspace,
};

pub const NAME: &str = "engine";

/// Prints the table; `arguments` go to `xtask/benchmarks/engine.py`.
pub fn run(arguments: &[String]) -> Result<()> {
    packages::ensure(Purpose::Benchmarks, &Consent { yes: false, no_install: false })?;
    let mut build = workspace::cargo(&["build", "--release", "--package", "descant", "--package", "speech"]);
    build.args(["--bin", "descant", "--bin", "measure-engine", "--example", "sung_words"]);
    workspace::run("cargo build", &mut build)?;
    let programs = workspace::built("release")?;
    let folder = programs.parent().context("a folder for builds without a parent")?.join("bench-engine");
    let scripts = workspace::root().join("xtask/benchmarks");
    let python = python::environment(&folder.join("python"), &scripts.join("requirements.txt"), "several GB")?;
    let mut command = Command::new(python);
    command.arg(scripts.join("engine.py")).arg("--programs").arg(&programs).arg("--out").arg(&folder);
    if let Some(data) = python::data("audio") {
        command.arg("--data").arg(data);
    }
    // Nothing is left beside the scripts.
    command.args(arguments).env("PYTHONDONTWRITEBYTECODE", "1").current_dir(workspace::root());
    workspace::run("the benchmark of the engine", &mut command)
}
