//! The way from wherever jobs end to the task that calls off what they asked for outside.

use domain::JobId;
use tokio::sync::mpsc;

/// Where jobs that have ended are told. Cheap to clone.
#[derive(Clone)]
pub struct CallOffs(mpsc::UnboundedSender<JobId>);

/// Jobs that have ended, in the order in which that was told.
pub struct EndedJobs(mpsc::UnboundedReceiver<JobId>);

pub fn channel() -> (CallOffs, EndedJobs) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (CallOffs(sender), EndedJobs(receiver))
}

impl CallOffs {
    /// The job has ended: what it asked for and nobody needs any more is called off soon. Never waits. What is lost with
    /// this process is found by a later sweep.
    pub fn of_job(&self, job: JobId) {
        let _ = self.0.send(job);
    }
}

impl EndedJobs {
    /// The next one; `None` when nobody is left who could tell of one.
    pub async fn next(&mut self) -> Option<JobId> {
        self.0.recv().await
    }
}
