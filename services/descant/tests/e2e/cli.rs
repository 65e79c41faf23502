//! The command line: a song without a server, and the commands that talk to one.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Deployment, Flavour, Submission, User, binary, hum, long_hum, shared, wav};

const PROMPT: &str = "A quiet song about rivers that find the sea";

/// A place with recordings to work in.
struct Desk {
    folder: TempDir,
}

/// What a command said, and how it ended.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    #[track_caller]
    fn expect(&self, code: i32) -> &str {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        &self.out
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(self.expect(0)).unwrap_or_else(|why| panic!("no JSON ({why}): {}", self.out))
    }
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: TempDir::new().expect("a temporary folder can be made") };
        std::fs::write(desk.path("hum.wav"), hum().wav()).expect("a recording can be written");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Said {
        let mut command = Command::new(binary("descant"));
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.envs(
            ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"]
                .iter()
                .filter_map(|name| Some((name, std::env::var(name).ok()?))),
        );
        command.envs(environment.iter().copied());
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic");
        let Output { status, stdout, stderr } = output.expect("the command starts");
        Said {
            code: status.code().expect("the command ends by itself"),
            out: String::from_utf8(stdout).expect("text"),
            err: String::from_utf8(stderr).expect("text"),
        }
    }

    /// A client command as a user of a deployment.
    async fn ask(&self, deployment: &Deployment, user: &User, arguments: &[&str]) -> Said {
        let (server, token) = (deployment.front_url(), user.token().unwrap_or_default());
        self.run(arguments, &[("DESCANT_SERVER", &server), ("DESCANT_TOKEN", token)]).await
    }
}

fn exists_with_content(path: &Path) {
    let size = std::fs::metadata(path).unwrap_or_else(|why| panic!("{}: {why}", path.display())).len();
    assert!(size > 0, "{} is empty", path.display());
}

#[tokio::test]
async fn sing_needs_no_server() {
    let desk = Desk::new();
    let said = desk
        .run(&["sing", "hum.wav", "--prompt", PROMPT, "--genre", "folk", "--mood", "calm", "--seed", "5"], &[])
        .await;
    let out = said.expect(0);
    assert!(out.contains("hum-song/vocals.mp3"), "it says where the song is: {out}");
    for name in ["vocals.mp3", "vocals.wav", "lyrics.txt", "melody.mid", "melody.musicxml", "melody.svg", "report.json"]
    {
        exists_with_content(&desk.path("hum-song").join(name));
    }
    let report: Value =
        serde_json::from_slice(&std::fs::read(desk.path("hum-song/report.json")).expect("a report")).expect("JSON");
    assert_eq!(report["passed"], true, "{report}");
    assert!(report["quality"]["pitch_within_50_cents"].as_f64() >= Some(0.85), "{report}");
    assert!(report["melody"]["notes"].as_u64() >= Some(10), "{report}");
    let wav = std::fs::File::open(desk.path("hum-song/vocals.wav")).expect("a WAV");
    let audio = media::decode(wav, &media::Bounds::for_duration(60.0)).expect("it decodes");
    let loudness = media::measure_loudness(&audio.samples, audio.sample_rate_hz, audio.channels);
    assert!(loudness.integrated_lufs.is_some_and(|lufs| (lufs + 16.0).abs() <= 1.0), "{loudness:?}");

    // The same again as JSON, somewhere else: the same song.
    let said = desk
        .run(
            &[
                "--json",
                "sing",
                "hum.wav",
                "--prompt",
                PROMPT,
                "--genre",
                "folk",
                "--mood",
                "calm",
                "--seed",
                "5",
                "--out",
                "again/here",
            ],
            &[],
        )
        .await;
    let json = said.json();
    assert_eq!((&json["success"], json["files"].as_array().map(Vec::len)), (&true.into(), Some(7)), "{json}");
    for name in ["vocals.wav", "lyrics.txt", "melody.mid"] {
        let (one, other) =
            (std::fs::read(desk.path("hum-song").join(name)), std::fs::read(desk.path("again/here").join(name)));
        assert!(one.expect("a file") == other.expect("a file"), "{name} differs");
    }
}

#[tokio::test]
async fn sing_says_what_it_cannot_sing() {
    let desk = Desk::new();
    std::fs::write(desk.path("silence.wav"), wav(&vec![0.0; 3 * 44_100], 44_100)).expect("a recording can be written");
    std::fs::write(desk.path("letter.mp3"), "Dear reader, this is no sound. ".repeat(40))
        .expect("a file can be written");
    let vulgar = format!("a song that says {} twice", String::from_utf8(vec![115, 104, 105, 116]).expect("ASCII"));
    for (what, recording, prompt, code, word) in [
        ("listed word", "hum.wav", vulgar.as_str(), 3, "vulgar"),
        ("missing file", "nothing.wav", PROMPT, 3, "nothing.wav"),
        ("bad prompt", "hum.wav", "short", 3, "prompt"),
        ("silence", "silence.wav", PROMPT, 3, "silent"),
        ("no audio", "letter.mp3", PROMPT, 3, "letter.mp3"),
    ] {
        let said = desk.run(&["sing", recording, "--prompt", prompt, "--out", "out"], &[]).await;
        said.expect(code);
        assert!(said.err.contains(word), "{what}: {}", said.err);
        assert!(!desk.path("out").exists(), "{what} leaves nothing");
        let said = desk.run(&["--json", "sing", recording, "--prompt", prompt, "--out", "out"], &[]).await;
        said.expect(code);
        let error: Value = serde_json::from_str(said.err.trim()).unwrap_or_else(|why| panic!("{why}: {}", said.err));
        assert_eq!((&error["success"], &error["exitCode"]), (&false.into(), &code.into()), "{what}: {error}");
    }
    for (flag, value) in [("--seed", "9007199254740992"), ("--genre", "fo\u{7}lk"), ("--voice", "bob")] {
        let said = desk.run(&["sing", "hum.wav", "--prompt", PROMPT, flag, value], &[]).await;
        said.expect(3);
        assert!(said.err.contains(&format!("{flag}: expected ")), "it names the flag: {}", said.err);
    }
    desk.run(&["sing", "hum.wav"], &[]).await.expect(2);
    desk.run(&["dance"], &[]).await.expect(2);
    assert!(desk.run(&["--help"], &[]).await.expect(0).contains("Examples"));
}

#[tokio::test]
async fn the_client_commands_follow_a_job_through_a_server() {
    let deployment = shared(Flavour::Embedded).await;
    let (desk, user) = (Desk::new(), deployment.user());
    let submit = ["--json", "submit", "hum.wav", "--prompt", PROMPT, "--idempotency-key", "one"];
    let accepted = desk.ask(&deployment, &user, &submit).await.json();
    let job = accepted["jobId"].as_str().expect("a job has an id");
    assert_eq!(desk.ask(&deployment, &user, &submit).await.json()["jobId"], job, "a repeat is the same job");

    let watched = desk.ask(&deployment, &user, &["watch", job]).await;
    assert!(watched.expect(0).contains("listen:"), "{}", watched.out);
    let status = desk.ask(&deployment, &user, &["--json", "status", job]).await.json();
    assert_eq!(status["status"], "completed");
    let plain = desk.ask(&deployment, &user, &["status", job]).await;
    assert!(plain.expect(0).contains("completed 100%"), "{}", plain.out);

    desk.ask(&deployment, &user, &["download", job, "--out", "song"]).await.expect(0);
    for artifact in status["artifacts"].as_array().expect("files") {
        let path = desk.path("song").join(artifact["fileName"].as_str().expect("a name"));
        assert_eq!(std::fs::metadata(&path).expect("a file").len(), artifact["sizeBytes"].as_u64().unwrap_or_default());
    }
    let history = desk.ask(&deployment, &user, &["history"]).await;
    assert!(history.expect(0).contains(job), "{}", history.out);
    assert_eq!(desk.ask(&deployment, &user, &["--json", "history"]).await.json()["jobs"][0]["jobId"], job);
    let none = desk.ask(&deployment, &user, &["history", "--kind", "blend"]).await;
    assert!(!none.expect(0).contains(job), "{}", none.out);
    let quota = desk.ask(&deployment, &user, &["quota"]).await;
    assert!(quota.expect(0).contains("1 of 10"), "{}", quota.out);
    assert_eq!(desk.ask(&deployment, &user, &["--json", "quota"]).await.json()["quota"]["dailyUsed"], 1);
    desk.ask(&deployment, &user, &["cancel", job]).await.expect(1);

    let whole = desk.ask(&deployment, &user, &["submit", "hum.wav", "--prompt", PROMPT, "--out", "whole"]).await;
    whole.expect(0);
    assert!(std::fs::read_dir(desk.path("whole")).expect("a folder").count() >= 6);
}

#[tokio::test]
async fn the_client_commands_tell_failures_apart() {
    let deployment = shared(Flavour::Embedded).await;
    let (desk, user) = (Desk::new(), deployment.user());
    std::fs::write(desk.path("silence.wav"), wav(&vec![0.0; 3 * 44_100], 44_100)).expect("a recording can be written");
    std::fs::write(desk.path("noise.wav"), wav(&noise(), 44_100)).expect("a recording can be written");
    desk.ask(&deployment, &user, &["submit", "nothing.wav", "--prompt", PROMPT]).await.expect(3);
    let silent = desk.ask(&deployment, &user, &["submit", "silence.wav", "--prompt", PROMPT]).await;
    silent.expect(3);
    assert!(silent.err.contains("silent"), "{}", silent.err);
    desk.ask(&deployment, &user, &["submit", "hum.wav", "--prompt", "short"]).await.expect(3);
    desk.ask(&deployment, &user, &["status", "no-id"]).await.expect(3);
    desk.ask(&deployment, &user, &["status", &uuid::Uuid::now_v7().to_string()]).await.expect(3);
    desk.ask(&deployment, &user.bearing(Some("wrong".to_owned())), &["quota"]).await.expect(3);
    let away = desk.run(&["quota", "--server", "http://127.0.0.1:1"], &[]).await;
    away.expect(4);
    assert!(away.err.contains("descant serve"), "it says what to do: {}", away.err);
    desk.ask(&deployment, &user, &["submit", "noise.wav", "--prompt", PROMPT, "--watch"]).await.expect(5);

    let submission = Submission::of("long.wav", long_hum(120.0).wav());
    let job = User::accepted(&user.submit(&submission).await);
    let cancelled = desk.ask(&deployment, &user, &["cancel", &job]).await;
    assert!(cancelled.expect(0).contains("cancel"), "{}", cancelled.out);
    desk.ask(&deployment, &user, &["watch", &job]).await.expect(6);
}

/// Two seconds without any pitch.
fn noise() -> Vec<f32> {
    let mut state = 1u32;
    (0..2 * 44_100)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        })
        .collect()
}

#[tokio::test]
async fn a_sample_to_try_things_out_with_is_made_here() {
    let desk = Desk::new();
    desk.run(&["sample-hum", "made/ode.wav"], &[]).await.expect(0);
    exists_with_content(&desk.path("made/ode.wav"));
    let secret = crate::harness::SECRET;
    let token = desk.run(&["token", "--user", "somebody"], &[("DESCANT_AUTH__SECRET", secret)]).await;
    assert_eq!(token.expect(0).trim().split('.').count(), 3);
    desk.run(&["token"], &[]).await.expect(3);
}
