//! What a job was asked to do, one type a kind: the gateway validates and stores it, the stages read it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    field::{self, InvalidField, filled},
    options::SongOptions,
    prompt::Prompt,
    text::is_seen,
};

/// A recorded melody and a sentence, please, as a sung vocal. Debug shows no more of its words than their lengths.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MelodyToVocalsRequest {
    pub prompt: Prompt,
    pub genre: Option<Label>,
    pub mood: Option<Label>,
    /// Same recording, same words, same seed: same song.
    pub seed: u64,
    #[serde(default)]
    pub options: SongOptions,
}

/// The fields besides the options.
const OWN_FIELDS: [&str; 4] = ["prompt", "genre", "mood", "seed"];

impl MelodyToVocalsRequest {
    /// 53 bits: every reader of JSON keeps them exact.
    pub const MAX_SEED: u64 = crate::field::MAX_SEED;

    /// The names of the fields that [`read`](Self::read) looks for. Their order is part of stored hashes of requests:
    /// new ones come last.
    pub const FIELDS: [&'static str; OWN_FIELDS.len() + SongOptions::FIELDS.len()] = {
        let mut fields = [""; OWN_FIELDS.len() + SongOptions::FIELDS.len()];
        let mut at = 0;
        while at < fields.len() {
            fields[at] =
                if at < OWN_FIELDS.len() { OWN_FIELDS[at] } else { SongOptions::FIELDS[at - OWN_FIELDS.len()] };
            at += 1;
        }
        fields
    };

    /// Reads a request out of text fields; one that is absent or blank leaves its default. `random` gives the seed where
    /// none was chosen: any number, of which as many bits are kept as a seed has.
    ///
    /// # Errors
    /// The first field that holds none of its values.
    pub fn read<'a>(field: impl Fn(&str) -> Option<&'a str>, random: u64) -> Result<Self, InvalidField> {
        let text = |name: &str| filled(field(name));
        let label = |field: &'static str| {
            text(field).map(Label::new).transpose().map_err(|error| InvalidField::because(field, &error))
        };
        let prompt = Prompt::new(text("prompt").unwrap_or_default());
        let prompt = prompt.map_err(|error| InvalidField::because("prompt", &error))?;
        let seed = field::seed(text("seed"), random)?;
        let options = SongOptions::read(text)?;
        Ok(Self { prompt, genre: label("genre")?, mood: label("mood")?, seed, options })
    }

    /// Everything that it says in words, with the name of the field: what a check of content looks at.
    pub fn texts(&self) -> Vec<(&'static str, &str)> {
        let Self { prompt, genre, mood, seed: _, options: _ } = self;
        let mut texts = vec![("prompt", prompt.as_str())];
        texts.extend(genre.as_ref().map(|genre| ("genre", genre.as_str())));
        texts.extend(mood.as_ref().map(|mood| ("mood", mood.as_str())));
        texts
    }
}

/// A short word or two that a user chose, such as a genre: 1 to 50 characters, trimmed, printable. Debug shows only
/// its length, as a prompt's does.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

impl Label {
    pub const MAX_CHARS: usize = 50;

    pub fn new(text: &str) -> Result<Self, InvalidLabel> {
        let text = text.trim();
        let fits = (1..=Self::MAX_CHARS).contains(&text.chars().count());
        if !fits || text.chars().any(char::is_control) || !text.chars().any(is_seen) {
            return Err(InvalidLabel);
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is read from a row, a message or a request passes the same door.
impl TryFrom<String> for Label {
    type Error = InvalidLabel;

    fn try_from(text: String) -> Result<Self, InvalidLabel> {
        Self::new(&text)
    }
}

impl From<Label> for String {
    fn from(value: Label) -> Self {
        value.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Label({} chars)", self.0.chars().count())
    }
}

/// The text given as a label is empty, too long or not printable.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected 1 to {} printable characters", Label::MAX_CHARS)]
pub struct InvalidLabel;

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const PROMPT: (&str, &str) = ("prompt", "  A song about the sea\t");

    fn read(fields: &[(&str, &'static str)]) -> Result<MelodyToVocalsRequest, InvalidField> {
        let field = |name: &str| fields.iter().find(|(field, _)| *field == name).map(|(_, text)| *text);
        MelodyToVocalsRequest::read(field, u64::MAX)
    }

    #[test]
    fn every_field_is_read_and_trimmed() {
        let request =
            read(&[PROMPT, ("genre", " folk "), ("mood", "\tcalm"), ("seed", " 7 "), ("voice", " slt ")]).unwrap();
        assert_eq!(
            request,
            MelodyToVocalsRequest {
                prompt: Prompt::new("A song about the sea").unwrap(),
                genre: Some(Label::new("folk").unwrap()),
                mood: Some(Label::new("calm").unwrap()),
                seed: 7,
                options: SongOptions { voice: crate::options::Voice::Slt, ..SongOptions::default() },
            }
        );
    }

    #[test]
    fn what_is_blank_leaves_its_default_and_a_seed_is_thrown_within_its_bounds() {
        for request in [read(&[PROMPT]), read(&[PROMPT, ("genre", " "), ("mood", ""), ("seed", "  "), ("voice", "")])] {
            let MelodyToVocalsRequest { prompt: _, genre, mood, seed, options } = request.unwrap();
            assert_eq!((genre, mood, options), (None, None, SongOptions::default()));
            assert_eq!(seed, MelodyToVocalsRequest::MAX_SEED);
        }
    }

    #[test]
    fn a_field_with_none_of_its_values_is_named_and_not_repeated() {
        let check = |field: &'static str, text: &'static str, expected: &str| {
            let error = read(&[(field, text), PROMPT]).unwrap_err();
            assert_eq!(error.field, field);
            assert!(error.detail.contains(expected) && !error.detail.contains(text), "{error}");
        };
        check("prompt", "a song!", "at least 10");
        check("genre", "fo\nlk", "1 to 50 printable");
        check("mood", "m\u{7}d", "1 to 50 printable");
        for seed in ["seven", "-1", "7.0", "9007199254740992", "18446744073709551616", "0x7"] {
            check("seed", seed, "from 0 to 9007199254740991");
        }
        check("voice", "bob", "expected one of auto");
        assert_eq!(read(&[]).unwrap_err().field, "prompt");
        assert_eq!(read(&[PROMPT, ("seed", "9007199254740991")]).unwrap().seed, MelodyToVocalsRequest::MAX_SEED);
        assert_eq!(read(&[PROMPT, ("seed", "0")]).unwrap().seed, 0);
    }

    /// What is hashed to tell two requests apart is what is read of them.
    #[test]
    fn the_list_of_fields_is_what_is_read() {
        let asked = RefCell::new(Vec::new());
        let note = |name: &str| {
            asked.borrow_mut().push(name.to_owned());
            (name == PROMPT.0).then_some(PROMPT.1)
        };
        MelodyToVocalsRequest::read(note, 0).unwrap();
        let mut asked = asked.into_inner();
        let mut listed = MelodyToVocalsRequest::FIELDS.to_vec();
        asked.sort_unstable();
        asked.dedup();
        listed.sort_unstable();
        assert_eq!(asked, listed);
    }

    #[test]
    fn no_word_of_it_is_shown_by_debug() {
        let request = read(&[("prompt", "secret sentence"), ("genre", "secret"), ("mood", "secret")]).unwrap();
        let shown = format!("{request:?}");
        assert!(shown.contains("Prompt(15 chars)") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_label_has_something_to_see() {
        assert_eq!(Label::new(" bossa nova ").map(|label| label.as_str().to_owned()), Ok("bossa nova".to_owned()));
        for nothing in ["", "\u{200b}", "\u{2800}\u{3164}", "a\u{7}b"] {
            assert_eq!(Label::new(nothing), Err(InvalidLabel), "{nothing:?}");
        }
    }
}
