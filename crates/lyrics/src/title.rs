//! A name for a song.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{
    Language, LyricLine,
    theme::{Keyword, Theme},
    word::Class,
    words,
};

/// From the prompt's words; without any, from the end of the first line.
pub fn of(language: Language, theme: &Theme, lines: &[LyricLine], dice: &mut ChaCha8Rng) -> String {
    let noun = |k: &&Keyword| k.entries.iter().any(|e| e.class.is_noun());
    let nouns: Vec<&Keyword> = theme.keywords.iter().filter(noun).collect();
    let others: Vec<&Keyword> = theme.keywords.iter().filter(|k| !noun(k)).collect();
    let title = match (&nouns[..], &others[..]) {
        ([a, b, ..], _) if dice.random_bool(0.5) => format!("{} {} {}", a.text, language.conjunction(), b.text),
        ([a, ..], [describing, ..])
            if language == Language::English
                && describing.entries.iter().any(|e| matches!(e.class, Class::Adjective | Class::Acting)) =>
        {
            format!("{} {}", describing.text, a.text)
        }
        ([a, ..], _) => a.text.clone(),
        ([], [a, ..]) => a.text.clone(),
        _ => {
            let words = lines.first().map(|l| words::words(&l.text)).unwrap_or_default();
            let from = words.len().saturating_sub(2);
            words[from..].join(" ")
        }
    };
    let small = ["and", "the", "of", "a", "y", "el", "la", "de", "mi"];
    let cased: Vec<String> = title
        .split(' ')
        .enumerate()
        .map(|(i, w)| if i > 0 && small.contains(&w) { w.to_owned() } else { words::capitalised(w) })
        .collect();
    cased.join(" ")
}
