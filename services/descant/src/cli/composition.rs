//! The arguments of `descant compose`.

use std::path::PathBuf;

use clap::Args;

use crate::formats::Format;

#[derive(Args)]
pub struct Compose {
    /// What the music is to be, in words: 3 to 2000 characters; `-` is standard input.
    pub prompt: String,
    /// Folder for the results. When absent: a new one beside you, `composition` or, if there is one, `composition-2`.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Replace files of an earlier song in the folder.
    #[arg(long)]
    pub overwrite: bool,
    /// What to write the song as, between commas.
    #[arg(long = "format", value_name = "FORMATS", value_enum, value_delimiter = ',', default_value = "mp3,mid")]
    pub formats: Vec<Format>,
    /// Settings file (TOML).
    #[arg(long, env = "DESCANT_CONFIG")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub options: CompositionOptionArgs,
}

/// What the song is to be; each stands above what the sentence says, and has a default.
#[derive(Args, Clone)]
#[command(next_help_heading = "Song options")]
pub struct CompositionOptionArgs {
    /// Exact length, 3s to 10m: 30s, 1:30, 2m10s; as long as the form takes when absent.
    #[arg(long, value_name = "TIME")]
    pub length: Option<String>,
    /// What the song is called.
    #[arg(long)]
    name: Option<String>,
    /// Same sentence, same options, same seed: same song.
    #[arg(long)]
    seed: Option<u64>,
    /// One of 24 styles, such as bossa, or a genre that is played in one; any other word lists them.
    #[arg(long, visible_alias = "genre")]
    style: Option<String>,
    /// happy, sad, calm, dark, energetic, romantic, epic, dreamy, tense or playful.
    #[arg(long)]
    mood: Option<String>,
    /// Beats per minute, 40 to 240, held to the last bar.
    #[arg(long, value_name = "BPM")]
    tempo: Option<String>,
    /// Such as C, F# minor, Bb or Am.
    #[arg(long)]
    key: Option<String>,
    /// A chord chart that is played from the first bar on: "| C | Am F | G |", or ChordPro.
    #[arg(long, value_name = "CHART")]
    chords: Option<String>,
    /// Sections by letter (A to D), such as AABA; equal letters have the same tune.
    #[arg(long)]
    form: Option<String>,
    /// Who plays, between commas, such as "piano, flute"; each takes the part that suits it.
    #[arg(long, value_name = "NAMES")]
    instruments: Option<String>,
    /// Who is not to be heard, between commas: parts (melody, chords, pad, bass, drums) and instruments.
    #[arg(long, value_name = "NAMES")]
    without: Option<String>,
    /// How much the band gives, 0 to 1.
    #[arg(long, value_name = "SHARE")]
    energy: Option<String>,
    /// Decade whose sounds are played, such as 1980s.
    #[arg(long, value_name = "DECADE")]
    era: Option<String>,
    /// Nobody sings, whatever the sentence says.
    #[arg(long)]
    instrumental: bool,
    /// A voice sings words to the melody.
    #[arg(long, conflicts_with = "instrumental")]
    sung: bool,
    /// Of the words: en or es; that of the sentence when absent.
    #[arg(long)]
    language: Option<String>,
    /// Who sings: auto, formant, rms, slt, awb or kal16.
    #[arg(long)]
    voice: Option<String>,
    /// Also write each role (voice, melody, chords, bass, drums …) as a sound of its own; they add up to the song.
    #[arg(long)]
    stems: bool,
}

impl CompositionOptionArgs {
    /// Those that were given, named as the fields of the HTTP API; but for the length, which is read here.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let Self {
            length: _,
            name,
            seed,
            style,
            mood,
            tempo,
            key,
            chords,
            form,
            instruments,
            without,
            energy,
            era,
            instrumental,
            sung,
            language,
            voice,
            stems,
        } = self;
        let instrumental = (*instrumental || *sung).then(|| instrumental.to_string());
        let given = [
            ("name", name.clone()),
            ("seed", seed.map(|seed| seed.to_string())),
            ("style", style.clone()),
            ("mood", mood.clone()),
            ("tempo", tempo.clone()),
            ("key", key.clone()),
            ("chords", chords.clone()),
            ("form", form.clone()),
            ("instruments", instruments.clone()),
            ("without", without.clone()),
            ("energy", energy.clone()),
            ("era", era.clone()),
            ("instrumental", instrumental),
            ("language", language.clone()),
            ("voice", voice.clone()),
            ("stems", stems.then(|| "true".to_owned())),
        ];
        given.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
    }
}
