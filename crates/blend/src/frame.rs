//! Bars of a song as bars of the blend: which of its beats come to lie where.

use music::analysis::Analysis;

use crate::role::Role;

/// How much two lengths of a bar may differ and still be the same, in beats.
const SAME: f64 = 0.1;

/// A stretch of a source bar inside a bar of the blend, in beats of the blend.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Piece {
    pub source_bar: usize,
    /// Where it begins in the source bar, and how long it is.
    pub from: f64,
    pub length: f64,
    /// Where it begins in the bar of the blend, before [`FrameBar::fit`].
    pub at: f64,
}

/// A bar of the blend that is made of one song.
#[derive(Clone, PartialEq, Debug)]
pub struct FrameBar {
    pub pieces: Vec<Piece>,
    pub fit: Fit,
}

/// How what the source has is brought to the length of a bar.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Fit {
    /// It has that length, or less (a pickup, the end).
    Same,
    /// Three beats in a bar of four: melodies hold their last note, accompaniments repeat their second beat.
    ThreeInFour,
    /// Four beats in a bar of three: melodies play the last two in one, accompaniments leave one out.
    FourInThree,
    /// Anything else that is too long is squeezed by this factor.
    Squeezed(f64),
}

/// Beats of the blend per quarter of a source bar.
pub fn beats_per_quarter(analysis: &Analysis, bar: usize, scale: f64) -> f64 {
    scale / analysis.bars[bar].beat_quarters().max(1e-3)
}

/// The bars that a song gives. Short ones are joined, long ones divided. `beats` is 3 or 4; `scale` as
/// [`crate::target::Target::scales`] has it.
pub fn frame(analysis: &Analysis, scale: f64, beats: f64) -> Vec<FrameBar> {
    let mut bars: Vec<FrameBar> = Vec::new();
    let mut open: Vec<Piece> = Vec::new();
    let mut filled = 0.0;
    for (index, bar) in analysis.bars.iter().enumerate() {
        let begins_section = analysis.form.sections.iter().any(|section| section.bars.start == index);
        if begins_section {
            close(&mut bars, &mut open, &mut filled, beats);
        }
        let effective = bar.quarters * beats_per_quarter(analysis, index, scale);
        let parts = division(effective, beats);
        let length = effective / parts as f64;
        for part in 0..parts {
            let is_short = length <= beats / 2.0 + SAME;
            if !is_short || filled + length > beats + SAME {
                close(&mut bars, &mut open, &mut filled, beats);
            }
            open.push(Piece { source_bar: index, from: part as f64 * length, length, at: filled });
            filled += length;
            if !is_short || filled > beats - SAME {
                close(&mut bars, &mut open, &mut filled, beats);
            }
        }
    }
    close(&mut bars, &mut open, &mut filled, beats);
    bars
}

/// Into how many bars of the blend a source bar of `effective` beats is divided.
fn division(effective: f64, beats: f64) -> usize {
    if effective <= beats + 1.0 + SAME {
        return 1;
    }
    // Two bars of three become two of four, rather than one and a half.
    let whole = [beats, 3.0, 4.0].into_iter().find(|unit| {
        let count = effective / unit;
        count >= 2.0 - 1e-6 && (count - count.round()).abs() < 0.05
    });
    let unit = whole.unwrap_or(beats);
    (effective / unit).round().clamp(1.0, 16.0) as usize
}

fn close(bars: &mut Vec<FrameBar>, open: &mut Vec<Piece>, filled: &mut f64, beats: f64) {
    if open.is_empty() {
        return;
    }
    let fit = if *filled <= beats + SAME && (*filled - 3.0).abs() < SAME && beats > 3.5 {
        Fit::ThreeInFour
    } else if (*filled - 4.0).abs() < SAME && beats < 3.5 {
        Fit::FourInThree
    } else if *filled > beats + SAME {
        Fit::Squeezed(beats / *filled)
    } else {
        Fit::Same
    };
    let mut pieces = std::mem::take(open);
    if bars.is_empty() && fit == Fit::Same && *filled < beats - SAME {
        // A pickup stands at the end of its bar.
        let room = beats - *filled;
        pieces.iter_mut().for_each(|piece| piece.at += room);
    }
    bars.push(FrameBar { pieces, fit });
    *filled = 0.0;
}

impl Fit {
    /// Where a moment of the joined source comes to lie, and by what its lengths are multiplied; `None` for what is left
    /// out. A role of a line keeps every note.
    pub fn place(self, role: Role, at: f64) -> Option<(f64, f64)> {
        match self {
            Self::Same | Self::ThreeInFour => Some((at, 1.0)),
            Self::Squeezed(factor) => Some((at * factor, factor)),
            Self::FourInThree => match role {
                Role::Melody | Role::CounterMelody if at < 2.0 => Some((at, 1.0)),
                Role::Melody | Role::CounterMelody => Some((2.0 + (at - 2.0) / 2.0, 0.5)),
                Role::Chords | Role::Bass => (at < 3.0 - 1e-6).then_some((at, 1.0)),
                // The back beat of four is that of three.
                Role::Drums if at < 2.0 - 1e-6 => Some((at, 1.0)),
                Role::Drums => (at >= 3.0 - 1e-6).then_some((at - 1.0, 1.0)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_bars_are_divided() {
        let check =
            |effective, beats, expected| assert_eq!(division(effective, beats), expected, "{effective} {beats}");
        check(4.0, 4.0, 1);
        check(3.0, 4.0, 1);
        check(5.0, 4.0, 1);
        check(8.0, 4.0, 2);
        check(6.0, 4.0, 2);
        check(6.0, 3.0, 2);
        check(4.0, 3.0, 1);
        check(8.0, 3.0, 2);
    }

    #[test]
    fn lines_keep_their_notes_in_three() {
        assert_eq!(Fit::FourInThree.place(Role::Melody, 3.0), Some((2.5, 0.5)));
        assert_eq!(Fit::FourInThree.place(Role::Drums, 3.0), Some((2.0, 1.0)));
        assert_eq!(Fit::FourInThree.place(Role::Drums, 2.0), None);
        assert_eq!(Fit::FourInThree.place(Role::Bass, 3.0), None);
    }
}
