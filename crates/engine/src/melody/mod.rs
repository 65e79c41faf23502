//! From an F0 contour to notes, phrases, key and tempo.
