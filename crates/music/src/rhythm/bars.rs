//! Which meter the accents of a melody fit best, and where its bars begin.

use crate::meter::Meter;

/// Half of all tunes begin with a bar; and nearly all end on a strong beat, when their last note is a long one.
const OPENING_BONUS: f64 = 0.12;
const ENDING_BONUS: f64 = 0.1;
/// Accent of a note of about one and a half quarters.
const LONG_ACCENT: f64 = 0.95;
const OFF_BEAT_COST: f64 = 0.08;

/// Best score of a meter (`common` more for 4/4), and the eighth (below those of a bar) at which its first bar begins.
pub(super) fn fit(accents: &[f64], meter: Meter, common: f64) -> (f64, Meter, usize) {
    let template = meter.accents();
    let bar = template.len();
    let repeats = (correlation_at(accents, bar) + correlation_at(accents, 2 * bar)) / 2.0;
    let bonus = if meter == Meter::FourFour { common } else { 0.0 };
    let last_accent = accents.iter().rposition(|&accent| accent > 0.0).filter(|&last| accents[last] > LONG_ACCENT);
    let agreement = |phase: usize| {
        let expected = (0..accents.len()).map(|at| template[(at + bar - phase) % bar]);
        let ending = last_accent.map_or(0.0, |last| ENDING_BONUS * template[(last + bar - phase) % bar]);
        // Where notes begin tells beats from what is between them; which of them are long tells bars.
        let pairs = accents.iter().copied().zip(expected);
        let of_notes = correlation(pairs.clone().filter(|(accent, _)| *accent > 0.0));
        (correlation(pairs) + of_notes) / 2.0 + ending
    };
    // Where a tune begins in its bar says nothing of how long the bar is: it counts between phases, not between meters.
    let likely = |phase: usize| {
        let prior = match phase {
            0 => OPENING_BONUS,
            // What the search took for beats mostly are some.
            odd if odd % 2 == 1 => -OFF_BEAT_COST,
            _ => 0.0,
        };
        agreement(phase) + prior
    };
    let phase = (0..bar).max_by(|&a, &b| likely(a).total_cmp(&likely(b))).unwrap_or(0);
    (agreement(phase) + 0.7 * repeats + bonus, meter, phase)
}

fn correlation_at(values: &[f64], lag: usize) -> f64 {
    let overlap = values.len().saturating_sub(lag);
    if overlap < lag.min(6) {
        0.0
    } else {
        correlation(values[..overlap].iter().copied().zip(values[lag..].iter().copied()))
    }
}

/// Pearson's correlation; 0 where either side does not vary.
fn correlation(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let count = pairs.clone().count().max(1) as f64;
    let (a_sum, b_sum) = pairs.clone().fold((0.0, 0.0), |sums, (a, b)| (sums.0 + a, sums.1 + b));
    let (a_mean, b_mean) = (a_sum / count, b_sum / count);
    let (mut together, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        together += (a - a_mean) * (b - b_mean);
        of_a += (a - a_mean).powi(2);
        of_b += (b - b_mean).powi(2);
    }
    if of_a > 1e-12 && of_b > 1e-12 { together / (of_a * of_b).sqrt() } else { 0.0 }
}
