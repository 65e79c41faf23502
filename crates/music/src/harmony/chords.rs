//! Which chords: the best sequence, by dynamic programming, of what fits the notes, how roots move, and how phrases
//! close. The rules are those of common-practice harmony (e.g. W. Piston, "Harmony", 1941, "table of usual root
//! progressions"); the weights are our own.

use super::{Chord, ChordSpan, Quality, chance};
use crate::{
    key::{Key, Mode},
    melody::Melody,
    meter::Meter,
    rhythm::BeatGrid,
};

/// A chord that may be used, and how gladly.
#[derive(Clone, Copy)]
struct Candidate {
    chord: Chord,
    liking: f64,
    role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Tonic,
    Dominant,
    Subdominant,
    Other,
}

/// A stretch of time that has one chord.
struct Place {
    start_seconds: f64,
    end_seconds: f64,
    begins_bar: bool,
    ends_phrase: bool,
    /// Semitones of sung weight by pitch class; sums to 1 where anything is sung, else all 0.
    sung: [f64; 12],
}

/// What a span whose notes all fit is worth against one where none does.
const FIT: f64 = 3.4;
const TONIC_OPENING: f64 = 0.5;
const CADENCE: f64 = 0.7;
/// Chords move at bars and rest inside them.
const CHANGE_INSIDE_BAR: f64 = 0.55;
const STAY_OVER_BAR: f64 = 0.3;
/// How much chance may decide between chords that are nearly as good.
const WHIM: f64 = 0.12;
/// Without a beat a chord lasts at least this long.
const LEAST_FREE_SECONDS: f64 = 1.4;
/// A pickup shorter than this is sung alone.
const LEAST_PICKUP_QUARTERS: f64 = 1.6;
/// The last chord sounds on, but not for ever.
const MOST_FINAL_SECONDS: f64 = 4.0;

/// Chords from the first bar to the end; none without notes.
pub(super) fn find(melody: &Melody, seed: u64) -> Vec<ChordSpan> {
    let places = if melody.rhythm.is_steady() { bars(melody) } else { free_places(melody) };
    if places.is_empty() {
        return Vec::new();
    }
    let candidates = candidates(&melody.key);
    let path = best_path(&places, &candidates, seed);
    let mut spans: Vec<ChordSpan> = Vec::new();
    for (place, choice) in places.iter().zip(path) {
        let chord = candidates[choice].chord;
        match spans.last_mut() {
            // Inside a bar one chord that stays is one span; over a bar line it is struck again.
            Some(last) if last.chord == chord && !place.begins_bar => last.end_seconds = place.end_seconds,
            _ => spans.push(ChordSpan { start_seconds: place.start_seconds, end_seconds: place.end_seconds, chord }),
        }
    }
    spans
}

fn candidates(key: &Key) -> Vec<Candidate> {
    use Quality::{Diminished, DominantSeventh, Major, Minor};
    use Role::{Dominant, Other, Subdominant, Tonic};
    let table: &[(u8, Quality, f64, Role)] = match key.mode {
        Mode::Major => &[
            (0, Major, 0.35, Tonic),
            (2, Minor, 0.1, Subdominant),
            (4, Minor, -0.1, Other),
            (5, Major, 0.3, Subdominant),
            (7, Major, 0.3, Dominant),
            (7, DominantSeventh, 0.0, Dominant),
            (9, Minor, 0.15, Other),
            (10, Major, -0.4, Other),
            (5, Minor, -0.5, Subdominant),
            (2, DominantSeventh, -0.45, Other),
            (4, DominantSeventh, -0.5, Other),
        ],
        Mode::Minor => &[
            (0, Minor, 0.35, Tonic),
            (2, Diminished, -0.4, Subdominant),
            (3, Major, 0.1, Other),
            (5, Minor, 0.25, Subdominant),
            (5, Major, -0.4, Subdominant),
            (7, Major, 0.1, Dominant),
            (7, DominantSeventh, 0.0, Dominant),
            (7, Minor, -0.1, Dominant),
            (8, Major, 0.2, Other),
            (10, Major, 0.2, Other),
        ],
    };
    let chord = |&(above, quality, liking, role): &(u8, Quality, f64, Role)| Candidate {
        chord: Chord { root: (key.tonic + above) % 12, quality },
        liking,
        role,
    };
    table.iter().map(chord).collect()
}

/// Half bars of four, whole bars of three, from the first bar that has much of the melody to its end.
fn bars(melody: &Melody) -> Vec<Place> {
    let (Some(first), Some(last)) = (melody.notes.first(), melody.notes.last()) else { return Vec::new() };
    let grid = BeatGrid::of(melody);
    let bar = f64::from(grid.meter.quarters_per_bar());
    let length = if grid.meter == Meter::FourFour { bar / 2.0 } else { bar };
    let begins = grid.quarters_at(first.onset_seconds);
    let pickup = f64::from(grid.pickup_quarters);
    // A note a little before the bar line belongs behind it.
    let mut start = pickup + ((begins - pickup + 0.25) / bar).floor() * bar;
    if start + bar - begins < LEAST_PICKUP_QUARTERS {
        start += bar;
    }
    start = if start < 0.0 { start + (-start / length).ceil() * length } else { start };
    let ends = grid.quarters_at(last.end_seconds()) - 0.25;
    let mut places = Vec::new();
    while start < ends {
        let begins_bar = ((start - pickup) / bar).fract().abs() < 1e-6;
        places.push(place(melody, grid.seconds_at(start), grid.seconds_at(start + length), begins_bar));
        start += length;
    }
    let room = melody.duration_seconds.max(last.end_seconds()).min(last.end_seconds() + MOST_FINAL_SECONDS);
    if let Some(end) = places.last_mut() {
        end.end_seconds = end.end_seconds.max(room);
    }
    places
}

/// From note to note, each at least [`LEAST_FREE_SECONDS`] long, and new at every phrase.
fn free_places(melody: &Melody) -> Vec<Place> {
    let mut cuts: Vec<(f64, bool)> = Vec::new();
    for phrase in &melody.phrases {
        for (index, note) in melody.phrase_notes(phrase).iter().enumerate() {
            let since = cuts.last().map_or(f64::INFINITY, |(cut, _)| note.onset_seconds - cut);
            if index == 0 && since > LEAST_FREE_SECONDS / 2.0 || since >= LEAST_FREE_SECONDS {
                cuts.push((note.onset_seconds, true));
            }
        }
    }
    let end = melody.notes.last().map_or(0.0, |last| {
        melody.duration_seconds.max(last.end_seconds()).min(last.end_seconds() + MOST_FINAL_SECONDS)
    });
    (0..cuts.len())
        .map(|index| {
            let until = cuts.get(index + 1).map_or(end, |next| next.0);
            place(melody, cuts[index].0, until, cuts[index].1)
        })
        .collect()
}

fn place(melody: &Melody, start_seconds: f64, end_seconds: f64, begins_bar: bool) -> Place {
    let mut sung = [0.0f64; 12];
    for note in &melody.notes {
        let together = note.end_seconds().min(end_seconds) - note.onset_seconds.max(start_seconds);
        if together <= 0.0 {
            continue;
        }
        // What sounds at the change of chord is heard against it; what passes later less so.
        let at_start = (note.onset_seconds - start_seconds).abs() < 0.15;
        sung[usize::from(note.pitch.class())] += together * if at_start { 1.4 } else { 1.0 };
    }
    let total: f64 = sung.iter().sum();
    if total > 0.0 {
        sung.iter_mut().for_each(|weight| *weight /= total);
    }
    let ends_phrase = melody.phrases.iter().any(|phrase| {
        let end = melody.phrase_notes(phrase).last().map_or(f64::NAN, |note| note.end_seconds() - 0.05);
        start_seconds < end && end <= end_seconds
    });
    Place { start_seconds, end_seconds, begins_bar, ends_phrase, sung }
}

/// What a chord is worth in a place, by itself.
fn worth(place: &Place, candidate: &Candidate) -> f64 {
    let fitting: f64 =
        (0..12u8).filter(|&class| candidate.chord.has(class)).map(|class| place.sung[usize::from(class)]).sum();
    let closes = match (place.ends_phrase, candidate.role) {
        (true, Role::Tonic) => CADENCE,
        (true, Role::Dominant) => 0.4 * CADENCE,
        _ => 0.0,
    };
    FIT * fitting + candidate.liking + closes
}

/// What it is worth that one chord follows another.
fn following(before: &Candidate, after: &Candidate, place: &Place) -> f64 {
    if before.chord == after.chord {
        return if place.begins_bar { -STAY_OVER_BAR } else { 0.0 };
    }
    let up = (after.chord.root + 12 - before.chord.root) % 12;
    let motion = match up {
        // A fifth down is the strongest step; a fourth down, a third down and steps are common.
        5 => 0.4,
        7 => 0.2,
        2 | 10 => 0.15,
        9 | 8 => 0.1,
        0 => 0.0,
        3 | 4 => -0.1,
        _ => -0.4,
    };
    let resolves = match (before.role, after.role) {
        (Role::Dominant, Role::Tonic) => 0.35,
        (Role::Subdominant, Role::Dominant) => 0.2,
        (Role::Dominant, Role::Subdominant) => -0.3,
        _ => 0.0,
    };
    // A seventh wants to fall by a fifth.
    let seventh = if before.chord.quality == Quality::DominantSeventh && up != 5 { -0.6 } else { 0.0 };
    motion + resolves + seventh - if place.begins_bar { 0.0 } else { CHANGE_INSIDE_BAR }
}

/// Index of the chosen chord for each place; the last is a tonic.
fn best_path(places: &[Place], candidates: &[Candidate], seed: u64) -> Vec<usize> {
    let count = candidates.len();
    let mut from: Vec<Vec<usize>> = Vec::with_capacity(places.len());
    let mut score = vec![0.0f64; count];
    for (index, place) in places.iter().enumerate() {
        let own = |choice: usize| {
            let whim = WHIM * chance(seed, (index * count + choice) as u64);
            let is_tonic = candidates[choice].role == Role::Tonic;
            let opening = if index == 0 && is_tonic { TONIC_OPENING } else { 0.0 };
            let closing = if index + 1 == places.len() && !is_tonic { -1e6 } else { 0.0 };
            worth(place, &candidates[choice]) + whim + opening + closing
        };
        let (mut next, mut came) = (vec![0.0; count], vec![0; count]);
        for choice in 0..count {
            let with = |before: usize| score[before] + following(&candidates[before], &candidates[choice], place);
            if index > 0 {
                came[choice] = (0..count).max_by(|&a, &b| with(a).total_cmp(&with(b))).unwrap_or(0);
                next[choice] = with(came[choice]);
            }
            next[choice] += own(choice);
        }
        score = next;
        from.push(came);
    }
    let mut choice = (0..count).max_by(|&a, &b| score[a].total_cmp(&score[b])).unwrap_or(0);
    let mut path = vec![choice; places.len()];
    for index in (1..places.len()).rev() {
        choice = from[index][choice];
        path[index - 1] = choice;
    }
    path
}
