//! How a blend is built of sections.

use serde::Serialize;

/// A section of the blend.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Section {
    pub kind: SectionKind,
    pub first_bar: usize,
    pub bars: usize,
    /// 0 when its letter comes for the first time, 1 for its return, 2 and more for a varied return.
    pub occurrence: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SectionKind {
    Intro,
    /// 0 for A, 1 for B …
    Letter(u8),
    End,
}

impl Section {
    /// `intro`, `A`, `A′`, `A″`, `end`.
    pub fn label(&self) -> String {
        match self.kind {
            SectionKind::Intro => "intro".to_owned(),
            SectionKind::End => "end".to_owned(),
            SectionKind::Letter(letter) => {
                let mark = ["", "′", "″", "‴"]
                    .get(self.occurrence)
                    .map_or_else(|| (self.occurrence + 1).to_string(), |&mark| mark.to_owned());
                format!("{}{mark}", char::from(b'A' + letter))
            }
        }
    }

    pub fn end_bar(&self) -> usize {
        self.first_bar + self.bars
    }

    pub const fn letter(&self) -> Option<usize> {
        match self.kind {
            SectionKind::Letter(letter) => Some(letter as usize),
            SectionKind::Intro | SectionKind::End => None,
        }
    }

    pub fn contains(&self, bar: usize) -> bool {
        (self.first_bar..self.end_bar()).contains(&bar)
    }
}

/// Sections over exactly `bars` bars (8 or more). `letters` are those that were asked for.
pub fn lay_out(bars: usize, letters: Option<&str>) -> Vec<Section> {
    let default = default_letters(bars);
    let letters: Vec<u8> = letters.unwrap_or(default).bytes().map(|letter| letter - b'A').collect();
    let count = letters.len();
    let (mut intro, least_end) = if bars >= 28 {
        (4, 3)
    } else if bars >= 16 {
        (2, 2)
    } else {
        (0, 2)
    };
    if bars < count + intro + least_end {
        intro = 0;
    }
    let body = bars.saturating_sub(intro + least_end).max(1);
    // Letters of whole phrases of 4 bars, or of 2 or 1 where there is not room for more.
    let unit = [4, 2, 1].into_iter().find(|unit| body / unit >= count).unwrap_or(1);
    // More letters than bars: the first ones.
    let count = count.min(body);
    let units = body / unit;
    let longer = units % count;
    let mut sections = Vec::new();
    let mut at = 0;
    let mut push = |kind, bars, occurrence| {
        if bars > 0 {
            sections.push(Section { kind, first_bar: at, bars, occurrence });
            at += bars;
        }
    };
    push(SectionKind::Intro, intro, 0);
    let mut seen = [0usize; 26];
    for (index, &letter) in letters.iter().take(count).enumerate() {
        let length = unit * (units / count + usize::from(index < longer));
        let occurrence = &mut seen[usize::from(letter)];
        push(SectionKind::Letter(letter), length, *occurrence);
        *occurrence += 1;
    }
    push(SectionKind::End, bars - intro - units * unit, 0);
    sections
}

/// What suits a length: sections of about 8 bars, A coming back after everything else.
fn default_letters(bars: usize) -> &'static str {
    match bars {
        0..=15 => "AB",
        16..=35 => "ABA",
        36..=43 => "ABAC",
        44..=59 => "ABACA",
        60..=75 => "ABACABA",
        76..=99 => "AABACABCA",
        100..=139 => "AABACABDACABA",
        _ => "AABACABDACABADABACABA",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(bars: usize, letters: Option<&str>) -> String {
        lay_out(bars, letters).iter().map(|s| format!("{} {}", s.label(), s.bars)).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn forty_eight_bars_are_a_song() {
        assert_eq!(shape(48, None), "intro 4, A 8, B 8, A′ 8, C 8, A″ 8, end 4");
        assert_eq!(shape(32, None), "intro 4, A 8, B 8, A′ 8, end 4");
        assert_eq!(shape(8, None), "A 4, B 2, end 2");
        assert_eq!(shape(48, Some("AB")), "intro 4, A 20, B 20, end 4");
    }

    #[test]
    fn every_length_and_form_is_filled_exactly() {
        for bars in 8..=400 {
            for letters in [None, Some("A"), Some("ABACADABCDABACADABCDABCDAB")] {
                let sections = lay_out(bars, letters);
                let mut at = 0;
                for section in &sections {
                    assert_eq!(section.first_bar, at, "{bars} {letters:?}");
                    assert!(section.bars > 0);
                    at = section.end_bar();
                }
                assert_eq!(at, bars, "{letters:?}");
                let end = sections.last().unwrap();
                assert_eq!(end.kind, SectionKind::End);
                assert!((2..=6).contains(&end.bars), "{bars} {letters:?}: {}", shape(bars, letters));
            }
        }
    }
}
