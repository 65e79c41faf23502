//! What a blend of three songs was asked to be. The HTTP fields, the command line's flags and the rows name it alike.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::{
    field::{InvalidField, filled, flag, list_items, number, seed, wrong},
    key_choice::{InvalidKey, KeyChoice},
    kinds::blend,
    sound_format::{ExtraFormat, formats},
};

/// Three songs, please, as one. The songs are the job's inputs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct BlendRequest {
    /// The same songs, options and seed give the same blend.
    pub seed: u64,
    #[serde(default)]
    pub options: BlendOptions,
}

/// How the songs are blended. Every choice has a default.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BlendOptions {
    /// How much of each song there is to be, relative to the others.
    pub weights: [f64; 3],
    /// Not given: about a minute and a half.
    pub length: Option<BlendLength>,
    /// Beats per minute; not given: the tempo that is nearest to all three.
    pub tempo_bpm: Option<f64>,
    /// Not given: the one to which the songs are moved least.
    pub key: Option<KeyChoice>,
    /// Sections by letter, such as `ABACA`; not given: what suits the length.
    pub form: Option<String>,
    /// How far lines may depart from their songs, 0–1.
    pub creativity: f64,
    /// How far plans may lie from the one that fits best, 0–1.
    pub temperature: f64,
    /// Whether each role is also wanted as a sound of its own.
    pub stems: bool,
    /// Sound files beside MP3 and WAV.
    pub formats: Vec<ExtraFormat>,
}

/// Met within one bar.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlendLength {
    Bars(u32),
    Seconds(f64),
}

impl Default for BlendOptions {
    fn default() -> Self {
        Self {
            weights: [1.0; 3],
            length: None,
            tempo_bpm: None,
            key: None,
            form: None,
            creativity: 0.5,
            temperature: 0.5,
            stems: false,
            formats: Vec::new(),
        }
    }
}

impl BlendRequest {
    /// The names of the fields that [`read`](Self::read) looks for. Their order is part of stored hashes of requests:
    /// new ones come last.
    pub const FIELDS: [&'static str; 11] =
        ["seed", "weights", "bars", "seconds", "tempo", "key", "form", "creativity", "temperature", "stems", "formats"];

    pub const WEIGHT: RangeInclusive<f64> = 0.05..=20.0;
    pub const BARS: RangeInclusive<u32> = 8..=400;
    /// Which of them are possible depends on the tempo and the meter.
    pub const SECONDS: RangeInclusive<f64> = 4.0..=blend::MOST_SECONDS;
    pub const BPM: RangeInclusive<f64> = 40.0..=240.0;
    pub const MOST_LETTERS: usize = 26;

    /// Reads a request out of text fields; one that is absent or blank leaves its default. `random` gives the seed where
    /// none was chosen.
    ///
    /// # Errors
    /// The first field that holds none of its values, or a length that no songs could have at the tempo.
    pub fn read<'a>(field: impl Fn(&str) -> Option<&'a str>, random: u64) -> Result<Self, InvalidField> {
        let text = |name: &str| filled(field(name));
        let seed = seed(text("seed"), random)?;
        let default = BlendOptions::default();
        let share =
            |name: &'static str, default: f64| number(name, text(name), &(0.0..=1.0), "").map(|n| n.unwrap_or(default));
        let options = BlendOptions {
            weights: text("weights").map(weights).transpose()?.unwrap_or(default.weights),
            length: length(text("bars"), text("seconds"))?,
            tempo_bpm: number("tempo", text("tempo"), &Self::BPM, " beats per minute")?,
            key: text("key")
                .map(str::parse)
                .transpose()
                .map_err(|why: InvalidKey| InvalidField::because("key", &why))?,
            form: text("form").map(form).transpose()?,
            creativity: share("creativity", default.creativity)?,
            temperature: share("temperature", default.temperature)?,
            stems: flag("stems", text("stems"))?,
            formats: text("formats").map(formats).transpose()?.unwrap_or_default(),
        };
        blend::length::check(options.length, options.tempo_bpm)?;
        Ok(Self { seed, options })
    }
}

/// Three numbers; a comma within a number is none of ours.
fn weights(text: &str) -> Result<[f64; 3], InvalidField> {
    let range = BlendRequest::WEIGHT;
    let read = list_items(text).map(|part| part.parse().ok().filter(|weight| range.contains(weight)));
    let weights: Option<Vec<f64>> = read.collect();
    weights.and_then(|weights| weights.try_into().ok()).ok_or_else(|| {
        let (least, most) = (range.start(), range.end());
        wrong("weights", format!("expected three numbers from {least} to {most}, one a song, such as 1,1,2"))
    })
}

fn length(bars: Option<&str>, seconds: Option<&str>) -> Result<Option<BlendLength>, InvalidField> {
    let range = BlendRequest::BARS;
    match (bars, seconds) {
        (Some(_), Some(_)) => Err(wrong("seconds", "give a length in bars or in seconds, not both")),
        (Some(bars), None) => {
            let bars = bars.parse().ok().filter(|bars| range.contains(bars)).ok_or_else(|| {
                wrong("bars", format!("expected a whole number of bars from {} to {}", range.start(), range.end()))
            })?;
            Ok(Some(BlendLength::Bars(bars)))
        }
        (None, seconds) => {
            Ok(number("seconds", seconds, &BlendRequest::SECONDS, " seconds")?.map(BlendLength::Seconds))
        }
    }
}

fn form(text: &str) -> Result<String, InvalidField> {
    let form = text.to_ascii_uppercase();
    let letters = form.chars().count();
    if (1..=BlendRequest::MOST_LETTERS).contains(&letters) && form.chars().all(|letter| ('A'..='D').contains(&letter)) {
        return Ok(form);
    }
    Err(wrong("form", format!("expected 1 to {} of the letters A to D, such as ABACA", BlendRequest::MOST_LETTERS)))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn read(fields: &[(&str, &'static str)]) -> Result<BlendRequest, InvalidField> {
        BlendRequest::read(|name| fields.iter().find(|(field, _)| *field == name).map(|(_, text)| *text), u64::MAX)
    }

    #[test]
    fn every_field_is_read() {
        let all = [
            ("seed", "7"),
            ("weights", " 1, 0.5,20 "),
            ("bars", "64"),
            ("tempo", "104.5"),
            ("key", "bb minor"),
            ("form", "abACa"),
            ("creativity", "0"),
            ("temperature", "1"),
            ("stems", "on"),
            ("formats", "mp3, OGG,flac,ogg"),
        ];
        let expected = BlendOptions {
            weights: [1.0, 0.5, 20.0],
            length: Some(BlendLength::Bars(64)),
            tempo_bpm: Some(104.5),
            key: Some(KeyChoice { tonic: 10, minor: true }),
            form: Some("ABACA".to_owned()),
            creativity: 0.0,
            temperature: 1.0,
            stems: true,
            formats: vec![ExtraFormat::Flac, ExtraFormat::Ogg],
        };
        let request = read(&all).unwrap();
        assert_eq!(request, BlendRequest { seed: 7, options: expected });
        let row = serde_json::to_value(&request).unwrap();
        assert_eq!(serde_json::from_value::<BlendRequest>(row).unwrap(), request, "as it is stored");
        assert_eq!(read(&[("seconds", "90")]).unwrap().options.length, Some(BlendLength::Seconds(90.0)));
    }

    #[test]
    fn lists_are_read_as_people_write_them() {
        for text in ["1,1,2", "1 1 2", "[1,1,2]", "[1.0, 1.0, 2.0]", " 1 , 1 ,2 ", "[\"1\" \"1\" \"2\"]", "1\t1\n2"] {
            assert_eq!(read(&[("weights", text)]).unwrap().options.weights, [1.0, 1.0, 2.0], "{text}");
        }
        for text in ["flac,ogg", "ogg flac", "[\"flac\", \"ogg\"]", "['ogg','flac']"] {
            let request = read(&[("formats", text)]).unwrap();
            assert_eq!(request.options.formats, [ExtraFormat::Flac, ExtraFormat::Ogg], "{text}");
        }
        for text in ["[1,1,[2]]", "1;1;2", "[]", "{1,1,2}"] {
            assert_eq!(read(&[("weights", text)]).unwrap_err().field, "weights", "{text}");
        }
    }

    #[test]
    fn what_is_absent_or_blank_leaves_its_default() {
        for request in [read(&[]), read(&[("weights", " "), ("key", ""), ("stems", "\t")])] {
            let request = request.unwrap();
            assert_eq!(request.options, BlendOptions::default());
            assert_eq!(request.seed, crate::field::MAX_SEED);
        }
        let row: BlendRequest = serde_json::from_str(r#"{"seed":1,"options":{"creativity":0.9}}"#).unwrap();
        assert_eq!(row.options, BlendOptions { creativity: 0.9, ..BlendOptions::default() });
    }

    #[test]
    fn what_is_none_of_the_values_names_its_field() {
        let check = |field: &'static str, texts: &[&'static str]| {
            for text in texts {
                let error = read(&[(field, text)]).unwrap_err();
                assert_eq!(error.field, field, "{text}");
                assert!(error.detail.starts_with("expected"), "{error}");
            }
        };
        check("seed", &["-1", "x", "9007199254740992"]);
        check("weights", &["1", "1,1", "1,1,1,1", "1,1,0", "1,1,0.049", "1,1,20.1", "1,1,NaN", "a,b,c"]);
        check("bars", &["7", "401", "8.5", "-8"]);
        check("seconds", &["3.9", "721", "NaN", "inf"]);
        check("tempo", &["39.9", "241", "fast"]);
        check("key", &["H", "C##", "Cbb", "C dorian", "♯", "Cx", "1"]);
        check("form", &["ABE", "A B", "AAAAAAAAAAAAAAAAAAAAAAAAAAA"]);
        check("creativity", &["-0.01", "1.01", "NaN"]);
        check("temperature", &["2", ""].map(|text| if text.is_empty() { "hot" } else { text }));
        check("stems", &["maybe"]);
        check("formats", &["aiff", "mp3;wav"]);
        assert_eq!(read(&[("bars", "16"), ("seconds", "60")]).unwrap_err().field, "seconds");
    }

    /// What is hashed to tell two requests apart is what is read of them.
    #[test]
    fn the_list_of_fields_is_what_is_read() {
        let asked = RefCell::new(Vec::new());
        BlendRequest::read(
            |name| {
                asked.borrow_mut().push(name.to_owned());
                None
            },
            0,
        )
        .unwrap();
        let (mut asked, mut listed) = (asked.into_inner(), BlendRequest::FIELDS.to_vec());
        asked.sort_unstable();
        asked.dedup();
        listed.sort_unstable();
        assert_eq!(asked, listed);
    }
}
