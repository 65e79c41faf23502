//! `bench-render [ROUNDS]`: a song of three minutes from notes to a finished WAV file, by this crate's whole chain (fonts
//! prepared, stems, equaliser, room, loudness and limiter) and by the program `fluidsynth` (its synthesizer, reverb and
//! chorus), on the same font and in turns; how much memory it takes with each font of the machine; and how the result
//! measures.
//!
//! Every run is a process of its own. Makes its own song; files in `midi/` of the folder that `DESCANT_SHARED_DATA` names
//! are rendered, too. Prints tables and exits with 0 whatever the outcome. Only a release build says anything.

#[path = "bench_render/songs.rs"]
mod songs;

use std::{
    fs::{self, File},
    io::Write as _,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use media::{Encoding, MediaError, Tags};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};
use soundfont::{Instruments, RenderSettings, RustySynth, render};

const ROUNDS: usize = 3;
const GOAL_SPEED: f64 = 40.0;
const GOAL_MEMORY_MB: f64 = 100.0;
const BUILT_IN: &str = "built-in";
const OWN_SONG: &str = "own";
/// In the same folders as the renderer looks; all of them, also those that it would not choose.
const FOLDERS: [&str; 3] = ["/usr/share/sounds/sf2", "/usr/share/sounds/sf3", "/usr/share/soundfonts"];

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--one") {
        return one(&arguments[1..]);
    }
    if cfg!(debug_assertions) {
        println!("note: this is not a release build; its figures say nothing");
    }
    let rounds = arguments.first().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS).max(1);
    let folder = tempfile::tempdir()?;
    let fonts = fonts();
    let best = Instruments::find(None)?;
    let best = fonts.iter().find(|font| font.ends_with(best.name())).cloned().unwrap_or_else(|| BUILT_IN.into());
    let mut songs = vec![OWN_SONG.to_owned()];
    songs.extend(songs::shared());
    speed(&songs, &best, rounds, folder.path())?;
    memory(&fonts, folder.path())?;
    quality(&songs, &best, folder.path())
}

/// What one run took and made.
struct Run {
    wall: Duration,
    cpu: Duration,
    /// What the child said, by its names.
    said: Vec<(String, f64)>,
}

impl Run {
    fn get(&self, name: &str) -> f64 {
        self.said.iter().find(|(said, _)| said == name).map_or(f64::NAN, |(_, value)| *value)
    }
}

fn timed(command: &mut Command) -> Result<Run, Failure> {
    let cpu = || -> Result<i64, Failure> {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        Ok(usage.user_time().num_microseconds() + usage.system_time().num_microseconds())
    };
    let (before, begin) = (cpu()?, Instant::now());
    let output = command.stderr(Stdio::inherit()).output()?;
    let wall = begin.elapsed();
    if !output.status.success() {
        return Err(format!("{command:?}: {}", output.status).into());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let said = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)));
    Ok(Run { wall, cpu: Duration::from_micros((cpu()? - before).max(0) as u64), said: said.collect() })
}

/// A child that renders once. `keep` is `mix`, `stems`, or `sum` for stems that are added up afterwards.
fn ours(font: &str, song: &str, threads: usize, keep: &str, folder: &Path) -> Result<Run, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    let out = folder.join("ours.wav");
    command.args(["--one", font, song, &threads.to_string(), keep]).arg(out);
    timed(&mut command)
}

fn fluidsynth(font: &str, song: &str, folder: &Path) -> Result<Run, Failure> {
    let midi = if song == OWN_SONG {
        let path = folder.join("own.mid");
        fs::write(&path, songs::midi_file(&songs::own()))?;
        path
    } else {
        song.into()
    };
    let mut command = Command::new("fluidsynth");
    command.args(["-q", "-n", "-i", "-r", "44100", "-O", "s16", "-T", "wav", "-F"]).arg(folder.join("theirs.wav"));
    timed(command.arg(font).arg(midi).stdin(Stdio::null()))
}

fn speed(songs: &[String], font: &str, rounds: usize, folder: &Path) -> Result<(), Failure> {
    let threads = std::thread::available_parallelism()?.get();
    let has_baseline = font != BUILT_IN && fluidsynth(font, OWN_SONG, folder).is_ok();
    if !has_baseline {
        println!("no fluidsynth beside it: the program or a font is not installed (apt-get install fluidsynth)");
    }
    println!(
        "\nSpeed with {}, best of {rounds}, 16-bit WAV written; × is real time on the clock / per CPU-second.\n",
        name(font)
    );
    println!("| song | s | 1 thread | {threads} threads | {threads} threads, stems kept | fluidsynth | |");
    println!("|---|---|---|---|---|---|---|");
    for song in songs {
        let mut best: [Option<(f64, f64)>; 4] = [None; 4];
        let mut seconds = 0.0;
        for _ in 0..rounds {
            let mut runs = vec![ours(font, song, 1, "mix", folder)?];
            runs.push(ours(font, song, threads, "mix", folder)?);
            runs.push(ours(font, song, threads, "stems", folder)?);
            seconds = runs[0].get("seconds");
            if has_baseline {
                runs.push(fluidsynth(font, song, folder)?);
            }
            for (best, run) in best.iter_mut().zip(&runs) {
                let (wall, cpu) = (run.wall.as_secs_f64(), run.cpu.as_secs_f64());
                *best = Some(best.map_or((wall, cpu), |known| (known.0.min(wall), known.1.min(cpu))));
            }
        }
        let shown = |at: usize| {
            best[at].map_or("–".to_owned(), |(wall, cpu)| format!("{:.0} / {:.0}", seconds / wall, seconds / cpu))
        };
        let wall = |at: usize| best[at].map_or(f64::INFINITY, |(wall, _)| wall);
        let met = seconds / wall(0) >= GOAL_SPEED && wall(1) <= wall(3);
        let verdict = if met { "met" } else { "SHORT" };
        println!(
            "| {} | {seconds:.0} | {} | {} | {} | {} | {verdict} |",
            name(song),
            shown(0),
            shown(1),
            shown(2),
            shown(3)
        );
    }
    Ok(())
}

fn memory(fonts: &[String], folder: &Path) -> Result<(), Failure> {
    println!("\nPeak memory (VmHWM) beyond that of the program when it starts, own song, 1 thread.\n");
    println!("| font | file MB | mix MB | stems kept MB | of it the font's sound MB | |");
    println!("|---|---|---|---|---|---|");
    for font in fonts.iter().map(String::as_str).chain([BUILT_IN]) {
        let size = fs::metadata(font).map_or(0.0, |about| about.len() as f64 / 1e6);
        let (mix, stems) = (ours(font, OWN_SONG, 1, "mix", folder)?, ours(font, OWN_SONG, 1, "stems", folder)?);
        let most = mix.get("memory_mb").max(stems.get("memory_mb"));
        let verdict = if most < GOAL_MEMORY_MB { "met" } else { "SHORT" };
        println!(
            "| {} | {size:.1} | {:.1} | {:.1} | {:.1} | {verdict} |",
            name(font),
            mix.get("memory_mb"),
            stems.get("memory_mb"),
            mix.get("samples_mb"),
        );
    }
    Ok(())
}

fn quality(songs: &[String], font: &str, folder: &Path) -> Result<(), Failure> {
    println!(
        "\nMeasured with {} (EBU R128; residual: power of the mix less the sum of its stems, over the mix).\n",
        name(font)
    );
    println!("| song | LUFS | dBTP | stem residual dB | |");
    println!("|---|---|---|---|---|");
    for song in songs {
        let run = ours(font, song, 1, "sum", folder)?;
        let (lufs, peak, rest) = (run.get("lufs"), run.get("dbtp"), run.get("residual_db"));
        let met = (lufs + 14.0).abs() <= 1.0 && peak <= -1.0 && rest < -100.0;
        println!("| {} | {lufs:.2} | {peak:.2} | {rest:.0} | {} |", name(song), if met { "met" } else { "SHORT" });
    }
    Ok(())
}

/// The child: renders, and says what there is to say.
fn one(arguments: &[String]) -> Result<(), Failure> {
    let [font, song, threads, keep, out] = arguments else { return Err("font, song, threads, stems, file".into()) };
    let base = memory_mb();
    let score = if song == OWN_SONG { songs::own() } else { songs::read(Path::new(song))? };
    let instruments = if font == BUILT_IN { Instruments::built_in()? } else { Instruments::load(Path::new(font))? };
    let specs = songs::stems(&score);
    let settings = RenderSettings { keep_stems: keep != "mix", threads: threads.parse()?, ..RenderSettings::default() };
    let go_on = &mut |_: f64| ControlFlow::Continue(());
    let made = render(&RustySynth::new(instruments), &score, &specs, &settings, go_on)?;
    made.master.encode_to(File::create(out)?, Encoding::Wav16, &Tags::default())?;
    let peak = memory_mb();
    let loudness = made.report.loudness;
    let mut said = std::io::stdout().lock();
    writeln!(said, "seconds {}", made.report.seconds)?;
    writeln!(said, "memory_mb {}", peak - base)?;
    writeln!(said, "samples_mb {}", made.report.sample_bytes as f64 / 1e6)?;
    writeln!(said, "lufs {}", loudness.integrated_lufs.unwrap_or(f64::NAN))?;
    writeln!(said, "dbtp {}", loudness.true_peak_dbtp.unwrap_or(f64::NAN))?;
    if keep == "sum" {
        writeln!(said, "residual_db {}", residual_db(&made.master)?)?;
    }
    Ok(())
}

/// Power of what is left of the mix without its stems, over the mix.
fn residual_db(master: &media::Master) -> Result<f64, Failure> {
    let samples = |stem: Option<usize>| -> Result<Vec<f32>, MediaError> {
        let mut samples = Vec::new();
        let sink = |block: &[f32]| {
            samples.extend_from_slice(block);
            Ok::<_, MediaError>(())
        };
        match stem {
            None => master.each(sink)?,
            Some(stem) => master.each_of_stem(stem, sink)?,
        }
        Ok(samples)
    };
    let whole = samples(None)?;
    let mut rest = whole.clone();
    for stem in 0..master.stems() {
        rest.iter_mut().zip(samples(Some(stem))?).for_each(|(rest, sample)| *rest -= sample);
    }
    let power = |samples: &[f32]| samples.iter().map(|x| f64::from(x * x)).sum::<f64>();
    Ok(10.0 * (power(&rest) / power(&whole)).log10())
}

/// Highest resident memory of this process so far.
fn memory_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok())
        .map_or(f64::NAN, |kib| kib * 1_024.0 / 1e6)
}

fn name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

fn fonts() -> Vec<String> {
    let entries = FOLDERS.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let mut fonts: Vec<PathBuf> = entries.filter_map(|entry| fs::canonicalize(entry.path()).ok()).collect();
    fonts.sort();
    fonts.dedup();
    fonts.into_iter().map(|path| path.to_string_lossy().into_owned()).collect()
}
