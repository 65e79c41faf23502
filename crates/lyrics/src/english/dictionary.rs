//! English pronunciations: the Carnegie Mellon Pronouncing Dictionary, kept inside the binary as sorted text.
//!
//! A look-up is a binary search over line starts, so nothing is parsed ahead of the first question and no map of
//! 135 000 entries is held in memory. Never guesses: a word that is not listed has no pronunciation.

use std::sync::LazyLock;

/// Lines `word PH ON EM ES`, sorted by the bytes of the word; variants follow each other. BSD-2, see
/// `LICENSE-CMUDICT`; prepared by `build.rs`.
static TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/cmudict.txt"));

static LINE_STARTS: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let mut starts = vec![0u32];
    starts.extend(TEXT.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i as u32 + 1));
    starts.pop();
    starts
});

/// Words whose first listed pronunciation is not the one wanted in a song: (word, index of the variant).
const PREFERRED: &[(&str, usize)] = &[
    ("and", 1),
    ("bass", 1),
    ("decade", 1),
    ("detour", 1),
    ("every", 1),
    ("fire", 1),
    ("hour", 1),
    ("hours", 1),
    ("lead", 1),
    ("live", 1),
    ("our", 1),
    ("perfect", 1),
    ("read", 1),
    ("record", 1),
    ("records", 1),
    ("tear", 1),
    ("tears", 1),
    ("wind", 1),
    ("wound", 1),
];

/// ARPAbet phones, vowels with their stress digit (0 none, 1 primary, 2 secondary).
pub type Phones = Vec<&'static str>;

fn line(index: usize) -> (&'static str, &'static str) {
    let start = LINE_STARTS[index] as usize;
    let end = TEXT[start..].find('\n').map_or(TEXT.len(), |n| start + n);
    TEXT[start..end].split_once(' ').unwrap_or((&TEXT[start..end], ""))
}

/// Every listed pronunciation of a word, the preferred one first; empty when it is not listed. Case does not matter.
pub fn pronunciations(word: &str) -> Vec<Phones> {
    let word = word.to_ascii_lowercase();
    let (mut low, mut high) = (0, LINE_STARTS.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        if line(middle).0 < word.as_str() { low = middle + 1 } else { high = middle }
    }
    let mut found: Vec<Phones> = (low..LINE_STARTS.len())
        .map(line)
        .take_while(|(listed, _)| *listed == word)
        .map(|(_, phones)| phones.split(' ').collect())
        .collect();
    if let Some((_, index)) = PREFERRED.iter().find(|(w, _)| *w == word)
        && *index < found.len()
    {
        found.swap(0, *index);
    }
    found
}

/// The pronunciation to sing, or `None` for a word that is not listed.
pub fn pronunciation(word: &str) -> Option<Phones> {
    pronunciations(word).into_iter().next()
}

pub fn contains(word: &str) -> bool {
    !pronunciations(word).is_empty()
}

/// A phone that carries a syllable.
pub fn is_vowel(phone: &str) -> bool {
    phone.ends_with(['0', '1', '2'])
}

pub fn syllable_count(phones: &[&str]) -> usize {
    phones.iter().filter(|p| is_vowel(p)).count()
}

/// What two words share when they rhyme: everything from the last stressed vowel on, stress left out.
pub fn rhyme_part(phones: &[&str]) -> String {
    let start = phones
        .iter()
        .rposition(|p| p.ends_with(['1', '2']))
        .or_else(|| phones.iter().rposition(|p| is_vowel(p)))
        .unwrap_or(0);
    phones[start..].iter().map(|p| p.trim_end_matches(['0', '1', '2'])).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_sorted_so_that_every_word_can_be_found() {
        for index in 1..LINE_STARTS.len() {
            assert!(line(index - 1).0 <= line(index).0, "{:?} before {:?}", line(index - 1), line(index));
        }
        assert!(LINE_STARTS.len() > 130_000);
        for index in (0..LINE_STARTS.len()).step_by(997) {
            assert!(contains(line(index).0), "{}", line(index).0);
        }
    }

    #[test]
    fn looks_words_up_in_any_case_and_knows_what_it_does_not_know() {
        assert_eq!(pronunciation("Moon").expect("listed"), ["M", "UW1", "N"]);
        assert_eq!(syllable_count(&pronunciation("beautiful").expect("listed")), 3);
        assert_eq!(pronunciation("wind").expect("listed"), ["W", "IH1", "N", "D"]);
        assert!(!contains("xyzzyq"));
        assert!(!contains(""));
    }

    #[test]
    fn rhymes_from_the_last_stressed_vowel() {
        let part = |word| rhyme_part(&pronunciation(word).expect("listed"));
        assert_eq!(part("light"), part("tonight"));
        assert_eq!(part("river"), "IH V ER");
        assert_ne!(part("moon"), part("moan"));
    }
}
