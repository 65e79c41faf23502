//! Words with several meanings, told apart by their neighbours.

use super::{
    lexicon::{self, Meaning, Sense},
    words::Word,
};

/// A phrase of a sentence.
#[derive(Clone, Copy)]
pub struct Phrase<'a> {
    pub words: &'a [Word],
    pub at: usize,
    /// In words.
    pub length: usize,
}

impl<'a> Phrase<'a> {
    /// A word before the phrase, counted from 1; empty where there is none.
    fn before(&self, back: usize) -> &'a str {
        self.at.checked_sub(back).map_or("", |place| &self.words[place].plain)
    }

    /// A word after the phrase, counted from 0, up to the next break; empty where there is none.
    fn after(&self, ahead: usize) -> &'a str {
        let mut rest = self.words[self.at + self.length..].iter().take_while(|word| !word.after_break);
        rest.nth(ahead).map_or("", |word| &word.plain)
    }

    /// Whether it stands for music here: a word that also has another meaning ("house", "country", "voice") needs neighbours
    /// that fit.
    pub fn is_music(&self, sense: &Sense, is_negated: bool) -> bool {
        match sense.meaning {
            Meaning::Sung => self.is_sung(is_negated),
            Meaning::Genre(_) if self.is_two_players() => false,
            ref meaning if sense.is_ambiguous => {
                self.is_about_music(matches!(meaning, Meaning::Style(_) | Meaning::Genre(_) | Meaning::Instrument(_)))
            }
            _ => true,
        }
    }

    /// "With drum and bass" names two players of a band, and no genre.
    fn is_two_players(&self) -> bool {
        let names = &self.words[self.at..self.at + self.length];
        let are_players = names.first().is_some_and(|word| word.plain == "drum")
            && names.last().is_some_and(|word| word.plain == "bass");
        let are_told = matches!(self.before(1), "with" | "on" | "and" | "plus" | "for" | "by" | "no" | "without");
        are_players && are_told && !(0..2).any(|ahead| lexicon::is_music(self.after(ahead)))
    }

    fn is_about_music(&self, is_noun: bool) -> bool {
        const PLACES: &[&str] = &["to", "of", "through", "from", "near", "at", "into"];
        if (0..3).any(|ahead| lexicon::is_music(self.after(ahead))) {
            return true;
        }
        // "my house", "in the country", "to rock", "to my soul"; "a salsa" is one, "on a rock" and "like a trap" are not.
        let before = self.before(1);
        let is_a_noun = is_noun && matches!(before, "a" | "an") && {
            let place = self.before(2);
            !PLACES.contains(&place) && !matches!(place, "on" | "in" | "like" | "as" | "for")
        };
        if lexicon::is_determiner(before) && !is_a_noun || PLACES.contains(&before) {
            return false;
        }
        // "house in the woods", "rock me", "rock the boat".
        let next = self.after(0);
        !(lexicon::is_determiner(next) || matches!(next, "on" | "me" | "you" | "us" | "of" | "by" | "near"))
            || before.is_empty() && next.is_empty()
    }

    /// Whether somebody is to sing: "with a voice", but not "the voice of the wind", "singing bowls" and "makes you want to sing".
    fn is_sung(&self, is_negated: bool) -> bool {
        let (before, next) = (self.before(1), self.after(0));
        let is_place = next == "in" && lexicon::is_determiner(self.after(1));
        match self.words[self.at + self.length - 1].plain.as_str() {
            "voice" => {
                let is_somebodys = self.length == 1 && lexicon::is_determiner(before) && !matches!(before, "a" | "an");
                !is_place
                    && !is_somebodys
                    && !matches!(next, "of" | "inside" | "from" | "within" | "actor" | "recorder")
            }
            "singing" => {
                let is_a_thing =
                    matches!(next, "bowl" | "bowls" | "bird" | "birds" | "saw" | "sand" | "sands" | "bells" | "along");
                let is_nature = matches!(
                    before,
                    "bird" | "birds" | "nightingale" | "nightingales" | "cicadas" | "crickets" | "whales" | "wind"
                );
                !is_place && !is_a_thing && !is_nature
            }
            "sing" => {
                let is_told = self.at == 0
                    || self.words[self.at].after_break
                    || is_negated
                    || matches!(before, "please" | "should" | "must" | "who" | "then");
                is_told && next != "along"
            }
            _ => true,
        }
    }
}
