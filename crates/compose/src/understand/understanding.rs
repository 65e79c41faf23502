//! What was read of a sentence.

use domain::options::Language;
use music::Mode;
use serde::{Deserialize, Serialize};

use crate::{
    genre::Genre,
    instrument::Instrument,
    role::Role,
    style::Style,
    wishes::{Era, Form, Mood},
};

/// What a sentence asks for. Everything may be absent: then style and seed decide.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Understanding {
    pub style: Option<Style>,
    /// What the style stands in for, if the genre that is named has none of its own.
    #[serde(default)]
    pub genre: Option<Genre>,
    pub mood: Option<Mood>,
    /// Said as a number.
    pub tempo_bpm: Option<f64>,
    /// Said as a word: −1 (slow) to 1 (fast).
    pub pace: Option<f64>,
    /// Pitch class of the key, 0 = C.
    pub tonic: Option<u8>,
    pub mode: Option<Mode>,
    pub instruments: Vec<Instrument>,
    /// Instruments and parts that are not wanted.
    pub without_instruments: Vec<Instrument>,
    pub without: Vec<Role>,
    /// Nobody plays but the instruments that are named.
    #[serde(default)]
    pub alone: bool,
    /// Plays the melody; one of the instruments.
    #[serde(default)]
    pub lead: Option<Instrument>,
    /// 0 to 1.
    pub energy: Option<f64>,
    pub era: Option<Era>,
    pub form: Option<Form>,
    pub seconds: Option<f64>,
    pub instrumental: Option<bool>,
    /// Of the words, if any are sung: as is said, else that of the sentence where it is not English.
    #[serde(default)]
    pub language: Option<Language>,
    /// What the song is about; nothing is read from it.
    pub topic: Option<String>,
    /// In the order of the sentence.
    pub understood: Vec<Understood>,
    /// Words that meant nothing to the composer.
    pub not_understood: Vec<String>,
    /// Wishes that contradict each other, and what is done about it.
    pub conflicts: Vec<String>,
}

/// Some words of the sentence and what they were taken for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Understood {
    pub words: String,
    /// Such as `style: bossa` or `no drums`.
    pub meaning: String,
}
