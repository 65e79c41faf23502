//! The words of a song with their times, as players show them (LRC: a line each, `[mm:ss.xx]` before it).

use lyrics::Language;
use music::Score;

/// A line is ended by a rest of this many usual steps between syllables, and by any of this many seconds.
const REST_STEPS: f64 = 2.5;
const REST_SECONDS: f64 = 5.0;
/// Letters that a line has at least before a rest or the end of a sentence ends it; before a comma does; and at most.
const SHORT: usize = 12;
const LONG: usize = 24;
const MOST: usize = 60;
/// Syllables that one word may have.
const WORD_SYLLABLES: usize = 5;
/// Letters of a word that may also be the ending of another.
const ENDING: usize = 3;

/// `None` for a song without words. Lines are those of the file; where it marks none, they end at rests, at the ends of
/// sentences, or when they are long. Syllables without any blank between them are put together to the English words that
/// they make; what makes none stands apart.
pub fn lrc(score: &Score) -> Option<String> {
    let is_marked = score.lyrics.iter().any(|syllable| syllable.text.trim().contains('\n'))
        || score.lyrics.iter().skip(1).any(|syllable| syllable.text.starts_with('\n'));
    let words = words(score);
    let mut steps: Vec<f64> = words.windows(2).map(|pair| pair[1].begins - pair[0].last_begins).collect();
    steps.sort_by(f64::total_cmp);
    let usual = steps.get(steps.len() / 2).copied().unwrap_or(0.0);
    let mut lines: Vec<(f64, String)> = Vec::new();
    let mut before: Option<&Word> = None;
    for word in &words {
        let is_new = match (before, lines.last()) {
            (Some(before), Some((_, line))) => {
                word.is_new_line || !is_marked && ends_before(word, before, line.chars().count(), usual)
            }
            _ => true,
        };
        match lines.last_mut() {
            Some((_, line)) if !is_new => {
                line.push(' ');
                line.push_str(&word.text);
            }
            _ => lines.push((word.begins, word.text.clone())),
        }
        before = Some(word);
    }
    let out: String = lines.into_iter().map(|(seconds, line)| lrc_line(seconds, &line)).collect();
    (!out.is_empty()).then_some(out)
}

/// One line, with its end.
pub fn lrc_line(seconds: f64, line: &str) -> String {
    let hundredths = (seconds.max(0.0) * 100.0).round() as u64;
    let (minutes, rest) = (hundredths / 6_000, hundredths % 6_000);
    let line: String = line.trim().chars().filter(|c| !c.is_control()).collect();
    format!("[{minutes:02}:{:02}.{:02}]{line}\n", rest / 100, rest % 100)
}

/// A word, or what stands between two blanks.
struct Word {
    text: String,
    /// Onsets of its first and its last syllable, in seconds.
    begins: f64,
    last_begins: f64,
    /// Whether the file begins a line with it.
    is_new_line: bool,
}

fn ends_before(word: &Word, before: &Word, letters: usize, usual: f64) -> bool {
    let step = word.begins - before.last_begins;
    let ends_with = |marks: &[char]| before.text.trim_end_matches(['"', '\'', '”', '’', ')']).ends_with(marks);
    step >= REST_SECONDS
        || letters >= SHORT && (step >= REST_STEPS * usual || ends_with(&['.', '!', '?', ';', ':']))
        || letters >= LONG && ends_with(&[','])
        || letters + word.text.chars().count() >= MOST
}

/// What stands in one line of one syllable.
struct Piece<'a> {
    text: &'a str,
    seconds: f64,
    is_new_line: bool,
    /// Whether it belongs to the word of the piece before.
    continues: bool,
}

fn words(score: &Score) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for Piece { text, seconds, is_new_line, continues } in pieces(score) {
        match words.last_mut() {
            Some(word) if continues => {
                word.text.truncate(word.text.trim_end_matches('-').len());
                word.text.push_str(text);
                word.last_begins = seconds;
            }
            _ => words.push(Word { text: text.to_owned(), begins: seconds, last_begins: seconds, is_new_line }),
        }
    }
    words
}

fn pieces(score: &Score) -> Vec<Piece<'_>> {
    let has_blanks = score.lyrics.iter().any(|syllable| syllable.text.contains(' '));
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let (mut is_new_line, mut is_open) = (true, false);
    let onsets = score.seconds_of(score.lyrics.iter().map(|syllable| syllable.at));
    for (syllable, seconds) in score.lyrics.iter().zip(onsets) {
        for (index, piece) in syllable.text.split('\n').enumerate() {
            is_new_line |= index > 0;
            is_open &= index == 0 && !piece.starts_with(' ');
            let text = piece.trim();
            if !text.is_empty() {
                pieces.push(Piece { text, seconds, is_new_line, continues: is_open && !is_new_line });
                is_new_line = false;
            }
            is_open = has_blanks && !text.is_empty() && !piece.ends_with(' ') || is_open && piece.is_empty();
        }
    }
    if !has_blanks {
        let mut first = 0;
        while first < pieces.len() {
            let length = word_length(&pieces[first..]);
            pieces[first + 1..first + length].iter_mut().for_each(|piece| piece.continues = true);
            first += length;
        }
    }
    pieces
}

/// How many of these syllables are one word: as many as make one that the dictionary has, and those that hyphens join.
fn word_length(pieces: &[Piece<'_>]) -> usize {
    let line = 1 + pieces.iter().skip(1).take_while(|piece| !piece.is_new_line).count();
    let hyphens = pieces[..line].iter().take_while(|piece| piece.text.len() > 1 && piece.text.ends_with('-')).count();
    if hyphens > 0 {
        return (hyphens + 1).min(line);
    }
    let is_word = |text: &str| Language::English.knows(text);
    let bare = |piece: &Piece<'_>| piece.text.to_lowercase();
    let makes_one = |length: &usize| {
        let syllables: Vec<String> = pieces[..*length].iter().map(bare).collect();
        let (last, before) = (&syllables[*length - 1], &syllables[..*length - 1]);
        let joins = before.iter().all(|syllable| syllable.ends_with(char::is_alphabetic))
            && pieces[1..*length].iter().all(|piece| piece.text.starts_with(char::is_lowercase));
        let last = last.trim_end_matches(|c: char| !c.is_alphabetic());
        // "a long way", "in to", "land or sea", "long time": words that are whole, small ones or no mere endings.
        let is_small = |word: &str| Language::English.is_function_word(word);
        let whole = |syllable: &String| {
            let word = syllable.trim_end_matches(|c: char| !c.is_alphabetic());
            is_word(word) && (is_small(&syllables[0]) || is_small(word) || word.chars().count() > ENDING)
        };
        let stand_alone = is_word(&syllables[0]) && syllables[1..].iter().all(whole);
        joins && !stand_alone && is_word(&(before.concat() + last))
    };
    (2..=line.min(WORD_SYLLABLES)).rev().find(makes_one).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use music::score::{MeterChange, Score, TempoChange, Text};

    use super::*;

    fn score(lyrics: &[(u64, &str)]) -> Score {
        Score {
            ticks_per_quarter: 480,
            title: String::new(),
            tempos: vec![TempoChange { at: 0, micros_per_quarter: 500_000 }],
            meters: vec![MeterChange { at: 0, beats: 4, unit: 4 }],
            meter_is_given: true,
            key_signatures: Vec::new(),
            parts: Vec::new(),
            lyrics: lyrics.iter().map(|&(at, text)| Text { at, text: text.to_owned() }).collect(),
            markers: Vec::new(),
            end: 480_000,
        }
    }

    #[test]
    fn syllables_become_lines_with_times() {
        let words = score(&[(480, "Sum"), (720, "mer "), (960, "nights"), (1_920, "\nare "), (2_880, "warm\n")]);
        assert_eq!(lrc(&words).unwrap(), "[00:00.50]Summer nights\n[00:02.00]are warm\n");
        let late = score(&[(480 * 2 * 61, "late")]);
        assert_eq!(lrc(&late).unwrap(), "[01:01.00]late\n");
        assert_eq!(lrc(&score(&[])), None);
        assert_eq!(lrc(&score(&[(0, " \n ")])), None);
    }

    fn sung(words: &str, gaps: &[(usize, u64)]) -> Score {
        let mut at = 0;
        let all: Vec<(u64, &str)> = (words.split('|').enumerate())
            .map(|(index, word)| {
                at += 480 + gaps.iter().find(|(before, _)| *before == index).map_or(0, |(_, ticks)| *ticks);
                (at, word)
            })
            .collect();
        score(&all)
    }

    fn lines(score: &Score) -> Vec<String> {
        lrc(score).unwrap().lines().map(|line| line[line.find(']').unwrap() + 1..].to_owned()).collect()
    }

    /// What notation programs write: no blank, no line.
    #[test]
    fn bare_syllables_become_words_and_lines() {
        let words =
            "The|win|ter|ri|ver|fro|ze|a|long|time|a|go,|Slow|ly|it|moves|in|to|land|or|sea.|O|ver|and|o|ver|Zor|blax";
        let song = sung(words, &[(12, 1_920)]);
        let expected = [
            "The winter river froze a long time a go,",
            "Slowly it moves in to land or sea.",
            "Over and over Zor blax",
        ];
        assert_eq!(lines(&song), expected);
        assert_eq!(lines(&sung("Shi-|ning|star", &[])), ["Shining star"]);
    }

    #[test]
    fn words_with_blanks_break_at_rests_and_when_long() {
        let song = sung("Oh |my |dar|ling |of |the |moun|tain |side |so |far", &[(5, 2_400)]);
        assert_eq!(lines(&song), ["Oh my darling of", "the mountain side so far"]);
        let long = lines(&sung(&vec!["la "; 200].join("|"), &[]));
        assert!(long.len() > 5 && long.iter().all(|line| line.len() <= MOST), "{long:?}");
        // Where the file says what a line is, nothing else does.
        assert_eq!(lines(&sung("One |two. |three|\nfour ", &[(2, 4_800)])), ["One two. three", "four"]);
    }
}
