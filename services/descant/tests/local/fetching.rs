//! What the client commands fetch is whole or not there, and replaces nothing unasked.

use std::fs;

use crate::{
    desk::{Desk, PROMPT, Said, hum},
    front::{Artifact, Front, JOB},
};

fn result() -> Vec<Artifact> {
    vec![
        Artifact::new("A song.mp3", b"sound"),
        Artifact::new("vocals.wav", b"more sound"),
        Artifact::new("lyrics.txt", b"La la la"),
    ]
}

fn ask(desk: &Desk, front: &Front, arguments: &[&str]) -> Said {
    Said::of(desk.descant(arguments).env("DESCANT_SERVER", front.url()))
}

#[test]
fn a_result_is_fetched_once_and_again_only_when_asked_for() {
    let (desk, front) = (Desk::new(), Front::new(result()));
    let said = ask(&desk, &front, &["download", JOB, "--out", "song"]);
    assert_eq!(String::from_utf8_lossy(&said.expect(0).out), "song/A song.mp3\nsong/vocals.wav\nsong/lyrics.txt\n");
    desk.put("song/lyrics.txt", b"my corrections");
    let before = desk.contents();
    let again = ask(&desk, &front, &["download", JOB, "--out", "song"]);
    again.says(3, &["song already has A song.mp3, vocals.wav, lyrics.txt;", "--overwrite"]);
    assert!(desk.contents() == before, "something was touched");
    let json = ask(&desk, &front, &["--json", "download", JOB, "--out", "song", "--overwrite"]).json();
    assert_eq!(json["files"].as_array().map(Vec::len), Some(3), "{json}");
    assert_eq!(fs::read(desk.path("song/lyrics.txt")).expect("lyrics"), b"La la la");
}

#[test]
fn submit_replaces_neither_the_recording_nor_anything_else() {
    let (desk, front) = (Desk::new(), Front::new(result()));
    desk.put("vocals.wav", hum());
    let submit = ["submit", "vocals.wav", "--prompt", PROMPT, "--out", "."];
    let before = desk.contents();
    // Which names the server has for its files is only known once it has made them. The song is not lost.
    for arguments in [&submit[..], &[&submit[..], &["--overwrite"]].concat()] {
        let said = ask(&desk, &front, arguments);
        said.says(3, &["vocals.wav is the recording itself", &format!("descant download {JOB}")]);
        assert!(desk.contents() == before, "something was touched");
    }
    // What every song has is known before.
    desk.put("other/lyrics.txt", b"mine");
    let unreachable = ["submit", "vocals.wav", "--prompt", PROMPT, "--out", "other", "--server", "http://127.0.0.1:1"];
    desk.run(&unreachable).says(3, &["other already has lyrics.txt;"]);
    ask(&desk, &front, &["submit", "vocals.wav", "--prompt", PROMPT, "--out", "new"]).expect(0);
    assert_eq!(fs::read(desk.path("new/vocals.wav")).expect("a file"), b"more sound");
}

#[test]
fn half_a_result_is_none() {
    for size_bytes in [3, 500] {
        let mut artifacts = result();
        artifacts[2].size_bytes = size_bytes;
        let (desk, front) = (Desk::new(), Front::new(artifacts));
        ask(&desk, &front, &["download", JOB, "--out", "a/b"])
            .says(1, &["lyrics.txt cannot be fetched", "than it said"]);
        assert!(desk.contents().is_empty(), "neither files nor folders stay: {:?}", desk.contents().keys());
    }
}

#[test]
fn the_servers_names_stay_in_the_folder() {
    let artifacts = vec![
        Artifact::new("../../escape.txt", b"1"),
        Artifact::new("..", b"2"),
        Artifact::new(".bashrc", b"3"),
        Artifact::new("same", b"4"),
        Artifact::new("same", b"5"),
        Artifact::new("two\nlines", b"6"),
    ];
    let (desk, front) = (Desk::new(), Front::new(artifacts));
    ask(&desk, &front, &["download", JOB, "--out", "song"]).expect(0);
    let names: Vec<String> = desk.contents().keys().map(|name| name.display().to_string()).collect();
    let expected =
        ["song", "song/5-same", "song/_.._escape.txt", "song/bashrc", "song/result", "song/same", "song/two_lines"];
    assert_eq!(names, expected);
}

#[test]
fn a_reader_that_has_gone_ends_following_too() {
    let (desk, front) = (Desk::new(), Front::new(result()));
    for arguments in ["status", "watch", "--json watch", "download --out song"] {
        let line = format!("exec 3> >(exec true); wait $!; descant {arguments} {JOB} >&3");
        let said = Said::of(desk.bash(&line).env("DESCANT_SERVER", front.url()));
        assert_eq!(said.expect(141).err, "", "{arguments}");
    }
}
