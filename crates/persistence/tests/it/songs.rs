//! The catalogue: rows, search and names, with the same answers from both databases.

use chrono::TimeDelta;
use domain::{SongFacts, SongId, SongName};
use persistence::{Inserted, NewSong, OfferedSong, Resolved, Song};

use crate::bed::{Bed, later, noon, on_both, song_id};

fn new(title: &str, artist: &str) -> NewSong {
    let id = song_id();
    NewSong {
        id,
        name: SongName::new(title, Some(artist)).unwrap(),
        sha256: id.to_string(),
        object_key: format!("songs/{id}.mid"),
        bytes: 123,
        facts: SongFacts { bars: 32, key: Some("C minor".to_owned()), ..SongFacts::default() },
    }
}

async fn put(bed: &Bed, title: &str, artist: &str) -> Song {
    match bed.db.songs().insert(&new(title, artist), noon()).await.unwrap() {
        Inserted::New(song) => song,
        other => panic!("not new: {other:?}"),
    }
}

fn offered(song: &Song, name: &str) -> OfferedSong {
    OfferedSong { song: song.clone(), name: name.to_owned() }
}

/// A small catalogue with the traps of a large one.
const CATALOGUE: [(&str, &str); 22] = [
    ("Bohemian Rhapsody", "Queen"),
    ("Killer Queen", "Queen"),
    ("Dancing Queen", "ABBA"),
    ("Bohemian Like You", "The Dandy Warhols"),
    ("Rhapsody in Blue", "George Gershwin"),
    ("Stairway to Heaven", "Led Zeppelin"),
    ("Hotel California", "Eagles"),
    ("Knocking on Heaven's Door", "Bob Dylan"),
    ("Knockin' on Heaven's Door", "Guns N' Roses"),
    ("Halo", "Beyoncé"),
    ("Halo", "Depeche Mode"),
    ("Ace of Spades", "Motörhead"),
    ("Highway to Hell", "AC/DC"),
    ("Daydream Believer", "The Monkees"),
    ("Day Dream", "Someone Else"),
    ("Love Me Do", "The Beatles"),
    ("All You Need Is Love", "The Beatles"),
    ("Love", "John Lennon"),
    ("Yesterday", "The Beatles"),
    ("Mrs. Robinson", "Simon & Garfunkel"),
    ("東京ブルース", "西田佐知子"),
    ("Чайковский: Щелкунчик", ""),
];

async fn stocked(bed: &Bed) {
    for (title, artist) in CATALOGUE {
        put(bed, title, artist).await;
    }
}

async fn titles(bed: &Bed, query: &str) -> Vec<String> {
    let found = bed.db.songs().search(query, 5).await.unwrap();
    assert!(found.is_sorted_by(|a, b| a.score >= b.score));
    assert!(found.iter().all(|one| one.score > 0.0 && one.score <= 1.0), "{found:?}");
    found.into_iter().map(|one| one.song.title).collect()
}

async fn people_find_what_they_mean(bed: &Bed) {
    stocked(bed).await;
    for (query, expected) in [
        ("bohemian rapsody queen", "Bohemian Rhapsody"),
        ("Queen - Bohemian Rhapsody", "Bohemian Rhapsody"),
        ("Bohemian Rhapsody - Queen", "Bohemian Rhapsody"),
        ("rhapsody bohemian", "Bohemian Rhapsody"),
        ("BOHEMIAN RHAPSODIE", "Bohemian Rhapsody"),
        ("bohemian rhap", "Bohemian Rhapsody"),
        ("bohemian like", "Bohemian Like You"),
        ("zepelin stairway", "Stairway to Heaven"),
        ("stairway heaven", "Stairway to Heaven"),
        ("eagels hotel", "Hotel California"),
        ("motorhead", "Ace of Spades"),
        ("acdc", "Highway to Hell"),
        ("ac dc", "Highway to Hell"),
        ("daydream", "Day Dream"),
        ("day dream believer", "Daydream Believer"),
        ("teh monkees", "Daydream Believer"),
        ("love", "Love"),
        ("beatles love me", "Love Me Do"),
        ("beatles all love", "All You Need Is Love"),
        ("simon and garfunkel robinson", "Mrs. Robinson"),
        ("dylan heavens door", "Knocking on Heaven's Door"),
        ("guns n roses heaven's door", "Knockin' on Heaven's Door"),
        ("東京", "東京ブルース"),
        ("щелкунчик", "Чайковский: Щелкунчик"),
        ("beyonce halo", "Halo"),
    ] {
        let found = titles(bed, query).await;
        assert_eq!(found.first().map(String::as_str), Some(expected), "{query}: {found:?}");
    }
    let halo = bed.db.songs().search("beyonce halo", 1).await.unwrap();
    assert_eq!(halo[0].song.artist.as_deref(), Some("Beyoncé"));
    for nothing in ["", "   ", "-", "xyzzyqwv", "\u{0}"] {
        assert!(titles(bed, nothing).await.is_empty(), "{nothing}");
    }
    assert!(bed.db.songs().search("queen", 0).await.unwrap().is_empty());
    assert_eq!(bed.db.songs().search("queen", 2).await.unwrap().len(), 2);
}

async fn whatever_is_typed_is_only_text(bed: &Bed) {
    stocked(bed).await;
    for odd in ["'; DROP TABLE songs; --", "%", "_", "\"queen", "queen*", "NEAR(a b)", "a:b", "\\", "😀", "queen\u{0}"]
    {
        bed.db.songs().search(odd, 5).await.unwrap();
        bed.db.songs().resolve(odd).await.unwrap();
    }
    let long = "bohemian rhapsody ".repeat(10_000);
    bed.db.songs().search(&long, 5).await.unwrap();
    bed.db.songs().resolve(&long).await.unwrap();
}

/// All answers of a catalogue, as text.
async fn answers(bed: &Bed) -> Vec<String> {
    stocked(bed).await;
    let mut answers = Vec::new();
    let words: Vec<&str> = CATALOGUE.iter().flat_map(|(title, artist)| [*title, *artist]).collect();
    for (at, first) in words.iter().enumerate() {
        let second: String = words[(at + 7) % words.len()].chars().skip(1).collect();
        let query = format!("{first} {second}");
        let found = bed.db.songs().search(&query, 10).await.unwrap();
        let found: Vec<String> = found.iter().map(|one| format!("{} {:.9}", one.song.title, one.score)).collect();
        answers.push(format!("{query}: {found:?}"));
    }
    answers
}

#[tokio::test]
async fn both_databases_rank_alike() {
    assert_eq!(answers(&Bed::sqlite().await).await, answers(&Bed::postgres().await).await);
}

async fn popular_words_hide_no_song(bed: &Bed) {
    let mut new_songs: Vec<NewSong> =
        (0..3_000).map(|n| new(&format!("Love the Night {n}"), &format!("The Band {}", n % 50))).collect();
    new_songs.push(new("Love", "Somebody"));
    new_songs.push(new("A Very Long Night of Love and of the Sea and of the Stars", "The Singer"));
    for songs in new_songs.chunks(1_000) {
        bed.db.songs().insert_all(songs, noon()).await.unwrap();
    }
    assert_eq!(titles(bed, "love").await[0], "Love");
    assert_eq!(titles(bed, "the love of the night sea").await[0], new_songs.last().unwrap().name.title());
    assert_eq!(titles(bed, "love the night 2718").await[0], "Love the Night 2718");
}

async fn names_are_resolved(bed: &Bed) {
    stocked(bed).await;
    let songs = bed.db.songs();
    for (wanted, title, artist) in [
        ("Bohemian Rhapsody", "Bohemian Rhapsody", "Queen"),
        ("bohemian rhapsody - QUEEN", "Bohemian Rhapsody", "Queen"),
        ("Queen – Bohemian Rhapsody", "Bohemian Rhapsody", "Queen"),
        ("Queen: Bohemian Rhapsody", "Bohemian Rhapsody", "Queen"),
        ("Bohemian Rhapsody by Queen", "Bohemian Rhapsody", "Queen"),
        ("rhapsody queen bohemian", "Bohemian Rhapsody", "Queen"),
        ("halo - beyonce", "Halo", "Beyoncé"),
        ("Highway to Hell - ACDC", "", ""),
        ("Highway to Hell - AC DC", "Highway to Hell", "AC/DC"),
        ("Simon and Garfunkel - Mrs Robinson", "Mrs. Robinson", "Simon & Garfunkel"),
        ("love", "Love", "John Lennon"),
    ] {
        match (songs.resolve(wanted).await.unwrap(), title) {
            (Resolved::Unknown { nearest }, "") => assert_eq!(nearest[0].song.title, "Highway to Hell"),
            (Resolved::One(song), _) => {
                assert_eq!((song.title.as_str(), song.artist.as_deref()), (title, Some(artist)), "{wanted}");
                assert_eq!(songs.resolve(&song.id.to_string()).await.unwrap(), Resolved::One(song));
            }
            (other, _) => panic!("{wanted}: {other:?}"),
        }
    }
    let Resolved::Several(choices) = songs.resolve("HALO").await.unwrap() else { panic!("two songs are called Halo") };
    let artists: Vec<&str> = choices.iter().filter_map(|offered| offered.song.artist.as_deref()).collect();
    assert_eq!(artists, ["Beyoncé", "Depeche Mode"]);
    let Resolved::Unknown { nearest } = songs.resolve("Bohemian Rapsody - Queen").await.unwrap() else {
        panic!("a near name was taken for the song's")
    };
    assert_eq!(nearest[0].song.title, "Bohemian Rhapsody");
    let unknown = songs.resolve(&song_id().to_string()).await.unwrap();
    assert!(matches!(unknown, Resolved::Unknown { .. }), "{unknown:?}");
    assert_eq!(songs.resolve("  ").await.unwrap(), Resolved::Unknown { nearest: Vec::new() });
}

async fn a_title_written_in_this_order_comes_before_one_of_the_same_words(bed: &Bed) {
    put(bed, "Love You", "").await;
    put(bed, "You Love", "").await;
    let Resolved::One(song) = bed.db.songs().resolve("you love").await.unwrap() else { panic!("not one") };
    assert_eq!(song.title, "You Love");
}

async fn bytes_are_in_the_catalogue_once(bed: &Bed) {
    let first = new("One", "A");
    let Inserted::New(song) = bed.db.songs().insert(&first, noon()).await.unwrap() else { panic!("not new") };
    let again = NewSong { sha256: first.sha256.clone(), ..new("Two", "B") };
    assert_eq!(bed.db.songs().insert(&again, later(1)).await.unwrap(), Inserted::Known(song.clone()));
    assert_eq!(bed.db.songs().find_by_hash(&first.sha256).await.unwrap(), Some(song));
    assert!(titles(bed, "two").await.is_empty(), "a refused song can be found");
    let both = [
        NewSong { sha256: "x".to_owned(), ..new("Three", "C") },
        NewSong { sha256: "x".to_owned(), ..new("Four", "D") },
    ];
    let written = bed.db.songs().insert_all(&both, noon()).await.unwrap();
    assert!(matches!(&written[..], [Inserted::New(three), Inserted::Known(same)] if three == same), "{written:?}");
}

async fn the_catalogue_is_listed_by_title(bed: &Bed) {
    for title in ["b", "Ä", "a", "C", "B", "é"] {
        put(bed, title, "x").await;
    }
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = bed.db.songs().list(cursor.as_ref(), 2).await.unwrap();
        assert!(page.songs.len() <= 2);
        all.extend(page.songs.into_iter().map(|song| song.title));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(all, ["Ä", "a", "b", "B", "C", "é"]);
}

async fn corrections_and_removals_reach_the_search(bed: &Bed) {
    let songs = bed.db.songs();
    let song = put(bed, "Bohemain Rapsody", "Qeen").await;
    let name = SongName::new("Bohemian Rhapsody", Some("Queen")).unwrap();
    let corrected = songs.correct(song.id, &name, later(5)).await.unwrap().unwrap();
    assert_eq!((corrected.title.as_str(), corrected.updated_at), ("Bohemian Rhapsody", later(5)));
    assert_eq!(songs.get(song.id).await.unwrap(), Some(corrected.clone()));
    assert_eq!(songs.search("bohemian rhapsody queen", 5).await.unwrap()[0].song, corrected);
    assert_eq!(
        songs.resolve("Bohemain Rapsody").await.unwrap(),
        Resolved::Unknown { nearest: vec![offered(&corrected, "Bohemian Rhapsody - Queen")] }
    );
    assert_eq!(songs.correct(song_id(), &name, noon()).await.unwrap(), None);
    put(bed, "Rhapsody in Blue", "Gershwin").await;
    assert_eq!(songs.remove(song.id).await.unwrap(), Some(corrected));
    assert_eq!(songs.remove(song.id).await.unwrap(), None);
    assert_eq!(songs.get(song.id).await.unwrap(), None);
    assert_eq!(titles(bed, "rapsody").await, ["Rhapsody in Blue"]);
    assert!(titles(bed, "bohemian").await.is_empty());
    let left = bed.numbers("SELECT (SELECT COUNT(*) FROM search_words WHERE word = 'bohemian') + (SELECT COUNT(*) FROM search_grams WHERE word = 'bohemian')").await;
    assert_eq!(left, [0]);
    assert_eq!(bed.numbers("SELECT songs FROM search_words WHERE word IN ('', 'rhapsody')").await, [1, 1]);
}

async fn a_song_without_its_object_is_there_for_nobody(bed: &Bed) {
    let songs = bed.db.songs();
    let one = new("Halo", "Beyoncé");
    let begun = songs.begin(&one, noon()).await.unwrap().unwrap();
    assert_eq!(songs.begin(&one, noon()).await.unwrap(), Err(Inserted::Busy));
    assert!(titles(bed, "halo").await.is_empty());
    assert_eq!(songs.get(one.id).await.unwrap(), None);
    assert_eq!(songs.resolve("halo").await.unwrap(), Resolved::Unknown { nearest: Vec::new() });
    assert!(songs.claim_abandoned(noon(), 10, later(1)).await.unwrap().is_empty(), "it is no older than asked for");
    let song = songs.reveal(&begun).await.unwrap().unwrap();
    assert_eq!(songs.search("halo", 5).await.unwrap()[0].song, song);
    assert_eq!(songs.hide(one.id, later(10)).await.unwrap(), Some(song.clone()));
    assert_eq!(songs.hide(one.id, later(10)).await.unwrap(), None, "two remove one song");
    assert!(titles(bed, "halo").await.is_empty());
    assert_eq!(songs.correct(one.id, &one.name, noon()).await.unwrap(), None);
    assert_eq!(songs.insert(&one, later(11)).await.unwrap(), Inserted::Busy);
    let abandoned = songs.claim_abandoned(later(11), 10, later(100)).await.unwrap();
    assert_eq!(abandoned, std::slice::from_ref(&song));
    assert!(songs.claim_abandoned(later(100), 10, later(101)).await.unwrap().is_empty(), "claimed twice");
    assert!(songs.remove(one.id).await.unwrap().is_some());
    assert!(matches!(songs.insert(&one, later(102)).await.unwrap(), Inserted::New(_)));
}

async fn an_import_that_was_taken_for_dead_does_not_come_back(bed: &Bed) {
    let songs = bed.db.songs();
    let begun = songs.begin(&new("Halo", "Beyoncé"), noon()).await.unwrap().unwrap();
    assert_eq!(songs.claim_abandoned(later(60), 10, later(61)).await.unwrap().len(), 1);
    assert_eq!(songs.reveal(&begun).await.unwrap(), None);
}

async fn songs_that_share_words_can_be_written_at_once(bed: &Bed) {
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let db = bed.db.clone();
            tokio::spawn(async move {
                for n in 0..5 {
                    let song = new(&format!("Love {task} {n}"), if task % 2 == 0 { "The Band" } else { "Band The" });
                    assert!(matches!(db.songs().insert(&song, noon()).await.unwrap(), Inserted::New(_)));
                    let name = SongName::new(&format!("Night {n} {task}"), Some("The Love")).unwrap();
                    assert!(
                        db.songs().correct(song.id, &name, noon() + TimeDelta::seconds(1)).await.unwrap().is_some()
                    );
                    if n % 2 == 0 {
                        assert!(db.songs().remove(song.id).await.unwrap().is_some());
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let counted = bed.numbers("SELECT songs FROM search_words WHERE word IN ('', 'love', 'the', 'night')").await;
    assert_eq!(counted, [16; 4]);
    assert!(bed.numbers("SELECT songs FROM search_words WHERE songs < 1 AND word <> ''").await.is_empty());
    assert_eq!(bed.numbers("SELECT COUNT(*) FROM search_words WHERE word = 'band'").await, [0]);
}

#[test]
fn an_id_is_read_in_any_case() {
    let id = song_id();
    assert_eq!(id.to_string().to_uppercase().parse::<SongId>().unwrap(), id);
}

on_both! {
    people_find_what_they_mean,
    whatever_is_typed_is_only_text,
    popular_words_hide_no_song,
    names_are_resolved,
    a_title_written_in_this_order_comes_before_one_of_the_same_words,
    bytes_are_in_the_catalogue_once,
    the_catalogue_is_listed_by_title,
    corrections_and_removals_reach_the_search,
    a_song_without_its_object_is_there_for_nobody,
    an_import_that_was_taken_for_dead_does_not_come_back,
    songs_that_share_words_can_be_written_at_once,
}
