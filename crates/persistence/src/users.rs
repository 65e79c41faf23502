//! Users, as far as Descant needs to know them: who verified tokens say they are, and their plan.

use chrono::{DateTime, Utc};
use domain::{Tier, UserId};
use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, EntityTrait, ExprTrait,
    sea_query::{Expr, OnConflict},
};

use crate::{
    database::Database,
    error::{During, PersistenceError, Undecodable},
    rows::{self, user::Column},
    time::micros,
};

/// One row of `users`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    pub id: UserId,
    pub tier: Tier,
    pub created_at: DateTime<Utc>,
}

/// The table of users.
#[derive(Clone, Copy)]
pub struct Users<'a> {
    pub(crate) db: &'a Database,
}

impl Users<'_> {
    /// Makes the user when they are new, and sets their tier when it has changed.
    pub async fn ensure(&self, user: &UserId, tier: Tier, now: DateTime<Utc>) -> Result<(), PersistenceError> {
        let known = OnConflict::column(Column::Id)
            .update_column(Column::Tier)
            .action_and_where(Expr::col((rows::user::Entity, Column::Tier)).ne(tier.as_str()))
            .to_owned();
        rows::user::Entity::insert(fresh(user, tier, now))
            .on_conflict(known)
            .exec_without_returning(self.db.writer())
            .await
            .during("write a user")?;
        Ok(())
    }

    pub async fn get(&self, user: &UserId) -> Result<Option<User>, PersistenceError> {
        const DOING: &str = "read a user";
        let row = rows::user::Entity::find_by_id(user.as_str().to_owned()).one(self.db.reader()).await.during(DOING)?;
        let typed = |row| {
            let rows::user::Model { id, tier, created_at, quota_lock: _, archived_jobs: _ } = row;
            Ok::<_, Undecodable>(User {
                id: UserId::new(id).map_err(|why| Undecodable::new("users.id", why))?,
                tier: tier.parse().map_err(|why| Undecodable::new("users.tier", why))?,
                created_at,
            })
        };
        row.map(typed).transpose().during(DOING)
    }
}

fn fresh(user: &UserId, tier: Tier, now: DateTime<Utc>) -> rows::user::ActiveModel {
    rows::user::ActiveModel {
        id: Set(user.as_str().to_owned()),
        tier: Set(tier.as_str().to_owned()),
        created_at: Set(micros(now)),
        quota_lock: Set(0),
        archived_jobs: Set(0),
    }
}

/// Makes the user when they are new, and makes every other transaction that does the same for this user wait until
/// this one has ended.
pub async fn ensure_and_lock(
    tx: &impl ConnectionTrait,
    user: &UserId,
    tier: Tier,
    now: DateTime<Utc>,
    operation: &'static str,
) -> Result<(), PersistenceError> {
    let known = OnConflict::column(Column::Id)
        .update_column(Column::Tier)
        .value(Column::QuotaLock, Expr::col((rows::user::Entity, Column::QuotaLock)).add(1_i64))
        .to_owned();
    rows::user::Entity::insert(fresh(user, tier, now))
        .on_conflict(known)
        .exec_without_returning(tx)
        .await
        .during(operation)?;
    Ok(())
}
