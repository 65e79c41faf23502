//! `descant render`: a MIDI file becomes sound in this process.

use anyhow::{Context, Result};
use arrangement::{RenderReport, SongRead, SoundSummary, cover, lrc, stems_of};
use domain::kinds::blend as stage;
use media::Tags;
use serde_json::json;
use settings::{LoadOptions, Settings};

use super::{
    bars,
    midi::{self, Album, Playing},
};
use crate::{cli, exit::Exit, formats, output, recording::Source, results::Destination};

pub fn run(args: cli::Render, json: bool) -> Result<()> {
    let settings = Settings::load(&LoadOptions::from_process(args.config.clone()))?;
    let source = Source::open_song(&args.song)?;
    let folder = source.folder("song", "-render");
    let destination = Destination::beside(args.out, folder, args.overwrite).sparing(&source);
    destination.check(&midi::FILES)?;
    let SongRead { song, warnings } = midi::read(source)?;
    arrangement::check(&song.score).map_err(Exit::of_failure)?;

    let stems = stems_of(&song.score, None);
    let bar = bars::bar(stage::SPEC.stage(stage::RENDERING.as_str()).map_or("", |stage| stage.label), json);
    let playing = Playing { score: &song.score, stems: &stems, keep_stems: args.stems, bar: &bar };
    let played = midi::play(&settings, &playing)?;

    let sound = SoundSummary::of(&played.report, &stems);
    let report = RenderReport::new(&song, sound, &played.report.warnings, &warnings);
    let mut documents =
        vec![("report.json", serde_json::to_vec_pretty(&report).context("the report cannot be written")?)];
    documents.extend(lrc(&song.score).map(|words| ("song.lrc", words.into_bytes())));
    let tags =
        Tags { title: Some(song.title.clone()), cover_png: Some(cover(&song.score, &stems, None)), ..Tags::default() };
    let formats = formats::distinct(&args.formats);
    let album = Album { score: &song.score, song: &played, stems: &stems, tags, formats: &formats, documents };
    let files = destination.begin()?;
    let folder = files.folder().to_owned();
    let written = album.write(files)?;
    if json {
        let files: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
        return Ok(output::line(
            json!({ "success": true, "files": files, "warnings": report.warnings, "report": report }),
        )?);
    }
    for warning in &report.warnings {
        output::line(format_args!("note: {warning}"))?;
    }
    output::line(format_args!("\n{}\n{}", report.title, report.summary()))?;
    let listen_to = formats.first().map_or("report.json", |format| format.file_name());
    Ok(output::path("Your song: ", &folder.join(listen_to))?)
}
