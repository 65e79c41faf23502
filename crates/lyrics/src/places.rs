//! The places of a melody that lines are written for: what each asks of its line, and how a line that somebody wrote for
//! it does.

use music::Melody;

use super::{
    Language, LyricFinding, LyricsError, LyricsRequest, Section,
    check::{line_findings, words_of_line},
    compose::Song,
    language::stress_of,
    plan,
    stress::{Demand, WEIGHT_DIFFERS, demands, in_order},
    theme::Theme,
};

/// What a note asks of its syllable, beside its neighbours in the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// A stressed one.
    Strong,
    /// A stressed one of a word that says something, with a vowel that can be held.
    Held,
    /// One without stress.
    Light,
    /// Any.
    Either,
}

/// A place for one line.
#[derive(Debug, Clone, PartialEq)]
pub struct LinePlace {
    /// Index into the phrases of the melody.
    pub phrase: usize,
    pub section: Section,
    /// One for each syllable.
    pub beats: Vec<Beat>,
    /// The earlier place that its line should rhyme with.
    pub rhymes_with: Option<usize>,
    /// The earlier place whose line is sung here again: a chorus that returns, or the end of one as the last line.
    pub repeats: Option<usize>,
    /// Strength of each note among the notes of the line, 0–1.
    weights: Vec<f64>,
}

/// A line held against its place.
#[derive(Debug, Clone, PartialEq)]
pub struct LineVerdict {
    /// Lines are counted from 0, so this one is line 0.
    pub findings: Vec<LyricFinding>,
    /// Neighbouring syllables whose stress and whose notes differ in strength, as [`crate::LyricsFit::stress_match`] counts
    /// them; none of a line that cannot be sung here.
    pub stress_pairs: usize,
    /// Those of them where the stronger syllable has the stronger note.
    pub stress_in_order: usize,
}

impl LineVerdict {
    /// Whether it can be sung on the notes of its place as it stands.
    pub fn is_singable(&self) -> bool {
        !self.findings.iter().any(LyricFinding::prevents_singing)
    }
}

impl LinePlace {
    pub fn syllables(&self) -> usize {
        self.weights.len()
    }

    /// How `line` does here. Nothing is believed of it: of a very long one only the beginning is read.
    pub fn judge(&self, language: Language, line: &str) -> LineVerdict {
        let words = words_of_line(line);
        if words.is_empty() {
            return LineVerdict { findings: vec![LyricFinding::Empty], stress_pairs: 0, stress_in_order: 0 };
        }
        let findings = line_findings(language, 0, &words, Some(self.syllables()));
        let (stress_in_order, stress_pairs) = match language.realise(&words, Some(self.syllables())) {
            Some(syllables) => {
                let stresses: Vec<f64> = syllables.iter().map(|s| stress_of(language, s, &words)).collect();
                in_order(&self.weights, &stresses)
            }
            None => (0, 0),
        };
        LineVerdict { findings, stress_pairs, stress_in_order }
    }
}

/// The places that a text for the melody is written in, in order: those that [`crate::write_lyrics`] fills for the same
/// request.
///
/// # Errors
/// `Mismatch` when the melody has no notes in its phrases; `UnknownLanguage`.
pub fn line_places(melody: &Melody, request: &LyricsRequest) -> Result<Vec<LinePlace>, LyricsError> {
    let language = Language::of(&request.language)?;
    let plans = plan::lines(melody);
    if plans.is_empty() {
        return Err(LyricsError::Mismatch("the melody has no notes to sing".into()));
    }
    let theme = Theme::of(language, request).settled(request.seed);
    let song = Song::new(language, melody, &plans, &theme, request.seed);
    let place = |(number, plan): (usize, &plan::LinePlan)| {
        let demands = demands(&melody.notes[plan.sung_notes()]);
        LinePlace {
            phrase: plan.phrase,
            section: song.section(number),
            beats: beats(&demands),
            rhymes_with: song.partner(number),
            repeats: song.origin(number),
            weights: demands.iter().map(|demand| demand.weight).collect(),
        }
    };
    Ok(plans.iter().enumerate().map(place).collect())
}

/// Strong is what is clearly stronger than a neighbour and clearly weaker than none; light the other way round.
fn beats(demands: &[Demand]) -> Vec<Beat> {
    let beat = |at: usize| {
        let own = demands[at].weight;
        let neighbours = [at.checked_sub(1), Some(at + 1)].into_iter().flatten().filter_map(|other| demands.get(other));
        let differences: Vec<f64> = neighbours.map(|other| own - other.weight).collect();
        let above = differences.iter().any(|difference| *difference >= WEIGHT_DIFFERS);
        let below = differences.iter().any(|difference| *difference <= -WEIGHT_DIFFERS);
        match (above, below) {
            _ if demands[at].held > 0.0 => Beat::Held,
            (true, false) => Beat::Strong,
            (false, true) => Beat::Light,
            _ => Beat::Either,
        }
    };
    (0..demands.len()).map(beat).collect()
}

/// Which line goes to which of the places with these syllables, when there are more or fewer lines than places: in order,
/// with as little misfit as can be.
pub fn align_lines(language: Language, lines: &[String], syllable_counts: &[usize]) -> Vec<Option<usize>> {
    let words: Vec<Vec<String>> = lines.iter().take(super::check::MOST_LINES).map(|line| words_of_line(line)).collect();
    super::repair::align(language, &words, syllable_counts)
}
