//! A melody as it was sung: the F0 contour, the notes in it, and the phrases they form. Times are seconds from the
//! start of the recording.

use serde::{Deserialize, Serialize};

use crate::{
    key::{Key, Mode},
    meter::Rhythm,
    pitch::MidiPitch,
};

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

/// How long a recording sounds above and below the range of the tracker that listened to it.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct OutOfRange {
    pub above_seconds: f64,
    pub below_seconds: f64,
    /// The range, in Hz.
    pub lowest_hz: f64,
    pub highest_hz: f64,
}

impl OutOfRange {
    /// Less than this is a squeak or a thump, and nothing that anybody meant.
    const LEAST_SECONDS: f64 = 0.2;

    pub fn is_silent(&self) -> bool {
        self.above_seconds.max(self.below_seconds) < Self::LEAST_SECONDS
    }

    /// What to tell whoever recorded it, one sentence for each side.
    pub fn warnings(&self) -> Vec<String> {
        let Self { above_seconds, below_seconds, lowest_hz, highest_hz } = self;
        let mut warnings = Vec::new();
        if *above_seconds >= Self::LEAST_SECONDS {
            warnings.push(format!(
                "{above_seconds:.1} s of the recording are higher than {highest_hz:.0} Hz, the highest pitch that is \
                 followed, and were left out: whistle or sing lower."
            ));
        }
        if *below_seconds >= Self::LEAST_SECONDS {
            warnings.push(format!(
                "{below_seconds:.1} s of the recording are lower than {lowest_hz:.0} Hz, the lowest pitch that is \
                 followed, and may be an octave off: hum or play higher."
            ));
        }
        warnings
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
    /// Quarter notes per minute, 20–300.
    pub tempo_bpm: f64,
    /// Half or twice the tempo where the notes could as well be read so, the likelier first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tempo_alternatives_bpm: Vec<f64>,
    /// Beats, bars and how sure they are; without beats in melodies from before it was known.
    #[serde(default)]
    pub rhythm: Rhythm,
    /// The notes as they were sung, where [`crate::correct::apply`] has changed `notes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncorrected: Option<Vec<Note>>,
    /// What sounded where the tracker finds no pitch.
    #[serde(default, skip_serializing_if = "OutOfRange::is_silent")]
    pub out_of_range: OutOfRange,
}

/// No notes, C major, 120 to the minute: to fill in what a made melody does not say.
impl Default for Melody {
    fn default() -> Self {
        Self {
            duration_seconds: 0.0,
            track: PitchTrack { hop_seconds: 0.01, frames: Vec::new() },
            notes: Vec::new(),
            phrases: Vec::new(),
            key: Key { tonic: 0, mode: Mode::Major, confidence: 0.0 },
            tempo_bpm: 120.0,
            tempo_alternatives_bpm: Vec::new(),
            rhythm: Rhythm::default(),
            uncorrected: None,
            out_of_range: OutOfRange::default(),
        }
    }
}

/// Compass of a melody.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Range {
    pub lowest: MidiPitch,
    pub highest: MidiPitch,
    /// Where the voice mostly lies: the lowest and highest pitch of the middle 80 % of the sung time.
    pub tessitura: (MidiPitch, MidiPitch),
}

impl Melody {
    pub fn phrase_notes(&self, phrase: &Phrase) -> &[Note] {
        &self.notes[phrase.start..phrase.end]
    }

    /// The notes as they were sung, without corrections.
    pub fn sung_notes(&self) -> &[Note] {
        self.uncorrected.as_deref().unwrap_or(&self.notes)
    }

    /// `None` without notes.
    pub fn range(&self) -> Option<Range> {
        /// Share of the sung time that lies below the tessitura, and above it.
        const OUTSIDE: f64 = 0.1;
        let mut by_pitch: Vec<(MidiPitch, f64)> =
            self.notes.iter().map(|note| (note.pitch, note.duration_seconds.max(0.0))).collect();
        by_pitch.sort_by_key(|(pitch, _)| *pitch);
        let (lowest, highest) = (by_pitch.first()?.0, by_pitch.last()?.0);
        let total: f64 = by_pitch.iter().map(|(_, seconds)| seconds).sum();
        let reached = |share: f64| {
            let mut sum = 0.0;
            let found = by_pitch.iter().find(|(_, seconds)| {
                sum += seconds;
                sum >= share * total
            });
            found.map_or(highest, |(pitch, _)| *pitch)
        };
        Some(Range { lowest, highest, tessitura: (reached(OUTSIDE), reached(1.0 - OUTSIDE)) })
    }
}
