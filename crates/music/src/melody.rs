//! A melody as it was sung: the F0 contour, the notes in it, and the phrases they form. Times are seconds from the
//! start of the recording.

use serde::{Deserialize, Serialize};

use crate::{key::Key, pitch::MidiPitch};

/// One moment of an F0 contour.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct PitchFrame {
    /// Best guess in Hz, also where unvoiced; 0 when there is no guess.
    pub hz: f32,
    /// How sure it is that a pitched voice sounds here, 0–1.
    pub confidence: f32,
    pub voiced: bool,
}

/// F0 over time, at a fixed hop. Frame `i` is centred on `i * hop_seconds`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PitchTrack {
    pub hop_seconds: f64,
    pub frames: Vec<PitchFrame>,
}

impl PitchTrack {
    /// The frame nearest to a moment, or `None` outside the track.
    pub fn at(&self, seconds: f64) -> Option<&PitchFrame> {
        if seconds < 0.0 {
            return None;
        }
        self.frames.get((seconds / self.hop_seconds).round() as usize)
    }

    pub fn duration_seconds(&self) -> f64 {
        self.frames.len() as f64 * self.hop_seconds
    }
}

/// One sung note.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Note {
    pub onset_seconds: f64,
    pub duration_seconds: f64,
    pub pitch: MidiPitch,
    /// Distance of the sung median from the tempered pitch, −100 to 100 cents. Notes are named after the tuning of the
    /// whole recording, so all of them may lie to one side.
    pub cents: f64,
    /// 1–127, from the loudness of the recording.
    pub velocity: u8,
}

impl Note {
    pub fn end_seconds(&self) -> f64 {
        self.onset_seconds + self.duration_seconds
    }

    /// The sung pitch as a fractional MIDI number.
    pub fn sung_midi(&self) -> f64 {
        f64::from(self.pitch.number()) + self.cents / 100.0
    }
}

/// A run of notes between breaths: `notes[start..end]` of its melody. One line of lyrics is sung to one phrase.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Phrase {
    pub start: usize,
    pub end: usize,
}

impl Phrase {
    pub const fn note_count(&self) -> usize {
        self.end - self.start
    }
}

/// Everything that was understood about a recorded melody.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Melody {
    /// Length of the recording.
    pub duration_seconds: f64,
    pub track: PitchTrack,
    /// In order of onset, not overlapping.
    pub notes: Vec<Note>,
    /// Cover all notes, in order.
    pub phrases: Vec<Phrase>,
    pub key: Key,
    /// Beats per minute, 40–240.
    pub tempo_bpm: f64,
}

impl Melody {
    pub fn phrase_notes(&self, phrase: &Phrase) -> &[Note] {
        &self.notes[phrase.start..phrase.end]
    }
}
