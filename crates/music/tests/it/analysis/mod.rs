//! Analysis of scores whose musical truth is known because the tests wrote it.

mod bounds;
mod harmony;
mod labelled;
mod make;
mod roles;
mod songs;
mod time;

use make::Maker;

/// Notes one after another as (pitch, quarters), 0 for a rest; the moment where they end.
fn tune(maker: &mut Maker, part: usize, start: f64, notes: &[(u8, f64)]) -> f64 {
    let mut at = start;
    for &(pitch, quarters) in notes {
        if pitch > 0 {
            maker.note(part, at, quarters * 0.95, pitch);
        }
        at += quarters;
    }
    at
}
