//! Sentences, read by whole words.

use compose::{Instrument, Mood, Role, Style, Understanding, understand};
use music::Mode;

fn check(sentence: &str, holds: impl Fn(&Understanding) -> bool) {
    let asked = understand(sentence);
    assert!(holds(&asked), "{sentence}: {asked:#?}");
}

#[test]
fn genres_are_whole_words() {
    check("a bossa nova", |asked| asked.style == Some(Style::Bossa));
    check("lofi hip hop beat", |asked| asked.style == Some(Style::LoFi));
    check("hip hop", |asked| asked.style == Some(Style::HipHop));
    check("deep house track", |asked| asked.style == Some(Style::House));
    check("House", |asked| asked.style == Some(Style::House));
    check("a song about my house", |asked| asked.style.is_none());
    check("walking to my house in the country", |asked| asked.style.is_none());
    check("rock the boat", |asked| asked.style.is_none());
    check("a rock song about trains, with organ", |asked| {
        asked.style == Some(Style::Rock) && asked.instruments == [Instrument::Organ]
    });
    check("folk rock", |asked| asked.style == Some(Style::Rock) && !asked.conflicts.is_empty());
    check("jazz with a touch of samba", |asked| asked.style == Some(Style::JazzSwing) && asked.conflicts.len() == 1);
    check("popular poplar", |asked| asked.style.is_none() && asked.not_understood == ["popular", "poplar"]);
    check("R&B groove", |asked| asked.style == Some(Style::Soul));
    check("something in 3/4", |asked| asked.style == Some(Style::Waltz));
    check("not jazz", |asked| asked.style.is_none());
}

#[test]
fn keys_are_not_forests() {
    check("a walk in A forest", |asked| asked.tonic.is_none());
    check("in A minor", |asked| (asked.tonic, asked.mode) == (Some(9), Some(Mode::Minor)));
    check("in F# major", |asked| (asked.tonic, asked.mode) == (Some(6), Some(Mode::Major)));
    check("ballad in B flat", |asked| asked.tonic == Some(10));
    check("in Bb", |asked| asked.tonic == Some(10));
    check("waltz, key of G", |asked| asked.tonic == Some(7));
    check("in Am", |asked| (asked.tonic, asked.mode) == (Some(9), Some(Mode::Minor)));
    check("C#m techno", |asked| (asked.tonic, asked.mode) == (Some(1), Some(Mode::Minor)));
    check("in a minor key", |asked| (asked.tonic, asked.mode) == (None, Some(Mode::Minor)));
    check("Am I blue", |asked| asked.tonic.is_none());
}

#[test]
fn what_is_not_wanted_is_ruled_out() {
    check("rock, no drums", |asked| asked.without == [Role::Drums]);
    check("without drums or bass, with piano", |asked| {
        asked.without == [Role::Drums, Role::Bass] && asked.instruments == [Instrument::Piano]
    });
    check("no guitar", |asked| asked.without_instruments.contains(&Instrument::ElectricGuitar));
    check("don't use strings", |asked| asked.without_instruments == [Instrument::Strings]);
    check("no vocals", |asked| asked.instrumental == Some(true));
    check("with vocals", |asked| asked.instrumental == Some(false));
    check("not too fast", |asked| asked.pace.is_some_and(|pace| pace < 0.0 && pace > -0.5));
    check("no drums, piano", |asked| asked.without == [Role::Drums] && asked.instruments == [Instrument::Piano]);
    check("ohne Schlagzeug", |asked| asked.style.is_none());
}

#[test]
fn numbers_have_units() {
    check("pop at 92 bpm, 30 seconds", |asked| (asked.tempo_bpm, asked.seconds) == (Some(92.0), Some(30.0)));
    check("120bpm house", |asked| asked.tempo_bpm == Some(120.0));
    check("tempo 88", |asked| asked.tempo_bpm == Some(88.0));
    check("2 minutes 10 seconds", |asked| asked.seconds == Some(130.0));
    check("1:30 long", |asked| asked.seconds == Some(90.0));
    check("half a minute", |asked| asked.seconds == Some(30.0));
    check("a minute and a half", |asked| asked.seconds == Some(90.0));
    check("90-second jingle", |asked| asked.seconds == Some(90.0));
    check("45s loop", |asked| asked.seconds == Some(45.0));
    check("80s synth pop", |asked| asked.era.is_some_and(|era| era.decade == 1980) && asked.seconds.is_none());
    check("from the 1960s", |asked| asked.era.is_some_and(|era| era.decade == 1960));
    check("form AABA", |asked| asked.form.as_ref().is_some_and(|form| form.to_string() == "AABA"));
    check("BAD day", |asked| asked.form.is_none());
}

#[test]
fn moods_energy_and_what_was_not_understood_are_told() {
    check("a melancholic, gentle tune with frobnicators", |asked| {
        asked.mood == Some(Mood::Sad)
            && asked.energy.is_some_and(|energy| energy < 0.3)
            && asked.not_understood == ["frobnicators"]
    });
    check("happy and sad", |asked| asked.mood == Some(Mood::Happy) && asked.conflicts.len() == 1);
    check("traurig und langsam", |asked| asked.mood == Some(Mood::Sad) && asked.pace.is_some_and(|pace| pace < 0.0));
    check("悲しい曲を作って", |asked| asked.style.is_none() && asked.not_understood.len() == 1);
    check("", |asked| *asked == Understanding::default());
    check("!!! ... ???", |asked| *asked == Understanding::default());
    let asked = understand("an upbeat disco track");
    let told: Vec<&str> = asked.understood.iter().map(|one| one.meaning.as_str()).collect();
    assert_eq!(told, ["mood: energetic", "style: disco"]);
}

#[test]
fn a_song_has_one_key_and_contradictions_are_told() {
    let told = |sentence: &str, part: &str| {
        check(sentence, |asked| asked.conflicts.len() == 1 && asked.conflicts[0].contains(part));
    };
    for sentence in ["Starts in C major and moves to A minor", "in C major, minor key", "minor key, in C major"] {
        check(sentence, |asked| (asked.tonic, asked.mode) == (Some(0), Some(Mode::Major)));
        told(sentence, "the key is C major");
    }
    check("in C, then in A minor", |asked| (asked.tonic, asked.mode) == (Some(0), None));
    told("in C, then in A minor", "both C and A minor");
    check("in A minor, yes, A minor", |asked| asked.conflicts.is_empty());
    told("slow and fast", "both slow and fast: the song is slow");
    told("quiet, then loud", "both quiet and loud: the song is quiet");
    told("from the 1960s and the 1980s", "both 1960s and 1980s");
    told("form AABA, form ABA", "the form is AABA");
    told("30 seconds, 40 seconds", "both 30 and 40 seconds");
    check("slow, langsam, quiet and soft, 1 minute, 60 seconds", |asked| asked.conflicts.is_empty());
}

#[test]
fn keys_and_tempos_are_not_cities_and_speeds() {
    for sentence in ["Blues in E", "Slow, in E, with organ", "A song about rain, in E."] {
        check(sentence, |asked| (asked.tonic, asked.mode) == (Some(4), None));
    }
    check("vitamin rich in C and D", |asked| asked.tonic.is_none());
    check("in a minor, with drums", |asked| (asked.tonic, asked.mode) == (Some(9), Some(Mode::Minor)));
    check("A minor blues", |asked| asked.mode == Some(Mode::Minor));
    for sentence in ["in a major city", "A major city at night", "a walk in A"] {
        check(sentence, |asked| (asked.tonic, asked.mode) == (None, None));
    }
    for sentence in
        ["at 100 miles an hour", "driving at 120 km/h", "120 km/h", "at 45 degrees", "45 degrees", "at 60 percent"]
    {
        check(sentence, |asked| asked.tempo_bpm.is_none());
    }
    for sentence in ["techno at 120", "at 120, with drums", "at 120 with drums", "at about 120", "tempo of about 120"] {
        check(sentence, |asked| asked.tempo_bpm == Some(120.0));
    }
}

#[test]
fn an_article_before_a_genre_or_an_instrument_is_no_obstacle() {
    check("A salsa with trumpets", |asked| {
        asked.style == Some(Style::Salsa) && asked.instruments == [Instrument::Trumpet]
    });
    check("A lullaby for my daughter", |asked| asked.style == Some(Style::Ballad));
    check("A rap about cats", |asked| asked.style == Some(Style::HipHop));
    check("with a harp and an organ", |asked| asked.instruments == [Instrument::Harp, Instrument::Organ]);
    check("With an orchestra", |asked| asked.instruments == [Instrument::Strings]);
    for sentence in ["about my house", "fell into a trap", "sitting on a rock", "in the country", "like a rock"] {
        check(sentence, |asked| asked.style.is_none());
    }
}

#[test]
fn everyday_words_make_nobody_sing() {
    for sentence in [
        "meditation with singing bowls",
        "birdsong",
        "the voice of the wind",
        "a voice in the wilderness",
        "makes you want to sing",
        "birds singing",
    ] {
        check(sentence, |asked| asked.instrumental.is_none());
    }
    for sentence in [
        "with vocals",
        "sung by a woman",
        "a singer",
        "with a voice",
        "female voice",
        "with singing",
        "Sing of the sea",
    ] {
        check(sentence, |asked| asked.instrumental == Some(false));
    }
    for sentence in ["no singing", "don't sing", "without a voice"] {
        check(sentence, |asked| asked.instrumental == Some(true));
    }
}

#[test]
fn a_topic_ends_where_the_music_is_spoken_of_again() {
    check("A piano piece of about 2 minutes in D minor", |asked| {
        asked.topic.is_none()
            && (asked.seconds, asked.tonic, asked.mode) == (Some(120.0), Some(2), Some(Mode::Minor))
            && asked.instruments == [Instrument::Piano]
    });
    check("techno, about 130 bpm", |asked| asked.tempo_bpm == Some(130.0) && asked.topic.is_none());
    check("about half a minute", |asked| asked.seconds == Some(30.0));
    check("about 99 red balloons", |asked| asked.topic.as_deref() == Some("99 red balloons"));
    check("about the sea in a jazz style on banjo", |asked| {
        asked.topic.as_deref() == Some("the sea")
            && asked.style == Some(Style::JazzSwing)
            && asked.instruments == [Instrument::Banjo]
    });
    for (sentence, topic) in [
        ("about the sea in the style of a waltz", "the sea"),
        ("about the sea in D minor", "the sea"),
        ("about the sea in a minor key", "the sea"),
        ("about the sea played on the harp", "the sea"),
        ("about the sea by a flute", "the sea"),
        ("about a man on the road in the country", "a man on the road in the country"),
        ("about leaving in style", "leaving in style"),
    ] {
        check(sentence, |asked| asked.topic.as_deref() == Some(topic));
    }
}

#[test]
fn a_ruling_out_ends_where_something_else_is_spoken_of() {
    check("A no-frills punk song", |asked| asked.style == Some(Style::Rock));
    check("A no-fuss punk song", |asked| asked.style == Some(Style::Rock));
    check("Do not forget the drums", |asked| asked.instruments == [Instrument::Drums] && asked.without.is_empty());
    check("Not only violin but also cello", |asked| {
        asked.instruments == [Instrument::Violin, Instrument::Cello] && !asked.alone
    });
    check("Ohne Schlagzeug mit accordion", |asked| {
        asked.without == [Role::Drums] && asked.instruments == [Instrument::Accordion]
    });
    check("Without a doubt the best reggae", |asked| asked.style == Some(Style::Reggae));
    check("without words but piano", |asked| asked.instruments == [Instrument::Piano]);
    check("no drums just piano", |asked| asked.without == [Role::Drums] && asked.alone);
    check("without any of the drums", |asked| asked.without == [Role::Drums]);
}

#[test]
fn players_are_alone_or_lead_where_that_is_said() {
    for sentence in
        ["solo piano", "piano only", "just piano", "just a piano", "nothing but piano", "solo piano in D minor"]
    {
        check(sentence, |asked| asked.alone && asked.instruments == [Instrument::Piano]);
    }
    for sentence in ["piano only in the intro", "a solo career with piano", "just add piano", "not just piano"] {
        check(sentence, |asked| !asked.alone && asked.instruments == [Instrument::Piano]);
    }
    for (sentence, lead) in [
        ("electric guitar solo", Instrument::ElectricGuitar),
        ("piano melody", Instrument::Piano),
        ("violin and strings, flute lead", Instrument::Flute),
        ("lead guitar", Instrument::AcousticGuitar),
        ("melody on the flute", Instrument::Flute),
    ] {
        check(sentence, |asked| asked.lead == Some(lead) && asked.instruments.contains(&lead) && !asked.alone);
    }
    check("bass solo, drum solo", |asked| asked.lead.is_none());
}

#[test]
fn a_ruling_out_reaches_over_adjectives_to_its_noun() {
    let guitars = |asked: &Understanding| {
        asked.without_instruments.contains(&Instrument::ElectricGuitar) && asked.instruments.is_empty()
    };
    for sentence in [
        "rock, no screaming guitars",
        "rock without any loud guitars",
        "rock, no loud, and no screaming heavy guitars",
        "rock without those terribly screaming guitars",
        "rock, don't use wailing guitars",
        "rock, no piano or screaming guitars",
    ] {
        check(sentence, guitars);
    }
    check("rock, no screaming guitars", |asked| asked.not_understood == ["screaming"]);
    check("no pounding drums, with a soft piano", |asked| {
        asked.without == [Role::Drums] && asked.instruments == [Instrument::Piano]
    });
    check("no 80s synths", |asked| {
        asked.without_instruments.contains(&Instrument::SynthLead)
            && asked.era.is_none()
            && asked.instruments.is_empty()
    });
    check("no happy singing", |asked| asked.instrumental == Some(true) && asked.mood.is_none());
    check("no trap beats", |asked| asked.style.is_none() && asked.without == [Role::Drums]);
    // What is said of something else is not reached.
    check("no drums and a soft piano", |asked| {
        asked.without == [Role::Drums] && asked.instruments == [Instrument::Piano]
    });
    check("not too loud drums", |asked| asked.without.is_empty());
    check("no rain, guitar", |asked| asked.instruments == [Instrument::AcousticGuitar]);
    check("no rush with guitar", |asked| asked.instruments == [Instrument::AcousticGuitar]);
    check("a no-nonsense guitar song", |asked| asked.instruments == [Instrument::AcousticGuitar]);
    check("a no-guitar song", |asked| asked.without_instruments.contains(&Instrument::AcousticGuitar));
    check("no fuss, just drums", |asked| asked.without.is_empty() && asked.alone);
}

#[test]
fn a_voice_that_is_wanted_and_not_is_told() {
    for (sentence, instrumental, says) in [
        ("an instrumental with vocals", true, "nobody sings"),
        ("with vocals, instrumental", false, "a voice sings"),
        ("sung by a choir, no vocals", false, "a voice sings"),
    ] {
        check(sentence, |asked| {
            asked.instrumental == Some(instrumental) && asked.conflicts.len() == 1 && asked.conflicts[0].contains(says)
        });
    }
    check("instrumental, no vocals, without a voice", |asked| asked.conflicts.is_empty());
}

#[test]
fn two_eras_are_told_however_they_are_named() {
    for sentence in [
        "80s and 90s",
        "an 80s/90s pop song",
        "eighties or nineties",
        "retro 1990s",
        "vintage modern jazz",
        "from the 1980s to the 2000s",
    ] {
        check(sentence, |asked| {
            asked.era.is_some()
                && asked.conflicts.iter().filter(|told| told.contains("the sounds are those of")).count() == 1
        });
    }
    check("80s, eighties, 1980s, retro", |asked| asked.conflicts.is_empty());
}

#[test]
fn genres_without_a_style_are_played_in_the_nearest() {
    for (sentence, genre, style) in [
        ("drum and bass", "drum and bass", Style::House),
        ("a Drum & Bass track", "drum and bass", Style::House),
        ("fast dnb", "drum and bass", Style::House),
        ("synthwave", "synthwave", Style::Pop),
        ("heavy metal", "metal", Style::Rock),
        ("punk", "punk", Style::Rock),
        ("techno", "techno", Style::House),
        ("a K-Pop song", "k-pop", Style::Pop),
        ("EDM", "edm", Style::House),
        ("gospel choir", "gospel", Style::Soul),
        ("an opera song", "opera", Style::Cinematic),
        ("dubstep", "dubstep", Style::HipHop),
        ("reggaeton", "reggaeton", Style::Reggae),
        ("afrobeats", "afrobeat", Style::Funk),
        ("flamenco guitar", "flamenco", Style::Folk),
        ("upbeat electronic music", "electronic", Style::House),
    ] {
        check(sentence, |asked| {
            asked.style == Some(style)
                && asked.genre.is_some_and(|own| own.name() == genre)
                && asked.not_understood.is_empty()
        });
    }
    check("rock", |asked| asked.genre.is_none());
    check("a jazz song with drum and bass", |asked| {
        asked.style == Some(Style::JazzSwing)
            && asked.conflicts.is_empty()
            && asked.instruments == [Instrument::Drums, Instrument::BassGuitar]
    });
    check("with a drum and bass beat", |asked| asked.genre.is_some());
    check("no drum and bass", |asked| asked.without == [Role::Drums, Role::Bass] && asked.style.is_none());
    check("a night at the opera", |asked| asked.style.is_none());
    check("techno and house", |asked| {
        asked.genre.is_some() && asked.conflicts == ["both techno and house: the band plays techno"]
    });
    check("techno, minimal techno", |asked| asked.conflicts.is_empty());
}

#[test]
fn the_language_of_a_sentence_is_told_by_its_small_words() {
    use domain::options::Language;
    for sentence in [
        "una canción triste sobre el mar",
        "haz una balada para mi madre, con guitarra",
        "Música alegre para una fiesta en la playa",
        "a folk song, sung in Spanish",
    ] {
        check(sentence, |asked| {
            asked.language == Some(Language::Spanish)
                && asked.understood.iter().any(|one| one.meaning.starts_with("language of"))
        });
    }
    for sentence in [
        "a song about Los Angeles and El Paso",
        "salsa con trompetas",
        "una mattina, canzone per la mia mamma",
        "uma canção com violão sobre o mar",
        "une chanson sur la mer avec une guitare",
        "traurig und langsam",
        "pop",
        "",
    ] {
        check(sentence, |asked| asked.language.is_none());
    }
    check("una balada triste sobre el mar, con guitarra, sin batería", |asked| {
        asked.style == Some(Style::Ballad)
            && asked.topic.as_deref() == Some("el mar")
            && asked.instruments == [Instrument::AcousticGuitar]
            && asked.without == [Role::Drums]
            && asked.not_understood.is_empty()
    });
    check("una canción en inglés", |asked| asked.language == Some(Language::English));
}
