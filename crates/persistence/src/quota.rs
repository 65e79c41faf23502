//! Counts what a user has used, over the job rows: see [`domain::quota`].

use chrono::{DateTime, Utc};
use domain::{
    UserId,
    quota::{QuotaUsage, Standing, Window, standing},
};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use crate::{
    error::{During, PersistenceError},
    rows::{self, job::Column},
    words::state_words,
};

pub async fn usage(
    db: &impl ConnectionTrait,
    user: &UserId,
    now: DateTime<Utc>,
    operation: &'static str,
) -> Result<QuotaUsage, PersistenceError> {
    let window = Window::at(now);
    let counting = rows::job::Entity::find()
        .filter(Column::Owner.eq(user.as_str()))
        .filter(Column::State.is_in(state_words(|state| standing(state) != Standing::Refunded)));
    let within = |from: DateTime<Utc>, to: DateTime<Utc>| {
        counting.clone().filter(Condition::all().add(Column::CreatedAt.gte(from)).add(Column::CreatedAt.lt(to)))
    };
    let daily = within(window.day_start, window.day_end).count(db).await.during(operation)?;
    let monthly = within(window.month_start, window.month_end).count(db).await.during(operation)?;
    let kept = counting.count(db).await.during(operation)?;
    let archived = rows::user::Entity::find_by_id(user.as_str().to_owned())
        .select_only()
        .column(rows::user::Column::ArchivedJobs)
        .into_tuple::<i64>()
        .one(db)
        .await
        .during(operation)?;
    Ok(QuotaUsage {
        daily: u32::try_from(daily).unwrap_or(u32::MAX),
        monthly: u32::try_from(monthly).unwrap_or(u32::MAX),
        total: kept + archived.unwrap_or_default().cast_unsigned(),
    })
}
