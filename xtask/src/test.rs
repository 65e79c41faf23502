//! The task `test`: every test of the workspace, with the servers that they need. Programs with tests run side by side:
//! those that wait for servers leave the processor to others.

use std::{
    collections::VecDeque,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::Instant,
};

use anyhow::{Context, Result, ensure};

use crate::{
    packages::{self, Consent, Purpose},
    processes::{Running, Scope},
    servers::Servers,
    workspace,
};

/// Runs the tests whose names contain one of `filter`, or all of them.
pub fn run(filter: &[String], consent: &Consent) -> Result<ExitCode> {
    let start = Instant::now();
    packages::ensure(Purpose::Tests, consent)?;
    // Before any server starts: a compile error needs none, and the S3 server is one of the programs built here.
    let suites = built_suites()?;
    let building = start.elapsed();
    let mut servers = Servers::start(&workspace::built("debug")?)?;
    let tally = run_suites(suites, filter, &servers);
    let alive = servers.check();
    drop(servers);
    let tally = tally?;
    alive?;
    println!("building took {:.0} s", building.as_secs_f64());
    Ok(tally.report(start))
}

/// Tests that one program holds.
struct Suite {
    /// Package and target, for people.
    name: String,
    command: Command,
}

/// Builds every program with tests. Always the whole workspace: cargo would choose other features for a part of it and
/// build everything twice.
fn built_suites() -> Result<VecDeque<Suite>> {
    // Without `--all-targets`, which would build every program once more to run the tests that it does not have.
    let arguments = ["test", "--workspace", "--no-run", "--message-format", "json-render-diagnostics"];
    let mut cargo = Running::start("building the tests", workspace::cargo(&arguments).stdout(Stdio::piped()))?;
    let output = cargo.take_output().context("the output of cargo is not piped")?;
    let reading = thread::spawn(move || std::io::read_to_string(output));
    let status = cargo.wait()?;
    ensure!(status.success(), "building the tests failed ({status})");
    let messages = reading.join().unwrap_or_else(|_| Ok(String::new())).context("read what cargo says")?;
    let mut programs: Vec<_> = messages.lines().filter_map(Program::of_message).collect();
    ensure!(!programs.is_empty(), "cargo names no program with tests");
    // What takes longest first, so that the rest runs beside it: whole services, and of them all in one.
    programs.sort_by_key(|program| (!program.folder.ends_with("services/descant"), !program.is_service()));
    Ok(programs.iter().map(Program::suite).collect())
}

/// A program that cargo has built to test something.
#[derive(PartialEq, Eq, Debug)]
struct Program {
    target: String,
    file: PathBuf,
    /// Of its package; cargo runs tests in there.
    folder: PathBuf,
}

impl Program {
    /// Of one line of cargo's messages, if it is about such a program.
    fn of_message(line: &str) -> Option<Self> {
        let is_test = workspace::json_text(line, "reason") == Some("compiler-artifact")
            && line.contains("\"test\":true},\"features\":");
        let file = workspace::json_text(line, "executable").filter(|_| is_test)?;
        let target = line.split_once("\"target\":{").and_then(|(_, target)| workspace::json_text(target, "name"))?;
        let folder = Path::new(workspace::json_text(line, "manifest_path")?).parent()?;
        Some(Self { target: target.to_owned(), file: file.into(), folder: folder.to_owned() })
    }

    fn is_service(&self) -> bool {
        self.folder.parent().is_some_and(|parent| parent.ends_with("services"))
    }

    fn suite(&self) -> Suite {
        let package = self.folder.file_name().unwrap_or_default().to_string_lossy();
        let mut command = Command::new(&self.file);
        command.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
        Suite { name: format!("{package}: {}", self.target), command }
    }
}

/// Runs programs side by side; each tells what it said when it has ended.
fn run_suites(suites: VecDeque<Suite>, filter: &[String], servers: &Servers) -> Result<Tally> {
    let side_by_side = thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
    let waiting = Mutex::new(suites);
    let worker = |number: usize| -> Result<Tally> {
        let mut tally = Tally::default();
        loop {
            // Apart from the loop's body: the lock is free while the suite runs.
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(mut suite) = next else { return Ok(tally) };
            let log = servers.scope().folder().join(format!("suite-{number}.log"));
            suite.command.args(filter).envs(servers.environment());
            tally.add(&run_suite(&mut suite, &log, servers.scope())?);
        }
    };
    let worker = &worker;
    thread::scope(|scope| {
        let workers: Vec<_> = (0..side_by_side).map(|number| scope.spawn(move || worker(number))).collect();
        let mut tally = Tally::default();
        for worker in workers {
            tally.add(&worker.join().map_err(|_| anyhow::anyhow!("a thread that ran tests panicked"))??);
        }
        Ok(tally)
    })
}

fn run_suite(suite: &mut Suite, log: &Path, scope: &Scope) -> Result<Tally> {
    let start = Instant::now();
    let to = fs::File::create(log).with_context(|| format!("create {}", log.display()))?;
    suite.command.stdin(Stdio::null()).stdout(to.try_clone().context("share a file")?).stderr(to);
    let status = Running::start(&suite.name, scope.mark(&mut suite.command))?.wait()?;
    let said = fs::read(log).with_context(|| format!("read {}", log.display()))?;
    let said = String::from_utf8_lossy(&said);
    let mut tally = Tally::default();
    said.lines().for_each(|line| tally.count(line));
    if !status.success() && tally.failures.is_empty() {
        tally.failures.push(format!("{} ended with {status}", suite.name));
    }
    // One lock for all of it. A reader that went away (a closed pipe) is no reason to stop.
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "\n== {} ({:.1} s)\n{}", suite.name, start.elapsed().as_secs_f64(), said.trim());
    Ok(tally)
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

    fn add(&mut self, other: &Self) {
        self.suites += other.suites;
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
        self.failures.extend_from_slice(&other.failures);
    }

    fn report(&self, start: Instant) -> ExitCode {
        let is_green = self.failures.is_empty() && self.failed == 0;
        for name in &self.failures {
            println!("FAILED {name}");
        }
        let verdict = if is_green { "ok" } else { "FAILED" };
        println!(
            "tests {verdict}: {} passed, {} failed, {} ignored in {} suites, {:.0} s with building; servers stopped",
            self.passed,
            self.failed,
            self.ignored,
            self.suites,
            start.elapsed().as_secs_f64()
        );
        if is_green { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
        let mut tally = Tally::default();
        said.lines().for_each(|line| tally.count(line));
        let expected = Tally { suites: 2, passed: 15, failed: 1, ignored: 2, failures: vec!["c".to_owned()] };
        assert_eq!(tally, expected);
        tally.add(&expected);
        assert_eq!((tally.passed, tally.failures.len()), (30, 2));
    }

    #[test]
    fn only_programs_with_tests_are_run() {
        let message = |test: bool, executable: &str| {
            format!(
                "{{\"reason\":\"compiler-artifact\",\"package_id\":\"x\",\"manifest_path\":\"/src/crates/blend/Cargo.toml\",\
                 \"target\":{{\"kind\":[\"lib\"],\"name\":\"blend\"}},\"profile\":{{\"opt_level\":\"0\",\"test\":{test}}},\
                 \"features\":[],\"filenames\":[],\"executable\":{executable},\"fresh\":true}}"
            )
        };
        let program = Program::of_message(&message(true, "\"/target/debug/deps/blend-1\"")).unwrap();
        let expected = Program {
            target: "blend".to_owned(),
            file: "/target/debug/deps/blend-1".into(),
            folder: "/src/crates/blend".into(),
        };
        assert_eq!(program, expected);
        assert_eq!(Program::of_message(&message(false, "\"/target/debug/blend\"")), None, "a program of its own");
        assert_eq!(Program::of_message(&message(true, "null")), None, "a library");
        assert_eq!(Program::of_message("{\"reason\":\"build-finished\",\"success\":true}"), None);
    }
}
