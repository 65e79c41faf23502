//! What plays under the voice: chords, a band, or music of somebody else.

use std::borrow::Cow;

use music::{
    Accompaniment, Melody,
    harmony::{self, ChordSpan, Part},
};

use crate::{band::Arranged, played::PlayedBacking};

/// What plays under the voice.
#[derive(Debug)]
pub enum Backing {
    Chords(Accompaniment),
    /// A band, which has moved the melody into the time of its song.
    Band(Box<Arranged>),
    /// Music that came as sound, in the time of the same song; its notes are nobody's to know.
    Sound(Box<PlayedBacking>),
}

impl Backing {
    /// In the melody's seconds, where they are known.
    pub fn chords(&self) -> &[ChordSpan] {
        match self {
            Self::Chords(accompaniment) => &accompaniment.chords,
            Self::Band(arranged) => &arranged.band.chords,
            Self::Sound(_) => &[],
        }
    }

    pub fn parts(&self) -> Cow<'_, [Part]> {
        match self {
            Self::Chords(accompaniment) => Cow::Borrowed(&accompaniment.parts),
            Self::Band(arranged) => Cow::Owned(arranged.band.parts()),
            Self::Sound(_) => Cow::Borrowed(&[]),
        }
    }

    /// Share (0–1) of the sung time in which the note belongs to its chord; `None` where the chords are not known.
    pub fn consonance(&self, melody: &Melody) -> Option<f64> {
        match self {
            Self::Chords(_) | Self::Band(_) => Some(harmony::consonance(melody, self.chords())),
            Self::Sound(_) => None,
        }
    }
}
