//! Seconds and quarters of a melody whose beats are known.

use crate::{
    melody::Melody,
    meter::{Meter, Rhythm},
};

/// Seconds to quarters and back, from the start of the recording (quarter 0 is at 0 s).
#[derive(Clone, PartialEq, Debug)]
pub struct BeatGrid {
    /// Moment of each quarter; never empty, rising, the first 0.
    quarters_seconds: Vec<f64>,
    /// Length of the quarters after the last one.
    quarter_seconds: f64,
    pub meter: Meter,
    /// Quarters before the first whole bar, below the quarters of a bar.
    pub pickup_quarters: u32,
}

/// Tempo of a melody that has none that could be.
const PLAIN_BPM: f64 = 120.0;
/// Beats that come closer than this are no beats.
const LEAST_QUARTER_SECONDS: f64 = 0.01;
/// And no recording has so many of them before its first note.
const MOST_QUARTERS: f64 = 100_000.0;

impl BeatGrid {
    pub fn of(melody: &Melody) -> Self {
        let bpm = if melody.tempo_bpm.is_finite() && melody.tempo_bpm >= 4.0 { melody.tempo_bpm } else { PLAIN_BPM };
        let quarter_seconds = 60.0 / bpm;
        let Rhythm { beats_seconds, downbeat, meter, .. } = &melody.rhythm;
        let rising = beats_seconds.windows(2).all(|pair| pair[1] - pair[0] >= LEAST_QUARTER_SECONDS);
        let before = beats_seconds.first().map_or(0.0, |first| (first / quarter_seconds).round());
        let is_near = (0.0..MOST_QUARTERS).contains(&before);
        let Some(&first) = beats_seconds.first().filter(|first| rising && is_near && **first >= 0.0) else {
            let quarters_seconds = vec![0.0];
            return Self { quarters_seconds, quarter_seconds, meter: *meter, pickup_quarters: 0 };
        };
        let mut quarters_seconds: Vec<f64> = (0..before as usize).map(|i| i as f64 * first / before).collect();
        let pickup = (quarters_seconds.len() + downbeat) as u32 % meter.quarters_per_bar();
        quarters_seconds.extend(beats_seconds);
        quarters_seconds[0] = 0.0;
        Self { quarters_seconds, quarter_seconds, meter: *meter, pickup_quarters: pickup }
    }

    /// Quarters from the start; goes on at the tempo of the melody after the last beat.
    pub fn quarters_at(&self, seconds: f64) -> f64 {
        let known = &self.quarters_seconds;
        let next = known.partition_point(|&moment| moment <= seconds);
        if next == 0 {
            return seconds / self.quarter_seconds;
        }
        let start = known[next - 1];
        let length = known.get(next).map_or(self.quarter_seconds, |end| end - start);
        (next - 1) as f64 + (seconds - start) / length
    }

    pub fn seconds_at(&self, quarters: f64) -> f64 {
        let known = &self.quarters_seconds;
        let index = (quarters.max(0.0) as usize).min(known.len() - 1);
        let length = known.get(index + 1).map_or(self.quarter_seconds, |end| end - known[index]);
        known[index] + (quarters - index as f64) * length
    }

    /// Quarters at which bars begin, from the first whole bar on.
    pub fn bar_start(&self, bar: u32) -> f64 {
        f64::from(self.pickup_quarters) + f64::from(bar) * f64::from(self.meter.quarters_per_bar())
    }

    /// Moments at which the tempo may change, and each quarter's length from there on.
    pub fn tempo_steps(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        let last = self.quarters_seconds.len() - 1;
        let lengths = self.quarters_seconds.windows(2).map(|pair| pair[1] - pair[0]).enumerate();
        lengths.chain(std::iter::once((last, self.quarter_seconds)))
    }
}
