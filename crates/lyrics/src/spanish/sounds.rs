//! Spanish spelling into sounds: rule-based, as the spelling tells nearly all. American pronunciation (c before e and z
//! are /s/, ll is /j/), given in the ARPAbet set that the voices sing.
//!
//! Rules of syllables, diphthongs and stress: Real Academia Española, *Ortografía de la lengua española* (2010),
//! chapters II and III, in our own words.

/// One syllable of one word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpokenSyllable {
    /// Its letters; joined, the syllables are the word again.
    pub text: String,
    /// ARPAbet; the vowel with its stress digit.
    pub phones: Vec<String>,
    pub is_stressed: bool,
}

/// What a letter or digraph is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sound {
    Vowel {
        letter: char,
        accented: bool,
    },
    Consonant(char),
    /// h, and the u of "que" and "gui".
    Silent,
}

#[derive(Debug, Clone, Copy)]
struct Unit {
    sound: Sound,
    /// Into the letters of the word.
    start: usize,
    end: usize,
}

/// Letters of one unit that stand for a sound of their own: ch C, ll and consonantal y Y, ñ N, rr and initial r R, j J.
fn units(letters: &[char]) -> Option<Vec<Unit>> {
    let mut units = Vec::with_capacity(letters.len());
    let at = |i: usize| letters.get(i).copied().unwrap_or(' ');
    let mut i = 0;
    while i < letters.len() {
        let (sound, length) = match (letters[i], at(i + 1)) {
            ('c', 'h') => (Sound::Consonant('C'), 2),
            ('l', 'l') => (Sound::Consonant('Y'), 2),
            ('r', 'r') => (Sound::Consonant('R'), 2),
            ('q', 'u') => (Sound::Consonant('k'), 2),
            ('g', 'u') if is_front(at(i + 2)) => (Sound::Consonant('g'), 2),
            ('g', next) if is_front(next) => (Sound::Consonant('J'), 1),
            ('c', next) => (Sound::Consonant(if is_front(next) { 's' } else { 'k' }), 1),
            ('y', next) if !is_vowel(next) => (Sound::Vowel { letter: 'i', accented: false }, 1),
            ('y', _) => (Sound::Consonant('Y'), 1),
            ('h', _) => (Sound::Silent, 1),
            ('r', _) if i == 0 => (Sound::Consonant('R'), 1),
            ('j', _) => (Sound::Consonant('J'), 1),
            ('ñ', _) => (Sound::Consonant('N'), 1),
            ('z', _) => (Sound::Consonant('s'), 1),
            ('v', _) => (Sound::Consonant('b'), 1),
            ('q', _) => (Sound::Consonant('k'), 1),
            (c, _) if is_vowel(c) => {
                let (letter, accented) = plain(c);
                (Sound::Vowel { letter, accented }, 1)
            }
            (c, _) if c.is_ascii_lowercase() => (Sound::Consonant(c), 1),
            _ => return None,
        };
        units.push(Unit { sound, start: i, end: i + length });
        i += length;
    }
    Some(units)
}

fn is_front(c: char) -> bool {
    matches!(c, 'e' | 'i' | 'é' | 'í')
}

fn is_vowel(c: char) -> bool {
    matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'á' | 'é' | 'í' | 'ó' | 'ú' | 'ü')
}

/// A vowel without its accent, and whether it had one.
fn plain(c: char) -> (char, bool) {
    match c {
        'á' => ('a', true),
        'é' => ('e', true),
        'í' => ('i', true),
        'ó' => ('o', true),
        'ú' => ('u', true),
        'ü' => ('u', false),
        other => (other, false),
    }
}

fn is_strong(letter: char, accented: bool) -> bool {
    matches!(letter, 'a' | 'e' | 'o') || accented
}

/// Whether two neighbouring vowels stay in one syllable: at least one is weak, and they differ.
fn run_together(a: (char, bool), b: (char, bool)) -> bool {
    let (strong_a, strong_b) = (is_strong(a.0, a.1), is_strong(b.0, b.1));
    // An accented weak vowel beside a strong one is a syllable of its own ("río"); "rió" and "agua" are diphthongs.
    !(strong_a && strong_b) && a.0 != b.0
}

/// Consonant pairs that begin a syllable together.
fn inseparable(a: char, b: char) -> bool {
    matches!((a, b), ('p' | 'b' | 't' | 'd' | 'k' | 'g' | 'f', 'r') | ('p' | 'b' | 'k' | 'g' | 'f', 'l'))
}

/// Nuclei as ranges of units.
fn nuclei(units: &[Unit]) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (i, unit) in units.iter().enumerate() {
        let Sound::Vowel { letter, accented } = unit.sound else { continue };
        let joins = found.last().is_some_and(|&(start, end)| {
            end == i
                && end - start < 3
                && matches!(units[i - 1].sound, Sound::Vowel { letter: l, accented: a }
                    if run_together((l, a), (letter, accented)))
                // A third vowel joins only behind strong ones: "buey", but "ma-ia" begins anew.
                && !(end - start == 2 && is_strong(letter, accented))
        });
        match found.last_mut() {
            Some(last) if joins => last.1 = i + 1,
            _ => found.push((i, i + 1)),
        }
    }
    found
}

/// Cuts a word into its syllables with their sounds, or `None` when it cannot be said: no vowel, letters that Spanish
/// does not have, longer than 24 letters, or more than four consonants in a row.
pub fn syllables(word: &str) -> Option<Vec<SpokenSyllable>> {
    const MOST_LETTERS: usize = 24;
    let spelled: Vec<char> = word.chars().collect();
    let letters: Vec<char> = spelled.iter().map(|c| c.to_lowercase().next().unwrap_or(*c)).collect();
    if letters.len() > MOST_LETTERS {
        return None;
    }
    let units = units(&letters)?;
    let nuclei = nuclei(&units);
    let (&(first, _), &(_, last)) = (nuclei.first()?, nuclei.last()?);
    let mut cuts = vec![0];
    for pair in nuclei.windows(2) {
        let (from, to) = (pair[0].1, pair[1].0);
        if to - from > 4 {
            return None;
        }
        cuts.push(cut_between(&units, from, to));
    }
    if first > 3 || units.len() - last > 3 {
        return None;
    }
    cuts.push(units.len());
    let stressed = stressed_syllable(&units, &nuclei, &letters);
    let spoken = cuts.windows(2).zip(&nuclei).enumerate().map(|(index, (cut, nucleus))| {
        let is_stressed = index == stressed;
        let text = spelled[units[cut[0]].start..units[cut[1] - 1].end].iter().collect();
        SpokenSyllable { text, phones: phones(&units, cut[0]..cut[1], *nucleus, is_stressed), is_stressed }
    });
    Some(spoken.collect())
}

/// Where the consonants between two nuclei part.
fn cut_between(units: &[Unit], from: usize, to: usize) -> usize {
    let consonant = |i: usize| match units[i].sound {
        Sound::Consonant(c) => c,
        _ => 'h',
    };
    match to - from {
        0 | 1 => from,
        n if inseparable(consonant(to - 2), consonant(to - 1)) => from + n - 2,
        _ => to - 1,
    }
}

fn stressed_syllable(units: &[Unit], nuclei: &[(usize, usize)], letters: &[char]) -> usize {
    let accented = |&(start, end): &(usize, usize)| {
        units[start..end].iter().any(|u| matches!(u.sound, Sound::Vowel { accented: true, .. }))
    };
    if let Some(index) = nuclei.iter().position(accented) {
        return index;
    }
    let last = nuclei.len() - 1;
    match letters.last() {
        Some('a' | 'e' | 'i' | 'o' | 'u' | 'n' | 's') => last.saturating_sub(1),
        _ => last,
    }
}

fn phones(units: &[Unit], range: std::ops::Range<usize>, nucleus: (usize, usize), stressed: bool) -> Vec<String> {
    let digit = if stressed { '1' } else { '0' };
    let mut phones = Vec::new();
    for i in range.start..nucleus.0 {
        consonant_phones(units, i, &mut phones);
    }
    let vowels: Vec<(char, bool)> = units[nucleus.0..nucleus.1]
        .iter()
        .filter_map(|u| match u.sound {
            Sound::Vowel { letter, accented } => Some((letter, accented)),
            _ => None,
        })
        .collect();
    // The strong vowel carries the syllable; of two weak ones the second does.
    let peak = vowels.iter().position(|v| is_strong(v.0, v.1)).unwrap_or(vowels.len() - 1);
    phones.extend(vowels[..peak].iter().map(|v| glide(v.0).to_owned()));
    let (vowel, rest) = match (vowels[peak].0, vowels.get(peak + 1).map(|v| v.0)) {
        ('a', Some('i')) => ("AY", 2),
        ('e', Some('i')) => ("EY", 2),
        ('o', Some('i')) => ("OY", 2),
        ('a', Some('u')) => ("AW", 2),
        (letter, _) => (pure_vowel(letter), 1),
    };
    phones.push(format!("{vowel}{digit}"));
    phones.extend(vowels[(peak + rest).min(vowels.len())..].iter().map(|v| glide(v.0).to_owned()));
    for i in nucleus.1..range.end {
        consonant_phones(units, i, &mut phones);
    }
    phones
}

pub fn pure_vowel(letter: char) -> &'static str {
    match letter {
        'a' => "AA",
        'e' => "EH",
        'i' => "IY",
        'o' => "AO",
        _ => "UW",
    }
}

fn glide(letter: char) -> &'static str {
    if letter == 'i' || letter == 'e' { "Y" } else { "W" }
}

fn consonant_phones(units: &[Unit], index: usize, phones: &mut Vec<String>) {
    let Sound::Consonant(c) = units[index].sound else { return };
    let is_vowel = |i: usize| matches!(units.get(i).map(|u| u.sound), Some(Sound::Vowel { .. }));
    let between_vowels = index > 0 && is_vowel(index - 1) && is_vowel(index + 1);
    let sounds: &[&str] = match c {
        'C' => &["CH"],
        'Y' => &["Y"],
        'N' => &["N", "Y"],
        'R' | 'r' => &["R"],
        'J' => &["HH"],
        // Soft between vowels.
        'b' if between_vowels => &["V"],
        'd' if between_vowels => &["DH"],
        'x' if index == 0 => &["S"],
        'x' => &["K", "S"],
        'b' => &["B"],
        'd' => &["D"],
        'f' => &["F"],
        'g' => &["G"],
        'k' => &["K"],
        'l' => &["L"],
        'm' => &["M"],
        'n' => &["N"],
        'p' => &["P"],
        's' => &["S"],
        't' => &["T"],
        'w' => &["W"],
        _ => &[],
    };
    phones.extend(sounds.iter().map(|s| (*s).to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(word: &str) -> String {
        let spoken = syllables(word).unwrap_or_else(|| panic!("{word} can be said"));
        let shown = |s: &SpokenSyllable| if s.is_stressed { s.text.to_uppercase() } else { s.text.clone() };
        spoken.iter().map(shown).collect::<Vec<_>>().join("-")
    }

    #[test]
    fn words_are_cut_and_stressed_as_the_spelling_says() {
        for (word, expected) in [
            ("corazón", "co-ra-ZÓN"),
            ("noche", "NO-che"),
            ("canción", "can-CIÓN"),
            ("cantar", "can-TAR"),
            ("río", "RÍ-o"),
            ("agua", "A-gua"),
            ("cielo", "CIE-lo"),
            ("ciudad", "ciu-DAD"),
            ("poeta", "po-E-ta"),
            ("estrella", "es-TRE-lla"),
            ("guitarra", "gui-TA-rra"),
            ("vergüenza", "ver-GÜEN-za"),
            ("construir", "cons-TRUIR"),
            ("instante", "ins-TAN-te"),
            ("ahora", "a-HO-ra"),
            ("hoy", "HOY"),
            ("buey", "BUEY"),
            ("maría", "ma-RÍ-a"),
            ("lluvia", "LLU-via"),
            ("pájaro", "PÁ-ja-ro"),
            ("abrazo", "a-BRA-zo"),
            ("perla", "PER-la"),
            ("obstáculo", "obs-TÁ-cu-lo"),
            ("leyenda", "le-YEN-da"),
            ("y", "Y"),
            ("queso", "QUE-so"),
            ("leer", "le-ER"),
        ] {
            assert_eq!(cut(word), expected);
        }
    }

    #[test]
    fn sounds_are_in_the_set_that_is_sung() {
        let said = |word: &str| {
            syllables(word).expect("said").iter().flat_map(|s| s.phones.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(said("niño"), "N IY1 N Y AO0");
        assert_eq!(said("que"), "K EH1");
        assert_eq!(said("guerra"), "G EH1 R AA0");
        assert_eq!(said("gente"), "HH EH1 N T EH0");
        assert_eq!(said("lluvia"), "Y UW1 V Y AA0");
        assert_eq!(said("hay"), "AY1");
        assert_eq!(said("cielo"), "S Y EH1 L AO0");
        assert_eq!(said("luna"), "L UW1 N AA0");
        assert_eq!(said("nada"), "N AA1 DH AA0");
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        for word in ["", "zzz", "h", "bcdfga", "日本", "a1", &"a".repeat(40)] {
            assert!(syllables(word).is_none(), "{word}");
        }
    }
}
