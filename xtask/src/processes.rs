//! Child processes that never outlive `xtask`.
//!
//! Each child leads a process group of its own, so that a Ctrl-C in the terminal reaches only `xtask`, which then stops
//! its children in order. Children carry a mark in their environment; whatever still carries it at the end (a daemon
//! that left its group, a server that a killed test had started) is found in `/proc`, killed and named.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

use crate::interrupt;

/// The environment variable that marks children.
const MARK: &str = "DESCANT_TEST_RUN";
const LOOK_EVERY: Duration = Duration::from_millis(25);
const PATIENCE: Duration = Duration::from_secs(10);

/// A child process with everything it started in its process group; stopped when dropped.
pub struct Running {
    name: String,
    child: Child,
    ask: Signal,
    ended: Option<ExitStatus>,
}

impl Running {
    /// Starts the leader of a new process group.
    pub fn start(name: &str, command: &mut Command) -> Result<Self> {
        interrupt::check()?;
        let child = command.process_group(0).spawn().with_context(|| format!("start {name}"))?;
        Ok(Self { name: name.to_owned(), child, ask: Signal::SIGTERM, ended: None })
    }

    /// The signal that asks this program to end quickly and cleanly; SIGTERM when not told.
    #[must_use]
    pub fn ended_by(mut self, signal: Signal) -> Self {
        self.ask = signal;
        self
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The child's output, when it is piped; once.
    pub fn take_output(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// The child's errors, when they are piped; once.
    pub fn take_errors(&mut self) -> Option<std::process::ChildStderr> {
        self.child.stderr.take()
    }

    /// How the child ended, if it did.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().with_context(|| format!("look after {}", self.name))?;
        }
        Ok(self.ended)
    }

    /// Waits until the child ends; an interrupt ends the wait with an error.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            interrupt::check()?;
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Asks the child's group to end, waits a bounded time and then kills it.
    pub fn stop(&mut self) {
        let group = Pid::from_raw(self.child.id().cast_signed());
        if !matches!(self.ended(), Ok(Some(_))) {
            let _ = killpg(group, self.ask);
            let until = Instant::now() + PATIENCE;
            while matches!(self.ended(), Ok(None)) && Instant::now() < until {
                std::thread::sleep(LOOK_EVERY);
            }
        }
        // Also after the leader's end: a group lives on with its last member.
        let _ = killpg(group, Signal::SIGKILL);
        if self.ended.is_none() {
            self.ended = self.child.wait().ok();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A temporary folder and a mark for the processes that belong to one run. Dropped last: whatever is left over of the
/// run is killed then, and the folder removed.
pub struct Scope {
    mark: String,
    folder: PathBuf,
}

impl Scope {
    pub fn new() -> Result<Self> {
        /// Two scopes of one process may begin in the same microsecond.
        static SCOPES: AtomicU32 = AtomicU32::new(0);
        let number = SCOPES.fetch_add(1, Ordering::Relaxed);
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let mark = format!("descant-{}-{:x}-{number}", std::process::id(), since_epoch.as_micros());
        let folder = std::env::temp_dir().join(&mark);
        fs::create_dir(&folder).with_context(|| format!("create {}", folder.display()))?;
        // PostgreSQL does not run as root: its user must be able to pass through.
        fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        Ok(Self { mark, folder })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Marks a command as belonging to this run.
    pub fn mark<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env(MARK, &self.mark)
    }

    /// Pids and names of the processes that carry the mark.
    fn marked(&self) -> Vec<(i32, String)> {
        marked(&self.mark)
    }
}

/// Zombies do not count: the environment of one cannot be read.
fn marked(mark: &str) -> Vec<(i32, String)> {
    let wanted = format!("{MARK}={mark}");
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        // Unreadable when it ended meanwhile, or belongs to somebody else, who cannot carry the mark.
        let Ok(environment) = fs::read(entry.path().join("environ")) else { continue };
        if environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes()) {
            let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default().trim().to_owned();
            found.push((pid, name));
        }
    }
    found
}

impl Drop for Scope {
    fn drop(&mut self) {
        let until = Instant::now() + PATIENCE;
        let mut named = Vec::new();
        loop {
            let left = self.marked();
            if left.is_empty() || Instant::now() > until {
                break;
            }
            for (pid, name) in left {
                if kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok() && !named.contains(&pid) {
                    eprintln!("xtask: killed {name} (pid {pid}), which had outlived its parent");
                    named.push(pid);
                }
            }
            std::thread::sleep(LOOK_EVERY);
        }
        let left = self.marked();
        if !left.is_empty() {
            eprintln!("xtask: these processes could not be ended: {left:?}");
        }
        if let Err(why) = fs::remove_dir_all(&self.folder) {
            eprintln!("xtask: {} was left behind: {why}", self.folder.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleepers(scope: &Scope, script: &str, expected: usize) -> Running {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let running = Running::start("a shell", scope.mark(&mut command)).expect("start");
        let until = Instant::now() + PATIENCE;
        while scope.marked().iter().filter(|(_, name)| name == "sleep").count() < expected {
            assert!(Instant::now() < until, "the sleepers never appeared: {:?}", scope.marked());
            std::thread::sleep(LOOK_EVERY);
        }
        running
    }

    #[test]
    fn what_leaves_its_group_is_found_and_killed() {
        let scope = Scope::new().expect("a scope");
        let (folder, mark) = (scope.folder().to_owned(), scope.mark.clone());
        let mut shell = sleepers(&scope, "setsid sleep 1000 & exit 0", 1);
        assert!(shell.wait().expect("wait").success());
        drop(shell);
        assert_eq!(scope.marked().len(), 1, "it is in no group of ours");
        drop(scope);
        assert_eq!(marked(&mark), []);
        assert!(!folder.exists());
    }

    #[test]
    fn a_dropped_child_ends_with_its_group() {
        let scope = Scope::new().expect("a scope");
        let shell = sleepers(&scope, "sleep 1000 & sleep 1000; true", 2);
        drop(shell);
        let until = Instant::now() + PATIENCE;
        while !scope.marked().is_empty() {
            assert!(Instant::now() < until, "somebody of the group still lives: {:?}", scope.marked());
            std::thread::sleep(LOOK_EVERY);
        }
    }
}
