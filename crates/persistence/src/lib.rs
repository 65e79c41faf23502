//! Everything that is kept as rows: jobs with their stages and events, users and quotas, uploads and artifacts, and
//! the messages that leave. The only user of sea-orm; none of its types leaves this crate.
//!
//! Each method is one whole step: it opens its own transaction, and what belongs together (a job's change, its events
//! and the messages about it) is written in one. Nothing here publishes, calls out, reads a clock or decides what a
//! job does next: moments come in as arguments and the moves come from [`domain::transition`]. SQLite and PostgreSQL
//! give the same answers; one suite runs over both.

mod address;
mod artifacts;
mod backend;
mod breakers;
mod daily;
mod database;
mod error;
mod events;
mod failure;
mod feedback;
mod idempotency;
mod inputs;
mod job;
mod jobs;
mod journal;
mod models;
mod outbox;
mod outside_call_offs;
mod outside_calls;
mod quota;
mod repositories;
mod retry;
mod rows;
mod songs;
mod spending;
mod stage_results;
mod stages;
mod starts;
mod submit;
mod tenant;
mod time;
mod uploads;
mod users;
mod words;

pub use artifacts::{Artifact, Artifacts};
pub use backend::Backend;
pub use breakers::{BreakerRow, Breakers};
pub use daily::{DailyFigures, Days};
pub use database::Database;
pub use error::{DatabaseFault, PersistenceError};
pub use events::LoggedEvent;
pub use feedback::Feedback;
pub use idempotency::{Begin, IdempotencyKey, IdempotencyKeys, KeyClaim};
pub use inputs::{Input, NewInput};
pub use job::Job;
pub use jobs::{
    Applied, Authority, Claim, ClaimableKind, Claimed, Held, JobStats, Jobs, Patch, QueuePosition, RecentJobs, Reported,
};
pub use journal::{Journal, NewEvent};
pub use models::{ModelAdded, ModelChoiceMade, ModelWritten, Models, NameHeld, NameHold, Trained, TrainingRegistered};
pub use outbox::{Backlog, Destination, Outbox, OutboxMessage, PendingMessage};
pub use outside_calls::{Begun, KeptAnswer, NewCall, OutsideCall, OutsideCallState, OutsideCalls};
pub use retry::{HoldsName, RetryOutcome};
pub use songs::{
    Begun as SongBegun, Inserted, MAX_QUERY_CHARS, NewSong, OfferedSong, Resolved, Song, SongCursor, SongMatch,
    SongPage, Songs,
};
pub use spending::{Purse, Spending, SpendingLimits, Spent, account_of};
pub use stage_results::{StageResult, StageResults};
pub use stages::{Checkpoint, Stage, StageStart, StageState, Stages, WorkObject};
pub use submit::{IdempotentAnswer, NameToHold, NewJob, Submission, SubmissionLimits};
pub use tenant::{CancelOutcome, Cursor, HistoryFilter, HistoryPage, JobList, UserJobs};
pub use uploads::{Upload, Uploads};
pub use users::{User, Users};
