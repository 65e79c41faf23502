//! Words cut into syllables, in sounds and in letters.

use super::dictionary::is_vowel;

/// Consonant pairs that can begin an English syllable (three-consonant onsets are s + one of these).
const ONSET_PAIRS: &[[&str; 2]] = &[
    ["B", "L"],
    ["B", "R"],
    ["B", "Y"],
    ["D", "R"],
    ["D", "W"],
    ["D", "Y"],
    ["F", "L"],
    ["F", "R"],
    ["F", "Y"],
    ["G", "L"],
    ["G", "R"],
    ["G", "W"],
    ["HH", "Y"],
    ["HH", "W"],
    ["K", "L"],
    ["K", "R"],
    ["K", "W"],
    ["K", "Y"],
    ["M", "Y"],
    ["N", "Y"],
    ["P", "L"],
    ["P", "R"],
    ["P", "Y"],
    ["S", "F"],
    ["S", "K"],
    ["S", "L"],
    ["S", "M"],
    ["S", "N"],
    ["S", "P"],
    ["S", "T"],
    ["S", "W"],
    ["SH", "R"],
    ["T", "R"],
    ["T", "W"],
    ["TH", "R"],
    ["TH", "W"],
    ["V", "Y"],
];

fn can_begin(onset: &[&str]) -> bool {
    match onset {
        [] => true,
        [one] => !matches!(*one, "NG" | "ZH"),
        [a, b] => ONSET_PAIRS.iter().any(|pair| pair == &[*a, *b]),
        ["S", rest @ ..] if rest.len() == 2 => matches!(rest[0], "P" | "T" | "K") && can_begin(rest),
        _ => false,
    }
}

/// Cuts the phones of one word by the maximal onset principle: each inner consonant group goes to the next syllable as
/// far as an English syllable may begin with it.
pub fn split_phones<'a>(phones: &[&'a str]) -> Vec<Vec<&'a str>> {
    let vowels: Vec<usize> = phones.iter().enumerate().filter(|(_, p)| is_vowel(p)).map(|(i, _)| i).collect();
    let mut cuts = Vec::new();
    for pair in vowels.windows(2) {
        let (from, to) = (pair[0] + 1, pair[1]);
        let mut cut = from;
        while !can_begin(&phones[cut..to]) {
            cut += 1;
        }
        cuts.push(cut);
    }
    let mut parts = Vec::with_capacity(vowels.len());
    let mut start = 0;
    for cut in cuts.into_iter().chain([phones.len()]) {
        parts.push(phones[start..cut].to_vec());
        start = cut;
    }
    parts
}

/// Cuts the spelling of a word into `count` pieces that read as its syllables. Joined they are the word again. Spelling
/// does not say for certain where syllables lie, so this serves the eye (scores, captions) and never the voice.
pub fn split_spelling(word: &str, count: usize) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    if count <= 1 || letters.len() < count {
        let mut pieces = vec![word.to_owned()];
        pieces.resize(count.max(1), String::new());
        return pieces;
    }
    let mut groups = vowel_groups(&letters);
    while groups.len() > count {
        // A silent e goes first, then the last group.
        let silent =
            groups.iter().rposition(|&(start, end)| end - start == 1 && letters[start].eq_ignore_ascii_case(&'e'));
        groups.remove(silent.filter(|&i| i > 0).unwrap_or(groups.len() - 1));
    }
    while groups.len() < count {
        // Two vowel letters side by side are two syllables ("qui-et"); with none left, halve the longest piece.
        match groups.iter().position(|&(start, end)| end - start >= 2) {
            Some(i) => {
                let (start, end) = groups[i];
                groups[i] = (start, start + 1);
                groups.insert(i + 1, (start + 1, end));
            }
            None => return even_pieces(&letters, count),
        }
    }
    let mut pieces = Vec::with_capacity(count);
    let mut start = 0;
    for pair in groups.windows(2) {
        let (from, to) = (pair[0].1, pair[1].0);
        let cut = to - onset_letters(&letters[from..to]);
        pieces.push(letters[start..cut].iter().collect());
        start = cut;
    }
    pieces.push(letters[start..].iter().collect());
    pieces
}

/// How many of the consonants between two vowels go with the second one: the last, with what cannot be torn from it and
/// an s that leads it in ("mon-ster"), but no "ck", which ends a syllable.
fn onset_letters(consonants: &[char]) -> usize {
    let lower: Vec<char> = consonants.iter().map(char::to_ascii_lowercase).collect();
    match lower[..] {
        [] | ['c', 'k'] => 0,
        [_] => 1,
        [.., 's', a @ ('c' | 'k' | 'p' | 't'), b] if is_digraph(a, b) => 3,
        [.., a, b] if is_digraph(a, b) => 2,
        [_, .., 's', 'c' | 'k' | 'p' | 't'] => 2,
        _ => 1,
    }
}

fn is_digraph(a: char, b: char) -> bool {
    matches!(
        (a.to_ascii_lowercase(), b.to_ascii_lowercase()),
        ('t', 'h')
            | ('s', 'h')
            | ('c', 'h')
            | ('p', 'h')
            | ('w', 'h')
            | ('g', 'h')
            | ('b' | 'f' | 'g', 'r' | 'l')
            | ('d' | 't', 'r')
            | ('c' | 'p', 'l' | 'r')
    )
}

fn vowel_groups(letters: &[char]) -> Vec<(usize, usize)> {
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for (i, letter) in letters.iter().enumerate() {
        let vowel = matches!(letter.to_ascii_lowercase(), 'a' | 'e' | 'i' | 'o' | 'u')
            || (i > 0 && letter.eq_ignore_ascii_case(&'y'));
        match groups.last_mut() {
            Some(last) if vowel && last.1 == i => last.1 = i + 1,
            _ if vowel => groups.push((i, i + 1)),
            _ => {}
        }
    }
    groups
}

fn even_pieces(letters: &[char], count: usize) -> Vec<String> {
    (0..count).map(|i| letters[i * letters.len() / count..(i + 1) * letters.len() / count].iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::dictionary, *};

    #[test]
    fn cuts_sounds_at_the_largest_possible_onset() {
        let cut = |word| {
            split_phones(&dictionary::pronunciation(word).expect("listed"))
                .iter()
                .map(|s| s.join(" "))
                .collect::<Vec<_>>()
        };
        assert_eq!(cut("midnight"), ["M IH1 D", "N AY2 T"]);
        assert_eq!(cut("extra"), ["EH1 K", "S T R AH0"]);
        assert_eq!(cut("moon"), ["M UW1 N"]);
        assert_eq!(cut("singing"), ["S IH1 NG", "IH0 NG"]);
    }

    #[test]
    fn cuts_spelling_into_as_many_pieces_as_there_are_syllables() {
        assert_eq!(split_spelling("midnight", 2), ["mid", "night"]);
        assert_eq!(split_spelling("shining", 2), ["shi", "ning"]);
        for (word, pieces) in [
            ("grandmother", &["grand", "mo", "ther"][..]),
            ("neighbors", &["neigh", "bors"]),
            ("lightning", &["light", "ning"]),
            ("Children", &["Chil", "dren"]),
            ("monster", &["mon", "ster"]),
            ("astray", &["a", "stray"]),
            ("rocket", &["rock", "et"]),
            ("mountain", &["moun", "tain"]),
        ] {
            assert_eq!(split_spelling(word, pieces.len()), pieces);
        }
        for (word, count) in [("beautiful", 3), ("fire", 2), ("hmm", 1), ("every", 2), ("a", 1), ("rhythm", 2)] {
            let pieces = split_spelling(word, count);
            assert_eq!(pieces.len(), count, "{word}");
            assert_eq!(pieces.concat(), word);
        }
    }
}
