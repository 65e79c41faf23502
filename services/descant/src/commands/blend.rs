//! `descant blend`: three songs become one in this process, with no server. The same steps as a job.

use std::{io::ErrorKind, path::PathBuf};

use anyhow::{Context, Result};
use arrangement::{BlendReport, Mastered, Players, SongRead, SoundSummary, cover, stems_of};
use domain::{
    Failure, InvalidField,
    kinds::blend::BlendRequest,
    kinds::blend::{self as stage, SONGS},
};
use media::Tags;
use music::Score;
use providers::{BlendedSong, CallScope, DirectCalls, Provided, SongToBlend, blenders, players};
use resilience::{BreakerRegistry, BreakerSettings};
use settings::Settings;
use telemetry::Metrics;

use super::{
    bars,
    midi::{self, Album, Playing, Told},
    songs::here::{self, Here},
};
use crate::{
    cli,
    exit::Exit,
    formats,
    recording::{STDIN, Source},
    results::Destination,
};

const FOLDER: &str = "blend";

pub async fn run(args: cli::Blend, json: bool) -> Result<()> {
    let settings = Settings::load(&here::options(args.config.clone(), args.data_dir.as_deref())?)?;
    let request = request(&args.options)?;
    let destination = Destination::beside(args.out, PathBuf::from(FOLDER), args.overwrite);
    let (sources, destination) = open(&args.songs, destination, &settings).await?;
    destination.check(&midi::FILES)?;

    let bar = step(stage::ANALYSIS.as_str(), json);
    let mut read = Vec::new();
    for source in sources {
        read.push(source.read()?);
        bar.set_position((100 * read.len() / SONGS) as u64);
    }
    bars::done(&bar);
    let warnings: Vec<String> = read.iter().flat_map(|song| song.warnings.clone()).collect();
    let songs: Vec<SongToBlend> = read.into_iter().map(|SongRead { song, .. }| song).collect();
    let songs: [SongToBlend; SONGS] = songs.try_into().map_err(|_| three(args.songs.len()))?;

    let bar = step(stage::BLENDING.as_str(), json);
    let Provided { value: blended, provider, .. } = blended(&settings, &songs, &request).await?;
    bars::done(&bar);

    let stems = stems_of(&blended.score, blended.part_roles.as_deref());
    let bar = step(stage::RENDERING.as_str(), json);
    let playing = Playing { score: &blended.score, stems: &stems, keep_stems: request.options.stems, bar: &bar };
    let Players { elsewhere, warnings: mut heard } = played(&settings, &blended.score).await?;
    let (master, sound) = match elsewhere {
        Some(elsewhere) => {
            let Mastered { master, summary, warnings } = elsewhere
                .mastered(request.options.stems, &mut |share| midi::heard(&bar, share))
                .map_err(Exit::of_failure)?;
            bars::done(&bar);
            heard.extend(warnings);
            (master, summary)
        }
        None => {
            let song = midi::play(&settings, &playing)?;
            let summary = SoundSummary::of(&song.report, &stems);
            heard.extend(song.report.warnings);
            (song.master, summary)
        }
    };

    let titles = songs.map(|song| song.title);
    let report = BlendReport::new(&titles, &blended, &provider, &request, (sound, &heard), &warnings);
    let mut documents =
        vec![("report.json", serde_json::to_vec_pretty(&report).context("the report cannot be written")?)];
    if let Some(origin) = &blended.origin {
        documents.push(("provenance.json", origin.provenance.clone().into_bytes()));
        documents.push(("provenance.svg", origin.picture.clone().into_bytes()));
    }
    let tags = Tags {
        title: Some(blended.score.title.clone()),
        artist: Some("Descant".to_owned()),
        comment: Some(format!("blended of {}; seed {}", titles.join(", "), request.seed)),
        cover_png: Some(cover(&blended.score, &stems, blended.origin.as_ref())),
    };
    let formats = formats::distinct(&args.formats);
    let album =
        Album { score: Some(&blended.score), master: &master, stems: &stems, tags, formats: &formats, documents };
    let files = destination.begin()?;
    let folder = files.folder().to_owned();
    let written = album.write(files)?;
    let told = Told {
        report: serde_json::to_value(&report).context("the report cannot be written")?,
        warnings: &report.warnings,
        title: &report.title,
        summary: report.summary(),
        folder: &folder,
        formats: &formats,
        files: &written,
        picture: report.passes.map(|_| ("What is from where: ", "provenance.svg")),
    };
    told.print(json)
}

/// What was asked for, checked as the HTTP API checks it.
fn request(options: &cli::BlendOptionArgs) -> Result<BlendRequest> {
    let fields = options.fields();
    let text = |name: &str| fields.iter().find(|(field, _)| *field == name).map(|(_, text)| text.as_str());
    BlendRequest::read(text, resilience::ids::seed())
        .map_err(|InvalidField { field, detail }| Exit::refused(format!("--{field}: {detail}")))
}

/// One of the three.
enum SongSource {
    File(Source),
    /// Of the catalogue: what it is called, and its file.
    Kept(String, Vec<u8>),
}

impl SongSource {
    fn read(self) -> Result<SongRead> {
        match self {
            Self::File(source) => midi::read(source),
            Self::Kept(name, bytes) => arrangement::read_song(&bytes, Some(&name))
                .map_err(|Failure { message, .. }| Exit::refused(format!("{name} was refused: {message}"))),
        }
    }
}

/// Opens all songs before any is read; none of them may be replaced. What is no file is a name in the catalogue, where
/// there is one.
async fn open(
    songs: &[PathBuf],
    mut destination: Destination,
    settings: &Settings,
) -> Result<(Vec<SongSource>, Destination)> {
    if songs.len() != SONGS {
        return Err(three(songs.len()));
    }
    if songs.iter().filter(|song| song.as_os_str() == STDIN).count() > 1 {
        return Err(Exit::refused("standard input holds one song only; name files for the others"));
    }
    let has_catalogue = settings.data_dir.exists();
    let mut catalogue = None;
    let mut sources = Vec::new();
    for path in songs {
        let is_missing = path.as_os_str() != STDIN
            && std::fs::metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound);
        if let Some(name) = path.to_str().filter(|_| is_missing && has_catalogue) {
            let here = match &mut catalogue {
                Some(here) => here,
                none => none.insert(Here::of(settings.clone()).await?),
            };
            let (name, bytes) = here.fetch(name).await?;
            sources.push(SongSource::Kept(name, bytes));
            continue;
        }
        let source = Source::open_song(path)?;
        destination = destination.sparing(&source);
        sources.push(SongSource::File(source));
    }
    Ok((sources, destination))
}

fn three(count: usize) -> anyhow::Error {
    Exit::refused(format!("a blend is made of {SONGS} songs, not {count}; the same song may come twice"))
}

fn step(stage: &str, quiet: bool) -> indicatif::ProgressBar {
    bars::bar(stage::SPEC.stage(stage).map_or("", |stage| stage.label), quiet)
}

async fn blended(
    settings: &Settings,
    songs: &[SongToBlend; SONGS],
    request: &BlendRequest,
) -> Result<Provided<BlendedSong>> {
    let (breakers, metrics) = guards(settings);
    let chain = blenders(settings, &breakers, &metrics).context("the blenders cannot be set up")?;
    let calls = DirectCalls::default();
    let made = arrangement::blend(&chain, CallScope::new(&calls, settings.jobs.deadline), songs, request).await;
    made.map_err(Exit::of_stop)
}

/// By somebody elsewhere, where the settings say so and it is any good.
async fn played(settings: &Settings, score: &Score) -> Result<Players> {
    let (breakers, metrics) = guards(settings);
    let chain = players(settings, &breakers, &metrics).context("those who play cannot be set up")?;
    let calls = DirectCalls::default();
    let played = arrangement::played(&chain, CallScope::new(&calls, settings.jobs.deadline), score).await;
    played.map_err(Exit::of_stop)
}

fn guards(settings: &Settings) -> (BreakerRegistry, Metrics) {
    let metrics = Metrics::new("descant");
    let providers = &settings.providers;
    let breaker = BreakerSettings { threshold: providers.breaker_threshold, open_for: providers.breaker_open };
    (BreakerRegistry::new(breaker, metrics.clone()), metrics)
}
