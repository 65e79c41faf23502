//! When a user started jobs of a kind, over the job rows: see [`domain::starts`].

use chrono::{DateTime, Utc};
use domain::{
    KindName, UserId,
    starts::{StartLimit, Starts},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::{
    UserJobs,
    error::{During, PersistenceError},
    rows::{self, job::Column},
    time::micros,
};

/// The starts that count, newest first; no more of them than the limit.
pub async fn since(
    db: &impl ConnectionTrait,
    user: &UserId,
    kind: &KindName,
    limit: StartLimit,
    now: DateTime<Utc>,
    operation: &'static str,
) -> Result<Vec<DateTime<Utc>>, PersistenceError> {
    rows::job::Entity::find()
        .select_only()
        .column(Column::CreatedAt)
        .filter(Column::Owner.eq(user.as_str()))
        .filter(Column::Kind.eq(kind.as_str()))
        .filter(Column::CreatedAt.gt(micros(limit.counts_after(now))))
        .order_by_desc(Column::CreatedAt)
        .limit(u64::from(limit.starts))
        .into_tuple()
        .all(db)
        .await
        .during(operation)
}

impl UserJobs<'_> {
    /// Where this user stands with starts of jobs of a kind now.
    pub async fn starts(
        &self,
        kind: &KindName,
        limit: StartLimit,
        now: DateTime<Utc>,
    ) -> Result<Starts, PersistenceError> {
        let started = since(self.db.reader(), self.user, kind, limit, now, "count a user's starts").await?;
        Ok(Starts::of(limit, &started, now))
    }
}
