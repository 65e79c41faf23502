//! `descant sing`: the whole way from a recording to a song in this process, with no server. The same checks, the same
//! engine and the same gate as a job.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use domain::{
    Failure, JobKind, Tier,
    audio::{Verdict, judge},
    kind::StageSpec,
    request::{Label, MelodyToVocalsRequest},
};
use engine::{
    lyrics::{Lyrics, LyricsRequest},
    voice::{Voice, VoiceOptions},
};
use indicatif::{ProgressBar, ProgressStyle};
use media::{Bounds, Encoding, Tags};
use music::Melody;
use providers::{
    AudioInput, Capabilities, ProgressSink,
    song::{self, Heard, LyricsSummary, Mastered, MelodySummary, Report, StepSummary},
};
use resilience::{BreakerRegistry, BreakerSettings};
use serde_json::json;
use settings::{LoadOptions, Settings};

use crate::{cli, exit::Exit};

pub async fn run(args: cli::Sing, json: bool) -> Result<()> {
    let settings = Settings::load(&LoadOptions::from_process(args.config.clone()))?;
    let request = request(&args.song)?;
    let out = args.out.clone().unwrap_or_else(|| default_folder(&args.recording));
    let mut studio = Studio::new(settings, request, args.voice, json)?;
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
    Ok(MelodyToVocalsRequest {
        prompt: domain::prompt::Prompt::new(&song.prompt).map_err(|error| Exit::refused(error.to_string()))?,
        genre: label("genre", &song.genre)?,
        mood: label("mood", &song.mood)?,
        seed: song.seed.unwrap_or_else(|| u64::from(uuid::Uuid::new_v4().as_fields().0)),
    })
}

fn default_folder(recording: &Path) -> PathBuf {
    let stem = recording.file_stem().map_or_else(|| "hum".to_owned(), |stem| stem.to_string_lossy().into_owned());
    PathBuf::from(format!("{stem}-song"))
}

/// A finished song in memory.
struct Song {
    lyrics: Lyrics,
    melody: Melody,
    mastered: Mastered,
    svg: String,
    report: Report,
    verdict: Verdict,
}

/// One run through the stages, with a bar for each.
struct Studio {
    settings: Settings,
    request: MelodyToVocalsRequest,
    voice: Voice,
    capabilities: Capabilities,
    steps: Vec<StepSummary>,
    quiet: bool,
}

impl Studio {
    fn new(settings: Settings, request: MelodyToVocalsRequest, voice: Voice, quiet: bool) -> Result<Self> {
        let metrics = telemetry::Metrics::new("descant");
        let providers = &settings.providers;
        let breaker = BreakerSettings { threshold: providers.breaker_threshold, open_for: providers.breaker_open };
        let breakers = BreakerRegistry::new(breaker, metrics.clone());
        let capabilities =
            Capabilities::new(providers, &breakers, &metrics).context("the music providers cannot be set up")?;
        Ok(Self { settings, request, voice, capabilities, steps: Vec::new(), quiet })
    }

    async fn make(&mut self, recording: &Path) -> Result<Song> {
        use domain::kind::melody_to_vocals as stage;
        let file = File::open(recording)
            .map_err(|error| Exit::refused(format!("{} cannot be opened: {error}", recording.display())))?;
        let audio = AudioInput::new(file).with_context(|| format!("{} cannot be read", recording.display()))?;
        let budget = self.settings.jobs.deadline;

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
                Ok((done.value, Some(done.provider)))
            })
            .await?;
        let lyrics = self
            .step(stage::LYRICS.as_str(), async |this, _| {
                let wanted = this.lyrics_request();
                let call = |writer: Arc<dyn providers::LyricsWriter>| {
                    let (melody, wanted) = (&melody, &wanted);
                    async move { writer.write(melody, wanted).await }
                };
                let done = this.capabilities.lyrics.call(budget, call).await.map_err(failed)?;
                Ok((done.value, Some(done.provider)))
            })
            .await?;
        let mastered = self
            .step(stage::VOCALS.as_str(), async |this, progress| {
                let voice = VoiceOptions { voice: this.voice, seed: this.request.seed, ..VoiceOptions::default() };
                let call = |singer: Arc<dyn providers::VocalSynthesizer>| {
                    let (melody, lyrics, voice, progress) = (&melody, &lyrics, &voice, progress.clone());
                    async move { singer.sing(melody, lyrics, voice, progress).await }
                };
                let done = this.capabilities.vocals.call(budget, call).await.map_err(failed)?;
                Ok((song::master(done.value), Some(done.provider)))
            })
            .await?;
        let (figures, svg) = self
            .step(stage::QUALITY.as_str(), async |_, _| {
                let heard = Heard {
                    samples: &mastered.samples,
                    sample_rate_hz: mastered.sample_rate_hz,
                    target: &mastered.target,
                    syllables_placed: mastered.syllables_placed,
                };
                let figures = song::assess(&melody, &lyrics, &heard);
                Ok(((figures, song::melody_picture(&melody, &lyrics, &heard)), None))
            })
            .await?;
        let report = Report::new(
            MelodySummary::of(&melody),
            LyricsSummary::of(
                &lyrics,
                self.request.genre.as_ref().map(Label::as_str),
                self.request.mood.as_ref().map(Label::as_str),
            ),
            mastered.octave_shift,
            figures,
            self.settings.quality_gate(),
            std::mem::take(&mut self.steps),
        );
        Ok(Song { lyrics, melody, mastered, svg, report, verdict })
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

    fn lyrics_request(&self) -> LyricsRequest {
        LyricsRequest {
            prompt: self.request.prompt.as_str().to_owned(),
            genre: self.request.genre.as_ref().map(ToString::to_string),
            mood: self.request.mood.as_ref().map(ToString::to_string),
            seed: self.request.seed,
        }
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
    let tags = Tags { title: Some(song.lyrics.title.clone()), ..Tags::default() };
    let encode = |encoding| {
        media::encode(&song.mastered.samples, song.mastered.sample_rate_hz, 1, encoding, &tags)
            .context("the song cannot be encoded")
    };
    let report = serde_json::to_vec_pretty(&song.report).context("the report cannot be written")?;
    let files = [
        ("vocals.mp3", encode(Encoding::Mp3 { kbps: 192 })?),
        ("vocals.wav", encode(Encoding::Wav16)?),
        ("lyrics.txt", song::lyrics_text(&song.lyrics).into_bytes()),
        ("melody.mid", song::melody_midi(&song.melody, &song.lyrics)),
        ("melody.svg", song.svg.clone().into_bytes()),
        ("report.json", report),
    ];
    let mut written = Vec::new();
    for (name, bytes) in files {
        let path = out.join(name);
        fs::write(&path, bytes).with_context(|| format!("{} cannot be written", path.display()))?;
        written.push(path);
    }
    Ok(written)
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
    println!("\n{}", song::lyrics_text(&song.lyrics));
    println!(
        "{} notes in {}, {:.0} bpm; {:.1} % of the sung pitch within 50 cents; {:.1} LUFS",
        song.report.melody.notes,
        song.report.melody.key,
        song.report.melody.tempo_bpm,
        quality.pitch_within_50_cents * 100.0,
        quality.loudness_lufs.unwrap_or(f64::NEG_INFINITY),
    );
    println!("Your song: {}", out.join("vocals.mp3").display());
}
