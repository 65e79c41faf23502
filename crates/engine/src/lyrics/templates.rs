//! Line patterns: words and slots, tagged by mood and section.

use std::sync::LazyLock;

use super::lexicon::{Class, MOODS, Tags, tags};

static TEXT: &str = include_str!("templates.txt");

/// Where in a song a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Verse,
    Chorus,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    Word(&'static str),
    Slot(Class),
}

/// One pattern with its options decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The same for all expansions of one written line.
    pub family: usize,
    pub moods: Tags,
    /// `None`: anywhere.
    pub section: Option<Section>,
    pub items: Vec<Item>,
    /// Pairs (describing slot, described slot) whose fields must meet.
    pub links: Vec<(usize, usize)>,
}

static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| parse(TEXT));

pub fn all() -> &'static [Template] {
    &TEMPLATES
}

fn parse(text: &'static str) -> Vec<Template> {
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines.enumerate().flat_map(|(family, line)| parse_line(family, line)).collect()
}

fn parse_line(family: usize, line: &'static str) -> Vec<Template> {
    let columns: Vec<&'static str> = line.split('|').map(str::trim).collect();
    let [moods, section, pattern] = columns[..] else { return Vec::new() };
    let section = match section {
        "verse" => Some(Section::Verse),
        "chorus" => Some(Section::Chorus),
        _ => None,
    };
    expand(pattern)
        .into_iter()
        .map(|items| Template { family, moods: tags(moods, MOODS), section, links: links(&items), items })
        .collect()
}

/// All readings of a pattern with each `[…]` present or absent. Brackets may nest.
fn expand(pattern: &'static str) -> Vec<Vec<Item>> {
    let Some(open) = pattern.find('[') else {
        return vec![pattern.split_whitespace().filter_map(item).collect()];
    };
    let mut depth = 0;
    let close = pattern[open..]
        .char_indices()
        .find(|(_, c)| {
            depth += i32::from(*c == '[') - i32::from(*c == ']');
            depth == 0
        })
        .map_or(pattern.len() - 1, |(i, _)| open + i);
    let head: Vec<Item> = pattern[..open].split_whitespace().filter_map(item).collect();
    let middles = std::iter::once(Vec::new()).chain(expand(&pattern[open + 1..close]));
    let tails = expand(&pattern[close + 1..]);
    middles
        .flat_map(|middle| tails.iter().map(move |tail| [middle.clone(), tail.clone()].concat()))
        .map(|rest| [head.clone(), rest].concat())
        .collect()
}

fn item(token: &'static str) -> Option<Item> {
    match token.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
        Some(name) => Class::from_name(name).map(Item::Slot),
        None => Some(Item::Word(token)),
    }
}

fn links(items: &[Item]) -> Vec<(usize, usize)> {
    let class = |i: usize| match items.get(i) {
        Some(Item::Slot(class)) => Some(*class),
        _ => None,
    };
    let mut links = Vec::new();
    for i in 0..items.len() {
        match class(i) {
            Some(Class::Adjective) if class(i + 1).is_some_and(Class::is_noun) => links.push((i, i + 1)),
            Some(Class::Does | Class::Do) if i > 0 && class(i - 1).is_some_and(Class::is_noun) => {
                links.push((i, i - 1))
            }
            Some(Class::Hold) => {
                // "hold the bright river": the object is the first noun after at most an article and an adjective.
                if let Some(object) = (i + 1..items.len().min(i + 4)).find(|&j| class(j).is_some_and(Class::is_noun)) {
                    links.push((i, object));
                }
            }
            _ => {}
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::{
        super::{dictionary, words},
        *,
    };

    #[test]
    fn every_pattern_is_well_formed_and_ends_well() {
        let written = TEXT.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).count();
        assert!(written >= 40);
        for family in 0..written {
            assert!(all().iter().any(|t| t.family == family), "pattern {family}");
        }
        for template in all() {
            assert_ne!(template.moods, 0, "{template:?}");
            for item in &template.items {
                if let Item::Word(word) = item {
                    assert!(dictionary::contains(word), "{word}");
                    assert!(!word.contains(['{', '}', '[', ']', '|']), "{word}");
                }
            }
            match template.items.last() {
                Some(Item::Slot(Class::Preposition)) | None => panic!("{template:?}"),
                Some(Item::Word(word)) => assert!(words::may_end_a_line(word), "{template:?}"),
                Some(Item::Slot(_)) => {}
            }
        }
    }

    #[test]
    fn options_are_expanded_both_ways() {
        let shown = |pattern| expand(pattern).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(shown("a [b] c"), [2, 3]);
        assert_eq!(shown("a [b [c]]"), [1, 2, 3]);
    }
}
