//! How words are divided under notes.

use crate::common::phrases::melody;

/// The pieces of a word as they stand under the notes of its first line.
fn pieces(word: &str, syllables: usize) -> Vec<String> {
    let placed = lyrics::fit(&[word], &melody(&[syllables, syllables])).expect("a known word");
    let line = placed.lines.into_iter().next().expect("a line");
    line.syllables.into_iter().filter(|s| s.word_index == 0).map(|s| s.text.to_lowercase()).collect()
}

#[test]
fn words_are_divided_where_a_score_divides_them() {
    // As vocal scores and dictionaries have them.
    let table = "
        some-where some-thing some-times some-one some-how some-day some-bod-y no-bod-y no-where ev-ery-one
        ev-ery-thing ev-ery-where an-y-one how-ev-er when-ev-er wher-ev-er for-ev-er grand-moth-er moon-light fire-works
        sun-light
        day-break heart-ache heart-beat rain-bow week-end tea-cup keep-sake out-side out-law in-side with-out un-til
        down-town sea-shore home-sick home-ward on-ward lone-some hand-some wild-flow-er
        there-fore be-fore love-ly lone-ly safe-ly late-ly wide-ly lone-li-ness care-less name-less home-less time-less
        grace-ful care-ful peace-ful waste-ful safe-ty move-ment pave-ment state-ment ex-cite-ment base-ment
        eve-ning ev-ery fam-i-ly mem-o-ry mem-o-ries his-to-ry mys-ter-y cam-er-a sev-eral
        riv-er nev-er heav-en moth-er broth-er oth-er shad-ow prom-ise hon-ey bod-y cit-y man-y mel-o-dy moun-tain
        ta-ble lit-tle trou-ble cas-tle can-dle tick-le peo-ple o-cean na-tion vi-sion trea-sure pic-ture na-ture
        sing-ing fin-ger sing-er danc-ing shin-ing call-ing run-ning hum-ming morn-ing noth-ing dream-ing dream-er wait-ed
        neigh-bors light-ning daugh-ter wa-ter pa-per chil-dren mon-ster sis-ter a-stray a-sleep a-gainst rock-et
        prob-lem se-cret mil-lion qui-et li-on mu-sic beau-ti-ful lan-guage car-riage hur-ry but-ter-fly did-n't could-n't";
    let words: Vec<&str> = table.split_whitespace().collect();
    assert!(words.len() > 120);
    let wrong: Vec<String> = words
        .iter()
        .map(|word| (word, pieces(&word.replace('-', ""), word.split('-').count()).join("-")))
        .filter(|(expected, found)| **expected != found)
        .map(|(expected, found)| format!("{found} for {expected}"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_syllable_that_sounds_has_letters() {
    for (word, syllables) in
        [("desire", 3), ("rhythm", 2), ("being", 2), ("idea", 3), ("one", 1), ("choir", 2), ("power", 2), ("poem", 2)]
    {
        let found = pieces(word, syllables);
        assert!(!found.iter().any(String::is_empty), "{found:?}");
        assert_eq!(found.concat(), word);
    }
}

#[test]
fn every_listed_word_can_be_divided() {
    // Names of letters, of which there are fewer than syllables, and others with letters that nobody says.
    for (word, syllables) in [("w", 3), ("tv", 2), ("queue", 1), ("colonel", 2), ("mnemonic", 3)] {
        let found = pieces(word, syllables);
        assert_eq!((found.len(), found.concat()), (syllables, word.to_owned()), "{found:?}");
    }
}
