//! Accompaniments: chords that fit, close and move; parts that stay in their places.

use music::{
    Accompaniment, Key, Melody, Meter, MidiPitch, Mode, Note, Phrase,
    harmony::{self, DRUM_CHANNEL, Quality, Style},
    midi, rhythm,
};
use proptest::prelude::*;

/// Notes as (semitones above C4, quarters), in phrases, at 100 to the minute.
fn tune(key: (u8, Mode), phrases: &[&[(u8, f64)]]) -> Melody {
    let (mut notes, mut spans, mut now) = (Vec::new(), Vec::new(), 0.0);
    for phrase in phrases {
        let start = notes.len();
        for &(step, quarters) in *phrase {
            let duration_seconds = quarters * 0.6;
            let pitch = MidiPitch::new(60 + step);
            notes.push(Note {
                onset_seconds: now,
                duration_seconds: duration_seconds - 0.02,
                pitch,
                cents: 0.0,
                velocity: 90,
            });
            now += duration_seconds;
        }
        spans.push(Phrase { start, end: notes.len() });
    }
    let rhythm = rhythm::estimate(&notes, &spans, 100.0, 0.9);
    let key = Key { tonic: key.0, mode: key.1, confidence: 0.9 };
    Melody { duration_seconds: now + 0.5, notes, phrases: spans, key, tempo_bpm: 100.0, rhythm, ..Melody::default() }
}

fn ode() -> Melody {
    let first = [(4, 1.0), (4, 1.0), (5, 1.0), (7, 1.0), (7, 1.0), (5, 1.0), (4, 1.0), (2, 1.0)];
    let half = [(0, 1.0), (0, 1.0), (2, 1.0), (4, 1.0), (4, 1.5), (2, 0.5), (2, 2.0)];
    let full = [(0, 1.0), (0, 1.0), (2, 1.0), (4, 1.0), (2, 1.5), (0, 0.5), (0, 2.0)];
    tune((0, Mode::Major), &[&first, &half, &first, &full])
}

fn grace() -> Melody {
    tune(
        (5, Mode::Major),
        &[
            &[(0, 1.0), (5, 2.0), (9, 0.5), (5, 0.5), (9, 2.0), (7, 1.0), (5, 2.0), (2, 1.0), (0, 2.0)],
            &[(0, 1.0), (5, 2.0), (9, 0.5), (5, 0.5), (9, 2.0), (7, 1.0), (12, 5.0)],
            &[(9, 1.0), (12, 2.0), (9, 0.5), (5, 0.5), (9, 2.0), (7, 1.0), (5, 2.0), (2, 1.0), (0, 2.0)],
            &[(0, 1.0), (5, 2.0), (9, 0.5), (5, 0.5), (9, 2.0), (7, 1.0), (5, 5.0)],
        ],
    )
}

fn greensleeves() -> Melody {
    let first = [
        (9, 0.5),
        (12, 1.0),
        (14, 0.5),
        (16, 0.75),
        (17, 0.25),
        (16, 0.5),
        (14, 1.0),
        (11, 0.5),
        (7, 0.75),
        (9, 0.25),
        (11, 0.5),
    ];
    let second = [(12, 1.0), (9, 0.5), (9, 0.75), (8, 0.25), (9, 0.5), (11, 1.0), (8, 0.5), (4, 1.5)];
    let last = [(12, 0.75), (11, 0.25), (9, 0.5), (8, 0.75), (6, 0.25), (8, 0.5), (9, 1.5), (9, 1.5)];
    tune((9, Mode::Minor), &[&first, &second, &first, &last])
}

fn names(song: &Accompaniment, melody: &Melody) -> String {
    song.chords.iter().map(|span| span.chord.name_in(&melody.key)).collect::<Vec<_>>().join(" ")
}

/// What every accompaniment keeps.
fn assert_sound(song: &Accompaniment, melody: &Melody) {
    assert!(song.chords.windows(2).all(|pair| pair[0].end_seconds <= pair[1].start_seconds + 1e-9));
    assert!(song.chords.iter().all(|span| span.end_seconds > span.start_seconds && span.start_seconds >= 0.0));
    let last = song.chords.last().expect("a chord").chord;
    assert_eq!(last.root, melody.key.tonic, "it comes home");
    assert!((0.0..=1.0).contains(&song.consonance));
    let end = song.chords.last().expect("a chord").end_seconds;
    for part in &song.parts {
        assert!(!part.notes.is_empty() && part.channel != 0);
        for note in &part.notes {
            assert!(note.onset_seconds >= 0.0 && note.duration_seconds > 0.0 && (1..=127).contains(&note.velocity));
            assert!(note.onset_seconds < end + 0.01, "nothing is played after the end");
            let compass = match part.name.as_str() {
                "Bass" => 28..=47,
                "Drums" => 35..=81,
                _ => 40..=80,
            };
            assert!(compass.contains(&note.pitch.number()), "{} plays {}", part.name, note.pitch);
        }
    }
}

#[test]
fn well_known_tunes_get_chords_that_fit() {
    for (name, melody, meter) in [
        ("Ode to Joy", ode(), Meter::FourFour),
        ("Amazing Grace", grace(), Meter::ThreeFour),
        ("Greensleeves", greensleeves(), Meter::SixEight),
    ] {
        let song = harmony::accompany(&melody, Style::for_genre(None, melody.rhythm.meter), 1).expect("chords");
        println!("{name}: {:?}, consonance {:.2}: {}", song.style, song.consonance, names(&song, &melody));
        assert_eq!(melody.rhythm.meter, meter, "{name}");
        assert!(song.in_time && song.consonance >= 0.65, "{name}: {:.2}", song.consonance);
        assert_sound(&song, &melody);
        let distinct: std::collections::HashSet<_> = song.chords.iter().map(|span| span.chord).collect();
        assert!(distinct.len() >= 3, "{name} has more than {} chords", distinct.len());
    }
}

#[test]
fn the_seed_decides_and_nothing_else() {
    let melody = ode();
    let song = |seed| harmony::accompany(&melody, Style::Pop, seed).expect("chords");
    assert_eq!(song(7), song(7));
    assert_ne!(song(7).parts, song(8).parts);
}

#[test]
fn every_style_has_its_own_band() {
    let melody = ode();
    for style in Style::ALL {
        let song = harmony::accompany(&melody, style, 3).expect("chords");
        assert_sound(&song, &melody);
        let has_drums = song.parts.iter().any(|part| part.channel == DRUM_CHANNEL);
        assert_eq!(has_drums, matches!(style, Style::Pop | Style::Rock), "{style:?}");
        let bytes = midi::write_song(&melody, None, &song.parts);
        let file = midly::Smf::parse(&bytes).expect("a MIDI file");
        assert_eq!(file.tracks.len(), 2 + song.parts.len());
    }
    assert_eq!(Style::for_genre(Some("Indie Rock"), Meter::ThreeFour), Style::Rock);
    assert_eq!(Style::for_genre(Some("pop"), Meter::ThreeFour), Style::Waltz);
    assert_eq!(Style::for_genre(Some("country"), Meter::FourFour), Style::Folk);
    assert_eq!(Style::for_genre(None, Meter::FourFour), Style::Ballad);
}

#[test]
fn without_a_sure_beat_chords_change_with_the_notes() {
    let mut melody = ode();
    melody.rhythm.tempo_confidence = 0.1;
    let song = harmony::accompany(&melody, Style::Rock, 1).expect("chords");
    assert!(!song.in_time && song.consonance >= 0.65, "{}", song.consonance);
    assert_sound(&song, &melody);
    let onsets: Vec<f64> = melody.notes.iter().map(|note| note.onset_seconds).collect();
    assert!(song.chords.iter().all(|span| onsets.contains(&span.start_seconds)));
    assert!(song.parts.iter().all(|part| part.channel != DRUM_CHANNEL), "nobody beats time against the singer");
}

#[test]
fn chords_are_named_as_in_their_key() {
    let flat = Key { tonic: 5, mode: Mode::Major, confidence: 1.0 };
    let name = |root, quality| harmony::Chord { root, quality }.name_in(&flat);
    assert_eq!(name(10, Quality::Major), "Bb");
    assert_eq!(name(7, Quality::Minor), "Gm");
    assert_eq!(name(0, Quality::DominantSeventh), "C7");
    assert_eq!(name(4, Quality::Diminished), "Edim");
    assert!(harmony::accompany(&Melody::default(), Style::Pop, 0).is_none());
}

proptest! {
    /// Any melody gets an accompaniment that ends on its tonic and can be written and played.
    #[test]
    fn any_melody_is_accompanied(
        parts in prop::collection::vec((0u8..24, 0.1..3.0, 0.0..1.0), 1..50), tonic in 0u8..12, minor in any::<bool>(),
        tempo_bpm in 40.0..240.0, sure in any::<bool>(), style in prop::sample::select(Style::ALL.to_vec()),
    ) {
        let mut now = 0.3;
        let notes: Vec<Note> = parts.iter().map(|&(step, length, rest)| {
            let made = Note { onset_seconds: now, duration_seconds: length, pitch: MidiPitch::new(48 + step), cents: 0.0, velocity: 80 };
            now += length + rest;
            made
        }).collect();
        let phrases: Vec<Phrase> = (0..notes.len()).step_by(6).map(|start| Phrase { start, end: (start + 6).min(notes.len()) }).collect();
        let rhythm = rhythm::estimate(&notes, &phrases, tempo_bpm, if sure { 0.9 } else { 0.2 });
        let mode = if minor { Mode::Minor } else { Mode::Major };
        let melody = Melody { duration_seconds: now, notes, phrases, rhythm, tempo_bpm, key: Key { tonic, mode, confidence: 0.5 }, ..Melody::default() };
        let song = harmony::accompany(&melody, style, 5).expect("chords");
        assert_sound(&song, &melody);
        prop_assert!(midly::Smf::parse(&midi::write_song(&melody, None, &song.parts)).is_ok());
    }
}
