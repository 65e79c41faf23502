//! What comes of a call that is answered at once, in its row: the answer with its files, what it has cost, or why there is none. A
//! call that may be paid for is made in a task of its own, so that it outlasts whoever waits for it.

use std::time::Instant;

use domain::{Failure, FailureClass, FailureCode, Usage};
use persistence::{KeptAnswer, OutsideCall, OutsideCallState};
use providers::{Answered, CallError, Make, Stop};
use telemetry::trace;
use tokio::sync::oneshot;

use crate::{
    late_calls::{InHand, Late},
    outside::note,
    stage::StageTools,
    work_objects::put_outside,
};

/// Writes down what came of a call of the holder of a job's lease.
///
/// # Errors
/// What it means for the chain that there is no answer. What may have been paid for is not asked of the same provider again.
pub async fn settled(
    tools: &StageTools,
    generation: u64,
    call: &OutsideCall,
    may_repeat: bool,
    made: Result<Answered, CallError>,
) -> Result<KeptAnswer, Stop> {
    let nothing = Usage::default();
    match made {
        Ok(made) => {
            let mut files = Vec::new();
            for (index, file) in made.files.into_iter().enumerate() {
                files.push(put_outside(tools, (call.job_id, generation), call.id, index, file).await?);
            }
            let kept = KeptAnswer { value: made.value, files };
            let charge = (&made.usage, made.cost.as_ref());
            note(tools, call, OutsideCallState::Succeeded, charge, Some(&kept)).await?;
            Ok(kept)
        }
        Err(CallError::Refused(failure)) => {
            note(tools, call, OutsideCallState::Failed, (&nothing, None), None).await?;
            Err(failure.into())
        }
        Err(CallError::Unanswered(failure)) if may_repeat => {
            note(tools, call, OutsideCallState::NeverArrived, (&nothing, None), None).await?;
            Err(failure.into())
        }
        Err(CallError::Unanswered(failure)) => {
            note(tools, call, OutsideCallState::Unanswered, (&nothing, None), None).await?;
            Err(Stop::GivenUp(failure))
        }
        Err(CallError::Useless { failure, usage, cost }) => {
            // It was paid for, and is not bought again by a later attempt.
            note(tools, call, OutsideCallState::Unanswered, (&usage, cost.as_ref()), None).await?;
            Err(Stop::GivenUp(failure))
        }
    }
}

/// Makes a call that may be paid for. Where what is returned is dropped, it goes on until its answer is there and written down: for
/// a while, not beyond `latest`, and not when its job has ended without a result.
pub fn in_own_task(
    tools: &StageTools,
    generation: u64,
    call: OutsideCall,
    latest: Instant,
    make: Make<'static>,
) -> oneshot::Receiver<Result<KeptAnswer, Stop>> {
    let (tell, told) = oneshot::channel();
    let in_hand = tools.late.take(call.id, call.job_id, (call.stage.as_str(), call.provider.as_str()));
    let making = Making { tools: tools.clone(), generation, call, latest, in_hand };
    tokio::spawn(trace::carry(making.run(make, tell)));
    told
}

/// A call that is being made.
struct Making {
    tools: StageTools,
    generation: u64,
    call: OutsideCall,
    latest: Instant,
    in_hand: InHand,
}

impl Making {
    async fn run(self, make: Make<'static>, mut tell: oneshot::Sender<Result<KeptAnswer, Stop>>) {
        let mut answering = make(self.call.correlation.clone());
        let made = tokio::select! {
            biased;
            made = &mut answering => Some(made),
            () = tell.closed() => None,
        };
        let made = match made {
            Some(made) => made,
            None => match self.in_hand.go_on(answering, self.latest).await {
                Late::Answered(made) => made,
                Late::NotInTime => Err(CallError::Unanswered(self.too_late())),
                // Its row is settled by whoever looks at it next: a later attempt, or the sweep of ended jobs.
                Late::CutOff => return,
            },
        };
        let outcome = match made {
            Ok(answered) if !self.in_hand.is_wanted() => self.only_paid_for(answered).await,
            made => settled(&self.tools, self.generation, &self.call, false, made).await,
        };
        if let Err(failed) = tell.send(outcome) {
            self.log_late(&failed);
        }
    }

    fn too_late(&self) -> Failure {
        let message = format!("{} did not answer, however long it was given", self.call.provider);
        Failure::new(FailureClass::Transient, FailureCode::StageTimeout, message)
    }

    /// The job has its result without this answer, which was paid for all the same.
    async fn only_paid_for(&self, answered: Answered) -> Result<KeptAnswer, Stop> {
        let Answered { value, usage, cost, .. } = answered;
        note(&self.tools, &self.call, OutsideCallState::Succeeded, (&usage, cost.as_ref()), None).await?;
        Ok(KeptAnswer { value, files: Vec::new() })
    }

    fn log_late(&self, outcome: &Result<KeptAnswer, Stop>) {
        let (provider, job) = (&*self.call.provider, self.call.job_id);
        match outcome {
            Ok(_) => tracing::info!(provider, job_id = %job, "a late answer was written down"),
            Err(_) => tracing::info!(provider, job_id = %job, "a late call came to nothing"),
        }
    }
}
