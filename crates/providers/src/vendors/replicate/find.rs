//! Looks for a run whose creation was not answered.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Failure, OutsideCallId};

use super::{
    client::{Client, Kind},
    mark::Mark,
    wire::Run,
};

/// How far the vendor's clock may be off.
const SKEW: TimeDelta = TimeDelta::minutes(2);
/// Whatever the settings say.
const LONGEST_ARRIVAL: TimeDelta = TimeDelta::hours(1);
/// Most pages that are read; a busy account fills six a minute.
const MOST_PAGES: usize = 60;

/// The id of the run that was created under a correlation.
///
/// It is the one that carries the correlation's mark, among those of this account that were created while the request was on
/// its way: when that was, the correlation says, which is the id of the call's row. Where the vendor shows the address for
/// webhooks, that says it, too. A run without the mark is never taken, however equal its input is: it is another call's.
///
/// An hour after its end the vendor forgets the input, and with it the mark; by then it has forgotten the output as well, so
/// that there would be nothing to be had of the run.
///
/// # Errors
/// As the vendor answers; `Transient` where its lists are longer than is read: then nobody knows.
pub async fn find(client: &Client, kind: Kind, correlation: &str) -> Result<Option<String>, Failure> {
    let Some(begun) = moment(correlation) else { return Ok(None) };
    // Longest that it may have been on its way.
    let arrival =
        TimeDelta::from_std(client.limits.arrival).map_or(LONGEST_ARRIVAL, |arrival| arrival.min(LONGEST_ARRIVAL));
    let (after, before) = (begun - SKEW, begun + arrival + SKEW);
    let mark = Mark::of(correlation);
    let is_it = |run: &Run| {
        let is_told = run.webhook.as_deref().is_some_and(|address| address.contains(correlation));
        is_told || mark.is_in(&run.input)
    };
    let mut page = client.runs(kind, after, before).await?;
    for _ in 0..MOST_PAGES {
        if let Some(run) = page.results.iter().find(|run| is_it(run)) {
            return Ok(Some(run.id.clone()));
        }
        let is_older = |run: &Run| run.created_at.is_some_and(|created| created < after);
        match page.next {
            Some(next) if !page.results.last().is_some_and(is_older) => page = client.page(&next).await?,
            _ => return Ok(None),
        }
    }
    Err(client.http().misbehaved("lists more than can be looked through"))
}

/// When a call was begun, by its id (RFC 9562, section 5.7).
fn moment(correlation: &str) -> Option<DateTime<Utc>> {
    let id: OutsideCallId = correlation.parse().ok()?;
    let (seconds, nanos) = id.uuid().get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correlation_says_when_the_call_was_begun() {
        let at = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        assert_eq!(moment(&OutsideCallId::new(at, [7; 10]).to_string()), Some(at));
        assert_eq!(moment("somebody else's"), None);
        assert_eq!(moment("67e55044-10b1-426f-9247-bb680e5fe0c8"), None, "an id without a moment");
    }
}
