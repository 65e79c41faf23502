//! `descant render`: a MIDI file becomes sound in this process.

use anyhow::{Context, Result};
use arrangement::{RenderReport, SongRead, SoundSummary, cover, lrc, stems_of};
use domain::kinds::blend as stage;
use media::Tags;
use settings::{LoadOptions, Settings};

use super::{
    bars,
    midi::{self, Album, Playing, Told},
};
use crate::{cli, exit::Exit, formats, recording::Source, results::Destination};

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
    let album =
        Album { score: Some(&song.score), master: &played.master, stems: &stems, tags, formats: &formats, documents };
    let files = destination.begin()?;
    let folder = files.folder().to_owned();
    let written = album.write(files)?;
    let told = Told {
        report: serde_json::to_value(&report).context("the report cannot be written")?,
        warnings: &report.warnings,
        title: &report.title,
        summary: report.summary(),
        folder: &folder,
        formats: &formats,
        files: &written,
        picture: None,
    };
    told.print(json)
}
