//! What a song was asked to be. The HTTP fields, the command line's flags and the rows name it alike.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{
    Decade, InvalidDecade, LEAST_MS, LEAST_SUNG_MS, MOST_MS, OutputFormat,
    texts::{ChordText, MusicPrompt, SongTitle},
};
use crate::{
    field::{InvalidField, choice, filled, flag, number, seed, wrong},
    key_choice::{InvalidKey, KeyChoice},
    kinds::melody_vocals::Label,
    options::{Language, Voice},
    registry::ModelName,
    sound_format::{ExtraFormat, formats},
};

/// The one model of the older API that there is.
pub const MODEL: &str = "music_v1";

/// A sentence, please, as music.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompositionRequest {
    pub prompt: MusicPrompt,
    /// What the song is called.
    pub name: Option<SongTitle>,
    /// The same prompt, options and seed give the same song.
    pub seed: u64,
    #[serde(default)]
    pub options: CompositionOptions,
}

/// What is said beside the sentence; each choice stands above what the sentence says, and has a default.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CompositionOptions {
    /// Exact; not given: as long as the form takes.
    pub length_ms: Option<u32>,
    pub output_format: OutputFormat,
    /// Beats per minute, held to the last bar.
    pub tempo_bpm: Option<f64>,
    pub key: Option<KeyChoice>,
    /// A style, or a genre that is played in one.
    pub style: Option<Label>,
    pub mood: Option<Label>,
    pub instruments: Vec<Label>,
    /// Whether nobody sings. Not given: nobody, unless the sentence asks for a voice; whoever accepts a request settles it.
    pub instrumental: Option<bool>,
    /// A chord chart, `| C | Am F | G |` or ChordPro.
    pub chords: Option<ChordText>,
    /// Sections by letter, such as `AABA`.
    pub form: Option<String>,
    /// Whether each role is also wanted as a sound of its own.
    pub stems: bool,
    /// Sound files beside MP3 and WAV.
    pub formats: Vec<ExtraFormat>,
    /// Of the words; only where there are some. Not given: that of the sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    pub voice: Voice,
    /// How much the band gives, 0 to 1.
    pub energy: Option<f64>,
    /// Whose sounds are played.
    pub era: Option<Decade>,
    /// Parts of the band and instruments that are not to be heard.
    pub without: Vec<Label>,
    /// The model of the registry that makes the song; nobody else does then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelName>,
}

impl CompositionRequest {
    /// The names of the fields that [`read`](Self::read) looks for. Their order is part of stored hashes of requests:
    /// new ones come last.
    pub const FIELDS: [&'static str; 23] = [
        "prompt",
        "name",
        "lengthMs",
        "outputFormat",
        "modelId",
        "seed",
        "tempo",
        "key",
        "style",
        "genre",
        "mood",
        "instruments",
        "instrumental",
        "chords",
        "form",
        "stems",
        "formats",
        "language",
        "voice",
        "energy",
        "era",
        "without",
        "model",
    ];

    pub const LENGTH_MS: RangeInclusive<u32> = LEAST_MS..=MOST_MS;
    pub const BPM: RangeInclusive<f64> = 40.0..=240.0;
    pub const MOST_LETTERS: usize = 26;
    /// In each of the lists of those that play and of those that do not.
    pub const MOST_INSTRUMENTS: usize = 12;
    pub const ENERGY: RangeInclusive<f64> = 0.0..=1.0;

    /// Reads a request out of text fields; one that is absent or blank leaves its default. `random` gives the seed where
    /// none was chosen. Words that only the composer knows (styles, instruments, chords) are for it to read.
    ///
    /// # Errors
    /// The first field that holds none of its values, or that cannot be beside another.
    pub fn read<'a>(field: impl Fn(&str) -> Option<&'a str>, random: u64) -> Result<Self, InvalidField> {
        let text = |name: &str| filled(field(name));
        let prompt = MusicPrompt::new(text("prompt").unwrap_or_default());
        let prompt = prompt.map_err(|error| InvalidField::because("prompt", &error))?;
        let name = text("name").map(SongTitle::new).transpose();
        let name = name.map_err(|error| InvalidField::because("name", &error))?;
        let label = |field: &'static str| {
            text(field).map(Label::new).transpose().map_err(|error| InvalidField::because(field, &error))
        };
        if text("modelId").is_some_and(|model| model != MODEL) {
            return Err(wrong("modelId", format!("expected {MODEL}")));
        }
        let output_format = text("outputFormat").map(str::parse).transpose();
        let output_format = output_format.map_err(|error| InvalidField::because("outputFormat", &error))?;
        let style = match (label("style")?, label("genre")?) {
            (Some(_), Some(_)) => return Err(wrong("genre", "give a style or a genre, not both: they mean the same")),
            (style, genre) => style.or(genre),
        };
        let instrumental = choice("instrumental", text("instrumental"))?;
        let language = of_voice("language", text("language"), instrumental)?;
        let voice = of_voice("voice", text("voice"), instrumental)?;
        // Who chooses a voice wants to hear it.
        let instrumental = instrumental.or((language.is_some() || voice.is_some()).then_some(false));
        let options = CompositionOptions {
            length_ms: text("lengthMs").map(length_ms).transpose()?,
            output_format: output_format.unwrap_or_default(),
            tempo_bpm: number("tempo", text("tempo"), &Self::BPM, " beats per minute")?,
            key: text("key")
                .map(str::parse)
                .transpose()
                .map_err(|why: InvalidKey| InvalidField::because("key", &why))?,
            style,
            mood: label("mood")?,
            instruments: names("instruments", text("instruments"))?,
            instrumental,
            chords: text("chords")
                .map(ChordText::new)
                .transpose()
                .map_err(|error| InvalidField::because("chords", &error))?,
            form: text("form").map(form).transpose()?,
            stems: flag("stems", text("stems"))?,
            formats: text("formats").map(formats).transpose()?.unwrap_or_default(),
            language,
            voice: voice.unwrap_or_default(),
            energy: number("energy", text("energy"), &Self::ENERGY, "")?,
            era: text("era")
                .map(str::parse)
                .transpose()
                .map_err(|why: InvalidDecade| InvalidField::because("era", &why))?,
            without: names("without", text("without"))?,
            model: text("model").map(ModelName::new).transpose().map_err(|why| InvalidField::because("model", &why))?,
        };
        Ok(Self { prompt, name, seed: seed(text("seed"), random)?, options })
    }

    /// Decides whether somebody sings: as asked, else as the sentence says, else nobody.
    ///
    /// # Errors
    /// When somebody is to sing and the length leaves no room for words.
    pub fn settled(mut self, sentence_says: Option<bool>) -> Result<Self, InvalidField> {
        let instrumental = self.options.instrumental.or(sentence_says).unwrap_or(true);
        self.options.instrumental = Some(instrumental);
        if !instrumental && self.options.length_ms.is_some_and(|length| length < LEAST_SUNG_MS) {
            let detail = format!("a song with words takes at least {LEAST_SUNG_MS}; make it longer or instrumental");
            return Err(wrong("lengthMs", detail));
        }
        Ok(self)
    }

    pub fn is_sung(&self) -> bool {
        self.options.instrumental == Some(false)
    }

    /// Everything that it says in words, with the name of the field: what a check of content looks at.
    pub fn texts(&self) -> Vec<(&'static str, &str)> {
        let Self { prompt, name, seed: _, options } = self;
        let mut texts = vec![("prompt", prompt.as_str())];
        texts.extend(name.as_ref().map(|name| ("name", name.as_str())));
        texts.extend(options.style.as_ref().map(|style| ("style", style.as_str())));
        texts.extend(options.mood.as_ref().map(|mood| ("mood", mood.as_str())));
        texts.extend(options.instruments.iter().map(|instrument| ("instruments", instrument.as_str())));
        texts.extend(options.without.iter().map(|name| ("without", name.as_str())));
        // ChordPro has words between its chords.
        texts.extend(options.chords.as_ref().map(|chords| ("chords", chords.as_str())));
        texts
    }
}

fn length_ms(text: &str) -> Result<u32, InvalidField> {
    let length = text.parse().ok().filter(|length| CompositionRequest::LENGTH_MS.contains(length));
    length.ok_or_else(|| {
        wrong("lengthMs", format!("expected a whole number of milliseconds from {LEAST_MS} to {MOST_MS}"))
    })
}

fn names(field: &'static str, text: Option<&str>) -> Result<Vec<Label>, InvalidField> {
    let most = CompositionRequest::MOST_INSTRUMENTS;
    let text = text.unwrap_or_default();
    let words: Vec<&str> = text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    let labels: Result<Vec<Label>, _> = words.iter().map(|word| Label::new(word)).collect();
    labels.ok().filter(|labels| labels.len() <= most).ok_or_else(|| {
        let detail = format!("expected up to {most} names between commas, of {} characters at most", Label::MAX_CHARS);
        wrong(field, detail)
    })
}

fn form(text: &str) -> Result<String, InvalidField> {
    // Written in whichever way.
    let letters = text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-');
    let form: String = letters.map(|letter| letter.to_ascii_uppercase()).collect();
    let letters = form.chars().count();
    let most = CompositionRequest::MOST_LETTERS;
    if (1..=most).contains(&letters) && form.chars().all(|letter| ('A'..='D').contains(&letter)) {
        return Ok(form);
    }
    Err(wrong("form", format!("expected 1 to {most} of the letters A to D, such as AABA")))
}

/// A choice that only a song with words has.
fn of_voice<T: std::str::FromStr<Err = crate::options::UnknownWord>>(
    field: &'static str,
    text: Option<&str>,
    instrumental: Option<bool>,
) -> Result<Option<T>, InvalidField> {
    let chosen = text.map(str::parse).transpose().map_err(|error| InvalidField::because(field, &error))?;
    if instrumental == Some(true) && chosen.is_some() {
        return Err(wrong(field, "nobody sings in an instrumental song: leave this out, or make instrumental false"));
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::field::MAX_SEED;

    const PROMPT: (&str, &str) = ("prompt", "upbeat electronic music");

    fn read(fields: &[(&str, &'static str)]) -> Result<CompositionRequest, InvalidField> {
        let field =
            |name: &str| fields.iter().chain([&PROMPT]).find(|(field, _)| *field == name).map(|(_, text)| *text);
        CompositionRequest::read(field, u64::MAX)
    }

    #[test]
    fn every_field_is_read() {
        let all = [
            ("name", " My Awesome Song "),
            ("lengthMs", "30000"),
            ("outputFormat", "mp3_44100_192"),
            ("modelId", "music_v1"),
            ("seed", "7"),
            ("tempo", "104.5"),
            ("key", "bb minor"),
            ("style", "Bossa"),
            ("mood", "calm"),
            ("instruments", "nylon guitar, flute ,"),
            ("instrumental", "false"),
            ("chords", "| C | Am F |\r\n| G |"),
            ("form", "aa-b a"),
            ("stems", "on"),
            ("formats", "mp3, OGG,flac,ogg"),
            ("language", "es"),
            ("voice", "slt"),
            ("energy", "0.75"),
            ("era", "'80s"),
            ("without", "drums, nylon guitar"),
            ("model", "metro_drums"),
        ];
        let label = |text: &str| Label::new(text).unwrap();
        let expected = CompositionOptions {
            length_ms: Some(30_000),
            output_format: OutputFormat::Mp3 { kbps: 192 },
            tempo_bpm: Some(104.5),
            key: Some(KeyChoice { tonic: 10, minor: true }),
            style: Some(label("Bossa")),
            mood: Some(label("calm")),
            instruments: vec![label("nylon guitar"), label("flute")],
            instrumental: Some(false),
            chords: Some(ChordText::new("| C | Am F |\n| G |").unwrap()),
            form: Some("AABA".to_owned()),
            stems: true,
            formats: vec![ExtraFormat::Flac, ExtraFormat::Ogg],
            language: Some(Language::Spanish),
            voice: Voice::Slt,
            energy: Some(0.75),
            era: Some("1980s".parse().unwrap()),
            without: vec![label("drums"), label("nylon guitar")],
            model: Some(ModelName::new("metro_drums").unwrap()),
        };
        let request = read(&all).unwrap();
        assert_eq!(request.name.as_ref().unwrap().as_str(), "My Awesome Song");
        assert_eq!((request.seed, &request.options), (7, &expected));
        let row = serde_json::to_value(&request).unwrap();
        assert_eq!(row["options"]["outputFormat"], "mp3_44100_192");
        assert_eq!(serde_json::from_value::<CompositionRequest>(row.clone()).unwrap(), request, "as it is stored");
        assert_eq!(read(&[("genre", "Bossa")]).unwrap().options.style, expected.style);
        let fields: Vec<&str> = request.texts().into_iter().map(|(field, _)| field).collect();
        let listed = ["prompt", "name", "style", "mood", "instruments", "instruments", "without", "without", "chords"];
        assert_eq!(fields, listed);
        assert_eq!((&row["options"]["era"], &row["options"]["energy"]), (&"1980s".into(), &0.75.into()));
    }

    #[test]
    fn what_is_absent_or_blank_leaves_its_default() {
        for request in [read(&[]), read(&[("lengthMs", " "), ("key", ""), ("stems", "\t"), ("instrumental", "")])] {
            let request = request.unwrap();
            assert_eq!(request.options, CompositionOptions::default());
            assert_eq!((request.seed, request.name), (MAX_SEED, None));
        }
        let decided = |says| read(&[]).unwrap().settled(says).unwrap().is_sung();
        assert_eq!(
            [None, Some(true), Some(false)].map(decided),
            [false, false, true],
            "the sentence may ask for a voice"
        );
    }

    /// A row of an older version says the language always, and a newer one only where it was chosen.
    #[test]
    fn rows_of_other_versions_are_read() {
        let row = r#"{"lengthMs": 30000, "language": "en", "voice": "auto"}"#;
        let options: CompositionOptions = serde_json::from_str(row).unwrap();
        assert_eq!((options.language, options.energy, options.era), (Some(Language::English), None, None));
        let row = serde_json::to_value(CompositionOptions::default()).unwrap();
        assert!(row.get("language").is_none() && row.get("model").is_none(), "{row}");
    }

    #[test]
    fn what_is_none_of_the_values_names_its_field() {
        let check = |field: &'static str, texts: &[&'static str]| {
            for text in texts {
                let error = read(&[(field, text)]).unwrap_err();
                assert_eq!(error.field, field, "{text}");
                assert!(error.detail.contains("expected"), "{error}");
            }
        };
        check("prompt", &["x", " \u{200b}\u{200b}\u{200b} ", "a\0bcd"]);
        check("name", &["a\nb", "\u{200b}"]);
        check("lengthMs", &["2999", "600001", "30.5", "-1", "NaN", "30s", "99999999999"]);
        check("outputFormat", &["opus_48000_64", "flac"]);
        check("modelId", &["music_v2", "MUSIC_V1"]);
        check("seed", &["-1", "x", "9007199254740992"]);
        check("tempo", &["39.9", "241", "NaN"]);
        check("key", &["H", "C##"]);
        check("style", &["a\nb"]);
        check("mood", &["a\u{7}b"]);
        check("instruments", &["a,b,c,d,e,f,g,h,i,j,k,l,m"]);
        check("instrumental", &["maybe"]);
        check("form", &["ABE", "- -", "AAAAAAAAAAAAAAAAAAAAAAAAAAA"]);
        check("stems", &["maybe"]);
        check("energy", &["-0.1", "1.01", "NaN", "high"]);
        check("era", &["1985", "1910s", "20s", "soon"]);
        check("without", &["a,b,c,d,e,f,g,h,i,j,k,l,m"]);
        check("formats", &["aiff"]);
        check("model", &["No Model", "export", "-x"]);
        check("language", &["xx"]);
        check("voice", &["bob"]);
        for (text, chars) in [("x", 2_001), ("y", 4_001)] {
            let text: &'static str = text.repeat(chars).leak();
            let field = if chars == 2_001 { "prompt" } else { "chords" };
            assert_eq!(read(&[(field, text)]).unwrap_err().field, field);
            assert!(read(&[(field, &text[1..])]).is_ok(), "one less is none too many");
        }
    }

    #[test]
    fn what_cannot_be_together_is_refused() {
        let field = |fields: &[(&str, &'static str)]| read(fields).unwrap_err().field;
        assert_eq!(field(&[("style", "pop"), ("genre", "rock")]), "genre");
        assert_eq!(field(&[("voice", "slt"), ("instrumental", "yes")]), "voice");
        assert_eq!(field(&[("language", "es"), ("instrumental", "true")]), "language");
        assert!(read(&[("voice", "slt")]).unwrap().is_sung(), "who chooses a voice wants to hear it");
        let settled = |fields: &[(&str, &'static str)]| read(fields).unwrap().settled(None);
        assert_eq!(settled(&[("instrumental", "false"), ("lengthMs", "9999")]).unwrap_err().field, "lengthMs");
        assert!(settled(&[("instrumental", "false"), ("lengthMs", "10000")]).unwrap().is_sung());
        assert!(settled(&[("instrumental", "false")]).unwrap().is_sung());
        assert!(!settled(&[("lengthMs", "3000")]).unwrap().is_sung());
    }

    #[test]
    fn private_words_are_not_shown() {
        let shown = format!("{:?}", read(&[("name", "My secret"), ("chords", "| C |")]).unwrap());
        assert!(!shown.contains("upbeat") && !shown.contains("secret") && !shown.contains("| C"), "{shown}");
    }

    /// What is hashed to tell two requests apart is what is read of them.
    #[test]
    fn the_list_of_fields_is_what_is_read() {
        let asked = RefCell::new(Vec::new());
        let note = |name: &str| {
            asked.borrow_mut().push(name.to_owned());
            (name == PROMPT.0).then_some(PROMPT.1)
        };
        CompositionRequest::read(note, 0).unwrap();
        let (mut asked, mut listed) = (asked.into_inner(), CompositionRequest::FIELDS.to_vec());
        asked.sort_unstable();
        asked.dedup();
        listed.sort_unstable();
        assert_eq!(asked, listed);
    }
}
