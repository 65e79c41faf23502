//! English: sounds from the pronouncing dictionary, which words are weak, and the article before a vowel.

mod alignment;
pub mod dictionary;
mod division;
mod syllables;

use std::{collections::HashSet, sync::LazyLock};

use super::{Syllable, word::Chosen};

/// The words that our lines are made of, by class, mood and field.
pub const LEXICON: &str = include_str!("../data/lexicon_en.txt");

/// Words that carry no stress and do not end a line.
const FUNCTION_WORDS: &[&str] = &[
    "a", "all", "am", "an", "and", "are", "as", "at", "be", "but", "by", "can", "comes", "could", "did", "do", "does",
    "don't", "every", "for", "from", "gonna", "had", "has", "have", "he", "he's", "her", "his", "how", "i", "i'd",
    "i'll", "i'm", "i've", "if", "in", "is", "it", "it's", "its", "just", "let", "let's", "like", "me", "more", "my",
    "never", "no", "not", "of", "oh", "on", "only", "or", "our", "she", "she's", "should", "so", "some", "such",
    "than", "that", "that's", "the", "their", "them", "then", "there", "there's", "these", "they", "they're", "this",
    "those", "till", "to", "too", "up", "us", "was", "we", "we'll", "we're", "we've", "were", "what", "when", "where",
    "which", "while", "who", "will", "with", "won't", "would", "you", "you'll", "you're", "you've", "your",
];

/// Function words that close a line well all the same: "stay with me" is a good end, "stay with my" is none.
const GOOD_ENDS: &[&str] = &[
    "me", "you", "us", "them", "her", "it", "too", "up", "on", "in", "all", "more", "there", "so", "by", "no", "be",
    "had", "was", "is", "are", "this", "never", "like", "do", "i", "have", "comes", "while",
];

/// Days, months and feasts.
const CAPITALISED: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "christmas",
];

/// Of whom one says "my", not "the".
pub const RELATIVES: &[&str] = &[
    "mother",
    "father",
    "mama",
    "papa",
    "mom",
    "dad",
    "grandmother",
    "grandfather",
    "grandma",
    "grandpa",
    "daughter",
    "son",
    "brother",
    "sister",
    "wife",
    "husband",
    "friend",
    "friends",
    "baby",
    "lover",
    "darling",
    "boyfriend",
    "girlfriend",
    "uncle",
    "aunt",
    "cousin",
    "family",
    "brothers",
    "sisters",
    "daughters",
    "sons",
    "parents",
    "dog",
    "cat",
];

/// Prepositions may close a line in other people's songs but never in ours.
const PREPOSITIONS: &[&str] = &["against", "beneath", "beside", "into", "upon", "without", "within"];

static FUNCTION_WORD_SET: LazyLock<HashSet<&str>> = LazyLock::new(|| FUNCTION_WORDS.iter().copied().collect());

pub fn is_function_word(word: &str) -> bool {
    FUNCTION_WORD_SET.contains(word.to_ascii_lowercase().as_str())
}

pub fn may_end_a_line(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    (!is_function_word(&word) || GOOD_ENDS.contains(&word.as_str())) && !PREPOSITIONS.contains(&word.as_str())
}

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
        [.., a, b]
            if a == b && bytes.len() >= 4 && b.is_ascii_lowercase() && !matches!(*b, b's' | b'l' | b'e' | b'o') =>
        {
            cut[..cut.len() - 1].to_owned()
        }
        _ => cut,
    }
}

/// The rhyme part with each consonant named by its kind.
pub fn near_rhyme(word: &str) -> Option<String> {
    let part = dictionary::rhyme_part(&dictionary::pronunciation(word)?);
    let kind = |phone: &str| match phone {
        "M" | "N" | "NG" => "n".to_owned(),
        "P" | "T" | "K" => "t".to_owned(),
        "B" | "D" | "G" => "d".to_owned(),
        "F" | "TH" | "S" | "SH" => "s".to_owned(),
        "V" | "DH" | "Z" | "ZH" => "z".to_owned(),
        other => other.to_owned(),
    };
    Some(part.split(' ').map(kind).collect::<Vec<_>>().join(" "))
}

/// Pronunciations of each word in its context, the preferred one first: "the" before a vowel is /DH IY/.
fn readings(words: &[String]) -> Option<Vec<Vec<dictionary::Phones>>> {
    let reading = |(index, word): (usize, &String)| {
        if word.eq_ignore_ascii_case("the") {
            let before_vowel = words
                .get(index + 1)
                .and_then(|next| dictionary::pronunciation(next))
                .is_some_and(|phones| phones.first().is_some_and(|p| dictionary::is_vowel(p)));
            return Some(vec![if before_vowel { vec!["DH", "IY0"] } else { vec!["DH", "AH0"] }]);
        }
        let mut all = dictionary::pronunciations(word);
        all.retain(|phones| dictionary::syllable_count(phones) > 0);
        (!all.is_empty()).then_some(all)
    };
    words.iter().enumerate().map(reading).collect()
}

pub fn realise(words: &[String], wanted: Option<usize>) -> Option<Vec<Syllable>> {
    let readings = readings(words)?;
    let chosen = choose(&readings, wanted)?;
    let mut line = Vec::new();
    for (index, (word, reading)) in words.iter().zip(chosen).enumerate() {
        let parts = syllables::split_phones(reading);
        let pieces = division::split_spelling(word, reading);
        line.extend(parts.into_iter().zip(pieces).map(|(phones, text)| Syllable {
            text,
            word_index: index,
            phones: phones.into_iter().map(str::to_owned).collect(),
            note: 0,
        }));
    }
    Some(line)
}

/// One reading of each word so that the line has the wanted length; early words keep their preferred reading.
fn choose(readings: &[Vec<dictionary::Phones>], wanted: Option<usize>) -> Option<Vec<&dictionary::Phones>> {
    let firsts: Vec<&dictionary::Phones> = readings.iter().filter_map(|r| r.first()).collect();
    let count = |phones: &dictionary::Phones| dictionary::syllable_count(phones);
    let Some(wanted) = wanted else { return Some(firsts) };
    if firsts.iter().map(|p| count(p)).sum::<usize>() == wanted {
        return Some(firsts);
    }
    // `rest[i]`: lengths that the words from `i` on can have.
    let mut rest = vec![vec![false; wanted + 1]; readings.len() + 1];
    rest[readings.len()][0] = true;
    for i in (0..readings.len()).rev() {
        for n in 0..=wanted {
            rest[i][n] = readings[i].iter().any(|p| count(p) <= n && rest[i + 1][n - count(p)]);
        }
    }
    let mut left = wanted;
    readings
        .iter()
        .enumerate()
        .map(|(i, all)| {
            let fits = all.iter().find(|p| count(p) <= left && rest[i + 1][left - count(p)])?;
            left -= count(fits);
            Some(fits)
        })
        .collect()
}

/// The words as sung: "a" becomes "an" before a vowel sound.
pub fn with_articles(words: &[Chosen<'_>]) -> Vec<String> {
    let relative = |i: usize| {
        let noun = words[i + 1..].iter().take(2).filter_map(|w| w.entry).find(|e| e.class.is_noun());
        noun.is_some_and(|noun| [RELATIVES, CAPITALISED].iter().any(|list| list.contains(&noun.text.as_str())))
    };
    (0..words.len())
        .map(|i| match (words[i].text, words.get(i + 1)) {
            ("the", Some(_)) if words[i].entry.is_none() && relative(i) => "my".to_owned(),
            ("a", Some(next)) => {
                let vowel = dictionary::pronunciation(next.text)
                    .is_some_and(|p| p.first().is_some_and(|phone| dictionary::is_vowel(phone)));
                if vowel { "an".to_owned() } else { "a".to_owned() }
            }
            (text, _) if CAPITALISED.contains(&text) => super::words::capitalised(text),
            (text, _) => text.to_owned(),
        })
        .collect()
}

/// "dance" → "dancing", "run" → "running", "fly" → "flying".
pub fn ing_form(verb: &str) -> String {
    let bytes = verb.as_bytes();
    let vowel = |b: u8| matches!(b, b'a' | b'e' | b'i' | b'o' | b'u');
    match bytes {
        [.., b'i', b'e'] => format!("{}ying", &verb[..verb.len() - 2]),
        [.., b, b'e'] if !vowel(*b) || *b == b'u' => format!("{}ing", &verb[..verb.len() - 1]),
        [.., a, b, c]
            if !vowel(*a) && vowel(*b) && !vowel(*c) && !matches!(c, b'w' | b'x' | b'y') && verb.len() <= 4 =>
        {
            format!("{verb}{}ing", *c as char)
        }
        _ => format!("{verb}ing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_ing_forms() {
        for (verb, ing) in
            [("dance", "dancing"), ("run", "running"), ("fly", "flying"), ("sleep", "sleeping"), ("see", "seeing")]
        {
            assert_eq!(ing_form(verb), ing);
        }
    }

    fn owned(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
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
        let said = |text| realise(&owned(text), None).expect("listed")[0].phones.clone();
        assert_eq!(said("the ocean")[1], "IY0");
        assert_eq!(said("the sea")[1], "AH0");
    }

    #[test]
    fn other_readings_are_taken_when_the_length_asks_for_them() {
        assert_eq!(realise(&owned("hold the fire"), Some(4)).expect("two-syllable fire").len(), 4);
        assert_eq!(realise(&owned("hold the fire"), Some(3)).expect("one-syllable fire").len(), 3);
        assert!(realise(&owned("hold the fire"), Some(6)).is_none());
        assert!(realise(&owned("hold zzxqy"), None).is_none());
    }

    #[test]
    fn near_rhymes_share_vowels_and_kinds_of_consonants() {
        assert_eq!(near_rhyme("time"), near_rhyme("line"));
        assert_ne!(near_rhyme("time"), near_rhyme("light"));
    }
}
