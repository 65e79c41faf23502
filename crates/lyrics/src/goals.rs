//! What a text has to come to so that nobody hears whether it was written here: the figures that our own writer is held to,
//! what a text lacks of them, and which of its lines costs most.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use domain::quality::FEWEST_PROMPT_WORDS;
use music::Melody;

use crate::{
    Language, LyricLine, Lyrics, LyricsError, LyricsFit, LyricsRequest, compose::write_lyrics,
    figures::line_stress_order, line_places, lyrics_fit, prompt_words, words_of,
};

/// A figure that a text is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LyricsGoal {
    /// [`LyricsFit::stress_match`].
    Stress,
    /// [`LyricsFit::near_rhyme_share`].
    Rhyme,
    /// [`LyricsFit::prompt_words_kept`].
    PromptWords,
    /// [`LyricsFit::distinct_words`].
    Variety,
}

/// Least figures, each a share, 0–1. That each note has one syllable is no figure to come near to: a text does it or cannot be
/// sung.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LyricsGoals {
    pub stress_match: f64,
    pub near_rhyme_share: f64,
    pub prompt_words_kept: f64,
    pub distinct_words: f64,
}

/// A goal that a text does not come to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MissedGoal {
    pub goal: LyricsGoal,
    pub figure: f64,
    pub least: f64,
}

impl fmt::Display for MissedGoal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.goal {
            LyricsGoal::Stress => "stress on the stronger notes",
            LyricsGoal::Rhyme => "lines that rhyme",
            LyricsGoal::PromptWords => "words of the prompt",
            LyricsGoal::Variety => "different words",
        };
        write!(f, "{what} {:.2}, least {:.2}", self.figure, self.least)
    }
}

/// Figures are sums of shares: what differs by less is the same.
const ROUNDING: f64 = 1e-9;

impl LyricsGoals {
    /// What our own texts come to on average, in every language and more (the tests of this crate hold them to it).
    pub const OURS: Self =
        Self { stress_match: 0.7, near_rhyme_share: 0.9, prompt_words_kept: 0.95, distinct_words: 0.75 };

    /// What a text of somebody else has to come to on this melody: [`Self::OURS`], and where our own writer does not come to
    /// that itself, such as on two notes, what it does come to. Rhymes are counted by lines, and a short text has few: one line
    /// without a rhyme is let pass in any.
    ///
    /// # Errors
    /// As [`write_lyrics`].
    pub fn of(melody: &Melody, request: &LyricsRequest) -> Result<Self, LyricsError> {
        let written = write_lyrics(melody, request)?;
        let own = lyrics_fit(&written, melody, request);
        let all_but_one = 1.0 - 1.0 / written.lines.len().max(1) as f64;
        Ok(Self {
            stress_match: Self::OURS.stress_match.min(own.stress_match),
            near_rhyme_share: Self::OURS.near_rhyme_share.min(own.near_rhyme_share).min(all_but_one),
            prompt_words_kept: Self::OURS.prompt_words_kept.min(own.prompt_words_kept),
            distinct_words: Self::OURS.distinct_words.min(own.distinct_words),
        })
    }

    /// The goals that a text of such figures does not come to. Of a prompt of one word or two nothing has to be sung: they may not
    /// go with the notes.
    pub fn missed(&self, fit: &LyricsFit) -> Vec<MissedGoal> {
        let goals = [
            (LyricsGoal::Stress, fit.stress_match, self.stress_match),
            (LyricsGoal::Rhyme, fit.near_rhyme_share, self.near_rhyme_share),
            (LyricsGoal::PromptWords, fit.prompt_words_kept, self.prompt_words_kept),
            (LyricsGoal::Variety, fit.distinct_words, self.distinct_words),
        ];
        let is_judged = |goal| goal != LyricsGoal::PromptWords || fit.prompt_words >= FEWEST_PROMPT_WORDS as usize;
        let is_missed = |(goal, figure, least): &(LyricsGoal, f64, f64)| is_judged(*goal) && figure + ROUNDING < *least;
        let missed = goals.into_iter().filter(is_missed);
        missed.map(|(goal, figure, least)| MissedGoal { goal, figure, least }).collect()
    }
}

/// The line of a text that costs it most of a goal, of those in `among` (from 0, in order): which one to write anew. Of equals
/// the last, which has most lines before it to answer. `None` where none of them costs anything.
pub fn weakest_line(
    goal: LyricsGoal,
    lyrics: &Lyrics,
    melody: &Melody,
    request: &LyricsRequest,
    among: &[usize],
) -> Option<usize> {
    let language = Language::of(&lyrics.language).ok()?;
    let lines = &lyrics.lines;
    let against = |line: &LyricLine| {
        let (good, all) = line_stress_order(language, line, melody);
        all - good
    };
    let worst = |cost: &dyn Fn(usize) -> usize| {
        let costs = among.iter().filter(|&&at| at < lines.len()).map(|&at| (at, cost(at)));
        costs.filter(|(_, cost)| *cost > 0).max_by_key(|(_, cost)| *cost).map(|(at, _)| at)
    };
    match goal {
        LyricsGoal::Stress => worst(&|at| against(&lines[at])),
        LyricsGoal::Rhyme => {
            let alone = unrhymed(language, lyrics);
            let places = line_places(melody, request).ok()?;
            let answers = |line: usize, other: usize| places.get(line).is_some_and(|of| of.rhymes_with == Some(other));
            // Where a line that is alone was written anew already, nothing rhymed with what it had to answer: then that goes, too.
            let is_wanted = |at: usize| alone.iter().any(|&lone| answers(lone, at) || answers(at, lone));
            worst(&|at| usize::from(alone.contains(&at))).or_else(|| worst(&|at| usize::from(is_wanted(at))))
        }
        LyricsGoal::PromptWords => {
            let wanted: HashSet<String> = prompt_words(language, request).into_iter().map(|(stem, _)| stem).collect();
            let says_one =
                |line: &LyricLine| words_of(&line.text).iter().any(|word| wanted.contains(&language.stem(word)));
            // A line that says one would only hand it on.
            worst(&|at| if says_one(&lines[at]) { 0 } else { 1 + against(&lines[at]) })
        }
        LyricsGoal::Variety => {
            let content = |line: &LyricLine| {
                let words = words_of(&line.text.to_lowercase()).into_iter();
                words.filter(|word| !language.is_function_word(word)).collect::<Vec<String>>()
            };
            let mut uses: HashMap<String, usize> = HashMap::new();
            for word in lines.iter().filter(|line| !line.section.returns()).flat_map(content) {
                *uses.entry(word).or_default() += 1;
            }
            let is_used_again = |word: &&String| uses.get(*word).is_some_and(|uses| *uses > 1);
            worst(&|at| content(&lines[at]).iter().filter(is_used_again).count())
        }
    }
}

/// Lines that have a neighbour in their section, and none near by that they rhyme with, as [`LyricsFit::near_rhyme_share`]
/// counts them.
fn unrhymed(language: Language, lyrics: &Lyrics) -> Vec<usize> {
    let (mut start, mut alone) = (0, Vec::new());
    for (_, lines) in lyrics.sections() {
        let ends: Vec<String> =
            lines.iter().map(|line| words_of(&line.text.to_lowercase()).pop().unwrap_or_default()).collect();
        if ends.len() > 1 {
            let rhymed = crate::figures::rhymed(&ends, |word| language.near_rhyme(word));
            alone.extend((0..ends.len()).filter(|&at| !rhymed[at]).map(|at| start + at));
        }
        start += lines.len();
    }
    alone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missed_is_told() {
        let fit = LyricsFit {
            stress_match: 0.7,
            near_rhyme_share: 0.5,
            prompt_words_kept: 1.0,
            distinct_words: 0.749_999_999_999,
            ..LyricsFit::default()
        };
        let told = |fit: &LyricsFit| LyricsGoals::OURS.missed(fit).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(told(&fit), ["lines that rhyme 0.50, least 0.90"]);
        let silent = LyricsFit { near_rhyme_share: 1.0, prompt_words_kept: 0.0, prompt_words: 2, ..fit };
        assert!(told(&silent).is_empty());
        assert_eq!(told(&LyricsFit { prompt_words: 3, ..silent }), ["words of the prompt 0.00, least 0.95"]);
    }
}
