//! The benchmark `blend`: blends of three songs beside two cheap ways to put three songs together, with the PyPI package
//! smg-metrics as a second opinion where it can be installed.

use std::process::Command;

use anyhow::{Context, Result};

use super::python;
use crate::workspace;

pub const NAME: &str = "blend";

/// Prints the tables; `arguments` go to `bench-blend`.
pub fn run(arguments: &[String]) -> Result<()> {
    let mut build = workspace::cargo(&["build", "--release", "--package", "blend", "--bin", "bench-blend"]);
    workspace::run("cargo build", &mut build)?;
    let programs = workspace::built("release")?;
    let folder = programs.parent().context("a folder for builds without a parent")?.join("bench-blend");
    let scripts = workspace::root().join("xtask/benchmarks");
    let mut command = Command::new(programs.join("bench-blend"));
    match python::environment(&folder.join("python"), &scripts.join("requirements-blend.txt"), "200 MB") {
        Ok(python) => {
            command.arg("--peer").arg(python).arg(scripts.join("blend.py")).arg(folder.join("midi"));
        }
        // Ours and the baselines are measured without it just as well.
        Err(error) => println!("no second opinion, because smg-metrics could not be installed: {error:#}"),
    }
    if let Some(data) = python::data("midi") {
        command.arg("--data").arg(data.join("midi"));
    }
    command.args(arguments).env("PYTHONDONTWRITEBYTECODE", "1").current_dir(workspace::root());
    workspace::run("the benchmark of blends", &mut command)
}
