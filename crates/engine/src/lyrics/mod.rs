//! Lyrics that fit the notes.
