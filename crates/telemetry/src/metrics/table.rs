//! Every metric: its name, kind, labels and meaning. `docs/metrics.md` is written from this table.

/// How a metric moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MetricKind {
    /// Only goes up.
    Counter,
    Gauge,
    /// Seconds in buckets.
    Histogram,
}

impl MetricKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MetricSpec {
    pub name: &'static str,
    pub kind: MetricKind,
    pub help: &'static str,
    /// Their values come only from closed sets: routes as patterns, codes, states; never ids or words of a request.
    pub labels: &'static [&'static str],
}

macro_rules! metrics {
    ($($constant:ident: $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $constant: MetricSpec =
                MetricSpec { name: $name, kind: MetricKind::$kind, help: $help, labels: &[$($label),*] };
        )*

        /// All of them, in the order of the documentation.
        pub const ALL: &[MetricSpec] = &[$($constant),*];
    };
}

metrics! {
    BUILD_INFO: Gauge "descant_build_info" ["service", "version"]
        "Always 1; tells which version of which service runs.";

    HTTP_REQUESTS: Counter "descant_http_requests_total" ["service", "route", "method", "status"]
        "HTTP requests answered. The route is its pattern, the status its number, a method outside RFC 9110 is other.";
    HTTP_DURATION: Histogram "descant_http_request_duration_seconds" ["service", "route", "method", "status"]
        "Time from the head of a request to the head of its answer.";
    HTTP_IN_FLIGHT: Gauge "descant_http_requests_in_flight" ["service"]
        "HTTP requests being worked on.";
    PROBLEMS: Counter "descant_problems_total" ["code"]
        "Problem bodies sent to clients, by their code.";
    EVENT_STREAMS: Gauge "descant_event_streams_open" ["transport"]
        "Clients listening to a job's events: sse or ws.";
    UPLOADS: Counter "descant_uploads_total" ["outcome"]
        "Uploads by outcome: accepted, or the code of the problem that answered them.";
    UPLOAD_BYTES: Counter "descant_upload_bytes_total" []
        "Bytes of uploads received, kept or not.";
    QUOTA_REFUSALS: Counter "descant_quota_refusals_total" ["period"]
        "Requests refused because a daily or monthly quota was used up.";

    MESSAGES_PUBLISHED: Counter "descant_messages_published_total" ["queue", "outcome"]
        "Messages handed to the broker by outcome: confirmed, returned, failed.";
    MESSAGES_CONSUMED: Counter "descant_messages_consumed_total" ["queue", "outcome"]
        "Messages handled by outcome: done, reply, retry, dead, unknown.";
    MESSAGE_DURATION: Histogram "descant_message_duration_seconds" ["queue", "outcome"]
        "Time that handling one message took.";
    REQUEST_DURATION: Histogram "descant_message_request_duration_seconds" ["queue", "outcome"]
        "Time until a request to another service was answered or given up, by outcome: ok, or the error's word.";
    EVENTS_MISSED: Counter "descant_events_missed_total" []
        "Times that a subscriber may have missed events and was told to read the rows anew.";
    QUEUE_DEPTH: Gauge "descant_queue_depth" ["queue"]
        "Messages waiting in a queue when it was last asked.";
    OUTBOX_PENDING: Gauge "descant_outbox_pending" []
        "Outbox rows that are not published yet.";
    OUTBOX_LAG: Gauge "descant_outbox_lag_seconds" []
        "Age of the oldest outbox row that is not published yet; 0 when there is none.";

    VALIDATIONS: Counter "descant_validations_total" ["outcome"]
        "Recordings judged by outcome: accepted, rejected, failed.";
    VALIDATION_DURATION: Histogram "descant_validation_duration_seconds" []
        "Time that reading, decoding and judging one recording took.";
    VALIDATION_FINDINGS: Counter "descant_validation_findings_total" ["code"]
        "Findings on recordings, warnings and errors, by their code.";

    JOBS_ACCEPTED: Counter "descant_jobs_accepted_total" ["kind"]
        "Jobs accepted (answered with 202).";
    JOBS_FINISHED: Counter "descant_jobs_finished_total" ["kind", "state"]
        "Jobs that reached a final state.";
    JOB_DURATION: Histogram "descant_job_duration_seconds" ["kind", "state"]
        "Time from a job's acceptance to its final state.";
    JOB_FAILURES: Counter "descant_job_failures_total" ["kind", "code"]
        "Jobs that failed for good, by the code of the failure.";
    JOBS_BY_STATE: Gauge "descant_jobs" ["state"]
        "Jobs that are not final, by state, when they were last counted.";
    STAGE_DURATION: Histogram "descant_stage_duration_seconds" ["kind", "stage", "outcome"]
        "Time that one attempt at a stage took, by outcome: ok, reused, parked or failed.";
    STAGE_RETRIES: Counter "descant_stage_retries_total" ["kind", "stage", "class"]
        "Failed attempts that will be tried again, by the class of the failure.";
    JOBS_SET_ASIDE: Gauge "descant_jobs_set_aside" []
        "Unfinished jobs that this version leaves alone, because a newer one wrote what it does not know.";
    OUTSIDE_CALLS: Counter "descant_outside_calls_total" ["provider", "state"]
        "Requests to providers that work while the job is parked, by how they were settled: succeeded, failed, cancelled, never_arrived or abandoned.";
    LEASES_HELD: Gauge "descant_leases_held" []
        "Jobs whose lease this process holds.";
    LEASES_LOST: Counter "descant_leases_lost_total" []
        "Leases that ran out or were taken over while this process still worked on the job.";
    RECONCILED: Counter "descant_reconciled_total" ["finding"]
        "Jobs that the reconciler found: overdue, cancel_pending, stalled.";

    BREAKER_STATE: Gauge "descant_breaker_state" ["provider"]
        "State of a provider's circuit breaker: 0 closed, 1 half open, 2 open.";
    BREAKER_REJECTIONS: Counter "descant_breaker_rejections_total" ["provider"]
        "Calls that a circuit breaker refused.";
    PROVIDERS_CLOSED: Counter "descant_providers_closed_total" ["provider", "class"]
        "Times that a provider was left alone by everybody because of its credit (money) or its key or address (config).";
    PROVIDER_DURATION: Histogram "descant_provider_call_duration_seconds" ["provider", "capability", "outcome"]
        "Time that one call of a provider took; the outcome is done or the class of the failure.";

    OBJECT_OPERATIONS: Counter "descant_object_operations_total" ["backend", "operation", "outcome"]
        "Operations on the object store by outcome: done, or the label of the error, such as not_found.";
    OBJECT_DURATION: Histogram "descant_object_operation_duration_seconds" ["backend", "operation"]
        "Time that one operation on the object store took.";
    OBJECT_BYTES: Counter "descant_object_bytes_total" ["backend", "direction"]
        "Bytes moved in and out of the object store.";
    RETENTION_DELETED: Counter "descant_retention_deleted_total" ["what"]
        "What the retention sweep deleted: objects, uploads, stage_results, jobs, songs.";
}
