//! `descant sing`: the whole way from a recording to a song in this process, with no server. The same checks, the same
//! engine and the same gate as a job.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use domain::{
    Failure, JobKind, SongOptions, Tier,
    audio::{Verdict, judge},
    kind::StageSpec,
    request::{Label, MelodyToVocalsRequest},
};
use indicatif::{ProgressBar, ProgressStyle};
use media::{Bounds, Encoding, Mix, Tags};
use providers::{
    AudioInput, Capabilities, ProgressSink,
    song::{self, Documents, Heard, Mastered, Report, StepSummary},
};
use resilience::{BreakerRegistry, BreakerSettings};
use serde_json::json;
use settings::{LoadOptions, Settings};

use crate::{cli, exit::Exit};

pub async fn run(args: cli::Sing, json: bool) -> Result<()> {
    let mut options = LoadOptions::from_process(args.config.clone());
    if let Some(tracker) = &args.tracker {
        options = options.with("engine.f0_tracker", tracker.clone());
    }
    let settings = Settings::load(&options)?;
    let request = request(&args.song)?;
    let out = args.out.clone().unwrap_or_else(|| default_folder(&args.recording));
    let mut studio = Studio::new(settings, request, json)?;
    let song = studio.make(&args.recording).await?;
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
    let label = |name: &str, text: &Option<String>| -> Result<Option<Label>> {
        let label = text.as_deref().map(Label::new).transpose();
        label.map_err(|error| Exit::refused(format!("--{name}: {error}")))
    };
    let fields = song.options.fields();
    let options = SongOptions::read(|name| fields.iter().find(|(field, _)| *field == name).map(|(_, text)| &**text));
    Ok(MelodyToVocalsRequest {
        options: options.map_err(|error| Exit::refused(format!("--{}: {}", flag(error.field), error.detail)))?,
        prompt: domain::prompt::Prompt::new(&song.prompt).map_err(|error| Exit::refused(error.to_string()))?,
        genre: label("genre", &song.genre)?,
        mood: label("mood", &song.mood)?,
        seed: song.seed.unwrap_or_else(|| u64::from(uuid::Uuid::new_v4().as_fields().0)),
    })
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

/// One run through the stages, with a bar for each.
struct Studio {
    settings: Settings,
    request: MelodyToVocalsRequest,
    capabilities: Capabilities,
    steps: Vec<StepSummary>,
    quiet: bool,
}

impl Studio {
    fn new(settings: Settings, request: MelodyToVocalsRequest, quiet: bool) -> Result<Self> {
        let metrics = telemetry::Metrics::new("descant");
        let providers = &settings.providers;
        let breaker = BreakerSettings { threshold: providers.breaker_threshold, open_for: providers.breaker_open };
        let breakers = BreakerRegistry::new(breaker, metrics.clone());
        let capabilities =
            Capabilities::new(&settings, &breakers, &metrics).context("the music providers cannot be set up")?;
        Ok(Self { settings, request, capabilities, steps: Vec::new(), quiet })
    }

    async fn make(&mut self, recording: &Path) -> Result<Song> {
        use domain::kind::melody_to_vocals as stage;
        let file = File::open(recording)
            .map_err(|error| Exit::refused(format!("{} cannot be opened: {error}", recording.display())))?;
        let audio = AudioInput::new(file).with_context(|| format!("{} cannot be read", recording.display()))?;
        let budget = self.settings.jobs.deadline;
        let gate = &self.settings.quality_gate().clone();

        self.capabilities.content.admit_request(&self.request, budget).await.map_err(refused)?;
        let verdict =
            self.step(stage::VALIDATION.as_str(), async |this, _| Ok((this.validate(&audio, recording).await?, None)));
        let verdict = verdict.await?;
        let melody = self
            .step(stage::PITCH.as_str(), async |this, progress| {
                let call = |tracker: Arc<dyn providers::MelodyExtractor>| {
                    let (audio, progress) = (&audio, progress.clone());
                    async move { tracker.extract(audio, progress).await }
                };
                let done = this.capabilities.melody.call(budget, call).await.map_err(failed)?;
                Ok((song::corrected(done.value, &this.request).map_err(failed)?, Some(done.provider)))
            })
            .await?;
        let lyrics = self
            .step(stage::LYRICS.as_str(), async |this, _| {
                let wanted = song::lyrics_request(&this.request);
                let done =
                    song::write_lyrics(&this.capabilities, gate, budget, &melody, &wanted).await.map_err(failed)?;
                Ok((done.value, Some(done.provider)))
            })
            .await?;
        let sung = self
            .step(stage::VOCALS.as_str(), async |this, progress| {
                let (chain, voice) = (&this.capabilities.vocals, song::voice_options(&this.request));
                let parts = (&melody, &lyrics);
                let done = song::sing(chain, gate, budget, parts, &voice, &progress).await.map_err(failed)?;
                let provider = done.provider;
                Ok((done, Some(provider)))
            })
            .await?;
        let made = self
            .step(stage::QUALITY.as_str(), async |this, _| {
                let (heard, request) = (Heard::of(&sung.value), &this.request);
                let accompaniment = song::accompaniment(&melody, request);
                let takes = sung.takes;
                let song = song::Song {
                    melody: &melody,
                    lyrics: &lyrics,
                    heard: &heard,
                    accompaniment: accompaniment.as_ref(),
                    takes,
                    request,
                };
                let vocal = &sung.value;
                let mixed = accompaniment
                    .as_ref()
                    .map(|parts| this.capabilities.band.play_under(&vocal.samples, vocal.sample_rate_hz, parts))
                    .transpose()
                    .map_err(failed)?;
                Ok(((Report::on(&song, gate, Vec::new()), song::documents(&song), mixed), None))
            })
            .await?;
        let (mut report, documents, mix) = made;
        report.steps = std::mem::take(&mut self.steps);
        Ok(Song { title: lyrics.title, vocal: sung.value, mix, report, documents, verdict })
    }

    async fn validate(&self, audio: &AudioInput, recording: &Path) -> Result<Verdict> {
        let limits = self.settings.audio_limits(Tier::Enterprise).clone();
        let name = recording.file_name().map(|name| name.to_string_lossy().into_owned());
        let file = audio.reopen()?;
        let size_bytes = audio.size_bytes;
        let verdict = tokio::task::spawn_blocking(move || {
            match media::inspect(file, size_bytes, &Bounds::for_duration(limits.max_duration_seconds)) {
                Ok(facts) => judge(facts, name.as_deref(), &limits),
                Err(error) => Verdict { facts: None, findings: vec![media::finding(&error)] },
            }
        })
        .await?;
        if verdict.accepted() {
            return Ok(verdict);
        }
        let reasons: Vec<&str> = verdict.errors().map(|finding| finding.message.as_str()).collect();
        Err(Exit::refused(format!("{} was refused: {}", recording.display(), reasons.join(" "))))
    }

    /// Runs one stage behind its bar and notes how long it took and who did it.
    async fn step<T>(
        &mut self,
        name: &str,
        work: impl AsyncFnOnce(&Self, ProgressSink) -> Result<(T, Option<&'static str>)>,
    ) -> Result<T> {
        let spec = JobKind::MelodyToVocals.spec().stage(name).context("a stage that no kind has")?;
        let bar = bar(spec, self.quiet);
        let started = Instant::now();
        let progress: ProgressSink = {
            let bar = bar.clone();
            Arc::new(move |fraction| bar.set_position((fraction * 100.0) as u64))
        };
        let outcome = work(self, progress).await;
        match &outcome {
            Ok((_, provider)) => {
                bar.set_position(100);
                bar.finish();
                self.steps.push(StepSummary {
                    stage: name.to_owned(),
                    provider: provider.map(str::to_owned),
                    seconds: started.elapsed().as_secs_f64(),
                });
            }
            Err(_) => bar.abandon(),
        }
        outcome.map(|(value, _)| value)
    }
}

fn refused(failure: Failure) -> anyhow::Error {
    Exit::refused(failure.message)
}

fn failed(failure: Failure) -> anyhow::Error {
    Exit::job_failed(failure.message)
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
    let heard = song.report.melody.warnings.iter().map(String::as_str);
    let warnings: Vec<&str> = song.verdict.warnings().map(|finding| finding.message.as_str()).chain(heard).collect();
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
