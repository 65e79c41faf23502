//! What is asked for and cannot be had as it is, is told: genres without a style, decades that are not heard, players without a part.

use compose::{Composition, Era, Genre, Instrument, Options, Role, Style, Understanding, compose, understand};

fn of(sentence: &str, options: &Options) -> Composition {
    compose(&understand(sentence), options).unwrap()
}

fn plays(song: &Composition, role: Role) -> Option<u8> {
    let part = song.part_roles.iter().position(|own| *own == role)?;
    Some(song.score.parts[part].program)
}

fn has_warning(song: &Composition, part: &str) -> bool {
    song.effective.warnings.iter().any(|warning| warning.contains(part))
}

#[test]
fn what_a_genre_is_played_as_is_told_each_time() {
    for genre in Genre::all() {
        let asked = Understanding { style: Some(genre.style()), genre: Some(genre), ..Understanding::default() };
        let options = Options { seconds: Some(12.0), seed: 3, ..Options::default() };
        let song = compose(&asked, &options).unwrap();
        let note = format!("there is no {genre} style: it is played as {}", genre.style());
        assert!(has_warning(&song, &note), "{genre}: {:?}", song.effective.warnings);
        assert_eq!((song.effective.genre, song.effective.style), (Some(genre), genre.style()));
        let of_option = Options { genre: Some(genre), ..options.clone() };
        assert!(has_warning(&compose(&Understanding::default(), &of_option).unwrap(), &note), "{genre}");
        // A style beside the sentence stands above it.
        let jazz = compose(&asked, &Options { style: Some(Style::Waltz), ..options }).unwrap();
        assert!(!has_warning(&jazz, "there is no") && jazz.effective.genre.is_none());
    }
    let song = of("drum and bass, one minute", &Options::default());
    assert!((song.effective.tempo_bpm / 174.0 - 1.0).abs() < 0.055, "{} bpm", song.effective.tempo_bpm);
    assert!(has_warning(&song, "there is no drum and bass style: it is played as house at about 17"));
    let song = of("drum and bass at 120 bpm", &Options::default());
    assert!(has_warning(&song, "it is played as house") && !has_warning(&song, "house at about"));
    assert_eq!(plays(&of("metal", &Options::default()), Role::Comping), Some(30));
    assert_ne!(plays(&of("metal, no screaming guitars", &Options::default()), Role::Comping), Some(30));
}

#[test]
fn every_era_is_heard_or_said_not_to_be() {
    for style in Style::ALL {
        let of_era = |decade| {
            let era = Some(Era { decade });
            of("", &Options { style: Some(style), seconds: Some(12.0), seed: 4, era, ..Options::default() })
        };
        let plain = of("", &Options { style: Some(style), seconds: Some(12.0), seed: 4, ..Options::default() });
        let programs = |song: &Composition| song.score.parts.iter().map(|part| part.program).collect::<Vec<_>>();
        for decade in (1_920..=2_020).step_by(10) {
            let song = of_era(decade);
            let is_heard = programs(&song) != programs(&plain);
            assert!(is_heard != has_warning(&song, "make no difference here"), "{style}, {decade}s");
        }
        let heard: std::collections::BTreeSet<Vec<u8>> =
            [1_980, 1_990, 2_000, 2_010].map(|decade| programs(&of_era(decade))).into();
        assert!(
            heard.len() >= 2 || plain.score.parts.iter().all(|part| !part.drums),
            "{style}: one sound since the 1980s"
        );
    }
}

#[test]
fn what_is_left_out_beside_the_sentence_is_left_out_and_told() {
    let options = Options {
        without: vec![Role::Drums],
        without_instruments: vec![Instrument::Flute],
        seconds: Some(30.0),
        ..Options::default()
    };
    let song = of("a bossa with flute and drums", &options);
    assert!(!song.part_roles.contains(&Role::Drums) && plays(&song, Role::Melody) != Some(73));
    assert_eq!(song.effective.without, ["drums", "flute"]);
    let song = of("a bossa, no flute, no drums", &Options { seconds: Some(30.0), ..Options::default() });
    assert_eq!(song.effective.without, ["drums", "flute"]);
}

#[test]
fn a_player_without_a_part_is_told_in_a_sentence() {
    let sentence = of("a trio of flute, trumpet, violin, clarinet and oboe", &Options::default());
    assert!(has_warning(&sentence, "that the sentence asks for"), "{:?}", sentence.effective.warnings);
    let instruments = vec![Instrument::Flute, Instrument::Trumpet, Instrument::Violin, Instrument::Oboe];
    let options = of("", &Options { instruments, ..Options::default() });
    assert!(has_warning(&options, "that the options ask for"), "{:?}", options.effective.warnings);
}
