//! Tones that are all but pure: whistles, far above any voice, where a frame holds so many periods that the difference
//! function cannot tell one from its multiples, and the judge has never been. Their spectrum is one line.

use realfft::num_complex::Complex32;

use super::{
    HIGHEST_HZ,
    front::{FFT_LEN, RATE_HZ},
    judge::Verdict,
};

/// Lowest tone looked for: a little below the highest pitch of [`super::candidates`], so that a glide finds one where
/// it loses the other.
pub(super) const LOWEST_TONE_HZ: f32 = 1_300.0;
/// Below this is rumble, which says nothing about a whistle.
const RUMBLE_HZ: f32 = 200.0;
/// Above this the resampler's edge begins.
const EDGE_HZ: f32 = 7_400.0;
/// Bins on each side of a line that belong to it under the taper, and most where a glide makes it wide.
const LINE_BINS: usize = 5;
const MOST_LINE_BINS: usize = 20;
/// A line this far above the strongest bin beside it and its harmonics may be a tone or may not; and its power against
/// everything else, likewise. Noise as strong as a whistle leaves 30 dB, noise by itself less than 6; the harmonics of
/// a voice rarely fall by 18 dB from one to the next.
const EVEN_MARGIN_DB: f32 = 18.0;
const EVEN_CLARITY_DB: f32 = -5.0;
/// Log odds per dB of either.
const PER_DB: f32 = 0.6;
/// Surer than this is nothing.
const MOST_LOG_ODDS: f32 = 8.0;

/// The one line of a spectrum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tone {
    pub hz: f32,
    /// Natural logarithm of the odds that it is all there is.
    pub log_odds: f32,
}

impl Tone {
    /// The tone of a spectrum of [`FFT_LEN`] samples at [`RATE_HZ`], if there may be one.
    pub fn of(spectrum: &[Complex32]) -> Option<Self> {
        let (low, high) = (bin(RUMBLE_HZ), bin(EDGE_HZ).min(spectrum.len() - 2));
        let power = |at: usize| spectrum[at].norm_sqr();
        let mut total = 0.0;
        let (mut peak, mut loudest) = (low, 0.0);
        for at in low..=high {
            let here = power(at);
            total += here;
            if here > loudest {
                (peak, loudest) = (at, here);
            }
        }
        if peak < bin(LOWEST_TONE_HZ) || peak >= high || loudest <= 0.0 {
            return None;
        }
        let [before, here, after] = [peak - 1, peak, peak + 1].map(|at| (power(at) + 1e-30).ln());
        let curve = before - 2.0 * here + after;
        let shift = if curve < -1e-6 { (0.5 * (before - after) / curve).clamp(-0.5, 0.5) } else { 0.0 };
        let place = peak as f32 + shift;

        // A line is as wide as it falls on both sides.
        let width = LINE_BINS.max(
            (1..MOST_LINE_BINS.min(high - peak)).take_while(|&by| power(peak + by) < power(peak + by - 1)).count(),
        );
        let width = width.max((1..MOST_LINE_BINS).take_while(|&by| power(peak - by) < power(peak + 1 - by)).count());
        let harmonics = [1, 2, 3].map(|number| ((number as f32 * place).round() as usize, number * width));
        let belongs = |at: usize| harmonics.iter().any(|(line, width)| at.abs_diff(*line) <= *width);
        let (mut beside, mut rest) = (0.0f32, 0.0f32);
        for at in (low..=high).filter(|&at| !belongs(at)) {
            beside = beside.max(power(at));
            rest += power(at);
        }
        let db = |ratio: f32| 10.0 * ratio.clamp(1e-9, 1e9).log10();
        let margin = db(loudest / beside.max(1e-30)) - EVEN_MARGIN_DB;
        let clarity = db((total - rest).max(1e-30) / rest.max(1e-30)) - EVEN_CLARITY_DB;
        let log_odds = (PER_DB * margin.min(clarity)).min(MOST_LOG_ODDS);
        let hz = place * RATE_HZ as f32 / FFT_LEN as f32;
        (log_odds > -MOST_LOG_ODDS).then_some(Self { hz, log_odds })
    }

    /// Puts the tone among the verdicts on a frame. One above the range is a reason to believe none of them.
    pub fn join(self, verdicts: &mut Vec<Verdict>, voicing_threshold: f32) {
        let share = |log_odds: f32| -(-log_odds).exp().ln_1p();
        let within = f64::from(self.hz) <= HIGHEST_HZ;
        for verdict in verdicts.iter_mut() {
            if within {
                verdict.log_share += share(-self.log_odds);
            } else {
                verdict.log_odds = verdict.log_odds.min(voicing_threshold - self.log_odds);
            }
        }
        if within {
            verdicts.push(Verdict {
                hz: self.hz,
                octaves: self.hz.log2(),
                log_share: share(self.log_odds),
                log_odds: voicing_threshold + self.log_odds,
            });
        }
    }
}

const fn bin(hz: f32) -> usize {
    (hz * FFT_LEN as f32 / RATE_HZ as f32) as usize
}
