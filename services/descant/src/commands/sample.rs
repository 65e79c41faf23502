//! `descant sample-hum` and `descant sample-songs`: something to try things out with, made here.

use std::{io::Write as _, path::Path};

use anyhow::{Context, Result};
use media::{Encoding, Tags};
use serde_json::json;

use crate::{
    cli, output,
    results::{self, Destination},
};

pub fn run(args: cli::SampleHum, json: bool) -> Result<()> {
    let hum = pitch::sample::hummed_tune();
    let tags = Tags { title: Some("Ode to Joy, hummed".to_owned()), ..Tags::default() };
    let wav = media::encode(&hum.samples, hum.sample_rate_hz, 1, Encoding::Wav16, &tags)
        .context("the sample cannot be encoded")?;
    if is_stdout(&args.out) {
        // Nothing else: whoever reads it wants the sound alone.
        return Ok(output::sound(&wav)?);
    }
    results::place(&args.out, &wav, args.overwrite)?;
    let seconds = hum.samples.len() as f64 / f64::from(hum.sample_rate_hz);
    if json {
        output::line(json!({ "file": args.out.display().to_string(), "seconds": seconds }))?;
    } else {
        output::line(format_args!("{}: {seconds:.1} s of Beethoven's Ode to Joy, hummed", args.out.display()))?;
    }
    Ok(())
}

/// Three tunes as MIDI files in a folder.
pub fn songs(args: cli::SampleSongs, json: bool) -> Result<()> {
    let songs = arrangement::sample_songs();
    let destination = Destination::named(args.folder, args.overwrite);
    destination.check(&songs.each_ref().map(|song| song.file_name))?;
    let mut files = destination.begin()?;
    for song in &songs {
        let written = files.create(song.file_name)?.write_all(&song.midi);
        written.with_context(|| format!("{} cannot be written", song.file_name))?;
    }
    let written = files.commit()?;
    if json {
        let files: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
        return Ok(output::line(json!({ "files": files }))?);
    }
    for (path, song) in written.iter().zip(&songs) {
        output::path(&format!("{}: ", song.title), path)?;
    }
    Ok(())
}

fn is_stdout(out: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|stdout| out.as_os_str() == *stdout)
}
