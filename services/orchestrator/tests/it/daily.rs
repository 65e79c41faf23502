//! What is told of each day: once for all orchestrators, whether anybody runs at midnight or not.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use domain::JobState;

use crate::harness::{
    Harness, PATIENCE, SPEC,
    log::{self, Line},
};

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// What was told of the days of this test, which no other one has, of the sample kind.
fn told() -> Vec<Line> {
    let ours = |line: &Line| line["kind"] == SPEC.name.as_str() && line["day"].starts_with("2031-");
    log::saying("daily statistics").into_iter().filter(ours).collect()
}

/// Waits until orchestrators have looked at all days before this moment, so many times in all.
async fn until_counted(until: &str, looks: usize) {
    let started = Instant::now();
    let until = moment(until).to_string();
    loop {
        let looked = log::saying("days are counted").iter().filter(|line| line["until"] == until).count();
        if looked == looks {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{looked} of {looks} looks at {until}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn cancelled(harness: &Harness) {
    let job = harness.submit("cancelled").await;
    harness.request_cancel(job).await;
    harness.until_state(job, JobState::Cancelled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_day_is_told_once_by_one_of_all_also_when_nobody_ran_at_its_end() {
    assert!(told().is_empty());
    let harness = Harness::new().await;
    harness.clock.set(moment("2031-03-01T12:00:00Z"));
    let (one, two) = (harness.start(), harness.start());
    // The figures begin with the day that was over.
    until_counted("2031-03-02T00:05:00Z", 2).await;
    let days = || told().into_iter().map(|line| line["day"].clone()).collect::<Vec<_>>();
    assert_eq!(days(), ["2031-02-28"]);
    for _ in 0..2 {
        cancelled(&harness).await;
    }
    harness.clock.set(moment("2031-03-02T00:00:00Z"));
    cancelled(&harness).await;
    assert_eq!(days(), ["2031-02-28"], "what is on its way when the day ends has a while to arrive");
    harness.clock.set(moment("2031-03-02T00:05:00Z"));
    until_counted("2031-03-03T00:05:00Z", 2).await;
    let lines = told();
    assert_eq!(lines.len(), 2, "both told of it: {lines:?}");
    let figures = ["day", "submitted", "cancelled", "completed"].map(|name| lines[1][name].as_str());
    assert_eq!(figures, ["2031-03-01", "2", "2", "0"], "what came after midnight is of the day after");

    one.stop().await;
    two.kill().await;
    harness.clock.set(moment("2031-03-05T09:00:00Z") + TimeDelta::microseconds(1));
    let again = harness.start();
    until_counted("2031-03-06T00:05:00Z", 1).await;
    let lines = told();
    let days: Vec<_> = lines.iter().map(|line| (line["day"].as_str(), line["cancelled"].as_str())).collect();
    let expected =
        [("2031-02-28", "0"), ("2031-03-01", "2"), ("2031-03-02", "1"), ("2031-03-03", "0"), ("2031-03-04", "0")];
    assert_eq!(days, expected);
    again.stop().await;
}
