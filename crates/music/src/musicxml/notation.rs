//! What was sung as what can be read: onsets and ends on sixteenths or triplets, cut at bar lines into values that have
//! a note head.

use crate::{melody::Melody, meter::Meter, rhythm::BeatGrid};

/// Units to the quarter: sixteenths are 3, eighths of a triplet 4.
pub(super) const DIVISIONS: u32 = 12;
const SIXTEENTH: u32 = 3;
const TRIPLET: u32 = 4;
/// A silence shorter than this, in quarters, is how the singer parts two notes, and no rest.
const LEAST_REST_QUARTERS: f64 = 0.4;
/// A beat is in triplets when they fit its onsets this much better.
const TRIPLET_ADVANTAGE: f64 = 0.35;
/// Bars beyond this are not written: no recording reaches them.
const MOST_BARS: usize = 4_096;

/// A note or rest with one head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Piece {
    /// Units from the start of the bar.
    pub start: u32,
    pub length: u32,
    /// Index of the note; `None` for a rest.
    pub note: Option<usize>,
    pub tied_from: bool,
    pub tied_to: bool,
    /// First and last of a triplet.
    pub tuplet_starts: bool,
    pub tuplet_stops: bool,
}

impl Piece {
    pub fn is_triplet(&self) -> bool {
        matches!(self.length, 4 | 8)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Bar {
    /// Units from the start of the piece.
    pub start: u32,
    pub length: u32,
    pub pieces: Vec<Piece>,
}

/// Bars that the notes fill exactly; the first may be a pickup. At least one bar.
pub(super) fn bars(melody: &Melody, grid: &BeatGrid) -> Vec<Bar> {
    let bar_length = grid.meter.quarters_per_bar() * DIVISIONS;
    let pickup = grid.pickup_quarters * DIVISIONS;
    let limit = MOST_BARS as u32 * bar_length;
    let triplets = Triplets::find(melody, grid, limit);
    let notes = placed(melody, grid, &triplets, limit);
    let last = notes.last().map_or(1, |note| note.1).max(1);
    let mut bars: Vec<Bar> = Vec::new();
    if pickup > 0 {
        bars.push(Bar { start: 0, length: pickup, pieces: Vec::new() });
    }
    let mut start = pickup;
    while start < last || bars.is_empty() {
        bars.push(Bar { start, length: bar_length, pieces: Vec::new() });
        start += bar_length;
    }
    let mut filled = 0;
    for (index, &(from, until)) in notes.iter().enumerate() {
        fill(&mut bars, filled, from, None, grid.meter, &triplets);
        fill(&mut bars, from, until, Some(index), grid.meter, &triplets);
        filled = until;
    }
    fill(&mut bars, filled, start, None, grid.meter, &triplets);
    bars
}

/// Beats whose notes come in threes.
struct Triplets(Vec<bool>);

impl Triplets {
    fn find(melody: &Melody, grid: &BeatGrid, limit: u32) -> Self {
        let mut inside: Vec<Vec<f64>> = Vec::new();
        for note in &melody.notes {
            let quarters = grid.quarters_at(note.onset_seconds);
            if quarters.is_finite() && (0.0..f64::from(limit / DIVISIONS)).contains(&quarters) {
                let beat = quarters as usize;
                if inside.len() <= beat {
                    inside.resize(beat + 1, Vec::new());
                }
                inside[beat].push(quarters.fract());
            }
        }
        let error = |places: &[f64], steps: f64| -> f64 {
            places.iter().map(|place| ((place * steps).round() / steps - place).powi(2)).sum()
        };
        let in_threes = |places: &Vec<f64>| {
            let between = places.iter().filter(|place| (0.15..0.85).contains(*place)).count();
            between >= 1 && error(places, 3.0) < TRIPLET_ADVANTAGE * error(places, 4.0)
        };
        Self(inside.iter().map(in_threes).collect())
    }

    fn at(&self, unit: u32) -> bool {
        self.0.get((unit / DIVISIONS) as usize).copied().unwrap_or(false)
    }

    fn step(&self, unit: u32) -> u32 {
        if self.at(unit) { TRIPLET } else { SIXTEENTH }
    }

    /// The grid's unit nearest to a moment.
    fn nearest(&self, quarters: f64) -> u32 {
        let units = quarters.max(0.0) * f64::from(DIVISIONS);
        let beat = (units / f64::from(DIVISIONS)).floor() * f64::from(DIVISIONS);
        let step = f64::from(self.step(units as u32));
        (beat + ((units - beat) / step).round() * step) as u32
    }
}

/// Start and end of each note in units: on the grid, each at least a step long, none overlapping.
fn placed(melody: &Melody, grid: &BeatGrid, triplets: &Triplets, limit: u32) -> Vec<(u32, u32)> {
    let quarters = |seconds: f64| Some(grid.quarters_at(seconds)).filter(|q| q.is_finite()).unwrap_or(0.0);
    let mut starts: Vec<u32> = Vec::new();
    for note in &melody.notes {
        let mut start = triplets.nearest(quarters(note.onset_seconds));
        if let Some(&before) = starts.last() {
            start = start.max(before + triplets.step(before));
        }
        if start >= limit {
            break;
        }
        starts.push(start);
    }
    (0..starts.len())
        .map(|index| {
            let note = &melody.notes[index];
            let sung_end = quarters(note.end_seconds());
            let earliest = starts[index] + triplets.step(starts[index]);
            let end = triplets.nearest(sung_end).clamp(earliest, limit.max(earliest));
            let Some(&next) = starts.get(index + 1) else { return (starts[index], end) };
            let silence = quarters(melody.notes[index + 1].onset_seconds) - sung_end;
            (starts[index], if silence < LEAST_REST_QUARTERS { next } else { end.min(next) })
        })
        .collect()
}

/// Adds a note or a rest from one unit to another to the bars it lies in.
fn fill(bars: &mut [Bar], from: u32, until: u32, note: Option<usize>, meter: Meter, triplets: &Triplets) {
    for bar in bars.iter_mut() {
        let (start, end) = (from.max(bar.start), until.min(bar.start + bar.length));
        let mut at = start;
        while at < end {
            let length = head_length(at, end, bar.start, bar.length, meter, triplets);
            let is_triplet = matches!(length, 4 | 8);
            bar.pieces.push(Piece {
                start: at - bar.start,
                length,
                note,
                tied_from: note.is_some() && at > from,
                tied_to: note.is_some() && at + length < until,
                tuplet_starts: is_triplet && at.is_multiple_of(DIVISIONS),
                tuplet_stops: is_triplet && (at + length).is_multiple_of(DIVISIONS),
            });
            at += length;
        }
    }
}

/// The longest value that may be written at a place and shows the beats.
fn head_length(at: u32, end: u32, bar_start: u32, bar_length: u32, meter: Meter, triplets: &Triplets) -> u32 {
    let (room, in_bar) = (end - at, at - bar_start);
    let is_dotted_beat = meter == Meter::SixEight && bar_length == 36 && in_bar.is_multiple_of(18);
    if is_dotted_beat && room >= 18 && !triplets.at(bar_start + DIVISIONS) {
        return if in_bar == 0 && room >= 36 { 36 } else { 18 };
    }
    let in_beat = at % DIVISIONS;
    let beat_end = at - in_beat + DIVISIONS;
    if in_beat > 0 || end < beat_end {
        return end.min(beat_end) - at;
    }
    let halves = |length: u32| room >= length && (length != 18 || !triplets.at(at + DIVISIONS));
    let allowed: &[u32] = match in_bar {
        0 => &[48, 36, 24, 18],
        _ => &[36, 24, 18],
    };
    allowed.iter().copied().find(|&length| halves(length)).unwrap_or(DIVISIONS)
}
