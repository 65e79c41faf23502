//! Writing the lines: many random fillings of the patterns, each of exactly the wanted number of syllables, and the one
//! that scores best is kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use music::Melody;
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    LyricLine, Lyrics, LyricsRequest,
    lexicon::{self, ANY, Class, Entry},
    plan::{self, LinePlan},
    scheme, stress,
    templates::{self, Item, Section, Template},
    theme::{Keyword, Theme},
    title, words,
};
use crate::EngineError;

/// Fillings tried for one line before a wish is dropped.
const ATTEMPTS: usize = 500;
/// Words looked at for one slot; the most fitting is taken.
const SAMPLED: usize = 5;
/// Longest word of the lexicon and of a prompt, in syllables.
const LONGEST: usize = 8;

/// Writes a song text for a melody: one syllable on every note, one line to a phrase (long phrases carry several).
///
/// # Errors
/// `Mismatch` when the melody has no notes in its phrases.
pub fn write_lyrics(melody: &Melody, request: &LyricsRequest) -> Result<Lyrics, EngineError> {
    let plans = plan::lines(melody);
    if plans.is_empty() {
        return Err(EngineError::Mismatch("the melody has no notes to sing".into()));
    }
    let theme = Theme::of(request);
    let mut writer = Writer::new(&theme, request.seed, plans.len());
    let lines = writer.write(melody, &plans)?;
    let title = title::of(&theme, &lines, &mut writer.dice);
    Ok(Lyrics { title, lines, language: "en".into() })
}

/// One word of a line: as it stands there, and the entry it came from, if it came from one.
#[derive(Debug, Clone)]
struct Word<'a> {
    text: &'a str,
    entry: Option<&'a Entry>,
}

struct Candidate<'a> {
    words: Vec<Word<'a>>,
    family: usize,
    score: f64,
}

/// What a line has to do.
struct Wish<'a> {
    syllables: usize,
    weights: Vec<f64>,
    section: Section,
    /// Rhymes with this part, but is not one of these words.
    rhyme: Option<(String, Vec<String>)>,
    keyword: Option<&'a Keyword>,
    /// Another line will have to rhyme with this one.
    is_answered: bool,
}

struct Writer<'a> {
    theme: &'a Theme,
    dice: ChaCha8Rng,
    /// Words of a class with so many syllables.
    index: HashMap<(Class, usize), Vec<&'a Entry>>,
    /// How many words can end a line with this rhyme part.
    rhyme_counts: HashMap<&'a str, usize>,
    /// Line in which a stem was last used.
    used: HashMap<String, usize>,
    families: BTreeMap<usize, usize>,
    texts: BTreeSet<String>,
    pending: Vec<(usize, &'a Keyword)>,
}

impl<'a> Writer<'a> {
    fn new(theme: &'a Theme, seed: u64, lines: usize) -> Self {
        let mut index: HashMap<(Class, usize), Vec<&Entry>> = HashMap::new();
        let mut rhyme_counts = HashMap::new();
        for entry in lexicon::all() {
            index.entry((entry.class, entry.syllables)).or_default().push(entry);
            if entry.class != Class::Preposition {
                *rhyme_counts.entry(entry.rhyme.as_str()).or_default() += 1;
            }
        }
        for entry in theme.keywords.iter().flat_map(|k| &k.entries) {
            let list = index.entry((entry.class, entry.syllables)).or_default();
            if !list.iter().any(|e| e.text == entry.text) {
                list.push(entry);
            }
        }
        // Prompt words are spread over the song, at most one a line.
        let wanted = theme.keywords.len();
        let pending = theme.keywords.iter().enumerate().map(|(i, k)| (i * lines / wanted.max(1), k)).collect();
        Self {
            theme,
            dice: ChaCha8Rng::seed_from_u64(seed),
            index,
            rhyme_counts,
            used: HashMap::new(),
            families: BTreeMap::new(),
            texts: BTreeSet::new(),
            pending,
        }
    }

    fn write(&mut self, melody: &Melody, plans: &[LinePlan]) -> Result<Vec<LyricLine>, EngineError> {
        let alternate = self.dice.random_bool(0.6);
        let mut ends: Vec<(String, String)> = Vec::with_capacity(plans.len());
        let mut lines = Vec::with_capacity(plans.len());
        for (number, plan) in plans.iter().enumerate() {
            let syllables = plan.notes.len();
            let partner = scheme::partner(number, plans.len(), alternate);
            let rhyme = partner.map(|p| {
                let (word, part) = &ends[p];
                (part.clone(), vec![word.clone()])
            });
            let keyword = self
                .pending
                .iter()
                .position(|(from, k)| *from <= number && k.entries.iter().any(|e| e.syllables <= syllables))
                .map(|at| self.pending.remove(at).1);
            let wish = Wish {
                syllables,
                weights: stress::note_weights(&melody.notes[plan.notes.clone()]),
                section: if (number / scheme::STANZA).is_multiple_of(2) { Section::Verse } else { Section::Chorus },
                rhyme,
                keyword,
                is_answered: scheme::is_answered(number, plans.len(), alternate),
            };
            let (candidate, kept) = self
                .best_line(&wish, number)
                .ok_or_else(|| EngineError::Mismatch(format!("no line of {syllables} syllables could be written")))?;
            if let (Some(keyword), false) = (keyword, kept) {
                self.pending.insert(0, (number + 1, keyword));
            }
            let line = self.finish(candidate, plan, number)?;
            let last = words::words(&line.text).pop().unwrap_or_default();
            let part =
                super::dictionary::pronunciation(&last).map(|p| super::dictionary::rhyme_part(&p)).unwrap_or_default();
            ends.push((words::stem(&last), part));
            lines.push(line);
        }
        Ok(lines)
    }

    /// The best line, and whether it has the keyword. Wishes are dropped one by one until a line can be found: first the
    /// rhyme (a keyword must appear, a rhyme should), then the keyword, then the ban on words used before.
    fn best_line(&mut self, wish: &Wish<'a>, number: usize) -> Option<(Candidate<'a>, bool)> {
        for (rhyme, keyword, fresh) in [
            (true, true, true),
            (false, true, true),
            (true, false, true),
            (false, false, true),
            (false, true, false),
            (false, false, false),
        ] {
            let rhyme = wish.rhyme.as_ref().filter(|_| rhyme);
            let keyword = wish.keyword.filter(|_| keyword);
            let mut best: Option<Candidate<'a>> = None;
            for _ in 0..ATTEMPTS {
                let Some(template) = self.pick_template(wish, keyword) else { break };
                let Some(words) = self.fill(template, wish.syllables, rhyme, keyword) else { continue };
                if fresh && self.texts.contains(&joined(&words)) {
                    continue;
                }
                let score = self.score(&words, template, wish, number);
                if best.as_ref().is_none_or(|b| score > b.score) {
                    best = Some(Candidate { words, family: template.family, score });
                }
            }
            if let Some(best) = best {
                return Some((best, keyword.is_some()));
            }
        }
        None
    }

    fn pick_template(&mut self, wish: &Wish<'a>, keyword: Option<&Keyword>) -> Option<&'static Template> {
        let all = templates::all();
        let moods = self.theme.moods | 1;
        let fits = |template: &Template| {
            template.items.len() <= wish.syllables
                && (template.moods & moods != 0 || self.theme.moods == 0)
                && match keyword {
                    // Names only where a name was asked for.
                    Some(keyword) => keyword.entries.iter().any(|e| template.items.contains(&Item::Slot(e.class))),
                    None => !template.items.contains(&Item::Slot(Class::Name)),
                }
        };
        // Rejection sampling, with a scan when what fits is rare.
        for _ in 0..40 {
            let template = all.choose(&mut self.dice)?;
            let in_place = template.section.is_none_or(|s| s == wish.section) || self.dice.random_bool(0.3);
            if in_place && fits(template) {
                return Some(template);
            }
        }
        let fitting: Vec<&'static Template> = all.iter().filter(|t| fits(t)).collect();
        fitting.choose(&mut self.dice).copied()
    }

    /// Words for a pattern with exactly `syllables` syllables, or `None` when this throw of the dice found none.
    fn fill(
        &mut self,
        template: &'static Template,
        syllables: usize,
        rhyme: Option<&(String, Vec<String>)>,
        keyword: Option<&'a Keyword>,
    ) -> Option<Vec<Word<'a>>> {
        let items = &template.items;
        let mut chosen: Vec<Option<Word<'a>>> = vec![None; items.len()];
        let mut left = syllables;
        for (slot, item) in chosen.iter_mut().zip(items) {
            if let Item::Word(text) = item {
                left = left.checked_sub(literal_syllables(text))?;
                *slot = Some(Word { text, entry: None });
            }
        }
        if let Some(keyword) = keyword {
            let (at, entry) = self.keyword_place(items, keyword, rhyme, left)?;
            left = left.checked_sub(entry.syllables)?;
            chosen[at] = Some(Word { text: &entry.text, entry: Some(entry) });
        }
        // The last word first: the rhyme leaves the least choice.
        let open: Vec<usize> = (0..items.len()).rev().filter(|&i| chosen[i].is_none()).collect();
        for (done, &at) in open.iter().enumerate() {
            let Item::Slot(class) = items[at] else { return None };
            let others = &open[done + 1..];
            let is_last = at + 1 == items.len();
            let counts: Vec<usize> = (1..=left.min(LONGEST))
                .filter(|&n| self.index.contains_key(&(class, n)) && self.reachable(items, others, left - n))
                .collect();
            let entry = self.pick_word(template, &chosen, at, class, &counts, rhyme.filter(|_| is_last))?;
            left -= entry.syllables;
            chosen[at] = Some(Word { text: &entry.text, entry: Some(entry) });
        }
        let last = chosen.last()?.as_ref()?;
        let rhymes = rhyme.is_none_or(|(part, _)| last.entry.is_some_and(|e| e.rhyme == *part));
        (left == 0 && rhymes).then(|| chosen.into_iter().flatten().collect())
    }

    fn keyword_place(
        &mut self,
        items: &[Item],
        keyword: &'a Keyword,
        rhyme: Option<&(String, Vec<String>)>,
        left: usize,
    ) -> Option<(usize, &'a Entry)> {
        let mut places: Vec<(usize, &'a Entry)> = Vec::new();
        for (at, item) in items.iter().enumerate() {
            for entry in &keyword.entries {
                let is_last = at + 1 == items.len();
                let rhymes =
                    !is_last || rhyme.is_none_or(|(part, not)| entry.rhyme == *part && !not.contains(&entry.stem));
                if *item == Item::Slot(entry.class) && entry.syllables <= left && rhymes {
                    places.push((at, entry));
                }
            }
        }
        places.choose(&mut self.dice).copied()
    }

    /// Whether the open slots can take exactly `left` syllables.
    fn reachable(&self, items: &[Item], open: &[usize], left: usize) -> bool {
        let mut sums: u64 = 1;
        for &at in open {
            let Item::Slot(class) = items[at] else { return false };
            sums = (1..=LONGEST).filter(|&n| self.index.contains_key(&(class, n))).fold(0, |all, n| all | (sums << n));
        }
        left < 64 && sums & (1 << left) != 0
    }

    fn pick_word(
        &mut self,
        template: &Template,
        chosen: &[Option<Word<'a>>],
        at: usize,
        class: Class,
        counts: &[usize],
        rhyme: Option<&(String, Vec<String>)>,
    ) -> Option<&'a Entry> {
        let fits = |entry: &Entry| {
            rhyme.is_none_or(|(part, not)| entry.rhyme == *part && !not.contains(&entry.stem))
                && !chosen
                    .iter()
                    .flatten()
                    .any(|w| w.entry.is_some_and(|e| e.stem == entry.stem) || w.text == entry.text)
                && template.links.iter().all(|&(describing, described)| {
                    let other = |i: usize| chosen[i].as_ref().and_then(|w| w.entry);
                    match (at == describing, at == described) {
                        (true, _) => other(described).is_none_or(|noun| goes_with(entry, noun)),
                        (_, true) => other(describing).is_none_or(|word| goes_with(word, entry)),
                        _ => true,
                    }
                })
        };
        let pool: Vec<&'a Entry> = if rhyme.is_some() {
            counts.iter().filter_map(|n| self.index.get(&(class, *n))).flatten().copied().filter(|e| fits(e)).collect()
        } else {
            let list = self.index.get(&(class, *counts.choose(&mut self.dice)?))?;
            (0..SAMPLED * 3)
                .filter_map(|_| list.choose(&mut self.dice).copied())
                .filter(|e| fits(e))
                .take(SAMPLED)
                .collect()
        };
        pool.into_iter()
            .map(|entry| (self.relevance(entry) + self.dice.random_range(0.0..1.5), entry))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, entry)| entry)
    }

    /// How much a word belongs to this song: its mood and fields, less for a word just used.
    fn relevance(&self, entry: &Entry) -> f64 {
        let mood = match (self.theme.moods & !1, entry.moods & !1) {
            (0, _) | (_, 0) => 0.0,
            (asked, has) if asked & has != 0 => 1.0,
            _ => -1.2,
        };
        let shared = (entry.fields & self.theme.fields).count_ones();
        mood + 0.6 * f64::from(shared.min(2)) - if self.used.contains_key(&entry.stem) { 1.5 } else { 0.0 }
    }

    fn score(&self, words: &[Word<'a>], template: &Template, wish: &Wish<'a>, number: usize) -> f64 {
        let content: Vec<&Entry> = words.iter().filter_map(|w| w.entry).collect();
        let mean_relevance = content.iter().map(|e| self.relevance(e)).sum::<f64>() / content.len().max(1) as f64;
        let stresses: Vec<f64> = words.iter().flat_map(stresses).collect();
        let agreement = stress::agreement(&wish.weights, &stresses);
        let repeats: f64 =
            content.iter().filter_map(|e| self.used.get(&e.stem)).map(|line| 1.5 / (number - line) as f64 + 0.5).sum();
        let template_age = self.families.get(&template.family).map_or(0.0, |line| 3.0 / (number - line) as f64);
        let end = words.last().and_then(|w| w.entry);
        let open_end = end
            .map_or(0.0, |e| e.phones.iter().rev().map(|p| stress::singability(p)).find(|s| *s > 0.0).unwrap_or(0.0));
        // A line that will be answered needs a rhyme that has answers.
        let answers = end.map_or(0, |e| self.rhyme_counts.get(e.rhyme.as_str()).copied().unwrap_or(0));
        let answerable = if wish.is_answered && answers < 4 { -3.0 } else { 0.0 };
        // Sentences rather than heaps of words: the more varied pattern wins a tie.
        let shape = 0.15 * (template.items.len() as f64).min(7.0);
        2.0 * agreement + 1.2 * mean_relevance + 0.5 * open_end + shape - repeats - template_age + answerable
    }

    fn finish(&mut self, candidate: Candidate<'a>, plan: &LinePlan, number: usize) -> Result<LyricLine, EngineError> {
        self.texts.insert(joined(&candidate.words));
        self.families.insert(candidate.family, number);
        for entry in candidate.words.iter().filter_map(|w| w.entry) {
            self.used.insert(entry.stem.clone(), number);
        }
        let texts = with_articles(&candidate.words);
        let mut syllables = Vec::with_capacity(plan.notes.len());
        for (index, text) in texts.iter().enumerate() {
            let phones = words::phones_in_context(text, texts.get(index + 1).map(String::as_str))
                .ok_or_else(|| EngineError::Mismatch(format!("\"{text}\" has no known pronunciation")))?;
            syllables.extend(words::syllabify(text, index, &phones));
        }
        if let Some(first) = syllables.first_mut() {
            first.text = words::capitalised(&first.text);
        }
        for (syllable, note) in syllables.iter_mut().zip(plan.notes.clone()) {
            syllable.note = note;
        }
        debug_assert_eq!(syllables.len(), plan.notes.len());
        Ok(LyricLine { phrase: plan.phrase, text: words::capitalised(&texts.join(" ")), syllables })
    }
}

/// Whether a describing word (adjective, verb) makes sense with a noun.
fn goes_with(describing: &Entry, noun: &Entry) -> bool {
    describing.fields & ANY != 0 || describing.fields & noun.fields != 0
}

fn stresses(word: &Word<'_>) -> Vec<f64> {
    match word.entry {
        Some(entry) => entry.stress.clone(),
        None => super::dictionary::pronunciation(word.text).map_or_else(Vec::new, |phones| {
            super::syllables::split_phones(&phones).iter().map(|s| words::syllable_stress(word.text, s)).collect()
        }),
    }
}

fn literal_syllables(text: &str) -> usize {
    super::dictionary::pronunciation(text).map_or(0, |phones| super::dictionary::syllable_count(&phones))
}

fn joined(words: &[Word<'_>]) -> String {
    words.iter().map(|w| w.text.to_lowercase()).collect::<Vec<_>>().join(" ")
}

/// The words as sung: "a" becomes "an" before a vowel sound.
fn with_articles(words: &[Word<'_>]) -> Vec<String> {
    (0..words.len())
        .map(|i| match (words[i].text, words.get(i + 1)) {
            ("a", Some(next)) => {
                let vowel = super::dictionary::pronunciation(next.text)
                    .is_some_and(|p| p.first().is_some_and(|phone| super::dictionary::is_vowel(phone)));
                if vowel { "an".to_owned() } else { "a".to_owned() }
            }
            (text, _) => text.to_owned(),
        })
        .collect()
}
