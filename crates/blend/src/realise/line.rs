//! Fits a line to other chords than its own: the cheapest path through pitches near the given ones, so that strong notes
//! are chord tones, ornaments stay ornaments, and the line keeps its intervals and direction.

use music::Key;

use crate::{
    role::LineNote,
    tonal::{self, Classes},
};

/// A note to be fitted, moved into key and octave already.
#[derive(Clone, Debug)]
pub struct Sung {
    pub note: LineNote,
    /// Tones of the chord under it in its song, root first, moved as the note was; `None` if unknown.
    pub chord: Option<Vec<usize>>,
}

/// Where and how a line is fitted.
pub struct Ground<'a> {
    pub key: &'a Key,
    /// Quarters in a bar.
    pub beats: f64,
    /// Lowest and highest pitch.
    pub range: (i32, i32),
    pub is_bass: bool,
    /// What a semitone more or less in an interval costs: a stiff line keeps its shape, a soft one agrees with the chords.
    pub stiffness: f64,
    /// Tones of the chord at a moment, root first.
    pub chord_at: &'a dyn Fn(f64) -> Vec<usize>,
    /// A pitch that sounds above at a moment and must not be rubbed against.
    pub above: &'a dyn Fn(f64) -> Option<i32>,
}

/// Costs of the path; found by trial on a dozen songs.
const FOREIGN: f64 = 3.0;
/// Semitones of a degree of the scale, in the mean.
const DEGREE: f64 = 12.0 / 7.0;
/// Of what another interval costs: the part for its size in degrees of the scale. The rest is for semitones. A phrase that
/// moves as a whole to other degrees keeps its motifs, although some of its thirds become minor.
const BY_DEGREES: f64 = 0.7;
/// What remains of the cost of a note outside the chord that moves on by step, on a strong place and on a weak one.
const RESOLVED_STRONG: f64 = 0.8;
const RESOLVED_WEAK: f64 = 0.5;
/// What it costs to leap from it instead.
const UNRESOLVED: f64 = 0.7;
const MOVED_SEMITONE: f64 = 0.16;
const OUT_OF_RANGE: f64 = 4.0;
/// What another direction costs, in semitones of another interval.
const CHANGED_DIRECTION: f64 = 3.0;
const BEYOND_OCTAVE: f64 = 2.0;
/// A second against the note above, and a crossing of it.
const RUB: f64 = 2.0;
const CROSSING: f64 = 4.0;

/// How strong a place in the bar is, 0–1.
pub fn metric_weight(onset: f64, beats: f64) -> f64 {
    let place = onset.rem_euclid(beats);
    let near = |unit: f64| {
        let off = place.rem_euclid(unit);
        off.min(unit - off) < 0.1
    };
    let half = if beats > 3.5 { 2.0 } else { 3.0 };
    if near(half) {
        1.0
    } else if near(1.0) {
        0.75
    } else if near(0.5) {
        0.4
    } else {
        0.25
    }
}

/// The fitted notes, in the same order and rhythm.
pub fn fit(line: &[Sung], ground: &Ground<'_>) -> Vec<LineNote> {
    if line.is_empty() {
        return Vec::new();
    }
    let reach = if ground.is_bass { 6 } else { 5 };
    let offsets: Vec<i32> = (-reach..=reach).collect();
    let width = offsets.len();
    let scale = tonal::scale(ground.key);
    // A step or a repeated note, in semitones.
    let is_step = |interval: i32| interval.abs() <= 2;
    let mut costs = vec![0.0; width];
    // What each pitch of the note before costs or gains by what follows: leaps from outside the chord, or steps.
    let mut leaving = vec![Leaving::default(); width];
    let mut back: Vec<Vec<usize>> = Vec::with_capacity(line.len());
    for (index, sung) in line.iter().enumerate() {
        let emission = Emission::new(line, index, ground, scale);
        let before = index.checked_sub(1).map(|before| line[before].note.pitch);
        let mut next = vec![0.0; width];
        let mut from = vec![0; width];
        for (place, offset) in offsets.iter().enumerate() {
            let pitch = sung.note.pitch + offset;
            let own = emission.cost(pitch, *offset, ground);
            let Some(before) = before else {
                next[place] = own;
                continue;
            };
            let step = sung.note.pitch - before;
            let degrees = degree(sung.note.pitch, scale) - degree(before, scale);
            let mut best = (f64::MAX, 0);
            for (other, other_offset) in offsets.iter().enumerate() {
                let interval = pitch - (before + other_offset);
                let semitones = f64::from((interval - step).abs());
                let in_degrees = (degree(pitch, scale) - degree(before + other_offset, scale) - degrees).abs() * DEGREE;
                let changed = BY_DEGREES * in_degrees + (1.0 - BY_DEGREES) * semitones;
                let left = if is_step(interval) { leaving[other].by_step } else { leaving[other].by_leap };
                let mut cost = costs[other] + left + ground.stiffness * changed;
                if interval.signum() != step.signum() {
                    cost += ground.stiffness * CHANGED_DIRECTION;
                }
                if interval.abs() > 12 {
                    cost += BEYOND_OCTAVE;
                }
                if cost < best.0 {
                    best = (cost, other);
                }
            }
            next[place] = best.0 + own;
            from[place] = best.1;
        }
        back.push(from);
        costs = next;
        leaving = offsets.iter().map(|offset| emission.leaving(sung.note.pitch + offset, ground)).collect();
    }
    let mut place = (0..width).min_by(|&a, &b| costs[a].total_cmp(&costs[b])).unwrap_or(reach as usize);
    let mut fitted = vec![line[0].note; line.len()];
    for index in (0..line.len()).rev() {
        fitted[index] = LineNote { pitch: line[index].note.pitch + offsets[place], ..line[index].note };
        place = back[index][place];
    }
    for note in &mut fitted {
        while note.pitch < 0 {
            note.pitch += 12;
        }
        while note.pitch > 127 {
            note.pitch -= 12;
        }
    }
    fitted
}

/// Place of a pitch on the scale, in degrees; half-way between two of them if it is in none.
fn degree(pitch: i32, scale: Classes) -> f64 {
    let class = pitch.rem_euclid(12) as usize;
    let below = (scale.0 & ((1 << class) - 1)).count_ones();
    let place = f64::from(below) - if scale.has(class) { 0.0 } else { 0.5 };
    f64::from(pitch.div_euclid(12)) * f64::from(scale.count()) + place
}

/// What a pitch costs more or less by how the line goes on from it.
#[derive(Clone, Copy, Default)]
struct Leaving {
    by_step: f64,
    by_leap: f64,
}

/// What a pitch costs at one place.
struct Emission {
    tones: Vec<usize>,
    set: Classes,
    scale: Classes,
    weight: f64,
    /// Less for what was an ornament in the song.
    ornament: f64,
    /// A weak foreign note that moves on by step keeps its colour.
    is_chromatic: bool,
    was_root: bool,
    begins_chord: bool,
    above: Option<i32>,
}

impl Emission {
    fn new(line: &[Sung], index: usize, ground: &Ground<'_>, scale: Classes) -> Self {
        let Sung { note, chord } = &line[index];
        let tones = (ground.chord_at)(note.onset);
        let set = tones.iter().fold(Classes::default(), |set, &class| set.with(class));
        let weight = metric_weight(note.onset, ground.beats) * (0.35 + note.length / 1.5).min(1.0);
        let resolves = line.get(index + 1).is_some_and(|next| (next.note.pitch - note.pitch).abs() <= 2);
        let was_foreign = chord.as_ref().is_some_and(|chord| !chord.contains(&note.class()));
        let ornament = if was_foreign && resolves { 0.4 } else { 1.0 };
        let root = tones.first().copied();
        let before =
            index.checked_sub(1).and_then(|before| (ground.chord_at)(line[before].note.onset).first().copied());
        Self {
            set,
            scale,
            weight,
            ornament,
            is_chromatic: !scale.has(note.class()) && ornament < 1.0 && weight < 0.5,
            was_root: chord.as_ref().and_then(|chord| chord.first()) == Some(&note.class()),
            begins_chord: index == 0 || before != root,
            above: (ground.above)(note.onset),
            tones,
        }
    }

    /// A note outside the chord asks to be resolved by step.
    fn leaving(&self, pitch: i32, ground: &Ground<'_>) -> Leaving {
        let class = pitch.rem_euclid(12) as usize;
        if self.set.has(class) || ground.is_bass {
            return Leaving::default();
        }
        let remains = if self.weight > 0.6 { RESOLVED_STRONG } else { RESOLVED_WEAK };
        let gained =
            if self.scale.has(class) { (1.6 * self.weight + 0.1) * self.ornament * (1.0 - remains) } else { 0.0 };
        Leaving { by_step: -gained, by_leap: UNRESOLVED }
    }

    fn cost(&self, pitch: i32, offset: i32, ground: &Ground<'_>) -> f64 {
        let class = pitch.rem_euclid(12) as usize;
        let is_in_chord = self.set.has(class);
        let mut cost = MOVED_SEMITONE * f64::from(offset.abs());
        if !is_in_chord {
            cost += if self.scale.has(class) {
                (1.6 * self.weight + 0.1) * self.ornament * if ground.is_bass { 1.6 } else { 1.0 }
            } else if self.is_chromatic {
                0.35
            } else {
                FOREIGN + 1.5 * self.weight
            };
            // A semitone above a chord tone is the harshest of all.
            if self.set.has(class + 11) && !self.is_chromatic {
                cost += 1.2 * self.weight;
            }
        }
        if ground.is_bass && self.tones.first() == Some(&class) {
            cost -= if self.was_root { 1.0 } else { 0.0 } + if self.begins_chord { 0.6 } else { 0.0 };
        }
        if !(ground.range.0..=ground.range.1).contains(&pitch) {
            cost += OUT_OF_RANGE;
        }
        if let Some(above) = self.above {
            let distance = (above - pitch).rem_euclid(12);
            if matches!(distance, 1 | 2 | 11) {
                cost += RUB * if distance == 2 { 0.3 } else { 1.0 };
            }
            if pitch > above - 3 {
                cost += CROSSING;
            }
        }
        cost
    }
}

/// Ends notes where the next one begins, and where a chord begins to which they are foreign: of basses always, of others
/// when they lie a semitone above one of its tones.
pub fn trim(line: &mut [LineNote], slot: f64, is_bass: bool, chord_at: &dyn Fn(f64) -> Vec<usize>) {
    for index in 0..line.len() {
        if let Some(next) = line.get(index + 1).map(|next| next.onset) {
            let room = (next - line[index].onset).max(0.05);
            line[index].length = line[index].length.min(room);
        }
        let note = line[index];
        let mut change = ((note.onset + 1e-6) / slot).floor() * slot + slot;
        while change < note.end() - 0.3 {
            let tones = chord_at(change + 0.01);
            let is_foreign = !tones.contains(&note.class());
            let is_harsh = tones.contains(&((note.class() + 11) % 12));
            if is_foreign && (is_harsh || is_bass) {
                line[index].length = change - note.onset;
                break;
            }
            change += slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use music::Mode;

    fn fitted(pitches: &[i32], source: &[usize], target: &'static [usize], range: (i32, i32)) -> Vec<i32> {
        let key = Key { tonic: 0, mode: Mode::Major, confidence: 1.0 };
        let line: Vec<Sung> = pitches
            .iter()
            .enumerate()
            .map(|(index, &pitch)| Sung {
                note: LineNote { onset: index as f64, length: 1.0, pitch, velocity: 80 },
                chord: Some(source.to_vec()),
            })
            .collect();
        let ground = Ground {
            key: &key,
            beats: 4.0,
            range,
            is_bass: false,
            stiffness: 0.28,
            chord_at: &|_| target.to_vec(),
            above: &|_| None,
        };
        fit(&line, &ground).iter().map(|note| note.pitch).collect()
    }

    #[test]
    fn a_line_over_its_own_chord_stays() {
        assert_eq!(fitted(&[60, 64, 67, 64], &[0, 4, 7], &[0, 4, 7], (55, 80)), [60, 64, 67, 64]);
        // With a passing note.
        assert_eq!(fitted(&[60, 62, 64, 67], &[0, 4, 7], &[0, 4, 7], (55, 80)), [60, 62, 64, 67]);
    }

    #[test]
    fn a_line_over_another_chord_keeps_its_contour() {
        let line = fitted(&[60, 64, 67, 72], &[0, 4, 7], &[9, 0, 4], (55, 80));
        assert!(line.windows(2).all(|pair| pair[1] > pair[0]), "{line:?}");
        assert!(line.iter().all(|pitch| [9, 0, 4].contains(&(pitch % 12))), "{line:?}");
    }

    #[test]
    fn notes_outside_the_chord_go_on_by_step() {
        // Broken F over C, on weak places as well: where F or A stays, the line does not leap from it.
        let key = Key { tonic: 0, mode: Mode::Major, confidence: 1.0 };
        let line: Vec<Sung> = [69, 65, 72, 65, 69, 77, 72, 65]
            .iter()
            .enumerate()
            .map(|(index, &pitch)| Sung {
                note: LineNote { onset: index as f64 * 0.25, length: 0.25, pitch, velocity: 80 },
                chord: Some(vec![5, 9, 0]),
            })
            .collect();
        let ground = Ground {
            key: &key,
            beats: 4.0,
            range: (55, 81),
            is_bass: false,
            stiffness: 0.3,
            chord_at: &|_| vec![0, 4, 7],
            above: &|_| None,
        };
        let pitches: Vec<i32> = fit(&line, &ground).iter().map(|note| note.pitch).collect();
        for pair in pitches.windows(2) {
            let is_foreign = ![0, 4, 7].contains(&pair[0].rem_euclid(12));
            assert!(!is_foreign || (pair[1] - pair[0]).abs() <= 2, "{pitches:?}");
        }
    }

    #[test]
    fn thirds_are_thirds_on_every_degree() {
        let scale = tonal::collection(0);
        let third = |from: i32, to: i32| degree(to, scale) - degree(from, scale);
        assert_eq!([third(60, 64), third(62, 65), third(71, 74)], [2.0; 3]);
        assert_eq!([third(60, 61), third(61, 62), third(59, 60)], [0.5, 0.5, 1.0]);
    }

    #[test]
    fn long_notes_end_where_they_would_be_harsh() {
        let chord_at = |at: f64| if at < 2.0 { vec![0, 4, 7] } else { vec![11, 2, 7] };
        let mut line = [LineNote { onset: 0.0, length: 4.0, pitch: 60, velocity: 80 }];
        trim(&mut line, 2.0, false, &chord_at);
        assert_eq!(line[0].length, 2.0);
    }

    #[test]
    fn strong_places_are_strong() {
        let weights = [0.0, 1.0, 2.0, 3.5, 0.25].map(|onset| metric_weight(onset, 4.0));
        assert_eq!(weights, [1.0, 0.75, 1.0, 0.4, 0.25]);
        assert_eq!(metric_weight(2.0, 3.0), 0.75);
    }
}
