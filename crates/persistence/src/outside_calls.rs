//! What was asked of somebody outside for a stage of a job. The row is written before the call, so that an answer that
//! never came is looked for by its correlation, and nothing is asked or paid for twice.

use std::fmt;

use chrono::{DateTime, Utc};
use domain::{Cost, JobId, OutsideCallId, StageName, Usage};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, Value as Bound},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    backend::Backend,
    database::Database,
    error::{During, PersistenceError, Undecodable},
    rows::{self, outside_call::Column},
    spending::{self, Purse, SpendingLimits},
    stages::WorkObject,
    time::micros,
};

/// How far a call is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OutsideCallState {
    /// It was about to be made. Whether it arrived is not known until the other side is asked.
    Intended,
    /// It is answered at once or never: there is nobody to ask for it. Without an answer nobody knows whether it was paid for.
    Asking,
    /// It was not answered, or what was answered was lost.
    Unanswered,
    /// The other side works on it, under its own id.
    Open,
    Succeeded,
    Failed,
    /// Its job has ended, and it is being called off: a later try of the job makes a call of its own.
    Cancelling,
    Cancelled,
    /// The other side says that it knows of no such call.
    NeverArrived,
    /// It could not be called off for so long that nobody tries any more.
    Abandoned,
}

impl OutsideCallState {
    pub const ALL: [Self; 10] = [
        Self::Intended,
        Self::Asking,
        Self::Unanswered,
        Self::Open,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelling,
        Self::Cancelled,
        Self::NeverArrived,
        Self::Abandoned,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Asking => "asking",
            Self::Unanswered => "unanswered",
            Self::Open => "open",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
            Self::NeverArrived => "never_arrived",
            Self::Abandoned => "abandoned",
        }
    }

    fn parse(word: &str) -> Result<Self, Undecodable> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == word);
        found.ok_or_else(|| Undecodable::new("outside_calls.state", format!("unknown state {word:?}")))
    }

    /// Whether it may have been paid for, so that it is not made again.
    pub const fn stands(self) -> bool {
        matches!(self, Self::Intended | Self::Asking | Self::Unanswered | Self::Open | Self::Succeeded)
    }
}

impl fmt::Display for OutsideCallState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was answered, as it is kept: the value, and where the files lie.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct KeptAnswer {
    pub value: Value,
    #[serde(default)]
    pub files: Vec<WorkObject>,
}

/// A call that is about to be made.
#[derive(Clone, Debug)]
pub struct NewCall<'a> {
    /// Also becomes the correlation.
    pub id: OutsideCallId,
    pub job: JobId,
    pub generation: u64,
    pub stage: StageName,
    pub purpose: &'a str,
    pub provider: &'a str,
    pub credential: &'a str,
    /// Whether it is answered at once or never.
    pub answers_at_once: bool,
    /// Whether one that was not answered is made again: it costs nothing.
    pub may_repeat: bool,
    /// What it will cost.
    pub estimate: Option<Cost>,
    pub limits: SpendingLimits,
}

impl<'a> NewCall<'a> {
    /// A call that can be looked for, and costs nothing that is known.
    pub fn new(
        id: OutsideCallId,
        (job, generation): (JobId, u64),
        (stage, purpose): (StageName, &'a str),
        (provider, credential): (&'a str, &'a str),
    ) -> Self {
        Self {
            id,
            job,
            generation,
            stage,
            purpose,
            provider,
            credential,
            answers_at_once: false,
            may_repeat: false,
            estimate: None,
            limits: SpendingLimits::default(),
        }
    }
}

/// One row of `outside_calls`.
#[derive(Clone, PartialEq, Debug)]
pub struct OutsideCall {
    pub id: OutsideCallId,
    pub job_id: JobId,
    pub stage: String,
    /// Which call of the stage, where it makes several.
    pub purpose: String,
    pub provider: String,
    /// Which of the provider's keys, by name; never the key.
    pub credential: String,
    /// Sent along with the call, so that the other side can be asked for it.
    pub correlation: String,
    /// The other side's id, once it is known.
    pub outside_id: Option<String>,
    pub state: OutsideCallState,
    pub cost: Option<Cost>,
    /// What was set aside for it.
    pub estimate: Option<Cost>,
    pub usage: Usage,
    /// Of one that succeeded, where it is kept.
    pub answer: Option<KeptAnswer>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// The answer to the request to make a call.
#[derive(Clone, PartialEq, Debug)]
pub enum Begun {
    /// It is written down; make it.
    Fresh(OutsideCall),
    /// An earlier attempt of the stage began it, and it may still be answered or has succeeded: look for it, do not make
    /// it again.
    Known(OutsideCall),
    /// There is one in a state that only a newer version knows: it may have been paid for, and is left to that version.
    Unknown,
    /// More would be spent than a limit says; in words, whose.
    OverLimit(String),
    /// Somebody else holds the job now.
    Lost,
}

/// The table of outside calls.
#[derive(Clone, Copy)]
pub struct OutsideCalls<'a> {
    pub(crate) db: &'a Database,
}

impl OutsideCalls<'_> {
    /// Writes down that a stage is about to ask a provider for something, unless it did before and that call has not come
    /// to nothing, or more would be spent than may be. Only for the holder of the job's lease.
    pub async fn begin(&self, new: &NewCall<'_>, now: DateTime<Utc>) -> Result<Begun, PersistenceError> {
        const DOING: &str = "begin an outside call";
        let Some(tx) = self.db.stages().begin_as_holder(new.job, new.generation, DOING).await? else {
            return Ok(Begun::Lost);
        };
        // A state that only a newer version knows may stand, too: that call is not made again here.
        let over = OutsideCallState::ALL.into_iter().filter(|state| !state.stands()).map(OutsideCallState::as_str);
        let known = rows::outside_call::Entity::find()
            .filter(Column::JobId.eq(new.job.uuid()))
            .filter(Column::Stage.eq(new.stage.as_str()))
            .filter(Column::Purpose.eq(new.purpose))
            .filter(Column::Provider.eq(new.provider))
            // What was asked with another key is seen with that key only; it is called off when the job ends.
            .filter(Column::Credential.eq(new.credential))
            .filter(Column::State.is_not_in(over))
            .order_by_desc(Column::CreatedAt)
            .one(&tx)
            .await
            .during(DOING)?;
        if let Some(row) = known {
            let Ok(call) = read(row) else { return Ok(Begun::Unknown) };
            let is_lost = matches!(call.state, OutsideCallState::Asking | OutsideCallState::Unanswered);
            if !(is_lost && new.may_repeat) {
                return Ok(Begun::Known(call));
            }
            settle_in(&tx, &call, &Settled::of(OutsideCallState::NeverArrived), now).await?;
        }
        if let Some(estimate) = &new.estimate {
            let owner = owner(&tx, new.job).await?;
            let purses = (new.provider, owner.as_str());
            if let Some(purse) = spending::reserve(&tx, now, estimate, purses, &new.limits).await? {
                return Ok(Begun::OverLimit(Purse::described(purse)));
            }
        }
        let call = OutsideCall {
            id: new.id,
            job_id: new.job,
            stage: new.stage.to_string(),
            purpose: new.purpose.to_owned(),
            provider: new.provider.to_owned(),
            credential: new.credential.to_owned(),
            correlation: new.id.to_string(),
            outside_id: None,
            state: if new.answers_at_once { OutsideCallState::Asking } else { OutsideCallState::Intended },
            cost: None,
            estimate: new.estimate.clone(),
            usage: Usage::default(),
            answer: None,
            created_at: micros(now),
            updated_at: micros(now),
            ended_at: None,
        };
        rows::outside_call::Entity::insert(active(&call)).exec_without_returning(&tx).await.during(DOING)?;
        tx.commit().await.during(DOING)?;
        Ok(Begun::Fresh(call))
    }

    /// Remembers the other side's id. False when the call is settled already, or being called off.
    pub async fn opened(
        &self,
        id: OutsideCallId,
        outside_id: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, PersistenceError> {
        let opened = rows::outside_call::Entity::update_many()
            .col_expr(Column::OutsideId, Expr::val(outside_id))
            .col_expr(Column::State, Expr::val(OutsideCallState::Open.as_str()))
            .col_expr(Column::UpdatedAt, Expr::val(micros(now)))
            .filter(Column::Id.eq(id.uuid()))
            .filter(Column::State.is_in([OutsideCallState::Intended.as_str(), OutsideCallState::Open.as_str()]))
            .exec(self.db.writer())
            .await
            .during("note an outside call's id")?;
        Ok(opened.rows_affected == 1)
    }

    /// Remembers how a call ended and what it cost. False when it was settled already: the first word stands. What was set
    /// aside for one whose cost nobody tells counts as spent when it may have been paid for.
    pub async fn ended(
        &self,
        id: OutsideCallId,
        state: OutsideCallState,
        cost: Option<&Cost>,
        now: DateTime<Utc>,
    ) -> Result<bool, PersistenceError> {
        self.settle(id, &Settled { cost, ..Settled::of(state) }, now).await
    }

    /// The same of a call that was answered, with what it used and, where it is kept, the answer. One that was thought unanswered
    /// and has succeeded after all is settled anew, with its true cost.
    pub async fn answered(
        &self,
        id: OutsideCallId,
        state: OutsideCallState,
        (usage, cost): (&Usage, Option<&Cost>),
        answer: Option<&KeptAnswer>,
        now: DateTime<Utc>,
    ) -> Result<bool, PersistenceError> {
        self.settle(id, &Settled { state, cost, usage: Some(usage), answer }, now).await
    }

    async fn settle(
        &self,
        id: OutsideCallId,
        settled: &Settled<'_>,
        now: DateTime<Utc>,
    ) -> Result<bool, PersistenceError> {
        const DOING: &str = "settle an outside call";
        let tx = self.db.begin(DOING).await?;
        let query = rows::outside_call::Entity::find_by_id(id.uuid());
        let query = match self.db.backend() {
            Backend::Sqlite => query,
            Backend::Postgres => query.lock_exclusive(),
        };
        let Some(row) = query.one(&tx).await.during(DOING)? else { return Ok(false) };
        let call = read(row).during(DOING)?;
        // Somebody else has given up on its maker, who has the answer.
        let was_late = call.state == OutsideCallState::Unanswered && settled.state == OutsideCallState::Succeeded;
        if call.ended_at.is_some() && !was_late {
            return Ok(false);
        }
        settle_in(&tx, &call, settled, now).await?;
        tx.commit().await.during(DOING)?;
        Ok(true)
    }

    /// Whether a stage has asked a provider, or one of its services (`PROVIDER/…`), for something that may still be answered, or
    /// was.
    pub async fn has_begun(&self, job: JobId, stage: StageName, provider: &str) -> Result<bool, PersistenceError> {
        let stands = OutsideCallState::ALL.into_iter().filter(|state| {
            state.stands() && !matches!(state, OutsideCallState::Asking | OutsideCallState::Unanswered)
        });
        let found = rows::outside_call::Entity::find()
            .filter(Column::JobId.eq(job.uuid()))
            .filter(Column::Stage.eq(stage.as_str()))
            .filter(
                Condition::any()
                    .add(Column::Provider.eq(provider))
                    .add(Column::Provider.starts_with(format!("{provider}/"))),
            )
            .filter(Column::State.is_in(stands.map(OutsideCallState::as_str)))
            .one(self.db.reader())
            .await
            .during("look for a stage's outside calls")?;
        Ok(found.is_some())
    }

    /// All calls of a job, oldest first.
    pub async fn of_job(&self, job: JobId) -> Result<Vec<OutsideCall>, PersistenceError> {
        const DOING: &str = "read a job's outside calls";
        let query = rows::outside_call::Entity::find().filter(Column::JobId.eq(job.uuid()));
        let query = query.order_by_asc(Column::CreatedAt).order_by_asc(Column::Id);
        let rows = query.all(self.db.reader()).await.during(DOING)?;
        rows.into_iter().map(read).collect::<Result<_, _>>().during(DOING)
    }

    /// A call by its id, which is also its correlation.
    pub async fn get(&self, id: OutsideCallId) -> Result<Option<OutsideCall>, PersistenceError> {
        const DOING: &str = "read an outside call";
        let row = rows::outside_call::Entity::find_by_id(id.uuid()).one(self.db.reader()).await.during(DOING)?;
        row.map(read).transpose().during(DOING)
    }

    /// The call that a provider's callback is about.
    pub async fn by_outside_id(
        &self,
        (provider, credential): (&str, &str),
        outside_id: &str,
    ) -> Result<Option<OutsideCall>, PersistenceError> {
        const DOING: &str = "look for an outside call";
        let row = rows::outside_call::Entity::find()
            .filter(Column::Provider.eq(provider))
            .filter(Column::Credential.eq(credential))
            .filter(Column::OutsideId.eq(outside_id))
            .one(self.db.reader())
            .await
            .during(DOING)?;
        row.map(read).transpose().during(DOING)
    }
}

/// How a call ended.
pub struct Settled<'a> {
    state: OutsideCallState,
    cost: Option<&'a Cost>,
    usage: Option<&'a Usage>,
    answer: Option<&'a KeptAnswer>,
}

impl Settled<'_> {
    pub const fn of(state: OutsideCallState) -> Self {
        Self { state, cost: None, usage: None, answer: None }
    }
}

pub async fn settle_in(
    tx: &DatabaseTransaction,
    call: &OutsideCall,
    Settled { state, cost, usage, answer }: &Settled<'_>,
    now: DateTime<Utc>,
) -> Result<(), PersistenceError> {
    const DOING: &str = "settle an outside call";
    // Nobody says what an unanswered call cost, or one that was called off: what was set aside is the likeliest.
    let may_be_paid = matches!(
        state,
        OutsideCallState::Unanswered
            | OutsideCallState::Succeeded
            | OutsideCallState::Cancelled
            | OutsideCallState::Abandoned
    );
    let cost = cost.cloned().or_else(|| call.estimate.clone().filter(|_| may_be_paid));
    let update = rows::outside_call::Entity::update_many()
        .col_expr(Column::State, Expr::val(state.as_str()))
        .col_expr(Column::CostMicros, Expr::val(cost.as_ref().map(|cost| cost.micros)))
        .col_expr(Column::UpdatedAt, Expr::val(micros(now)))
        .col_expr(Column::EndedAt, Expr::val(micros(now)))
        .filter(Column::Id.eq(call.id.uuid()));
    let update = match &cost {
        Some(cost) => update.col_expr(Column::Currency, Expr::val(cost.currency.clone())),
        None => update,
    };
    let update = match usage {
        Some(usage) => update.col_expr(Column::Usage, Expr::val(Bound::from(serde_json::to_value(usage).ok()))),
        None => update,
    };
    let update = match answer {
        Some(answer) => update.col_expr(Column::Answer, Expr::val(Bound::from(serde_json::to_value(answer).ok()))),
        None => update,
    };
    update.exec(tx).await.during(DOING)?;
    // One that was settled before has given back what was set aside for it; what was counted as its cost then is corrected.
    let is_settled = call.ended_at.is_some();
    let reserved = call.estimate.clone().filter(|_| !is_settled);
    let counted = call.cost.as_ref().filter(|_| is_settled && cost.is_some());
    if reserved.is_some() || cost.is_some() {
        let owner = owner(tx, call.job_id).await?;
        let purses = (call.provider.as_str(), owner.as_str());
        if let Some(counted) = counted {
            let back = Cost { micros: -counted.micros, currency: counted.currency.clone() };
            spending::settle(tx, call.created_at, purses, None, Some(&back)).await?;
        }
        spending::settle(tx, call.created_at, purses, reserved.as_ref(), cost.as_ref()).await?;
    }
    Ok(())
}

pub async fn owner(tx: &DatabaseTransaction, job: JobId) -> Result<String, PersistenceError> {
    let row = rows::job::Entity::find_by_id(job.uuid()).one(tx).await.during("look for a job's owner")?;
    Ok(row.map(|row| row.owner).unwrap_or_default())
}

fn active(call: &OutsideCall) -> rows::outside_call::ActiveModel {
    let OutsideCall {
        id,
        job_id,
        stage,
        purpose,
        provider,
        credential,
        correlation,
        outside_id,
        state,
        cost,
        estimate,
        usage,
        answer,
        created_at,
        updated_at,
        ended_at,
    } = call;
    rows::outside_call::ActiveModel {
        id: Set(id.uuid()),
        job_id: Set(job_id.uuid()),
        stage: Set(stage.clone()),
        purpose: Set(purpose.clone()),
        provider: Set(provider.clone()),
        credential: Set(credential.clone()),
        correlation: Set(correlation.clone()),
        outside_id: Set(outside_id.clone()),
        state: Set(state.as_str().to_owned()),
        cost_micros: Set(cost.as_ref().map(|cost| cost.micros)),
        currency: Set(cost.as_ref().or(estimate.as_ref()).map(|cost| cost.currency.clone())),
        answer: Set(answer.as_ref().and_then(|answer| serde_json::to_value(answer).ok())),
        usage: Set(serde_json::to_value(usage).ok()),
        estimate_micros: Set(estimate.as_ref().map(|cost| cost.micros)),
        created_at: Set(*created_at),
        updated_at: Set(*updated_at),
        ended_at: Set(*ended_at),
    }
}

pub fn read(row: rows::outside_call::Model) -> Result<OutsideCall, Undecodable> {
    let rows::outside_call::Model {
        id,
        job_id,
        stage,
        purpose,
        provider,
        credential,
        correlation,
        outside_id,
        state,
        cost_micros,
        currency,
        created_at,
        updated_at,
        ended_at,
        answer,
        usage,
        estimate_micros,
    } = row;
    let unreadable = |what| move |why: serde_json::Error| Undecodable::new(what, why);
    let cost_of =
        |micros: Option<i64>| micros.zip(currency.clone()).map(|(micros, currency)| Cost { micros, currency });
    Ok(OutsideCall {
        id: OutsideCallId::from_uuid(id),
        job_id: JobId::from_uuid(job_id),
        stage,
        purpose,
        provider,
        credential,
        correlation,
        outside_id,
        state: OutsideCallState::parse(&state)?,
        cost: cost_of(cost_micros),
        estimate: cost_of(estimate_micros),
        usage: usage
            .map(serde_json::from_value)
            .transpose()
            .map_err(unreadable("outside_calls.usage"))?
            .unwrap_or_default(),
        answer: answer.map(serde_json::from_value).transpose().map_err(unreadable("outside_calls.answer"))?,
        created_at,
        updated_at,
        ended_at,
    })
}
