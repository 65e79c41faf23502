//! Line patterns: a small grammar of words, slots, choices and parts that may be left out, tagged by mood, field and
//! section. Each pattern knows which numbers of syllables it can take and on which sounds it can end.

use std::{collections::HashMap, sync::LazyLock};

use super::{
    Language, SectionKind, lexicon, spanish,
    word::{Class, Entry, FIELDS, MOODS, Tags, tags},
};

static ENGLISH: &str = include_str!("data/templates_en.txt");
static SPANISH: &str = include_str!("data/templates_es.txt");

/// A set of numbers 0–63: bit `n` says that `n` syllables are possible.
pub type Sums = u64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    pub class: Class,
    /// Only words with one of these; 0 and 0 for all.
    pub fields: Tags,
    pub moods: Tags,
    pub sums: Sums,
}

impl Slot {
    pub fn accepts(&self, entry: &Entry) -> bool {
        self.class == entry.class
            && (self.fields | self.moods == 0 || self.fields & entry.fields != 0 || self.moods & entry.moods != 0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    pub nodes: Vec<Node>,
    pub sums: Sums,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Word { text: &'static str, syllables: usize },
    Slot(Slot),
    Choice { branches: Vec<Branch>, sums: Sums },
}

impl Node {
    pub fn sums(&self) -> Sums {
        match self {
            Self::Word { syllables, .. } => 1 << syllables,
            Self::Slot(slot) => slot.sums,
            Self::Choice { sums, .. } => *sums,
        }
    }
}

/// What a row of nodes with these sums can take together.
pub fn joined_sums(all: impl Iterator<Item = Sums>) -> Sums {
    all.fold(1, |before, node| (0..40).filter(|n| node & (1 << n) != 0).fold(0, |sums, n| sums | (before << n)))
}

/// One pattern, its end decided: the last node is a word or a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The same for all ends of one written line.
    pub family: usize,
    pub moods: Tags,
    pub fields: Tags,
    /// `None`: anywhere.
    pub section: Option<SectionKind>,
    pub nodes: Vec<Node>,
    pub sums: Sums,
    /// Stem of the word that it always ends with; `None` when it ends with a slot.
    pub end: Option<String>,
}

/// All patterns of a language.
pub struct Bank {
    pub templates: Vec<Template>,
    /// Patterns that can end on a rhyme.
    pub by_rhyme: HashMap<String, Vec<usize>>,
    /// The same for near rhymes.
    pub by_near_rhyme: HashMap<String, Vec<usize>>,
}

static BANKS: LazyLock<[Bank; 2]> =
    LazyLock::new(|| [Bank::new(Language::English, ENGLISH), Bank::new(Language::Spanish, SPANISH)]);

pub fn of(language: Language) -> &'static Bank {
    match language {
        Language::English => &BANKS[0],
        Language::Spanish => &BANKS[1],
    }
}

impl Bank {
    fn new(language: Language, text: &'static str) -> Self {
        let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
        let templates: Vec<Template> =
            lines.enumerate().flat_map(|(family, line)| parse_line(language, family, line)).collect();
        let (mut by_rhyme, mut by_near_rhyme) = (HashMap::new(), HashMap::new());
        for (index, template) in templates.iter().enumerate() {
            for word in ends(language, template) {
                note(&mut by_rhyme, language.rhyme(word), index);
                note(&mut by_near_rhyme, language.near_rhyme(word), index);
            }
        }
        Self { templates, by_rhyme, by_near_rhyme }
    }
}

fn note(map: &mut HashMap<String, Vec<usize>>, key: Option<String>, index: usize) {
    let Some(key) = key else { return };
    let list = map.entry(key).or_default();
    if list.last() != Some(&index) {
        list.push(index);
    }
}

/// Words that the pattern can end with.
fn ends(language: Language, template: &Template) -> Vec<&str> {
    match template.nodes.last() {
        Some(Node::Word { text, .. }) => vec![text],
        Some(Node::Slot(slot)) => {
            lexicon::of(language).all().iter().filter(|e| slot.accepts(e)).map(|e| e.text.as_str()).collect()
        }
        _ => Vec::new(),
    }
}

fn parse_line(language: Language, family: usize, line: &'static str) -> Vec<Template> {
    let mut columns = line.splitn(4, '|').map(str::trim);
    let (Some(moods), Some(fields), Some(section), Some(pattern)) =
        (columns.next(), columns.next(), columns.next(), columns.next())
    else {
        return Vec::new();
    };
    let section = SectionKind::from_name(section);
    let nodes = Parser { language, rest: pattern }.row();
    ended(nodes)
        .into_iter()
        .map(|nodes| Template {
            family,
            moods: tags(moods, MOODS),
            fields: tags(fields, FIELDS),
            section,
            sums: joined_sums(nodes.iter().map(Node::sums)),
            end: match nodes.last() {
                Some(Node::Word { text, .. }) => Some(language.stem(text)),
                _ => None,
            },
            nodes,
        })
        .collect()
}

/// Every way to end the pattern, so that its last node is no choice.
fn ended(mut nodes: Vec<Node>) -> Vec<Vec<Node>> {
    match nodes.pop() {
        None => Vec::new(),
        Some(Node::Choice { branches, .. }) => branches
            .into_iter()
            .flat_map(|branch| {
                let mut whole = nodes.clone();
                whole.extend(branch.nodes);
                ended(whole)
            })
            .collect(),
        Some(end) => {
            nodes.push(end);
            vec![nodes]
        }
    }
}

struct Parser {
    language: Language,
    rest: &'static str,
}

impl Parser {
    /// Nodes up to a closing bracket, a bar or the end.
    fn row(&mut self) -> Vec<Node> {
        let mut nodes = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            match self.rest.chars().next() {
                None | Some(')' | ']' | '|') => return nodes,
                Some(open @ ('(' | '[')) => nodes.push(self.choice(open == '[')),
                Some(_) => nodes.extend(self.token()),
            }
        }
    }

    fn choice(&mut self, may_be_empty: bool) -> Node {
        let mut rows = Vec::new();
        loop {
            self.rest = &self.rest[1..];
            rows.push(self.row());
            if !self.rest.starts_with('|') {
                break;
            }
        }
        self.rest = self.rest.get(1..).unwrap_or_default();
        if may_be_empty {
            rows.push(Vec::new());
        }
        let branches: Vec<Branch> =
            rows.into_iter().map(|nodes| Branch { sums: joined_sums(nodes.iter().map(Node::sums)), nodes }).collect();
        let sums = branches.iter().fold(0, |all, branch| all | branch.sums);
        Node::Choice { branches, sums }
    }

    fn token(&mut self) -> Option<Node> {
        let end = self.rest.find([' ', '(', ')', '[', ']', '|']).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        match token.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
            Some(name) => self.slot(name).map(Node::Slot),
            None => {
                let said = self.language.realise(&[token.to_owned()], None).map_or(1, |s| s.len());
                let syllables = if spanish::is_marker(token) { 1 } else { said };
                Some(Node::Word { text: token, syllables })
            }
        }
    }

    fn slot(&self, name: &str) -> Option<Slot> {
        let (class, only) = name.split_once(':').unwrap_or((name, ""));
        let class = Class::from_name(class)?;
        let mut slot = Slot { class, fields: tags(only, FIELDS), moods: tags(only, MOODS), sums: 0 };
        for entry in lexicon::of(self.language).all() {
            if slot.accepts(entry) {
                slot.sums |= 1 << entry.syllables.min(40);
            }
        }
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(nodes: &[Node], all: &mut Vec<&'static str>) {
        for node in nodes {
            match node {
                Node::Word { text, .. } => all.push(text),
                // Names come from prompts only.
                Node::Slot(slot) => assert!(slot.sums != 0 || slot.class == Class::Name, "{slot:?} takes no word"),
                Node::Choice { branches, .. } => branches.iter().for_each(|b| words(&b.nodes, all)),
            }
        }
    }

    #[test]
    fn every_pattern_is_well_formed_and_ends_well() {
        for (language, text) in [(Language::English, ENGLISH), (Language::Spanish, SPANISH)] {
            for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
                assert!(!parse_line(language, 0, line).is_empty(), "{line}");
                let columns: Vec<&str> = line.splitn(4, '|').map(str::trim).collect();
                for name in columns[0].split(',').chain(columns[1].split(',')).filter(|n| *n != "-") {
                    assert!(MOODS.contains(&name) || FIELDS.contains(&name), "tag {name:?} of {line}");
                }
                assert!(columns[2] == "any" || SectionKind::from_name(columns[2]).is_some(), "{line}");
                let count = |c: char| line.matches(c).count();
                assert!(count('(') == count(')') && count('[') == count(']') && count('{') == count('}'), "{line}");
            }
            let bank = of(language);
            let mut weak = std::collections::BTreeSet::new();
            for template in &bank.templates {
                let mut all = Vec::new();
                words(&template.nodes, &mut all);
                for word in all {
                    let plain = !word.contains(['{', '}', '[', ']', '|']);
                    assert!(plain && (spanish::is_marker(word) || language.knows(word)), "{word}");
                    assert!(!super::super::is_avoided(word));
                }
                match template.nodes.last() {
                    Some(Node::Word { text, .. }) if !language.may_end_a_line(text) => {
                        weak.insert(*text);
                    }
                    Some(Node::Word { .. }) => {}
                    Some(Node::Slot(slot)) => assert_ne!(slot.class, Class::Preposition),
                    _ => panic!("{template:?}"),
                }
            }
            assert!(weak.is_empty(), "{weak:?} may not end a line");
        }
    }

    #[test]
    fn choices_and_parts_that_may_be_left_out_are_understood() {
        let shown = |pattern| {
            parse_line(Language::English, 0, pattern).iter().map(|t| (t.nodes.len(), t.sums)).collect::<Vec<_>>()
        };
        assert_eq!(shown("any | - | any | hold [the] moon"), [(3, 0b1100)]);
        assert_eq!(shown("any | - | any | moon [light (now|today)]"), [(3, 0b1000), (3, 0b10000), (1, 0b10)]);
    }
}
