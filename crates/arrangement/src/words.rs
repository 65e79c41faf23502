//! The words of a song that is sung, with their times: they are known, not found by ear.

use lyrics::{LyricLine, Lyrics};
use music::Melody;
use providers::SungWord;
use serde::{Deserialize, Serialize};

/// A line of words in time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimedLine {
    pub start_seconds: f64,
    /// When its last note is over; 0 in reports of older versions.
    #[serde(default)]
    pub end_seconds: f64,
    pub text: String,
    pub words: Vec<TimedWord>,
}

/// A rest of the voice after which a line is no longer shown.
const LONG_REST_SECONDS: f64 = 6.0;

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
    // Notes behind the last syllable of a phrase hold its vowel, where no other line has them.
    let next_notes: Vec<usize> = lyrics.lines.iter().filter_map(|line| Some(line.syllables.first()?.note)).collect();
    let end = |line: &LyricLine| {
        let last = line.syllables.last()?.note;
        let of_phrase = melody.phrases.get(line.phrase).map_or(last, |phrase| phrase.end.saturating_sub(1).max(last));
        let next = next_notes.iter().copied().filter(|note| *note > last).min();
        let held = next.map_or(of_phrase, |next| of_phrase.min(next - 1));
        melody.notes.get(held).map(music::Note::end_seconds)
    };
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
            Some(TimedLine { start_seconds, end_seconds: end(line)?, text: line.text.clone(), words })
        })
        .collect()
}

/// What a service tells of the song that it sang.
pub fn told_lines(lines: &[Vec<SungWord>]) -> Vec<TimedLine> {
    let line = |words: &Vec<SungWord>| {
        let (first, last) = (words.first()?, words.last()?);
        let text = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        let timed = |word: &SungWord| TimedWord { start_seconds: word.start_seconds, text: word.text.clone() };
        let (start_seconds, end_seconds) = (first.start_seconds, last.end_seconds);
        Some(TimedLine { start_seconds, end_seconds, text, words: words.iter().map(timed).collect() })
    };
    lines.iter().filter_map(line).collect()
}

/// The same for somebody who is told of it: a word ends where the next one begins, and the last one with its line.
pub fn sung_words(lines: &[TimedLine]) -> Vec<Vec<SungWord>> {
    let line = |line: &TimedLine| {
        let ends = line.words.iter().skip(1).map(|next| next.start_seconds).chain([line.end_seconds]);
        let word = |(word, end_seconds): (&TimedWord, f64)| {
            let start_seconds = word.start_seconds;
            SungWord { text: word.text.clone(), start_seconds, end_seconds: end_seconds.max(start_seconds) }
        };
        line.words.iter().zip(ends).map(word).collect()
    };
    lines.iter().map(line).collect()
}

/// The lines as a text.
pub fn lines_as_text(lines: &[TimedLine]) -> String {
    lines.iter().map(|line| format!("{}\n", line.text)).collect()
}

/// As players show them (LRC: a line each, `[mm:ss.xx]` before it). Where the voice rests for long, as in a solo, a time without
/// words ends the line, which players would show on.
pub fn lines_as_lrc(lines: &[TimedLine]) -> String {
    let mut lrc = String::new();
    for (index, line) in lines.iter().enumerate() {
        lrc += &super::karaoke::lrc_line(line.start_seconds, &line.text);
        let next = lines.get(index + 1).map(|next| next.start_seconds);
        if next.is_some_and(|next| next - line.end_seconds > LONG_REST_SECONDS) {
            lrc += &super::karaoke::lrc_line(line.end_seconds, "");
        }
    }
    lrc
}

#[cfg(test)]
mod tests {
    use lyrics::{Section, Syllable};
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
        assert!((lines[0].end_seconds - 1.9).abs() < 1e-9 && (lines[1].end_seconds - 62.65).abs() < 1e-9, "{lines:?}");
        // The voice rests for a minute.
        assert_eq!(lines_as_lrc(&lines), "[00:00.50]Summer nights\n[00:01.90]\n[01:02.25]warm\n");
        let near = TimedLine { start_seconds: 4.0, ..lines[1].clone() };
        let sung = sung_words(&lines);
        let spans: Vec<(f64, f64)> = sung[0].iter().map(|word| (word.start_seconds, word.end_seconds)).collect();
        assert_eq!((spans[0], spans[1].0, sung[1].len()), ((0.5, 1.5), 1.5, 1));
        assert_eq!(told_lines(&sung)[0].words, lines[0].words);
        assert_eq!(lines_as_lrc(&[lines[0].clone(), near]), "[00:00.50]Summer nights\n[00:04.00]warm\n");
    }
}
