//! The sounds of words cut into syllables.

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
}
