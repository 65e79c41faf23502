//! The registry of models: who sees what, changes that do not undo each other, trainings that are told of twice, and jobs that
//! keep the version which they got.

use domain::{
    JobState, KindName, UserId,
    quota::QuotaLimits,
    registry::{
        Canary, LocalModel, ModelAddress, ModelChange, ModelKind, ModelName, ModelStatus, ModelVersion,
        RegisteredModel, Share, Unusable, changed, dice,
    },
};
use persistence::{
    Database, Journal, ModelAdded, ModelChoiceMade, ModelWritten, NameHeld, NameHold, NameToHold, NewJob, RetryOutcome,
    Submission, Trained, TrainingRegistered,
};
use serde_json::{Map, json};

use crate::bed::{Bed, later, model_id, new_job, noon, on_both, user};

fn name(text: &str) -> ModelName {
    ModelName::new(text).unwrap()
}

fn version(text: &str) -> ModelVersion {
    ModelVersion::new(text).unwrap()
}

fn base(text: &str) -> RegisteredModel {
    let address = ModelAddress { path: None, version: version("one") };
    RegisteredModel::base(model_id(), name(text), "replicate", address, noon())
}

async fn added(bed: &Bed, model: &RegisteredModel) -> RegisteredModel {
    match bed.db.models().add(model, noon()).await.unwrap() {
        ModelAdded::New(model) => *model,
        ModelAdded::NameTaken => panic!("{} is taken", model.name),
    }
}

async fn names(bed: &Bed, user: Option<&UserId>) -> Vec<String> {
    bed.db.models().list(user).await.unwrap().into_iter().map(|model| model.name.to_string()).collect()
}

async fn a_model_is_read_as_it_was_written(bed: &Bed) {
    let model = RegisteredModel {
        path: Some(domain::registry::ModelPath::new("meta/musicgen").unwrap()),
        previous_version: Some(version("zero")),
        status: ModelStatus::Disabled,
        canary: Some(Canary::new(version("two"), Share::new(0.125).unwrap())),
        owner: Some(user("ada")),
        licence: Some("CC-BY-NC-4.0".to_owned()),
        description: Some("Für alle".to_owned()),
        input_schema: Some(json!({ "properties": { "prompt": { "type": "string" } } })),
        quality: Some(json!({ "mos": 4.25 })),
        trained_from: Some(crate::bed::job_id()),
        extra: Map::from_iter([("epochs".to_owned(), json!([1, null, true]))]),
        ..base("whole")
    };
    let written = added(bed, &model).await;
    assert_eq!(written, model, "noon is a whole second");
    assert_eq!(bed.db.models().get(&model.name).await.unwrap(), Some(model.clone()));
    assert_eq!(bed.db.models().revisions().await.unwrap(), [(model.id, 1)]);
    let again = RegisteredModel { id: model_id(), owner: None, ..model };
    assert_eq!(bed.db.models().add(&again, later(1)).await.unwrap(), ModelAdded::NameTaken);
    assert_eq!(bed.db.models().get(&name("other")).await.unwrap(), None);
}

async fn users_see_what_is_everybodys_and_theirs(bed: &Bed) {
    added(bed, &base("b")).await;
    added(bed, &RegisteredModel { owner: Some(user("ada")), ..base("a") }).await;
    added(bed, &RegisteredModel { owner: Some(user("ben")), ..base("C".to_lowercase().as_str()) }).await;
    assert_eq!(names(bed, Some(&user("ada"))).await, ["a", "b"]);
    assert_eq!(names(bed, Some(&user("eve"))).await, ["b"]);
    assert_eq!(names(bed, None).await, ["a", "b", "c"]);
    // As a newer version might.
    bed.execute("UPDATE models SET status = 'resting' WHERE name = 'b'").await;
    assert_eq!(names(bed, None).await, ["a", "c"], "a word that nobody knows here breaks no list");
    assert!(bed.db.models().get(&name("b")).await.is_err(), "but such a model is not acted on");
}

async fn a_change_over_an_older_revision_is_none(bed: &Bed) {
    let model = added(bed, &base("x")).await;
    let models = bed.db.models();
    let told = |text: &str| RegisteredModel { description: Some(text.to_owned()), ..model.clone() };
    let first = models.put(&told("first"), later(5)).await.unwrap().unwrap();
    assert_eq!((first.revision, first.updated_at, first.created_at), (2, later(5), noon()));
    assert_eq!(models.put(&told("second"), later(6)).await.unwrap(), None);
    assert_eq!(models.get(&model.name).await.unwrap(), Some(first.clone()));
    let late =
        models.put(&RegisteredModel { licence: Some("MIT".to_owned()), ..first }, noon()).await.unwrap().unwrap();
    assert_eq!(late.updated_at, later(5), "a clock that is behind turns nothing back");
}

async fn changes_at_once_all_happen(bed: &Bed) {
    let model = added(bed, &base("busy")).await;
    let count = |n: u32| {
        let (db, name) = (bed.db.clone(), model.name.clone());
        async move {
            let key = format!("n{n}");
            let add = |model: &RegisteredModel| {
                let mut after = model.clone();
                after.extra.insert(key.clone(), n.into());
                Ok::<_, ()>(after)
            };
            db.models().change(&name, later(1), add).await.unwrap()
        }
    };
    let tasks: Vec<_> = (0..8).map(|n| tokio::spawn(count(n))).collect();
    for task in tasks {
        assert!(matches!(task.await.unwrap(), ModelWritten::Written(_)));
    }
    let after = bed.db.models().get(&model.name).await.unwrap().unwrap();
    assert_eq!((after.extra.len(), after.revision), (8, 9));
    let same = bed.db.models().change(&model.name, later(9), |model| Ok::<_, ()>(model.clone())).await.unwrap();
    assert_eq!(same, ModelWritten::Written(Box::new(after)), "what changes nothing is not written");
    let refused = bed.db.models().change(&model.name, later(9), |_| Err("no")).await.unwrap();
    assert_eq!(refused, ModelWritten::Refused("no"));
    let missing = bed.db.models().change(&name("other"), later(9), |_| Err("no")).await.unwrap();
    assert_eq!(missing, ModelWritten::Missing);
}

async fn a_training_is_registered_once(bed: &Bed) {
    let (ada, ben) = (user("ada"), user("ben"));
    let models = bed.db.models();
    let quality = json!({ "loss": 0.5 });
    let register = async |job, owner: &UserId, text: &str, address: &str| {
        let (name, address) = (name(text), address.parse().unwrap());
        let trained = Trained {
            job,
            owner,
            name: &name,
            provider: "replicate",
            address: &address,
            licence: Some("MIT"),
            quality: Some(&quality),
        };
        models.register_trained(trained, model_id(), later(1)).await.unwrap()
    };
    let first = format!("ada/guitar:{}", "a".repeat(64));
    let second = format!("ada/guitar:{}", "b".repeat(64));
    let (job, next, third) = (crate::bed::job_id(), crate::bed::job_id(), crate::bed::job_id());

    let TrainingRegistered::New(model) = register(job, &ada, "guitar", &first).await else { panic!("it is the first") };
    assert_eq!(
        (model.kind, model.status, model.owner.as_ref()),
        (ModelKind::FineTuned, ModelStatus::Ready, Some(&ada))
    );
    assert_eq!(model.address().unwrap().to_string(), first);
    assert_eq!((model.trained_from, model.licence.as_deref()), (Some(job), Some("MIT")));
    assert_eq!(model.quality.as_ref(), Some(&quality));
    assert_eq!(register(job, &ada, "guitar", &first).await, TrainingRegistered::Known(model.clone()));

    assert_eq!(register(third, &ben, "guitar", &second).await, TrainingRegistered::NameTaken);
    added(bed, &base("base")).await;
    assert_eq!(register(third, &ada, "base", &second).await, TrainingRegistered::NameTaken);

    let TrainingRegistered::NextVersion(model) = register(next, &ada, "guitar", &second).await else {
        panic!("theirs")
    };
    assert_eq!((model.previous_version.unwrap().as_str(), model.revision), (&first[11..], 2));
    let TrainingRegistered::Known(known) = register(job, &ada, "guitar", &first).await else { panic!("it was told") };
    assert_eq!(known.address().unwrap().to_string(), second, "an old training told again takes nothing back");
}

async fn a_name_is_held_while_a_training_runs(bed: &Bed) {
    let (ada, job, other) = (user("ada"), crate::bed::job_id(), crate::bed::job_id());
    let models = bed.db.models();
    let held = RegisteredModel::in_training(model_id(), name("held"), "replicate", (ada.clone(), job), noon());
    added(bed, &held).await;
    let register = async |job| {
        let (name, address): (_, ModelAddress) = (name("held"), "v1".parse().unwrap());
        let trained = Trained {
            job,
            owner: &ada,
            name: &name,
            provider: "replicate",
            address: &address,
            licence: None,
            quality: None,
        };
        models.register_trained(trained, model_id(), later(1)).await.unwrap()
    };
    assert_eq!(register(other).await, TrainingRegistered::NameTaken, "it is another training's");
    assert_eq!(models.end_trainings(10, later(1)).await.unwrap(), [name("held")], "its job is gone");
    assert_eq!(models.end_trainings(10, later(2)).await.unwrap(), [], "it is told once");
    assert_eq!(models.get(&name("held")).await.unwrap().unwrap().status, ModelStatus::Failed);
    let TrainingRegistered::New(model) = register(other).await else { panic!("a failed one holds nothing") };
    assert_eq!((model.id, model.status, model.trained_from), (held.id, ModelStatus::Ready, Some(other)));
    assert_eq!(models.end_trainings(10, later(2)).await.unwrap(), [], "what is ready has not failed");
}

async fn of_two_trainings_of_one_name_one_is_accepted(bed: &Bed) {
    let (ada, ben) = (user("ada"), user("ben"));
    let submit = async |who: &UserId, text: &str, now| {
        let name = name(text);
        let new = NewJob { params: json!({ "name": text }), inputs: vec![], ..new_job(now) };
        let is_same = |params: &serde_json::Value| params["name"] == text;
        let hold = NameToHold { name: &name, provider: "replicate", id: model_id(), is_same: &is_same };
        let (jobs, journal) = (bed.db.jobs_of(who), Journal::silent());
        jobs.submit_holding(&new, QuotaLimits::UNLIMITED, Some(hold), None, &journal, now).await.unwrap()
    };
    let accepted = async |who: &UserId, text: &str, now| match submit(who, text, now).await {
        Submission::Accepted { job, .. } => job.id,
        other => panic!("not accepted: {other:?}"),
    };
    let row = async |text: &str| bed.db.models().get(&name(text)).await.unwrap().unwrap();

    let first = accepted(&ada, "guitar", noon()).await;
    let held = row("guitar").await;
    assert_eq!((held.status, held.owner, held.trained_from), (ModelStatus::Training, Some(ada.clone()), Some(first)));
    assert_eq!(submit(&ada, "guitar", later(1)).await, Submission::NameHeld { by: first });
    assert_eq!(submit(&ben, "guitar", later(1)).await, Submission::NameTaken, "whose it is, is nobody's business");
    accepted(&ben, "drums", later(1)).await;
    added(bed, &base("small")).await;
    assert_eq!(submit(&ada, "small", later(1)).await, Submission::NameTaken);

    // A job that has ended holds nothing, whether or not that was noted before.
    assert_eq!(bed.db.models().end_trainings(10, later(2)).await.unwrap(), []);
    bed.execute("UPDATE jobs SET state = 'failed' WHERE owner = 'ada'").await;
    let second = accepted(&ben, "guitar", later(3)).await;
    assert_eq!((row("guitar").await.owner, row("guitar").await.trained_from), (Some(ben.clone()), Some(second)));
    bed.execute("UPDATE jobs SET state = 'cancelled' WHERE owner = 'ben'").await;
    assert_eq!(bed.db.models().end_trainings(10, later(4)).await.unwrap(), [name("drums"), name("guitar")]);
    assert_eq!((row("guitar").await.status, row("drums").await.status), (ModelStatus::Failed, ModelStatus::Failed));
    let third = accepted(&ada, "guitar", later(5)).await;
    assert_eq!((row("guitar").await.status, row("guitar").await.id), (ModelStatus::Training, held.id));

    // One that has a version goes on being used while the next is trained; its owner trains one at a time.
    let address: ModelAddress = "v1".parse().unwrap();
    let trained = Trained {
        job: third,
        owner: &ada,
        name: &name("guitar"),
        provider: "replicate",
        address: &address,
        licence: None,
        quality: None,
    };
    bed.db.models().register_trained(trained, model_id(), later(6)).await.unwrap();
    assert_eq!(submit(&ada, "guitar", later(7)).await, Submission::NameHeld { by: third }, "its trial goes on");
    bed.execute("UPDATE jobs SET state = 'completed' WHERE owner = 'ada'").await;
    let next = accepted(&ada, "guitar", later(8)).await;
    assert_eq!((row("guitar").await.status, row("guitar").await.trained_from), (ModelStatus::Ready, Some(third)));
    assert_eq!(submit(&ada, "guitar", later(9)).await, Submission::NameHeld { by: next });
    assert_eq!(submit(&ben, "guitar", later(9)).await, Submission::NameTaken);
    assert_eq!(bed.db.models().end_trainings(10, later(9)).await.unwrap(), []);

    // Nor is one that failed tried again beside another: the row, which has a version, does not say that one is at work.
    bed.execute("UPDATE jobs SET state = 'failed' WHERE owner = 'ada'").await;
    let newer = accepted(&ada, "guitar", later(10)).await;
    let name_of = |_: &KindName, params: &serde_json::Value| ModelName::new(params["name"].as_str()?).ok();
    let retry = async |now| {
        let (jobs, journal) = (bed.db.jobs_of(&ada), Journal::silent());
        jobs.retry_holding(next, QuotaLimits::UNLIMITED, &name_of, &journal, now).await.unwrap()
    };
    assert_eq!(retry(later(11)).await, RetryOutcome::NameHeld { name: name("guitar"), by: newer });
    bed.execute("UPDATE jobs SET state = 'completed' WHERE state = 'queued' AND owner = 'ada'").await;
    assert!(matches!(retry(later(12)).await, RetryOutcome::Requeued { .. }));
    assert_eq!(submit(&ada, "guitar", later(13)).await, Submission::NameHeld { by: next });
}

async fn of_many_that_want_a_name_at_once_one_gets_it(bed: &Bed) {
    let owners = [user("ada"), user("ben"), user("cem"), user("dee")];
    let hold = |owner: &UserId| {
        let (db, owner) = (bed.db.clone(), owner.clone());
        async move {
            let name = name("wanted");
            let job = crate::bed::job_id();
            // Each has a job that goes on, so that none counts as over.
            let job = bed_job(&db, &owner, job).await;
            let hold = NameHold { job, owner: &owner, name: &name, provider: "replicate", id: model_id() };
            db.models().hold_name(hold, noon()).await.unwrap()
        }
    };
    let tasks: Vec<_> = owners.iter().map(|owner| tokio::spawn(hold(owner))).collect();
    let mut held = Vec::new();
    for task in tasks {
        held.push(task.await.unwrap());
    }
    assert_eq!(held.iter().filter(|held| **held == NameHeld::Held).count(), 1, "{held:?}");
    assert_eq!(held.iter().filter(|held| **held == NameHeld::Taken).count(), 3, "{held:?}");
}

async fn bed_job(db: &Database, owner: &UserId, id: domain::JobId) -> domain::JobId {
    let (jobs, journal) = (db.jobs_of(owner), Journal::silent());
    let new = NewJob { id, inputs: vec![], ..new_job(noon()) };
    let submitted = jobs.submit(&new, QuotaLimits::UNLIMITED, None, &journal, noon()).await.unwrap();
    assert!(matches!(submitted, Submission::Accepted { .. }));
    id
}

async fn a_job_keeps_the_version_that_it_got(bed: &Bed) {
    let (ada, models) = (user("ada"), bed.db.models());
    added(bed, &base("x")).await;
    let job = bed.in_state(JobState::Running, &ada, noon()).await.id;
    let chosen = async |job, text: &str| models.choose(job, &name(text), later(1)).await.unwrap();
    let version_of = async |job| match chosen(job, "x").await {
        ModelChoiceMade::Made(used) => used.version.to_string(),
        other => panic!("not made: {other:?}"),
    };
    assert_eq!(version_of(job).await, "one");
    let change = async |change: ModelChange| {
        let made = models.change(&name("x"), later(2), |model| changed(model, change.clone())).await.unwrap();
        assert!(matches!(made, ModelWritten::Written(_)), "{made:?}");
    };
    change(ModelChange::StartCanary { version: version("two"), share: Share::new(0.5).unwrap() }).await;
    assert_eq!(version_of(job).await, "one", "whatever its die says");
    for n in 0..6 {
        let job = bed.submitted(&ada, later(n)).await.id;
        let expected = if dice(job) < 0.5 { "two" } else { "one" };
        assert_eq!(version_of(job).await, expected);
        change(ModelChange::RollBack).await;
        change(ModelChange::StartCanary { version: version("two"), share: Share::new(0.5).unwrap() }).await;
        assert_eq!(version_of(job).await, expected);
    }
    change(ModelChange::Disable).await;
    assert_eq!(version_of(job).await, "one", "what has begun goes on");
    let late = bed.submitted(&ada, later(9)).await.id;
    let disabled = ModelChoiceMade::Unusable(Unusable::Status(ModelStatus::Disabled));
    assert_eq!(chosen(late, "x").await, disabled);
    assert_eq!(chosen(late, "y").await, ModelChoiceMade::Unknown);
    added(bed, &RegisteredModel { owner: Some(user("ben")), ..base("bens") }).await;
    assert_eq!(chosen(late, "bens").await, ModelChoiceMade::Unknown, "as if it were not there");
    assert_eq!(chosen(crate::bed::job_id(), "x").await, ModelChoiceMade::NoJob);
}

async fn local_models_follow_the_folder(bed: &Bed) {
    let models = bed.db.models();
    let local = |text: &str, is_here| LocalModel {
        name: name(text),
        provider: "offline".to_owned(),
        sha256: version(&"ab".repeat(32)),
        is_here,
        description: "pitch".to_owned(),
        licence: None,
    };
    added(bed, &base("taken")).await;
    let report = async |is_here, now| {
        models.report_local(&[local("swift", is_here), local("taken", is_here)], model_id, now).await.unwrap()
    };
    assert_eq!(report(false, noon()).await, [name("taken")]);
    let row = async || models.get(&name("swift")).await.unwrap().unwrap();
    assert_eq!((row().await.kind, row().await.status), (ModelKind::Local, ModelStatus::Missing));
    report(true, later(1)).await;
    assert_eq!((row().await.status, row().await.revision), (ModelStatus::Ready, 2));
    report(true, later(2)).await;
    assert_eq!(row().await.revision, 2, "nothing new is nothing to write");
    assert_eq!(models.get(&name("taken")).await.unwrap().unwrap().kind, ModelKind::Base);
}

async fn keys_of_imported_documents_are_kept(bed: &Bed) {
    let models = bed.db.models();
    let keys = |value: serde_json::Value| value.as_object().unwrap().clone();
    models.put_registry_keys(&keys(json!({ "updated": "2024", "trainer": { "steps": 1 } }))).await.unwrap();
    models.put_registry_keys(&keys(json!({ "updated": "2025" }))).await.unwrap();
    let kept = models.registry_keys().await.unwrap();
    assert_eq!(kept, keys(json!({ "updated": "2025", "trainer": { "steps": 1 } })));
}

on_both!(
    a_model_is_read_as_it_was_written,
    users_see_what_is_everybodys_and_theirs,
    a_change_over_an_older_revision_is_none,
    changes_at_once_all_happen,
    a_training_is_registered_once,
    a_name_is_held_while_a_training_runs,
    of_two_trainings_of_one_name_one_is_accepted,
    of_many_that_want_a_name_at_once_one_gets_it,
    a_job_keeps_the_version_that_it_got,
    local_models_follow_the_folder,
    keys_of_imported_documents_are_kept,
);
