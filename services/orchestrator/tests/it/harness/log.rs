//! What is logged: every event of this process from the first look on, whoever wrote it.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{LazyLock, Mutex},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// The fields of an event as texts; its words stand under `message`.
pub type Line = BTreeMap<&'static str, String>;

static LINES: LazyLock<&'static Mutex<Vec<Line>>> = LazyLock::new(|| {
    let lines: &'static Mutex<Vec<Line>> = Box::leak(Box::default());
    tracing::subscriber::set_global_default(Recorder(lines)).expect("nobody else listens");
    lines
});

/// The lines with these words so far.
pub fn saying(message: &str) -> Vec<Line> {
    let lines = LINES.lock().expect("no test panicked");
    lines.iter().filter(|line| line.get("message").is_some_and(|said| said == message)).cloned().collect()
}

struct Recorder(&'static Mutex<Vec<Line>>);

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with("orchestrator")
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Fields::default();
        event.record(&mut line);
        self.0.lock().expect("no test panicked").push(line.0);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Fields(Line);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}
