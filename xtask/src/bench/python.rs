//! What benchmarks with baselines from the Python registry share.

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

/// The folder of data with truth, which lives beside the project and not in it; `None` if it lacks the folder `inside`.
pub fn shared_data(inside: &str) -> Option<PathBuf> {
    let folder =
        std::env::var_os("DESCANT_SHARED_DATA").map_or_else(|| workspace::root().join("../shared/data"), PathBuf::from);
    folder.join(inside).is_dir().then_some(folder)
}

/// The Python of an environment that has exactly what `requirements` lists; made, or made again, when it has not. `size`
/// is what the download is announced with.
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
