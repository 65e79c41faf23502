//! Everything that is kept as rows: jobs with their stages and events, users and quotas, uploads and artifacts, and
//! the messages that leave and came in. The only user of sea-orm; none of its types leaves this crate.
//!
//! Each method is one whole step: it opens its own transaction, and what belongs together (a job's change, its events
//! and the messages about it) is written in one. Nothing here publishes, calls out, reads a clock or decides what a
//! job does next: moments come in as arguments and the moves come from [`domain::transition`]. SQLite and PostgreSQL
//! give the same answers; one suite runs over both.

mod address;
mod artifacts;
mod breakers;
mod database;
mod error;
mod events;
mod feedback;
mod idempotency;
mod inbox;
mod jobs;
mod journal;
mod outbox;
mod quota;
mod rows;
mod stages;
mod submit;
mod tenant;
mod time;
mod uploads;
mod users;

pub use artifacts::{Artifact, Artifacts};
pub use breakers::{BreakerRow, Breakers};
pub use database::{Backend, Database};
pub use error::{DatabaseFault, PersistenceError};
pub use events::LoggedEvent;
pub use feedback::Feedback;
pub use idempotency::{Begin, IdempotencyKey, IdempotencyKeys, KeyClaim};
pub use inbox::Inbox;
pub use jobs::{
    Applied, Authority, Claim, Held, Job, JobStats, Jobs, LeaseCounts, Patch, QueuePosition, RecentJobs, Reported,
};
pub use journal::{Journal, NewEvent};
pub use outbox::{Backlog, Destination, Outbox, OutboxMessage, PendingMessage};
pub use stages::{Checkpoint, Stage, StageStart, StageState, Stages};
pub use submit::{IdempotentAnswer, NewJob, Submission};
pub use tenant::{CancelOutcome, HistoryFilter, HistoryPage, UserJobs};
pub use uploads::{Upload, Uploads};
pub use users::{User, Users};
