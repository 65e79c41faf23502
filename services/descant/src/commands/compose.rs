//! `descant compose`: a sentence becomes a song in this process, with no server. The same steps as a job.

use std::{io::Read as _, ops::ControlFlow, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use arrangement::{
    Composers, CompositionReport, FinishedSound, Made, Reported, SoundSong, SoundSummary, Subject, VOICE,
    VocalsSummary, asked_seconds, check_voice, composed_stems, cover, lines_as_lrc, lines_as_text, roll, timed_lines,
    vocals_request, with_voice,
};
use compose::asked;
use domain::{
    InvalidField, StageName,
    kinds::composition::{self as stage, CompositionRequest},
};
use lyrics::Lyrics;
use media::{Master, Tags};
use music::Score;
use providers::{AudioInput, CallScope, Capabilities, ComposedSong, DirectCalls, ProgressSink, Provided, no_progress};
use resilience::{BreakerRegistry, BreakerSettings};
use settings::{LoadOptions, Settings};
use song::WordsElsewhere;
use soundfont::StemSpec;

use super::{
    bars,
    midi::{self, Album, Playing, Told},
};
use crate::{cli, exit::Exit, formats, recording::STDIN, results::Destination};

const FOLDER: &str = "composition";
/// Longest prompt that is read from a pipe, in bytes; what is longer is refused for its length.
const MOST_PROMPT_BYTES: u64 = 16 << 10;

pub async fn run(args: cli::Compose, json: bool) -> Result<()> {
    let settings = Settings::load(&LoadOptions::from_process(args.config.clone()))?;
    let request = request(&args)?;
    let destination = Destination::beside(args.out, PathBuf::from(FOLDER), args.overwrite);
    destination.check(&midi::FILES)?;
    let capabilities = capabilities(&settings)?;
    let composed = composed(&settings, &capabilities, &request, json).await?;
    let mut formats = formats::distinct(&args.formats);
    let finished = match composed.value {
        Made::Notes(song) => {
            let sung = match request.is_sung() {
                true => Some(sing(&settings, &capabilities, &request, &song, json).await?),
                false => None,
            };
            of_notes(&settings, &request, *song, &composed.provider, sung, json)?
        }
        Made::Sound(song, sound) => {
            formats.retain(|format| format.encoding().is_some());
            of_sound(&request, &song, &sound, &composed.provider, json)?
        }
    };

    let Finished { score, master, stems, report, documents, cover } = finished;
    let how = if score.is_some() { "composed by rules".to_owned() } else { format!("made by {}", report.provider) };
    let tags = Tags {
        title: Some(report.title.clone()),
        artist: Some("Descant".to_owned()),
        comment: Some(format!("{how}; seed {}", request.seed)),
        cover_png: Some(cover),
    };
    let picture = score.as_ref().map(|_| ("Its picture: ", "song.svg"));
    let album = Album { score: score.as_ref(), master: &master, stems: &stems, tags, formats: &formats, documents };
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
        picture,
    };
    told.print(json)
}

/// A song that is ready to be written down.
struct Finished {
    /// Where its notes are known.
    score: Option<Score>,
    master: Master,
    stems: Vec<StemSpec>,
    report: CompositionReport,
    /// Names and contents.
    documents: Vec<(&'static str, Vec<u8>)>,
    /// As PNG.
    cover: Vec<u8>,
}

/// Plays a song, with its voice where it has one.
fn of_notes(
    settings: &Settings,
    request: &CompositionRequest,
    song: ComposedSong,
    provider: &str,
    sung: Option<Sung>,
    quiet: bool,
) -> Result<Finished> {
    let mut stems = composed_stems(&song, sung.is_some());
    let playing = Playing {
        score: &song.score,
        stems: &stems,
        keep_stems: request.options.stems,
        bar: &step(stage::RENDERING, quiet),
    };
    let mut played = midi::play_exactly(settings, &playing, song.seconds)?;
    if let Some(sung) = &sung {
        played = with_voice(&played, &sung.voice).map_err(Exit::of_failure)?;
        let voice = StemSpec { name: VOICE.to_owned(), parts: Vec::new(), mix: soundfont::StemMix::PLAIN };
        stems.insert(0, voice);
    }
    let lines = sung.as_ref().map(|sung| timed_lines(&song.melody, &sung.lyrics)).unwrap_or_default();
    let report = CompositionReport::new(Reported {
        request,
        song: Subject::Notes(&song),
        provider,
        lyrics: lines.clone(),
        vocals: sung.as_ref().map(|sung| sung.summary.clone()),
        sound: SoundSummary::of(&played.report, &stems),
        heard: &played.report.warnings,
    });
    let mut documents = vec![written(&report)?, ("song.svg", roll(&song).into_bytes())];
    if let Some(sung) = &sung {
        documents.push(("lyrics.txt", song::lyrics_text(&sung.lyrics).into_bytes()));
        documents.push(("song.lrc", lines_as_lrc(&lines).into_bytes()));
    }
    let cover = cover(&song.score, &composed_stems(&song, false), None);
    Ok(Finished { score: Some(song.score), master: played.master, stems, report, documents, cover })
}

/// Brings what a service delivered as sound to length and loudness.
fn of_sound(
    request: &CompositionRequest,
    song: &SoundSong,
    sound: &AudioInput,
    provider: &str,
    quiet: bool,
) -> Result<Finished> {
    let bar = step(stage::RENDERING, quiet);
    let asked_seconds = asked_seconds(request);
    let sound = sound.reopen().map_err(Exit::of_failure)?;
    let mut progress = |share: f64| {
        bar.set_position((share * 100.0) as u64);
        ControlFlow::Continue(())
    };
    let finished = song.finished(sound, asked_seconds, request.options.stems, &mut progress);
    let finished = finished.map_err(Exit::of_failure)?;
    bars::done(&bar);
    let report = CompositionReport::new(Reported {
        request,
        song: Subject::Sound(song),
        provider,
        lyrics: song.lines.clone(),
        vocals: None,
        sound: finished.summary(),
        heard: &finished.warnings,
    });
    let mut documents = vec![written(&report)?];
    if !song.lines.is_empty() {
        documents.push(("lyrics.txt", lines_as_text(&song.lines).into_bytes()));
        documents.push(("song.lrc", lines_as_lrc(&song.lines).into_bytes()));
    }
    let FinishedSound { master, cover, warnings: _ } = finished;
    Ok(Finished { score: None, master, stems: Vec::new(), report, documents, cover })
}

fn written(report: &CompositionReport) -> Result<(&'static str, Vec<u8>)> {
    Ok(("report.json", serde_json::to_vec_pretty(report).context("the report cannot be written")?))
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

struct Sung {
    lyrics: Lyrics,
    /// Mono, at the rate of the band.
    voice: Vec<f32>,
    summary: VocalsSummary,
}

async fn composed(
    settings: &Settings,
    capabilities: &Capabilities,
    request: &CompositionRequest,
    quiet: bool,
) -> Result<Provided<Made>> {
    let time = settings.jobs.deadline;
    let bar = step(stage::COMPOSING, quiet);
    capabilities.content.admit(&request.texts(), time).await.map_err(Exit::of_failure)?;
    let calls = DirectCalls::default();
    let scope = CallScope::new(&calls, time);
    let words = WordsElsewhere::new(capabilities, settings.quality_gate(), request);
    let (chain, content) = (&capabilities.compositions, &*capabilities.content);
    let composers = Composers { chain, content, words: Some(&words) };
    let composed = arrangement::compose(&composers, scope, request).await.map_err(Exit::of_stop)?;
    bars::done(&bar);
    Ok(composed)
}

async fn sing(
    settings: &Settings,
    capabilities: &Capabilities,
    request: &CompositionRequest,
    song: &ComposedSong,
    quiet: bool,
) -> Result<Sung> {
    let (gate, time): (_, Duration) = (settings.quality_gate().clone(), settings.jobs.deadline);
    let vocals = vocals_request(request, song).map_err(Exit::of_failure)?;
    let bar = step(stage::WORDS, quiet);
    let calls = DirectCalls::default();
    let scope = CallScope::new(&calls, time);
    let written = song::write_lyrics(capabilities, &gate, scope, &song.melody, &vocals).await.map_err(Exit::of_stop)?;
    bars::done(&bar);
    let bar = step(stage::SINGING, quiet);
    let progress: ProgressSink = if quiet {
        no_progress()
    } else {
        let bar = bar.clone();
        std::sync::Arc::new(move |share: f64| bar.set_position((share * 100.0) as u64))
    };
    let parts = (&song.melody, &written.value);
    let calls = DirectCalls::default();
    let scope = CallScope::new(&calls, time);
    let sung = song::sing(capabilities, &gate, scope, parts, &vocals, &progress).await.map_err(Exit::of_stop)?;
    bars::done(&bar);
    let song::Sung { mastered, figures } = sung.value;
    check_voice(&figures, &sung.shortfalls, sung.takes).map_err(Exit::of_failure)?;
    let summary = VocalsSummary {
        title: written.value.title.clone(),
        voice: mastered.performance.voice,
        words_by: written.provider.to_string(),
        sung_by: sung.provider.to_string(),
        syllables_placed: mastered.performance.syllables_placed,
        takes: sung.takes,
        quality: Some(figures),
        shortfalls: written.shortfalls.into_iter().chain(sung.shortfalls).collect(),
    };
    Ok(Sung { lyrics: written.value, voice: mastered.samples, summary })
}

fn capabilities(settings: &Settings) -> Result<Capabilities> {
    let metrics = telemetry::Metrics::new("descant");
    let providers = &settings.providers;
    let breaker = BreakerSettings { threshold: providers.breaker_threshold, open_for: providers.breaker_open };
    let breakers = BreakerRegistry::new(breaker, metrics.clone());
    Capabilities::new(settings, &breakers, &metrics).context("the music providers cannot be set up")
}

fn step(name: StageName, quiet: bool) -> indicatif::ProgressBar {
    bars::bar(stage::SPEC.stage(name.as_str()).map_or("", |stage| stage.label), quiet)
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
