//! The task `up`: the distributed set on this machine, for trying things out.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    interrupt,
    packages::{self, Consent, Purpose},
    processes::Running,
    servers::{S3_ACCESS_KEY, S3_SECRET_KEY, Servers},
    starting::free_port,
    workspace,
};

const SERVICES: [&str; 5] = ["validator", "storage", "expert", "orchestrator", "gateway"];
/// A service that ends is started again, as an init system would; one that keeps ending is not worth it.
const MAX_STARTS: u32 = 10;
const READY_WITHIN: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The gateway's port when it is free.
const USUAL_PORT: u16 = 3000;

/// Starts servers and the five services, shows what they say, and stops all of it on Ctrl-C.
pub fn run(release: bool, consent: &Consent) -> Result<()> {
    packages::ensure(Purpose::Tests, consent)?;
    let mut build = workspace::cargo(&["build", "--workspace", "--bins"]);
    let profile = if release { "release" } else { "debug" };
    if release {
        build.arg("--release");
    }
    workspace::run("cargo build", &mut build)?;
    let built = workspace::built(profile)?;
    let mut servers = Servers::start(&built)?;
    let stack = LocalStack::new(&servers, built)?;
    let mut services = SERVICES.iter().map(|name| Slot::start(name, &stack, &servers)).collect::<Result<Vec<_>>>()?;
    let start = Instant::now();
    while !services.iter().all(|slot| slot.is_ready()) {
        interrupt::check()?;
        look_after(&mut services, &stack, &mut servers)?;
        ensure!(start.elapsed() < READY_WITHIN, "the services were not ready after {} s", READY_WITHIN.as_secs());
        std::thread::sleep(LOOK_EVERY);
    }
    stack.explain(&services)?;
    loop {
        interrupt::check()?;
        look_after(&mut services, &stack, &mut servers)?;
        std::thread::sleep(LOOK_EVERY);
    }
}

/// What all services are told.
struct LocalStack {
    built: PathBuf,
    environment: Vec<(&'static str, String)>,
    gateway_port: u16,
    expert_port: u16,
    secret: String,
}

impl LocalStack {
    fn new(servers: &Servers, built: PathBuf) -> Result<Self> {
        let usual = std::net::TcpListener::bind(("127.0.0.1", USUAL_PORT)).is_ok();
        let gateway_port = if usual { USUAL_PORT } else { free_port()? };
        let (expert_port, secret) = (free_port()?, secret()?);
        let environment = vec![
            ("DESCANT_MODE", "distributed".to_owned()),
            ("DATABASE_URL", servers.postgres_url()),
            ("RABBITMQ_URL", servers.rabbitmq_url()),
            ("S3_ENDPOINT", servers.s3_endpoint()),
            ("S3_BUCKET", "descant".to_owned()),
            ("S3_ACCESS_KEY_ID", S3_ACCESS_KEY.to_owned()),
            ("S3_SECRET_ACCESS_KEY", S3_SECRET_KEY.to_owned()),
            ("EXPERT_MUSIC_AI_URL", format!("http://127.0.0.1:{expert_port}")),
            ("DESCANT_EXPERT__PORT", expert_port.to_string()),
            ("DESCANT_EXPERT__TRAINING_URL", format!("http://127.0.0.1:{gateway_port}/api/v1/jobs/training")),
            ("DESCANT_HTTP__PORT", gateway_port.to_string()),
            ("DESCANT_AUTH__MODE", "hs256".to_owned()),
            ("DESCANT_AUTH__SECRET", secret.clone()),
            ("DESCANT_LOG__FORMAT", "pretty".to_owned()),
        ];
        Ok(Self { built, environment, gateway_port, expert_port, secret })
    }

    /// A bearer token for the services' secret.
    fn token(&self) -> Result<String> {
        let mut command = Command::new(self.built.join("descant"));
        command.args(["token", "--user", "developer", "--operator"]);
        command.env("AUTH_SECRET", &self.secret).env("DESCANT_AUTH__SECRET", &self.secret);
        let output = command.output().context("run descant token")?;
        ensure!(output.status.success(), "descant token failed: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout).context("read the token")?.trim().to_owned())
    }

    fn explain(&self, services: &[Slot]) -> Result<()> {
        let address = format!("http://127.0.0.1:{}", self.gateway_port);
        println!("\nAll services are ready. In another terminal:\n");
        println!("  export DESCANT_SERVER={address}");
        println!("  export DESCANT_TOKEN={}", self.token()?);
        println!("  alias descant={}", self.built.join("descant").display());
        println!("  descant sample-hum hum.wav");
        println!("  descant submit hum.wav --prompt \"a paper boat on its way to the sea\" --watch --out song\n");
        println!("  API description  {address}/openapi.json");
        for slot in services {
            println!(
                "  {:<15}  http://127.0.0.1:{}/metrics (process {})",
                slot.name,
                slot.health_port,
                slot.running.id()
            );
        }
        println!(
            "\nA service that is killed is started again: try `kill -9` in the middle of a job. Ctrl-C stops all.\n"
        );
        Ok(())
    }
}

/// 32 random bytes in hexadecimal.
fn secret() -> Result<String> {
    let mut bytes = [0; 32];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("make a secret")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A service and the process that it runs in now.
struct Slot {
    name: &'static str,
    health_port: u16,
    starts: u32,
    running: Running,
}

impl Slot {
    fn start(name: &'static str, stack: &LocalStack, servers: &Servers) -> Result<Self> {
        let health_port = match name {
            "gateway" => stack.gateway_port,
            "expert" => stack.expert_port,
            _ => free_port()?,
        };
        let running = start(name, health_port, stack, servers)?;
        Ok(Self { name, health_port, starts: 1, running })
    }

    fn is_ready(&self) -> bool {
        // The expert service has the paths that its older clients know.
        let path = if self.name == "expert" { "/health" } else { "/api/health/ready" };
        let ask = || -> std::io::Result<bool> {
            let mut stream = TcpStream::connect(("127.0.0.1", self.health_port))?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
            let mut answer = [0; 12];
            stream.read_exact(&mut answer)?;
            Ok(&answer == b"HTTP/1.1 200")
        };
        ask().unwrap_or(false)
    }
}

fn start(name: &'static str, health_port: u16, stack: &LocalStack, servers: &Servers) -> Result<Running> {
    let mut command = Command::new(stack.built.join(format!("descant-{name}")));
    command.envs(stack.environment.iter().map(|(key, value)| (key, value)));
    if !["gateway", "expert"].contains(&name) {
        command.env("DESCANT_HTTP__HEALTH_PORT", health_port.to_string());
    }
    command.current_dir(scratch(servers)?).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running::start(name, servers.scope().mark(&mut command))?;
    if let Some(output) = running.take_output() {
        std::thread::spawn(move || prefix(name, output));
    }
    if let Some(errors) = running.take_errors() {
        std::thread::spawn(move || prefix(name, errors));
    }
    Ok(running)
}

/// Where services run, so that a settings file of yours in the current folder changes nothing here.
fn scratch(servers: &Servers) -> Result<PathBuf> {
    let folder: &Path = servers.scope().folder();
    let folder = folder.join("services");
    std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    Ok(folder)
}

fn prefix(name: &str, output: impl Read) {
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{name:>12} | {}", String::from_utf8_lossy(&line));
    }
}

/// Starts again what ended.
fn look_after(services: &mut [Slot], stack: &LocalStack, servers: &mut Servers) -> Result<()> {
    servers.check()?;
    for slot in services {
        let Some(status) = slot.running.ended()? else { continue };
        if slot.starts == MAX_STARTS {
            bail!("{} ended {MAX_STARTS} times, at last with {status}", slot.name);
        }
        println!("{:>12} | ended ({status}), starting again", slot.name);
        std::thread::sleep(Duration::from_millis(500));
        slot.running = start(slot.name, slot.health_port, stack, servers)?;
        slot.starts += 1;
    }
    Ok(())
}
