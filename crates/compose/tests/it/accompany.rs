//! A band for a melody: it plays on the singer's beats, in the melody's bars, with chords that fit, and nothing breaks it.

use compose::{BandWish, Role, SectionKind, Style, TICKS_PER_QUARTER, accompany};
use domain::options::Beat;
use music::{Key, Melody, Meter, MidiPitch, Mode, Note, Phrase, Rhythm};
use proptest::prelude::*;

/// A tune of notes in quarters: pitch (0 rests), length.
type Tune = &'static [(u8, f64)];

/// Two phrases of a tune in four, each ending on a long note and a rest.
const IN_FOUR: Tune = &[
    (64, 1.0),
    (64, 1.0),
    (65, 1.0),
    (67, 1.0),
    (67, 1.0),
    (65, 1.0),
    (64, 1.0),
    (62, 1.0),
    (60, 1.0),
    (60, 1.0),
    (62, 1.0),
    (64, 1.0),
    (64, 1.5),
    (62, 0.5),
    (62, 1.0),
    (0, 1.0),
    (64, 1.0),
    (64, 1.0),
    (65, 1.0),
    (67, 1.0),
    (67, 1.0),
    (65, 1.0),
    (64, 1.0),
    (62, 1.0),
    (60, 1.0),
    (60, 1.0),
    (62, 1.0),
    (64, 1.0),
    (62, 1.5),
    (60, 0.5),
    (60, 2.0),
];
const IN_THREE: Tune = &[
    (67, 1.0),
    (72, 1.0),
    (72, 0.5),
    (74, 0.5),
    (72, 2.0),
    (67, 1.0),
    (69, 1.0),
    (69, 1.0),
    (71, 1.0),
    (72, 3.0),
    (67, 1.0),
    (72, 1.0),
    (72, 0.5),
    (74, 0.5),
    (72, 2.0),
    (67, 1.0),
    (69, 1.0),
    (71, 1.0),
    (74, 1.0),
    (72, 3.0),
];
const IN_SIX: Tune = &[
    (60, 1.0),
    (62, 0.5),
    (64, 1.0),
    (65, 0.5),
    (67, 1.5),
    (67, 1.5),
    (69, 1.0),
    (67, 0.5),
    (65, 1.0),
    (64, 0.5),
    (62, 3.0),
    (60, 1.0),
    (62, 0.5),
    (64, 1.0),
    (65, 0.5),
    (67, 1.5),
    (64, 1.5),
    (62, 1.0),
    (64, 0.5),
    (62, 1.0),
    (59, 0.5),
    (60, 3.0),
];

/// Sings a tune. `tempo` gives the quarters per minute at each quarter; `stray` is how far, in seconds, each onset is off.
fn sing(tune: Tune, meter: Meter, downbeat: usize, tempo: impl Fn(f64) -> f64, stray: f64) -> Melody {
    // Moments of the quarters, by short steps.
    let total: f64 = tune.iter().map(|(_, length)| length).sum();
    const STEP: f64 = 1.0 / 96.0;
    let mut moments = vec![1.3];
    for step in 0..((total / STEP) as usize + 97) {
        moments.push(moments[step] + STEP * 60.0 / tempo(step as f64 * STEP));
    }
    let at = |quarter: f64| moments[(quarter / STEP).round() as usize];
    let mut dice = 9u32;
    let mut off = || {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        stray * (2.0 * f64::from(dice >> 8) / f64::from(1 << 24) - 1.0)
    };
    let (mut notes, mut phrases, mut quarter, mut begun) = (Vec::new(), Vec::new(), 0.0, 0);
    for (pitch, length) in tune {
        if *pitch == 0 {
            phrases.push(Phrase { start: begun, end: notes.len() });
            begun = notes.len();
        } else {
            let onset = (at(quarter) + off()).max(0.0);
            notes.push(Note {
                onset_seconds: onset,
                duration_seconds: at(quarter + 0.92 * length) - onset,
                pitch: MidiPitch::new(*pitch),
                cents: 0.0,
                velocity: 90,
            });
        }
        quarter += length;
    }
    phrases.push(Phrase { start: begun, end: notes.len() });
    Melody {
        duration_seconds: at(quarter) + 0.4,
        notes,
        phrases,
        key: Key { tonic: 0, mode: Mode::Major, confidence: 0.9 },
        tempo_bpm: tempo(total / 2.0),
        rhythm: Rhythm {
            beats_seconds: (0..=total as usize).map(|beat| at(beat as f64)).collect(),
            downbeat,
            meter,
            meter_confidence: 0.8,
            tempo_confidence: 0.8,
        },
        ..Melody::default()
    }
}

fn wish<'a>(genre: Option<&'a str>, beat: Beat) -> BandWish<'a> {
    BandWish { genre, mood: None, sentence: "a song about the sea", beat, seed: 5 }
}

/// Moments of the band's beats, by the tempo map of its score.
/// `sung_bpm` is the singer's tempo: a band may count half as fast.
fn beats(song: &compose::Composition, sung_bpm: f64) -> Vec<f64> {
    let is_half = song.effective.tempo_bpm < 0.7 * sung_bpm;
    let every = u64::from(if is_half { TICKS_PER_QUARTER / 2 } else { TICKS_PER_QUARTER });
    let mut beats = Vec::new();
    let mut seconds = 0.0;
    for tick in 0..song.score.end {
        if tick % every == 0 {
            beats.push(seconds);
        }
        let tempo = song.score.tempos.iter().rfind(|tempo| tempo.at <= tick).unwrap();
        seconds += f64::from(tempo.micros_per_quarter) / 1e6 / f64::from(TICKS_PER_QUARTER);
    }
    beats
}

/// Seconds from each onset that is sung on a whole quarter to the nearest beat of the band.
fn apart(tune: Tune, song: &compose::Composition, sung_bpm: f64) -> Vec<f64> {
    let beats = beats(song, sung_bpm);
    let mut quarter = 0.0;
    let mut on_beat = Vec::new();
    for (pitch, length) in tune {
        if *pitch > 0 {
            on_beat.push(f64::fract(quarter) == 0.0);
        }
        quarter += length;
    }
    let notes = song.melody.notes.iter().zip(on_beat).filter(|(_, on_beat)| *on_beat);
    notes
        .map(|(note, _)| {
            let nearest = |beat: &&f64| (**beat - note.onset_seconds).abs();
            (beats.iter().min_by(|a, b| nearest(a).total_cmp(&nearest(b))).unwrap() - note.onset_seconds).abs()
        })
        .collect()
}

fn rubato(quarter: f64) -> f64 {
    // Lingers at the end of each phrase, and hurries in the middle.
    92.0 + 16.0 * (quarter / 16.0 * std::f64::consts::TAU).sin()
}

#[test]
fn the_band_is_with_a_singer_who_hurries_and_lingers() {
    for beat in [Beat::Follow, Beat::Steady] {
        let sung = sing(IN_FOUR, Meter::FourFour, 0, rubato, 0.035);
        let song = accompany(&sung, &wish(Some("folk"), beat)).unwrap().song;
        let apart = apart(IN_FOUR, &song, 92.0);
        assert!(apart.iter().all(|apart| *apart <= 0.012), "{beat}: {apart:?}");
        // The voice keeps its own time where it is followed.
        let gaps = |melody: &Melody| -> Vec<f64> {
            melody.notes.windows(2).map(|pair| pair[1].onset_seconds - pair[0].onset_seconds).collect()
        };
        let moved: Vec<f64> = gaps(&sung).iter().zip(gaps(&song.melody)).map(|(a, b)| (a - b).abs()).collect();
        let mean = moved.iter().sum::<f64>() / moved.len() as f64;
        match beat {
            Beat::Follow => assert!(mean < 0.03, "moved by {mean} s"),
            Beat::Steady => {
                let tempos = &song.score.tempos;
                assert_eq!(tempos.len(), 1, "an even beat has one tempo");
            }
        }
    }
}

#[test]
fn a_copy_that_is_late_is_seen_to_be() {
    let sung = sing(IN_FOUR, Meter::FourFour, 0, rubato, 0.035);
    let mut song = accompany(&sung, &wish(Some("folk"), Beat::Follow)).unwrap().song;
    song.melody.notes.iter_mut().for_each(|note| note.onset_seconds += 0.06);
    assert!(apart(IN_FOUR, &song, 92.0).iter().all(|apart| *apart > 0.03));
}

#[test]
fn the_song_has_an_intro_before_and_an_ending_after_the_voice() {
    let sung = sing(IN_FOUR, Meter::FourFour, 0, |_| 112.0, 0.0);
    let made = accompany(&sung, &wish(Some("pop"), Beat::Follow)).unwrap();
    let song = &made.song;
    assert!(song.score.broken_rule().is_none(), "{:?}", song.score.broken_rule());
    let first = song.melody.notes[0].onset_seconds;
    let last = song.melody.notes.last().unwrap().end_seconds();
    let (intro, ending) = (&song.sections[0], song.sections.last().unwrap());
    assert_eq!((intro.kind, ending.kind), (SectionKind::Intro, SectionKind::Ending));
    assert!((intro.seconds - first).abs() < 0.02, "sung from the first bar on: {} {first}", intro.seconds);
    assert!(ending.start_seconds > last && song.seconds > last + 2.0);
    for role in [Role::Drums, Role::Bass, Role::Comping] {
        let line = &song.lines[role.index()];
        assert!(line.len() > 8, "{role:?}");
    }
    // The lead plays before the voice and is silent under it.
    let seconds = |tick: u32| f64::from(tick) / f64::from(TICKS_PER_QUARTER) * 60.0 / 112.0;
    let lead = &song.lines[Role::Melody.index()];
    assert!(lead.iter().filter(|note| seconds(note.onset) < first).count() >= 3, "{lead:?}");
    let under = |note: &&compose::LineNote| {
        let (from, to) = (seconds(note.onset), seconds(note.end()));
        song.melody.notes.iter().any(|sung| from < sung.end_seconds() - 0.06 && sung.onset_seconds + 0.02 < to)
    };
    let under: Vec<_> = lead.iter().filter(under).collect();
    assert!(under.is_empty(), "{under:?}");
    assert!(made.consonance > 0.7, "{}", made.consonance);
    assert_eq!(song.chords.last().unwrap().name, "C");
}

#[test]
fn bars_are_the_melody_s() {
    let check = |tune: Tune, meter, downbeat, genre, bpm: f64, expected: Meter| {
        let sung = sing(tune, meter, downbeat, |_| bpm, 0.0);
        let made = accompany(&sung, &wish(genre, Beat::Follow)).unwrap();
        assert!(made.song.score.broken_rule().is_none());
        assert_eq!(made.song.effective.meter, expected, "{genre:?}");
        let worst = apart(tune, &made.song, bpm).into_iter().fold(0.0, f64::max);
        assert!(worst < 0.012 || meter == Meter::SixEight, "{genre:?}: {worst}");
        made
    };
    for genre in [None, Some("waltz"), Some("rock"), Some("jazz"), Some("ambient")] {
        check(IN_THREE, Meter::ThreeFour, 1, genre, 132.0, Meter::ThreeFour);
    }
    for style in Style::ALL {
        check(IN_THREE, Meter::ThreeFour, 1, Some(style.name()), 120.0, Meter::ThreeFour);
        let expected = if style == Style::Waltz { Meter::ThreeFour } else { Meter::FourFour };
        check(IN_SIX, Meter::SixEight, 0, Some(style.name()), 120.0, expected);
        if style != Style::Waltz {
            let made = check(IN_FOUR, Meter::FourFour, 0, Some(style.name()), 108.0, Meter::FourFour);
            assert_eq!((made.song.effective.style, made.style_is_asked), (style, true));
        }
    }
    let waltz = check(IN_FOUR, Meter::FourFour, 0, Some("waltz"), 108.0, Meter::FourFour);
    assert!(!waltz.style_is_asked && waltz.song.effective.warnings.iter().any(|told| told.contains("waltz")));
}

#[test]
fn the_same_seed_plays_the_same_and_another_does_not() {
    let sung = sing(IN_FOUR, Meter::FourFour, 0, rubato, 0.02);
    let of = |seed| accompany(&sung, &BandWish { seed, ..wish(Some("soul"), Beat::Follow) }).unwrap();
    assert_eq!(of(1), of(1));
    assert_ne!(of(1).song.score, of(2).song.score);
}

/// Two phrases with a rest of so many quarters between them.
fn with_rest(quarters: f64) -> Melody {
    let tune: Vec<(u8, f64)> = [
        &[(64, 1.0), (64, 1.0), (65, 1.0), (67, 1.0), (67, 1.0), (65, 1.0), (64, 1.0), (62, 1.0)][..],
        &[(0, quarters)],
        &[(64, 1.0), (64, 1.0), (65, 1.0), (67, 1.0), (64, 1.0), (62, 1.0), (60, 2.0)],
    ]
    .concat();
    sing(tune.leak(), Meter::FourFour, 0, |_| 104.0, 0.0)
}

#[test]
fn the_lead_answers_where_the_voice_rests() {
    for (rest, least) in [(2.0, 2), (3.0, 2), (4.0, 3), (8.0, 3), (24.0, 9)] {
        let sung = with_rest(rest);
        for genre in ["pop", "folk", "bossa", "rock", "soul"] {
            let song = accompany(&sung, &wish(Some(genre), Beat::Follow)).unwrap().song;
            let (from, to) = (song.melody.notes[7].end_seconds(), song.melody.notes[8].onset_seconds);
            let lead = song.part_roles.iter().position(|role| *role == Role::Melody).unwrap();
            let part = &song.score.parts[lead];
            let onsets = song.score.seconds_of(part.notes.iter().map(|note| note.onset));
            let ends = song.score.seconds_of(part.notes.iter().map(|note| note.end()));
            let inside = onsets.zip(ends).filter(|(onset, end)| *onset > from - 0.1 && *onset < to && *end < to + 0.02);
            let count = inside.count();
            assert!(count >= least, "{genre}: {count} notes in a rest of {rest} quarters");
        }
    }
}

#[test]
fn a_last_note_is_held_over_one_chord() {
    let sung = sing(IN_FOUR, Meter::FourFour, 0, |_| 104.0, 0.0);
    let song = accompany(&sung, &wish(Some("pop"), Beat::Follow)).unwrap().song;
    let last = song.melody.notes.last().unwrap();
    let under: Vec<&str> = song
        .chords
        .iter()
        .filter(|chord| {
            chord.start_seconds < last.end_seconds() - 0.05 && chord.end_seconds > last.onset_seconds + 0.05
        })
        .map(|chord| chord.name.as_str())
        .collect();
    assert_eq!(under, ["C"]);
}

#[test]
fn who_sings_straight_swings_with_a_band_that_swings() {
    // The seconds of pairs of eighths.
    const PAIRS: Tune = &[
        (64, 0.5),
        (65, 0.5),
        (67, 0.5),
        (69, 0.5),
        (67, 1.0),
        (65, 0.5),
        (64, 0.5),
        (62, 1.0),
        (64, 0.5),
        (65, 0.5),
        (67, 1.0),
        (69, 0.5),
        (67, 0.5),
        (65, 1.0),
        (64, 0.5),
        (62, 0.5),
        (60, 2.0),
        (64, 1.0),
        (62, 1.0),
        (60, 2.0),
    ];
    let sung = sing(PAIRS, Meter::FourFour, 0, |_| 140.0, 0.01);
    let off_beats = |genre| {
        let song = accompany(&sung, &wish(Some(genre), Beat::Steady)).unwrap().song;
        let quarter = 60.0 / song.effective.tempo_bpm;
        let shares = song.melody.notes.iter().map(|note| (note.onset_seconds / quarter).fract());
        shares.filter(|share| (0.3..0.8).contains(share)).collect::<Vec<f64>>()
    };
    let (swung, straight) = (off_beats("jazz"), off_beats("pop"));
    assert!(swung.len() >= 6 && swung.iter().all(|share| (share - 1.75 / 2.75).abs() < 0.01), "{swung:?}");
    assert!(straight.iter().all(|share| (share - 0.5).abs() < 0.05), "{straight:?}");
}

#[test]
fn words_that_say_nothing_to_a_band_are_told() {
    let sung = sing(IN_FOUR, Meter::FourFour, 0, |_| 104.0, 0.0);
    let wish = BandWish { mood: Some("xyzzy"), ..wish(Some("qwertz"), Beat::Follow) };
    assert_eq!(accompany(&sung, &wish).unwrap().unread, ["qwertz", "xyzzy"]);
}

/// Its tempo is the singer's, and not that of the genre.
#[test]
fn a_genre_without_a_style_is_told_under_a_voice_too() {
    let sung = sing(IN_FOUR, Meter::FourFour, 0, |_| 100.0, 0.0);
    let made = accompany(&sung, &wish(Some("drum and bass"), Beat::Follow)).unwrap().song.effective;
    assert_eq!((made.style, made.genre.map(|genre| genre.name())), (Style::House, Some("drum and bass")));
    let told = made.warnings.iter().filter(|told| told.contains("there is no drum and bass style"));
    assert_eq!(told.collect::<Vec<_>>(), ["there is no drum and bass style: it is played as house"]);
}

#[test]
fn without_notes_there_is_no_band() {
    let error = accompany(&Melody::default(), &wish(None, Beat::Follow)).unwrap_err();
    assert_eq!(error.code(), "no_melody");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_sung_breaks_it(
        notes in prop::collection::vec((0.0f64..1.2, 0.02f64..3.0, 24u8..100), 1..60),
        start in 0.0f64..20.0,
        beats in prop::collection::vec(0.03f64..2.5, 0..80),
        downbeat in 0usize..4,
        meter in prop::sample::select(&Meter::ALL[..]),
        bpm in prop_oneof![Just(f64::NAN), Just(0.0), 20.0f64..300.0],
        genre in prop::option::of("[a-z ]{0,20}"),
        steady in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let mut now = start;
        let sung: Vec<Note> = notes.iter().map(|(rest, length, pitch)| {
            now += rest;
            let note = Note { onset_seconds: now, duration_seconds: *length, pitch: MidiPitch::new(*pitch), cents: 0.0, velocity: 80 };
            now += length;
            note
        }).collect();
        let mut beat = start;
        let melody = Melody {
            duration_seconds: now,
            phrases: vec![Phrase { start: 0, end: sung.len() }],
            notes: sung,
            tempo_bpm: bpm,
            rhythm: Rhythm {
                beats_seconds: beats.iter().map(|gap| { beat += gap; beat }).collect(),
                downbeat,
                meter,
                meter_confidence: 0.1,
                tempo_confidence: 0.1,
            },
            ..Melody::default()
        };
        let beat = if steady { Beat::Steady } else { Beat::Follow };
        let made = accompany(&melody, &BandWish { genre: genre.as_deref(), mood: Some("odd"), sentence: "", beat, seed }).unwrap();
        let song = made.song;
        prop_assert!(song.score.broken_rule().is_none(), "{:?}", song.score.broken_rule());
        prop_assert!(song.seconds.is_finite() && song.seconds > 1.0);
        prop_assert_eq!(song.melody.notes.len(), notes.len());
        for pair in song.melody.notes.windows(2) {
            prop_assert!(pair[1].onset_seconds >= pair[0].onset_seconds);
        }
        prop_assert!(song.melody.notes[0].onset_seconds >= 0.0);
        prop_assert!(song.melody.notes.last().unwrap().onset_seconds < song.seconds);
        let bars: u32 = song.sections.iter().map(|section| section.bars).sum();
        prop_assert_eq!(bars, song.effective.bars);
    }
}
