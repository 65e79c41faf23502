//! What was spent with vendors in each UTC month, by the house, with each provider and for each user. What a call will cost is
//! set aside when it begins and settled when it ends, in the transaction of the call.

use chrono::{DateTime, Utc};
use domain::{Cost, JobId};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use crate::{
    database::Database,
    error::{During, PersistenceError},
    rows::{self, spending::Column},
};

/// Whose money it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purse<'a> {
    House,
    Provider(&'a str),
    /// A user's id.
    User(&'a str),
}

impl<'a> Purse<'a> {
    const fn key(self) -> (&'static str, &'a str) {
        match self {
            Self::House => ("house", ""),
            Self::Provider(name) => ("provider", name),
            Self::User(id) => ("user", id),
        }
    }

    /// In a sentence.
    pub fn described(self) -> String {
        match self {
            Self::House => "all users together".to_owned(),
            Self::Provider(name) => format!("the provider {name}"),
            Self::User(_) => "one user".to_owned(),
        }
    }
}

/// Most that may be spent in a month, in millionths of a currency; what is `None` has no limit.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SpendingLimits {
    pub house: Option<Cost>,
    pub provider: Option<Cost>,
    pub user: Option<Cost>,
}

/// One line of what was spent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spent {
    /// `2026-11`.
    pub month: String,
    /// `house`, `provider` or `user`.
    pub scope: String,
    pub name: String,
    pub currency: String,
    pub spent_micros: i64,
    /// For calls that are on their way.
    pub reserved_micros: i64,
}

/// The table of what was spent.
#[derive(Clone, Copy)]
pub struct Spending<'a> {
    pub(crate) db: &'a Database,
}

/// Whose money a provider's service spends: `NAME/trainings` is a part of `NAME`.
pub fn account_of(provider: &str) -> &str {
    provider.split_once('/').map_or(provider, |(name, _)| name)
}

pub fn month_of(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m").to_string()
}

impl Spending<'_> {
    /// What was spent in the month of a moment, by everybody.
    pub async fn of_month(&self, moment: DateTime<Utc>) -> Result<Vec<Spent>, PersistenceError> {
        let query = rows::spending::Entity::find()
            .filter(Column::Month.eq(month_of(moment)))
            .order_by_asc(Column::Scope)
            .order_by_asc(Column::Name)
            .order_by_asc(Column::Currency);
        let rows = query.all(self.db.reader()).await.during("read what was spent")?;
        Ok(rows.into_iter().map(read).collect())
    }

    /// What a user has spent in the month of a moment, by currency.
    pub async fn of_user(&self, user: &str, moment: DateTime<Utc>) -> Result<Vec<Spent>, PersistenceError> {
        let (scope, name) = Purse::User(user).key();
        let query = rows::spending::Entity::find()
            .filter(Column::Month.eq(month_of(moment)))
            .filter(Column::Scope.eq(scope))
            .filter(Column::Name.eq(name))
            .order_by_asc(Column::Currency);
        let rows = query.all(self.db.reader()).await.during("read what a user has spent")?;
        Ok(rows.into_iter().map(read).collect())
    }

    /// Whether a provider's call for a job would go beyond a limit, as it looks now; in words, whose. Sets nothing aside.
    pub async fn over_limit(
        &self,
        (job, provider): (JobId, &str),
        estimate: &Cost,
        limits: &SpendingLimits,
        now: DateTime<Utc>,
    ) -> Result<Option<String>, PersistenceError> {
        const DOING: &str = "look at the limits on spending";
        let (db, month) = (self.db.reader(), month_of(now));
        let row = rows::job::Entity::find_by_id(job.uuid()).one(db).await.during(DOING)?;
        let user = row.map(|row| row.owner).unwrap_or_default();
        for (purse, limit) in purses(estimate, (provider, user.as_str()), limits) {
            let Some(limit) = limit else { continue };
            let taken = taken(db, &month, purse, &limit.currency, DOING).await?;
            if taken.saturating_add(estimate.micros) > limit.micros {
                return Ok(Some(purse.described()));
            }
        }
        Ok(None)
    }
}

/// Whose money a call spends, each with the limit that holds in the currency of what it costs.
fn purses<'a, 'l>(
    estimate: &Cost,
    (provider, user): (&'a str, &'a str),
    limits: &'l SpendingLimits,
) -> [(Purse<'a>, Option<&'l Cost>); 3] {
    let held = |limit: Option<&'l Cost>| limit.filter(|limit| limit.currency == estimate.currency);
    [
        (Purse::House, held(limits.house.as_ref())),
        (Purse::Provider(account_of(provider)), held(limits.provider.as_ref())),
        (Purse::User(user), held(limits.user.as_ref())),
    ]
}

/// What is spent and set aside of a purse in a month, in millionths.
async fn taken(
    db: &impl ConnectionTrait,
    month: &str,
    purse: Purse<'_>,
    currency: &str,
    doing: &'static str,
) -> Result<i64, PersistenceError> {
    let (scope, name) = purse.key();
    let key = (month.to_owned(), scope.to_owned(), name.to_owned(), currency.to_owned());
    let row = rows::spending::Entity::find_by_id(key).one(db).await.during(doing)?;
    Ok(row.map_or(0, |row| row.spent_micros.saturating_add(row.reserved_micros)))
}

/// Sets what a call will cost aside, unless a limit says that it is too much; says whose.
pub async fn reserve<'a>(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    estimate: &Cost,
    whose: (&'a str, &'a str),
    limits: &SpendingLimits,
) -> Result<Option<Purse<'a>>, PersistenceError> {
    let month = month_of(now);
    // The update locks each row, in the same order for everybody, so that two calls cannot both take the last of it.
    for (purse, limit) in purses(estimate, whose, limits) {
        change(tx, &month, purse, &estimate.currency, (0, estimate.micros)).await?;
        let Some(limit) = limit else { continue };
        if taken(tx, &month, purse, &limit.currency, "set money aside").await? > limit.micros {
            return Ok(Some(purse));
        }
    }
    Ok(None)
}

/// Gives back what was set aside and notes what was spent. `began` is when it was set aside: money belongs to that month.
pub async fn settle(
    tx: &impl ConnectionTrait,
    began: DateTime<Utc>,
    (provider, user): (&str, &str),
    reserved: Option<&Cost>,
    spent: Option<&Cost>,
) -> Result<(), PersistenceError> {
    let month = month_of(began);
    for purse in [Purse::House, Purse::Provider(account_of(provider)), Purse::User(user)] {
        if let Some(reserved) = reserved {
            change(tx, &month, purse, &reserved.currency, (0, -reserved.micros)).await?;
        }
        if let Some(spent) = spent {
            change(tx, &month, purse, &spent.currency, (spent.micros, 0)).await?;
        }
    }
    Ok(())
}

async fn change(
    tx: &impl ConnectionTrait,
    month: &str,
    purse: Purse<'_>,
    currency: &str,
    (spent, reserved): (i64, i64),
) -> Result<(), PersistenceError> {
    let (scope, name) = purse.key();
    let row = rows::spending::ActiveModel {
        month: Set(month.to_owned()),
        scope: Set(scope.to_owned()),
        name: Set(name.to_owned()),
        currency: Set(currency.to_owned()),
        spent_micros: Set(spent),
        reserved_micros: Set(reserved),
    };
    let known = |column| Expr::col((rows::spending::Entity, column));
    let add = OnConflict::columns([Column::Month, Column::Scope, Column::Name, Column::Currency])
        .value(Column::SpentMicros, known(Column::SpentMicros).add(spent))
        .value(Column::ReservedMicros, known(Column::ReservedMicros).add(reserved))
        .to_owned();
    let insert = rows::spending::Entity::insert(row).on_conflict(add);
    insert.exec_without_returning(tx).await.during("note what is spent")?;
    Ok(())
}

fn read(row: rows::spending::Model) -> Spent {
    let rows::spending::Model { month, scope, name, currency, spent_micros, reserved_micros } = row;
    Spent { month, scope, name, currency, spent_micros, reserved_micros }
}
