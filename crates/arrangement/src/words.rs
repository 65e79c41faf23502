//! The words of a song that is sung, with their times: they are known, not found by ear.

use lyrics::Lyrics;
use music::Melody;
use serde::{Deserialize, Serialize};

/// A line of words in time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimedLine {
    pub start_seconds: f64,
    pub text: String,
    pub words: Vec<TimedWord>,
}

/// A word and when it begins.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimedWord {
    pub start_seconds: f64,
    pub text: String,
}

/// Every line that has a note.
pub fn timed_lines(melody: &Melody, lyrics: &Lyrics) -> Vec<TimedLine> {
    let onset = |note: usize| melody.notes.get(note).map(|note| note.onset_seconds);
    lyrics
        .lines
        .iter()
        .filter_map(|line| {
            let start_seconds = onset(line.syllables.first()?.note)?;
            let words = line.text.split_whitespace().enumerate();
            let words = words
                .filter_map(|(index, text)| {
                    let syllable = line.syllables.iter().find(|syllable| syllable.word_index == index)?;
                    Some(TimedWord { start_seconds: onset(syllable.note)?, text: text.to_owned() })
                })
                .collect();
            Some(TimedLine { start_seconds, text: line.text.clone(), words })
        })
        .collect()
}

/// As players show them (LRC: a line each, `[mm:ss.xx]` before it).
pub fn lines_as_lrc(lines: &[TimedLine]) -> String {
    lines.iter().map(|line| super::karaoke::lrc_line(line.start_seconds, &line.text)).collect()
}

#[cfg(test)]
mod tests {
    use lyrics::{LyricLine, Section, Syllable};
    use music::{MidiPitch, Note};

    use super::*;

    #[test]
    fn words_begin_with_their_notes() {
        let note = |onset_seconds: f64| Note {
            onset_seconds,
            duration_seconds: 0.4,
            pitch: MidiPitch::new(60),
            cents: 0.0,
            velocity: 80,
        };
        let melody = Melody { notes: [0.5, 1.0, 1.5, 62.25].map(note).to_vec(), ..Melody::default() };
        let syllable =
            |text: &str, word_index, note| Syllable { text: text.to_owned(), word_index, phones: Vec::new(), note };
        let line = |text: &str, syllables| LyricLine {
            phrase: 0,
            section: Section::default(),
            text: text.to_owned(),
            syllables,
        };
        let lyrics = Lyrics {
            title: String::new(),
            lines: vec![
                line("Summer nights", vec![syllable("Sum", 0, 0), syllable("mer", 0, 1), syllable("nights", 1, 2)]),
                line("warm", vec![syllable("warm", 0, 3)]),
                line("unsung", Vec::new()),
            ],
            language: "en".to_owned(),
        };
        let lines = timed_lines(&melody, &lyrics);
        assert_eq!(lines.len(), 2);
        let times: Vec<f64> = lines[0].words.iter().map(|word| word.start_seconds).collect();
        assert_eq!(times, [0.5, 1.5]);
        assert_eq!(lines_as_lrc(&lines), "[00:00.50]Summer nights\n[01:02.25]warm\n");
    }
}
