//! Making a text that somebody else wrote fit a melody, line by line: what fits is kept, small misfits are mended, and
//! the rest is written anew in the same rhyme scheme. The result always has one syllable for each note.

use music::Melody;
use serde::{Deserialize, Serialize};

use super::{
    Language, LyricFinding, Lyrics, LyricsRequest,
    check::{line_findings, lines_of, words_of_line},
    compose::Song,
    plan,
    plan::LinePlan,
    scheme,
    theme::Theme,
    title,
    writer::Rhyme,
};
use crate::LyricsError;

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineFate {
    /// Word for word.
    Kept,
    /// Some small words came or went.
    Mended,
    /// Written by us.
    Rewritten,
}

/// One line of the result and what was wrong with the line that it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairedLine {
    /// The line of the text (as [`super::check`] counts them), or `None` where the text had none for this place.
    pub source: Option<usize>,
    pub findings: Vec<LyricFinding>,
    pub fate: LineFate,
}

/// A text made singable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repaired {
    pub lyrics: Lyrics,
    /// One for each line of the lyrics.
    pub lines: Vec<RepairedLine>,
    pub kept: usize,
    pub mended: usize,
    pub rewritten: usize,
}

/// Fits `text` to the melody. The text is not trusted: of a very long one only the beginning is read, and words that are
/// unknown or blocked are replaced with their line. The request gives language, seed and theme for what is rewritten.
///
/// # Errors
/// `Mismatch` when the melody has no notes in its phrases; `UnknownLanguage`.
pub fn repair(melody: &Melody, text: &str, request: &LyricsRequest) -> Result<Repaired, LyricsError> {
    let (language, plans) = sung_lines(melody, request)?;
    let counts: Vec<usize> = plans.iter().map(LinePlan::syllables).collect();
    let source = lines_of(text);
    let assigned = align(language, &source, &counts);
    let given: Vec<Given<'_>> = assigned.iter().map(|line| line.map(|line| (line, &source[line][..]))).collect();
    fitted((melody, language), &plans, &given, Again::OnlyAsWritten, request)
}

/// Fits lines to the melody that somebody wrote for its places (see [`super::line_places`]), `None` where there is none that
/// is wanted. A chorus that returns, and a last line that says the end of one again, are sung as their first time; what is
/// given for them counts only where the words do not fit again. The lines are not trusted, as with [`repair`].
///
/// # Errors
/// `Mismatch` when the melody has no notes in its phrases, or another number of places than of lines; `UnknownLanguage`.
pub fn fit_lyrics(melody: &Melody, lines: &[Option<String>], request: &LyricsRequest) -> Result<Repaired, LyricsError> {
    let (language, plans) = sung_lines(melody, request)?;
    if lines.len() != plans.len() {
        return Err(LyricsError::Mismatch(format!("{} lines were given for {} places", lines.len(), plans.len())));
    }
    let words: Vec<Option<Vec<String>>> =
        lines.iter().map(|line| line.as_deref().map(words_of_line).filter(|words| !words.is_empty())).collect();
    let given: Vec<Given<'_>> =
        words.iter().enumerate().map(|(place, words)| words.as_deref().map(|words| (place, words))).collect();
    fitted((melody, language), &plans, &given, Again::AsTheFirstTime, request)
}

/// A line of the text with its number.
type Given<'a> = Option<(usize, &'a [String])>;

/// Whether a line that comes back is sung as its first time whatever the text has there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    OnlyAsWritten,
    AsTheFirstTime,
}

fn sung_lines(melody: &Melody, request: &LyricsRequest) -> Result<(Language, Vec<LinePlan>), LyricsError> {
    let language = Language::of(&request.language)?;
    let plans = plan::lines(melody);
    if plans.is_empty() {
        return Err(LyricsError::Mismatch("the melody has no notes to sing".into()));
    }
    Ok((language, plans))
}

fn fitted(
    (melody, language): (&Melody, Language),
    plans: &[LinePlan],
    given: &[Given<'_>],
    again: Again,
    request: &LyricsRequest,
) -> Result<Repaired, LyricsError> {
    let counts: Vec<usize> = plans.iter().map(LinePlan::syllables).collect();
    let theme = Theme::of(language, request).settled(request.seed);
    let mut song = Song::new(language, melody, plans, &theme, request.seed);
    let mut readings: Vec<Reading> =
        given.iter().zip(&counts).map(|(line, &count)| Reading::of(language, *line, count)).collect();
    // What is kept decides what need not be said again.
    for word in readings.iter().filter_map(|r| r.words.as_ref()).flatten() {
        song.has_word(&language.stem(word));
    }
    for number in 0..plans.len() {
        let origin = song.origin(number).filter(|_| again == Again::AsTheFirstTime);
        let first_time = origin.map(|origin| super::words::words(&song.lines[origin].text));
        if let (Some(origin), Some(words)) = (origin, first_time)
            && let Some(syllables) = language.realise(&words, Some(counts[number]))
        {
            readings[number].report.fate = readings[origin].report.fate;
            song.place_line(number, words, syllables);
        } else if let Some(words) = &readings[number].words
            && let Some(syllables) = language.realise(words, Some(counts[number]))
        {
            song.writer.keep_words(words, number);
            song.place_line(number, words.clone(), syllables);
        } else {
            let rhyme = wanted_rhyme(language, number, &readings, &song);
            let written = song.rewrite(number, rhyme)?;
            song.place_line(number, written.words, written.syllables);
        }
    }
    let Song { lines, mut writer, .. } = song;
    let title = title::of(language, &theme, &lines, &mut writer.dice);
    let count = |fate| readings.iter().filter(|r| r.report.fate == fate).count();
    Ok(Repaired {
        kept: count(LineFate::Kept),
        mended: count(LineFate::Mended),
        rewritten: count(LineFate::Rewritten),
        lyrics: Lyrics { title, lines, language: language.tag().into() },
        lines: readings.into_iter().map(|r| r.report).collect(),
    })
}

/// What one place of the song gets from the text.
struct Reading {
    /// The words to sing; `None` when the line has to be written anew.
    words: Option<Vec<String>>,
    /// The last word that the text had here.
    end: Option<String>,
    report: RepairedLine,
}

impl Reading {
    fn of(language: Language, source: Option<(usize, &[String])>, count: usize) -> Self {
        let Some((line, words)) = source else {
            let report = RepairedLine { source: None, findings: Vec::new(), fate: LineFate::Rewritten };
            return Self { words: None, end: None, report };
        };
        let findings = line_findings(language, line, words, Some(count));
        let misfit = |f: &LyricFinding| matches!(f, LyricFinding::SyllableCount { .. });
        let hopeless = findings.iter().any(|f| f.prevents_singing() && !misfit(f));
        let (words_sung, fate) = match findings.iter().any(misfit) {
            _ if hopeless => (None, LineFate::Rewritten),
            false => (Some(words.to_vec()), LineFate::Kept),
            true => match mended(language, words, count) {
                Some(mended) => (Some(mended), LineFate::Mended),
                None => (None, LineFate::Rewritten),
            },
        };
        let end = words.last().filter(|word| language.knows(word)).cloned();
        Self { words: words_sung, end, report: RepairedLine { source: Some(line), findings, fate } }
    }
}

/// What a rewritten line should rhyme with so that the text keeps its scheme: a line above with which the text's own
/// line rhymed, or a line below that will be kept and is this one's partner.
fn wanted_rhyme(language: Language, number: usize, readings: &[Reading], song: &Song<'_>) -> Option<Rhyme> {
    let own = readings[number].end.as_ref().and_then(|word| language.rhyme(word));
    let above = (number.saturating_sub(3)..number)
        .rev()
        .find(|&earlier| own.is_some() && readings[earlier].end.as_ref().and_then(|word| language.rhyme(word)) == own);
    if let Some(earlier) = above {
        return song.lines.get(earlier).and_then(|line| {
            let last = super::words::words(&line.text).pop()?;
            Rhyme::with(language, &last)
        });
    }
    let below = (number + 1..readings.len().min(number + 3)).find(|&later| {
        readings[later].words.is_some()
            && (own.is_some() && readings[later].end.as_ref().and_then(|word| language.rhyme(word)) == own
                || own.is_none() && later == number + 2 && number % scheme::STANZA < 2)
    })?;
    readings[below].words.as_ref().and_then(|words| words.last()).and_then(|word| Rhyme::with(language, word))
}

/// Which line of the text goes to which place: in order, with as little misfit as can be. Lines too many are left out.
pub fn align(language: Language, source: &[Vec<String>], counts: &[usize]) -> Vec<Option<usize>> {
    const LEFT_OUT: usize = 3;
    const BARE: usize = 4;
    const WORST: usize = 6;
    let lengths: Vec<Option<usize>> = source.iter().map(|w| language.realise(w, None).map(|s| s.len())).collect();
    let (lines, places) = (source.len(), counts.len());
    let misfit = |line: usize, place: usize| lengths[line].map_or(WORST, |n| n.abs_diff(counts[place]).min(WORST));
    // `cost[line][place]`: least cost of what comes from there on.
    let mut cost = vec![vec![0usize; places + 1]; lines + 1];
    for line in (0..=lines).rev() {
        for place in (0..=places).rev() {
            cost[line][place] = match (line < lines, place < places) {
                (false, false) => 0,
                (false, true) => cost[line][place + 1] + BARE,
                (true, false) => cost[line + 1][place] + LEFT_OUT,
                (true, true) => (cost[line + 1][place + 1] + misfit(line, place))
                    .min(cost[line][place + 1] + BARE)
                    .min(cost[line + 1][place] + LEFT_OUT),
            };
        }
    }
    let mut assigned = vec![None; places];
    let (mut line, mut place) = (0, 0);
    while line < lines && place < places {
        if cost[line][place] == cost[line + 1][place + 1] + misfit(line, place) {
            assigned[place] = Some(line);
            (line, place) = (line + 1, place + 1);
        } else if cost[line][place] == cost[line][place + 1] + BARE {
            place += 1;
        } else {
            line += 1;
        }
    }
    assigned
}

/// Pairs that may stand for each other, the shorter one first.
const ENGLISH_PAIRS: &[(&str, &str)] = &[
    ("I'm", "I am"),
    ("you're", "you are"),
    ("we're", "we are"),
    ("they're", "they are"),
    ("it's", "it is"),
    ("that's", "that is"),
    ("there's", "there is"),
    ("he's", "he is"),
    ("she's", "she is"),
    ("I'll", "I will"),
    ("you'll", "you will"),
    ("we'll", "we will"),
    ("I've", "I have"),
    ("we've", "we have"),
    ("you've", "you have"),
    ("I'd", "I would"),
    ("we'd", "we would"),
    ("don't", "do not"),
    ("can't", "cannot"),
    ("won't", "will not"),
    ("didn't", "did not"),
    ("isn't", "is not"),
    ("till", "until"),
    ("let's", "let us"),
    ("though", "although"),
    ("while", "during"),
    ("round", "around"),
    ("gonna", "going to"),
    ("wanna", "want to"),
    ("cause", "because"),
];
const ENGLISH_FILLERS: &[&str] =
    &["oh", "so", "and", "just", "now", "but", "well", "yeah", "very", "really", "that", "then", "only", "all", "even"];
const ENGLISH_OPENINGS: &[&str] = &["oh", "and", "so", "now", "only"];
const SPANISH_PAIRS: &[(&str, &str)] = &[
    ("tan", "tanto"),
    ("y", "y también"),
    ("solo", "solamente"),
    ("gran", "grande"),
    ("voy", "yo voy"),
    ("pa", "para"),
];
const SPANISH_FILLERS: &[&str] =
    &["oh", "ay", "y", "ya", "yo", "tú", "muy", "pues", "que", "hoy", "también", "siempre", "solo", "así", "tan"];
const SPANISH_OPENINGS: &[&str] = &["oh", "y", "hoy", "siempre", "ya"];

/// The line with at most three small changes, so that it has the wanted length.
fn mended(language: Language, words: &[String], wanted: usize) -> Option<Vec<String>> {
    const CHANGES: usize = 3;
    const BEAM: usize = 24;
    let mut beam = vec![words.to_vec()];
    for _ in 0..CHANGES {
        let mut next: Vec<(usize, Vec<String>)> = Vec::new();
        for line in &beam {
            let Some(length) = language.realise(line, None).map(|s| s.len()) else { continue };
            for changed in changes(language, line, length < wanted) {
                if language.realise(&changed, Some(wanted)).is_some() {
                    return Some(changed);
                }
                if let Some(n) = language.realise(&changed, None).map(|s| s.len())
                    && n.abs_diff(wanted) < length.abs_diff(wanted)
                {
                    next.push((n.abs_diff(wanted), changed));
                }
            }
        }
        next.sort_by_key(|(misfit, _)| *misfit);
        next.truncate(BEAM);
        beam = next.into_iter().map(|(_, line)| line).collect();
    }
    None
}

/// Every line that is one small change away and longer or shorter.
fn changes(language: Language, words: &[String], longer: bool) -> Vec<Vec<String>> {
    let (pairs, fillers, openings) = match language {
        Language::English => (ENGLISH_PAIRS, ENGLISH_FILLERS, ENGLISH_OPENINGS),
        Language::Spanish => (SPANISH_PAIRS, SPANISH_FILLERS, SPANISH_OPENINGS),
    };
    let mut all = Vec::new();
    for (at, word) in words.iter().enumerate() {
        for (short, long) in pairs {
            let (from, to) = if longer { (short, long) } else { (long, short) };
            let from: Vec<&str> = from.split(' ').collect();
            let here = words.get(at..at + from.len());
            if here.is_some_and(|here| here.iter().zip(&from).all(|(a, b)| a.eq_ignore_ascii_case(b))) {
                let mut line = words[..at].to_vec();
                line.extend(to.split(' ').map(str::to_owned));
                line.extend_from_slice(&words[at + from.len()..]);
                all.push(line);
            }
        }
        if !longer && words.len() > 1 && at + 1 < words.len() && fillers.contains(&word.to_lowercase().as_str()) {
            let mut line = words.to_vec();
            line.remove(at);
            all.push(line);
        }
    }
    if longer {
        for opening in openings.iter().filter(|o| words.first().is_some_and(|w| !w.eq_ignore_ascii_case(o))) {
            let mut line = vec![(*opening).to_owned()];
            line.extend_from_slice(words);
            all.push(line);
        }
    }
    // What must not close a line must not be left to close it.
    all.retain(|line| {
        line.last().is_some_and(|last| language.may_end_a_line(last) || words.last().is_some_and(|w| w == last))
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn small_words_come_and_go() {
        let mend = |text: &str, n| mended(Language::English, &owned(text), n).map(|w| w.join(" "));
        assert_eq!(mend("I am going home", 4).as_deref(), Some("I'm going home"));
        assert_eq!(mend("I'm going home", 5).as_deref(), Some("I am going home"));
        assert_eq!(mend("oh and I just want you", 3).as_deref(), Some("I want you"));
        assert_eq!(mend("elephants umbrellas", 2), None);
        let spanish = mended(Language::Spanish, &owned("ya canta el mar"), 3).map(|w| w.join(" "));
        assert_eq!(spanish.as_deref(), Some("canta el mar"));
    }

    #[test]
    fn lines_go_to_places_of_their_length() {
        let source: Vec<Vec<String>> =
            ["hello my friend", "love", "the river runs down to the sea"].map(owned).to_vec();
        assert_eq!(align(Language::English, &source, &[4, 8]), [Some(0), Some(2)]);
        assert_eq!(align(Language::English, &source, &[4, 1, 6, 8]), [Some(0), Some(1), None, Some(2)]);
        assert_eq!(align(Language::English, &[], &[4]), [None]);
    }
}
