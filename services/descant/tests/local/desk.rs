//! A folder to work in, and commands run in it.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use media::{Encoding, Tags};
use serde_json::Value;
use tempfile::TempDir;

pub const PROMPT: &str = "A quiet song about rivers that find the sea";

pub struct Desk {
    folder: TempDir,
}

/// How a command ended, and what it said.
pub struct Said {
    pub code: i32,
    pub out: Vec<u8>,
    pub err: String,
}

impl Desk {
    pub fn new() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder can be made") }
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn put(&self, name: impl AsRef<Path>, contents: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
        fs::write(&path, contents).expect("a file can be written");
        path
    }

    /// Everything in the folder: names below it and contents (`None` for what is no file).
    pub fn contents(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        fn visit(folder: &Path, root: &Path, found: &mut BTreeMap<PathBuf, Option<Vec<u8>>>) {
            for entry in fs::read_dir(folder).expect("a folder can be read") {
                let path = entry.expect("an entry can be read").path();
                let is_file = path.is_file();
                let name = path.strip_prefix(root).expect("it is below").to_owned();
                found.insert(name, is_file.then(|| fs::read(&path).expect("a file can be read")));
                if path.is_dir() {
                    visit(&path, root, found);
                }
            }
        }
        let mut found = BTreeMap::new();
        visit(self.folder.path(), self.folder.path(), &mut found);
        found
    }

    /// `descant` with these arguments, in this folder, with nothing in its environment that could be a setting.
    pub fn descant(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        self.prepared(Command::new(env!("CARGO_BIN_EXE_descant")), arguments)
    }

    /// A line for bash, in which `descant` is the one under test.
    pub fn bash(&self, line: &str) -> Command {
        let line = format!("descant() {{ '{}' \"$@\"; }}\n{line}", env!("CARGO_BIN_EXE_descant"));
        self.prepared(Command::new("bash"), ["-c", &line])
    }

    fn prepared(&self, mut command: Command, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let inherited = ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "RUST_BACKTRACE", "LLVM_PROFILE_FILE"];
        let inherited = inherited.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        command.args(arguments).current_dir(self.folder.path()).env_clear().envs(inherited).stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        Said::of(&mut self.descant(arguments))
    }
}

impl Said {
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().expect("the command starts");
        Self {
            code: output.status.code().unwrap_or_else(|| panic!("it ended by {}", output.status)),
            out: output.stdout,
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub fn expect(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{}\n{}", String::from_utf8_lossy(&self.out), self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    /// Refused or failed, with these words.
    #[track_caller]
    pub fn says(&self, code: i32, words: &[&str]) {
        self.expect(code);
        for word in words {
            assert!(self.err.contains(word), "no `{word}` in: {}", self.err);
        }
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.expect(0).out).unwrap_or_else(|why| panic!("no JSON: {why}"))
    }
}

/// The arguments of a song that is quickly made.
pub fn song(recording: &str) -> Vec<&str> {
    vec!["sing", recording, "--prompt", PROMPT, "--voice", "formant", "--seed", "5"]
}

/// Two lines of a hummed tune, about eight seconds.
pub fn hum() -> &'static [u8] {
    static HUM: OnceLock<Vec<u8>> = OnceLock::new();
    HUM.get_or_init(|| {
        let tune = pitch::sample::hummed_tune();
        let samples = &tune.samples[..(8.2 * f64::from(tune.sample_rate_hz)) as usize];
        media::encode(samples, tune.sample_rate_hz, 1, Encoding::Wav16, &Tags::default()).expect("a hum can be encoded")
    })
}
