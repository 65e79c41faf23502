//! What the log says of a panic. A process of its own: the hook is the whole process's.

use std::{
    io::Write,
    panic::catch_unwind,
    sync::{Arc, Mutex},
};

use tracing_subscriber::fmt;

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_panic_is_logged_with_its_place_and_without_its_words() {
    let page = Page::default();
    let writer = page.clone();
    let logger = fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::set_global_default(logger).unwrap();
    telemetry::log_panics();
    let prompt = String::from("a paper boat");
    let quoting = prompt.clone();
    let error = tokio::task::spawn_blocking(move || panic!("cannot sing {quoting:?}")).await.unwrap_err();
    assert!(catch_unwind(|| std::panic::panic_any(String::from("a paper boat"))).is_err());
    assert!(error.to_string().contains(&prompt), "what the log must not say: {error}");
    tracing::error!(error = telemetry::join_error(&error), "blocking work failed");

    let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    assert!(!text.contains(&prompt), "{text}");
    assert_eq!(text.matches("tests/panics.rs:").count(), 2, "{text}");
    assert!(text.contains("it panicked"), "{text}");
}
