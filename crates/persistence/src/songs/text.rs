//! Titles, artists and queries as they are compared: lower case, without accents and punctuation, word by word. Pure.
//!
//! Both databases get what this makes, so that neither's collation, tokenizer or locale has a say.

use std::collections::BTreeSet;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Characters of a normalised text; a few of Unicode's become many when they are taken apart.
const MOST_CHARS: usize = 256;
/// Words of a title and an artist together that are searched by.
pub const MOST_WORDS: usize = 48;
/// Characters of a word that are looked at.
const MOST_LETTERS: usize = 32;

/// `Don't Stop — Beyoncé & Motörhead` becomes `dont stop beyonce and motorhead`.
///
/// Compatibility forms are unified (NFKD), accents dropped, apostrophes closed up, `&` read as "and"; whatever else is
/// neither letter nor digit parts words. Chinese and Japanese signs, which no blanks part, are a word each. Text of
/// nothing but punctuation (`!!!`) stays as it is, without blanks.
pub fn normalise(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let letters = text.chars().filter(|c| !is_apostrophe(*c)).nfkd().filter(|c| !is_combining_mark(*c));
    // Put together again: Hangul was taken apart, too.
    for c in letters.nfc().flat_map(char::to_lowercase).take(2 * MOST_CHARS) {
        match c {
            'ß' => plain.push_str("ss"),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            'þ' => plain.push_str("th"),
            'ø' => plain.push('o'),
            'đ' | 'ð' => plain.push('d'),
            'ł' => plain.push('l'),
            'ħ' => plain.push('h'),
            'ı' => plain.push('i'),
            '&' => plain.push_str(" and "),
            // A dot of "İ" that lower case leaves behind.
            c if is_combining_mark(c) => {}
            c if is_a_word_alone(c) => plain.extend([' ', c, ' ']),
            c if c.is_alphanumeric() => plain.push(c),
            _ => plain.push(' '),
        }
    }
    let words = joined(&plain.split_whitespace().collect::<Vec<_>>());
    if words.is_empty() {
        return text.chars().filter(|c| !c.is_whitespace() && !c.is_control()).take(MOST_CHARS).collect();
    }
    let cut: String = words.chars().take(MOST_CHARS).collect();
    cut.trim_end().to_owned()
}

/// Words of a normalised text, in order.
pub fn words(normalised: &str) -> Vec<String> {
    let cut = |word: &str| word.chars().take(MOST_LETTERS).collect();
    normalised.split_whitespace().take(MOST_WORDS).map(cut).collect()
}

/// The words of title and artist as one key that does not depend on their order.
pub fn match_key(title_key: &str, artist_key: &str) -> String {
    let mut all: Vec<&str> = title_key.split_whitespace().chain(artist_key.split_whitespace()).collect();
    all.sort_unstable();
    joined(&all)
}

/// What a song is found by.
pub struct Terms {
    /// Words of title and artist, each once.
    pub words: BTreeSet<String>,
    /// Pairs of neighbouring words written as one: "day dream" is found as "daydream", and two signs of Chinese
    /// together are rarer than each.
    pub pairs: BTreeSet<String>,
    /// Words in all, repeated ones too.
    pub count: usize,
}

pub fn terms(title_key: &str, artist_key: &str) -> Terms {
    let (title, artist) = (words(title_key), words(artist_key));
    let all = |words: &[String]| words.iter().cloned().collect::<BTreeSet<String>>();
    let pairs = [&title, &artist].into_iter().flat_map(|words| pairs(words));
    Terms { words: &all(&title) | &all(&artist), pairs: pairs.collect(), count: title.len() + artist.len() }
}

/// Neighbouring words written as one, in order.
fn pairs(words: &[String]) -> impl Iterator<Item = String> {
    words.windows(2).map(|pair| pair.concat())
}

/// Runs of three letters of a word with two blanks before it and one behind it, each once (the trigrams of PostgreSQL's
/// `pg_trgm`).
pub fn grams(word: &str) -> BTreeSet<String> {
    let padded: Vec<char> = "  ".chars().chain(word.chars()).chain([' ']).collect();
    padded.windows(3).map(|gram| gram.iter().collect()).collect()
}

fn joined(words: &[&str]) -> String {
    words.join(" ")
}

const fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '`' | '´' | '’' | '‘' | 'ʼ' | 'ʹ' | '′' | '＇')
}

/// Han, Hiragana and Katakana.
const fn is_a_word_alone(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(normalise(text), expected, "{text}");
    }

    #[test]
    fn case_accents_and_punctuation_do_not_count() {
        check("Don't Stop — Beyoncé & Motörhead", "dont stop beyonce and motorhead");
        check("  HÆSTKUK, Smørrebrød; Straße  ", "haestkuk smorrebrod strasse");
        check("Łódź İzmir ısı", "lodz izmir isi");
        check("AC/DC", "ac dc");
        check("Ｆｕｌｌ ｗｉｄｔｈ ﬁne", "full width fine");
        check("Ёлка Йод", "елка иод");
        check("사랑", "사랑");
        check("東京ブルース Night", "東 京 フ ル ー ス night");
        check("!!!", "!!!");
        check("? ? ?", "???");
        check("", "");
        check("Beyonce\u{301}", "beyonce");
    }

    #[test]
    fn keys_are_bounded_whatever_a_character_becomes() {
        // One sign that NFKD takes apart into eighteen.
        let long = "\u{fdfa}".repeat(200);
        let key = normalise(&long);
        assert!(key.chars().count() <= MOST_CHARS, "{}", key.chars().count());
        assert!(words(&key).len() <= MOST_WORDS);
        let one = normalise(&"a".repeat(1_000));
        assert_eq!((one.len(), words(&one)[0].len()), (MOST_CHARS, MOST_LETTERS));
        assert!(normalise(&"!".repeat(1_000)).len() <= MOST_CHARS);
        // PostgreSQL takes no more than 2,700 bytes into an index.
        assert!(match_key(&normalise(&"語".repeat(1_000)), &normalise(&"語".repeat(1_000))).len() < 2_700);
        assert!(match_key(&normalise(&"𠀀".repeat(1_000)), &normalise(&"𠀀".repeat(1_000))).len() < 2_700);
    }

    #[test]
    fn the_order_of_words_does_not_count_for_the_match_key() {
        assert_eq!(match_key("bohemian rhapsody", "queen"), match_key("queen", "rhapsody bohemian"));
        assert_ne!(match_key("bohemian rhapsody", "queen"), match_key("bohemian rhapsody", ""));
    }

    #[test]
    fn terms_hold_words_and_pairs_within_title_and_artist() {
        let Terms { words, pairs, count } = terms("day dream", "ac dc day");
        assert_eq!(words, ["ac", "day", "dc", "dream"].map(str::to_owned).into());
        assert_eq!(pairs, ["acdc", "daydream", "dcday"].map(str::to_owned).into());
        assert_eq!(count, 5);
    }

    #[test]
    fn grams_are_padded() {
        assert_eq!(grams("queen").into_iter().collect::<Vec<_>>(), ["  q", " qu", "een", "en ", "que", "uee"]);
        assert_eq!(grams("a").len(), 2);
    }
}
