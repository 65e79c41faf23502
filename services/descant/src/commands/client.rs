//! The commands that talk to a server.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use domain::audio::AudioLimits;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    api::Api,
    cli,
    exit::Exit,
    output::{self, OutputError},
    recording::Source,
    results::Destination,
};

/// The files of a result that have the same names in every job.
const DOCUMENTS: [&str; 5] = ["lyrics.txt", "melody.mid", "melody.musicxml", "melody.svg", "report.json"];

pub async fn submit(args: cli::Submit, json: bool) -> Result<()> {
    let api = Api::new(&args.server)?;
    let source = Source::open(&args.recording)?;
    let destination = args.out.map(|folder| Destination::named(folder, args.overwrite).sparing(&source));
    if let Some(destination) = &destination {
        destination.check(&DOCUMENTS)?;
    }
    // What the server takes is the server's affair; a pipe is bounded by what one takes that nobody has changed.
    let recording = source.read(AudioLimits::default().max_size_bytes)?;
    let accepted = api.convert(recording, &args.song, args.idempotency_key.as_deref()).await?;
    let job = accepted["jobId"].as_str().context("the server named no job")?.to_owned();
    let follow = args.watch || destination.is_some();
    if json && !follow {
        return print(&accepted);
    }
    if !json {
        for warning in accepted["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            output::line(format_args!("note: {warning}"))?;
        }
        output::line(format_args!("job {job}: accepted"))?;
    }
    if !follow {
        return Ok(output::line(format_args!("follow it with: descant watch {job}"))?);
    }
    let status = follow_to_end(&api, &job, json).await?;
    if let Some(destination) = destination
        && status["status"] == "completed"
    {
        let files = fetch(&api, &status, destination).await;
        let files = files.with_context(|| format!("the song is made; fetch it with `descant download {job}`"))?;
        if !json {
            tell(&files)?;
        }
    }
    conclude(&status, json)
}

pub async fn status(args: cli::JobArgs, json: bool) -> Result<()> {
    let status = status_of(&Api::new(&args.server)?, &args.job).await?;
    if json {
        return print(&status);
    }
    output::line(format_args!("job {}: {} {}%", args.job, text(&status["state"]), status["progress"]))?;
    if let Some(stage) = status["stageLabel"].as_str().filter(|_| status["status"] == "processing") {
        output::line(format_args!("  now: {stage}"))?;
    }
    if let Some(error) = status["error"].as_str() {
        output::line(format_args!("  {} ({})", error, text(&status["errorType"])))?;
    }
    if status["result"].is_object() {
        output::line(format_args!("  {}", work(&status["result"])))?;
    }
    Ok(())
}

pub async fn watch(args: cli::JobArgs, json: bool) -> Result<()> {
    let api = Api::new(&args.server)?;
    let status = follow_to_end(&api, &args.job, json).await?;
    conclude(&status, json)
}

pub async fn cancel(args: cli::JobArgs, json: bool) -> Result<()> {
    let api = Api::new(&args.server)?;
    let answer = api.post(&format!("api/v1/jobs/{}/cancel", id(&args.job)?)).await?;
    if json {
        return print(&answer);
    }
    Ok(output::line(format_args!("job {}: {}", args.job, text(&answer["message"])))?)
}

pub async fn download(args: cli::Download, json: bool) -> Result<()> {
    let api = Api::new(&args.server)?;
    let status = status_of(&api, &args.job).await?;
    if status["status"] != "completed" {
        return Err(anyhow::anyhow!("the job is {}; there is nothing to fetch", text(&status["state"])));
    }
    let files = fetch(&api, &status, Destination::named(args.out, args.overwrite)).await?;
    if json {
        let files: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
        return print(&json!({ "files": files }));
    }
    Ok(tell(&files)?)
}

pub async fn history(args: cli::HistoryArgs, json: bool) -> Result<()> {
    let api = Api::new(&args.server)?;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &args.limit.to_string());
    for (name, value) in [("kind", &args.kind), ("cursor", &args.cursor)] {
        value.iter().for_each(|value| _ = query.append_pair(name, value));
    }
    let history = api.get(&format!("api/v1/jobs?{}", query.finish())).await?;
    if json {
        return print(&history);
    }
    for job in history["jobs"].as_array().into_iter().flatten() {
        let (id, kind, state) = (text(&job["jobId"]), text(&job["kind"]), text(&job["state"]));
        let title = job["title"].as_str().unwrap_or_default();
        output::line(format_args!("{id}  {kind:<16} {state:<10} {:>3}%  {title}", job["progress"]))?;
    }
    match history["next"].as_str() {
        Some(next) => Ok(output::line(format_args!("older ones: --cursor {next}"))?),
        None => Ok(()),
    }
}

pub async fn quota(server: cli::Server, json: bool) -> Result<()> {
    let answer = Api::new(&server)?.get("api/v1/melody-vocals/quota").await?;
    if json {
        return print(&answer);
    }
    let quota = &answer["quota"];
    let limit = |limit: &Value| limit.as_u64().map_or_else(|| "no limit".to_owned(), |limit| format!("of {limit}"));
    output::line(format_args!("today:      {} {}", quota["dailyUsed"], limit(&quota["dailyLimit"])))?;
    Ok(output::line(format_args!("this month: {} {}", quota["monthlyUsed"], limit(&quota["monthlyLimit"])))?)
}

async fn status_of(api: &Api, job: &str) -> Result<Value> {
    api.get(&format!("api/v1/jobs/{}", id(job)?)).await
}

/// A job's id goes into a path: nothing but an id may.
fn id(job: &str) -> Result<domain::JobId> {
    job.parse().map_err(|error: domain::ids::InvalidId| Exit::refused(error.to_string()))
}

/// Shows a job's events until it has ended, and gives its status; connects again when the connection breaks.
async fn follow_to_end(api: &Api, job: &str, json: bool) -> Result<Value> {
    const TRIES: u32 = 10;
    let job = id(job)?.to_string();
    let bar = if json { ProgressBar::hidden() } else { bar() };
    let mut after = 0;
    let mut broken = 0;
    loop {
        let before = after;
        match follow(api, &job, &mut after, &bar, json).await {
            Ok(true) => {
                let status = status_of(api, &job).await?;
                if is_ended(&status) {
                    bar.finish_and_clear();
                    return Ok(status);
                }
                // It was tried again in this moment: its log goes on.
            }
            Ok(false) => {}
            Err(error) if error.is::<Exit>() && broken == 0 && after == 0 => return Err(error),
            Err(error) if error.is::<OutputError>() => return Err(error),
            Err(_) => {}
        }
        broken = if after > before { 1 } else { broken + 1 };
        if broken > TRIES {
            bar.abandon();
            return Err(Exit::unreachable("the server stopped answering; the job goes on without you".to_owned()));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn is_ended(status: &Value) -> bool {
    matches!(status["status"].as_str(), Some("completed" | "failed" | "cancelled"))
}

/// Reads one event stream to its end; true when the job has ended with it. A failed or expired job may be tried again,
/// then its log goes on behind that event: only the end of the stream says that it does not.
async fn follow(api: &Api, job: &str, after: &mut u64, bar: &ProgressBar, json: bool) -> Result<bool> {
    const MAX_LINE_BYTES: usize = 1024 * 1024;
    let mut response = api.events(job, *after).await?;
    if response.status() == StatusCode::NO_CONTENT {
        return Ok(true);
    }
    let (mut buffer, mut has_ended) = (Vec::new(), false);
    while let Some(chunk) = response.chunk().await? {
        buffer.extend_from_slice(&chunk);
        while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            let Some(data) = line.strip_prefix(b"data:") else { continue };
            let event: Value = serde_json::from_slice(data.trim_ascii()).context("an event cannot be read")?;
            *after = event["seq"].as_u64().unwrap_or(*after);
            show(&event, bar, json)?;
            match event["type"].as_str() {
                Some("completed" | "cancelled") => return Ok(true),
                kind => has_ended = matches!(kind, Some("failed" | "expired")),
            }
        }
        anyhow::ensure!(buffer.len() < MAX_LINE_BYTES, "the server sends something that is no event stream");
    }
    Ok(has_ended)
}

fn show(event: &Value, bar: &ProgressBar, json: bool) -> Result<(), OutputError> {
    if json {
        return output::line(event);
    }
    let data = &event["data"];
    bar.set_position(data["progress"].as_u64().unwrap_or_default());
    if let Some(label) = data["stageLabel"].as_str() {
        bar.set_message(label.to_owned());
    }
    let note = match event["type"].as_str() {
        Some("retry_scheduled") => format!("trying again: {}", text(&data["error"])),
        Some("stalled") => "its worker is not heard of; waiting for another one to take over".to_owned(),
        Some("resumed") => "another worker has taken over".to_owned(),
        Some("retry_requested") => "it had failed and is tried again, because its owner asked for it".to_owned(),
        _ => return Ok(()),
    };
    // A bar that is not drawn, because nobody sees it, prints nothing either.
    if bar.is_hidden() {
        output::error(note)
    } else {
        bar.println(note)
    }
    Ok(())
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:24} [{bar:30}] {percent:>3}% {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    let bar = ProgressBar::new(100).with_style(style).with_message("Waiting");
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Fetches every file of a result; none is there before all are whole.
async fn fetch(api: &Api, status: &Value, to: Destination) -> Result<Vec<PathBuf>> {
    let empty = Vec::new();
    let artifacts = status["artifacts"].as_array().unwrap_or(&empty);
    let names = file_names(artifacts);
    to.check(&names)?;
    let mut files = to.begin()?;
    for (artifact, name) in artifacts.iter().zip(names) {
        let url = artifact["url"].as_str().context("the server named no address")?;
        let file = files.create(&name)?;
        let fetched = api.download(url, file, artifact["sizeBytes"].as_u64()).await;
        fetched.with_context(|| format!("{name} cannot be fetched"))?;
    }
    files.commit()
}

/// The server's name for a file is only a name: no folders, nothing hidden, no two alike.
fn file_names(artifacts: &[Value]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let names = artifacts.iter().enumerate().map(|(index, artifact)| {
        let name = artifact["fileName"].as_str().unwrap_or_default();
        let name = name.replace(|c: char| c.is_control() || ['/', '\\'].contains(&c), "_");
        let name = match name.trim_start_matches('.') {
            "" => "result",
            name => name,
        };
        let mut name = name.to_owned();
        while !taken.insert(name.clone()) {
            name = format!("{}-{name}", index + 1);
        }
        name
    });
    names.collect()
}

fn tell(files: &[PathBuf]) -> Result<(), OutputError> {
    files.iter().try_for_each(|path| output::path("", path))
}

fn conclude(status: &Value, json: bool) -> Result<()> {
    let told = if json { print(status) } else { Ok(()) };
    match status["status"].as_str() {
        Some("completed") if json => told,
        Some("completed") => {
            output::line(work(&status["result"]))?;
            Ok(output::line(format_args!("\nlisten: {}", text(&status["links"]["result"])))?)
        }
        // How the job ended matters more than whether somebody read it.
        Some("cancelled") => Err(Exit::cancelled("the job was cancelled")),
        _ => Err(Exit::job_failed(text(&status["error"]).to_owned())),
    }
}

/// What a finished job made, in words: its title, and the lyrics where it has some.
fn work(result: &Value) -> String {
    let title = text(&result["title"]);
    result["lyrics"].as_str().map_or_else(|| title.to_owned(), |lyrics| format!("{title}\n\n{lyrics}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

fn print(value: &Value) -> Result<()> {
    Ok(output::line(serde_json::to_string_pretty(value)?)?)
}
