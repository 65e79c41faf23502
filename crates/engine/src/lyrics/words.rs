//! Text into words, and words into sung syllables.

use super::{Syllable, dictionary, syllables};

/// Words that carry no stress and do not end a line.
const FUNCTION_WORDS: &[&str] = &[
    "a", "all", "am", "an", "and", "are", "as", "at", "be", "but", "by", "can", "comes", "did", "do", "does", "don't",
    "every", "for", "from", "had", "has", "have", "he", "her", "his", "how", "i", "i'll", "i'm", "if", "in", "is",
    "it", "it's", "its", "let", "like", "me", "more", "my", "never", "no", "not", "of", "on", "only", "or", "our",
    "she", "so", "some", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those",
    "to", "up", "was", "we", "we're", "were", "what", "when", "where", "which", "while", "who", "will", "with",
    "would", "you", "you're", "your",
];

/// Prepositions may close a line in other people's songs but never in ours.
const PREPOSITIONS: &[&str] = &[
    "across", "against", "above", "along", "behind", "beneath", "beside", "beyond", "into", "over", "through", "under",
];

pub fn is_function_word(word: &str) -> bool {
    FUNCTION_WORDS.contains(&word.to_ascii_lowercase().as_str())
}

pub fn may_end_a_line(word: &str) -> bool {
    // "Stay with me" is a good end, "stay with my" is none.
    let is_object = ["me", "you"].contains(&word.to_ascii_lowercase().as_str());
    (!is_function_word(word) || is_object) && !PREPOSITIONS.contains(&word.to_ascii_lowercase().as_str())
}

/// The words of a text: letters and inner apostrophes; everything else separates. Typographic apostrophes are read as
/// plain ones.
pub fn words(text: &str) -> Vec<String> {
    text.replace(['\u{2019}', '\u{2018}'], "'")
        .split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .map(|word| word.trim_matches('\'').to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

/// The form that counts for "the same word again": inflections of one word share it. Not a linguist's lemma.
pub fn stem(word: &str) -> String {
    let word = word.to_ascii_lowercase();
    let base = |ending: &str| word.strip_suffix(ending).filter(|stem| stem.len() >= 3).map(str::to_owned);
    let cut = base("'s")
        .or_else(|| base("ies").map(|s| s + "y"))
        .or_else(|| base("ing"))
        .or_else(|| if word.ends_with("ss") || word.ends_with("us") { None } else { base("s") })
        .or_else(|| base("ed"))
        .unwrap_or_else(|| word.clone());
    let cut = cut.strip_suffix('e').filter(|s| s.len() >= 3).map_or(cut.clone(), str::to_owned);
    let bytes = cut.as_bytes();
    match bytes {
        [.., a, b] if a == b && bytes.len() >= 4 && !matches!(*b, b's' | b'l' | b'e' | b'o') => {
            cut[..cut.len() - 1].to_owned()
        }
        _ => cut,
    }
}

/// How strongly a syllable asks for a strong note, 0–1.
pub fn syllable_stress(word: &str, phones: &[&str]) -> f64 {
    if is_function_word(word) {
        return 0.1;
    }
    match phones.iter().find(|p| dictionary::is_vowel(p)).and_then(|p| p.chars().last()) {
        Some('1') => 1.0,
        Some('2') => 0.6,
        _ => 0.15,
    }
}

/// Pronunciation in its context: "the" before a vowel is /DH IY/, "a" and "to" are weak.
pub fn phones_in_context(word: &str, next: Option<&str>) -> Option<dictionary::Phones> {
    let lower = word.to_ascii_lowercase();
    if lower == "the" {
        let before_vowel = next
            .and_then(dictionary::pronunciation)
            .is_some_and(|phones| phones.first().is_some_and(|p| dictionary::is_vowel(p)));
        return Some(if before_vowel { vec!["DH", "IY0"] } else { vec!["DH", "AH0"] });
    }
    dictionary::pronunciation(&lower)
}

/// The syllables of a word, not yet on notes.
pub fn syllabify(word: &str, word_index: usize, phones: &[&str]) -> Vec<Syllable> {
    let parts = syllables::split_phones(phones);
    let pieces = syllables::split_spelling(word, parts.len());
    parts
        .into_iter()
        .zip(pieces)
        .map(|(phones, text)| Syllable {
            text,
            word_index,
            phones: phones.into_iter().map(str::to_owned).collect(),
            note: 0,
        })
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
        assert!(words("… !").is_empty());
    }

    #[test]
    fn inflections_share_a_stem() {
        for (a, b) in
            [("dance", "dancing"), ("star", "stars"), ("run", "running"), ("memory", "memories"), ("shine", "shines")]
        {
            assert_eq!(stem(a), stem(b), "{a} {b}");
        }
        assert_ne!(stem("night"), stem("light"));
    }

    #[test]
    fn the_is_said_differently_before_a_vowel() {
        assert_eq!(phones_in_context("the", Some("ocean")).expect("listed")[1], "IY0");
        assert_eq!(phones_in_context("the", Some("sea")).expect("listed")[1], "AH0");
    }
}
