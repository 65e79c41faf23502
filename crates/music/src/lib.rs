//! Pure music: pitch, notes, phrases, keys and MIDI out. No IO, no audio samples.

pub mod key;
pub mod melody;
pub mod midi;
pub mod pitch;

pub use key::{Key, Mode};
pub use melody::{Melody, Note, Phrase, PitchFrame, PitchTrack};
pub use pitch::{MidiPitch, cents_between, hz_to_midi, midi_to_hz};
