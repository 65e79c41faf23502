//! Randomness for ids, seeds and jitter, so that the pure core takes it as an argument.

/// Ten random bytes, as [`domain::JobId::new`] and its siblings take them.
pub fn random10() -> [u8; 10] {
    rand::random()
}

/// Uniform in 0..1, as [`domain::retry::RetryPolicy::delay`] takes it.
pub fn random_unit() -> f64 {
    rand::random()
}

/// Any number, for the seed of a song where the request names none.
pub fn seed() -> u64 {
    rand::random()
}
