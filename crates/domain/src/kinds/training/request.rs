//! What a model is asked to be. The HTTP fields, the command line's flags and the rows name it alike.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    field::{InvalidField, choice, filled, seed, wrong},
    kinds::composition::MusicPrompt,
    registry::ModelName,
};

/// Recordings, please, as a model. The recordings are the job's inputs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrainingRequest {
    /// What the model is called from then on.
    pub name: ModelName,
    /// What the recordings sound like. It stands beside each of them while the model learns, and is what the model is tried
    /// with.
    #[serde(default)]
    pub description: Option<MusicPrompt>,
    /// How often everything is gone through.
    pub epochs: u32,
    /// Steps of learning in each of them.
    pub updates_per_epoch: u32,
    /// What the model is before it learns.
    #[serde(default)]
    pub base: BaseModel,
    /// Whether voices are taken out of the recordings before.
    #[serde(default)]
    pub drop_vocals: bool,
    /// Of the trial.
    pub seed: u64,
}

/// A model that others are trained from, by the words of MusicGen's family.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BaseModel {
    Small,
    Medium,
    /// Follows a tune that it is given.
    Melody,
    StereoSmall,
    StereoMedium,
    #[default]
    StereoMelody,
}

impl BaseModel {
    pub const ALL: [Self; 6] =
        [Self::Small, Self::Medium, Self::Melody, Self::StereoSmall, Self::StereoMedium, Self::StereoMelody];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Melody => "melody",
            Self::StereoSmall => "stereo-small",
            Self::StereoMedium => "stereo-medium",
            Self::StereoMelody => "stereo-melody",
        }
    }
}

impl fmt::Display for BaseModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text given as a base model names none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected small, medium, melody, stereo-small, stereo-medium or stereo-melody")]
pub struct UnknownBaseModel;

impl FromStr for BaseModel {
    type Err = UnknownBaseModel;

    fn from_str(text: &str) -> Result<Self, UnknownBaseModel> {
        Self::ALL.into_iter().find(|model| text.eq_ignore_ascii_case(model.as_str())).ok_or(UnknownBaseModel)
    }
}

impl TrainingRequest {
    /// The names of the fields that [`read`](Self::read) looks for. Their order is part of stored hashes of requests:
    /// new ones come last.
    pub const FIELDS: [&'static str; 7] =
        ["name", "description", "epochs", "updatesPerEpoch", "base", "dropVocals", "seed"];

    pub const EPOCHS: RangeInclusive<u32> = 1..=30;
    pub const UPDATES_PER_EPOCH: RangeInclusive<u32> = 10..=1000;
    /// What the trainer's authors train with; about a quarter of an hour.
    const DEFAULT_EPOCHS: u32 = 3;
    const DEFAULT_UPDATES: u32 = 100;

    /// Reads a request out of text fields; one that is absent or blank leaves its default. `random` gives the seed where
    /// none was chosen.
    ///
    /// # Errors
    /// The first field that holds none of its values; a name is needed.
    pub fn read<'a>(field: impl Fn(&str) -> Option<&'a str>, random: u64) -> Result<Self, InvalidField> {
        let text = |name: &str| filled(field(name));
        let description = text("description").map(MusicPrompt::new).transpose();
        let base = text("base").map(str::parse).transpose();
        let name = ModelName::new(text("name").unwrap_or_default());
        Ok(Self {
            name: name.map_err(|error| InvalidField::because("name", &error))?,
            description: description.map_err(|error| InvalidField::because("description", &error))?,
            epochs: whole("epochs", text("epochs"), &Self::EPOCHS, Self::DEFAULT_EPOCHS)?,
            updates_per_epoch: whole(
                "updatesPerEpoch",
                text("updatesPerEpoch"),
                &Self::UPDATES_PER_EPOCH,
                Self::DEFAULT_UPDATES,
            )?,
            base: base.map_err(|error: UnknownBaseModel| InvalidField::because("base", &error))?.unwrap_or_default(),
            drop_vocals: choice("dropVocals", text("dropVocals"))?.unwrap_or(true),
            seed: seed(text("seed"), random)?,
        })
    }

    /// Everything that it says in words, with the name of the field: what a check of content looks at.
    pub fn texts(&self) -> Vec<(&'static str, &str)> {
        let description = self.description.as_ref().map(|description| ("description", description.as_str()));
        std::iter::once(("name", self.name.as_str())).chain(description).collect()
    }
}

fn whole(
    field: &'static str,
    text: Option<&str>,
    range: &RangeInclusive<u32>,
    default: u32,
) -> Result<u32, InvalidField> {
    let Some(text) = text else { return Ok(default) };
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| wrong(field, format!("expected a whole number from {} to {}", range.start(), range.end())))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn read(fields: &[(&str, &'static str)]) -> Result<TrainingRequest, InvalidField> {
        TrainingRequest::read(|name| fields.iter().find(|(field, _)| *field == name).map(|(_, text)| *text), u64::MAX)
    }

    #[test]
    fn every_field_is_read() {
        let all = [
            ("name", " my-band.2 "),
            ("description", "slow blues, brushed drums"),
            ("epochs", "10"),
            ("updatesPerEpoch", "250"),
            ("base", "Stereo-Small"),
            ("dropVocals", "no"),
            ("seed", "7"),
        ];
        let request = read(&all).unwrap();
        assert_eq!(
            request,
            TrainingRequest {
                name: ModelName::new("my-band.2").unwrap(),
                description: Some(MusicPrompt::new("slow blues, brushed drums").unwrap()),
                epochs: 10,
                updates_per_epoch: 250,
                base: BaseModel::StereoSmall,
                drop_vocals: false,
                seed: 7,
            }
        );
        let row = serde_json::to_value(&request).unwrap();
        assert_eq!(row["base"], "stereo-small");
        assert_eq!(serde_json::from_value::<TrainingRequest>(row).unwrap(), request, "as it is stored");
        assert_eq!(request.texts(), [("name", "my-band.2"), ("description", "slow blues, brushed drums")]);
    }

    #[test]
    fn what_is_absent_or_blank_leaves_its_default() {
        for request in [read(&[("name", "band")]), read(&[("name", "band"), ("epochs", " "), ("description", "")])] {
            let request = request.unwrap();
            assert_eq!((request.epochs, request.updates_per_epoch), (3, 100));
            assert_eq!((request.base, request.drop_vocals), (BaseModel::StereoMelody, true));
            assert_eq!((request.description, request.seed), (None, crate::field::MAX_SEED));
        }
    }

    #[test]
    fn what_is_none_of_the_values_names_its_field() {
        let check = |field: &'static str, texts: &[&'static str]| {
            for text in texts {
                let error = if field == "name" {
                    read(&[("name", text)]).unwrap_err()
                } else {
                    read(&[("name", "band"), (field, text)]).unwrap_err()
                };
                assert_eq!(error.field, field, "{text}");
                assert!(error.detail.starts_with("expected"), "{error}");
            }
        };
        check("name", &["", "My Band", "band/x", "../x", "-band", ".band", "bänd", "b,c", "export"]);
        check("description", &["ab"]);
        check("epochs", &["0", "31", "2.5", "-1", "many"]);
        check("updatesPerEpoch", &["9", "1001"]);
        check("base", &["large", "stereo"]);
        check("dropVocals", &["maybe"]);
        check("seed", &["-1"]);
        assert_eq!(read(&[]).unwrap_err().field, "name", "a name is needed");
    }

    /// What is hashed to tell two requests apart is what is read of them.
    #[test]
    fn the_list_of_fields_is_what_is_read() {
        let asked = RefCell::new(Vec::new());
        TrainingRequest::read(
            |name| {
                asked.borrow_mut().push(name.to_owned());
                (name == "name").then_some("band")
            },
            0,
        )
        .unwrap();
        let (mut asked, mut listed) = (asked.into_inner(), TrainingRequest::FIELDS.to_vec());
        asked.sort_unstable();
        asked.dedup();
        listed.sort_unstable();
        assert_eq!(asked, listed);
    }

    #[test]
    fn base_models_have_one_word_each() {
        for model in BaseModel::ALL {
            assert_eq!(model.as_str().parse(), Ok(model));
            assert_eq!(serde_json::to_value(model).unwrap(), model.as_str());
        }
    }
}
