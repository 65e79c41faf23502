//! Pitch curves, cut where nothing sounds and thinned to what can be seen.

use music::{Melody, PitchTrack};

/// Points closer than this to the line between their neighbours are left out.
const TOLERANCE: f64 = 0.35;
/// A leap between two frames is drawn as a gap: no voice goes a fourth in 10 ms.
const LEAP_RATIO: f64 = 1.33;
/// Shorter runs are specks.
const LEAST_FRAMES: usize = 3;

/// Voiced stretches between two moments, as (seconds, Hz).
pub(super) fn voiced_runs(track: &PitchTrack, start: f64, end: f64) -> Vec<Vec<(f64, f64)>> {
    let mut runs: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    for (index, frame) in track.frames.iter().enumerate() {
        let time = index as f64 * track.hop_seconds;
        if time < start || time > end {
            continue;
        }
        let hz = f64::from(frame.hz);
        let sounds = frame.voiced && hz > 0.0 && hz.is_finite();
        let leaps = |&(_, before): &(f64, f64)| hz / before > LEAP_RATIO || before / hz > LEAP_RATIO;
        if (!sounds || runs.last().and_then(|run| run.last()).is_some_and(leaps))
            && runs.last().is_some_and(|run| !run.is_empty())
        {
            runs.push(Vec::new());
        }
        if sounds && let Some(run) = runs.last_mut() {
            run.push((time, hz));
        }
    }
    runs.retain(|run| run.len() >= LEAST_FRAMES);
    runs
}

/// A performance moved by whole octaves to where the notes are: a voice of another register is compared by its shape.
pub(super) fn in_octave_of(sung: &PitchTrack, melody: &Melody) -> PitchTrack {
    let mut apart: Vec<f64> = melody
        .notes
        .iter()
        .filter_map(|note| {
            let frame = sung.at(note.onset_seconds + note.duration_seconds / 2.0)?;
            (frame.voiced && frame.hz > 0.0).then(|| (f64::from(frame.hz) / note.pitch.hz()).log2())
        })
        .collect();
    apart.sort_by(f64::total_cmp);
    let octaves = apart.get(apart.len() / 2).copied().unwrap_or(0.0).round();
    let mut moved = sung.clone();
    moved.frames.iter_mut().for_each(|frame| frame.hz *= (-octaves).exp2() as f32);
    moved
}

/// The curve with fewer points (U. Ramer 1972; D. Douglas and T. Peucker 1973), without recursion.
pub(super) fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() < 3 {
        return points.to_vec();
    }
    let mut keep = vec![false; points.len()];
    keep[0] = true;
    keep[points.len() - 1] = true;
    let mut open = vec![(0, points.len() - 1)];
    while let Some((from, to)) = open.pop() {
        let ((x0, y0), (x1, y1)) = (points[from], points[to]);
        // Distance in height: the curve is a function of time.
        let off = |at: usize| {
            let (x, y) = points[at];
            (y - (y0 + (y1 - y0) * (x - x0) / (x1 - x0).max(1e-9))).abs()
        };
        let farthest = (from + 1..to).max_by(|&a, &b| off(a).total_cmp(&off(b)));
        if let Some(at) = farthest.filter(|&at| off(at) > TOLERANCE) {
            keep[at] = true;
            open.extend([(from, at), (at, to)]);
        }
    }
    points.iter().zip(keep).filter(|(_, keep)| *keep).map(|(point, _)| *point).collect()
}

#[cfg(test)]
mod tests {
    use music::{MidiPitch, Note, PitchFrame};

    use super::*;

    #[test]
    fn a_voice_an_octave_up_is_drawn_over_the_notes() {
        let note =
            Note { onset_seconds: 0.0, duration_seconds: 0.1, pitch: MidiPitch::new(57), cents: 0.0, velocity: 90 };
        let melody = Melody { notes: vec![note], ..Melody::default() };
        let sung =
            |hz| PitchTrack { hop_seconds: 0.01, frames: vec![PitchFrame { hz, confidence: 1.0, voiced: true }; 10] };
        for (hz, drawn) in [(446.0, 223.0), (223.0, 223.0), (112.0, 224.0)] {
            assert!((in_octave_of(&sung(hz), &melody).frames[5].hz - drawn).abs() < 0.1);
        }
        assert_eq!(in_octave_of(&sung(446.0), &Melody::default()), sung(446.0));
    }

    #[test]
    fn a_straight_line_needs_two_points_and_a_bend_keeps_its_corner() {
        let line: Vec<(f64, f64)> = (0..50).map(|i| (f64::from(i), 2.0 * f64::from(i))).collect();
        assert_eq!(thinned(&line).len(), 2);
        let bend: Vec<(f64, f64)> = (0i32..51).map(|i| (f64::from(i), f64::from((i - 25).abs()))).collect();
        assert_eq!(thinned(&bend), [(0.0, 25.0), (25.0, 0.0), (50.0, 25.0)]);
    }

    #[test]
    fn runs_end_at_silence_and_at_leaps() {
        let frame = |hz: f32| PitchFrame { hz, confidence: 1.0, voiced: hz > 0.0 };
        let hz = [220.0, 220.0, 220.0, 0.0, 220.0, 222.0, 224.0, 448.0, 448.0, 448.0, 448.0, 0.0, 300.0];
        let track = PitchTrack { hop_seconds: 0.01, frames: hz.map(frame).to_vec() };
        assert_eq!(voiced_runs(&track, 0.0, 1.0).iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 4]);
        assert_eq!(voiced_runs(&track, 0.035, 0.065).iter().map(Vec::len).collect::<Vec<_>>(), [3]);
    }
}
