//! Figures measured on lyrics, ours or others': how they sit on the melody that they were made for.
//!
//! Measures only; what is good enough is decided elsewhere.

use std::collections::HashSet;

use domain::quality::LyricsFigures;
use music::{Melody, Phrase};
use serde::{Deserialize, Serialize};

use crate::{
    Language, LyricLine, Lyrics, LyricsRequest,
    language::stress_of,
    prompt_words,
    stress::{in_order, note_weights},
    words_of,
};

/// What is judged of lyrics: the words by themselves, and how they sit on the melody that they were made for.
pub fn lyrics_figures(melody: &Melody, lyrics: &Lyrics, request: &LyricsRequest) -> LyricsFigures {
    let words: Vec<String> = lyrics.lines.iter().flat_map(|line| words_of(&line.text)).collect();
    let language = Language::of(&lyrics.language).unwrap_or(Language::English);
    let known = words.iter().filter(|word| language.knows(word)).count();
    let fit = lyrics_fit(lyrics, melody, request);
    LyricsFigures {
        lyrics_notes: count(melody.phrases.iter().map(music::Phrase::note_count).sum()),
        lyrics_lines: count(lyrics.lines.len()),
        lyrics_chars: count(lyrics.lines.iter().map(|line| line.text.chars().count()).sum()),
        lyrics_words_known: known as f64 / words.len().max(1) as f64,
        lyrics_longest_run: count(lyrics.lines.iter().map(|line| longest_run(&line.text)).max().unwrap_or(0)),
        lyrics_syllable_match: fit.syllable_match,
        lyrics_stress_match: fit.stress_match,
        lyrics_stress_pairs: count(fit.stress_pairs),
        lyrics_rhyme: fit.near_rhyme_share,
        lyrics_rhyming_lines: count(fit.rhyming_lines),
        lyrics_prompt_words_kept: fit.prompt_words_kept,
        lyrics_prompt_words: count(fit.prompt_words),
        lyrics_distinct_words: fit.distinct_words,
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// How well a song text sits on its melody and keeps to what was asked. All are shares, 0–1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct LyricsFit {
    /// Of the notes in phrases, those that carry exactly one syllable or hold the last vowel of a line.
    pub syllable_match: f64,
    /// Of neighbouring syllables whose stress differs (by 0.3 of 1) and whose notes differ in strength (by 0.15 of the
    /// line's range of log length and loudness, and by what a tenth of the length makes): those where the stronger
    /// syllable has the stronger note. 1 when there are none.
    pub stress_match: f64,
    /// How many such neighbours there are.
    pub stress_pairs: usize,
    /// Of lines that have a neighbour in their section: those whose last word rhymes perfectly with another word that
    /// ends a line of the section at most three lines away.
    pub rhyme_share: f64,
    /// The same, weaker rhymes (see [`Language::near_rhyme`]) counted too.
    pub near_rhyme_share: f64,
    /// Lines that have a neighbour in their section and room to rhyme with it: four syllables or more. 0 where most
    /// lines are shorter.
    pub rhyming_lines: usize,
    /// Of the prompt's words that a song on this melody can contain, those that it does contain in some form: a word
    /// that leaves even the longest line no room for another counts only where it is sung. 1 when there are none.
    pub prompt_words_kept: f64,
    /// How many words those are.
    pub prompt_words: usize,
    /// Different words by all words, function words and choruses that return left out.
    pub distinct_words: f64,
}

/// Shorter lines hold a word or two, often of the prompt.
const ROOM_TO_RHYME: usize = 4;

/// Measures lyrics of ours or of others against the melody and the request that they were made for.
pub fn lyrics_fit(lyrics: &Lyrics, melody: &Melody, request: &LyricsRequest) -> LyricsFit {
    let language = Language::of(&lyrics.language).unwrap_or(Language::English);
    let once: Vec<&LyricLine> = lyrics.lines.iter().filter(|line| !line.section.returns()).collect();
    let content: Vec<String> = once
        .iter()
        .flat_map(|line| words_of(&line.text.to_lowercase()))
        .filter(|word| !language.is_function_word(word))
        .collect();
    let distinct: HashSet<&String> = content.iter().collect();
    let sung: HashSet<String> =
        lyrics.lines.iter().flat_map(|line| words_of(&line.text)).map(|word| language.stem(&word)).collect();
    let longest = lyrics.lines.iter().map(|line| line.syllables.len()).max().unwrap_or(0);
    let mut wanted = prompt_words(language, request);
    wanted.retain(|(stem, syllables)| *syllables < longest || sung.contains(stem));
    let kept = wanted.iter().filter(|(stem, _)| sung.contains(stem)).count();
    let sections = lyrics.sections();
    let ends: Vec<Vec<String>> = sections
        .iter()
        .map(|(_, lines)| lines.iter().filter_map(|line| words_of(&line.text.to_lowercase()).pop()).collect())
        .collect();
    let with_neighbours = sections.iter().map(|(_, lines)| *lines).filter(|lines| lines.len() > 1).flatten();
    let roomy = with_neighbours.filter(|line| line.syllables.len() >= ROOM_TO_RHYME).count();
    // Few long lines among many short ones make no stanza.
    let rhyming_lines = if 2 * roomy >= lyrics.lines.len() { roomy } else { 0 };
    let (ordered, stress_pairs) = stress_order(language, lyrics, melody);
    LyricsFit {
        syllable_match: share(good_notes(lyrics, melody), melody.phrases.iter().map(Phrase::note_count).sum()),
        stress_match: share(ordered, stress_pairs),
        stress_pairs,
        rhyme_share: rhyme_share(&ends, |word| language.rhyme(word)),
        near_rhyme_share: rhyme_share(&ends, |word| language.near_rhyme(word)),
        rhyming_lines,
        prompt_words_kept: share(kept, wanted.len()),
        prompt_words: wanted.len(),
        distinct_words: share(distinct.len(), content.len()),
    }
}

/// `part` of `whole`; 1 of nothing.
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

fn good_notes(lyrics: &Lyrics, melody: &Melody) -> usize {
    let mut carried = vec![0usize; melody.notes.len()];
    let mut line_starts = HashSet::new();
    for line in &lyrics.lines {
        line_starts.extend(line.syllables.first().map(|s| s.note));
        for syllable in &line.syllables {
            if let Some(count) = carried.get_mut(syllable.note) {
                *count += 1;
            }
        }
    }
    let held_at_end = |note: usize, end: usize| {
        let next = (note..end).find(|n| carried[*n] > 0);
        next.is_none_or(|next| line_starts.contains(&next))
    };
    melody
        .phrases
        .iter()
        .map(|phrase| {
            let end = phrase.end.min(carried.len());
            let is_sung = (phrase.start..end).any(|note| carried[note] > 0);
            (phrase.start..end)
                .filter(|&note| match carried[note] {
                    0 => is_sung && note > phrase.start && held_at_end(note, end),
                    count => count == 1,
                })
                .count()
        })
        .sum()
}

/// Neighbours in order and all, see [`LyricsFit::stress_match`].
fn stress_order(language: Language, lyrics: &Lyrics, melody: &Melody) -> (usize, usize) {
    let (mut good, mut all) = (0, 0);
    for line in &lyrics.lines {
        let (line_good, line_all) = line_stress_order(language, line, melody);
        good += line_good;
        all += line_all;
    }
    (good, all)
}

/// Those of one line.
pub(crate) fn line_stress_order(language: Language, line: &LyricLine, melody: &Melody) -> (usize, usize) {
    let notes: Vec<_> = line.syllables.iter().filter_map(|s| melody.notes.get(s.note)).copied().collect();
    let weights = note_weights(&notes);
    let words = words_of(&line.text);
    let stresses: Vec<f64> = line.syllables.iter().map(|s| stress_of(language, s, &words)).collect();
    in_order(&weights, &stresses)
}

fn rhyme_share(sections: &[Vec<String>], key: impl Fn(&str) -> Option<String>) -> f64 {
    let (mut good, mut all) = (0, 0);
    for ends in sections.iter().filter(|ends| ends.len() > 1) {
        all += ends.len();
        good += rhymed(ends, &key).into_iter().filter(|rhymes| *rhymes).count();
    }
    share(good, all)
}

/// Of each of the words that end the lines of a section, whether it rhymes with another one at most three lines away.
pub(crate) fn rhymed(ends: &[String], key: impl Fn(&str) -> Option<String>) -> Vec<bool> {
    const REACH: usize = 3;
    let keys: Vec<Option<String>> = ends.iter().map(|word| key(word)).collect();
    let rhymes = |at: usize| {
        let mut near = at.saturating_sub(REACH)..ends.len().min(at + REACH + 1);
        keys[at].is_some() && near.any(|other| keys[other] == keys[at] && ends[other] != ends[at])
    };
    (0..ends.len()).map(rhymes).collect()
}

fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    let mut last = None;
    for letter in text.to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        run = if last == Some(letter) { run + 1 } else { 1 };
        last = Some(letter);
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted_without_spaces_and_case() {
        assert_eq!(longest_run("Aa a b"), 3);
        assert_eq!(longest_run(""), 0);
    }
}
