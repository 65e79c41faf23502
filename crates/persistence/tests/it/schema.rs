//! Migrations both ways, and that both databases end up with the same tables.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    ArtifactRole, JobEvent, JobState, OutsideCallId, SongFacts, SongName, StageName, StageResultId, UserId,
    kinds::melody_vocals,
    registry::{ModelAddress, ModelName},
};
use persistence::{
    Artifact, Backend, Begin, Checkpoint, Database, Destination, IdempotencyKey, Inserted, Journal, ModelChoiceMade,
    NewCall, NewSong, PersistenceError, StageResult, Submission, Trained,
};
use sea_orm::{ConnectionTrait, Statement};

use crate::bed::{
    Bed, artifact_id, breaker, every_kind, figures_of, input, job_id, later, message, model_id, new_job, noon, on_both,
    song_id, telling_journal, upload_id, user,
};

/// In the order of the migrations.
const TABLES: [&[&str]; 12] = [
    &["users", "jobs"],
    &["job_stages", "job_events"],
    &["outbox", "idempotency_keys"],
    &["uploads", "artifacts", "feedback"],
    &["breakers"],
    &["job_inputs", "outside_calls", "stage_results"],
    &["songs", "song_terms", "search_words", "search_grams"],
    &["daily_figures"],
    &["spending"],
    &["models", "model_trainings", "model_choices", "registry_keys"],
    // Columns only.
    &[],
    &[],
];

/// Steps down to the version before jobs had inputs of their own.
const TO_BEFORE_INPUTS: u32 = 7;

async fn strings(bed: &Bed, sql: &str) -> BTreeSet<String> {
    let connection = sea_orm::Database::connect(&bed.url).await.unwrap();
    let query = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(query).await.unwrap();
    let found = rows.into_iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect();
    connection.close().await.unwrap();
    found
}

async fn columns(bed: &Bed) -> BTreeSet<String> {
    let sql = match bed.db.backend() {
        Backend::Sqlite => {
            "SELECT t.name || '.' || c.name || CASE WHEN c.\"notnull\" THEN '' ELSE '?' END
             || CASE WHEN c.pk THEN ' key' ELSE '' END
             FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'"
        }
        Backend::Postgres => {
            "SELECT c.table_name || '.' || c.column_name || CASE WHEN c.is_nullable = 'NO' THEN '' ELSE '?' END
             || CASE WHEN k.column_name IS NULL THEN '' ELSE ' key' END
             FROM information_schema.columns c
             LEFT JOIN (SELECT u.table_name, u.column_name FROM information_schema.key_column_usage u
                        JOIN information_schema.table_constraints t USING (constraint_name)
                        WHERE t.constraint_type = 'PRIMARY KEY') k
               ON k.table_name = c.table_name AND k.column_name = c.column_name
             WHERE c.table_schema = 'public'"
        }
    };
    let mut columns = strings(bed, sql).await;
    columns.retain(|column| !column.starts_with("seaql_migrations."));
    columns
}

async fn indexes(bed: &Bed) -> BTreeSet<String> {
    let sql = match bed.db.backend() {
        Backend::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'index'",
        Backend::Postgres => "SELECT indexname::text FROM pg_indexes WHERE schemaname = 'public'",
    };
    let mut indexes = strings(bed, sql).await;
    indexes.retain(|name| name.ends_with("_idx"));
    indexes
}

async fn references(bed: &Bed) -> BTreeSet<String> {
    let sql = match bed.db.backend() {
        Backend::Sqlite => {
            "SELECT t.name || '.' || f.\"from\" || ' ' || f.\"table\" || ' ' || f.on_delete
             FROM sqlite_master t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table'"
        }
        Backend::Postgres => {
            "SELECT k.table_name || '.' || k.column_name || ' ' || u.table_name || ' ' || r.delete_rule
             FROM information_schema.referential_constraints r
             JOIN information_schema.key_column_usage k USING (constraint_name)
             JOIN information_schema.constraint_column_usage u USING (constraint_name)"
        }
    };
    strings(bed, sql).await
}

async fn rows_in(bed: &Bed, table: &str) -> String {
    let found = strings(bed, &format!("SELECT CAST(COUNT(*) AS TEXT) FROM {table}")).await;
    found.into_iter().next().unwrap()
}

#[tokio::test]
async fn both_databases_have_the_same_tables_columns_indexes_and_references() {
    let (sqlite, postgres) = (Bed::sqlite().await, Bed::postgres().await);
    let expected: BTreeSet<&str> = TABLES.concat().into_iter().collect();
    let named = columns(&sqlite).await;
    let tables: BTreeSet<&str> = named.iter().filter_map(|column| Some(column.split_once('.')?.0)).collect();
    assert_eq!(tables, expected);
    assert_eq!(named, columns(&postgres).await);
    assert_eq!(indexes(&sqlite).await, indexes(&postgres).await);
    assert!(indexes(&sqlite).await.contains("jobs_state_due_at_id_idx"));
    assert_eq!(references(&sqlite).await, references(&postgres).await);
    assert!(references(&sqlite).await.contains("artifacts.job_id jobs CASCADE"));
}

/// At least one row in every table, written through the repositories.
async fn fill(db: &Database, owner: &UserId) {
    let now = noon();
    let upload = upload_id();
    db.uploads().create(upload, owner, "uploads/x", now).await.unwrap();
    let mut new = new_job(now);
    new.inputs = vec![input(Some(upload))];
    let limits = domain::quota::QuotaLimits::UNLIMITED;
    let accepted = db.jobs_of(owner).submit(&new, limits, None, &telling_journal(), now).await.unwrap();
    let Submission::Accepted { job, .. } = accepted else { panic!("{accepted:?}") };
    let kinds = every_kind(None);
    let claim = persistence::Claim { owner: "w", lease_until: now, kinds: &kinds, may_start: true };
    let claimed = db.jobs().claim_due(claim, &Journal::silent(), now).await.unwrap().unwrap().job;
    assert_eq!(claimed.id, job.id);
    let stage: StageName = melody_vocals::PITCH;
    db.stages().start(job.id, claimed.generation, stage, 1, now).await.unwrap();
    let call = OutsideCallId::from_uuid(job.id.uuid());
    let to = ("vendor", "main");
    let estimate = Some(domain::Cost { micros: 1, currency: "USD".to_owned() });
    let call = NewCall { estimate, ..NewCall::new(call, (job.id, claimed.generation), (stage, ""), to) };
    db.outside_calls().begin(&call, now).await.unwrap();
    let result = StageResult {
        id: StageResultId::from_uuid(job.id.uuid()),
        owner: owner.clone(),
        stage: stage.to_string(),
        inputs_hash: job.id.to_string(),
        provider: None,
        detail: serde_json::json!({}),
        objects: Default::default(),
        created_at: now,
        expires_at: now,
    };
    assert!(db.stage_results().announce(&result).await.unwrap());
    let key = IdempotencyKey { user: owner.clone(), key: job_id().to_string(), route: "convert".to_owned() };
    let begun = db.idempotency().begin(&key, "h", now, chrono::TimeDelta::minutes(1)).await.unwrap();
    assert!(matches!(begun, Begin::Fresh(_)));
    db.outbox().put(vec![message(Destination::Event)], now).await.unwrap();
    let artifact = Artifact {
        id: artifact_id(),
        job_id: job.id,
        role: ArtifactRole::AUDIO_MP3,
        object_key: "k".to_owned(),
        size_bytes: 1,
        sha256: "s".to_owned(),
        media_type: "audio/mpeg".to_owned(),
        file_name: "f.mp3".to_owned(),
        created_at: now,
    };
    db.artifacts().upsert(&[artifact]).await.unwrap();
    assert!(db.jobs_of(owner).rate(job.id, 5, None, now).await.unwrap());
    db.breakers().report(&[breaker("w", "offline", now)]).await.unwrap();
    // One row however often this fills: a day is counted once.
    db.days().record(&figures_of("2026-02-14"), now).await.unwrap();
    let song = NewSong {
        id: song_id(),
        name: SongName::new("Yesterday", None).unwrap(),
        sha256: job.id.to_string(),
        object_key: "k".to_owned(),
        bytes: 1,
        facts: SongFacts::default(),
    };
    assert!(matches!(db.songs().insert(&song, now).await.unwrap(), Inserted::New(_)));
    // Each filling has its own: names are there once.
    let trained = ModelName::new(&format!("m-{}", job.id)).unwrap();
    let address: ModelAddress = "v1".parse().unwrap();
    let training = Trained {
        job: job.id,
        owner,
        name: &trained,
        provider: "vendor",
        address: &address,
        licence: None,
        quality: None,
    };
    db.models().register_trained(training, model_id(), now).await.unwrap();
    let chosen = db.models().choose(job.id, &trained, now).await.unwrap();
    assert!(matches!(chosen, ModelChoiceMade::Made(_)), "{chosen:?}");
    db.models().put_registry_keys(&serde_json::Map::from_iter([("k".to_owned(), 1.into())])).await.unwrap();
    // Ended, so that the next filling claims its own job.
    let patch = persistence::Patch::default();
    let holder = persistence::Authority::Holder { generation: claimed.generation };
    db.jobs().apply(job.id, holder, JobEvent::Failed, &patch, &Journal::silent(), now).await.unwrap();
}

async fn every_migration_goes_down_and_up_with_rows_in_every_table(bed: &Bed) {
    let fresh = columns(bed).await;
    fill(&bed.db, &user("ada")).await;
    for depth in 1..=TABLES.len() {
        bed.db.migrate_down(u32::try_from(depth).unwrap()).await.unwrap();
        let (kept, gone) = TABLES.split_at(TABLES.len() - depth);
        let left = columns(bed).await;
        for table in gone.concat() {
            assert!(!left.iter().any(|column| column.starts_with(&format!("{table}."))), "{table} is still there");
        }
        for table in kept.concat() {
            assert_ne!(
                rows_in(bed, table).await,
                "0",
                "{table} lost its rows when migration {depth} from the end went"
            );
        }
        bed.db.migrate().await.unwrap();
        assert_eq!(columns(bed).await, fresh);
        for table in gone.concat() {
            assert_eq!(rows_in(bed, table).await, "0", "{table} came back with rows");
        }
        fill(&bed.db, &user("ada")).await;
    }
    bed.db.migrate().await.unwrap();
    assert_eq!(columns(bed).await, fresh, "migrating again changed something");
}

async fn going_down_leaves_jobs_that_the_version_before_can_read(bed: &Bed) {
    let ada = user("ada");
    let parked = bed.in_state(JobState::Parked, &ada, noon()).await;
    let over = bed.in_state(JobState::Completed, &ada, later(1)).await;
    let running = bed.in_state(JobState::Running, &ada, later(2)).await;
    let stage = melody_vocals::PITCH;
    bed.db.stages().start(running.id, running.generation, stage, 1, later(3)).await.unwrap();
    let checkpoint = Checkpoint { objects: Some(BTreeMap::new()), ..Checkpoint::default() };
    assert!(bed.db.stages().finish(running.id, running.generation, stage, &checkpoint, later(4)).await.unwrap());
    bed.db.migrate_down(TO_BEFORE_INPUTS).await.unwrap();
    assert_eq!(rows_in(bed, "jobs").await, "3");
    let words = strings(bed, "SELECT state FROM jobs").await;
    let known = ["completed", "queued", "running"].map(str::to_owned);
    assert_eq!(words, BTreeSet::from(known), "parked is a word of this version");
    assert_eq!(rows_in(bed, "job_stages").await, "0", "its objects are not where the version before looks");

    bed.db.migrate().await.unwrap();
    let back = bed.db.jobs().get(parked.id).await.unwrap().unwrap();
    assert_eq!((back.state, back.due_at, back.version), (JobState::Queued, parked.due_at, parked.version + 1));
    assert_eq!(bed.db.jobs().get(over.id).await.unwrap().unwrap().state, JobState::Completed);
}

async fn going_down_is_refused_while_the_version_before_would_strand_jobs(bed: &Bed) {
    let ada = user("ada");
    for (n, inputs) in [(0, vec![]), (10, vec![input(None), input(None)])] {
        let mut new = new_job(later(n));
        new.inputs = inputs;
        let stranded = bed.submitted_as(&new, &ada, later(n)).await;
        let why = bed.db.migrate_down(TO_BEFORE_INPUTS).await.unwrap_err();
        assert!(format!("{}", std::error::Error::source(&why).unwrap()).contains("1 unfinished jobs"), "{why:?}");
        // Nothing of it was done.
        assert_eq!(bed.db.jobs().get(stranded.id).await.unwrap().map(|job| job.state), Some(JobState::Queued));
        bed.moved(stranded.id, JobEvent::CancelRequested, later(n + 1)).await;
    }
    bed.db.migrate_down(TO_BEFORE_INPUTS).await.unwrap();
    bed.db.migrate().await.unwrap();
}

async fn services_that_start_together_migrate_once(bed: &Bed) {
    bed.db.migrate_down(TABLES.len() as u32).await.unwrap();
    let mut pools = Vec::new();
    for _ in 0..6 {
        pools.push(bed.another().await);
    }
    let starting: Vec<_> = pools.into_iter().map(|db| tokio::spawn(async move { db.migrate().await })).collect();
    for service in starting {
        service.await.unwrap().unwrap();
    }
    assert_eq!(rows_in(bed, "seaql_migrations").await, TABLES.len().to_string());
    bed.db.ping().await.unwrap();
}

async fn broken_rules_are_errors_that_do_not_quote_the_row(bed: &Bed) {
    let ada = user("ada");
    let new = new_job(noon());
    bed.submitted_as(&new, &ada, noon()).await;
    let unlimited = domain::quota::QuotaLimits::UNLIMITED;
    let why = bed.db.jobs_of(&ada).submit(&new, unlimited, None, &Journal::silent(), noon()).await.unwrap_err();
    assert!(matches!(why, PersistenceError::Query { operation: "submit a job", .. }), "{why:?}");
    assert!(!why.is_retryable());
    assert!(!format!("{why:?} {why}").contains("shanty"));

    let job = bed.submitted(&ada, noon()).await;
    let why = bed.db.jobs_of(&ada).rate(job.id, 6, Some("secret words"), noon()).await.unwrap_err();
    assert!(!why.is_retryable() && !format!("{why:?}").contains("secret words"), "{why:?}");

    let orphan = Artifact {
        id: artifact_id(),
        job_id: job_id(),
        role: ArtifactRole::LYRICS,
        object_key: String::new(),
        size_bytes: 0,
        sha256: String::new(),
        media_type: String::new(),
        file_name: String::new(),
        created_at: noon(),
    };
    assert!(bed.db.artifacts().upsert(&[orphan]).await.is_err(), "foreign keys are not enforced");
}

async fn a_closed_database_says_so_and_may_be_retried(bed: &Bed) {
    bed.db.close().await.unwrap();
    let why = bed.db.ping().await.unwrap_err();
    assert!(why.is_retryable(), "{why:?}");
    assert_eq!(why.code(), "database_query");
}

on_both!(
    every_migration_goes_down_and_up_with_rows_in_every_table,
    going_down_leaves_jobs_that_the_version_before_can_read,
    going_down_is_refused_while_the_version_before_would_strand_jobs,
    services_that_start_together_migrate_once,
    broken_rules_are_errors_that_do_not_quote_the_row,
    a_closed_database_says_so_and_may_be_retried,
);

#[tokio::test]
async fn a_database_in_memory_is_one_database_for_all_callers() {
    let db = Database::connect("sqlite::memory:", 8).await.unwrap();
    db.migrate().await.unwrap();
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move { db.users().ensure(&user("ada"), domain::Tier::Free, noon()).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    assert!(db.users().get(&user("ada")).await.unwrap().is_some());
    let other = Database::connect("sqlite::memory:", 8).await.unwrap();
    other.migrate().await.unwrap();
    assert!(other.users().get(&user("ada")).await.unwrap().is_none(), "two databases in memory share rows");
}

#[tokio::test]
async fn prisma_addresses_work_and_a_missing_folder_is_named_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file:{}?connection_limit=1&timeout=30", folder.path().join("dev.db").display());
    let db = Database::connect(&url, 8).await.unwrap();
    db.migrate().await.unwrap();
    fill(&db, &user("ada")).await;
    assert_eq!(db.backend(), Backend::Sqlite);

    let postgres = testbed::postgres_database().await;
    let url = format!("{}?connection_limit=1&pool_timeout=30&schema=public", postgres.url());
    let db = Database::connect(&url, 8).await.unwrap();
    db.migrate().await.unwrap();
    fill(&db, &user("ada")).await;

    let nowhere = format!("sqlite:{}", folder.path().join("no/such/folder/x.db").display());
    let why = Database::connect(&nowhere, 1).await.unwrap_err();
    assert!(matches!(why, PersistenceError::Connect { backend: Backend::Sqlite, .. }), "{why:?}");
}

#[tokio::test]
async fn a_sqlite_file_is_set_up_for_several_processes() {
    let bed = Bed::sqlite().await;
    assert_eq!(strings(&bed, "PRAGMA journal_mode").await, BTreeSet::from(["wal".to_owned()]));
    // Another process writes while this one does: neither fails with a busy file.
    let other = bed.another().await;
    let writes = |db: Database, name: &'static str| async move {
        for _ in 0..100 {
            db.outbox().put(vec![message(Destination::Event)], noon()).await.unwrap();
            let job = new_job(noon());
            db.jobs_of(&user(name))
                .submit(&job, domain::quota::QuotaLimits::UNLIMITED, None, &telling_journal(), noon())
                .await
                .unwrap();
        }
    };
    let theirs = tokio::spawn(writes(other, "theirs"));
    writes(bed.db.clone(), "ours").await;
    theirs.await.unwrap();
    assert_eq!(rows_in(&bed, "jobs").await, "200");
}
