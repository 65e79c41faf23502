//! Written files, read back and judged as a sequencer would play them.

use midly::{Format, MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};
use music::{Key, Melody, MidiPitch, Mode, Note, Phrase, PitchTrack, midi};
use proptest::prelude::*;

fn melody(notes: Vec<Note>, tempo_bpm: f64) -> Melody {
    Melody {
        duration_seconds: notes.last().map_or(0.0, Note::end_seconds),
        track: PitchTrack { hop_seconds: 0.01, frames: Vec::new() },
        phrases: vec![Phrase { start: 0, end: notes.len() }],
        notes,
        key: Key { tonic: 9, mode: Mode::Minor, confidence: 0.8 },
        tempo_bpm,
        ..Melody::default()
    }
}

fn note(onset_seconds: f64, duration_seconds: f64, number: u8, velocity: u8) -> Note {
    Note { onset_seconds, duration_seconds, pitch: MidiPitch::new(number), cents: 0.0, velocity }
}

/// Start and end in seconds, pitch and velocity of each note of a file. Panics on notes that overlap, hang or end
/// without having begun.
fn played(bytes: &[u8]) -> Vec<(f64, f64, u8, u8)> {
    let smf = Smf::parse(bytes).expect("a MIDI file");
    let Timing::Metrical(ticks_per_beat) = smf.header.timing else { panic!("not in ticks to the beat") };
    let tempo = smf.tracks[0]
        .iter()
        .find_map(|event| match event.kind {
            TrackEventKind::Meta(MetaMessage::Tempo(tempo)) => Some(tempo.as_int()),
            _ => None,
        })
        .expect("a tempo");
    let second = f64::from(tempo) / 1e6 / f64::from(ticks_per_beat.as_int());
    let (mut tick, mut sounding, mut notes) = (0u32, None, Vec::new());
    for event in &smf.tracks[1] {
        tick += event.delta.as_int();
        let TrackEventKind::Midi { message, .. } = event.kind else { continue };
        match message {
            MidiMessage::NoteOn { key, vel } => {
                assert!(vel > 0, "a start that reads as an end");
                assert!(sounding.replace((tick, key, vel)).is_none(), "two notes at once");
            }
            MidiMessage::NoteOff { key, .. } => {
                let (start, started, vel) = sounding.take().expect("an end without a start");
                assert_eq!(key, started);
                assert!(tick > start, "a note without length");
                notes.push((f64::from(start) * second, f64::from(tick) * second, key.as_int(), vel.as_int()));
            }
            _ => {}
        }
    }
    assert!(sounding.is_none(), "a note hangs");
    notes
}

#[test]
fn a_melody_comes_back_as_it_was_sung() {
    let sung = melody(vec![note(0.25, 0.4, 57, 90), note(0.7, 0.3, 60, 100), note(1.5, 1.0, 64, 80)], 92.5);
    let bytes = midi::write(&sung, Some(&[(0, "shi-"), (1, "ning"), (2, "nächt"), (9, "lost"), (2, "")]));
    let back = played(&bytes);
    assert_eq!(back.len(), 3);
    for (note, (start, end, number, velocity)) in sung.notes.iter().zip(back) {
        assert!((note.onset_seconds - start).abs() < 1e-3, "{start}");
        assert!((note.end_seconds() - end).abs() < 1e-3, "{end}");
        assert_eq!((note.pitch.number(), note.velocity), (number, velocity));
    }
}

/// What comes at one tick comes in this order: whatever plays the file, no note sounds with the program before, and none
/// is ended by the end of the one before it.
#[test]
fn at_one_tick_words_come_first_then_programs_then_ends_then_starts() {
    let scale = [60, 62, 62, 64, 65, 65, 67, 60];
    let notes: Vec<Note> =
        scale.iter().zip(0..).map(|(key, beat)| note(0.5 * f64::from(beat), 0.5, *key, 90)).collect();
    let sung = melody(notes, 120.0);
    let words: Vec<(usize, &str)> = (0..scale.len()).map(|index| (index, "la")).collect();
    let band = music::harmony::accompany(&sung, music::harmony::Style::Folk, 1).expect("a band");
    let bytes = midi::write_song(&sung, Some(&words), &band.parts);
    let smf = Smf::parse(&bytes).expect("a MIDI file");
    assert_eq!(smf.tracks.len(), 2 + band.parts.len(), "no part is left out");
    let place = |kind: &TrackEventKind<'_>| match kind {
        TrackEventKind::Meta(MetaMessage::EndOfTrack) => 4,
        TrackEventKind::Midi { message: MidiMessage::NoteOn { .. }, .. } => 3,
        TrackEventKind::Midi { message: MidiMessage::NoteOff { .. }, .. } => 2,
        TrackEventKind::Midi { .. } => 1,
        _ => 0,
    };
    let mut shared = 0;
    for track in &smf.tracks {
        for pair in track.windows(2).filter(|pair| pair[1].delta == 0) {
            assert!(place(&pair[0].kind) <= place(&pair[1].kind), "{pair:?}");
            shared += 1;
        }
    }
    assert!(shared > 20, "ends and starts fall together");
    // Our own reader finds nothing to mend, and all notes.
    let read = music::smf::read(&bytes, &music::smf::Limits::default()).expect("a song");
    assert_eq!(read.warnings, []);
    let notes: usize = band.parts.iter().map(|part| part.notes.len()).sum();
    assert_eq!(read.score.note_count(), scale.len() + notes);
}

#[test]
fn the_file_says_what_it_is() {
    let sung = melody(vec![note(0.0, 0.5, 57, 90), note(0.5, 0.5, 60, 90)], 120.0);
    let bytes = midi::write(&sung, Some(&[(1, "ning"), (0, "shi-")]));
    let smf = Smf::parse(&bytes).expect("a MIDI file");
    assert_eq!(smf.header.format, Format::Parallel);
    let metas = |track: usize| -> Vec<MetaMessage<'_>> {
        let kinds = smf.tracks[track].iter().map(|event| event.kind);
        kinds.filter_map(|kind| if let TrackEventKind::Meta(meta) = kind { Some(meta) } else { None }).collect()
    };
    assert_eq!(
        metas(0),
        [
            MetaMessage::TrackName(b"Descant"),
            MetaMessage::Tempo(500_000.into()),
            MetaMessage::TimeSignature(4, 2, 24, 8),
            MetaMessage::KeySignature(0, true),
            MetaMessage::EndOfTrack
        ]
    );
    assert_eq!(
        metas(1),
        [
            MetaMessage::TrackName(b"Melody"),
            MetaMessage::Lyric(b"shi-"),
            MetaMessage::Lyric(b"ning"),
            MetaMessage::EndOfTrack
        ]
    );
}

#[test]
fn key_signatures_follow_the_circle_of_fifths() {
    let sharps = |tonic, mode| Key { tonic, mode, confidence: 1.0 }.sharps();
    for tonic in 0..12u8 {
        // A fifth up is a sharp more (or twelve fewer, spelled with flats); a minor key shares with the major above it.
        let step = sharps((tonic + 7) % 12, Mode::Major) - sharps(tonic, Mode::Major);
        assert_eq!(step.rem_euclid(12), 1, "{tonic}");
        assert_eq!((sharps(tonic, Mode::Minor) - sharps((tonic + 3) % 12, Mode::Major)).rem_euclid(12), 0, "{tonic}");
        assert!(sharps(tonic, Mode::Major).abs() <= 6 && sharps(tonic, Mode::Minor).abs() <= 6);
    }
}

fn any_seconds() -> impl Strategy<Value = f64> {
    prop_oneof![8 => 0.0..300.0, 1 => -5.0..0.0, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => Just(1e300)]
}

proptest! {
    /// Whatever the notes are, even none that a recording could give, nothing hangs, overlaps or runs backwards.
    #[test]
    fn no_melody_makes_a_note_that_hangs(
        parts in prop::collection::vec((any_seconds(), any_seconds(), any::<u8>(), any::<u8>()), 0..40),
        tempo in prop_oneof![4 => 40.0..240.0, 1 => Just(0.0), 1 => Just(f64::NAN), 1 => -1e9..1e9],
    ) {
        let notes: Vec<Note> = parts.iter().map(|&(on, length, pitch, velocity)| note(on, length, pitch, velocity)).collect();
        let count = notes.len();
        prop_assert_eq!(played(&midi::write(&melody(notes, tempo), Some(&[(0, "la"), (3, "li")]))).len(), count);
    }

    /// Notes as an extractor gives them keep their times to the millisecond.
    #[test]
    fn times_survive(
        parts in prop::collection::vec((0.0..1.0, 0.05..2.0, 36u8..90, 1u8..=127), 1..60),
        tempo in 40.0..240.0,
    ) {
        let mut now = 0.0;
        let notes: Vec<Note> = parts
            .iter()
            .map(|&(rest, length, number, velocity)| {
                let made = note(now + rest, length, number, velocity);
                now = made.end_seconds();
                made
            })
            .collect();
        let back = played(&midi::write(&melody(notes.clone(), tempo), None));
        // Half a tick at 40 bpm is 1.6 ms.
        for (note, (start, end, ..)) in notes.iter().zip(back) {
            prop_assert!((note.onset_seconds - start).abs() < 2e-3 && (note.end_seconds() - end).abs() < 2e-3);
        }
    }
}
