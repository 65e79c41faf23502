//! Parts of a job that only a newer version can read.

use sea_orm::{
    ColumnTrait, Condition, ExprTrait,
    sea_query::{Expr, Query},
};

use crate::{OutsideCallState, StageState, rows};

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
