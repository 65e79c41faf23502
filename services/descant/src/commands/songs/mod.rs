//! `descant songs`: the catalogue, here or on a server. Both give the same JSON.

pub mod here;
mod parcels;
mod there;

use anyhow::Result;
use serde_json::Value;

use self::{here::Here, there::There};
use crate::{
    cli,
    exit::Exit,
    output::{self, OutputError},
};

/// Widest column of a table.
const WIDEST: usize = 48;

pub async fn run(command: cli::Songs, json: bool) -> Result<()> {
    match command {
        cli::Songs::Import { paths, title, artist, place } => {
            let answer = match Place::of(place).await? {
                Place::Here(here) => here.import(&paths, title, artist, |line| tell_file(line, json)).await?,
                Place::There(there) => there.import(&paths, title, artist, |line| tell_file(line, json)).await?,
            };
            conclude(&answer, json)
        }
        cli::Songs::List { limit, cursor, place } => {
            let answer = match Place::of(place).await? {
                Place::Here(here) => here.list(limit, cursor.as_deref()).await?,
                Place::There(there) => there.list(limit, cursor.as_deref()).await?,
            };
            Ok(tell_songs(&answer, json)?)
        }
        cli::Songs::Search { query, limit, place } => {
            let query = query.join(" ");
            let answer = match Place::of(place).await? {
                Place::Here(here) => here.search(&query, limit).await?,
                Place::There(there) => there.search(&query, limit).await?,
            };
            Ok(tell_songs(&answer, json)?)
        }
        cli::Songs::Correct { id, title, artist, no_artist, place } => {
            let artist = if no_artist { Some(None) } else { artist.map(Some) };
            let answer = match Place::of(place).await? {
                Place::Here(here) => here.correct(&id, title, artist).await?,
                Place::There(there) => there.correct(&id, title, artist).await?,
            };
            if json {
                return Ok(output::line(serde_json::to_string_pretty(&answer)?)?);
            }
            Ok(output::line(format_args!("{id}: {}", name(&answer["song"])))?)
        }
        cli::Songs::Remove { ids, place } => {
            let place = Place::of(place).await?;
            for id in &ids {
                let answer = match &place {
                    Place::Here(here) => here.remove(id).await?,
                    Place::There(there) => there.remove(id).await?,
                };
                if json {
                    output::line(answer)?;
                } else {
                    output::line(format_args!("{id}: removed"))?;
                }
            }
            Ok(())
        }
    }
}

enum Place {
    Here(Box<Here>),
    There(There),
}

impl Place {
    async fn of(place: cli::SongsPlace) -> Result<Self> {
        let cli::SongsPlace { config, data_dir, server, token } = place;
        Ok(match server {
            Some(server) => Self::There(There::new(&cli::Server { server, token })?),
            None => Self::Here(Box::new(Here::open(config, data_dir).await?)),
        })
    }
}

/// Says what became of a file, as it happens.
fn tell_file(line: &Value, json: bool) -> Result<(), OutputError> {
    if json {
        return Ok(());
    }
    let file = line["file"].as_str().unwrap_or_default();
    match line["outcome"].as_str().unwrap_or_default() {
        "refused" => output::line(format_args!("refused   {file}: {}", line["why"].as_str().unwrap_or_default())),
        outcome => output::line(format_args!("{outcome:<9} {file}: {}", name(line))),
    }
}

/// The figures of an import. One that found no song has failed.
fn conclude(answer: &Value, json: bool) -> Result<()> {
    let count = |name: &str| answer[name].as_u64().unwrap_or(0);
    let (imported, known, refused) = (count("imported"), count("known"), count("refused"));
    if json {
        output::line(serde_json::to_string_pretty(answer)?)?;
    } else {
        let unlisted = count("unlisted");
        if unlisted > 0 {
            output::line(format_args!("{unlisted} more files are counted below, but not listed"))?;
        }
        output::line(format_args!("{imported} imported, {known} there already, {refused} refused"))?;
    }
    if imported + known > 0 { Ok(()) } else { Err(Exit::refused("no song was found in what was given")) }
}

fn tell_songs(answer: &Value, json: bool) -> Result<(), OutputError> {
    if json {
        return output::line(format_args!("{answer:#}"));
    }
    let songs = answer["songs"].as_array().map(Vec::as_slice).unwrap_or_default();
    if songs.is_empty() {
        return output::line("no songs; `descant songs import PATH` takes some in");
    }
    let mut rows = vec![["TITLE", "ARTIST", "KEY", "METER", "BPM", "BARS", "LENGTH", "ID"].map(str::to_owned)];
    rows.extend(songs.iter().map(row));
    let widths: [usize; 8] =
        std::array::from_fn(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0));
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, widest)| format!("{cell}{}", " ".repeat(widest - width(cell))));
        output::line(cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    if let Some(next) = answer["next"].as_str() {
        output::line(format_args!("more: --cursor {next}"))?;
    }
    Ok(())
}

fn row(song: &Value) -> [String; 8] {
    let text = |name: &str| song[name].as_str().unwrap_or("-").to_owned();
    let seconds = song["seconds"].as_f64().unwrap_or(0.0).round() as u64;
    [
        shortened(&text("title")),
        shortened(&text("artist")),
        text("key"),
        text("meter"),
        format!("{:.0}", song["tempoBpm"].as_f64().unwrap_or(0.0)),
        song["bars"].to_string(),
        format!("{}:{:02}", seconds / 60, seconds % 60),
        text("id"),
    ]
}

fn shortened(text: &str) -> String {
    if width(text) <= WIDEST {
        return text.to_owned();
    }
    text.chars().take(WIDEST - 1).chain(['…']).collect()
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// `Title - Artist`.
fn name(song: &Value) -> String {
    let title = song["title"].as_str().unwrap_or_default();
    song["artist"].as_str().map_or_else(|| title.to_owned(), |artist| format!("{title} - {artist}"))
}
