//! Text fields as a form's parts or a command line's flags hand them over.

use std::ops::RangeInclusive;

/// Largest seed. 53 bits: every reader of JSON keeps them exact.
pub const MAX_SEED: u64 = (1 << 53) - 1;

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

/// The same list in one way of writing it. Words between commas may have blanks in them, such as `electric piano, flute`.
pub fn list_text(text: &str) -> String {
    let is_of_numbers = list_items(text).all(|item| item.parse::<f64>().is_ok());
    if is_of_numbers {
        return list_items(text).collect::<Vec<_>>().join(",");
    }
    let inside = text.trim().trim_start_matches('[').trim_end_matches(']');
    let items = inside.split(',').map(|item| unquoted(item.trim())).filter(|item| !item.is_empty());
    items.collect::<Vec<_>>().join(",")
}

fn unquoted(item: &str) -> &str {
    let within = |quote: char| item.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(item)
}

pub(crate) fn wrong(field: &'static str, detail: impl Into<String>) -> InvalidField {
    InvalidField { field, detail: detail.into() }
}

/// The seed that was chosen, or as many bits of `random` as a seed has.
pub(crate) fn seed(text: Option<&str>, random: u64) -> Result<u64, InvalidField> {
    let Some(text) = text else { return Ok(random & MAX_SEED) };
    let seed = text.parse().ok().filter(|seed| *seed <= MAX_SEED);
    seed.ok_or_else(|| wrong("seed", format!("expected a whole number from 0 to {MAX_SEED}")))
}

/// Ranges are asked in a way that refuses what is no number.
pub(crate) fn number(
    field: &'static str,
    text: Option<&str>,
    range: &RangeInclusive<f64>,
    unit: &str,
) -> Result<Option<f64>, InvalidField> {
    let Some(text) = text else { return Ok(None) };
    let number = text.parse().ok().filter(|number| range.contains(number));
    let refused = || wrong(field, format!("expected a number{} from {} to {}", of(unit), range.start(), range.end()));
    number.map(Some).ok_or_else(refused)
}

fn of(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!(" of{unit}") }
}

pub(crate) fn flag(field: &'static str, text: Option<&str>) -> Result<bool, InvalidField> {
    Ok(choice(field, text)?.unwrap_or(false))
}

/// The same where not saying is a third answer.
pub(crate) fn choice(field: &'static str, text: Option<&str>) -> Result<Option<bool>, InvalidField> {
    match text.map(str::to_ascii_lowercase).as_deref() {
        None => Ok(None),
        Some("false" | "0" | "off" | "no") => Ok(Some(false)),
        Some("true" | "1" | "on" | "yes") => Ok(Some(true)),
        Some(_) => Err(wrong(field, "expected true or false (also on/off, yes/no, 1/0)")),
    }
}
