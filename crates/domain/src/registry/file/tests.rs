use chrono::DateTime;
use serde_json::json;

use super::*;
use crate::{
    ids::{ModelId, UserId},
    registry::{ModelChange, ModelStatus, RegisteredModel, changed},
};

const SMALL: &str = "meta/musicgen:b05b1dff1d8c6dc63d14b0cdb42135378dcb87f6373b0d3d341ede46e59e2b38";
const LARGE: &str = "meta/musicgen:7be0f12c54a8d033a0fbd14418c9af98962da9a86f5ff7811f9b3b17a1c0f1fc";

fn id() -> ModelId {
    ModelId::from_uuid(uuid::Uuid::nil())
}

fn new(listed: &ListedModel) -> RegisteredModel {
    match listed.merged(None, id(), DateTime::UNIX_EPOCH) {
        Merged::New(model) => *model,
        other => panic!("not new: {other:?}"),
    }
}

fn read(document: Value) -> RegistryFile {
    RegistryFile::read(document, "replicate").unwrap()
}

fn one(document: Value) -> ListedModel {
    let file = read(document);
    assert_eq!((file.models.len(), file.refused.len()), (1, 0), "{file:?}");
    file.models[0].clone()
}

/// The document of the older service, with a key that nobody here knows.
#[test]
fn a_document_comes_back_as_it_went_in() {
    let document = json!({
        "base": { "small": SMALL, "large": LARGE },
        "fine_tuned": {
            "telecaster": "your-username/telecaster-model:version-id",
            "metro_drums": { "model": LARGE, "trainedOn": ["one.wav"], "epochs": 3 },
        },
        "updated": "2024-09-01",
        "trainer": { "steps": 100 },
    });
    let file = read(document.clone());
    assert_eq!(file.refused, []);
    let models: Vec<RegisteredModel> = file.models.iter().map(new).collect();
    let status = |name: &str| models.iter().find(|model| model.name.as_str() == name).unwrap().status;
    assert_eq!(status("small"), ModelStatus::Ready);
    assert_eq!(status("metro_drums"), ModelStatus::Ready);
    assert_eq!(status("telecaster"), ModelStatus::Missing, "a version that nobody has filled in is not ready");
    assert_eq!(RegistryFile::write(&models, &file.keys, "replicate"), document);
}

#[test]
fn what_a_model_is_besides_comes_back_too() {
    let document = json!({
        "base": { "music": "music_v1" },
        "fine_tuned": { "mine": SMALL },
        "details": {
            "music": { "provider": "elevenlabs", "disabled": true },
            "mine": {
                "owner": "ada", "licence": "MIT", "description": "A guitar.", "quality": { "mos": 4.1 },
                "inputSchema": { "type": "object" }, "canary": { "version": "two", "share": 0.25 },
                "previousVersion": "zero", "trainedFrom": "018f6b1e-7c2a-7000-8000-000000000000",
            },
        },
    });
    let file = read(document.clone());
    let models: Vec<RegisteredModel> = file.models.iter().map(new).collect();
    assert_eq!(RegistryFile::write(&models, &file.keys, "replicate"), document);
    let mine = models.iter().find(|model| model.name.as_str() == "mine").unwrap();
    assert_eq!(mine.owner, Some(UserId::new("ada").unwrap()));
    let music = models.iter().find(|model| model.name.as_str() == "music").unwrap();
    assert_eq!((music.provider.as_str(), music.status), ("elevenlabs", ModelStatus::Disabled));
}

#[test]
fn what_is_no_model_is_told_entry_by_entry() {
    let check = |entry: Value, details: Value, says: &str| {
        let file = read(json!({ "base": { "good": SMALL, "odd": entry }, "details": { "odd": details } }));
        assert_eq!(file.models.len(), 1, "the others are taken");
        let refused = &file.refused[0];
        assert_eq!((refused.section, refused.name.as_str()), ("base", "odd"));
        assert!(refused.why.contains(says), "{refused:?}");
    };
    check(json!(7), json!({}), "expected an address");
    check(json!({ "version": "x" }), json!({}), "under `model`");
    check(json!(SMALL), json!({ "owner": "" }), "details");
    check(json!(SMALL), json!({ "canary": { "version": "x", "share": 2 } }), "from 0 to 1");
    check(json!(SMALL), json!({ "provider": "No One" }), "provider");
    let named = read(json!({ "base": { "No Name": SMALL, "import": SMALL }, "fine_tuned": [] }));
    let why: Vec<&str> = named.refused.iter().map(|refused| refused.why.as_str()).collect();
    assert_eq!(named.models, []);
    assert!(why.iter().any(|why| why.contains("lower-case")) && why.iter().any(|why| why.contains("another name")));
    assert!(why.iter().any(|why| why.contains("names and addresses")), "{why:?}");
    assert!(RegistryFile::read(json!([1]), "replicate").is_err());
    assert_eq!(read(json!({ "base": null })), RegistryFile::default());
}

#[test]
fn versions_that_are_none_are_kept_and_never_ready() {
    let check = |address: &str, has_path: bool| {
        let listed = one(json!({ "fine_tuned": { "x": address } }));
        assert!(listed.problem.is_some() && listed.version.is_none(), "{address}: {listed:?}");
        assert_eq!(listed.path.is_some(), has_path, "{address}");
        assert_eq!(new(&listed).status, ModelStatus::Missing, "{address}");
        let mended = ModelChange::Promote { version: Some(ModelVersion::new("new").unwrap()) };
        assert_eq!(changed(&new(&listed), mended).unwrap().status, ModelStatus::Ready);
    };
    check("a/b:version-id", true);
    check("a/b:", true);
    check("a/b", false);
    check(&SMALL[..SMALL.len() - 1], true);
    check("music_v1", false);
    check("", false);
    let pair = one(json!({ "base": { "x": { "model": "meta/musicgen", "version": &SMALL[14..] } } }));
    assert_eq!(pair.problem, None, "an address in two halves");
}

#[test]
fn an_entry_over_a_model_loses_nothing() {
    let of = |address: &str| one(json!({ "base": { "x": address } }));
    let before = RegisteredModel { licence: Some("MIT".to_owned()), ..new(&of(SMALL)) };
    let merged =
        |listed: &ListedModel, before: &RegisteredModel| listed.merged(Some(before), id(), DateTime::UNIX_EPOCH);
    assert_eq!(merged(&of(SMALL), &before), Merged::Unchanged);
    let Merged::Changed(after) = merged(&of(LARGE), &before) else { panic!("another version") };
    assert_eq!((&after.previous_version, &after.licence), (&before.version, &before.licence));
    assert_eq!(after.address().unwrap().to_string(), LARGE);
    let disabled = RegisteredModel { status: ModelStatus::Disabled, ..before.clone() };
    assert_eq!(merged(&of(SMALL), &disabled), Merged::Unchanged, "what is out of use stays so");
    let refused = |listed: &ListedModel, before: &RegisteredModel, says: &str| {
        let merged = merged(listed, before);
        assert!(matches!(&merged, Merged::Refused(why) if why.contains(says)), "{merged:?}");
    };
    refused(&of("a/b:version-id"), &before, "keeps the version");
    refused(&one(json!({ "fine_tuned": { "x": SMALL } })), &before, "base model");
    refused(&of(SMALL), &RegisteredModel { kind: ModelKind::Local, ..before.clone() }, "file on this side");
    refused(&of(SMALL), &RegisteredModel { status: ModelStatus::Training, ..before }, "in training");
}
