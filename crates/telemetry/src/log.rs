//! Log lines: which are kept, and how they look.

use std::{error::Error, fmt, io::IsTerminal};

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter,
        format::{JsonFields, Writer},
    },
    layer::SubscriberExt,
    registry::LookupSpan,
};

/// How lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// One JSON object per line, for machines.
    Json,
    /// For a person at a terminal.
    Pretty,
}

/// What to log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogSettings {
    /// A word (`error`, `warn`, `info`, `debug`, `trace`, `off`; case does not matter) for our own crates, or filter
    /// directives such as `info,orchestrator=debug` that are taken as they are.
    pub level: String,
    pub format: LogFormat,
    /// Stands in each JSON line.
    pub service: String,
}

/// Logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("the log level {given:?} is neither a level nor filter directives such as info,orchestrator=debug")]
    Level { given: String, source: tracing_subscriber::filter::ParseError },
    #[error("a logger is already installed in this process")]
    AlreadyInstalled(#[source] tracing::dispatcher::SetGlobalDefaultError),
}

/// Our own crates, as log targets. Everything else stays at `warn`: a dependency's debug lines hold headers, addresses
/// with signatures and SQL, which must not reach a log by turning one word.
pub const OWN_TARGETS: [&str; 36] = [
    "archive",
    "arrangement",
    "blend",
    "blob_store",
    "compose",
    "contracts",
    "descant",
    "domain",
    "expert",
    "gateway",
    "lyrics",
    "media",
    "messaging",
    "migrations",
    "models",
    "music",
    "orchestrator",
    "outbound",
    "persistence",
    "picture",
    "pitch",
    "providers",
    "resilience",
    "safety",
    "service_runtime",
    "settings",
    "song",
    "soundfont",
    "speech",
    "storage",
    "telemetry",
    "testbed",
    "training",
    "validator",
    "vendor_standins",
    "voice",
];

/// Installs the logger of this process, once.
pub fn init(settings: &LogSettings) -> Result<(), TelemetryError> {
    let subscriber = subscriber(settings, std::io::stderr, std::io::stderr().is_terminal())?;
    tracing::subscriber::set_global_default(subscriber).map_err(TelemetryError::AlreadyInstalled)
}

/// The same logger over any writer, not installed.
fn subscriber<W>(
    settings: &LogSettings,
    writer: W,
    terminal: bool,
) -> Result<impl Subscriber + Send + Sync + use<W>, TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = filter(&settings.level)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match settings.format {
        LogFormat::Json => {
            Box::new(lines.fmt_fields(JsonFields::new()).event_format(JsonLines { service: settings.service.clone() }))
        }
        LogFormat::Pretty => {
            let colours = terminal && std::env::var_os("NO_COLOR").is_none();
            Box::new(lines.with_target(false).with_ansi(colours))
        }
    };
    Ok(tracing_subscriber::registry().with(lines.with_filter(filter)))
}

fn filter(level: &str) -> Result<EnvFilter, TelemetryError> {
    let level = level.trim();
    let word = level.to_ascii_lowercase();
    let directives = match word.as_str() {
        "off" | "error" | "warn" => word,
        "info" | "debug" | "trace" => {
            OWN_TARGETS.iter().fold("warn".to_owned(), |all, target| format!("{all},{target}={word}"))
        }
        // The spans that carry the trace id are made here; without this a directive for another crate would lose it.
        _ if !level.contains("telemetry") => format!("{level},telemetry=error"),
        _ => level.to_owned(),
    };
    EnvFilter::builder().parse(&directives).map_err(|source| TelemetryError::Level { given: level.to_owned(), source })
}

/// One flat JSON object per line: time, level, service, target, message, then the fields of the spans around it from the
/// outermost in, then its own. So `trace_id` stands in the same place in every line of a request or a job.
struct JsonLines {
    service: String,
}

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = Map::new();
        let metadata = event.metadata();
        line.insert("timestamp".to_owned(), Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true).into());
        line.insert("level".to_owned(), metadata.level().as_str().to_ascii_lowercase().into());
        line.insert("service".to_owned(), self.service.as_str().into());
        line.insert("target".to_owned(), metadata.target().into());
        for span in ctx.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>().map(|fields| fields.fields.as_str()).unwrap_or("");
            if let Ok(Value::Object(fields)) = serde_json::from_str(fields) {
                line.extend(fields);
            }
        }
        event.record(&mut JsonVisitor(&mut line));
        writeln!(writer, "{}", Value::Object(line))
    }
}

struct JsonVisitor<'a>(&'a mut Map<String, Value>);

impl JsonVisitor<'_> {
    fn insert(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for JsonVisitor<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value.into());
    }

    /// The whole chain: an error's Display does not repeat its source.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.insert(field, error_chain(value).into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, format!("{value:?}").into());
    }
}

/// An error with its causes on one line, for the one log line about it. A cause that the text before it ends with, as
/// that of a transparent variant does, is not said twice.
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
