//! Python environments for what benchmarks compare with.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::workspace;

/// Oldest Python that the pinned packages run on.
const LEAST_PYTHON: &str = "3.11";

/// The Python of an environment that has exactly what `requirements` lists; made, or made again, when it has not. `size`
/// tells how much there is to fetch.
pub fn environment(folder: &Path, requirements: &Path, size: &str) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    let wanted = fs::read_to_string(requirements).with_context(|| format!("read {}", requirements.display()))?;
    let stamp = folder.join("installed.txt");
    if python.is_file() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    println!("installing the baselines into {} ({size}; once)", folder.display());
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

/// The folder of what lives beside the project and not in it (recordings with truth, other people's MIDI files), if it holds
/// such a `kind`.
pub fn data(kind: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("DESCANT_SHARED_DATA");
    let folder = shared.map_or_else(|| workspace::root().join("../shared/data"), PathBuf::from);
    folder.join(kind).is_dir().then_some(folder)
}
