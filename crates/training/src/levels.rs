//! How loud a sound is from moment to moment.

use crate::SAMPLE_RATE_HZ;

/// Samples of one frame: 10 ms.
pub const FRAME: usize = SAMPLE_RATE_HZ as usize / 100;
/// Frames of a second.
pub const FRAMES_PER_SECOND: f64 = 100.0;
/// What silence counts as, in dBFS.
const LOWEST_DB: f32 = -120.0;

/// Levels of the frames of a sound, RMS in dBFS. What is left over at its end has none.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    pub db: Vec<f32>,
    energy: f64,
    filled: usize,
}

impl Levels {
    pub fn push(&mut self, samples: &[f32]) {
        for sample in samples {
            self.energy += f64::from(*sample) * f64::from(*sample);
            self.filled += 1;
            if self.filled == FRAME {
                self.db.push(decibels(self.energy / FRAME as f64));
                (self.energy, self.filled) = (0.0, 0);
            }
        }
    }

    /// The level that a share (0–1) of the frames stays below; that of silence where there are none.
    pub fn quantile(&self, share: f64) -> f32 {
        let mut sorted = self.db.clone();
        sorted.sort_by(f32::total_cmp);
        let last = sorted.len().saturating_sub(1);
        sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(LOWEST_DB)
    }
}

fn decibels(mean_square: f64) -> f32 {
    if mean_square > 0.0 { (10.0 * mean_square.log10()).max(f64::from(LOWEST_DB)) as f32 } else { LOWEST_DB }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_whole_frames() {
        let mut levels = Levels::default();
        let half: Vec<f32> = (0..2 * FRAME + 7).map(|i| if i % 2 == 0 { 0.5 } else { -0.5 }).collect();
        half.chunks(33).for_each(|part| levels.push(part));
        assert_eq!(levels.db.len(), 2);
        assert!(levels.db.iter().all(|db| (db + 6.02).abs() < 0.01), "{levels:?}");
        assert_eq!(Levels::default().quantile(0.5), LOWEST_DB);
    }
}
