//! The form of a song: which lines are verse, chorus and bridge, and which of them come back.

use serde::{Deserialize, Serialize};

use super::{Language, scheme::STANZA};

/// Part of a song.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SectionKind {
    #[default]
    Verse,
    Chorus,
    Bridge,
    /// One last line.
    Outro,
}

impl SectionKind {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "verse" => Self::Verse,
            "chorus" => Self::Chorus,
            "bridge" => Self::Bridge,
            _ => return None,
        })
    }
}

/// A part of a song with its number among parts of its kind, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Section {
    pub kind: SectionKind,
    pub number: u32,
}

impl Default for Section {
    fn default() -> Self {
        Self { kind: SectionKind::Verse, number: 1 }
    }
}

impl Section {
    /// A chorus that was sung before.
    pub fn returns(self) -> bool {
        self.kind == SectionKind::Chorus && self.number > 1
    }

    /// As people name it: "Verse 2", "Chorus", "Estribillo". Only verses are numbered.
    pub fn label(self, language: Language) -> String {
        match (language, self.kind) {
            (Language::English, SectionKind::Verse) => format!("Verse {}", self.number),
            (Language::English, SectionKind::Chorus) => "Chorus".into(),
            (Language::English, SectionKind::Bridge) => "Bridge".into(),
            (Language::English, SectionKind::Outro) => "Outro".into(),
            (Language::Spanish, SectionKind::Verse) => format!("Estrofa {}", self.number),
            (Language::Spanish, SectionKind::Chorus) => "Estribillo".into(),
            (Language::Spanish, SectionKind::Bridge) => "Puente".into(),
            (Language::Spanish, SectionKind::Outro) => "Final".into(),
        }
    }
}

/// The part of each line. Stanzas have [`STANZA`] lines; among the usual forms that one is taken whose choruses have the
/// most lines of the same length, so that their words can come back.
pub fn plan(syllables: &[usize]) -> Vec<Section> {
    let stanzas: Vec<&[usize]> = syllables.chunks(STANZA).collect();
    let kinds = form(&stanzas);
    let mut counts = std::collections::HashMap::new();
    let mut sections = Vec::with_capacity(syllables.len());
    for (stanza, kind) in stanzas.iter().zip(kinds) {
        let number: &mut u32 = counts.entry(kind).or_default();
        *number += 1;
        sections.extend(std::iter::repeat_n(Section { kind, number: *number }, stanza.len()));
    }
    sections
}

fn form(stanzas: &[&[usize]]) -> Vec<SectionKind> {
    use SectionKind::{Bridge, Chorus, Outro, Verse};
    let ends_alone = stanzas.len() > 1 && stanzas.last().is_some_and(|last| last.len() == 1);
    let full = stanzas.len() - usize::from(ends_alone);
    let repeat = |cycle: &[SectionKind]| -> Vec<SectionKind> { cycle.iter().copied().cycle().take(full).collect() };
    let mut forms = match full {
        0..=2 => vec![repeat(&[Verse, Chorus])],
        3 => vec![vec![Verse, Chorus, Chorus], vec![Chorus, Verse, Chorus], vec![Verse, Chorus, Verse]],
        4 | 5 => vec![repeat(&[Verse, Chorus]), repeat(&[Chorus, Verse]), repeat(&[Verse, Verse, Chorus])],
        _ => vec![
            repeat(&[Verse, Chorus, Verse, Chorus, Bridge, Chorus]),
            repeat(&[Chorus, Verse]),
            repeat(&[Verse, Verse, Chorus]),
        ],
    };
    // The first of the best: forms stand in the order of how usual they are.
    forms.sort_by_key(|form| std::cmp::Reverse(returning(form, stanzas)));
    let mut best = forms.swap_remove(0);
    best.extend(ends_alone.then_some(Outro));
    best
}

/// Lines of later choruses that are as long as those of the first, in permille of all of them, so that a form with many
/// choruses does not win by their number alone.
fn returning(form: &[SectionKind], stanzas: &[&[usize]]) -> usize {
    let mut choruses = form.iter().zip(stanzas).filter(|(kind, _)| **kind == SectionKind::Chorus).map(|(_, s)| *s);
    let Some(first) = choruses.next() else { return 0 };
    let (mut same, mut all) = (0, 0);
    for chorus in choruses {
        same += chorus.iter().zip(first).filter(|(a, b)| a == b).count();
        all += chorus.len().max(first.len());
    }
    same * 1000 / all.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(syllables: &[usize]) -> String {
        let plan = plan(syllables);
        plan.chunks(STANZA).map(|s| format!("{:?}", s[0].kind).chars().next().expect("a letter")).collect()
    }

    #[test]
    fn choruses_stand_where_their_lines_can_come_back() {
        assert_eq!(kinds(&[6; 4]), "V");
        assert_eq!(kinds(&[6; 8]), "VC");
        assert_eq!(kinds(&[6; 9]), "VCO");
        assert_eq!(kinds(&[5, 5, 5, 5, 7, 7, 7, 7, 5, 5, 5, 5]), "CVC");
        assert_eq!(kinds(&[5, 5, 5, 5, 7, 8, 7, 8, 6, 6, 6, 6, 7, 8, 7, 8]), "VCVC");
        assert_eq!(kinds(&[6; 24]), "VCVCBC");
        assert!(plan(&[]).is_empty());
    }

    #[test]
    fn verses_are_numbered() {
        let labels: Vec<String> = plan(&[6; 16]).iter().step_by(4).map(|s| s.label(Language::English)).collect();
        assert_eq!(labels, ["Verse 1", "Chorus", "Verse 2", "Chorus"]);
    }
}
