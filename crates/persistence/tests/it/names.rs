//! Whatever song is offered by a name is had by that name, however odd it is.

use domain::{SongFacts, SongName};
use persistence::{Inserted, NewSong, OfferedSong, Resolved, Song};
use proptest::{
    prelude::*,
    sample::select,
    strategy::ValueTree as _,
    test_runner::{Config, RngSeed, TestRunner},
};

use crate::bed::{Bed, noon, on_both, song_id};

async fn put(bed: &Bed, title: &str, artist: Option<&str>) -> Song {
    let id = song_id();
    let new = NewSong {
        id,
        name: SongName::new(title, artist).unwrap(),
        sha256: id.to_string(),
        object_key: format!("songs/{id}.mid"),
        bytes: 1,
        facts: SongFacts::default(),
    };
    match bed.db.songs().insert(&new, noon()).await.unwrap() {
        Inserted::New(song) => song,
        other => panic!("not new: {other:?}"),
    }
}

/// What is told to somebody who names a song so.
async fn offers(bed: &Bed, wanted: &str) -> Vec<OfferedSong> {
    match bed.db.songs().resolve(wanted).await.unwrap() {
        Resolved::One(_) => Vec::new(),
        Resolved::Several(songs) => songs,
        Resolved::Unknown { nearest } => nearest,
    }
}

async fn check(bed: &Bed, wanted: &str) -> usize {
    let offers = offers(bed, wanted).await;
    for OfferedSong { song, name } in &offers {
        assert!(name.chars().count() <= SongName::MAX_OFFERED_CHARS && name.starts_with(&song.full_name()), "{name}");
        for name in [name.clone(), song.id.to_string()] {
            let found = bed.db.songs().resolve(&name).await.unwrap();
            assert_eq!(found, Resolved::One(Box::new(song.clone())), "offered for {wanted:?} as {name:?}");
        }
    }
    offers.len()
}

/// Titles and artists out of few parts, so that many are alike.
fn odd_name() -> impl Strategy<Value = String> {
    let parts = select(vec![
        "Halo",
        "halo",
        "Hálo",
        "Queen",
        "by",
        "-",
        " - ",
        "\"Halo\"",
        "'",
        "/",
        "AC/DC",
        "\\",
        "!!!",
        "(",
        ")",
        "&",
        "and",
        "\u{301}",
        "\u{b4}",
        "東京",
        "ﬁ",
        "Ё",
        "\u{fdfa}",
        "%",
        "_",
        ":",
        "(01a1fd29-5607-7b27-b7b8-6e26dc1582f8)",
    ]);
    let short = prop::collection::vec(parts, 1..4).prop_map(|parts| parts.join(" "));
    let long = (short.clone(), select(vec!["la", "語", "\u{fdfa}", "x - y"]), 20..200_usize)
        .prop_map(|(short, part, times)| short + &format!(" {part}").repeat(times));
    let name = prop_oneof![4 => short, 1 => long];
    name.prop_filter_map("nobody can call a song that", |name| {
        SongName::found(&name, None).map(|name| name.title().to_owned())
    })
}

async fn whatever_is_offered_names_exactly_its_song(bed: &Bed) {
    let long = "Very ".repeat(40).trim().to_owned();
    let traps = [
        ("A B", Some("C")),
        ("A", Some("B C")),
        ("A - B", Some("C")),
        ("A", Some("B - C")),
        ("Halo", None),
        ("Halo", Some("Beyoncé")),
        ("Halo", Some("Beyonce")),
        ("Halo - Beyoncé", None),
        ("Twice", Some("Same")),
        ("Twice", Some("Same")),
        ("Twice", Some("Same")),
        (long.as_str(), Some(long.as_str())),
        (long.as_str(), None),
        ("´", Some("Queen")),
        ("\u{301}´", None),
        ("\"Heroes\"", Some("David Bowie")),
        ("Back in Black", Some("AC/DC")),
    ];
    let mut songs = Vec::new();
    for (title, artist) in traps {
        songs.push(put(bed, title, artist).await);
    }
    // Called like another one's id.
    let impostor = format!("Halo ({})", songs[4].id);
    songs.push(put(bed, &impostor, None).await);
    let config = Config { rng_seed: RngSeed::Fixed(7), ..Config::default() };
    let mut runner = TestRunner::new(config);
    let odd = (odd_name(), prop::option::of(odd_name()));
    for _ in 0..60 {
        let (title, artist) = odd.new_tree(&mut runner).unwrap().current();
        songs.push(put(bed, &title, artist.as_deref()).await);
    }
    let mut offered = 0;
    for song in &songs {
        for wanted in [song.title.clone(), song.full_name(), format!("{} x", song.full_name()), impostor.clone()] {
            offered += check(bed, &wanted).await;
        }
    }
    assert!(offered > songs.len(), "only {offered} offers");
}

async fn a_long_name_and_one_written_just_so_need_no_id(bed: &Bed) {
    let long = "Very ".repeat(40).trim().to_owned();
    let resolves = async |wanted: &str, song: &Song| {
        assert_eq!(bed.db.songs().resolve(wanted).await.unwrap(), Resolved::One(Box::new(song.clone())), "{wanted}");
    };
    let longest = put(bed, &long, Some(&long)).await;
    resolves(&longest.full_name(), &longest).await;
    let (accented, plain) = (put(bed, "Halo", Some("Beyoncé")).await, put(bed, "Halo", Some("Beyonce")).await);
    resolves("Halo - Beyoncé", &accented).await;
    resolves("Halo - Beyonce", &plain).await;
    assert_eq!(offers(bed, "halo beyonce").await.len(), 2, "written otherwise, it may be either");
    let signs = put(bed, "!!!", Some("Queen")).await;
    resolves("!!! - Queen", &signs).await;
}

on_both!(whatever_is_offered_names_exactly_its_song, a_long_name_and_one_written_just_so_need_no_id);
