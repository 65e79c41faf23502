//! The task `demo`: from a fresh clone to a blend of three songs, to a song of a sentence, and to a hum that became a whole song.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    packages::{self, Consent, Purpose},
    workspace,
};

const FOLDER: &str = "descant-demo";

/// What is composed.
const SENTENCE: &str = "a calm bossa nova with flute";

/// What the demo makes.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Made {
    /// A hummed tune becomes a song with lyrics, a voice and a band
    Song,
    /// Three songs become one
    Blend,
    /// A sentence becomes a track
    Composition,
}

/// Builds and makes what is asked for; without a choice all three, the hummed song last.
pub fn run(only: Option<Made>, prompt: &str, consent: &Consent) -> Result<()> {
    packages::ensure(Purpose::Build, consent)?;
    println!("building (a few minutes the first time; the parts that work on sound are optimised in this build too)");
    workspace::run("cargo build", &mut workspace::cargo(&["build", "--package", "descant"]))?;
    let folder = workspace::root().join(FOLDER);
    fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    let demo = Demo { descant: workspace::built("debug")?.join("descant"), folder };
    let is_wanted = |made| only.is_none_or(|only| only == made);
    let mut told = Vec::new();
    let mut listen_to = None;
    if is_wanted(Made::Blend) {
        listen_to = Some(demo.blend(&mut told)?);
    }
    if is_wanted(Made::Composition) {
        listen_to = Some(demo.compose(&mut told)?);
    }
    if is_wanted(Made::Song) {
        listen_to = Some(demo.sing(prompt, &mut told)?);
    }
    println!();
    for (what, path, note) in told {
        println!("{what:<13}{} ({note})", path.display());
    }
    if let Some(song) = listen_to {
        println!("{:<13}{} {}", "Listen:", opener(), song.display());
    }
    Ok(())
}

/// Files that were made: what they are, where they are, and a note.
type Told = Vec<(&'static str, PathBuf, &'static str)>;

struct Demo {
    descant: PathBuf,
    folder: PathBuf,
}

impl Demo {
    fn call(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.descant);
        command.current_dir(workspace::root()).args(arguments);
        command
    }

    /// A hum, and the song that it becomes.
    fn sing(&self, prompt: &str, told: &mut Told) -> Result<PathBuf> {
        let hum = self.folder.join("hum.wav");
        println!("humming the beginning of the Ode to Joy (Beethoven, public domain)");
        workspace::run("descant sample-hum", self.call(&["sample-hum", "--overwrite"]).arg(&hum))?;
        println!("singing it with a band: descant sing hum.wav --prompt \"{prompt}\" --backing band");
        // The folder is the demo's own: a second demo takes the place of the first.
        let mut sing = self.call(&["sing", "--prompt", prompt, "--backing", "band", "--overwrite", "--out"]);
        workspace::run("descant sing", sing.arg(&self.folder).arg(&hum))?;
        told.push(("The song:", self.folder.join("song.mp3"), "a voice and its band"));
        told.push(("The melody:", self.folder.join("melody.svg"), "the picture of what was heard and sung"));
        told.push(("The lyrics:", self.folder.join("lyrics.txt"), "as they are sung"));
        Ok(self.folder.join("song.mp3"))
    }

    /// Three songs, and one that is made of them.
    fn blend(&self, told: &mut Told) -> Result<PathBuf> {
        let (songs, out) = (self.folder.join("songs"), self.folder.join("blend"));
        println!("writing three songs (Descant's own, public domain), and blending them: descant blend songs/*.mid");
        workspace::run("descant sample-songs", self.call(&["sample-songs"]).arg(&songs).arg("--overwrite"))?;
        let mut blend = self.call(&["blend", "--seed", "4", "--overwrite", "--out"]);
        blend.arg(&out);
        blend.args(["harbour-morning.mid", "tin-roof-reel.mid", "lantern-walk.mid"].map(|name| songs.join(name)));
        workspace::run("descant blend", &mut blend)?;
        told.push(("The blend:", song_in(&out), "three songs in one"));
        told.push(("From where:", out.join("provenance.svg"), "which song plays in which bar"));
        Ok(song_in(&out))
    }

    /// A song of a sentence.
    fn compose(&self, told: &mut Told) -> Result<PathBuf> {
        let out = self.folder.join("composition");
        println!("making a song of a sentence: descant compose \"{SENTENCE}\" --length 45s");
        let mut compose = self.call(&["compose", SENTENCE, "--length", "45s", "--seed", "4", "--overwrite", "--out"]);
        workspace::run("descant compose", compose.arg(&out))?;
        told.push(("Composed:", song_in(&out), "of one sentence"));
        told.push(("Its picture:", out.join("song.svg"), "sections, chords and notes"));
        Ok(song_in(&out))
    }
}

fn song_in(folder: &Path) -> PathBuf {
    folder.join("song.mp3")
}

fn opener() -> &'static str {
    let players = ["xdg-open", "open", "mpv", "ffplay"];
    players.into_iter().find(|program| workspace::in_path(program).is_some()).unwrap_or("any music player, with")
}
