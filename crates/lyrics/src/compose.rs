//! Writing a whole song: its sections, which lines rhyme, where the words of the prompt go, and choruses that return.

use std::collections::HashMap;

use music::{Melody, Note};

use super::{
    Language, LyricLine, Lyrics, LyricsRequest, Section, SectionKind, Syllable,
    plan::{self, LinePlan},
    scheme, sections, stress,
    theme::{Keyword, Theme},
    title, words,
    writer::{Rhyme, Wish, Writer, Written},
};
use crate::LyricsError;

/// Writes a song text for a melody: one syllable on every note (but short notes that glide out of a phrase hold its last
/// vowel), one line to a phrase (long phrases carry several).
///
/// # Errors
/// `Mismatch` when the melody has no notes in its phrases; `UnknownLanguage`.
pub fn write_lyrics(melody: &Melody, request: &LyricsRequest) -> Result<Lyrics, LyricsError> {
    let language = Language::of(&request.language)?;
    let plans = plan::lines(melody);
    if plans.is_empty() {
        return Err(LyricsError::Mismatch("the melody has no notes to sing".into()));
    }
    let theme = Theme::of(language, request).settled(request.seed);
    let mut song = Song::new(language, melody, &plans, &theme, request.seed);
    for number in 0..plans.len() {
        song.write(number)?;
    }
    let Song { lines, mut writer, .. } = song;
    let title = title::of(language, &theme, &lines, &mut writer.dice);
    Ok(Lyrics { title, lines, language: language.tag().into() })
}

/// A song in the making, line by line in order.
pub struct Song<'a> {
    language: Language,
    notes: &'a [Note],
    plans: &'a [LinePlan],
    sections: Vec<Section>,
    alternate: bool,
    /// Lines that say a line of the first chorus again.
    returns: Vec<bool>,
    pub writer: Writer<'a>,
    /// Prompt words that still have to come, each with the line from which on.
    pending: Vec<(usize, &'a Keyword)>,
    /// Words of chorus lines by their place in the chorus and their length.
    choruses: HashMap<(usize, usize), Vec<String>>,
    ends: Vec<String>,
    /// Lines that gave up their rhyme for a prompt word.
    unrhymed: usize,
    pub lines: Vec<LyricLine>,
}

impl<'a> Song<'a> {
    pub fn new(language: Language, melody: &'a Melody, plans: &'a [LinePlan], theme: &'a Theme, seed: u64) -> Self {
        let counts: Vec<usize> = plans.iter().map(LinePlan::syllables).collect();
        let mut writer = Writer::new(language, theme, seed);
        // Prompt words are spread over the song, at most one a line.
        let wanted = theme.keywords.len();
        let from = |i: usize| i * plans.len() * 3 / (5 * wanted.max(1));
        let pending = theme.keywords.iter().enumerate().map(|(i, k)| (from(i), k)).collect();
        let sections = sections::plan(&counts);
        let alternate = rand::Rng::random_bool(&mut writer.dice, 0.6);
        Self {
            language,
            notes: &melody.notes,
            plans,
            returns: returning(&sections, &counts, alternate),
            sections,
            alternate,
            writer,
            pending,
            choruses: HashMap::new(),
            ends: Vec::with_capacity(plans.len()),
            unrhymed: 0,
            lines: Vec::with_capacity(plans.len()),
        }
    }

    /// Place of a line in its stanza.
    fn place(number: usize) -> usize {
        number % scheme::STANZA
    }

    pub fn write(&mut self, number: usize) -> Result<(), LyricsError> {
        let length = self.plans[number].syllables();
        let kind = self.sections[number].kind;
        let returning = match kind {
            SectionKind::Chorus if self.returns[number] => self.choruses.get(&(Self::place(number), length)).cloned(),
            // The last line says the end of the chorus once more.
            SectionKind::Outro => {
                (0..scheme::STANZA).rev().find_map(|place| self.choruses.get(&(place, length)).cloned())
            }
            _ => None,
        };
        if let Some(syllables) = returning.as_ref().and_then(|words| self.language.realise(words, Some(length))) {
            self.place_line(number, returning.unwrap_or_default(), syllables);
            return Ok(());
        }
        let written = self.rewrite(number, None)?;
        if kind == SectionKind::Chorus {
            self.choruses.entry((Self::place(number), length)).or_insert_with(|| written.words.clone());
        }
        self.place_line(number, written.words, written.syllables);
        Ok(())
    }

    /// A new line for a place, rhyming with its partner or with `rhyme`.
    pub fn rewrite(&mut self, number: usize, rhyme: Option<Rhyme>) -> Result<Written, LyricsError> {
        let lines = self.plans.len();
        let plan = &self.plans[number];
        let syllables = plan.syllables();
        let partner = scheme::partner(number, lines, self.alternate).and_then(|partner| self.ends.get(partner));
        let rhyme = rhyme.or_else(|| partner.and_then(|word| Rhyme::with(self.language, word)));
        let keyword = self
            .pending
            .iter()
            .position(|(from, k)| *from <= number && k.entries.iter().any(|e| e.syllables <= syllables))
            .map(|at| self.pending.remove(at).1);
        // Lines to come that need not rhyme with one before: there a prompt word costs no rhyme.
        let openings = (number + 1..lines)
            .filter(|&later| !self.returns[later] && scheme::partner(later, lines, self.alternate).is_none())
            .count();
        // Half of the lines that answer another keep their rhyme, however much the prompt asks for.
        let answering = (0..lines).filter(|&line| scheme::partner(line, lines, self.alternate).is_some()).count();
        let may_give_way = rhyme.is_none() || 2 * (self.unrhymed + 1) <= answering;
        let wanted = rhyme.clone();
        let answer = scheme::answer(number, lines, self.alternate).map(|later| self.plans[later].syllables());
        let wish = Wish {
            syllables,
            demands: stress::demands(&self.notes[plan.sung_notes()]),
            section: self.sections[number].kind,
            rhyme,
            keyword,
            keyword_is_urgent: may_give_way && openings <= self.pending.len(),
            answer,
            number,
        };
        let written = self
            .writer
            .best_line(&wish)
            .ok_or_else(|| LyricsError::Mismatch(format!("no line of {syllables} syllables could be written")))?;
        if let (Some(keyword), false) = (keyword, written.has_keyword) {
            self.pending.insert(0, (number + 1, keyword));
        }
        let gave_way = |rhyme: Rhyme| {
            let end = written.words.last().and_then(|word| self.language.near_rhyme(word));
            end.is_none_or(|end| end != rhyme.near)
        };
        self.unrhymed += usize::from(wanted.is_some_and(gave_way));
        self.writer.keep(&written, number);
        Ok(written)
    }

    /// Puts a line on its notes.
    pub fn place_line(&mut self, number: usize, mut words: Vec<String>, mut syllables: Vec<Syllable>) {
        let plan = &self.plans[number];
        self.ends.push(words.last().cloned().unwrap_or_default());
        for (syllable, note) in syllables.iter_mut().zip(plan.sung_notes()) {
            syllable.note = note;
        }
        if let Some(first) = syllables.first_mut() {
            first.text = words::capitalised(&first.text);
        }
        if let Some(first) = words.first_mut() {
            *first = words::capitalised(first);
        }
        self.lines.push(LyricLine {
            phrase: plan.phrase,
            section: self.sections[number],
            text: words.join(" "),
            syllables,
        });
    }

    pub fn section(&self, number: usize) -> Section {
        self.sections[number]
    }

    /// The earlier line that a line rhymes with.
    pub fn partner(&self, number: usize) -> Option<usize> {
        scheme::partner(number, self.plans.len(), self.alternate)
    }

    /// The earlier line that is sung again as this one: of the first chorus.
    pub fn origin(&self, number: usize) -> Option<usize> {
        let first = self.sections.iter().position(|section| section.kind == SectionKind::Chorus)?;
        match self.sections[number].kind {
            SectionKind::Chorus if self.returns[number] => Some(first + Self::place(number)),
            SectionKind::Outro => {
                let is_alike = |line: &usize| {
                    self.sections[*line] == self.sections[first]
                        && self.plans[*line].syllables() == self.plans[number].syllables()
                };
                (first..number.min(first + scheme::STANZA)).rev().find(is_alike)
            }
            _ => None,
        }
    }

    /// A prompt word that somebody else's line has already.
    pub fn has_word(&mut self, stem: &str) {
        self.pending.retain(|(_, keyword)| keyword.stem != stem);
    }
}

/// Which lines of later choruses come back: those as long as the line in the same place of the first chorus, if the line
/// that they rhyme with comes back too.
fn returning(sections: &[Section], counts: &[usize], alternate: bool) -> Vec<bool> {
    let first = sections.iter().position(|section| section.kind == SectionKind::Chorus).unwrap_or(0);
    let same = |line: usize| {
        let origin = first + Song::place(line);
        sections[line].returns() && sections.get(origin) == sections.get(first) && counts[origin] == counts[line]
    };
    let lines = sections.len();
    (0..lines)
        .map(|line| {
            let other = scheme::partner(line, lines, alternate).or_else(|| scheme::answer(line, lines, alternate));
            same(line) && other.is_none_or(same)
        })
        .collect()
}
