//! The benchmark `engine`: what the offline engine makes, held against the truth and against what people use today.
//!
//! Builds the programs, installs the baselines from the Python registry into a private environment under `target/`, and
//! leaves measuring to the scripts in `xtask/benchmarks`: the same code scores both sides.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{
    packages::{self, Consent, Purpose},
    workspace,
};

pub const NAME: &str = "engine";

/// Oldest Python that the pinned packages run on.
const LEAST_PYTHON: &str = "3.11";

/// Prints the table; `arguments` go to `xtask/benchmarks/engine.py`.
pub fn run(arguments: &[String]) -> Result<()> {
    packages::ensure(Purpose::Benchmarks, &Consent { yes: false, no_install: false })?;
    let mut build = workspace::cargo(&["build", "--release", "--package", "descant", "--package", "speech"]);
    build.args(["--bin", "descant", "--bin", "measure-engine", "--example", "sung_words"]);
    workspace::run("cargo build", &mut build)?;
    let programs = workspace::built("release")?;
    let folder = programs.parent().context("a folder for builds without a parent")?.join("bench-engine");
    let scripts = workspace::root().join("xtask/benchmarks");
    let python = environment(&folder.join("python"), &scripts.join("requirements.txt"))?;
    let mut command = Command::new(python);
    command.arg(scripts.join("engine.py")).arg("--programs").arg(&programs).arg("--out").arg(&folder);
    if let Some(data) = super::shared_data().filter(|folder| folder.join("audio").is_dir()) {
        command.arg("--data").arg(data);
    }
    // Nothing is left beside the scripts.
    command.args(arguments).env("PYTHONDONTWRITEBYTECODE", "1").current_dir(workspace::root());
    workspace::run("the benchmark of the engine", &mut command)
}

/// The Python of an environment that has exactly what `requirements` lists; made, or made again, when it has not.
fn environment(folder: &Path, requirements: &Path) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    let wanted = fs::read_to_string(requirements).with_context(|| format!("read {}", requirements.display()))?;
    let stamp = folder.join("installed.txt");
    if python.is_file() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    println!("installing the baselines into {} (several GB; once)", folder.display());
    let system = workspace::in_path("python3").context("python3 is not installed")?;
    let check = format!("import sys; sys.exit(sys.version_info < ({}))", LEAST_PYTHON.replace('.', ", "));
    let status = Command::new(&system).args(["-c", &check]).status().context("run python3")?;
    ensure!(status.success(), "the baselines need Python {LEAST_PYTHON} or later as python3");
    workspace::run("python3 -m venv", Command::new(&system).args(["-m", "venv", "--clear"]).arg(folder))?;
    // The list is complete; what packages say themselves about each other contradicts itself.
    let pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--requirement"].map(OsStr::new);
    workspace::run("pip install", Command::new(&python).args(pip).arg(requirements))?;
    fs::write(&stamp, wanted).with_context(|| format!("write {}", stamp.display()))?;
    Ok(python)
}
