//! The task `bench`: builds a benchmark with optimisation and runs it.

mod analysis;
mod blend;
mod compose;
mod engine;
mod midi;
mod python;
mod search;

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::{
    packages::{self, Consent, Purpose},
    servers::Servers,
    workspace,
};

/// Benchmarks of this package are about the whole system: they get every service's program beside their own, and private
/// servers as tests do. All others measure one crate, with nothing else running.
const WHOLE_SYSTEM: &str = "descant";

/// Benchmarks that run programs of others.
const HELD_AGAINST_PROGRAMS: &[&str] = &["render"];
/// Names the folder of recordings and songs that live beside the project and not in it.
const SHARED_DATA: &str = "DESCANT_SHARED_DATA";

/// Runs the program `bench-NAME`, which any crate may have in `src/bin/`, or one of the benchmarks that are more than a
/// program.
pub fn run(name: &str, arguments: &[String]) -> Result<()> {
    match name {
        analysis::NAME => return analysis::run(arguments),
        blend::NAME => return blend::run(arguments),
        compose::NAME => return compose::run(arguments),
        engine::NAME => return engine::run(arguments),
        midi::NAME => return midi::run(arguments),
        search::NAME => return search::run(arguments),
        _ => {}
    }
    let program = format!("bench-{name}");
    let package = owner(&program)?;
    let whole = package == WHOLE_SYSTEM;
    // Every benchmark compares with ffmpeg or makes its sounds with it.
    let purpose = if HELD_AGAINST_PROGRAMS.contains(&name) { Purpose::Benchmarks } else { Purpose::Tests };
    packages::ensure(purpose, &Consent { yes: false, no_install: false })?;
    let mut build = workspace::cargo(&["build", "--release", "--bins"]);
    if whole {
        build.arg("--workspace");
    } else {
        build.args(["--package", &package]);
    }
    workspace::run("cargo build", &mut build)?;
    let built = workspace::built("release")?;
    let mut command = Command::new(built.join(&program));
    command.args(arguments).current_dir(workspace::root());
    if let Some(data) = python::data("midi") {
        command.env(SHARED_DATA, data);
    }
    if !whole {
        return workspace::run(&program, &mut command);
    }
    let servers = Servers::start(&built)?;
    command.envs(servers.environment());
    workspace::run(&program, servers.scope().mark(&mut command))
}

/// The package that has the program.
fn owner(program: &str) -> Result<String> {
    let mut known = Vec::new();
    for group in ["crates", "services"] {
        for entry in fs::read_dir(workspace::root().join(group)).with_context(|| format!("read {group}"))?.flatten() {
            for file in programs(&entry.path()) {
                if file == program {
                    return Ok(entry.file_name().to_string_lossy().into_owned());
                }
                known.push(file);
            }
        }
    }
    let mut known: Vec<&str> = known.iter().filter_map(|file| file.strip_prefix("bench-")).collect();
    known.extend([analysis::NAME, engine::NAME, midi::NAME, search::NAME]);
    known.sort_unstable();
    bail!("there is no benchmark {}; there are: {}", program.trim_start_matches("bench-"), known.join(", "))
}

/// Programs in `src/bin/`, with hyphens where a file's name may have underscores.
fn programs(package: &Path) -> Vec<String> {
    let files = fs::read_dir(package.join("src/bin")).into_iter().flatten().flatten().map(|file| file.path());
    let sources = files.filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    sources.filter_map(|file| Some(file.file_stem()?.to_str()?.replace('_', "-"))).collect()
}
