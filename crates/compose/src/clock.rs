//! Ticks and seconds of a song: one tempo throughout, or a tempo map that follows somebody.

use music::score::TempoChange;

use crate::role::TICKS_PER_QUARTER;

/// A stretch of one tempo.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Stretch {
    tick: f64,
    seconds: f64,
    seconds_per_tick: f64,
}

/// The tempo map of a song; tick 0 is at 0 s.
#[derive(Clone, PartialEq, Debug)]
pub struct Clock {
    /// Of the first stretch.
    first: Stretch,
    /// Those after it, in order.
    others: Vec<Stretch>,
}

/// Tempos beyond these are a fault of whoever asks, and kept in bounds: quarters per minute.
const BPM: (f64, f64) = (4.0, 1_000.0);

fn seconds_per_tick(bpm: f64) -> f64 {
    // Not-a-number would pass through a clamp.
    let bpm = if bpm.is_nan() { 120.0 } else { bpm.clamp(BPM.0, BPM.1) };
    60.0 / bpm / f64::from(TICKS_PER_QUARTER)
}

impl Clock {
    pub fn steady(bpm: f64) -> Self {
        let first = Stretch { tick: 0.0, seconds: 0.0, seconds_per_tick: seconds_per_tick(bpm) };
        Self { first, others: Vec::new() }
    }

    /// Stretches by their lengths in ticks and their tempos; the last goes on for ever. Without any, 120 bpm.
    pub fn of(stretches: impl IntoIterator<Item = (u32, f64)>) -> Self {
        let mut stretches = stretches.into_iter().filter(|(ticks, _)| *ticks > 0);
        let Some((ticks, bpm)) = stretches.next() else { return Self::steady(120.0) };
        let mut clock = Self::steady(bpm);
        let mut tick = f64::from(ticks);
        for (ticks, bpm) in stretches {
            let seconds = clock.seconds(tick);
            clock.others.push(Stretch { tick, seconds, seconds_per_tick: seconds_per_tick(bpm) });
            tick += f64::from(ticks);
        }
        clock
    }

    fn at_tick(&self, tick: f64) -> &Stretch {
        let after = self.others.partition_point(|stretch| stretch.tick <= tick);
        after.checked_sub(1).and_then(|place| self.others.get(place)).unwrap_or(&self.first)
    }

    pub fn seconds(&self, tick: f64) -> f64 {
        let stretch = self.at_tick(tick);
        stretch.seconds + (tick - stretch.tick) * stretch.seconds_per_tick
    }

    pub fn ticks(&self, seconds: f64) -> f64 {
        let after = self.others.partition_point(|stretch| stretch.seconds <= seconds);
        let stretch = after.checked_sub(1).and_then(|place| self.others.get(place)).unwrap_or(&self.first);
        stretch.tick + (seconds - stretch.seconds) / stretch.seconds_per_tick
    }

    /// Ticks of a second, at the tempo of a moment.
    pub fn ticks_per_second(&self, tick: u32) -> f64 {
        1.0 / self.at_tick(f64::from(tick)).seconds_per_tick
    }

    /// For a score, whose tempos are whole microseconds.
    pub fn tempos(&self) -> Vec<TempoChange> {
        let change = |stretch: &Stretch| {
            let micros = stretch.seconds_per_tick * f64::from(TICKS_PER_QUARTER) * 1e6;
            TempoChange { at: stretch.tick as u64, micros_per_quarter: micros.round().clamp(1.0, 16_777_215.0) as u32 }
        };
        std::iter::once(&self.first).chain(&self.others).map(change).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn there_and_back(
            stretches in prop::collection::vec((1u32..2_000, 20.0f64..400.0), 1..40), share in 0.0f64..1.2,
        ) {
            let clock = Clock::of(stretches.clone());
            let ticks: u32 = stretches.iter().map(|(ticks, _)| ticks).sum();
            let seconds: f64 = stretches.iter().map(|(ticks, bpm)| f64::from(*ticks) / 480.0 * 60.0 / bpm).sum();
            prop_assert!((clock.seconds(f64::from(ticks)) - seconds).abs() < 1e-6);
            let tick = share * f64::from(ticks);
            prop_assert!((clock.ticks(clock.seconds(tick)) - tick).abs() < 1e-6);
            let rounded: f64 = {
                let tempos = clock.tempos();
                let ends = tempos.iter().skip(1).map(|next| next.at).chain([u64::from(ticks)]);
                let each = tempos.iter().zip(ends).map(|(tempo, end)| {
                    (end - tempo.at) as f64 / 480.0 * f64::from(tempo.micros_per_quarter) / 1e6
                });
                each.sum()
            };
            // Half a microsecond a quarter.
            prop_assert!((rounded - seconds).abs() <= 0.5e-6 * f64::from(ticks) / 480.0 + 1e-9);
        }
    }

    #[test]
    fn one_tempo_is_one_change() {
        assert_eq!(Clock::steady(100.0).tempos(), [TempoChange { at: 0, micros_per_quarter: 600_000 }]);
        assert_eq!(Clock::of([]).seconds(480.0), 0.5);
    }
}
