//! Where in the score each onset stands: rhythm transcription with a tempo that changes.
//!
//! A hidden Markov model of performance: its states are the place of an onset within a quarter and the local tempo; the
//! way from one onset to the next costs the more the less the time between them is what the note value takes at that
//! tempo, the more the tempo changes, and the rarer the note value and the place are. The cheapest way is found by the
//! Viterbi algorithm. (C. Raphael, "A hybrid graphical model for rhythmic parsing", Artificial Intelligence 137, 2002;
//! E. Nakamura, K. Yoshii and S. Sagayama, "Rhythm transcription of polyphonic piano music based on merged-output HMM for
//! multiple voices", IEEE/ACM TASLP 25(4), 2017.) Costs are negative logarithms of chances.

/// Ticks of a quarter: sixteenths and triplets of eighths are whole numbers of them.
pub(super) const TICKS_PER_QUARTER: i64 = 12;
const QUARTER: f64 = TICKS_PER_QUARTER as f64;
/// Places within a quarter where notes begin, in ticks, and what each costs.
const PLACES: [(i64, f64); 6] = [(0, 0.0), (3, 2.5), (4, 3.5), (6, 0.8), (8, 3.5), (9, 2.0)];
/// Note values (with the rests after them) in ticks and how common they are in tunes that people sing.
const NOTE_VALUES: [(i64, f64); 9] =
    [(3, 0.04), (4, 0.01), (6, 0.30), (9, 0.03), (12, 0.40), (18, 0.07), (24, 0.08), (36, 0.03), (48, 0.03)];
/// Chance of a longer value of whole quarters, times the square of its quarters; and of any other value.
const WHOLE_VALUE: f64 = 0.3;
const RARE_VALUE: f64 = 0.002;
/// Note values follow from each other and from the places; they count half.
const VALUE_WEIGHT: f64 = 0.5;

/// Local tempi stand this far apart (logarithm), and so many lie on each side of the global one: 0.7 to 1.42 of it.
const TEMPO_STEP: f64 = 0.025;
const TEMPI_PER_SIDE: usize = 14;
const TEMPI: usize = 2 * TEMPI_PER_SIDE + 1;
/// Standard deviation of the logarithm of the tempo: from one quarter to the next, and at the start.
const TEMPO_DRIFT: f64 = 0.07;
const TEMPO_SPREAD: f64 = 0.12;
/// Over more quarters than about this the tempo drifts no further: it comes back.
const QUARTERS_OF_DRIFT: f64 = 4.0;
/// What a quarter costs at a tempo that is a factor of e off the global one.
const TEMPO_PULL: f64 = 4.0;
/// Standard deviation of a distance between two onsets: always, and in proportion to it; more where a breath may be.
const STRAY_SECONDS: f64 = 0.03;
const STRAY_SHARE: f64 = 0.025;
const BREATH_SHARE: f64 = 0.08;
/// Deviations beyond so many standard deviations are not followed up, nor places further than this from the expected.
const MOST_DEVIATIONS: f64 = 3.5;
const TICKS_AROUND: (f64, f64) = (2.0, 7.0);
/// An onset that is no note of its own (an ornament, a note heard as two); at most so many in a row.
const ORNAMENT_COST: f64 = 5.0;
const MOST_ORNAMENTS: usize = 2;

/// An onset: its moment, what it asks for a strong place (about 0.5 to 1.5), and whether a phrase begins with it.
#[derive(Clone, Copy)]
pub(super) struct Onset {
    pub seconds: f64,
    pub weight: f64,
    pub starts_phrase: bool,
}

/// Score times of onsets: indices of `onsets` (ornaments are left out), rising, with their ticks from the quarter in or at
/// which the first one stands.
///
/// `onsets` are in order and further apart than nothing; `quarter_seconds` is the length of a quarter at the global tempo.
pub(super) fn find(onsets: &[Onset], quarter_seconds: f64) -> Vec<(usize, i64)> {
    let mut lattice = Lattice::new(onsets, quarter_seconds);
    for to in 1..onsets.len() {
        for from in to.saturating_sub(MOST_ORNAMENTS + 1)..to {
            lattice.connect(from, to);
        }
    }
    lattice.cheapest_way()
}

/// A place and a tempo at an onset, as an index.
type State = usize;
const STATES: usize = PLACES.len() * TEMPI;

const fn state(place: usize, tempo: usize) -> State {
    place * TEMPI + tempo
}

/// The cheapest way to a state.
#[derive(Clone, Copy)]
struct Way {
    cost: f64,
    /// Onset and state before, and the ticks from there; none at the first onset.
    from: Option<(u32, u16, u32)>,
}

struct Lattice<'a> {
    onsets: &'a [Onset],
    quarter_seconds: f64,
    /// `STATES` of each onset.
    ways: Vec<Way>,
    /// Index in `PLACES` of each tick of a quarter.
    place_at: [Option<usize>; TICKS_PER_QUARTER as usize],
}

impl<'a> Lattice<'a> {
    fn new(onsets: &'a [Onset], quarter_seconds: f64) -> Self {
        let mut place_at = [None; TICKS_PER_QUARTER as usize];
        for (index, (tick, _)) in PLACES.iter().enumerate() {
            place_at[*tick as usize] = Some(index);
        }
        let mut ways = vec![Way { cost: f64::INFINITY, from: None }; STATES * onsets.len()];
        for (index, onset) in onsets.iter().enumerate().take(MOST_ORNAMENTS + 1) {
            for place in 0..PLACES.len() {
                for tempo in 0..TEMPI {
                    let off = logarithm(tempo) / TEMPO_SPREAD;
                    let cost = ORNAMENT_COST * index as f64 + place_cost(place, onset) + 0.5 * off * off;
                    ways[index * STATES + state(place, tempo)].cost = cost;
                }
            }
        }
        Self { onsets, quarter_seconds, ways, place_at }
    }

    fn connect(&mut self, from: usize, to: usize) {
        let (before, after) = (self.onsets[from], self.onsets[to]);
        let seconds = after.seconds - before.seconds;
        let share = if after.starts_phrase { BREATH_SHARE } else { STRAY_SHARE };
        let deviation = STRAY_SECONDS.hypot(share * seconds);
        let ornaments = ORNAMENT_COST * (to - from - 1) as f64;
        for tempo in 0..TEMPI {
            let ticks_a_second = QUARTER / (self.quarter_seconds * logarithm(tempo).exp());
            let expected = seconds * ticks_a_second;
            let around = (MOST_DEVIATIONS * deviation * ticks_a_second).clamp(TICKS_AROUND.0, TICKS_AROUND.1);
            let least = ((expected - around).ceil() as i64).max(1);
            for ticks in least..=((expected + around).floor() as i64).max(least) {
                let off = (ticks as f64 - expected) / ticks_a_second / deviation;
                let quarters = ticks as f64 / QUARTER;
                let fixed = ornaments
                    + 0.5 * off * off
                    + VALUE_WEIGHT * value_cost(ticks)
                    + TEMPO_PULL * quarters * logarithm(tempo).powi(2);
                self.arrive((from, to), tempo, ticks, fixed);
            }
        }
    }

    /// Tries all ways on at a tempo over some ticks; `fixed` is what they cost whatever was before.
    fn arrive(&mut self, (from, to): (usize, usize), tempo: usize, ticks: i64, fixed: f64) {
        let quarters = (ticks as f64 / QUARTER).max(0.5);
        let variance = TEMPO_DRIFT * TEMPO_DRIFT * quarters / (1.0 + quarters / QUARTERS_OF_DRIFT);
        for (place, (tick, _)) in PLACES.iter().enumerate() {
            let Some(next) = self.place_at[((tick + ticks) % TICKS_PER_QUARTER) as usize] else { continue };
            let here = fixed + place_cost(next, &self.onsets[to]);
            let at = to * STATES + state(next, tempo);
            for earlier in 0..TEMPI {
                let change = TEMPO_STEP * (tempo as f64 - earlier as f64);
                let cost =
                    self.ways[from * STATES + state(place, earlier)].cost + here + 0.5 * change * change / variance;
                if cost < self.ways[at].cost {
                    self.ways[at] = Way { cost, from: Some((from as u32, state(place, earlier) as u16, ticks as u32)) };
                }
            }
        }
    }

    fn cheapest_way(&self) -> Vec<(usize, i64)> {
        let Some(last) = self.onsets.len().checked_sub(1) else { return Vec::new() };
        let cost = |state: &State| self.ways[last * STATES + state].cost;
        let Some(mut state) = (0..STATES).min_by(|a, b| cost(a).total_cmp(&cost(b))) else { return Vec::new() };
        let (mut onset, mut before_last) = (last, 0);
        let mut found = vec![(last, 0)];
        while let Some((from, earlier, ticks)) = self.ways[onset * STATES + state].from {
            (onset, state) = (from as usize, usize::from(earlier));
            before_last += i64::from(ticks);
            found.push((onset, -before_last));
        }
        let first = PLACES[state / TEMPI].0;
        found.reverse();
        found.iter_mut().for_each(|(_, ticks)| *ticks += before_last + first);
        found
    }
}

/// Logarithm of a local tempo's quarter over the global one's.
fn logarithm(tempo: usize) -> f64 {
    TEMPO_STEP * (tempo as f64 - TEMPI_PER_SIDE as f64)
}

fn place_cost(place: usize, onset: &Onset) -> f64 {
    PLACES[place].1 * (0.3 + onset.weight)
}

fn value_cost(ticks: i64) -> f64 {
    let other =
        if ticks % TICKS_PER_QUARTER == 0 { WHOLE_VALUE / (ticks as f64 / QUARTER).powi(2) } else { RARE_VALUE };
    let common = NOTE_VALUES.iter().find(|(value, _)| *value == ticks).map_or(other, |(_, chance)| *chance);
    -common.ln()
}
