//! Names that are not UTF-8, and paths that lead to no recording.

use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::ffi::{OsStrExt, OsStringExt},
};

use crate::{
    desk::{Desk, PROMPT, Said, hum, song},
    front::Front,
};

/// "über.wav" as an old file system has it, in Latin-1.
const LATIN_1: &[u8] = b"\xfcber.wav";

#[test]
fn a_name_need_not_be_utf_8() {
    let desk = Desk::new();
    let name = OsStr::from_bytes(LATIN_1);
    desk.put(name, hum());
    let mut arguments: Vec<OsString> = song("").into_iter().map(OsString::from).collect();
    arguments[1] = name.to_owned();
    let said = Said::of(&mut desk.descant(&arguments));
    let folder = OsStr::from_bytes(b"\xfcber-song");
    assert!(desk.path(folder).join("vocals.wav").is_file(), "its folder has the same bytes");
    let path = b"\xfcber-song/vocals.mp3";
    let told = said.expect(0).out.windows(path.len()).any(|told| told == path);
    assert!(told, "what is printed is the path: {}", String::from_utf8_lossy(&said.out));

    arguments.extend([OsString::from("--out"), OsString::from_vec(b"f\xfcr mich".to_vec()), "--json".into()]);
    Said::of(&mut desk.descant(&arguments)).json();
    assert!(desk.path(OsStr::from_bytes(b"f\xfcr mich")).join("vocals.wav").is_file());
}

#[test]
fn submit_sends_any_name_as_well_as_text_can_say_it() {
    for (name, sent_as) in [
        (LATIN_1, "filename=\"\u{fffd}ber.wav\""),
        ("Grüße ♪.wav".as_bytes(), "filename=\"Grüße ♪.wav\""),
        (b"two\r\nlines: x.wav", "filename=\"two__lines: x.wav\""),
        (b"-", "filename=\"-\""),
    ] {
        let desk = Desk::new();
        desk.put(OsStr::from_bytes(name), hum());
        let front = Front::new(Vec::new());
        let path = OsStr::from_bytes(&[b"./", name].concat()).to_owned();
        let mut command = desk.descant([OsStr::new("submit"), &path, OsStr::new("--prompt"), OsStr::new(PROMPT)]);
        Said::of(command.env("DESCANT_SERVER", front.url())).expect(0);
        let sent = front.received();
        let found = sent.windows(sent_as.len()).any(|window| window == sent_as.as_bytes());
        assert!(found, "no {sent_as} in: {}", String::from_utf8_lossy(&sent[..sent.len().min(3000)]));
        assert!(sent.windows(hum().len()).any(|window| window == hum()), "the recording arrived");
    }
}

#[test]
fn a_path_to_no_recording_is_told_apart_and_says_what_to_do() {
    let desk = Desk::new();
    desk.put("empty.wav", b"");
    fs::create_dir_all(desk.path("folder")).expect("a folder");
    std::os::unix::fs::symlink("gone.wav", desk.path("dangling.wav")).expect("a link");
    for (path, words) in [
        ("nothing.wav", ["there is no file nothing.wav", "check its name"]),
        ("no/where.wav", ["there is no file no/where.wav", "check its name"]),
        ("dangling.wav", ["there is no file dangling.wav", "check its name"]),
        ("folder", ["folder is a folder", "name one recording"]),
        ("empty.wav", ["empty.wav is empty", "once more"]),
    ] {
        desk.run(&song(path)).says(3, &words);
        desk.run(&["submit", path, "--prompt", PROMPT, "--server", "http://127.0.0.1:1"]).says(3, &words);
    }
}

#[test]
fn a_very_long_name_still_has_a_folder() {
    let desk = Desk::new();
    // 253 bytes, the last character before the cut two bytes wide.
    let name = format!("x{}.wav", "ü".repeat(124));
    desk.put(&name, hum());
    desk.run(&song(&name)).expect(0);
    let folder = format!("x{}-song", "ü".repeat(99));
    assert!(desk.path(folder).join("vocals.wav").is_file());
}

#[test]
fn a_data_folder_whose_name_cannot_be_a_setting_is_refused() {
    let desk = Desk::new();
    let folder = OsStr::from_bytes(b"d\xe4ten");
    let mut command = desk.descant([OsStr::new("serve"), OsStr::new("--data-dir"), folder]);
    Said::of(&mut command).says(2, &["--data-dir", "UTF-8"]);
    assert!(desk.contents().is_empty(), "no folder of another name was made");
}
