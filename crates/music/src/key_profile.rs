//! What listeners find fitting in a key: the probe-tone profiles of C. Krumhansl and E. Kessler ("Tracing the dynamic changes
//! in perceived tonal organization in a spatial representation of musical keys", Psychological Review 89, 1982), and how well
//! pitch classes agree with them. What a key is to be sure of, and what else speaks for it, each estimate decides by itself.

use crate::key::Mode;

/// Mean ratings of the twelve pitch classes, 1–7, from the tonic up.
const MAJOR: [f64; 12] = [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88];
const MINOR: [f64; 12] = [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17];
/// Below that product of their lengths, profiles or classes are all alike but for rounding.
const LEAST_NORM: f64 = 1e-12;

/// The ratings of a mode, from the tonic up.
pub const fn of(mode: Mode) -> &'static [f64; 12] {
    match mode {
        Mode::Major => &MAJOR,
        Mode::Minor => &MINOR,
    }
}

/// Pearson's correlation of pitch classes (from C up, in any unit) with the profile of the key on `tonic` (0 = C), −1 to 1;
/// 0 when all classes are alike.
pub fn correlation(classes: &[f64; 12], tonic: usize, mode: Mode) -> f64 {
    let profile = of(mode);
    let mean = classes.iter().sum::<f64>() / 12.0;
    let profile_mean = profile.iter().sum::<f64>() / 12.0;
    let (mut both, mut own, mut theirs) = (0.0, 0.0, 0.0);
    for (degree, rating) in profile.iter().enumerate() {
        let (a, b) = (classes[(tonic + degree) % 12] - mean, rating - profile_mean);
        both += a * b;
        own += a * a;
        theirs += b * b;
    }
    let norm = f64::sqrt(own * theirs);
    if norm > LEAST_NORM { both / norm } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_agrees_best_with_its_own_key() {
        for (mode, other) in [(Mode::Major, Mode::Minor), (Mode::Minor, Mode::Major)] {
            for tonic in 0..12 {
                let mut classes = [0.0; 12];
                (0..12).for_each(|degree| classes[(tonic + degree) % 12] = 3.0 * of(mode)[degree]);
                assert!((correlation(&classes, tonic, mode) - 1.0).abs() < 1e-9, "{tonic} {mode:?}");
                let others = (0..12).flat_map(|at| [(at, mode), (at, other)]).filter(|key| *key != (tonic, mode));
                for (at, mode) in others {
                    assert!(correlation(&classes, at, mode) < 0.9, "{tonic}: {at} {mode:?}");
                }
            }
        }
        assert_eq!(correlation(&[0.1; 12], 3, Mode::Major), 0.0);
        assert_eq!(correlation(&[0.0; 12], 3, Mode::Minor), 0.0);
    }
}
