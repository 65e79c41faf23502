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

/// The items of a short list of words or numbers, with commas or blanks between them, also in brackets and quotes:
/// `1,1,2`, `1 1 2`, `[1, 1, 2]`, `["flac", "ogg"]`.
pub fn list_items(text: &str) -> impl Iterator<Item = &str> {
    let text = text.trim();
    let inside = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let items = inside.split(|c: char| c == ',' || c.is_whitespace()).filter(|item| !item.is_empty());
    items.map(unquoted)
}

fn unquoted(item: &str) -> &str {
    let within = |quote: char| item.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(item)
}
