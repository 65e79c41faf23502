//! `descant compose`: a sentence becomes a song in this process, with no server. The same steps as a job.

use std::{io::Read as _, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use arrangement::{
    CompositionReport, Reported, SoundSummary, VOICE, VocalsSummary, composed_stems, cover, lines_as_lrc, roll,
    timed_lines, vocals_request, with_voice,
};
use compose::asked;
use domain::{
    Failure, FailureClass, InvalidField, StageName,
    kinds::composition::{self as stage, CompositionRequest},
};
use lyrics::Lyrics;
use media::Tags;
use providers::{Capabilities, ComposedSong, ProgressSink, no_progress};
use resilience::{BreakerRegistry, BreakerSettings};
use serde_json::json;
use settings::{LoadOptions, Settings};
use soundfont::StemSpec;

use super::{
    bars,
    midi::{self, Album, Playing},
};
use crate::{
    cli,
    exit::Exit,
    formats::{self, Format},
    output,
    recording::STDIN,
    results::Destination,
};

const FOLDER: &str = "composition";
/// Longest prompt that is read from a pipe, in bytes; what is longer is refused for its length.
const MOST_PROMPT_BYTES: u64 = 16 << 10;

pub async fn run(args: cli::Compose, json: bool) -> Result<()> {
    let settings = Settings::load(&LoadOptions::from_process(args.config.clone()))?;
    let request = request(&args)?;
    let destination = Destination::beside(args.out, PathBuf::from(FOLDER), args.overwrite);
    destination.check(&midi::FILES)?;
    let made = make(&settings, &request, json).await?;

    let song = &made.song;
    let mut stems = composed_stems(song, made.sung.is_some());
    let playing = Playing {
        score: &song.score,
        stems: &stems,
        keep_stems: request.options.stems,
        bar: &step(stage::RENDERING, json),
    };
    let mut played = midi::play_exactly(&settings, &playing, song.seconds)?;
    if let Some(sung) = &made.sung {
        played = with_voice(&played, &sung.voice).map_err(failed)?;
        let voice = StemSpec { name: VOICE.to_owned(), parts: Vec::new(), mix: soundfont::StemMix::PLAIN };
        stems.insert(0, voice);
    }

    let lines = made.sung.as_ref().map(|sung| timed_lines(&song.melody, &sung.lyrics)).unwrap_or_default();
    let report = CompositionReport::new(Reported {
        request: &request,
        song,
        provider: made.provider,
        lyrics: lines.clone(),
        vocals: made.sung.as_ref().map(|sung| sung.summary.clone()),
        sound: SoundSummary::of(&played.report, &stems),
        heard: &played.report.warnings,
    });
    let mut documents = vec![
        ("report.json", serde_json::to_vec_pretty(&report).context("the report cannot be written")?),
        ("song.svg", roll(song).into_bytes()),
    ];
    if let Some(sung) = &made.sung {
        documents.push(("lyrics.txt", song::lyrics_text(&sung.lyrics).into_bytes()));
        documents.push(("song.lrc", lines_as_lrc(&lines).into_bytes()));
    }
    let tags = Tags {
        title: Some(report.title.clone()),
        artist: Some("Descant".to_owned()),
        comment: Some(format!("composed by rules; seed {}", request.seed)),
        cover_png: Some(cover(&song.score, &composed_stems(song, false), None)),
    };
    let formats = formats::distinct(&args.formats);
    let album = Album { score: &song.score, song: &played, stems: &stems, tags, formats: &formats, documents };
    let files = destination.begin()?;
    let folder = files.folder().to_owned();
    let written = album.write(files)?;
    tell(&report, &folder, &formats, &written, json)
}

/// What was asked for, checked as the HTTP API checks it.
fn request(args: &cli::Compose) -> Result<CompositionRequest> {
    let mut fields = args.options.fields();
    fields.push(("prompt", prompt(&args.prompt)?));
    if let Some(length) = &args.options.length {
        let length = milliseconds(length).filter(|length| CompositionRequest::LENGTH_MS.contains(length));
        let length = length.ok_or_else(|| {
            Exit::refused("--length: expected a time such as 30s, 1:30, 2m10s or 45.5, from 3s to 10m")
        })?;
        fields.push(("lengthMs", length.to_string()));
    }
    let text = |name: &str| fields.iter().find(|(field, _)| *field == name).map(|(_, text)| text.as_str());
    CompositionRequest::read(text, resilience::ids::seed())
        .and_then(asked::settled)
        .map_err(|InvalidField { field, detail }| Exit::refused(format!("{}: {detail}", flag(field))))
}

/// How the command line names a field.
fn flag(field: &str) -> String {
    match field {
        "prompt" => "the prompt".to_owned(),
        "lengthMs" => "--length".to_owned(),
        "genre" => "--style".to_owned(),
        field => format!("--{field}"),
    }
}

fn prompt(words: &str) -> Result<String> {
    if words != STDIN {
        return Ok(words.to_owned());
    }
    let mut read = Vec::new();
    std::io::stdin().take(MOST_PROMPT_BYTES).read_to_end(&mut read).context("standard input cannot be read")?;
    String::from_utf8(read).map_err(|_| Exit::refused("the prompt: standard input is not text (UTF-8)"))
}

/// A length as people write it: `30s`, `30`, `2m10s`, `1:30`, `1500ms`; in milliseconds.
fn milliseconds(text: &str) -> Option<u32> {
    let text = text.trim().to_ascii_lowercase();
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    let seconds = if let Some(ms) = text.strip_suffix("ms") {
        number(ms)? / 1000.0
    } else if let Some((minutes, seconds)) = text.split_once(':') {
        60.0 * f64::from(minutes.parse::<u16>().ok()?) + number(seconds).filter(|seconds| *seconds < 60.0)?
    } else if let Some((minutes, rest)) = text.split_once('m') {
        let rest = rest.trim_start_matches("in").trim();
        let rest = rest.strip_suffix('s').unwrap_or(rest).trim();
        60.0 * number(minutes.trim())? + if rest.is_empty() { 0.0 } else { number(rest)? }
    } else {
        number(text.strip_suffix('s').unwrap_or(&text).trim())?
    };
    // What is too long for the type is too long for a song.
    Some((seconds * 1000.0).round() as u32)
}

/// A song in notes, and its voice.
struct Made {
    song: ComposedSong,
    provider: &'static str,
    sung: Option<Sung>,
}

struct Sung {
    lyrics: Lyrics,
    /// Mono, at the rate of the band.
    voice: Vec<f32>,
    summary: VocalsSummary,
}

async fn make(settings: &Settings, request: &CompositionRequest, quiet: bool) -> Result<Made> {
    let capabilities = capabilities(settings)?;
    let time = settings.jobs.deadline;
    let bar = step(stage::COMPOSING, quiet);
    capabilities.content.admit(&request.texts(), time).await.map_err(failed)?;
    let composed = arrangement::compose(&capabilities.compositions, time, request).await.map_err(failed)?;
    bars::done(&bar);
    let song = composed.value;
    let sung = if request.is_sung() { Some(sing(settings, &capabilities, request, &song, quiet).await?) } else { None };
    Ok(Made { song, provider: composed.provider, sung })
}

async fn sing(
    settings: &Settings,
    capabilities: &Capabilities,
    request: &CompositionRequest,
    song: &ComposedSong,
    quiet: bool,
) -> Result<Sung> {
    let (gate, time): (_, Duration) = (settings.quality_gate().clone(), settings.jobs.deadline);
    let vocals = vocals_request(request, song).map_err(failed)?;
    let bar = step(stage::WORDS, quiet);
    let written = song::write_lyrics(capabilities, &gate, time, &song.melody, &vocals).await.map_err(failed)?;
    bars::done(&bar);
    let bar = step(stage::SINGING, quiet);
    let progress: ProgressSink = if quiet {
        no_progress()
    } else {
        let bar = bar.clone();
        std::sync::Arc::new(move |share: f64| bar.set_position((share * 100.0) as u64))
    };
    let parts = (&song.melody, &written.value);
    let sung = song::sing(capabilities, &gate, time, parts, &vocals, &progress).await.map_err(failed)?;
    bars::done(&bar);
    let performance = &sung.value.performance;
    let summary = VocalsSummary {
        title: written.value.title.clone(),
        voice: performance.voice.clone(),
        words_by: written.provider.to_owned(),
        sung_by: sung.provider.to_owned(),
        syllables_placed: performance.syllables_placed,
    };
    Ok(Sung { lyrics: written.value, voice: sung.value.samples, summary })
}

fn capabilities(settings: &Settings) -> Result<Capabilities> {
    let metrics = telemetry::Metrics::new("descant");
    let providers = &settings.providers;
    let breaker = BreakerSettings { threshold: providers.breaker_threshold, open_for: providers.breaker_open };
    let breakers = BreakerRegistry::new(breaker, metrics.clone());
    Capabilities::new(settings, &breakers, &metrics).context("the music providers cannot be set up")
}

/// What was asked for and cannot be had is refused; anything else is the work's own failure.
fn failed(Failure { class, message, .. }: Failure) -> anyhow::Error {
    match class {
        FailureClass::Caller | FailureClass::Content => Exit::refused(message),
        _ => Exit::job_failed(message),
    }
}

fn step(name: StageName, quiet: bool) -> indicatif::ProgressBar {
    bars::bar(stage::SPEC.stage(name.as_str()).map_or("", |stage| stage.label), quiet)
}

fn tell(
    report: &CompositionReport,
    folder: &std::path::Path,
    formats: &[Format],
    files: &[PathBuf],
    json: bool,
) -> Result<()> {
    if json {
        let files: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
        return Ok(output::line(
            json!({ "success": true, "files": files, "warnings": report.warnings, "report": report }),
        )?);
    }
    for warning in &report.warnings {
        output::line(format_args!("note: {warning}"))?;
    }
    output::line(format_args!("\n{}\n{}", report.title, report.summary()))?;
    let listen_to = formats.first().map_or("report.json", |format| format.file_name());
    output::path("Your song: ", &folder.join(listen_to))?;
    Ok(output::path("Its picture: ", &folder.join("song.svg"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_people_write_them() {
        for (text, expected) in [
            ("30s", 30_000),
            ("30", 30_000),
            ("30.5s", 30_500),
            ("45.123", 45_123),
            ("1500ms", 1_500),
            ("2m", 120_000),
            ("2min", 120_000),
            ("2m10s", 130_000),
            ("2m 10", 130_000),
            ("1:30", 90_000),
            ("0:07.5", 7_500),
            ("10:00", 600_000),
            (" 3S ", 3_000),
            ("1e300", u32::MAX),
        ] {
            assert_eq!(milliseconds(text), Some(expected), "{text}");
        }
        for text in ["", "s", "long", "-3s", "1:75", "1:2:3", "NaN", "inf", "3h", "m", "1m2m"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }
}
