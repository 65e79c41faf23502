//! What comes of a call that is answered at once, in its row: the answer with its files, what it has cost, or why there is none. A
//! call that may be paid for is made in a task of its own, so that it outlasts whoever waits for it.

use std::{fs::File, sync::Arc, time::Instant};

use domain::{Cost, Failure, FailureClass, FailureCode, JobId, OutsideCallId, Usage};
use persistence::{KeptAnswer, OutsideCall, OutsideCallState, WorkObject};
use providers::{Answered, CallError, IsAwaited, Make, Stop, while_awaited};
use telemetry::trace;
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    late_calls::{InHand, Late},
    outside::note,
    repeated::{FOR_AN_ANSWER, repeated},
    stage::StageTools,
    work_objects::put_outside,
};

/// What was answered, with its files in the object store.
pub struct Kept {
    pub answer: KeptAnswer,
    /// Whether its row says so: not where that was settled otherwise before.
    is_written: bool,
}

/// Writes down what came of a call of the holder of a job's lease. An answer that cannot be written is written again for a while:
/// it was paid for.
///
/// # Errors
/// What it means for the chain that there is no answer. What may have been paid for is not asked of the same provider again.
pub async fn settled(
    tools: &StageTools,
    generation: u64,
    call: &OutsideCall,
    may_repeat: bool,
    made: Result<Answered, CallError>,
) -> Result<Kept, Stop> {
    let nothing = Usage::default();
    match made {
        Ok(made) => {
            let mut files = Vec::new();
            for (index, file) in made.files.iter().enumerate() {
                let put = || put(tools, (call.job_id, generation), (call.id, index), file);
                files.push(repeated(FOR_AN_ANSWER, put).await?);
            }
            let answer = KeptAnswer { value: made.value, files };
            let is_written = succeeded(tools, call, (&made.usage, made.cost.as_ref()), Some(&answer)).await?;
            Ok(Kept { answer, is_written })
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

/// Writes a file that a provider made, which stays as it is.
async fn put(
    tools: &StageTools,
    holder: (JobId, u64),
    (call, index): (OutsideCallId, usize),
    file: &File,
) -> Result<WorkObject, Failure> {
    let file = file.try_clone().map_err(|error| {
        let message = format!("what a provider made cannot be read: {error}");
        Failure::new(FailureClass::Transient, FailureCode::Storage, message)
    })?;
    put_outside(tools, holder, call, index, file).await
}

/// Notes a success in its row. False where that was settled otherwise before.
async fn succeeded(
    tools: &StageTools,
    call: &OutsideCall,
    charge: (&Usage, Option<&Cost>),
    answer: Option<&KeptAnswer>,
) -> Result<bool, Failure> {
    repeated(FOR_AN_ANSWER, || note(tools, call, OutsideCallState::Succeeded, charge, answer)).await
}

/// What will come of a call that goes on in a task of its own. Somebody waits for it for as long as this is there.
pub struct Told {
    outcome: oneshot::Receiver<Result<Kept, Stop>>,
    _waits: DropGuard,
}

impl Told {
    /// `None` where its task has died, or the call was cut off.
    pub async fn outcome(self) -> Option<Result<Kept, Stop>> {
        self.outcome.await.ok()
    }
}

/// Makes a call that may be paid for. Where what is returned is dropped, it goes on until its answer is there and written down: for
/// a while, not beyond `latest`, and not when its job has ended without a result. What was not sent by then is not sent.
pub fn in_own_task(
    tools: &StageTools,
    generation: u64,
    call: OutsideCall,
    latest: Instant,
    make: Make<'static>,
) -> Told {
    let (tell, outcome) = oneshot::channel();
    let waits = CancellationToken::new();
    let in_hand = tools.late.take(call.id, call.job_id, (call.stage.as_str(), call.provider.as_str()));
    let making = Making { tools: tools.clone(), generation, call, latest, waits: waits.clone(), in_hand };
    tokio::spawn(trace::carry(making.run(make, tell)));
    Told { outcome, _waits: waits.drop_guard() }
}

/// A call that is being made.
struct Making {
    tools: StageTools,
    generation: u64,
    call: OutsideCall,
    latest: Instant,
    /// Told when nobody waits for it any more.
    waits: CancellationToken,
    in_hand: InHand,
}

impl Making {
    async fn run(self, make: Make<'static>, mut tell: oneshot::Sender<Result<Kept, Stop>>) {
        let waits = self.waits.clone();
        let is_awaited: IsAwaited = Arc::new(move || !waits.is_cancelled());
        let making = while_awaited(is_awaited, make(self.call.correlation.clone()));
        let mut answering = Box::pin(self.in_hand.sending().noted(making));
        let made = tokio::select! {
            biased;
            made = &mut answering => Some(made),
            () = tell.closed() => None,
        };
        let made = match made {
            Some(made) => made,
            None => match self.in_hand.go_on(answering, self.latest).await {
                Late::Answered(made) => made,
                Late::NotInTime => Err(self.ended_by(self.too_late())),
                Late::CutOff => Err(self.ended_by(self.cut_off())),
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

    /// What was still kept back was not asked for, and costs nothing.
    fn ended_by(&self, failure: Failure) -> CallError {
        if self.in_hand.sending().is_kept_back() { CallError::Refused(failure) } else { CallError::Unanswered(failure) }
    }

    fn cut_off(&self) -> Failure {
        let message = format!("{} was not waited for any longer", self.call.provider);
        Failure::new(FailureClass::Transient, FailureCode::StageTimeout, message)
    }

    fn too_late(&self) -> Failure {
        let message = format!("{} did not answer, however long it was given", self.call.provider);
        Failure::new(FailureClass::Transient, FailureCode::StageTimeout, message)
    }

    /// The job has its result without this answer, which was paid for all the same.
    async fn only_paid_for(&self, answered: Answered) -> Result<Kept, Stop> {
        let Answered { value, usage, cost, .. } = answered;
        let is_written = succeeded(&self.tools, &self.call, (&usage, cost.as_ref()), None).await?;
        Ok(Kept { answer: KeptAnswer { value, files: Vec::new() }, is_written })
    }

    fn log_late(&self, outcome: &Result<Kept, Stop>) {
        let (provider, job) = (&*self.call.provider, self.call.job_id);
        match outcome {
            Ok(Kept { is_written: true, .. }) => {
                tracing::info!(provider, job_id = %job, "a late answer was written down");
            }
            Ok(_) => tracing::warn!(provider, job_id = %job, "a late answer is lost: its call was settled before"),
            Err(_) => tracing::info!(provider, job_id = %job, "a late call came to nothing"),
        }
    }
}
