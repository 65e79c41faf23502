//! What a musician may choose about a song besides its words. Every choice has a default, so that a recording and a
//! sentence are enough; the HTTP forms and the command line name them alike.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use serde::{Deserialize, Serialize};

/// Declares a closed set of words: an enum, its texts, and reading them back with an error that lists them.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$meaning:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "&'static str")]
        pub enum $name { $($(#[$meaning])* $variant,)+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                let found = Self::ALL.iter().find(|word| word.as_str().eq_ignore_ascii_case(text.trim()));
                found.copied().ok_or_else(|| UnknownWord { known: Self::ALL.iter().map(|word| word.as_str()).collect() })
            }
        }

        impl TryFrom<String> for $name {
            type Error = UnknownWord;

            fn try_from(text: String) -> Result<Self, UnknownWord> {
                text.parse()
            }
        }

        impl From<$name> for &'static str {
            fn from(word: $name) -> Self {
                word.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

/// A text that is none of the words expected there.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected one of {}", known.join(", "))]
pub struct UnknownWord {
    known: Vec<&'static str>,
}

words! {
    /// The language of the lyrics, BCP 47.
    Language {
        #[default]
        English = "en",
        Spanish = "es",
    }
}

words! {
    /// Who sings. The spoken voices are those of a speech synthesizer on the machine that sings.
    Voice {
        /// The best voice there is whose range fits the melody.
        #[default]
        Auto = "auto",
        /// Made of arithmetic; always there.
        Formant = "formant",
        /// A man.
        Rms = "rms",
        /// A woman.
        Slt = "slt",
        /// A man, Scottish.
        Awb = "awb",
        /// A man, from recorded diphones.
        Kal16 = "kal16",
    }
}

words! {
    /// Where the voice lies.
    Register {
        /// Where the melody asks for the least moving.
        #[default]
        Auto = "auto",
        /// A man's range.
        Low = "low",
        /// A woman's range.
        High = "high",
    }
}

words! {
    /// Where the pitch comes from.
    Expression {
        /// The notes, with glides between them and vibrato on long ones.
        #[default]
        Notes = "notes",
        /// The recorded singer's own contour.
        Contour = "contour",
    }
}

words! {
    /// What plays under the voice.
    Backing {
        #[default]
        None = "none",
        /// Chords and a bass that fit the melody.
        Chords = "chords",
    }
}

words! {
    /// The grid that notes are moved to, as a part of a whole note.
    Grid {
        /// As they were sung.
        #[default]
        Off = "off",
        Quarter = "1/4",
        Eighth = "1/8",
        EighthTriplet = "1/8t",
        Sixteenth = "1/16",
    }
}

/// Quarter notes per minute, 20 to 300, to a tenth.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Tempo {
    tenths: u16,
}

impl Tempo {
    pub const BPM: RangeInclusive<f64> = 20.0..=300.0;

    pub fn new(bpm: f64) -> Result<Self, InvalidTempo> {
        // Written so that a NaN is refused too.
        if Self::BPM.contains(&bpm) { Ok(Self { tenths: (bpm * 10.0).round() as u16 }) } else { Err(InvalidTempo) }
    }

    pub fn bpm(self) -> f64 {
        f64::from(self.tenths) / 10.0
    }
}

impl TryFrom<f64> for Tempo {
    type Error = InvalidTempo;

    fn try_from(bpm: f64) -> Result<Self, InvalidTempo> {
        Self::new(bpm)
    }
}

impl From<Tempo> for f64 {
    fn from(tempo: Tempo) -> Self {
        tempo.bpm()
    }
}

/// A number that is no tempo of a tune.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected quarter notes per minute from {} to {}", Tempo::BPM.start(), Tempo::BPM.end())]
pub struct InvalidTempo;

/// What is mended in the notes before they are sung. What was heard is kept beside them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Corrections {
    /// Move every note to the nearest one of the melody's key.
    pub snap_to_key: bool,
    pub quantise: Grid,
    /// −24 to 24.
    pub transpose_semitones: i8,
    /// −3 to 3.
    pub octaves: i8,
}

/// All choices about a song.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SongOptions {
    pub language: Language,
    pub voice: Voice,
    pub register: Register,
    pub expression: Expression,
    pub backing: Backing,
    /// The tempo of the recording, where whoever made it tells; found by ear where absent.
    pub tempo_bpm: Option<Tempo>,
    pub corrections: Corrections,
}

/// A choice that cannot be made, with the field that made it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct InvalidOption {
    pub field: &'static str,
    pub detail: String,
}

impl SongOptions {
    /// The names of the fields that [`read`](Self::read) looks for.
    pub const FIELDS: [&'static str; 10] = [
        "language",
        "voice",
        "register",
        "expression",
        "backing",
        "tempo",
        "snapToKey",
        "quantise",
        "transpose",
        "octave",
    ];

    pub const TRANSPOSE_SEMITONES: RangeInclusive<i8> = -24..=24;
    pub const OCTAVES: RangeInclusive<i8> = -3..=3;

    /// Reads the choices out of text fields; a field that is absent or blank leaves its default.
    ///
    /// # Errors
    /// The first field that holds none of its values.
    pub fn read<'a>(field: impl Fn(&str) -> Option<&'a str>) -> Result<Self, InvalidOption> {
        let text = |name: &str| field(name).map(str::trim).filter(|text| !text.is_empty());
        let (transpose, octaves) = (Self::TRANSPOSE_SEMITONES, Self::OCTAVES);
        Ok(Self {
            language: word("language", text("language"))?,
            voice: word("voice", text("voice"))?,
            register: word("register", text("register"))?,
            expression: word("expression", text("expression"))?,
            backing: word("backing", text("backing"))?,
            tempo_bpm: tempo("tempo", text("tempo"))?,
            corrections: Corrections {
                snap_to_key: flag("snapToKey", text("snapToKey"))?,
                quantise: word("quantise", text("quantise"))?,
                transpose_semitones: steps("transpose", "semitones", text("transpose"), &transpose)?,
                octaves: steps("octave", "octaves", text("octave"), &octaves)?,
            },
        })
    }
}

fn word<T: FromStr<Err = UnknownWord> + Default>(field: &'static str, text: Option<&str>) -> Result<T, InvalidOption> {
    let word: Result<Option<T>, UnknownWord> = text.map(str::parse).transpose();
    word.map(Option::unwrap_or_default).map_err(|error| InvalidOption { field, detail: error.to_string() })
}

fn flag(field: &'static str, text: Option<&str>) -> Result<bool, InvalidOption> {
    match text.map(str::to_ascii_lowercase).as_deref() {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(_) => Err(InvalidOption { field, detail: "expected true or false".to_owned() }),
    }
}

fn tempo(field: &'static str, text: Option<&str>) -> Result<Option<Tempo>, InvalidOption> {
    let Some(text) = text else { return Ok(None) };
    let tempo = text.parse().map_err(|_| InvalidTempo).and_then(Tempo::new);
    tempo.map(Some).map_err(|error| InvalidOption { field, detail: error.to_string() })
}

fn steps(field: &'static str, unit: &str, text: Option<&str>, range: &RangeInclusive<i8>) -> Result<i8, InvalidOption> {
    let steps = text.map(|text| text.parse().ok().filter(|steps| range.contains(steps)));
    steps.unwrap_or(Some(0)).ok_or_else(|| InvalidOption {
        field,
        detail: format!("expected a whole number of {unit} from {} to {}", range.start(), range.end()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&str, &'static str)]) -> Result<SongOptions, InvalidOption> {
        SongOptions::read(|name| fields.iter().find(|(field, _)| *field == name).map(|(_, text)| *text))
    }

    #[test]
    fn nothing_chosen_is_the_default() {
        assert_eq!(read(&[]).unwrap(), SongOptions::default());
        assert_eq!(read(&[("voice", " "), ("transpose", "")]).unwrap(), SongOptions::default());
    }

    #[test]
    fn every_field_is_read() {
        let chosen = read(&[
            ("language", "es"),
            ("voice", "SLT"),
            ("register", "high"),
            ("expression", "contour"),
            ("backing", "chords"),
            ("tempo", "68.9"),
            ("snapToKey", "true"),
            ("quantise", "1/8"),
            ("transpose", "-24"),
            ("octave", "3"),
        ]);
        let expected = SongOptions {
            language: Language::Spanish,
            voice: Voice::Slt,
            register: Register::High,
            expression: Expression::Contour,
            backing: Backing::Chords,
            tempo_bpm: Tempo::new(68.9).ok(),
            corrections: Corrections {
                snap_to_key: true,
                quantise: Grid::Eighth,
                transpose_semitones: -24,
                octaves: 3,
            },
        };
        assert_eq!(chosen.unwrap(), expected);
    }

    #[test]
    fn what_is_none_of_the_values_names_its_field_and_the_values() {
        for field in SongOptions::FIELDS {
            let error = read(&[(field, "louder")]).unwrap_err();
            assert_eq!(error.field, field);
            assert!(error.detail.starts_with("expected"), "{error}");
        }
        assert_eq!(read(&[("language", "xx")]).unwrap_err().to_string(), "language: expected one of en, es");
        assert_eq!(
            read(&[("transpose", "25")]).unwrap_err().detail,
            "expected a whole number of semitones from -24 to 24"
        );
        for text in ["19.9", "300.1", "-60", "NaN", "inf"] {
            let error = read(&[("tempo", text)]).unwrap_err();
            assert_eq!(error.detail, "expected quarter notes per minute from 20 to 300");
        }
        assert!(read(&[("octave", "-4")]).is_err() && read(&[("octave", "999")]).is_err());
    }

    #[test]
    fn a_tempo_is_kept_as_it_was_told() {
        for bpm in [20.0, 68.9, 120.0, 300.0] {
            let options = SongOptions { tempo_bpm: Tempo::new(bpm).ok(), ..SongOptions::default() };
            let json = serde_json::to_value(options).unwrap();
            assert_eq!(json["tempoBpm"], bpm);
            assert_eq!(serde_json::from_value::<SongOptions>(json).unwrap(), options);
        }
        assert!(serde_json::from_str::<SongOptions>(r#"{"tempoBpm":301}"#).is_err());
    }

    #[test]
    fn a_row_of_an_older_version_has_the_defaults() {
        let options: SongOptions = serde_json::from_str(r#"{"voice":"rms"}"#).unwrap();
        assert_eq!(options, SongOptions { voice: Voice::Rms, ..SongOptions::default() });
        let json = serde_json::to_value(options).unwrap();
        assert_eq!(serde_json::from_value::<SongOptions>(json).unwrap(), options);
    }
}
