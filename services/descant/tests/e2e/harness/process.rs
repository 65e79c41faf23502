//! One child process of a deployment.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use testbed::eventually;

/// A debug binary on a busy machine, waiting for its dependencies.
const START: Duration = Duration::from_secs(60);

/// The binary `name` beside the one under test.
///
/// # Panics
/// When it is not built.
pub fn binary(name: &str) -> PathBuf {
    let descant = Path::new(env!("CARGO_BIN_EXE_descant"));
    let path = descant.with_file_name(name);
    assert!(
        path.is_file(),
        "{} is not built: run `cargo xtask test`, or `cargo build --workspace --bins` first",
        path.display()
    );
    path
}

/// A running process.
pub struct Process {
    child: Child,
    /// `host:port` of its HTTP.
    pub address: String,
}

impl Process {
    /// Starts a binary and waits until it has said where it listens.
    ///
    /// # Panics
    /// When it ends instead, with what it printed.
    pub async fn start(
        program: &Path,
        arguments: &[String],
        environment: &BTreeMap<String, String>,
        log: PathBuf,
        started: impl FnOnce(u32),
    ) -> Self {
        let file = File::create(&log).expect("a log file can be made");
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(inherited())
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a log file can be shared"))
            .stderr(file)
            .spawn()
            .unwrap_or_else(|why| panic!("{} does not start: {why}", program.display()));
        started(child.id());
        let mut process = Self { child, address: String::new() };
        let what = format!("{} to listen", program.display());
        process.address = {
            let process = &mut process;
            let mut look = move || {
                let printed = fs::read_to_string(&log).unwrap_or_default();
                match (announced(&printed), process.child.try_wait()) {
                    (Some(address), _) => Ok(Ok(address)),
                    (None, Ok(Some(status))) => Ok(Err(format!("it ended with {status}:\n{printed}"))),
                    (None, _) => Err("nothing said yet"),
                }
            };
            eventually(&what, START, || std::future::ready(look())).await
        }
        .unwrap_or_else(|why| panic!("{what}: {why}"));
        process
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, and waits until it is gone. There is no gentler end in a crash test.
    pub fn kill(&mut self) {
        // It may have ended by itself, which is what was wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// SIGTERM; returns the exit code.
    pub fn stop(&mut self) -> i32 {
        let asked = Command::new("kill").args(["-TERM", &self.id().to_string()]).status();
        assert!(asked.is_ok_and(|status| status.success()), "a process can be asked to stop");
        self.child.wait().expect("a process can be waited for").code().expect("it ends by itself")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a child gets from our own environment: nothing that could be a setting.
pub fn inherited() -> impl Iterator<Item = (String, String)> {
    ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "RUST_BACKTRACE", "LLVM_PROFILE_FILE"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
}

/// The address that a process says it listens on: a line of its own, or the log line of the health listener.
fn announced(printed: &str) -> Option<String> {
    printed.lines().find_map(|line| {
        if let Some(address) = line.strip_prefix("listening on http://") {
            return Some(address.trim().to_owned());
        }
        let line = line.strip_prefix('{').filter(|line| line.contains("health and metrics are served"))?;
        let rest = line.split_once("\"address\":\"")?.1;
        Some(rest.split_once('"')?.0.to_owned())
    })
}
