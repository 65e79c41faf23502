//! The benchmark `search`: made-up songs by what people type, on SQLite and on a private PostgreSQL server.

use std::process::Command;

use anyhow::Result;

use crate::{
    packages::{self, Consent, Purpose},
    processes::Scope,
    servers, workspace,
};

pub const NAME: &str = "search";

/// Prints the tables; `arguments` are the number of songs and that of queries of each kind.
pub fn run(arguments: &[String]) -> Result<()> {
    packages::ensure(Purpose::Tests, &Consent { yes: false, no_install: false })?;
    let mut build = workspace::cargo(&["build", "--release", "--package", "persistence", "--example", "bench_search"]);
    workspace::run("cargo build", &mut build)?;
    let scope = Scope::new()?;
    let (postgres, environment) = servers::only_postgres(&scope)?;
    let mut command = Command::new(workspace::built("release")?.join("examples/bench_search"));
    command.args(arguments).envs(environment).current_dir(workspace::root());
    let outcome = workspace::run("the benchmark of the search", scope.mark(&mut command));
    drop(postgres);
    outcome
}
