//! Finishing: the dry voice through the chain that a recorded voice goes through.
//!
//! Rough on purpose where a caller is exact: loudness lands near the aim, and whoever encodes the file measures it.

use super::filters::Biquad;

/// Aim of the finished vocal in LUFS.
pub const LOUDNESS_LUFS: f64 = -16.0;
/// No sample is larger: −1.2 dBFS, room for what lies between samples.
pub const CEILING: f64 = 0.87;

const ROOM_SECONDS: f64 = 0.35;
const ROOM_DB: f64 = -41.0;

/// Finishes a voice in place.
pub fn finish(samples: &mut [f32], rate_hz: u32) {
    let rate = f64::from(rate_hz);
    shape(samples, rate);
    set_loudness(samples, rate, -18.0);
    soften_sibilants(samples, rate);
    compress(samples, rate);
    add_room(samples, rate);
    set_loudness(samples, rate, LOUDNESS_LUFS);
    limit(samples, rate);
    bound_steps(samples);
}

fn shape(samples: &mut [f32], rate: f64) {
    let mut chain = [
        Biquad::high_pass(70.0, 0.7, rate),
        Biquad::peak(280.0, 0.8, -1.5, rate),
        Biquad::peak(2900.0, 0.9, 3.0, rate),
        Biquad::high_shelf(3500.0, 3.0, rate),
    ];
    for sample in samples {
        let y = chain.iter_mut().fold(f64::from(*sample), |x, section| section.next(x));
        *sample = y as f32;
    }
}

/// Follows a level: quick up, slow down.
struct Follower {
    level: f64,
    up: f64,
    down: f64,
}

impl Follower {
    fn new(attack_seconds: f64, release_seconds: f64, rate: f64) -> Self {
        let coefficient = |seconds: f64| 1.0 - (-1.0 / (seconds * rate)).exp();
        Self { level: 0.0, up: coefficient(attack_seconds), down: coefficient(release_seconds) }
    }

    fn next(&mut self, x: f64) -> f64 {
        self.level += (x - self.level) * if x > self.level { self.up } else { self.down };
        self.level
    }
}

/// Turns down what lies above 5 kHz where it stands out.
fn soften_sibilants(samples: &mut [f32], rate: f64) {
    const THRESHOLD: f64 = 0.05;
    let mut high = Biquad::high_pass(5000.0, 0.7, rate);
    let mut follower = Follower::new(0.002, 0.03, rate);
    for sample in samples {
        let x = f64::from(*sample);
        let sharp = high.next(x);
        let level = follower.next(sharp.abs());
        // Above the threshold two decibels in give one out.
        let keep = if level > THRESHOLD { (THRESHOLD / level).sqrt() } else { 1.0 };
        *sample = (x - sharp * (1.0 - keep)) as f32;
    }
}

/// Ratio 2 : 1 above −20 dBFS with a soft knee.
fn compress(samples: &mut [f32], rate: f64) {
    const THRESHOLD_DB: f64 = -20.0;
    const RATIO: f64 = 2.0;
    const KNEE_DB: f64 = 8.0;
    let mut follower = Follower::new(0.008, 0.12, rate);
    for sample in samples {
        let x = f64::from(*sample);
        let level_db = 20.0 * follower.next(x.abs()).max(1e-6).log10();
        let over = level_db - THRESHOLD_DB;
        let over = if over <= -0.5 * KNEE_DB {
            0.0
        } else if over < 0.5 * KNEE_DB {
            (over + 0.5 * KNEE_DB).powi(2) / (2.0 * KNEE_DB)
        } else {
            over
        };
        *sample = (x * 10f64.powf(-over * (1.0 - 1.0 / RATIO) / 20.0)) as f32;
    }
}

/// A small room: four damped combs and two all-passes (Schroeder 1962), quiet.
fn add_room(samples: &mut [f32], rate: f64) {
    let delays = [0.0297, 0.0371, 0.0411, 0.0437].map(|s: f64| (s * rate) as usize);
    let mut combs: Vec<Comb> = delays.iter().map(|&d| Comb::new(d, rate)).collect();
    let mut passes: Vec<AllPass> = [0.005, 0.0017].iter().map(|s| AllPass::new((s * rate) as usize)).collect();
    let mut before = Line::new((0.012 * rate) as usize);
    let mut high = Biquad::high_pass(250.0, 0.7, rate);
    let wet = 10f64.powf(ROOM_DB / 20.0);
    for sample in samples {
        let x = f64::from(*sample);
        let sent = high.next(before.swap(x));
        let mut y: f64 = combs.iter_mut().map(|comb| comb.next(sent)).sum();
        for pass in &mut passes {
            y = pass.next(y);
        }
        *sample = (x + wet * y) as f32;
    }
}

struct Line {
    buffer: Vec<f64>,
    at: usize,
}

impl Line {
    fn new(length: usize) -> Self {
        Self { buffer: vec![0.0; length.max(1)], at: 0 }
    }

    fn peek(&self) -> f64 {
        self.buffer[self.at]
    }

    /// Stores a sample and returns the oldest.
    fn swap(&mut self, x: f64) -> f64 {
        let oldest = std::mem::replace(&mut self.buffer[self.at], x);
        self.at = (self.at + 1) % self.buffer.len();
        oldest
    }
}

struct Comb {
    line: Line,
    feedback: f64,
    damped: f64,
}

impl Comb {
    fn new(delay: usize, rate: f64) -> Self {
        let feedback = 10f64.powf(-3.0 * delay as f64 / (rate * ROOM_SECONDS));
        Self { line: Line::new(delay), feedback, damped: 0.0 }
    }

    fn next(&mut self, x: f64) -> f64 {
        let y = self.line.peek();
        self.damped += 0.55 * (y - self.damped);
        self.line.swap(x + self.feedback * self.damped);
        y
    }
}

struct AllPass {
    line: Line,
}

impl AllPass {
    fn new(delay: usize) -> Self {
        Self { line: Line::new(delay) }
    }

    fn next(&mut self, x: f64) -> f64 {
        let delayed = self.line.peek();
        let stored = x + 0.6 * delayed;
        self.line.swap(stored);
        delayed - 0.6 * stored
    }
}

/// Scales to a loudness; silence stays as it is.
fn set_loudness(samples: &mut [f32], rate: f64, lufs: f64) {
    if let Some(now) = loudness_lufs(samples, rate) {
        let gain = 10f64.powf((lufs - now) / 20.0) as f32;
        samples.iter_mut().for_each(|s| *s *= gain);
    }
}

/// Loudness after ITU-R BS.1770 with cookbook filters in place of the tabled ones (within 0.3 LU), gated; `None` for
/// silence.
pub fn loudness_lufs(samples: &[f32], rate: f64) -> Option<f64> {
    let mut shelf = Biquad::high_shelf(1500.0, 4.0, rate);
    let mut high = Biquad::high_pass(38.0, 0.5, rate);
    let step = ((0.1 * rate) as usize).max(1);
    let powers: Vec<f64> = samples
        .chunks(step)
        .map(|chunk| {
            chunk.iter().map(|&s| high.next(shelf.next(f64::from(s))).powi(2)).sum::<f64>() / chunk.len() as f64
        })
        .collect();
    let blocks: Vec<f64> = if powers.len() < 4 {
        vec![powers.iter().sum::<f64>() / powers.len().max(1) as f64]
    } else {
        powers.windows(4).map(|w| w.iter().sum::<f64>() / 4.0).collect()
    };
    let lufs = |power: f64| -0.691 + 10.0 * power.max(1e-12).log10();
    let mean = |least: f64| {
        let kept: Vec<f64> = blocks.iter().copied().filter(|p| lufs(*p) > least).collect();
        (!kept.is_empty()).then(|| kept.iter().sum::<f64>() / kept.len() as f64)
    };
    let rough = mean(-70.0)?;
    mean(lufs(rough) - 10.0).map(lufs)
}

/// Keeps every sample within the ceiling: the least gain that is needed nearby, smoothed over the same reach, so that
/// it is there before the peak.
fn limit(samples: &mut [f32], rate: f64) {
    let reach = ((0.003 * rate) as usize).max(1);
    let needed = |s: f32| if f64::from(s.abs()) > CEILING { CEILING / f64::from(s.abs()) } else { 1.0 };
    if samples.iter().all(|s| needed(*s) >= 1.0) {
        return;
    }
    // Single precision: five minutes are 13 million of them.
    let wanted: Vec<f32> = samples.iter().map(|s| needed(*s) as f32).collect();
    let least = sliding_least(&wanted, reach);
    let mut sum: f64 = least.iter().take(reach).map(|gain| f64::from(*gain)).sum();
    let mut count = reach.min(least.len());
    for i in 0..samples.len() {
        if i + reach < least.len() {
            sum += f64::from(least[i + reach]);
            count += 1;
        }
        if i > reach {
            sum -= f64::from(least[i - reach - 1]);
            count -= 1;
        }
        let limited = f64::from(samples[i]) * (sum / count as f64);
        samples[i] = limited.clamp(-CEILING, CEILING) as f32;
    }
}

/// Turns the whole down where it moves faster than players and encoders like: a voice made as loud as its few seconds
/// of sound in much silence would have to be.
fn bound_steps(samples: &mut [f32]) {
    const LARGEST_STEP: f32 = 0.45;
    let largest = samples.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
    if largest > LARGEST_STEP {
        samples.iter_mut().for_each(|s| *s *= LARGEST_STEP / largest);
    }
}

/// Least value within `reach` places to either side.
fn sliding_least(values: &[f32], reach: usize) -> Vec<f32> {
    let mut queue: std::collections::VecDeque<usize> = std::collections::VecDeque::new();
    let mut least = Vec::with_capacity(values.len());
    for i in 0..values.len() + reach {
        if i < values.len() {
            while queue.back().is_some_and(|&last| values[last] >= values[i]) {
                queue.pop_back();
            }
            queue.push_back(i);
        }
        if i >= reach {
            let at = i - reach;
            while queue.front().is_some_and(|&first| first + reach < at) {
                queue.pop_front();
            }
            least.push(queue.front().map_or(1.0, |&first| values[first]));
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loudness_of_a_known_tone() {
        // A 997 Hz sine at full scale is −3.01 LUFS by definition.
        let tone: Vec<f32> =
            (0..96000).map(|i| (std::f64::consts::TAU * 997.0 * f64::from(i) / 48000.0).sin() as f32).collect();
        let measured = loudness_lufs(&tone, 48000.0).expect("not silent");
        assert!((measured + 3.01).abs() < 0.35, "{measured}");
        assert_eq!(loudness_lufs(&[0.0; 48000], 48000.0), None);
        assert_eq!(loudness_lufs(&[], 48000.0), None);
    }

    #[test]
    fn the_limiter_holds_the_ceiling_without_steps() {
        let mut loud: Vec<f32> =
            (0..44100).map(|i| 3.0 * (std::f64::consts::TAU * 220.0 * f64::from(i) / 44100.0).sin() as f32).collect();
        limit(&mut loud, 44100.0);
        assert!(loud.iter().all(|s| f64::from(s.abs()) <= CEILING + 1e-6));
        assert!(loud.windows(2).all(|w| (w[1] - w[0]).abs() < 0.1));
    }
}
