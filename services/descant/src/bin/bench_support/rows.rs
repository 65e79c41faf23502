//! What a deployment's database says of the calls and stages of its jobs, in the words of [`payments`](super::payments).

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use domain::{FailureCode, JobId, Usage};
use persistence::{Database, OutsideCall, OutsideCallState, Stage};

use super::payments::{Call, Made, Stages, Standing};

const MOST_CONNECTIONS: u32 = 2;

/// The rows of these jobs, by their ids. Nothing is written.
pub async fn read(database_url: &str, jobs: &[String]) -> Result<(Vec<Call>, Stages)> {
    let database = Database::connect(database_url, MOST_CONNECTIONS).await.context("open the deployment's database")?;
    let (mut calls, mut stages) = (Vec::new(), Stages::new());
    for id in jobs {
        let job: JobId = id.parse().context("read a job's id")?;
        let rows = database.outside_calls().of_job(job).await.context("read a job's calls")?;
        calls.extend(rows.into_iter().map(call));
        for stage in database.stages().list(job).await.context("read a job's stages")? {
            stages.insert((id.clone(), stage.name.clone()), made(stage));
        }
    }
    database.close().await.context("close the deployment's database")?;
    Ok((calls, stages))
}

fn call(row: OutsideCall) -> Call {
    let standing = standing(&row);
    let OutsideCall { id, job_id, stage, purpose, provider, outside_id, .. } = row;
    Call { id: id.to_string(), job: job_id.to_string(), stage, purpose, provider, outside_id, standing }
}

fn standing(row: &OutsideCall) -> Standing {
    // Of an answer that came it is known what was used for it.
    let has_come = row.usage != Usage::default();
    match row.state {
        OutsideCallState::Succeeded => Standing::Kept,
        // Work that failed has an id; a request that was refused has none.
        OutsideCallState::Failed if has_come || row.outside_id.is_some() => Standing::OfNoUse,
        OutsideCallState::Unanswered if has_come => Standing::OfNoUse,
        OutsideCallState::Failed
        | OutsideCallState::Unanswered
        | OutsideCallState::Intended
        | OutsideCallState::Asking
        | OutsideCallState::NeverArrived => Standing::Lost,
        // What is still open when its job has ended is called off with it.
        OutsideCallState::Open
        | OutsideCallState::Cancelling
        | OutsideCallState::Cancelled
        | OutsideCallState::Abandoned => Standing::CalledOff,
    }
}

fn made(stage: Stage) -> Made {
    let is_late = |code: Option<FailureCode>| code == Some(FailureCode::StageTimeout);
    let too_late: BTreeSet<String> =
        stage.tried.into_iter().filter(|tried| is_late(tried.code)).map(|tried| tried.provider).collect();
    Made { by: stage.checkpoint.and_then(|checkpoint| checkpoint.provider), too_late }
}
