//! What an accompaniment and a sure beat add to the picture: bar lines with their numbers, beats, and names of chords.

use music::{BeatGrid, ChordSpan, Key, Melody};

use super::{
    layout::{EDGE, GUTTER, Layout, Row},
    svg::{self, Svg},
    type_width,
};

/// Beats closer together than this are not drawn, and bars neither are when they are.
const LEAST_WIDTH: f64 = 12.0;
/// Size of the type of chords, as the look has it.
const CHORD_SIZE: f64 = 13.0;
const CHORD_GAP: f64 = 5.0;
/// More bars than any picture shows.
const MOST_BARS: u32 = 20_000;

/// Bar lines and beats, where they are known well enough.
pub(super) fn bars(svg: &mut Svg, layout: &Layout, row: &Row, melody: &Melody) {
    if !melody.rhythm.is_steady() {
        return;
    }
    let grid = BeatGrid::of(melody);
    let (top, bottom) = (svg::number(layout.roll_top), svg::number(layout.roll_top + layout.roll_height()));
    let (mut lines, mut beats) = (String::new(), String::new());
    let mut last_number = f64::NEG_INFINITY;
    for bar in 0..MOST_BARS {
        let (start, next) = (grid.seconds_at(grid.bar_start(bar)), grid.seconds_at(grid.bar_start(bar + 1)));
        if start > row.end || start > melody.duration_seconds {
            break;
        }
        let (left, right) = (layout.x(row, start), layout.x(row, next));
        let quarters = grid.meter.quarters_per_bar();
        for quarter in 1..quarters {
            let moment = grid.seconds_at(grid.bar_start(bar) + f64::from(quarter));
            let is_wide = (right - left) / f64::from(quarters) >= LEAST_WIDTH;
            if is_wide && (row.start..=row.end).contains(&moment) {
                beats += &format!("M{} {top}V{bottom}", svg::number(layout.x(row, moment)));
            }
        }
        if start >= row.start && right - left >= LEAST_WIDTH {
            lines += &format!("M{} {top}V{bottom}", svg::number(left));
            if left - last_number >= 2.0 * LEAST_WIDTH && left > GUTTER + 1.0 {
                // At the foot of the line, where few notes are.
                let y = layout.roll_top + layout.roll_height() - 4.0;
                svg.text("bar-number", left + 3.0, y, &(bar + 1).to_string());
                last_number = left;
            }
        }
    }
    for (class, path) in [("beat", beats), ("bar", lines)] {
        if !path.is_empty() {
            svg.path(class, &path);
        }
    }
}

/// Names of chords where they change, and again at the beginning of a row.
pub(super) fn chords(svg: &mut Svg, layout: &Layout, row: &Row, chords: &[ChordSpan], key: &Key) {
    let Some(base) = layout.chords_base else { return };
    let mut taken = f64::NEG_INFINITY;
    let mut shown = None;
    for span in chords.iter().filter(|span| span.end_seconds > row.start + 0.05 && span.start_seconds < row.end) {
        let left = layout.x(row, span.start_seconds.max(row.start));
        if shown == Some(span.chord) || left < taken {
            continue;
        }
        let name = span.chord.name_in(key);
        let width = type_width::bold_width(&name, CHORD_SIZE);
        if left + width > layout.width - EDGE {
            break;
        }
        svg.text("chord", left, base, &name);
        taken = left + width + CHORD_GAP;
        shown = Some(span.chord);
    }
}
