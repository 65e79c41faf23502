//! Who plays alone, and who plays the tune.

use super::{
    context::Phrase,
    lexicon::{self, Meaning},
    words::Word,
};
use crate::{instrument::Instrument, role::Role};

/// What some words say of an instrument's place in the band.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Nobody plays who is not named.
    Alone,
    /// It plays the melody.
    Lead(Instrument),
}

fn plain(words: &[Word], at: usize) -> &str {
    words.get(at).filter(|word| !word.after_break).map_or("", |word| &word.plain)
}

fn instrument(words: &[Word], at: usize) -> Option<(usize, Instrument)> {
    let word = words.get(at)?;
    let (length, sense) = lexicon::longest(words, at).filter(|_| !word.after_break)?;
    match sense.meaning {
        Meaning::Instrument(instrument) if Phrase { words, at, length }.is_music(&sense, false) => {
            Some((length, instrument))
        }
        _ => None,
    }
}

/// Whether a player can have the tune.
fn leads(instrument: Instrument) -> bool {
    !matches!(instrument.role(), Role::Bass | Role::Drums)
}

/// Words before an instrument: "solo piano", "just a piano", "lead guitar", "melody on the flute". Answers how many stand
/// before it.
pub fn before(words: &[Word], at: usize) -> Option<(usize, Place)> {
    let here = words.get(at)?.plain.as_str();
    let mut place = at + 1;
    match here {
        "solo" | "only" | "just" | "solely" | "nur" => {}
        "nothing" if plain(words, place) == "but" => place += 1,
        "lead" => {}
        "melody" | "tune" => {
            place += usize::from(plain(words, place) == "played");
            if !matches!(plain(words, place), "on" | "by") {
                return None;
            }
            place += 1;
        }
        _ => return None,
    }
    place += usize::from(matches!(plain(words, place), "a" | "an" | "the" | "one"));
    let (length, instrument) = instrument(words, place)?;
    match here {
        "lead" | "melody" | "tune" => leads(instrument).then_some((place - at, Place::Lead(instrument))),
        _ => (!is_partial(words, place + length)).then_some((place - at, Place::Alone)),
    }
}

/// A word after an instrument that ends before a place: "piano only", "guitar solo".
pub fn after(words: &[Word], end: usize, instrument: Instrument) -> Option<Place> {
    match plain(words, end) {
        "only" | "alone" | "solely" if !is_partial(words, end + 1) => Some(Place::Alone),
        "solo" | "solos" | "lead" | "leads" | "melody" | "melodies" | "tune" if leads(instrument) => {
            Some(Place::Lead(instrument))
        }
        _ => None,
    }
}

/// "only in the chorus" says nothing of the whole song.
fn is_partial(words: &[Word], at: usize) -> bool {
    let mut rest = words.iter().skip(at).take_while(|word| !word.after_break).take(4);
    rest.any(|word| {
        matches!(
            word.plain.as_str(),
            "intro"
                | "outro"
                | "verse"
                | "verses"
                | "chorus"
                | "bridge"
                | "beginning"
                | "start"
                | "middle"
                | "end"
                | "ending"
        )
    })
}
