//! From a recording to notes, phrases, key and tempo.
//!
//! Everything here is exact search over small models: no training, no chance, the same answer every time. It reads one
//! voice and never invents a note where nothing was sung.

mod echo;
mod key;
mod loudness;
mod phrases;
mod segment;
mod tempo;
mod tremolo;
mod vibrato;

use music::{Melody, MidiPitch, Note, PitchTrack, hz_to_midi};

use crate::{
    error::PitchError,
    f0::{F0Tracker, YinTracker},
};
use loudness::Loudness;

/// Less singing than this in the whole recording is no melody.
const LEAST_SUNG_SECONDS: f64 = 0.25;
/// Share of the work that goes into tracking.
const TRACKING_SHARE: f64 = 0.9;

/// Understands a recorded melody: mono samples, 8 to 192 kHz. `progress` is called with shares done, 0 to 1.
///
/// # Errors
/// [`PitchError::NoMelody`] when nothing was sung or hummed; [`PitchError::SampleRate`] outside the range.
pub fn extract_melody(
    samples: &[f32],
    sample_rate_hz: u32,
    progress: &mut dyn FnMut(f64),
) -> Result<Melody, PitchError> {
    extract_melody_with(&YinTracker::default(), samples, sample_rate_hz, progress)
}

/// [`extract_melody`] with a tracker of one's own.
///
/// # Errors
/// As [`extract_melody`].
pub fn extract_melody_with(
    tracker: &dyn F0Tracker,
    samples: &[f32],
    sample_rate_hz: u32,
    progress: &mut dyn FnMut(f64),
) -> Result<Melody, PitchError> {
    let (track, out_of_range) =
        tracker.track_in_range(samples, sample_rate_hz, &mut |share| progress(share * TRACKING_SHARE))?;
    let loudness = Loudness::measure(samples, sample_rate_hz, track.hop_seconds, track.frames.len());
    let duration_seconds = samples.len() as f64 / f64::from(sample_rate_hz);
    let notes = find_notes(&track, &loudness, duration_seconds);

    let sung_seconds: f64 = notes.iter().map(|note| note.duration_seconds).sum();
    if sung_seconds < LEAST_SUNG_SECONDS {
        let voiced = track.frames.iter().filter(|frame| frame.voiced).count();
        let voiced_seconds = voiced as f64 * track.hop_seconds;
        return Err(PitchError::NoMelody {
            voiced_seconds,
            duration_seconds,
            notes: notes.len(),
            outside: out_of_range,
        });
    }
    let phrases = phrases::find(&notes);
    let key = key::estimate(&notes, &phrases);
    let tempo::Tempo { bpm: tempo_bpm, confidence, alternatives_bpm: tempo_alternatives_bpm } = tempo::estimate(&notes);
    let rhythm = music::rhythm::estimate(&notes, &phrases, tempo_bpm, confidence);
    progress(1.0);
    Ok(Melody {
        duration_seconds,
        track,
        notes,
        phrases,
        key,
        tempo_bpm,
        tempo_alternatives_bpm,
        rhythm,
        uncorrected: None,
        out_of_range,
    })
}

/// Notes named after the tuning that the singer kept, which need not be that of a piano.
fn find_notes(track: &PitchTrack, loudness: &Loudness, duration_seconds: f64) -> Vec<Note> {
    let contour: Vec<Option<f32>> = track
        .frames
        .iter()
        .map(|frame| (frame.voiced && frame.hz > 0.0).then(|| hz_to_midi(f64::from(frame.hz)) as f32))
        .collect();
    let contour = vibrato::steadied(&contour);
    let spans = segment::segment(&contour, &loudness.articulation(&contour));
    let spans = echo::without_tails(spans, loudness);
    let tuning = tuning_semitones(&spans);
    let reference_db = loudness.reference_db(&spans);
    let hop = track.hop_seconds;
    spans
        .iter()
        .map(|span| {
            let sung = f64::from(span.midi);
            let pitch = MidiPitch::nearest(sung - tuning);
            // A frame covers half a hop on each side of its centre.
            let onset_seconds = ((span.start as f64 - 0.5) * hop).max(0.0);
            let end_seconds = ((span.end as f64 - 0.5) * hop).min(duration_seconds);
            Note {
                onset_seconds,
                duration_seconds: end_seconds - onset_seconds,
                pitch,
                cents: (sung - f64::from(pitch.number())) * 100.0,
                velocity: loudness.velocity(span, reference_db),
            }
        })
        .filter(|note| note.duration_seconds > 0.0)
        .collect()
}

/// How far the singer's notes lie above the tempered ones, −0.5 to 0.5 semitones: the circular mean of the distances,
/// weighted by length. 0 where the notes do not agree on any tuning.
fn tuning_semitones(spans: &[segment::Span]) -> f64 {
    const LEAST_AGREEMENT: f64 = 0.3;
    let (mut x, mut y, mut weight) = (0.0, 0.0, 0.0);
    for span in spans {
        let (sin, cos) = (std::f64::consts::TAU * f64::from(span.midi)).sin_cos();
        let frames = (span.end - span.start) as f64;
        x += frames * cos;
        y += frames * sin;
        weight += frames;
    }
    if x.hypot(y) < LEAST_AGREEMENT * weight { 0.0 } else { y.atan2(x) / std::f64::consts::TAU }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(midi: f32) -> segment::Span {
        segment::Span { start: 0, end: 20, midi }
    }

    #[test]
    fn a_singer_between_the_keys_keeps_the_intervals() {
        let spans = [span(60.45), span(62.55), span(64.5), span(65.4)];
        let tuning = tuning_semitones(&spans);
        assert!((tuning.abs() - 0.475).abs() < 0.05, "{tuning}");
        let named: Vec<u8> = spans.iter().map(|s| MidiPitch::nearest(f64::from(s.midi) - tuning).number()).collect();
        assert_eq!(named.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>(), [2, 2, 1]);
    }

    #[test]
    fn notes_that_agree_on_nothing_have_no_tuning() {
        assert_eq!(tuning_semitones(&[span(60.0), span(60.25), span(60.5), span(60.75)]), 0.0);
    }
}
