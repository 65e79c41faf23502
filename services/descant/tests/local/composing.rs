//! `descant compose`: files, refusals, and the same song again.

use std::fs;

use crate::desk::{Desk, Said};

const SENTENCE: &str = "a calm bossa nova with zithers";

#[test]
fn a_sentence_becomes_a_song_with_all_that_goes_along() {
    let desk = Desk::new();
    let asked = ["compose", SENTENCE, "--length", "7.123s", "--seed", "5", "--tempo", "118", "--name", "Low Tide"];
    let said = desk.run(&[&asked[..], &["--stems", "--format", "mp3,wav,mid,flac,ogg,m4a", "--json"]].concat()).json();
    assert_eq!(said["success"], true, "{said}");
    let report = &said["report"];
    assert_eq!((&report["title"], &report["seed"]), (&"Low Tide".into(), &5.into()), "{report}");
    assert_eq!((&report["effective"]["style"], &report["effective"]["tempoBpm"]), (&"bossa".into(), &118.0.into()));
    let lufs = report["sound"]["loudnessLufs"].as_f64().expect("it sounds");
    assert!((lufs + 14.0).abs() <= 1.0, "{lufs} LUFS");
    for name in [
        "song.mp3",
        "song.wav",
        "song.mid",
        "song.flac",
        "song.ogg",
        "song.m4a",
        "song.svg",
        "report.json",
        "stem-bass.flac",
    ] {
        let path = desk.path("composition").join(name);
        assert!(fs::metadata(&path).is_ok_and(|file| file.len() > 100), "{name}");
    }
    assert!(!desk.path("composition/lyrics.txt").exists() && !desk.path("composition/stem-voice.flac").exists());
    let wav = fs::read(desk.path("composition/song.wav")).expect("a file");
    let sound = media::decode(std::io::Cursor::new(wav), &media::Bounds::default()).expect("sound");
    assert_eq!(sound.samples.len() / 2, (7.123f64 * 44_100.0).round() as usize, "to the frame");

    // The same again is the same, in a folder of its own, and people are told what was understood.
    let again = desk.run(&asked);
    let told = String::from_utf8_lossy(&again.expect(0).out).into_owned();
    for words in
        ["Low Tide", "Understood: ", "Not understood: ", "zithers", "LUFS", "Its picture: composition-2/song.svg"]
    {
        assert!(told.contains(words), "no `{words}` in: {told}");
    }
    let read = |name: &str| fs::read(desk.path(name)).expect("a file");
    assert!(read("composition/song.mid") == read("composition-2/song.mid"));
}

#[test]
fn a_voice_sings_when_it_is_asked_for() {
    let desk = Desk::new();
    let asked =
        ["compose", "a slow folk song about rivers", "--length", "12s", "--voice", "formant", "--format", "wav"];
    let said = desk.run(&[&asked[..], &["--seed", "3", "--stems", "--json"]].concat()).json();
    let report = &said["report"];
    let vocals = &report["vocals"];
    assert_eq!(vocals["voice"], "formant", "{report}");
    assert!(vocals["quality"]["pitch_within_50_cents"].as_f64().is_some_and(|share| share > 0.5), "{vocals}");
    assert!(vocals["takes"].as_u64().is_some_and(|takes| takes >= 1), "{vocals}");
    let lines = report["lyrics"].as_array().expect("words");
    assert!(lines.iter().all(|line| line["words"][0]["startSeconds"].is_number()) && !lines.is_empty(), "{report}");
    let lrc = fs::read_to_string(desk.path("composition/song.lrc")).expect("a file");
    assert_eq!(lrc.lines().count(), lines.len(), "{lrc}");
    for name in ["lyrics.txt", "stem-voice.flac"] {
        assert!(desk.path("composition").join(name).is_file(), "{name}");
    }
    assert!(!desk.path("composition/stem-melody.flac").exists(), "the melody is the voice's");
}

/// Energy, decade and who is left out beside the sentence, and what is told of them and of a genre without a style.
#[test]
fn what_was_in_effect_is_told() {
    let desk = Desk::new();
    let asked =
        ["compose", "instrumental drum and bass, with vocals", "--length", "6s", "--instrumental", "--seed", "2"];
    let beside = ["--energy", "0.9", "--era", "80s", "--without", "bass, guitar", "--format", "mid", "--json"];
    let said = desk.run(&[&asked[..], &beside].concat()).json();
    let effective = &said["report"]["effective"];
    assert_eq!((&effective["energy"], &effective["era"]), (&0.9.into(), &"1980s".into()), "{effective}");
    assert_eq!(
        (&effective["without"][0], &effective["genre"]),
        (&"bass".into(), &"drum and bass".into()),
        "{effective}"
    );
    let roles: Vec<&str> =
        effective["instruments"].as_array().expect("a band").iter().filter_map(|one| one["role"].as_str()).collect();
    assert!(!roles.contains(&"bass") && roles.contains(&"drums"), "{effective}");
    let told = said["warnings"].to_string();
    for words in
        ["there is no drum and bass style: it is played as house at about 17", "both instrumental and with a voice"]
    {
        assert!(told.contains(words), "no `{words}` in {told}");
    }
}

/// A song that is long enough for a solo: the voice rests, the words go on behind it.
#[test]
fn a_voice_rests_while_somebody_plays_a_solo() {
    let desk = Desk::new();
    let asked = ["compose", "una canción de rock sobre el mar", "--sung", "--length", "75s", "--tempo", "150"];
    let said = desk
        .run(&[&asked[..], &["--voice", "formant", "--format", "wav", "--stems", "--seed", "2", "--json"]].concat());
    let said = said.json();
    let report = &said["report"];
    assert_eq!(report["options"]["language"], "es", "{report}");
    let sections = report["sections"].as_array().expect("sections");
    let solo = sections.iter().find(|section| section["name"] == "solo").expect("a solo");
    let (start, length) = (solo["startSeconds"].as_f64().expect("a time"), solo["seconds"].as_f64().expect("a time"));
    let wav = |name: &str| {
        let file = fs::File::open(desk.path("composition").join(name)).expect("a file");
        media::decode(file, &media::Bounds::default()).expect("sound").samples
    };
    // Stereo; two tenths of a second are left for reverberation and an early note.
    let loudest = |samples: &[f32], from: f64, to: f64| {
        let at = |seconds: f64| (seconds * 44_100.0) as usize * 2;
        samples[at(from)..at(to)].iter().fold(0.0f32, |most, sample| most.max(sample.abs()))
    };
    let (voice, melody) = (wav("stem-voice.flac"), wav("stem-melody.flac"));
    let inside = (start + 0.5, start + length - 0.5);
    assert!(loudest(&voice, inside.0, inside.1) < 1e-3, "the voice goes on in the solo");
    assert!(loudest(&voice, 0.0, start) > 0.05 && loudest(&melody, inside.0, inside.1) > 0.02, "one after the other");
    let lrc = fs::read_to_string(desk.path("composition/song.lrc")).expect("a file");
    assert!(lrc.lines().any(|line| line.ends_with(']')), "the line before the solo ends: {lrc}");
}

/// There is a whole song around it; whoever asked for it is told in figures.
#[test]
fn a_voice_that_the_gate_has_something_against_is_sung_again_and_then_told_of() {
    let desk = Desk::new();
    let asked = ["compose", "a slow folk song about rivers", "--length", "12s", "--voice", "formant", "--seed", "3"];
    let mut strict = desk.descant([&asked[..], &["--format", "wav", "--json"]].concat());
    let strict = strict.env("DESCANT_QUALITY__MAX_TRUE_PEAK_DBTP", "-20").env("DESCANT_QUALITY__TAKES", "2");
    let said = Said::of(strict).json();
    let vocals = &said["report"]["vocals"];
    assert_eq!((&vocals["takes"], &vocals["shortfalls"][0]["check"]), (&2.into(), &"true_peak".into()), "{vocals}");
    let warning = said["warnings"].as_array().and_then(|told| told.first()?.as_str()).expect("a warning").to_owned();
    assert!(warning.contains("true peak is ") && warning.contains("-20.0 is the most"), "{warning}");
    assert!(desk.path("composition/song.wav").is_file());
}

#[test]
fn what_cannot_be_composed_is_refused_before_anything_is_written() {
    let desk = Desk::new();
    let before = desk.contents();
    let check = |arguments: &[&str], words: &[&str]| {
        desk.run(&[&["compose"][..], arguments].concat()).says(3, words);
        assert!(desk.contents() == before, "{arguments:?} left something");
    };
    check(&["x"], &["the prompt: expected a description"]);
    for (flag, value, says) in [
        ("--length", "soon", "--length: expected a time"),
        ("--length", "2.9s", "--length: expected a time such as 30s"),
        ("--length", "11m", "from 3s to 10m"),
        ("--style", "zydeco", "--style: expected one of pop, rock"),
        ("--mood", "hungry", "--mood: expected one of happy"),
        ("--tempo", "500", "--tempo: expected"),
        ("--key", "H", "--key: expected a key"),
        ("--chords", "| C | H |", "--chords: chord chart, line 1, column 7"),
        ("--form", "XYZ", "--form: expected"),
        ("--instruments", "kazoo", "--instruments: expected one of"),
        ("--voice", "bob", "--voice: expected one of"),
        ("--energy", "loud", "--energy: expected"),
        ("--era", "1985", "--era: expected a decade"),
        ("--without", "kazoo", "--without: expected one of melody, chords"),
    ] {
        check(&["a happy song", flag, value], &[says]);
    }
    check(&["a happy song", "--instrumental", "--voice", "slt"], &["--voice: nobody sings"]);
    check(&["a happy song", "--sung", "--length", "5s"], &["at least 10000"]);
    desk.run(&["compose", "a happy song", "--instrumental", "--sung"]).expect(2);
    desk.put("there/song.svg", b"mine");
    desk.run(&["compose", "a happy song", "--out", "there"]).says(3, &["already has song.svg", "--overwrite"]);
}

#[test]
fn a_sentence_comes_out_of_a_pipe_too() {
    let desk = Desk::new();
    let said =
        Said::of(&mut desk.bash("echo 'a happy polka, no, a waltz' | descant compose - --length 3s --format mid"));
    said.expect(0);
    assert!(desk.path("composition/song.mid").is_file());
    let said = Said::of(&mut desk.bash("printf '\\xff\\xfe' | descant compose -"));
    said.says(3, &["not text"]);
}
