//! A sentence into music, by rules. Pure: no IO, no clock; the same sentence, options and seed give the same notes.
//!
//! [`understand()`] reads what a sentence asks for and says what it did not understand. [`compose()`] makes a song of it: a band of
//! five parts in one of 24 styles, of exactly the length that was asked for, with an ending.

mod accompany;
pub mod asked;
mod band;
mod brief;
mod chart;
mod chord;
mod clock;
mod compose;
mod composition;
mod dice;
mod ending;
mod error;
mod form;
mod gm;
mod instrument;
mod length;
mod limits;
pub mod measure;
mod melody;
mod options;
mod perform;
mod plan;
mod players;
mod role;
mod spec;
mod style;
mod understand;
mod wishes;
mod write;

pub use accompany::{Accompanied, BandWish, accompany};
pub use chart::{ChartBar, ChartError, ChartProblem, ChordChart, MOST_CHART_BARS, MOST_CHART_BYTES};
pub use chord::{Chord, Quality};
pub use compose::compose;
pub use composition::{ChordSpan, Composition, Effective, Player, Section, SectionKind};
pub use error::ComposeError;
pub use instrument::{Decay, Instrument, UnknownInstrument, decay};
pub use limits::{LEAST_BPM, LEAST_SECONDS, MOST_BPM, MOST_SECONDS};
pub use options::Options;
pub use role::{LineNote, Role, TICKS_PER_QUARTER};
pub use style::{Style, UnknownStyle};
pub use understand::{Understanding, Understood, understand};
pub use wishes::{Era, Form, InvalidForm, Mood, UnknownMood};
