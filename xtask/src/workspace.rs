//! Where things are in the source tree, and how cargo is called on it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap_or_else(|_| PathBuf::from("."))
}

/// Cargo, called in the root of the workspace.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// The folder `debug` or `release` in which cargo leaves what it built.
pub fn built(profile: &str) -> Result<PathBuf> {
    let output = cargo(&["metadata", "--format-version", "1", "--no-deps"]).output().context("run cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).context("read cargo metadata")?;
    let folder = json_text(&text, "target_directory");
    Ok(PathBuf::from(folder.context("cargo metadata names no target directory")?).join(profile))
}

/// The first text of this name in a document that only cargo writes: not worth a JSON parser in a crate that must build
/// fast.
pub fn json_text<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = document.split_once(&format!("\"{name}\":\""))?;
    rest.split('"').next()
}

/// Whether a program of this name is in the search path.
pub fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Runs a command to its end and fails when it fails; the command must not start what outlives it.
pub fn run(what: &str, command: &mut Command) -> Result<()> {
    let mut running = crate::processes::Running::start(what, command)?;
    let status = running.wait()?;
    if !status.success() {
        bail!("{what} failed ({status})");
    }
    Ok(())
}
