//! The task `lint`: what a machine can say about the code without running it.

use anyhow::{Result, bail};

use crate::{
    packages::{self, Consent, Purpose},
    tidy, workspace,
};

/// Runs every check, also after one failed, and fails with the names of those that did.
pub fn run(consent: &Consent) -> Result<()> {
    packages::ensure(Purpose::Build, consent)?;
    let mut failed = Vec::new();
    let mut check = |name: &'static str, outcome: Result<()>| -> Result<()> {
        match outcome {
            Err(why) if why.is::<crate::interrupt::Interrupted>() => return Err(why),
            Err(why) => {
                eprintln!("{name}: {why:#}");
                failed.push(name);
            }
            Ok(()) => println!("{name}: ok"),
        }
        Ok(())
    };
    check("tidy", tidy::run())?;
    check("formatting", workspace::run("cargo fmt", &mut workspace::cargo(&["fmt", "--all", "--check"])))?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
    check("clippy", workspace::run("cargo clippy", &mut workspace::cargo(&clippy)))?;
    // Apart from the tests, whose helpers may unwrap wherever they stand: clippy knows a test's function, not its file.
    let shipped = ["clippy", "--workspace", "--lib", "--bins", "--quiet", "--", "-D", "warnings"];
    let handled = [&shipped[..], &["-D", "clippy::unwrap_used", "-D", "clippy::expect_used"]].concat();
    check("every error handled", workspace::run("cargo clippy", &mut workspace::cargo(&handled)))?;
    check("licences and bans", deny(consent))?;
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn deny(consent: &Consent) -> Result<()> {
    if workspace::in_path("cargo-deny").is_none() {
        let may_install = consent.yes || std::env::var_os("CI").is_some();
        if consent.no_install || !may_install {
            bail!("cargo-deny is missing: `cargo install --locked cargo-deny`, or run this with --yes");
        }
        // Without optimisation it is built in half the time, and is quick enough.
        println!("installing cargo-deny (some minutes, once)");
        workspace::run("cargo install", &mut workspace::cargo(&["install", "--locked", "--debug", "cargo-deny"]))?;
    }
    let checks = ["deny", "--all-features", "check", "bans", "licenses", "sources"];
    workspace::run("cargo deny", &mut workspace::cargo(&checks))
}
