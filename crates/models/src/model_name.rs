//! Models by the names that people write.

use std::str::FromStr;

use crate::{error::ModelsError, model::Model};

impl FromStr for Model {
    type Err = ModelsError;

    fn from_str(text: &str) -> Result<Self, ModelsError> {
        let found = Self::ALL.into_iter().find(|model| model.name() == text);
        found.ok_or_else(|| ModelsError::UnknownModel { text: text.to_owned() })
    }
}
