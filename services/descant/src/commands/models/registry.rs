//! A server's registry of models.

use std::{fs::File, io::Read, path::Path};

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::Value;

use crate::{api::Api, cli, exit::Exit, output};

/// What the server takes.
const MOST_BYTES: u64 = 4 * 1024 * 1024;
/// As much of a version as tells it from another.
const VERSION_CHARS: usize = 12;

pub async fn list(server: &cli::Server, json: bool) -> Result<()> {
    let answer = Api::new(server)?.get("api/v1/models").await?;
    if json {
        return Ok(output::line(format_args!("{answer:#}"))?);
    }
    let models = answer["models"].as_array().map(Vec::as_slice).unwrap_or_default();
    if models.is_empty() {
        return Ok(output::line("there are no models")?);
    }
    for model in models {
        let text = |field: &str| model[field].as_str().unwrap_or("-").to_owned();
        let version: String = text("version").chars().take(VERSION_CHARS).collect();
        output::line(format_args!(
            "{:<24}  {:<10}  {:<8}  {:<12}  {version:<VERSION_CHARS$}  {}",
            text("name"),
            text("kind"),
            text("status"),
            text("provider"),
            text("licence"),
        ))?;
    }
    Ok(())
}

pub async fn export(server: &cli::Server) -> Result<()> {
    let document = Api::new(server)?.get("api/v1/admin/models/export").await?;
    Ok(output::line(format_args!("{document:#}"))?)
}

pub async fn import(file: &Path, server: &cli::Server, json: bool) -> Result<()> {
    let document = read(file)?;
    let answer = Api::new(server)?.call(Method::POST, "api/v1/admin/models/import", Some(&document)).await?;
    if json {
        output::line(format_args!("{answer:#}"))?;
    } else {
        for entry in answer["models"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let text = |field: &str| entry[field].as_str().unwrap_or_default();
            let why = entry["why"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
            output::line(format_args!("{:<9} {} {}{why}", text("outcome"), text("section"), text("name")))?;
        }
    }
    let count = |name: &str| answer[name].as_u64().unwrap_or(0);
    if count("refused") > 0 && count("added") + count("updated") + count("unchanged") == 0 {
        return Err(Exit::refused("nothing of it was taken"));
    }
    Ok(())
}

fn read(file: &Path) -> Result<Value> {
    let mut text = String::new();
    let source: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        let opened = File::open(file);
        Box::new(opened.map_err(|error| Exit::refused(format!("{} cannot be opened: {error}", file.display())))?)
    };
    source
        .take(MOST_BYTES + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(Exit::refused(format!("{} is longer than {MOST_BYTES} bytes", file.display())));
    }
    serde_json::from_str(&text).map_err(|error| Exit::refused(format!("{} is no JSON: {error}", file.display())))
}
