//! Which letters of an English word stand for which of its sounds: the cheapest way to read the spelling as the listed
//! pronunciation, found by dynamic programming over letters and phones.
//!
//! The prices only rank readings of one word against each other. Every spelling can be read as every pronunciation at
//! some price, so there is always an answer.

use super::dictionary::is_vowel;

/// Letters `start..end` of a word and what they stand for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit<'a> {
    pub start: usize,
    pub end: usize,
    pub sound: Sound<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sound<'a> {
    /// What carries a syllable: its vowel phone.
    Vowel(&'a str),
    /// Consonants: the first phone ("x" is two).
    Consonant(&'a str),
    /// The e of "some".
    Silent,
}

/// A letter that nobody says, in the middle of a word.
const SILENT: f32 = 0.8;
/// A phone without a letter.
const UNSPELLED: f32 = 3.0;
/// A letter for a phone that it never stands for otherwise.
const WRONG: f32 = 2.5;
/// Most letters that stand for one sound: "ough", "eigh".
const MOST_LETTERS: usize = 4;

/// Reads lower-case `letters` as `phones`; the units cover all letters in order, and there is a vowel unit for every
/// vowel phone (an empty one where no letter is left for it).
pub fn align<'a>(letters: &[char], phones: &[&'a str]) -> Vec<Unit<'a>> {
    let width = phones.len() + 1;
    let at = |letter: usize, phone: usize| letter * width + phone;
    // The price of reading the first letters as the first phones, and the last step of the cheapest way.
    let mut best = vec![f32::INFINITY; (letters.len() + 1) * width];
    let mut from = vec![(0usize, 0usize); best.len()];
    best[0] = 0.0;
    for letter in 0..=letters.len() {
        for phone in 0..=phones.len() {
            let here = best[at(letter, phone)];
            if here.is_infinite() {
                continue;
            }
            let mut step = |read: usize, said: usize, price: f32| {
                let there = at(letter + read, phone + said);
                if here + price < best[there] {
                    best[there] = here + price;
                    from[there] = (read, said);
                }
            };
            for said in 0..=2usize.min(phones.len() - phone) {
                for read in 0..=MOST_LETTERS.min(letters.len() - letter) {
                    let (before, rest) = letters.split_at(letter);
                    let spelled = &rest[..read];
                    if let Some(price) = price(before, spelled, &rest[read..], &phones[phone..phone + said]) {
                        step(read, said, price);
                    }
                }
            }
        }
    }
    let mut units = Vec::new();
    let (mut letter, mut phone) = (letters.len(), phones.len());
    while (letter, phone) != (0, 0) {
        let (read, said) = from[at(letter, phone)];
        let phones = &phones[phone - said..phone];
        let sound = match (phones.iter().find(|phone| is_vowel(phone)), phones.first()) {
            (Some(vowel), _) => Sound::Vowel(vowel),
            (None, Some(consonant)) => Sound::Consonant(consonant),
            (None, None) => Sound::Silent,
        };
        if read > 0 || matches!(sound, Sound::Vowel(_)) {
            units.push(Unit { start: letter - read, end: letter, sound });
        }
        (letter, phone) = (letter - read, phone - said);
    }
    units.reverse();
    units
}

/// The price of reading `letters` as `phones`, `None` where that is no single step.
fn price(before: &[char], letters: &[char], after: &[char], phones: &[&str]) -> Option<f32> {
    match (letters, phones) {
        ([], []) => None,
        ([], [_]) => Some(UNSPELLED),
        ([letter], []) => Some(silent(before, *letter, after)),
        (_, [phone]) if is_vowel(phone) => vowel(letters, phone),
        (_, [phone]) => consonant(letters, phone),
        (_, [glide @ ("W" | "Y"), phone]) if is_vowel(phone) => with_glide(letters, glide, phone),
        // A consonant that carries a syllable: "lit-tle", "did-n't", "rhyth-m".
        (['l', 'e'], [vowel, "L"]) if is_vowel(vowel) => Some(0.1),
        (['l'], [vowel, "L"]) | (['n'], [vowel, "N"]) | (['m'], [vowel, "M"]) if is_vowel(vowel) => Some(1.2),
        (['x'], ["K", "S"] | ["G", "Z"]) | (['q', 'u'], ["K", "W"]) | (['z', 'z'] | ['z'], ["T", "S"]) => Some(0.0),
        (['x'], ["K", "SH"]) => Some(0.2),
        _ => None,
    }
}

fn silent(before: &[char], letter: char, after: &[char]) -> f32 {
    match (before.last(), letter) {
        (_, '\'' | '-' | '.') => 0.0,
        (Some(same), _) if *same == letter && !matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u') => 0.0,
        (_, 'e') if after.is_empty() || after == ['s'] || after == ['d'] => 0.0,
        (_, 'e') => 0.3,
        (None, _) | (_, 'h') => 0.5,
        _ => SILENT,
    }
}

fn base(phone: &str) -> &str {
    phone.trim_end_matches(['0', '1', '2'])
}

/// Vowel letters that belong together: what follows such a pair is another sound.
const TOGETHER: &[&str] = &[
    "ai", "au", "aw", "ay", "ea", "ee", "ei", "eu", "ew", "ey", "ie", "oa", "oe", "oi", "oo", "ou", "ow", "oy", "ue",
    "ui", "uy", "eau", "eye",
];

fn vowel(letters: &[char], phone: &str) -> Option<f32> {
    let text: String = letters.iter().collect();
    if base(phone) == "ER" {
        return match text.as_str() {
            "er" | "ir" | "ur" | "or" | "ar" | "yr" | "ear" | "our" | "ure" | "ere" | "oar" | "aur" => Some(0.0),
            "re" => Some(0.1),
            "r" => Some(0.9),
            _ => None,
        };
    }
    // Without the silent tail of "ough" and "eigh", and the h of "oh".
    let stem = text.strip_suffix("gh").or_else(|| text.strip_suffix('h')).unwrap_or(&text);
    let with_tail = stem.len() < text.len();
    let mut own = stem.chars();
    let first_is_one = own.next().is_some_and(|c| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y'));
    if !first_is_one || !own.all(|c| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'w')) {
        return None;
    }
    Some(match stem.len() {
        _ if with_tail => 0.1,
        1 => 0.0,
        _ if TOGETHER.contains(&stem) => 0.1,
        // "na-tion", "gor-geous": one sound beside a softened consonant.
        2 | 3 if base(phone) == "AH" => 0.4,
        _ => 1.0,
    })
}

/// "Music" has /Y UW/ for its u, "one" /W AH/ for its o, "choir" /W AY/.
fn with_glide(letters: &[char], glide: &str, phone: &str) -> Option<f32> {
    let text: String = letters.iter().collect();
    match (glide, text.as_str()) {
        ("Y", "u" | "ue" | "eu" | "ew" | "eau" | "iew" | "ui" | "ueue") => Some(0.1),
        ("Y", "ur" | "ure" | "eur") if base(phone) == "ER" => Some(0.1),
        ("W", "o" | "oi") => Some(0.3),
        _ => vowel(letters, phone).map(|price| price + 1.0),
    }
}

/// Spellings of a consonant.
const CONSONANTS: &[(&str, &[&str])] = &[
    ("B", &["b", "bb", "pb"]),
    ("CH", &["ch", "tch", "t", "c", "cz"]),
    ("D", &["d", "ed", "ld"]),
    ("DH", &["th", "the"]),
    ("F", &["f", "ph", "gh"]),
    ("G", &["g", "gh", "gu", "gue"]),
    ("HH", &["h", "wh", "j"]),
    ("JH", &["j", "g", "dg", "d", "dj"]),
    ("K", &["k", "c", "ck", "ch", "q", "qu", "que", "lk"]),
    ("L", &["l"]),
    ("M", &["m", "mb", "mn"]),
    ("N", &["n", "kn", "gn", "pn"]),
    ("NG", &["ng", "n"]),
    ("P", &["p"]),
    ("R", &["r", "wr", "rh"]),
    ("S", &["s", "c", "sc", "ps"]),
    ("SH", &["sh", "s", "c", "t", "ch", "ss", "sch"]),
    ("T", &["t", "ed", "th", "pt", "bt"]),
    ("TH", &["th"]),
    ("V", &["v", "f"]),
    ("W", &["w", "wh", "u"]),
    ("Y", &["y", "i", "j"]),
    ("Z", &["z", "s", "x"]),
    ("ZH", &["s", "z", "g", "j"]),
];

fn consonant(letters: &[char], phone: &str) -> Option<f32> {
    let spellings = CONSONANTS.iter().find(|(name, _)| *name == phone).map_or(&[][..], |(_, spellings)| spellings);
    let is = |spelling: &&str| spelling.chars().eq(letters.iter().copied());
    match spellings.iter().position(is) {
        Some(0) => Some(0.0),
        Some(_) => Some(0.1),
        None if letters.len() == 1 && !matches!(letters[0], 'a' | 'e' | 'i' | 'o' | 'u') => Some(WRONG),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::dictionary, *};

    /// The word with a bar between its units and silent letters in brackets.
    fn read(word: &str) -> String {
        let phones = dictionary::pronunciation(word).expect("listed");
        let letters: Vec<char> = word.chars().collect();
        let units = align(&letters, &phones);
        let shown = |unit: &Unit<'_>| {
            let text: String = letters[unit.start..unit.end].iter().collect();
            if unit.sound == Sound::Silent { format!("({text})") } else { text }
        };
        units.iter().map(shown).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn silent_letters_and_letters_that_belong_together_are_known() {
        for (word, expected) in [
            ("somewhere", "s|o|m|(e)|wh|e|r|(e)"),
            ("singing", "s|i|ng|i|ng"),
            ("finger", "f|i|n|g|er"),
            ("daughter", "d|augh|t|er"),
            ("quiet", "qu|i|e|t"),
            ("playing", "p|l|ay|i|ng"),
            ("little", "l|i|t|(t)|le"),
            ("music", "m|u|s|i|c"),
            ("heartache", "h|ea|r|t|a|ch|(e)"),
        ] {
            assert_eq!(read(word), expected);
        }
    }
}
