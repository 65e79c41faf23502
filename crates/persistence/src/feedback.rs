//! What people thought of the result.

use chrono::{DateTime, Utc};
use domain::JobId;
use sea_orm::{ActiveValue::Set, EntityTrait, sea_query::OnConflict};

use crate::{
    UserJobs,
    error::{During, PersistenceError},
    rows::{self, feedback::Column},
    time::micros,
};

/// A job's rating by its owner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Feedback {
    /// 1 to 5; the database refuses anything else.
    pub rating: u8,
    pub text: Option<String>,
    pub at: DateTime<Utc>,
}

impl UserJobs<'_> {
    /// Stores a rating of 1 to 5, in place of an earlier one. False when the job is not this user's.
    pub async fn rate(
        &self,
        id: JobId,
        rating: u8,
        text: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<bool, PersistenceError> {
        const DOING: &str = "store feedback";
        if !self.owns(id, DOING).await? {
            return Ok(false);
        }
        let row = rows::feedback::ActiveModel {
            job_id: Set(id.uuid()),
            user_id: Set(self.user.as_str().to_owned()),
            rating: Set(i32::from(rating)),
            text: Set(text.map(str::to_owned)),
            at: Set(micros(now)),
        };
        let known =
            OnConflict::column(Column::JobId).update_columns([Column::Rating, Column::Text, Column::At]).to_owned();
        rows::feedback::Entity::insert(row)
            .on_conflict(known)
            .exec_without_returning(self.db.writer())
            .await
            .during(DOING)?;
        Ok(true)
    }

    /// The rating of a job of this user, when there is one.
    pub async fn feedback(&self, id: JobId) -> Result<Option<Feedback>, PersistenceError> {
        const DOING: &str = "read feedback";
        if !self.owns(id, DOING).await? {
            return Ok(None);
        }
        let row = rows::feedback::Entity::find_by_id(id.uuid()).one(self.db.reader()).await.during(DOING)?;
        Ok(row.map(|row| {
            let rows::feedback::Model { job_id: _, user_id: _, rating, text, at } = row;
            // The table's check keeps it between 1 and 5.
            Feedback { rating: u8::try_from(rating).unwrap_or_default(), text, at }
        }))
    }
}
