//! Standard MIDI files out.
