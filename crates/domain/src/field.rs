//! Text fields as a form's parts or a command line's flags hand them over.

/// A field that holds none of its values. Never repeats what it holds: that may be private, or long.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct InvalidField {
    /// As the HTTP form names it.
    pub field: &'static str,
    pub detail: String,
}

impl InvalidField {
    /// For an error of the field's own type, whose Display says what was expected.
    pub(crate) fn because(field: &'static str, error: &impl ToString) -> Self {
        Self { field, detail: error.to_string() }
    }
}

/// The field without the blanks around it; one that is absent or blank is not there.
pub(crate) fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}
