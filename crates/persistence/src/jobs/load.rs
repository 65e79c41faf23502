//! How busy the system is, in cheap questions that every submission may ask.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{JobState, KindName};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::Jobs;
use crate::{
    error::{During, PersistenceError},
    rows::{self, job::Column},
    time::micros,
};

/// How the jobs did that ended since some moment.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RecentJobs {
    pub ended: BTreeMap<JobState, u64>,
    /// From submission to completion, of those that completed.
    pub mean_latency_ms: Option<f64>,
}

impl RecentJobs {
    /// Percent of those that completed or failed (expiry counts as failure); 0 when none did.
    pub fn error_rate_percent(&self) -> f64 {
        let of = |state| self.ended.get(&state).copied().unwrap_or_default() as f64;
        let failed = of(JobState::Failed) + of(JobState::Expired);
        let all = failed + of(JobState::Completed);
        if all == 0.0 { 0.0 } else { failed * 100.0 / all }
    }
}

impl Jobs<'_> {
    /// Jobs that wait, whether they are due or not.
    pub async fn waiting(&self) -> Result<u64, PersistenceError> {
        self.waiting_jobs().count(self.db.reader()).await.during("count waiting jobs")
    }

    /// Jobs of a kind that wait for a moment that has not come: the next attempt.
    pub async fn delayed(&self, kind: &KindName, now: DateTime<Utc>) -> Result<u64, PersistenceError> {
        let waiting = self.waiting_jobs().filter(Column::Kind.eq(kind.as_str()));
        let delayed = waiting.filter(Column::DueAt.gt(micros(now)));
        delayed.count(self.db.reader()).await.during("count delayed jobs")
    }

    /// How the jobs of a kind did that ended since `since`.
    pub async fn recent(&self, kind: &KindName, since: DateTime<Utc>) -> Result<RecentJobs, PersistenceError> {
        const DOING: &str = "look at recent jobs";
        let jobs = || {
            use sea_orm::QuerySelect;
            let ended = rows::job::Entity::find().select_only().filter(Column::Kind.eq(kind.as_str()));
            ended.filter(Column::FinishedAt.gte(micros(since)))
        };
        let completed = jobs().filter(Column::State.eq(JobState::Completed.as_str()));
        Ok(RecentJobs {
            ended: self.count_by_state(jobs(), DOING).await?,
            mean_latency_ms: self.mean_ms(completed, Column::CreatedAt, Column::FinishedAt, DOING).await?,
        })
    }

    fn waiting_jobs(&self) -> sea_orm::Select<rows::job::Entity> {
        rows::job::Entity::find().filter(Column::State.eq(JobState::Queued.as_str()))
    }
}
