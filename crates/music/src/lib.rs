//! Pure music: pitch, notes, phrases, keys, rhythm, corrections, harmony, MIDI in and out, MusicXML out. No IO, no audio samples.

pub mod analysis;
pub mod breath;
pub mod correct;
pub mod harmony;
pub mod key;
pub mod key_profile;
pub mod melody;
mod meter;
pub mod midi;
pub mod musicxml;
pub mod pitch;
pub mod rhythm;
pub mod score;
pub mod smf;
pub mod xml;

pub use analysis::{Analysis, analyse};
pub use correct::Corrections;
pub use harmony::{Accompaniment, Chord, ChordSpan};
pub use key::{Key, Mode};
pub use melody::{Melody, Note, OutOfRange, Phrase, PitchFrame, PitchTrack, Range};
pub use meter::{Meter, Rhythm};
pub use pitch::{MidiPitch, cents_between, hz_to_midi, midi_to_hz};
pub use rhythm::BeatGrid;
pub use score::Score;
