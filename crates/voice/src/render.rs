//! Movements into sound: larynx → nose and formants in cascade, and turbulence noise beside them (Klatt 1980).

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    curve::{CurveReader, smooth_step},
    filters::{Biquad, Resonator},
    intonation::Intonation,
    phones::FORMANTS,
    source::{Folds, noise, tilt_coefficient},
    throat::{FIXED_FORMANTS, Throat, tuned},
    tract::{Movements, Noise},
};

/// Samples between two settings of the filters (0.7 ms).
const CONTROL_SAMPLES: usize = 32;
/// Where the air noise of a voice lies.
const AIR_HZ: f64 = 5600.0;
const AIR_WIDTH_HZ: f64 = 3600.0;

struct Readers<'a> {
    hz: [CurveReader<'a>; FORMANTS],
    bandwidth_hz: [CurveReader<'a>; FORMANTS],
    voicing: CurveReader<'a>,
    breath: CurveReader<'a>,
    tilt_db: CurveReader<'a>,
    nasality: CurveReader<'a>,
    zero_hz: CurveReader<'a>,
}

impl<'a> Readers<'a> {
    fn new(moves: &'a Movements) -> Self {
        Self {
            hz: moves.hz.each_ref().map(|c| c.reader()),
            bandwidth_hz: moves.bandwidth_hz.each_ref().map(|c| c.reader()),
            voicing: moves.voicing.reader(),
            breath: moves.breath.reader(),
            tilt_db: moves.tilt_db.reader(),
            nasality: moves.nasality.reader(),
            zero_hz: moves.zero_hz.reader(),
        }
    }
}

/// The filters of the mouth and nose.
struct Tract {
    moving: [Resonator; FORMANTS],
    fixed: [Resonator; FIXED_FORMANTS],
    nose_pole: Resonator,
    nose_zero: Resonator,
}

impl Tract {
    fn new(throat: &Throat, rate_hz: f64) -> Self {
        let mut fixed = [Resonator::default(); FIXED_FORMANTS];
        for (i, resonator) in fixed.iter_mut().enumerate() {
            resonator.tune(throat.fixed_hz[i], throat.fixed_bandwidth_hz[i], rate_hz);
        }
        Self {
            moving: [Resonator::default(); FORMANTS],
            fixed,
            nose_pole: Resonator::default(),
            nose_zero: Resonator::default(),
        }
    }

    fn tune(&mut self, readers: &mut Readers<'_>, seconds: f64, f0_hz: f64, throat: &Throat, rate_hz: f64) {
        let mut below = 0.0;
        for i in 0..FORMANTS {
            let mut hz = readers.hz[i].at(seconds) * throat.scale[i];
            if i == 0 {
                hz = tuned(hz, f0_hz);
            }
            // Formants do not meet, also where a high pitch has pushed the first one up.
            hz = hz.max(below + 150.0);
            below = hz;
            let widened =
                readers.bandwidth_hz[i].at(seconds) * if i == 0 { 1.0 + (f0_hz / 900.0).powi(2) } else { 1.0 };
            self.moving[i].tune(hz, widened, rate_hz);
        }
        let nasality = readers.nasality.at(seconds);
        let zero_hz = readers.zero_hz.at(seconds).max(500.0) * throat.scale[1];
        self.nose_zero.tune(zero_hz, 800.0 - 680.0 * nasality, rate_hz);
        self.nose_pole.tune(zero_hz * (1.0 - 0.1 * nasality), 800.0, rate_hz);
    }

    fn pass(&mut self, x: f64) -> f64 {
        let mut y = self.nose_zero.cancel(self.nose_pole.resonate(x));
        for resonator in &mut self.moving {
            y = resonator.resonate(y);
        }
        for resonator in &mut self.fixed {
            y = resonator.resonate(y);
        }
        y
    }
}

/// A noise that sounds now.
struct Turbulence<'a> {
    plan: &'a Noise,
    bands: Vec<(Resonator, f64)>,
    floor: [Biquad; 4],
}

impl<'a> Turbulence<'a> {
    fn new(plan: &'a Noise, throat: &Throat, rate_hz: f64) -> Self {
        // A narrow band passes less of the noise; the table speaks of the level that comes out.
        let bands = plan
            .bands
            .iter()
            .map(|band| {
                let mut resonator = Resonator::default();
                let hz = band.hz * throat.scale[2].powf(0.7);
                resonator.tune(hz, band.width_hz, rate_hz);
                (resonator, 10f64.powf(band.db / 20.0) * (rate_hz / (std::f64::consts::PI * band.width_hz)).sqrt())
            })
            .collect();
        // A Butterworth high-pass of fourth order, twice.
        let floor_hz = plan.floor_hz * throat.scale[2].powf(0.7);
        let floor = [0.541, 1.307, 0.541, 1.307].map(|q| Biquad::high_pass(floor_hz, q, rate_hz));
        Self { plan, bands, floor }
    }

    fn next(&mut self, seconds: f64, x: f64, is_open: bool) -> f64 {
        let plan = self.plan;
        let rise = smooth_step((seconds - plan.start) / plan.attack.max(1e-4));
        let fall = smooth_step((plan.end - seconds) / plan.release.max(1e-4));
        let pulsing = if plan.is_voiced && !is_open { 0.45 } else { 1.0 };
        let x = self.floor.iter_mut().fold(x * plan.gain * rise * fall * pulsing, |x, section| section.next(x));
        self.bands.iter_mut().map(|(resonator, gain)| *gain * resonator.band(x)).sum()
    }
}

/// Renders the whole song, dry. `progress` hears of the share done.
pub fn render(
    moves: &Movements,
    intonation: &Intonation,
    throat: &Throat,
    seconds: f64,
    rate_hz: u32,
    seed: u64,
    progress: &mut dyn FnMut(f64),
) -> Vec<f32> {
    let rate = f64::from(rate_hz);
    let total = (seconds * rate).ceil() as usize;
    let mut dice = ChaCha8Rng::seed_from_u64(seed ^ 0x766f_6963);
    let mut folds = Folds::new(throat.open_quotient);
    let mut tract = Tract::new(throat, rate);
    let mut readers = Readers::new(moves);
    let mut bright = Resonator::default();
    bright.tune(AIR_HZ, AIR_WIDTH_HZ, rate);
    let mut waiting = moves.noises.iter().peekable();
    let mut sounding: Vec<Turbulence<'_>> = Vec::new();
    let mut samples = Vec::with_capacity(total);
    let (mut voicing, mut breath) = (0.0, 0.0);
    let (mut drift, mut hiss) = (0.0, 0.0);
    while samples.len() < total {
        let count = CONTROL_SAMPLES.min(total - samples.len());
        let now = samples.len() as f64 / rate;
        let block_end = now + count as f64 / rate;
        // A slow wander of the pitch of a few cents, as no voice stands quite still.
        drift = 0.997 * drift + 0.00012 * noise(&mut dice);
        let f0 = intonation.hz_at(now) * (1.0 + drift);
        tract.tune(&mut readers, now, f0, throat, rate);
        let tilt_db = readers.tilt_db.at(now);
        // What shuts the mouth shuts the air in.
        let openness = 10f64.powf(-tilt_db / 20.0);
        let tilt = tilt_coefficient(tilt_db + throat.tilt_db, rate);
        let (voicing_end, breath_end) = (readers.voicing.at(block_end), readers.breath.at(block_end));
        while let Some(plan) = waiting.next_if(|n| n.start < block_end) {
            sounding.push(Turbulence::new(plan, throat, rate));
        }
        sounding.retain(|n| n.plan.end + 0.02 > now);
        for i in 0..count {
            let share = i as f64 / count as f64;
            let pulse = folds.next(f0, rate, tilt, &mut dice);
            let voice = voicing + (voicing_end - voicing) * share;
            let air = breath + (breath_end - breath) * share;
            // The breath has less of the highest frequencies than white noise.
            hiss += 0.4 * (noise(&mut dice) - hiss);
            // Breath passes while the folds are open; with no voice they stand open all the time.
            let gate = if pulse.is_open || voice < 0.02 { 1.0 } else { 0.35 };
            let mut y = tract.pass(voice * pulse.flow + air * hiss * gate);
            // The air at the teeth, above the formants: what makes a voice sound near.
            let white = noise(&mut dice);
            y += bright.band(white) * throat.air * voice * gate * openness;
            if !sounding.is_empty() {
                let at = now + i as f64 / rate;
                let turbulent = noise(&mut dice);
                y += sounding.iter_mut().map(|n| n.next(at, turbulent, pulse.is_open)).sum::<f64>();
            }
            samples.push(y as f32);
        }
        (voicing, breath) = (voicing_end, breath_end);
        if samples.len() % (CONTROL_SAMPLES * 1024) == 0 {
            progress(samples.len() as f64 / total as f64);
        }
    }
    samples
}
