//! The melody drawn for a musician.
