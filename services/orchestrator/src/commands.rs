//! What the bus tells an orchestrator: only ever a reason to look at the rows.

use std::sync::Arc;

use async_trait::async_trait;
use messaging::{Body, Envelope, Handler, Outcome};
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
            _ => Outcome::Dead("not for an orchestrator".to_owned()),
        }
    }
}
