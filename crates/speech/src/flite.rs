//! CMU flite (A. Black, K. Lenzo, "Flite: a small fast run-time synthesis engine", ISCA SSW4, 2001).

use std::{
    fs,
    hash::{DefaultHasher, Hasher},
    io::{self, Read},
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use voice::{Speaker, SpeechError, SpokenWord, Utterance, Voice};

use crate::{
    SpeechFailure, child,
    script::{self, Script},
    wav,
};

const PROGRAM: &str = "flite";
/// What a line may weigh: a minute of 48 kHz.
const MOST_FILE_BYTES: u64 = 6 * 1024 * 1024;

/// An installed flite.
#[derive(Debug, Clone)]
pub struct Flite {
    program: PathBuf,
    voices: Vec<Voice>,
}

impl Flite {
    /// The flite on the search path, if there is one that works and has a voice.
    pub fn find() -> Option<Self> {
        let folders = std::env::var_os("PATH")?;
        let program = std::env::split_paths(&folders).map(|folder| folder.join(PROGRAM)).find(|path| path.is_file())?;
        Self::at(&program).ok()
    }

    /// The flite at a path.
    ///
    /// # Errors
    /// When it cannot be run or has none of the voices that can sing.
    pub fn at(program: &Path) -> Result<Self, SpeechFailure> {
        let folder = private_folder()?;
        let printed = child::run(program, &["-lv"], folder.path())?;
        let names: Vec<&str> = printed.split_whitespace().collect();
        let voices: Vec<Voice> = Voice::SPOKEN.into_iter().filter(|voice| names.contains(&voice.as_str())).collect();
        if voices.is_empty() {
            return Err(SpeechFailure::Output(format!(
                "it has no voice of {}",
                Voice::SPOKEN.map(Voice::as_str).join(", ")
            )));
        }
        Ok(Self { program: program.to_owned(), voices })
    }

    /// What a spoken line follows from beside the words: the program's content, where it is installed, and its voices. The
    /// content is read because flite says no version that changes with its build.
    ///
    /// # Errors
    /// When the program cannot be read.
    pub fn identity(&self) -> Result<String, SpeechFailure> {
        let mut hash = DefaultHasher::new();
        let mut file = fs::File::open(&self.program)?;
        let mut chunk = vec![0; 128 * 1024];
        loop {
            match file.read(&mut chunk)? {
                0 => break,
                read => hash.write(chunk.get(..read).unwrap_or_default()),
            }
        }
        let voices = self.voices.iter().map(|voice| voice.as_str()).collect::<Vec<_>>().join(",");
        Ok(format!("flite@{}#{:016x}:{voices}", self.program.display(), hash.finish()))
    }

    /// Where it is installed.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Says words as text with the pronunciations as dictionary entries, which keeps flite's sense of rhythm; where it
    /// knows better all the same (some homographs), the words go by names that it cannot know.
    fn utter(&self, voice: Voice, words: &[SpokenWord]) -> Result<Utterance, SpeechFailure> {
        let as_spelled = self.run(voice, &Script::spelled(words)?)?;
        if script::is_as_asked(&as_spelled.phones, words, true) {
            return Ok(as_spelled);
        }
        let as_named = self.run(voice, &Script::named(words)?)?;
        if script::is_as_asked(&as_named.phones, words, false) {
            return Ok(as_named);
        }
        Err(SpeechFailure::Output("other sounds than it was asked for".into()))
    }

    fn run(&self, voice: Voice, script: &Script) -> Result<Utterance, SpeechFailure> {
        let folder = private_folder()?;
        let folder = folder.path();
        fs::write(folder.join("words.lex"), &script.lexicon)?;
        fs::write(folder.join("line.txt"), &script.text)?;
        let args = ["-voice", voice.as_str(), "-add_lex", "words.lex", "-f", "line.txt", "-psdur", "-o", "said.wav"];
        let printed = child::run(&self.program, &args, folder)?;
        let mut bytes = Vec::new();
        fs::File::open(folder.join("said.wav"))?.take(MOST_FILE_BYTES).read_to_end(&mut bytes)?;
        let (samples, sample_rate_hz) = wav::read(&bytes)?;
        let mut phones = script::read_phones(&printed)?;
        // The voice made of diphones prints the times that it meant, and its sound is some percent shorter or longer.
        let seconds = samples.len() as f64 / f64::from(sample_rate_hz.max(1));
        let meant = phones.last().map_or(0.0, |(_, end)| *end);
        if seconds > 0.0 && meant > 0.0 {
            phones.iter_mut().for_each(|(_, end)| *end *= seconds / meant);
        }
        Ok(Utterance { sample_rate_hz, samples, phones })
    }
}

/// The files of one call. They hold lyrics, and so does what flite is told: everybody on the machine can read the
/// arguments of a process and most of what lies in the folder for temporary files, so neither may hold a word of them.
fn private_folder() -> io::Result<TempDir> {
    let mut folder = tempfile::Builder::new();
    #[cfg(unix)]
    folder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    folder.tempdir()
}

impl Speaker for Flite {
    fn voices(&self) -> Vec<Voice> {
        self.voices.clone()
    }

    fn say(&self, voice: Voice, words: &[SpokenWord]) -> Result<Utterance, SpeechError> {
        if !self.voices.contains(&voice) {
            return Err(SpeechError(format!("{} has no voice {voice}", self.program.display())));
        }
        self.utter(voice, words).map_err(|failure| SpeechError(failure.to_string()))
    }
}
