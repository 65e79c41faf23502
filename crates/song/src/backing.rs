//! What plays under the voice: chords, or a band.

use std::borrow::Cow;

use music::{
    Accompaniment, Melody,
    harmony::{self, ChordSpan, Part},
};

use crate::band::Arranged;

/// What plays under the voice.
#[derive(Clone, PartialEq, Debug)]
pub enum Backing {
    Chords(Accompaniment),
    /// A band, which has moved the melody into the time of its song.
    Band(Box<Arranged>),
}

impl Backing {
    /// In the melody's seconds.
    pub fn chords(&self) -> &[ChordSpan] {
        match self {
            Self::Chords(accompaniment) => &accompaniment.chords,
            Self::Band(arranged) => &arranged.band.chords,
        }
    }

    pub fn parts(&self) -> Cow<'_, [Part]> {
        match self {
            Self::Chords(accompaniment) => Cow::Borrowed(&accompaniment.parts),
            Self::Band(arranged) => Cow::Owned(arranged.band.parts()),
        }
    }

    /// Share (0–1) of the sung time in which the note belongs to its chord.
    pub fn consonance(&self, melody: &Melody) -> f64 {
        harmony::consonance(melody, self.chords())
    }
}
