//! The commands that talk to a server.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::StatusCode;
use serde_json::Value;

use crate::{api::Api, cli, exit::Exit};

pub async fn submit(args: cli::Submit, json: bool) -> Result<()> {
    let api = Api::new(&args.server)?;
    let accepted = api.convert(&args.recording, &args.song, args.idempotency_key.as_deref()).await?;
    let job = accepted["jobId"].as_str().context("the server named no job")?.to_owned();
    let follow = args.watch || args.out.is_some();
    if json && !follow {
        return print(&accepted);
    }
    if !json {
        for warning in accepted["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            println!("note: {warning}");
        }
        println!("job {job}: accepted");
    }
    if !follow {
        println!("follow it with: descant watch {job}");
        return Ok(());
    }
    let status = follow_to_end(&api, &job, json).await?;
    if let Some(out) = &args.out
        && status["status"] == "completed"
    {
        fetch(&api, &status, out, json).await?;
    }
    conclude(&status, json)
}

pub async fn status(args: cli::JobArgs, json: bool) -> Result<()> {
    let status = status_of(&Api::new(&args.server)?, &args.job).await?;
    if json {
        return print(&status);
    }
    println!("job {}: {} {}%", args.job, text(&status["state"]), status["progress"]);
    if let Some(stage) = status["stageLabel"].as_str().filter(|_| status["status"] == "processing") {
        println!("  now: {stage}");
    }
    if let Some(error) = status["error"].as_str() {
        println!("  {} ({})", error, text(&status["errorType"]));
    }
    if let Some(result) = status.get("result").filter(|result| result.is_object()) {
        println!("  {}\n\n{}", text(&result["title"]), text(&result["lyrics"]));
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
    let answer = api.post(&format!("api/v1/melody-vocals/cancel/{}", id(&args.job)?)).await?;
    if json {
        return print(&answer);
    }
    println!("job {}: {}", args.job, text(&answer["message"]));
    Ok(())
}

pub async fn download(args: cli::Download, json: bool) -> Result<()> {
    let api = Api::new(&args.server)?;
    let status = status_of(&api, &args.job).await?;
    if status["status"] != "completed" {
        return Err(anyhow::anyhow!("the job is {}; there is nothing to fetch", text(&status["state"])));
    }
    fetch(&api, &status, &args.out, json).await
}

pub async fn history(args: cli::HistoryArgs, json: bool) -> Result<()> {
    let api = Api::new(&args.server)?;
    let path = format!("api/v1/melody-vocals/history?limit={}&offset={}", args.limit, args.offset);
    let history = api.get(&path).await?;
    if json {
        return print(&history);
    }
    for job in history["conversions"].as_array().into_iter().flatten() {
        let title = job["title"].as_str().or(job["prompt"].as_str()).unwrap_or_default();
        println!("{}  {:<10} {:>3}%  {}", text(&job["jobId"]), text(&job["state"]), job["progress"], title);
    }
    println!("{} in all", history["pagination"]["total"]);
    Ok(())
}

pub async fn quota(server: cli::Server, json: bool) -> Result<()> {
    let answer = Api::new(&server)?.get("api/v1/melody-vocals/quota").await?;
    if json {
        return print(&answer);
    }
    let quota = &answer["quota"];
    let limit = |limit: &Value| limit.as_u64().map_or_else(|| "no limit".to_owned(), |limit| format!("of {limit}"));
    println!("today:      {} {}", quota["dailyUsed"], limit(&quota["dailyLimit"]));
    println!("this month: {} {}", quota["monthlyUsed"], limit(&quota["monthlyLimit"]));
    Ok(())
}

async fn status_of(api: &Api, job: &str) -> Result<Value> {
    api.get(&format!("api/v1/melody-vocals/status/{}", id(job)?)).await
}

/// A job's id goes into a path: nothing but an id may.
fn id(job: &str) -> Result<domain::JobId> {
    job.parse().map_err(|error: domain::ids::InvalidId| Exit::refused(error.to_string()))
}

/// Shows a job's events until the last one; connects again when the connection breaks.
async fn follow_to_end(api: &Api, job: &str, json: bool) -> Result<Value> {
    const TRIES: u32 = 10;
    let job = id(job)?.to_string();
    let bar = if json { ProgressBar::hidden() } else { bar() };
    let mut after = 0;
    let mut broken = 0;
    loop {
        match follow(api, &job, &mut after, &bar, json).await {
            Ok(true) => break,
            Ok(false) => {}
            Err(error) if error.is::<Exit>() && broken == 0 && after == 0 => return Err(error),
            Err(_) => {}
        }
        broken += 1;
        if broken > TRIES {
            bar.abandon();
            return Err(Exit::unreachable("the server stopped answering; the job goes on without you".to_owned()));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    bar.finish_and_clear();
    status_of(api, &job).await
}

/// Reads one event stream; true when it told of the job's end.
async fn follow(api: &Api, job: &str, after: &mut u64, bar: &ProgressBar, json: bool) -> Result<bool> {
    const MAX_LINE_BYTES: usize = 1024 * 1024;
    let mut response = api.events(job, *after).await?;
    if response.status() == StatusCode::NO_CONTENT {
        return Ok(true);
    }
    let mut buffer = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        buffer.extend_from_slice(&chunk);
        while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            let Some(data) = line.strip_prefix(b"data:") else { continue };
            let event: Value = serde_json::from_slice(data.trim_ascii()).context("an event cannot be read")?;
            *after = event["seq"].as_u64().unwrap_or(*after);
            show(&event, bar, json);
            if matches!(event["type"].as_str(), Some("completed" | "failed" | "cancelled" | "expired")) {
                return Ok(true);
            }
        }
        anyhow::ensure!(buffer.len() < MAX_LINE_BYTES, "the server sends something that is no event stream");
    }
    // A stream that ends by itself without a last event: the job had ended before what we asked for.
    Ok(false)
}

fn show(event: &Value, bar: &ProgressBar, json: bool) {
    if json {
        println!("{event}");
        return;
    }
    let data = &event["data"];
    bar.set_position(data["progress"].as_u64().unwrap_or_default());
    if let Some(label) = data["stageLabel"].as_str() {
        bar.set_message(label.to_owned());
    }
    if event["type"] == "retry_scheduled" {
        bar.println(format!("trying again: {}", text(&data["error"])));
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:24} [{bar:30}] {percent:>3}% {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    let bar = ProgressBar::new(100).with_style(style).with_message("Waiting");
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Fetches every file of a result.
async fn fetch(api: &Api, status: &Value, out: &Path, json: bool) -> Result<()> {
    tokio::fs::create_dir_all(out).await.with_context(|| format!("folder {} cannot be made", out.display()))?;
    for artifact in status["result"]["artifacts"].as_array().into_iter().flatten() {
        let url = artifact["url"].as_str().context("the server named no address")?;
        // The server's name for a file is only a name: no folders.
        let name = artifact["fileName"].as_str().unwrap_or("result").replace(['/', '\\'], "_");
        let to = out.join(name.trim_start_matches('.'));
        api.download(url, &to).await?;
        if !json {
            println!("{}", to.display());
        }
    }
    Ok(())
}

fn conclude(status: &Value, json: bool) -> Result<()> {
    if json {
        print(status)?;
    }
    match status["status"].as_str() {
        Some("completed") => {
            if !json {
                println!("{}\n\n{}", text(&status["result"]["title"]), text(&status["result"]["lyrics"]));
                println!("\nlisten: {}", text(&status["result"]["audioUrl"]));
            }
            Ok(())
        }
        Some("cancelled") => Err(Exit::cancelled("the job was cancelled")),
        _ => Err(Exit::job_failed(text(&status["error"]).to_owned())),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

fn print(value: &Value) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}
