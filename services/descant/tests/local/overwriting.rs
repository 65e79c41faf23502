//! No command writes over a recording, and over other files only when it was told to.

use std::{fs, os::unix::fs::symlink};

use crate::desk::{Desk, PROMPT, Said, hum, song};

/// Runs a command that must be refused before it touches anything.
#[track_caller]
fn refused(desk: &Desk, arguments: &[&str], words: &[&str]) {
    let before = desk.contents();
    desk.run(arguments).says(3, words);
    assert!(desk.contents() == before, "{arguments:?} touched something");
}

fn with<'a>(mut arguments: Vec<&'a str>, more: &[&'a str]) -> Vec<&'a str> {
    arguments.extend(more);
    arguments
}

#[test]
fn a_recording_is_never_replaced_by_its_song() {
    for name in ["vocals.wav", "vocals.mp3", "song.wav", "song.mp3", "lyrics.txt"] {
        let desk = Desk::new();
        desk.put(name, hum());
        desk.put("recordings/far.wav", b"");
        for out in [".", "./", "recordings/..", desk.path("").to_str().expect("UTF-8")] {
            for overwrite in [&[][..], &["--overwrite"]] {
                let arguments = with(with(song(name), &["--out", out]), overwrite);
                refused(&desk, &arguments, &["is the recording itself", "--out"]);
            }
        }
    }
}

#[test]
fn nor_under_another_name() {
    let desk = Desk::new();
    let recording = desk.put("hum.wav", hum());
    fs::create_dir_all(desk.path("linked")).expect("a folder");
    symlink(&recording, desk.path("linked/vocals.wav")).expect("a link");
    fs::create_dir_all(desk.path("hard")).expect("a folder");
    fs::hard_link(&recording, desk.path("hard/song.wav")).expect("a link");
    desk.put("there/vocals.mp3", hum());
    symlink("there/vocals.mp3", desk.path("link.mp3")).expect("a link");
    symlink("there", desk.path("elsewhere")).expect("a link");
    for (recording, out) in [
        ("hum.wav", "linked"),
        ("hum.wav", "hard"),
        ("linked/vocals.wav", "linked"),
        ("linked/vocals.wav", "hard"),
        ("link.mp3", "there"),
        ("link.mp3", "elsewhere"),
        ("elsewhere/vocals.mp3", "there"),
    ] {
        let arguments = with(song(recording), &["--out", out, "--overwrite"]);
        refused(&desk, &arguments, &["is the recording itself"]);
    }
    // Standard input may be the file, too.
    let before = desk.contents();
    let mut command = desk.descant(with(song("-"), &["--out", "there", "--overwrite"]));
    command.stdin(fs::File::open(desk.path("there/vocals.mp3")).expect("a file"));
    Said::of(&mut command).says(3, &["is the recording itself"]);
    assert!(desk.contents() == before, "something was touched");
}

#[test]
fn other_files_stay_until_it_is_said_that_they_may_go() {
    let desk = Desk::new();
    desk.put("hum.wav", hum());
    let lyrics = desk.put("mine/lyrics.txt", b"words of my own");
    desk.put("mine/melody.mid", b"a tune of my own");
    desk.put("mine/notes.txt", b"something else");
    let arguments = with(song("hum.wav"), &["--out", "mine"]);
    refused(&desk, &arguments, &["mine already has lyrics.txt, melody.mid;", "--overwrite", "--out"]);
    desk.run(&with(arguments, &["--overwrite"])).expect(0);
    assert_ne!(fs::read(lyrics).expect("lyrics"), b"words of my own");
    assert_eq!(fs::read(desk.path("mine/notes.txt")).expect("notes"), b"something else");
    let leftovers = desk.contents().keys().filter(|name| name.to_string_lossy().contains(".part")).count();
    assert_eq!(leftovers, 0);
}

#[test]
fn singing_again_without_a_folder_makes_another_one() {
    let desk = Desk::new();
    desk.put("hum.wav", hum());
    let arguments = with(vec!["--json"], &song("hum.wav"));
    let first = desk.run(&arguments).json();
    assert_eq!(first["files"][0], "hum-song/vocals.mp3");
    let before = desk.contents();
    let second = desk.run(&arguments).json();
    assert_eq!(second["files"][0], "hum-song-2/vocals.mp3");
    for (name, contents) in &before {
        assert!(desk.contents().get(name) == Some(contents), "{} changed", name.display());
    }
    let third = desk.run(&with(arguments, &["--overwrite"])).json();
    assert_eq!(third["files"][0], "hum-song/vocals.mp3", "--overwrite takes the first one again");
    assert!(!desk.path("hum-song-3").exists());
}

#[test]
fn a_folder_that_cannot_be_one_is_refused_at_once() {
    let desk = Desk::new();
    desk.put("hum.wav", hum());
    desk.put("file", b"no folder");
    fs::create_dir_all(desk.path("odd/vocals.wav")).expect("a folder");
    for (out, word) in [("file", "file is no folder"), ("file/below", "file is no folder"), ("odd", "already has")] {
        refused(&desk, &with(song("hum.wav"), &["--out", out]), &[word, "--out"]);
    }
    refused(&desk, &with(song("hum.wav"), &["--out", "odd", "--overwrite"]), &["odd/vocals.wav is a folder"]);
}

#[test]
fn what_is_refused_leaves_no_folder() {
    let desk = Desk::new();
    desk.put("noise.wav", b"this is no sound at all, whatever its name says");
    refused(&desk, &with(song("noise.wav"), &["--out", "a/b"]), &["noise.wav was refused"]);
}

#[test]
fn a_sample_replaces_nothing_either() {
    let desk = Desk::new();
    desk.put("hum.wav", b"my own recording");
    symlink("hum.wav", desk.path("link.wav")).expect("a link");
    fs::create_dir_all(desk.path("folder")).expect("a folder");
    for name in ["hum.wav", "link.wav"] {
        refused(&desk, &["sample-hum", name], &["already exists", "--overwrite"]);
    }
    refused(&desk, &["sample-hum", "folder", "--overwrite"], &["folder is a folder"]);
    desk.run(&["sample-hum", "link.wav", "--overwrite"]).expect(0);
    assert!(desk.path("link.wav").is_symlink(), "the link stays");
    assert!(fs::read(desk.path("hum.wav")).expect("a file").starts_with(b"RIFF"), "what it points to was replaced");
    // A device is written to, and stays what it is.
    desk.run(&["sample-hum", "/dev/null"]).expect(0);
    assert!(!fs::metadata("/dev/null").expect("a device").is_file());
}

#[test]
fn files_are_as_readable_as_any_other() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    desk.run(&["sample-hum", "hum.wav"]).expect(0);
    let usual = desk.put("usual", b"");
    let mode = |path| fs::metadata(path).expect("a file").permissions().mode();
    assert_eq!(mode(desk.path("hum.wav")), mode(usual));
    assert!(desk.run(&["sing", "hum.wav", "--prompt", PROMPT, "--out", "/dev/null/song"]).code == 3);
}
