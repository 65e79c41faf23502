//! The handle of a running consumer.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::error::MessagingError;

/// A running consumer. Dropping it stops it from taking messages; what is being handled is finished in the background.
#[derive(Debug)]
pub struct Consumer {
    control: Control,
    /// Takes messages; ends after `stop` was cancelled and every handler is done.
    task: Option<JoinHandle<()>>,
}

/// What a consumer's tasks share.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    /// Take no further messages.
    pub stop: CancellationToken,
    /// Give up on those being handled.
    pub abandon: CancellationToken,
    /// One task for each message being handled.
    pub handling: TaskTracker,
}

impl Control {
    /// `bus_stop` stops all consumers of a bus.
    pub(crate) fn new(bus_stop: &CancellationToken) -> Self {
        Self { stop: bus_stop.child_token(), abandon: CancellationToken::new(), handling: TaskTracker::new() }
    }
}

impl Consumer {
    /// Spawns the task that takes messages.
    pub(crate) fn start(control: Control, taking: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { control, task: Some(tokio::spawn(taking)) }
    }

    /// Stops taking messages and waits until those being handled are done and settled.
    ///
    /// # Errors
    /// [`MessagingError::NotDrained`] when some are not done within `timeout`: their handlers are dropped at their next
    /// `.await`, and their messages are delivered again.
    pub async fn drain(mut self, timeout: Duration) -> Result<(), MessagingError> {
        let started = Instant::now();
        self.control.stop.cancel();
        let Some(mut task) = self.task.take() else { return Ok(()) };
        if tokio::time::timeout(timeout, &mut task).await.is_ok() {
            return Ok(());
        }
        let abandoned = self.control.handling.len();
        self.control.abandon.cancel();
        // Bounded: what is left after this is a handler that never yields, and only the process's end stops it.
        if tokio::time::timeout(ABANDON_TIMEOUT, &mut task).await.is_err() {
            task.abort();
        }
        Err(MessagingError::NotDrained { abandoned, waited: started.elapsed() })
    }
}

/// To requeue abandoned messages.
const ABANDON_TIMEOUT: Duration = Duration::from_secs(2);

impl Drop for Consumer {
    fn drop(&mut self) {
        self.control.stop.cancel();
    }
}
