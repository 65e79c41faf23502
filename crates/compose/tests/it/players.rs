//! Who sings and who plays, where they breathe, and the keys that are written for them.

use compose::{Composition, Instrument, Options, Role, SOLO_PART, SectionKind, Style, Understanding, compose};
use music::score::Part;

fn song(options: Options) -> Composition {
    compose(&Understanding::default(), &options).unwrap()
}

fn sung(style: Style, seconds: f64, seed: u64) -> Composition {
    song(Options { style: Some(style), seconds: Some(seconds), seed, instrumental: Some(false), ..Options::default() })
}

/// Whether a moment lies in a section that an instrument has to itself; a little is left for human timing.
fn is_played(song: &Composition, seconds: f64) -> bool {
    let of_player = |kind: SectionKind| matches!(kind, SectionKind::Solo | SectionKind::Break);
    let section = song.sections.iter().rfind(|section| section.start_seconds <= seconds + 0.06);
    section.is_some_and(|section| of_player(section.kind))
}

fn part<'a>(song: &'a Composition, name: &str) -> Option<&'a Part> {
    song.score.parts.iter().find(|part| part.name == name)
}

#[test]
fn nobody_sings_through_a_solo_or_a_break() {
    let mut with_gap = 0;
    for style in Style::ALL {
        for (seconds, seed) in [(60.0, 1), (150.0, 2), (300.0, 3)] {
            let song = sung(style, seconds, seed);
            let gaps = song.sections.iter().any(|section| is_played(&song, section.start_seconds + 0.1));
            let name = format!("{style}, {seconds} s: {}", song.effective.form);
            for note in &song.melody.notes {
                assert!(!is_played(&song, note.onset_seconds), "{name}: sung at {} s", note.onset_seconds);
            }
            let voice = part(&song, "melody").unwrap_or_else(|| panic!("{name}"));
            assert_eq!(voice.notes.len(), song.melody.notes.len(), "{name}");
            let solo = part(&song, SOLO_PART);
            assert_eq!(solo.is_some(), gaps, "{name}");
            let players: Vec<_> = song.effective.instruments.iter().filter(|one| one.role == Role::Melody).collect();
            assert_eq!(players.len(), usize::from(gaps), "{name}: the voice is no player");
            if let Some(solo) = solo {
                with_gap += 1;
                let onsets = solo.notes.iter().map(|note| song.score.seconds_at(note.onset));
                assert!(onsets.clone().all(|at| is_played(&song, at)), "{name}");
                assert_eq!(solo.program, players[0].program);
            }
            assert_eq!(song.part_roles.len(), song.score.parts.len());
            assert_eq!(song.score.broken_rule(), None, "{name}");
        }
    }
    assert!(with_gap >= 24, "only {with_gap} songs had a solo or a break");
}

#[test]
fn no_line_of_words_is_one_syllable_beside_others() {
    for style in Style::ALL {
        for (seconds, seed) in [(12.0, 0), (20.0, 1), (33.3, 2), (60.0, 3), (60.0, 4), (95.0, 5), (240.0, 6)] {
            let melody = sung(style, seconds, seed).melody;
            let last = melody.phrases.last().unwrap();
            assert!(last.note_count() > 1 || melody.notes.len() == 1, "{style}, {seconds} s: the last note is alone");
            let covered: Vec<usize> = melody.phrases.iter().flat_map(|phrase| phrase.start..phrase.end).collect();
            assert_eq!(covered, (0..melody.notes.len()).collect::<Vec<_>>(), "{style}, {seconds} s");
            let bar = f64::from(melody.rhythm.meter.quarters_per_bar()) * 60.0 / melody.tempo_bpm;
            for pair in melody.phrases.windows(2).filter(|pair| pair.iter().any(|phrase| phrase.note_count() == 1)) {
                let (before, after) = (&melody.notes[pair[0].end - 1], &melody.notes[pair[1].start]);
                let rest = after.onset_seconds - before.end_seconds();
                let crosses = sung(style, seconds, seed).sections.iter().any(|section| {
                    before.onset_seconds < section.start_seconds + 0.01
                        && section.start_seconds <= after.onset_seconds + 0.01
                });
                assert!(rest > 1.5 * bar || crosses, "{style}, {seconds} s: a note alone {rest} s from its neighbour");
            }
        }
    }
}

/// Longest time without a rest of a fifth of a second, in seconds, as it is played.
fn longest_breath(song: &Composition, part: &Part, until: f64) -> f64 {
    let (mut start, mut end, mut longest) = (f64::MIN, f64::MIN, 0.0f64);
    for note in &part.notes {
        let (onset, off) = (song.score.seconds_at(note.onset), song.score.seconds_at(note.end()));
        if onset >= until {
            break;
        }
        if onset - end >= 0.2 {
            start = onset;
        }
        end = off;
        longest = longest.max(end - start);
    }
    longest
}

#[test]
fn players_of_winds_breathe() {
    let winds = [
        Instrument::Flute,
        Instrument::Clarinet,
        Instrument::Saxophone,
        Instrument::Trumpet,
        Instrument::Oboe,
        Instrument::Horn,
        Instrument::PanFlute,
    ];
    let mut needed = 0;
    for style in Style::ALL {
        for (seed, wind) in winds.into_iter().enumerate() {
            let options = |instrument| Options {
                style: Some(style),
                seconds: Some(90.0),
                seed: seed as u64,
                instruments: vec![instrument],
                ..Options::default()
            };
            let blown = song(options(wind));
            let line = part(&blown, "melody").unwrap();
            assert_eq!(line.program, wind.program());
            let longest = longest_breath(&blown, line, blown.seconds);
            assert!(longest <= 6.0, "{style}, {wind}: {longest:.1} s in one breath");
            let bowed = song(options(Instrument::Violin));
            let longest = longest_breath(&bowed, part(&bowed, "melody").unwrap(), bowed.seconds);
            needed += usize::from(longest > 6.0);
        }
    }
    assert!(needed > 20, "only {needed} tunes on a violin go on for longer than a breath");
}

/// A solo is blown by whoever plays it, also where somebody else has the tune; and a singer breathes too, but holds the last note.
#[test]
fn soloists_and_singers_breathe() {
    let is_wind = |program: u8| matches!(program, 56..=61 | 64..=79);
    let mut blown = 0;
    for style in Style::ALL {
        for seed in 0..3 {
            let song = sung(style, 150.0, seed);
            let ending = song.sections.last().unwrap().start_seconds;
            let longest = longest_breath(&song, part(&song, "melody").unwrap(), ending);
            assert!(longest <= 6.0, "{style}: {longest:.1} s sung in one breath");
            if let Some(solo) = part(&song, SOLO_PART).filter(|solo| is_wind(solo.program)) {
                blown += 1;
                let longest = longest_breath(&song, solo, song.seconds);
                assert!(longest <= 6.0, "{style}: a solo of {longest:.1} s in one breath");
            }
        }
    }
    assert!(blown > 0);
}

#[test]
fn every_section_has_the_signature_of_its_key() {
    let mut changes = 0;
    for style in [Style::Pop, Style::House, Style::JazzSwing, Style::Waltz, Style::Blues] {
        let song = song(Options { style: Some(style), seconds: Some(480.0), seed: 5, ..Options::default() });
        for section in &song.sections {
            let at = (song.score.ticks_per_quarter as f64) * section.start_seconds * song.effective.tempo_bpm / 60.0;
            let signature = song.score.key_signatures.iter().rfind(|key| key.at as f64 <= at + 2.0).unwrap();
            let tonic = (i32::from(song.effective.key.tonic) + section.transposed).rem_euclid(12) as u8;
            let key = music::Key { tonic, ..song.effective.key };
            let minor = key.mode == music::Mode::Minor;
            assert_eq!((signature.sharps, signature.minor), (key.sharps(), minor), "{style}: {}", section.name);
        }
        changes += song.score.key_signatures.len() - 1;
        let read = music::smf::read(&music::smf::write(&song.score), &music::smf::Limits::default()).unwrap();
        assert_eq!(read.score.key_signatures, song.score.key_signatures, "{style}");
    }
    assert!(changes >= 4, "only {changes} changes of key");
}
