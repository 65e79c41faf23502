//! Placing a text that somebody else wrote on the notes of a melody.

use music::{Melody, Note};
use safety::Severity;

use super::{
    Language, LyricLine, Lyrics, LyricsError, Section, Syllable, plan, plan::LinePlan, spanish::UNDERTIE, words,
};

/// The most syllables that may share one note, on average.
const CROWDED: f64 = 3.0;

/// One word with its syllables; `ends_line` where the writer broke the line.
struct Word {
    text: String,
    syllables: Vec<Syllable>,
    ends_line: bool,
}

impl Word {
    /// Whether it begins in a syllable with the end of the word before, which no line may part.
    fn is_joined_to_the_one_before(&self) -> bool {
        // A word that was sung whole in one syllable with this one stands in the text of both.
        let own = self.text.matches(' ').count();
        self.syllables.first().is_some_and(|first| first.text.matches(UNDERTIE).count() > own)
    }
}

/// Places lines of text on a melody: whole words go to phrases so that syllables and notes come out as even as they can,
/// with line breaks kept where they fall near. Surplus notes prolong the vowel before them (short notes first), surplus
/// syllables share the longest notes. A text that is much too short is sung again from its beginning.
///
/// # Errors
/// `Mismatch` for a melody without notes, a text without words, a word that is not in the dictionary or is blocked, and
/// for more than three syllables to a note.
pub fn fit(text_lines: &[impl AsRef<str>], melody: &Melody) -> Result<Lyrics, LyricsError> {
    fit_in(Language::English, text_lines, melody)
}

/// [`fit`] for a text in any language that there is.
///
/// # Errors
/// As [`fit`].
pub fn fit_in(language: Language, text_lines: &[impl AsRef<str>], melody: &Melody) -> Result<Lyrics, LyricsError> {
    let plans: Vec<LinePlan> = plan::lines(melody);
    let notes: usize = plans.iter().map(|p| p.notes.len()).sum();
    if notes == 0 {
        return Err(LyricsError::Mismatch("the melody has no notes to sing".into()));
    }
    let mut words = read(language, text_lines)?;
    let syllables: usize = words.iter().map(|w| w.syllables.len()).sum();
    if syllables == 0 {
        return Err(LyricsError::Mismatch("the text has no words".into()));
    }
    if syllables as f64 > notes as f64 * CROWDED {
        return Err(LyricsError::Mismatch(format!("{syllables} syllables are too many for {notes} notes")));
    }
    repeat_to_fill(&mut words, syllables, notes);
    let cuts = share_out(&words, &plans);
    let mut lines = Vec::with_capacity(plans.len());
    for (plan, range) in plans.iter().zip(cuts) {
        if !range.is_empty() {
            lines.push(place(&words[range], plan, &melody.notes));
        }
    }
    let title = lines.first().map(|l| l.text.split(' ').take(4).collect::<Vec<_>>().join(" ")).unwrap_or_default();
    Ok(Lyrics { title, lines, language: language.tag().into() })
}

fn read(language: Language, text_lines: &[impl AsRef<str>]) -> Result<Vec<Word>, LyricsError> {
    let mut all: Vec<Word> = Vec::new();
    for line in text_lines {
        let texts = words::words(line.as_ref());
        if safety::built_in().worst(line.as_ref()).is_some_and(|found| found.severity == Severity::Block) {
            return Err(LyricsError::Mismatch("the text has a word that is not sung here".into()));
        }
        for text in &texts {
            if !language.knows(text) {
                return Err(LyricsError::Mismatch(format!("\"{text}\" is a word that nobody knows how to sing")));
            }
        }
        let Some(syllables) = language.realise(&texts, None) else { continue };
        let mut pending = String::new();
        for (index, text) in texts.iter().enumerate() {
            pending.push_str(text);
            let own: Vec<Syllable> = syllables.iter().filter(|s| s.word_index == index).cloned().collect();
            if own.is_empty() {
                // Sung in one syllable with the next word.
                pending.push(' ');
                continue;
            }
            let text = std::mem::take(&mut pending);
            all.push(Word { text, syllables: own, ends_line: index + 1 == texts.len() });
        }
    }
    Ok(all)
}

/// Sings the text again as often as it fits whole, and once more in part when most of the melody would stay bare.
fn repeat_to_fill(words: &mut Vec<Word>, syllables: usize, notes: usize) {
    let once = words.len();
    let mut sung = syllables;
    let mut next = 0;
    while sung * 3 < notes * 2 {
        let Word { text, syllables, ends_line } = &words[next];
        let again = Word { text: text.clone(), syllables: syllables.clone(), ends_line: *ends_line };
        sung += again.syllables.len();
        words.push(again);
        next = (next + 1) % once;
    }
}

/// Word ranges for the lines of the plan: the split with the least sum of squared differences between syllables and
/// notes, where breaking a written line costs a little.
fn share_out(words: &[Word], plans: &[LinePlan]) -> Vec<std::ops::Range<usize>> {
    const BROKEN_LINE: f64 = 1.5;
    const BARE_LINE: f64 = 30.0;
    let mut before = vec![0usize; words.len() + 1];
    for (i, word) in words.iter().enumerate() {
        before[i + 1] = before[i] + word.syllables.len();
    }
    let lines = plans.len();
    let mut cost = vec![vec![f64::INFINITY; words.len() + 1]; lines + 1];
    let mut from = vec![vec![0usize; words.len() + 1]; lines + 1];
    cost[0][0] = 0.0;
    for (line, plan) in plans.iter().enumerate() {
        let wanted = plan.notes.len() as f64;
        for end in 0..=words.len() {
            let broken = if end == 0 || words[end - 1].ends_line { 0.0 } else { BROKEN_LINE };
            for start in 0..=end {
                if start < end && words[start].is_joined_to_the_one_before() {
                    continue;
                }
                let count = (before[end] - before[start]) as f64;
                let bare = if start == end { BARE_LINE } else { 0.0 };
                // A relative measure: two syllables too many hurt a line of three more than one of ten.
                let total = cost[line][start] + (count - wanted).powi(2) / wanted.max(1.0) + broken + bare;
                if total < cost[line + 1][end] {
                    cost[line + 1][end] = total;
                    from[line + 1][end] = start;
                }
            }
        }
    }
    let mut ranges = vec![0..0; lines];
    let mut end = words.len();
    for line in (0..lines).rev() {
        let start = from[line + 1][end];
        ranges[line] = start..end;
        end = start;
    }
    ranges
}

fn place(words: &[Word], plan: &LinePlan, notes: &[Note]) -> LyricLine {
    let mut syllables: Vec<Syllable> = Vec::new();
    let mut index = 0;
    for word in words {
        index += word.text.matches(' ').count();
        syllables.extend(word.syllables.iter().cloned().map(|s| Syllable { word_index: index, ..s }));
        index += 1;
    }
    let on = onto_notes(syllables.len(), &notes[plan.notes.clone()]);
    for (syllable, note) in syllables.iter_mut().zip(on) {
        syllable.note = plan.notes.start + note;
    }
    if let Some(first) = syllables.first_mut() {
        first.text = words::capitalised(&first.text);
    }
    let text = words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ");
    LyricLine { phrase: plan.phrase, section: Section::default(), text: words::capitalised(&text), syllables }
}

/// The note of each syllable. With too few syllables the shortest notes (never the first) are held over from the note
/// before; with too many the note with the most time for each takes one more.
fn onto_notes(syllables: usize, notes: &[Note]) -> Vec<usize> {
    let mut load = vec![1usize; notes.len()];
    for _ in syllables..notes.len() {
        let shortest = (1..notes.len())
            .filter(|&i| load[i] == 1)
            .min_by(|&a, &b| notes[a].duration_seconds.total_cmp(&notes[b].duration_seconds));
        match shortest {
            Some(i) => load[i] = 0,
            None => break,
        }
    }
    for _ in notes.len()..syllables {
        let room = |i: usize| notes[i].duration_seconds / (load[i] + 1) as f64;
        if let Some(i) = (0..notes.len()).max_by(|&a, &b| room(a).total_cmp(&room(b))) {
            load[i] += 1;
        }
    }
    load.iter().enumerate().flat_map(|(note, &count)| std::iter::repeat_n(note, count)).collect()
}
