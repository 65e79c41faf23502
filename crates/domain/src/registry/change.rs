//! How a model changes: every change named, over every status it may meet.

use super::{Canary, ModelKind, ModelStatus, ModelVersion, RegisteredModel, Share};

/// What may happen to a model.
#[derive(Clone, PartialEq, Debug)]
pub enum ModelChange {
    /// Nobody new gets it.
    Disable,
    Enable,
    /// A share of its jobs gets another version from now on; one that is on trial already gives way.
    StartCanary {
        version: ModelVersion,
        share: Share,
    },
    /// All of its jobs get another version: the one that is named, else the one on trial.
    Promote {
        version: Option<ModelVersion>,
    },
    /// The trial ends; without one, jobs get the version before this one again.
    RollBack,
    /// Training has made a version of it.
    Trained {
        version: ModelVersion,
    },
    TrainingFailed,
}

/// Why a change cannot be, and what can be done instead.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ChangeRefused {
    #[error("it is a file on this side: `descant models add` and `descant models remove` change it")]
    Local,
    #[error("it is {status}, and {advice}")]
    Status { status: ModelStatus, advice: &'static str },
    #[error("it has no version yet: promote one by naming it")]
    NoVersion,
    #[error("{version} is the version that its jobs get already: name another one")]
    SameVersion { version: ModelVersion },
    #[error("no version is on trial: start a canary, or name the version that is to be promoted")]
    NoCanary,
    #[error("there is no version before this one: promote one by naming it")]
    NothingBefore,
}

/// The model after a change; equal to the one before where the change has happened already. Its revision and its moments are
/// for whoever stores it.
///
/// # Errors
/// When the change cannot be in the model's state.
pub fn changed(model: &RegisteredModel, change: ModelChange) -> Result<RegisteredModel, ChangeRefused> {
    if model.kind == ModelKind::Local {
        return Err(ChangeRefused::Local);
    }
    let after = model.clone();
    match change {
        ModelChange::Disable => match model.status {
            ModelStatus::Ready | ModelStatus::Disabled => {
                Ok(RegisteredModel { status: ModelStatus::Disabled, ..after })
            }
            // Its provider may have the version any time, and then it would be used.
            ModelStatus::Pending | ModelStatus::Missing if model.version.is_some() => {
                Ok(RegisteredModel { status: ModelStatus::Disabled, ..after })
            }
            ModelStatus::Training | ModelStatus::Pending | ModelStatus::Failed | ModelStatus::Missing => {
                refused(model, "nobody can use it")
            }
        },
        ModelChange::Enable => match model.status {
            ModelStatus::Ready => Ok(after),
            ModelStatus::Disabled if model.version.is_some() => {
                Ok(RegisteredModel { status: ModelStatus::Ready, ..after })
            }
            ModelStatus::Disabled => Err(ChangeRefused::NoVersion),
            ModelStatus::Training => refused(model, "is ready by itself when that ends"),
            ModelStatus::Pending => refused(model, ASKED_SOON),
            ModelStatus::Failed | ModelStatus::Missing => {
                refused(model, "needs a version first: promote one by naming it")
            }
        },
        ModelChange::StartCanary { version, share } => {
            in_use(model)?;
            other_than_current(model, &version)?;
            Ok(RegisteredModel { canary: Some(Canary::new(version, share)), ..after })
        }
        ModelChange::Promote { version } => promoted(model, version),
        ModelChange::RollBack => rolled_back(model),
        ModelChange::Trained { version } => {
            let is_new = model.version.as_ref() != Some(&version);
            let previous_version = if is_new { model.version.clone() } else { model.previous_version.clone() };
            // What an operator has taken out of use stays so.
            let status = match model.status {
                ModelStatus::Disabled => ModelStatus::Disabled,
                ModelStatus::Training
                | ModelStatus::Pending
                | ModelStatus::Ready
                | ModelStatus::Failed
                | ModelStatus::Missing => ModelStatus::Ready,
            };
            Ok(RegisteredModel { version: Some(version), previous_version, status, canary: None, ..after })
        }
        ModelChange::TrainingFailed => match model.status {
            ModelStatus::Training | ModelStatus::Failed => Ok(RegisteredModel { status: ModelStatus::Failed, ..after }),
            ModelStatus::Pending | ModelStatus::Ready | ModelStatus::Disabled | ModelStatus::Missing => {
                refused(model, "is not in training")
            }
        },
    }
}

/// What is said of one whose provider has yet to be asked.
const ASKED_SOON: &str = "its provider is asked for its version within some minutes";

const fn refused(model: &RegisteredModel, advice: &'static str) -> Result<RegisteredModel, ChangeRefused> {
    Err(ChangeRefused::Status { status: model.status, advice })
}

/// A model that is out of use may still be prepared for coming back.
fn in_use(model: &RegisteredModel) -> Result<(), ChangeRefused> {
    match model.status {
        ModelStatus::Ready | ModelStatus::Disabled => match model.version {
            Some(_) => Ok(()),
            None => Err(ChangeRefused::NoVersion),
        },
        ModelStatus::Training => refused(model, "has no version before that ends").map(|_| ()),
        ModelStatus::Pending => refused(model, ASKED_SOON).map(|_| ()),
        ModelStatus::Failed | ModelStatus::Missing => {
            refused(model, "needs a version first: promote one by naming it").map(|_| ())
        }
    }
}

fn other_than_current(model: &RegisteredModel, version: &ModelVersion) -> Result<(), ChangeRefused> {
    if model.version.as_ref() == Some(version) {
        return Err(ChangeRefused::SameVersion { version: version.clone() });
    }
    Ok(())
}

/// A version that is named also repairs a model that has none.
fn promoted(model: &RegisteredModel, named: Option<ModelVersion>) -> Result<RegisteredModel, ChangeRefused> {
    let status = match model.status {
        ModelStatus::Training => return refused(model, "has no version before that ends"),
        ModelStatus::Disabled => ModelStatus::Disabled,
        ModelStatus::Pending | ModelStatus::Ready | ModelStatus::Failed | ModelStatus::Missing => ModelStatus::Ready,
    };
    let on_trial = model.canary.as_ref().map(|canary| canary.version.clone());
    let version = named.or(on_trial).ok_or(ChangeRefused::NoCanary)?;
    other_than_current(model, &version)?;
    let previous_version = model.version.clone().or_else(|| model.previous_version.clone());
    Ok(RegisteredModel { version: Some(version), previous_version, status, canary: None, ..model.clone() })
}

/// The trial ends; without one the version before is back. One whose version is not there gets the one before at once: a trial
/// beside it has no jobs either.
fn rolled_back(model: &RegisteredModel) -> Result<RegisteredModel, ChangeRefused> {
    let is_repaired = model.status == ModelStatus::Missing && model.previous_version.is_some();
    if !is_repaired {
        in_use(model)?;
        if model.canary.is_some() {
            return Ok(RegisteredModel { canary: None, ..model.clone() });
        }
    }
    let Some(before) = model.previous_version.clone() else { return Err(ChangeRefused::NothingBefore) };
    let status = if is_repaired { ModelStatus::Ready } else { model.status };
    // The way back is open: rolled back twice it is as it was.
    let previous_version = model.version.clone();
    Ok(RegisteredModel { version: Some(before), previous_version, status, canary: None, ..model.clone() })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::{ids::ModelId, registry::ModelName};

    fn version(text: &str) -> ModelVersion {
        ModelVersion::new(text).unwrap()
    }

    fn model(status: ModelStatus) -> RegisteredModel {
        let (id, name) = (ModelId::from_uuid(uuid::Uuid::nil()), ModelName::new("x").unwrap());
        let bare = RegisteredModel::bare(id, name, ModelKind::Base, "replicate", DateTime::UNIX_EPOCH);
        let has_version = matches!(status, ModelStatus::Ready | ModelStatus::Disabled);
        RegisteredModel { status, version: has_version.then(|| version("one")), ..bare }
    }

    /// Every change in every status: what becomes of it, or `None` where it is refused.
    #[test]
    fn every_change_meets_every_status() {
        use ModelStatus as S;
        let canary = || ModelChange::StartCanary { version: version("two"), share: Share::new(0.1).unwrap() };
        let promote = || ModelChange::Promote { version: Some(version("two")) };
        let trained = || ModelChange::Trained { version: version("two") };
        let all = [S::Training, S::Pending, S::Ready, S::Disabled, S::Failed, S::Missing];
        let check = |change: &dyn Fn() -> ModelChange, expected: [Option<ModelStatus>; 6]| {
            for (before, expected) in all.into_iter().zip(expected) {
                let after = changed(&model(before), change());
                assert_eq!(after.as_ref().ok().map(|model| model.status), expected, "{:?} of {before}", change());
            }
        };
        let (ready, disabled, failed) = (Some(S::Ready), Some(S::Disabled), Some(S::Failed));
        check(&|| ModelChange::Disable, [None, None, disabled, disabled, None, None]);
        check(&|| ModelChange::Enable, [None, None, ready, ready, None, None]);
        check(&canary, [None, None, ready, disabled, None, None]);
        check(&promote, [None, ready, ready, disabled, ready, ready]);
        check(&|| ModelChange::RollBack, [None; 6]);
        check(&trained, [ready, ready, ready, disabled, ready, ready]);
        check(&|| ModelChange::TrainingFailed, [failed, None, None, None, failed, None]);
    }

    /// What else can be of one that its provider has yet to be asked for, or does not have, where a version is named.
    #[test]
    fn a_model_with_a_version_is_taken_out_of_use_and_rolled_back_whether_it_is_there_or_not() {
        use ModelStatus as S;
        let check = |before: (ModelStatus, Option<&str>),
                     change: ModelChange,
                     expected: Option<(ModelStatus, &str)>| {
            let canary = Some(Canary::new(version("three"), Share::new(0.5).unwrap()));
            let previous_version = before.1.map(version);
            let model = RegisteredModel { version: Some(version("two")), previous_version, canary, ..model(before.0) };
            let after = changed(&model, change.clone());
            let found = after.as_ref().ok().map(|model| (model.status, model.version.as_ref().unwrap().as_str()));
            assert_eq!(found, expected, "{change:?} of {before:?}");
        };
        let one = Some("one");
        check((S::Pending, None), ModelChange::Disable, Some((S::Disabled, "two")));
        check((S::Missing, None), ModelChange::Disable, Some((S::Disabled, "two")));
        check((S::Failed, None), ModelChange::Disable, None);
        check((S::Missing, one), ModelChange::RollBack, Some((S::Ready, "one")));
        check((S::Missing, None), ModelChange::RollBack, None);
        check((S::Pending, one), ModelChange::RollBack, None);
        check((S::Ready, one), ModelChange::RollBack, Some((S::Ready, "two")));
    }

    #[test]
    fn a_canary_is_promoted_and_rolled_back() {
        let start = |model: &RegisteredModel, text: &str| {
            changed(model, ModelChange::StartCanary { version: version(text), share: Share::new(0.25).unwrap() })
        };
        let versions = |model: &RegisteredModel| {
            let text = |version: &Option<ModelVersion>| version.as_ref().map(ToString::to_string).unwrap_or_default();
            (text(&model.version), text(&model.previous_version), model.canary.is_some())
        };
        let expect = |model: &RegisteredModel, now: &str, before: &str, on_trial: bool| {
            assert_eq!(versions(model), (now.to_owned(), before.to_owned(), on_trial));
        };
        let one = model(ModelStatus::Ready);
        assert_eq!(changed(&one, ModelChange::Promote { version: None }), Err(ChangeRefused::NoCanary));
        assert_eq!(changed(&one, ModelChange::RollBack), Err(ChangeRefused::NothingBefore));
        assert_eq!(start(&one, "one"), Err(ChangeRefused::SameVersion { version: version("one") }));
        let trial = start(&one, "two").unwrap();
        expect(&trial, "one", "", true);
        expect(&start(&trial, "three").unwrap(), "one", "", true);
        expect(&changed(&trial, ModelChange::RollBack).unwrap(), "one", "", false);
        let two = changed(&trial, ModelChange::Promote { version: None }).unwrap();
        expect(&two, "two", "one", false);
        let back = changed(&two, ModelChange::RollBack).unwrap();
        expect(&back, "one", "two", false);
        expect(&changed(&back, ModelChange::RollBack).unwrap(), "two", "one", false);
        let again = changed(&two, ModelChange::Trained { version: version("three") }).unwrap();
        expect(&again, "three", "two", false);
        expect(&changed(&again, ModelChange::Trained { version: version("three") }).unwrap(), "three", "two", false);
    }

    #[test]
    fn local_models_are_changed_by_their_files_only() {
        let local = RegisteredModel { kind: ModelKind::Local, ..model(ModelStatus::Ready) };
        assert_eq!(changed(&local, ModelChange::Disable), Err(ChangeRefused::Local));
    }
}
