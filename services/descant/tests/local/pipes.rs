//! Recordings that come through pipes, and output whose reader has gone or whose disk is full.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use crate::{
    desk::{Desk, PROMPT, Said, hum, song},
    front::Front,
};

#[test]
fn a_recording_may_come_through_a_pipe() {
    let desk = Desk::new();
    desk.put("hum.wav", hum());
    let sing =
        |recording: &str| format!("descant --json sing {recording} --voice formant --seed 5 --prompt '{PROMPT}'");
    for line in [
        format!("cat hum.wav | {}", sing("- --out out0")),
        format!("cat hum.wav | {}", sing("/dev/stdin --out out1")),
        sing("<(cat hum.wav) --out out2"),
        format!("{} < hum.wav", sing("- --out out3")),
        format!("{{ head -c 100; {}; }} < <(head -c 100 hum.wav; cat hum.wav)", sing("- --out out4 2>&1 >&3")),
    ] {
        let line = format!("exec 3>&1; {line}");
        Said::of(&mut desk.bash(&line)).expect(0);
    }
    let songs = (0..5).map(|number| fs::read(desk.path(format!("out{number}/vocals.wav"))).expect("a song"));
    let songs: Vec<Vec<u8>> = songs.collect();
    assert!(songs.windows(2).all(|pair| pair[0] == pair[1]), "the way it came in makes no difference");
}

#[test]
fn a_song_from_a_pipe_has_a_folder_too() {
    let desk = Desk::new();
    let fifo = desk.path("tune.wav");
    Said::of(&mut desk.bash("mkfifo tune.wav")).expect(0);
    let writer = std::thread::spawn(move || {
        let mut pipe = OpenOptions::new().write(true).open(fifo).expect("somebody reads");
        pipe.write_all(hum()).expect("somebody reads");
    });
    desk.run(&song("tune.wav")).expect(0);
    writer.join().expect("it was read");
    assert!(desk.path("tune-song/vocals.wav").is_file(), "a named pipe has a name");
    desk.put("hum.wav", hum());
    let sing = format!("descant sing <(cat hum.wav) --voice formant --prompt '{PROMPT}'");
    Said::of(&mut desk.bash(&sing)).expect(0);
    assert!(desk.path("hum-song/vocals.wav").is_file(), "the number of a descriptor is no name");
}

#[test]
fn what_comes_through_a_pipe_is_bounded_and_refused_like_a_file() {
    let desk = Desk::new();
    let from = |file: &str| {
        let mut command = desk.descant(song("-"));
        Said::of(command.stdin(File::open(file).expect("a device")))
    };
    from("/dev/zero").says(3, &["standard input has more than 50 MB"]);
    from("/dev/null").says(3, &["standard input is empty"]);
    desk.run(&song("/dev/zero")).says(3, &["/dev/zero has more than"]);
    let small = format!("descant sing - --prompt '{PROMPT}' < <(head -c 9000 /dev/zero)");
    let mut small = desk.bash(&small);
    Said::of(small.env("DESCANT_AUDIO__MAX_SIZE_BYTES", "5000")).says(3, &["has more than"]);
    assert!(desk.contents().is_empty(), "nothing was made");
}

#[test]
fn a_folder_in_the_way_is_refused_before_the_pipe_is_waited_for() {
    let desk = Desk::new();
    desk.put("out/vocals.wav", b"mine");
    let mut command = desk.descant(song("-"));
    let mut child =
        command.args(["--out", "out"]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    // Its end of the pipe stays open: somebody is still humming. It would hang here if it waited for them.
    let humming = child.stdin.take();
    assert_eq!(child.wait().expect("it ends").code(), Some(3));
    drop(humming);
}

#[test]
fn submitting_from_a_pipe_sends_all_of_it() {
    let desk = Desk::new();
    desk.put("hum.wav", hum());
    for recording in ["- < <(cat hum.wav)", "<(cat hum.wav)", "/dev/stdin < <(cat hum.wav)", "- < hum.wav"] {
        let front = Front::new(Vec::new());
        let line = format!("descant submit --prompt '{PROMPT}' {recording}");
        Said::of(desk.bash(&line).env("DESCANT_SERVER", front.url())).expect(0);
        let sent = front.received();
        assert!(sent.windows(hum().len()).any(|window| window == hum()), "{recording}: {} bytes", sent.len());
    }
    let mut empty = desk.descant(["submit", "-", "--prompt", PROMPT]);
    Said::of(&mut empty).says(3, &["standard input is empty"]);
}

/// Each command that prints something without a server.
const TALKATIVE: [&str; 6] = [
    "--help",
    "sing --help",
    "models list",
    "--json models list",
    "token --user somebody",
    "sample-hum --overwrite hum.wav",
];

#[test]
fn a_reader_that_has_gone_ends_a_command_quietly() {
    let desk = Desk::new();
    desk.put("hum.wav", hum());
    let sing = format!("sing hum.wav --voice formant --prompt '{PROMPT}'");
    let json = format!("--json {sing}");
    for arguments in TALKATIVE.into_iter().chain([sing.as_str(), &json]) {
        // The reader is gone for certain before the command starts.
        let line = format!("exec 3> >(exec true); wait $!; descant {arguments} >&3");
        let said = Said::of(desk.bash(&line).env("DESCANT_AUTH__SECRET", SECRET));
        assert_eq!((said.expect(141).err.as_str(), said.out.len()), ("", 0), "{arguments}");
    }
    assert!(desk.path("hum-song-2/vocals.wav").is_file(), "both songs were made");
}

#[test]
fn a_full_disk_is_an_error_that_is_told() {
    let desk = Desk::new();
    desk.put("hum.wav", hum());
    let json = format!("--json sing hum.wav --voice formant --prompt '{PROMPT}'");
    for arguments in TALKATIVE.into_iter().chain(["sample-hum -", json.as_str()]) {
        let line = format!("descant {arguments} > /dev/full");
        Said::of(desk.bash(&line).env("DESCANT_AUTH__SECRET", SECRET)).says(1, &["cannot be written", "No space left"]);
    }
}

#[test]
fn an_error_that_nobody_can_read_keeps_its_code() {
    let desk = Desk::new();
    for (arguments, code) in [("sing nothing.wav --prompt short", 3), ("dance", 2), ("status no-id", 3)] {
        for to in ["2> /dev/full", "2>&1 >/dev/null | true; exit ${PIPESTATUS[0]}"] {
            let line = format!("descant {arguments} {to}");
            Said::of(&mut desk.bash(&line)).expect(code);
        }
    }
}

#[test]
fn a_server_serves_whether_or_not_its_address_is_read() {
    let desk = Desk::new();
    let line = format!("exec 3> >(exec true); wait $!; exec '{}' serve --port 0 >&3", env!("CARGO_BIN_EXE_descant"));
    let mut server = desk.bash(&line).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut logs = String::new();
    for line in BufReader::new(server.stderr.take().expect("a pipe")).lines() {
        let line = line.expect("text");
        if line.contains("service is ready") && line.contains("gateway") {
            let asked = Command::new("kill").arg(server.id().to_string()).status();
            assert!(asked.is_ok_and(|status| status.success()), "it can be asked to stop");
        }
        logs += &format!("{line}\n");
    }
    assert_eq!(server.wait().expect("it ends").code(), Some(0), "{logs}");
    assert!(!logs.contains("panicked"), "{logs}");
}

#[test]
fn a_sample_goes_into_a_pipe_alone() {
    let desk = Desk::new();
    for arguments in ["sample-hum -", "--json sample-hum -", "sample-hum /dev/stdout"] {
        let said = Said::of(&mut desk.bash(&format!("descant {arguments} | cat")));
        assert!(said.expect(0).out.starts_with(b"RIFF"), "{arguments}");
        let declared = u32::from_le_bytes(said.out[4..8].try_into().expect("four bytes")) as usize + 8;
        assert_eq!(said.out.len(), declared, "{arguments}: the sound and nothing else");
    }
    desk.run(&["sample-hum", "kept.wav"]).expect(0);
    assert!(fs::read(desk.path("kept.wav")).expect("a file").starts_with(b"RIFF"));
}

/// Long enough to sign with.
const SECRET: &str = "a secret that only these tests know, 0123456789";
