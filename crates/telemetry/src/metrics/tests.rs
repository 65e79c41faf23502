use std::collections::BTreeSet;

use super::*;

fn touched() -> Metrics {
    let metrics = Metrics::new("gateway");
    let took = Duration::from_millis(20);
    metrics.http_request("gateway", "/api/health", "GET", 200, took);
    drop(metrics.http_in_flight("gateway"));
    metrics.problem("quota_exceeded");
    drop(metrics.event_stream("sse"));
    metrics.upload("accepted");
    metrics.upload_bytes(10);
    metrics.quota_refused("daily");
    metrics.message_published("descant.orchestrator.jobs.v1", "confirmed");
    metrics.message_consumed("descant.orchestrator.jobs.v1", "done", took);
    metrics.message_answered("descant.validator.requests.v1", "ok", took);
    metrics.events_missed();
    metrics.queue_depth("descant.orchestrator.jobs.v1", 3);
    metrics.outbox(2, Duration::from_secs(4));
    metrics.validation("accepted", took);
    metrics.validation_finding("mono_audio");
    metrics.job_accepted("melody-to-vocals");
    metrics.job_finished("melody-to-vocals", "completed", took);
    metrics.job_failed("melody-to-vocals", "internal");
    metrics.jobs_in_state("queued", 1);
    metrics.stage("melody-to-vocals", "pitch", "done", took);
    metrics.stage_retry("melody-to-vocals", "pitch", "transient");
    drop(metrics.lease_held());
    metrics.lease_lost();
    metrics.jobs_set_aside(1);
    metrics.outside_call("vendor", "succeeded");
    metrics.reconciled("expired_lease", 1);
    metrics.breaker_state("expert", BreakerGauge::Open);
    metrics.breaker_rejected("expert");
    metrics.provider_closed("vendor", "money");
    metrics.provider_call("expert", "melody", "done", took);
    metrics.object_operation("folder", "put", "done", took);
    metrics.object_bytes("folder", "in", 5);
    metrics.retention_deleted("objects", 1);
    metrics
}

#[test]
fn every_metric_of_the_table_can_be_written_and_no_other_is() {
    let text = touched().render();
    let found: BTreeSet<(&str, &str)> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let table: BTreeSet<(&str, &str)> = ALL.iter().map(|metric| (metric.name, metric.kind.as_str())).collect();
    assert_eq!(found, table);
}

#[test]
fn names_follow_the_conventions() {
    for metric in ALL {
        assert!(metric.name.starts_with("descant_"), "{}", metric.name);
        assert_eq!(metric.kind == MetricKind::Counter, metric.name.ends_with("_total"), "{}", metric.name);
        if metric.kind == MetricKind::Histogram {
            assert!(metric.name.ends_with("_seconds"), "{}", metric.name);
        }
        assert!(metric.help.ends_with('.') && !metric.help.contains('|'), "{}", metric.name);
        for secretive in ["user", "job", "id", "prompt", "url", "token", "path"] {
            assert!(!metric.labels.contains(&secretive), "{} has the label {secretive}", metric.name);
        }
    }
}

#[test]
fn values_are_what_was_reported() {
    let metrics = touched();
    let held = [metrics.lease_held(), metrics.lease_held()];
    let text = metrics.render();
    for line in [
        "descant_leases_held 2",
        "descant_outbox_pending 2",
        "descant_outbox_lag_seconds 4",
        "descant_breaker_state{provider=\"expert\"} 2",
        "descant_upload_bytes_total 10",
        "descant_http_requests_total{method=\"GET\",route=\"/api/health\",service=\"gateway\",status=\"200\"} 1",
        "descant_stage_duration_seconds_count{kind=\"melody-to-vocals\",outcome=\"done\",stage=\"pitch\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
    }
    drop(held);
    assert!(metrics.render().contains("descant_leases_held 0"));
}

#[test]
fn a_client_cannot_make_up_labels() {
    let metrics = Metrics::new("gateway");
    for method in ["BREW", "get", "WHEN-0001", "WHEN-0002"] {
        metrics.http_request("gateway", "/api/health", method, 405, Duration::ZERO);
    }
    let text = metrics.render();
    let series: Vec<_> = text.lines().filter(|line| line.starts_with("descant_http_requests_total{")).collect();
    assert_eq!(series.len(), 1, "{series:?}");
    assert!(series[0].contains("method=\"other\"") && series[0].ends_with(" 4"), "{series:?}");
}

#[test]
fn clones_write_to_one_registry_and_new_ones_do_not() {
    let metrics = Metrics::new("gateway");
    metrics.clone().upload_bytes(7);
    assert!(metrics.render().contains("descant_upload_bytes_total 7"));
    assert!(Metrics::new("gateway").render().contains("descant_upload_bytes_total 0"));
}

#[test]
fn the_documentation_is_up_to_date() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, documentation()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(page == documentation(), "docs/metrics.md is behind the table: run the tests with UPDATE_DOCS=1");
}
