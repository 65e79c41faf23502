//! The singer's beats: where they are, and where they would be before the first and after the last.

use domain::options::Beat;
use music::Melody;

/// Quarters of a recording. Quarter 0 is the first beat that was found; there are quarters before it and after the last.
#[derive(Clone, PartialEq, Debug)]
pub struct SungBeats {
    /// Seconds of each quarter, rising; at least two.
    moments: Vec<f64>,
    /// The quarter that begins the first whole bar.
    downbeat: i64,
    quarters_per_bar: i64,
    /// Whether the band keeps an even beat instead of these.
    pub is_even: bool,
}

/// A beat map is smoothed over about this many quarters to each side: what is slower than that is rubato and is followed, what
/// is faster is a stray onset and is not.
const SMOOTHING_QUARTERS: f64 = 1.5;
/// Quarters at each end that tell the tempo outside.
const END_QUARTERS: usize = 4;
/// A tempo that is none is this one.
const PLAIN_BPM: f64 = 100.0;

impl SungBeats {
    /// Of a melody with notes. Where no beats were found, even ones at the melody's tempo, from its first note on.
    pub fn of(melody: &Melody, beat: Beat) -> Self {
        let rhythm = &melody.rhythm;
        let quarters_per_bar = i64::from(rhythm.meter.quarters_per_bar());
        let is_even = beat == Beat::Steady;
        let found = &rhythm.beats_seconds;
        let is_usable = found.len() >= 4
            && found.iter().all(|moment| moment.is_finite())
            && found.windows(2).all(|pair| pair[1] - pair[0] >= 0.05);
        if is_usable {
            // The smoothed map has no beat on its own onsets, but an even beat needs those to be beats.
            let moments = if is_even { found.clone() } else { smoothed(found) };
            let downbeat = rhythm.downbeat as i64;
            return Self { moments, downbeat, quarters_per_bar, is_even };
        }
        let bpm = if (20.0..=300.0).contains(&melody.tempo_bpm) { melody.tempo_bpm } else { PLAIN_BPM };
        let first = melody.notes.first().map_or(0.0, |note| note.onset_seconds);
        Self { moments: vec![first, first + 60.0 / bpm], downbeat: 0, quarters_per_bar, is_even }
    }

    /// Length of a quarter among the first, or the last.
    fn quarter_at_end(&self, first: bool) -> f64 {
        let count = (self.moments.len() - 1).min(END_QUARTERS);
        let from = if first { 0 } else { self.moments.len() - 1 - count };
        (self.moments[from + count] - self.moments[from]) / count as f64
    }

    /// The middle tempo, quarters per minute.
    pub fn bpm(&self) -> f64 {
        let mut lengths: Vec<f64> = self.moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
        lengths.sort_by(f64::total_cmp);
        60.0 / lengths[lengths.len() / 2]
    }

    pub fn seconds_at(&self, quarter: f64) -> f64 {
        let last = self.moments.len() - 1;
        if quarter <= 0.0 {
            return self.moments[0] + quarter * self.quarter_at_end(true);
        }
        if quarter >= last as f64 {
            return self.moments[last] + (quarter - last as f64) * self.quarter_at_end(false);
        }
        let index = quarter as usize;
        self.moments[index] + (quarter - index as f64) * (self.moments[index + 1] - self.moments[index])
    }

    pub fn quarters_at(&self, seconds: f64) -> f64 {
        let last = self.moments.len() - 1;
        if seconds <= self.moments[0] {
            return (seconds - self.moments[0]) / self.quarter_at_end(true);
        }
        if seconds >= self.moments[last] {
            return last as f64 + (seconds - self.moments[last]) / self.quarter_at_end(false);
        }
        let index = self.moments.partition_point(|moment| *moment <= seconds) - 1;
        index as f64 + (seconds - self.moments[index]) / (self.moments[index + 1] - self.moments[index])
    }

    /// Seconds from one quarter to the next.
    pub fn length_of(&self, quarter: i64) -> f64 {
        self.seconds_at((quarter + 1) as f64) - self.seconds_at(quarter as f64)
    }

    /// The last quarter that begins a bar at or before one.
    pub fn bar_at(&self, quarter: f64) -> i64 {
        let bars = ((quarter - self.downbeat as f64) / self.quarters_per_bar as f64).floor() as i64;
        self.downbeat + bars * self.quarters_per_bar
    }

    pub const fn quarters_per_bar(&self) -> i64 {
        self.quarters_per_bar
    }
}

/// Each beat by a straight line through those around it, the nearer ones counting for more (local linear regression with a
/// Gaussian kernel: W. Cleveland, "Robust locally weighted regression", JASA 74, 1979, without the robust part).
fn smoothed(beats: &[f64]) -> Vec<f64> {
    let reach = (3.0 * SMOOTHING_QUARTERS) as usize;
    let mut smooth: Vec<f64> = (0..beats.len())
        .map(|at| {
            let (mut sum, mut sum_x, mut sum_y, mut sum_xx, mut sum_xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
            for (index, moment) in beats.iter().enumerate().take(at + reach + 1).skip(at.saturating_sub(reach)) {
                let x = index as f64 - at as f64;
                let weight = (-0.5 * (x / SMOOTHING_QUARTERS).powi(2)).exp();
                sum += weight;
                sum_x += weight * x;
                sum_y += weight * moment;
                sum_xx += weight * x * x;
                sum_xy += weight * x * moment;
            }
            let determinant = sum * sum_xx - sum_x * sum_x;
            if determinant.abs() < 1e-12 { beats[at] } else { (sum_y * sum_xx - sum_x * sum_xy) / determinant }
        })
        .collect();
    // A smoothed map of rising beats rises; of one that leaps it need not.
    for index in 1..smooth.len() {
        smooth[index] = smooth[index].max(smooth[index - 1] + 0.04);
    }
    smooth
}

#[cfg(test)]
mod tests {
    use music::Rhythm;

    use super::*;

    fn melody(beats: Vec<f64>) -> Melody {
        let rhythm = Rhythm { beats_seconds: beats, downbeat: 1, tempo_confidence: 0.9, ..Rhythm::default() };
        Melody { rhythm, ..Melody::default() }
    }

    #[test]
    fn quarters_go_on_before_and_after() {
        let beats = SungBeats::of(&melody(vec![1.0, 1.5, 2.0, 2.5, 3.0]), Beat::Follow);
        assert!((beats.bpm() - 120.0).abs() < 1e-9);
        for (quarter, seconds) in [(-2.0, 0.0), (0.0, 1.0), (0.5, 1.25), (4.0, 3.0), (6.5, 4.25)] {
            assert!((beats.seconds_at(quarter) - seconds).abs() < 1e-9, "{quarter}");
            assert!((beats.quarters_at(seconds) - quarter).abs() < 1e-9, "{seconds}");
        }
        assert_eq!([0.9, 1.0, 4.9, 5.0].map(|quarter| beats.bar_at(quarter)), [-3, 1, 1, 5]);
    }

    #[test]
    fn rubato_is_followed_and_strays_are_not() {
        // From 60 to 100 bpm over forty beats, each up to 40 ms early or late.
        let mut dice = 3u32;
        let (mut now, mut true_beats, mut stray) = (0.5, Vec::new(), Vec::new());
        for beat in 0..40 {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            true_beats.push(now);
            stray.push(now + 0.08 * (f64::from(dice >> 8) / f64::from(1 << 24) - 0.5));
            now += 60.0 / (60.0 + f64::from(beat));
        }
        let beats = SungBeats::of(&melody(stray.clone()), Beat::Follow);
        let error =
            |of: &dyn Fn(usize) -> f64| (0..40).map(|beat| (of(beat) - true_beats[beat]).abs()).sum::<f64>() / 40.0;
        let followed = error(&|beat| beats.seconds_at(beat as f64));
        assert!(followed < 0.015 && followed < 0.7 * error(&|beat| stray[beat]), "{followed}");
    }

    #[test]
    fn without_beats_the_first_note_is_one() {
        let mut hum = melody(Vec::new());
        hum.rhythm.downbeat = 0;
        hum.tempo_bpm = 90.0;
        hum.notes = vec![music::Note {
            onset_seconds: 0.7,
            duration_seconds: 1.0,
            pitch: music::MidiPitch::new(60),
            cents: 0.0,
            velocity: 80,
        }];
        let beats = SungBeats::of(&hum, Beat::Follow);
        assert_eq!(beats.quarters_at(0.7), 0.0);
        assert!((beats.bpm() - 90.0).abs() < 1e-9);
    }
}
