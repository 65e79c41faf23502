//! Which sections, how many bars each.

use crate::{composition::SectionKind, dice::Dice, wishes::Form};

/// A section before it has notes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PlannedSection {
    pub kind: SectionKind,
    /// Sections of one letter have the same tune: `A` to `D`, `S` for a solo, `K` for a break, `I` for an intro.
    pub letter: char,
    pub bars: u32,
    /// Semitones above the key of the song.
    pub transposed: i32,
    /// Where a tag begins in the tune of its letter, in bars.
    pub from_bar: u32,
}

/// Bars of a chorus, and of each of its three lines, in styles that have choruses of twelve bars.
const CHORUS: u32 = 12;
const LINE: u32 = 4;

/// What a form has to fit.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// Bars of a section, in this style.
    pub unit: u32,
    /// Bars of the chart that is played, from the first bar of the song on.
    pub chart_bars: Option<u32>,
    pub wanted: Option<&'a Form>,
    pub may_modulate: bool,
}

impl Frame<'_> {
    fn intro(&self, bars: u32) -> u32 {
        match (self.chart_bars, bars, self.unit) {
            (Some(_), ..) | (None, ..=9, _) | (None, ..=CHORUS, CHORUS) => 0,
            // A turnaround of up to four bars, so that lines of four are left.
            (None, _, CHORUS) => (bars - 1) % LINE + 1,
            (None, ..=19, _) => 2,
            (None, ..) => 4,
        }
    }

    /// Whether the form is choruses of twelve bars, with nothing that says otherwise.
    fn has_choruses(&self, bars: u32) -> bool {
        self.unit == CHORUS && self.chart_bars.is_none() && self.wanted.is_none() && bars > CHORUS
    }

    /// Bars of a section in a song of so many.
    fn section(&self, bars: u32) -> u32 {
        let body = bars - self.intro(bars);
        match self.chart_bars {
            Some(chart @ 4..=16) => chart,
            Some(chart @ 1..=3) => chart * 4u32.div_ceil(chart),
            Some(chart) if chart % 8 == 0 => 8,
            Some(_) => 4,
            None if self.unit == CHORUS && body >= CHORUS => CHORUS,
            None if self.unit != CHORUS && body / self.unit >= 3 => self.unit,
            None => 4,
        }
    }

    /// How badly so many bars divide into sections: 0 for well, about 0.03 for badly.
    pub fn misfit(&self, bars: u32) -> f64 {
        let body = bars - self.intro(bars);
        if let Some(form) = self.wanted {
            let letters = form.letters().len() as u32;
            return match body {
                _ if body.is_multiple_of(4 * letters) => 0.0,
                _ if body.is_multiple_of(2 * letters) => 0.01,
                _ if body.is_multiple_of(letters) => 0.02,
                _ => 0.03,
            };
        }
        if self.has_choruses(bars) {
            // Whole choruses, else two lines of one, behind an intro that is not cut short.
            let rest = match body % CHORUS {
                0 => 0.0,
                8 => 0.005,
                _ => 0.015,
            };
            return rest + 0.004 * f64::from(LINE - self.intro(bars));
        }
        let section = self.section(bars);
        match body % section {
            0 => 0.0,
            half if 2 * half == section || half == LINE && section == CHORUS => 0.012,
            _ => 0.03,
        }
    }
}

/// Sections that are exactly so many bars together.
pub fn plan(bars: u32, frame: &Frame<'_>, dice: &mut Dice, warnings: &mut Vec<String>) -> Vec<PlannedSection> {
    let mut intro = frame.intro(bars);
    let mut sections = Vec::new();
    let tag;
    if let Some(form) = frame.wanted {
        let letters = form.letters();
        let body = bars - intro;
        let fitting = letters.len().min(body.max(1) as usize);
        if fitting < letters.len() {
            warnings.push(format!(
                "the form {form} does not fit into {bars} bars: only its first {fitting} sections are played"
            ));
        }
        let count = fitting.max(1) as u32;
        let each =
            [4, 2, 1].into_iter().find(|step| body / count >= *step).map_or(body, |step| body / count / step * step);
        let mut rest = body - each * count;
        let more = if intro > 0 { rest.min(4 - intro.min(4)) } else { 0 };
        (intro, rest) = (intro + more, rest - more);
        // What does not divide evenly makes the last sections longer by two, and a tag.
        let longer = if each >= 4 { rest / 2 } else { 0 };
        rest -= 2 * longer.min(count);
        for (index, letter) in letters.iter().take(fitting).enumerate() {
            let is_longer = index as u32 >= count - longer.min(count);
            sections.push(section(*letter, each + if is_longer { 2 } else { 0 }));
        }
        tag = rest;
    } else if frame.has_choruses(bars) {
        sections = choruses(bars - intro, dice);
        tag = 0;
    } else {
        let unit = frame.section(bars);
        let body = bars - intro;
        let count = body / unit;
        let mut rest = body % unit;
        if count == 0 {
            sections.push(section('A', body));
            rest = 0;
        }
        let letters = letters(count, dice);
        if count == 2 && unit < CHORUS && frame.chart_bars.is_none() {
            // Two sections would leave no room for the theme to return: three shorter ones.
            let third = |place: u32| body / 3 + u32::from(body % 3 > place);
            sections.extend([section('A', third(0)), section('B', third(2)), section('A', third(1))]);
            rest = 0;
        } else {
            sections.extend(
                letters
                    .iter()
                    .map(|(letter, transposed)| PlannedSection { transposed: *transposed, ..section(*letter, unit) }),
            );
        }
        if count >= 3 && rest >= 4 && frame.chart_bars.is_none() && unit != CHORUS {
            let place = sections.len() - 1;
            sections.insert(place, PlannedSection { transposed: sections[place].transposed, ..section('K', 4) });
            rest -= 4;
        }
        let more = if intro > 0 { rest.min(4 - intro.min(4)) } else { 0 };
        (intro, rest) = (intro + more, rest - more);
        tag = rest;
    }
    if !frame.may_modulate {
        sections.iter_mut().for_each(|section| section.transposed = 0);
    }
    name(&mut sections);
    if tag > 0 {
        let last = sections.last().copied();
        let (letter, long, transposed) = last.map_or(('A', tag, 0), |last| (last.letter, last.bars, last.transposed));
        let from_bar = long.saturating_sub(tag);
        sections.push(PlannedSection { kind: SectionKind::Tag, letter, bars: tag, transposed, from_bar });
    }
    if intro > 0 {
        // Of a turnaround its end.
        let from_bar = if frame.unit == CHORUS { LINE.saturating_sub(intro) } else { 0 };
        sections.insert(0, PlannedSection { kind: SectionKind::Intro, from_bar, ..section('I', intro) });
    }
    sections.retain(|section| section.bars > 0);
    sections
}

fn section(letter: char, bars: u32) -> PlannedSection {
    PlannedSection { kind: SectionKind::A, letter, bars, transposed: 0, from_bar: 0 }
}

/// Choruses of twelve bars, the last of them from its second or third line on where not all of it has room. `bars` are whole
/// lines.
fn choruses(bars: u32, dice: &mut Dice) -> Vec<PlannedSection> {
    let (count, rest) = (bars / CHORUS, bars % CHORUS);
    let whole = |&(letter, transposed): &(char, i32)| PlannedSection { transposed, ..section(letter, CHORUS) };
    let mut sections: Vec<PlannedSection> = letters(count, dice).iter().map(whole).collect();
    if rest > 0 {
        // After a single chorus something else, after others the theme once more.
        let letter = if count == 1 { 'B' } else { 'A' };
        sections.push(PlannedSection { from_bar: CHORUS - rest, ..section(letter, rest) });
    }
    sections
}

/// Letters for so many sections, and by how much each is moved up. Long songs get solos, breaks, other themes and other keys, so
/// that they are not one chorus over and over.
fn letters(count: u32, dice: &mut Dice) -> Vec<(char, i32)> {
    let plain = |letters: &str| letters.chars().map(|letter| (letter, 0)).collect::<Vec<_>>();
    match count {
        0 => return Vec::new(),
        1 => return plain("A"),
        2 => return plain("AB"),
        3 => return plain("ABA"),
        4 => return plain(if dice.chance(0.7) { "AABA" } else { "ABAA" }),
        5 => return plain(if dice.chance(0.5) { "ABABA" } else { "AABSA" }),
        6 => return plain(if dice.chance(0.5) { "AABABA" } else { "AABSBA" }),
        7 => return plain("AABASBA"),
        8 => return plain(if dice.chance(0.5) { "AABASABA" } else { "AABACABA" }),
        _ => {}
    }
    let mut all = plain("AABA");
    const MIDDLE: [&str; 5] = ["SACA", "KCAB", "ADSA", "KABC", "DASB"];
    const STEPS: [i32; 5] = [0, 2, 5, 3, -2];
    let (turn, last) = (dice.below(MIDDLE.len()), ["A", "BA", "SBA", "KBAA"]);
    let rest = count as usize - 4;
    let tail = match rest % 4 {
        0 => 4,
        some => some,
    };
    for cycle in 0..(rest - tail) / 4 {
        let step = STEPS[(cycle + 1) % STEPS.len()];
        all.extend(MIDDLE[(cycle + turn) % MIDDLE.len()].chars().map(|letter| (letter, step)));
    }
    all.extend(plain(last[tail - 1]));
    all
}

/// What each section is there for, by its letter and what came before.
fn name(sections: &mut [PlannedSection]) {
    let mut seen = false;
    for section in sections {
        section.kind = match section.letter {
            'A' if !seen => SectionKind::A,
            'A' => SectionKind::FullA,
            'B' => SectionKind::B,
            'S' => SectionKind::Solo,
            'K' => SectionKind::Break,
            _ => SectionKind::Other,
        };
        seen |= section.letter == 'A';
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dice::Matter;

    proptest! {
        #[test]
        fn sections_are_all_the_bars_there_are(
            bars in 0u32..700, unit in prop::sample::select(vec![4u32, 8, 12]), chart in prop::option::of(1u32..40),
            form in prop::option::of("[A-D]{1,12}"), seed in any::<u64>(),
        ) {
            let form: Option<Form> = form.map(|form| form.parse().unwrap());
            let frame = Frame { unit, chart_bars: chart, wanted: form.as_ref(), may_modulate: chart.is_none() };
            let mut warnings = Vec::new();
            let sections = plan(bars, &frame, &mut Dice::new(seed, Matter::Form, 0), &mut warnings);
            prop_assert_eq!(sections.iter().map(|section| section.bars).sum::<u32>(), bars, "{:?}", sections);
            prop_assert!(frame.misfit(bars) <= 0.03);
            if let Some(form) = form.as_ref().filter(|form| bars >= 10 + form.letters().len() as u32) {
                let played: Vec<char> = sections.iter().filter(|s| !matches!(s.kind, SectionKind::Intro | SectionKind::Tag)).map(|s| s.letter).collect();
                prop_assert_eq!(&played, form.letters());
            }
            let (first, has_choruses) = (sections.first(), form.is_none() && chart.is_none() && unit == CHORUS);
            if has_choruses && bars > CHORUS {
                let intro = first.map_or(0, |intro| u32::from(intro.kind == SectionKind::Intro) * intro.bars);
                prop_assert!((1..=LINE).contains(&intro), "{:?}", sections);
                prop_assert!(sections.iter().skip(1).all(|section| section.bars + section.from_bar == CHORUS), "{:?}", sections);
                prop_assert!(bars < 17 || sections.iter().any(|section| section.letter == 'B' || section.letter == 'S'), "{:?}", sections);
            }
            if form.is_none() && chart.is_none() && bars >= 20 && unit == 8 {
                prop_assert!(sections.iter().any(|section| section.letter == 'B'), "no contrast in {} bars", bars);
                let most_alike = sections.windows(3).filter(|three| three.iter().all(|s| s.letter == three[0].letter)).count();
                prop_assert!(most_alike <= 1);
            }
        }
    }
}
