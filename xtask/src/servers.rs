//! Private PostgreSQL, RabbitMQ and S3 servers on free ports of this machine, in a temporary folder.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use nix::{sys::signal::Signal, unistd::User};

use crate::{
    interrupt,
    packages::{self, Consent, Purpose},
    processes::{Running, Scope},
    rabbitmq, workspace,
};

/// The S3 key pair of the private server; it guards nothing.
pub const S3_ACCESS_KEY: &str = "descant-test";
pub const S3_SECRET_KEY: &str = "descant-test-secret";
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Running servers; all stop when this is dropped.
pub struct Servers {
    // Fields drop in this order: processes before the scope that looks for leftovers and removes the folder.
    processes: Vec<Running>,
    postgres_port: u16,
    amqp_port: u16,
    management_port: u16,
    s3_port: u16,
    scope: Scope,
}

impl Servers {
    /// Starts all three; `built` is the folder with the program `s3-dev`.
    pub fn start(built: &Path) -> Result<Self> {
        let start = Instant::now();
        let scope = Scope::new()?;
        let mut processes = Vec::new();
        let (postgres, postgres_port) = start_postgres(&scope)?;
        processes.push(postgres);
        let broker = rabbitmq::start(&scope)?;
        processes.extend(broker.processes);
        let (s3, s3_port) = start_s3(&scope, built)?;
        processes.push(s3);
        println!(
            "PostgreSQL on port {postgres_port}, RabbitMQ on {}, S3 on {s3_port} (started in {:.1} s)",
            broker.amqp_port,
            start.elapsed().as_secs_f64()
        );
        Ok(Self {
            processes,
            postgres_port,
            amqp_port: broker.amqp_port,
            management_port: broker.management_port,
            s3_port,
            scope,
        })
    }

    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    pub fn postgres_url(&self) -> String {
        format!("postgres://test@127.0.0.1:{}/postgres", self.postgres_port)
    }

    pub fn rabbitmq_url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.amqp_port)
    }

    pub fn rabbitmq_management_url(&self) -> String {
        format!("http://guest:guest@127.0.0.1:{}", self.management_port)
    }

    pub fn s3_endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.s3_port)
    }

    /// What the tests read (see the crate `testbed`).
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("DESCANT_TEST_POSTGRES_URL", self.postgres_url()),
            ("DESCANT_TEST_RABBITMQ_URL", self.rabbitmq_url()),
            ("DESCANT_TEST_RABBITMQ_MANAGEMENT_URL", self.rabbitmq_management_url()),
            ("DESCANT_TEST_S3_ENDPOINT", self.s3_endpoint()),
            ("DESCANT_TEST_S3_ACCESS_KEY", S3_ACCESS_KEY.to_owned()),
            ("DESCANT_TEST_S3_SECRET_KEY", S3_SECRET_KEY.to_owned()),
        ]
    }

    /// Fails with the name of the first server that ended by itself.
    pub fn check(&mut self) -> Result<()> {
        for process in &mut self.processes {
            if let Some(status) = process.ended()? {
                bail!("{} ended by itself ({status})", process.name());
            }
        }
        Ok(())
    }
}

/// The task `servers`: runs until Ctrl-C.
pub fn run(consent: &Consent) -> Result<()> {
    packages::ensure(Purpose::Tests, consent)?;
    workspace::run("cargo build", &mut workspace::cargo(&["build", "--workspace", "--bin", "s3-dev"]))?;
    let mut servers = Servers::start(&workspace::built("debug")?)?;
    println!("\nIn another terminal:\n");
    for (name, value) in servers.environment() {
        println!("export {name}={value}");
    }
    println!("\nCtrl-C stops them.");
    loop {
        interrupt::check()?;
        servers.check()?;
        std::thread::sleep(LOOK_EVERY * 4);
    }
}

/// A port that nobody listens on now. Taken from below the range that Linux gives to outgoing connections, so that no
/// client of this machine takes it before its server does.
pub fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 10_000;
    let seed = u16::try_from(std::process::id() * 37 % u32::from(COUNT)).unwrap_or(0);
    for _ in 0..COUNT {
        let port = FIRST + (seed + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port from {FIRST} to {} is free", FIRST + COUNT - 1)
}

/// Sends what the command prints into a file.
pub fn logged<'c>(command: &'c mut Command, file: &Path) -> Result<&'c mut Command> {
    let log = fs::File::create(file).with_context(|| format!("create {}", file.display()))?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(command)
}

/// Waits until `ready`, while the process lives, for at most `bound`. On failure shows the end of its logs.
pub fn until(
    what: &str,
    bound: Duration,
    process: &mut Running,
    logs: &Path,
    mut ready: impl FnMut() -> bool,
) -> Result<()> {
    let start = Instant::now();
    loop {
        if ready() {
            return Ok(());
        }
        interrupt::check()?;
        let ended = process.ended()?;
        if ended.is_some() || start.elapsed() > bound {
            show_logs(logs);
            match ended {
                Some(status) => bail!("{what} ended while starting ({status})"),
                None => bail!("{what} was not ready after {} s", bound.as_secs()),
            }
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn show_logs(place: &Path) {
    const LINES: usize = 30;
    let files = if place.is_dir() {
        fs::read_dir(place).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    } else {
        vec![place.to_owned()]
    };
    for file in files {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap_or_default()).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        if !lines.is_empty() {
            eprintln!("--- the end of {}:\n{}", file.display(), lines[lines.len().saturating_sub(LINES)..].join("\n"));
        }
    }
}

/// A program of PostgreSQL: Debian keeps them out of the search path, in a folder for each version.
pub fn postgres_program(name: &str) -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin").join(name))))
        .filter(|(_, file)| file.is_file())
        .collect();
    found.sort();
    found.pop().map(|(_, file)| file).or_else(|| workspace::in_path(name))
}

fn start_postgres(scope: &Scope) -> Result<(Running, u16)> {
    let folder = scope.folder().join("postgres");
    let (data, sockets, log) = (folder.join("data"), folder.join("sockets"), folder.join("log"));
    for part in [&folder, &data, &sockets] {
        fs::create_dir(part)?;
        fs::set_permissions(part, PermissionsExt::from_mode(0o700))?;
    }
    // PostgreSQL refuses to run as root.
    let owner = if nix::unistd::geteuid().is_root() {
        let user = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten());
        Some(user.context("neither a user postgres nor nobody exists to run PostgreSQL")?)
    } else {
        None
    };
    if let Some(user) = &owner {
        for part in [&folder, &data, &sockets] {
            std::os::unix::fs::chown(part, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
        }
    }
    let program = |name: &str| -> Result<Command> {
        let mut command =
            Command::new(postgres_program(name).with_context(|| format!("{name} of PostgreSQL is not installed"))?);
        command.current_dir("/").env("LC_ALL", "C.UTF-8").env("HOME", &folder);
        if let Some(user) = &owner {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        Ok(command)
    };
    let mut initdb = program("initdb")?;
    initdb.arg("-D").arg(&data).args(["-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]);
    let made = scope.mark(&mut initdb).output().context("run initdb")?;
    ensure!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));

    let port = free_port()?;
    let mut postgres = program("postgres")?;
    postgres.arg("-D").arg(&data).args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
    postgres.arg("-c").arg(format!("unix_socket_directories={}", sockets.display()));
    // The data live as long as the tests: nothing has to survive a crash of the machine.
    for setting in ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300"] {
        postgres.args(["-c", setting]);
    }
    let running = Running::start("PostgreSQL", logged(scope.mark(&mut postgres), &log)?)?;
    // SIGINT is its fast end: it does not wait for clients.
    let mut running = running.ended_by(Signal::SIGINT);
    let is_ready = postgres_program("pg_isready").context("pg_isready of PostgreSQL is not installed")?;
    until("PostgreSQL", Duration::from_secs(30), &mut running, &log, || {
        let mut ask = Command::new(&is_ready);
        ask.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]).status().is_ok_and(|status| status.success())
    })?;
    Ok((running, port))
}

fn start_s3(scope: &Scope, built: &Path) -> Result<(Running, u16)> {
    let (port, log) = (free_port()?, scope.folder().join("s3.log"));
    let mut command = Command::new(built.join("s3-dev"));
    command
        .args(["--listen", &format!("127.0.0.1:{port}"), "--bucket", "descant", "--root"])
        .arg(scope.folder().join("s3"))
        .env("S3_DEV_ACCESS_KEY", S3_ACCESS_KEY)
        .env("S3_DEV_SECRET_KEY", S3_SECRET_KEY);
    let mut running = Running::start("s3-dev", logged(scope.mark(&mut command), &log)?)?;
    until("s3-dev", Duration::from_secs(10), &mut running, &log, || {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
    })?;
    Ok((running, port))
}
