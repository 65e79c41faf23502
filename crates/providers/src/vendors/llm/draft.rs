//! A song text in the making: a line for each place that is asked for, the best that was written for it so far, and what is
//! wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use lyrics::{
    Language, LineFate, LinePlace, Lyrics, LyricsError, LyricsGoals, LyricsRequest, MissedGoal, Repaired, align_lines,
    fit_lyrics, line_places, lyrics_fit, weakest_line,
};
use music::Melody;

use super::{
    answer::Draught,
    fault::{Fault, Judged, bare, judged},
};

/// Longest title, in characters.
const MOST_TITLE_CHARS: usize = 60;

/// What was written for one place.
#[derive(Clone, Debug)]
struct Written {
    text: String,
    judged: Judged,
}

/// The text so far. Numbers of lines are those of the places that are asked for, from 0.
pub struct Draft {
    language: Language,
    /// All places of the melody.
    places: Vec<LinePlace>,
    /// Those that are asked for; the others are sung as an earlier one.
    asked: Vec<usize>,
    lines: Vec<Written>,
    title: Option<String>,
}

/// A text on its melody, with how many of its lines are whose.
#[derive(Clone, Debug)]
pub struct Fitted {
    pub lyrics: Lyrics,
    pub kept: usize,
    pub mended: usize,
    pub rewritten: usize,
}

/// What a text comes to.
pub enum Outcome {
    Fits(Fitted),
    /// More than half of the lines would have to be the engine's; and which figures even these would not come to.
    Unfit(Vec<MissedGoal>),
}

impl Draft {
    /// Nothing is written yet.
    ///
    /// # Errors
    /// As [`line_places`].
    pub fn new(melody: &Melody, request: &LyricsRequest) -> Result<Self, LyricsError> {
        let language = Language::of(&request.language)?;
        let places = line_places(melody, request)?;
        let asked: Vec<usize> = (0..places.len()).filter(|&at| places[at].repeats.is_none()).collect();
        let nothing = Judged { fault: Some(Fault::Missing), stress_in_order: 0, stress_pairs: 0 };
        let lines = asked.iter().map(|_| Written { text: String::new(), judged: nothing.clone() }).collect();
        Ok(Self { language, places, asked, lines, title: None })
    }

    pub const fn language(&self) -> Language {
        self.language
    }

    /// How many lines there are.
    pub fn line_count(&self) -> usize {
        self.asked.len()
    }

    pub fn place(&self, line: usize) -> &LinePlace {
        &self.places[self.asked[line]]
    }

    /// Whether the line is sung again.
    pub fn comes_again(&self, line: usize) -> bool {
        self.places.iter().any(|place| place.repeats == Some(self.asked[line]))
    }

    /// The earlier line that a line is to rhyme with.
    pub fn rhymes_with(&self, line: usize) -> Option<usize> {
        let partner = self.place(line).rhymes_with?;
        let partner = self.places[partner].repeats.unwrap_or(partner);
        self.asked[..line].iter().position(|&place| place == partner)
    }

    /// What stands in a place and nothing is wrong with.
    pub fn good(&self, line: usize) -> Option<&str> {
        self.lines[line].judged.fault.is_none().then_some(&*self.lines[line].text)
    }

    pub fn fault(&self, line: usize) -> Option<&Fault> {
        self.lines[line].judged.fault.as_ref()
    }

    /// Lines that have to be written, or written anew.
    pub fn open(&self) -> Vec<usize> {
        (0..self.line_count()).filter(|&line| self.fault(line).is_some()).collect()
    }

    /// Whether there is a line that something could be made of.
    pub fn has_lines(&self) -> bool {
        (0..self.line_count()).any(|line| self.fault(line).is_none_or(Fault::may_be_mended))
    }

    /// Takes what was written for the lines in `open`: in their order where there are as many, by their lengths where not.
    /// What is worse than what stands there is left.
    pub fn take(&mut self, open: &[usize], draught: Draught) {
        if let Some(title) = draught.title.filter(|title| is_title(self.language, title)) {
            self.title.get_or_insert(title);
        }
        let texts: Vec<String> = draught
            .lines
            .into_iter()
            .map(|line| line.map_or_else(String::new, |line| bare(&line).to_owned()))
            .collect();
        let by_place: Vec<Option<usize>> = if texts.len() == open.len() {
            (0..texts.len()).map(Some).collect()
        } else {
            let counts: Vec<usize> = open.iter().map(|&line| self.place(line).syllables()).collect();
            align_lines(self.language, &texts, &counts)
        };
        for (&line, text) in open.iter().zip(by_place) {
            let Some(text) = text.and_then(|text| texts.get(text)) else { continue };
            let mut judged = judged(self.place(line), self.language, text);
            if judged.fault.is_none()
                && let Some(same) =
                    (0..self.line_count()).find(|&other| other != line && self.says_the_same(other, text))
            {
                judged.fault = Some(Fault::Same(same + 1));
            }
            if rank(&judged) > rank(&self.lines[line].judged) {
                self.lines[line] = Written { text: text.clone(), judged };
            }
        }
    }

    fn says_the_same(&self, line: usize, text: &str) -> bool {
        let words = |text: &str| lyrics::words_of(&text.to_lowercase());
        self.good(line).is_some_and(|good| words(good) == words(text))
    }

    /// What is wrong, in words without a word of the text.
    pub fn faults(&self) -> String {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for fault in (0..self.line_count()).filter_map(|line| self.fault(line)) {
            *kinds.entry(fault.kind()).or_default() += 1;
        }
        let told: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        format!("of {} lines {}", self.line_count(), if told.is_empty() { "none".to_owned() } else { told.join(", ") })
    }

    /// The text on its melody: what does not fit is mended or written by the engine, and so are the lines that keep the text from
    /// the figures that the engine's own words are held to, one after the other, as long as they are not more than half.
    ///
    /// # Errors
    /// As [`fit_lyrics`].
    pub fn fitted(self, melody: &Melody, request: &LyricsRequest) -> Result<Outcome, LyricsError> {
        let goals = LyricsGoals::of(melody, request)?;
        let (mut dropped, mut missed) = (BTreeSet::new(), Vec::new());
        loop {
            let repaired = fit_lyrics(melody, &self.given(&dropped), request)?;
            let fate = |place: usize| repaired.lines[place].fate;
            let count = |wanted| self.asked.iter().filter(|&&place| fate(place) == wanted).count();
            let [kept, mended, rewritten] = [LineFate::Kept, LineFate::Mended, LineFate::Rewritten].map(count);
            if rewritten > kept + mended {
                return Ok(Outcome::Unfit(missed));
            }
            missed = goals.missed(&lyrics_fit(&repaired.lyrics, melody, request));
            if missed.is_empty() {
                let Repaired { mut lyrics, .. } = repaired;
                if let Some(title) = self.title {
                    lyrics.title = title;
                }
                return Ok(Outcome::Fits(Fitted { lyrics, kept, mended, rewritten }));
            }
            let theirs: Vec<usize> =
                self.asked.iter().copied().filter(|&place| fate(place) != LineFate::Rewritten).collect();
            let weakest = |missed: &MissedGoal| weakest_line(missed.goal, &repaired.lyrics, melody, request, &theirs);
            match missed.iter().find_map(weakest) {
                Some(place) => dropped.insert(place),
                None => return Ok(Outcome::Unfit(missed)),
            };
        }
    }

    /// What was written for each place of the melody, but for those in `dropped`.
    fn given(&self, dropped: &BTreeSet<usize>) -> Vec<Option<String>> {
        let mut given: Vec<Option<String>> = vec![None; self.places.len()];
        for (&place, written) in self.asked.iter().zip(&self.lines) {
            let is_wanted = written.judged.fault.as_ref().is_none_or(Fault::may_be_mended) && !dropped.contains(&place);
            given[place] = is_wanted.then(|| written.text.clone());
        }
        given
    }
}

/// Better lines have more: a line that fits more than one that does not, one that the engine may mend more than one that it
/// may not, and among equals the one whose stress lies better.
fn rank(judged: &Judged) -> (u8, i64, usize) {
    let Judged { fault, stress_in_order, stress_pairs } = judged;
    let kind = match fault {
        None => 4,
        Some(Fault::Stress) => 3,
        Some(Fault::Syllables { .. }) => 2,
        Some(Fault::Missing) => 0,
        Some(_) => 1,
    };
    let lost = i64::try_from(stress_pairs - stress_in_order).unwrap_or(i64::MAX);
    (kind, -lost, *stress_in_order)
}

/// A title is words of its language that may be sung, and short.
fn is_title(language: Language, title: &str) -> bool {
    let is_plain = |c: char| c.is_alphabetic() || " '\u{2019},!?¡¿-&".contains(c);
    let words = lyrics::words_of(title);
    title.chars().count() <= MOST_TITLE_CHARS
        && title.chars().all(is_plain)
        && !words.is_empty()
        && lyrics::check(title, &[], language).iter().all(|finding| !finding.prevents_singing())
}
