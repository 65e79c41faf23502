//! Ticks to seconds, for many ticks.

use music::{Score, score::Tick};

/// Quarter notes in seconds where a score says nothing: 120 in a minute.
const DEFAULT_MICROS: u32 = 500_000;

/// Where each tempo begins, in ticks and in seconds, and how long its ticks are.
pub(super) struct TempoMap {
    changes: Vec<(Tick, f64, f64)>,
}

impl TempoMap {
    pub(super) fn new(score: &Score) -> Self {
        let per_tick = |micros: u32| f64::from(micros) / 1e6 / f64::from(score.ticks_per_quarter.max(1));
        let mut changes = vec![(0, 0.0, per_tick(DEFAULT_MICROS))];
        for change in &score.tempos {
            let (at, seconds, length) = changes[changes.len() - 1];
            let begins = change.at.max(at);
            let next = (begins, seconds + (begins - at) as f64 * length, per_tick(change.micros_per_quarter));
            changes.push(next);
        }
        Self { changes }
    }

    pub(super) fn seconds(&self, tick: Tick) -> f64 {
        let index = self.changes.partition_point(|(at, ..)| *at <= tick).saturating_sub(1);
        let (at, seconds, length) = self.changes[index];
        seconds + (tick - at) as f64 * length
    }
}

#[cfg(test)]
mod tests {
    use music::score::TempoChange;

    use super::*;
    use crate::test_scores::score;

    #[test]
    fn it_agrees_with_the_score_at_every_tick() {
        let mut score = score(Vec::new());
        let tempo = |at, micros_per_quarter| TempoChange { at, micros_per_quarter };
        score.tempos = vec![tempo(0, 400_000), tempo(96, 1_000_000), tempo(96, 250_000), tempo(1_000, 3_000_000)];
        let map = TempoMap::new(&score);
        for tick in [0, 1, 95, 96, 97, 500, 999, 1_000, 1_001, 50_000] {
            assert!((map.seconds(tick) - score.seconds_at(tick)).abs() < 1e-9, "{tick}");
        }
        score.tempos.clear();
        assert!((TempoMap::new(&score).seconds(480) - 0.5).abs() < 1e-12, "120 quarter notes in a minute by default");
    }
}
