//! One child process that does not outlive its parent.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// A debug build on a busy machine.
const STARTED_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What a child gets from our own environment: nothing that could be a setting. The last one is how `cargo xtask bench`
/// recognises the processes of its run.
const INHERITED: [&str; 6] = ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "RUST_BACKTRACE", "DESCANT_TEST_RUN"];
/// Of a log that is shown when its process fails.
const TAIL_LINES: usize = 15;

/// The program `name` beside this one.
pub fn beside_us(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe().context("find this program")?.with_file_name(name);
    if !path.is_file() {
        bail!("{} is not built: run `cargo xtask bench`, or build the whole workspace first", path.display());
    }
    Ok(path)
}

/// A running service; killed when dropped.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    watch: Option<Watch>,
}

impl Process {
    /// Starts a program that writes its log to `log`.
    pub fn start(name: &str, arguments: &[&str], settings: &BTreeMap<String, String>, log: PathBuf) -> Result<Self> {
        let file = File::create(&log).with_context(|| format!("create {}", log.display()))?;
        let inherited = INHERITED.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let child = Command::new(beside_us(name)?)
            .args(arguments)
            .env_clear()
            .envs(inherited)
            .envs(settings)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("start {name}"))?;
        let mut process = Self { name: name.to_owned(), child, log, watch: None };
        process.watch = Some(Watch::over(process.id()).context("start a shell")?);
        Ok(process)
    }

    /// Waits until the process has said where it listens, and until `ready_path` there answers 200.
    pub async fn ready(&mut self, http: &reqwest::Client, ready_path: &str) -> Result<String> {
        let until = Instant::now() + STARTED_WITHIN;
        loop {
            let address = announced(&fs::read_to_string(&self.log).unwrap_or_default());
            if let Some(address) = address {
                let url = format!("http://{address}");
                let answer = http.get(format!("{url}{ready_path}")).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    return Ok(url);
                }
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status} instead of starting:\n{}", self.name, self.log_tail());
            }
            if Instant::now() > until {
                bail!("{} was not ready within {STARTED_WITHIN:?}:\n{}", self.name, self.log_tail());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn log_tail(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // First, because the process's number may belong to somebody else once it has been waited for.
        drop(self.watch.take());
        // It may have ended by itself, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Kills a process when this one ends without having done so: a small shell waits for the end of a pipe that only this
/// process holds open.
struct Watch(Child);

impl Watch {
    fn over(pid: u32) -> io::Result<Self> {
        Command::new("sh")
            .args(["-c", r#"read -r _; kill -9 "$1""#, "sh", &pid.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Of its own, so that a Ctrl-C does not end it before it has done its work.
            .process_group(0)
            .spawn()
            .map(Self)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Killed before its pipe closes: there is nothing left for it to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A database, a virtual host and a bucket that are deleted when this is dropped, or when this process ends.
pub struct FreshPlace(Child);

impl FreshPlace {
    /// Returns the settings that name them as well.
    pub fn take() -> Result<(Self, BTreeMap<String, String>)> {
        let mut child = Command::new(beside_us("fresh-place")?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("start fresh-place")?;
        let output = child.stdout.take().context("fresh-place has no output")?;
        let place = Self(child);
        let lines = io::BufRead::lines(io::BufReader::new(output)).map_while(Result::ok);
        let settings: BTreeMap<String, String> = lines
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
            .collect();
        if settings.is_empty() {
            bail!(
                "the distributed deployment needs test servers: run `cargo xtask bench`, or measure `--only embedded`"
            );
        }
        Ok((place, settings))
    }
}

impl Drop for FreshPlace {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        if let Err(why) = self.0.wait() {
            eprintln!("the place of a deployment may have been left behind: {why}");
        }
    }
}

/// The address that a process says it listens on: a line of its own, or the log line of the health listener.
fn announced(log: &str) -> Option<String> {
    log.lines().find_map(|line| {
        if let Some(address) = line.strip_prefix("listening on http://") {
            return Some(address.trim().to_owned());
        }
        let line: serde_json::Value =
            serde_json::from_str(line).ok().filter(|_| line.contains("health and metrics are served"))?;
        find_address(&line)
    })
}

fn find_address(line: &serde_json::Value) -> Option<String> {
    line.get("address").or_else(|| line.get("fields")?.get("address"))?.as_str().map(str::to_owned)
}
