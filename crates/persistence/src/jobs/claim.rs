//! Leases: one orchestrator at a time holds a job, and only for as long as it says so.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{JobEvent, JobId, JobState, Transition, transition};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, DbErr, EntityTrait, ExprTrait, FromQueryResult, QueryFilter,
    QueryOrder, QuerySelect, Select,
    sea_query::{Expr, Func, LockBehavior, LockType},
};

use super::{
    Jobs,
    change::log_on_locked_row,
    unknown::{ClaimableKind, has_unknown_parts, is_of_kinds},
};
use crate::{
    Backend, Job, Journal,
    error::{During, PersistenceError},
    rows::{self, job::Column},
    time::{micros, micros_option},
    words::{is_held, state_words, tier_words},
};

/// Who wants work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim<'a> {
    /// Name of the instance, for people.
    pub owner: &'a str,
    pub lease_until: DateTime<Utc>,
    /// What it may be: jobs of other kinds are left alone, whether they are unknown here or have no free slot.
    pub kinds: &'a [ClaimableKind],
    /// Whether a job that waits for a try may be begun; if not, only those are taken that were begun already: parked
    /// ones, and those whose holder's lease ran out.
    pub may_start: bool,
}

/// A job that was claimed.
#[derive(Clone, PartialEq, Debug)]
pub struct Claimed {
    /// As it is since.
    pub job: Job,
    /// Where it stood before.
    pub from: JobState,
    /// What it waited for, when it was parked.
    pub waited_for: Option<String>,
}

/// Of a job that may be claimed, what a claim changes it by.
#[derive(FromQueryResult)]
struct Due {
    id: uuid::Uuid,
    kind: String,
    state: String,
    waits_for: Option<String>,
    deadline_at: Option<DateTime<Utc>>,
    lease_until: Option<DateTime<Utc>>,
    time_left_ms: Option<i64>,
}

impl Due {
    /// The deadline of who claims it now. One that waited has what it had left when it went to wait; one whose holder's
    /// lease ran out has what was left then; one that was never begun has what its kind allows.
    fn deadline_at(&self, kinds: &[ClaimableKind], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let unheld = self.lease_until.map_or_else(TimeDelta::zero, |until| (now - until).max(TimeDelta::zero()));
        let set = self.deadline_at.map(|at| at + unheld);
        let left = || self.time_left_ms.map(|left| now + TimeDelta::milliseconds(left));
        let of_kind = || kinds.iter().find(|kind| kind.name.as_str() == self.kind).and_then(|kind| kind.deadline_at);
        set.or_else(left).or_else(of_kind)
    }
}

/// Whether a lease still stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Held {
    Yes {
        cancel_requested: bool,
    },
    /// The job has ended or waits again, or somebody else has claimed it: drop its work.
    Lost,
}

impl Jobs<'_> {
    /// Takes the job that has been due longest, of those that were begun before those that were not: one that waits or is
    /// parked, or one whose holder's lease ran out (which counts a crash, and has the journal's events of a takeover). A parked
    /// job that is looked at again has no event: followers know that it waits. Each claim has a new generation. Time in
    /// which nobody could work on a job, in the queue or under a lease that ran out, is not taken from what it has until its
    /// deadline. Jobs that are to be cancelled or are past their deadline are left to whoever ends them, and so is whatever
    /// this version does not know. `None` when nothing is due.
    pub async fn claim_due(
        &self,
        claim: Claim<'_>,
        journal: &Journal<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<Claimed>, PersistenceError> {
        const DOING: &str = "claim a due job";
        let now = micros(now);
        let started = Func::coalesce([Expr::col(Column::StartedAt), Expr::val(now)]);
        if claim.kinds.is_empty() {
            return Ok(None);
        }
        let tx = self.db.begin(DOING).await?;
        // Locked until the end of the transaction, so that what was read of it stays true.
        let Some(due) = self.next_due(&tx, &claim, now).await.during(DOING)? else { return Ok(None) };
        let Due { id, state, .. } = &due;
        let is_takeover = !due_states().contains(&state.as_str());
        let deadline_at = due.deadline_at(claim.kinds, now);
        let claimed = rows::job::Entity::update_many()
            .col_expr(Column::State, Expr::val(JobState::Running.as_str()))
            .col_expr(Column::Version, Expr::col(Column::Version).add(1_i64))
            .col_expr(Column::Generation, Expr::col(Column::Generation).add(1_i64))
            .col_expr(Column::Crashes, Expr::col(Column::Crashes).add(i32::from(is_takeover)))
            .col_expr(Column::LeaseOwner, Expr::val(claim.owner))
            .col_expr(Column::LeaseUntil, Expr::val(micros(claim.lease_until)))
            .col_expr(Column::DeadlineAt, Expr::val(micros_option(deadline_at)))
            .col_expr(Column::TimeLeftMs, Expr::val(None::<i64>))
            .col_expr(Column::StartedAt, started.into())
            .col_expr(Column::WaitsFor, Expr::val(None::<String>))
            .col_expr(Column::UpdatedAt, Expr::val(now))
            .filter(Column::Id.eq(*id))
            .exec_with_returning(&tx)
            .await
            .during(DOING)?;
        let Some(row) = claimed.into_iter().next() else { return Ok(None) };
        let mut job = Job::from_row(row).during(DOING)?;
        let from = JobState::ALL.into_iter().find(|known| known.as_str() == state.as_str()).unwrap_or(JobState::Queued);
        let logged = match from {
            JobState::Parked => Vec::new(),
            _ if is_takeover => journal.takeover_events_of(&job),
            _ => journal.events_of(&job),
        };
        log_on_locked_row(&tx, &mut job, logged, journal, now, DOING).await?;
        tx.commit().await.during(DOING)?;
        Ok(Some(Claimed { job, from, waited_for: due.waits_for }))
    }

    /// Whoever has been begun goes first: what was done for it would be lost with its time.
    async fn next_due(
        &self,
        tx: &DatabaseTransaction,
        claim: &Claim<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<Due>, DbErr> {
        let is_in_time = Condition::any().add(Column::DeadlineAt.is_null()).add(Column::DeadlineAt.gt(now));
        let waits = |state: JobState| {
            Condition::all().add(Column::State.eq(state.as_str())).add(Column::DueAt.lte(now)).add(is_in_time.clone())
        };
        let lost = Condition::all().add(Column::State.is_in(claimable_while_held())).add(no_live_lease(now));
        let mut begun = Condition::any().add(waits(JobState::Parked)).add(lost);
        if claim.may_start {
            begun = begun.add(waits(JobState::Queued).add(Column::StartedAt.is_not_null()));
        }
        let first = self.first_of(begun, claim.kinds).into_model::<Due>().one(tx).await?;
        if first.is_some() || !claim.may_start {
            return Ok(first);
        }
        let fresh = waits(JobState::Queued).add(Column::StartedAt.is_null());
        self.first_of(fresh, claim.kinds).into_model::<Due>().one(tx).await
    }

    /// The first by due time, locked.
    fn first_of(&self, which: Condition, kinds: &[ClaimableKind]) -> Select<rows::job::Entity> {
        let query = rows::job::Entity::find()
            .select_only()
            .columns([Column::Id, Column::Kind, Column::State, Column::WaitsFor])
            .columns([Column::DeadlineAt, Column::LeaseUntil, Column::TimeLeftMs])
            .filter(which)
            .filter(is_of_kinds(kinds))
            .filter(Column::Tier.is_in(tier_words()))
            .filter(has_unknown_parts().not())
            .filter(Column::CancelRequestedAt.is_null())
            .order_by_asc(Column::DueAt)
            .order_by_asc(Column::Id)
            .limit(1);
        match self.db.backend() {
            Backend::Postgres => query.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked),
            // Its transaction already holds the only write lock.
            Backend::Sqlite => query,
        }
    }

    /// Prolongs a lease. Also revives one that ran out, as long as nobody took the job.
    pub async fn heartbeat(
        &self,
        id: JobId,
        generation: u64,
        lease_until: DateTime<Utc>,
    ) -> Result<Held, PersistenceError> {
        const DOING: &str = "prolong a lease";
        let rows = rows::job::Entity::update_many()
            .col_expr(Column::LeaseUntil, Expr::val(micros(lease_until)))
            .filter(held_by(id, generation))
            .exec_with_returning(self.db.writer())
            .await
            .during(DOING)?;
        Ok(held(rows.into_iter().next()))
    }

    /// Looks whether a lease still stands and whether its job is to be cancelled, without prolonging it.
    pub async fn check_lease(&self, id: JobId, generation: u64) -> Result<Held, PersistenceError> {
        let query = rows::job::Entity::find().filter(held_by(id, generation));
        Ok(held(query.one(self.db.reader()).await.during("look at a lease")?))
    }
}

fn held(row: Option<rows::job::Model>) -> Held {
    row.map_or(Held::Lost, |row| Held::Yes { cancel_requested: row.cancel_requested_at.is_some() })
}

fn held_by(id: JobId, generation: u64) -> Condition {
    Condition::all()
        .add(Column::Id.eq(id.uuid()))
        .add(Column::Generation.eq(generation.cast_signed()))
        .add(Column::State.is_in(state_words(is_held)))
}

/// Nobody holds the job: its lease ran out, or it has none.
pub fn no_live_lease(now: DateTime<Utc>) -> Condition {
    Condition::any().add(Column::LeaseUntil.is_null()).add(Column::LeaseUntil.lt(now))
}

/// States in which a job waits for its due time, held by nobody.
fn due_states() -> [&'static str; 2] {
    [JobState::Queued, JobState::Parked].map(JobState::as_str)
}

/// Held states from which the domain allows a claim, once the lease ran out.
pub fn claimable_while_held() -> Vec<&'static str> {
    state_words(|state| is_held(state) && is_claimable(state))
}

fn is_claimable(state: JobState) -> bool {
    transition(state, JobEvent::Claimed) == Transition::To(JobState::Running)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_claimed_is_what_the_domain_says() {
        assert!(is_claimable(JobState::Queued) && is_claimable(JobState::Parked), "claim_due takes them when due");
        assert_eq!(claimable_while_held(), ["running", "storing"]);
    }
}
