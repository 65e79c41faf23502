//! Reads a sentence word by word.

use std::fmt;

use domain::options::Language;
use music::Mode;

use super::{
    conflicts::{self, keep},
    context::Phrase,
    ensemble::{self, Place},
    language,
    lexicon::{self, Meaning, Sense},
    numbers, topic,
    understanding::{Understanding, Understood},
    words::{self, Word},
};
use crate::{genre::Genre, instrument::Instrument, style::Style, without::Without};

/// Letters of a sentence that are read.
const MOST_LETTERS: usize = 4_000;
/// Words that are handed back as not understood.
const MOST_UNKNOWN: usize = 40;

/// Reads a sentence. Any text is read; an empty one asks for nothing.
pub fn understand(prompt: &str) -> Understanding {
    let words = words::split(&prompt.chars().take(MOST_LETTERS).collect::<String>());
    let mut reader = Reader {
        words: &words,
        at: 0,
        negation: Negation::None,
        is_described: false,
        found: Understanding::default(),
        styles: Vec::new(),
    };
    reader.read();
    reader.finish()
}

/// Whether what follows is not wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Negation {
    None,
    /// After "no" and its like, until something was ruled out or something else is spoken of.
    Pending,
    /// Something was ruled out: another follows only after "or" (and, after "without", "and").
    Done,
}

struct Reader<'a> {
    words: &'a [Word],
    at: usize,
    negation: Negation,
    /// Adjectives stand between the "or" before and what follows here.
    is_described: bool,
    found: Understanding,
    /// Styles that are wanted, with the place of their first word and of the word after them.
    styles: Vec<(Named, usize, usize)>,
}

/// A style as a sentence names it: by itself, or by a genre that is played in it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Named {
    style: Style,
    genre: Option<Genre>,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.genre.map_or_else(|| self.style.name(), Genre::name))
    }
}

impl Reader<'_> {
    fn plain(&self, place: usize) -> &str {
        self.words.get(place).map_or("", |word| &word.plain)
    }

    fn before(&self) -> &str {
        self.at.checked_sub(1).map_or("", |place| self.plain(place))
    }

    fn read(&mut self) {
        while let Some(word) = self.words.get(self.at) {
            if word.after_break {
                self.negation = Negation::None;
            }
            let length = self.step(word);
            self.at += length.max(1);
        }
    }

    /// Reads at this place; answers how many words that took.
    fn step(&mut self, word: &Word) -> usize {
        if word.plain == "about" && topic::is_approximate(self.words, self.at) {
            return 1;
        }
        if matches!(word.plain.as_str(), "about" | "sobre" | "titled" | "called" | "entitled") {
            return self.topic();
        }
        if let Some(length) = lexicon::idiom(self.words, self.at) {
            return length;
        }
        if let Some(length) = self.negated(word) {
            return length;
        }
        if let Some((length, meaning, said)) = numbers::read(self.words, self.at) {
            self.negation = Negation::None;
            self.take(length, said, meaning);
            return length;
        }
        let is_joined = lexicon::joins(self.before()) || lexicon::joins(&word.plain) || self.is_described;
        self.is_described = false;
        if self.negation == Negation::Done && !is_joined {
            self.negation = Negation::None;
        }
        if lexicon::goes_against(&word.plain) {
            self.negation = Negation::None;
        }
        // "No drums or screaming guitars".
        if self.negation == Negation::Done && lexicon::is_or(&word.plain) {
            let described = self.adjectives(self.at + 1);
            self.is_described = described > 0;
            return 1 + described;
        }
        if let Some((length, place)) = ensemble::before(self.words, self.at).filter(|_| self.negation == Negation::None)
        {
            self.place(length, place);
            return length;
        }
        let is_negated = self.negation != Negation::None;
        let is_music = |(length, sense): &(usize, Sense)| {
            Phrase { words: self.words, at: self.at, length: *length }.is_music(sense, is_negated)
        };
        if let Some((length, sense)) = lexicon::phrases(self.words, self.at).find(is_music) {
            let place = match sense.meaning {
                Meaning::Instrument(instrument) if self.negation == Negation::None => {
                    ensemble::after(self.words, self.at + length, instrument)
                }
                _ => None,
            };
            self.mean(length, sense.meaning);
            let Some(place) = place else { return length };
            self.place(length + 1, place);
            return length + 1;
        }
        // A word that means something elsewhere is not understood here.
        if !lexicon::is_filler(&word.plain) || lexicon::longest(self.words, self.at).is_some() {
            self.unknown(word);
        }
        1
    }

    /// Reads "no", "without" and their like.
    fn negated(&mut self, word: &Word) -> Option<usize> {
        let length = lexicon::negation(self.words, self.at)?;
        if word.plain == "with" && length == 1 {
            self.negation = Negation::None;
            return Some(length);
        }
        let next = self.at + length;
        // "No-fuss" and "no-nonsense" rule nothing out; "no-drums" does.
        if self.words.get(next).is_some_and(|next| next.after_hyphen) && lexicon::longest(self.words, next).is_none() {
            return Some(length + 1);
        }
        self.negation = Negation::Pending;
        // "Not too loud drums" are drums.
        Some(if word.plain == "not" { length } else { length + self.adjectives(next) })
    }

    /// Words from a place on that only describe what is ruled out; those that nobody knows are told.
    fn adjectives(&mut self, from: usize) -> usize {
        let count = lexicon::adjectives(self.words, from).unwrap_or(0);
        for place in from..from + count {
            let word = &self.words[place];
            if lexicon::longest(self.words, place).is_none() && !lexicon::is_filler(&word.plain) {
                self.tell_unknown(word);
            }
        }
        count
    }

    /// Everything up to where the music is spoken of again is what the song is about.
    fn topic(&mut self) -> usize {
        let rest = &self.words[self.at + 1..];
        let length = topic::length(self.words, self.at + 1);
        let topic: Vec<&str> = rest[..length].iter().map(|word| word.text.as_str()).collect();
        if !topic.is_empty() {
            let topic = topic.join(" ");
            let words = format!("{} {topic}", self.plain(self.at));
            self.found
                .understood
                .push(Understood { words, meaning: "what it is about; nothing is read from it".to_owned() });
            self.found.topic.get_or_insert(topic);
        }
        length + 1
    }

    fn place(&mut self, length: usize, place: Place) {
        let said = match place {
            Place::Alone => "nobody else plays".to_owned(),
            Place::Lead(instrument) => format!("melody: {instrument}"),
        };
        match place {
            Place::Alone => self.found.alone = true,
            Place::Lead(instrument) => _ = self.found.lead.get_or_insert(instrument),
        }
        self.understood(length, said);
    }

    /// It also ends a ruling out: "no-frills punk" is punk.
    fn unknown(&mut self, word: &Word) {
        self.negation = Negation::None;
        self.tell_unknown(word);
    }

    fn tell_unknown(&mut self, word: &Word) {
        let is_new = !self.found.not_understood.contains(&word.text);
        if is_new && self.found.not_understood.len() < MOST_UNKNOWN {
            self.found.not_understood.push(word.text.chars().take(60).collect());
        }
    }

    fn said(&self, length: usize) -> String {
        let words = self.words[self.at..].iter().take(length).map(|word| word.text.as_str());
        words.collect::<Vec<_>>().join(" ")
    }

    fn understood(&mut self, length: usize, meaning: String) {
        let words = self.said(length);
        self.found.understood.push(Understood { words, meaning });
    }

    fn mean(&mut self, length: usize, meaning: Meaning) {
        if self.negation == Negation::None {
            let said = meaning.says();
            self.take(length, said, meaning);
            return;
        }
        self.negation = Negation::Done;
        let said = match meaning {
            Meaning::Instrument(instrument) => {
                self.rule_out(instrument, length);
                format!("no {instrument}")
            }
            Meaning::Role(role) => {
                push_new(&mut self.found.without, role);
                format!("no {}", role.name())
            }
            // "Not too fast" is not slow.
            Meaning::Pace(pace) => {
                self.found.pace = self.found.pace.or(Some(-0.3 * pace));
                if pace > 0.0 { "not fast".to_owned() } else { "not slow".to_owned() }
            }
            Meaning::Energy(energy) => {
                self.found.energy = self.found.energy.or(Some(if energy > 0.5 { 0.4 } else { 0.6 }));
                "energy: medium".to_owned()
            }
            Meaning::Sung => {
                self.keep_voice(true);
                "instrumental".to_owned()
            }
            Meaning::Instrumental => {
                self.keep_voice(false);
                "with a voice".to_owned()
            }
            Meaning::Mode(Mode::Minor) => {
                self.found.mode = Some(Mode::Major);
                "major".to_owned()
            }
            Meaning::Mode(Mode::Major) => {
                self.found.mode = Some(Mode::Minor);
                "minor".to_owned()
            }
            other => format!("not {}", other.says()),
        };
        self.understood(length, said);
    }

    fn rule_out(&mut self, instrument: Instrument, length: usize) {
        let Without { roles, instruments } = Without::of(instrument, &self.said(length).to_lowercase());
        roles.into_iter().for_each(|role| push_new(&mut self.found.without, role));
        instruments.into_iter().for_each(|one| push_new(&mut self.found.without_instruments, one));
    }

    fn take(&mut self, length: usize, said: String, meaning: Meaning) {
        let found = &mut self.found;
        match meaning {
            Meaning::Style(style) => self.styles.push((Named { style, genre: None }, self.at, self.at + length)),
            Meaning::Genre(genre) => {
                self.styles.push((Named { style: genre.style(), genre: Some(genre) }, self.at, self.at + length));
            }
            Meaning::Mood(mood) => keep(&mut found.mood, mood, &mut found.conflicts, |a, b| {
                (a != b).then(|| format!("both {a} and {b}: the song is {a}"))
            }),
            Meaning::Bpm(bpm) => keep(&mut found.tempo_bpm, bpm, &mut found.conflicts, |a, b| {
                ((a - b).abs() > 0.01).then(|| format!("both {a} and {b} bpm: the tempo is {a} bpm"))
            }),
            Meaning::Pace(pace) => keep(&mut found.pace, pace, &mut found.conflicts, |a, b| {
                let said = |pace: &f64| {
                    if pace.abs() <= 0.2 {
                        "medium"
                    } else if *pace > 0.0 {
                        "fast"
                    } else {
                        "slow"
                    }
                };
                (said(a) != said(b)).then(|| format!("both {} and {}: the song is {}", said(a), said(b), said(a)))
            }),
            Meaning::Key(tonic, mode) => {
                conflicts::keep_key((&mut found.tonic, &mut found.mode), (tonic, mode), &mut found.conflicts);
            }
            Meaning::Mode(mode) => conflicts::keep_mode(found.tonic, &mut found.mode, mode, &mut found.conflicts),
            Meaning::Instrument(instrument) => push_new(&mut found.instruments, instrument),
            Meaning::Role(_) => {}
            Meaning::Energy(energy) => keep(&mut found.energy, energy, &mut found.conflicts, |a, b| {
                let said = |energy: &f64| if *energy > 0.5 { "loud" } else { "quiet" };
                (said(a) != said(b)).then(|| format!("both {} and {}: the song is {}", said(a), said(b), said(a)))
            }),
            Meaning::Era(era) => keep(&mut found.era, era, &mut found.conflicts, |a, b| {
                (a != b).then(|| format!("both {a} and {b}: the sounds are those of the {a}"))
            }),
            Meaning::Form(ref form) => keep(&mut found.form, form.clone(), &mut found.conflicts, |a, b| {
                (a != b).then(|| format!("both {a} and {b}: the form is {a}"))
            }),
            Meaning::Seconds(seconds) => keep(&mut found.seconds, seconds, &mut found.conflicts, |a, b| {
                ((a - b).abs() > 0.001).then(|| format!("both {a} and {b} seconds: the song lasts {a} seconds"))
            }),
            Meaning::Language(language) => keep(&mut found.language, language, &mut found.conflicts, |a, b| {
                (a != b).then(|| format!("both {} and {}: the words are {}", english(*a), english(*b), english(*a)))
            }),
            Meaning::Instrumental => self.keep_voice(true),
            Meaning::Sung => self.keep_voice(false),
        }
        self.understood(length, said);
    }

    fn keep_voice(&mut self, instrumental: bool) {
        let found = &mut self.found;
        keep(&mut found.instrumental, instrumental, &mut found.conflicts, |own, other| {
            let rest = if *own { "nobody sings" } else { "a voice sings" };
            (own != other).then(|| format!("both instrumental and with a voice: {rest}, unless an option decides it"))
        });
    }

    /// Of styles side by side the last is the noun ("folk rock"); of those apart the first is meant.
    fn finish(mut self) -> Understanding {
        let mut run = 0;
        while self.styles.get(run + 1).is_some_and(|next| next.1 == self.styles[run].2) {
            run += 1;
        }
        if let Some(&(named, ..)) = self.styles.get(run) {
            self.found.style = Some(named.style);
            self.found.genre = named.genre;
            let mut others: Vec<Named> = Vec::new();
            self.styles
                .iter()
                .filter(|(other, ..)| *other != named)
                .for_each(|(other, ..)| push_new(&mut others, *other));
            for other in others {
                self.found.conflicts.push(format!("both {named} and {other}: the band plays {named}"));
            }
        }
        if self.found.language.is_none()
            && let Some((language, words)) = language::language(self.words)
        {
            self.found.language = Some(language);
            let meaning = format!("language of the sentence, and of words that are sung: {}", english(language));
            self.found.understood.push(Understood { words, meaning });
        }
        let Understanding { instruments, without_instruments, without, conflicts, .. } = &mut self.found;
        let is_out = |one: &Instrument| {
            without_instruments.contains(one) || without.contains(&one.role()) && *one == Instrument::Drums
        };
        for instrument in instruments.iter().filter(|one| is_out(one)) {
            conflicts.push(format!("{instrument} is both wanted and not: it is left out"));
        }
        instruments.retain(|one| !is_out(one));
        self.found
    }
}

/// What a language is called in English.
const fn english(language: Language) -> &'static str {
    match language {
        Language::English => "English",
        Language::Spanish => "Spanish",
    }
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}
