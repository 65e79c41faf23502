//! Calls off what ended jobs asked for outside. A task of its own: somebody who does not answer holds up no job, slot or
//! sweep.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Failure, JobId, JobState, OutsideCallId};
use persistence::{OutsideCall, OutsideCallState, PersistenceError};
use providers::{Arrival, OutsideService};
use service_runtime::error_chain;
use tokio::{
    sync::Semaphore,
    task::{self, JoinSet},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

use crate::{
    context::Context,
    ended_jobs::EndedJobs,
    outside::{age, answered},
};

/// Calls that one sweep calls off; the next one goes on.
const BATCH: u64 = 50;
/// How many are called off at once with one provider: one that does not answer holds up its own only.
const AT_ONCE: usize = 8;
/// How soon a call that could not be called off is tried again.
const AGAIN: TimeDelta = TimeDelta::seconds(30);
/// A call that could not be called off for so long is given up.
const GIVE_UP: TimeDelta = TimeDelta::days(2);

/// Calls off until shutdown: at once for jobs that are told, and what was left over `every` so often.
pub async fn run(context: Context, mut ended: EndedJobs, every: Duration, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Calls that are being called off or wait for their provider's turn.
    let mut under_way: HashMap<task::Id, OutsideCallId> = HashMap::new();
    let mut turns: HashMap<String, Arc<Semaphore>> = HashMap::new();
    let mut running = JoinSet::new();
    loop {
        let calls = tokio::select! {
            // What is under way is left to the next start: its rows say `cancelling`.
            () = shutdown.cancelled() => return,
            Some(done) = running.join_next_with_id(), if !running.is_empty() => {
                under_way.remove(&done.map_or_else(|panicked| panicked.id(), |(task, ())| task));
                continue;
            }
            Some(job) = ended.next() => unsettled(&context, job).await,
            _ = ticks.tick() => {
                let before = context.tools.clock.now() - AGAIN;
                context.tools.database.outside_calls().abandoned(before, BATCH).await
            }
        };
        let calls = calls.unwrap_or_else(|error| {
            tracing::warn!(error = %error_chain(&error), "outside calls not looked for, the next sweep goes on");
            Vec::new()
        });
        for call in calls {
            if under_way.values().any(|known| *known == call.id) {
                continue;
            }
            let turn = turns.entry(call.provider.clone()).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))).clone();
            let (context, id) = (context.clone(), call.id);
            let task = running.spawn(async move {
                // Nobody closes it.
                let _turn = turn.acquire_owned().await;
                if let Err(error) = call_off(&context, &call).await {
                    tracing::warn!(error = %error_chain(&error), "an outside call is left to the next sweep");
                }
            });
            under_way.insert(task.id(), id);
        }
    }
}

async fn unsettled(context: &Context, job: JobId) -> Result<Vec<OutsideCall>, PersistenceError> {
    let calls = context.tools.database.outside_calls().of_job(job).await?;
    Ok(calls.into_iter().filter(|call| call.ended_at.is_none()).collect())
}

async fn call_off(context: &Context, call: &OutsideCall) -> Result<(), PersistenceError> {
    let (tools, calls) = (&context.tools, context.tools.database.outside_calls());
    if call.state == OutsideCallState::Asking {
        let now = tools.clock.now();
        if tools.late.cut_off_unsent(call.id) {
            // Its own task says that nothing was asked.
            return Ok(());
        }
        if tools.late.is_in_hand(call.id) {
            // Where the job has come to its result, what this one has cost is still to be told.
            let job = tools.database.jobs().get(call.job_id).await?;
            if job.is_some_and(|job| job.state == JobState::Completed) {
                tools.late.want_cost_only(call.id);
                return calls.looked_at(call.id, now).await;
            }
        } else if tools.late.may_be_made_elsewhere(call.id, &call.provider, age(call, now)) {
            // Its maker looks at it as well, and can cut it off.
            return Ok(());
        }
        // There is nobody to ask for it. Where its job is tried again meanwhile, its answer is wanted.
        if calls.lost_with_job(call, now).await? {
            tools.late.drop_call(call.id);
            tools.metrics.outside_call(&call.provider, OutsideCallState::Unanswered.as_str());
        }
        return Ok(());
    }
    // From here on a later try of the job makes a call of its own.
    if !calls.begin_call_off(call, tools.clock.now()).await? {
        return Ok(());
    }
    let asked = match context.outside(&call.provider, &call.credential) {
        Some(service) => settled_as(&*service, call, tools.clock.now()).await,
        None => {
            tracing::warn!(
                provider = call.provider,
                "an outside call of an ended job is to a provider that is not set up"
            );
            Ok(None)
        }
    };
    let settled = asked.unwrap_or_else(|failure| {
        tracing::warn!(provider = call.provider, class = %failure.class, code = %failure.code, "not called off yet");
        None
    });
    let now = tools.clock.now();
    let given_up = (now >= call.created_at + GIVE_UP).then_some(OutsideCallState::Abandoned);
    let Some(state) = settled.or(given_up) else { return calls.looked_at(call.id, now).await };
    if calls.ended(call.id, state, None, now).await? {
        tools.metrics.outside_call(&call.provider, state.as_str());
        tracing::info!(provider = call.provider, %state, job_id = %call.job_id, "an outside call of an ended job is settled");
    }
    Ok(())
}

/// How a call ends that nobody waits for; `None` when that is not known yet.
async fn settled_as(
    service: &dyn OutsideService,
    call: &OutsideCall,
    now: DateTime<Utc>,
) -> Result<Option<OutsideCallState>, Failure> {
    let arrival = match &call.outside_id {
        Some(outside_id) => Arrival::Known(outside_id.clone()),
        None => answered(service, service.arrival(&call.correlation, age(call, now))).await?,
    };
    match arrival {
        Arrival::Known(outside_id) => {
            answered(service, service.cancel(&outside_id)).await?;
            Ok(Some(OutsideCallState::Cancelled))
        }
        Arrival::NotYetKnown => Ok(None),
        Arrival::Never => Ok(Some(OutsideCallState::NeverArrived)),
    }
}
