//! Spanish: sounds by rule, vowels that meet between words sung as one (sinalefa), rhyme and assonance, agreement.

pub mod sounds;

use std::{collections::HashSet, sync::LazyLock};

use super::{
    Syllable,
    word::{Chosen, Class, Gender},
};

/// The words that our lines are made of, by class, mood and field.
pub const LEXICON: &str = include_str!("../data/lexicon_es.txt");

/// Joins the letters of two words that are sung as one syllable (the undertie of printed music).
pub const UNDERTIE: char = '\u{203f}';

const FUNCTION_WORDS: &[&str] = &[
    "a", "al", "ante", "aún", "como", "con", "contra", "cuando", "de", "del", "desde", "donde", "e", "el", "en",
    "entre", "es", "fue", "ha", "han", "has", "hasta", "hay", "he", "la", "las", "le", "les", "lo", "los", "me", "mi",
    "mis", "muy", "ni", "no", "nos", "o", "oh", "para", "pero", "por", "porque", "pues", "que", "se", "si", "sin",
    "sobre", "son", "soy", "su", "sus", "tan", "te", "tu", "tus", "u", "un", "una", "unas", "unos", "va", "y", "ya",
    "yo", "tú", "él", "sé", "está", "estoy", "estás", "qué", "cada", "más", "hacia", "bajo", "este", "esta", "ese",
    "esa", "eres", "todo", "toda", "todos", "todas", "somos", "voy", "vas", "vamos", "ay", "mí", "ti", "quiero",
    "tengo",
];

/// Of whom one says "mi", not "el" or "la".
pub const RELATIVES: &[&str] = &[
    "madre", "padre", "mamá", "papá", "abuela", "abuelo", "abuelos", "hija", "hijo", "hijos", "hermana", "hermano",
    "hermanos", "hermanas", "tía", "tío", "prima", "primo", "niña", "niño", "bebé", "novia", "novio", "esposa",
    "esposo", "amiga", "amigo", "amigos", "amigas", "familia", "perro", "gato",
];

const GOOD_ENDS: &[&str] = &[
    "mí", "ti", "tú", "yo", "no", "sé", "está", "más", "él", "todo", "voy", "estoy", "vas", "ya", "sí", "fue", "va",
    "estás", "aún", "todos",
];

static FUNCTION_WORD_SET: LazyLock<HashSet<&str>> = LazyLock::new(|| FUNCTION_WORDS.iter().copied().collect());

pub fn is_function_word(word: &str) -> bool {
    FUNCTION_WORD_SET.contains(word.to_lowercase().as_str())
}

pub fn may_end_a_line(word: &str) -> bool {
    !is_function_word(word) || GOOD_ENDS.contains(&word.to_lowercase().as_str())
}

pub fn is_pronounceable(word: &str) -> bool {
    sounds::syllables(word).is_some()
}

/// Number and gender cut off, and the commonest endings of verbs.
pub fn stem(word: &str) -> String {
    let word: String = word.to_lowercase().chars().map(unaccented).collect();
    for ending in
        ["ando", "iendo", "amos", "emos", "imos", "es", "as", "os", "ar", "er", "ir", "an", "en", "a", "e", "o", "s"]
    {
        if let Some(stem) = word.strip_suffix(ending).filter(|stem| stem.chars().count() >= 3) {
            return stem.to_owned();
        }
    }
    word
}

/// A letter without its accent; ñ stays.
pub fn unaccented(c: char) -> char {
    match c {
        'á' => 'a',
        'é' => 'e',
        'í' => 'i',
        'ó' => 'o',
        'ú' | 'ü' => 'u',
        other => other,
    }
}

fn phones_from_stress(word: &str) -> Option<Vec<String>> {
    let spoken = sounds::syllables(word)?;
    let stressed = spoken.iter().position(|s| s.is_stressed)?;
    let mut phones: Vec<String> = spoken[stressed..].iter().flat_map(|s| s.phones.clone()).collect();
    let vowel = phones.iter().position(|p| is_vowel(p))?;
    phones.drain(..vowel);
    Some(phones.iter().map(|p| p.trim_end_matches(['0', '1']).to_owned()).collect())
}

fn is_vowel(phone: &str) -> bool {
    phone.ends_with(['0', '1'])
}

/// Consonant rhyme: all sounds from the stressed vowel on.
pub fn rhyme(word: &str) -> Option<String> {
    phones_from_stress(word).map(|phones| phones.join(" "))
}

/// Assonant rhyme: the stressed vowel and the last one.
pub fn assonance(word: &str) -> Option<String> {
    let spoken = sounds::syllables(word)?;
    let stressed = spoken.iter().position(|s| s.is_stressed)?;
    let vowel = |s: &sounds::SpokenSyllable| {
        s.phones.iter().find(|p| is_vowel(p)).map(|p| p.trim_end_matches(['0', '1']).to_owned())
    };
    let tail: Vec<String> = spoken[stressed..].iter().filter_map(vowel).collect();
    match &tail[..] {
        [] => None,
        [only] => Some(only.clone()),
        [first, .., last] => Some(format!("{first}-{last}")),
    }
}

/// A line's syllables. Where a word ends and the next begins with a vowel they are sung as one; with `wanted`, as many
/// of these joints as needed are kept apart, stressed vowels first.
pub fn realise(words: &[String], wanted: Option<usize>) -> Option<Vec<Syllable>> {
    let spoken: Vec<Vec<sounds::SpokenSyllable>> =
        words.iter().map(|word| sounds::syllables(word)).collect::<Option<_>>()?;
    let apart: usize = spoken.iter().map(Vec::len).sum();
    let mut joints = joints(&spoken, words);
    if let Some(wanted) = wanted {
        let merged = apart.checked_sub(wanted)?;
        if merged > joints.len() {
            return None;
        }
        // Weakest first; the sort is stable, so early joints go first.
        joints.sort_by_key(|&(_, stress)| stress);
        joints.truncate(merged);
    } else {
        joints.retain(|&(_, stress)| stress < 2);
    }
    let mut line: Vec<Syllable> = Vec::with_capacity(apart);
    for (index, syllables) in spoken.iter().enumerate() {
        for (at, syllable) in syllables.iter().enumerate() {
            let weak = syllables.len() == 1 && is_function_word(&words[index]);
            let mut phones = syllable.phones.clone();
            if weak {
                phones.iter_mut().filter(|p| is_vowel(p)).for_each(|p| *p = p.replace('1', "0"));
            }
            let joins = at == 0 && index > 0 && joints.iter().any(|&(joint, _)| joint == index);
            match line.last_mut() {
                Some(last) if joins => join(last, &syllable.text, &phones, index),
                _ => line.push(Syllable { text: syllable.text.clone(), word_index: index, phones, note: 0 }),
            }
        }
    }
    Some(line)
}

/// Words that can be joined to the one before, with what speaks against it: 0 nothing, 1 one of the vowels is stressed,
/// 2 both are. No syllable is joined at both ends, so that three vowels never meet.
fn joints(spoken: &[Vec<sounds::SpokenSyllable>], words: &[String]) -> Vec<(usize, u8)> {
    let mut found: Vec<(usize, u8)> = Vec::new();
    for index in 1..spoken.len() {
        let (Some(before), Some(after)) = (spoken[index - 1].last(), spoken[index].first()) else { continue };
        let meets = before.phones.last().is_some_and(|p| is_vowel(p) && !is_diphthong(p))
            && after.phones.first().is_some_and(|p| is_vowel(p) && !is_diphthong(p));
        let taken = found.last().is_some_and(|&(last, _)| last + 1 == index && spoken[index - 1].len() == 1);
        if meets && !taken {
            let stressed = |s: &sounds::SpokenSyllable, word: &str, alone: bool| {
                u8::from(s.is_stressed && !(alone && is_function_word(word)))
            };
            let stress = stressed(before, &words[index - 1], spoken[index - 1].len() == 1)
                + stressed(after, &words[index], spoken[index].len() == 1);
            found.push((index, stress));
        }
    }
    found
}

fn is_diphthong(phone: &str) -> bool {
    ["AY", "EY", "OY", "AW"].iter().any(|d| phone.starts_with(d))
}

/// How open a vowel is; the more open one carries the joined syllable.
fn openness(vowel: &str) -> u8 {
    match vowel.trim_end_matches(['0', '1']) {
        "AA" => 3,
        "AO" => 2,
        "EH" => 1,
        _ => 0,
    }
}

fn glide_of(vowel: &str) -> &'static str {
    match vowel.trim_end_matches(['0', '1']) {
        "AO" | "UW" => "W",
        "AA" => "AA",
        _ => "Y",
    }
}

fn join(before: &mut Syllable, text: &str, phones: &[String], word_index: usize) {
    before.text.push(UNDERTIE);
    before.text.push_str(text);
    before.word_index = word_index;
    let (Some(first), Some(second)) = (before.phones.pop(), phones.first().cloned()) else { return };
    let stress = if first.ends_with('1') || second.ends_with('1') { '1' } else { '0' };
    let (name_first, name_second) = (&first[..first.len() - 1], &second[..second.len() - 1]);
    if name_first == name_second {
        before.phones.push(format!("{name_first}{stress}"));
    } else if openness(&first) > openness(&second) {
        before.phones.push(format!("{name_first}{stress}"));
        before.phones.push(glide_of(&second).to_owned());
    } else {
        before.phones.push(glide_of(&first).to_owned());
        before.phones.push(format!("{name_second}{stress}"));
    }
    before.phones.extend(phones[1..].iter().cloned());
}

/// The words as sung: markers in capitals (`EL`, `UN`, `DEL`, `AL`) become the article of the noun after them, and
/// adjectives agree with the noun before them.
pub fn agreeing(words: &[Chosen<'_>]) -> Vec<String> {
    let noun = |i: usize| words.get(i).and_then(|w| w.entry).filter(|e| e.class.is_noun());
    (0..words.len())
        .map(|i| {
            let word = &words[i];
            match word.entry {
                None if is_marker(word.text) => {
                    article(word.text, (i + 1..words.len().min(i + 3)).find_map(noun)).to_owned()
                }
                Some(entry) if entry.class == Class::Adjective => {
                    agreed(word.text, (0..i).rev().take(2).find_map(noun))
                }
                _ => word.text.to_owned(),
            }
        })
        .collect()
}

pub fn is_marker(text: &str) -> bool {
    matches!(text, "EL" | "UN" | "DEL" | "AL")
}

fn article(marker: &str, noun: Option<&super::word::Entry>) -> &'static str {
    let feminine = noun.is_some_and(|e| e.gender == Gender::Feminine);
    let plural = noun.is_some_and(|e| e.class == Class::Plural);
    // "el agua": a stressed a at the beginning takes the other article.
    let hard = !plural && noun.is_some_and(|e| e.phones.first().is_some_and(|p| p == "AA1"));
    if noun.is_some_and(|e| RELATIVES.contains(&e.text.as_str())) && marker != "UN" {
        return match (marker, plural) {
            ("EL", false) => "mi",
            ("EL", true) => "mis",
            ("DEL", false) => "de mi",
            ("DEL", true) => "de mis",
            (_, false) => "a mi",
            (_, true) => "a mis",
        };
    }
    let row: [&str; 4] = match marker {
        "EL" => ["el", "la", "los", "las"],
        "UN" => ["un", "una", "unos", "unas"],
        "DEL" => ["del", "de la", "de los", "de las"],
        _ => ["al", "a la", "a los", "a las"],
    };
    row[usize::from(feminine && !hard) + 2 * usize::from(plural)]
}

fn agreed(adjective: &str, noun: Option<&super::word::Entry>) -> String {
    let feminine = noun.is_some_and(|e| e.gender == Gender::Feminine);
    let plural = noun.is_some_and(|e| e.class == Class::Plural);
    let singular = match adjective.strip_suffix('o') {
        Some(stem) if feminine => format!("{stem}a"),
        _ => adjective.to_owned(),
    };
    match (plural, singular.chars().last()) {
        (false, _) => singular,
        (true, Some('a' | 'e' | 'o')) => singular + "s",
        (true, Some('z')) => format!("{}ces", singular.trim_end_matches('z')),
        (true, _) => singular + "es",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, wanted: Option<usize>) -> Option<Vec<String>> {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        realise(&words, wanted).map(|line| line.into_iter().map(|s| s.text).collect())
    }

    #[test]
    fn vowels_that_meet_are_one_syllable_unless_the_notes_want_two() {
        assert_eq!(line("te amo", None).expect("said"), ["te\u{203f}a", "mo"]);
        assert_eq!(line("te amo", Some(3)).expect("apart"), ["te", "a", "mo"]);
        assert_eq!(line("la luna entera", None).expect("said").len(), 5);
        assert!(line("te amo", Some(1)).is_none() && line("te amo", Some(4)).is_none());
        assert_eq!(line("el mar", None).expect("said"), ["el", "mar"]);
    }

    #[test]
    fn a_joined_syllable_has_one_vowel() {
        for text in
            ["te amo", "la arena", "mi alma", "tu alma", "lo oscuro", "que el", "sólo el", "la iglesia", "y a ella"]
        {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            for syllable in realise(&words, None).expect("said") {
                let vowels = syllable.phones.iter().filter(|p| is_vowel(p)).count();
                assert_eq!(vowels, 1, "{text}: {syllable:?}");
            }
        }
    }

    #[test]
    fn relatives_are_mine() {
        let marker = Chosen { text: "EL", entry: None };
        let said = |word: &str| {
            let all = crate::lexicon::of(crate::Language::Spanish).all();
            let entry = all.iter().find(|e| e.text == word).expect("a word of the lexicon");
            agreeing(&[marker, Chosen { text: &entry.text, entry: Some(entry) }]).join(" ")
        };
        assert_eq!([said("abuela"), said("luna"), said("agua")], ["mi abuela", "la luna", "el agua"]);
    }

    #[test]
    fn rhymes_by_sound_and_by_vowels() {
        assert_eq!(rhyme("corazón"), rhyme("canción"));
        assert_eq!(rhyme("vida"), rhyme("herida"));
        assert_ne!(rhyme("noche"), rhyme("bosque"));
        assert_eq!(assonance("noche"), assonance("bosque"));
        assert_eq!(assonance("pájaro"), assonance("claro"));
        assert_eq!(stem("estrellas"), stem("estrella"));
    }
}
