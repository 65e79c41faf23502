//! Work that somebody outside does for a stage: asked for once, looked for when an answer is missing, looked at until it
//! is done, called off when the job has ended. Between two looks the job is parked: no task, slot or lease waits.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use domain::{Cost, Failure, FailureClass, FailureCode, OutsideCallId, Usage, retry::RetryPolicy};
use persistence::{Begun, KeptAnswer, NewCall, OutsideCall, OutsideCallState, PersistenceError};
use providers::{Arrival, CallError, OutsideProgress, OutsideService, Parking, Patience, Stop};
use resilience::ids::random10;
use serde_json::Value;
use service_runtime::error_chain;
use url::Url;

use crate::stage::{StageRun, StageTools};

/// How often the same is asked of a provider that fails at it: once more than once. What was charged for and came to nothing
/// counts for the whole job, whatever attempt it was of.
const MOST_FAILED: usize = 2;
/// How soon to look for a call whose answer did not come. While somebody else can be asked, it is looked for no longer than one
/// answer may take and this.
const UNANSWERED: Duration = Duration::from_secs(5);
/// Longest that any answer is waited for, whatever the service says: below [`providers::CERTAIN_AFTER`], so that a request that
/// was given up a moment ago is not thought never to have arrived.
const LONGEST_ANSWER: Duration = Duration::from_secs(20);
/// How soon to look again after a look that was not answered (a tenth of the time since the call) or that did not find it (a
/// quarter), between these.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// What a service may ask for itself as the time to its next look: a job that is looked at without a pause is as good as
/// held, and one that is looked at too rarely learns of its end too late.
const SOONEST_LOOK: Duration = Duration::from_millis(200);
const LATEST_LOOK: Duration = Duration::from_secs(10 * 60);

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
/// What the other side answers, or what keeps it from being asked; `Config` when the kind does not name the service as one
/// that it waits for ([`crate::Kind::waiting_for`]), since then nobody could call the work off.
pub async fn ask(
    run: &StageRun<'_>,
    service: &dyn OutsideService,
    purpose: &str,
    request: &Value,
) -> Result<Asked, Failure> {
    // The job's deadline ends it.
    let patience = Patience { longest: Duration::MAX, remaining: Duration::MAX / 4, is_last: true, cut_at: None };
    let terms = Terms { purpose, estimate: None, patience };
    match ask_for(run, service, terms, request).await {
        Ok(Made { answer, outside_id }) => Ok(Asked::Answered { value: answer.value, outside_id }),
        Err(Stop::Parked(parking)) => Ok(Asked::Parked(parking)),
        Err(stop) => Err(stop.into_failure()),
    }
}

/// What is asked, and how long it is waited for.
pub struct Terms<'a> {
    pub purpose: &'a str,
    pub estimate: Option<Cost>,
    pub patience: Patience,
}

/// What the other side made.
pub struct Made {
    pub answer: KeptAnswer,
    pub outside_id: String,
}

/// As [`ask`], with the files of the answer among the job's objects.
pub async fn ask_for(
    run: &StageRun<'_>,
    service: &dyn OutsideService,
    terms: Terms<'_>,
    request: &Value,
) -> Result<Made, Stop> {
    let is_it = |known: &Arc<dyn OutsideService>| {
        (known.provider(), known.credential()) == (service.provider(), service.credential())
    };
    if !run.outside.iter().chain(&run.tools.capabilities.outside).any(is_it) {
        let message = format!("the kind does not wait for {}, so nothing may be asked of it", service.provider());
        return Err(Failure::new(FailureClass::Config, FailureCode::Internal, message).into());
    }
    let calls = run.tools.database.outside_calls();
    let failed = failed_before(run, service, terms.purpose).await?;
    // Twice at most: a call that never arrived is settled, and then made.
    for _ in 0..2 {
        let now = run.tools.clock.now();
        let id = OutsideCallId::new(now, random10());
        let holder = (run.job.id, run.job.generation);
        let to = (service.provider(), service.credential());
        let new = NewCall {
            estimate: terms.estimate.clone(),
            limits: run.tools.spending.limits(service.provider()),
            ..NewCall::new(id, holder, (run.stage, terms.purpose), to)
        };
        // Before there is a row: one that is on its way is looked at, whatever came before it.
        if failed >= MOST_FAILED
            && !calls.has_begun(run.job.id, run.stage, service.provider()).await.map_err(|e| of_rows(&e))?
        {
            return Err(Stop::GivenUp(Failure::new(
                FailureClass::Transient,
                FailureCode::ProviderUnavailable,
                format!("{} has failed at this {failed} times", service.provider()),
            )));
        }
        match calls.begin(&new, now).await.map_err(|e| of_rows(&e))? {
            Begun::Lost => return Err(lost().into()),
            Begun::OverLimit(whose) => return Err(over_limit(service.provider(), &whose)),
            Begun::Unknown => {
                tracing::warn!(provider = service.provider(), "an outside call in a state of a newer version");
                return Err(works_until(service, now + LOOK_AGAIN.1));
            }
            Begun::Fresh(call) => return create(run, service, &call, &terms, request).await,
            Begun::Known(OutsideCall { answer: Some(answer), outside_id, .. }) => {
                return Ok(Made { answer, outside_id: outside_id.unwrap_or_default() });
            }
            Begun::Known(call) => match call.outside_id.clone() {
                Some(outside_id) => return look(run, service, &call, &terms, outside_id).await,
                None => match answered(service, service.arrival(&call.correlation, age(&call, now))).await {
                    Err(failure) => {
                        let stop = later(run, service, &call, &terms, failure);
                        return Err(unless_lost(service, age(&call, now), &terms, stop));
                    }
                    Ok(Arrival::Known(outside_id)) => {
                        opened(run, service, &call, &outside_id).await?;
                        tracing::info!(provider = service.provider(), "an unanswered request was found");
                        return look(run, service, &call, &terms, outside_id).await;
                    }
                    // Made again it might be made twice.
                    Ok(Arrival::NotYetKnown) => {
                        let stop = look_for_later(service, age(&call, now), &terms, now);
                        return Err(unless_lost(service, age(&call, now), &terms, stop));
                    }
                    Ok(Arrival::Never) => settle(run.tools, &call, OutsideCallState::NeverArrived, None).await?,
                },
            },
        }
    }
    Err(Failure::new(
        FailureClass::Transient,
        FailureCode::ProviderUnavailable,
        format!("{} could not be asked", service.provider()),
    )
    .into())
}

/// How often the provider has come to nothing with this: since the stage's attempt began, and of what was charged for, which no
/// later attempt buys again without end, since the job did. A request that was refused was nothing yet: how often it is made
/// again is for the chain to say.
async fn failed_before(run: &StageRun<'_>, service: &dyn OutsideService, purpose: &str) -> Result<usize, Failure> {
    let database = &run.tools.database;
    let stages = database.stages().list(run.job.id).await.map_err(|error| of_rows(&error))?;
    let began = stages.into_iter().find(|stage| stage.name == run.stage.as_str()).map(|stage| stage.started_at);
    let calls = database.outside_calls().of_job(run.job.id).await.map_err(|error| of_rows(&error))?;
    let is_one = |call: &&OutsideCall| {
        call.stage == run.stage.as_str()
            && call.purpose == purpose
            && call.provider == service.provider()
            && matches!(call.state, OutsideCallState::Failed | OutsideCallState::NeverArrived)
            && (was_charged(call) || (was_made(call) && began.is_none_or(|began| call.created_at >= began)))
    };
    Ok(calls.iter().filter(is_one).count())
}

/// Whether a call that came to nothing was paid for: the other side says what it cost, or what was used.
fn was_charged(call: &OutsideCall) -> bool {
    call.cost.as_ref().is_some_and(|cost| cost.micros > 0) || call.usage != Usage::default()
}

/// Whether a call that came to nothing was more than a request that the other side refused: it was begun there, or lost.
fn was_made(call: &OutsideCall) -> bool {
    call.outside_id.is_some() || call.state == OutsideCallState::NeverArrived
}

async fn create(
    run: &StageRun<'_>,
    service: &dyn OutsideService,
    call: &OutsideCall,
    terms: &Terms<'_>,
    request: &Value,
) -> Result<Made, Stop> {
    let created = tokio::time::timeout(wait_for(service), service.create(&call.correlation, request)).await;
    match created.unwrap_or_else(|_| Err(CallError::Unanswered(no_answer()))) {
        Ok(outside_id) => {
            opened(run, service, call, &outside_id).await?;
            look(run, service, call, terms, outside_id).await
        }
        Err(CallError::Refused(failure)) => {
            settle(run.tools, call, OutsideCallState::Failed, None).await?;
            Err(failure.into())
        }
        Err(CallError::Useless { failure, usage, cost }) => {
            note(run.tools, call, OutsideCallState::Failed, (&usage, cost.as_ref()), None).await?;
            Err(Stop::GivenUp(failure))
        }
        Err(CallError::Unanswered(failure)) => {
            tracing::warn!(provider = service.provider(), class = %failure.class, "no answer; it is looked for later");
            Err(unanswered_until(service, run.tools.clock.now() + UNANSWERED))
        }
    }
}

/// Notes the other side's id. A call that nobody waits for any more (its job has ended, or it was thought lost) is called
/// off at once: this may be the only one who knows its id.
async fn opened(
    run: &StageRun<'_>,
    service: &dyn OutsideService,
    call: &OutsideCall,
    outside_id: &str,
) -> Result<(), Failure> {
    let now = run.tools.clock.now();
    if run.tools.database.outside_calls().opened(call.id, outside_id, now).await.map_err(|e| of_rows(&e))? {
        return Ok(());
    }
    tracing::warn!(provider = service.provider(), "a request was answered after it was settled; it is called off");
    run.tools.database.outside_calls().answered_late(call.id, outside_id, now).await.map_err(|e| of_rows(&e))?;
    match answered(service, service.cancel(outside_id)).await {
        Ok(()) => settle(run.tools, call, OutsideCallState::Cancelled, None).await?,
        Err(failure) => tracing::warn!(provider = service.provider(), code = %failure.code, "not called off yet"),
    }
    Err(lost())
}

fn wait_for(service: &dyn OutsideService) -> Duration {
    service.answers_within().min(LONGEST_ANSWER)
}

/// What the other side answers, if it does in time.
pub async fn answered<T>(
    service: &dyn OutsideService,
    asked: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(wait_for(service), asked).await.unwrap_or_else(|_| Err(no_answer()))
}

fn no_answer() -> Failure {
    Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, "the provider did not answer in time")
}

/// A look that failed says nothing about the work: it goes on outside, and is looked at again as long as it is waited for.
/// Only what no further look can mend is the stage's failure.
fn later(
    run: &StageRun<'_>,
    service: &dyn OutsideService,
    call: &OutsideCall,
    terms: &Terms<'_>,
    failure: Failure,
) -> Stop {
    let now = run.tools.clock.now();
    let age = age(call, now);
    let wait = match failure.class {
        FailureClass::Transient => (age / 10).clamp(LOOK_AGAIN.0, LOOK_AGAIN.1),
        FailureClass::RetryAfter | FailureClass::Saturated => {
            failure.retry_after.unwrap_or(LOOK_AGAIN.1).min(RetryPolicy::MAX_RETRY_AFTER)
        }
        _ => return failure.into(),
    };
    tracing::warn!(provider = service.provider(), code = %failure.code, "not looked at; it is looked at again");
    if terms.patience.is_over(age) {
        return Stop::GivenUp(providers::too_long(service.provider(), age));
    }
    match (failure.class, failure.code) {
        // It answers, and says when to come back; or the fault is ours.
        (FailureClass::RetryAfter | FailureClass::Saturated, _) | (_, FailureCode::Storage | FailureCode::Internal) => {
            works_until(service, now + wait)
        }
        _ => unanswered_until(service, now + wait),
    }
}

/// A request that may show up yet is looked for again, as long as its answer is waited for.
fn look_for_later(service: &dyn OutsideService, age: Duration, terms: &Terms<'_>, now: DateTime<Utc>) -> Stop {
    if terms.patience.is_over(age) {
        return Stop::GivenUp(providers::too_long(service.provider(), age));
    }
    works_until(service, now + (age / 4).clamp(LOOK_AGAIN.0, LOOK_AGAIN.1))
}

/// Until it is certain that a request never arrived, minutes may pass: whoever can be asked instead is asked before. Its row stays
/// as it is: what is there all the same is adopted should everybody else fail, and called off when the job ends.
fn unless_lost(service: &dyn OutsideService, age: Duration, terms: &Terms<'_>, stop: Stop) -> Stop {
    let is_lost = age >= wait_for(service) + UNANSWERED;
    match stop {
        Stop::Parked(_) if is_lost && !terms.patience.is_last => {
            let message = format!(
                "{} did not answer, and is not known to have the request {} s later",
                service.provider(),
                age.as_secs()
            );
            Stop::GivenUp(Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, message))
        }
        stop => stop,
    }
}

/// How long ago a call was begun.
pub fn age(call: &OutsideCall, now: DateTime<Utc>) -> Duration {
    (now - call.created_at).to_std().unwrap_or_default()
}

async fn look(
    run: &StageRun<'_>,
    service: &dyn OutsideService,
    call: &OutsideCall,
    terms: &Terms<'_>,
    outside_id: String,
) -> Result<Made, Stop> {
    let age = age(call, run.tools.clock.now());
    let looked = match answered(service, service.look_at(&outside_id, age)).await {
        Ok(looked) => looked,
        Err(failure) => return Err(later(run, service, call, terms, failure)),
    };
    match looked {
        OutsideProgress::Working { fraction, look_again_in } => {
            if let Some(fraction) = fraction {
                run.report_progress(fraction);
            }
            let now = run.tools.clock.now();
            if terms.patience.is_over(age) {
                // It is left to work: should everybody else fail too, its answer is still wanted. It is called off when the
                // job ends.
                return Err(Stop::GivenUp(providers::too_long(service.provider(), age)));
            }
            let wait = look_again_in.clamp(SOONEST_LOOK, LATEST_LOOK);
            Err(works_until(service, now + wait))
        }
        OutsideProgress::Succeeded { value, files, usage, cost } => {
            let answer = match fetched(run, service, call, &files).await {
                Ok(files) => KeptAnswer { value, files },
                Err(failure) if failure.class.is_retryable() => {
                    return Err(later(run, service, call, terms, failure));
                }
                // It was paid for all the same.
                Err(failure) => {
                    note(run.tools, call, OutsideCallState::Failed, (&usage, cost.as_ref()), None).await?;
                    return Err(Stop::GivenUp(failure));
                }
            };
            note(run.tools, call, OutsideCallState::Succeeded, (&usage, cost.as_ref()), Some(&answer)).await?;
            Ok(Made { answer, outside_id })
        }
        OutsideProgress::Failed { failure, usage, cost } => {
            note(run.tools, call, OutsideCallState::Failed, (&usage, cost.as_ref()), None).await?;
            Err(failure.into())
        }
    }
}

/// The files of an answer, copied at once: the other side keeps them for a while only.
async fn fetched(
    run: &StageRun<'_>,
    service: &dyn OutsideService,
    call: &OutsideCall,
    files: &[Url],
) -> Result<Vec<persistence::WorkObject>, Failure> {
    let mut kept = Vec::new();
    for (index, from) in files.iter().enumerate() {
        let file = providers::download(service, from).await?;
        kept.push(run.put_outside(call.id, index, file).await?);
    }
    Ok(kept)
}

fn works_until(service: &dyn OutsideService, until: DateTime<Utc>) -> Stop {
    Stop::Parked(Parking { until, waits_for: waits_for(service), is_unanswered: false })
}

/// The same of one that did not answer.
fn unanswered_until(service: &dyn OutsideService, until: DateTime<Utc>) -> Stop {
    Stop::Parked(Parking { until, waits_for: waits_for(service), is_unanswered: true })
}

fn waits_for(service: &dyn OutsideService) -> String {
    format!("{} works on it", service.provider())
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

/// The same of one that was answered. False where it was settled already.
pub async fn note(
    tools: &StageTools,
    call: &OutsideCall,
    state: OutsideCallState,
    charge: (&Usage, Option<&Cost>),
    answer: Option<&KeptAnswer>,
) -> Result<bool, Failure> {
    let calls = tools.database.outside_calls();
    let noted = calls.answered(call.id, state, charge, answer, tools.clock.now()).await.map_err(|e| of_rows(&e))?;
    if noted {
        tools.metrics.outside_call(&call.provider, state.as_str());
    }
    Ok(noted)
}

/// What would go beyond a limit is not asked for. It says nothing about the provider.
pub fn over_limit(provider: &str, whose: &str) -> Stop {
    Stop::NotAsked(Failure::new(
        FailureClass::Money,
        FailureCode::ProviderQuota,
        format!("{provider} is not asked: it would go beyond the monthly limit on spending of {whose}"),
    ))
}

pub fn of_rows(error: &PersistenceError) -> Failure {
    tracing::warn!(error = error_chain(error), "outside call not written down");
    Failure::new(FailureClass::Transient, FailureCode::Internal, "the database could not be reached")
}

pub fn lost() -> Failure {
    Failure::new(FailureClass::Transient, FailureCode::Internal, "somebody else holds the job now")
}
