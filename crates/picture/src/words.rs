//! Where syllables stand: each under the beginning of its note, in the first line that has room, and never over another.

use super::type_width;

/// Size of type, as the look has it.
pub(super) const SIZE: f64 = 13.0;
/// More lines than this are hard to read as one text. What finds no room even there is left to the note's own title.
pub(super) const MOST_LINES: usize = 4;
/// Between two syllables in a line: a space.
const GAP: f64 = 4.0;
/// A syllable may begin this much late to stay in its line, where it is still under its own note.
const MOST_LATE: f64 = 22.0;
/// And the one before this much early, to make room.
const MOST_EARLY: f64 = 8.0;
/// Notes nearer than this follow each other in one breath.
const BREATH: f64 = 12.0;
/// Shorter lines of a held vowel are specks.
const LEAST_HELD: f64 = 4.0;

/// A note that lies in a row, or its part that does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub left: f64,
    pub width: f64,
    /// What is sung; `None` where the vowel before is held.
    pub text: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mark {
    Word {
        left: f64,
        line: usize,
        text: String,
    },
    /// The vowel before is held: a line, as singers read it.
    Held {
        left: f64,
        right: f64,
        line: usize,
    },
}

impl Mark {
    pub(super) const fn line(&self) -> usize {
        match self {
            Self::Word { line, .. } | Self::Held { line, .. } => *line,
        }
    }
}

/// One line of text as far as it has been set.
#[derive(Clone, Copy)]
struct Line {
    end: f64,
    /// The last mark, and how far it may still move to the left.
    last: Option<(usize, f64)>,
}

impl Line {
    /// Where a syllable would begin that may begin between two places: in the first free one, or where the one before
    /// makes room.
    fn start(&self, wanted: f64, latest: f64) -> Option<f64> {
        let free = wanted.max(self.end + GAP);
        let slack = self.last.map_or(0.0, |(_, slack)| slack);
        (free - slack <= latest).then_some(free.min(latest))
    }
}

/// Places the syllables of a row between two edges, from left to right.
pub(super) fn placed(notes: &[Place<'_>], from: f64, until: f64) -> Vec<Mark> {
    let mut lines = [Line { end: f64::NEG_INFINITY, last: None }; MOST_LINES];
    let mut marks = Vec::new();
    let mut last_line = 0;
    let mut sounds_until = f64::NEG_INFINITY;
    for &Place { left, width, text } in notes {
        let follows = left - sounds_until < BREATH;
        sounds_until = left + width;
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
            // From the end of the syllable, as engravers do, or only under the note where that is far away.
            let line: &mut Line = &mut lines[last_line];
            let start = if follows { line.end + GAP / 2.0 } else { left.max(line.end + GAP / 2.0) }.max(from);
            let right = (left + width + 1.0 - GAP).min(until);
            if right - start >= LEAST_HELD {
                *line = Line { end: right, last: None };
                marks.push(Mark::Held { left: start, right, line: last_line });
            }
            continue;
        };
        let text = type_width::fitted(text, until - from, |text| type_width::width(text, SIZE));
        let length = type_width::width(&text, SIZE);
        // The last syllable of a row begins early rather than run out of the picture.
        let wanted = left.min(until - length).max(from);
        let latest = (left + MOST_LATE.min(width / 2.0)).min(until - length).max(wanted);
        let found = lines.iter().enumerate().find_map(|(at, line)| Some((at, line.start(wanted, latest)?)));
        let Some((at, start)) = found else { continue };
        let line = &mut lines[at];
        let needed = line.end + GAP - start;
        if let (Some((before, _)), true) = (line.last, needed > 0.0)
            && let Some(Mark::Word { left: moved, .. }) = marks.get_mut(before)
        {
            *moved -= needed;
            line.end -= needed;
        }
        let slack = (start - left + MOST_EARLY).min(start - (line.end + GAP).max(from)).max(0.0);
        *line = Line { end: start + length, last: Some((marks.len(), slack)) };
        last_line = at;
        marks.push(Mark::Word { left: start, line: at, text });
    }
    marks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EDGES: (f64, f64) = (46.0, 700.0);

    /// Left and right of a mark.
    fn span(mark: &Mark) -> (f64, f64) {
        match mark {
            Mark::Word { left, text, .. } => (*left, left + type_width::width(text, SIZE)),
            Mark::Held { left, right, .. } => (*left, *right),
        }
    }

    fn lines(marks: &[Mark]) -> Vec<usize> {
        marks.iter().map(Mark::line).collect()
    }

    fn row(texts: &[&'static str], step: f64) -> Vec<Place<'static>> {
        let place = |(at, text): (usize, &&'static str)| Place {
            left: 50.0 + at as f64 * step,
            width: step - 1.0,
            text: (!text.is_empty()).then_some(*text),
        };
        texts.iter().enumerate().map(place).collect()
    }

    #[test]
    fn syllables_with_room_beside_them_share_one_line() {
        let little = ["lil-", "ting", "il-", "li-", "it", "is", "still", "fly-", "ing"];
        assert_eq!(lines(&placed(&row(&little, 34.0), EDGES.0, EDGES.1)), [0; 9]);
        let shifted = placed(&row(&["straight", "on"], 52.0), EDGES.0, EDGES.1);
        assert_eq!(lines(&shifted), [0, 0], "a little late, but under its note");
        assert_eq!(lines(&placed(&row(&["straight", "on", "to"], 30.0), EDGES.0, EDGES.1)), [0, 1, 0]);
        let roomy = Place { left: 100.0, width: 30.0, text: Some("there's") };
        let marks = placed(&[roomy, Place { left: 131.0, width: 35.0, text: Some("a") }], EDGES.0, EDGES.1);
        assert_eq!(lines(&marks), [0, 0], "one early, the other late");
    }

    #[test]
    fn a_vowel_is_held_in_the_line_of_its_syllable() {
        let marks = placed(&row(&["straight", "straight", "", "straight"], 30.0), EDGES.0, EDGES.1);
        assert_eq!(lines(&marks), [0, 1, 0], "the second line has no room for a held vowel yet");
        let marks = placed(&row(&["straight", "on", "", ""], 30.0), EDGES.0, EDGES.1);
        assert_eq!(lines(&marks), [0, 1, 1, 1]);
    }

    #[test]
    fn the_last_syllable_stays_inside_the_picture() {
        let last = Place { left: 690.0, width: 9.0, text: Some("through-") };
        let marks = placed(&[last], EDGES.0, EDGES.1);
        assert!((span(&marks[0]).1 - EDGES.1).abs() < 1e-6);
        let endless = "la".repeat(500);
        let marks = placed(&[Place { text: Some(&endless), ..last }], EDGES.0, EDGES.1);
        assert!(
            span(&marks[0]).1 <= EDGES.1 + 1e-6 && matches!(&marks[0], Mark::Word { text, .. } if text.ends_with('…'))
        );
    }

    proptest! {
        /// Nothing overlaps, nothing leaves the picture, and what stands lower had no room above.
        #[test]
        fn no_two_overlap_and_none_moves_down_without_need(
            notes in prop::collection::vec((2.0..90.0, prop::option::weighted(0.8, "[a-zñ‿W-]{1,9}")), 1..60),
        ) {
            let mut left = EDGES.0;
            let places: Vec<Place<'_>> = notes.iter().map_while(|(width, text)| {
                let place = Place { left, width: width - 1.0, text: text.as_deref() };
                left += width;
                (left < EDGES.1).then_some(place)
            }).collect();
            let marks = placed(&places, EDGES.0, EDGES.1);
            for (index, mark) in marks.iter().enumerate() {
                let (start, end) = span(mark);
                prop_assert!(start >= EDGES.0 - 1e-6 && end <= EDGES.1 + 1e-6);
                let on_line = |line: usize| marks[..index].iter().filter(move |before| before.line() == line);
                prop_assert!(on_line(mark.line()).all(|before| span(before).1 < start));
                if let Mark::Word { line, .. } = mark {
                    for above in 0..*line {
                        prop_assert!(on_line(above).any(|before| span(before).1 + GAP > start));
                    }
                }
            }
        }
    }
}
