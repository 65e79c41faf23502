//! The periods that a frame suggests, and what can be seen of each in it and its neighbours.

use std::collections::VecDeque;

use realfft::num_complex::Complex32;

use super::{
    LOWEST_HZ,
    difference::{Difference, LAGS_PER_SAMPLE},
    features::{FEATURES, describe},
    front::RATE_HZ,
    tone::Tone,
};

/// Samples per frame: 64 ms, tapered, so that about the middle 30 ms count.
pub(super) const FRAME_LEN: usize = 1_024;
pub(super) const FFT_LEN: usize = 1_536;
/// Highest pitch that a period is looked for: just above a soprano's F6. What is higher has no other harmonics to speak
/// of and is found by [`Tone`].
const HIGHEST_PERIOD_HZ: f64 = 1_450.0;
/// A second look at the middle half, for pitch that moves fast.
const SHORT_LEN: usize = 512;
const SHORT_FFT_LEN: usize = 768;
/// Longest lag seen in the short look, in half samples: 80 Hz.
const SHORT_LAGS: usize = 400;
/// Frames on each side that are asked about a period.
pub(super) const CONTEXT: usize = 4;
/// Periods kept from the long and from the short look.
const MOST_LONG: usize = 9;
const MOST_SHORT: usize = 4;
/// How much an octave lower costs in the choice of periods to keep: a clean high tone has more multiples of its period
/// than places in the list, all as deep as the period itself.
const OCTAVE_COST: f32 = 0.02;
/// Below this RMS (−90 dBFS) a frame is digital silence.
pub(super) const SILENCE: f32 = 3e-5;
/// Bins of the log spectrum: up to 4 kHz.
const SPECTRUM_BINS: usize = 4_000 * FFT_LEN / RATE_HZ as usize + 2;
/// How a peak of level fades per frame: to a third in 0.3 s and in 2 s.
const PEAK_DECAYS: [f32; 2] = [0.967, 0.995];

/// A period that a frame suggests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub hz: f32,
    /// What the judge sees of it.
    pub features: [f32; FEATURES],
}

/// Loudness of a frame.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Level {
    /// RMS under the taper.
    pub whole: f32,
    /// RMS of the middle 16 ms.
    pub middle: f32,
    /// Natural logarithm of the power of the later 16 ms over that of the earlier, around the middle.
    pub rise: f32,
}

impl Level {
    fn of(frame: &[f32]) -> Self {
        let mut eighths = [0.0f32; 8];
        for (power, part) in eighths.iter_mut().zip(frame.chunks_exact(FRAME_LEN / 8)) {
            *power = part.iter().map(|x| x * x).sum::<f32>() / part.len() as f32;
        }
        // The taper's mean power in each eighth, over the sum of all.
        let taper = [0.0104, 0.0764, 0.17, 0.2432, 0.2432, 0.17, 0.0764, 0.0104];
        let whole = eighths.iter().zip(taper).map(|(power, weight)| power * weight).sum::<f32>();
        let (early, late) = (eighths[2] + eighths[3], eighths[4] + eighths[5]);
        Self {
            whole: whole.sqrt(),
            middle: (0.5 * (eighths[3] + eighths[4])).sqrt(),
            rise: ((late + 1e-12) / (early + 1e-12)).ln(),
        }
    }
}

/// What is kept of a frame while its neighbours need it.
#[derive(Default)]
pub(super) struct View {
    pub level: Level,
    /// What [`PEAK_DECAYS`] left of the levels so far.
    pub peaks: [f32; 2],
    /// Normalised differences of the two looks, by half samples.
    pub long: Vec<f32>,
    pub short: Vec<f32>,
    /// Natural logarithm of the amplitude in each bin of the long look.
    pub spectrum: Vec<f32>,
    /// Natural logarithm of the power above 2 kHz over that below.
    pub brightness: f32,
    pub tone: Option<Tone>,
}

impl View {
    pub fn is_silent(&self) -> bool {
        self.level.whole < SILENCE
    }
}

/// Turns frames into candidates. It looks [`CONTEXT`] frames ahead, so answers come that much later.
pub(super) struct Analyser {
    long: Difference,
    short: Difference,
    views: VecDeque<View>,
    peaks: [f32; 2],
    heard: usize,
    answered: usize,
}

impl Analyser {
    pub fn new() -> Self {
        Self {
            long: Difference::new(FRAME_LEN, FFT_LEN, longest_lag() + 2),
            short: Difference::new(SHORT_LEN, SHORT_FFT_LEN, SHORT_LAGS + 2),
            views: VecDeque::with_capacity(2 * CONTEXT + 1),
            peaks: [0.0; 2],
            heard: 0,
            answered: 0,
        }
    }

    /// Hears the next frame of [`FRAME_LEN`] samples; calls `each` with the answer for a frame [`CONTEXT`] earlier.
    pub fn hear(&mut self, frame: &[f32], each: &mut dyn FnMut(&View, &[Candidate])) {
        let mut view = if self.views.len() > 2 * CONTEXT { self.views.pop_front() } else { None }.unwrap_or_default();
        self.look(frame, &mut view);
        self.views.push_back(view);
        self.heard += 1;
        if self.heard > self.answered + CONTEXT {
            self.answer(each);
        }
    }

    /// Answers for the frames that waited for more.
    pub fn finish(&mut self, each: &mut dyn FnMut(&View, &[Candidate])) {
        while self.answered < self.heard {
            self.answer(each);
        }
    }

    fn answer(&mut self, each: &mut dyn FnMut(&View, &[Candidate])) {
        let at = self.views.len() - (self.heard - self.answered);
        self.answered += 1;
        let view = &self.views[at];
        let candidates = if view.is_silent() {
            Vec::new()
        } else {
            let mut found = dips(&view.long, MOST_LONG, Look::Long);
            found.extend(dips(&view.short, MOST_SHORT, Look::Short));
            describe(&self.views, at, &found)
        };
        each(view, &candidates);
    }

    fn look(&mut self, frame: &[f32], view: &mut View) {
        view.level = Level::of(frame);
        for (peak, decay) in self.peaks.iter_mut().zip(PEAK_DECAYS) {
            *peak = (*peak * decay).max(view.level.whole);
        }
        view.peaks = self.peaks;
        view.tone = None;
        if view.is_silent() {
            return;
        }
        self.long.compute(frame, &mut view.long);
        self.short.compute(&frame[(FRAME_LEN - SHORT_LEN) / 2..(FRAME_LEN + SHORT_LEN) / 2], &mut view.short);
        view.tone = Tone::of(self.long.spectrum());
        let bins = &self.long.spectrum()[..SPECTRUM_BINS];
        let power = |part: &[Complex32]| part.iter().map(Complex32::norm_sqr).sum::<f32>();
        let (below, above) = (power(&bins[..SPECTRUM_BINS / 2]), power(&bins[SPECTRUM_BINS / 2..]));
        let floor = 1e-9 * (below + above);
        view.brightness = ((above + floor) / (below + floor)).ln();
        view.spectrum.clear();
        view.spectrum.extend(bins.iter().map(|x| 0.5 * (x.norm_sqr() + floor).ln()));
    }
}

/// Where a dip was seen.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Look {
    Long,
    Short,
}

/// A local minimum of the difference: refined lag in half samples, and depth.
#[derive(Clone, Copy)]
pub(super) struct Dip {
    pub lag: f32,
    pub depth: f32,
    pub look: Look,
}

impl Dip {
    pub fn hz(&self) -> f32 {
        (RATE_HZ as usize * LAGS_PER_SAMPLE) as f32 / self.lag
    }

    /// What it costs to keep it.
    fn cost(&self) -> f32 {
        self.depth + OCTAVE_COST * self.lag.log2()
    }
}

/// The best local minima, refined by a parabola, cheapest first.
fn dips(d: &[f32], most: usize, look: Look) -> Vec<Dip> {
    let mut found: Vec<Dip> = Vec::with_capacity(most + 1);
    for lag in shortest_lag()..d.len() - 1 {
        if !(d[lag] < d[lag - 1] && d[lag] <= d[lag + 1]) {
            continue;
        }
        let (before, here, after) = (d[lag - 1], d[lag], d[lag + 1]);
        let curve = before - 2.0 * here + after;
        let shift = if curve > 1e-9 { (0.5 * (before - after) / curve).clamp(-0.5, 0.5) } else { 0.0 };
        let depth = (here - 0.25 * (before - after) * shift).max(0.0);
        let dip = Dip { lag: lag as f32 + shift, depth, look };
        let at = found.partition_point(|other| other.cost() <= dip.cost());
        if at < most {
            found.insert(at, dip);
            found.truncate(most);
        }
    }
    found
}

fn shortest_lag() -> usize {
    (f64::from(RATE_HZ) * LAGS_PER_SAMPLE as f64 / HIGHEST_PERIOD_HZ).floor() as usize
}

fn longest_lag() -> usize {
    (f64::from(RATE_HZ) * LAGS_PER_SAMPLE as f64 / LOWEST_HZ).ceil() as usize
}
