//! The registry of models: who sees what, changes that do not undo each other, trainings that are told of twice, and jobs that
//! keep the version which they got.

use domain::{
    JobState, UserId,
    registry::{
        Canary, LocalModel, ModelAddress, ModelChange, ModelKind, ModelName, ModelStatus, ModelVersion,
        RegisteredModel, Share, Unusable, changed, dice,
    },
};
use persistence::{ModelAdded, ModelChoiceMade, ModelWritten, Trained, TrainingRegistered};
use serde_json::{Map, json};

use crate::bed::{Bed, later, model_id, noon, on_both, user};

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
        canary: Some(Canary { version: version("two"), share: Share::new(0.125).unwrap() }),
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
    assert!(!models.training_failed(other, later(1)).await.unwrap());
    assert!(models.training_failed(job, later(1)).await.unwrap());
    assert!(!models.training_failed(job, later(2)).await.unwrap(), "it is told once");
    assert_eq!(models.get(&name("held")).await.unwrap().unwrap().status, ModelStatus::Failed);
    let TrainingRegistered::New(model) = register(other).await else { panic!("a failed one holds nothing") };
    assert_eq!((model.id, model.status, model.trained_from), (held.id, ModelStatus::Ready, Some(other)));
    assert!(!models.training_failed(other, later(2)).await.unwrap(), "what is ready has not failed");
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
    a_job_keeps_the_version_that_it_got,
    local_models_follow_the_folder,
    keys_of_imported_documents_are_kept,
);
