//! The catalogue of a server.

use std::path::PathBuf;

use anyhow::Result;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::parcels;
use crate::{api::Api, cli, exit::Exit, output::OutputError};

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
        let (mut counts, mut files) = ([0_u64; 3], Vec::new());
        const COUNTS: [&str; 3] = ["imported", "known", "refused"];
        for path in paths {
            for parcel in parcels::of(path)? {
                let name = parcel.1.clone();
                let answer = match self.api.import_songs(vec![parcel], &fields).await {
                    Ok(answer) => answer,
                    // One refused file does not keep the others away.
                    Err(error) if error.downcast_ref::<Exit>().is_some_and(|exit| exit.code == Exit::REFUSED) => {
                        let why = error.to_string();
                        json!({ "refused": 1, "files": [{ "file": name, "outcome": "refused", "why": why }] })
                    }
                    Err(error) => return Err(error),
                };
                for (sum, name) in counts.iter_mut().zip(COUNTS) {
                    *sum += answer[name].as_u64().unwrap_or(0);
                }
                for line in answer["files"].as_array().into_iter().flatten() {
                    told(line)?;
                    files.push(line.clone());
                }
            }
        }
        let [imported, known, refused] = counts;
        Ok(json!({
            "success": true, "imported": imported, "known": known, "refused": refused, "files": files, "unlisted": 0,
        }))
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

fn path(id: &str) -> Result<String> {
    let id: domain::SongId = id.parse().map_err(|error: domain::ids::InvalidId| Exit::refused(error.to_string()))?;
    Ok(format!("{SONGS}/{id}"))
}
