//! A file with its time signature taken away and its bar lines moved: what is found then.

use music::{
    analysis::analyse,
    score::{MeterChange, Score},
};
use serde_json::{Value, json};

/// For 0 to 3 quarters of silence before the song: quarters of a bar, and where its first bar line should be and is found.
/// Only of songs that have one meter from end to end.
pub fn report(score: &Score) -> Value {
    let mut shapes = score.meters.iter().map(|meter| (meter.beats, meter.unit));
    let first = shapes.next();
    if !score.meter_is_given || shapes.any(|shape| Some(shape) != first) {
        return Value::Null;
    }
    let Some((beats, unit)) = first else { return Value::Null };
    let length = f64::from(beats) * 4.0 / f64::from(unit);
    let cases = (0..4u32).map(|shift| {
        let found = analyse(&moved(score, shift));
        let bar = found.bars.get(found.bars.len() / 2).map(|bar| bar.quarters);
        json!([length, bar, f64::from(shift) % length, found.meter.pickup_quarters, found.meter.source])
    });
    cases.collect()
}

fn moved(score: &Score, quarters: u32) -> Score {
    let by = u64::from(quarters) * u64::from(score.ticks_per_quarter);
    let mut moved = score.clone();
    moved.meter_is_given = false;
    moved.meters = vec![MeterChange { at: 0, beats: 4, unit: 4 }];
    moved.parts.iter_mut().flat_map(|part| &mut part.notes).for_each(|note| note.onset += by);
    moved.tempos.iter_mut().skip(1).for_each(|change| change.at += by);
    moved.end += by;
    moved
}
