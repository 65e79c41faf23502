//! What the HTTP API knows of the kind.

use domain::KindSpec;
use gateway::{ApiError, Asked, Fields, SubmitKind};
use persistence::Job;
use serde_json::{Value, json};

pub struct Reverie;

impl SubmitKind for Reverie {
    fn spec(&self) -> &'static KindSpec {
        &super::SPEC
    }

    fn fields(&self) -> &'static [&'static str] {
        &["theme"]
    }

    fn read(&self, fields: &Fields) -> Result<Asked, ApiError> {
        let theme = fields.text("theme").map(str::trim).filter(|theme| !theme.is_empty());
        let theme = theme.ok_or_else(|| ApiError::InvalidField {
            field: "theme",
            detail: "say what the reverie is about".to_owned(),
        })?;
        Ok(Asked { params: json!({ "theme": theme }), texts: vec![("theme", theme.to_owned())] })
    }

    fn result(&self, _job: &Job, made: &Value) -> Value {
        json!({ "line": made["line"] })
    }
}
