//! The task `bench`: builds a benchmark with optimisation and runs it.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::{
    packages::{self, Consent, Purpose},
    processes::Running,
    servers::Servers,
    workspace,
};

/// Runs the program `bench-NAME`, which any crate may have in `src/bin/`. Its environment names private servers, as for
/// tests.
pub fn run(name: &str, arguments: &[String]) -> Result<()> {
    let program = format!("bench-{name}");
    let package = owner(&program)?;
    packages::ensure(Purpose::Tests, &Consent { yes: false, no_install: false })?;
    let mut build = workspace::cargo(&["build", "--release", "--bins", "--package", "testbed"]);
    for package in needed_by(&package)? {
        build.args(["--package", &package]);
    }
    workspace::run("cargo build", &mut build)?;
    let built = workspace::built("release")?;
    let servers = Servers::start(&built)?;
    let mut command = std::process::Command::new(built.join(&program));
    command.args(arguments).envs(servers.environment()).current_dir(workspace::root());
    let mut bench = Running::start(&program, servers.scope().mark(&mut command))?;
    let status = bench.wait()?;
    if !status.success() {
        bail!("{program} failed ({status})");
    }
    Ok(())
}

/// The packages whose programs a benchmark of this one runs: those of the single binary start all services.
fn needed_by(package: &str) -> Result<Vec<String>> {
    let mut needed = vec![package.to_owned()];
    let services = workspace::root().join("services");
    if services.join(package).is_dir() {
        for entry in fs::read_dir(services)?.flatten().filter(|entry| entry.file_name() != package) {
            needed.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(needed)
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
    known.sort();
    let known: Vec<&str> = known.iter().filter_map(|file| file.strip_prefix("bench-")).collect();
    bail!("there is no benchmark {}; there are: {}", program.trim_start_matches("bench-"), known.join(", "))
}

/// Names of the programs in a package's `src/bin`; a program may be named with hyphens where its file has underscores.
fn programs(package: &Path) -> Vec<String> {
    let files = fs::read_dir(package.join("src/bin")).into_iter().flatten().flatten().map(|file| file.path());
    let sources = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    sources.filter_map(|path| Some(path.file_stem()?.to_str()?.replace('_', "-"))).collect()
}
