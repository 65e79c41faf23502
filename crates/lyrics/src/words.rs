//! Text into words.

/// The words of a text: letters and inner apostrophes; everything else separates. Typographic apostrophes are read as
/// plain ones.
pub fn words(text: &str) -> Vec<String> {
    text.replace(['\u{2019}', '\u{2018}'], "'")
        .split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .map(|word| word.trim_matches('\'').to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

/// `text` with its first letter in upper case.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_words_among_punctuation() {
        assert_eq!(words("Oh, don\u{2019}t go -- 'tis late!"), ["Oh", "don't", "go", "tis", "late"]);
        assert_eq!(words("¿Dónde está el corazón?"), ["Dónde", "está", "el", "corazón"]);
        assert!(words("… !").is_empty());
    }
}
