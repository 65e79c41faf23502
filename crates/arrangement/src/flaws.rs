//! What is wrong with a song that came as sound and is heard whatever is done to it: tops that are cut off, holes, stretches
//! with nothing in them. Loud is not wrong: a master whose peaks were limited is as good as a quiet one.

use std::time::Duration;

use domain::{Failure, audio::AudioFacts};
use media::Bounds;
use providers::AudioInput;
use serde::{Deserialize, Serialize};

use crate::mastering::{RATE_HZ, of_media};

/// Share of samples with their tops cut off from which on it is told of, and from which on it is heard by everybody: another
/// take is better then. Limiters leave none, clippers of mastering some thousandths.
const TOLD_CLIPPED: f64 = 0.001;
const MOST_CLIPPED: f64 = 0.01;
/// Share of the song in which nothing is to be heard: as above.
const TOLD_SILENT: f64 = 0.1;
const MOST_SILENT: f64 = 0.5;
/// Frames that are looked at together: a millisecond.
const HOP: usize = RATE_HZ as usize / 1000;
/// A millisecond that stays below is quiet (-70 dBFS): nothing is heard.
const QUIET: f32 = 0.0003;
/// One that stays below is low (-40 dBFS): coding lets so much of what is around a hole ring into it.
const LOW: f32 = 0.01;
/// One that goes beyond is loud (-20 dBFS).
const LOUD: f32 = 0.1;
/// From loud to low in fewer milliseconds than the first, and from low to loud in fewer than the second, a sound breaks off and
/// goes on: notes die away more slowly, damped ones and such as are faded out over 10 ms, too.
const BREAK: u32 = 2;
const START: u32 = 3;
/// So many quiet milliseconds make a low stretch a hole that is heard, and from so many on it is a rest or silence, in milliseconds.
const SHORTEST_HOLE: u32 = 5;
const SILENCE: u32 = 1_000;
const DECODED_WITHIN: Duration = Duration::from_secs(300);

/// Figures of what is wrong; all zero where nothing is.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Flaws {
    /// Share (0–1) of samples whose tops are cut off.
    pub clipped_share: f64,
    /// Places where the sound breaks off, to go on a moment later.
    pub holes: u32,
    /// How long those last together, in seconds.
    pub hole_seconds: f64,
    /// How long nothing is to be heard, of stretches of a second and more, in seconds.
    pub silent_seconds: f64,
    /// Packets that do not decode.
    pub undecoded: u32,
}

impl Flaws {
    /// Listens to a sound of which these are the facts. Blocking: decodes all of it.
    ///
    /// # Errors
    /// `Transient` where it cannot be read or takes too long, `Config` where it no longer decodes.
    pub fn of(sound: &AudioInput, facts: &AudioFacts) -> Result<Self, Failure> {
        let bounds = Bounds { deadline: DECODED_WITHIN, ..Bounds::for_duration(facts.duration_seconds) };
        let mut listener = Listener::default();
        let decoded = media::decode_stereo(sound.reopen()?, RATE_HZ, &bounds, |block| {
            listener.push(block);
            Ok(())
        });
        decoded.map_err(|error| of_media(&error))?;
        let heard = listener.heard();
        Ok(Self { clipped_share: facts.clipped_share, undecoded: facts.decode_errors, ..heard })
    }

    /// Whether nothing is wrong.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Why another take of a song of so many seconds is better, to be said behind "a sound"; `None` for one that can be kept.
    pub fn grave(&self, seconds: f64) -> Option<String> {
        if self.clipped_share > MOST_CLIPPED {
            return Some(format!("of which {:.1} % is clipped", self.clipped_share * 100.0));
        }
        (self.silent_seconds > seconds * MOST_SILENT)
            .then(|| format!("in which nothing is to be heard for {:.1} of {seconds:.1} s", self.silent_seconds))
    }

    /// What is told of a song of so many seconds, as sentences.
    pub fn told(&self, seconds: f64) -> Vec<String> {
        let mut told = Vec::new();
        if self.clipped_share > TOLD_CLIPPED {
            let share = self.clipped_share * 100.0;
            told.push(format!("{share:.1} % of the song is clipped: the service that made it delivered it so."));
        }
        if self.holes > 0 {
            let (holes, places) = (self.holes, if self.holes == 1 { "place" } else { "places" });
            let ms = self.hole_seconds * 1000.0;
            told.push(format!(
                "The sound breaks off in {holes} {places}, for {ms:.0} ms together: it was delivered so."
            ));
        }
        if self.silent_seconds > seconds * TOLD_SILENT {
            let silent = self.silent_seconds;
            told.push(format!("Nothing is to be heard for {silent:.1} of {seconds:.1} s: the song was delivered so."));
        }
        if self.undecoded > 0 {
            told.push(format!("{} packets of the delivered sound are damaged and were left out.", self.undecoded));
        }
        told
    }
}

/// Goes through a sound of two channels at the rate of songs.
#[derive(Default)]
struct Listener {
    /// Of the millisecond that has begun.
    frames: usize,
    peak: f32,
    /// Milliseconds since the last loud one; `None` before the first.
    since_loud: Option<u32>,
    /// Quiet ones in a row.
    silence: u32,
    /// Low ones in a row, and how many of them are quiet.
    low: u32,
    quiet: u32,
    /// Whether it broke off before them.
    breaks_off: bool,
    /// A hole, if it goes on as suddenly: how long it is, and how long ago it ended.
    hole: Option<(u32, u32)>,
    holes: u32,
    hole_ms: u32,
    silent_ms: u32,
}

impl Listener {
    /// Takes interleaved stereo.
    fn push(&mut self, block: &[f32]) {
        for pair in block.chunks_exact(2) {
            self.peak = self.peak.max(pair[0].abs()).max(pair[1].abs());
            self.frames += 1;
            if self.frames == HOP {
                let peak = std::mem::take(&mut self.peak);
                self.frames = 0;
                self.step(peak);
            }
        }
    }

    /// Takes the peak of the next millisecond.
    fn step(&mut self, peak: f32) {
        if peak < QUIET {
            self.silence = self.silence.saturating_add(1);
        } else {
            self.end_silence();
        }
        if peak < LOW {
            if self.low == 0 {
                self.breaks_off = self.since_loud.is_some_and(|ms| ms < BREAK);
                self.hole = None;
            }
            self.low = self.low.saturating_add(1);
            self.quiet = self.quiet.saturating_add(u32::from(peak < QUIET));
        } else {
            self.end_low();
            match self.hole {
                Some((ms, since)) if peak >= LOUD && since < START => {
                    self.holes += 1;
                    self.hole_ms = self.hole_ms.saturating_add(ms);
                    self.hole = None;
                }
                Some((ms, since)) => self.hole = Some((ms, since + 1)),
                None => {}
            }
        }
        self.since_loud = if peak >= LOUD { Some(0) } else { self.since_loud.map(|ms| ms.saturating_add(1)) };
    }

    fn end_silence(&mut self) {
        let silence = std::mem::take(&mut self.silence);
        if silence >= SILENCE {
            self.silent_ms = self.silent_ms.saturating_add(silence);
        }
    }

    fn end_low(&mut self) {
        let (low, quiet) = (std::mem::take(&mut self.low), std::mem::take(&mut self.quiet));
        if self.breaks_off && quiet >= SHORTEST_HOLE && low < SILENCE {
            self.hole = Some((low, 0));
        }
    }

    fn heard(mut self) -> Flaws {
        self.end_silence();
        let seconds = |ms: u32| f64::from(ms) * HOP as f64 / f64::from(RATE_HZ);
        Flaws {
            holes: self.holes,
            hole_seconds: seconds(self.hole_ms),
            silent_seconds: seconds(self.silent_ms),
            ..Flaws::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: usize = RATE_HZ as usize;

    /// A tone in both channels, shaped by the moment in seconds.
    fn shaped(seconds: f32, level: impl Fn(f32) -> f32) -> Vec<f32> {
        let frames = (seconds * RATE as f32) as usize;
        let sample = |frame: usize| {
            let at = frame as f32 / RATE as f32;
            level(at) * (at * 196.0 * std::f32::consts::TAU).sin()
        };
        (0..frames).flat_map(|frame| [sample(frame); 2]).collect()
    }

    fn heard(samples: &[f32]) -> Flaws {
        let mut listener = Listener::default();
        // Where blocks end makes no difference.
        samples.chunks(2 * 777).for_each(|block| listener.push(block));
        listener.heard()
    }

    #[test]
    fn holes_are_told_from_rests() {
        let check = |what: &str, level: &dyn Fn(f32) -> f32, holes: u32, hole_ms: f64| {
            let flaws = heard(&shaped(4.0, level));
            assert_eq!(flaws.holes, holes, "{what}: {flaws:?}");
            assert!((flaws.hole_seconds * 1000.0 - hole_ms).abs() <= 2.0 * f64::from(holes), "{what}: {flaws:?}");
            assert_eq!(flaws.silent_seconds, 0.0, "{what}: {flaws:?}");
        };
        let out = |at: f32, from: f32, seconds: f32| (from..from + seconds).contains(&at);
        check("whole", &|_| 0.5, 0, 0.0);
        check("one hole", &|at| if out(at, 1.2, 0.05) { 0.0 } else { 0.5 }, 1, 50.0);
        let three = |at: f32| if out(at, 0.5, 0.02) || out(at, 1.5, 0.2) || out(at, 2.5, 0.9) { 0.0 } else { 0.2 };
        check("three holes", &three, 3, 1_120.0);
        check("too short to be heard", &|at| if out(at, 1.2, 0.003) { 0.0 } else { 0.5 }, 0, 0.0);
        // Plucked four times a second: each note begins at once and dies away.
        check("staccato", &|at| 0.8 * (-(at % 0.25) / 0.008).exp(), 0, 0.0);
        let damped = |at: f32| if out(at, 1.0, 0.4) { 0.5 * (-(at - 1.0) / 0.01).exp() } else { 0.5 };
        check("a rest after a damped note", &damped, 0, 0.0);
        let faded = |at: f32| if out(at, 1.0, 0.4) { (0.5 - 50.0 * (at - 1.0)).max(0.0) } else { 0.5 };
        check("a rest after 10 ms of fading out", &faded, 0, 0.0);
        check("it breaks off and fades in", &|at| if at < 1.0 { 0.5 } else { (at - 1.5).clamp(0.0, 0.5) }, 0, 0.0);
        check("a beginning and an end", &|at| if out(at, 0.5, 3.0) { 0.5 } else { 0.0 }, 0, 0.0);
    }

    #[test]
    fn silence_is_measured_wherever_it_is() {
        let flaws = heard(&shaped(6.0, |at| if (1.0..3.0).contains(&at) || at >= 4.5 { 0.0 } else { 0.5 }));
        assert_eq!((flaws.holes, (flaws.silent_seconds * 10.0).round()), (0, 35.0), "{flaws:?}");
        assert_eq!(flaws.grave(6.0).as_deref(), Some("in which nothing is to be heard for 3.5 of 6.0 s"));
        assert_eq!(flaws.grave(7.5), None);
        assert_eq!(flaws.told(7.5).len(), 1);
        assert!(flaws.told(60.0).is_empty(), "a rest is no flaw");
    }

    #[test]
    fn figures_are_told_and_the_worst_are_grave() {
        let check = |flaws: Flaws, told: &[&str], is_grave: bool| {
            let found = flaws.told(60.0);
            assert_eq!(found.len(), told.len(), "{found:?}");
            assert!(found.iter().zip(told).all(|(found, word)| found.contains(word)), "{found:?}");
            assert_eq!(flaws.grave(60.0).is_some(), is_grave, "{flaws:?}");
            assert_eq!(flaws.is_none(), flaws == Flaws::default());
        };
        check(Flaws::default(), &[], false);
        check(Flaws { clipped_share: 0.001, ..Flaws::default() }, &[], false);
        check(Flaws { clipped_share: 0.01, ..Flaws::default() }, &["1.0 % of the song is clipped"], false);
        check(Flaws { clipped_share: 0.034, ..Flaws::default() }, &["3.4 % of the song is clipped"], true);
        check(Flaws { holes: 1, hole_seconds: 0.02, ..Flaws::default() }, &["1 place, for 20 ms"], false);
        check(Flaws { holes: 7, hole_seconds: 0.3, ..Flaws::default() }, &["7 places, for 300 ms"], false);
        check(Flaws { undecoded: 3, ..Flaws::default() }, &["3 packets"], false);
    }
}
