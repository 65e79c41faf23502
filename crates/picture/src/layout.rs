//! Where everything goes: rows of time, lanes inside a row, semitones inside the roll.

use music::{Melody, Note, PitchTrack, hz_to_midi};

use super::{
    curve::voiced_runs,
    words::{self, Mark, Place},
};

/// Left of the roll, for note names.
pub(super) const GUTTER: f64 = 46.0;
pub(super) const MARGIN: f64 = 16.0;
pub(super) const STRIP_HEIGHT: f64 = 34.0;
pub(super) const WORD_LINE_HEIGHT: f64 = 15.0;
/// Nothing is written nearer than this to the right edge.
pub(super) const EDGE: f64 = 4.0;
const HEADER_HEIGHT: f64 = 82.0;
const BRACKET_LANE: f64 = 26.0;
const CHORD_LANE: f64 = 18.0;
const AXIS_LANE: f64 = 22.0;
const ROW_GAP: f64 = 20.0;
/// A row is at most this wide, and usually shows this many seconds.
const ROLL_WIDTH: f64 = 1_360.0;
const ROW_SECONDS: f64 = 16.0;
/// Short recordings are not stretched beyond this.
const MOST_WIDTH_PER_SECOND: f64 = 150.0;
const LEAST_ROLL_WIDTH: f64 = 620.0;
/// Longer recordings get longer rows instead of more of them.
const MOST_ROWS: f64 = 24.0;
/// A row ends early, between two phrases or notes, if that costs at most this share of it.
const EARLY_END: f64 = 0.4;
const MOST_ROLL_HEIGHT: f64 = 330.0;
const SEMITONE_HEIGHT: f64 = 16.0;
/// Empty semitones above and below the melody.
const HEADROOM: u8 = 2;
/// Fewer semitones than this look like a barcode.
const LEAST_SEMITONES: u8 = 10;

/// A stretch of time in one row of the picture.
pub(super) struct Row {
    pub start: f64,
    pub end: f64,
    pub top: f64,
    /// Syllables and held vowels, where words are shown.
    pub words: Vec<Mark>,
}

/// Vertical places are measured from the top of a row.
pub(super) struct Layout {
    pub width: f64,
    pub height: f64,
    pub rows: Vec<Row>,
    pub lowest: u8,
    pub highest: u8,
    pub semitone: f64,
    pub bracket_top: f64,
    /// Baseline of the chords' names.
    pub chords_base: Option<f64>,
    pub roll_top: f64,
    pub words_top: Option<f64>,
    pub strip_top: Option<f64>,
    pub axis_top: f64,
    pub tick_seconds: f64,
    width_per_second: f64,
}

/// What stands over and under the roll.
#[derive(Clone, Copy)]
pub(super) struct Lanes<'a> {
    pub chords: bool,
    /// What is sung on each note; empty for no lane.
    pub words: &'a [Option<String>],
    pub strip: bool,
}

impl Layout {
    pub(super) fn new(melody: &Melody, sung: Option<&PitchTrack>, lanes: Lanes<'_>) -> Self {
        let duration = if melody.duration_seconds.is_finite() { melody.duration_seconds.max(0.1) } else { 0.1 };
        let row_seconds = (duration / MOST_ROWS / (1.0 - EARLY_END)).max(ROW_SECONDS);
        let width_per_second = (ROLL_WIDTH / row_seconds.min(duration)).min(MOST_WIDTH_PER_SECOND);
        let (lowest, highest) = compass(melody, sung);
        let semitone = SEMITONE_HEIGHT.min(MOST_ROLL_HEIGHT / f64::from(highest - lowest + 1));

        let roll_width = ROLL_WIDTH.min(duration * width_per_second).max(LEAST_ROLL_WIDTH);
        let width = GUTTER + roll_width + MARGIN;

        let mut rows: Vec<Row> = row_times(melody, duration, row_seconds)
            .into_iter()
            .map(|(start, end)| {
                let words = word_marks(melody, lanes.words, (start, end), width_per_second, width - EDGE);
                Row { start, end, top: 0.0, words }
            })
            .collect();
        let word_lines = rows.iter().flat_map(|row| &row.words).map(|mark| mark.line() + 1).max().unwrap_or(1);

        let bracket_top = BRACKET_LANE - 10.0;
        let roll_top = BRACKET_LANE + if lanes.chords { CHORD_LANE } else { 0.0 };
        let chords_base = lanes.chords.then_some(roll_top - 6.0);
        let mut below = roll_top + f64::from(highest - lowest + 1) * semitone + 6.0;
        let mut lane = |wanted: bool, height: f64| {
            let top = wanted.then_some(below);
            if wanted {
                below += height;
            }
            top
        };
        let words_top = lane(!lanes.words.is_empty(), word_lines as f64 * WORD_LINE_HEIGHT + 6.0);
        let strip_top = lane(lanes.strip, STRIP_HEIGHT + 4.0);
        let axis_top = below;
        let row_height = axis_top + AXIS_LANE + ROW_GAP;

        for (index, row) in rows.iter_mut().enumerate() {
            row.top = HEADER_HEIGHT + index as f64 * row_height;
        }
        // A tick every 60 points or more, at whole seconds that people count in.
        let steps = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0];
        let tick_seconds = steps.into_iter().find(|step| step * width_per_second >= 60.0).unwrap_or(1_800.0);
        Self {
            width,
            height: HEADER_HEIGHT + rows.len() as f64 * row_height - ROW_GAP + MARGIN / 2.0,
            rows,
            lowest,
            highest,
            semitone,
            bracket_top,
            chords_base,
            roll_top,
            words_top,
            strip_top,
            axis_top,
            tick_seconds,
            width_per_second,
        }
    }

    pub(super) fn x(&self, row: &Row, seconds: f64) -> f64 {
        GUTTER + (seconds - row.start) * self.width_per_second
    }

    pub(super) fn time(&self, row: &Row, x: f64) -> f64 {
        row.start + (x - GUTTER) / self.width_per_second
    }

    /// Index, left edge and width of the part of every note that lies in a row.
    pub(super) fn note_spans(&self, row: &Row, notes: &[Note]) -> Vec<(usize, f64, f64)> {
        note_spans((row.start, row.end), self.width_per_second, notes)
    }

    /// Middle of a pitch, given as a fractional MIDI number.
    pub(super) fn y(&self, midi: f64) -> f64 {
        self.roll_top + (f64::from(self.highest) - midi + 0.5) * self.semitone
    }

    pub(super) fn roll_height(&self) -> f64 {
        f64::from(self.highest - self.lowest + 1) * self.semitone
    }
}

fn note_spans((start, end): (f64, f64), width_per_second: f64, notes: &[Note]) -> Vec<(usize, f64, f64)> {
    let span = |(index, note): (usize, &Note)| {
        let (from, until) = (note.onset_seconds.max(start), note.end_seconds().min(end));
        let left = GUTTER + (from - start) * width_per_second;
        (from < until).then(|| (index, left, ((until - from) * width_per_second - 1.0).max(1.0)))
    };
    notes.iter().enumerate().filter_map(span).collect()
}

/// The syllables of the notes that begin in a row.
fn word_marks(
    melody: &Melody,
    syllables: &[Option<String>],
    (start, end): (f64, f64),
    width_per_second: f64,
    until: f64,
) -> Vec<Mark> {
    if syllables.is_empty() {
        return Vec::new();
    }
    let places: Vec<Place<'_>> = note_spans((start, end), width_per_second, &melody.notes)
        .into_iter()
        .filter(|&(index, ..)| melody.notes[index].onset_seconds >= start)
        .map(|(index, left, width)| Place { left, width, text: syllables.get(index).and_then(Option::as_deref) })
        .collect();
    words::placed(&places, GUTTER, until)
}

/// The semitones to show: all notes, and most of what was sung between and over them.
fn compass(melody: &Melody, sung: Option<&PitchTrack>) -> (u8, u8) {
    let mut pitches: Vec<f64> = [Some(&melody.track), sung]
        .into_iter()
        .flatten()
        .flat_map(|track| {
            let runs = voiced_runs(track, 0.0, f64::INFINITY);
            let mut midi: Vec<f64> = runs.iter().flatten().map(|&(_, hz)| hz_to_midi(hz)).collect();
            midi.sort_by(f64::total_cmp);
            // A few frames far out are slips of the tracker.
            let skip = midi.len() / 50;
            [midi.get(skip).copied(), midi.len().checked_sub(skip + 1).map(|at| midi[at])]
        })
        .flatten()
        .collect();
    pitches.extend(melody.notes.iter().map(|note| f64::from(note.pitch.number())));
    let low = pitches.iter().copied().fold(f64::INFINITY, f64::min);
    let high = pitches.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return (60, 60 + LEAST_SEMITONES);
    }
    let mut lowest = (low.round().clamp(0.0, 127.0) as u8).saturating_sub(HEADROOM);
    let mut highest = (high.round().clamp(0.0, 127.0) as u8 + HEADROOM).min(127);
    while highest - lowest < LEAST_SEMITONES {
        lowest = lowest.saturating_sub(1);
        highest = (highest + 1).min(127);
    }
    (lowest, highest)
}

/// Cuts the recording into rows, between phrases where that is near, else between notes, else where the row is full.
fn row_times(melody: &Melody, duration: f64, row_seconds: f64) -> Vec<(f64, f64)> {
    let between = |before: usize| {
        let (left, right) = (&melody.notes[before], &melody.notes[before + 1]);
        // Just before the next note, so that its name and contour stay with it.
        (left.end_seconds() + right.onset_seconds) / 2.0
    };
    let after_phrases: Vec<f64> = melody
        .phrases
        .iter()
        .filter(|phrase| phrase.end < melody.notes.len())
        .map(|phrase| between(phrase.end - 1))
        .collect();
    let after_notes: Vec<f64> = (0..melody.notes.len().saturating_sub(1)).map(between).collect();
    let mut rows = Vec::new();
    let mut start = 0.0;
    while duration - start > row_seconds * 1.02 {
        let full = start + row_seconds;
        let early = full - EARLY_END * row_seconds;
        let last_in = |cuts: &[f64]| cuts.iter().copied().filter(|cut| (early..=full).contains(cut)).reduce(f64::max);
        let end = last_in(&after_phrases).or_else(|| last_in(&after_notes)).unwrap_or(full);
        rows.push((start, end));
        start = end;
    }
    rows.push((start, duration));
    rows
}
