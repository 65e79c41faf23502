//! How loud the recording is, frame by frame: what tells two notes of one pitch apart, and how hard a note was sung.
//!
//! A new syllable begins in a dip. A closing mouth ("na", "ma") takes little from the level and most of what lies above
//! the first harmonics, so the two are weighed together. Dips that come and go like a wave are a tremolo.

use super::{segment::Span, tremolo};

/// Samples around a frame's centre that count for how loud a note is.
const WINDOW_SECONDS: f64 = 0.030;
/// And for where it dips: as short as the periods of a low voice allow.
const DIP_WINDOW_SECONDS: f64 = 0.016;
/// Dips are looked for at this many moments in each frame.
const MOMENTS: usize = 4;
/// The quietest level told apart.
const FLOOR_DB: f32 = -90.0;
/// How far a dip is looked for on each side.
const DIP_REACH_FRAMES: usize = 14;
/// A dip shallower than this is the voice's own unsteadiness.
const LEAST_DIP_DB: f32 = 3.0;
/// A dip this much deeper counts fully.
const FULL_DIP_DB: f32 = 5.0;
/// MIDI velocity of a note at the reference level, and per dB away from it.
const REFERENCE_VELOCITY: f32 = 96.0;
const VELOCITY_PER_DB: f32 = 2.5;

/// Levels in dBFS at the frames of a track.
pub(super) struct Loudness {
    db: Vec<f32>,
    /// The lowest in the frame, through the short window, weighed with the upper band.
    dips_db: Vec<f32>,
}

/// Weight of the upper band in a dip.
const UPPER_WEIGHT: f32 = 0.45;
/// What a closed mouth holds back.
const UPPER_HZ: [f64; 2] = [800.0, 4_000.0];
/// Periods of a low voice must not show in it.
const UPPER_WINDOW_SECONDS: f64 = 0.020;
/// Below this against the whole, the upper band is the noise of the recording.
const UPPER_FLOOR_DB: f32 = 40.0;

impl Loudness {
    pub(super) fn measure(samples: &[f32], sample_rate_hz: u32, hop_seconds: f64, frames: usize) -> Self {
        let rate = f64::from(sample_rate_hz);
        let level = |seconds: f64, half_seconds: f64, weight: fn(f64) -> f64| {
            let (centre, half) = (seconds * rate, (half_seconds * rate).max(1.0));
            let from = ((centre - half).max(0.0) as usize).min(samples.len());
            let window = &samples[from..((centre + half).max(0.0) as usize).min(samples.len())];
            let (mut energy, mut weights) = (0.0, 1e-9);
            for (at, &sample) in window.iter().enumerate().filter(|(_, sample)| sample.is_finite()) {
                let weight = weight(((from + at) as f64 - centre) / half);
                energy += weight * f64::from(sample) * f64::from(sample);
                weights += weight;
            }
            ((10.0 * (energy / weights).max(1e-12).log10()) as f32).max(FLOOR_DB)
        };
        let db = (0..frames).map(|frame| level(frame as f64 * hop_seconds, WINDOW_SECONDS / 2.0, |_| 1.0)).collect();
        let upper = upper_levels(samples, rate, hop_seconds, frames);
        let dips_db = (0..frames)
            .map(|frame| {
                let moments = (0..MOMENTS).map(|moment| {
                    let within = (moment as f64 + 0.5) / MOMENTS as f64 - 0.5;
                    level((frame as f64 + within) * hop_seconds, DIP_WINDOW_SECONDS / 2.0, |away| 1.0 - away * away)
                });
                let whole = moments.fold(f32::INFINITY, f32::min);
                let upper = upper[frame].max(whole - UPPER_FLOOR_DB).max(FLOOR_DB);
                whole + UPPER_WEIGHT * (upper - whole)
            })
            .collect();
        Self { db, dips_db }
    }

    /// For each frame, 0 to 1: how clearly a new syllable begins there. It is not 0 only at the bottom of a dip.
    pub(super) fn articulation(&self, contour: &[Option<f32>]) -> Vec<f32> {
        let db = &self.dips_db;
        let mut depths: Vec<f32> = (0..db.len()).map(|at| self.depth(at)).collect();
        tremolo::take_out(db, contour, &mut depths);
        depths.iter().map(|depth| ((depth - LEAST_DIP_DB) / FULL_DIP_DB).clamp(0.0, 1.0)).collect()
    }

    /// How far the level at the bottom of a dip is below what is around it, in dB; 0 elsewhere.
    fn depth(&self, at: usize) -> f32 {
        let db = &self.dips_db;
        let before = &db[at.saturating_sub(DIP_REACH_FRAMES)..at];
        let after = &db[at + 1..(at + 1 + DIP_REACH_FRAMES).min(db.len())];
        let is_bottom = db[at.saturating_sub(3)..at].iter().all(|&level| level > db[at])
            && db[at + 1..(at + 4).min(db.len())].iter().all(|&level| level >= db[at]);
        if !is_bottom {
            return 0.0;
        }
        let loudest = |side: &[f32]| side.iter().copied().fold(FLOOR_DB, f32::max);
        (loudest(before).min(loudest(after)) - db[at]).max(0.0)
    }

    /// dBFS, frame by frame.
    pub(super) fn levels_db(&self) -> &[f32] {
        &self.db
    }

    #[cfg(test)]
    pub(super) fn of_levels(db: Vec<f32>) -> Self {
        Self { dips_db: db.clone(), db }
    }

    /// Level of the loud notes: the 80th percentile.
    pub(super) fn reference_db(&self, spans: &[Span]) -> f32 {
        let mut levels: Vec<f32> = spans.iter().map(|span| self.level_db(span)).collect();
        levels.sort_by(f32::total_cmp);
        levels.get(levels.len() * 4 / 5).copied().unwrap_or(FLOOR_DB)
    }

    /// 1–127; notes at the reference get 96, and 10 dB more or less are about two dynamic marks.
    pub(super) fn velocity(&self, span: &Span, reference_db: f32) -> u8 {
        let velocity = REFERENCE_VELOCITY + VELOCITY_PER_DB * (self.level_db(span) - reference_db);
        velocity.round().clamp(1.0, 127.0) as u8
    }

    /// Energy mean over a note.
    fn level_db(&self, span: &Span) -> f32 {
        let inside = &self.db[span.start.min(self.db.len())..span.end.min(self.db.len())];
        let energy: f32 = inside.iter().map(|db| 10f32.powf(db / 10.0)).sum();
        10.0 * (energy / inside.len().max(1) as f32).max(1e-12).log10()
    }
}

/// Levels in dBFS of the band [`UPPER_HZ`], frame by frame.
fn upper_levels(samples: &[f32], rate: f64, hop_seconds: f64, frames: usize) -> Vec<f32> {
    /// Cells of energy in a hop.
    const CELLS: usize = 4;
    let share = |hz: f64| 1.0 - (-std::f64::consts::TAU * hz / rate).exp();
    let [low, high] = UPPER_HZ.map(share);
    let (mut below, mut within) = ([0.0f64; 2], 0.0f64);
    let cell_len = hop_seconds * rate / CELLS as f64;
    let mut cells: Vec<(f64, f64)> = vec![(0.0, 0.0); frames * CELLS + CELLS];
    for (index, &sample) in samples.iter().enumerate() {
        let sample = if sample.is_finite() { f64::from(sample) } else { 0.0 };
        below[0] += low * (sample - below[0]);
        let once = sample - below[0];
        below[1] += low * (once - below[1]);
        within += high * (once - below[1] - within);
        if let Some(cell) = cells.get_mut((index as f64 / cell_len) as usize) {
            cell.0 += within * within;
            cell.1 += 1.0;
        }
    }
    let reach = (UPPER_WINDOW_SECONDS / hop_seconds * CELLS as f64 / 2.0).round() as usize;
    (0..frames)
        .map(|frame| {
            let cells = &cells[(frame * CELLS).saturating_sub(reach)..(frame * CELLS + reach).min(cells.len())];
            let (energy, count) = cells.iter().fold((0.0, 1e-9), |sum, cell| (sum.0 + cell.0, sum.1 + cell.1));
            ((10.0 * (energy / count).max(1e-12).log10()) as f32).max(FLOOR_DB)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dip_is_found_where_it_is_and_only_there() {
        let samples: Vec<f32> = (0..16_000)
            .map(|i| {
                let gap = (i as f32 / 16_000.0 - 0.5).abs();
                (i as f32 * 0.1).sin() * if gap < 0.04 { 0.1 } else { 0.5 }
            })
            .collect();
        let articulation = Loudness::measure(&samples, 16_000, 0.01, 100).articulation(&[Some(60.0); 100]);
        let total: f32 = articulation.iter().sum();
        let near: f32 = articulation[45..56].iter().sum();
        assert!(near > 0.8, "{near}");
        assert!(total - near < 0.05, "{total}");
    }

    #[test]
    fn velocity_follows_the_level_and_stays_in_range() {
        let loudness = Loudness { db: vec![-20.0, -20.0, -30.0, -90.0], dips_db: Vec::new() };
        let at = |start| loudness.velocity(&Span { start, end: start + 1, midi: 60.0 }, -20.0);
        assert_eq!((at(0), at(2), at(3)), (96, 71, 1));
    }
}
