//! The states of an accepted job and the one function that moves it between them.
//!
//! A job is born [`JobState::Queued`]: receiving and validating happen before anything is accepted, so a crash there
//! leaves no job behind. Waiting for a retry is also `Queued`, with a due time in the future. Waiting for something
//! outside is [`JobState::Parked`]: nobody holds the job, and it is taken up again at its due time or when it is
//! signalled.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Where an accepted job stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Waits for an orchestrator, for a free slot, or for its next attempt.
    Queued,
    /// An orchestrator holds its lease and works on a stage.
    Running,
    /// A stage waits for something outside; nobody holds the job meanwhile.
    Parked,
    /// All stages that make something are done; storage is taking the result in.
    Storing,
    /// Its owner asked to stop while an orchestrator held it.
    Cancelling,
    Completed,
    Failed,
    Cancelled,
    /// Its deadline passed before it finished.
    Expired,
}

impl JobState {
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Running,
        Self::Parked,
        Self::Storing,
        Self::Cancelling,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Parked => "parked",
            Self::Storing => "storing",
            Self::Cancelling => "cancelling",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Whether the job has ended. Only its owner's request to have a failed one tried again moves it from there.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Completed | Self::Failed | Self::Cancelled | Self::Expired => true,
            Self::Queued | Self::Running | Self::Parked | Self::Storing | Self::Cancelling => false,
        }
    }

    /// The word that clients of the melody-to-vocals API know: pending, processing, completed, failed, cancelled.
    pub const fn seed_status(self) -> &'static str {
        match self {
            Self::Queued => "pending",
            Self::Running | Self::Parked | Self::Storing | Self::Cancelling => "processing",
            Self::Completed => "completed",
            Self::Failed | Self::Expired => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text given as a state names none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown job state {0:?}")]
pub struct UnknownState(pub String);

impl FromStr for JobState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| UnknownState(text.to_owned()))
    }
}

/// Something that happens to a job.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum JobEvent {
    /// An orchestrator took the lease, for the first time or after another one lost it.
    Claimed,
    /// A stage has to wait for something outside.
    Parked,
    /// The stages that make something are done.
    StoringStarted,
    /// An attempt failed in a way that another attempt may mend; the job goes back to wait.
    RetryScheduled,
    Completed,
    Failed,
    /// The owner asked to stop.
    CancelRequested,
    /// Whoever held the job has let go of it.
    CancelConfirmed,
    /// The job's total time is over.
    DeadlinePassed,
    /// The owner wants a failed job tried again, from its last finished stage on.
    RetryRequested,
}

impl JobEvent {
    pub const ALL: [Self; 10] = [
        Self::Claimed,
        Self::Parked,
        Self::StoringStarted,
        Self::RetryScheduled,
        Self::Completed,
        Self::Failed,
        Self::CancelRequested,
        Self::CancelConfirmed,
        Self::DeadlinePassed,
        Self::RetryRequested,
    ];
}

/// What an event does to a job in a state. Duplicate, stale and impossible are three different answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transition {
    /// The job moves.
    To(JobState),
    /// The event has already had its effect (a redelivery); nothing to do.
    Duplicate,
    /// The job went another way first; whoever brings the event lost the race and must drop its work.
    Stale,
    /// No correct sender can bring this event here.
    Impossible,
}

/// The next state for every pair of state and event.
///
/// Cancellation, completion, failure and expiry race: whichever is stored first wins and the others are `Stale`. A
/// result that is complete while a cancel is on its way is kept (`Cancelling` + `Completed`): the work is done.
pub const fn transition(state: JobState, event: JobEvent) -> Transition {
    use JobEvent as E;
    use JobState as S;
    use Transition::{Duplicate, Impossible, Stale, To};
    match (state, event) {
        (S::Queued, E::Claimed) => To(S::Running),
        (S::Queued, E::Parked) => Stale,
        (S::Queued, E::StoringStarted) => Stale,
        (S::Queued, E::RetryScheduled) => Duplicate,
        (S::Queued, E::Completed) => Stale,
        (S::Queued, E::Failed) => To(S::Failed),
        (S::Queued, E::CancelRequested) => To(S::Cancelled),
        (S::Queued, E::CancelConfirmed) => Impossible,
        (S::Queued, E::DeadlinePassed) => To(S::Expired),
        (S::Queued, E::RetryRequested) => Duplicate,

        // Claimed again: the lease of the earlier holder ran out.
        (S::Running, E::Claimed) => To(S::Running),
        (S::Running, E::Parked) => To(S::Parked),
        (S::Running, E::StoringStarted) => To(S::Storing),
        (S::Running, E::RetryScheduled) => To(S::Queued),
        // Whoever stored the result had lost its lease meanwhile, and the job was claimed again.
        (S::Running, E::Completed) => Stale,
        (S::Running, E::Failed) => To(S::Failed),
        (S::Running, E::CancelRequested) => To(S::Cancelling),
        (S::Running, E::CancelConfirmed) => Impossible,
        (S::Running, E::DeadlinePassed) => To(S::Expired),
        (S::Running, E::RetryRequested) => Stale,

        // Due or signalled.
        (S::Parked, E::Claimed) => To(S::Running),
        (S::Parked, E::Parked) => Duplicate,
        (S::Parked, E::StoringStarted) => Stale,
        (S::Parked, E::RetryScheduled) => Stale,
        (S::Parked, E::Completed) => Stale,
        (S::Parked, E::Failed) => To(S::Failed),
        // Nobody holds it, so there is nobody to wait for.
        (S::Parked, E::CancelRequested) => To(S::Cancelled),
        (S::Parked, E::CancelConfirmed) => Impossible,
        (S::Parked, E::DeadlinePassed) => To(S::Expired),
        (S::Parked, E::RetryRequested) => Stale,

        (S::Storing, E::Claimed) => To(S::Running),
        (S::Storing, E::Parked) => To(S::Parked),
        (S::Storing, E::StoringStarted) => Duplicate,
        (S::Storing, E::RetryScheduled) => To(S::Queued),
        (S::Storing, E::Completed) => To(S::Completed),
        (S::Storing, E::Failed) => To(S::Failed),
        (S::Storing, E::CancelRequested) => To(S::Cancelling),
        (S::Storing, E::CancelConfirmed) => Impossible,
        (S::Storing, E::DeadlinePassed) => To(S::Expired),
        (S::Storing, E::RetryRequested) => Stale,

        (S::Cancelling, E::Claimed) => Stale,
        (S::Cancelling, E::StoringStarted) => Stale,
        // The attempt ended before it saw the request: there is nothing left to stop.
        (S::Cancelling, E::Parked | E::RetryScheduled) => To(S::Cancelled),
        (S::Cancelling, E::Completed) => To(S::Completed),
        (S::Cancelling, E::Failed) => To(S::Cancelled),
        (S::Cancelling, E::CancelRequested) => Duplicate,
        (S::Cancelling, E::CancelConfirmed) => To(S::Cancelled),
        (S::Cancelling, E::DeadlinePassed) => To(S::Cancelled),
        (S::Cancelling, E::RetryRequested) => Stale,

        (S::Completed, E::Completed) => Duplicate,
        (
            S::Completed,
            E::Claimed
            | E::Parked
            | E::StoringStarted
            | E::RetryScheduled
            | E::Failed
            | E::CancelRequested
            | E::CancelConfirmed
            | E::DeadlinePassed
            | E::RetryRequested,
        ) => Stale,

        (S::Failed, E::Failed) => Duplicate,
        (S::Failed, E::RetryRequested) => To(S::Queued),
        (
            S::Failed,
            E::Claimed
            | E::Parked
            | E::StoringStarted
            | E::RetryScheduled
            | E::Completed
            | E::CancelRequested
            | E::CancelConfirmed
            | E::DeadlinePassed,
        ) => Stale,

        (S::Cancelled, E::CancelRequested | E::CancelConfirmed) => Duplicate,
        (
            S::Cancelled,
            E::Claimed
            | E::Parked
            | E::StoringStarted
            | E::RetryScheduled
            | E::Completed
            | E::Failed
            | E::DeadlinePassed
            | E::RetryRequested,
        ) => Stale,

        (S::Expired, E::DeadlinePassed) => Duplicate,
        (S::Expired, E::RetryRequested) => To(S::Queued),
        (
            S::Expired,
            E::Claimed
            | E::Parked
            | E::StoringStarted
            | E::RetryScheduled
            | E::Completed
            | E::Failed
            | E::CancelRequested
            | E::CancelConfirmed,
        ) => Stale,
    }
}
