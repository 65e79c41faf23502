//! The stages of a job. A finished one is a checkpoint: it is not run, or paid for, again.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{Failure, JobId, StageName, Tried};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, Value as Bound},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Backend,
    database::Database,
    error::{During, PersistenceError, Undecodable},
    failure::{decode_failure, encode_failure},
    rows::{self, stage::Column},
    time::micros,
    words,
};

/// How far a stage is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StageState {
    /// Somebody works on it, or let go of it before it ended: parked, handed back, or dead.
    Running,
    Done,
    /// Its last attempt failed.
    Failed,
}

impl StageState {
    pub const ALL: [Self; 3] = [Self::Running, Self::Done, Self::Failed];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    fn parse(word: &str) -> Result<Self, Undecodable> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| Undecodable::new("job_stages.state", format!("unknown stage state {word:?}")))
    }
}

/// An object that a stage wrote, with what it held when it was written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WorkObject {
    pub key: String,
    pub sha256: String,
    pub size_bytes: u64,
}

/// What a finished stage leaves for the ones after it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Checkpoint {
    /// Over everything that went into the stage: equal hashes, equal output.
    pub inputs_hash: String,
    /// The objects that it wrote, by name. `None` on checkpoints of versions that kept no such list: their objects lie
    /// under fixed keys.
    pub objects: Option<BTreeMap<String, WorkObject>>,
    /// A small output, or the figures of a large one.
    pub output: Option<Value>,
    pub provider: Option<String>,
}

/// One row of `job_stages`.
#[derive(Clone, PartialEq, Debug)]
pub struct Stage {
    pub job_id: JobId,
    /// As stored: a newer version may have stages that this one does not know.
    pub name: String,
    pub state: StageState,
    /// Of the stage, counted from 1.
    pub attempt: u32,
    /// Present when the stage is done.
    pub checkpoint: Option<Checkpoint>,
    /// When it became `running`: of a stage that was parked, handed back or interrupted meanwhile the first of these
    /// times, so that all waiting counts; after a failure the start of the next attempt.
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub failure: Option<Failure>,
    /// Providers that were asked, or passed over, before the one that did it, in this attempt.
    pub tried: Vec<Tried>,
}

/// The answer to the start of a stage.
#[derive(Clone, PartialEq, Debug)]
pub enum StageStart {
    Started,
    /// An earlier attempt finished it: use its checkpoint.
    AlreadyDone(Box<Stage>),
    /// Somebody else holds the job now.
    Lost,
}

/// The table of stages. Whoever writes names the generation of their lease; those who lost it write nothing.
#[derive(Clone, Copy)]
pub struct Stages<'a> {
    pub(crate) db: &'a Database,
}

impl Stages<'_> {
    /// Starts a stage, or goes on with it, unless it is done. `started_at` becomes `now` when it was not `running`, that
    /// is on its first start, after a failure, and after [`Self::reopen`]. A stage that is `running` already (parked,
    /// handed back, or left by a holder that died) keeps the moment that it has.
    pub async fn start(
        &self,
        job: JobId,
        generation: u64,
        name: StageName,
        attempt: u32,
        now: DateTime<Utc>,
    ) -> Result<StageStart, PersistenceError> {
        const DOING: &str = "start a stage";
        let Some(tx) = self.begin_as_holder(job, generation, DOING).await? else { return Ok(StageStart::Lost) };
        let key = (job.uuid(), name.as_str().to_owned());
        let known = rows::stage::Entity::find_by_id(key).one(&tx).await.during(DOING)?;
        match known.map(read).transpose().during(DOING)? {
            Some(stage) if stage.state == StageState::Done => return Ok(StageStart::AlreadyDone(Box::new(stage))),
            Some(known) => {
                // One that parked or was interrupted has been at it since.
                let started_at = if known.state == StageState::Running { known.started_at } else { now };
                let again = rows::stage::Entity::update_many()
                    .col_expr(Column::State, Expr::val(StageState::Running.as_str()))
                    .col_expr(Column::Attempt, Expr::val(attempt.cast_signed()))
                    .col_expr(Column::StartedAt, Expr::val(micros(started_at)))
                    .col_expr(Column::FinishedAt, Expr::val(None::<DateTime<Utc>>))
                    .filter(Column::JobId.eq(job.uuid()))
                    .filter(Column::Name.eq(name.as_str()));
                // Another attempt asks everybody anew.
                let again = match known.state {
                    StageState::Running => again,
                    _ => again.col_expr(Column::Tried, Expr::val(Bound::from(None::<Value>))),
                };
                again.exec(&tx).await.during(DOING)?;
            }
            None => {
                let first = rows::stage::ActiveModel {
                    job_id: Set(job.uuid()),
                    name: Set(name.as_str().to_owned()),
                    state: Set(StageState::Running.as_str().to_owned()),
                    attempt: Set(attempt.cast_signed()),
                    started_at: Set(micros(now)),
                    ..Default::default()
                };
                rows::stage::Entity::insert(first).exec_without_returning(&tx).await.during(DOING)?;
            }
        }
        tx.commit().await.during(DOING)?;
        Ok(StageStart::Started)
    }

    /// Keeps what a started stage made. False when the lease is lost, or the stage was never started or is done.
    pub async fn finish(
        &self,
        job: JobId,
        generation: u64,
        name: StageName,
        checkpoint: &Checkpoint,
        now: DateTime<Utc>,
    ) -> Result<bool, PersistenceError> {
        const DOING: &str = "finish a stage";
        let Checkpoint { inputs_hash, objects, output, provider } = checkpoint;
        let Some(tx) = self.begin_as_holder(job, generation, DOING).await? else { return Ok(false) };
        let done = ended(job, name, StageState::Done, now)
            .col_expr(Column::InputsHash, Expr::val(inputs_hash.as_str()))
            .col_expr(Column::Objects, Expr::val(Bound::from(objects.as_ref().map(encode_objects))))
            .col_expr(Column::Output, Expr::val(Bound::from(output.clone())))
            .col_expr(Column::Provider, Expr::val(provider.clone()))
            .col_expr(Column::Failure, Expr::val(Bound::from(None::<Value>)))
            .exec(&tx)
            .await
            .during(DOING)?;
        tx.commit().await.during(DOING)?;
        Ok(done.rows_affected == 1)
    }

    /// Remembers that an attempt failed. False as for [`Self::finish`].
    pub async fn fail(
        &self,
        job: JobId,
        generation: u64,
        name: StageName,
        failure: &Failure,
        now: DateTime<Utc>,
    ) -> Result<bool, PersistenceError> {
        const DOING: &str = "store a stage's failure";
        let Some(tx) = self.begin_as_holder(job, generation, DOING).await? else { return Ok(false) };
        let failed = ended(job, name, StageState::Failed, now)
            .col_expr(Column::Failure, Expr::val(Bound::from(encode_failure(failure))))
            .exec(&tx)
            .await
            .during(DOING)?;
        tx.commit().await.during(DOING)?;
        Ok(failed.rows_affected == 1)
    }

    /// Remembers whom a running stage has asked, or passed over. False when the lease is lost.
    pub async fn note_tried(
        &self,
        job: JobId,
        generation: u64,
        name: StageName,
        tried: &[Tried],
    ) -> Result<bool, PersistenceError> {
        const DOING: &str = "note who was asked";
        let Some(tx) = self.begin_as_holder(job, generation, DOING).await? else { return Ok(false) };
        let noted = rows::stage::Entity::update_many()
            .col_expr(Column::Tried, Expr::val(Bound::from(serde_json::to_value(tried).ok())))
            .filter(Column::JobId.eq(job.uuid()))
            .filter(Column::Name.eq(name.as_str()))
            .filter(Column::State.eq(StageState::Running.as_str()));
        let noted = noted.exec(&tx).await.during(DOING)?;
        tx.commit().await.during(DOING)?;
        Ok(noted.rows_affected == 1)
    }

    /// Whom a running stage has asked, or passed over.
    pub async fn tried(&self, job: JobId, name: StageName) -> Result<Vec<Tried>, PersistenceError> {
        const DOING: &str = "read who was asked";
        let key = (job.uuid(), name.as_str().to_owned());
        let row = rows::stage::Entity::find_by_id(key).one(self.db.writer()).await.during(DOING)?;
        Ok(row.map(read).transpose().during(DOING)?.map(|stage| stage.tried).unwrap_or_default())
    }

    /// Takes a finished stage back because what it left cannot be used any more: the next attempt runs it again. False
    /// when the lease is lost or the stage is not done.
    pub async fn reopen(
        &self,
        job: JobId,
        generation: u64,
        name: &str,
        failure: &Failure,
    ) -> Result<bool, PersistenceError> {
        const DOING: &str = "take a finished stage back";
        let Some(tx) = self.begin_as_holder(job, generation, DOING).await? else { return Ok(false) };
        let reopened = rows::stage::Entity::update_many()
            .col_expr(Column::State, Expr::val(StageState::Failed.as_str()))
            .col_expr(Column::Failure, Expr::val(Bound::from(encode_failure(failure))))
            .filter(Column::JobId.eq(job.uuid()))
            .filter(Column::Name.eq(name))
            .filter(Column::State.eq(StageState::Done.as_str()))
            .exec(&tx)
            .await
            .during(DOING)?;
        tx.commit().await.during(DOING)?;
        Ok(reopened.rows_affected == 1)
    }

    /// The stages that a job has started, in that order.
    pub async fn list(&self, job: JobId) -> Result<Vec<Stage>, PersistenceError> {
        const DOING: &str = "read a job's stages";
        let rows = rows::stage::Entity::find()
            .filter(Column::JobId.eq(job.uuid()))
            .order_by_asc(Column::StartedAt)
            .order_by_asc(Column::Name)
            .all(self.db.reader())
            .await
            .during(DOING)?;
        rows.into_iter().map(read).collect::<Result<_, _>>().during(DOING)
    }

    /// A transaction in which nobody else can claim the job; `None` when somebody already has.
    pub(crate) async fn begin_as_holder(
        &self,
        job: JobId,
        generation: u64,
        operation: &'static str,
    ) -> Result<Option<DatabaseTransaction>, PersistenceError> {
        let tx = self.db.begin(operation).await?;
        let query = rows::job::Entity::find_by_id(job.uuid());
        let query = match self.db.backend() {
            // SQLite's transaction already holds the only write lock.
            Backend::Sqlite => query,
            Backend::Postgres => query.lock_exclusive(),
        };
        let row = query.one(&tx).await.during(operation)?;
        let holds = row.is_some_and(|row| row.generation.cast_unsigned() == generation && is_held(&row.state));
        Ok(holds.then_some(tx))
    }
}

pub fn encode_objects(objects: &BTreeMap<String, WorkObject>) -> Value {
    serde_json::to_value(objects).unwrap_or_default()
}

pub fn decode_objects(stored: Value) -> Result<BTreeMap<String, WorkObject>, Undecodable> {
    serde_json::from_value(stored).map_err(|why| Undecodable::new("objects", why))
}

fn is_held(state: &str) -> bool {
    state.parse().is_ok_and(words::is_held)
}

fn ended(
    job: JobId,
    name: StageName,
    state: StageState,
    now: DateTime<Utc>,
) -> sea_orm::UpdateMany<rows::stage::Entity> {
    rows::stage::Entity::update_many()
        .col_expr(Column::State, Expr::val(state.as_str()))
        .col_expr(Column::FinishedAt, Expr::val(micros(now)))
        .filter(Column::JobId.eq(job.uuid()))
        .filter(Column::Name.eq(name.as_str()))
        .filter(Column::State.eq(StageState::Running.as_str()))
}

fn read(row: rows::stage::Model) -> Result<Stage, Undecodable> {
    let rows::stage::Model {
        job_id,
        name,
        state,
        attempt,
        inputs_hash,
        // Of versions before `objects`: the main object, under its fixed key.
        output_key: _,
        output_sha256: _,
        output,
        provider,
        started_at,
        finished_at,
        failure,
        objects,
        tried,
    } = row;
    // What a newer version says of it changes nothing that is done here.
    let tried = tried.and_then(|tried| serde_json::from_value(tried).ok()).unwrap_or_default();
    let state = StageState::parse(&state)?;
    let objects = objects.map(decode_objects).transpose()?;
    let checkpoint = match (state, inputs_hash) {
        (StageState::Done, Some(inputs_hash)) => Some(Checkpoint { inputs_hash, objects, output, provider }),
        _ => None,
    };
    Ok(Stage {
        job_id: JobId::from_uuid(job_id),
        name,
        state,
        attempt: attempt.cast_unsigned(),
        checkpoint,
        started_at,
        finished_at,
        failure: failure.map(decode_failure),
        tried,
    })
}
