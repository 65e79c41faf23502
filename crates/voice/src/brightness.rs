//! From the spectrum of telephone-grade speech to that of a recorded singer: presence, a singer's formant, and what
//! lies above the band that was spoken.

use crate::vocoder::{BAND_CENTRES_HZ, BANDS, BINS, Excitation};

/// Rate that spoken lines are taken apart at; half of it is as far as their spectrum goes.
pub const SPOKEN_RATE_HZ: u32 = 16_000;
/// What is spoken is believed up to here, and continued from there.
const TOP_HZ: f64 = 7200.0;
/// The level that is continued is measured from here up.
const TOP_FROM_HZ: f64 = 5800.0;
/// Fall of what continues a voice, and a hiss, in dB an octave.
const VOICE_FALL_DB: f64 = 18.0;
const HISS_FALL_DB: f64 = 9.0;
/// Noise above the spoken band of a voice: harmonics do not go on for ever.
const TOP_NOISE: f64 = 0.85;
const DB: f64 = std::f64::consts::LN_10 / 10.0;

/// Precomputed for one output rate.
pub struct Brightness {
    /// For each output place: the place in the spoken spectrum.
    place: Vec<f64>,
    /// Logarithm of what the voice gains there.
    presence: Vec<f64>,
    /// Octaves above the top of the spoken band, 0 below it.
    octaves_above: Vec<f64>,
    /// Between which bands the noise lies, and how far.
    bands: Vec<(usize, f64)>,
    rate_hz: u32,
    /// Logarithm that keeps the power when the rate goes up.
    rate_gain: f64,
}

impl Brightness {
    pub fn new(rate_hz: u32) -> Self {
        let hz: Vec<f64> =
            (0..Excitation::silent().log_power.len()).map(|bin| Excitation::hz_of(bin, rate_hz)).collect();
        let bin_hz = 0.5 * f64::from(SPOKEN_RATE_HZ) / (BINS - 1) as f64;
        Self {
            place: hz.iter().map(|hz| hz.min(TOP_HZ) / bin_hz).collect(),
            presence: hz.iter().map(|hz| presence_db(*hz) * DB).collect(),
            octaves_above: hz.iter().map(|hz| (hz / TOP_HZ).max(1.0).log2()).collect(),
            bands: hz.iter().map(|hz| band_at(*hz)).collect(),
            rate_hz,
            rate_gain: (f64::from(rate_hz) / f64::from(SPOKEN_RATE_HZ)).ln(),
        }
    }

    /// Fills in the spectrum of one moment. `gain` is in nats of power.
    pub fn fill(&self, spoken: &[f32], noise: &[f64; BANDS], voiced: bool, gain: f64, out: &mut Excitation) {
        let bin_hz = 0.5 * f64::from(SPOKEN_RATE_HZ) / (BINS - 1) as f64;
        let top = (TOP_FROM_HZ / bin_hz) as usize..(TOP_HZ / bin_hz) as usize;
        let top_level = spoken[top.clone()].iter().map(|v| f64::from(*v)).sum::<f64>() / top.len() as f64;
        let fall = DB * if voiced { VOICE_FALL_DB } else { HISS_FALL_DB };
        for bin in 0..out.log_power.len() {
            let (place, octaves) = (self.place[bin], self.octaves_above[bin]);
            let level = if octaves > 0.0 {
                // From the last spoken bin to the mean level within a sixth of an octave.
                let share = (octaves * 6.0).min(1.0);
                let last = f64::from(spoken[place as usize]);
                last + (top_level - last) * share - fall * octaves
            } else {
                let low = place as usize;
                let (a, b) = (f64::from(spoken[low]), f64::from(spoken[low + 1]));
                a + (b - a) * place.fract()
            };
            // Hiss is bright enough as it was said.
            let presence = if voiced { self.presence[bin] } else { 0.0 };
            out.log_power[bin] = level + presence + gain + self.rate_gain;
            let (band, share) = self.bands[bin];
            let own = noise[band] + (noise[(band + 1).min(BANDS - 1)] - noise[band]) * share;
            out.noise[bin] = if octaves > 0.0 { own.max(TOP_NOISE) } else { own };
        }
        // Below the lowest harmonic a voice has nothing, and noise there would be heard as a hum.
        let lowest = out.f0_hz.map_or(0, |hz| (0.7 * hz / Excitation::hz_of(1, self.rate_hz)) as usize);
        out.noise.iter_mut().take(lowest).for_each(|noise| *noise = 0.0);
    }
}

/// What a close microphone and a trained voice add: a shelf above 1.5 kHz and a bump at the singer's formant (J. Sundberg,
/// "The Science of the Singing Voice", 1987).
fn presence_db(hz: f64) -> f64 {
    const SHELF_DB: f64 = 6.0;
    const BUMP_DB: f64 = 3.5;
    let shelf = SHELF_DB / (1.0 + (1600.0 / hz.max(1.0)).powi(4));
    let bump = BUMP_DB * (-((hz.max(1.0) / 3000.0).log2() / 0.35).powi(2)).exp();
    shelf + bump
}

fn band_at(hz: f64) -> (usize, f64) {
    let above = BAND_CENTRES_HZ.partition_point(|centre| *centre <= hz);
    match above {
        0 => (0, 0.0),
        BANDS => (BANDS - 1, 0.0),
        _ => {
            let (low, high) = (BAND_CENTRES_HZ[above - 1], BAND_CENTRES_HZ[above]);
            (above - 1, (hz - low) / (high - low))
        }
    }
}
