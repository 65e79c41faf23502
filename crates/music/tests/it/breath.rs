//! Notes longer than a breath.

use music::{Melody, MidiPitch, Note, Phrase, breath::with_breaths};

fn melody(seconds: &[f64]) -> Melody {
    let mut onset_seconds = 0.5;
    let note = |&duration_seconds: &f64| {
        let note = Note { onset_seconds, duration_seconds, pitch: MidiPitch::new(57), cents: 3.0, velocity: 80 };
        onset_seconds += duration_seconds + 0.1;
        note
    };
    let notes: Vec<Note> = seconds.iter().map(note).collect();
    let phrases = vec![Phrase { start: 0, end: notes.len() }];
    Melody { duration_seconds: onset_seconds, phrases, tempo_bpm: 100.0, notes, ..Melody::default() }
}

#[test]
fn what_can_be_held_stays() {
    for seconds in [&[2.0][..], &[10.0], &[0.4, 0.4, 9.5], &[]] {
        assert_eq!(with_breaths(melody(seconds)), melody(seconds));
    }
    let corrected = Melody { uncorrected: Some(melody(&[20.0]).notes), ..melody(&[20.0]) };
    assert_eq!(with_breaths(corrected.clone()), corrected);
}

#[test]
fn a_drone_is_sung_in_breaths_of_a_few_syllables() {
    for seconds in [10.1, 20.0, 60.0, 290.0] {
        let sung = with_breaths(melody(&[seconds]));
        assert!(sung.phrases.len() > 1, "{seconds} s in {} breaths", sung.phrases.len());
        for phrase in &sung.phrases {
            let notes = sung.phrase_notes(phrase);
            assert!((3..=10).contains(&notes.len()), "{} syllables in a breath", notes.len());
            let (start, end) = (notes[0].onset_seconds, notes[notes.len() - 1].end_seconds());
            assert!((2.5..=8.0).contains(&(end - start)), "a breath of {} s", end - start);
        }
        let breathes =
            |pair: &[Phrase]| sung.notes[pair[1].start].onset_seconds - sung.notes[pair[0].end - 1].end_seconds() > 0.2;
        assert!(sung.phrases.windows(2).all(breathes));
        assert!(sung.notes.windows(2).all(|pair| pair[1].onset_seconds >= pair[0].end_seconds() - 1e-9));
        assert!((sung.notes[sung.notes.len() - 1].end_seconds() - 0.5 - seconds).abs() < 1e-6);
        assert!(sung.notes.iter().all(|note| note.pitch.number() == 57 && note.velocity == 80));
    }
}

#[test]
fn the_notes_around_a_long_one_keep_their_phrases() {
    let sung = with_breaths(melody(&[0.5, 0.5, 12.0, 0.5, 0.7]));
    assert_eq!(sung.phrases.len(), 2);
    let mut covered = 0;
    for phrase in &sung.phrases {
        assert_eq!(phrase.start, covered);
        covered = phrase.end;
    }
    assert_eq!(covered, sung.notes.len());
    let lengths = |notes: &[Note]| notes.iter().map(|note| note.duration_seconds).collect::<Vec<_>>();
    assert_eq!(lengths(&sung.notes[..2]), [0.5, 0.5]);
    assert_eq!(lengths(&sung.notes[sung.notes.len() - 2..]), [0.5, 0.7]);
}
