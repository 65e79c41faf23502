//! Whole processes: how they become ready, how they answer for themselves, and how they end.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use service_runtime::{CancellationToken, Deps, Exit, Needs, Service, boot, run_until};
use settings::{LoadOptions, Settings};
use testbed::eventually;
use tokio::sync::Notify;

const BOUND: Duration = Duration::from_secs(30);

/// What a puppet does once it has started.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Act {
    Works,
    Fails,
    Panics,
    Leaves,
    /// Never stops working.
    Deaf,
}

/// A service that does as it is told.
struct Puppet {
    act: Act,
    started: Arc<Notify>,
}

fn puppet(act: Act) -> Box<dyn Service> {
    Box::new(Puppet { act, started: Arc::default() })
}

#[async_trait]
impl Service for Puppet {
    fn name(&self) -> &'static str {
        "puppet"
    }

    fn needs(&self) -> Needs {
        Needs::ALL
    }

    async fn run(self: Box<Self>, deps: Deps, shutdown: CancellationToken) -> anyhow::Result<()> {
        deps.ready();
        self.started.notify_one();
        match self.act {
            Act::Works => shutdown.cancelled().await,
            Act::Fails => anyhow::bail!("broken on purpose"),
            Act::Panics => panic!("broken on purpose"),
            Act::Leaves => {}
            Act::Deaf => std::future::pending().await,
        }
        Ok(())
    }
}

fn options(folder: &std::path::Path, health_port: u16, drain_ms: u64) -> LoadOptions {
    LoadOptions::default()
        .with("mode", "embedded")
        .with("data_dir", folder.display().to_string())
        .with("http.health_port", health_port.to_string())
        .with("http.drain_ms", drain_ms.to_string())
}

/// Runs a puppet beside a working one. With `asked`, the process is asked to stop once the puppet has started.
async fn exit_of(act: Act, asked: bool) -> Exit {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = Settings::load(&options(folder.path(), 0, 100)).expect("valid settings");
    let (started, stop) = (Arc::new(Notify::new()), CancellationToken::new());
    let services: Vec<Box<dyn Service>> = vec![Box::new(Puppet { act, started: started.clone() }), puppet(Act::Works)];
    let asking = async {
        started.notified().await;
        if asked {
            stop.cancel();
        }
    };
    let process = run_until("test", settings, services, stop.clone());
    let both = async { tokio::join!(process, asking).0 };
    tokio::time::timeout(BOUND, both).await.expect("the process ends")
}

#[tokio::test]
async fn the_exit_code_says_how_it_ended() {
    for act in [Act::Fails, Act::Panics, Act::Leaves] {
        assert_eq!(exit_of(act, false).await, Exit::Crashed, "{act:?}");
    }
    assert_eq!(exit_of(Act::Works, true).await, Exit::Stopped);
    assert_eq!(exit_of(Act::Deaf, true).await, Exit::CutShort);
}

/// Status and body of an answer.
fn get(port: u16, path: &str) -> std::io::Result<(u16, String)> {
    let answer = ask(port, "GET", path)?;
    let status = answer.get(9..12).and_then(|code| code.parse().ok()).unwrap_or_default();
    Ok((status, answer.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned()))
}

/// A whole answer, as it comes over the wire.
fn ask(port: u16, method: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

const ROLE: &str = "DESCANT_TEST_ROLE";
const FOLDER: &str = "DESCANT_TEST_FOLDER";
const PORT: &str = "DESCANT_TEST_PORT";

/// Not a test by itself: the process that the tests below start, which is this program again.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let act = if role == "deaf" { Act::Deaf } else { Act::Works };
    let port = std::env::var(PORT).expect("a port").parse().expect("a number");
    let folder = std::env::var(FOLDER).expect("a folder");
    let exit = boot("test", options(folder.as_ref(), port, 20_000), vec![puppet(act)]);
    std::process::exit(i32::from(exit.code()));
}

/// A process that ends with the test.
struct Process {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Process {
    async fn start(role: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = port.expect("a free port").port();
        let child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "process::child", "--nocapture"])
            .env(ROLE, role)
            .env(FOLDER, folder.path())
            .env(PORT, port.to_string())
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let process = Self { child, port, _folder: folder };
        eventually("readiness", BOUND, || async {
            match get(port, "/api/health/ready") {
                Ok((200, _)) => Ok(()),
                other => Err(other),
            }
        })
        .await;
        process
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    async fn exit_code(&mut self) -> i32 {
        let child = &mut self.child;
        let status = eventually("its end", BOUND, || {
            let seen = child.try_wait().expect("a child of ours");
            async move { seen.ok_or("still running") }
        });
        status.await.code().expect("it ended by itself")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_process_answers_for_itself_and_stops_when_asked() {
    let mut process = Process::start("works").await;
    let (status, body) = get(process.port, "/api/health/detailed").expect("an answer");
    let report: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
    assert_eq!((status, &report["phase"], &report["healthy"]), (200, &"ready".into(), &true.into()), "{body}");
    let names: Vec<_> = report["checks"].as_array().into_iter().flatten().map(|check| &check["name"]).collect();
    assert_eq!(names, ["database", "broker", "objects"]);
    assert_eq!(get(process.port, "/api/health/live").expect("an answer").0, 200);
    let (status, metrics) = get(process.port, "/metrics").expect("an answer");
    assert!(status == 200 && metrics.contains("descant_"), "{metrics}");
    other_methods_than_get_are_told_apart_from_absence(process.port);
    process.signal("TERM");
    assert_eq!(process.exit_code().await, 0);
}

fn other_methods_than_get_are_told_apart_from_absence(port: u16) {
    for path in ["/api/health", "/api/health/live", "/api/health/ready", "/api/health/detailed", "/metrics"] {
        let (got, head) = (ask(port, "GET", path).expect("an answer"), ask(port, "HEAD", path).expect("an answer"));
        let length = |answer: &str| answer.lines().any(|line| line.starts_with("content-length: ") && line.len() > 17);
        assert!(got.starts_with("HTTP/1.1 200 ") && head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
        assert!(length(&head) && head.ends_with("\r\n\r\n"), "{path}: the head alone, with the length: {head}");
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            let answer = ask(port, method, path).expect("an answer");
            assert!(answer.starts_with("HTTP/1.1 405 "), "{method} {path}: {answer}");
            assert!(answer.contains("\r\nallow: GET, HEAD\r\n"), "{method} {path}: {answer}");
            assert!(answer.contains("\"code\":\"method_not_allowed\""), "{method} {path}: {answer}");
        }
    }
    for method in ["GET", "HEAD", "POST", "OPTIONS"] {
        let answer = ask(port, method, "/api/healthy").expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 404 "), "{method}: {answer}");
    }
}

#[tokio::test]
async fn a_draining_process_is_not_ready_and_a_second_signal_ends_it() {
    let mut process = Process::start("deaf").await;
    process.signal("INT");
    let port = process.port;
    eventually("draining", BOUND, || async move {
        match get(port, "/api/health/ready") {
            Ok((503, _)) => Ok(()),
            other => Err(other),
        }
    })
    .await;
    assert_eq!(get(port, "/api/health/live").expect("still alive").0, 200);
    process.signal("TERM");
    assert_eq!(process.exit_code().await, 130);
}
