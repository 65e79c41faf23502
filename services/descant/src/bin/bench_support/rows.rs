//! What a deployment's database says of the calls and stages of its jobs, in the words of [`payments`](super::payments).

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use domain::{FailureCode, JobId, Usage};
use persistence::{Database, OutsideCall, OutsideCallState, Stage};

use super::payments::{Call, Made, Stages, Standing};

const MOST_CONNECTIONS: u32 = 2;
/// How long calls of jobs that have ended may take to be called off, or to be answered after all. What is not settled then is
/// judged as it stands.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The rows of some jobs. Nothing is written.
pub struct Rows {
    database: Database,
    jobs: Vec<JobId>,
}

impl Rows {
    /// Of jobs that have ended, by their ids.
    pub async fn of<'a>(database_url: &str, jobs: impl Iterator<Item = &'a str>) -> Result<Self> {
        let jobs = jobs.map(str::parse::<JobId>).collect::<Result<Vec<_>, _>>().context("read a job's id")?;
        let database = Database::connect(database_url, MOST_CONNECTIONS).await;
        Ok(Self { database: database.context("open the deployment's database")?, jobs })
    }

    /// Waits until no call is under way any more. Returns how many still are when it is waited for no longer.
    pub async fn settled(&self) -> Result<usize> {
        let until = Instant::now() + SETTLED_WITHIN;
        loop {
            let open = self.calls().await?.iter().filter(|call| call.ended_at.is_none()).count();
            if open == 0 || Instant::now() > until {
                return Ok(open);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// In the words of the rule.
    pub async fn read(&self) -> Result<(Vec<Call>, Stages)> {
        let mut stages = Stages::new();
        for job in &self.jobs {
            for stage in self.database.stages().list(*job).await.context("read a job's stages")? {
                stages.insert((job.to_string(), stage.name.clone()), made(stage));
            }
        }
        Ok((self.calls().await?.into_iter().map(call).collect(), stages))
    }

    async fn calls(&self) -> Result<Vec<OutsideCall>> {
        let mut calls = Vec::new();
        for job in &self.jobs {
            calls.extend(self.database.outside_calls().of_job(*job).await.context("read a job's calls")?);
        }
        Ok(calls)
    }
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
