//! The cheapest way through the candidates of all frames.
//!
//! Each candidate is a state twice: sung and not sung. Keeping a pitch through frames that are not sung carries the
//! best guess across consonants, and makes a voiced frame in the middle of a note cheap to accept.

use music::PitchFrame;

/// A period that a frame suggests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Candidate {
    pub hz: f32,
    /// `log2` of `hz`.
    pub octaves: f32,
    /// YIN's normalised difference there: 0 is perfectly periodic, 1 is not periodic.
    pub depth: f32,
}

/// What one frame said.
#[derive(Clone, Debug)]
pub(super) struct Observation {
    /// RMS of the whole frame under its taper.
    pub level: f32,
    /// RMS of its middle 16 ms.
    pub local_level: f32,
    /// Cheapest first; empty when silent.
    pub candidates: Vec<Candidate>,
}

/// What the path pays. Units are those of the normalised difference. The defaults were chosen by a coarse search on
/// recordings with known pitch, the same that the tests print figures for; the threshold trades missed frames for false
/// alarms, the others matter little around their values.
#[derive(Clone, Copy, Debug)]
pub struct PathCosts {
    /// Depth at which sung and not sung are equally likely.
    pub threshold: f32,
    /// How much an octave lower costs: twice the period fits a periodic sound as well as the period.
    pub octave: f32,
    /// An octave's jump between two frames, both sung.
    pub jump: f32,
    /// An octave's jump while not sung.
    pub free_jump: f32,
    /// A change between sung and not sung.
    pub switch: f32,
    /// How much of the depth a not-sung frame pays.
    pub unsung_depth: f32,
    /// Frames this many dB below the loud ones cannot be sung.
    pub gate_db: f32,
    /// A frame whose middle is weaker than this share of the whole hears a neighbour, not a voice.
    pub fade: f32,
}

impl Default for PathCosts {
    fn default() -> Self {
        Self {
            threshold: 0.35,
            octave: 0.02,
            jump: 0.7,
            free_jump: 0.2,
            switch: 0.1,
            unsung_depth: 0.3,
            gate_db: 34.0,
            fade: 0.5,
        }
    }
}

/// `log2` of 2048 Hz, where the cost of lower octaves starts.
const HIGH_NOTE_OCTAVES: f32 = 11.0;

/// States per frame: each candidate sung and not sung.
type State = u8;

/// The path of least cost, frame by frame.
pub(super) fn cheapest(observations: &[Observation], costs: &PathCosts) -> Vec<PitchFrame> {
    let gate = loud_level(observations) * 10f32.powf(-costs.gate_db / 20.0);
    let mut from: Vec<Vec<State>> = Vec::with_capacity(observations.len());
    let mut totals: Vec<f32> = Vec::new();
    let mut next = Vec::new();
    for (index, here) in observations.iter().enumerate() {
        let before = index.checked_sub(1).map(|previous| &observations[previous]);
        let mut arrived_from = Vec::with_capacity(state_count(here));
        next.clear();
        for state in 0..state_count(here) {
            let (best, cost) = cheapest_arrival(before, &totals, here, state, costs);
            arrived_from.push(best);
            next.push(cost + emission(here, state, gate, costs));
        }
        from.push(arrived_from);
        // Only differences matter: keep the sums small, or an hour would eat the precision.
        let least = next.iter().copied().fold(f32::INFINITY, f32::min);
        totals.clear();
        totals.extend(next.iter().map(|cost| cost - least));
    }
    trace_back(observations, &from, &totals, gate, costs)
}

/// The RMS that loud frames have: the 95th percentile of frames that are not silent.
fn loud_level(observations: &[Observation]) -> f32 {
    let mut levels: Vec<f32> =
        observations.iter().filter(|frame| !frame.candidates.is_empty()).map(|frame| frame.level).collect();
    if levels.is_empty() {
        return 0.0;
    }
    let at = (levels.len() * 95 / 100).min(levels.len() - 1);
    *levels.select_nth_unstable_by(at, f32::total_cmp).1
}

/// A silent frame has one state: not sung, no pitch.
fn state_count(frame: &Observation) -> usize {
    (2 * frame.candidates.len()).max(1)
}

fn is_sung(frame: &Observation, state: usize) -> bool {
    !frame.candidates.is_empty() && state % 2 == 1
}

/// What a candidate costs by itself: its depth, and a little for each octave down.
pub(super) fn sung_cost(candidate: &Candidate, octave_cost: f32) -> f32 {
    candidate.depth + octave_cost * (HIGH_NOTE_OCTAVES - candidate.octaves)
}

fn emission(frame: &Observation, state: usize, gate: f32, costs: &PathCosts) -> f32 {
    let Some(candidate) = frame.candidates.get(state / 2) else { return 0.0 };
    let lower = sung_cost(candidate, costs.octave) - candidate.depth;
    if !is_sung(frame, state) {
        return costs.unsung_depth * candidate.depth + (1.0 - costs.unsung_depth) * costs.threshold + lower;
    }
    let quiet = if frame.local_level < gate || frame.local_level < costs.fade * frame.level { 1.0 } else { 0.0 };
    candidate.depth + lower + quiet
}

fn cheapest_arrival(
    before: Option<&Observation>,
    totals: &[f32],
    here: &Observation,
    state: usize,
    costs: &PathCosts,
) -> (State, f32) {
    let Some(before) = before else { return (0, 0.0) };
    let sung = is_sung(here, state);
    let pitch = here.candidates.get(state / 2).map(|candidate| candidate.octaves);
    let mut best = (0, f32::INFINITY);
    for (previous, &total) in totals.iter().enumerate() {
        let was_sung = is_sung(before, previous);
        let was_pitch = before.candidates.get(previous / 2).map(|candidate| candidate.octaves);
        let jump = match (was_pitch, pitch) {
            (Some(was), Some(is)) => (was - is).abs(),
            _ => 0.0,
        };
        let rate = if sung && was_sung { costs.jump } else { costs.free_jump };
        let cost = total + rate * jump + if sung == was_sung { 0.0 } else { costs.switch };
        if cost < best.1 {
            best = (previous as State, cost);
        }
    }
    best
}

fn trace_back(
    observations: &[Observation],
    from: &[Vec<State>],
    totals: &[f32],
    gate: f32,
    costs: &PathCosts,
) -> Vec<PitchFrame> {
    let mut frames = vec![PitchFrame { hz: 0.0, confidence: 0.0, voiced: false }; observations.len()];
    let mut state = totals.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(state, _)| state);
    for (index, here) in observations.iter().enumerate().rev() {
        if let Some(candidate) = here.candidates.get(state / 2) {
            let voiced = is_sung(here, state);
            let sure = if here.level < gate { 0.0 } else { likelihood(candidate.depth, costs.threshold) };
            // The path sees the neighbours and has the last word; 0.5 divides the two answers.
            let confidence = if voiced { sure.max(0.5) } else { sure.min(0.49) };
            frames[index] = PitchFrame { hz: candidate.hz, confidence, voiced };
        }
        state = usize::from(from[index][state]);
    }
    frames
}

/// A logistic curve through 0.5 at the threshold.
fn likelihood(depth: f32, threshold: f32) -> f32 {
    1.0 / (1.0 + ((depth - threshold) * 12.0).exp())
}
