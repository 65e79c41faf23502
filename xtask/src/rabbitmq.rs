//! A private RabbitMQ: its own ports, folder, node name and Erlang port mapper, as root or as anybody.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use crate::{
    processes::{Running, Scope},
    server_programs,
    starting::{free_port, logged, until},
    workspace,
};

/// A running broker with user `guest` and password `guest`.
pub struct Broker {
    /// Stopped in this order: the broker, then the port mapper it is registered with.
    pub processes: Vec<Running>,
    pub amqp_port: u16,
    pub management_port: u16,
}

/// Starts a broker and waits until it takes connections.
pub fn start(scope: &Scope) -> Result<Broker> {
    let folder = scope.folder().join("rabbitmq");
    for part in ["", "home", "log"] {
        fs::create_dir_all(folder.join(part))?;
    }
    let (amqp_port, management_port, mapper_port) = (free_port()?, free_port()?, free_port()?);
    fs::write(folder.join("enabled_plugins"), "[rabbitmq_management].\n")?;
    fs::write(
        folder.join("rabbitmq.conf"),
        format!(
            "vm_memory_high_watermark.absolute = 1GiB\ndisk_free_limit.absolute = 200MB\nloopback_users = none\n\
             management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {management_port}\n"
        ),
    )?;
    // Ours, in the foreground: the broker would start one as a daemon, which nobody stops.
    let mapper = workspace::in_path("epmd").context("epmd, a part of Erlang, is not in the search path")?;
    let mut command = Command::new(mapper);
    command.args(["-address", "127.0.0.1", "-port", &mapper_port.to_string()]);
    let mapper = Running::start("epmd", logged(scope.mark(&mut command), &folder.join("log/epmd.log"))?)?;

    let mut command = server(&folder, amqp_port, mapper_port)?;
    let broker = Running::start("RabbitMQ", logged(scope.mark(&mut command), &folder.join("log/start.log"))?)?;
    // Everything it has is thrown away: no reason to wait six seconds for its orderly end.
    let mut broker = broker.ended_by(Signal::SIGKILL);
    until("RabbitMQ", Duration::from_secs(90), &mut broker, &folder.join("log"), || {
        greets(amqp_port) && manages(management_port)
    })?;
    Ok(Broker { processes: vec![broker, mapper], amqp_port, management_port })
}

fn server(folder: &std::path::Path, amqp_port: u16, mapper_port: u16) -> Result<Command> {
    let mut command = Command::new(server_programs::rabbitmq().context("rabbitmq-server is not installed")?);
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .env("HOME", folder.join("home"))
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
        .env("RABBITMQ_NODENAME", format!("descant{amqp_port}@localhost"))
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", amqp_port.to_string())
        .env("RABBITMQ_DIST_PORT", free_port()?.to_string())
        .env("ERL_EPMD_PORT", mapper_port.to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none");
    let places = [
        ("RABBITMQ_MNESIA_BASE", "mnesia"),
        ("RABBITMQ_MNESIA_DIR", "mnesia/db"),
        ("RABBITMQ_QUORUM_DIR", "quorum"),
        ("RABBITMQ_LOG_BASE", "log"),
        ("RABBITMQ_LOGS", "log/rabbitmq.log"),
        ("RABBITMQ_PID_FILE", "rabbitmq.pid"),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", "enabled_plugins"),
        ("RABBITMQ_PLUGINS_EXPAND_DIR", "plugins"),
        ("RABBITMQ_CONFIG_FILE", "rabbitmq.conf"),
        ("RABBITMQ_GENERATED_CONFIG_DIR", "generated"),
        ("RABBITMQ_FEATURE_FLAGS_FILE", "feature_flags"),
    ];
    for (variable, place) in places {
        command.env(variable, folder.join(place));
    }
    Ok(command)
}

/// Whether the broker answers the AMQP 0-9-1 protocol header with a frame of type METHOD (1).
fn greets(port: u16) -> bool {
    let greet = || -> Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"AMQP\x00\x00\x09\x01")?;
        let mut frame_type = [0];
        stream.read_exact(&mut frame_type)?;
        Ok(frame_type == [1])
    };
    greet().unwrap_or(false)
}

/// Whether the management API answers; "Z3Vlc3Q6Z3Vlc3Q=" is `guest:guest`.
fn manages(port: u16) -> bool {
    let ask = || -> Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        let request = "GET /api/vhosts HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
                       authorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\n\r\n";
        stream.write_all(request.as_bytes())?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        ensure!(&answer == b"HTTP/1.1 200", "not ready");
        Ok(true)
    };
    ask().unwrap_or(false)
}
