//! What a musician may want put right in a hummed melody: wrong notes, an unsteady beat, the key it lies in.
//!
//! Only the notes change. The track stays as it was recorded, and the notes as they were sung are kept beside the
//! corrected ones, so every correction starts from them and none adds up with the one before.

use serde::{Deserialize, Serialize};

use crate::{
    key::{Key, Mode},
    melody::{Melody, Note, PitchTrack},
    pitch::MidiPitch,
    rhythm::BeatGrid,
};

/// Where onsets may be moved to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Grid {
    #[serde(rename = "1/4")]
    Quarter,
    #[serde(rename = "1/8")]
    Eighth,
    #[serde(rename = "1/16")]
    Sixteenth,
    /// Three to the quarter.
    #[serde(rename = "1/8t")]
    EighthTriplet,
}

impl Grid {
    const fn steps_per_quarter(self) -> f64 {
        match self {
            Self::Quarter => 1.0,
            Self::Eighth => 2.0,
            Self::Sixteenth => 4.0,
            Self::EighthTriplet => 3.0,
        }
    }
}

/// Onsets towards a grid of the melody's own beats.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Quantise {
    pub grid: Grid,
    /// 0 moves nothing, 1 moves all the way.
    #[serde(default = "all_the_way")]
    pub strength: f64,
}

const fn all_the_way() -> f64 {
    1.0
}

/// Options; the default corrects nothing.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Corrections {
    /// Notes outside the key go to the nearest one inside (in minor, the raised sixth and seventh are inside).
    pub snap_to_key: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantise: Option<Quantise>,
    /// −24 to 24.
    pub transpose_semitones: i8,
    /// Whole octaves, −3 to 3.
    pub octave: i8,
}

/// Why corrections cannot be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CorrectionError {
    Transposition,
    Octave,
    Strength,
}

impl std::fmt::Display for CorrectionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Transposition => "transpose_semitones must be between -24 and 24",
            Self::Octave => "octave must be between -3 and 3",
            Self::Strength => "the strength of quantise must be between 0 and 1",
        })
    }
}

impl std::error::Error for CorrectionError {}

impl Corrections {
    pub fn is_empty(&self) -> bool {
        let moves = self.quantise.is_some_and(|quantise| quantise.strength > 0.0);
        !self.snap_to_key && !moves && self.transpose_semitones == 0 && self.octave == 0
    }

    /// # Errors
    /// The first value that is out of its range.
    pub fn check(&self) -> Result<(), CorrectionError> {
        if !(-24..=24).contains(&self.transpose_semitones) {
            return Err(CorrectionError::Transposition);
        }
        if !(-3..=3).contains(&self.octave) {
            return Err(CorrectionError::Octave);
        }
        if self.quantise.is_some_and(|quantise| !(0.0..=1.0).contains(&quantise.strength)) {
            return Err(CorrectionError::Strength);
        }
        Ok(())
    }
}

/// A note keeps at least this, or half of the way to the next onset where that is less.
const LEAST_NOTE_SECONDS: f64 = 0.06;
/// A note that ends this near to the next onset is sung into it.
const LEGATO_GAP_SECONDS: f64 = 0.08;

/// The melody with its sung notes corrected: as many notes as before, in the same order, none empty and none
/// overlapping, under the same phrases. Corrections of an already corrected melody replace the old ones.
///
/// # Errors
/// As [`Corrections::check`].
pub fn apply(melody: &Melody, corrections: &Corrections) -> Result<Melody, CorrectionError> {
    corrections.check()?;
    let sung = restored(melody);
    if corrections.is_empty() || sung.notes.is_empty() {
        return Ok(sung);
    }
    let mut notes = sung.notes.clone();
    if corrections.snap_to_key {
        notes.iter_mut().for_each(|note| snap(note, &sung.key));
    }
    if let Some(quantise) = corrections.quantise {
        move_onsets(&mut notes, &BeatGrid::of(&sung), quantise, sung.duration_seconds);
    }
    let shift = fitting_shift(&notes, i32::from(corrections.transpose_semitones) + 12 * i32::from(corrections.octave));
    for note in &mut notes {
        note.pitch = MidiPitch::new((i32::from(note.pitch.number()) + shift).clamp(0, 127) as u8);
    }
    let tonic = (i32::from(sung.key.tonic) + shift).rem_euclid(12) as u8;
    Ok(Melody { key: Key { tonic, ..sung.key }, uncorrected: Some(sung.notes.clone()), notes, ..sung })
}

/// The melody before any correction. The key moves back by what the first note was transposed less its snap: a
/// correction moves every note by one interval, so the most common one is it.
fn restored(melody: &Melody) -> Melody {
    let Some(sung) = melody.uncorrected.clone() else { return melody.clone() };
    let mut shifts: Vec<i32> = melody
        .notes
        .iter()
        .zip(&sung)
        .map(|(now, before)| i32::from(now.pitch.number()) - i32::from(before.pitch.number()))
        .collect();
    shifts.sort_unstable();
    let shift = shifts.get(shifts.len() / 2).copied().unwrap_or(0);
    let tonic = (i32::from(melody.key.tonic) - shift).rem_euclid(12) as u8;
    Melody { key: Key { tonic, ..melody.key }, notes: sung, uncorrected: None, ..melody.clone() }
}

/// Pitch classes above the tonic that belong to a mode.
fn in_scale(mode: Mode, above_tonic: u8) -> bool {
    match mode {
        Mode::Major => matches!(above_tonic, 0 | 2 | 4 | 5 | 7 | 9 | 11),
        Mode::Minor => matches!(above_tonic, 0 | 2 | 3 | 5 | 7 | 8 | 9 | 10 | 11),
    }
}

/// To the pitch of the key that is nearest to what was sung.
fn snap(note: &mut Note, key: &Key) {
    let inside = |number: i32| in_scale(key.mode, (number - i32::from(key.tonic)).rem_euclid(12) as u8);
    let number = i32::from(note.pitch.number());
    if inside(number) {
        return;
    }
    // In both modes a neighbour of every pitch outside is inside.
    let sharp = note.cents >= 0.0;
    let nearest = [number + if sharp { 1 } else { -1 }, number + if sharp { -1 } else { 1 }];
    if let Some(found) = nearest.into_iter().find(|&n| (0..=127).contains(&n) && inside(n)) {
        note.pitch = MidiPitch::new(found as u8);
        note.cents = 0.0;
    }
}

/// A shift that keeps all notes in MIDI's range, an octave nearer where it would not.
fn fitting_shift(notes: &[Note], wanted: i32) -> i32 {
    let numbers = || notes.iter().map(|note| i32::from(note.pitch.number()));
    let (lowest, highest) = (numbers().min().unwrap_or(60), numbers().max().unwrap_or(60));
    let mut shift = wanted;
    while shift > 0 && highest + shift > 127 {
        shift -= 12;
    }
    while shift < 0 && lowest + shift < 0 {
        shift += 12;
    }
    shift
}

/// Each onset to the nearest step of the grid; notes that share a nearest step divide the way to the next step evenly,
/// so that an ornament stays one.
fn move_onsets(notes: &mut [Note], grid: &BeatGrid, quantise: Quantise, duration_seconds: f64) {
    let per_quarter = quantise.grid.steps_per_quarter();
    let sung: Vec<Note> = notes.to_vec();
    let nearest = |seconds: f64| (grid.quarters_at(seconds) * per_quarter).round().max(0.0);
    let at = |step: f64| grid.seconds_at(step / per_quarter);
    let steps: Vec<f64> = sung.iter().map(|note| nearest(note.onset_seconds)).collect();
    let mut first = 0;
    while first < notes.len() {
        let sharing = steps[first..].iter().take_while(|&&step| step == steps[first]).count();
        for index in 0..sharing {
            let meant = at(steps[first] + index as f64 / sharing as f64);
            let note = &mut notes[first + index];
            note.onset_seconds += quantise.strength * (meant - note.onset_seconds);
        }
        first += sharing;
    }
    for index in 0..notes.len() {
        let next = notes.get(index + 1).map(|next| next.onset_seconds);
        let was_end = sung[index].end_seconds();
        let is_legato = sung.get(index + 1).is_some_and(|after| after.onset_seconds - was_end < LEGATO_GAP_SECONDS);
        let end = match next {
            Some(next) if is_legato => next,
            _ => was_end + quantise.strength * (at(nearest(was_end)) - was_end),
        };
        let onset = notes[index].onset_seconds;
        let room = next.map_or(f64::INFINITY, |next| next - onset);
        let within = room.min((duration_seconds - onset).max(LEAST_NOTE_SECONDS));
        notes[index].duration_seconds = (end - onset).max(LEAST_NOTE_SECONDS.min(room / 2.0)).min(within);
    }
}

/// The sung F0 as the corrected notes want it: each note's stretch of the track moved to where the note went and
/// transposed with it, so that scoops and vibrato stay. The track itself where nothing was corrected.
pub fn corrected_track(melody: &Melody) -> PitchTrack {
    let Some(sung) = melody.uncorrected.as_deref().filter(|sung| sung.len() == melody.notes.len()) else {
        return melody.track.clone();
    };
    let hop = melody.track.hop_seconds;
    let corner = |notes: &[Note], index: usize| {
        let note = &notes[index / 2];
        if index.is_multiple_of(2) { note.onset_seconds } else { note.end_seconds() }
    };
    let corners = 2 * sung.len();
    let mut passed = 0;
    let frames = (0..melody.track.frames.len())
        .map(|frame| {
            let now = frame as f64 * hop;
            while passed < corners && corner(&melody.notes, passed) <= now {
                passed += 1;
            }
            // Between the corners around this moment time runs evenly; outside of all notes as it was.
            let was = match passed {
                0 => now - corner(&melody.notes, 0) + corner(sung, 0),
                p if p == corners => now - corner(&melody.notes, p - 1) + corner(sung, p - 1),
                p => {
                    let (from, to) = (corner(&melody.notes, p - 1), corner(&melody.notes, p));
                    let share = (now - from) / (to - from).max(1e-9);
                    corner(sung, p - 1) + share * (corner(sung, p) - corner(sung, p - 1))
                }
            };
            let index = passed.saturating_sub(1) / 2;
            let mut moved = melody.track.at(was).copied().unwrap_or(crate::melody::PitchFrame {
                hz: 0.0,
                confidence: 0.0,
                voiced: false,
            });
            let semitones = melody.notes[index].sung_midi() - sung[index].sung_midi();
            moved.hz *= (semitones / 12.0).exp2() as f32;
            moved
        })
        .collect();
    PitchTrack { hop_seconds: hop, frames }
}
