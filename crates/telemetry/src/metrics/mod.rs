//! The Prometheus registry behind methods named after what happened, so that no other crate knows of prometheus.

mod table;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder, core::Collector,
};

pub use table::*;

/// The content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The value of a breaker's gauge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BreakerGauge {
    Closed = 0,
    HalfOpen = 1,
    Open = 2,
}

/// Every metric of a process. Cheap to clone; clones write to the same registry. Label values must come from closed
/// sets (see [`MetricSpec::labels`]).
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    http_requests: IntCounterVec,
    http_duration: HistogramVec,
    http_in_flight: IntGaugeVec,
    problems: IntCounterVec,
    event_streams: IntGaugeVec,
    uploads: IntCounterVec,
    upload_bytes: IntCounter,
    quota_refusals: IntCounterVec,
    messages_published: IntCounterVec,
    messages_consumed: IntCounterVec,
    message_duration: HistogramVec,
    request_duration: HistogramVec,
    events_missed: IntCounter,
    queue_depth: IntGaugeVec,
    outbox_pending: IntGauge,
    outbox_lag: Gauge,
    validations: IntCounterVec,
    validation_duration: Histogram,
    validation_findings: IntCounterVec,
    jobs_accepted: IntCounterVec,
    jobs_finished: IntCounterVec,
    job_duration: HistogramVec,
    job_failures: IntCounterVec,
    jobs_by_state: IntGaugeVec,
    stage_duration: HistogramVec,
    stage_retries: IntCounterVec,
    jobs_set_aside: IntGauge,
    outside_calls: IntCounterVec,
    leases_held: IntGauge,
    leases_lost: IntCounter,
    reconciled: IntCounterVec,
    breaker_state: IntGaugeVec,
    breaker_rejections: IntCounterVec,
    providers_closed: IntCounterVec,
    provider_duration: HistogramVec,
    object_operations: IntCounterVec,
    object_duration: HistogramVec,
    object_bytes: IntCounterVec,
    retention_deleted: IntCounterVec,
}

/// RFC 9110 and RFC 5789.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// Seconds, for what a client waits for.
const QUICK: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Seconds, for stages and jobs: from an engine's second to a training's hours.
const SLOW: &[f64] = &[
    0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 10_800.0,
    21_600.0,
];

/// Registers collectors. All names and labels are constants of [`ALL`] and each is registered once, so the errors that
/// prometheus can answer with (a malformed or repeated name) cannot happen; a test registers them all.
struct Registrar(Registry);

impl Registrar {
    const REASON: &str = "metric names and labels are valid constants, each registered once";

    #[expect(clippy::expect_used, reason = "metric names and labels are valid constants, each registered once")]
    fn keep<C: Collector + Clone + 'static>(&self, made: prometheus::Result<C>) -> C {
        let collector = made.expect(Self::REASON);
        self.0.register(Box::new(collector.clone())).expect(Self::REASON);
        collector
    }

    fn counters(&self, spec: MetricSpec) -> IntCounterVec {
        self.keep(IntCounterVec::new(Opts::new(spec.name, spec.help), spec.labels))
    }

    fn counter(&self, spec: MetricSpec) -> IntCounter {
        self.keep(IntCounter::new(spec.name, spec.help))
    }

    fn gauges(&self, spec: MetricSpec) -> IntGaugeVec {
        self.keep(IntGaugeVec::new(Opts::new(spec.name, spec.help), spec.labels))
    }

    fn gauge(&self, spec: MetricSpec) -> IntGauge {
        self.keep(IntGauge::new(spec.name, spec.help))
    }

    fn histograms(&self, spec: MetricSpec, buckets: &[f64]) -> HistogramVec {
        self.keep(HistogramVec::new(HistogramOpts::new(spec.name, spec.help).buckets(buckets.to_vec()), spec.labels))
    }
}

impl Metrics {
    /// A fresh registry for one process. `service` is the process's own name, `descant` for the single binary.
    pub fn new(service: &str) -> Self {
        let r = Registrar(Registry::new());
        let build: GaugeVec = r.keep(GaugeVec::new(Opts::new(BUILD_INFO.name, BUILD_INFO.help), BUILD_INFO.labels));
        build.with_label_values(&[service, env!("CARGO_PKG_VERSION")]).set(1.0);
        let validation = HistogramOpts::new(VALIDATION_DURATION.name, VALIDATION_DURATION.help).buckets(QUICK.to_vec());
        Self(Arc::new(Inner {
            http_requests: r.counters(HTTP_REQUESTS),
            http_duration: r.histograms(HTTP_DURATION, QUICK),
            http_in_flight: r.gauges(HTTP_IN_FLIGHT),
            problems: r.counters(PROBLEMS),
            event_streams: r.gauges(EVENT_STREAMS),
            uploads: r.counters(UPLOADS),
            upload_bytes: r.counter(UPLOAD_BYTES),
            quota_refusals: r.counters(QUOTA_REFUSALS),
            messages_published: r.counters(MESSAGES_PUBLISHED),
            messages_consumed: r.counters(MESSAGES_CONSUMED),
            message_duration: r.histograms(MESSAGE_DURATION, QUICK),
            request_duration: r.histograms(REQUEST_DURATION, SLOW),
            events_missed: r.counter(EVENTS_MISSED),
            queue_depth: r.gauges(QUEUE_DEPTH),
            outbox_pending: r.gauge(OUTBOX_PENDING),
            outbox_lag: r.keep(Gauge::new(OUTBOX_LAG.name, OUTBOX_LAG.help)),
            validations: r.counters(VALIDATIONS),
            validation_duration: r.keep(Histogram::with_opts(validation)),
            validation_findings: r.counters(VALIDATION_FINDINGS),
            jobs_accepted: r.counters(JOBS_ACCEPTED),
            jobs_finished: r.counters(JOBS_FINISHED),
            job_duration: r.histograms(JOB_DURATION, SLOW),
            job_failures: r.counters(JOB_FAILURES),
            jobs_by_state: r.gauges(JOBS_BY_STATE),
            stage_duration: r.histograms(STAGE_DURATION, SLOW),
            stage_retries: r.counters(STAGE_RETRIES),
            jobs_set_aside: r.gauge(JOBS_SET_ASIDE),
            outside_calls: r.counters(OUTSIDE_CALLS),
            leases_held: r.gauge(LEASES_HELD),
            leases_lost: r.counter(LEASES_LOST),
            reconciled: r.counters(RECONCILED),
            breaker_state: r.gauges(BREAKER_STATE),
            breaker_rejections: r.counters(BREAKER_REJECTIONS),
            providers_closed: r.counters(PROVIDERS_CLOSED),
            provider_duration: r.histograms(PROVIDER_DURATION, SLOW),
            object_operations: r.counters(OBJECT_OPERATIONS),
            object_duration: r.histograms(OBJECT_DURATION, QUICK),
            object_bytes: r.counters(OBJECT_BYTES),
            retention_deleted: r.counters(RETENTION_DELETED),
            registry: r.0,
        }))
    }

    /// All metrics in Prometheus' text format; serve it as [`CONTENT_TYPE`].
    pub fn render(&self) -> String {
        let mut text = String::new();
        if let Err(error) = TextEncoder::new().encode_utf8(&self.0.registry.gather(), &mut text) {
            tracing::error!(error = &error as &(dyn std::error::Error + 'static), "metrics could not be rendered");
        }
        text
    }

    /// A request was answered. `route` is the pattern, such as `/api/v1/jobs/{id}`. The method may be any word that a
    /// client sends, so it is closed here.
    pub fn http_request(&self, service: &str, route: &str, method: &str, status: u16, took: Duration) {
        let status = status.to_string();
        let method = METHODS.into_iter().find(|known| *known == method).unwrap_or("other");
        let labels = [service, route, method, &status];
        self.0.http_requests.with_label_values(&labels).inc();
        self.0.http_duration.with_label_values(&labels).observe(took.as_secs_f64());
    }

    /// A request is being worked on until the guard goes.
    pub fn http_in_flight(&self, service: &str) -> InFlight {
        InFlight::over(self.0.http_in_flight.with_label_values(&[service]))
    }

    pub fn problem(&self, code: &str) {
        self.0.problems.with_label_values(&[code]).inc();
    }

    /// A client listens (`sse` or `ws`) until the guard goes.
    pub fn event_stream(&self, transport: &str) -> InFlight {
        InFlight::over(self.0.event_streams.with_label_values(&[transport]))
    }

    pub fn upload(&self, outcome: &str) {
        self.0.uploads.with_label_values(&[outcome]).inc();
    }

    pub fn upload_bytes(&self, bytes: u64) {
        self.0.upload_bytes.inc_by(bytes);
    }

    pub fn quota_refused(&self, period: &str) {
        self.0.quota_refusals.with_label_values(&[period]).inc();
    }

    pub fn message_published(&self, queue: &str, outcome: &str) {
        self.0.messages_published.with_label_values(&[queue, outcome]).inc();
    }

    pub fn message_consumed(&self, queue: &str, outcome: &str, took: Duration) {
        self.0.messages_consumed.with_label_values(&[queue, outcome]).inc();
        self.0.message_duration.with_label_values(&[queue, outcome]).observe(took.as_secs_f64());
    }

    pub fn message_answered(&self, queue: &str, outcome: &str, took: Duration) {
        self.0.request_duration.with_label_values(&[queue, outcome]).observe(took.as_secs_f64());
    }

    pub fn events_missed(&self) {
        self.0.events_missed.inc();
    }

    pub fn queue_depth(&self, queue: &str, messages: u64) {
        self.0.queue_depth.with_label_values(&[queue]).set(gauge(messages));
    }

    /// `oldest` is the age of the oldest row that is not published, zero when there is none.
    pub fn outbox(&self, pending: u64, oldest: Duration) {
        self.0.outbox_pending.set(gauge(pending));
        self.0.outbox_lag.set(oldest.as_secs_f64());
    }

    pub fn validation(&self, outcome: &str, took: Duration) {
        self.0.validations.with_label_values(&[outcome]).inc();
        self.0.validation_duration.observe(took.as_secs_f64());
    }

    pub fn validation_finding(&self, code: &str) {
        self.0.validation_findings.with_label_values(&[code]).inc();
    }

    pub fn job_accepted(&self, kind: &str) {
        self.0.jobs_accepted.with_label_values(&[kind]).inc();
    }

    pub fn job_finished(&self, kind: &str, state: &str, took: Duration) {
        self.0.jobs_finished.with_label_values(&[kind, state]).inc();
        self.0.job_duration.with_label_values(&[kind, state]).observe(took.as_secs_f64());
    }

    pub fn job_failed(&self, kind: &str, code: &str) {
        self.0.job_failures.with_label_values(&[kind, code]).inc();
    }

    pub fn jobs_in_state(&self, state: &str, jobs: u64) {
        self.0.jobs_by_state.with_label_values(&[state]).set(gauge(jobs));
    }

    pub fn stage(&self, kind: &str, stage: &str, outcome: &str, took: Duration) {
        self.0.stage_duration.with_label_values(&[kind, stage, outcome]).observe(took.as_secs_f64());
    }

    pub fn stage_retry(&self, kind: &str, stage: &str, class: &str) {
        self.0.stage_retries.with_label_values(&[kind, stage, class]).inc();
    }

    pub fn jobs_set_aside(&self, jobs: u64) {
        self.0.jobs_set_aside.set(gauge(jobs));
    }

    /// A request to a provider outside was settled.
    pub fn outside_call(&self, provider: &str, state: &str) {
        self.0.outside_calls.with_label_values(&[provider, state]).inc();
    }

    /// A lease is held until the guard goes.
    pub fn lease_held(&self) -> InFlight {
        InFlight::over(self.0.leases_held.clone())
    }

    pub fn lease_lost(&self) {
        self.0.leases_lost.inc();
    }

    pub fn reconciled(&self, finding: &str, count: u64) {
        self.0.reconciled.with_label_values(&[finding]).inc_by(count);
    }

    pub fn breaker_state(&self, provider: &str, state: BreakerGauge) {
        self.0.breaker_state.with_label_values(&[provider]).set(state as i64);
    }

    pub fn breaker_rejected(&self, provider: &str) {
        self.0.breaker_rejections.with_label_values(&[provider]).inc();
    }

    pub fn provider_closed(&self, provider: &str, class: &str) {
        self.0.providers_closed.with_label_values(&[provider, class]).inc();
    }

    pub fn provider_call(&self, provider: &str, capability: &str, outcome: &str, took: Duration) {
        self.0.provider_duration.with_label_values(&[provider, capability, outcome]).observe(took.as_secs_f64());
    }

    pub fn object_operation(&self, backend: &str, operation: &str, outcome: &str, took: Duration) {
        self.0.object_operations.with_label_values(&[backend, operation, outcome]).inc();
        self.0.object_duration.with_label_values(&[backend, operation]).observe(took.as_secs_f64());
    }

    /// `direction` is `in` or `out`.
    pub fn object_bytes(&self, backend: &str, direction: &str, bytes: u64) {
        self.0.object_bytes.with_label_values(&[backend, direction]).inc_by(bytes);
    }

    pub fn retention_deleted(&self, what: &str, count: u64) {
        self.0.retention_deleted.with_label_values(&[what]).inc_by(count);
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Something that goes on; its gauge goes down when this is dropped, also by a panic or a cancelled future.
#[must_use = "the gauge goes down as soon as the guard is dropped"]
pub struct InFlight {
    gauge: IntGauge,
    since: Instant,
}

impl InFlight {
    fn over(gauge: IntGauge) -> Self {
        gauge.inc();
        Self { gauge, since: Instant::now() }
    }

    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InFlight")
    }
}

/// `docs/metrics.md`, written from [`ALL`].
pub fn documentation() -> String {
    let mut page = String::from(
        "# Metrics\n\n\
         Every service answers `GET /metrics` in Prometheus' text format. Label values come from closed sets only: \
         routes are patterns, never paths; no metric carries an id, a prompt, lyrics or an address. A histogram also \
         has `_bucket`, `_sum` and `_count`.\n\n\
         This page is written from the table in `crates/telemetry/src/metrics/table.rs`; a test fails when it is \
         behind (`UPDATE_DOCS=1` writes it anew).\n\n\
         | Metric | Kind | Labels | Meaning |\n|---|---|---|---|\n",
    );
    for metric in ALL {
        let labels = metric.labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        let labels = if labels.is_empty() { "none".to_owned() } else { labels };
        page += &format!("| `{}` | {} | {labels} | {} |\n", metric.name, metric.kind.as_str(), metric.help);
    }
    page
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
