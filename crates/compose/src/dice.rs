//! Chance, from a seed.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// What is decided by chance. Each has a row of its own, so that one decision more in one of them leaves the others as they
/// were: the same seed in a longer song begins with the same tune.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Matter {
    Brief = 1,
    Harmony,
    Form,
    Melody,
    Drums,
    Bass,
    Comping,
    Pad,
    Timing,
}

/// A row of numbers that is the same for the same seed, on every platform.
#[derive(Clone, Debug)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// `place` tells rows of one matter apart, such as those of sections.
    pub fn new(seed: u64, matter: Matter, place: u32) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(u64::from(place) << 8 | matter as u64);
        Self(rng)
    }

    /// From 0 up to but not including 1.
    pub fn share(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / (f64::from(u32::MAX) + 1.0)
    }

    /// From 0 up to but not including `count`; 0 for 0.
    pub fn below(&mut self, count: usize) -> usize {
        ((self.share() * count as f64) as usize).min(count.saturating_sub(1))
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// About normally distributed with mean 0 and standard deviation 1, within ±2 (three uniform numbers added).
    pub fn bell(&mut self) -> f64 {
        let sum = self.share() + self.share() + self.share();
        ((sum - 1.5) * 2.0).clamp(-2.0, 2.0)
    }

    /// One of several; `None` of none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }
}
