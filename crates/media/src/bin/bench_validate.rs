//! `bench-validate [ROUNDS [FILE…]]`: what one validation costs here, against the usual way of doing it with two child
//! processes (`ffprobe` for the facts, `ffmpeg -af volumedetect` for the levels), on the same files in turns. Makes its
//! own five-minute recordings unless files are named.
//!
//! Ours does more in its one pass (clipping, decode errors, truncation, the verdict). Prints a table and exits with 0
//! whatever the outcome. Only a release build says anything.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use domain::audio::{AudioLimits, judge};
use media::{Bounds, Encoding, Tags, encode_to, inspect, sample};
use nix::sys::{
    resource::{Usage, UsageWho, getrusage},
    time::TimeValLike,
};

const SECONDS: f64 = 300.0;
const RATE_HZ: u32 = 44_100;
const ROUNDS: usize = 9;
const GOAL: f64 = 2.0;

type Failure = Box<dyn std::error::Error>;

struct Case {
    name: &'static str,
    file: &'static str,
    channels: u16,
    encoding: Encoding,
}

const CASES: [Case; 4] = [
    Case { name: "WAV 5 min 44.1 kHz stereo", file: "stereo.wav", channels: 2, encoding: Encoding::Wav16 },
    // 128 kbit/s is what LAME and ffmpeg make when they are not told otherwise.
    Case { name: "MP3 5 min 128 kbit/s stereo", file: "128.mp3", channels: 2, encoding: Encoding::Mp3 { kbps: 128 } },
    Case { name: "MP3 5 min 128 kbit/s mono", file: "mono.mp3", channels: 1, encoding: Encoding::Mp3 { kbps: 128 } },
    Case { name: "MP3 5 min 192 kbit/s stereo", file: "192.mp3", channels: 2, encoding: Encoding::Mp3 { kbps: 192 } },
];

/// Wall and processor time of one validation.
#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    cpu: Duration,
}

fn main() -> Result<(), Failure> {
    let rounds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(ROUNDS).max(1);
    if cfg!(debug_assertions) {
        println!("note: this is not a release build; its figures say nothing");
    }
    let named: Vec<PathBuf> = std::env::args_os().skip(2).map(PathBuf::from).collect();
    let folder = tempfile::tempdir()?;
    println!("| file | ours wall / CPU ms | ffprobe + volumedetect wall / CPU ms | wall × | CPU × | 2 × |");
    println!("|---|---|---|---|---|---|");
    if named.is_empty() {
        for case in &CASES {
            compare(case.name, &make(folder.path(), case)?, rounds)?;
        }
    }
    for path in &named {
        compare(&path.display().to_string(), path, rounds)?;
    }
    println!("medians of {rounds} rounds in turns, up to {} decoding threads", Bounds::default().max_threads);
    Ok(())
}

fn compare(name: &str, path: &Path, rounds: usize) -> Result<(), Failure> {
    // One round that does not count, so that both find the file in the page cache.
    measure_ours(path)?;
    measure_theirs(path)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(measure_ours(path)?);
        theirs.push(measure_theirs(path)?);
    }
    print_row(name, &ours, &theirs);
    Ok(())
}

fn make(folder: &Path, case: &Case) -> Result<PathBuf, Failure> {
    let path = folder.join(case.file);
    let samples = sample::voice(SECONDS, RATE_HZ, case.channels);
    encode_to(File::create(&path)?, &samples, RATE_HZ, case.channels, case.encoding, &Tags::default())?;
    Ok(path)
}

fn measure_ours(path: &Path) -> Result<Cost, Failure> {
    let before = used(UsageWho::RUSAGE_SELF)?;
    let start = Instant::now();
    let limits = AudioLimits::default();
    let file = File::open(path)?;
    let size_bytes = file.metadata()?.len();
    let facts = inspect(file, size_bytes, &Bounds::for_duration(limits.max_duration_seconds))?;
    let verdict = judge(facts, path.file_name().and_then(|name| name.to_str()), &limits);
    let wall = start.elapsed();
    std::hint::black_box(verdict);
    Ok(Cost { wall, cpu: used(UsageWho::RUSAGE_SELF)?.saturating_sub(before) })
}

fn measure_theirs(path: &Path) -> Result<Cost, Failure> {
    let before = used(UsageWho::RUSAGE_CHILDREN)?;
    let start = Instant::now();
    run(Command::new("ffprobe")
        .args(["-v", "quiet", "-print_format", "json", "-show_format", "-show_streams"])
        .arg(path))?;
    run(Command::new("ffmpeg").arg("-nostdin").arg("-i").arg(path).args(["-af", "volumedetect", "-f", "null", "-"]))?;
    Ok(Cost { wall: start.elapsed(), cpu: used(UsageWho::RUSAGE_CHILDREN)?.saturating_sub(before) })
}

/// Runs a child to its end and takes its output, as a service that wants the answer does.
fn run(command: &mut Command) -> Result<(), Failure> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error} (install ffmpeg)", command.get_program().to_string_lossy()))?;
    if output.status.success() { Ok(()) } else { Err(format!("{command:?} failed: {}", output.status).into()) }
}

/// Processor time in user and system mode.
fn used(who: UsageWho) -> Result<Duration, Failure> {
    let usage: Usage = getrusage(who)?;
    let microseconds = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(u64::try_from(microseconds)?))
}

fn print_row(name: &str, ours: &[Cost], theirs: &[Cost]) {
    let milliseconds = |costs: &[Cost], part: fn(&Cost) -> Duration| {
        let mut times: Vec<Duration> = costs.iter().map(part).collect();
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1000.0
    };
    let (our_wall, our_cpu) = (milliseconds(ours, |cost| cost.wall), milliseconds(ours, |cost| cost.cpu));
    let (their_wall, their_cpu) = (milliseconds(theirs, |cost| cost.wall), milliseconds(theirs, |cost| cost.cpu));
    let (wall, cpu) = (their_wall / our_wall, their_cpu / our_cpu);
    let answer = if wall >= GOAL && cpu >= GOAL { "PASS" } else { "FALLS SHORT" };
    println!(
        "| {name} | {our_wall:.0} / {our_cpu:.0} | {their_wall:.0} / {their_cpu:.0} | {wall:.2} | {cpu:.2} | {answer} |"
    );
}
