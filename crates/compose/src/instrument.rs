//! Instruments that can be asked for, and how their sounds die away.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::role::Role;

/// How the sound of a key goes on while it is held and after it is let go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decay {
    /// Gone in a second or two however long it is held: nylon strings, double bass, banjo.
    Plucked,
    /// Rings for some seconds: piano, steel strings, bells.
    Struck,
    /// As long as it is held: organ, winds, bowed strings.
    Sustained,
    /// As long as it is held, and swells and fades slowly: pads, string sections.
    Slow,
}

impl Decay {
    /// Seconds from the release to −40 dB, with some to spare (measured on a full General MIDI font, the slowest of each kind
    /// rounded up; steel strings, which ring for two, are damped).
    pub(crate) const fn release_seconds(self) -> f64 {
        match self {
            Self::Plucked => 0.5,
            Self::Struck => 0.55,
            Self::Sustained => 0.6,
            Self::Slow => 1.0,
        }
    }

    /// How long a last chord may be held before there is nothing left of it, in seconds.
    pub(crate) const fn most_hold_seconds(self) -> f64 {
        match self {
            Self::Plucked => 1.8,
            Self::Struck => 3.2,
            Self::Sustained | Self::Slow => 8.0,
        }
    }
}

/// The class of a General MIDI program.
pub const fn decay(program: u8) -> Decay {
    match program {
        // Nylon and muted guitars, basses that are plucked, harp, banjo and its like.
        24 | 28 | 32 | 45 | 46 | 104..=107 => Decay::Plucked,
        0..=15 | 25..=27 | 29..=31 | 33..=37 | 108 | 112..=119 => Decay::Struck,
        44 | 48..=51 | 52..=54 | 88..=103 => Decay::Slow,
        _ => Decay::Sustained,
    }
}

macro_rules! instruments {
    ($($variant:ident $name:literal $program:literal $role:ident [$($alias:literal)*];)*) => {
        /// An instrument that can be asked for.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Instrument {
            $($variant,)*
        }

        impl Instrument {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// General MIDI program; of drums, that of the kit.
            pub const fn program(self) -> u8 {
                match self { $(Self::$variant => $program,)* }
            }

            /// What it plays when nothing else is said.
            pub const fn role(self) -> Role {
                match self { $(Self::$variant => Role::$role,)* }
            }

            /// Other words for it, in small letters.
            pub const fn aliases(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($alias),*],)* }
            }
        }
    };
}

instruments! {
    Piano "piano" 0 Comping ["grand piano" "pianos" "keys" "keyboard" "klavier"];
    HonkyTonkPiano "honky-tonk-piano" 3 Comping ["honky tonk piano" "upright piano" "saloon piano"];
    ElectricPiano "electric-piano" 4 Comping ["electric piano" "rhodes" "e piano" "wurlitzer" "fender rhodes" "epiano"];
    Harpsichord "harpsichord" 6 Comping ["cembalo" "clavinet" "clavi"];
    Celesta "celesta" 8 Melody ["music box" "glockenspiel" "bells" "celeste"];
    Vibraphone "vibraphone" 11 Comping ["vibes"];
    Marimba "marimba" 12 Comping ["xylophone" "kalimba"];
    Organ "organ" 16 Comping ["hammond" "hammond organ" "church organ" "pipe organ"];
    Accordion "accordion" 21 Comping ["squeezebox" "concertina"];
    Harmonica "harmonica" 22 Melody ["mouth organ" "blues harp"];
    NylonGuitar "nylon-guitar" 24 Comping ["nylon guitar" "classical guitar" "spanish guitar"];
    AcousticGuitar "acoustic-guitar" 25 Comping ["acoustic guitar" "acoustic guitars" "steel guitar" "guitar" "guitars" "guitarra" "guitarras" "ukulele" "strumming"];
    JazzGuitar "jazz-guitar" 26 Comping ["jazz guitar"];
    ElectricGuitar "electric-guitar" 27 Comping ["electric guitar" "electric guitars" "clean guitar"];
    DistortedGuitar "distorted-guitar" 30 Comping ["distorted guitar" "distorted guitars" "distortion guitar" "overdriven guitar" "power chords"];
    DoubleBass "double-bass" 32 Bass ["double bass" "upright bass" "acoustic bass" "contrabass"];
    BassGuitar "bass-guitar" 33 Bass ["bass guitar" "electric bass" "bass" "bassline" "bass line"];
    FretlessBass "fretless-bass" 35 Bass ["fretless bass" "fretless"];
    SynthBass "synth-bass" 38 Bass ["synth bass" "sub bass" "808 bass" "808"];
    Violin "violin" 40 Melody ["violins" "violín" "fiddle" "fiddles"];
    Cello "cello" 42 Melody ["cellos" "violoncello" "viola"];
    Harp "harp" 46 Comping ["harps"];
    Strings "strings" 48 Pad ["string section" "orchestra" "string orchestra" "string quartet"];
    Choir "choir" 52 Pad ["choirs" "chorus of voices" "aahs" "voices"];
    Trumpet "trumpet" 56 Melody ["trumpets" "trompeta" "trompetas" "cornet" "flugelhorn"];
    Trombone "trombone" 57 Melody ["trombones"];
    Horn "horn" 60 Melody ["french horn" "french horns"];
    Brass "brass" 61 Comping ["brass section" "horns" "horn section"];
    Saxophone "saxophone" 65 Melody ["sax" "saxofón" "alto sax" "tenor sax" "saxophones" "saxes"];
    Oboe "oboe" 68 Melody ["english horn"];
    Clarinet "clarinet" 71 Melody ["clarinets"];
    Flute "flute" 73 Melody ["flutes" "flauta" "piccolo" "recorder" "whistle" "tin whistle"];
    PanFlute "pan-flute" 75 Melody ["pan flute" "panpipes" "pan pipes"];
    SynthLead "synth-lead" 80 Melody ["synth lead" "lead synth" "synth" "synths" "synthesizer" "synthesizers" "synthesiser" "chiptune"];
    SynthPad "synth-pad" 89 Pad ["synth pad" "pad" "pads" "synth pads" "warm pad"];
    Sitar "sitar" 104 Melody [];
    Banjo "banjo" 105 Comping ["banjos"];
    Mandolin "mandolin" 25 Comping ["mandolins"];
    SteelDrums "steel-drums" 114 Melody ["steel drums" "steelpan" "steel pan"];
    Drums "drums" 0 Drums ["drum" "drum kit" "drumkit" "drum set" "percussion" "schlagzeug" "batería" "drum machine" "beat" "beats"];
}

impl Instrument {
    /// Whether somebody who does not want this instrument does not want that General MIDI program either: the program is one of
    /// its kinds.
    pub(crate) const fn is_kin(self, program: u8) -> bool {
        match self {
            // The kit is no program of the others.
            Self::Drums => false,
            Self::Piano => matches!(program, 0..=5),
            Self::HonkyTonkPiano => program == 3,
            Self::ElectricPiano => matches!(program, 4..=5),
            Self::Harpsichord => matches!(program, 6..=7),
            Self::Celesta => matches!(program, 8..=10 | 14),
            Self::Vibraphone => program == 11,
            Self::Marimba => matches!(program, 12..=13 | 108),
            Self::Organ => matches!(program, 16..=20),
            Self::Accordion => matches!(program, 21 | 23),
            Self::Harmonica => program == 22,
            Self::NylonGuitar => program == 24,
            Self::AcousticGuitar => matches!(program, 24..=25),
            Self::JazzGuitar => program == 26,
            Self::ElectricGuitar => matches!(program, 26..=31),
            Self::DistortedGuitar => matches!(program, 29..=31),
            Self::DoubleBass => program == 32,
            Self::BassGuitar => matches!(program, 33..=37),
            Self::FretlessBass => program == 35,
            Self::SynthBass => matches!(program, 38..=39),
            Self::Violin => matches!(program, 40 | 110),
            Self::Cello => matches!(program, 41..=42),
            Self::Harp => program == 46,
            Self::Strings => matches!(program, 40..=45 | 48..=51 | 110),
            Self::Choir => matches!(program, 52..=54 | 85 | 91),
            Self::Trumpet => matches!(program, 56 | 59),
            Self::Trombone => program == 57,
            Self::Horn => program == 60,
            Self::Brass => matches!(program, 56..=63),
            Self::Saxophone => matches!(program, 64..=67),
            Self::Oboe => matches!(program, 68..=69),
            Self::Clarinet => program == 71,
            Self::Flute => matches!(program, 72..=75 | 78),
            Self::PanFlute => program == 75,
            Self::SynthLead => matches!(program, 80..=87),
            Self::SynthPad => matches!(program, 50..=51 | 88..=103),
            Self::Sitar => program == 104,
            Self::Banjo => program == 105,
            Self::Mandolin => program == 25,
            Self::SteelDrums => program == 114,
        }
    }
}

impl fmt::Display for Instrument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no instrument.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no instrument \"{given}\"; there are: {}", names())]
pub struct UnknownInstrument {
    pub given: String,
}

fn names() -> String {
    Instrument::ALL.iter().map(|instrument| instrument.name()).collect::<Vec<_>>().join(", ")
}

impl FromStr for Instrument {
    type Err = UnknownInstrument;

    /// By name or alias; case, hyphens and underscores make no difference.
    fn from_str(text: &str) -> Result<Self, UnknownInstrument> {
        let plain = |text: &str| text.trim().to_lowercase().replace(['-', '_'], " ");
        let wanted = plain(text);
        let found = Self::ALL.iter().copied().find(|instrument| {
            plain(instrument.name()) == wanted || instrument.aliases().iter().any(|alias| *alias == wanted)
        });
        found.ok_or_else(|| UnknownInstrument { given: text.chars().take(60).collect() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_instrument_is_read_back_and_belongs_to_one() {
        let mut seen = BTreeSet::new();
        for &instrument in Instrument::ALL {
            assert_eq!(instrument.name().parse(), Ok(instrument));
            assert_eq!(serde_json::to_string(&instrument).unwrap(), format!("\"{instrument}\""));
            assert!(instrument.is_kin(instrument.program()) || instrument == Instrument::Drums, "{instrument}");
            for alias in instrument.aliases() {
                assert_eq!(alias.parse(), Ok(instrument), "{alias}");
                assert!(seen.insert(*alias), "{alias} names two");
            }
        }
        assert!("kazoo".parse::<Instrument>().unwrap_err().to_string().contains("mandolin"));
    }
}
