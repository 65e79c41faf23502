//! Bars: where they begin, from the meters of a score.

use super::{Bar, MOST_BARS, Texture};
use crate::score::{MeterChange, Score, Tick};

/// Bars shorter than this are joined to longer ones.
const LEAST_BAR_QUARTERS: f64 = 2.5;
/// No bar is longer; a meter that says so is not believed.
const MOST_BAR_QUARTERS: f64 = 12.0;
/// Bars of a sixty-fourth and the like are rather joined as many as fit than as few.
const MOST_JOINED: u8 = 64;

/// The meters that can be believed, the first from tick 0 on; empty if there is none.
pub(super) fn believable(score: &Score) -> Vec<MeterChange> {
    let quarter = Tick::from(score.ticks_per_quarter.max(1));
    let mut meters: Vec<MeterChange> = Vec::new();
    for meter in &score.meters {
        let quarters = quarters(meter);
        if !(0.01..=MOST_BAR_QUARTERS).contains(&quarters) {
            continue;
        }
        // Of changes within a quarter the last one counts.
        match meters.last_mut() {
            Some(last) if meter.at < last.at + quarter => *last = MeterChange { at: last.at, ..*meter },
            Some(last)
                if (last.beats, last.unit) == (meter.beats, meter.unit) && is_on_bar(last, meter.at, quarter) => {}
            _ => meters.push(*meter),
        }
    }
    if let Some(first) = meters.first_mut() {
        first.at = 0;
    }
    meters
}

/// Whether a tick is a bar line of a meter: then the same meter again changes nothing.
fn is_on_bar(meter: &MeterChange, at: Tick, quarter: Tick) -> bool {
    let bar = Tick::from(meter.beats) * 4 * quarter / Tick::from(meter.unit.max(1));
    bar > 0 && (at - meter.at).is_multiple_of(bar)
}

/// Length of a written bar.
pub(super) fn quarters(meter: &MeterChange) -> f64 {
    f64::from(meter.beats) * 4.0 / f64::from(meter.unit.max(1))
}

/// How many written bars make one.
pub(super) fn joined(meter: &MeterChange) -> u8 {
    let mut bars = 1u8;
    while f64::from(bars) * quarters(meter) < LEAST_BAR_QUARTERS && bars < MOST_JOINED {
        bars *= 2;
    }
    bars
}

/// Lays bars under everything up to `end`, after a first short one of `pickup` ticks (0 for none).
pub(super) fn lay(score: &Score, meters: &[MeterChange], pickup: Tick, end: Tick) -> Vec<Bar> {
    let per_quarter = f64::from(score.ticks_per_quarter.max(1));
    let mut bars: Vec<Bar> = Vec::new();
    let mut clock = Clock::new(score);
    let mut start: Tick = 0;
    let mut index = 0;
    let common = MeterChange { at: 0, beats: 4, unit: 4 };
    while bars.len() < MOST_BARS && (start < end || bars.is_empty()) {
        while meters.get(index + 1).is_some_and(|next| next.at <= start) {
            index += 1;
        }
        let meter = meters.get(index).unwrap_or(&common);
        let joined = joined(meter);
        let whole = ((quarters(meter) * f64::from(joined) * per_quarter).round() as Tick).max(1);
        let mut length = if bars.is_empty() && pickup > 0 { pickup.min(whole) } else { whole };
        if let Some(next) = meters.get(index + 1) {
            // A change a little after a bar line is a rounded one, and no bar of its own.
            let rounded = next.at - start <= length + whole / 12;
            length = if rounded { next.at - start } else { length };
        }
        let until = start + length;
        let (start_seconds, end_seconds) = (clock.seconds_at(start), clock.seconds_at(until));
        let bar_quarters = length as f64 / per_quarter;
        bars.push(Bar {
            start,
            end: until,
            quarters: bar_quarters,
            beats: meter.beats.saturating_mul(joined),
            unit: meter.unit,
            written_bars: joined,
            start_seconds,
            bpm: 60.0 * bar_quarters / (end_seconds - start_seconds).max(1e-9),
            texture: Texture::default(),
        });
        start = until;
    }
    bars
}

/// [`Score::seconds_at`] for rising ticks in one pass over the tempos.
struct Clock<'a> {
    score: &'a Score,
    index: usize,
    tick: Tick,
    seconds: f64,
}

impl<'a> Clock<'a> {
    fn new(score: &'a Score) -> Self {
        Self { score, index: 0, tick: 0, seconds: 0.0 }
    }

    fn seconds_at(&mut self, tick: Tick) -> f64 {
        while let Some(next) = self.score.tempos.get(self.index + 1).filter(|next| next.at <= tick) {
            self.advance(next.at);
            self.index += 1;
        }
        self.advance(tick);
        self.seconds
    }

    fn advance(&mut self, tick: Tick) {
        const PLAIN: u32 = 500_000;
        let micros = self.score.tempos.get(self.index).map_or(PLAIN, |change| change.micros_per_quarter.max(1));
        let ticks = tick.saturating_sub(self.tick) as f64;
        self.seconds += ticks * f64::from(micros) / 1e6 / f64::from(self.score.ticks_per_quarter.max(1));
        self.tick = self.tick.max(tick);
    }
}
