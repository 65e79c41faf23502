//! The task `vendors`: stand-ins for the AI vendors, for trying things out without keys.

use std::{process::Command, time::Duration};

use anyhow::{Result, bail};

use crate::{interrupt, processes::Running, workspace};

const PROGRAM: &str = "vendor-standins";
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Builds them and shows what they say until Ctrl-C.
pub fn run(port: u16, seed: u64, failures: f64) -> Result<()> {
    workspace::run("cargo build", &mut workspace::cargo(&["build", "--package", PROGRAM, "--bin", PROGRAM]))?;
    let mut command = Command::new(workspace::built("debug")?.join(PROGRAM));
    command.args(["--port", &port.to_string(), "--seed", &seed.to_string(), "--failures", &failures.to_string()]);
    let mut running = Running::start(PROGRAM, &mut command)?;
    loop {
        interrupt::check()?;
        if let Some(status) = running.ended()? {
            bail!("{PROGRAM} ended by itself ({status})");
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
