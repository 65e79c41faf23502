//! What `descant blend` takes.

use std::path::PathBuf;

use clap::Args;

use crate::formats::Format;

#[derive(Args)]
pub struct Blend {
    /// Three songs: MIDI files, up to 4 MB each (`-` is standard input), or songs of the catalogue by id, title, or title
    /// and artist.
    #[arg(required = true, value_name = "SONG")]
    pub songs: Vec<PathBuf>,
    /// Folder for the results. When absent: a new one beside you, `blend` or, if there is one, `blend-2`.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Replace files of an earlier song in the folder (never the songs that are blended).
    #[arg(long)]
    pub overwrite: bool,
    /// The folder of the catalogue, that of `descant serve`.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// What to write the song as, between commas.
    #[arg(long = "format", value_name = "FORMATS", value_enum, value_delimiter = ',', default_value = "mp3,mid")]
    pub formats: Vec<Format>,
    /// Settings file (TOML).
    #[arg(long, env = "DESCANT_CONFIG")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub options: BlendOptionArgs,
}

/// What the blend is to be; each has a default.
#[derive(Args, Clone)]
#[command(next_help_heading = "Blend options")]
pub struct BlendOptionArgs {
    /// Same songs, same options, same seed: same blend.
    #[arg(long)]
    seed: Option<u64>,
    /// How much of each song there is to be, relative to the others, such as 1,1,2; each 0.05 to 20.
    #[arg(long)]
    weights: Option<String>,
    /// Length in bars, 8 to 400; 48 when absent.
    #[arg(long, conflicts_with = "seconds")]
    bars: Option<u32>,
    /// Length in seconds, met within one bar.
    #[arg(long, visible_alias = "length")]
    seconds: Option<String>,
    /// Beats per minute, 40 to 240; the nearest to all three songs when absent.
    #[arg(long, value_name = "BPM")]
    tempo: Option<String>,
    /// Such as C, F# minor, Bb or Am; the one to which the songs are moved least when absent.
    #[arg(long)]
    key: Option<String>,
    /// Sections by letter (A to D), such as ABACA; equal letters have the same tune.
    #[arg(long)]
    form: Option<String>,
    /// How far lines may depart from their songs, 0 to 1: at 0 tunes are only fitted to the chords, then returns are
    /// ornamented, from 0.3 on with a counter-melody; from 0.7 on a tune may have one song's rhythm and another's contour.
    #[arg(long)]
    creativity: Option<String>,
    /// How far the plan may lie from the one that fits best, 0 to 1: at 0 every seed makes the same blend.
    #[arg(long)]
    temperature: Option<String>,
    /// Also write each role (melody, chords, bass, drums …) as a sound of its own; they add up to the song.
    #[arg(long)]
    stems: bool,
}

impl BlendOptionArgs {
    /// Those that were given, named as the fields of the HTTP API.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let Self { seed, weights, bars, seconds, tempo, key, form, creativity, temperature, stems } = self;
        let given = [
            ("seed", seed.map(|seed| seed.to_string())),
            ("weights", weights.clone()),
            ("bars", bars.map(|bars| bars.to_string())),
            ("seconds", seconds.clone()),
            ("tempo", tempo.clone()),
            ("key", key.clone()),
            ("form", form.clone()),
            ("creativity", creativity.clone()),
            ("temperature", temperature.clone()),
            ("stems", stems.then(|| "true".to_owned())),
        ];
        given.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
    }
}
