//! The task `demo`: from a fresh clone to a sung MP3, to a blend of three songs, and to a song of a sentence.

use std::fs;

use anyhow::{Context, Result};

use crate::{
    packages::{self, Consent, Purpose},
    workspace,
};

const FOLDER: &str = "descant-demo";

/// What is composed.
const SENTENCE: &str = "a calm bossa nova with flute";

/// Builds, hums and sings; then writes three songs and blends them; then makes a song of a sentence.
pub fn run(prompt: &str, consent: &Consent) -> Result<()> {
    packages::ensure(Purpose::Build, consent)?;
    println!("building (a few minutes the first time; the parts that work on sound are optimised in this build too)");
    workspace::run("cargo build", &mut workspace::cargo(&["build", "--package", "descant"]))?;
    let descant = workspace::built("debug")?.join("descant");
    let (root, folder) = (workspace::root(), workspace::root().join(FOLDER));
    fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    let hum = folder.join("hum.wav");
    let call = |arguments: &[&str]| {
        let mut command = std::process::Command::new(&descant);
        command.current_dir(&root).args(arguments);
        command
    };
    let hum = hum.to_str().context("the path of the workspace is not UTF-8")?;
    let out = folder.to_str().context("the path of the workspace is not UTF-8")?;
    println!("humming the beginning of the Ode to Joy (Beethoven, public domain)");
    workspace::run("descant sample-hum", &mut call(&["sample-hum", hum, "--overwrite"]))?;
    println!("singing it: descant sing hum.wav --prompt \"{prompt}\"");
    // The folder is the demo's own: a second demo takes the place of the first.
    let sing = ["sing", hum, "--prompt", prompt, "--out", out, "--overwrite"];
    workspace::run("descant sing", &mut call(&sing))?;
    let song = folder.join("vocals.mp3");
    let (songs, blend) = (folder.join("songs"), folder.join("blend"));
    println!("writing three songs (Descant's own, public domain), and blending them: descant blend songs/*.mid");
    let mut write = call(&["sample-songs"]);
    write.arg(&songs).arg("--overwrite");
    workspace::run("descant sample-songs", &mut write)?;
    let mut make = call(&["blend"]);
    make.args(["harbour-morning.mid", "tin-roof-reel.mid", "lantern-walk.mid"].map(|name| songs.join(name)));
    make.args(["--seed", "4", "--overwrite", "--out"]).arg(&blend);
    workspace::run("descant blend", &mut make)?;
    let composition = folder.join("composition");
    println!("making a song of a sentence: descant compose \"{SENTENCE}\" --length 45s");
    let mut compose = call(&["compose", SENTENCE, "--length", "45s", "--seed", "4", "--overwrite", "--out"]);
    compose.arg(&composition);
    workspace::run("descant compose", &mut compose)?;
    println!("\nThe song:    {}", song.display());
    println!("The melody:  {} (the picture of what was heard and sung)", folder.join("melody.svg").display());
    println!("The lyrics:  {}", folder.join("lyrics.txt").display());
    println!("The blend:   {} (three songs in one)", blend.join("song.mp3").display());
    println!("From where:  {} (which song plays in which bar)", blend.join("provenance.svg").display());
    println!("Composed:    {} (of one sentence)", composition.join("song.mp3").display());
    println!("Its picture: {} (sections, chords and notes)", composition.join("song.svg").display());
    println!("Listen:      {} {}", opener(), song.display());
    Ok(())
}

fn opener() -> &'static str {
    let players = ["xdg-open", "open", "mpv", "ffplay"];
    players.into_iter().find(|program| workspace::in_path(program).is_some()).unwrap_or("any music player, with")
}
