//! The catalogue of a server.

use std::path::PathBuf;

use anyhow::Result;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::parcels::{self, Parcel, Parcels};
use crate::{
    api::{Api, Imported},
    cli,
    exit::Exit,
    output::OutputError,
};

const SONGS: &str = "api/v1/songs";

pub struct There {
    api: Api,
}

impl There {
    pub fn new(server: &cli::Server) -> Result<Self> {
        Ok(Self { api: Api::new(server)? })
    }

    /// Folders go as archives, so that the server sees what lies in which folder.
    pub async fn import(
        &self,
        paths: &[PathBuf],
        title: Option<String>,
        artist: Option<String>,
        mut told: impl FnMut(&Value) -> Result<(), OutputError>,
    ) -> Result<Value> {
        if title.is_some() && paths.len() > 1 {
            return Err(Exit::refused("--title is for one song; leave it out for several"));
        }
        let fields: Vec<(&'static str, String)> =
            [("title", title), ("artist", artist)].into_iter().filter_map(|(name, text)| Some((name, text?))).collect();
        let mut whole = Whole::default();
        // What cannot be opened is said before anything is sent.
        let all: Vec<Parcels> = paths.iter().map(|path| Parcels::of(path)).collect::<Result<_>>()?;
        for mut parcels in all {
            whole.refuse(std::mem::take(&mut parcels.refused), &mut told)?;
            while let Some(Parcel { file, name, refused }) = parcels.next()? {
                whole.refuse(refused, &mut told)?;
                match self.api.import_songs(vec![(file, name.clone())], &fields).await {
                    Ok(Imported::Report(report)) => whole.add(report, &parcels, &mut told)?,
                    // One refused file does not keep the others away.
                    Ok(Imported::Refused(why)) => whole.refuse(vec![parcels::refusal(&name, None, &why)], &mut told)?,
                    // What is wrong is not the file: it would be so with every other one.
                    Err(error) => return Err(whole.stopped_by(error)),
                }
            }
        }
        Ok(whole.into_report())
    }

    pub async fn list(&self, limit: u64, cursor: Option<&str>) -> Result<Value> {
        self.get(&[("limit", limit.to_string().as_str())], cursor.map(|cursor| ("cursor", cursor))).await
    }

    pub async fn search(&self, query: &str, limit: u64) -> Result<Value> {
        self.get(&[("limit", limit.to_string().as_str())], Some(("q", query))).await
    }

    async fn get(&self, query: &[(&str, &str)], more: Option<(&str, &str)>) -> Result<Value> {
        let query =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).extend_pairs(more).finish();
        self.api.get(&format!("{SONGS}?{query}")).await
    }

    pub async fn correct(&self, id: &str, title: Option<String>, artist: Option<Option<String>>) -> Result<Value> {
        let mut body = Map::new();
        if let Some(title) = title {
            body.insert("title".to_owned(), title.into());
        }
        if let Some(artist) = artist {
            body.insert("artist".to_owned(), artist.into());
        }
        self.api.call(Method::PATCH, &path(id)?, Some(&Value::Object(body))).await
    }

    pub async fn remove(&self, id: &str) -> Result<Value> {
        self.api.call(Method::DELETE, &path(id)?, None).await
    }
}

/// What the answers to all parts say together.
#[derive(Default)]
struct Whole {
    imported: u64,
    known: u64,
    refused: u64,
    unlisted: u64,
    files: Vec<Value>,
}

type Told<'a> = &'a mut dyn FnMut(&Value) -> Result<(), OutputError>;

impl Whole {
    fn refuse(&mut self, lines: Vec<Value>, told: Told<'_>) -> Result<(), OutputError> {
        self.refused += lines.len() as u64;
        lines.into_iter().try_for_each(|line| self.tell(line, told))
    }

    fn add(&mut self, report: Value, parcels: &Parcels, told: Told<'_>) -> Result<(), OutputError> {
        let count = |name: &str| report[name].as_u64().unwrap_or(0);
        self.imported += count("imported");
        self.known += count("known");
        self.refused += count("refused");
        self.unlisted += count("unlisted");
        for line in report["files"].as_array().into_iter().flatten() {
            let mut line = line.clone();
            if let Some(here) = line["file"].as_str().and_then(|file| parcels.name_here(file)) {
                line["file"] = here.into();
            }
            self.tell(line, told)?;
        }
        Ok(())
    }

    fn tell(&mut self, line: Value, told: Told<'_>) -> Result<(), OutputError> {
        told(&line)?;
        self.files.push(line);
        Ok(())
    }

    fn stopped_by(&self, error: anyhow::Error) -> anyhow::Error {
        if self.imported == 0 {
            return error;
        }
        error.context(format!("the import stopped; the {} songs that were imported before stay", self.imported))
    }

    fn into_report(self) -> Value {
        let Self { imported, known, refused, unlisted, files } = self;
        json!({
            "success": true, "imported": imported, "known": known, "refused": refused, "files": files, "unlisted": unlisted,
        })
    }
}

fn path(id: &str) -> Result<String> {
    let id: domain::SongId = id.parse().map_err(|error: domain::ids::InvalidId| Exit::refused(error.to_string()))?;
    Ok(format!("{SONGS}/{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_all_parts_add_up_those_of_unlisted_files_too() {
        let home = tempfile::tempdir().unwrap();
        let music = home.path().join("music");
        std::fs::create_dir(&music).unwrap();
        std::fs::write(music.join("a.mid"), b"x").unwrap();
        let parcels = Parcels::of(&music).unwrap();
        let mut names = Vec::new();
        let mut told = |line: &Value| {
            names.push(line["file"].as_str().unwrap_or_default().to_owned());
            Ok(())
        };
        let mut whole = Whole::default();
        let report = json!({
            "imported": 20_001, "known": 2, "refused": 3, "unlisted": 5,
            "files": [{ "file": "music.tar/a.mid", "outcome": "imported" }],
        });
        whole.add(report.clone(), &parcels, &mut told).unwrap();
        whole.add(report, &parcels, &mut told).unwrap();
        whole.refuse(vec![parcels::refusal("music/link.mid", Some("link"), "a link")], &mut told).unwrap();
        assert!(whole.stopped_by(Exit::refused("no")).downcast_ref::<Exit>().is_some(), "it keeps its exit code");
        let whole = whole.into_report();
        for (name, count) in [("imported", 40_002), ("known", 4), ("refused", 7), ("unlisted", 10)] {
            assert_eq!(whole[name], count, "{name}");
        }
        assert_eq!(names, ["music/a.mid", "music/a.mid", "music/link.mid"]);
    }
}
