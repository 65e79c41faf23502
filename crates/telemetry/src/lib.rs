//! What an operator sees: log lines, metrics, and one trace id from a request to its last stage.
//!
//! Log lines go to standard error, metrics are rendered as text for whoever serves them. Knows no HTTP server, broker
//! or row; prompts, lyrics, tokens and signed addresses never come here.

pub mod log;
pub mod metrics;
pub mod panics;
pub mod trace;

pub use log::{LogFormat, LogSettings, TelemetryError, error_chain, init};
pub use metrics::Metrics;
pub use panics::{join_error, log_panics};
pub use trace::TraceContext;
