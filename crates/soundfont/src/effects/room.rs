//! A small hall: early reflections, and a network of sixteen delay lines that feed each other through a Hadamard matrix,
//! losing the highs sooner than the rest (J.-M. Jot and A. Chaigne, "Digital delay networks for designing artificial
//! reverberators", AES convention 90, 1991). Linear: the rooms of stems add up to the room of their sum.

use std::f32::consts::TAU;

const LINES: usize = 16;
/// Lengths of the lines in milliseconds: no two have a common measure, so that echoes do not fall together.
const LINES_MS: [f32; LINES] =
    [23.71, 26.53, 29.27, 31.69, 34.73, 37.19, 40.37, 43.03, 45.91, 48.73, 51.47, 54.83, 57.79, 60.31, 63.47, 67.03];
/// Delays in milliseconds and levels of what the walls send back at once, left and right.
const EARLY: [[(f32, f32); 6]; 2] = [
    [(8.3, 0.62), (13.9, -0.48), (19.7, 0.41), (27.1, 0.34), (36.7, -0.27), (47.9, 0.20)],
    [(9.7, 0.58), (12.7, 0.50), (22.3, -0.38), (29.3, 0.32), (34.1, 0.29), (49.3, -0.19)],
];
/// Before the network hears anything, in milliseconds.
const PREDELAY_MS: f32 = 11.0;
/// Lengths of the all-pass filters that blur what the network hears, in milliseconds, left and right.
const DIFFUSION_MS: [[f32; 2]; 2] = [[4.77, 9.31], [5.09, 9.97]];
const DIFFUSION: f32 = 0.6;
/// Time in which the sound falls by 60 dB.
const DECAY_SECONDS: f32 = 1.3;
/// From here up it falls faster.
const BRIGHT_HZ: f32 = 5_500.0;
/// Below here the room takes some of the sound: bass blurs.
const DARK_HZ: f32 = 90.0;
const EARLY_LEVEL: f32 = 0.55;
const LATE_LEVEL: f32 = 0.45;
const LATE_INPUT: f32 = 0.35;
/// Keeps the network out of numbers that processors are slow with.
const FLOOR: f32 = 1e-18;

/// Frames that are worked on at once: fewer than the shortest line is long.
const STEP: usize = 32;

/// A ring of samples, read and written by stretches.
struct Delay {
    samples: Vec<f32>,
    at: usize,
}

impl Delay {
    fn new(milliseconds: f32, sample_rate_hz: f32) -> Self {
        // Odd lengths have fewer factors in common.
        let length = (milliseconds * 1e-3 * sample_rate_hz).round() as usize | 1;
        Self { samples: vec![0.0; length.max(1)], at: 0 }
    }

    /// Goes through the oldest samples of as many frames as there are, which must be fewer than the ring has, with the place
    /// of each, and leaves new ones there.
    #[inline(always)]
    fn exchange(&mut self, frames: usize, mut with: impl FnMut(usize, f32) -> f32) {
        let first = frames.min(self.samples.len() - self.at);
        for (frame, sample) in self.samples[self.at..self.at + first].iter_mut().enumerate() {
            *sample = with(frame, *sample);
        }
        for (frame, sample) in (first..frames).zip(self.samples.iter_mut()) {
            *sample = with(frame, *sample);
        }
    }

    #[inline(always)]
    fn turn(&mut self, frames: usize) {
        self.at = (self.at + frames) % self.samples.len();
    }
}

/// Passes every frequency and blurs the time (M. Schroeder, "Natural sounding artificial reverberation", JAES 10(3), 1962).
struct AllPass(Delay);

impl AllPass {
    fn apply(&mut self, sound: &mut [f32]) {
        let frames = sound.len();
        self.0.exchange(frames, |frame, delayed| {
            let kept = sound[frame] + DIFFUSION * delayed;
            sound[frame] = delayed - DIFFUSION * kept;
            kept
        });
        self.0.turn(frames);
    }
}

/// What the walls of one side send back.
struct Early {
    heard: Vec<f32>,
    at: usize,
    taps: [(usize, f32); 6],
}

impl Early {
    fn new(taps: [(f32, f32); 6], sample_rate_hz: f32) -> Self {
        let taps = taps.map(|(milliseconds, level)| ((milliseconds * 1e-3 * sample_rate_hz) as usize + 1, level));
        let longest = taps.iter().map(|(frames, _)| *frames).max().unwrap_or(1);
        Self { heard: vec![0.0; (longest + STEP).next_power_of_two()], at: 0, taps }
    }

    fn apply(&mut self, sound: &[f32], back: &mut [f32]) {
        let mask = self.heard.len() - 1;
        for (frame, sample) in sound.iter().enumerate() {
            self.heard[(self.at + frame) & mask] = *sample;
        }
        for (frames, level) in self.taps {
            let from = self.at.wrapping_sub(frames);
            for (frame, back) in back.iter_mut().enumerate() {
                *back += EARLY_LEVEL * level * self.heard[from.wrapping_add(frame) & mask];
            }
        }
        self.at = (self.at + sound.len()) & mask;
    }
}

/// A stereo room: what it is given comes back as its reflections only.
pub(crate) struct Room {
    early: [Early; 2],
    predelay: [Delay; 2],
    diffusers: [[AllPass; 2]; 2],
    lines: [Delay; LINES],
    /// For each line: what is left after a turn.
    gain: [f32; LINES],
    high_damping: [f32; LINES],
    low_damping: [f32; LINES],
    brightness: f32,
    darkness: f32,
}

impl Room {
    pub(crate) fn new(sample_rate_hz: u32) -> Self {
        let rate = sample_rate_hz as f32;
        let lines = LINES_MS.map(|milliseconds| Delay::new(milliseconds, rate));
        let gain = std::array::from_fn(|line| {
            let seconds = lines[line].samples.len() as f32 / rate;
            10f32.powf(-3.0 * seconds / DECAY_SECONDS)
        });
        let share = |hz: f32| 1.0 - (-TAU * hz / rate).exp();
        Self {
            early: EARLY.map(|taps| Early::new(taps, rate)),
            predelay: [Delay::new(PREDELAY_MS, rate), Delay::new(PREDELAY_MS, rate)],
            diffusers: DIFFUSION_MS.map(|side| side.map(|milliseconds| AllPass(Delay::new(milliseconds, rate)))),
            lines,
            gain,
            high_damping: [0.0; LINES],
            low_damping: [0.0; LINES],
            brightness: share(BRIGHT_HZ),
            darkness: share(DARK_HZ),
        }
    }

    /// Adds the reflections of `send` times the sound to it.
    pub(crate) fn add_to(&mut self, send: f32, left: &mut [f32], right: &mut [f32]) {
        for (left, right) in left.chunks_mut(STEP).zip(right.chunks_mut(STEP)) {
            let heard = [&*left, &*right].map(|side| {
                let mut heard = [0.0; STEP];
                heard.iter_mut().zip(side).for_each(|(heard, sample)| *heard = send * sample);
                heard
            });
            let back = self.step(heard, left.len());
            left.iter_mut().zip(back[0]).for_each(|(sample, back)| *sample += back);
            right.iter_mut().zip(back[1]).for_each(|(sample, back)| *sample += back);
        }
    }

    /// Adds the reflections of one interleaved sound to another.
    pub(crate) fn add(&mut self, heard: &[f32], sound: &mut [f32]) {
        for (heard, sound) in heard.chunks(2 * STEP).zip(sound.chunks_mut(2 * STEP)) {
            let mut sides = [[0.0; STEP]; 2];
            for (frame, pair) in heard.chunks_exact(2).enumerate() {
                (sides[0][frame], sides[1][frame]) = (pair[0], pair[1]);
            }
            let back = self.step(sides, heard.len() / 2);
            for (frame, pair) in sound.chunks_exact_mut(2).enumerate() {
                pair[0] += back[0][frame];
                pair[1] += back[1][frame];
            }
        }
    }

    /// What comes back of the next frames, left and right.
    fn step(&mut self, heard: [[f32; STEP]; 2], frames: usize) -> [[f32; STEP]; 2] {
        let mut back = [[0.0; STEP]; 2];
        let mut late = [[0.0; STEP]; 2];
        for side in 0..2 {
            let mut sound = heard[side];
            sound[..frames].iter_mut().for_each(|sample| *sample += FLOOR);
            self.early[side].apply(&sound[..frames], &mut back[side][..frames]);
            self.predelay[side].exchange(frames, |frame, oldest| {
                late[side][frame] = oldest;
                sound[frame]
            });
            self.predelay[side].turn(frames);
            self.diffusers[side].iter_mut().for_each(|diffuser| diffuser.apply(&mut late[side][..frames]));
        }
        let mut around = [[0.0; LINES]; STEP];
        for (line, delay) in self.lines.iter_mut().enumerate() {
            delay.exchange(frames, |frame, oldest| {
                around[frame][line] = oldest;
                oldest
            });
        }
        for (frame, around) in around[..frames].iter_mut().enumerate() {
            for (line, sound) in around.iter().enumerate() {
                // Neighbours go to different sides, and every second pair turned over: the sides have little in common.
                back[line % 2][frame] += if line / 2 % 2 == 0 { LATE_LEVEL * sound } else { -LATE_LEVEL * sound };
            }
            for (line, sound) in around.iter_mut().enumerate() {
                self.high_damping[line] += self.brightness * (*sound - self.high_damping[line]);
                self.low_damping[line] += self.darkness * (self.high_damping[line] - self.low_damping[line]);
                *sound = self.gain[line] * (self.high_damping[line] - 0.25 * self.low_damping[line]);
            }
            let input = [LATE_INPUT * late[0][frame], LATE_INPUT * late[1][frame]];
            let mixed = hadamard(*around);
            *around = std::array::from_fn(|line| mixed[line] + input[line % 2]);
        }
        for (line, delay) in self.lines.iter_mut().enumerate() {
            delay.exchange(frames, |frame, _| around[frame][line]);
            delay.turn(frames);
        }
        back
    }
}

/// Every line into every other, without loss (M. Gerzon's orthogonal matrix, by the fast Walsh–Hadamard transform).
#[inline(always)]
fn hadamard(mut values: [f32; LINES]) -> [f32; LINES] {
    let mut half = LINES / 2;
    while half > 0 {
        let before = values;
        for line in 0..LINES {
            values[line] =
                if line & half == 0 { before[line] + before[line ^ half] } else { before[line ^ half] - before[line] };
        }
        half /= 2;
    }
    values.map(|value| 0.25 * value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 44_100;

    fn answer(seconds: f32) -> (Vec<f32>, Vec<f32>) {
        let frames = (seconds * RATE as f32) as usize;
        let mut heard = vec![0.0; 2 * frames];
        heard[..2].fill(1.0);
        let mut sound = vec![0.0; 2 * frames];
        Room::new(RATE).add(&heard, &mut sound);
        sound.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip()
    }

    fn db(samples: &[f32]) -> f32 {
        10.0 * (samples.iter().map(|x| x * x).sum::<f32>() / samples.len() as f32).log10()
    }

    #[test]
    fn the_room_decays_in_the_time_it_says_and_dies() {
        let (left, _) = answer(4.0);
        let at = |seconds: f32| (seconds * RATE as f32) as usize;
        let fall = db(&left[at(0.2)..at(0.4)]) - db(&left[at(0.8)..at(1.0)]);
        let decay = 0.6 * 60.0 / fall;
        assert!((0.7..1.5).contains(&decay), "60 dB in {decay} s");
        assert!(db(&left[at(3.5)..]) < -110.0);
    }

    #[test]
    fn the_sides_differ_and_echoes_are_dense() {
        let (left, right) = answer(1.0);
        let tail = 4_410..22_050;
        let product = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        let (l, r) = (&left[tail.clone()], &right[tail]);
        let alike = product(l, r) / (product(l, l) * product(r, r)).sqrt();
        assert!(alike.abs() < 0.3, "{alike}");
        // Echo density after J. Abel and P. Huang, AES convention 121, 2006: as many samples beyond one standard deviation as
        // in noise make 1.
        let density = |from: usize| {
            let window = &left[from..from + 882];
            let deviation = (window.iter().map(|x| x * x).sum::<f32>() / 882.0).sqrt();
            window.iter().filter(|x| x.abs() > deviation).count() as f32 / 882.0 / 0.3173
        };
        println!(
            "echo density at 50 ms {:.2}, at 100 ms {:.2}; sides alike {alike:.2}",
            density(2_205),
            density(4_410)
        );
        assert!(density(4_410) > 0.7, "{}", density(4_410));
    }

    #[test]
    fn rooms_of_parts_add_up_to_the_room_of_their_sum() {
        let noise = |seed: usize| -> Vec<f32> {
            (0..20_000).map(|i| (((i * 7_919 + seed * 104_729) % 10_007) as f32 / 5_003.5 - 1.0) * 0.3).collect()
        };
        let (a, b) = (noise(1), noise(2));
        let both: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
        let room = |heard: &[f32]| {
            let mut sound = vec![0.0; heard.len()];
            Room::new(RATE).add(heard, &mut sound);
            sound
        };
        let (a, b, both) = (room(&a), room(&b), room(&both));
        let worst = both.iter().zip(a.iter().zip(&b)).map(|(both, (a, b))| (both - a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-5, "{worst}");
    }
}
