//! How far a song may bend and tune what it plays: what is sent to the player, and what a font is trimmed for.

/// Widest range of the pitch wheel that is obeyed.
pub(crate) const MOST_BEND_SEMITONES: u8 = 24;
/// Furthest that a channel may be tuned up or down.
pub(crate) const MOST_COARSE_SEMITONES: i8 = 24;
