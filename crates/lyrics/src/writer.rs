//! Writing one line: many random readings of the patterns, each of exactly the wanted number of syllables, of which the
//! one that scores best is kept.

use std::collections::{BTreeMap, BTreeSet};

use rand::{Rng, SeedableRng, distr::weighted::WeightedIndex, prelude::Distribution, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    Language, SectionKind, Syllable,
    check::is_heading,
    language::stress_of,
    lexicon::{self, Lexicon},
    stress::{self, Demand},
    templates::{self, Bank, Branch, Node, Slot, Template},
    theme::{Keyword, Theme},
    word::{ANY, Chosen, Class, Entry, FIELDS, MOODS, Tags, tags},
};

/// Readings drawn for one line before a wish is dropped.
const DRAWS: usize = 500;
/// Share of a line that is to be words that say something, see [`stress::substance`].
const SUBSTANCE: f64 = 0.55;
/// The most that a song holds against a pattern for no reason but variety; in points of the score.
const MOST_DISLIKE: f64 = 4.0;
/// Words looked at for one slot; the most fitting is taken.
const SAMPLED: usize = 6;

/// What a line should rhyme with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rhyme {
    pub perfect: String,
    pub near: String,
    /// Stems of the words that are rhymed with: the same word is no rhyme.
    pub not: Vec<String>,
}

impl Rhyme {
    pub fn with(language: Language, word: &str) -> Option<Self> {
        Some(Self { perfect: language.rhyme(word)?, near: language.near_rhyme(word)?, not: vec![language.stem(word)] })
    }
}

/// What a line has to do.
pub struct Wish<'a> {
    pub syllables: usize,
    pub demands: Vec<Demand>,
    pub section: SectionKind,
    pub rhyme: Option<Rhyme>,
    pub keyword: Option<&'a Keyword>,
    /// Whether the keyword must come now, even where a rhyme has to give way.
    pub keyword_is_urgent: bool,
    /// Syllables of the line that will have to rhyme with this one.
    pub answer: Option<usize>,
    /// Position in the song.
    pub number: usize,
}

/// A written line.
#[derive(Debug, Clone)]
pub struct Written {
    pub words: Vec<String>,
    pub syllables: Vec<Syllable>,
    pub has_keyword: bool,
    family: usize,
    stems: Vec<String>,
    score: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum RhymeLevel {
    Perfect,
    Near,
    None,
}

/// A reading of a pattern, before words take their forms.
struct Draw<'a> {
    words: Vec<Chosen<'a>>,
    family: usize,
    /// Of its pattern, see [`Writer::chance`].
    chance: f64,
}

/// Writes the lines of one song and remembers what it has used.
pub struct Writer<'a> {
    language: Language,
    theme: &'a Theme,
    bank: &'static Bank,
    lexicon: &'static Lexicon,
    pub dice: ChaCha8Rng,
    /// Line in which a stem was last used.
    used: BTreeMap<String, usize>,
    /// Line that a stem last ended.
    ends: BTreeMap<String, usize>,
    /// Line in which a pattern was last used.
    families: BTreeMap<usize, usize>,
    texts: BTreeSet<String>,
    /// What this song has against each pattern, so that the few that suit most melodies are not in every song.
    dislikes: Vec<f64>,
    /// How well words of a sound can be answered by a line of some length, for the line that is being written.
    answers: BTreeMap<(String, usize), f64>,
}

impl<'a> Writer<'a> {
    pub fn new(language: Language, theme: &'a Theme, seed: u64) -> Self {
        let bank = templates::of(language);
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let families = bank.templates.last().map_or(0, |template| template.family + 1);
        Self {
            language,
            theme,
            bank,
            lexicon: lexicon::of(language),
            dislikes: (0..families).map(|_| dice.random_range(0.0..MOST_DISLIKE)).collect(),
            dice,
            used: BTreeMap::new(),
            ends: BTreeMap::new(),
            families: BTreeMap::new(),
            texts: BTreeSet::new(),
            answers: BTreeMap::new(),
        }
    }

    /// The best line. Wishes are dropped one by one until a line can be found: first the perfect rhyme (a keyword must
    /// appear, a rhyme should), then the keyword, then the ban on lines used before. `None` only for zero syllables and
    /// for more than patterns can hold.
    pub fn best_line(&mut self, wish: &Wish<'a>) -> Option<Written> {
        use RhymeLevel::{Near, None as Free, Perfect};
        self.answers.clear();
        // While there are lines to come, a keyword can wait for one that nothing has to rhyme with.
        let levels: &[(RhymeLevel, bool)] = if wish.keyword_is_urgent {
            &[(Perfect, true), (Near, true), (Free, true), (Perfect, false), (Near, false), (Free, false)]
        } else {
            &[(Perfect, true), (Perfect, false), (Near, true), (Near, false), (Free, true), (Free, false)]
        };
        let last_resort = (Free, false, false);
        for (level, with_keyword, fresh) in levels.iter().map(|&(l, k)| (l, k, true)).chain([last_resort]) {
            let no_use =
                (level != RhymeLevel::None && wish.rhyme.is_none()) || (with_keyword && wish.keyword.is_none());
            if no_use {
                continue;
            }
            let keyword = wish.keyword.filter(|_| with_keyword);
            if let Some(best) = self.best_at(wish, level, keyword, fresh) {
                return Some(best);
            }
        }
        None
    }

    fn best_at(
        &mut self,
        wish: &Wish<'a>,
        level: RhymeLevel,
        keyword: Option<&'a Keyword>,
        fresh: bool,
    ) -> Option<Written> {
        let pool = self.pool(wish, level, keyword);
        let weights = WeightedIndex::new(pool.iter().map(|(_, weight)| *weight)).ok()?;
        let mut best: Option<Written> = None;
        for draw in 0..DRAWS * if fresh { 3 } else { 20 } {
            if draw >= DRAWS && best.is_some() {
                break;
            }
            let (template, chance) = pool[weights.sample(&mut self.dice)];
            let Some(words) = self.draw(template, wish, level, keyword) else { continue };
            let draw = Draw { words, family: template.family, chance };
            let mut candidate = self.judged(draw, wish, keyword.is_some(), fresh);
            if let Some(candidate) = &mut candidate {
                // Without some chance the few best lines would be in every song.
                candidate.score += self.dice.random_range(0.0..1.5);
            }
            if candidate.as_ref().is_some_and(|c| best.as_ref().is_none_or(|b| c.score > b.score)) {
                best = candidate;
            }
        }
        best
    }

    /// Patterns that can do what is asked, each with its chance.
    fn pool(&self, wish: &Wish<'_>, level: RhymeLevel, keyword: Option<&Keyword>) -> Vec<(&'static Template, f64)> {
        let all: Vec<usize> = match (&wish.rhyme, level) {
            (Some(rhyme), RhymeLevel::Perfect) => self.bank.by_rhyme.get(&rhyme.perfect).cloned().unwrap_or_default(),
            (Some(rhyme), RhymeLevel::Near) => self.bank.by_near_rhyme.get(&rhyme.near).cloned().unwrap_or_default(),
            _ => (0..self.bank.templates.len()).collect(),
        };
        let lengths = self.lengths(wish.syllables);
        let repeats = |template: &Template| {
            wish.rhyme.as_ref().is_some_and(|rhyme| template.end.as_ref().is_some_and(|end| rhyme.not.contains(end)))
        };
        all.into_iter()
            .map(|index| &self.bank.templates[index])
            .filter(|template| !repeats(template))
            .filter(|template| match keyword {
                Some(keyword) => template.nodes.iter().any(|node| takes(node, keyword)),
                None => template.sums & lengths != 0 && !asks_for_somebody(template),
            })
            .map(|template| {
                // Patterns made to carry a word of the prompt say little without one.
                let bare = keyword.is_none() && template.fields == 0 && template.nodes.iter().any(has_slot);
                (template, self.chance(template, wish) * if bare { 0.06 } else { 1.0 })
            })
            .filter(|(_, chance)| *chance > 0.0)
            .collect()
    }

    /// Sums that may come out at the wanted length. In Spanish words run together, so the pieces may have more.
    fn lengths(&self, syllables: usize) -> u64 {
        match self.language {
            Language::English => 1 << syllables.min(60),
            // Very short lines have no room for it.
            Language::Spanish if syllables < 3 => 1 << syllables,
            Language::Spanish => 0b1111 << syllables.min(56),
        }
    }

    fn chance(&self, template: &Template, wish: &Wish<'_>) -> f64 {
        let mut chance: f64 = match template.section {
            None => 0.8,
            Some(section) if section == wish.section => 1.6,
            Some(_) if wish.section == SectionKind::Outro => 1.0,
            Some(_) => 0.15,
        };
        chance *= self.mood_chance(template.moods) * self.field_chance(template.fields & !ANY);
        match self.families.get(&template.family) {
            Some(line) if wish.number.saturating_sub(*line) < 8 => chance * 0.02,
            Some(_) => chance * 0.3,
            None => chance,
        }
    }

    /// What is sad is not sung where nobody asked for sadness, even if it is tender too.
    fn mood_chance(&self, own: Tags) -> f64 {
        let asked = self.theme.moods & !1;
        let dark = tags("dark", MOODS);
        match own & !1 {
            0 => 1.0,
            named if named & dark != 0 && asked & dark == 0 => 0.0,
            named if named & asked != 0 => 5.0,
            _ if asked == 0 || own & 1 != 0 => 0.5,
            _ => 0.0,
        }
    }

    /// The more of a pattern's fields belong to the song, the better; some are for songs of their kind alone.
    fn field_chance(&self, own: Tags) -> f64 {
        let theme = self.theme;
        if own == 0 || theme.fields == 0 {
            return 0.4;
        }
        if own & tags("sleep,christmas", FIELDS) & !theme.fields != 0 {
            return 0.0;
        }
        // A lullaby is no love song.
        let sleep = tags("sleep", FIELDS);
        if theme.genre_fields & sleep != 0 && own & sleep == 0 && own & tags("love,city,road,fire", FIELDS) != 0 {
            return 0.02;
        }
        let share = |fields: Tags| f64::from((own & fields).count_ones()) / f64::from(own.count_ones());
        0.12 + (8.0 * share(theme.genre_fields).powi(2)).max(4.0 * share(theme.fields).powi(2))
    }

    /// One reading of a pattern, or `None` when this throw of the dice found none.
    fn draw(
        &mut self,
        template: &'static Template,
        wish: &Wish<'_>,
        level: RhymeLevel,
        keyword: Option<&'a Keyword>,
    ) -> Option<Vec<Chosen<'a>>> {
        let nodes = &template.nodes;
        let last = nodes.len() - 1;
        let mut fixed: Vec<(usize, &'a Entry)> = Vec::new();
        if let Some(keyword) = keyword {
            fixed.push(self.keyword_place(nodes, keyword, wish, level)?);
        }
        if let Node::Slot(slot) = &nodes[last]
            && level != RhymeLevel::None
            && fixed.iter().all(|(at, _)| *at != last)
        {
            fixed.push((last, self.rhyming(slot, wish, level)?));
        }
        let surplus = match self.language {
            Language::English => 0,
            Language::Spanish if wish.syllables < 3 => 0,
            Language::Spanish => [0, 0, 1, 1, 2, 3][self.dice.random_range(0..6)],
        };
        let mut words = Vec::new();
        self.derive(nodes, wish.syllables + surplus, &fixed, &mut words).then_some(words)
    }

    fn keyword_place(
        &mut self,
        nodes: &[Node],
        keyword: &'a Keyword,
        wish: &Wish<'_>,
        level: RhymeLevel,
    ) -> Option<(usize, &'a Entry)> {
        let mut places: Vec<(usize, &'a Entry)> = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            let Node::Slot(slot) = node else { continue };
            for entry in keyword.entries.iter().filter(|e| e.class == slot.class) {
                if at + 1 < nodes.len() || self.answers(entry, wish, level) {
                    places.push((at, entry));
                }
            }
        }
        places.choose(&mut self.dice).copied()
    }

    fn answers(&self, entry: &Entry, wish: &Wish<'_>, level: RhymeLevel) -> bool {
        let Some(rhyme) = &wish.rhyme else { return true };
        let sounds = match level {
            RhymeLevel::Perfect => entry.rhyme == rhyme.perfect,
            RhymeLevel::Near => entry.near_rhyme == rhyme.near,
            RhymeLevel::None => true,
        };
        sounds && !rhyme.not.contains(&entry.stem)
    }

    fn rhyming(&mut self, slot: &Slot, wish: &Wish<'_>, level: RhymeLevel) -> Option<&'a Entry> {
        let lexicon = self.lexicon;
        let fitting: Vec<&'static Entry> =
            lexicon.all().iter().filter(|e| slot.accepts(e) && self.answers(e, wish, level)).collect();
        self.most_relevant(&fitting)
    }

    fn most_relevant(&mut self, entries: &[&'static Entry]) -> Option<&'a Entry> {
        let sampled: Vec<&'static Entry> = entries.choose_multiple(&mut self.dice, SAMPLED).copied().collect();
        sampled
            .into_iter()
            .map(|entry| (self.relevance(entry) + self.dice.random_range(0.0..1.5), entry))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, entry)| entry)
    }

    /// Reads a row of nodes with exactly `syllables` syllables, some slots being `fixed`.
    fn derive(
        &mut self,
        nodes: &'static [Node],
        syllables: usize,
        fixed: &[(usize, &'a Entry)],
        words: &mut Vec<Chosen<'a>>,
    ) -> bool {
        let set = |at: usize| fixed.iter().find(|(place, _)| *place == at).map(|(_, entry)| *entry);
        let sums: Vec<u64> = nodes
            .iter()
            .enumerate()
            .map(|(at, node)| set(at).map_or(node.sums(), |e| 1 << e.syllables.min(40)))
            .collect();
        let mut before = vec![1u64];
        for sum in &sums {
            before.push(templates::joined_sums([before[before.len() - 1], *sum].into_iter()));
        }
        let mut left = syllables;
        let mut counts = vec![0; nodes.len()];
        for at in (0..nodes.len()).rev() {
            let possible: Vec<usize> = (0..=left.min(40))
                .filter(|n| sums[at] & (1 << n) != 0 && left - n < 64 && before[at] & (1 << (left - n)) != 0)
                .collect();
            let Some(&count) = possible.choose(&mut self.dice) else { return false };
            counts[at] = count;
            left -= count;
        }
        for (at, node) in nodes.iter().enumerate() {
            let done = match (set(at), node) {
                (Some(entry), _) => {
                    words.push(Chosen { text: &entry.text, entry: Some(entry) });
                    true
                }
                (None, Node::Word { text, .. }) => {
                    words.push(Chosen { text, entry: None });
                    true
                }
                (None, Node::Slot(slot)) => self.fill(slot, counts[at], words),
                (None, Node::Choice { branches, .. }) => {
                    let possible: Vec<&'static Branch> =
                        branches.iter().filter(|b| b.sums & (1 << counts[at]) != 0).collect();
                    let Some(branch) = possible.choose(&mut self.dice) else { return false };
                    self.derive(&branch.nodes, counts[at], &[], words)
                }
            };
            if !done {
                return false;
            }
        }
        true
    }

    fn fill(&mut self, slot: &Slot, syllables: usize, words: &mut Vec<Chosen<'a>>) -> bool {
        let lexicon = self.lexicon;
        let fitting: Vec<&'static Entry> =
            lexicon.sized(slot.class, syllables).filter(|e| slot.accepts(e) && belongs(e, words)).collect();
        match self.most_relevant(&fitting) {
            Some(entry) => {
                words.push(Chosen { text: &entry.text, entry: Some(entry) });
                true
            }
            None => false,
        }
    }

    /// How much a word belongs to this song: its mood and fields, less for a word just used.
    fn relevance(&self, entry: &Entry) -> f64 {
        let mood = match (self.theme.moods & !1, entry.moods & !1) {
            (0, _) | (_, 0) => 0.0,
            (asked, has) if asked & has != 0 => 1.0,
            (asked, has) if has & !asked == tags("dark", MOODS) => -3.0,
            _ => -1.4,
        };
        let shared = (entry.fields & self.theme.fields).count_ones();
        mood + 0.6 * f64::from(shared.min(2)) - if self.used.contains_key(&entry.stem) { 1.5 } else { 0.0 }
    }

    /// The line as sung with its score, unless it breaks a rule.
    fn judged(&mut self, draw: Draw<'a>, wish: &Wish<'_>, has_keyword: bool, fresh: bool) -> Option<Written> {
        if !makes_sense(&draw.words) || self.is_odd_of_relatives(&draw.words) {
            return None;
        }
        let inflected = self.language.inflected(&draw.words);
        let words: Vec<String> = inflected.iter().flat_map(|w| w.split(' ')).map(str::to_owned).collect();
        let syllables = self.language.realise(&words, None)?;
        let last = words.last()?;
        if syllables.len() != wish.syllables || !self.language.may_end_a_line(last) {
            return None;
        }
        let stems: Vec<String> = words
            .iter()
            .filter(|word| !self.language.is_function_word(word))
            .map(|word| self.language.stem(word))
            .collect();
        // "Puente" alone reads as the name of a part.
        if is_heading(&joined(&words)) {
            return None;
        }
        // "Nights tonight" says one thing twice.
        let says_it_twice = (1..stems.len()).any(|i| stems[..i].iter().any(|other| is_one_word(other, &stems[i])));
        let end = self.language.stem(last);
        let rhymes_with_itself =
            wish.rhyme.as_ref().is_some_and(|rhyme| rhyme.not.iter().any(|not| is_one_word(not, &end)));
        if says_it_twice || rhymes_with_itself || (fresh && self.texts.contains(&joined(&words))) {
            return None;
        }
        let score = self.score(&draw, &words, &syllables, &stems, wish);
        Some(Written { words, syllables, has_keyword, family: draw.family, stems, score })
    }

    /// "There is a wife for me": of relatives one speaks as one's own.
    fn is_odd_of_relatives(&self, words: &[Chosen<'_>]) -> bool {
        (1..words.len()).any(|i| {
            let indefinite = words[..i].iter().rev().take(2).any(|w| w.entry.is_none() && matches!(w.text, "a" | "UN"));
            indefinite && words[i].entry.is_some_and(|e| e.class.is_noun() && self.language.is_relative(&e.text))
        })
    }

    fn score(
        &mut self,
        draw: &Draw<'a>,
        words: &[String],
        syllables: &[Syllable],
        stems: &[String],
        wish: &Wish<'_>,
    ) -> f64 {
        let content: Vec<&Entry> = draw.words.iter().filter_map(|w| w.entry).collect();
        let bonus = 0.55 * draw.chance.clamp(0.01, 100.0).ln();
        let relevance = content.iter().map(|e| self.relevance(e)).sum::<f64>() / content.len().max(1) as f64;
        let stresses: Vec<f64> = syllables.iter().map(|s| stress_of(self.language, s, words)).collect();
        let weights: Vec<f64> = wish.demands.iter().map(|d| d.weight).collect();
        let agreement = stress::agreement(&weights, &stresses);
        let (good, all) = stress::in_order(&weights, &stresses);
        let order = if all == 0 { 1.0 } else { good as f64 / all as f64 };
        let open = stress::openness_met(&wish.demands, syllables);
        let misplaced = stress::misplaced(self.language, &wish.demands, syllables, words);
        // Enough of a line has to say something; beyond that, more of it is no better.
        let says = stress::substance(self.language, syllables, words).min(SUBSTANCE) / SUBSTANCE;
        let since = |line: usize| wish.number.saturating_sub(line).max(1) as f64;
        let repeats: f64 =
            stems.iter().filter_map(|stem| self.used.get(stem)).map(|&line| 1.2 / since(line) + 0.25).sum();
        let end = words.last().map(|word| self.language.stem(word)).unwrap_or_default();
        let worn = self.ends.get(&end).map_or(0.0, |&line| 4.0 / since(line));
        let dislike = self.dislikes.get(draw.family).copied().unwrap_or(0.0);
        let age = self.families.get(&draw.family).map_or(0.0, |&line| 3.0 / since(line) + 0.5);
        let answers = wish.answer.map_or(0.0, |length| self.answerable(words, length, wish));
        // Sentences rather than heaps of words: the more varied pattern wins a tie.
        let shape = 0.2 * (words.len() as f64).min(8.0) - 0.35 * content.len().saturating_sub(1) as f64;
        let setting = 2.4 * agreement + 1.2 * order + 0.8 * open - 3.2 * misplaced + 1.5 * says;
        setting + 0.8 * relevance + shape - repeats - worn - age - dislike + answers + bonus
    }

    /// A line that will be answered needs a rhyme that has answers of the right length: what the lack of them costs.
    fn answerable(&mut self, words: &[String], length: usize, wish: &Wish<'_>) -> f64 {
        let last = words.last().map_or("", String::as_str);
        let own = self.language.stem(last);
        if let Some(known) = self.answers.get(&(own.clone(), length)) {
            return *known;
        }
        let lengths = self.lengths(length);
        let key = self.language.rhyme(last).unwrap_or_default();
        let ends: f64 = self
            .bank
            .by_rhyme
            .get(&key)
            .into_iter()
            .flatten()
            .map(|&index| &self.bank.templates[index])
            .filter(|t| t.sums & lengths != 0 && t.end.as_ref() != Some(&own) && self.chance(t, wish) > 0.0)
            // A slot may have no word of that sound and length.
            .map(|t| if t.end.is_some() { 1.0 } else { 0.1 })
            .sum();
        let cost = if ends < 2.0 {
            -6.0
        } else if ends < 5.0 {
            -2.0
        } else {
            0.0
        };
        self.answers.insert((own, length), cost);
        cost
    }

    /// Remembers a line that stands in the song now.
    pub fn keep(&mut self, line: &Written, number: usize) {
        self.texts.insert(joined(&line.words));
        self.families.insert(line.family, number);
        self.ends.extend(line.words.last().map(|word| (self.language.stem(word), number)));
        for stem in &line.stems {
            self.used.insert(stem.clone(), number);
        }
    }

    /// The same for words that somebody else wrote.
    pub fn keep_words(&mut self, words: &[String], number: usize) {
        self.texts.insert(joined(words));
        for word in words.iter().filter(|word| !self.language.is_function_word(word)) {
            self.used.insert(self.language.stem(word), number);
        }
    }
}

fn takes(node: &Node, keyword: &Keyword) -> bool {
    matches!(node, Node::Slot(slot) if keyword.entries.iter().any(|e| slot.class == e.class && slot.fields == 0 || slot.accepts(e)))
}

fn has_slot(node: &Node) -> bool {
    matches!(node, Node::Slot(_))
}

/// Names and relatives stand only where they were asked for.
fn asks_for_somebody(template: &Template) -> bool {
    template.nodes.iter().any(|node| matches!(node, Node::Slot(slot) if slot.class == Class::Name || slot.class.is_noun() && slot.fields == tags("people", FIELDS)))
}

/// Whether a word goes with the one before it and is not there already.
fn belongs(entry: &Entry, words: &[Chosen<'_>]) -> bool {
    words.iter().all(|w| w.entry.is_none_or(|e| e.stem != entry.stem) && w.text != entry.text)
        && words.last().and_then(|w| w.entry).is_none_or(|before| go_together(before, entry))
}

fn go_together(a: &Entry, b: &Entry) -> bool {
    let describes =
        |describing: &Entry, noun: &Entry| describing.fields & ANY != 0 || describing.fields & noun.fields != 0;
    match (a.class, b.class) {
        (Class::Adjective, noun) if noun.is_noun() => describes(a, b),
        (noun, Class::Adjective | Class::Does | Class::Do) if noun.is_noun() => describes(b, a),
        _ => true,
    }
}

/// Adjectives and verbs with their nouns, also where a keyword took its place without being asked.
fn makes_sense(words: &[Chosen<'_>]) -> bool {
    let neighbours = words.windows(2).all(|pair| match (pair[0].entry, pair[1].entry) {
        (Some(a), Some(b)) => go_together(a, b),
        _ => true,
    });
    // "the river still rolls", "la luna clara brilla": one word may stand between.
    let with_subject = (2..words.len()).all(|i| match (words[i - 2].entry, words[i].entry) {
        (Some(noun), Some(verb)) if matches!(verb.class, Class::Does | Class::Do) => go_together(noun, verb),
        _ => true,
    });
    neighbours
        && with_subject
        && (0..words.len()).all(|i| {
            let Some(verb) = words[i].entry.filter(|e| e.class == Class::Hold) else { return true };
            // "hold the bright river": the object is the first noun after at most an article and an adjective.
            let object = words[i + 1..].iter().take(3).filter_map(|w| w.entry).find(|e| e.class.is_noun());
            object.is_none_or(|noun| verb.fields & ANY != 0 || verb.fields & noun.fields != 0)
        })
}

/// "night" and "tonight", "light" and "sunlight" sound the same rather than alike.
fn is_one_word(a: &str, b: &str) -> bool {
    a == b || a.len().min(b.len()) >= 4 && (a.ends_with(b) || b.ends_with(a))
}

fn joined(words: &[String]) -> String {
    words.iter().map(|w| w.to_lowercase()).collect::<Vec<_>>().join(" ")
}
