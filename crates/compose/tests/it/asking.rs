//! What is asked is what is played: options, sentences, charts.

use compose::{
    ChartProblem, Chord, ChordChart, Composition, Instrument, Options, Role, Style, Understanding, compose, understand,
};
use music::{Key, Mode};
use proptest::prelude::*;

fn of(sentence: &str, options: &Options) -> Composition {
    compose(&understand(sentence), options).unwrap()
}

fn plays(song: &Composition, role: Role) -> Option<u8> {
    let part = song.part_roles.iter().position(|own| *own == role)?;
    Some(song.score.parts[part].program)
}

#[test]
fn a_sentence_is_obeyed_and_options_win_over_it() {
    let sentence = "a sad bossa nova in E minor at 120 bpm with flute, no drums, 45 seconds";
    let song = of(sentence, &Options::default());
    let effective = &song.effective;
    assert_eq!(
        (effective.style, effective.tempo_bpm, effective.key.tonic, effective.key.mode),
        (Style::Bossa, 120.0, 4, Mode::Minor)
    );
    assert_eq!((song.seconds, plays(&song, Role::Melody), plays(&song, Role::Drums)), (45.0, Some(73), None));
    let options = Options {
        style: Some(Style::Reggae),
        tempo_bpm: Some(80.0),
        key: Some(Key { tonic: 7, mode: Mode::Major, confidence: 1.0 }),
        instruments: vec![Instrument::Trumpet, Instrument::Drums],
        seconds: Some(20.5),
        ..Options::default()
    };
    let song = of(sentence, &options);
    let effective = &song.effective;
    assert_eq!(
        (effective.style, effective.tempo_bpm, effective.key.tonic, effective.key.mode),
        (Style::Reggae, 80.0, 7, Mode::Major)
    );
    assert_eq!((song.seconds, plays(&song, Role::Melody)), (20.5, Some(56)));
    assert!(plays(&song, Role::Drums).is_some(), "drums were asked for in so many words");
}

#[test]
fn parts_that_are_not_wanted_are_not_there() {
    for role in Role::ALL {
        let options = Options { without: vec![role], seconds: Some(30.0), ..Options::default() };
        let song = of("pop", &options);
        assert!(!song.part_roles.contains(&role) && !song.part_roles.is_empty());
        assert_eq!(song.melody.notes.is_empty(), role == Role::Melody);
    }
    for (sentence, gone) in [
        ("rock without drums", Role::Drums),
        ("funk, no bass", Role::Bass),
        ("a waltz with no drums or bass", Role::Bass),
    ] {
        assert!(!of(sentence, &Options::default()).part_roles.contains(&gone), "{sentence}");
    }
}

#[test]
fn drums_that_are_asked_for_play_in_any_style() {
    for style in Style::ALL {
        let options = Options {
            style: Some(style),
            instruments: vec![Instrument::Drums],
            seconds: Some(40.0),
            ..Options::default()
        };
        let song = of("", &options);
        assert!(song.part_roles.contains(&Role::Drums), "{style} has no drums");
    }
}

#[test]
fn the_same_is_asked_the_same_is_made() {
    let options = Options { seed: 11, seconds: Some(33.3), ..Options::default() };
    let bytes = |options: &Options| music::smf::write(&of("a happy ska song", options).score);
    assert_eq!(bytes(&options), bytes(&options));
    assert_ne!(bytes(&options), bytes(&Options { seed: 12, ..options.clone() }));
    // A longer one has the same tune.
    let tune = |seconds| {
        let options = Options { seconds: Some(seconds), tempo_bpm: Some(150.0), ..options.clone() };
        let song = of("ska", &options);
        let first = song.sections.iter().find(|section| section.name == "A").unwrap();
        let notes = song.melody.notes.iter().skip_while(|note| note.onset_seconds < first.start_seconds - 0.1).take(8);
        notes.map(|note| note.pitch).collect::<Vec<_>>()
    };
    assert_eq!(tune(64.0), tune(128.0));
}

#[test]
fn a_chart_is_played_bar_by_bar() {
    let chart: ChordChart = "| Dm7 | G7 | Cmaj7 A7 | Dm7/F |: Eb | Ab :|".parse().unwrap();
    for style in Style::ALL.into_iter().filter(|style| *style != Style::Waltz) {
        let options =
            Options { style: Some(style), chords: Some(chart.clone()), seconds: Some(52.0), ..Options::default() };
        let song = of("", &options);
        let mut played = song.chords.iter().filter(|span| span.bar.is_some_and(|bar| bar < song.effective.bars));
        for bar in 0..song.effective.bars as usize {
            for chord in &chart.bars()[bar % chart.bars().len()].chords {
                let span = played.next().unwrap();
                assert_eq!((span.bar, span.chord), (Some(bar as u32), *chord), "{style}");
            }
        }
        // What sounds is of the chords: bass notes on 1 are their basses.
        let bar = song.effective.meter.quarters_per_bar() * compose::TICKS_PER_QUARTER;
        let from = song.effective.pickup_beats * compose::TICKS_PER_QUARTER;
        for (index, span) in song.chords.iter().filter(|span| span.bar.is_some()).enumerate() {
            let start = from + span.bar.unwrap() * bar;
            let note = song.lines[Role::Bass.index()].iter().find(|note| note.onset == start);
            let first_of_bar = index == 0 || song.chords[index - 1].bar != span.bar;
            if let Some(note) = note.filter(|_| {
                first_of_bar
                    && style != Style::JazzSwing
                    && style != Style::Salsa
                    && style != Style::Ska
                    && style != Style::Blues
            }) {
                assert!(
                    span.chord.has(note.pitch % 12) || span.chord.bass_class() == note.pitch % 12,
                    "{style} bar {:?}",
                    span.bar
                );
            }
        }
    }
}

#[test]
fn charts_are_read_in_the_forms_people_write() {
    let names = |text: &str| -> Vec<String> {
        let chart: ChordChart = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        chart.bars().iter().map(|bar| bar.chords.iter().map(Chord::to_string).collect::<Vec<_>>().join(" ")).collect()
    };
    assert_eq!(names("| C | Am F | G |"), ["C", "Am F", "G"]);
    assert_eq!(names("C Am F G"), ["C", "Am", "F", "G"]);
    assert_eq!(names("C | Am F\n| % | G ||"), ["C", "Am F", "Am F", "G"]);
    assert_eq!(names("|: C | F :| G |]"), ["C", "F", "C", "F", "G"]);
    assert_eq!(names("| C . F . | G / / / |"), ["C F", "G"]);
    assert_eq!(
        names("{title: Rain}\n{key: G}\n[Verse]\n[G]Rain on the [D7]roof and [Em]nothing [C/G]else\nno chords here\n"),
        ["G", "D7", "Em", "C/G"]
    );
    let sheet: ChordChart = "{key: Gm}\n{tempo: 92}\n{time: 3/4}\n[Gm]one".parse().unwrap();
    assert_eq!(
        (sheet.key.as_deref(), sheet.tempo_bpm, sheet.meter),
        (Some("Gm"), Some(92.0), Some(music::Meter::ThreeFour))
    );
    let song = of("", &Options { chords: Some(sheet), ..Options::default() });
    assert_eq!((song.effective.style, song.effective.tempo_bpm, song.effective.key.tonic), (Style::Waltz, 92.0, 7));
}

#[test]
fn a_chart_that_cannot_be_read_says_where() {
    let check = |text: &str, line: usize, column: usize, is_problem: fn(&ChartProblem) -> bool| {
        let error = text.parse::<ChordChart>().unwrap_err();
        assert!((error.line, error.column) == (line, column) && is_problem(&error.problem), "{text}: {error}");
    };
    check("| C | H | G |", 1, 7, |problem| matches!(problem, ChartProblem::NotAChord(chord) if chord == "H"));
    check("| C |\n| Am F# Gx |", 2, 9, |problem| matches!(problem, ChartProblem::NotAChord(_)));
    check("", 1, 1, |problem| matches!(problem, ChartProblem::Empty));
    check("| % | C |", 1, 3, |problem| matches!(problem, ChartProblem::NothingToRepeat));
    check("| C D E F G |", 1, 11, |problem| matches!(problem, ChartProblem::CrowdedBar));
    check("{time: 7/8}\n[C]la", 1, 7, |problem| matches!(problem, ChartProblem::Time(_)));
    check("{tempo: fast}\n[C]la", 1, 8, |problem| matches!(problem, ChartProblem::Tempo(_)));
    check(&"| C ".repeat(600), 1, 2_053, |problem| matches!(problem, ChartProblem::TooManyBars));
    assert!("x".repeat(40_000).parse::<ChordChart>().is_err());
}

#[test]
fn a_form_is_played() {
    let options = Options { form: Some("ABCA".parse().unwrap()), seconds: Some(90.0), ..Options::default() };
    let song = of("rock", &options);
    let letters: String =
        song.sections.iter().filter(|section| section.name.len() == 1).map(|section| section.name.as_str()).collect();
    assert_eq!(letters, "ABCA");
}

#[test]
fn a_voice_gets_a_tune_that_it_can_sing() {
    for style in Style::ALL {
        let options = Options {
            style: Some(style),
            instrumental: Some(false),
            seconds: Some(60.0),
            seed: 2,
            ..Options::default()
        };
        let song = of("", &options);
        let range = song.melody.range().unwrap();
        assert!(range.lowest.number() >= 60 && range.highest.number() <= 77, "{style}: {range:?}");
        assert!(!song.melody.phrases.is_empty());
        let covered: usize = song.melody.phrases.iter().map(|phrase| phrase.note_count()).sum();
        assert_eq!(covered, song.melody.notes.len());
        let ordered = song.melody.notes.windows(2).all(|pair| pair[0].end_seconds() <= pair[1].onset_seconds + 1e-6);
        assert!(ordered, "{style}: two notes at once");
        let longest = song.melody.phrases.iter().map(|phrase| phrase.note_count()).max().unwrap();
        assert!(longest <= 28, "{style}: a phrase of {longest} notes");
        assert!(!song.effective.instrumental && song.melody.rhythm.is_steady());
    }
}

#[test]
fn impossible_wishes_are_told() {
    let code = |sentence: &str, options: &Options| compose(&understand(sentence), options).unwrap_err().code();
    assert_eq!(code("pop", &Options { seconds: Some(2.0), ..Options::default() }), "bad_length");
    assert_eq!(code("20 minutes of ambient", &Options::default()), "bad_length");
    assert_eq!(code("pop at 500 bpm", &Options::default()), "bad_tempo");
    assert_eq!(code("pop", &Options { without: Role::ALL.to_vec(), ..Options::default() }), "nobody_plays");
    let warned = of("a waltz at 90 bpm", &Options::default());
    assert_eq!(warned.effective.tempo_bpm, 90.0);
    assert!(
        warned.effective.warnings.iter().any(|warning| warning.contains("120–186")),
        "{:?}",
        warned.effective.warnings
    );
    assert!(serde_json::to_string(&warned.effective).unwrap().contains("\"style\":\"waltz\""));
}

#[test]
fn players_are_alone_or_lead_where_that_is_said() {
    for style in Style::ALL {
        let options = Options { style: Some(style), seconds: Some(40.0), ..Options::default() };
        for (sentence, program, roles) in [
            ("solo piano", 0, vec![Role::Melody, Role::Comping]),
            ("piano only", 0, vec![Role::Melody, Role::Comping]),
            ("just flute", 73, vec![Role::Melody]),
        ] {
            let song = of(sentence, &options);
            assert_eq!(song.part_roles, roles, "{style}: {sentence}");
            assert!(song.score.parts.iter().all(|part| part.program == program && !part.drums), "{style}: {sentence}");
        }
        assert_eq!(of("just drums", &options).part_roles, [Role::Drums], "{style}");
        for (sentence, program) in [("electric guitar solo", 27), ("piano melody", 0), ("violin, flute lead", 73)] {
            let song = of(sentence, &options);
            assert_eq!(plays(&song, Role::Melody), Some(program), "{style}: {sentence}");
            assert!(song.part_roles.len() > 1, "{style}: {sentence}");
        }
    }
    let sung = of("a folk song with vocals, just piano", &Options::default());
    assert!(!sung.melody.notes.is_empty() && sung.part_roles == [Role::Melody, Role::Comping]);
}

#[test]
fn no_kind_of_an_unwanted_instrument_plays() {
    let check = |what: &str, gone: &[std::ops::RangeInclusive<u8>]| {
        for style in Style::ALL {
            for (era, seed) in [("", 1), ("1950s", 2), ("1960s", 3), ("1970s", 4), ("1980s", 5), ("2010s", 6)] {
                let options = Options { style: Some(style), seed, seconds: Some(45.0), ..Options::default() };
                let sentence = format!("{era} song, {what}");
                let Ok(song) = compose(&understand(&sentence), &options) else { panic!("{style}: {sentence}") };
                for part in song.score.parts.iter().filter(|part| !part.drums) {
                    assert!(
                        !gone.iter().any(|range| range.contains(&part.program)),
                        "{style}: {sentence}: {}",
                        part.program
                    );
                }
            }
        }
    };
    check("no organ", &[16..=20]);
    check("no saxophone", &[64..=67]);
    check("no guitar", &[24..=31]);
    check("no synths", &[80..=103]);
    check("no strings", &[40..=45, 48..=51]);
    check("without piano", &[0..=5]);
}

#[test]
fn a_chart_ends_on_its_tonic_in_root_position() {
    for (chart, last) in [
        ("{key: C}\n[C/E]la [F]la [G]la [C/G]la", "C"),
        ("{key: C}\n[Csus4]la [F]la [G]la [Csus4]la", "C"),
        ("{key: Am}\n[Am/C]la [Dm]la [Asus2]la", "Am"),
        ("| Cmaj7/E | F | G7 | Cmaj7/E |", "Cmaj7"),
        ("| C7 | F7 | C7 | G7 | C7 |", "C7"),
        ("| Csus4 | C | G | C |", "C"),
        ("{key: C}\n[F]la [G]la", "C"),
    ] {
        let song = of("", &Options { chords: Some(chart.parse().unwrap()), ..Options::default() });
        assert_eq!(song.chords.last().unwrap().chord.to_string(), last, "{chart}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_is_read_and_any_chart_answered(text in "\\PC{0,200}", chart in "[A-Ga-gm7#b|:%/ .\n\\[\\]{}]{0,80}") {
        let asked = understand(&text);
        prop_assert!(asked.not_understood.len() <= 40);
        let options = Options { chords: chart.parse().ok(), seconds: Some(12.0), ..Options::default() };
        if asked.seconds.is_none() && asked.tempo_bpm.is_none() {
            let made = compose(&asked, &options);
            prop_assert!(made.as_ref().is_ok_and(|song| song.score.broken_rule().is_none()) || made.is_err_and(|error| error.code() == "bad_tempo"));
        }
        if let Ok(chart) = chart.parse::<ChordChart>() {
            let again: ChordChart = chart.to_string().parse().unwrap();
            prop_assert_eq!(again.bars(), chart.bars());
        }
    }

    #[test]
    fn every_wish_together_makes_a_song(
        style in prop::option::of(prop::sample::select(Style::ALL.to_vec())), seconds in prop::option::of(3.0..90.0f64),
        tempo in prop::option::of(40.0..240.0f64), tonic in 0u8..12, minor in any::<bool>(), energy in prop::option::of(0.0..=1.0f64),
        form in prop::option::of("[A-D]{1,9}"), instruments in prop::collection::vec(prop::sample::select(Instrument::ALL.to_vec()), 0..4),
        without in prop::collection::vec(prop::sample::select(Role::ALL.to_vec()), 0..3), instrumental in prop::option::of(any::<bool>()),
        seed in any::<u64>(),
    ) {
        let key = Key { tonic, mode: if minor { Mode::Minor } else { Mode::Major }, confidence: 1.0 };
        let form = form.map(|form| form.parse().unwrap());
        let options = Options {
            style, seconds, tempo_bpm: tempo, key: Some(key), energy, form, instruments, without: without.clone(), instrumental, seed,
            ..Options::default()
        };
        let song = compose(&Understanding::default(), &options).unwrap();
        prop_assert_eq!(song.score.broken_rule(), None);
        prop_assert_eq!(song.effective.key, key);
        prop_assert!(without.iter().all(|role| !song.part_roles.contains(role)));
        prop_assert_eq!(compose(&Understanding::default(), &options).unwrap(), song);
    }
}
