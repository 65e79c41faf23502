//! A repository for each kind of row.

use domain::UserId;

use crate::{
    Artifacts, Breakers, Database, Days, IdempotencyKeys, Jobs, Models, Outbox, OutsideCalls, Songs, Spending,
    StageResults, Stages, Uploads, UserJobs, Users,
};

impl Database {
    /// All jobs: for the service that owns them and for sweeps.
    pub const fn jobs(&self) -> Jobs<'_> {
        Jobs { db: self }
    }

    /// The jobs of one user; nobody else's can be reached through it.
    pub const fn jobs_of<'a>(&'a self, user: &'a UserId) -> UserJobs<'a> {
        UserJobs { db: self, user }
    }

    pub const fn users(&self) -> Users<'_> {
        Users { db: self }
    }

    pub const fn stages(&self) -> Stages<'_> {
        Stages { db: self }
    }

    pub const fn outbox(&self) -> Outbox<'_> {
        Outbox { db: self }
    }

    /// What was asked of somebody outside.
    pub const fn spending(&self) -> Spending<'_> {
        Spending { db: self }
    }

    pub const fn outside_calls(&self) -> OutsideCalls<'_> {
        OutsideCalls { db: self }
    }

    /// What finished stages made, for later jobs of the same owner.
    pub const fn stage_results(&self) -> StageResults<'_> {
        StageResults { db: self }
    }

    pub const fn idempotency(&self) -> IdempotencyKeys<'_> {
        IdempotencyKeys { db: self }
    }

    pub const fn uploads(&self) -> Uploads<'_> {
        Uploads { db: self }
    }

    pub const fn breakers(&self) -> Breakers<'_> {
        Breakers { db: self }
    }

    /// What happened on each day.
    pub const fn days(&self) -> Days<'_> {
        Days { db: self }
    }

    pub const fn artifacts(&self) -> Artifacts<'_> {
        Artifacts { db: self }
    }

    /// The catalogue of songs, which all users share.
    pub const fn songs(&self) -> Songs<'_> {
        Songs { db: self }
    }

    /// The registry of models.
    pub const fn models(&self) -> Models<'_> {
        Models { db: self }
    }
}
