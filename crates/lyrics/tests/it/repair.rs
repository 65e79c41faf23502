//! Texts that somebody else wrote, made to fit: nothing they contain can break anything.

use lyrics::{Language, LineFate, LyricFinding, Lyrics, LyricsError, LyricsRequest, Repaired, lyrics_fit};
use music::Melody;
use proptest::prelude::*;
use safety::Severity;

use crate::common::phrases::melody;

fn request(language: &str, seed: u64) -> LyricsRequest {
    LyricsRequest { prompt: "home by the sea".into(), seed, language: language.into(), ..LyricsRequest::default() }
}

/// One syllable on every note, each with one vowel, in order; nothing blocked.
fn fits(written: &Lyrics, melody: &Melody) {
    let notes: Vec<usize> = written.lines.iter().flat_map(|l| l.syllables.iter().map(|s| s.note)).collect();
    assert_eq!(notes, (0..melody.notes.len()).collect::<Vec<_>>(), "{}", written.text());
    for syllable in written.lines.iter().flat_map(|l| &l.syllables) {
        assert_eq!(syllable.phones.iter().filter(|p| lyrics::dictionary::is_vowel(p)).count(), 1, "{syllable:?}");
    }
    assert_ne!(safety::built_in().worst(&written.text()).map(|f| f.severity), Some(Severity::Block));
    assert_eq!(lyrics_fit(written, melody, &LyricsRequest::default()).syllable_match, 1.0);
}

fn counted(repaired: &Repaired) {
    assert_eq!(repaired.lines.len(), repaired.lyrics.lines.len());
    assert_eq!(repaired.kept + repaired.mended + repaired.rewritten, repaired.lines.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_at_all_becomes_a_song(
        counts in prop::collection::vec(1usize..=12, 1..=16),
        text in prop_oneof![
            ".{0,200}",
            "(?s).{0,400}",
            "([a-z' ]{0,30}\n){0,30}",
            "((the|la|oh|fire|every|corazón|te|amo|y|I am|don't|[A-Z]{1,30}|\\[Chorus\\]|12) ?){0,80}",
            "((hello my friend|te amo hoy|the river runs to the sea)\n){0,40}",
        ],
        spanish in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let melody = melody(&counts);
        let language = if spanish { "es" } else { "en" };
        let repaired = lyrics::repair(&melody, &text, &request(language, seed)).expect("notes to sing");
        fits(&repaired.lyrics, &melody);
        counted(&repaired);
        prop_assert_eq!(&repaired.lyrics.language, language);
        let again = lyrics::repair(&melody, &text, &request(language, seed)).expect("notes to sing");
        prop_assert_eq!(repaired, again);
        // The checker copes with all of it too.
        lyrics::check(&text, &counts, if spanish { Language::Spanish } else { Language::English });
    }
}

#[test]
fn good_lines_are_kept_and_bad_ones_mended_or_replaced() {
    let melody = melody(&[5, 6, 5, 9]);
    let text = "[Verse 1]\n1. I walk by the sea\nThe stars are coming home\nAnd I am so very free\nzzxqy bbbb elephants umbrellas\n";
    let repaired = lyrics::repair(&melody, text, &request("en", 3)).expect("fits");
    fits(&repaired.lyrics, &melody);
    let fates: Vec<LineFate> = repaired.lines.iter().map(|l| l.fate).collect();
    assert_eq!(fates, [LineFate::Kept, LineFate::Kept, LineFate::Mended, LineFate::Rewritten]);
    assert_eq!(repaired.lyrics.lines[0].text, "I walk by the sea");
    assert!(repaired.lyrics.lines[2].text.ends_with("free"), "{}", repaired.lyrics.lines[2].text);
    let unknown = LyricFinding::UnknownWord { line: 3, word: "zzxqy".into() };
    assert!(repaired.lines[3].findings.contains(&unknown));
}

#[test]
fn rewritten_lines_take_the_rhymes_of_the_text() {
    let melody = melody(&[6, 6, 6, 6]);
    let mut rhymes = 0;
    for seed in 0..10 {
        // The third line is too long; the text rhymes it with the first.
        let text = "I walk along the sea\nThe stars are in the sky\n\
                    and everything that I ever wanted is waiting for me\nI never say goodbye";
        let repaired = lyrics::repair(&melody, text, &request("en", seed)).expect("fits");
        assert_eq!(repaired.lines[2].fate, LineFate::Rewritten);
        let last = lyrics::words_of(&repaired.lyrics.lines[2].text).pop().expect("words");
        rhymes += usize::from(Language::English.rhyme(&last) == Language::English.rhyme("sea"));
    }
    assert!(rhymes >= 9, "{rhymes} of 10");
}

#[test]
fn what_must_not_be_sung_is_replaced() {
    let melody = melody(&[4, 4]);
    let vulgar = String::from_utf8(vec![102, 117, 99, 107]).expect("ascii");
    let repaired =
        lyrics::repair(&melody, &format!("we {vulgar} it up\nwe sing all day"), &request("en", 1)).expect("fits");
    assert_eq!(repaired.lines[0].fate, LineFate::Rewritten);
    assert_eq!(repaired.lines[0].findings, [LyricFinding::BlockedWord { line: 0 }]);
    assert_eq!(repaired.lines[1].fate, LineFate::Kept);
}

#[test]
fn long_texts_cost_no_more_than_their_beginning() {
    let melody = melody(&[7; 60]);
    let huge = "la la la la la la la\n".repeat(100_000) + &"word ".repeat(1_000_000);
    let repaired = lyrics::repair(&melody, &huge, &request("en", 1)).expect("fits");
    fits(&repaired.lyrics, &melody);
    assert_eq!(
        lyrics::check(&huge, &[7; 60], Language::English).first(),
        Some(&LyricFinding::LineCount { expected: 60, found: 400 })
    );
}

#[test]
fn a_language_that_is_not_there_is_named() {
    let melody = melody(&[4]);
    let wrong = lyrics::repair(&melody, "x", &request("tlh", 1)).expect_err("no Klingon");
    assert!(matches!(&wrong, LyricsError::UnknownLanguage { asked, .. } if asked == "tlh"));
    assert!(wrong.to_string().contains("en, es"), "{wrong}");
    assert!(lyrics::write_lyrics(&melody, &request("tlh", 1)).is_err());
}

#[test]
fn spanish_lines_run_vowels_together_where_the_notes_want_it() {
    let melody = melody(&[4, 5]);
    let repaired = lyrics::repair(&melody, "te amo a ti\nte amo a ti", &request("es", 1)).expect("fits");
    fits(&repaired.lyrics, &melody);
    assert!(repaired.lines.iter().all(|l| l.fate == LineFate::Kept), "{}", repaired.lyrics.text());
}
