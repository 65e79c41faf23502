//! The task `test`: every test of the workspace, with the servers that they need.

use std::{
    io::{BufRead, BufReader, Write},
    process::{ExitCode, ExitStatus, Stdio},
    time::Instant,
};

use anyhow::{Context, Result};

use crate::{
    packages::{self, Consent, Purpose},
    processes::Running,
    servers::Servers,
    workspace,
};

/// Runs the tests whose names contain one of `filter`, or all of them.
pub fn run(filter: &[String], consent: &Consent) -> Result<ExitCode> {
    let start = Instant::now();
    packages::ensure(Purpose::Tests, consent)?;
    // Before any server starts: a compile error needs none, and the S3 server is one of the programs built here.
    // Always the whole workspace: cargo would choose other features for a part of it and build everything twice.
    workspace::run("building the tests", &mut workspace::cargo(&["test", "--workspace", "--all-targets", "--no-run"]))?;
    let mut servers = Servers::start(&workspace::built("debug")?)?;
    let mut command = workspace::cargo(&["test", "--workspace", "--no-fail-fast", "--"]);
    command.args(filter).envs(servers.environment()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut tests = Running::start("cargo test", servers.scope().mark(&mut command))?;
    let output = tests.take_output().context("the output of cargo test is not piped")?;
    let reading = std::thread::spawn(move || pass_through(BufReader::new(output), std::io::stdout()));
    let status = tests.wait()?;
    let tally = reading.join().unwrap_or_default();
    let alive = servers.check();
    drop(servers);
    alive?;
    Ok(tally.report(status, start))
}

/// What libtest said, counted.
#[derive(Default, Debug, PartialEq, Eq)]
struct Tally {
    suites: u64,
    passed: u64,
    failed: u64,
    ignored: u64,
    failures: Vec<String>,
}

/// Writes every line on as it comes, and counts.
fn pass_through(output: impl BufRead, mut out: impl Write) -> Tally {
    let mut tally = Tally::default();
    for line in output.split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        // A reader that went away (a closed pipe) is no reason to stop counting.
        let _ = writeln!(out, "{line}");
        tally.count(&line);
    }
    tally
}

impl Tally {
    fn count(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED")) {
            self.failures.push(name.to_owned());
        }
        let Some(result) = line.strip_prefix("test result: ") else { return };
        self.suites += 1;
        for part in result.split(['.', ';']) {
            let mut words = part.split_whitespace();
            let (Some(Ok(number)), Some(word)) = (words.next().map(str::parse::<u64>), words.next()) else { continue };
            match word {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }

    fn report(&self, status: ExitStatus, start: Instant) -> ExitCode {
        for name in &self.failures {
            println!("FAILED {name}");
        }
        let verdict = if status.success() { "ok" } else { "FAILED" };
        println!(
            "tests {verdict}: {} passed, {} failed, {} ignored in {} suites, {:.0} s with building; servers stopped",
            self.passed,
            self.failed,
            self.ignored,
            self.suites,
            start.elapsed().as_secs_f64()
        );
        if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_libtest_says() {
        let said = "test a::b ... ok\ntest c ... FAILED\n\
            test result: FAILED. 11 passed; 1 failed; 2 ignored; 0 measured; 3 filtered out; finished in 0.10s\n\
            test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        let mut passed_on = Vec::new();
        let tally = pass_through(said.as_bytes(), &mut passed_on);
        assert_eq!(passed_on, said.as_bytes());
        let expected = Tally { suites: 2, passed: 15, failed: 1, ignored: 2, failures: vec!["c".to_owned()] };
        assert_eq!(tally, expected);
    }
}
