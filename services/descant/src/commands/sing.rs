//! `descant sing`: the whole way from a recording to a song in this process, with no server. The same checks, the same
//! engine and the same gate as a job.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};
use domain::{
    InvalidField, StageName, Tier, audio::Verdict, kinds::melody_vocals as stage,
    kinds::melody_vocals::MelodyToVocalsRequest,
};
use indicatif::ProgressBar;
use media::{Encoding, Tags};
use providers::{AudioInput, Capabilities, ProgressSink, no_progress};
use resilience::{BreakerRegistry, BreakerSettings};
use serde_json::json;
use settings::{LoadOptions, Settings};
use song::{
    Documents, FinishedSong, Mastered, MelodySummary, Mixed, Observer, Pipeline, Report, StepFailure, StepTimeouts,
};

use super::bars;
use crate::{
    cli,
    exit::Exit,
    output::{self, OutputError},
    recording::{Recording, Source},
    results::{Destination, Files},
};

/// Every name that a file of a song may have, so that no folder holds one song's voice and another one's mix.
const SONG_FILES: [&str; 15] = [
    "vocals.mp3",
    "vocals.wav",
    "lyrics.txt",
    "melody.mid",
    "melody.musicxml",
    "melody.svg",
    "report.json",
    "song.mp3",
    "song.wav",
    "stem-voice.flac",
    "stem-counter-melody.flac",
    "stem-chords.flac",
    "stem-bass.flac",
    "stem-drums.flac",
    "stem-pad.flac",
];

pub async fn run(args: cli::Sing, json: bool) -> Result<()> {
    let mut options = LoadOptions::from_process(args.config.clone());
    if let Some(tracker) = &args.tracker {
        options = options.with("engine.f0_tracker", tracker.clone());
    }
    let settings = Settings::load(&options)?;
    let request = request(&args.song)?;
    let source = Source::open(&args.recording)?;
    let destination = Destination::of_song(args.out, args.overwrite, &source);
    destination.check(&SONG_FILES)?;
    let recording = source.read(settings.audio_limits(Tier::Enterprise).max_size_bytes)?;
    let song = make(&settings, &request, recording, json).await?;
    let (out, files) = write(destination, &song)?;
    let told = report(&out, &song, &files, json);
    if song.report.passed {
        return Ok(told?);
    }
    let reasons: Vec<&str> = song.report.shortfalls.iter().map(|s| s.message.as_str()).collect();
    Err(Exit::job_failed(format!("the song is not good enough: {}", reasons.join("; "))))
}

/// What was asked for, checked as the HTTP API checks it.
fn request(song: &cli::SongArgs) -> Result<MelodyToVocalsRequest> {
    let (options, seed) = (song.options.fields(), song.seed.map(|seed| seed.to_string()));
    let text = |name: &str| match name {
        "prompt" => Some(song.prompt.as_str()),
        "genre" => song.genre.as_deref(),
        "mood" => song.mood.as_deref(),
        "seed" => seed.as_deref(),
        _ => options.iter().find(|(field, _)| *field == name).map(|(_, text)| text.as_str()),
    };
    MelodyToVocalsRequest::read(text, resilience::ids::seed())
        .map_err(|InvalidField { field, detail }| Exit::refused(format!("--{}: {detail}", flag(field))))
}

/// How the command line names a field of the form.
fn flag(field: &str) -> &str {
    if field == "snapToKey" { "snap-to-key" } else { field }
}

/// A finished song in memory.
struct Song {
    title: String,
    vocal: Mastered,
    /// The voice over its backing, where one was asked for.
    mix: Option<Mixed>,
    report: Report,
    documents: Documents,
    verdict: Verdict,
}

/// Runs the whole pipeline, with a bar for each step.
async fn make(settings: &Settings, request: &MelodyToVocalsRequest, recording: Recording, quiet: bool) -> Result<Song> {
    let Recording { file, name, shown, .. } = recording;
    let audio = AudioInput::new(file).with_context(|| format!("{shown} cannot be read"))?;
    let input = song::Recording { audio: &audio, file_name: name.as_deref() };
    let pipeline = pipeline(settings)?;
    let made = pipeline.run(input, request, &mut Bars { current: None, quiet }).await;
    let mut made = made.map_err(|StepFailure { step, failure }| match step {
        stage::INITIALIZATION => Exit::refused(failure.message),
        stage::VALIDATION => Exit::refused(format!("{shown} was refused: {}", failure.message)),
        _ => Exit::of_failure(failure),
    })?;
    let documents = made.documents();
    let threads = settings.providers.engine_threads;
    let mix = made.mix(&pipeline.capabilities.accompaniment, threads).map_err(Exit::of_failure)?;
    let FinishedSong { lyrics, vocal, report, verdict, .. } = made;
    Ok(Song { title: lyrics.title, vocal, mix, report, documents, verdict })
}

fn pipeline(settings: &Settings) -> Result<Pipeline> {
    let metrics = telemetry::Metrics::new("descant");
    let providers = &settings.providers;
    let breaker = BreakerSettings { threshold: providers.breaker_threshold, open_for: providers.breaker_open };
    let breakers = BreakerRegistry::new(breaker, metrics.clone());
    let capabilities =
        Capabilities::new(settings, &breakers, &metrics).context("the music providers cannot be set up")?;
    Ok(Pipeline {
        capabilities,
        gate: settings.quality_gate().clone(),
        limits: settings.audio_limits(Tier::Enterprise).clone(),
        step_timeouts: StepTimeouts::each(settings.jobs.deadline),
    })
}

/// A bar for each step, one below the other.
struct Bars {
    current: Option<ProgressBar>,
    quiet: bool,
}

impl Observer for Bars {
    fn begun(&mut self, step: StageName) -> ProgressSink {
        let Some(spec) = stage::SPEC.stage(step.as_str()) else { return no_progress() };
        let bar = bars::bar(spec.label, self.quiet);
        self.current = Some(bar.clone());
        Arc::new(move |fraction| bar.set_position((fraction * 100.0) as u64))
    }

    fn ended(&mut self, _: StageName, succeeded: bool) {
        let Some(bar) = self.current.take() else { return };
        if succeeded {
            bar.set_position(100);
            bar.finish();
        } else {
            bar.abandon();
        }
    }
}

/// Writes every file of the result; names and kinds are the same as those of a job. Sound is encoded straight into its
/// file, so that a long song is not in memory once more.
fn write(to: Destination, song: &Song) -> Result<(PathBuf, Vec<PathBuf>)> {
    let mut files = to.begin()?;
    let folder = files.folder().to_owned();
    let unwritable = |name: &str| format!("{} cannot be written", folder.join(name).display());
    let tags = Tags { title: Some(song.title.clone()), ..Tags::default() };
    let mp3 = Encoding::Mp3 { kbps: 192 };
    let report = serde_json::to_vec_pretty(&song.report).context("the report cannot be written")?;
    for (name, encoding) in [("vocals.mp3", mp3), ("vocals.wav", Encoding::Wav16)] {
        let Mastered { samples, sample_rate_hz, .. } = &song.vocal;
        let file = files.create(name)?;
        media::encode_to(file, samples, *sample_rate_hz, 1, encoding, &tags).with_context(|| unwritable(name))?;
    }
    for (name, bytes) in [
        ("lyrics.txt", song.documents.lyrics.as_bytes()),
        ("melody.mid", &song.documents.midi),
        ("melody.musicxml", song.documents.musicxml.as_bytes()),
        ("melody.svg", song.documents.svg.as_bytes()),
        ("report.json", &report),
    ] {
        files.create(name)?.write_all(bytes).with_context(|| unwritable(name))?;
    }
    if let Some(mix) = &song.mix {
        for (name, encoding) in [("song.mp3", mp3), ("song.wav", Encoding::Wav16)] {
            let file = files.create(name)?;
            mix.encode_to(file, encoding, &tags).with_context(|| unwritable(name))?;
        }
        write_stems(mix, &mut files, &tags)?;
    }
    let written = files.commit()?;
    Ok((folder, written))
}

fn write_stems(mix: &Mixed, files: &mut Files, tags: &Tags) -> Result<()> {
    let Mixed::Band(sound) = mix else { return Ok(()) };
    for (place, stem) in sound.stems.iter().enumerate() {
        let name = format!("stem-{stem}.flac");
        let unwritable = format!("{} cannot be written", files.folder().join(&name).display());
        let tags = Tags { title: tags.title.as_ref().map(|title| format!("{title} ({stem})")), ..tags.clone() };
        let file = files.create(&name)?;
        sound.master.encode_stem_to(place, file, Encoding::Flac, &tags).context(unwritable)?;
    }
    Ok(())
}

fn report(out: &Path, song: &Song, files: &[PathBuf], json: bool) -> Result<(), OutputError> {
    let heard = song.report.melody.warnings.iter().map(String::as_str);
    let band = song.report.backing.as_ref().and_then(|backing| backing.band.as_ref());
    let of_band = band.into_iter().flat_map(|band| &band.warnings).map(String::as_str);
    let warnings: Vec<&str> =
        song.verdict.warnings().map(|finding| finding.message.as_str()).chain(heard).chain(of_band).collect();
    if json {
        let files: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
        let result =
            json!({ "success": song.report.passed, "files": files, "warnings": warnings, "report": song.report });
        return output::line(result);
    }
    for warning in warnings {
        output::line(format_args!("note: {warning}"))?;
    }
    let quality = &song.report.quality;
    output::line(format_args!("\n{}", song.documents.lyrics))?;
    output::line(format_args!(
        "{} {} in {}, {}; {:.1} % of the sung pitch within 50 cents; {:.1} LUFS",
        song.report.melody.notes,
        if song.report.melody.notes == 1 { "note" } else { "notes" },
        song.report.melody.key,
        tempo(&song.report.melody),
        quality.sound.pitch_within_50_cents * 100.0,
        quality.sound.loudness_lufs.unwrap_or(f64::NEG_INFINITY),
    ))?;
    if let Some(backing) = song.report.backing.as_ref().filter(|_| band.is_some()) {
        output::line(backing.summary())?;
    }
    let listen_to = if song.mix.is_some() { "song.mp3" } else { "vocals.mp3" };
    output::path("Your song: ", &out.join(listen_to))
}

/// The tempo, with the other readings of the same notes and what decides between them.
fn tempo(melody: &MelodySummary) -> String {
    let MelodySummary { tempo_bpm, tempo_alternatives_bpm: others, .. } = melody;
    let others: Vec<String> = others.iter().map(|bpm| format!("--tempo {bpm:.0}")).collect();
    let choice = if others.is_empty() { String::new() } else { format!(" (or {})", others.join(", ")) };
    format!("{tempo_bpm:.0} bpm{choice}")
}
