//! What `descant songs` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use url::Url;

#[derive(Subcommand)]
pub enum Songs {
    /// Take MIDI files into the catalogue: single ones, archives (zip, tar, tar.gz) and folders with all below them.
    Import {
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// What the song is called; for a single MIDI file only.
        #[arg(long)]
        title: Option<String>,
        /// By whom all of them are.
        #[arg(long)]
        artist: Option<String>,
        #[command(flatten)]
        place: SongsPlace,
    },
    /// The songs by title.
    List {
        /// How many, 1 to 100.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=100))]
        limit: u64,
        /// Where an earlier list said that it goes on.
        #[arg(long)]
        cursor: Option<String>,
        #[command(flatten)]
        place: SongsPlace,
    },
    /// Find songs by title and artist, in any order and with typing errors.
    Search {
        #[arg(required = true, value_name = "WORD")]
        query: Vec<String>,
        /// How many, 1 to 100.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=100))]
        limit: u64,
        #[command(flatten)]
        place: SongsPlace,
    },
    /// Give a song another title or artist.
    Correct {
        /// The song's id.
        id: String,
        #[arg(long, required_unless_present_any = ["artist", "no_artist"])]
        title: Option<String>,
        #[arg(long)]
        artist: Option<String>,
        /// It has no artist.
        #[arg(long, conflicts_with = "artist")]
        no_artist: bool,
        #[command(flatten)]
        place: SongsPlace,
    },
    /// Remove songs.
    Remove {
        /// The songs' ids.
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        #[command(flatten)]
        place: SongsPlace,
    },
}

/// Whose catalogue: the one that `descant serve` uses, running or not, or that of a server.
#[derive(Args, Clone)]
pub struct SongsPlace {
    /// Settings file (TOML).
    #[arg(long, env = "DESCANT_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where rows and objects are.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// Ask this server instead.
    #[arg(long, conflicts_with_all = ["config", "data_dir"])]
    pub server: Option<Url>,
    /// Your bearer token, where the server wants one.
    #[arg(long, env = "DESCANT_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}
