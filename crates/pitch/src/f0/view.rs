//! What is kept of a frame, and the dips of its difference function.

use super::{
    difference::LAGS_PER_SAMPLE,
    front::{FRAME_LEN, RATE_HZ},
    tone::Tone,
};

/// Frames on each side that are asked about a period.
pub(super) const CONTEXT: usize = 4;
/// How much an octave lower costs in the choice of periods to keep: a clean high tone has more multiples of its period
/// than places in the list, all as deep as the period itself.
const OCTAVE_COST: f32 = 0.02;
/// Below this RMS (−90 dBFS) a frame is digital silence.
pub(super) const SILENCE: f32 = 3e-5;

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
    pub fn of(frame: &[f32]) -> Self {
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
    /// What the decay of peaks left of the levels so far.
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
    pub fn cost(&self) -> f32 {
        self.depth + OCTAVE_COST * self.lag.log2()
    }
}
