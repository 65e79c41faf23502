//! What the bus tells an orchestrator: only ever a reason to look at the rows.

use std::sync::Arc;

use async_trait::async_trait;
use contracts::v1::SignalJob;
use messaging::{Body, Envelope, Handler, Outcome};
use persistence::{Journal, PersistenceError};
use service_runtime::error_chain;
use tokio::sync::Notify;

use crate::{context::Context, dispatcher::RunningJobs, endings};

pub struct JobCommands {
    pub context: Context,
    pub running: RunningJobs,
    /// Wakes the dispatcher.
    pub wake: Arc<Notify>,
}

#[async_trait]
impl Handler for JobCommands {
    async fn handle(&self, message: Envelope) -> Outcome {
        match message.body {
            Some(Body::JobReady(_)) => {
                self.wake.notify_one();
                Outcome::Done
            }
            Some(Body::CancelJob(cancel)) => match cancel.job() {
                Ok(job) if self.running.wake(job) => Outcome::Done,
                Ok(job) => match endings::cancel_if_nobody_holds(&self.context, job).await {
                    Ok(()) => Outcome::Done,
                    Err(error) => {
                        tracing::warn!(error = %error_chain(&error), "cancellation not carried out yet");
                        Outcome::Retry
                    }
                },
                Err(error) => Outcome::Dead(error.to_string()),
            },
            Some(Body::SignalJob(signal)) => match self.signal(&signal).await {
                Ok(()) => {
                    self.wake.notify_one();
                    Outcome::Done
                }
                Err(NotSignalled::Unusable(why)) => Outcome::Dead(why),
                Err(NotSignalled::Rows(error)) => {
                    tracing::warn!(error = %error_chain(&error), "job not signalled yet");
                    Outcome::Retry
                }
            },
            _ => Outcome::Dead("not for an orchestrator".to_owned()),
        }
    }
}

enum NotSignalled {
    /// No orchestrator can make anything of it.
    Unusable(String),
    Rows(PersistenceError),
}

impl From<PersistenceError> for NotSignalled {
    fn from(error: PersistenceError) -> Self {
        Self::Rows(error)
    }
}

impl JobCommands {
    /// Notes the signal in the job's row. A call that nobody here made, or a job that has ended, is passed over.
    async fn signal(&self, signal: &SignalJob) -> Result<(), NotSignalled> {
        let tools = &self.context.tools;
        let job = if signal.job_id.is_empty() {
            if signal.provider.is_empty() || signal.outside_id.is_empty() {
                return Err(NotSignalled::Unusable("a signal must name a job, or a provider and its id".to_owned()));
            }
            let credential = if signal.credential.is_empty() { "default" } else { &signal.credential };
            let calls = tools.database.outside_calls();
            match calls.by_outside_id((&signal.provider, credential), &signal.outside_id).await? {
                Some(call) => call.job_id,
                None => {
                    tracing::info!(provider = signal.provider, "a signal about a call that is not known");
                    return Ok(());
                }
            }
        } else {
            signal.job().map_err(|error| NotSignalled::Unusable(error.to_string()))?
        };
        tools.database.jobs().signal(job, &Journal::silent(), tools.clock.now()).await?;
        Ok(())
    }
}
