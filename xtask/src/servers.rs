//! Private PostgreSQL, RabbitMQ and S3 servers on free ports of this machine, in a temporary folder.

use std::{
    fs,
    net::{Ipv4Addr, TcpStream},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use nix::{sys::signal::Signal, unistd::User};

use crate::{
    interrupt,
    packages::{self, Consent, Purpose},
    processes::{Running, Scope},
    rabbitmq, server_programs,
    starting::{free_port, logged, until},
    workspace,
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

/// PostgreSQL alone, for as long as the process is kept, and what of it the tests read; the others' addresses lead nowhere.
pub fn only_postgres(scope: &Scope) -> Result<(Running, Vec<(&'static str, String)>)> {
    let (postgres, port) = start_postgres(scope)?;
    let nowhere = |scheme: &str| format!("{scheme}://127.0.0.1:9");
    let environment = vec![
        ("DESCANT_TEST_POSTGRES_URL", format!("postgres://test@127.0.0.1:{port}/postgres")),
        ("DESCANT_TEST_RABBITMQ_URL", nowhere("amqp")),
        ("DESCANT_TEST_RABBITMQ_MANAGEMENT_URL", nowhere("http")),
        ("DESCANT_TEST_S3_ENDPOINT", nowhere("http")),
        ("DESCANT_TEST_S3_ACCESS_KEY", S3_ACCESS_KEY.to_owned()),
        ("DESCANT_TEST_S3_SECRET_KEY", S3_SECRET_KEY.to_owned()),
    ];
    Ok((postgres, environment))
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
        let mut command = Command::new(
            server_programs::postgres(name).with_context(|| format!("{name} of PostgreSQL is not installed"))?,
        );
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
    let is_ready = server_programs::postgres("pg_isready").context("pg_isready of PostgreSQL is not installed")?;
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
