use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use tracing::instrument::WithSubscriber;

use super::*;
use crate::trace::{self, TraceContext};

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn logger(level: &str, format: LogFormat) -> (Page, impl Subscriber + Send + Sync + 'static) {
    let page = Page::default();
    let settings = LogSettings { level: level.to_owned(), format, service: "gateway".to_owned() };
    let writer = page.clone();
    (page, subscriber(&settings, move || writer.clone(), false).unwrap())
}

#[test]
fn a_json_line_holds_its_fields_and_those_of_the_spans_around_it() {
    let (page, logger) = logger("info", LogFormat::Json);
    let context = TraceContext::new_root();
    tracing::subscriber::with_default(logger, || {
        let span = trace::span_for(&context, "job");
        span.record("job_id", "j-1");
        let _outer = span.enter();
        let _inner = tracing::info_span!("stage", stage = "pitch").entered();
        tracing::info!(duration_ms = 12_u64, share = 0.5, last = false, "stage finished");
    });
    let [line] = page.lines().try_into().unwrap();
    assert_eq!(line["message"], "stage finished");
    assert_eq!(line["level"], "info");
    assert_eq!(line["service"], "gateway");
    assert_eq!(line["trace_id"], context.trace_id());
    assert_eq!(line["work"], "job");
    assert_eq!(line["job_id"], "j-1");
    assert_eq!(line["stage"], "pitch");
    assert_eq!((&line["duration_ms"], &line["share"], &line["last"]), (&12.into(), &0.5.into(), &false.into()));
}

#[test]
fn the_trace_id_stays_when_only_warnings_are_kept() {
    for level in ["warn", "error", "telemetry=warn", "telemetry::log=error,off"] {
        let (page, logger) = logger(level, LogFormat::Json);
        let context = TraceContext::new_root();
        tracing::subscriber::with_default(logger, || {
            let _span = trace::span_for(&context, "request").entered();
            tracing::info!("dropped");
            tracing::error!("kept");
        });
        let lines = page.lines();
        assert_eq!(lines.len(), 1, "{level}");
        if level != "telemetry::log=error,off" {
            assert_eq!(lines[0]["trace_id"], context.trace_id(), "{level}");
        }
    }
}

#[test]
fn a_pretty_line_holds_the_trace_id_and_no_colour_codes() {
    let (page, logger) = logger("INFO", LogFormat::Pretty);
    let context = TraceContext::new_root();
    tracing::subscriber::with_default(logger, || {
        let _span = trace::span_for(&context, "request").entered();
        tracing::info!(status = 202, "request answered");
    });
    let text = page.text();
    assert!(text.contains("request answered") && text.contains("status=202"), "{text}");
    assert!(text.contains(context.trace_id().as_str()), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn dependencies_stay_quiet_whatever_the_word() {
    let (page, logger) = logger("trace", LogFormat::Json);
    tracing::subscriber::with_default(logger, || {
        tracing::debug!(target: "aws_sdk_s3::operation", "a request with its signature");
        tracing::warn!(target: "aws_sdk_s3::operation", "something to know");
        tracing::trace!(target: "orchestrator::lease", "ours");
    });
    let messages: Vec<_> = page.lines().iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect();
    assert_eq!(messages, ["something to know", "ours"]);
}

#[test]
fn an_error_is_logged_with_its_whole_chain() {
    #[derive(Debug, thiserror::Error)]
    #[error("the upload was not stored")]
    struct Outer(#[source] std::io::Error);

    let (page, logger) = logger("info", LogFormat::Json);
    tracing::subscriber::with_default(logger, || {
        let error = Outer(std::io::Error::other("the disk is full"));
        tracing::error!(error = &error as &(dyn std::error::Error + 'static), "request failed");
    });
    assert_eq!(page.lines()[0]["error"], "the upload was not stored: the disk is full");
}

#[test]
fn a_chain_names_every_cause_once() {
    #[derive(Debug, thiserror::Error)]
    enum Layer {
        #[error("the upload was not stored")]
        Says(#[source] Box<Layer>),
        #[error(transparent)]
        Passes(#[from] std::io::Error),
        #[error("bucket closed: {0}")]
        Repeats(#[source] std::io::Error),
    }

    let full = || std::io::Error::other("disk full");
    let says = |inner| Layer::Says(Box::new(inner));
    assert_eq!(error_chain(&Layer::from(full())), "disk full");
    assert_eq!(error_chain(&says(Layer::Passes(full()))), "the upload was not stored: disk full");
    assert_eq!(error_chain(&says(Layer::Repeats(full()))), "the upload was not stored: bucket closed: disk full");
}

#[tokio::test]
async fn lines_carry_the_trace_id_across_tasks() {
    let (page, logger) = logger("info", LogFormat::Json);
    let context = TraceContext::new_root();
    let work = trace::within(context, "job", async {
        tokio::task::yield_now().await;
        tracing::info!("first");
        let carried = trace::carry(async { tracing::info!("second") });
        carried.with_current_subscriber().await;
    });
    work.with_subscriber(logger).await;
    let lines = page.lines();
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line["trace_id"] == context.trace_id()), "{lines:?}");
}

#[test]
fn nonsense_levels_are_refused() {
    assert!(matches!(filter("loud=very=much"), Err(TelemetryError::Level { .. })));
    for good in ["info", "DEBUG", "off", "info,orchestrator=debug"] {
        assert!(filter(good).is_ok(), "{good}");
    }
}

/// A crate that is missing there would lose its info lines.
#[test]
fn every_crate_of_the_workspace_is_a_target_of_ours() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut crates: Vec<String> = ["crates", "services"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().into_string().unwrap().replace('-', "_"))
        .collect();
    crates.push("migrations".to_owned());
    crates.sort();
    assert_eq!(crates, OWN_TARGETS);
}
