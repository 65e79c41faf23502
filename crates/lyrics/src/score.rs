//! The words as a score shows them: pieces of words on notes, each knowing whether its word goes on.

use music::musicxml::{ScoreSyllable, Syllabic};

use super::{LyricLine, Lyrics, Syllable, spanish::UNDERTIE};

impl Syllable {
    /// What it has of each word that it is sung in, with the word's index. Vowels that meet between words are one
    /// syllable with pieces of two words, of which `word_index` is the last.
    fn pieces(&self) -> impl Iterator<Item = (usize, &str)> {
        let last = self.text.matches(UNDERTIE).count();
        self.text.split(UNDERTIE).enumerate().map(move |(at, text)| ((self.word_index + at).saturating_sub(last), text))
    }

    fn first_word(&self) -> usize {
        self.pieces().next().map_or(self.word_index, |(word, _)| word)
    }
}

impl LyricLine {
    /// Whether the word that a syllable ends with goes on in the next one.
    fn goes_on_after(&self, index: usize) -> bool {
        let next = self.syllables[index + 1..].iter().find(|next| !next.text.is_empty());
        next.is_some_and(|next| next.first_word() == self.syllables[index].word_index)
    }
}

impl Lyrics {
    /// What is sung on each of `note_count` notes, as score programs want it: `-` after a piece of a word that goes on,
    /// `None` where a vowel is held over from the note before.
    pub fn text_by_note(&self, note_count: usize) -> Vec<Option<String>> {
        let mut by_note: Vec<Option<String>> = vec![None; note_count];
        for line in &self.lines {
            for (index, syllable) in line.syllables.iter().enumerate().filter(|(_, syllable)| !syllable.text.is_empty())
            {
                let Some(slot) = by_note.get_mut(syllable.note) else { continue };
                let text = slot.get_or_insert_default();
                if !text.is_empty() && !text.ends_with('-') {
                    text.push(' ');
                }
                text.push_str(&syllable.text);
                if line.goes_on_after(index) {
                    text.push('-');
                }
            }
        }
        by_note
    }

    /// The pieces of the words in order, with the notes that they are sung on, so that the words can be put together
    /// again. A joined syllable gives its note a piece of each word. What has no letters of its own is left out: its
    /// note holds the vowel before.
    pub fn score_syllables(&self) -> Vec<ScoreSyllable<'_>> {
        let of_line = |line| {
            let pieces = written(line);
            let word_at = |index: usize| pieces.get(index).map(|&(word, ..)| word);
            let syllable = |index: usize| {
                let (word, text, note) = pieces[index];
                let continues = index > 0 && word_at(index - 1) == Some(word);
                ScoreSyllable { note, text, syllabic: Syllabic::new(continues, word_at(index + 1) == Some(word)) }
            };
            (0..pieces.len()).map(syllable).collect::<Vec<_>>()
        };
        self.lines.iter().flat_map(of_line).collect()
    }
}

/// Word, letters and note of every piece of a line that has letters.
fn written(line: &LyricLine) -> Vec<(usize, &str, usize)> {
    let pieces = line.syllables.iter().flat_map(|s| s.pieces().map(|(word, text)| (word, text, s.note)));
    pieces.filter(|(_, text, _)| !text.is_empty()).collect()
}
