//! The likeliest way through the candidates of all frames.
//!
//! Each candidate is a state twice: sung and not sung. Keeping a pitch through frames that are not sung carries the
//! best guess across consonants, and makes a voiced frame in the middle of a note cheap to accept.

use music::PitchFrame;

use super::{judge::Verdict, view::Level};

/// What one frame said.
#[derive(Clone, Debug)]
pub(super) struct Observation {
    pub level: Level,
    /// Empty when silent.
    pub candidates: Vec<Verdict>,
}

/// What the path pays, in nats.
#[derive(Clone, Copy, Debug)]
pub struct PathCosts {
    /// Log odds at which sung and not sung are equally likely: above 0, doubt means not sung.
    pub threshold: f32,
    /// An octave's move between two frames, both sung.
    pub glide: f32,
    /// A jump of any size between two frames, both sung.
    pub jump: f32,
    /// An octave's move while not sung.
    pub free_glide: f32,
    /// A jump of any size while not sung.
    pub free_jump: f32,
    /// A change between sung and not sung.
    pub switch: f32,
    /// How much of the doubt about the pitch a not-sung frame pays.
    pub unsung_share: f32,
    /// Frames this many dB below the loud ones cannot be sung.
    pub gate_db: f32,
    /// A frame whose middle is weaker than this share of the whole hears a neighbour, not a voice.
    pub fade: f32,
    /// Frames around a sure stretch that continue its pitch.
    pub carry_frames: f32,
    /// Log odds from which a candidate is sure.
    pub carry_odds: f32,
    /// How much of the slope at the edge is continued.
    pub carry_slope: f32,
}

impl Default for PathCosts {
    fn default() -> Self {
        Self {
            threshold: 3.3,
            glide: 20.0,
            jump: 12.0,
            free_glide: 10.0,
            free_jump: 3.0,
            switch: 1.2,
            unsung_share: 1.0,
            gate_db: 34.0,
            fade: 0.5,
            carry_frames: 8.0,
            carry_odds: 0.0,
            carry_slope: 0.3,
        }
    }
}

/// States per frame: each candidate sung and not sung.
type State = u8;

/// What mains hum sounds at, and how exactly.
const MAINS_HZ: [f32; 2] = [50.0, 60.0];
const MAINS_TOLERANCE: f32 = 0.006;
/// Hum is at most this share of the loud level, and what is sung stands above it by this factor.
const HUM_BELOW: f32 = 0.35;
const HUM_HEADROOM: f32 = 1.5;
/// What a frame that is too quiet pays to be sung.
const QUIET_COST: f32 = 20.0;

/// The path of least cost, frame by frame.
pub(super) fn cheapest(observations: &[Observation], costs: &PathCosts) -> Vec<PitchFrame> {
    let gate = gate(observations, costs);
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
    let chosen = trace_back(&from, &totals);
    let mut frames: Vec<PitchFrame> =
        observations.iter().zip(&chosen).map(|(here, &state)| answer(here, state, gate, costs)).collect();
    let sure: Vec<bool> = observations
        .iter()
        .zip(&chosen)
        .map(|(here, &state)| {
            is_sung(here, state) || here.candidates.get(state / 2).is_some_and(|at| at.log_odds >= costs.carry_odds)
        })
        .collect();
    carry(&mut frames, &sure, costs);
    frames
}

/// Continues the pitch of stretches that are sure over their edges, where a frame sees a few periods of the voice at
/// most.
fn carry(frames: &mut [PitchFrame], sure: &[bool], costs: &PathCosts) {
    let octaves: Vec<Option<f32>> =
        frames.iter().zip(sure).map(|(frame, sure)| sure.then(|| frame.hz.log2())).collect();
    let pitch = |at: Option<usize>| at.and_then(|at| octaves.get(at).copied().flatten());
    for index in (0..frames.len()).filter(|&index| !sure[index]) {
        let edge = (1..=costs.carry_frames as usize).find_map(|away| {
            let before = pitch(index.checked_sub(away)).map(|edge| (edge, pitch(index.checked_sub(away + 2))));
            let after = || pitch(Some(index + away)).map(|edge| (edge, pitch(Some(index + away + 2))));
            before.or_else(after).map(|(edge, inside)| {
                let slope = inside.map_or(0.0, |inside| (edge - inside) / 2.0).clamp(-0.05, 0.05);
                edge + costs.carry_slope * slope * away as f32
            })
        });
        if let Some(octaves) = edge {
            frames[index].hz = octaves.exp2();
        }
    }
}

/// The RMS below which frames cannot be sung: far below the loud ones, or not above the mains hum.
fn gate(observations: &[Observation], costs: &PathCosts) -> f32 {
    let loud = level_at(observations, 95);
    let quiet = level_at(observations, 10);
    let gate = loud * 10f32.powf(-costs.gate_db / 20.0);
    if is_hum(observations, f32::INFINITY, 0.95, &[1.0]) {
        f32::INFINITY
    } else if quiet < HUM_BELOW * loud && is_hum(observations, 1.2 * quiet, 0.75, &[1.0, 2.0]) {
        gate.max(HUM_HEADROOM * quiet)
    } else {
        gate
    }
}

/// Whether at least a `share` of the frames up to a level have the pitch of one of the mains' `harmonics`. No note of a
/// tuning near A 440 Hz is that close to the first or second.
fn is_hum(observations: &[Observation], up_to: f32, share: f32, harmonics: &[f32]) -> bool {
    let pitches: Vec<f32> = observations
        .iter()
        .filter(|frame| frame.level.whole <= up_to)
        .filter_map(|frame| frame.candidates.iter().max_by(|a, b| a.log_share.total_cmp(&b.log_share)))
        .map(|candidate| candidate.hz)
        .collect();
    MAINS_HZ.iter().any(|mains| {
        let on = |hz: &&f32| harmonics.iter().any(|k| (**hz / (k * mains) - 1.0).abs() < MAINS_TOLERANCE);
        pitches.iter().filter(on).count() as f32 > share * pitches.len() as f32
    })
}

/// The RMS that so many percent of the frames that are not silent do not exceed.
fn level_at(observations: &[Observation], percent: usize) -> f32 {
    let mut levels: Vec<f32> =
        observations.iter().filter(|frame| !frame.candidates.is_empty()).map(|frame| frame.level.whole).collect();
    if levels.is_empty() {
        return 0.0;
    }
    let at = (levels.len() * percent / 100).min(levels.len() - 1);
    *levels.select_nth_unstable_by(at, f32::total_cmp).1
}

/// A silent frame has one state: not sung, no pitch.
fn state_count(frame: &Observation) -> usize {
    (2 * frame.candidates.len()).max(1)
}

fn is_sung(frame: &Observation, state: usize) -> bool {
    !frame.candidates.is_empty() && state % 2 == 1
}

fn emission(frame: &Observation, state: usize, gate: f32, costs: &PathCosts) -> f32 {
    let Some(candidate) = frame.candidates.get(state / 2) else { return 0.0 };
    let odds = candidate.log_odds - costs.threshold;
    if !is_sung(frame, state) {
        return softplus(odds) - costs.unsung_share * candidate.log_share;
    }
    let level = frame.level;
    let quiet = if level.middle < gate || level.middle < costs.fade * level.whole { QUIET_COST } else { 0.0 };
    softplus(-odds) - candidate.log_share + quiet
}

/// `ln(1 + e^x)`.
fn softplus(x: f32) -> f32 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
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
        let distance = match (was_pitch, pitch) {
            (Some(was), Some(is)) => (was - is).abs(),
            _ => 0.0,
        };
        let (glide, jump) =
            if sung && was_sung { (costs.glide, costs.jump) } else { (costs.free_glide, costs.free_jump) };
        let cost = total + (glide * distance).min(jump) + if sung == was_sung { 0.0 } else { costs.switch };
        if cost < best.1 {
            best = (previous as State, cost);
        }
    }
    best
}

/// The states of the cheapest path.
fn trace_back(from: &[Vec<State>], totals: &[f32]) -> Vec<usize> {
    let mut state = totals.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(state, _)| state);
    let mut chosen = vec![0; from.len()];
    for (chosen, from) in chosen.iter_mut().zip(from).rev() {
        *chosen = state;
        state = usize::from(from[state]);
    }
    chosen
}

fn answer(here: &Observation, state: usize, gate: f32, costs: &PathCosts) -> PitchFrame {
    let Some(candidate) = here.candidates.get(state / 2) else {
        return PitchFrame { hz: 0.0, confidence: 0.0, voiced: false };
    };
    let voiced = is_sung(here, state);
    let sure = if here.level.whole < gate { 0.0 } else { logistic(candidate.log_odds - costs.threshold) };
    // The path sees the neighbours and has the last word; 0.5 divides the two answers.
    let confidence = if voiced { sure.max(0.5) } else { sure.min(0.49) };
    PitchFrame { hz: candidate.hz, confidence, voiced }
}

fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}
