//! The tables as sea-orm sees them. Plain columns only; what they mean is said by the types of the other modules,
//! whose conversions take every column apart.

macro_rules! table {
    ($(#[$doc:meta])* $module:ident, $table:literal, { $($(#[$attribute:meta])* $column:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        pub mod $module {
            #[allow(unused_imports)]
            use chrono::{DateTime, Utc};
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                $($(#[$attribute])* pub $column: $kind,)*
            }

            #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

table!(user, "users", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: String,
    tier: String,
    created_at: DateTime<Utc>,
    quota_lock: i64,
    archived_jobs: i64,
});

table!(job, "jobs", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    kind: String,
    owner: String,
    tier: String,
    state: String,
    version: i64,
    progress: i32,
    stage: Option<String>,
    params: Json,
    upload_id: Option<Uuid>,
    input_key: Option<String>,
    input_sha256: Option<String>,
    verdict: Option<Json>,
    attempt: i32,
    crashes: i32,
    due_at: DateTime<Utc>,
    deadline_at: Option<DateTime<Utc>>,
    lease_owner: Option<String>,
    lease_until: Option<DateTime<Utc>>,
    generation: i64,
    cancel_requested_at: Option<DateTime<Utc>>,
    failure: Option<Json>,
    result: Option<Json>,
    event_seq: i64,
    traceparent: Option<String>,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    files_expire_at: Option<DateTime<Utc>>,
    files_deleted_at: Option<DateTime<Utc>>,
    signals: i64,
    waits_for: Option<String>,
    reuse: bool,
    time_left_ms: Option<i64>,
});

table!(input, "job_inputs", {
    #[sea_orm(primary_key, auto_increment = false)]
    job_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    role: String,
    #[sea_orm(primary_key, auto_increment = false)]
    position: i32,
    upload_id: Option<Uuid>,
    object_key: String,
    sha256: String,
    size_bytes: i64,
    file_name: Option<String>,
    verdict: Option<Json>,
});

table!(stage, "job_stages", {
    #[sea_orm(primary_key, auto_increment = false)]
    job_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    name: String,
    state: String,
    attempt: i32,
    inputs_hash: Option<String>,
    output_key: Option<String>,
    output_sha256: Option<String>,
    output: Option<Json>,
    provider: Option<String>,
    started_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    failure: Option<Json>,
    objects: Option<Json>,
    tried: Option<Json>,
});

table!(event, "job_events", {
    #[sea_orm(primary_key, auto_increment = false)]
    job_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    seq: i64,
    #[sea_orm(column_name = "type")]
    kind: String,
    data: Json,
    at: DateTime<Utc>,
});

table!(outbox, "outbox", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    queue: Option<String>,
    payload: Vec<u8>,
    created_at: DateTime<Utc>,
    claimed_until: Option<DateTime<Utc>>,
    published_at: Option<DateTime<Utc>>,
    attempts: i32,
});

table!(idempotency_key, "idempotency_keys", {
    #[sea_orm(primary_key, auto_increment = false)]
    user_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    key: String,
    #[sea_orm(primary_key, auto_increment = false)]
    route: String,
    request_hash: String,
    state: String,
    status: Option<i32>,
    body: Option<Json>,
    job_id: Option<Uuid>,
    claimed_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
});

table!(upload, "uploads", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    owner: String,
    object_key: String,
    size_bytes: Option<i64>,
    sha256: Option<String>,
    created_at: DateTime<Utc>,
    job_id: Option<Uuid>,
    condemned_at: Option<DateTime<Utc>>,
});

table!(artifact, "artifacts", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    job_id: Uuid,
    role: String,
    object_key: String,
    size_bytes: i64,
    sha256: String,
    media_type: String,
    file_name: String,
    created_at: DateTime<Utc>,
});

table!(feedback, "feedback", {
    #[sea_orm(primary_key, auto_increment = false)]
    job_id: Uuid,
    user_id: String,
    rating: i32,
    text: Option<String>,
    at: DateTime<Utc>,
});

table!(breaker, "breakers", {
    #[sea_orm(primary_key, auto_increment = false)]
    instance: String,
    #[sea_orm(primary_key, auto_increment = false)]
    provider: String,
    state: String,
    failures: i32,
    open_until: Option<DateTime<Utc>>,
    problem: Option<String>,
    held_since: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
});

table!(daily_figures, "daily_figures", {
    #[sea_orm(primary_key, auto_increment = false)]
    kind: String,
    #[sea_orm(primary_key, auto_increment = false)]
    day: String,
    submitted: i64,
    completed: i64,
    failed: i64,
    expired: i64,
    cancelled: i64,
    mean_wait_ms: Option<f64>,
    mean_processing_ms: Option<f64>,
    counted_at: DateTime<Utc>,
});

table!(outside_call, "outside_calls", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    job_id: Uuid,
    stage: String,
    purpose: String,
    provider: String,
    credential: String,
    correlation: String,
    outside_id: Option<String>,
    state: String,
    cost_micros: Option<i64>,
    currency: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    answer: Option<Json>,
    usage: Option<Json>,
    estimate_micros: Option<i64>,
});
table!(spending, "spending", {
    #[sea_orm(primary_key, auto_increment = false)]
    month: String,
    #[sea_orm(primary_key, auto_increment = false)]
    scope: String,
    #[sea_orm(primary_key, auto_increment = false)]
    name: String,
    #[sea_orm(primary_key, auto_increment = false)]
    currency: String,
    spent_micros: i64,
    reserved_micros: i64,
});

table!(stage_result, "stage_results", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    owner: String,
    stage: String,
    inputs_hash: String,
    provider: Option<String>,
    detail: Json,
    objects: Json,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
});

table!(song, "songs", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    title: String,
    artist: Option<String>,
    title_key: String,
    artist_key: String,
    match_key: String,
    sha256: String,
    object_key: String,
    size_bytes: i64,
    facts: Json,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    hidden_at: Option<DateTime<Utc>>,
});

table!(model, "models", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    name: String,
    kind: String,
    provider: String,
    path: Option<String>,
    version: Option<String>,
    previous_version: Option<String>,
    status: String,
    canary: Option<Json>,
    owner: Option<String>,
    licence: Option<String>,
    description: Option<String>,
    input_schema: Option<Json>,
    quality: Option<Json>,
    trained_from: Option<Uuid>,
    extra: Json,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
});

table!(model_training, "model_trainings", {
    #[sea_orm(primary_key, auto_increment = false)]
    job_id: Uuid,
    model_id: Uuid,
    version: String,
    registered_at: DateTime<Utc>,
});

table!(model_choice, "model_choices", {
    #[sea_orm(primary_key, auto_increment = false)]
    job_id: Uuid,
    name: String,
    provider: String,
    version: String,
    chosen_at: DateTime<Utc>,
});

table!(registry_key, "registry_keys", {
    #[sea_orm(primary_key, auto_increment = false)]
    key: String,
    value: Json,
});
