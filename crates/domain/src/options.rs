//! What a musician may choose about a song besides its words. Every choice has a default, so that a recording and a
//! sentence are enough; the HTTP forms and the command line name them alike.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::field::{InvalidField, filled};

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
        /// The best voice there is whose range fits the melody; the formant voice where none is installed.
        #[default]
        Auto = "auto",
        /// Made of arithmetic; always there.
        Formant = "formant",
        /// An American man (CMU ARCTIC `rms`).
        Rms = "rms",
        /// An American woman (CMU ARCTIC `slt`).
        Slt = "slt",
        /// A Scottish man (CMU ARCTIC `awb`).
        Awb = "awb",
        /// An American man, from recorded diphones at 16 kHz.
        Kal16 = "kal16",
    }
}

impl Voice {
    /// Voices that a synthesizer has to speak for the singer, the better understood first.
    pub const SPOKEN: [Self; 4] = [Self::Rms, Self::Slt, Self::Awb, Self::Kal16];

    /// The register that it lies in; `Auto` for voices that have both.
    pub const fn register(self) -> Register {
        match self {
            Self::Auto | Self::Formant => Register::Auto,
            Self::Slt => Register::High,
            Self::Rms | Self::Awb | Self::Kal16 => Register::Low,
        }
    }
}

words! {
    /// Where the voice lies.
    Register {
        /// That of the voice, or whichever the melody needs the least moving for.
        #[default]
        Auto = "auto",
        /// A man's range, comfortable from G2 to G4.
        Low = "low",
        /// A woman's range, comfortable from G3 to G5.
        High = "high",
    }
}

words! {
    /// Where the pitch comes from.
    Expression {
        /// The notes, with glides between them and vibrato on long ones.
        #[default]
        Notes = "notes",
        /// The recorded singer's own contour around the notes.
        Contour = "contour",
    }
}

words! {
    /// Whose beat it is when a band plays.
    Beat {
        /// The singer's own: the band hurries and lingers with the voice.
        #[default]
        Follow = "follow",
        /// An even one, to which the voice is brought.
        Steady = "steady",
    }
}

words! {
    /// What plays under the voice.
    Backing {
        #[default]
        None = "none",
        /// Chords and a bass that fit the melody.
        Chords = "chords",
        /// A band in a style: drums, bass, chords, an instrument that answers, an intro and an ending.
        Band = "band",
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
    /// Of a band.
    pub beat: Beat,
    /// Whether what each of a band plays is kept as a file of its own.
    pub stems: bool,
    /// The tempo of the recording, where whoever made it tells; found by ear where absent.
    pub tempo_bpm: Option<Tempo>,
    pub corrections: Corrections,
}

impl SongOptions {
    /// The names of the fields that [`read`](Self::read) looks for.
    pub const FIELDS: [&'static str; 12] = [
        "language",
        "voice",
        "register",
        "expression",
        "backing",
        "beat",
        "stems",
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
    pub fn read<'a>(field: impl Fn(&str) -> Option<&'a str>) -> Result<Self, InvalidField> {
        let text = |name: &str| filled(field(name));
        let (transpose, octaves) = (Self::TRANSPOSE_SEMITONES, Self::OCTAVES);
        let options = Self {
            language: word("language", text("language").map(primary_subtag))?,
            voice: word("voice", text("voice"))?,
            register: word("register", text("register"))?,
            expression: word("expression", text("expression"))?,
            backing: word("backing", text("backing"))?,
            beat: word("beat", text("beat"))?,
            stems: flag("stems", text("stems"))?,
            tempo_bpm: tempo("tempo", text("tempo"))?,
            corrections: Corrections {
                snap_to_key: flag("snapToKey", text("snapToKey"))?,
                quantise: word("quantise", text("quantise"))?,
                transpose_semitones: steps("transpose", "semitones", text("transpose"), &transpose)?,
                octaves: steps("octave", "octaves", text("octave"), &octaves)?,
            },
        };
        let only_band = |field, what: &str| {
            let detail = format!("{what} of a band, and no band plays: expected backing to be band as well");
            Err(InvalidField { field, detail })
        };
        match options.backing {
            Backing::None | Backing::Chords if options.beat == Beat::Steady => only_band("beat", "the beat is that"),
            Backing::None | Backing::Chords if options.stems => only_band("stems", "stems are those"),
            _ => Ok(options),
        }
    }
}

fn word<T: FromStr<Err = UnknownWord> + Default>(field: &'static str, text: Option<&str>) -> Result<T, InvalidField> {
    let word: Result<Option<T>, UnknownWord> = text.map(str::parse).transpose();
    word.map(Option::unwrap_or_default).map_err(|error| InvalidField::because(field, &error))
}

/// The language alone of a tag with a script, a region or more (BCP 47, also with the underscores of locale names): the
/// lyrics are the same everywhere a language is spoken. What is no such tag stays as it is.
fn primary_subtag(tag: &str) -> &str {
    let mut subtags = tag.split(['-', '_']);
    let primary = subtags.next().unwrap_or(tag);
    let is_subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if subtags.all(is_subtag) { primary } else { tag }
}

/// As people and programs write it; `on` is what a checkbox of a web page sends.
fn flag(field: &'static str, text: Option<&str>) -> Result<bool, InvalidField> {
    match text.map(str::to_ascii_lowercase).as_deref() {
        None | Some("false" | "0" | "off" | "no") => Ok(false),
        Some("true" | "1" | "on" | "yes") => Ok(true),
        Some(_) => Err(InvalidField { field, detail: "expected true or false (also on/off, yes/no, 1/0)".to_owned() }),
    }
}

fn tempo(field: &'static str, text: Option<&str>) -> Result<Option<Tempo>, InvalidField> {
    let Some(text) = text else { return Ok(None) };
    let tempo = text.parse().map_err(|_| InvalidTempo).and_then(Tempo::new);
    tempo.map(Some).map_err(|error| InvalidField { field, detail: error.to_string() })
}

fn steps(field: &'static str, unit: &str, text: Option<&str>, range: &RangeInclusive<i8>) -> Result<i8, InvalidField> {
    let steps = text.map(|text| text.parse().ok().filter(|steps| range.contains(steps)));
    steps.unwrap_or(Some(0)).ok_or_else(|| InvalidField {
        field,
        detail: format!("expected a whole number of {unit} from {} to {}", range.start(), range.end()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&str, &'static str)]) -> Result<SongOptions, InvalidField> {
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
            ("backing", "band"),
            ("beat", "steady"),
            ("stems", "on"),
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
            backing: Backing::Band,
            beat: Beat::Steady,
            stems: true,
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
    fn what_only_a_band_has_is_refused_without_one() {
        for (field, value) in [("beat", "steady"), ("stems", "true")] {
            for backing in ["none", "chords"] {
                let refused = read(&[("backing", backing), (field, value)]).unwrap_err();
                assert!(refused.field == field && refused.detail.contains("backing to be band"), "{refused:?}");
            }
            assert!(read(&[("backing", "band"), (field, value)]).is_ok());
        }
        assert!(read(&[("beat", "follow"), ("stems", "off")]).is_ok());
    }

    #[test]
    fn a_language_may_have_a_region_and_a_flag_may_come_from_a_checkbox() {
        for tag in ["es", "ES", "es-MX", "es_ES", "es-Latn-MX", "es-419", " es-MX "] {
            assert_eq!(read(&[("language", tag)]).map(|options| options.language), Ok(Language::Spanish), "{tag}");
        }
        for tag in ["en-", "en--US", "-en", "en-US;q=0.5", "en,es", "de-DE", "english", "en-ninecharsx"] {
            assert_eq!(read(&[("language", tag)]).unwrap_err().field, "language", "{tag}");
        }
        let snaps = |text| read(&[("snapToKey", text)]).map(|options| options.corrections.snap_to_key);
        for yes in ["true", "TRUE", "1", "on", "On", "yes"] {
            assert_eq!(snaps(yes), Ok(true), "{yes}");
        }
        for no in ["false", "0", "off", "No", ""] {
            assert_eq!(snaps(no), Ok(false), "{no}");
        }
        for neither in ["2", "y", "maybe", "on off"] {
            assert_eq!(snaps(neither).unwrap_err().field, "snapToKey", "{neither}");
        }
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
