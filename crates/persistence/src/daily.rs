//! What happened on each day, by kind of job: counted once over the job rows, for good. Jobs that are tried again later, and
//! rows that go, change nothing of a day that was counted.

use chrono::{DateTime, NaiveDate, Utc};
use domain::KindName;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect, sea_query::OnConflict};

use crate::{
    database::Database,
    error::{During, PersistenceError, Undecodable},
    rows::{self, daily_figures::Column},
    time::micros,
};

/// The figures of a kind on one day, UTC.
#[derive(Clone, PartialEq, Debug)]
pub struct DailyFigures {
    pub kind: KindName,
    pub day: NaiveDate,
    pub submitted: u64,
    /// Jobs that ended, by how.
    pub completed: u64,
    pub failed: u64,
    pub expired: u64,
    pub cancelled: u64,
    /// From submission to first claim, of jobs first claimed on the day.
    pub mean_wait_ms: Option<f64>,
    /// From first claim to completion, of jobs completed on the day.
    pub mean_processing_ms: Option<f64>,
}

/// The table of days.
#[derive(Clone, Copy)]
pub struct Days<'a> {
    pub(crate) db: &'a Database,
}

impl Days<'_> {
    /// The last day of a kind that is counted.
    pub async fn last(&self, kind: &KindName) -> Result<Option<NaiveDate>, PersistenceError> {
        const DOING: &str = "look for the last day that is counted";
        let last = rows::daily_figures::Entity::find()
            .select_only()
            .column_as(Column::Day.max(), "last")
            .filter(Column::Kind.eq(kind.as_str()))
            .into_tuple::<Option<String>>()
            .one(self.db.reader())
            .await
            .during(DOING)?;
        let parse = |day: String| day.parse().map_err(|why| Undecodable::new("daily_figures.day", why));
        last.flatten().map(parse).transpose().during(DOING)
    }

    /// Writes a day down. `false` when somebody else was first, and then nothing changes.
    pub async fn record(&self, figures: &DailyFigures, now: DateTime<Utc>) -> Result<bool, PersistenceError> {
        let DailyFigures {
            kind,
            day,
            submitted,
            completed,
            failed,
            expired,
            cancelled,
            mean_wait_ms,
            mean_processing_ms,
        } = figures;
        let row = rows::daily_figures::ActiveModel {
            kind: Set(kind.as_str().to_owned()),
            day: Set(day.to_string()),
            submitted: Set(submitted.cast_signed()),
            completed: Set(completed.cast_signed()),
            failed: Set(failed.cast_signed()),
            expired: Set(expired.cast_signed()),
            cancelled: Set(cancelled.cast_signed()),
            mean_wait_ms: Set(*mean_wait_ms),
            mean_processing_ms: Set(*mean_processing_ms),
            counted_at: Set(micros(now)),
        };
        let first = OnConflict::columns([Column::Kind, Column::Day]).do_nothing().to_owned();
        let written = rows::daily_figures::Entity::insert(row)
            .on_conflict(first)
            .exec_without_returning(self.db.writer())
            .await
            .during("write down the figures of a day")?;
        Ok(written > 0)
    }
}
