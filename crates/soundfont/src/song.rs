//! A whole song: parts gathered into stems, played, mixed and brought to its loudness.

use std::ops::ControlFlow;

use media::{Loudness, Master, Multitrack};
use music::Score;

use crate::{
    FontInfo, RenderError,
    effects::Room,
    render::{BLOCK_FRAMES, Renderer},
    sequence::{Sequence, check_length},
    stems::{self, CHUNK_FRAMES, Stem, StemSpec},
};

/// Longest time that a song may sound on after its last note, in seconds.
pub const MOST_TAIL_SECONDS: f64 = 8.0;
/// The last of that time is faded.
const FADE_SECONDS: f64 = 1.0;
/// A song has ended when it has been this far below its loudest moment, in dB, for as long as this.
const ENDED_DB: f32 = -66.0;
const ENDED_SECONDS: f64 = 0.25;
/// Below this there is only what filters add to stay out of slow numbers.
const NOTHING: f32 = 1e-9;
/// Shorter songs get silence behind them: players and meters stumble over less.
const LEAST_SECONDS: f64 = 1.0;
/// What streaming services and listeners are used to (AES TD1008 and the services' own pages).
const TARGET_LUFS: f64 = -14.0;
const MAX_DBTP: f64 = -1.0;

/// How a song is rendered.
#[derive(Clone, PartialEq, Debug)]
pub struct RenderSettings {
    pub sample_rate_hz: u32,
    /// Whether the stems are kept beside the mix. Each then has a room of its own, which takes longer.
    pub keep_stems: bool,
    /// Threads that play stems. The sound is the same with any number.
    pub threads: usize,
    /// Loudness of the mix, in LUFS.
    pub target_lufs: f64,
    /// Highest true peak of the mix.
    pub max_dbtp: f64,
    /// Exact length of the mix and of each stem, to the frame: what still sounds when the last key has been let go, or in the
    /// last half second at the least, is faded to nothing there. A shorter song gets silence behind it. Without it a song ends
    /// when it has died away.
    pub length_seconds: Option<f64>,
}

impl Default for RenderSettings {
    fn default() -> Self {
        Self {
            sample_rate_hz: 44_100,
            keep_stems: false,
            threads: 1,
            target_lufs: TARGET_LUFS,
            max_dbtp: MAX_DBTP,
            length_seconds: None,
        }
    }
}

/// A rendered song.
#[derive(Debug)]
pub struct Song {
    /// The mix, and the stems in the order of their specifications where they were asked for. A stem is what its parts sound
    /// like in the mix: with equaliser, room and the gain of the master, limiter included, so that stems add up to the mix.
    pub master: Master,
    pub report: RenderReport,
}

/// How a song came to sound.
#[derive(Clone, PartialEq, Debug)]
pub struct RenderReport {
    /// Name and version of the synthesizer.
    pub renderer: String,
    pub font: FontInfo,
    /// How much of the font's sound the song needed, in bytes.
    pub sample_bytes: u64,
    pub seconds: f64,
    pub loudness: Loudness,
    /// What is played otherwise than the song asks, and what may be heard of the font's faults.
    pub warnings: Vec<String>,
}

/// Renders a score to a finished mix. Blocking; about 80 times as fast as the song on one core with a full font. In memory
/// are the samples that the song uses and some blocks; the sound itself goes through temporary files.
///
/// `progress` hears the share that is done, 0 to 1, some ten times in a second of song, and may stop the work.
///
/// # Errors
/// When the font cannot be used, the song is longer than [`MOST_SECONDS`](crate::MOST_SECONDS) ([`check`](crate::check) says so before) or has more than
/// [`MOST_PARTS`](crate::MOST_PARTS) parts, a stem names a part that is not there, there is no room for temporary files, or
/// `progress` said so.
pub fn render(
    renderer: &dyn Renderer,
    score: &Score,
    stems: &[StemSpec],
    settings: &RenderSettings,
    progress: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<Song, RenderError> {
    let rate = settings.sample_rate_hz;
    if let Some(seconds) = settings.length_seconds {
        check_length(seconds, rate)?;
    }
    let sequence = Sequence::of_score(score, stems, renderer.instruments().font(), rate)?;
    let events: Vec<_> = sequence.stems.iter().map(|stem| stem.events()).collect();
    let session = renderer.begin(&events, rate)?;
    let players = session.stems.into_iter().zip(sequence.stems).zip(stems);
    let players: Vec<Stem> = players
        .map(|((player, stem), spec)| Stem::new(player, stem.events, &spec.mix, settings.keep_stems, rate))
        .collect();
    let mut mixer = Mixer::new(stems, settings, sequence.end_block)?;
    if players.is_empty() {
        // Nobody plays: silence of the length that is asked for.
        while settings.length_seconds.is_some() && mixer.mix(&mut [], progress)? {}
    } else {
        stems::play(players, settings.threads, |chunks| mixer.mix(chunks, progress))?;
    }
    let master = mixer.tracks.master(settings.target_lufs, settings.max_dbtp)?;
    let mut warnings = renderer.instruments().info().warnings.clone();
    warnings.extend(session.warnings);
    warnings.extend(sequence.warnings);
    let report = RenderReport {
        renderer: renderer.name(),
        font: renderer.instruments().info().clone(),
        sample_bytes: session.sample_bytes,
        seconds: master.frames() as f64 / f64::from(rate),
        loudness: master.loudness,
        warnings,
    };
    Ok(Song { master, report })
}

/// Puts chunks of stems together and finds the end of the song.
struct Mixer {
    tracks: Multitrack,
    /// The room that all stems share where they are not kept, and how much of each it hears.
    room: Option<Room>,
    sends: Vec<f32>,
    /// Frames in which the last key is let go, in which the song must have ended, and which it has at least.
    last: usize,
    most: usize,
    least: usize,
    fade: usize,
    quiet_after: usize,
    done: usize,
    quiet: usize,
    loudest: f32,
    /// Where the sound ends, if that is asked for.
    exact: Option<Ending>,
}

impl Mixer {
    fn new(stems: &[StemSpec], settings: &RenderSettings, end_block: u64) -> Result<Self, RenderError> {
        let frames = |seconds: f64| (seconds * f64::from(settings.sample_rate_hz)) as usize;
        let last = end_block as usize * BLOCK_FRAMES;
        Ok(Self {
            tracks: Multitrack::new(settings.sample_rate_hz, if settings.keep_stems { stems.len() } else { 0 })?,
            room: (!settings.keep_stems).then(|| Room::new(settings.sample_rate_hz)),
            sends: stems.iter().map(|stem| stem.mix.bounded().room).collect(),
            last,
            most: last + frames(MOST_TAIL_SECONDS),
            least: frames(LEAST_SECONDS),
            fade: frames(FADE_SECONDS),
            quiet_after: frames(ENDED_SECONDS),
            done: 0,
            quiet: 0,
            loudest: 0.0,
            exact: settings.length_seconds.map(|seconds| Ending::new(seconds, last, settings.sample_rate_hz)),
        })
    }

    /// Answers whether more is wanted.
    fn mix(
        &mut self,
        stems: &mut [Vec<f32>],
        progress: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<bool, RenderError> {
        let mut mix = vec![0.0f32; 2 * CHUNK_FRAMES];
        stems.iter_mut().for_each(|stem| _ = peak(stem));
        for stem in &*stems {
            for (sum, sample) in mix.iter_mut().zip(stem) {
                *sum += sample;
            }
        }
        if let Some(room) = &mut self.room {
            let mut heard = vec![0.0f32; 2 * CHUNK_FRAMES];
            for (stem, send) in stems.iter().zip(&self.sends) {
                for (sum, sample) in heard.iter_mut().zip(stem) {
                    *sum += send * sample;
                }
            }
            room.add(&heard, &mut mix);
        }
        let begin = self.done;
        self.done += CHUNK_FRAMES;
        let peak = peak(&mut mix);
        if let Some(ending) = self.exact {
            return self.mix_exactly(ending, begin, mix, stems, progress);
        }
        self.loudest = self.loudest.max(peak);
        let is_quiet = begin >= self.last && peak <= self.loudest * 10f32.powf(ENDED_DB / 20.0);
        self.quiet = if is_quiet { self.quiet + CHUNK_FRAMES } else { 0 };
        let has_ended = self.done >= self.least && (self.quiet >= self.quiet_after || self.done >= self.most);
        if self.done + self.fade > self.most || has_ended {
            // Where the song ends while it sounds, and over the last that is hardly heard.
            let ends = if has_ended && self.done < self.most { self.done } else { self.most };
            let over = if ends == self.most { self.fade } else { CHUNK_FRAMES };
            let faded = |frame: usize| (ends.saturating_sub(frame) as f32 / over.max(1) as f32).min(1.0);
            for sound in stems.iter_mut().chain([&mut mix]) {
                for (frame, pair) in sound.chunks_exact_mut(2).enumerate() {
                    let gain = faded(begin + frame);
                    pair.iter_mut().for_each(|sample| *sample *= gain);
                }
            }
        }
        self.tracks.push(&mix, stems)?;
        let share = self.done as f64 / (self.last + CHUNK_FRAMES).max(self.done) as f64;
        if progress(share).is_break() {
            return Err(RenderError::Stopped);
        }
        Ok(!has_ended)
    }

    /// The same where the length is given.
    fn mix_exactly(
        &mut self,
        ending: Ending,
        begin: usize,
        mut mix: Vec<f32>,
        stems: &mut [Vec<f32>],
        progress: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<bool, RenderError> {
        let frames = CHUNK_FRAMES.min(ending.frames - begin);
        for sound in stems.iter_mut().chain([&mut mix]) {
            sound.truncate(2 * frames);
            ending.fade(begin, sound);
        }
        self.tracks.push(&mix, stems)?;
        let done = begin + frames;
        if progress(done as f64 / ending.frames.max(1) as f64).is_break() {
            return Err(RenderError::Stopped);
        }
        Ok(done < ending.frames)
    }
}

/// The end of a song of a given length.
#[derive(Clone, Copy)]
struct Ending {
    frames: usize,
    /// From here on the sound is faded, evenly in dB.
    fades_from: usize,
    /// And from here on down to nothing, evenly in level.
    closes_from: usize,
}

/// How far down the sound is when the last fade to nothing begins: nobody hears that it is cut.
const FADED_DB: f32 = -60.0;
/// Length of that last fade.
const CLOSING_SECONDS: f64 = 0.02;
/// The fade is at least this long, but never more than a tenth of the song.
const LEAST_FADE_SECONDS: f64 = 0.5;
/// And at most this long: a note that was let go earlier dies away by itself.
const MOST_FADE_SECONDS: f64 = 2.0;

impl Ending {
    /// `last` is the frame in which the last key is let go.
    fn new(seconds: f64, last: usize, sample_rate_hz: u32) -> Self {
        let frames_of = |seconds: f64| (seconds * f64::from(sample_rate_hz)).round() as usize;
        let frames = frames_of(seconds);
        let least = frames_of(LEAST_FADE_SECONDS.min(seconds / 10.0));
        let longest = frames.saturating_sub(frames_of(MOST_FADE_SECONDS));
        let fades_from = last.clamp(longest, frames.saturating_sub(least).max(longest));
        let closes_from = frames.saturating_sub(frames_of(CLOSING_SECONDS)).max(fades_from);
        Self { frames, fades_from, closes_from }
    }

    /// Fades frames of interleaved stereo, the first of which is `begin` of the song.
    fn fade(&self, begin: usize, sound: &mut [f32]) {
        let (length, closing) = (self.closes_from - self.fades_from, self.frames - self.closes_from);
        for (frame, pair) in sound.chunks_exact_mut(2).enumerate() {
            let at = begin + frame;
            if at < self.fades_from {
                continue;
            }
            let through = ((at - self.fades_from) as f32 / length.max(1) as f32).min(1.0);
            let rest = self.frames.saturating_sub(at) as f32 / closing.max(1) as f32;
            let gain = 10f32.powf(FADED_DB * through / 20.0) * rest.min(1.0);
            pair.iter_mut().for_each(|sample| *sample *= gain);
        }
    }
}

/// Highest magnitude; what is next to nothing becomes nothing.
fn peak(samples: &mut [f32]) -> f32 {
    let peak = samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
    if peak >= NOTHING {
        return peak;
    }
    samples.fill(0.0);
    0.0
}
