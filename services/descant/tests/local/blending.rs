//! `descant blend`, `descant render` and `descant sample-songs`: files, refusals and what is never written over.

use std::fs;

use crate::desk::{Desk, Said};

const NAMES: [&str; 3] = ["harbour-morning.mid", "tin-roof-reel.mid", "lantern-walk.mid"];

/// A desk with the three songs, in `songs`.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.run(&["sample-songs", "songs"]).expect(0);
    desk
}

fn blend<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let songs = ["blend", "songs/harbour-morning.mid", "songs/tin-roof-reel.mid", "songs/lantern-walk.mid"];
    [&songs[..], &["--bars", "12", "--seed", "3"], more].concat()
}

#[test]
fn three_songs_become_one_with_all_that_goes_along() {
    let desk = desk();
    let said = desk.run(&blend(&["--stems", "--format", "mp3,wav,mid,flac,ogg,m4a,mp3", "--json"])).json();
    assert_eq!(said["success"], true, "{said}");
    let report = &said["report"];
    assert_eq!(report["songs"][1]["title"], "tin-roof-reel", "{report}");
    assert_eq!((&report["bars"], &report["seed"]), (&12.into(), &3.into()), "{report}");
    let lufs = report["sound"]["loudnessLufs"].as_f64().expect("it sounds");
    assert!((lufs + 14.0).abs() <= 1.0, "{lufs} LUFS");
    for name in [
        "song.mp3",
        "song.wav",
        "song.mid",
        "song.flac",
        "song.ogg",
        "song.m4a",
        "provenance.json",
        "provenance.svg",
        "report.json",
        "stem-melody.flac",
        "stem-bass.flac",
        "stem-drums.flac",
    ] {
        let path = desk.path("blend").join(name);
        assert!(fs::metadata(&path).is_ok_and(|file| file.len() > 100), "{name}");
    }
    let told: Vec<&str> = said["files"].as_array().expect("a list").iter().filter_map(|file| file.as_str()).collect();
    assert_eq!(told.len(), fs::read_dir(desk.path("blend")).expect("a folder").count(), "{told:?}");
    let mp3 = fs::read(desk.path("blend/song.mp3")).expect("a file");
    assert!(mp3.starts_with(b"ID3\x03") && mp3.windows(9).any(|bytes| bytes == b"image/png"), "it has a cover");

    // The same again is the same, in a folder of its own.
    let again = desk.run(&blend(&[]));
    let told = String::from_utf8_lossy(&again.expect(0).out).into_owned();
    for words in ["tin-roof-reel", "LUFS", "What is from where: blend-2/provenance.svg"] {
        assert!(told.contains(words), "no `{words}` in: {told}");
    }
    let read = |name: &str| fs::read(desk.path(name)).expect("a file");
    assert!(read("blend/song.mid") == read("blend-2/song.mid"), "same songs, same options, same seed");
    assert!(!desk.path("blend-2/stem-melody.flac").exists() && !desk.path("blend-2/song.wav").exists());
}

#[test]
fn what_cannot_be_blended_is_refused_before_anything_is_written() {
    let desk = desk();
    desk.put("noise.mid", b"RIFF\x10\0\0\0WAVEfmt ");
    desk.put("empty.mid", b"");
    let before = desk.contents();
    let song = "songs/tin-roof-reel.mid";
    let check = |arguments: &[&str], words: &[&str]| {
        desk.run(arguments).says(3, words);
        assert!(desk.contents() == before, "{arguments:?} left something");
    };
    check(&["blend", song, song], &["3 songs, not 2"]);
    check(&["blend", song, song, song, song], &["3 songs, not 4"]);
    check(&["blend", song, song, "nowhere.mid"], &["no file nowhere.mid"]);
    check(&["blend", song, song, "songs"], &["is a folder"]);
    check(&["blend", song, song, "noise.mid"], &["noise.mid was refused", "not a MIDI file but"]);
    check(&["blend", song, song, "empty.mid"], &["empty"]);
    check(&["blend", "-", "-", song], &["one song only"]);
    for (flag, value, says) in [
        ("--weights", "1,1", "--weights: expected three numbers"),
        ("--key", "H", "--key: expected a key"),
        ("--form", "XYZ", "--form: expected"),
        ("--tempo", "500", "--tempo: expected"),
        ("--creativity", "2", "--creativity: expected"),
        ("--temperature", "x", "--temperature: expected"),
        ("--bars", "7", "--bars: expected"),
        ("--seconds", "2", "--seconds: expected"),
    ] {
        check(&["blend", song, song, song, flag, value], &[says]);
    }
    check(
        &["blend", song, song, song, "--seconds", "700", "--tempo", "240"],
        &["at 240 beats per minute a blend of 8 to 400 bars lasts from 7 to 400 s"],
    );
    check(&["render", "noise.mid"], &["not a MIDI file but"]);
}

/// A MIDI file of 480 ticks in a half second, each track a note from tick 0 on, on a channel of its own as far as there are any.
fn midi(tracks: u16, ticks: u32) -> Vec<u8> {
    let mut bytes = b"MThd\0\0\0\x06\0\x01".to_vec();
    bytes.extend(tracks.to_be_bytes());
    bytes.extend(480_u16.to_be_bytes());
    for track in 0..tracks {
        let channel = (track % 9) as u8;
        let until =
            [(ticks >> 21) as u8 | 0x80, (ticks >> 14) as u8 | 0x80, (ticks >> 7) as u8 | 0x80, ticks as u8 & 127];
        let events = [&[0, 0x90 | channel, 60, 100][..], &until, &[0x80 | channel, 60, 0, 0, 0xff, 0x2f, 0]].concat();
        bytes.extend(b"MTrk");
        bytes.extend((events.len() as u32).to_be_bytes());
        bytes.extend(events);
    }
    bytes
}

#[test]
fn what_is_too_much_for_one_rendering_is_refused_before_anything_is_written() {
    let desk = desk();
    desk.put("long.mid", &midi(1, 960 * 60 * 45));
    desk.put("wide.mid", &midi(513, 480));
    let before = desk.contents();
    desk.run(&["render", "long.mid"]).says(3, &["lasts 45:00 min", "up to 30:00 min can be rendered"]);
    // Known only when it is about to be played.
    desk.run(&["render", "wide.mid", "--stems"]).says(3, &["513 parts", "512 can be played"]);
    assert!(desk.contents() == before, "something was left");
    let songs = ["songs/tin-roof-reel.mid", "songs/lantern-walk.mid"];
    desk.run(&[&["blend", "long.mid"][..], &songs, &["--bars", "8", "--format", "mid"]].concat()).expect(0);
}

#[test]
fn no_song_is_replaced_by_its_own_blend() {
    let desk = desk();
    let song = fs::read(desk.path("songs/tin-roof-reel.mid")).expect("a file");
    desk.put("song.mid", &song);
    for overwrite in [&[][..], &["--overwrite"]] {
        let before = desk.contents();
        let arguments = [&["blend", "song.mid", "song.mid", "song.mid", "--out", "."][..], overwrite].concat();
        desk.run(&arguments).says(3, &["is the MIDI file itself"]);
        desk.run(&[&["render", "song.mid", "--out", "."][..], overwrite].concat())
            .says(3, &["is the MIDI file itself"]);
        assert!(desk.contents() == before);
    }
    desk.put("there/song.mp3", b"mine");
    desk.run(&["render", "song.mid", "--out", "there"]).says(3, &["already has song.mp3", "--overwrite"]);
    assert_eq!(fs::read(desk.path("there/song.mp3")).expect("a file"), b"mine");
}

#[test]
fn songs_come_out_of_pipes_too() {
    let desk = desk();
    let said = Said::of(&mut desk.bash(
        "descant render - --format wav < songs/lantern-walk.mid && cat songs/lantern-walk.mid | descant blend \
         songs/harbour-morning.mid - songs/tin-roof-reel.mid --bars 8 --format mid",
    ));
    said.expect(0);
    assert!(desk.path("song-render/song.wav").is_file(), "a song without a name");
    assert!(desk.path("blend/song.mid").is_file());
    let report = fs::read_to_string(desk.path("blend/report.json")).expect("a file");
    assert!(report.contains("\"Lantern Walk\""), "called as it calls itself: {report}");
}

#[test]
fn the_three_songs_are_always_the_same_and_never_written_over_others() {
    let desk = desk();
    let first: Vec<Vec<u8>> =
        NAMES.iter().map(|name| fs::read(desk.path("songs").join(name)).expect("a file")).collect();
    desk.run(&["sample-songs", "songs"]).says(3, &["already has"]);
    desk.run(&["sample-songs", "songs", "--overwrite"]).expect(0);
    for (name, bytes) in NAMES.iter().zip(&first) {
        assert!(
            bytes.starts_with(b"MThd") && fs::read(desk.path("songs").join(name)).expect("a file") == *bytes,
            "{name}"
        );
    }
}
