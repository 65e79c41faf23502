//! Work that somebody outside does for a stage: asked for once, looked for when an answer is missing, looked at until it
//! is done, called off when the job has ended. Between two looks the job is parked: no task, slot or lease waits.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Failure, FailureClass, FailureCode, OutsideCallId};
use persistence::{Begun, Cost, OutsideCall, OutsideCallState, PersistenceError};
use resilience::ids::random10;
use serde_json::Value;
use service_runtime::error_chain;

use crate::{
    context::Context,
    stage::{Parking, StageRun, StageTools},
};

/// Longest that a request may take to show up on the other side. One that nobody there knows of after that never arrived.
const ARRIVAL: TimeDelta = TimeDelta::seconds(30);
/// How soon to look for a call whose answer did not come.
const UNANSWERED: Duration = Duration::from_secs(5);
/// Calls of ended jobs that one sweep calls off; the next one goes on.
const BATCH: u64 = 50;
/// How soon a call that could not be called off is tried again.
const CALL_OFF_AGAIN: TimeDelta = TimeDelta::seconds(30);

/// Somebody who works on a request for longer than one wants to hold a connection.
#[async_trait]
pub trait OutsideService: Send + Sync {
    /// Its name in rows, metrics and results.
    fn provider(&self) -> &'static str;

    /// Which of the provider's keys is used, by name; never the key.
    fn credential(&self) -> &str {
        "default"
    }

    /// Asks for the work. `correlation` goes along so that [`Self::find`] finds it. Gives the other side's id.
    async fn create(&self, correlation: &str, request: &Value) -> Result<String, CreateError>;

    /// The id of what was asked for under a correlation, if the other side knows of it.
    async fn find(&self, correlation: &str) -> Result<Option<String>, Failure>;

    /// How far it is. Also answers for work that was done some time ago.
    async fn look(&self, outside_id: &str) -> Result<OutsideProgress, Failure>;

    /// Calls the work off. Done or unknown already is no error.
    async fn cancel(&self, outside_id: &str) -> Result<(), Failure>;
}

/// Why a request was not answered with an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateError {
    /// It certainly made nothing: it was refused, or never sent.
    Refused(Failure),
    /// It may have arrived.
    Unanswered(Failure),
}

/// How far work outside is.
#[derive(Clone, Debug, PartialEq)]
pub enum OutsideProgress {
    Working {
        /// Of this work, 0–1, when the other side says.
        fraction: Option<f64>,
        look_again_in: Duration,
    },
    Succeeded {
        value: Value,
        cost: Option<Cost>,
    },
    Failed {
        failure: Failure,
        cost: Option<Cost>,
    },
}

/// What a stage gets of [`ask`].
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// What the other side made, and its id there.
    Answered {
        value: Value,
        outside_id: String,
    },
    Parked(Parking),
}

/// Has somebody outside do something for a stage, once, however often the stage is run: the first run asks, later ones
/// look. `purpose` tells several calls of one stage apart.
///
/// # Errors
/// What the other side answers, or what keeps it from being asked.
pub async fn ask(
    run: &StageRun<'_>,
    service: &dyn OutsideService,
    purpose: &str,
    request: &Value,
) -> Result<Asked, Failure> {
    let calls = run.tools.database.outside_calls();
    // Twice at most: a call that never arrived is settled, and then made.
    for _ in 0..2 {
        let now = run.tools.clock.now();
        let id = OutsideCallId::new(now, random10());
        let holder = (run.job.id, run.job.generation);
        let to = (service.provider(), service.credential());
        match calls.begin(id, holder, (run.stage, purpose), to, now).await.map_err(|e| of_rows(&e))? {
            Begun::Lost => return Err(lost()),
            Begun::Fresh(call) => return create(run, service, &call, request).await,
            Begun::Known(call) => match call.outside_id.clone() {
                Some(outside_id) => return look(run, service, &call, outside_id).await,
                None => match service.find(&call.correlation).await? {
                    Some(outside_id) => {
                        calls.opened(call.id, &outside_id, now).await.map_err(|e| of_rows(&e))?;
                        tracing::info!(provider = service.provider(), "an unanswered request was found");
                        return look(run, service, &call, outside_id).await;
                    }
                    None if now < call.created_at + ARRIVAL => {
                        return Ok(parked(service, call.created_at + ARRIVAL));
                    }
                    None => settle(run.tools, &call, OutsideCallState::NeverArrived, None).await?,
                },
            },
        }
    }
    Err(Failure::new(
        FailureClass::Transient,
        FailureCode::ProviderUnavailable,
        format!("{} could not be asked", service.provider()),
    ))
}

async fn create(
    run: &StageRun<'_>,
    service: &dyn OutsideService,
    call: &OutsideCall,
    request: &Value,
) -> Result<Asked, Failure> {
    match service.create(&call.correlation, request).await {
        Ok(outside_id) => {
            let now = run.tools.clock.now();
            run.tools.database.outside_calls().opened(call.id, &outside_id, now).await.map_err(|e| of_rows(&e))?;
            look(run, service, call, outside_id).await
        }
        Err(CreateError::Refused(failure)) => {
            settle(run.tools, call, OutsideCallState::Failed, None).await?;
            Err(failure)
        }
        Err(CreateError::Unanswered(failure)) => {
            tracing::warn!(provider = service.provider(), class = %failure.class, "no answer; it is looked for later");
            Ok(parked(service, run.tools.clock.now() + UNANSWERED))
        }
    }
}

async fn look(
    run: &StageRun<'_>,
    service: &dyn OutsideService,
    call: &OutsideCall,
    outside_id: String,
) -> Result<Asked, Failure> {
    match service.look(&outside_id).await? {
        OutsideProgress::Working { fraction, look_again_in } => {
            if let Some(fraction) = fraction {
                run.report_progress(fraction);
            }
            Ok(parked(service, run.tools.clock.now() + look_again_in))
        }
        OutsideProgress::Succeeded { value, cost } => {
            settle(run.tools, call, OutsideCallState::Succeeded, cost.as_ref()).await?;
            Ok(Asked::Answered { value, outside_id })
        }
        OutsideProgress::Failed { failure, cost } => {
            settle(run.tools, call, OutsideCallState::Failed, cost.as_ref()).await?;
            Err(failure)
        }
    }
}

fn parked(service: &dyn OutsideService, until: DateTime<Utc>) -> Asked {
    Asked::Parked(Parking { until, waits_for: format!("{} works on it", service.provider()) })
}

async fn settle(
    tools: &StageTools,
    call: &OutsideCall,
    state: OutsideCallState,
    cost: Option<&Cost>,
) -> Result<(), Failure> {
    let calls = tools.database.outside_calls();
    if calls.ended(call.id, state, cost, tools.clock.now()).await.map_err(|e| of_rows(&e))? {
        tools.metrics.outside_call(&call.provider, state.as_str());
    }
    Ok(())
}

/// Calls off what was asked for by jobs that have ended without a result. What cannot be called off now is tried again
/// by a later sweep.
pub async fn call_off_abandoned(context: &Context) -> Result<(), PersistenceError> {
    let now = context.tools.clock.now();
    let calls = context.tools.database.outside_calls();
    for call in calls.abandoned(now - CALL_OFF_AGAIN, BATCH).await? {
        call_off(context, &call).await?;
    }
    Ok(())
}

/// The same for one job that has just ended.
pub async fn call_off_calls_of(context: &Context, job: domain::JobId) -> Result<(), PersistenceError> {
    for call in context.tools.database.outside_calls().of_job(job).await? {
        if call.ended_at.is_none() {
            call_off(context, &call).await?;
        }
    }
    Ok(())
}

async fn call_off(context: &Context, call: &OutsideCall) -> Result<(), PersistenceError> {
    let (tools, calls) = (&context.tools, context.tools.database.outside_calls());
    let Some(service) = context.kinds.outside(&call.provider) else {
        tracing::warn!(provider = call.provider, "an abandoned outside call is to a provider that is not set up here");
        return calls.looked_at(call.id, tools.clock.now()).await;
    };
    let called_off = match cancelled(&*service, call, tools.clock.now()).await {
        Ok(state) => state,
        Err(failure) => {
            tracing::warn!(provider = call.provider, class = %failure.class, code = %failure.code, "not called off yet");
            None
        }
    };
    let Some(state) = called_off else { return calls.looked_at(call.id, tools.clock.now()).await };
    if calls.ended(call.id, state, None, tools.clock.now()).await? {
        tools.metrics.outside_call(&call.provider, state.as_str());
        tracing::info!(provider = call.provider, %state, job_id = %call.job_id, "an abandoned outside call is settled");
    }
    Ok(())
}

/// How a call ends that nobody waits for; `None` when that is not known yet.
async fn cancelled(
    service: &dyn OutsideService,
    call: &OutsideCall,
    now: DateTime<Utc>,
) -> Result<Option<OutsideCallState>, Failure> {
    let outside_id = match &call.outside_id {
        Some(outside_id) => Some(outside_id.clone()),
        None => service.find(&call.correlation).await?,
    };
    match outside_id {
        Some(outside_id) => {
            service.cancel(&outside_id).await?;
            Ok(Some(OutsideCallState::Cancelled))
        }
        None if now < call.created_at + ARRIVAL => Ok(None),
        None => Ok(Some(OutsideCallState::NeverArrived)),
    }
}

fn of_rows(error: &PersistenceError) -> Failure {
    tracing::warn!(error = error_chain(error), "outside call not written down");
    Failure::new(FailureClass::Transient, FailureCode::Internal, "the database could not be reached")
}

fn lost() -> Failure {
    Failure::new(FailureClass::Transient, FailureCode::Internal, "somebody else holds the job now")
}
