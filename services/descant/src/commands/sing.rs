//! `descant sing`: the whole way from a recording to a song in this process, with no server. The same checks, the same
//! engine and the same gate as a job.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use domain::{
    InvalidField, JobKind, StageName, Tier,
    audio::Verdict,
    kind::{StageSpec, melody_to_vocals as stage},
    request::MelodyToVocalsRequest,
};
use indicatif::{ProgressBar, ProgressStyle};
use media::{Encoding, Mix, Tags};
use providers::{AudioInput, Capabilities, ProgressSink, no_progress};
use resilience::{BreakerRegistry, BreakerSettings};
use serde_json::json;
use settings::{LoadOptions, Settings};
use song::{Documents, FinishedSong, Mastered, Observer, Pipeline, Recording, Report, StepFailure};

use crate::{cli, exit::Exit};

pub async fn run(args: cli::Sing, json: bool) -> Result<()> {
    let mut options = LoadOptions::from_process(args.config.clone());
    if let Some(tracker) = &args.tracker {
        options = options.with("engine.f0_tracker", tracker.clone());
    }
    let settings = Settings::load(&options)?;
    let request = request(&args.song)?;
    let out = args.out.clone().unwrap_or_else(|| default_folder(&args.recording));
    let song = make(&settings, &request, &args.recording, json).await?;
    let files = write(&out, &song)?;
    report(&out, &song, &files, json);
    if song.report.passed {
        return Ok(());
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

fn default_folder(recording: &Path) -> PathBuf {
    let stem = recording.file_stem().map_or_else(|| "hum".to_owned(), |stem| stem.to_string_lossy().into_owned());
    PathBuf::from(format!("{stem}-song"))
}

/// A finished song in memory.
struct Song {
    title: String,
    vocal: Mastered,
    /// The voice over its backing, where one was asked for.
    mix: Option<Mix>,
    report: Report,
    documents: Documents,
    verdict: Verdict,
}

/// Runs the whole pipeline, with a bar for each step.
async fn make(settings: &Settings, request: &MelodyToVocalsRequest, recording: &Path, quiet: bool) -> Result<Song> {
    let file = File::open(recording)
        .map_err(|error| Exit::refused(format!("{} cannot be opened: {error}", recording.display())))?;
    let audio = AudioInput::new(file).with_context(|| format!("{} cannot be read", recording.display()))?;
    let file_name = recording.file_name().map(|name| name.to_string_lossy());
    let input = Recording { audio: &audio, file_name: file_name.as_deref() };
    let pipeline = pipeline(settings)?;
    let made = pipeline.run(input, request, &mut Bars { current: None, quiet }).await;
    let made = made.map_err(|StepFailure { step, failure }| match step {
        stage::INITIALIZATION => Exit::refused(failure.message),
        stage::VALIDATION => Exit::refused(format!("{} was refused: {}", recording.display(), failure.message)),
        _ => Exit::job_failed(failure.message),
    })?;
    let documents = made.documents();
    let mix = made.mix(&pipeline.capabilities.accompaniment);
    let mix = mix.map_err(|failure| Exit::job_failed(failure.message))?;
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
        step_timeout: settings.jobs.deadline,
    })
}

/// A bar for each step, one below the other.
struct Bars {
    current: Option<ProgressBar>,
    quiet: bool,
}

impl Observer for Bars {
    fn begun(&mut self, step: StageName) -> ProgressSink {
        let Some(spec) = JobKind::MelodyToVocals.spec().stage(step.as_str()) else { return no_progress() };
        let bar = bar(spec, self.quiet);
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

fn bar(spec: &StageSpec, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg:24} [{bar:30}] {percent:>3}% {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    let bar = ProgressBar::new(100).with_style(style).with_message(spec.label);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Writes every file of the result; names and kinds are the same as those of a job.
fn write(out: &Path, song: &Song) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(out).with_context(|| format!("folder {} cannot be made", out.display()))?;
    let tags = Tags { title: Some(song.title.clone()), ..Tags::default() };
    let mp3 = Encoding::Mp3 { kbps: 192 };
    let report = serde_json::to_vec_pretty(&song.report).context("the report cannot be written")?;
    let mut written = Vec::new();
    for (name, encoding) in [("vocals.mp3", mp3), ("vocals.wav", Encoding::Wav16)] {
        let Mastered { samples, sample_rate_hz, .. } = &song.vocal;
        written
            .push(place(out, name, |file| Ok(media::encode_to(file, samples, *sample_rate_hz, 1, encoding, &tags)?))?);
    }
    for (name, bytes) in [
        ("lyrics.txt", song.documents.lyrics.as_bytes()),
        ("melody.mid", &song.documents.midi),
        ("melody.musicxml", song.documents.musicxml.as_bytes()),
        ("melody.svg", song.documents.svg.as_bytes()),
        ("report.json", &report),
    ] {
        written.push(place(out, name, |mut file| Ok(file.write_all(bytes)?))?);
    }
    let Some(mix) = &song.mix else { return Ok(written) };
    for (name, encoding) in [("song.mp3", mp3), ("song.wav", Encoding::Wav16)] {
        written.push(place(out, name, |file| Ok(mix.encode_to(file, encoding, &tags)?))?);
    }
    Ok(written)
}

/// A file of the result, which has its name only once it is whole: what stood there before stays until then. Sound is
/// encoded straight into it, so that a long song is not in memory once more.
fn place(out: &Path, name: &str, fill: impl FnOnce(File) -> Result<()>) -> Result<PathBuf> {
    let (path, part) = (out.join(name), out.join(format!(".{name}.part")));
    let placed = File::create(&part).map_err(Into::into).and_then(fill).and_then(|()| Ok(fs::rename(&part, &path)?));
    if placed.is_err() {
        // What is left of it is of no use; the error that is told is the first one.
        let _ = fs::remove_file(&part);
    }
    placed.with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(path)
}

fn report(out: &Path, song: &Song, files: &[PathBuf], json: bool) {
    let warnings: Vec<&str> = song.verdict.warnings().map(|finding| finding.message.as_str()).collect();
    if json {
        let files: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
        println!(
            "{}",
            json!({ "success": song.report.passed, "files": files, "warnings": warnings, "report": song.report })
        );
        return;
    }
    for warning in warnings {
        println!("note: {warning}");
    }
    let quality = &song.report.quality;
    println!("\n{}", song.documents.lyrics);
    println!(
        "{} notes in {}, {:.0} bpm; {:.1} % of the sung pitch within 50 cents; {:.1} LUFS",
        song.report.melody.notes,
        song.report.melody.key,
        song.report.melody.tempo_bpm,
        quality.sound.pitch_within_50_cents * 100.0,
        quality.sound.loudness_lufs.unwrap_or(f64::NEG_INFINITY),
    );
    let listen_to = if song.mix.is_some() { "song.mp3" } else { "vocals.mp3" };
    println!("Your song: {}", out.join(listen_to).display());
}
