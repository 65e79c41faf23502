//! Listing jobs of all kinds. A list is walked by cursors: each job is shown once, however many are added meanwhile.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use domain::{JobId, JobState, KindName};
use persistence::{Cursor, HistoryFilter, JobList};

use super::{
    present,
    wire::{JobListBody, ListQuery},
};
use crate::{
    app_state::AppState,
    problem::{ApiError, Problem},
};

/// Your jobs, newest first.
#[utoipa::path(
    get, path = "/api/v1/jobs", tag = "jobs", params(ListQuery),
    responses(
        (status = 200, body = JobListBody),
        (status = 400, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    request: HttpRequest,
    query: web::Query<ListQuery>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let caller = state.caller(&request).await?;
    let limit = query.limit.unwrap_or(20);
    if !(1..=100).contains(&limit) {
        return Err(ApiError::InvalidField { field: "limit", detail: "expected 1 to 100".to_owned() });
    }
    let filter = HistoryFilter {
        kind: query.kind.as_deref().map(kind).transpose()?,
        states: query.state.as_deref().map(|words| states(words, "state")).transpose()?.unwrap_or_default(),
        created_from: query.created_from.as_deref().map(|text| moment("createdFrom", text)).transpose()?,
        created_before: query.created_before.as_deref().map(|text| moment("createdBefore", text)).transpose()?,
    };
    let after = query.cursor.as_deref().map(read_cursor).transpose()?;
    let JobList { jobs, next } = state.database.jobs_of(&caller.user).list(&filter, after, limit).await?;
    let links = state.links(&request);
    let jobs = jobs.iter().map(|job| present::summary(&state, &links, job)).collect();
    Ok(HttpResponse::Ok().json(JobListBody { success: true, jobs, next: next.map(write_cursor) }))
}

/// Any word that could be a kind's name: it may be one that only a newer version knows.
fn kind(word: &str) -> Result<KindName, ApiError> {
    let fits = (1..=64).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !fits {
        let detail = "expected the name of a kind, such as melody-to-vocals".to_owned();
        return Err(ApiError::InvalidField { field: "kind", detail });
    }
    Ok(KindName::stored(word.to_owned()))
}

/// The states that a word stands for: one of its own, or all that read as this status.
pub fn states_of(word: &str) -> BTreeSet<JobState> {
    JobState::ALL.into_iter().filter(|state| state.as_str() == word || state.seed_status() == word).collect()
}

fn states(words: &str, field: &'static str) -> Result<BTreeSet<JobState>, ApiError> {
    let mut all = BTreeSet::new();
    for word in words.split(',').map(str::trim) {
        let meant = states_of(word);
        if meant.is_empty() {
            let known = JobState::ALL.map(JobState::as_str).join(", ");
            return Err(ApiError::InvalidField { field, detail: format!("expected {known}, pending or processing") });
        }
        all.extend(meant);
    }
    Ok(all)
}

fn moment(field: &'static str, text: &str) -> Result<DateTime<Utc>, ApiError> {
    // A `+` that was not escaped arrives as a blank.
    let read = DateTime::parse_from_rfc3339(&text.trim().replace(' ', "+"));
    read.map(|moment| moment.to_utc()).map_err(|_| ApiError::InvalidField {
        field,
        detail: "expected a moment such as 2026-11-21T08:00:00Z".to_owned(),
    })
}

/// Opaque to clients: the moment and the id of the last job of a page.
fn write_cursor(cursor: Cursor) -> String {
    let mut bytes = cursor.created_at.timestamp_micros().to_be_bytes().to_vec();
    bytes.extend_from_slice(cursor.id.uuid().as_bytes());
    hex::encode(bytes)
}

fn read_cursor(text: &str) -> Result<Cursor, ApiError> {
    let read = || {
        let (moment, id) = text.split_at_checked(16)?;
        let moment: [u8; 8] = hex::decode(moment).ok()?.try_into().ok()?;
        let id = Some(id).filter(|id| id.len() == 32)?;
        Some(Cursor {
            created_at: DateTime::from_timestamp_micros(i64::from_be_bytes(moment))?,
            id: id.parse::<JobId>().ok()?,
        })
    };
    read().ok_or_else(|| ApiError::InvalidField {
        field: "cursor",
        detail: "expected `next` of an earlier answer; leave it out to begin at the newest".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_and_nothing_else_is_one() {
        let cursor = Cursor {
            created_at: DateTime::from_timestamp_micros(1_795_000_000_123_456).unwrap(),
            id: "018f6b1e-7c2a-7000-8000-000000000000".parse().unwrap(),
        };
        let text = write_cursor(cursor);
        assert_eq!(read_cursor(&text).ok(), Some(cursor));
        for wrong in ["", "0", &text[1..], &format!("{text}0"), &"g".repeat(48), "äöüäöüäöüäöüäöü", &"f".repeat(15)]
        {
            assert!(read_cursor(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn states_are_named_one_by_one_or_as_older_clients_know_them() {
        use JobState as S;
        assert_eq!(states("parked", "state").unwrap(), [S::Parked].into());
        let processing = [S::Running, S::Parked, S::Storing, S::Cancelling];
        assert_eq!(
            states("processing, pending", "state").unwrap(),
            processing.into_iter().chain([S::Queued]).collect()
        );
        assert_eq!(states("failed", "state").unwrap(), [S::Failed, S::Expired].into());
        for wrong in ["", "done", "failed,"] {
            assert!(states(wrong, "state").is_err(), "{wrong}");
        }
    }

    #[test]
    fn moments_have_a_zone() {
        let noon = DateTime::from_timestamp(1_795_262_400, 0).unwrap();
        for text in [noon.to_rfc3339(), noon.to_rfc3339().replace('+', " ")] {
            assert_eq!(moment("createdFrom", &text).ok(), Some(noon), "{text}");
        }
        for wrong in ["", "2026-11-21", "2026-11-21T08:00:00", "yesterday"] {
            assert!(moment("createdFrom", wrong).is_err(), "{wrong}");
        }
    }
}
