//! Scores, read back by a strict XML reader and counted as an engraver counts.

use music::{
    Chord, ChordSpan, Key, Melody, Meter, MidiPitch, Mode, Note, Phrase,
    harmony::Quality,
    musicxml::{self, Score, ScoreSyllable, Syllabic},
    rhythm,
};
use proptest::prelude::*;
use roxmltree::{Document, Node};

/// Notes of given lengths in quarters at 120 to the minute (0.5 s each) with rests between.
fn melody(parts: &[(f64, f64)]) -> Melody {
    let mut now = 0.0;
    let notes: Vec<Note> = parts
        .iter()
        .enumerate()
        .map(|(i, &(length, rest))| {
            let made = Note {
                onset_seconds: now * 0.5,
                duration_seconds: length * 0.5,
                pitch: MidiPitch::new(60 + (i * 5 % 12) as u8),
                cents: 0.0,
                velocity: 90,
            };
            now += length + rest;
            made
        })
        .collect();
    Melody {
        duration_seconds: now * 0.5,
        phrases: vec![Phrase { start: 0, end: notes.len() }],
        notes,
        key: Key { tonic: 5, mode: Mode::Major, confidence: 1.0 },
        ..Melody::default()
    }
}

fn write(melody: &Melody) -> String {
    musicxml::write(&Score { title: "A & B", melody, syllables: &[], chords: &[] })
}

fn parse(xml: &str) -> Document<'_> {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    Document::parse_with_options(xml, options).expect("well-formed XML")
}

fn all<'a>(document: &'a Document<'a>, name: &'a str) -> impl Iterator<Item = Node<'a, 'a>> {
    document.descendants().filter(move |node| node.has_tag_name(name))
}

fn text<'a>(node: Node<'a, 'a>, name: &str) -> Option<&'a str> {
    node.descendants().find(|inner| inner.has_tag_name(name)).and_then(|inner| inner.text())
}

/// What each type of note lasts in divisions of 12 to the quarter.
fn lasts(note: Node<'_, '_>) -> u32 {
    let plain = match text(note, "type").expect("a type") {
        "16th" => 3,
        "eighth" => 6,
        "quarter" => 12,
        "half" => 24,
        "whole" => 48,
        other => panic!("{other}"),
    };
    let has = |name| note.children().any(|inner| inner.has_tag_name(name));
    let dotted = if has("dot") { plain * 3 / 2 } else { plain };
    if has("time-modification") { dotted * 2 / 3 } else { dotted }
}

/// Checks every bar of a score, and that ties and tuplets close; gives the durations of the sung notes, tied ones added.
fn checked(document: &Document<'_>, bar: u32) -> Vec<u32> {
    let (mut sung, mut tied, mut in_tuplet) = (Vec::new(), false, false);
    for (index, measure) in all(document, "measure").enumerate() {
        let mut sum = 0;
        for note in measure.children().filter(|node| node.has_tag_name("note")) {
            let duration: u32 = text(note, "duration").expect("a duration").parse().expect("a number");
            let is_whole = note.descendants().any(|node| node.attribute("measure") == Some("yes"));
            assert!(duration > 0 && (is_whole || lasts(note) == duration), "written as long as it lasts");
            sum += duration;
            let kinds = |name: &str| -> Vec<&str> {
                note.descendants().filter(|n| n.has_tag_name(name)).filter_map(|n| n.attribute("type")).collect()
            };
            let ties = kinds("tie");
            assert_eq!(ties, kinds("tied"));
            assert_eq!(ties.contains(&"stop"), tied, "a tie that leads nowhere");
            if note.children().any(|node| node.has_tag_name("pitch")) {
                if tied { *sung.last_mut().expect("a note before") += duration } else { sung.push(duration) }
            }
            tied = ties.contains(&"start");
            for kind in kinds("tuplet") {
                assert_eq!(in_tuplet, kind == "stop");
                in_tuplet = kind == "start";
            }
        }
        let is_pickup = index == 0 && measure.attribute("implicit") == Some("yes");
        assert!(sum == bar || (is_pickup && sum < bar), "bar {index} lasts {sum}");
    }
    assert!(!tied && !in_tuplet);
    sung
}

#[test]
fn values_rests_ties_and_triplets_are_written() {
    let third = 1.0 / 3.0;
    let tune = melody(&[
        (1.0, 0.0),
        (1.5, 0.0),
        (0.5, 0.0),
        (3.0, 1.0),
        (0.25, 0.0),
        (0.75, 0.0),
        (third, 0.0),
        (third, 0.0),
        (third, 0.0),
        (2.0, 0.0),
    ]);
    let xml = write(&tune);
    let document = parse(&xml);
    assert_eq!(checked(&document, 48), [12, 18, 6, 36, 3, 9, 4, 4, 4, 24]);
    assert_eq!(all(&document, "fifths").next().and_then(|node| node.text()), Some("-1"));
    assert_eq!(all(&document, "work-title").next().and_then(|node| node.text()), Some("A & B"));
    assert_eq!(all(&document, "rest").count(), 1 + 1, "in the middle, and at the end");
    assert_eq!(all(&document, "tuplet").count(), 2);
    assert_eq!(all(&document, "harmony").count(), 0);
}

#[test]
fn syllables_stand_under_their_notes_and_held_vowels_are_drawn() {
    let tune = melody(&[(1.0, 0.0); 6]);
    let syllable = |note, text, syllabic| ScoreSyllable { note, text, syllabic };
    let syllables = [
        syllable(0, "shi", Syllabic::new(false, true)),
        syllable(1, "ning", Syllabic::new(true, false)),
        syllable(2, "<sea>", Syllabic::new(false, false)),
        syllable(5, "now", Syllabic::Single),
        syllable(77, "nowhere", Syllabic::Single),
    ];
    let chord = Chord { root: 10, quality: Quality::Major };
    let chords = [ChordSpan { start_seconds: 1.0, end_seconds: 2.0, chord }];
    let xml = musicxml::write(&Score { title: "", melody: &tune, syllables: &syllables, chords: &chords });
    let document = parse(&xml);
    checked(&document, 48);
    let texts: Vec<_> = all(&document, "text").filter_map(|node| node.text()).collect();
    assert_eq!(texts, ["shi", "ning", "<sea>", "now"]);
    let kinds: Vec<_> = all(&document, "syllabic").filter_map(|node| node.text()).collect();
    assert_eq!(kinds, ["begin", "end", "single", "single"]);
    let extends: Vec<_> = all(&document, "extend").filter_map(|node| node.attribute("type")).collect();
    assert_eq!(extends, ["start", "continue", "stop"]);
    assert_eq!(all(&document, "root-step").next().and_then(|node| node.text()), Some("B"));
    assert_eq!(all(&document, "root-alter").next().and_then(|node| node.text()), Some("-1"));
}

#[test]
fn an_upbeat_is_a_short_bar_and_six_eight_is_written_in_dotted_beats() {
    let mut tune = melody(&[(1.5, 0.0), (1.5, 0.0), (1.0, 0.0), (0.5, 0.0), (1.5, 0.0), (3.0, 0.0)]);
    tune.rhythm.meter = Meter::SixEight;
    tune.rhythm.beats_seconds = (0..10).map(|beat| f64::from(beat) * 0.5).collect();
    let xml = write(&tune);
    assert_eq!(checked(&parse(&xml), 36), [18, 18, 12, 6, 18, 36]);
    assert!(!xml.contains("<tie "), "each dotted beat has one head");
    tune.rhythm.downbeat = 1;
    tune.rhythm.meter = Meter::FourFour;
    let xml = write(&tune);
    let document = parse(&xml);
    checked(&document, 48);
    assert_eq!(all(&document, "measure").next().and_then(|node| node.attribute("implicit")), Some("yes"));
}

#[test]
fn no_notes_are_one_bar_of_rest() {
    let xml = write(&Melody::default());
    let document = parse(&xml);
    assert!(checked(&document, 48).is_empty());
    assert_eq!(all(&document, "measure").count(), 1);
}

proptest! {
    /// Whatever was sung, every bar adds up, every note is written once, ties and triplets close.
    #[test]
    fn bars_always_add_up(
        parts in prop::collection::vec((0.05..4.0, 0.0..1.5), 1..80), tempo_bpm in 40.0..240.0,
        with_beats in any::<bool>(), lead in 0.0..2.0,
    ) {
        let mut tune = melody(&parts);
        tune.notes.iter_mut().for_each(|note| note.onset_seconds += lead);
        tune.tempo_bpm = tempo_bpm;
        if with_beats {
            tune.rhythm = rhythm::estimate(&tune.notes, &tune.phrases, tempo_bpm, 1.0);
        }
        let bar = 12 * tune.rhythm.meter.quarters_per_bar();
        let xml = write(&tune);
        prop_assert_eq!(checked(&parse(&xml), bar).len(), tune.notes.len());
    }

    /// Numbers that no recording gives do not break it.
    #[test]
    fn odd_numbers_are_written_too(
        onset in prop_oneof![Just(f64::NAN), Just(-5.0), Just(1e300), Just(f64::INFINITY)], tempo_bpm in any::<f64>(),
    ) {
        let mut tune = melody(&[(1.0, 0.0), (1.0, 0.0)]);
        tune.notes[1].onset_seconds = onset;
        tune.tempo_bpm = tempo_bpm;
        checked(&parse(&write(&tune)), 48);
        tune.rhythm.beats_seconds = vec![onset, onset + 0.5];
        prop_assert!(!music::midi::write(&tune, None).is_empty());
        checked(&parse(&write(&tune)), 48);
    }
}
