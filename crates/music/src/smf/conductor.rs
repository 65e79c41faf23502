//! Tempo, meter and key of a file, from whatever track, and seconds for its ticks.

use super::{
    chunks::{Division, File},
    events::{Event, LAST_TICK, Track},
    warnings::Warnings,
};
use crate::score::{KeySignature, MeterChange, TempoChange, Tick};

/// 120 quarters to the minute, which holds until a file says otherwise.
pub(super) const DEFAULT_TEMPO: u32 = 500_000;
const DEFAULT_METER: (u8, u8) = (4, 4);

pub(super) struct Conductor {
    pub ticks_per_quarter: u32,
    pub tempos: Vec<TempoChange>,
    pub meters: Vec<MeterChange>,
    pub meter_is_given: bool,
    pub keys: Vec<KeySignature>,
    /// From when each tempo holds: tick, second, and seconds to the tick.
    clock: Vec<(Tick, f64, f64)>,
}

/// Collects what all tracks say; each begins at its tick of `starts`.
pub(super) fn conduct(file: &File<'_>, tracks: &[Track<'_>], starts: &[Tick], warnings: &mut Warnings) -> Conductor {
    let (ticks_per_quarter, tempo) = quarter(file.division);
    let first_tempo = TempoChange { at: 0, micros_per_quarter: tempo };
    let (mut tempos, mut meters, mut keys) = (vec![first_tempo], Vec::new(), Vec::new());
    for (track, start) in tracks.iter().zip(starts) {
        if *start > 0 {
            // Tracks of format 2 are songs of their own.
            tempos.push(TempoChange { at: *start, micros_per_quarter: tempo });
            meters.push((MeterChange { at: *start, beats: DEFAULT_METER.0, unit: DEFAULT_METER.1 }, false));
        }
        for timed in &track.events {
            let Event::Meta { kind, data } = timed.event else { continue };
            let at = start.saturating_add(timed.at).min(LAST_TICK);
            let mut ignored = |what: &str| warnings.add(Some(track.number), timed.offset, what);
            match (kind, data) {
                (0x51, [_, _, _, ..]) if matches!(file.division, Division::Frames { .. }) => {
                    ignored("A tempo in a file that counts film frames is ignored");
                }
                (0x51, [0, 0, 0, ..]) => ignored("A tempo of 0 is ignored"),
                (0x51, [high, middle, low, ..]) => {
                    let micros_per_quarter = u32::from_be_bytes([0, *high, *middle, *low]);
                    tempos.push(TempoChange { at, micros_per_quarter });
                }
                (0x51, _) => ignored("A tempo with too few bytes is ignored"),
                (0x58, [beats @ 1..=255, unit @ 0..=7, _, _, ..]) => {
                    meters.push((MeterChange { at, beats: *beats, unit: 1 << unit }, true));
                }
                (0x58, [_, _, _, _, ..]) => ignored("An impossible time signature is ignored"),
                (0x58, _) => ignored("A time signature with too few bytes is ignored"),
                (0x59, [sharps, mode @ 0..=1, ..]) if (*sharps as i8).abs_diff(0) <= 7 => {
                    keys.push(KeySignature { at, sharps: *sharps as i8, minor: *mode == 1 });
                }
                (0x59, [_, _, ..]) => ignored("An impossible key signature is ignored"),
                (0x59, _) => ignored("A key signature with too few bytes is ignored"),
                (0x54, data) if data.len() < 5 => ignored("A SMPTE offset with too few bytes is ignored"),
                _ => {}
            }
        }
    }
    let meter_is_given = meters.iter().any(|(_, given)| *given);
    let first_meter = MeterChange { at: 0, beats: DEFAULT_METER.0, unit: DEFAULT_METER.1 };
    let given = meters.into_iter().filter(|_| meter_is_given).map(|(meter, _)| meter);
    let tempos = in_time(tempos, |tempo| tempo.at);
    Conductor {
        clock: clock(&tempos, ticks_per_quarter),
        ticks_per_quarter,
        tempos,
        meters: in_time([first_meter].into_iter().chain(given).collect(), |meter| meter.at),
        meter_is_given,
        keys: in_time(keys, |key| key.at),
    }
}

/// Ticks and microseconds to the quarter. Film frames have no quarters: they get some that give the right seconds.
fn quarter(division: Division) -> (u32, u32) {
    match division {
        Division::Quarter(ticks) => (u32::from(ticks), DEFAULT_TEMPO),
        Division::Frames { per_second, ticks } => {
            // What is called 29 frames is 30 in 1.001 seconds.
            let (frames, stretch) = if per_second == 29 { (30, 1_001) } else { (u32::from(per_second), 1_000) };
            let rate = frames * u32::from(ticks);
            if rate.is_multiple_of(2) { (rate / 2, 500 * stretch) } else { (rate, 1_000 * stretch) }
        }
    }
}

/// In order; of several at one tick the last one holds.
fn in_time<T: Copy>(mut changes: Vec<T>, at: fn(&T) -> Tick) -> Vec<T> {
    changes.sort_by_key(at);
    let mut kept: Vec<T> = Vec::with_capacity(changes.len());
    for change in changes {
        match kept.last_mut() {
            Some(last) if at(last) == at(&change) => *last = change,
            _ => kept.push(change),
        }
    }
    kept
}

fn clock(tempos: &[TempoChange], ticks_per_quarter: u32) -> Vec<(Tick, f64, f64)> {
    let mut clock: Vec<(Tick, f64, f64)> = Vec::with_capacity(tempos.len());
    for tempo in tempos {
        let second = clock.last().map_or(0.0, |(at, second, per_tick)| second + (tempo.at - at) as f64 * per_tick);
        clock.push((tempo.at, second, f64::from(tempo.micros_per_quarter) / 1e6 / f64::from(ticks_per_quarter)));
    }
    clock
}

impl Conductor {
    /// The tick that many seconds after another, rounded down.
    pub fn after(&self, tick: Tick, seconds: f64) -> Tick {
        let second = |(at, second, per_tick): (Tick, f64, f64)| second + tick.saturating_sub(at) as f64 * per_tick;
        let index = self.clock.partition_point(|(at, ..)| *at <= tick);
        let wanted = self.clock.get(index.saturating_sub(1)).copied().map_or(0.0, second) + seconds.max(0.0);
        let index = self.clock.partition_point(|(_, second, _)| *second <= wanted);
        let Some((at, second, per_tick)) = self.clock.get(index.saturating_sub(1)) else { return tick };
        // A cast saturates.
        at.saturating_add(((wanted - second) / per_tick + 1e-6) as Tick).min(LAST_TICK)
    }
}
