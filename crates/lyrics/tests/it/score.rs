//! Words in scores: whoever reads the MusicXML can put them together again.

use lyrics::{Lyrics, LyricsRequest, write_lyrics};
use music::{
    Melody, MidiPitch, Note, Phrase,
    musicxml::{self, Score},
};
use roxmltree::{Document, Node, ParsingOptions};

/// Phrases of so many quarter notes each.
fn melody(phrases: &[usize]) -> Melody {
    let mut melody = Melody { tempo_bpm: 120.0, ..Melody::default() };
    let mut onset_seconds = 0.0;
    for &count in phrases {
        let start = melody.notes.len();
        for _ in 0..count {
            let pitch = MidiPitch::new(60 + (melody.notes.len() % 5) as u8);
            melody.notes.push(Note { onset_seconds, duration_seconds: 0.5, pitch, cents: 0.0, velocity: 90 });
            onset_seconds += 0.5;
        }
        melody.phrases.push(Phrase { start, end: melody.notes.len() });
        onset_seconds += 0.5;
    }
    melody.duration_seconds = onset_seconds;
    melody
}

fn score(lyrics: &Lyrics, melody: &Melody) -> String {
    let syllables = lyrics.score_syllables();
    musicxml::write(&Score { title: &lyrics.title, melody, syllables: &syllables, chords: &[] })
}

fn elements<'a>(node: Node<'a, 'a>, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    node.descendants().filter(move |node| node.has_tag_name(name))
}

/// The words of a score, by the rules of MusicXML alone.
fn words(xml: &str) -> Vec<String> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(xml, options).expect("XML");
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for lyric in elements(document.root(), "lyric") {
        let parts: Vec<Node<'_, '_>> = lyric.children().filter(Node::is_element).collect();
        let names: Vec<&str> = parts.iter().map(|part| part.tag_name().name()).collect();
        let without_line = names.strip_suffix(&["extend"]).unwrap_or(&names);
        assert!(
            without_line.split(|name| *name == "elision").all(|part| part == ["syllabic", "text"] || part.is_empty()),
            "{names:?}"
        );
        for pair in parts.windows(2).filter(|pair| pair[0].has_tag_name("syllabic")) {
            let (syllabic, text) = (pair[0].text().expect("a word"), pair[1].text().expect("letters"));
            assert!(!text.contains('\u{203f}') && !text.contains('-') && !text.is_empty(), "{text}");
            assert_eq!(is_open, matches!(syllabic, "middle" | "end"), "{syllabic} {text} after {words:?}");
            match words.last_mut() {
                Some(word) if is_open => word.push_str(text),
                _ => words.push(text.to_owned()),
            }
            is_open = matches!(syllabic, "begin" | "middle");
        }
    }
    assert!(!is_open, "the last word never ends");
    words
}

/// The words without the capitals of the lines that they were laid on.
fn sung(xml: &str) -> Vec<String> {
    words(xml).iter().map(|word| word.to_lowercase()).collect()
}

fn written(lyrics: &Lyrics) -> Vec<String> {
    lyrics.lines.iter().flat_map(|line| lyrics::words_of(&line.text)).collect()
}

fn kinds(xml: &str) -> Vec<String> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(xml, options).expect("XML");
    elements(document.root(), "syllabic").filter_map(|node| node.text().map(str::to_owned)).collect()
}

#[test]
fn vowels_that_meet_are_an_elision_between_two_whole_words() {
    let melody = melody(&[5]);
    let lyrics = lyrics::fit_in(lyrics::Language::Spanish, &["la luna entera"], &melody).expect("fits");
    let xml = score(&lyrics, &melody);
    assert_eq!(sung(&xml), ["la", "luna", "entera"]);
    assert_eq!(kinds(&xml), ["single", "begin", "end", "begin", "middle", "end"]);
    assert!(
        xml.contains("<text>na</text><elision>\u{203f}</elision><syllabic>begin</syllabic><text>en</text>"),
        "{xml}"
    );
    let shown: Vec<String> = lyrics.text_by_note(5).into_iter().flatten().map(|text| text.to_lowercase()).collect();
    assert_eq!(shown, ["la", "lu-", "na\u{203f}en-", "te-ra"]);
}

#[test]
fn held_vowels_are_lines_after_words_and_hyphens_inside_of_them() {
    let melody = melody(&[6]);
    let lyrics = lyrics::fit(&["oh silent sea"], &melody).expect("fits");
    assert_eq!(lyrics.syllable_count(), 4);
    let xml = score(&lyrics, &melody);
    assert_eq!(sung(&xml), ["oh", "silent", "sea"]);
    let document_lines = xml.matches("<extend type=\"start\"/>").count();
    assert_eq!(document_lines, xml.matches("<extend type=\"stop\"/>").count());
    assert!(!xml.contains("<text>si</text><extend"), "hyphens show it");
}

#[test]
fn syllables_that_share_a_note_keep_their_words() {
    let melody = melody(&[5]);
    let lyrics = lyrics::fit(&["every beautiful river remembers"], &melody).expect("fits");
    let xml = score(&lyrics, &melody);
    assert_eq!(sung(&xml), ["every", "beautiful", "river", "remembers"]);
    assert!(xml.contains("<elision>"));
}

#[test]
fn a_given_text_is_never_parted_inside_of_a_joined_syllable() {
    let text = ["la luna entera alumbra el agua", "mi alma espera una aurora"];
    for phrases in [vec![4, 4, 4, 4], vec![7, 3, 6], vec![2, 9, 5], vec![3; 6], vec![1, 1, 12]] {
        let melody = melody(&phrases);
        let lyrics = lyrics::fit_in(lyrics::Language::Spanish, &text, &melody).expect("fits");
        let xml = score(&lyrics, &melody);
        assert_eq!(words(&xml), written(&lyrics), "{phrases:?}");
        assert!(sung(&xml).join(" ").starts_with(text[0]), "{phrases:?}");
    }
}

#[test]
fn the_words_of_written_songs_can_be_read_from_their_scores() {
    let melody = melody(&[6, 8, 7, 8, 5, 9, 6, 8]);
    let mut elisions = 0;
    for (language, prompt) in
        [("en", "A romantic ballad about summer nights"), ("es", "una balada sobre la luna y el mar")]
    {
        for seed in 0..8 {
            let request =
                LyricsRequest { prompt: prompt.into(), language: language.into(), seed, ..Default::default() };
            let lyrics = write_lyrics(&melody, &request).expect("lyrics");
            let xml = score(&lyrics, &melody);
            assert_eq!(words(&xml), written(&lyrics), "{}", lyrics.text());
            elisions += xml.matches("<elision>").count();
        }
    }
    assert!(elisions > 0, "Spanish joins vowels");
}
