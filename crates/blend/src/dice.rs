//! Chance, from a seed.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// A row of numbers that is the same for the same seed, on every platform.
#[derive(Clone)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The row of one plan of a blend.
    pub fn new(seed: u64, plan: u32) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(u64::from(plan));
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
}
