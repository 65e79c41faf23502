//! What a style plays, read from the tables under `styles/` (their format is explained in `styles/README.md`).

mod fit;
mod numeral;
mod parse;
mod pattern;

use std::{collections::BTreeMap, sync::LazyLock};

use music::{Meter, Mode};

pub use self::{
    numeral::Numeral,
    pattern::{Hit, Lanes, Line, Stroke},
};
use crate::{error::ComposeError, role::Role, style::Style};

/// Which of a part's patterns is played.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Slot {
    Intro,
    A,
    /// The fuller A.
    Full,
    B,
    Break,
    /// The last bar of a section, from its first stroke on.
    Fill,
    /// The bar before the last chord.
    Ending,
}

impl Slot {
    pub const ALL: [Self; 7] = [Self::Intro, Self::A, Self::Full, Self::B, Self::Break, Self::Fill, Self::Ending];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Intro => "intro",
            Self::A => "A",
            Self::Full => "full",
            Self::B => "B",
            Self::Break => "break",
            Self::Fill => "fill",
            Self::Ending => "ending",
        }
    }

    /// What is played where a part has nothing of its own for a slot. A break is silence then.
    const fn instead(self) -> Option<Self> {
        match self {
            Self::Full | Self::B => Some(Self::A),
            Self::Ending => Some(Self::Full),
            Self::Intro | Self::A | Self::Break | Self::Fill => None,
        }
    }
}

/// Progressions of one mode. A bar is one numeral or two.
#[derive(Clone, Debug, Default)]
pub struct Harmony {
    pub intro: Vec<Vec<Vec<Numeral>>>,
    pub a: Vec<Vec<Vec<Numeral>>>,
    pub b: Vec<Vec<Vec<Numeral>>>,
    /// The bar before the last chord.
    pub cadence: Vec<Vec<Vec<Numeral>>>,
    /// The last chord.
    pub last: Vec<Numeral>,
}

/// Which note values swing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SwingUnit {
    Eighths,
    Sixteenths,
}

/// How chords are laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Voicing {
    /// Three or four notes close together.
    Close,
    /// Without the root, which the bass has; for sevenths and ninths.
    Rootless,
    /// Root, fifth, octave.
    Power,
    /// Wide, over five or six notes, as on a guitar or harp.
    Wide,
}

/// Which notes a melody prefers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scale {
    Diatonic,
    Pentatonic,
    Blues,
}

/// A style's table.
#[derive(Clone, Debug)]
pub struct Spec {
    pub style: Style,
    /// Slowest, usual, fastest; quarters per minute.
    pub tempo: (f64, f64, f64),
    pub meter: Meter,
    /// Steps of a pattern in a quarter: 4, or 3 for triplets.
    pub steps_per_beat: u32,
    /// First of two to second; 1 is straight.
    pub swing: f64,
    pub swing_unit: SwingUnit,
    /// Looseness: milliseconds, velocity.
    pub human: (f64, f64),
    /// The usual mode, and how often it is the other where nobody says.
    pub mode: Mode,
    pub other_mode_share: f64,
    /// Last chord in seconds.
    pub hold: (f64, f64),
    /// Melody notes in a bar, least and most.
    pub density: (f64, f64),
    pub leap_share: f64,
    pub scale: Scale,
    /// Bars of a section.
    pub unit: u32,
    /// Velocity of the crash that opens fuller sections; 0 for none.
    pub crash: u8,
    pub voicing: Voicing,
    /// Between the strings of a strum, in milliseconds; 0 for keys.
    pub strum_ms: f64,
    /// Whether broken-chord notes are doubled an octave up, as in a montuno.
    pub octaves: bool,
    /// Whether snare and density build up before fuller sections.
    pub builds: bool,
    /// How much softer it begins than it ends, 0 to 1, over the whole song.
    pub crescendo: f64,
    /// Lowest and highest key by role.
    pub registers: [(u8, u8); Role::COUNT],
    /// General MIDI programs by role that a seed chooses from.
    pub programs: [Vec<u8>; Role::COUNT],
    /// Level by role, 0 to 127.
    pub volumes: [u8; Role::COUNT],
    pub major: Harmony,
    pub minor: Harmony,
    pub drums: BTreeMap<Slot, Vec<Lanes>>,
    pub bass: BTreeMap<Slot, Vec<Line>>,
    pub comping: BTreeMap<Slot, Vec<Line>>,
    pub pad: BTreeMap<Slot, Vec<Line>>,
    /// Rhythms of melody bars, and of bars that end a phrase.
    pub rhythms: Vec<Line>,
    pub closes: Vec<Line>,
}

impl Spec {
    /// # Errors
    ///
    /// [`ComposeError::Style`] if the table is broken, which a test rules out.
    pub fn of(style: Style) -> Result<&'static Self, ComposeError> {
        static SPECS: LazyLock<Vec<Result<Spec, ComposeError>>> =
            LazyLock::new(|| Style::ALL.into_iter().map(|style| parse::read(style, table(style))).collect());
        let missing = ComposeError::Style { style: style.name(), line: 0, problem: "it is not there".to_owned() };
        SPECS.get(style.index()).ok_or(missing)?.as_ref().map_err(Clone::clone)
    }

    pub const fn harmony(&self, mode: Mode) -> &Harmony {
        match mode {
            Mode::Major => &self.major,
            Mode::Minor => &self.minor,
        }
    }

    pub fn steps_per_bar(&self) -> u32 {
        self.steps_per_beat * self.meter.quarters_per_bar()
    }
}

/// The patterns for a slot, or for the one that stands in for it.
pub fn patterns<T>(of: &BTreeMap<Slot, Vec<T>>, slot: Slot) -> &[T] {
    let mut slot = Some(slot);
    while let Some(wanted) = slot {
        if let Some(found) = of.get(&wanted) {
            return found;
        }
        slot = wanted.instead();
    }
    &[]
}

const fn table(style: Style) -> &'static str {
    match style {
        Style::Pop => include_str!("../styles/pop.style"),
        Style::Rock => include_str!("../styles/rock.style"),
        Style::Ballad => include_str!("../styles/ballad.style"),
        Style::Folk => include_str!("../styles/folk.style"),
        Style::Country => include_str!("../styles/country.style"),
        Style::Bluegrass => include_str!("../styles/bluegrass.style"),
        Style::Blues => include_str!("../styles/blues.style"),
        Style::JazzSwing => include_str!("../styles/jazz-swing.style"),
        Style::Bossa => include_str!("../styles/bossa.style"),
        Style::Samba => include_str!("../styles/samba.style"),
        Style::Waltz => include_str!("../styles/waltz.style"),
        Style::Reggae => include_str!("../styles/reggae.style"),
        Style::Ska => include_str!("../styles/ska.style"),
        Style::Salsa => include_str!("../styles/salsa.style"),
        Style::ChaCha => include_str!("../styles/cha-cha.style"),
        Style::Funk => include_str!("../styles/funk.style"),
        Style::Soul => include_str!("../styles/soul.style"),
        Style::Disco => include_str!("../styles/disco.style"),
        Style::House => include_str!("../styles/house.style"),
        Style::Trance => include_str!("../styles/trance.style"),
        Style::HipHop => include_str!("../styles/hip-hop.style"),
        Style::LoFi => include_str!("../styles/lo-fi.style"),
        Style::Cinematic => include_str!("../styles/cinematic.style"),
        Style::Ambient => include_str!("../styles/ambient.style"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_style_has_what_a_band_needs() {
        for style in Style::ALL {
            let spec = Spec::of(style).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(spec.style, style);
            for mode in [Mode::Major, Mode::Minor] {
                let harmony = spec.harmony(mode);
                for (what, few) in [("A", &harmony.a), ("B", &harmony.b), ("cadence", &harmony.cadence)] {
                    assert!(!few.is_empty(), "{style} {mode:?} {what}");
                }
                assert!(harmony.a.len() >= 2, "{style} has one {mode:?} progression only");
                assert!(!harmony.last.is_empty(), "{style} {mode:?} has no last chord");
            }
            for slot in [Slot::A, Slot::Full, Slot::B] {
                assert!(
                    !patterns(&spec.comping, slot).is_empty() || !patterns(&spec.pad, slot).is_empty(),
                    "{style} {slot:?}"
                );
                assert!(!patterns(&spec.bass, slot).is_empty(), "{style} {slot:?}");
            }
            assert!(spec.rhythms.len() >= 5 && spec.closes.len() >= 2, "{style}: few rhythms");
            let kinds = [spec.bass.get(&Slot::A).map_or(0, Vec::len), spec.comping.get(&Slot::A).map_or(0, Vec::len)];
            assert!(kinds.iter().all(|count| *count >= 2), "{style} has one A only: {kinds:?}");
            if !spec.drums.is_empty() && !matches!(style, Style::Ambient) {
                assert!(patterns(&spec.drums, Slot::Fill).len() >= 2, "{style} has one fill only");
            }
        }
    }
}
