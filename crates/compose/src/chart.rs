//! Chord charts: `| C | Am F | G |`, ChordPro, or just chords.

use std::{fmt, str::FromStr};

use music::Meter;
use serde::{Deserialize, Serialize};

use crate::chord::Chord;

/// Longest chart, in bars, with its repeats played.
pub const MOST_CHART_BARS: usize = 512;
/// Longest chart, in bytes.
pub const MOST_CHART_BYTES: usize = 32 << 10;
/// Chords in a bar.
const MOST_CHORDS: usize = 4;

/// One bar of a chart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChartBar {
    /// One to four. Two share the bar evenly, or two to one in 3/4; of three in 4/4 the first has half; four have a beat each.
    pub chords: Vec<Chord>,
}

/// The chords of a song, bar by bar, with repeats played out.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChordChart {
    bars: Vec<ChartBar>,
    /// What `{key: …}` says, as it stands there.
    pub key: Option<String>,
    /// What `{tempo: …}` says.
    pub tempo_bpm: Option<f64>,
    /// What `{time: …}` says.
    pub meter: Option<Meter>,
    pub title: Option<String>,
}

impl ChordChart {
    /// Never empty.
    pub fn bars(&self) -> &[ChartBar] {
        &self.bars
    }
}

/// Where and why a chart cannot be read. Lines and columns count from 1, columns in characters.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("chord chart, line {line}, column {column}: {problem}")]
pub struct ChartError {
    pub line: usize,
    pub column: usize,
    pub problem: ChartProblem,
}

/// What is wrong with a chart.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ChartProblem {
    #[error("there is no chord in it: write bars such as | C | Am F | G |")]
    Empty,
    #[error(
        "\"{0}\" is no chord: write a letter from A to G, # or b, and a kind such as m, 7, maj7, sus4 or dim, for example F#m7 or Bb/D"
    )]
    NotAChord(String),
    #[error("more than {MOST_CHORDS} chords in one bar: put a bar line | between them")]
    CrowdedBar,
    #[error("\"%\" repeats the bar before, and there is none")]
    NothingToRepeat,
    #[error("\"{0}\" is no tempo: write beats per minute, such as {{tempo: 96}}")]
    Tempo(String),
    #[error("time \"{0}\" is not played: 4/4 and 3/4 are")]
    Time(String),
    #[error("longer than {MOST_CHART_BARS} bars, repeats included")]
    TooManyBars,
    #[error("longer than {MOST_CHART_BYTES} bytes")]
    TooLong,
}

impl FromStr for ChordChart {
    type Err = ChartError;

    fn from_str(text: &str) -> Result<Self, ChartError> {
        if text.len() > MOST_CHART_BYTES {
            return Err(ChartError { line: 1, column: 1, problem: ChartProblem::TooLong });
        }
        // In ChordPro, lines without brackets are words.
        let is_song_sheet = text.lines().any(|line| line.trim_start().starts_with('{') || line.contains('['));
        let mut reader = Reader::default();
        for (number, line) in text.lines().enumerate() {
            reader.line = number + 1;
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            if trimmed.starts_with('{') {
                reader.directive(line)?;
            } else if trimmed.contains('|') {
                reader.bar_line(line)?;
            } else if trimmed.contains('[') {
                reader.sung_line(line)?;
            } else if !is_song_sheet {
                reader.plain_line(line)?;
            }
        }
        reader.finish()
    }
}

/// A chart while it is read.
#[derive(Default)]
struct Reader {
    line: usize,
    bars: Vec<ChartBar>,
    /// Bar at which the part that `:|` repeats begins.
    repeat_from: usize,
    heading: Heading,
}

#[derive(Default, Clone)]
struct Heading {
    key: Option<String>,
    tempo_bpm: Option<f64>,
    meter: Option<Meter>,
    title: Option<String>,
}

/// Words of a line with the column of each; `|` and its relatives are words of their own.
fn words(line: &str) -> Vec<(usize, String)> {
    let mut words: Vec<(usize, String)> = Vec::new();
    let mut is_open = false;
    let is_bar = |letter: char| matches!(letter, '|' | ':' | ']');
    let letters: Vec<char> = line.chars().collect();
    for (index, &letter) in letters.iter().enumerate() {
        if letter.is_whitespace() {
            is_open = false;
            continue;
        }
        let before = index.checked_sub(1).map(|at| letters[at]);
        let continues = is_open && before.is_some_and(|before| is_bar(before) == is_bar(letter));
        match words.last_mut().filter(|_| continues) {
            Some((_, word)) => word.push(letter),
            None => words.push((index + 1, letter.to_string())),
        }
        is_open = true;
    }
    words
}

impl Reader {
    fn error<T>(&self, column: usize, problem: ChartProblem) -> Result<T, ChartError> {
        Err(ChartError { line: self.line, column, problem })
    }

    fn directive(&mut self, line: &str) -> Result<(), ChartError> {
        let inside = line.trim().trim_start_matches('{').trim_end_matches('}');
        let (name, value) = inside.split_once(':').unwrap_or((inside, ""));
        let value = value.trim();
        let column = line.chars().take_while(|letter| *letter != ':').count() + 2;
        match name.trim().to_lowercase().as_str() {
            "title" | "t" => self.heading.title = Some(value.chars().take(200).collect()),
            "key" => self.heading.key = Some(value.chars().take(20).collect()),
            "tempo" => match value.parse::<f64>() {
                Ok(bpm) if bpm.is_finite() && bpm > 0.0 => self.heading.tempo_bpm = Some(bpm),
                _ => return self.error(column, ChartProblem::Tempo(value.chars().take(20).collect())),
            },
            "time" => match value {
                "4/4" | "C" => self.heading.meter = Some(Meter::FourFour),
                "3/4" => self.heading.meter = Some(Meter::ThreeFour),
                _ => return self.error(column, ChartProblem::Time(value.chars().take(20).collect())),
            },
            _ => {}
        }
        Ok(())
    }

    fn chord(&self, column: usize, word: &str) -> Result<Chord, ChartError> {
        match Chord::parse(word) {
            Some(chord) => Ok(chord),
            None => self.error(column, ChartProblem::NotAChord(word.chars().take(20).collect())),
        }
    }

    fn push(&mut self, column: usize, bar: ChartBar) -> Result<(), ChartError> {
        if self.bars.len() >= MOST_CHART_BARS {
            return self.error(column, ChartProblem::TooManyBars);
        }
        self.bars.push(bar);
        Ok(())
    }

    /// `| C | Am F | % |: G :|`; `.`, `/` and `-` hold the chord for another beat.
    fn bar_line(&mut self, line: &str) -> Result<(), ChartError> {
        // Beats of the bar that is open: chords, and `None` where the one before is held.
        let mut open: Vec<Option<Chord>> = Vec::new();
        for (column, word) in words(line) {
            if word.starts_with(['|', ':', ']']) && word.contains(['|', ']']) {
                self.close(column, &mut open)?;
                if word.starts_with(':') {
                    let again: Vec<ChartBar> = self.bars[self.repeat_from.min(self.bars.len())..].to_vec();
                    for bar in again {
                        self.push(column, bar)?;
                    }
                    self.repeat_from = self.bars.len();
                }
                if word.ends_with(':') {
                    self.repeat_from = self.bars.len();
                }
                continue;
            }
            match word.as_str() {
                "%" => match self.bars.last().cloned().filter(|_| open.is_empty()) {
                    Some(bar) => self.push(column, bar)?,
                    None => return self.error(column, ChartProblem::NothingToRepeat),
                },
                "." | "/" | "-" => open.push(None),
                _ => open.push(Some(self.chord(column, &word)?)),
            }
            if open.len() > MOST_CHORDS {
                return self.error(column, ChartProblem::CrowdedBar);
            }
        }
        self.close(line.chars().count() + 1, &mut open)
    }

    fn close(&mut self, column: usize, open: &mut Vec<Option<Chord>>) -> Result<(), ChartError> {
        let beats = std::mem::take(open);
        if beats.is_empty() {
            return Ok(());
        }
        let mut held = self.bars.last().and_then(|bar| bar.chords.last().copied());
        let mut chords: Vec<Chord> = Vec::new();
        let has_holds = beats.iter().any(Option::is_none);
        for beat in beats {
            match beat.or(held) {
                Some(chord) => {
                    held = Some(chord);
                    chords.push(chord);
                }
                None => return self.error(column, ChartProblem::NothingToRepeat),
            }
        }
        // `C . F .` is two chords of two beats; what holds all through is one.
        if has_holds && chords.len() == 4 && chords[0] == chords[1] && chords[2] == chords[3] {
            chords = vec![chords[0], chords[2]];
        }
        if chords.iter().all(|chord| *chord == chords[0]) {
            chords.truncate(1);
        }
        self.push(column, ChartBar { chords })
    }

    /// Words with `[C]` over them: each chord is a bar. What stands alone in brackets and is no chord names a section.
    fn sung_line(&mut self, line: &str) -> Result<(), ChartError> {
        let letters: Vec<char> = line.chars().collect();
        let trimmed = line.trim();
        let is_alone = trimmed.starts_with('[') && trimmed.ends_with(']') && trimmed.matches('[').count() == 1;
        let mut at = 0;
        while let Some(open) = (at..letters.len()).find(|&index| letters[index] == '[') {
            let close = (open..letters.len()).find(|&index| letters[index] == ']').unwrap_or(letters.len());
            let inside: String = letters[open + 1..close].iter().collect();
            at = close;
            let column = open + 2;
            match self.chord(column, inside.trim()) {
                Ok(chord) => self.push(column, ChartBar { chords: vec![chord] })?,
                // `[*…]` is a note to the player.
                Err(_) if is_alone || inside.starts_with('*') => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn plain_line(&mut self, line: &str) -> Result<(), ChartError> {
        for (column, word) in words(line) {
            let word = word.trim_end_matches([',', ';', '-', '–']);
            if !word.is_empty() {
                let chord = self.chord(column, word)?;
                self.push(column, ChartBar { chords: vec![chord] })?;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<ChordChart, ChartError> {
        if self.bars.is_empty() {
            return Err(ChartError { line: 1, column: 1, problem: ChartProblem::Empty });
        }
        let Heading { key, tempo_bpm, meter, title } = self.heading;
        Ok(ChordChart { bars: self.bars, key, tempo_bpm, meter, title })
    }
}

impl TryFrom<String> for ChordChart {
    type Error = ChartError;

    fn try_from(text: String) -> Result<Self, ChartError> {
        text.parse()
    }
}

impl From<ChordChart> for String {
    fn from(chart: ChordChart) -> Self {
        chart.to_string()
    }
}

/// With bar lines and repeats played out; reads back as the same chart.
impl fmt::Display for ChordChart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(title) = &self.title {
            writeln!(f, "{{title: {title}}}")?;
        }
        if let Some(key) = &self.key {
            writeln!(f, "{{key: {key}}}")?;
        }
        if let Some(bpm) = self.tempo_bpm {
            writeln!(f, "{{tempo: {bpm}}}")?;
        }
        if let Some(meter) = self.meter {
            writeln!(f, "{{time: {meter}}}")?;
        }
        f.write_str("|")?;
        self.bars.iter().try_for_each(|bar| {
            bar.chords.iter().try_for_each(|chord| write!(f, " {chord}"))?;
            f.write_str(" |")
        })
    }
}
