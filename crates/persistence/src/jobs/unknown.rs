//! What of a job only a newer version can read, and the kinds that this one knows.

use chrono::{DateTime, Utc};
use domain::{KindName, KindSpec, StageName};
use sea_orm::{
    ColumnTrait, Condition, ExprTrait,
    sea_query::{Expr, Query},
};

use crate::{OutsideCallState, StageState, rows};

/// A kind that may be claimed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimableKind {
    pub name: KindName,
    /// Of its table: a job with another stage is left to the version that wrote it.
    pub stages: Vec<StageName>,
    /// A job's deadline from its first claim on, unless it already has one.
    pub deadline_at: Option<DateTime<Utc>>,
}

impl ClaimableKind {
    pub fn of(spec: &KindSpec, deadline_at: Option<DateTime<Utc>>) -> Self {
        Self { name: spec.name.clone(), stages: spec.stages.iter().map(|stage| stage.name).collect(), deadline_at }
    }
}

/// Whether a job is of one of these kinds, and all its stages so far are of that kind's table. A job that a newer version
/// brought into a stage of its own would be completed here without that stage.
pub fn is_of_kinds(kinds: &[ClaimableKind]) -> Condition {
    use rows::{job, stage};
    let mut any = Condition::any();
    for kind in kinds {
        let names: Vec<&str> = kind.stages.iter().map(|stage| stage.as_str()).collect();
        let others = Query::select()
            .expr(Expr::val(1))
            .from(stage::Entity)
            .and_where(Expr::col((stage::Entity, stage::Column::JobId)).eq(Expr::col((job::Entity, job::Column::Id))))
            .and_where(stage::Column::Name.is_not_in(names.clone()))
            .to_owned();
        let is_in_one = Condition::any().add(job::Column::Stage.is_null()).add(job::Column::Stage.is_in(names));
        any = any.add(
            Condition::all()
                .add(job::Column::Kind.eq(kind.name.as_str()))
                .add(is_in_one)
                .add(Expr::exists(others).not()),
        );
    }
    // Without a kind it would hold for every job.
    if any.is_empty() { any.add(Expr::val(1).eq(0)) } else { any }
}

/// Whether a job has a stage or an outside call in a state that only a newer version knows. Whoever works on the job has
/// to read them, so that it is set aside before it is claimed.
pub fn has_unknown_parts() -> Condition {
    use rows::{job, outside_call, stage};
    let of_job = |column: Expr| column.eq(Expr::col((job::Entity, job::Column::Id)));
    let stages = Query::select()
        .expr(Expr::val(1))
        .from(stage::Entity)
        .and_where(of_job(Expr::col((stage::Entity, stage::Column::JobId))))
        .and_where(stage::Column::State.is_not_in(StageState::ALL.map(StageState::as_str)))
        .to_owned();
    let calls = Query::select()
        .expr(Expr::val(1))
        .from(outside_call::Entity)
        .and_where(of_job(Expr::col((outside_call::Entity, outside_call::Column::JobId))))
        .and_where(outside_call::Column::State.is_not_in(OutsideCallState::ALL.map(OutsideCallState::as_str)))
        .to_owned();
    Condition::any().add(Expr::exists(stages)).add(Expr::exists(calls))
}
