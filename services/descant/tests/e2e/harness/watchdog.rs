//! Kills what a test run leaves behind when the run itself is killed. A small shell reads the ids of our children from
//! a pipe; when this process ends in whatever way, the pipe closes and the shell kills those that are still listed.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

const SCRIPT: &str = r#"
pids=" "
while read -r verb pid; do
    case $verb in
        watch) pids="$pids$pid " ;;
        forget) pids="${pids%% "$pid" *} ${pids#* "$pid" }" ;;
    esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
"#;

pub struct Watchdog {
    shell: Child,
}

impl Watchdog {
    pub fn start() -> Self {
        let shell = Command::new("sh")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Of its own, so that a Ctrl-C for the tests does not end it before it has done its work.
            .process_group(0)
            .spawn()
            .expect("a shell starts");
        Self { shell }
    }

    pub fn watch(&mut self, pid: u32) {
        self.tell("watch", pid);
    }

    /// `pid` has ended and been waited for: its number may belong to somebody else soon.
    pub fn forget(&mut self, pid: u32) {
        self.tell("forget", pid);
    }

    fn tell(&mut self, verb: &str, pid: u32) {
        let pipe = self.shell.stdin.as_mut().expect("the watchdog has a pipe");
        writeln!(pipe, "{verb} {pid}").expect("the watchdog listens");
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
