//! The periods that a frame suggests, and what can be seen of each in it and its neighbours.

use std::collections::VecDeque;

use realfft::num_complex::Complex32;

use super::{
    LOWEST_HZ,
    difference::{Difference, LAGS_PER_SAMPLE},
    features::describe,
    front::{FFT_LEN, FRAME_LEN, RATE_HZ},
    judge::Candidate,
    tone::Tone,
    view::{CONTEXT, Dip, Level, Look, View},
};

/// Highest pitch that a period is looked for: just above a soprano's F6. What is higher has no other harmonics to speak
/// of and is found by [`Tone`].
const HIGHEST_PERIOD_HZ: f64 = 1_450.0;
/// A second look at the middle half, for pitch that moves fast.
const SHORT_LEN: usize = 512;
const SHORT_FFT_LEN: usize = 768;
/// Longest lag seen in the short look, in half samples: 80 Hz.
const SHORT_LAGS: usize = 400;
/// Periods kept from the long and from the short look.
const MOST_LONG: usize = 9;
const MOST_SHORT: usize = 4;
/// Bins of the log spectrum: up to 4 kHz.
const SPECTRUM_BINS: usize = 4_000 * FFT_LEN / RATE_HZ as usize + 2;
/// How a peak of level fades per frame: to a third in 0.3 s and in 2 s.
const PEAK_DECAYS: [f32; 2] = [0.967, 0.995];

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
